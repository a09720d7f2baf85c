"""Draws of one person, with their likelihoods: where they come from, and what they are worth together.

Draws come from t distributions about places of the person's posterior, and count by the density of the mixture of all
distributions that draws came from (adaptive multiple importance sampling, Cornuet et al. 2012,
doi:10.1111/j.1467-9469.2011.00756.x). The distributions are

mode       the posterior's mode, with the curvature there
wider      the same, widened in directions in which the person is hardly known, up to the population's spread
shoulders  where a parameter's effect levels off the likelihood is flat, and the posterior has shoulders beside its peak
           that reach as far as the population, along which other parameters move: the best places at which that
           parameter lies far out in the population, with the curvature there, if the posterior is denser there than
           the wider distribution
heaviest   where few draws count: the one that counts most, with the curvature there (:mod:`fits.people.weighted`)

Draws are quasi-random: the points of one of a few scrambled Sobol nets, shifted digit by digit for every person and
time (for randomised nets L'Ecuyer & Lemieux 2002, doi:10.1007/0-306-48102-2_20). They come in pairs on either side of
their centre, so that where trials say nothing no direction is preferred.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
from scipy.special import chdtri, gammaln, ndtri, softmax
from scipy.stats import qmc

from .em import LEVEL, Posterior, curved, person_posterior
from .likelihood import PeopleLikelihood, Value

SECOND = 1  # round, in which the population is as a rule no longer far from where it will end
_FIT_ROUNDS = 4  # of draws that a fit takes, about
_FREEDOM = 4.0  # of the t distribution, so that its tails are heavier than the posterior's
_WIDEN = 10.0  # of a share v of the population's variance, times v², is added to it
_PARTLY_KNOWN = (0.01, 0.9)  # shares of the population's variance between which a parameter may have shoulders
_FAR = 1.5  # τ from the centre of the population: where shoulders are looked for
_APART = 0.5  # τ from the mode, nearer than which they are not
_HELD = 1e-3  # τ: the SD with which the parameter is held there
_NEAR_BEST = 0.1  # gain in log density at which the search for the others ends
_HOPELESS = 10.0  # nats of log density below the mode's, at which the search is spared
_LEAST_EVIDENT = 5.0  # nats of evidence below the mode's, at which a shoulder counts for nothing
_MISSED = 1.0  # nats by which the posterior there is denser than what is drawn from anyway
MOST_BESIDE = 4  # places beside the mode
LEAST_WORTH = 20  # equal draws, fewer than which give a rough interval
_NETS = 64
_GRID = 2**30  # cells along each side of the unit cube, as Sobol points have them

Drawn: TypeAlias = list[tuple[Posterior, np.ndarray, np.ndarray]]  # made for what, draws, ln likelihoods


class Draws:
    """Everything drawn of one person."""

    def __init__(self) -> None:
        self.made_for: list[Posterior] = []
        self.places: list[np.ndarray] = []
        self.log_likelihoods: list[np.ndarray] = []
        self._log_sums = np.empty(0)  # ln Σ n q over all distributions, at all places

    def add(self, drawn: Drawn) -> None:
        old = np.concatenate(self.places) if self.places else None
        self.made_for += [about for about, _, _ in drawn]
        self.places += [places for _, places, _ in drawn]
        self.log_likelihoods += [log_likelihoods for _, _, log_likelihoods in drawn]
        counts = [len(places) for places in self.places]
        at_new = _log_sums(self.made_for, counts, np.concatenate([places for _, places, _ in drawn]))
        if old is not None:
            at_old = _log_sums(self.made_for[-len(drawn) :], counts[-len(drawn) :], old)
            at_new = np.concatenate([np.logaddexp(self._log_sums, at_old), at_new])
        self._log_sums = at_new

    def heights(self) -> np.ndarray:
        """ln likelihood over the density of the mixture, of all draws."""
        log_mixture = self._log_sums - math.log(len(self._log_sums))
        found: np.ndarray = np.concatenate(self.log_likelihoods) - log_mixture
        return found


def _log_sums(made_for: Sequence[Posterior], counts: Sequence[int], places: np.ndarray) -> np.ndarray:
    """ln Σ n q of distributions and their numbers of draws, at places."""
    found: np.ndarray = np.logaddexp.reduce(np.log(counts)[:, None] + log_densities(made_for, places))
    return found


def person_draws(
    draws: int, likelihood: PeopleLikelihood, person: int, seed: Sequence[int], one: Posterior, spread: np.ndarray,
    beside: Sequence[Posterior] = (),
) -> Drawn:  # fmt: skip
    """Draws about a person's posterior, as many about a wider one, and up to as many as both about what is beside it.

    ``draws``, a power of 2 from 16 on, is the most; ``spread`` is the population's.
    """
    each_of_two = draws // 4 if beside else draws // 2
    made = [(one, each_of_two), (widened(one, spread), each_of_two)]
    if beside:
        each = 2 ** int(math.log2(draws // 2 / len(beside)))
        made += [(place, each) for place in beside]
    return [(about, *t_draws(n, likelihood, person, (*seed, k), about)) for k, (about, n) in enumerate(made)]


def weighted_draws(
    draws: int, likelihood: PeopleLikelihood, person: int, mode: Posterior, centre: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """About as many draws (draws, parameters) as a fit takes of a person, ``draws`` a round, and their weights (draws,)
    given the population in which ``mode`` is the person's."""
    drawn = Draws()
    for rounds in range(_FIT_ROUNDS):
        beside = shoulders(likelihood, person, mode, centre, spread) if rounds == SECOND else []
        drawn.add(person_draws(draws, likelihood, person, (person, rounds), mode, spread, beside))
    places = np.concatenate(drawn.places)
    return places, softmax(drawn.heights() - 0.5 * (((places - centre) / spread) ** 2).sum(axis=1))


def shoulders(
    likelihood: PeopleLikelihood, person: int, one: Posterior, centre: np.ndarray, spread: np.ndarray,
    along: Collection[int] | None = None,
) -> list[Posterior]:  # fmt: skip
    """What draws about a mode would miss: normals about the best places far out, where they miss most first; in some
    parameters, by default in all."""
    shares = np.diag(one.covariance) / spread**2
    best = _log_density(one, centre, spread)
    wider = widened(one, spread)
    found = []
    partly = np.flatnonzero((shares > _PARTLY_KNOWN[0]) & (shares < _PARTLY_KNOWN[1])).tolist()
    for j in partly if along is None else sorted(set(partly).intersection(along)):
        for side in (-1.0, 1.0):
            far, held = centre.copy(), spread.copy()
            far[j] += side * _FAR * spread[j]
            held[j] *= _HELD
            step = far[j] - one.eta[j]
            if abs(step) < _APART * spread[j]:
                continue
            start = one.eta + step * one.covariance[j] / one.covariance[j, j]
            there = likelihood.evaluate(person, start)
            if _promised(there, start, far, held) < best - _HOPELESS:
                continue
            place = person_posterior(likelihood, person, start, far, held, _NEAR_BEST, there)
            place = curved(place.eta, place, centre, spread, place.converged)
            posterior = _log_density(place, centre, spread) - float(np.log(spread).sum()) - one.log_evidence
            missed = posterior - float(log_density(wider, place.eta[None])[0])
            if place.log_evidence > one.log_evidence - _LEAST_EVIDENT and missed > _MISSED:
                found.append((missed, place))
    found.sort(key=lambda pair: -pair[0])
    return [place for _, place in found[:MOST_BESIDE]]


def _log_density(place: Posterior, centre: np.ndarray, spread: np.ndarray) -> float:
    """ln p(y | η) + ln N(η; centre, spread²), but for what does not depend on η."""
    return place.log_likelihood - 0.5 * float((((place.eta - centre) / spread) ** 2).sum())


def _promised(there: Value, eta: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> float:
    """The log density that a step of Fisher scoring promises, with what holds the parameter in place of its prior."""
    precision = spread**-2.0
    off = eta - centre
    gradient = there.gradient - precision * off
    step = np.linalg.solve(there.information + np.diag(precision), gradient)
    return there.log_likelihood - 0.5 * float(precision @ off**2) + 0.5 * float(gradient @ step)


def widened(one: Posterior, spread: np.ndarray) -> Posterior:
    """A posterior that is wider in directions in which it is a good part of the population."""
    unit = np.outer(spread, spread)
    shares, directions = np.linalg.eigh(one.covariance / unit)
    more = np.maximum(shares, np.minimum(1.0, shares + _WIDEN * shares**2))
    return one._replace(covariance=(directions * more) @ directions.T * unit)


def t_draws(
    draws: int, likelihood: PeopleLikelihood, person: int, seed: int | Sequence[int], one: Posterior
) -> tuple[np.ndarray, np.ndarray]:
    """Draws (draws, parameters) from the t distribution about a person's posterior, and their log-likelihoods."""
    size = len(one.eta)
    uniform = _uniform(draws // 2, size + 1, np.random.default_rng(seed))
    standard = ndtri(uniform[:, :size]) * np.sqrt(_FREEDOM / chdtri(_FREEDOM, uniform[:, size:]))
    standard = np.concatenate([standard, -standard])
    places = one.eta + standard @ np.linalg.cholesky(one.covariance).T
    return places, likelihood.log_likelihoods(person, places)


def _uniform(draws: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Points (draws, size) that are uniform each, and together fill the unit cube evenly."""
    net = _net(draws, size, int(rng.integers(_NETS)))
    found: np.ndarray = ((net ^ rng.integers(_GRID, size=size)) + 0.5) / _GRID
    return found


@cache
def _net(draws: int, size: int, number: int) -> np.ndarray:
    """Scrambled Sobol points, (draws, size), in cells of the grid; making them takes longer than a shift."""
    found: np.ndarray = (qmc.Sobol(size, scramble=True, rng=number).random(draws) * _GRID).astype(np.int64)
    return found


def log_density(one: Posterior, places: np.ndarray) -> np.ndarray:
    """Of the t about a posterior, but for ½ ln 2π a parameter, which the density of the population lacks as well."""
    found: np.ndarray = log_densities([one], places)[0]
    return found


def log_densities(made_for: Sequence[Posterior], places: np.ndarray) -> np.ndarray:
    """:func:`log_density` of several, (posteriors, places)."""
    size = places.shape[1]
    power = 0.5 * (_FREEDOM + size)
    constant = gammaln(power) - gammaln(0.5 * _FREEDOM) - 0.5 * size * math.log(0.5 * _FREEDOM)
    roots = np.linalg.cholesky(np.array([one.covariance for one in made_for]))
    off = places - np.array([one.eta for one in made_for])[:, None]
    standard = off @ np.linalg.inv(roots).transpose(0, 2, 1)
    widths = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    found: np.ndarray = constant - power * np.log1p((standard**2).sum(axis=2) / _FREEDOM) - widths[:, None]
    return found


def interval_ends(places: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ends of the 95 % interval of each parameter, (2, parameters), from draws (draws, parameters) and their weights.

    Skewed posteriors have more on one side, and a mean with its standard deviation would not tell. The truth is like
    one more draw, with the weight that draws have about an end: of n equal ones the k-th is above it in k of n + 1
    cases (for weighted ones Tibshirani et al. 2019, doi:10.48550/arXiv.1904.06019), so quantiles that leave it out hold
    the truth too seldom. Where it weighs more than one of ``LEAST_WORTH``, the interval is too short.
    """
    columns = []
    for column in places.T:
        order = np.argsort(column)
        shares = [_left_out(weights[order]), 1 - _left_out(weights[order[::-1]])]
        columns.append(np.quantile(column, shares, weights=weights, method="inverted_cdf"))
    return np.array(columns).T


def _left_out(weights: np.ndarray) -> float:
    """The share of the weights, from the outermost draw inwards, beyond an end: (1 + v) (1 − LEVEL)/2 of one more draw
    of weight v, less the half of a draw that inverting their steps adds on average."""
    tail = weights[: np.searchsorted(np.cumsum(weights), 1 - LEVEL) + 1]  # the end is in its middle
    one_more = min(float((tail**2).sum() / tail.sum()), 1 / LEAST_WORTH)
    return 0.5 * (1 - LEVEL - LEVEL * one_more)
