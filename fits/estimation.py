"""Maximum likelihood with bounds and transforms, from many starts, every one of them kept.

Each study contributes the log-likelihood of its observations; its own parameters are searched together with the
model parameters that all studies share. The search is least squares (trust region, within bounds; then L-BFGS-B where
that does not settle) on deviance residuals r = √(2(ln L_max − ln L)), half the sum of whose squares is what the
log-likelihood lacks of its maximum. Their derivatives are taken study by study over the parameters that the study can
feel, so that a joint fit costs little more than its parts. Standard errors come from the expected Fisher information
at the best point; where the data say nothing about a parameter its verdict is "not identified".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas

from engram.consolidation import ConsolidationModel
from engram.perception import PerceptualModel

from .execution import Workers, executor_of, finished, give_up, submitted
from .family import Model, biology_of, instance_of
from .likelihood import detection_probability, log_likelihoods
from .objective import Coordinate, Objective
from .search import COARSE, PURSUED, approach, pursue_best, screened, search
from .study import Study

_CONTINUED = 3  # times that the best search goes on where it has not settled
_WIDEST = 0.2  # standard error, in widths of the search, from which 95 % intervals span most of it
NEAR_BOUND = 1e-3  # widths of the search: nearer to a bound than that, the slope says whether an estimate is at it
_ON_BOUND = 1e-6
_LEAST_INFORMATION = 1e-8  # relative eigenvalue of the information below which a direction is flat


class FitError(RuntimeError):
    """A fit that cannot be trusted: the message says which, why and what to do."""


@dataclass(frozen=True)
class Fit:
    """One model fitted to one or more studies.

    Attributes
    ----------
    estimates : DataFrame
        study ("shared" or its identifier), parameter, unit, estimate, standard_error, lower_bound, upper_bound,
        verdict ("ok", "at bound", "not identified"), description.
    starts : DataFrame
        Every start: log_likelihood, converged, message, evaluations and where it ended. Of a joint fit, those that were
        not searched to their end have not converged, and the message says how far behind the best they were.
    predictions : DataFrame
        Every observation with its prediction, residual and log-likelihood.
    """

    model: str
    studies: tuple[str, ...]
    log_likelihood: float
    n_parameters: int
    n_observations: int
    seconds: float
    evaluations: int
    seed: int
    starts_run: int
    estimates: pandas.DataFrame
    starts: pandas.DataFrame
    predictions: pandas.DataFrame
    models: Mapping[str, Any]  # of the family of the studies
    log_prior: float  # 0 where priors do not count
    objective: Objective = field(repr=False, compare=False)
    position: np.ndarray = field(repr=False, compare=False)  # the optimum on the search scale
    rows: tuple[Mapping[str, Any], ...] = field(repr=False, compare=False)  # what each search returned

    @property
    def aic(self) -> float:
        return 2 * self.n_parameters - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        return float(np.log(self.n_observations) * self.n_parameters - 2 * self.log_likelihood)

    @property
    def optimum(self) -> dict[str, float]:
        """The estimates by name, those of a study as "study.parameter"."""
        names = [coordinate.name_in_full for coordinate in self.objective.coordinates]
        return dict(zip(names, map(float, self.estimates.estimate), strict=True))

    def with_biology(self, position: np.ndarray | None = None) -> Any:
        """The model at its default parameters but for the biology all studies share, at the optimum or elsewhere."""
        model = type(self.objective.model)()
        if isinstance(model, PerceptualModel):
            return model.with_(**self._shared_values(position))
        table = {modulator.name: modulator for modulator in model.neuromodulators}
        values: dict[str, float] = {}
        for full, value in self._shared_values(position).items():
            owner, _, name = full.rpartition(".")
            if owner:
                changes: dict[str, Any] = {name: value}
                table[owner] = replace(table[owner], **changes)
            else:
                values[name] = value
        return model.with_(neuromodulators=tuple(table.values()), **values)

    def _shared_values(self, position: np.ndarray | None) -> dict[str, float]:
        """What all studies share, by name."""
        where = self.objective.values(self.position if position is None else position)
        pairs = zip(self.objective.coordinates, where, strict=True)
        return {coordinate.name: value for coordinate, value in pairs if coordinate.study == "shared"}

    def model_for(self, study: str) -> Any:
        """The model with the parameters fitted to a study."""
        if study not in self.models:
            raise ValueError(f"unknown study {study!r}; the fit holds {', '.join(self.models)}")
        return self.models[study]


def fit(
    studies: Sequence[Study],
    model: str | Model,
    *,
    starts: int = 16,
    seed: int = 1,
    workers: Workers = None,
    shared: bool = True,
    priors: bool = False,
    split: Mapping[str, Mapping[str, str]] | None = None,
    begin: Mapping[str, float] | None = None,
    progress: Callable[[int], Any] | None = None,
    done: Mapping[int, Mapping[str, Any]] | None = None,
    keep: Callable[[int, Mapping[str, Any]], Any] | None = None,
) -> Fit:
    """Fit one model to studies by maximum likelihood.

    Parameters
    ----------
    studies : sequence of Study
    model : str, ConsolidationModel or PerceptualModel
        Name of a registered model (one of memory runs with ``fits.prediction.NODES`` heterogeneity nodes), or an
        instance whose parameters hold where nothing is fitted; of the family of the studies (:mod:`fits.family`).
    starts : int
        Number of starts: the parameters' start values, then the most likely points of a scrambled Sobol design of
        ``fits.search.SCREENED`` times as many over the bounds. Where several studies are fitted jointly, the best
        ``fits.search.PURSUED`` of them after a first, cheap stage are searched to their end.
    seed : int
        Of the design; the same seed gives the same numbers for any number of workers.
    workers : int or Executor, optional
        Threads (all processors by default), or what runs the searches (:mod:`fits.execution`).
    shared : bool
        Whether the model's biology (its ``biology``: time constants and gains) is estimated, one value for all
        studies, or held at the model's values.
    priors : bool
        Whether priors count, which makes this maximum a posteriori: those that study files give, and for shared
        biology a factor of three about the model's value (``fits.objective.BIOLOGY_PRIOR_SD``).
    split : mapping of str to mapping of str to str, optional
        Biology that groups of studies share rather than all: parameter -> identifier of a study -> group.
    begin : mapping of str to float, optional
        Where the first start begins, instead of at the parameters' start values: ``optimum`` of another fit, say.
    progress : callable, optional
        Called ``starts`` times with numbers of evaluations; in a joint fit the starts that are pursued count when that
        has ended.
    done : mapping of int to mapping, optional
        Starts that an earlier, interrupted fit of the same kind has finished: they are not run again.
    keep : callable, optional
        Called with the number of each start and what it found as it ends (see ``fits.storage.Checkpoint``).

    Raises
    ------
    FitError
        No start converged, or the likelihood is not finite anywhere.
    LostWorkers
        The executor has gone; starts that had ended were given to ``keep``.
    """
    instance = instance_of(model)
    if not studies:
        raise ValueError("no studies to fit; give at least one")
    for study in studies:
        if all(observation.kind == "shown" for observation in study.observations):
            raise ValueError(
                f"{study.id} has no observation to fit; fit its raw trials (--trials or fit_trials), or leave it out"
            )
    if starts < 1:
        raise ValueError(f"starts is {starts}; give at least 1")
    objective = Objective(studies, instance, biology_of(instance) if shared else (), priors, split)
    joint = len(studies) > 1
    coarse = objective
    if joint and isinstance(instance, ConsolidationModel):
        coarse = objective.with_nodes(min(COARSE, instance.nodes))
    began = time.perf_counter()
    first = np.array([c.inward(_begin(c, begin or {})) for c in objective.coordinates])
    objective.value(first)  # compiles, so that threads do not wait for one another

    one = partial(approach, coarse, anchor=first, judge=objective) if joint else partial(search, objective)
    futures: dict[Any, int] = {}
    with executor_of(workers) as pool:
        try:
            positions = [first, *screened(coarse, starts - 1, seed, pool)]
            rows: list[dict[str, Any]] = [dict((done or {}).get(k, {})) for k in range(len(positions))]
            futures = {submitted(pool, one, position): k for k, position in enumerate(positions) if not rows[k]}
            told, kept_back = 0, min(PURSUED, len(positions)) if joint else 0
            for ended, (number, found) in enumerate(finished(futures, pool), 1):
                rows[number] = found
                if keep is not None:
                    keep(number, rows[number])
                if progress is not None and ended * (len(positions) - kept_back) // len(positions) > told:
                    told += 1
                    progress(rows[number]["evaluations"])
            if joint:
                pursue_best(objective, rows, first, pool, keep, progress)
        except BaseException:  # an interrupt must not wait for the searches that still run
            objective.stopped = coarse.stopped = True
            give_up(pool, futures, own=not isinstance(workers, Executor))
            raise
    _continue_best(objective, rows)
    return summarise(objective, rows, seed, time.perf_counter() - began)


def _begin(coordinate: Coordinate, begin: Mapping[str, float]) -> float:
    """The value to begin at; a shared parameter that is split begins at that of the whole."""
    known = begin.get(coordinate.name_in_full, begin.get(coordinate.name) if coordinate.shared else None)
    return coordinate.start if known is None else known


def _continue_best(objective: Objective, rows: list[dict[str, Any]]) -> None:
    """Go on from the most likely end while it has not settled: a worse one that has must not take its place."""
    for _ in range(_CONTINUED):
        best = min(range(len(rows)), key=lambda k: rows[k]["value"])
        if rows[best]["converged"] or not np.isfinite(rows[best]["value"]):
            return
        again = search(objective, np.asarray(rows[best]["x"]))
        again["evaluations"] += rows[best]["evaluations"]
        rows[best] = again


def summarise(
    objective: Objective, rows: Sequence[Mapping[str, Any]], seed: int, seconds: float, best: int | None = None
) -> Fit:
    """The fit that the finished starts of an objective make up, from the best of those that converged.

    Parameters
    ----------
    objective : Objective
    rows : sequence of dict
        What :func:`search` returned for each start.
    seed : int
    seconds : float
        What the searches took.
    best : int, optional
        The number of the row that the fit reports; the most likely of those that converged by default.

    Raises
    ------
    FitError
        No start converged.
    """
    good = [k for k, row in enumerate(rows) if row["converged"]]
    if not good:
        where = f"{type(objective.model).__name__} on {', '.join(study.id for study in objective.studies)}"
        messages = "; ".join(sorted({row["message"] for row in rows}))
        raise FitError(
            f"{where}: none of {len(rows)} starts converged ({messages}); give more starts or tighter bounds"
        )
    if best is None:
        best = min(good, key=lambda k: rows[k]["value"])
    position = np.asarray(rows[best]["x"])
    studies = objective.studies
    coordinates = objective.coordinates
    values = objective.values(position)
    names = [c.name_in_full for c in coordinates]
    starts = pandas.DataFrame(
        [
            {"start": k, **{key: row[key] for key in ("log_likelihood", "converged", "message", "evaluations")},
             **dict(zip(names, objective.values(row["x"]), strict=True))}
            for k, row in enumerate(rows)
        ]
    )  # fmt: skip
    predictions = pandas.concat(
        [
            _prediction_table(study, objective.predict(k, position[objective.columns[k]]))
            for k, study in enumerate(studies)
        ],
        ignore_index=True,
    )
    fitted = predictions[predictions.kind != "shown"]
    return Fit(
        model=type(objective.model).__name__,
        studies=tuple(study.id for study in studies),
        log_likelihood=float(fitted.log_likelihood.sum()),
        n_parameters=len(coordinates),
        n_observations=len(fitted),
        seconds=seconds,
        evaluations=int(starts.evaluations.sum()),
        seed=seed,
        starts_run=len(rows),
        estimates=estimate_table(objective, position, values),
        starts=starts,
        predictions=predictions,
        models={
            study.id: objective.predictors[k].configure(
                {p.name: p.start for p in study.parameters.values()}
                | {c.name: v for c, v in zip(coordinates, values, strict=True) if c.study == study.id},
                {c.name: v for c, v in zip(coordinates, values, strict=True) if objective.concerns(c, study.id)},
            )
            for k, study in enumerate(studies)
        },
        log_prior=objective.log_prior(position),
        objective=objective,
        position=position,
        rows=tuple(rows),
    )


def estimate_table(objective: Objective, position: np.ndarray, values: Sequence[float]) -> pandas.DataFrame:
    errors, verdicts = standard_errors(objective, position)
    rows = []
    for k, coordinate in enumerate(objective.coordinates):
        # from the search scale to the parameter's own
        error = errors[k] * (values[k] if coordinate.scale == "log" else 1.0)
        rows.append(
            dict(
                study=coordinate.study,
                parameter=coordinate.name,
                unit=coordinate.unit,
                estimate=values[k],
                standard_error=error if verdicts[k] == "ok" else np.nan,
                lower_bound=coordinate.bounds[0],
                upper_bound=coordinate.bounds[1],
                verdict=verdicts[k],
                description=coordinate.description,
            )
        )
    columns = ["study", "parameter", "unit", "estimate", "standard_error", "lower_bound", "upper_bound", "verdict"]
    return pandas.DataFrame(rows, columns=[*columns, "description"])


def standard_errors(objective: Objective, position: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Standard errors on the search scale and a verdict for each coordinate."""
    size = len(position)
    errors = np.full(size, np.nan)
    verdicts = ["ok"] * size
    if not size:
        return errors, verdicts
    low, high = np.array(objective.bounds).T
    for bound in np.flatnonzero(at_bounds(objective, position)):
        verdicts[int(bound)] = "at bound"
    free = [k for k in range(size) if verdicts[k] == "ok"]
    if not free:
        return errors, verdicts
    matrix = objective.information(position)[np.ix_(free, free)]
    scale = (high - low)[free]
    eigenvalues, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))  # per full width of the search
    flat = eigenvalues <= _LEAST_INFORMATION * max(1.0, float(eigenvalues[-1]))
    inverse = vectors[:, ~flat] @ np.diag(1 / eigenvalues[~flat]) @ vectors[:, ~flat].T
    for place, k in enumerate(free):
        spread = float(np.sqrt(max(inverse[place, place], 0.0)))
        loose = float((vectors[place, flat] ** 2).sum()) > 1e-4
        if loose or spread > _WIDEST:
            verdicts[k] = "not identified"
        errors[k] = spread * scale[place]
    return errors, verdicts


def at_bounds(objective: Objective, position: np.ndarray) -> np.ndarray:
    """Which coordinates are at a bound, (coordinates,): on it, or so near that the next Newton step would reach it.

    The trust region keeps a search inside the bounds, and it ends where the last step gains too little to tell.
    """
    if not len(position):
        return np.zeros(0, dtype=bool)
    low, high = np.array(objective.bounds).T
    below, above = position - low, high - position
    nearest = np.minimum(below, above) / (high - low)
    on = nearest <= _ON_BOUND
    if (on | (nearest > NEAR_BOUND)).all():
        return np.asarray(on)
    residuals, slopes = objective.residuals(position), objective.jacobian(position)
    outward = np.where(below < above, 1, -1) * (slopes.T @ residuals)
    reached = outward > (slopes**2).sum(axis=0) * np.minimum(below, above)
    return np.asarray(on | ((nearest <= NEAR_BOUND) & reached))


def _prediction_table(study: Study, predicted: np.ndarray) -> pandas.DataFrame:
    likelihoods = log_likelihoods(study.observations, predicted)
    rows = []
    for k, o in enumerate(study.observations):
        observed: Any = o.value if o.detected is None else o.detected
        rows.append(
            dict(
                study=study.id, observation=o.name, kind=o.kind, panel=o.panel, x=o.x, x_unit=o.x_unit,
                measure=o.measure, unit=o.unit, observed=observed, error=o.error, n=o.n, predicted=predicted[k],
                standardised_residual=(o.value - predicted[k]) / o.error if o.kind == "mean" and o.value is not None
                else np.nan,
                power=np.nan if o.detected is None else detection_probability(o, predicted[k]),
                log_likelihood=likelihoods[k], source=o.source, flag=o.flag, note=o.note,
            )
        )  # fmt: skip
    return pandas.DataFrame(rows).astype({"observed": object, "x": object})
