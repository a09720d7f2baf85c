"""The published experiment on networks of our own."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import controls, measures
from .assemblies import REGIMES
from .concentration import concentration_measures
from .representation import plane, run_subspace, subspace_measures
from .setting import Setting, setting

if TYPE_CHECKING:
    import pandas

TRAJECTORIES = 8
SIMPLE = "simple "  # before the name of a regime
CONTROLS = (*controls.ADJUSTED, controls.EXCITABLE, controls.ODOUR_CHOSEN)
SIMPLE_REGIMES = tuple(SIMPLE + regime for regime in REGIMES)


class NetworkResults(NamedTuple):
    """What is measured on one network: a row of numbers, and two curves where they were asked for."""

    row: dict[str, object]
    morph: measures.Morph | None  # of the four regimes
    plane: np.ndarray | None  # [mixture, 2], from `representation.plane`


def network_results(
    seed: int, regime: str, family: str = "A", *, trajectories: int = TRAJECTORIES, precision: str = "float32"
) -> NetworkResults:
    """Everything that is measured on one network.

    Parameters
    ----------
    seed : int
        Same seed, same wiring, odours and members in every regime. Seeds should lie at least 100 apart.
    regime : str
        One of `REGIMES`, of `CONTROLS`, or of `SIMPLE_REGIMES`.
    family : {"A", "B", "C", "D"}
        Strengths and probabilities; of no consequence in simple networks.
    trajectories : int
        Walks through the 121 mixtures: 1, 2, 4 or 8 as in the paper, or 0 to leave them out.
    precision : {"float64", "float32"}

    Raises
    ------
    ValueError
        If there is no such regime or family.
    """
    if regime not in (*REGIMES, *CONTROLS, *SIMPLE_REGIMES):
        raise ValueError(f"regime {regime!r} is not one of {', '.join((*REGIMES, *CONTROLS, *SIMPLE_REGIMES))}")
    simple = regime.startswith(SIMPLE)
    given = setting(seed, family, model=controls.simple_model() if simple else None)
    row: dict[str, object] = {"seed": seed, "family": "simple" if simple else family, "regime": regime}
    if regime == controls.ODOUR_CHOSEN:
        return NetworkResults(row | controls.odour_chosen_measures(given, precision=precision), None, None)
    excitation, morph = 0.0, None
    if regime == controls.EXCITABLE:
        network = given.network("random")
        row["excitation"] = excitation = _excitation(given, precision)
    else:
        adjusted = regime in controls.ADJUSTED
        network = controls.adjusted_network(given, regime) if adjusted else given.network(regime.removeprefix(SIMPLE))
        row |= measures.odour_measures(network, given, precision=precision)
    if regime in REGIMES:
        morph = measures.morph_responses(network, given, precision=precision)
        row |= measures.morph_measures(morph)
        row |= measures.stimulation_measures(network, given, precision=precision)
        row |= measures.two_more_measures(network, given, regime, precision=precision)
    if not trajectories:
        return NetworkResults(row, morph, None)
    found = run_subspace(network, given, trajectories=trajectories, precision=precision, excitation=excitation)
    row |= subspace_measures(found, seed)
    if regime in REGIMES:
        row |= concentration_measures(found, seed)
    return NetworkResults(row, morph, plane(found))


def odour_results(seed: int, regime: str, family: str = "A", *, precision: str = "float32") -> dict[str, object]:
    """The part of a row of `published_experiment` that needs no more than odours: rates, balance, variability."""
    given = setting(seed, family)
    return {
        "seed": seed, "family": family, "regime": regime,
        **measures.odour_measures(given.network(regime), given, precision=precision),
    }  # fmt: skip


def _excitation(given: Setting, precision: str) -> float:
    tuned = measures.odour_measures(given.network("tuned E+I"), given, precision=precision)
    return controls.excitation(given, tuned["assembly_e"], precision)


def published_experiment(
    seeds: Sequence[int],
    *,
    families: Sequence[str] = ("A",),
    regimes: Sequence[str] = tuple(REGIMES),
    trajectories: int = TRAJECTORIES,
    precision: str = "float32",
    threads: int = 1,
) -> pandas.DataFrame:
    """Everything the claims need, for networks of our own.

    Parameters
    ----------
    seeds : sequence of int
        One network each, the same wiring, odours and members in every regime.
    families : sequence of {"A", "B", "C", "D"}
        Strengths and probabilities of the seeds in turn.
    regimes : sequence of str
        Which of `REGIMES`, `CONTROLS` and `SIMPLE_REGIMES`.
    trajectories, precision
        As in `network_results`.
    threads : int
        Networks at a time. The numbers do not depend on it.

    Returns
    -------
    pandas.DataFrame
        One row for each seed and regime; ``claims_table`` reads it.
    """
    import pandas

    jobs = [(seed, families[k % len(families)], regime) for k, seed in enumerate(seeds) for regime in regimes]
    with ThreadPoolExecutor(threads) as pool:
        rows = pool.map(
            lambda job: network_results(job[0], job[2], job[1], trajectories=trajectories, precision=precision).row,
            jobs,
        )
        return pandas.DataFrame(list(rows))
