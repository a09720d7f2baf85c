"""95 % intervals of spreads that are badly known, by the likelihood ratio on weighted draws.

From the fitted population τ_j goes up and down in steps, all else being at its best, until the log evidence has dropped
by half the quantile of χ². Draws judge only populations near those that they were made for: where they no longer do,
everybody gets more, for the population that has been reached. (Not only those whose draws judge worst: whose lie where
they are needed by chance look well known, and are too likely.) Where all of many people share in the error of a height
it falls only as draws are added, and none are made where that would not be enough. In the end all heights are taken
anew, on all draws, and that of the fitted τ_j like the others. A height counts with its standard error, added where it
may be excluded and taken off where it may exclude; where it stays unknown the interval has no end.
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
_BOX = math.log(2.0)  # as far as all else may move in a climb: of ln τ, and of effects in units of τ
_CLIMBS = 4  # at most, where the box holds one
_ROUGHLY = 3e-7  # gain of a step at which a climb ends, as a share of the log evidence
_JUDGES = 1.0  # nats, the largest standard error of a height that counts
_SPARE = 0.5  # nats by which more is excluded on the way, for all heights are taken anew
_UNKNOWN = 1e3  # nats, in place of a height that nothing is known of
_SHARED = 0.01  # of the variance of a height, the largest of a person's where all share in it
_ALL = 1 + 1e-6  # equal draws that a person's are worth, below which one draw is all
_TRIES, _MOST = 2, 8  # rounds of more draws at a place, and in one direction
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
    drawn: Callable[[Population, int], Evidence],
    each: int,
) -> np.ndarray:
    """Ends of the intervals of some spreads, (2, parameters); NaN for the others.

    0 and ∞ where ``LEAST_SPREAD`` and ``LARGEST_SPREAD`` are not excluded, and where draws cannot judge whether they
    are. The prior of τ_j counts for nothing here; where it has drawn the population's own τ_j out of the interval, that
    is an end.

    Parameters
    ----------
    evidence : Evidence
        On the draws that there are.
    population : Population
        The fitted one.
    errors : (parameters,) array
        Standard errors of ln τ.
    which : sequence of int
    drawn : callable
        Makes more draws of everybody for a population; returns the evidence on all.
    each : int
        How many of a person.
    """
    ends = np.full((2, len(errors)), np.nan)
    for j in which:
        walks = []
        for sign, limit in ((-1, LEAST_SPREAD), (1, LARGEST_SPREAD)):
            step = sign * min(_STEP, 0.5 * float(errors[j]))
            walked, evidence = _walk(evidence, population, j, step, limit, drawn, each)
            walks.append(walked)
        ends[:, j] = _between(evidence, population, j, walks)
    return ends


def _walk(
    evidence: Evidence, population: Population, j: int, step: float, limit: float,
    drawn: Callable[[Population, int], Evidence], each: int,
) -> tuple[list[Population], Evidence]:  # fmt: skip
    """Populations from the fitted τ_j to where it is excluded, to a limit, or to the last that draws can judge; and the
    evidence with the draws that were made."""
    sign, end = math.copysign(1, step), math.log(limit)
    at = log = math.log(population.spread[j])
    there, walked, rounds = population, [], 0
    fitted = _best_beside(evidence, population, j, at)
    while sign * log < sign * end:
        log = sign * min(sign * (log + step), sign * end)
        for tries in range(_TRIES + 1):
            there = _best_beside(evidence, there, j, log)
            height, error, largest = _height(evidence, there, fitted, j)
            if error < _JUDGES or tries == _TRIES or rounds == _MOST:
                break
            more = 1 + (_TRIES - tries) * each / float(evidence.counts.mean())
            if largest < _SHARED and error**2 > more * _JUDGES**2:
                break
            evidence, rounds = drawn(there, j), rounds + 1
            fitted = _best_beside(evidence, population, j, at)
        if not error < _JUDGES:
            break
        walked.append(there)
        if height + error < -_EXCLUDED - _SPARE:
            break
    return walked, evidence


def _between(
    evidence: Evidence, population: Population, j: int, walks: Sequence[Sequence[Population]]
) -> tuple[float, float]:
    """Ends of the interval of τ_j from populations on either side, found anew on all draws."""
    fitted = _best_beside(evidence, population, j, math.log(population.spread[j]))
    logs, highest, lowest = [math.log(population.spread[j])], [0.0], [0.0]
    for walked in walks:
        for place in walked:
            log = math.log(place.spread[j])
            height, error, _ = _height(evidence, _best_beside(evidence, place, j, log), fitted, j)
            logs.append(log)
            highest.append(min(height + error, _UNKNOWN))
            if error < _JUDGES:
                lowest.append(height - error)
    order = np.argsort(logs)
    places, drops = np.array(logs)[order], max(lowest) - np.array(highest)[order]
    inside = np.flatnonzero((drops < _EXCLUDED) | (order == 0))
    ends = [0.0, math.inf]
    for k, (last, beyond) in enumerate(((inside[0], inside[0] - 1), (inside[-1], inside[-1] + 1))):
        if 0 <= beyond < len(places):
            within = min(drops[last], _EXCLUDED)
            ends[k] = math.exp(np.interp(_EXCLUDED, [within, drops[beyond]], places[[last, beyond]]))
    return ends[0], ends[1]


def _height(evidence: Evidence, there: Population, fitted: Population, j: int) -> tuple[float, float, float]:
    """Log evidence over that at the fitted τ_j, without its prior, its standard error, and a person's largest share of
    the variance; the error is infinite where one draw is all of a person's."""
    weights, each = evidence.weigh(there)
    here, each_here = evidence.weigh(fitted)
    worth = 1 / (weights**2).sum(axis=1)
    variance, largest = math.inf, 1.0
    if (worth > _ALL).all():
        own = ((weights - here) ** 2).sum(axis=1) * worth / (worth - 1)
        variance = float(own.sum())
        largest = float(own.max()) / variance if variance else 1.0
    spreads = np.array([there.spread[j], fitted.spread[j]])
    priors = np.log(spreads) - 0.5 * (spreads / SPREAD_SD) ** 2
    values = float(each.sum()) + there.log_prior(), float(each_here.sum()) + fitted.log_prior()
    height = values[0] - values[1] - float(priors[0] - priors[1])
    return height, math.sqrt(variance), largest


def _best_beside(evidence: Evidence, start: Population, j: int, log: float) -> Population:
    """The best population near one, whose ln τ_j is given."""
    spread = start.spread.copy()
    spread[j] = math.exp(log)
    there = Population(start.effects, spread)
    box = np.full(start.effects.size + len(spread), _BOX)
    box[start.effects.size + j] = 0
    for _ in range(_CLIMBS):
        there, _, held_by, _ = evidence.climb(there, box, _ROUGHLY)
        if not (held_by & (box > 0)).any():
            break
    return there
