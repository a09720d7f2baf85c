"""The population of the largest evidence, by importance sampling of every person's posterior.

From distributions about each person's posterior (:mod:`fits.people.draws`) draws are made and their likelihoods
computed once, for they do not depend on the population. On draws that stay the evidence is a smooth function of the
population,

    ln E = Σ_i ln (1/S) Σ_s p(y_i | η_is) N(η_is; m_i, τ²)/q_i(η_is) + ln prior

with an exact gradient (Fisher's identity), and L-BFGS-B climbs it: simulated maximum likelihood with common random
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

Then the intervals of spreads that are badly known are found by the likelihood ratio on the same evidence, after one
more round of draws, for a population as wide as such spreads may be.

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
from scipy.optimize import minimize
from scipy.special import chdtri, logsumexp

from .draws import SECOND, Drawn, Draws, interval_ends, person_draws, shoulders
from .em import LEVEL, ROUGH, Posterior, person_posterior
from .errors import standard_errors
from .likelihood import PeopleLikelihood, Value
from .population import LARGEST_SPREAD, LEAST_SPREAD, SLOPE_SD, SPREAD_SD, Population

SETTLED = 0.02  # nats of log evidence for each parameter of the population
_ROUNDS = 10
_BOX = math.log(2.0)  # half of its width: of ln τ, and of effects in units of τ
_WIDER = 2.0  # times, in the directions in which a climb ended at the edge of its box
_POOR, _MORE = 0.25, 2  # worth, of one round's draws, below which a person gets so many times the draws
_PRECISELY, _ROUGHLY = 1e-12, 1e-8  # gain of a step at which a climb ends, as a share of the log evidence
_BY_RATIO = 0.2  # error of ln τ, as the data have it, above which its interval is found by the likelihood ratio
_FAR = 3.0  # errors of ln τ by which the population is wider for which draws for that are made
_WIDEST = 4.0  # times, at most
_STEP = 0.25  # of ln τ, or half an error if that is less
_JUDGES = 1.0  # nats, the largest standard error of a height that counts
_EXCLUDED = 0.5 * float(chdtri(1, 1 - LEVEL))  # nats


class _Evidence:
    """The log evidence of populations on draws that stay: (people, draws, parameters); absent draws have −∞."""

    def __init__(self, own: Sequence[Draws], covariates: np.ndarray) -> None:
        self.covariates = covariates
        self.weights = np.column_stack([np.ones(len(covariates)), covariates])
        heights = [one.heights() for one in own]
        self.counts = np.array([len(one) for one in heights])
        shape = (len(own), int(self.counts.max()))
        self.places = np.zeros((*shape, own[0].places[0].shape[1]))
        self.heights = np.full(shape, -np.inf)
        for k, one in enumerate(own):
            self.places[k, : self.counts[k]] = np.concatenate(one.places)
            self.heights[k, : self.counts[k]] = heights[k]
        self.squares = self.places**2

    def weigh(self, population: Population) -> tuple[np.ndarray, np.ndarray]:
        """Weights (people, draws), and each person's log evidence."""
        tight, centres = population.spread**-2.0, population.centres(self.covariates)
        towards = centres * tight
        logs = self.heights + (self.places @ towards[:, :, None])[:, :, 0]
        logs -= 0.5 * (self.squares @ tight + (towards * centres).sum(axis=1)[:, None])
        total = logsumexp(logs, axis=1)
        return np.exp(logs - total[:, None]), total - np.log(population.spread).sum() - np.log(self.counts)

    def value(self, population: Population) -> float:
        return float(self.weigh(population)[1].sum()) + population.log_prior()

    def slopes(self, population: Population) -> tuple[float, np.ndarray, np.ndarray]:
        """Log evidence with the prior, and its slopes in the effects and in ln τ."""
        weights, each = self.weigh(population)
        tight, centres = population.spread**-2.0, population.centres(self.covariates)
        means, squares = ((weights[:, None] @ every)[:, 0] for every in (self.places, self.squares))
        effects = ((means - centres) * tight).T @ self.weights
        effects[:, 0] -= np.tanh(0.5 * population.effects[:, 0])
        effects[:, 1:] -= population.effects[:, 1:] / SLOPE_SD**2
        squares = squares - (2 * means - centres) * centres  # about the centres
        spread = (squares * tight - 1).sum(axis=0) + 1 - (population.spread / SPREAD_SD) ** 2
        return float(each.sum()) + population.log_prior(), effects, spread

    def information(self, population: Population) -> np.ndarray:
        """The curvature of minus the log evidence with the prior, over effects, row by row, and ln τ.

        That of log densities given η less the variance of their slopes over each person's posterior (Louis 1982,
        doi:10.1111/j.2517-6161.1982.tb01203.x).
        """
        weights, _ = self.weigh(population)
        size, width = population.effects.shape
        found = np.zeros((size * (width + 1),) * 2)
        for places, own, centre, row in zip(
            self.places, weights, population.centres(self.covariates), self.weights, strict=True
        ):
            off = (places - centre) / population.spread
            slopes = np.column_stack([off / population.spread, off**2 - 1])  # in the centre, and in ln τ
            mean = own @ slopes
            each = -np.einsum("s,sj,sk->jk", own, slopes - mean, slopes - mean)
            along = np.arange(size)
            each[along, along] += population.spread**-2.0
            each[along, size + along] += 2 * mean[:size]
            each[size + along, along] += 2 * mean[:size]
            each[size + along, size + along] += 2 * (mean[size:] + 1)
            into = np.zeros((2 * size, len(found)))
            into[:size, : size * width] = np.kron(np.eye(size), row)
            into[size:, size * width :] = np.eye(size)
            found += into.T @ each @ into
        return found + np.diag(population.prior_information())

    def spread_ends(self, population: Population, j: int, step: float) -> tuple[float, float]:
        """Ends of the 95 % interval of τ_j by the likelihood ratio, all else being at its best, with its priors.

        0 and ∞ where ``LEAST_SPREAD`` and ``LARGEST_SPREAD`` are not excluded, and where draws cannot judge whether
        they are: far away few decide. Up to there a height counts with its standard error, added where it may be
        excluded and taken off where it may exclude. The prior of τ_j counts for nothing here; where it has drawn the
        population's own τ_j out of the interval, that is an end.
        """
        here, _ = self.weigh(population)
        at = math.log(population.spread[j])
        highest: dict[float, float] = {}  # by ln τ_j
        lowest: dict[float, float] = {}
        for sign, limit in ((-1, LEAST_SPREAD), (1, LARGEST_SPREAD)):
            there, log = population, at
            end = math.log(limit)
            while True:
                there = self._best_beside(there, population, j, log)
                error = self._error(there, here)
                if not error <= _JUDGES:  # nor where it is not a number: one draw is all in both
                    break
                height = self.value(there) + 0.5 * (there.spread[j] / SPREAD_SD) ** 2 - log
                highest[log], lowest[log] = height + error, height - error
                if sign * log >= sign * end or (log != at and highest[log] < max(lowest.values()) - _EXCLUDED):
                    break
                log = sign * min(sign * log + step, sign * end)
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

    def _error(self, there: Population, here: np.ndarray) -> float:
        """Standard error of the log evidence against that where draws weigh as ``here``; infinite where one is all."""
        weights, _ = self.weigh(there)
        worth = 1 / (weights**2).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return math.sqrt((((weights - here) ** 2).sum(axis=1) * worth / (worth - 1)).sum())

    def _best_beside(self, start: Population, population: Population, j: int, log: float) -> Population:
        """The best population near one, whose ln τ_j is given; all else moves in steps of ``population``'s spreads."""
        spread = start.spread.copy()
        spread[j] = math.exp(log)
        width = start.effects.shape[1]
        box = np.full(start.effects.size + len(spread), _BOX)
        box[width * j : width * (j + 1)] *= population.spread[j] / spread[j]
        box[start.effects.size + j] = 0
        return self.climb(Population(start.effects, spread), box, _ROUGHLY)[0]

    def climb(self, start: Population, box: np.ndarray, gain: float = _PRECISELY) -> tuple[Population, int, np.ndarray]:
        """The best population within a box of half widths ``box``, the steps taken, and where the box held it.

        Effects are in units of the τ at the start, then come ln τ. It ends where a step gains so little, as a share of
        the log evidence.
        """
        unit, size = start.spread[:, None], start.effects.size
        origin = np.log(start.spread)

        def population(place: np.ndarray) -> Population:
            effects = start.effects + unit * place[:size].reshape(start.effects.shape)
            return Population(effects, np.maximum(np.exp(origin + place[size:]), LEAST_SPREAD))

        def cost(place: np.ndarray) -> tuple[float, np.ndarray]:
            height, effects, spread = self.slopes(population(place))
            return -height, -np.concatenate([(effects * unit).ravel(), spread])

        low, high = -box.copy(), box.copy()
        low[size:] = np.maximum(low[size:], math.log(LEAST_SPREAD) - origin)
        high[size:] = np.minimum(high[size:], math.log(LARGEST_SPREAD) - origin)
        bounds = list(zip(low, high, strict=True))
        found = minimize(cost, np.zeros(len(box)), jac=True, method="L-BFGS-B", bounds=bounds,
                         options={"ftol": gain, "gtol": 1e-5, "maxiter": 500})  # fmt: skip
        return population(found.x), int(found.nit), np.abs(found.x) >= box * (1 - 1e-9)


def most_evident(
    likelihood: PeopleLikelihood,
    population: Population,
    people: Sequence[Posterior],
    covariates: np.ndarray,
    draws: int,
    run: Callable[..., list[Any]],
    progress: Callable[[float], Any] | None = None,
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
        evidence = _Evidence(own, covariates)
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
    ends = np.full((2, len(errors)), np.nan)
    by_ratio = np.flatnonzero(_badly_known(population.spread, errors))
    if len(by_ratio):  # draws for the population as it is do not judge others far from it
        wide = population.spread * np.exp(np.minimum(_FAR * errors, math.log(_WIDEST)))
        makes = partial(_drawn, draws, np.minimum(wide, LARGEST_SPREAD))
        seeds = [(k, _ROUNDS, draws) for k in range(len(people))]
        for one, new in zip(own, run(makes, likelihood, seeds, known, population.centres(covariates)), strict=True):
            one.add(new)
        evidence = _Evidence(own, covariates)
        for j in by_ratio:
            ends[:, j] = evidence.spread_ends(population, int(j), min(_STEP, 0.5 * float(errors[j])))
    return population, known, steps, settled, information, ends


def _badly_known(spread: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Where the data, without the prior, say little of ln τ, or the search for τ has ended at its bound."""
    told = errors**-2.0 - 2 * (spread / SPREAD_SD) ** 2
    bound = (spread < 1.01 * LEAST_SPREAD) | (spread > 0.99 * LARGEST_SPREAD)
    found: np.ndarray = bound | (told < _BY_RATIO**-2)
    return found


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
        about = person_posterior(likelihood, k, one.eta, centre, spread, ROUGH)
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
