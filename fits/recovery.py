"""Can the parameters be recovered, do intervals cover, and are models told apart? By simulation from known truths.

Simulation ``k`` draws its true parameters and its data from the ``k``-th child of the seed, for any number of workers.
It is fitted from one start that does not know the truth: the most likely, for its data, of the optimum about which the
truths are drawn and of a Sobol design over the bounds, whose predictions are made once for all simulations. This is
what lets a refit take seconds. What it misses is measured: the first ``compared`` simulations are fitted from further
points of the design too, and ``gain`` says by how much the best of those is more likely.

A search ends where a step gains less than ``TOLERANCE`` of the deviance: for studies like the shipped ones a
thousandth in log-likelihood, where 2 is what matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas
from scipy.special import ndtri
from scipy.stats import binomtest, qmc

from engram.consolidation import ConsolidationModel
from engram.consolidation.model import SimulationError

from .estimation import Fit, fit, search, summary_of
from .likelihood import log_likelihoods
from .objective import Objective
from .repetition import Row, repeat
from .simulation import simulate
from .study import Study

LEVEL = 0.95  # of the intervals
TOLERANCE = 1e-4
_DESIGN = 128  # points from which starts are taken
_OTHERS = 2  # further starts of the simulations that are fitted from several
_AHEAD = 0.1  # log-likelihood by which another start must be better to count as different
_OFTEN = 0.5  # share of the simulations in which a parameter is identified, from which it is called so

#: From a fit to its intervals: study, parameter, lower, upper (in the parameter's unit), verdict.
Interval = Callable[[Fit], pandas.DataFrame]


@dataclass(frozen=True)
class Recovery:
    """Simulations with their refits.

    Attributes
    ----------
    table : DataFrame
        Every simulation and coordinate: simulation, study, parameter, scale, true, estimate, standard_error, lower,
        upper, covered (None without an interval), verdict ("ok", "at bound", "not identified", "failed"), converged,
        log_likelihood, gain (see the module; NaN where only one start was made).
    summary : DataFrame
        Every coordinate; see :func:`summarise`.
    differ : tuple of int
        How many of the simulations that were fitted from several starts ended more than 0.1 in log-likelihood below
        the best of them, and how many these are.
    """

    model: str
    seed: int
    table: pandas.DataFrame
    summary: pandas.DataFrame
    differ: tuple[int, int]


def recover_parameters(
    studies: Sequence[Study],
    model: str | ConsolidationModel,
    *,
    n: int = 200,
    seed: int = 1,
    workers: int | None = None,
    priors: bool = False,
    shared: bool = True,
    truth: Fit | None = None,
    spread: float = 0.1,
    interval: Interval | None = None,
    compared: int = 5,
    keep: Callable[[int, list[Row]], Any] | None = None,
    done: Mapping[int, list[Row]] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> Recovery:
    """Simulate studies at known parameters, fit them again, and hold the estimates against the truth.

    Parameters
    ----------
    studies, model, workers, priors, shared
        As in :func:`fits.fit`.
    n : int
        Simulations.
    truth : Fit, optional
        About whose optimum the true parameters are drawn; by default the studies are fitted for it (16 starts).
    spread : float
        The truths are uniform within this many widths of the search on either side of the optimum, and within the
        bounds: 0 simulates at the optimum only, 1 draws from anywhere within the bounds.
    interval : callable, optional
        From a fit to its 95 % intervals (study, parameter, lower, upper, verdict), as for profile likelihoods;
        :func:`wald_intervals` by default.
    compared : int
        How many simulations are fitted from further starts as well.
    keep : callable, optional
        Called with the number and the rows (of plain numbers and words) of each simulation as it ends.
    done : mapping, optional
        Simulations kept before, by their number; they are not run again. The result has the same bits.
    progress : callable, optional
        Called with the number of evaluations of each simulation as it ends.

    Raises
    ------
    ValueError
        No simulations, a spread outside 0 to 1, a ``truth`` of other studies or another model.
    """
    if n < 1:
        raise ValueError(f"n is {n}; give at least 1 simulation")
    _check_spread(spread)
    reference = truth if truth is not None else fit(
        studies, model, seed=seed, workers=workers, shared=shared, priors=priors)  # fmt: skip
    _check_truth(reference, studies, model)
    screen = Screen(reference, seed)
    intervals = interval or wald_intervals

    def one(number: int, adopt: Callable[[Objective], Objective]) -> tuple[list[Row], int]:
        true, data = truth_and_data(reference, spread, seed, number)
        objective = adopt(reference.objective.with_studies(data))
        searches = [search(objective, start, TOLERANCE) for start in
                    screen.starts(data, 1 + _OTHERS if number < compared else 1)]  # fmt: skip
        best = max(s["log_likelihood"] if s["converged"] else -math.inf for s in searches)
        gain = max(0.0, best - searches[0]["log_likelihood"]) if number < compared else math.nan
        rows = _rows(objective, searches[0], true, seed, intervals)
        return [dict(simulation=number, **row, gain=gain) for row in rows], sum(s["evaluations"] for s in searches)

    results = repeat(one, n, workers=workers, keep=keep, done=done, progress=progress)
    table = pandas.DataFrame([row for rows in results for row in rows])
    gains = table.groupby("simulation").gain.first().dropna() if len(table) else pandas.Series(dtype=float)
    differ = (int((gains > _AHEAD).sum()), len(gains))
    return Recovery(reference.model, seed, table, summarise(table), differ)


def _check_spread(spread: float) -> None:
    if not 0 <= spread <= 1:
        raise ValueError(f"spread is {spread!r}; give widths of the search between 0 and 1")


def _check_truth(truth: Fit, studies: Sequence[Study], model: str | ConsolidationModel) -> None:
    name = model if isinstance(model, str) else type(model).__name__
    identifiers = tuple(study.id for study in studies)
    if (truth.model, truth.studies) != (name, identifiers):
        raise ValueError(f"truth is a fit of {truth.model} to {', '.join(truth.studies)}; give one of {name} to "
                         f"{', '.join(identifiers)}")  # fmt: skip


def truth_and_data(reference: Fit, spread: float, seed: int, *number: int) -> tuple[np.ndarray, tuple[Study, ...]]:
    """True parameters on the search scale about an optimum, and studies simulated there."""
    low, high = np.array(reference.objective.bounds).reshape(-1, 2).T
    where, what = (np.random.SeedSequence(seed, spawn_key=(*number, part)) for part in (0, 1))
    lowest = np.maximum(low, reference.position - spread * (high - low))
    highest = np.minimum(high, reference.position + spread * (high - low))
    true = np.random.default_rng(where).uniform(lowest, highest)
    return true, simulate(reference.objective, true, seed=what)


@dataclass
class Screen:
    """Places from which simulations can be fitted, with what is predicted there: made once, for any data."""

    reference: Fit
    seed: int
    points: list[np.ndarray] = field(init=False)
    predictions: list[list[np.ndarray]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        objective = self.reference.objective
        self.points, self.predictions = [], []
        low, high = np.array(objective.bounds).reshape(-1, 2).T
        spread_out = qmc.Sobol(max(len(low), 1), scramble=True, rng=self.seed).random(_DESIGN)[:, : len(low)]
        for point in [self.reference.position, *(low + spread_out * (high - low))]:
            try:
                predicted = [objective.predict(k, point[columns]) for k, columns in enumerate(objective.columns)]
            except SimulationError:  # no start is made where the model cannot be run
                continue
            self.points.append(point)
            self.predictions.append(predicted)

    def starts(self, studies: Sequence[Study], number: int) -> list[np.ndarray]:
        """The ``number`` most likely points for these observations, best first."""
        objective = self.reference.objective
        values = [
            sum(float(log_likelihoods(study.observations, part).sum())
                for study, part in zip(studies, predicted, strict=True)) + objective.log_prior(point)
            for point, predicted in zip(self.points, self.predictions, strict=True)
        ]  # fmt: skip
        return [self.points[k] for k in np.argsort(-np.array(values), kind="stable")[:number]]


def _rows(
    objective: Objective, found: dict[str, Any], true: np.ndarray, seed: int, interval: Interval
) -> list[Row]:
    failed = not math.isfinite(found["value"])
    if not failed:
        refit = summary_of(objective, [found], 0, seed, 0.0)
        ends = interval(refit).set_index(["study", "parameter"])
        estimates = refit.estimates.set_index(["study", "parameter"])
    rows = []
    for coordinate, true_value in zip(objective.coordinates, objective.values(true), strict=True):
        row: Row = dict(study=coordinate.study, parameter=coordinate.name, scale=coordinate.scale, true=true_value)
        if failed:
            row |= dict(estimate=math.nan, standard_error=math.nan, lower=math.nan, upper=math.nan, covered=None,
                        verdict="failed")  # fmt: skip
        else:
            key = (coordinate.study, coordinate.name)
            lower, upper = float(ends.lower[key]), float(ends.upper[key])
            known = math.isfinite(lower) and math.isfinite(upper)
            row |= dict(
                estimate=float(estimates.estimate[key]), standard_error=float(estimates.standard_error[key]),
                lower=lower, upper=upper, covered=bool(lower <= true_value <= upper) if known else None,
                verdict=str(ends.verdict[key]),
            )  # fmt: skip
        rows.append(row | dict(converged=bool(found["converged"]), log_likelihood=float(found["log_likelihood"])))
    return rows


def wald_intervals(result: Fit) -> pandas.DataFrame:
    """95 % intervals of ± 1.96 standard errors on the search scale (NaN where the verdict is not "ok").

    Returns
    -------
    DataFrame
        study, parameter, lower, upper (in the parameter's unit), verdict.
    """
    half = float(ndtri(0.5 + LEVEL / 2))
    rows = []
    for coordinate, row in zip(result.objective.coordinates, result.estimates.itertuples(), strict=True):
        estimate, error = float(row.estimate), float(row.standard_error)
        if coordinate.scale == "log":
            ends = [estimate * math.exp(sign * half * error / estimate) for sign in (-1, 1)]
        else:
            ends = [estimate + sign * half * error for sign in (-1, 1)]
        rows.append(dict(study=row.study, parameter=row.parameter, lower=ends[0], upper=ends[1], verdict=row.verdict))
    return pandas.DataFrame(rows, columns=["study", "parameter", "lower", "upper", "verdict"])


def summarise(table: pandas.DataFrame) -> pandas.DataFrame:
    """What a table of simulations says about each coordinate.

    Parameters
    ----------
    table : DataFrame
        As :attr:`Recovery.table`.

    Returns
    -------
    DataFrame
        study, parameter, scale, simulations, failed; bias, its standard error, rmse (on the search scale: of the
        logarithm where the scale is log) and the correlation of estimate and truth, over all simulations; identified,
        the share whose verdict is "ok"; coverage of the intervals of those, with its Clopper-Pearson interval
        (coverage_lower, coverage_upper) at a confidence of 1 − 0.05/m for the m parameters called identified;
        finding: "covered", "covers too little", "covers too much", or "not identified" where fewer than half of the
        simulations identify it.
    """
    if not len(table):
        return pandas.DataFrame()
    groups = list(table.groupby(["study", "parameter"], sort=False))
    called = sum((group.verdict == "ok").mean() >= _OFTEN for _, group in groups)
    confidence = 1 - (1 - LEVEL) / max(called, 1)
    rows = []
    for (study, parameter), group in groups:
        fitted = group[group.verdict != "failed"]
        scale = str(group.scale.iloc[0])
        true, estimate = fitted.true.to_numpy(float), fitted.estimate.to_numpy(float)
        if scale == "log":
            true, estimate = np.log(true), np.log(estimate)
        errors = estimate - true
        varied = len(errors) > 1 and np.ptp(true) > 0 and np.ptp(estimate) > 0
        share = float((group.verdict == "ok").mean())
        covered = group.covered[(group.verdict == "ok") & group.covered.notna()].astype(bool)
        interval = (math.nan, math.nan)
        finding = "not identified"
        if len(covered):
            ends = binomtest(int(covered.sum()), len(covered)).proportion_ci(confidence)
            interval = (float(ends.low), float(ends.high))
            if share >= _OFTEN:
                finding = ("covers too little" if ends.high < LEVEL else
                           "covers too much" if ends.low > LEVEL else "covered")  # fmt: skip
        rows.append(
            dict(
                study=study, parameter=parameter, scale=scale, simulations=len(group), failed=len(group) - len(fitted),
                bias=float(errors.mean()) if len(errors) else math.nan,
                bias_error=float(errors.std(ddof=1) / math.sqrt(len(errors))) if len(errors) > 1 else math.nan,
                rmse=float(np.sqrt((errors**2).mean())) if len(errors) else math.nan,
                correlation=float(np.corrcoef(true, estimate)[0, 1]) if varied else math.nan,
                identified=share, coverage=float(covered.mean()) if len(covered) else math.nan,
                coverage_lower=interval[0], coverage_upper=interval[1], finding=finding,
            )
        )  # fmt: skip
    return pandas.DataFrame(rows)
