"""Is inference about people right? Simulation from known truths, for each route one function, one table.

Person       People are drawn from a population, answer, and are estimated given it: how often do 95 % intervals hold
             the truth, and is the truth's place in the posterior uniform?
Population   Whole data sets are simulated and fitted: bias and coverage of the population's parameters.
Posterior    Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788): truths come from the prior, and the
             rank of the truth among independent draws of the posterior is uniform if sampler and density are right.

Uniformity is tested by χ² over ten equal bins, coverage by the exact binomial test, both with Holm's correction over
the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas
from scipy.special import ndtr
from scipy.stats import binomtest, chisquare

from ..execution import Workers, completed
from .draws import interval_ends, weighted_draws
from .em import DRAWS, WITHIN, person_posterior
from .fit import PeopleFit, fit_likelihood
from .likelihood import PeopleLikelihood
from .population import SPREAD_SD, Population

BINS = 10
_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Calibration:
    """Where truths lie in what was inferred about them.

    Attributes
    ----------
    table : DataFrame
        simulation, parameter, true, estimate, lower, upper, rank (0 to 1).
    summary : DataFrame
        A row a parameter: simulations, bias and its standard error, correlation, intervals (how many simulations gave
        one with a limit; a spread may have none), coverage of these 95 % intervals with its exact interval
        (coverage_lower, coverage_upper) and p_coverage (that it is 95 %, by the binomial test), p_uniform (χ² of the
        ranks over ten bins; NaN where an estimate's error is not normal, and it has no rank); p_coverage_holm and
        p_uniform_holm with Holm's correction over the parameters.
    """

    route: str
    seed: int
    table: pandas.DataFrame = field(repr=False)
    summary: pandas.DataFrame


def person_calibration(
    likelihood: PeopleLikelihood, population: Population, *, n: int = 500, seed: int = 1, draws: int = DRAWS
) -> Calibration:
    """People drawn from a population, who answer as many trials as the first person, and are estimated given it.

    Estimates and intervals are those that a fit gives: mean and quantiles of weighted draws (:mod:`fits.people.draws`),
    ``draws`` at a time, a power of 2 from 16 on, four times. Ranks are the truth's place among these draws.
    """
    rng = np.random.default_rng(seed)
    size = len(likelihood.scale)
    centre = population.effects[:, 0]
    etas = rng.normal(centre, population.spread, (n, size))
    answered = simulate_people(likelihood, etas, rng)
    rows = []
    for k in range(n):
        mode = person_posterior(answered, k, centre, centre, population.spread)
        places, weights = weighted_draws(draws, answered, k, mode, centre, population.spread)
        mean, ends = weights @ places, interval_ends(places, weights)
        for j, name in enumerate(likelihood.scale.names):
            rows.append(
                dict(simulation=k, parameter=name, true=etas[k, j], estimate=mean[j],
                     lower=ends[0, j], upper=ends[1, j],
                     rank=float(weights[places[:, j] < etas[k, j]].sum()))
            )  # fmt: skip
    table = pandas.DataFrame(rows)
    return Calibration("person", seed, table, summarise(table))


def population_calibration(
    likelihood: PeopleLikelihood,
    population: Population,
    *,
    people: int = 30,
    n: int = 50,
    seed: int = 1,
    draws: int = DRAWS,
    workers: Workers = None,
    keep: Callable[[int, Any], Any] | None = None,
    done: Mapping[int, Any] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> Calibration:
    """Whole data sets from a population, each fitted by :func:`fits.people.fit.fit_people`'s EM.

    Its parameters are "mean of …" and "spread of …" on the scale of η; spreads are compared as logarithms. Simulations
    run side by side (:mod:`fits.execution`); each is kept as it ends, and those of ``done`` are not run again.
    """
    tasks = [(likelihood, population, people, draws, seed, k) for k in range(n)]
    results = completed(_population_simulation, tasks, workers=workers, keep=keep, done=done, progress=progress)
    table = pandas.DataFrame([row for rows in results for row in rows])
    return Calibration("population", seed, table, summarise(table))


def posterior_calibration(
    likelihood: PeopleLikelihood,
    *,
    people: int = 8,
    n: int = 100,
    seed: int = 1,
    draws: int = 200,
    tune: int = 200,
    thin: int = 4,
    workers: Workers = None,
    keep: Callable[[int, Any], Any] | None = None,
    done: Mapping[int, Any] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> Calibration:
    """Simulation-based calibration of the sampler: populations from the prior, people from them, ranks of the truth.

    Ranks are those among every ``thin``-th draw, of which the truth is one with equal probability of any place. Of
    people's parameters those of the first are ranked.
    """
    tasks = [(likelihood, people, draws, tune, thin, seed, k) for k in range(n)]
    results = completed(_posterior_simulation, tasks, workers=workers, keep=keep, done=done, progress=progress)
    table = pandas.DataFrame([row for rows in results for row in rows])
    return Calibration("posterior", seed, table, summarise(table))


def confuse_people(
    fits: Sequence[PeopleFit], *, n: int = 20, seed: int = 1, draws: int = 64, workers: Workers = None,
    keep: Callable[[int, Any], Any] | None = None, done: Mapping[int, Any] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> pandas.DataFrame:  # fmt: skip
    """Data sets simulated from each fit, fitted with every model: how often each has the best BIC.

    Returns
    -------
    DataFrame
        A row a model that made the data, a column a model that is preferred.
    """
    names = [one.model for one in fits]
    counts = np.zeros((len(names), len(names)), dtype=int)
    pairs = [(one.likelihood, one.population) for one in fits]
    tasks = [(pairs, source, draws, seed, k) for source in range(len(fits)) for k in range(n)]
    for task, best in zip(
        tasks, completed(_preferred, tasks, workers=workers, keep=keep, done=done, progress=progress), strict=True
    ):
        counts[task[1], best] += 1
    return pandas.DataFrame(counts, index=pandas.Index(names, name="simulated"), columns=names)


def simulate_people(likelihood: PeopleLikelihood, etas: np.ndarray, rng: np.random.Generator) -> PeopleLikelihood:
    """The likelihood of people with these η, (people, parameters), who answer as many trials as the first person."""
    n = len(etas)
    template = likelihood.with_counts([likelihood.old[0]] * n, [likelihood.lures[0]] * n)
    made = [template.simulate(k, eta, rng) for k, eta in enumerate(etas)]
    return likelihood.with_counts([old for old, _ in made], [new for _, new in made])


def summarise(table: pandas.DataFrame) -> pandas.DataFrame:
    """What a table of simulations says about each parameter; see :class:`Calibration`."""
    rows = []
    for name, group in table.groupby("parameter", sort=False):
        errors = (group.estimate - group.true).to_numpy()
        intervals = int((group.lower.notna() & group.upper.notna()).sum())
        covered = int(((group.lower <= group.true) & (group.true <= group.upper)).sum())
        test = binomtest(covered, intervals, _LEVEL) if intervals else None
        ends = test.proportion_ci(_LEVEL) if test else None
        varied = len(group) > 1 and np.ptp(group.true) > 0 and np.ptp(group.estimate) > 0
        rows.append(
            dict(parameter=name, simulations=len(group), bias=errors.mean(),
                 bias_error=errors.std(ddof=1) / math.sqrt(len(group)) if len(group) > 1 else math.nan,
                 correlation=float(np.corrcoef(group.true, group.estimate)[0, 1]) if varied else math.nan,
                 intervals=intervals, coverage=covered / intervals if intervals else math.nan,
                 coverage_lower=ends.low if ends else math.nan, coverage_upper=ends.high if ends else math.nan,
                 p_coverage=test.pvalue if test else math.nan,
                 p_uniform=uniformity(group["rank"].to_numpy(float)))
        )  # fmt: skip
    summary = pandas.DataFrame(rows)
    corrected = {f"{name}_holm": holm(summary[name].to_numpy(float)) for name in ("p_coverage", "p_uniform")}
    return summary.assign(**corrected)


def uniformity(ranks: np.ndarray) -> float:
    """p of the χ² test that ranks from 0 to 1 are uniform, over ten equal bins; NaN where one is missing."""
    if not len(ranks) or not np.isfinite(ranks).all():
        return math.nan
    counts, _ = np.histogram(ranks, bins=BINS, range=(0.0, 1.0))
    return float(chisquare(counts).pvalue)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's correction of several p values; those that are not numbers stay."""
    found = np.full(len(p), np.nan)
    order = [k for k in np.argsort(p) if np.isfinite(p[k])]
    highest = 0.0
    for place, k in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - place) * float(p[k])))
        found[k] = highest
    return found


def population_rows(fit: PeopleFit, truth: Population) -> list[dict[str, Any]]:
    """Truth, estimate and interval of every mean and (as a logarithm) spread; ``identified`` by the fit's verdict."""
    rows = []
    for j, row in enumerate(fit.parameters.to_dict("records")):
        half = WITHIN * row["mean_error"]
        known = row["verdict"] != "not identified"
        with np.errstate(divide="ignore"):  # where a spread of 0 is not excluded
            lower, spread, upper = np.log([row["spread_lower"], row["spread"], row["spread_upper"]])
        for what, true, estimate, ends, identified in (
            ("mean of", truth.effects[j, 0], row["mean"], (row["mean"] - half, row["mean"] + half), known),
            ("spread of", math.log(truth.spread[j]), spread, (lower, upper), row["verdict"] == "ok"),
        ):
            if np.isinf(ends).all():
                ends = (math.nan, math.nan)
            error = (ends[1] - ends[0]) / (2 * WITHIN)
            normal = math.isclose(ends[1] - estimate, estimate - ends[0], rel_tol=1e-6)
            rows.append(
                dict(parameter=f"{what} {row['parameter']}", true=float(true), estimate=float(estimate),
                     lower=float(ends[0]), upper=float(ends[1]), identified=identified,
                     rank=float(ndtr((true - estimate) / error)) if normal else math.nan)
            )  # fmt: skip
    return rows


def _population_simulation(
    likelihood: PeopleLikelihood, population: Population, people: int, draws: int, seed: int, k: int
) -> list[dict[str, Any]]:
    rng = np.random.default_rng([seed, k])
    etas = rng.normal(population.effects[:, 0], population.spread, (people, len(population.spread)))
    fit = fit_likelihood(simulate_people(likelihood, etas, rng), alone=False, draws=draws, workers=1)
    return [dict(simulation=k, **row) for row in population_rows(fit, population)]


def _posterior_simulation(
    likelihood: PeopleLikelihood, people: int, draws: int, tune: int, thin: int, seed: int, k: int
) -> list[dict[str, Any]]:
    from .posterior import sample_people

    size = len(likelihood.scale)
    rng = np.random.default_rng([seed, k])
    spread = np.abs(rng.normal(0, SPREAD_SD, size))
    truth = Population(rng.logistic(size=(size, 1)), spread)
    etas = rng.normal(truth.effects[:, 0], spread, (people, size))
    fit = fit_likelihood(simulate_people(likelihood, etas, rng), alone=False, draws=0, workers=1)
    sampled = sample_people(fit, draws=draws, tune=tune, chains=2, seed=seed * 100_000 + k, workers=1)
    populations, found = sampled.draws()
    means = np.array([one.effects[:, 0] for one in populations])[::thin]
    spreads = np.array([one.spread for one in populations])[::thin]
    first = found[::thin, 0]
    rows = []
    for j, name in enumerate(likelihood.scale.names):
        for what, true, every in (
            ("mean of", truth.effects[j, 0], means[:, j]), ("spread of", spread[j], spreads[:, j]),
            ("first person's", etas[0, j], first[:, j]),
        ):  # fmt: skip
            below = int((every < true).sum())
            rows.append(
                dict(simulation=k, parameter=f"{what} {name}", true=float(true), estimate=float(every.mean()),
                     lower=float(np.quantile(every, 0.025)), upper=float(np.quantile(every, 0.975)),
                     rank=(below + rng.random()) / (len(every) + 1))
            )  # fmt: skip
    return rows


def _preferred(pairs: Sequence[tuple[PeopleLikelihood, Population]], source: int, draws: int, seed: int, k: int) -> int:
    """The model whose fit to data of another (or its own) has the best BIC."""
    rng = np.random.default_rng([seed, source, k])
    likelihood, population = pairs[source]
    size = len(population.spread)
    etas = rng.normal(population.effects[:, 0], population.spread, (len(likelihood), size))
    made = [likelihood.simulate(i, eta, rng) for i, eta in enumerate(etas)]
    scores = []
    for own, start in pairs:
        data = own.with_counts([old for old, _ in made], [new for _, new in made])
        scores.append(fit_likelihood(data, start=start, alone=False, draws=draws, workers=1).bic)
    return int(np.argmin(scores))
