"""Control networks of Meissner-Bernard, Zenke & Friedrich (eLife 2025, RP96303, Figs 2-S1, 4-S2 and 4-S3).

`tuned adjusted` and `scaled adjusted` have the paper's mean enrichment, so that assemblies fire as in random and in
tuned E+I networks. `excitable` is a random network whose pseudo-assemblies of the learned odours are more excitable,
in proportion to the odour's concentration, until they fire as assemblies of tuned E+I do. The paper lowers their leak;
here they receive a current instead, for the simulator has one leak for all E neurons.

`simple` networks have I neurons with all parameters of E neurons; those of the paper are not published. Here both have
those of family A's E neurons without adaptation (its subthreshold part is kept as leak, at the same capacitance), and I
neurons receive what E neurons do: the same connection probabilities and strengths from mitral cells and E neurons.
Nothing else is changed, and the random network answers odours with 1.0 Hz.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq

from .assemblies import REGIMES, choose_members, make_regime
from .network import EIAssemblyNetwork
from .odours import odour_blocks
from .parameters import EIAssemblyModel
from .setting import PRESENTED, ROOM, Setting
from .simulation import Injection, SpikeCapacityError, run

# α 3.7, χ 1.07 and α 5, β 11.5, γ as in tuned E+I: connections from within, of 100 E and 25 I members at 5 %
ADJUSTED: dict[str, tuple[str, dict[str, int], float]] = {
    "tuned adjusted": ("tuned E+I", {"e_e": 25, "i_e": 14}, 1.0),
    "scaled adjusted": ("scaled I", {"e_e": 18}, 1.07),
}
EXCITABLE, ODOUR_CHOSEN = "excitable", "I by odour"
INHIBITORY_TARGETS = (5, 10, 15, 20, 25)


def adjusted_network(given: Setting, name: str) -> EIAssemblyNetwork:
    """One of `ADJUSTED`."""
    regime, targets, scaling = ADJUSTED[name]
    if regime == "tuned E+I":
        targets = {**targets, "e_i": 13 if given.base.model.probability_e_i <= 0.02 else REGIMES[regime]["e_i"]}
    return given.network(regime, targets=targets, scaling=scaling)


def simple_model() -> EIAssemblyModel:
    """Parameters of `simple` networks."""
    model = EIAssemblyModel()
    leak = model.leak_excitatory + model.adaptation_coupling
    tau = model.tau_excitatory * model.leak_excitatory / leak
    return model.with_(
        adaptation_coupling=0.0, adaptation_jump=0.0, tau_excitatory=tau, tau_inhibitory=tau, leak_excitatory=leak,
        leak_inhibitory=leak, rest_inhibitory=model.rest_excitatory, threshold_inhibitory=model.threshold_excitatory,
        strength_e_i=model.strength_e_e, strength_o_i=model.strength_o_e, probability_e_i=model.probability_e_e,
        probability_o_i=model.probability_o_e,
    )  # fmt: skip


def excitation(given: Setting, rate: float, precision: str = "float64") -> float:
    """Current (pA) with which the pseudo-assemblies of the first two odours answer them at a rate (Hz).

    Raises
    ------
    ValueError
        If no current up to 200 pA does.
    """
    mitral = odour_blocks(given.odours, [0, 1], seed=given.seed + 90, n_mitral=given.cells)

    def excess(current: float) -> float:
        injections = [
            Injection(given.members[0][odour], current, on, off)
            for odour, on, off in zip((0, 1), mitral.on, mitral.off, strict=True)
        ]
        done = run(given.base, mitral, injections=injections, precision=precision, maximum_rate=ROOM)
        return float(np.mean([done.patterns()[odour, given.members[0][odour]].mean() for odour in (0, 1)])) - rate

    if excess(0.0) >= 0:
        return 0.0
    if excess(200.0) <= 0:
        raise ValueError(f"no current up to 200 pA makes the pseudo-assemblies fire at {rate:g} Hz")
    return float(brentq(excess, 0.0, 200.0, xtol=0.2))


def odour_chosen_measures(given: Setting, *, precision: str = "float64") -> dict[str, float]:
    """Whether any enrichment of I→E keeps the rate to learned odours where random networks have it.

    With I members chosen by their inputs from the odour, and from the assembly; with E→I enriched as in tuned E+I, and
    not. ``…_deviation`` is the smallest relative deviation from the random network's rate over all of these.
    """
    mitral = odour_blocks(given.odours, list(range(PRESENTED)), seed=given.seed + 5, n_mitral=given.cells)
    by_odour = choose_members(
        given.base, given.odours.chosen(list(range(len(given.members[0])))), seed=given.seed + 3,
        inhibitory_by_odour=True,
    )  # fmt: skip

    def rate(network: EIAssemblyNetwork) -> float:
        try:
            done = run(network, mitral, precision=precision, maximum_rate=ROOM)
        except SpikeCapacityError:
            return ROOM  # at least
        return float(done.patterns()[:, : int(network.model.n_excitatory)].mean())

    usual = rate(given.base)
    result = {}
    for name, members in (("by_odour", by_odour), ("by_assembly", given.members)):
        rates = []
        for with_e_i in (False, True):
            for target in INHIBITORY_TARGETS:
                targets: dict[str, Any] = {"e_e": REGIMES["tuned I"]["e_e"], "i_e": target}
                if with_e_i:
                    targets["e_i"] = 13 if given.base.model.probability_e_i <= 0.02 else REGIMES["tuned E+I"]["e_i"]
                built = make_regime(given.base, members, "tuned E+I", seed=given.seed + 4, targets=targets)
                rates.append(rate(built))
        result[f"{name}_deviation"] = float(np.min(np.abs(np.array(rates) / usual - 1)))
        result[f"{name}_rate"] = float(min(rates, key=lambda value: abs(value / usual - 1)))
    return result
