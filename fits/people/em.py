"""Empirical Bayes: the population by EM, each person's posterior by Laplace's approximation, then by weighted draws.

E-step   a person's η_i maximises ln p(y_i | η) + ln N(η; m_i, diag τ²), by Fisher scoring from where the last step
         ended; their posterior is taken as normal about it, with the inverse of the information (expected, and that
         of the population) as its covariance V_i
M-step   :func:`fits.people.population.most_likely`

until the population stays where it is. The steps are accelerated by the squared extrapolation of Varadhan & Roland
2008 (doi:10.1111/j.1467-9469.2007.00585.x), which changes the way and not the end. Huys et al. 2011
(doi:10.1371/journal.pcbi.1002028) use the same scheme, with a full covariance.

The log evidence of a person is Laplace's, ln p(y_i | η_i) + ln N(η_i; m_i, τ²) + ½ ln det 2πV_i.

A mode is not a mean: with few trials a person the posteriors are skewed, and the population would be biased. So EM goes
on with importance weights. From a t distribution about each person's mode draws are made once and their likelihoods
computed once, for they do not depend on the population; further steps only weigh them anew, until the population has
left the place where they were made, and others are. The draws are
quasi-random, others for every person, so that their errors average out, and the same every time. Means, covariances
and evidences are those of the weighted draws; how many equal draws they are worth says whether to trust them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.special import chdtri, gammaln, logsumexp, ndtri
from scipy.stats import qmc

from ..execution import Workers, executor_of, in_order, submitted
from .likelihood import PeopleLikelihood, Value
from .population import LEAST_SPREAD, Population, most_likely

_SCORING = 60  # steps of a person's search
_HALVINGS = 8
_KINK = 0.05  # gain in log density, from that of a parabola, that a search ending at a kink may leave
_ROUGH, _FINE = 1e-3, 1e-9  # gain in log density at which a person's search ends: on the way, and at the end
_SETTLED = 2e-3  # shift of the population at which EM ends
_MOST = 500  # EM steps
_FREEDOM = 4.0  # of the t distribution that draws come from, so that its tails are heavier than the posterior's
_SAME, _MOST_WEIGHTED = 1e-5, 5000  # shift at which steps with weighted draws end, and how many they may be
_LEAST_WORTH, _ROUNDS = 0.75, 12  # of what draws were worth when made: below, others are made, so many times
_PARTS = 32  # of the people, where an executor takes them
_WORTH = 0.15  # share of the draws that weighted ones must be worth to place the next


class Posterior(NamedTuple):
    """One person's posterior, normal about its mode."""

    eta: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    log_evidence: float
    information: np.ndarray  # expected, of the likelihood alone
    converged: bool
    worth: float = math.inf  # how many equal draws the weighted ones are worth; infinite where there are none


class Ended(NamedTuple):
    """Where EM has ended."""

    population: Population
    people: tuple[Posterior, ...]
    steps: int
    converged: bool
    seconds: float


class EmError(RuntimeError):
    """A likelihood that EM cannot climb: the message says whose."""


def person_posterior(
    likelihood: PeopleLikelihood, person: int, start: np.ndarray, centre: np.ndarray, spread: np.ndarray,
    tolerance: float = _FINE,
) -> Posterior:  # fmt: skip
    """A person's posterior given the population: ``centre`` and ``spread`` are the mean and SD of η."""
    precision = spread**-2.0
    eta = start
    now = likelihood.evaluate(person, eta)
    height = now.log_likelihood - 0.5 * float(precision @ (eta - centre) ** 2)
    if not math.isfinite(height):
        raise EmError(f"the likelihood of {likelihood.people[person]!r} is {now.log_likelihood} at {eta.round(3)}")
    left = math.inf
    for _ in range(_SCORING):
        gradient = now.gradient - precision * (eta - centre)
        step = np.linalg.solve(now.information + np.diag(precision), gradient)
        left = 0.5 * float(gradient @ step)
        if left < tolerance:
            break
        for halving in range(_HALVINGS):
            there = eta + 0.5**halving * step
            reached = likelihood.log_likelihood(person, there) - 0.5 * float(precision @ (there - centre) ** 2)
            if reached > height + 0.1 * 0.5**halving * left:
                break
        else:  # at the last digit of the likelihood, or at a kink of it
            break
        gained = reached - height
        eta, height, now = there, reached, likelihood.evaluate(person, there)
        if gained < tolerance:
            break
    root = np.linalg.cholesky(now.information + np.diag(precision))
    inverse = np.linalg.inv(root)
    evidence = height + float(np.log(precision).sum()) / 2 - float(np.log(np.diag(root)).sum())
    return Posterior(eta, inverse.T @ inverse, now.log_likelihood, evidence, now.information, left < _KINK)


def expectation_maximisation(
    likelihood: PeopleLikelihood,
    covariates: np.ndarray,
    *,
    start: Population | None = None,
    draws: int = 128,
    workers: Workers = None,
    progress: Callable[[float], Any] | None = None,
) -> Ended:
    """The most likely population, and everybody's posterior given it.

    Parameters
    ----------
    likelihood : PeopleLikelihood
    covariates : (people, covariates) array
        Of mean 0 and variance 1.
    start : Population, optional
        Where to begin; at the study's start values, with τ = ½, by default.
    draws : int
        Of each person, a power of 2, with which EM goes on; 0 for Laplace's approximation alone.
    workers : int or Executor, optional
        Threads (all processors by default), or what else runs people; the numbers do not depend on it.
    progress : callable, optional
        Called after every step with how far the population has moved.
    """
    began = time.perf_counter()
    size = len(likelihood.scale)
    if start is None:
        effects = np.column_stack([likelihood.scale.starts, np.zeros((size, covariates.shape[1]))])
        start = Population(effects, np.full(size, 0.5))
    population = start
    etas = population.centres(covariates)
    likelihood.evaluate(0, etas[0])  # compiles, so that threads do not wait for one another
    with executor_of(workers) as pool:

        def expected(population: Population, tolerance: float) -> list[Posterior]:
            nonlocal etas
            centres = population.centres(covariates)
            found = _everybody(pool, partial(_posteriors, population.spread, tolerance), likelihood, etas, centres)
            etas = np.array([one.eta for one in found])
            return found

        def step(population: Population) -> tuple[Population, float]:
            """One EM step, and the log evidence with the prior where it began."""
            found = expected(population, _ROUGH)
            variances = np.array([np.diag(one.covariance) for one in found])
            height = sum(one.log_evidence for one in found) + population.log_prior()
            return most_likely(etas, variances, covariates, population), height

        steps, settled = 0, False
        best, height = population, -math.inf
        while steps < _MOST and not settled:
            first, reached = step(population)
            steps += 1
            if reached < height - 1e-3 and population is not best:  # the extrapolation went too far
                population, height = best, -math.inf
                continue
            height = reached
            second, _ = step(first)
            steps += 1
            moved = second.shift(first)
            if progress is not None:
                progress(moved)
            best = second
            settled = moved < _SETTLED and first.shift(population) < 2 * _SETTLED
            population = second if settled else _extrapolated(population, first, second)
        people = expected(population, _FINE)
        same = not draws
        for _ in range(_ROUNDS if draws else 0):
            population, weighted, more, same = _weighted(likelihood, population, people, covariates, draws, pool)
            steps += more
            if same:
                people = weighted
                break
            # others, about the weighted draws where they are worth it, and about the mode where they are not
            modes = expected(population, _FINE)
            people = [one if one.worth >= _WORTH * draws else mode for one, mode in zip(weighted, modes, strict=True)]
        else:
            people = weighted if draws else people
        settled = settled and same
    return Ended(population, tuple(people), steps, settled, time.perf_counter() - began)


def _weighted(
    likelihood: PeopleLikelihood,
    population: Population,
    people: list[Posterior],
    covariates: np.ndarray,
    draws: int,
    pool: Executor,
) -> tuple[Population, list[Posterior], int, bool]:
    """EM on weighted draws: the population, everybody's posterior, the steps taken, and whether they have settled."""
    found = _everybody(pool, partial(weighted_draws, draws), likelihood, range(len(people)), people)
    places, heights = np.array([one for one, _ in found]), np.array([height for _, height in found])

    def weigh(population: Population) -> tuple[np.ndarray, np.ndarray]:
        off = places - population.centres(covariates)[:, None]
        logs = heights - 0.5 * (off**2 * population.spread**-2.0).sum(axis=2) - np.log(population.spread).sum()
        total = logsumexp(logs, axis=1)
        return np.exp(logs - total[:, None]), total - math.log(draws)

    steps, same, first = 0, False, 0.0
    while steps < _MOST_WEIGHTED and not same:
        weights, _ = weigh(population)
        worth = float((1 / (weights**2).sum(axis=1)).mean())
        first = first or worth
        if worth < _LEAST_WORTH * first:  # so far from where the draws were made, their noise would be fitted
            break
        means = np.einsum("is,isj->ij", weights, places)
        squares = np.einsum("is,isj->ij", weights, places**2)
        after = most_likely(means, np.maximum(squares - means**2, 0.0), covariates, population)
        same = after.shift(population) < _SAME
        population = after
        steps += 1
    weights, evidences = weigh(population)
    means = np.einsum("is,isj->ij", weights, places)
    off = places - means[:, None]
    covariances = np.einsum("is,isj,isk->ijk", weights, off, off)
    at = _everybody(pool, _evaluated, likelihood, means)
    made = [
        Posterior(means[k], covariances[k], at[k].log_likelihood, float(evidences[k]), at[k].information,
                  one.converged, float(1 / (weights[k] ** 2).sum()))
        for k, one in enumerate(people)
    ]  # fmt: skip
    return population, made, steps, same


def weighted_draws(
    draws: int, likelihood: PeopleLikelihood, seeds: Sequence[int], people: Sequence[Posterior]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draws from a t distribution about each person's posterior, and ln of likelihood over density."""
    size = len(people[0].eta)
    power = 0.5 * (_FREEDOM + size)
    constant = gammaln(power) - gammaln(0.5 * _FREEDOM) - 0.5 * size * math.log(0.5 * _FREEDOM)
    found = []
    for k, (seed, one) in enumerate(zip(seeds, people, strict=True)):
        uniform = qmc.Sobol(size + 1, scramble=True, rng=seed).random(draws)
        standard = ndtri(uniform[:, :size]) * np.sqrt(_FREEDOM / chdtri(_FREEDOM, uniform[:, size:]))
        root = np.linalg.cholesky(one.covariance)
        places = one.eta + standard @ root.T
        # of the t, but for ½ ln 2π a parameter, which the density of the population lacks as well
        log_density = constant - power * np.log1p((standard**2).sum(axis=1) / _FREEDOM) - np.log(np.diag(root)).sum()
        found.append((places, np.array([likelihood.log_likelihood(k, place) for place in places]) - log_density))
    return found


def _posteriors(
    spread: np.ndarray, tolerance: float, likelihood: PeopleLikelihood, etas: np.ndarray, centres: np.ndarray
) -> list[Posterior]:
    return [person_posterior(likelihood, k, etas[k], centres[k], spread, tolerance) for k in range(len(likelihood))]


def _evaluated(likelihood: PeopleLikelihood, etas: np.ndarray) -> list[Value]:
    return [likelihood.evaluate(k, eta) for k, eta in enumerate(etas)]


def _everybody(
    pool: Executor, function: Callable[..., list[Any]], likelihood: PeopleLikelihood, *given: Sequence[Any] | np.ndarray
) -> list[Any]:
    """``function(likelihood, *given)`` of parts of the people, joined; threads take one person at a time."""
    n = len(likelihood)
    width = 1 if isinstance(pool, ThreadPoolExecutor) else math.ceil(n / _PARTS)
    parts = [slice(k, k + width) for k in range(0, n, width)]
    futures = [submitted(pool, function, likelihood.part(own), *(rows[own] for rows in given)) for own in parts]
    return [one for several in in_order(futures, pool) for one in several]


def _extrapolated(start: Population, first: Population, second: Population) -> Population:
    """From two EM steps to where more of them would lead."""
    places = [np.concatenate([p.effects.ravel(), np.log(p.spread)]) for p in (start, first, second)]
    change = places[1] - places[0]
    turn = places[2] - places[1] - change
    size = float(np.sqrt(turn @ turn))
    length = -min(max(float(np.sqrt(change @ change)) / size, 1.0), 16.0) if size > 0 else -1.0
    place = places[0] - 2 * length * change + length**2 * turn
    effects = place[: start.effects.size].reshape(start.effects.shape)
    return Population(effects, np.clip(np.exp(place[start.effects.size :]), LEAST_SPREAD, 10.0))
