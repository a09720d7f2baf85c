"""Empirical Bayes: the population by EM, each person's posterior by Laplace's approximation, then by weighted draws.

E-step   a person's η_i maximises ln p(y_i | η) + ln N(η; m_i, diag τ²), by Fisher scoring from where the last step
         ended; their posterior is taken as normal about it, with the inverse of the information (expected, and that
         of the population) as its covariance V_i
M-step   :func:`fits.people.population.most_likely`

until the population stays where it is, or the evidence does and draws follow. The steps are accelerated by the squared
extrapolation of Varadhan & Roland 2008 (doi:10.1111/j.1467-9469.2007.00585.x), which changes the way, not the end.
Huys et al. 2011 (doi:10.1371/journal.pcbi.1002028) use the same scheme, with a full covariance.

The log evidence of a person is Laplace's, ln p(y_i | η_i) + ln N(η_i; m_i, τ²) + ½ ln det 2πV_i.

A mode is not a mean: with few trials a person the posteriors are skewed, and the population would be biased.
:mod:`fits.people.weighted` goes on from there with importance weights.

Of many people some are fitted first, and all from where these have ended.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri

from ..execution import Workers, executor_of, in_order, submitted
from .likelihood import PeopleLikelihood, Value
from .population import LARGEST_SPREAD, LEAST_SPREAD, Population, most_likely

LEVEL = 0.95
WITHIN = float(ndtri(0.5 + LEVEL / 2))  # standard errors on either side
_SCORING = 60  # steps of a person's search
_HALVINGS = 8
_KINK = 0.05  # gain in log density, from that of a parabola, that a search ending at a kink may leave
ROUGH, _FINE = 1e-3, 1e-9  # gain in log density at which a person's search ends: on the way, and at the end
_SETTLED = 2e-3  # shift of the population at which EM ends
_NEAR = 0.02  # gain in log evidence, for each parameter of the population, at which EM ends where draws follow it
_MOST = 500  # EM steps
DRAWS = 128  # of a person at a time, by default
FEWEST = 16  # draws of a person from which their weights say anything
_PARTS = 32  # of the people, where an executor takes them
_MANY, _SOME = 512, 128  # people from which some are fitted first, and about how many


class Posterior(NamedTuple):
    """One person's posterior: normal about its mode, or as weighted draws have it."""

    eta: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    log_evidence: float
    information: np.ndarray  # expected, of the likelihood alone
    converged: bool
    worth: float = math.inf  # how many equal draws the weighted ones are worth; infinite where there are none
    ends: np.ndarray | None = None  # of the 95 % interval of each parameter, (2, parameters), by weighted draws

    def interval(self) -> np.ndarray:
        """Ends of the 95 % interval of each parameter's η, (2, parameters)."""
        if self.ends is not None:
            return self.ends
        half = WITHIN * np.sqrt(np.diag(self.covariance))
        return np.array([self.eta - half, self.eta + half])


class Ended(NamedTuple):
    """Where EM has ended."""

    population: Population
    people: tuple[Posterior, ...]
    steps: int
    converged: bool
    seconds: float
    information: np.ndarray | None  # about effects, row by row, and ln τ, of the draws; None without any
    spread_ends: np.ndarray | None  # of intervals by the likelihood ratio, (2, parameters); NaN where not needed


class EmError(RuntimeError):
    """A likelihood that EM cannot climb: the message says whose."""


def person_posterior(
    likelihood: PeopleLikelihood, person: int, start: np.ndarray, centre: np.ndarray, spread: np.ndarray,
    tolerance: float = _FINE, now: Value | None = None,
) -> Posterior:  # fmt: skip
    """A person's posterior given the population: ``centre`` and ``spread`` are the mean and SD of η; ``now`` is the
    likelihood at the start, where that is known."""
    precision = spread**-2.0
    eta = start
    now = now or likelihood.evaluate(person, eta)
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
    return curved(eta, now, centre, spread, left < _KINK)


def curved(
    eta: np.ndarray, there: Value | Posterior, centre: np.ndarray, spread: np.ndarray, converged: bool
) -> Posterior:
    """Normal about ``eta``, with the curvature there of the posterior given the population; the posterior where that is
    its mode."""
    precision = spread**-2.0
    height = there.log_likelihood - 0.5 * float(precision @ (eta - centre) ** 2)
    root = np.linalg.cholesky(there.information + np.diag(precision))
    inverse = np.linalg.inv(root)
    evidence = height + float(np.log(precision).sum()) / 2 - float(np.log(np.diag(root)).sum())
    return Posterior(eta, inverse.T @ inverse, there.log_likelihood, evidence, there.information, converged)


def expectation_maximisation(
    likelihood: PeopleLikelihood,
    covariates: np.ndarray,
    *,
    start: Population | None = None,
    draws: int = DRAWS,
    workers: Workers = None,
    progress: Callable[[float], Any] | None = None,
    intervals: bool = True,
) -> Ended:
    """The most likely population, and everybody's posterior given it.

    Parameters
    ----------
    likelihood : PeopleLikelihood
    covariates : (people, covariates) array
        Of mean 0 and variance 1.
    start : Population, optional
        Where to begin; by default where some of many people end, and otherwise at the study's start values with τ = ½.
    draws : int
        Of each person at a time, a power of 2 from 16 on (:mod:`fits.people.weighted`); 0 for Laplace's approximation
        alone.
    workers : int or Executor, optional
        Threads (all processors by default), or what else runs people; the numbers do not depend on it.
    progress : callable, optional
        Called after every step with how far the population has moved.
    intervals : bool
        Whether draws give intervals of spreads that are badly known.
    """
    began = time.perf_counter()
    if draws and (draws < FEWEST or draws & (draws - 1)):
        raise ValueError(f"draws is {draws}; give a power of 2 from {FEWEST} on, or 0 for Laplace's approximation")
    size, steps, near = len(likelihood.scale), 0, False
    if start is None and len(likelihood) >= _MANY:
        some = slice(0, None, len(likelihood) // _SOME)
        ended = expectation_maximisation(
            likelihood.part(some), covariates[some], draws=draws, workers=workers, progress=progress, intervals=False
        )
        start, steps, near = ended.population, ended.steps, draws > 0
    elif start is None:
        effects = np.column_stack([likelihood.scale.starts, np.zeros((size, covariates.shape[1]))])
        start = Population(effects, np.full(size, 0.5))
    population = start
    etas = population.centres(covariates)
    likelihood.evaluate(0, etas[0])  # compiles, so that threads do not wait for one another
    with executor_of(workers) as pool:

        def expected(population: Population, tolerance: float) -> list[Posterior]:
            nonlocal etas
            centres = population.centres(covariates)
            found = everybody(pool, partial(_posteriors, population.spread, tolerance), likelihood, etas, centres)
            etas = np.array([one.eta for one in found])
            return found

        def step(population: Population) -> tuple[Population, float]:
            """One EM step, and the log evidence with the prior where it began."""
            found = expected(population, ROUGH)
            variances = np.array([np.diag(one.covariance) for one in found])
            height = sum(one.log_evidence for one in found) + population.log_prior()
            return most_likely(etas, variances, covariates, population), height

        settled = near  # closer than the modes alone would come
        most = steps + _MOST
        best, height, floor = population, -math.inf, -math.inf
        while steps < most and not settled:
            first, reached = step(population)
            steps += 1
            if reached < floor and population is not best:  # the extrapolation went too far
                population, floor = best, -math.inf
                continue
            gained, height, floor = reached - height, reached, reached - 1e-3
            second, _ = step(first)
            steps += 1
            moved = second.shift(first)
            if progress is not None:
                progress(moved)
            best = second
            settled = moved < _SETTLED and first.shift(population) < 2 * _SETTLED
            # draws carry on from nearby, also where EM would crawl to a spread of nothing
            settled = settled or bool(draws and gained < _NEAR * (population.effects.size + size))
            population = second if settled else _extrapolated(population, first, second)
        people, information, ends = expected(population, ROUGH if draws else _FINE), None, None
        if draws:
            from .weighted import most_evident

            run = partial(everybody, pool)
            population, people, more, settled, information, ends = most_evident(
                likelihood, population, people, covariates, draws, run, progress, intervals
            )
            steps += more
    return Ended(population, tuple(people), steps, settled, time.perf_counter() - began, information, ends)


def _posteriors(
    spread: np.ndarray, tolerance: float, likelihood: PeopleLikelihood, etas: np.ndarray, centres: np.ndarray
) -> list[Posterior]:
    return [person_posterior(likelihood, k, etas[k], centres[k], spread, tolerance) for k in range(len(likelihood))]


def everybody(
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
    return Population(effects, np.clip(np.exp(place[start.effects.size :]), LEAST_SPREAD, LARGEST_SPREAD))
