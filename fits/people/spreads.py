"""95 % intervals of spreads that are badly known, by the likelihood ratio on weighted draws.

From the fitted population τ_j goes up and down in steps, all else being at its best, until the log evidence has
dropped by half the quantile of χ². Draws judge only populations near those that they were made for: where they no
longer do, everybody gets more, for the population that has been reached. A height counts with its standard error,
added where it may be excluded and taken off where it may exclude; where it stays unknown the interval has no end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import chdtri

from .em import LEVEL
from .evidence import Evidence
from .population import LARGEST_SPREAD, LEAST_SPREAD, SPREAD_SD, Population

_BY_RATIO = 0.2  # error of ln τ, as the data have it, above which its interval is found by the likelihood ratio
_STEP = 0.25  # of ln τ, or half an error if that is less
_BOX = math.log(2.0)  # as far as all else may move in a step: of ln τ, and of effects in units of τ
_ROUGHLY = 1e-8  # gain of a step at which a climb ends, as a share of the log evidence
_JUDGES = 1.0  # nats, the largest standard error of a height that counts
_OTHERS = 0.5  # of that, what those may have who get no more draws
_TRIES = 2  # at a place, of more draws
_EXCLUDED = 0.5 * float(chdtri(1, 1 - LEVEL))  # nats


def badly_known(spread: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Where the data, without the prior, say little of ln τ, or the search for τ has ended at its bound."""
    told = errors**-2.0 - 2 * (spread / SPREAD_SD) ** 2
    bound = (spread < 1.01 * LEAST_SPREAD) | (spread > 0.99 * LARGEST_SPREAD)
    found: np.ndarray = bound | (told < _BY_RATIO**-2)
    return found


def spread_ends(
    evidence: Evidence,
    population: Population,
    errors: np.ndarray,
    which: Sequence[int],
    drawn: Callable[[Population, np.ndarray], Evidence],
) -> np.ndarray:
    """Ends of the intervals of some spreads, (2, parameters); NaN for the others.

    0 and ∞ where ``LEAST_SPREAD`` and ``LARGEST_SPREAD`` are not excluded, and where draws cannot judge whether they
    are. The prior of τ_j counts for nothing here; where it has drawn the population's own τ_j out of the interval, that
    is an end.

    Parameters
    ----------
    evidence : Evidence
        On which ``population`` is the best.
    errors : (parameters,) array
        Standard errors of ln τ.
    which : sequence of int
    drawn : callable
        Makes more draws for a population, of those people who are true; returns the evidence on all.
    """
    ends = np.full((2, len(errors)), np.nan)
    for j in which:
        step = min(_STEP, 0.5 * float(errors[j]))
        highest: dict[float, float] = {}  # by ln τ_j
        lowest: dict[float, float] = {}
        for sign, limit in ((-1, LEAST_SPREAD), (1, LARGEST_SPREAD)):
            evidence = _walk(evidence, population, j, sign * step, limit, highest, lowest, drawn)
        ends[:, j] = _between(highest, lowest, math.log(population.spread[j]))
    return ends


def _walk(
    evidence: Evidence, population: Population, j: int, step: float, limit: float, highest: dict[float, float],
    lowest: dict[float, float], drawn: Callable[[Population, np.ndarray], Evidence],
) -> Evidence:  # fmt: skip
    """From the population's ln τ_j to where it is excluded, to a limit, or to where draws cannot judge; with heights,
    over the population's, on the way, and the evidence with the draws made."""
    sign = math.copysign(1, step)
    log = at = math.log(population.spread[j])
    end, there = math.log(limit), population
    while True:
        for tries in range(_TRIES + 1):
            there = _best_beside(evidence, there, population, j, log)
            variances = _variances(evidence, there, population)
            error = math.sqrt(variances.sum())
            if error < _JUDGES or tries == _TRIES:
                break
            evidence = drawn(there, _most(variances))
        if error >= _JUDGES:
            break
        height = _by_data(evidence, there, j) - _by_data(evidence, population, j)
        highest[log], lowest[log] = height + error, height - error
        if sign * log >= sign * end or (log != at and highest[log] < max(lowest.values()) - _EXCLUDED):
            break
        log = sign * min(sign * (log + step), sign * end)
    return evidence


def _between(highest: dict[float, float], lowest: dict[float, float], at: float) -> tuple[float, float]:
    """Ends from heights at ln τ_j, of which the fitted one is ``at``."""
    if at not in highest:
        return 0.0, math.inf
    logs = np.array(sorted(highest))
    drops = max(lowest.values()) - np.array([highest[log] for log in logs])
    inside = np.flatnonzero((drops < _EXCLUDED) | (logs == at))
    ends = [0.0, math.inf]
    for k, (last, beyond) in enumerate(((inside[0], inside[0] - 1), (inside[-1], inside[-1] + 1))):
        if 0 <= beyond < len(logs):
            within = min(drops[last], _EXCLUDED)
            ends[k] = math.exp(np.interp(_EXCLUDED, [within, drops[beyond]], logs[[last, beyond]]))
    return ends[0], ends[1]


def _by_data(evidence: Evidence, there: Population, j: int) -> float:
    """Log evidence without the prior of ln τ_j."""
    spread = float(there.spread[j])
    return evidence.value(there) + 0.5 * (spread / SPREAD_SD) ** 2 - math.log(spread)


def _variances(evidence: Evidence, there: Population, population: Population) -> np.ndarray:
    """Of the difference of two log evidences on the same draws, each person's; not finite where one draw is all."""
    weights, here = evidence.weigh(there)[0], evidence.weigh(population)[0]
    worth = 1 / (weights**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = ((weights - here) ** 2).sum(axis=1) * worth / (worth - 1)
    return found


def _most(variances: np.ndarray) -> np.ndarray:
    """Who to know better: without them the others would do."""
    order = np.argsort(variances)
    found = np.ones(len(variances), dtype=bool)
    found[order[np.cumsum(variances[order]) < (_OTHERS * _JUDGES) ** 2]] = False
    return found


def _best_beside(evidence: Evidence, start: Population, population: Population, j: int, log: float) -> Population:
    """The best population near one, whose ln τ_j is given; all else moves in steps of ``population``'s spreads."""
    spread = start.spread.copy()
    spread[j] = math.exp(log)
    width = start.effects.shape[1]
    box = np.full(start.effects.size + len(spread), _BOX)
    box[width * j : width * (j + 1)] *= population.spread[j] / spread[j]
    box[start.effects.size + j] = 0
    return evidence.climb(Population(start.effects, spread), box, _ROUGHLY)[0]
