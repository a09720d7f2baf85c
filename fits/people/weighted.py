"""The population of the largest evidence, by importance sampling of every person's posterior.

From distributions about each person's posterior (:mod:`fits.people.draws`) draws are made and their likelihoods
computed once, for they do not depend on the population. On draws that stay the evidence is a smooth function of the
population (:mod:`fits.people.evidence`), and L-BFGS-B climbs it: simulated maximum likelihood with common random
numbers (Gourieroux & Monfort 1996, doi:10.1093/0198774753.001.0001). EM would climb the same function to the same
place, but crawls where a spread goes to nothing.

Draws judge only populations near the one they were made for, so a climb is cautious, what it gains counting less its
variance, and stays in a box. Then everybody gets as many draws again, about their posterior in the population as it is
now, and the climb goes on. Older draws are kept, so the function changes less and less. Nobody gets more for looking
badly known: whose draws by chance lack what is rare looks well known, and where only the others get more, the evidence
comes out too low.

Where a person's draws are worth few equal ones, one has by chance found what the others miss, and weighs more than it
deserves: some of the next are made about it. A fit goes on until everybody's draws are worth enough to tell errors by.

A population favours itself, for what lies farther out than its draws reach counts for nothing: a spread of which
people's trials say little would stay where the search has come to. So from the second round on draws are also about
shoulders of posteriors, which are wider and more skewed than their curvature at the mode has it, and some are made for
a population that is wider in such a parameter.

It is settled where the climb ended inside its box and had nothing to gain from draws that are new: ``SETTLED`` nats a
parameter of the population, where ½ is one standard error, so that a parameter is about a fifth of its standard error
from the best, and what fits the chance in the draws is found out. A spread that is badly known creeps, and may end
farther off: of 1 498 simulated people at 3.3, 3.6 or 3.8, as draws will have it, and after gains of a fifth of that at
3.5 instead of the first and at 4.2 instead of the second (a standard error is a factor of 1.2). A spread at
``LEAST_SPREAD``, the bound of its search, is inside.

Then the intervals of spreads that are badly known are found by the likelihood ratio (:mod:`fits.people.spreads`), with
more draws where it needs them, which do not move the fit, but tell people's posteriors and errors of means. Draws are
others for every person, so that their errors average out, and the same every time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import numpy as np

from .draws import LEAST_WORTH, MOST_BESIDE, Drawn, Draws, interval_ends, person_draws, shoulders
from .em import FEWEST, ROUGH, Posterior, curved, person_posterior
from .errors import standard_errors
from .evidence import Evidence
from .likelihood import PeopleLikelihood, Value
from .population import LARGEST_SPREAD, Population
from .spreads import badly_known, spread_ends

SETTLED = 0.02  # nats of log evidence for each parameter of the population
_ROUNDS = 15
_BOX = math.log(2.0)  # half of its width: of ln τ, and of effects in units of τ
_WIDER = 2.0  # times, in the directions in which a climb ended at the edge of its box
_UNKNOWN = 0.5  # of the variance of the population, in people's posteriors, from which a parameter is badly known
_WIDE = 3.0  # times the spread of such a parameter, for which draws are made beside the others
_SHARE = 1 / 2  # of one round's draws, how many are made for each of these
_MOVED = 1.0  # shift of the population after which these are made anew, and shoulders are searched for
_ON_THE_WAY = 1 / 4  # of one round's draws, how many are made at a time for intervals of spreads
_BESIDE = 1.0  # gain in log density at which a person's search ends for draws beside the others


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
    sample = _Sample(likelihood, covariates, run)
    known = list(people)
    box = np.full(population.effects.size + population.spread.size, _BOX)
    steps = 0
    reached = np.full(population.spread.size, np.inf)  # ln of the wider τ that draws have been made for
    heaviest: list[np.ndarray | None] = [None] * len(known)
    for rounds in range(_ROUNDS):
        sample.draw(draws, population, known, None if rounds else (), heaviest=heaviest)
        if rounds:
            for j, wide in _wider(population, known):
                if not abs(math.log(wide.spread[j]) - reached[j]) < _MOVED:
                    reached[j] = math.log(wide.spread[j])
                    sample.draw(_part(_SHARE, draws), wide, known, (j,), _BESIDE)
        evidence = sample.evidence()
        before = population
        population, more, held_by, gained = evidence.climb(before, box, cautious=True)
        steps += more
        if progress is not None:
            progress(population.shift(before))
        weights, each = evidence.weigh(population)
        known = _weighted(evidence.places, weights, each, people)
        settled = rounds > 0 and not held_by.any() and gained < SETTLED * len(box)
        rough = [one.worth < LEAST_WORTH for one in known]
        if settled and not any(rough):
            break
        heaviest = [evidence.places[k, weights[k].argmax()] if few else None for k, few in enumerate(rough)]
        box = np.where(held_by, _WIDER * box, _BOX)

    def told() -> tuple[list[Posterior], np.ndarray]:
        """Everybody's posterior in that population and the information about it, on all draws."""
        weights, each = evidence.weigh(population)
        known = _weighted(evidence.places, weights, each, people)
        at = run(_evaluated, likelihood, np.array([one.eta for one in known]))
        known = [
            one._replace(log_likelihood=value.log_likelihood, information=value.information,
                         ends=interval_ends(evidence.places[k], weights[k]))
            for k, (one, value) in enumerate(zip(known, at, strict=True))
        ]  # fmt: skip
        return known, evidence.information(population)

    known, information = told()
    _, errors = standard_errors(population, known, covariates, information)
    on_the_way = _part(_ON_THE_WAY, draws)

    def drawn(there: Population, j: int) -> Evidence:
        """With more draws, for a population beside the fitted one; the fit is not moved by them."""
        nonlocal evidence
        beside = _weighted(evidence.places, *evidence.weigh(there), people)
        farther = there.spread[j] > population.spread[j]  # shoulders lie as far out as the population does
        sample.draw(on_the_way, there, beside, (j,) if farther else (), _BESIDE)
        evidence = sample.evidence()
        return evidence

    which = np.flatnonzero(badly_known(population.spread, errors) & intervals).tolist()
    ends = spread_ends(evidence, population, errors, which, drawn, on_the_way)
    if which:
        known, information = told()
    return population, known, steps, settled, information, ends


class _Sample:
    """All draws of all people."""

    def __init__(self, likelihood: PeopleLikelihood, covariates: np.ndarray, run: Callable[..., list[Any]]) -> None:
        self.likelihood, self.covariates, self.run = likelihood, covariates, run
        self.own = [Draws() for _ in covariates]
        self.times = 0
        self.found: dict[tuple[int, ...] | None, tuple[Population, list[list[Posterior]]]] = {}  # shoulders

    def draw(
        self, draws: int, population: Population, people: Sequence[Posterior], along: tuple[int, ...] | None,
        tolerance: float = ROUGH, heaviest: Sequence[np.ndarray | None] | None = None,
    ) -> None:  # fmt: skip
        """So many more of everybody, for a population, also about shoulders in some parameters, or in all (None), and
        about some people's heaviest draw.

        Shoulders that have been found for a population nearby are taken again.
        """
        near, beside = self.found.get(along, (None, [[] for _ in people]))
        search = along if near is None or not population.shift(near) < _MOVED else ()
        seeds = [(k, self.times) for k in range(len(people))]
        makes = partial(_drawn, draws, population.spread, search, tolerance)
        heaviest = [None] * len(people) if heaviest is None else heaviest
        made = self.run(makes, self.likelihood, seeds, people, population.centres(self.covariates), beside, heaviest)
        if search != ():
            self.found[along] = population, [places for places, _ in made]
        for one, (_, new) in zip(self.own, made, strict=True):
            one.add(new)
        self.times += 1

    def evidence(self) -> Evidence:
        return Evidence(self.own, self.covariates)


def _part(share: float, draws: int) -> int:
    return max(FEWEST, int(share * draws))


def _wider(population: Population, people: Sequence[Posterior]) -> list[tuple[int, Population]]:
    """Every parameter of which people's trials say little, and the population in which its spread is wider."""
    variances = np.mean([np.diag(one.covariance) for one in people], axis=0)
    found = []
    for j in np.flatnonzero(variances > _UNKNOWN * population.spread**2).tolist():
        spread = population.spread.copy()
        spread[j] = min(_WIDE * spread[j], LARGEST_SPREAD)
        found.append((j, Population(population.effects, spread)))
    return found


def _drawn(
    draws: int,
    spread: np.ndarray,
    along: Collection[int] | None,
    tolerance: float,
    likelihood: PeopleLikelihood,
    seeds: Sequence[tuple[int, int]],
    people: Sequence[Posterior],
    centres: np.ndarray,
    beside: Sequence[Sequence[Posterior]],
    heaviest: Sequence[np.ndarray | None],
) -> list[tuple[list[Posterior], Drawn]]:
    """People's shoulders in some parameters or in all (None), or those that are known, and draws also about these and
    about a heaviest draw; seeds are of person and time."""
    made = []
    rows = zip(seeds, people, centres, beside, heaviest, strict=True)
    for k, (seed, one, centre, known, heavy) in enumerate(rows):
        about = person_posterior(likelihood, k, one.eta, centre, spread, tolerance)
        if along == ():
            places = [curved(place.eta, place, centre, spread, place.converged) for place in known]
        else:
            places = shoulders(likelihood, k, about, centre, spread, along)
        drawn_about = places
        if heavy is not None:
            there = curved(heavy, likelihood.evaluate(k, heavy), centre, spread, True)
            drawn_about = [*places[: MOST_BESIDE - 1], there]
        made.append((places, person_draws(draws, likelihood, k, seed, about, spread, drawn_about)))
    return made


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
