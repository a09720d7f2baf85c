"""Raw trials fitted: the whole group by maximum likelihood, or every participant by maximum a posteriori.

The search is that of :mod:`fits.estimation`: least squares of the deviance residuals within bounds, from many starts.
A participant's prior is normal on the search scale about the estimate of the group; it adds a residual
(x − μ)/σ for each parameter, so that the same search finds the maximum of ln L + ln prior.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas
from scipy.optimize import approx_fprime

from engram.consolidation import ConsolidationModel
from engram.recall import RESPONSES

from .estimation import FitError, estimate_table
from .execution import Workers, completed, executor_of
from .objective import _PROBES, _STEP, Coordinate, Stopped, _biological_coordinate, _study_coordinate
from .prediction import NODES, model_class
from .search import screened, search
from .study import Study
from .trial_likelihood import TrialPredictor
from .trials import Trials

#: Standard deviation of a participant about the group, in widths of a parameter's search.
SPREAD = 0.1


@dataclass(frozen=True, eq=False)
class TrialFit:
    """A model fitted to raw trials by maximum likelihood.

    Attributes
    ----------
    estimates : DataFrame
        As in :class:`fits.estimation.Fit`.
    starts : DataFrame
        Every start: log_likelihood, converged, message, evaluations and where it ended.
    groups : DataFrame
        By group of trials and outcome: n, observed and predicted share. Of the level "item", by phase and condition.
    deviance : float
        2(ln L_max − ln L); of the level "item", −2 ln L.
    """

    model: str
    study: str
    level: str
    log_likelihood: float
    deviance: float
    n_parameters: int
    n_trials: int
    seconds: float
    evaluations: int
    seed: int
    estimates: pandas.DataFrame
    starts: pandas.DataFrame
    groups: pandas.DataFrame
    fitted_model: ConsolidationModel

    @property
    def aic(self) -> float:
        return 2 * self.n_parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        return math.log(self.n_trials) * self.n_parameters - 2 * self.log_likelihood

    def values(self) -> dict[str, float]:
        """Parameter -> estimate."""
        return dict(zip(self.estimates["parameter"], self.estimates["estimate"], strict=True))


class TrialObjective:
    """The log-likelihood of trials over the parameters that they can feel, on the search scale.

    Parameters
    ----------
    predictor : TrialPredictor
    coordinates : sequence of Coordinate
        What is searched; parameters that are not hold their start values.
    prior : (mean, sd), optional
        Of a normal prior on the search scale, (coordinates,) each.
    """

    def __init__(
        self,
        predictor: TrialPredictor,
        coordinates: Sequence[Coordinate],
        prior: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.predictor = predictor
        self.coordinates = list(coordinates)
        self.prior = prior
        self.bounds = [(c.inward(c.bounds[0]), c.inward(c.bounds[1])) for c in self.coordinates]
        self.stopped = False

    def values(self, position: np.ndarray) -> list[float]:
        return [coordinate.outward(float(x)) for coordinate, x in zip(self.coordinates, position, strict=True)]

    def split(self, position: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
        """The study's own parameters and the shared ones at a position."""
        if self.stopped:
            raise Stopped
        own = {p.name: p.start for p in self.predictor.study.parameters.values()}
        shared: dict[str, float] = {}
        for coordinate, value in zip(self.coordinates, self.values(position), strict=True):
            (shared if coordinate.study == "shared" else own)[coordinate.name] = value
        return own, shared

    def residuals(self, position: np.ndarray) -> np.ndarray:
        residuals = self.predictor.residuals(*self.split(position))
        if self.prior is None:
            return residuals
        mean, sd = self.prior
        return np.concatenate([residuals, (position - mean) / sd])

    def jacobian(self, position: np.ndarray) -> np.ndarray:
        slopes: np.ndarray = approx_fprime(position, self.residuals, _STEP)
        return slopes

    def deviance(self, position: np.ndarray) -> tuple[float, np.ndarray]:
        """Half the sum of squared residuals and its gradient."""
        residuals = self.residuals(position)
        return 0.5 * float(residuals @ residuals), self.jacobian(position).T @ residuals

    def log_likelihood(self, position: np.ndarray) -> float:
        return self.predictor.log_likelihood(*self.split(position))

    def log_prior(self, position: np.ndarray) -> float:
        """ln of the normal density, not truncated to the bounds; 0 without a prior."""
        if self.prior is None:
            return 0.0
        mean, sd = self.prior
        return float(-0.5 * (((position - mean) / sd) ** 2).sum() - np.log(sd * math.sqrt(2 * math.pi)).sum())

    def value(self, position: np.ndarray) -> float:
        """Negative log-likelihood, or log-posterior where there is a prior."""
        return -self.log_likelihood(position) - self.log_prior(position)

    def information(self, position: np.ndarray) -> np.ndarray:
        """Expected Fisher information on the search scale, with that of the prior."""
        step = 1e-5
        predicted = self.predictor(*self.split(position))
        slopes = np.zeros((len(predicted), len(position)))
        for k in range(len(position)):
            up, down = position.copy(), position.copy()
            up[k] += step
            down[k] -= step
            slopes[:, k] = (self.predictor(*self.split(up)) - self.predictor(*self.split(down))) / (2 * step)
        total: np.ndarray = slopes.T @ (self.predictor.information(predicted)[:, None] * slopes)
        return total if self.prior is None else total + np.diag(self.prior[1] ** -2.0)


def fit_trials(
    trials: Trials,
    study: Study,
    model: str | ConsolidationModel,
    *,
    level: str = "phase",
    starts: int = 16,
    seed: int = 1,
    workers: Workers = None,
    shared: bool = False,
    progress: Callable[[int], Any] | None = None,
) -> TrialFit:
    """Fit one model to all trials of a study by maximum likelihood, one set of parameters for everybody.

    Parameters
    ----------
    trials, study
        As for :class:`TrialPredictor`.
    model : str or ConsolidationModel
        Name of a registered model (run with ``fits.prediction.NODES`` heterogeneity nodes), or an instance.
    level : {"phase", "item"}
        Whether participants share the design's timeline or each have their own.
    starts, seed, workers, progress
        As in :func:`fits.fit`; of the level "item" one more start is the best of a fit at the level "phase".
    shared : bool
        Whether the model's biology is estimated too, or held.

    Raises
    ------
    FitError
        No start converged.
    LostWorkers
        The executor has gone.
    """
    instance = model_class(model)(nodes=NODES) if isinstance(model, str) else model
    if starts < 1:
        raise ValueError(f"starts is {starts}; give at least 1")
    predictor = TrialPredictor(trials, study, instance, level)
    biology = instance.biology if shared else ()
    objective = TrialObjective(
        predictor, _felt(predictor, [_biological_coordinate(instance, name, None) for name in biology])
    )
    began = time.perf_counter()
    first = np.array([c.inward(c.start) for c in objective.coordinates])
    objective.value(first)  # compiles, so that threads do not wait for one another
    others: list[np.ndarray] = []
    if level == "item":  # the shared timeline is thirty times as fast and nearly right
        shorter = fit_trials(
            trials, study, instance, starts=max(starts, 8), seed=seed, workers=workers, shared=shared
        ).values()
        others.append(np.array([c.inward(shorter.get(c.name, c.start)) for c in objective.coordinates]))
    told = None if progress is None else lambda _, row: progress(row["evaluations"])
    with executor_of(workers) as pool:
        try:
            positions = [first, *others, *screened(objective, starts - 1, seed, pool)]  # type: ignore[arg-type]
            rows = completed(search, [(objective, position) for position in positions], workers=pool, keep=told)
        except BaseException:  # an interrupt must not wait for the searches that still run
            objective.stopped = True
            raise
    good = [row for row in rows if row["converged"]]
    if not good:
        messages = "; ".join(sorted({row["message"] for row in rows}))
        where = f"{type(instance).__name__} on the trials of {study.id}"
        raise FitError(f"{where}: none of {starts} starts converged ({messages}); give more starts or tighter bounds")
    best = max(good, key=lambda row: row["log_likelihood"])
    return _summary(objective, trials, rows, np.asarray(best["x"]), seed, time.perf_counter() - began)


def fit_participants(
    trials: Trials,
    study: Study,
    model: str | ConsolidationModel,
    *,
    group: TrialFit | None = None,
    sd: float | Mapping[str, float] = SPREAD,
    workers: Workers = None,
    seed: int = 1,
) -> pandas.DataFrame:
    """Fit every participant by maximum a posteriori, on the design's timeline.

    Parameters
    ----------
    trials, study, model
        As for :func:`fit_trials`.
    group : TrialFit, optional
        Centre of the priors and start of every search; fitted to all trials where it is not given.
    sd : float or mapping
        Standard deviation of the normal priors: in widths of each parameter's search range, or, in a mapping of
        parameter to number, on its search scale (natural log for parameters on a log scale).
    workers : int or Executor, optional
        As in :func:`fits.fit`; the numbers do not depend on it.
    seed : int
        Of the fit to the group.

    Returns
    -------
    DataFrame
        participant, n_trials, one column a parameter, log_likelihood, log_prior (the density on the search scale),
        converged, message, evaluations.

    Raises
    ------
    ValueError
        An ``sd`` that is not positive, or lacks a parameter.
    LostWorkers
        The executor has gone.
    """
    instance = model_class(model)(nodes=NODES) if isinstance(model, str) else model
    predictor = TrialPredictor(trials, study, instance)
    coordinates = _felt(predictor, [])
    if group is None:
        group = fit_trials(trials, study, instance, starts=8, seed=seed, workers=workers)
    centres = group.values()
    absent = [c.name for c in coordinates if c.name not in centres]
    if absent:
        raise ValueError(f"the group's fit holds no estimate of {', '.join(absent)}; fit the same study and model")
    mean = np.array([c.inward(centres[c.name]) for c in coordinates])
    spread = np.array([_spread(c, sd) for c in coordinates])

    tasks = []
    for participant in trials.participants:
        own = predictor.with_trials(trials.select([participant]))
        tasks.append((participant, TrialObjective(own, coordinates, (mean, spread)), mean))
    return pandas.DataFrame(completed(_participant, tasks, workers=workers))


def _participant(participant: str, objective: TrialObjective, start: np.ndarray) -> dict[str, Any]:
    row = search(objective, start)  # type: ignore[arg-type]
    position = np.asarray(row["x"])
    return {
        "participant": participant,
        "n_trials": objective.predictor.data.n,
        **dict(zip([c.name for c in objective.coordinates], objective.values(position), strict=True)),
        "log_likelihood": objective.log_likelihood(position),
        "log_prior": objective.log_prior(position),
        **{key: row[key] for key in ("converged", "message", "evaluations")},
    }


def _felt(predictor: TrialPredictor, biology: list[Coordinate]) -> list[Coordinate]:
    own = [_study_coordinate(predictor.study.id, predictor.study.parameters[name]) for name in predictor.parameters]
    candidates = [*biology, *own]
    probe = TrialObjective(predictor, candidates)
    low, high = np.array(probe.bounds).reshape(-1, 2).T
    rng = np.random.default_rng(0)
    felt: set[int] = set()
    for _ in range(_PROBES):
        place = low + rng.random(len(low)) * (high - low)
        reference = predictor(*probe.split(place))
        for k in sorted(set(range(len(candidates))) - felt):
            moved = place.copy()
            moved[k] = low[k] + rng.random() * (high[k] - low[k])
            if not np.array_equal(predictor(*probe.split(moved)), reference):
                felt.add(k)
    return [coordinate for k, coordinate in enumerate(candidates) if k in felt]


def _spread(coordinate: Coordinate, sd: float | Mapping[str, float]) -> float:
    if isinstance(sd, Mapping):
        if coordinate.name not in sd:
            raise ValueError(f"sd names no {coordinate.name!r}; give a standard deviation for every parameter")
        value = float(sd[coordinate.name])
    else:
        value = float(sd) * (coordinate.inward(coordinate.bounds[1]) - coordinate.inward(coordinate.bounds[0]))
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"sd of {coordinate.name!r} is {value!r}; give a positive number")
    return value


def _summary(
    objective: TrialObjective,
    trials: Trials,
    rows: Sequence[Mapping[str, Any]],
    position: np.ndarray,
    seed: int,
    seconds: float,
) -> TrialFit:
    predictor = objective.predictor
    values = objective.values(position)
    names = [c.name for c in objective.coordinates]
    starts = pandas.DataFrame(
        [
            {"start": k, **{key: row[key] for key in ("log_likelihood", "converged", "message", "evaluations")},
             **dict(zip(names, objective.values(np.asarray(row["x"])), strict=True))}
            for k, row in enumerate(rows)
        ]
    )  # fmt: skip
    own, shared = objective.split(position)
    return TrialFit(
        model=type(predictor.model).__name__,
        study=predictor.study.id,
        level=predictor.level,
        log_likelihood=objective.log_likelihood(position),
        deviance=float((objective.residuals(position) ** 2).sum()),
        n_parameters=len(names),
        n_trials=predictor.data.n,
        seconds=seconds,
        evaluations=int(starts["evaluations"].sum()),
        seed=seed,
        estimates=estimate_table(objective, position, values),  # type: ignore[arg-type]
        starts=starts,
        groups=_group_table(predictor, trials, predictor.probabilities(own, shared)),
        fitted_model=predictor.configure(own, shared),
    )


def _group_table(predictor: TrialPredictor, trials: Trials, probabilities: np.ndarray) -> pandas.DataFrame:
    """Observed and predicted shares of each outcome, by group of trials."""
    data = predictor.data
    labels = list(data.groups)
    if predictor.level == "item":
        old = trials.answered[trials.answered["old"]]
        labels = list(old["phase"] + "/" + old["condition"])
    labels += [f"new/{condition}" for condition in data.lures]
    n = data.all.sum(axis=1)
    rows = []
    for label in dict.fromkeys(labels):
        mine = np.array([other == label for other in labels])
        total = n[mine].sum()
        for k, outcome in enumerate(RESPONSES[predictor.study.response].outcomes):
            observed = data.all[mine, k].sum() / total if total else np.nan
            predicted = n[mine] @ probabilities[mine, k] / total if total else np.nan
            rows.append(dict(group=label, outcome=outcome, n=int(total), observed=observed, predicted=predicted))
    return pandas.DataFrame(rows)
