"""The population of the largest evidence, by importance sampling of every person's posterior.

From distributions about each person's posterior (:mod:`fits.people.draws`) draws are made and their likelihoods
computed once, for they do not depend on the population. On draws that stay the evidence is a smooth function of the
population (:mod:`fits.people.evidence`), and L-BFGS-B climbs it: simulated maximum likelihood with common random
numbers (Gourieroux & Monfort 1996, doi:10.1093/0198774753.001.0001). EM would climb the same function to the same
place, but crawls where a spread goes to nothing.

Draws judge only populations near the one they were made for, so a climb stays in a box. Then everybody gets as many
draws again (who is badly known, more), about the mode of the posterior in the population as it is now, and the climb
goes on. Older draws are kept, so the function changes less and less. Draws about the weighted mean of older ones would
weigh these down, and the evidence come out too low; who is badly known gets such all the same.

It is settled where the climb ended inside its box and had nothing to gain from draws that are new: ``SETTLED`` nats a
parameter of the population, where ½ is one standard error, so that a parameter is about a fifth of its standard error
from the best, and what fits the chance in the draws is found out. A spread at ``LEAST_SPREAD``, the bound of its
search, is inside.

Then the intervals of spreads that are badly known are found by the likelihood ratio (:mod:`fits.people.spreads`), with
more draws where it needs them, which do not move the fit.

The second draws are also about shoulders of the posterior, which is wider and more skewed than its curvature at the
mode has it where a person's trials say little. Draws are others for every person, so that their errors average out,
and the same every time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .draws import SECOND, Drawn, Draws, interval_ends, person_draws, shoulders
from .em import FEWEST, ROUGH, Posterior, person_posterior
from .errors import standard_errors
from .evidence import Evidence
from .likelihood import PeopleLikelihood, Value
from .population import Population
from .spreads import badly_known, spread_ends

SETTLED = 0.02  # nats of log evidence for each parameter of the population
_ROUNDS = 10
_BOX = math.log(2.0)  # half of its width: of ln τ, and of effects in units of τ
_WIDER = 2.0  # times, in the directions in which a climb ended at the edge of its box
_POOR, _MORE = 0.25, 2  # worth, of one round's draws, below which a person gets so many times the draws
_SHARE = 1 / 8  # of one round's draws, how many are made at a time for intervals of spreads
_BESIDE = 1.0  # gain in log density at which a person's search ends for these


def most_evident(
    likelihood: PeopleLikelihood,
    population: Population,
    people: Sequence[Posterior],
    covariates: np.ndarray,
    draws: int,
    run: Callable[..., list[Any]],
    progress: Callable[[float], Any] | None = None,
    intervals: bool = True,
) -> tuple[Population, list[Posterior], int, bool, np.ndarray, np.ndarray]:
    """The population of the largest evidence, everybody's posterior, the steps taken, whether it has settled, the
    information about effects and ln τ, and ends of intervals of τ by the likelihood ratio, (2, parameters): NaN where
    the standard error of ln τ is enough.

    Parameters
    ----------
    likelihood : PeopleLikelihood
    population : Population
        Near which to begin, such as where EM with Laplace's approximation has ended.
    people : sequence of Posterior
        Given that population.
    covariates : (people, covariates) array
    draws : int
        Of each person at a time, a power of 2 from 16 on.
    run : callable
        ``run(function, likelihood, *rows)``: a function of parts of the people, joined.
    progress : callable, optional
        Called after every climb with how far the population has moved.
    intervals : bool
        Whether to look for the ends.
    """
    own = [Draws() for _ in people]
    known = list(people)
    box = np.full(population.effects.size + population.spread.size, _BOX)
    steps, settled = 0, False
    for rounds in range(_ROUNDS):
        poor = np.array([one.worth < _POOR * draws for one in known])
        if settled and not poor.any():
            break
        seeds = [(k, rounds, _MORE * draws if few else 0 if settled else draws) for k, few in enumerate(poor)]
        made = run(partial(_drawn, draws, population.spread), likelihood, seeds, known, population.centres(covariates))
        for one, new in zip(own, made, strict=True):
            one.add(new)
        evidence = Evidence(own, covariates)
        before = population
        population, more, held_by = evidence.climb(before, box)
        steps += more
        if progress is not None:
            progress(population.shift(before))
        weights, each = evidence.weigh(population)
        known = _weighted(evidence.places, weights, each, people)
        gained = evidence.value(population) - evidence.value(before)
        settled = rounds > 0 and not held_by.any() and gained < SETTLED * len(box)
        box = np.where(held_by, _WIDER * box, _BOX)
    at = run(_evaluated, likelihood, np.array([one.eta for one in known]))
    known = [
        one._replace(log_likelihood=value.log_likelihood, information=value.information,
                     ends=interval_ends(evidence.places[k], weights[k]))
        for k, (one, value) in enumerate(zip(known, at, strict=True))
    ]  # fmt: skip
    information = evidence.information(population)
    _, errors = standard_errors(population, known, covariates, information)
    made_for = 0

    def drawn(there: Population) -> Evidence:
        """With more draws, for a population beside the fitted one; the fit is not moved by them."""
        nonlocal evidence, made_for
        beside = _weighted(evidence.places, *evidence.weigh(there), people)
        seeds = [(k, _ROUNDS + made_for, max(FEWEST, int(_SHARE * draws))) for k in range(len(people))]
        makes = partial(_drawn, draws, there.spread)
        for one, new in zip(own, run(makes, likelihood, seeds, beside, there.centres(covariates)), strict=True):
            one.add(new)
        made_for += 1
        evidence = Evidence(own, covariates)
        return evidence

    which = np.flatnonzero(badly_known(population.spread, errors) & intervals).tolist()
    return population, known, steps, settled, information, spread_ends(evidence, population, errors, which, drawn)


def _drawn(
    draws: int,
    spread: np.ndarray,
    likelihood: PeopleLikelihood,
    seeds: Sequence[tuple[int, int, int]],
    people: Sequence[Posterior],
    centres: np.ndarray,
) -> list[Drawn]:
    """Draws of people; seeds are of person, round and number of draws."""
    found: list[Drawn] = []
    for k, ((person, rounds, number), one, centre) in enumerate(zip(seeds, people, centres, strict=True)):
        if not number:
            found.append([])
            continue
        about = person_posterior(likelihood, k, one.eta, centre, spread, _BESIDE if rounds >= _ROUNDS else ROUGH)
        beside = shoulders(likelihood, k, about, centre, spread) if rounds == SECOND else []
        if rounds > 1 and one.worth < _POOR * draws:  # heavy draws have shown what lies beside the mode
            about = about._replace(eta=one.eta, covariance=about.covariance + one.covariance)
        found.append(person_draws(number, likelihood, k, (person, rounds), about, spread, beside))
    return found


def _weighted(
    places: np.ndarray, weights: np.ndarray, evidences: np.ndarray, people: Sequence[Posterior]
) -> list[Posterior]:
    """Everybody's posterior from weighted draws."""
    means = np.einsum("is,isj->ij", weights, places)
    off = places - means[:, None]
    covariances = np.einsum("is,isj,isk->ijk", weights, off, off)
    worths = 1 / (weights**2).sum(axis=1)
    return [
        one._replace(eta=means[k], covariance=covariances[k], log_evidence=float(evidences[k]), worth=float(worths[k]))
        for k, one in enumerate(people)
    ]


def _evaluated(likelihood: PeopleLikelihood, etas: np.ndarray) -> list[Value]:
    return [likelihood.evaluate(k, eta) for k, eta in enumerate(etas)]
