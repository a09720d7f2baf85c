"""How many people it takes: power and false positives of connectome-based prediction and of regional analyses.

People are drawn without replacement from a pool whose brains are simulated once; their gains and answers are drawn
anew for every cohort, under three truths. What is found under a truth that does not hold it is a false positive.

networks   the account: gain comes from networks (``account.network_share``) and from no region
region     gain comes from one region, with the same share, and from no network
nothing    gain comes from neither
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas
from scipy.stats import binomtest

from ..execution import Workers, completed
from .account import Account, Cohort, simulate_people
from .prediction import predict_behaviour
from .regions import regional_analysis

TRUTHS = ("networks", "region", "nothing")
HOLDS = {"networks": "connectome", "region": "regions", "nothing": ""}  # what each truth lets one find


def power_curve(
    account: Account,
    people: Sequence[int],
    *,
    cohorts: int = 40,
    permutations: int = 39,
    folds: int = 5,
    pool: int = 3000,
    level: float = 0.05,
    truths: Sequence[str] = TRUTHS,
    seed: int = 1,
    workers: Workers = None,
    progress: Callable[[int], Any] | None = None,
) -> pandas.DataFrame:
    """How often either analysis finds something, against the number of people.

    Parameters
    ----------
    account : Account
    people : sequence of int
        At most ``pool``; cohorts of nearly as many are much the same brains.
    cohorts, permutations, folds, pool : int
        (1 + permutations)·level should be a whole number, or the tests are stricter than the level.
    level : float
    truths : sequence of {"networks", "region", "nothing"}
    seed, workers, progress
        As everywhere; progress is called with the number of a cohort that has ended.

    Returns
    -------
    DataFrame
        A row a truth, number of people and analysis: truth, people, analysis ("connectome": both networks; "regions":
        any region, family-wise), kind ("power" or "false positives"), found (share of the cohorts), lower, upper
        (exact 95 %), mean_r (of the prediction; of the region that is largest).
    """
    if not len(people) or cohorts < 1:
        raise ValueError(f"people is {list(people)} and cohorts {cohorts}; give at least one of either")
    if max(people) > pool:
        raise ValueError(f"people goes to {max(people)} and the pool has {pool}; enlarge the pool")
    unknown = [truth for truth in truths if truth not in TRUTHS]
    if unknown:
        raise ValueError(f"truths has {unknown[0]!r}; use {', '.join(TRUTHS)}")
    asked = [(truth, n, k) for truth in truths for n in people for k in range(cohorts)]
    tasks = [(account, truth, n, k, pool, permutations, folds, seed) for truth, n, k in asked]
    results = completed(_analysed, tasks, workers=workers, progress=progress)
    rows = [
        dict(truth=truth, people=n, analysis=analysis, p=p, r=r)
        for (truth, n, _), found in zip(asked, results, strict=True)
        for analysis, (p, r) in found.items()
    ]
    made = []
    for (truth, n, analysis), group in pandas.DataFrame(rows).groupby(["truth", "people", "analysis"], sort=False):
        hits = int((group.p <= level + 1e-12).sum())
        ends = binomtest(hits, len(group)).proportion_ci(0.95)
        kind = "power" if HOLDS[str(truth)] == analysis else "false positives"
        made.append(dict(truth=truth, people=n, analysis=analysis, kind=kind, found=hits / len(group), lower=ends.low,
                         upper=ends.high, mean_r=group.r.mean()))  # fmt: skip
    return pandas.DataFrame(made)


def under(account: Account, truth: str) -> Account:
    """The account as it is, or with its share from one region, or from neither."""
    share = account.network_share
    shares = {"networks": (share, 0.0), "region": (0.0, share), "nothing": (0.0, 0.0)}[truth]
    return dataclasses.replace(account, network_share=shares[0], region_share=shares[1])


def _analysed(
    account: Account, truth: str, n: int, k: int, pool: int, permutations: int, folds: int, seed: int
) -> dict[str, tuple[float, float]]:
    rng = np.random.default_rng([seed, TRUTHS.index(truth), n, k])
    brains = _pool(account, pool, seed)
    cohort = brains.answered(under(account, truth), np.sort(rng.choice(pool, n, replace=False)), rng)
    draw = int(rng.integers(2**31))
    predicted = predict_behaviour(
        cohort.edges, cohort.behaviour, folds=folds, permutations=permutations, networks=["both"], seed=draw
    ).scores.iloc[0]
    regions = regional_analysis(cohort.responses, cohort.behaviour, permutations=permutations, seed=draw)
    largest = regions.iloc[int(np.argmax(np.abs(regions.r)))]
    return {
        "connectome": (float(predicted.p), float(predicted.r)),
        "regions": (float(largest.p_family), float(largest.r)),
    }


@lru_cache(maxsize=1)
def _pool(account: Account, size: int, seed: int) -> Cohort:
    return simulate_people(account, size, seed=seed)
