"""Two perturbations whose outcome the mean-field theory predicts (`theory.balanced_network`)."""

from __future__ import annotations

import numpy as np

from .odours import odour_blocks
from .setting import ROOM, Setting
from .simulation import Injection, SpikeCapacityError, run

CURRENTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)  # pA


def inhibitory_current_response(given: Setting, current: float, *, precision: str = "float32") -> dict[str, float]:
    """Rates (Hz) of E and I neurons of the random network while a current (pA) flows into every I neuron.

    ``…_odour`` from 0.5 to 1.5 s after the onset of three odours, ``…_quiet`` in the half second before it.
    """
    mitral = odour_blocks(given.odours, [0, 1, 2], seed=given.seed + 7, n_mitral=given.cells)
    n, cells = int(given.base.model.n_excitatory), given.base.model.n_neurons
    injections = [Injection(np.arange(n, cells), current, 0.0, mitral.duration)] if current else []
    done = run(given.base, mitral, injections=injections, precision=precision, maximum_rate=ROOM)
    odour = np.mean([done.rates(on + 0.5, on + 1.5) for on in mitral.on], axis=0)
    quiet = np.mean([done.rates(on - 0.5, on) for on in mitral.on], axis=0)
    return {
        "e_odour": float(odour[:n].mean()), "i_odour": float(odour[n:].mean()),
        "e_quiet": float(quiet[:n].mean()), "i_quiet": float(quiet[n:].mean()),
    }  # fmt: skip


def enriched_rates(given: Setting, enrichment: float, *, precision: str = "float32") -> tuple[float, float]:
    """Rates (Hz) of E assemblies whose E→E connections are so many times as probable inside, and of all E neurons.

    To the assemblies' own odours; nothing else is changed (χ = 1). nan where the whole network fires with more than
    80 Hz.
    """
    members = given.members[0].shape[1]
    target = round(enrichment * members * given.base.model.probability_e_e)
    network = given.network("scaled I", scaling=1.0, targets={"e_e": target})
    mitral = odour_blocks(given.odours, [0, 1, 2], seed=given.seed + 7, n_mitral=given.cells)
    try:
        patterns = run(network, mitral, precision=precision, maximum_rate=2 * ROOM).patterns()
    except SpikeCapacityError:
        return float("nan"), float("nan")
    own = np.mean([patterns[row, given.members[0][row]].mean() for row in range(3)])
    return float(own), float(patterns[:, : int(network.model.n_excitatory)].mean())
