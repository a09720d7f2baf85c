"""Fits of many people's trials by empirical Bayes, with tables of the population and of every person."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas

from engram.consolidation import ConsolidationModel

from ..execution import Workers, executor_of
from ..prediction import NODES, model_class
from ..random_effects import ModelFrequencies, model_frequencies
from ..study import Study
from ..trials import Trials
from .covariates import standardised
from .draws import LEAST_WORTH
from .em import DRAWS, WITHIN, Posterior, everybody, expectation_maximisation, person_posterior
from .errors import resolved, standard_errors
from .likelihood import PeopleLikelihood
from .population import LOOSEST, SPREAD_SD, Population
from .unusual import note_table, notes_on_people

_ALONE_SD = math.pi / math.sqrt(3)  # of a standard logistic: what is known of a person when nothing is of the others
_OPEN = ("differences not identified", "differences not shown", "differences not bounded")
_VAGUE = 0.9  # standard error, as a share of what the prior alone would give, from which the data say hardly more


@dataclass(frozen=True, eq=False)
class PeopleFit:
    """One model fitted to many people's trials by empirical Bayes.

    Attributes
    ----------
    parameters : DataFrame
        A row a parameter. parameter, unit, median of the population with its 95 % interval (lower, upper); mean and
        mean_error of η; spread (τ) with its 95 % interval (spread_lower, spread_upper), by the error of ln τ or,
        where weighted draws say that it is large, by the likelihood ratio; people_lower and people_upper, between which
        95 % of people lie; reliability, the share of the variance between people that their trials resolve, τ² times
        the mean of A_i (:func:`fits.people.errors.standard_errors`); verdict: "ok", "not identified" (the error of μ is
        its prior's), "differences not identified" (spread between 0 and ∞), "differences not shown" (from 0: people may
        be all alike) or "differences not bounded" (to ∞: they may be anywhere between the bounds), by the data or
        because draws cannot judge; description.
    effects : DataFrame
        A row a parameter and covariate: slope of η per standard deviation of the covariate, standard_error, lower,
        upper.
    people : DataFrame
        A row a person and parameter: participant, n_trials, parameter, estimate, lower, upper (95 %), alone (the
        estimate if nothing were known of the others: near the middle of the bounds where trials say nothing), eta, sd,
        shrinkage (V/τ²: 0 where the data alone decide, 1 where they say nothing).
    evidence : Series
        Each person's log evidence given the population, indexed by participant.
    notes : DataFrame
        who (a participant or covariate), what is unusual, consequence.
    population : Population
    posteriors : tuple of Posterior
    """

    model: str
    study: str
    level: str
    parameters: pandas.DataFrame
    effects: pandas.DataFrame
    people: pandas.DataFrame
    evidence: pandas.Series
    notes: pandas.DataFrame
    n_trials: int
    steps: int
    converged: bool
    seconds: float
    population: Population = field(repr=False)
    posteriors: tuple[Posterior, ...] = field(repr=False)
    covariates: pandas.DataFrame = field(repr=False)
    likelihood: PeopleLikelihood = field(repr=False)

    @property
    def log_evidence(self) -> float:
        """Of everybody's trials, given the population."""
        return float(self.evidence.sum())

    @property
    def bic(self) -> float:
        """Of the population's parameters, people being integrated out: −2 ln evidence + k ln (number of trials)."""
        k = self.population.effects.size + self.population.spread.size
        return k * math.log(self.n_trials) - 2 * self.log_evidence


def fit_people(
    trials: Trials,
    study: Study,
    model: str | ConsolidationModel,
    *,
    level: str = "phase",
    covariates: pandas.DataFrame | None = None,
    draws: int = DRAWS,
    workers: Workers = None,
    progress: Callable[[float], Any] | None = None,
) -> PeopleFit:
    """Fit a population and every person in it, by EM with Laplace's approximation.

    Parameters
    ----------
    trials : Trials
        Of two people or more; people with few or uninformative trials stay, and are named in ``notes``.
    study : Study
        Whose ``[parameters]`` vary over people, within their bounds; priors of the file do not count here.
    model : str or ConsolidationModel
        Its biology holds for everybody.
    level : {"phase", "item"}
        Whether people share the design's timeline or each have their own.
    covariates : DataFrame, optional
        Numbers indexed by participant (:func:`fits.people.read_covariates`), which shift where a person is expected; a
        constant one is left out and noted.
    draws, workers, progress
        As in :func:`fits.people.em.expectation_maximisation`.

    Raises
    ------
    TrialError
        Trials that the design cannot hold, or covariates that do not go with them.
    ValueError
        Fewer than two people.

    Examples
    --------
    >>> import fits
    >>> from fits.people import fit_people
    >>> study = fits.load_study("hennings_2021")
    >>> trials = fits.read_trials(study=study, missing="drop")  # doctest: +SKIP
    >>> fit_people(trials, study, "EncodingOnly").parameters  # doctest: +SKIP
    """
    if covariates is not None and not isinstance(covariates, pandas.DataFrame):
        raise TypeError(f"covariates is {type(covariates).__name__}; give a DataFrame indexed by participant")
    if len(trials.participants) < 2:
        raise ValueError(
            f"{len(trials.participants)} participant(s) given; a population needs two or more, and one person alone "
            "can be fitted with fit_trials (on the command line without --people)"
        )
    instance = model_class(model)(nodes=NODES) if isinstance(model, str) else model
    own, notes = standardised(covariates, trials.participants)
    likelihood = PeopleLikelihood(trials, study, instance, level)
    return fit_likelihood(likelihood, own, notes=notes, draws=draws, workers=workers, progress=progress)


def fit_likelihood(
    likelihood: PeopleLikelihood,
    covariates: pandas.DataFrame | None = None,
    *,
    notes: Sequence[tuple[str, str, str]] = (),
    start: Population | None = None,
    alone: bool = True,
    draws: int = DRAWS,
    workers: Workers = None,
    progress: Callable[[float], Any] | None = None,
) -> PeopleFit:
    """As :func:`fit_people`, from likelihoods that are made; ``alone=False`` spares the estimates without others."""
    if covariates is None:
        covariates = pandas.DataFrame(index=list(likelihood.people))
    values = covariates.to_numpy(float)
    ended = expectation_maximisation(likelihood, values, start=start, draws=draws, workers=workers, progress=progress)
    population, posteriors = ended.population, ended.people
    notes = [*notes, *notes_on_people(likelihood)]
    if not ended.converged:
        notes.append(("everybody", f"EM has not settled in {ended.steps} steps",
                      "the population is where it ended; more draws or the sampled posterior would tell"))  # fmt: skip
    notes += [
        (name, "the search did not settle", "the estimate is where it ended; see the log-likelihood near it")
        for name, one in zip(likelihood.people, posteriors, strict=True)
        if not one.converged
    ]
    notes += [
        (
            name,
            f"the weighted draws are worth {one.worth:.0f}",
            "the interval is rough; a sampled posterior, or a fit with more draws, would tell",
        )
        for name, one in zip(likelihood.people, posteriors, strict=True)
        if one.worth < LEAST_WORTH
    ]
    errors = standard_errors(population, posteriors, values, ended.information)
    parameters, effects = _population_tables(likelihood, population, posteriors, covariates, errors, ended.spread_ends)
    by_self = np.full((len(likelihood), len(likelihood.scale)), np.nan)
    if alone:
        with executor_of(workers) as pool:
            by_self = np.array(everybody(pool, _alone, likelihood, np.array([one.eta for one in posteriors])))
    counts = [int(old.sum() + new.sum()) for old, new in zip(likelihood.old, likelihood.lures, strict=True)]
    return PeopleFit(
        model=type(likelihood.model).__name__,
        study=likelihood.study.id,
        level=likelihood.level,
        parameters=parameters,
        effects=effects,
        people=_people_table(likelihood, population, posteriors, counts, by_self),
        evidence=pandas.Series([one.log_evidence for one in posteriors], index=list(likelihood.people)),
        notes=note_table(notes),
        n_trials=sum(counts),
        steps=ended.steps,
        converged=ended.converged,
        seconds=ended.seconds,
        population=population,
        posteriors=posteriors,
        covariates=covariates,
        likelihood=likelihood,
    )


def compare_people(fits: Sequence[PeopleFit]) -> ModelFrequencies:
    """How frequent models are among people, from each person's log evidence under each (random effects).

    The evidences are conditional on populations that were fitted to the same people; the price of that, the same
    for models with as many parameters, is in ``PeopleFit.bic`` alone.
    """
    names = [one.model for one in fits]
    if len(set(names)) < len(names):
        raise ValueError(f"models {', '.join(names)}: one is there twice; compare fits of different models")
    return model_frequencies(pandas.DataFrame({one.model: one.evidence for one in fits}))


def _population_tables(
    likelihood: PeopleLikelihood, population: Population, posteriors: Sequence[Posterior], covariates: pandas.DataFrame,
    found: tuple[np.ndarray, np.ndarray], spread_ends: np.ndarray | None,
) -> tuple[pandas.DataFrame, pandas.DataFrame]:  # fmt: skip
    errors, spread_errors = found
    mean, spread = population.effects[:, 0], population.spread
    scale = likelihood.scale
    known = np.mean([np.diag(resolved(one.information, spread)) for one in posteriors], axis=0)
    ends = [scale.outward(mean + sign * WITHIN * errors[:, 0]) for sign in (-1, 1)]
    people = [scale.outward(mean + sign * WITHIN * spread) for sign in (-1, 1)]
    factor = np.exp(WITHIN * spread_errors)
    low, high = spread / factor, spread * factor
    if spread_ends is None:
        told = np.minimum(LOOSEST, _VAGUE * SPREAD_SD / (math.sqrt(2) * spread))  # the prior's curvature is 2 (τ/SD)²
        low, high = np.where(spread_errors < told, [low, high], [[0.0], [math.inf]])
    else:
        low, high = np.where(np.isnan(spread_ends), [low, high], spread_ends)
    open_ends = [(low == 0) & np.isinf(high), low == 0, np.isinf(high)]
    vague = errors[:, 0] > _VAGUE * math.sqrt(2) * np.cosh(0.5 * mean)  # the prior's curvature is ½ sech²(μ/2)
    coordinates = likelihood.coordinates
    table = pandas.DataFrame(
        dict(
            parameter=scale.names, unit=[c.unit for c in coordinates], median=scale.outward(mean), lower=ends[0],
            upper=ends[1], mean=mean, mean_error=errors[:, 0], spread=spread, spread_lower=low,
            spread_upper=high, people_lower=people[0], people_upper=people[1],
            reliability=known * spread**2,
            verdict=np.select([vague, *open_ends], ["not identified", *_OPEN], "ok"),
            description=[c.description for c in coordinates],
        )
    )  # fmt: skip
    rows = [
        dict(parameter=name, covariate=str(covariate), slope=population.effects[j, c + 1],
             standard_error=errors[j, c + 1], lower=population.effects[j, c + 1] - WITHIN * errors[j, c + 1],
             upper=population.effects[j, c + 1] + WITHIN * errors[j, c + 1])
        for j, name in enumerate(scale.names) for c, covariate in enumerate(covariates)
    ]  # fmt: skip
    columns = ["parameter", "covariate", "slope", "standard_error", "lower", "upper"]
    return table, pandas.DataFrame(rows, columns=columns)


def _alone(likelihood: PeopleLikelihood, etas: np.ndarray) -> list[np.ndarray]:
    """Estimates if nothing were known of the others, from where ``etas`` are; in the parameters' units."""
    size = len(likelihood.scale)
    centre, vague = np.zeros(size), np.full(size, _ALONE_SD)
    found = [person_posterior(likelihood, k, eta, centre, vague, 1e-4) for k, eta in enumerate(etas)]
    return [likelihood.scale.outward(one.eta) for one in found]


def _people_table(
    likelihood: PeopleLikelihood, population: Population, posteriors: Sequence[Posterior], counts: Sequence[int],
    by_self: np.ndarray,
) -> pandas.DataFrame:  # fmt: skip
    scale = likelihood.scale
    rows = []
    for name, one, n, own in zip(likelihood.people, posteriors, counts, by_self, strict=True):
        sd = np.sqrt(np.diag(one.covariance))
        lower, upper = scale.outward(one.interval())
        estimates = scale.outward(one.eta)
        for j, parameter in enumerate(scale.names):
            rows.append(
                dict(participant=name, n_trials=n, parameter=parameter, estimate=estimates[j], lower=lower[j],
                     upper=upper[j], alone=own[j], eta=one.eta[j], sd=sd[j],
                     shrinkage=min(1.0, (sd[j] / population.spread[j]) ** 2))
            )  # fmt: skip
    return pandas.DataFrame(rows)
