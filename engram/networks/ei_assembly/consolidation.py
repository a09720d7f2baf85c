"""Memory meets consolidation: assemblies whose rewired connections are as strong as a memory trace is.

A trace of the consolidation models (early and late strength together) scales what was rewired for its memory: at
strength 1 whole connections were moved into the assembly, at 0 none. The mapping is linear; that is an assumption.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...consolidation.model import Run
from ...protocol import Encode, Protocol, Reactivate, Release, Test
from ...units import day, hour, minute
from . import activity
from .network import EIAssemblyNetwork
from .odours import odour_blocks
from .setting import Setting
from .simulation import run

if TYPE_CHECKING:
    import pandas

CONDITIONS = ("neutral", "emotional", "reactivated")


def consolidated_network(given: Setting, trace: Run, names: Sequence[str], at: float, regime: str) -> EIAssemblyNetwork:
    """The network at a time of a consolidation run: memory k as strong as the trace ``names[k]`` is at ``at`` (s).

    Strengths outside 0…1 count as 0 or 1 (a depressed trace is no assembly).
    """
    strengths = [float(np.clip(trace.strength(name, at=at), 0.0, 1.0)) for name in names]
    return given.network(regime, strength=strengths)


def one_among_many(condition: str, names: Sequence[str], strength: float = 0.6, spacing: float = minute) -> Protocol:
    """Memories encoded on one day, and the first of ``names`` a day later.

    In ``"emotional"`` dopamine is released 5 min after it; in ``"reactivated"`` it is reactivated half an hour after,
    with surprise. The others' tags are gone by then.
    """
    if condition not in CONDITIONS:
        raise ValueError(f"condition {condition!r} is not one of {', '.join(CONDITIONS)}")
    events: list[Any] = [Encode(name, at=k * spacing, strength=strength) for k, name in enumerate(names[1:])]
    events.append(Encode(names[0], at=day, strength=strength))
    if condition == "emotional":
        events.append(Release("dopamine", at=day + 5 * minute, dose=1.0))
    if condition == "reactivated":
        events.append(Reactivate(names[0], at=day + 30 * minute, cue=1.0, prediction_error=0.5, duration=60.0))
    return Protocol(*events, Test(names[0], at=2 * day))


def consolidation_experiment(
    given: Setting,
    model: Any,
    *,
    regime: str = "tuned E+I",
    delays: Sequence[float] = (1 * hour, 24 * hour),
    strength: float = 0.6,
    trials: int = 4,
    precision: str = "float64",
) -> pandas.DataFrame:
    """How a neutral, an emotional and a reactivated memory sit among the others an hour and a day later.

    Parameters
    ----------
    given : Setting
        Network, odours and members, from `setting.setting`.
    model : ConsolidationModel
        For example ``ThresholdCapture(durable_fraction=0.3)``: without a durable fraction the others are gone.
    regime : str
        Of the assemblies.
    delays : sequence of float
        Seconds after the memory in question was encoded.
    strength : float
        Of every encoding.
    trials : int
        Presentations of its odour.
    precision : {"float64", "float32"}

    Returns
    -------
    pandas.DataFrame
        For each condition and delay: strength of the trace and mean strength of the others, rate of its assembly and of
        the others', rate of all E neurons, co-tuning of its members, correlation over trials.
    """
    import pandas

    names = [f"memory {k}" for k in range(len(given.members[0]))]
    rows = []
    for condition in CONDITIONS:
        trace = model.run(one_among_many(condition, names, strength))
        for delay in delays:
            network = consolidated_network(given, trace, names, day + delay, regime)
            order = [0] * trials + list(range(1, 10))
            mitral = odour_blocks(given.odours, order, seed=given.seed + 90, n_mitral=given.cells)
            done = run(network, mitral, windows=activity.response_windows(mitral), precision=precision,
                       maximum_rate=40.0)  # fmt: skip
            n = int(network.model.n_excitatory)
            patterns, evoked = done.patterns()[:, :n], activity.evoked_conductances(done)
            every = [trial for trial in range(len(order)) if trial == 0 or trial >= trials]
            distinct = activity.EvokedConductances(*(part[every] for part in evoked))
            members = network.excitatory_members
            others = [patterns[trials + k, members[1 + k]].mean() for k in range(9)]
            pairs = np.corrcoef(patterns[:trials])[np.triu_indices(trials, 1)]
            rows.append(
                {
                    "condition": condition, "delay": delay, "strength": float(trace.strength(names[0], at=day + delay)),
                    "strength_others": float(np.mean([trace.strength(name, at=day + delay) for name in names[1:]])),
                    "assembly_rate": float(patterns[:trials, members[0]].mean()),
                    "assembly_rate_others": float(np.mean(others)), "rate": float(patterns[:trials].mean()),
                    "cotuning": float(np.nanmean(activity.cotuning(distinct, members[0]))),
                    "trial_correlation": float(pairs.mean()),
                }
            )  # fmt: skip
    return pandas.DataFrame(rows)
