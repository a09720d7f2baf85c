"""The published experiment on networks of our own, and how many memories a network holds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from . import activity, manifolds, measures
from .assemblies import REGIMES, choose_members, make_regime
from .odours import draw_odours, odour_blocks
from .parameters import EIAssemblyModel
from .simulation import SpikeCapacityError, run
from .wiring import random_network

if TYPE_CHECKING:
    import pandas


def published_experiment(
    seeds: Sequence[int],
    *,
    family: str = "A",
    regimes: Sequence[str] = tuple(REGIMES),
    trajectories: int = 8,
    precision: str = "float32",
    threads: int = 1,
) -> pandas.DataFrame:
    """Everything the claims need, for networks of our own.

    Parameters
    ----------
    seeds : sequence of int
        One network each, the same wiring, odours and members in every regime.
    family : {"A", "B", "C", "D"}
        Strengths and probabilities.
    regimes : sequence of str
        Which of `REGIMES`.
    trajectories : int
        Walks through the 121 mixtures, 0 to leave them out; the paper walks 8.
    precision : {"float64", "float32"}
        Of the walks; all else runs in float64.
    threads : int
        Networks at a time. The numbers do not depend on it.

    Returns
    -------
    pandas.DataFrame
        One row for each seed and regime; ``claims_table`` reads it.
    """
    import pandas

    def one(job: tuple[int, str]) -> dict[str, object]:
        seed, regime = job
        given = measures.setting(seed, family=family)
        network = given.network(regime)
        row: dict[str, object] = {"seed": seed, "family": family, "regime": regime}
        row |= measures.odour_measures(network, given)
        row |= measures.morph_measures(network, given)
        if network.assemblies:
            row |= measures.stimulation_measures(network, given)
        row |= measures.two_more_measures(network, given, regime)
        if trajectories:
            found = measures.run_subspace(network, given, trajectories=trajectories, precision=precision)
            row |= measures.subspace_measures(found, seed)
        return row

    jobs = [(seed, regime) for seed in seeds for regime in regimes]
    with ThreadPoolExecutor(threads) as pool:
        return pandas.DataFrame(list(pool.map(one, jobs)))


def capacity_experiment(
    seeds: Sequence[int],
    *,
    memories: Sequence[int] = (15, 30, 60, 120),
    regimes: Sequence[str] = ("scaled I", "tuned I", "tuned E+I"),
    family: str = "A",
    presented: int = 10,
    precision: str = "float32",
) -> pandas.DataFrame:
    """Rates, co-tuning and dimensionality as memories are added and nothing is re-tuned.

    Returns
    -------
    pandas.DataFrame
        One row for each seed, regime and number of memories: rate to the memories written first and last, to novel
        odours, of an assembly, persistence, co-tuning of members, correlation of patterns between memories and over
        trials, participation ratio of the responses to the learned odours. A network that runs away has nan rates and
        ``runaway`` True.
    """
    import pandas

    rows: list[dict[str, object]] = []
    for seed in seeds:
        base = random_network(EIAssemblyModel.family(family), seed=seed + 1)
        odours = draw_odours(max(memories) + presented, seed=seed + 2)
        members = choose_members(base, odours.chosen(list(range(max(memories)))), seed=seed + 3)
        for regime in regimes:
            for number in memories:
                network = make_regime(base, (members[0][:number], members[1][:number]), regime, seed=seed + 4)
                ends = list(range(presented)), list(range(number - presented, number))
                novel = list(range(max(memories), max(memories) + presented))
                mitral = odour_blocks(odours, [*ends[0], *ends[0], *ends[1], *novel], seed=seed + 5)
                row: dict[str, object] = {"seed": seed, "regime": regime, "memories": number, "runaway": False}
                try:
                    done = run(
                        network, mitral, windows=activity.response_windows(mitral), precision=precision,
                        maximum_rate=measures.ROOM,
                    )  # fmt: skip
                except SpikeCapacityError:
                    rows.append({**row, "runaway": True})
                    continue
                n = int(network.model.n_excitatory)
                p = done.patterns()[:, :n]
                first, again, last, new = (p[k * presented : (k + 1) * presented] for k in range(4))
                evoked = activity.evoked_conductances(done)
                learned = activity.EvokedConductances(*(part[: 3 * presented] for part in evoked))
                own = np.unique(network.excitatory_members[: ends[0][-1] + 1])
                row |= {
                    "first": float(first.mean()), "last": float(last.mean()), "novel": float(new.mean()),
                    "assembly_first": float(np.mean([first[k, network.excitatory_members[k]].mean() for k in ends[0]])),
                    "assembly_last": float(
                        np.mean([a[network.excitatory_members[k]].mean() for a, k in zip(last, ends[1], strict=True)])
                    ),
                    "baseline": float(np.mean([done.rates(on - 0.5, on)[:n].mean() for on in mitral.on])),
                    "cotuning": float(np.nanmean(activity.cotuning(learned, own))),
                    "pair_correlation": activity.pattern_correlation(first),
                    "trial_correlation": float(
                        np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(first, again, strict=True)])
                    ),
                    "participation_ratio": manifolds.participation_ratio(first),
                }  # fmt: skip
                rows.append(row)
    return pandas.DataFrame(rows)
