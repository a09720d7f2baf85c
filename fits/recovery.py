"""Can the parameters be recovered, do intervals cover, and are models told apart? By simulation from known truths.

Simulation ``k`` draws its true parameters and its data from the ``k``-th child of the seed, for any number of workers.
It is fitted from starts that do not know the truth (:mod:`fits.refit`), few enough that a refit takes seconds. What
that misses is measured: the first ``compared`` simulations are fitted from further starts as well, each to its end, and
``gain`` says by how much the best of those is more likely.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas
from scipy.special import ndtri
from scipy.stats import binomtest

from engram.consolidation import ConsolidationModel

from .estimation import Fit, fit, standard_errors
from .estimation import summarise as fit_of
from .execution import Workers
from .objective import Objective
from .profile import profile
from .refit import TOLERANCE, Screen, refit
from .repetition import Row, repeat
from .search import search
from .simulation import simulate
from .study import Study

LEVEL = 0.95  # of the intervals
_FURTHER = 6  # starts that a simulation fitted from more is searched from
_AHEAD = 0.1  # log-likelihood by which another start must be better to count as different
IDENTIFIED = ("ok", "identified")  # verdicts of a fit, and of a profile, that call a parameter identified
_OFTEN = 0.5  # share of the simulations that must identify a parameter for its intervals to be called good

#: From a fit to its intervals: study, parameter, lower, upper (in the parameter's unit), verdict.
Interval = Callable[[Fit], pandas.DataFrame]


@dataclass(frozen=True)
class Recovery:
    """Simulations with their refits.

    Attributes
    ----------
    table : DataFrame
        Every simulation and coordinate: simulation, study, parameter, scale, true, estimate, standard_error, lower,
        upper (NaN: open on that side), covered (None without an interval), verdict ("ok", "at bound",
        "not identified", "failed"), converged, log_likelihood, gain (see the module; NaN where only one start was
        made; infinite where the refit failed).
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
    workers: Workers = None,
    priors: bool = False,
    shared: bool = True,
    truth: Fit | None = None,
    spread: float = 0.1,
    starts: int = 2,
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
    starts : int
        From how many each simulation is fitted.
    interval : callable, optional
        From a fit to its 95 % intervals (study, parameter, lower, upper, verdict; NaN where open), of some or all
        parameters: :func:`profile_intervals`, say; by default those of standard errors, as :func:`wald_intervals`.
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
    check_spread(spread)
    check_starts(starts)
    reference = truth if truth is not None else fit(
        studies, model, seed=seed, workers=workers, shared=shared, priors=priors)  # fmt: skip
    check_truth(reference, studies, model, priors, shared)
    task = partial(_simulated, Screen(reference, seed), spread, starts, interval, compared)
    results = repeat(task, n, workers=workers, keep=keep, done=done, progress=progress)
    table = pandas.DataFrame([row for rows in results for row in rows])
    gains = table.groupby("simulation").gain.first().dropna() if len(table) else pandas.Series(dtype=float)
    differ = (int((gains > _AHEAD).sum()), len(gains))
    return Recovery(reference.model, seed, table, summarise(table), differ)


def _simulated(
    screen: Screen,
    spread: float,
    starts: int,
    interval: Interval | None,
    compared: int,
    number: int,
    adopt: Callable[[Objective], Objective],
) -> tuple[list[Row], int]:
    """One simulation: its rows, and the evaluations that it took."""
    reference, seed = screen.reference, screen.seed
    true, data = truth_and_data(reference, spread, seed, number)
    objective = adopt(reference.objective.with_studies(data))
    found = refit(objective, screen.starts(data, starts))
    evaluations, gain = found["evaluations"], math.nan
    if number < compared:
        others = [search(objective, start, tolerance=TOLERANCE) for start in screen.starts(data, starts + _FURTHER)]
        gain = max(0.0, *(found["value"] - other["value"] for other in others))
        evaluations += sum(other["evaluations"] for other in others)
    rows = _rows(objective, found, true, seed, interval)
    return [dict(simulation=number, **row, gain=gain) for row in rows], evaluations


def check_spread(spread: float) -> None:
    """``ValueError`` for a spread that is no share of the width of the search."""
    if not 0 <= spread <= 1:
        raise ValueError(f"spread is {spread!r}; give widths of the search between 0 and 1")


def check_starts(starts: int) -> None:
    """``ValueError`` for less than one start."""
    if starts < 1:
        raise ValueError(f"starts is {starts}; give at least 1")


def check_truth(
    truth: Fit, studies: Sequence[Study], model: str | ConsolidationModel, priors: bool, shared: bool
) -> None:
    """``ValueError`` for a fit of other studies, of another model or made in another way."""
    name = model if isinstance(model, str) else type(model).__name__
    identifiers = tuple(study.id for study in studies)
    made = (truth.objective.priors, bool(truth.objective.biology))
    if made != (priors, shared):
        raise ValueError(f"truth is a fit with priors={made[0]} and shared={made[1]}, but priors={priors} and "
                         f"shared={shared} are asked for; make them agree")  # fmt: skip
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


def _rows(
    objective: Objective, found: dict[str, Any], true: np.ndarray, seed: int, interval: Interval | None
) -> list[Row]:
    size = len(objective.coordinates)
    estimates, errors, lower, upper = (np.full(size, math.nan) for _ in range(4))
    verdicts = ["failed"] * size
    if math.isfinite(found["value"]):
        estimates = np.array(objective.values(found["x"]))
        on_scale, verdicts = standard_errors(objective, found["x"])
        on_scale = np.where([verdict == "ok" for verdict in verdicts], on_scale, math.nan)
        logarithmic = np.array([c.scale == "log" for c in objective.coordinates], dtype=bool)
        errors = on_scale * np.where(logarithmic, estimates, 1.0)
        if interval is None:
            lower, upper = _wald(logarithmic, estimates, errors)
        else:
            given = interval(fit_of(objective, [found], seed, 0.0)).to_dict("records")
            ends = {(row["study"], row["parameter"]): row for row in given}
            for k, coordinate in enumerate(objective.coordinates):
                row = ends.get((coordinate.study, coordinate.name), {})
                lower[k], upper[k] = row.get("lower", math.nan), row.get("upper", math.nan)
                verdicts[k] = str(row.get("verdict", verdicts[k]))
    rows = []
    for k, coordinate in enumerate(objective.coordinates):
        true_value = coordinate.outward(float(true[k]))
        known = math.isfinite(lower[k]) or math.isfinite(upper[k])
        rows.append(
            dict(
                study=coordinate.study, parameter=coordinate.name, scale=coordinate.scale, true=true_value,
                estimate=float(estimates[k]), standard_error=float(errors[k]), lower=float(lower[k]),
                upper=float(upper[k]),
                covered=not (true_value < lower[k] or true_value > upper[k]) if known else None,  # NaN: open
                verdict=verdicts[k], converged=bool(found["converged"]), log_likelihood=float(found["log_likelihood"]),
            )
        )  # fmt: skip
    return rows


def _wald(logarithmic: np.ndarray, estimates: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half = float(ndtri(0.5 + LEVEL / 2)) * errors
    factor = np.exp(np.where(logarithmic, half / np.where(logarithmic, estimates, 1.0), 0.0))
    return (
        np.where(logarithmic, estimates / factor, estimates - half),
        np.where(logarithmic, estimates * factor, estimates + half),
    )


def wald_intervals(result: Fit) -> pandas.DataFrame:
    """95 % intervals of ± 1.96 standard errors on the search scale (NaN where the verdict is not "ok").

    Returns
    -------
    DataFrame
        study, parameter, lower, upper (in the parameter's unit), verdict.
    """
    table = result.estimates
    logarithmic = np.array([c.scale == "log" for c in result.objective.coordinates], dtype=bool)
    lower, upper = _wald(logarithmic, table.estimate.to_numpy(float), table.standard_error.to_numpy(float))
    return table[["study", "parameter"]].assign(lower=lower, upper=upper, verdict=table.verdict)


def profile_intervals(result: Fit) -> pandas.DataFrame:
    """95 % intervals from profile likelihoods, which take long but hold what they claim where errors do not.

    Returns
    -------
    DataFrame
        study, parameter, lower, upper (in the parameter's unit; NaN where open), verdict of the profile.
    """
    found = profile(result, level=LEVEL, workers=1).intervals  # simulations run side by side already
    return found[["study", "parameter", "lower", "upper", "verdict"]]


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
        the share whose verdict says so; coverage_all, of all simulations, where no interval excludes nothing; coverage
        of the intervals of those that identify it, with its Clopper-Pearson interval (coverage_lower, coverage_upper)
        at a confidence of 1 − 0.05/m for the m parameters that any simulation identifies; finding: "covers too little"
        (however seldom it is identified: a reader has only the fit that says so), "covered" or "covers too much" where
        half of the simulations or more identify it, "not identified" otherwise.
    """
    if not len(table):
        return pandas.DataFrame()
    groups = list(table.groupby(["study", "parameter"], sort=False))
    called = sum(bool((group.verdict.isin(IDENTIFIED) & group.covered.notna()).any()) for _, group in groups)
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
        known = group.verdict.isin(IDENTIFIED)
        share = float(known.mean())
        covered = group.covered[known & group.covered.notna()].astype(bool)
        interval = (math.nan, math.nan)
        finding = "not identified"
        if len(covered):
            ends = binomtest(int(covered.sum()), len(covered)).proportion_ci(confidence)
            interval = (float(ends.low), float(ends.high))
            if ends.high < LEVEL:
                finding = "covers too little"
            elif share >= _OFTEN:
                finding = "covers too much" if ends.low > LEVEL else "covered"
        rows.append(
            dict(
                study=study, parameter=parameter, scale=scale, simulations=len(group), failed=len(group) - len(fitted),
                bias=float(errors.mean()) if len(errors) else math.nan,
                bias_error=float(errors.std(ddof=1) / math.sqrt(len(errors))) if len(errors) > 1 else math.nan,
                rmse=float(np.sqrt((errors**2).mean())) if len(errors) else math.nan,
                correlation=float(np.corrcoef(true, estimate)[0, 1]) if varied else math.nan,
                identified=share,
                coverage_all=float((fitted.covered != False).mean()) if len(fitted) else math.nan,  # noqa: E712
                coverage=float(covered.mean()) if len(covered) else math.nan,
                coverage_lower=interval[0], coverage_upper=interval[1], finding=finding,
            )
        )  # fmt: skip
    return pandas.DataFrame(rows)
