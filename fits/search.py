"""One search of an objective, and where searches begin."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy.optimize import least_squares, minimize
from scipy.stats import qmc

from engram.consolidation.model import SimulationError

from .objective import Objective

SCREENED = 16  # points tried for each start
_MOST_EVALUATIONS = 80  # of least squares, before the quasi-Newton search takes over
_MOST_ALONE = 25  # of each study alone, before all are searched together


def screened(objective: Objective, number: int, seed: int, pool: ThreadPoolExecutor) -> list[np.ndarray]:
    """The ``number`` most likely of many points spread over the bounds, best first."""
    if number < 1 or not objective.bounds:
        return []
    low, high = np.array(objective.bounds).T
    design = qmc.Sobol(len(low), scramble=True, rng=seed).random_base2(math.ceil(math.log2(SCREENED * number)))
    points = low + design * (high - low)
    values = np.array(list(pool.map(lambda point: _value_or_worst(objective, point), points)))
    return [points[k] for k in np.argsort(values, kind="stable")[:number]]


def _value_or_worst(objective: Objective, point: np.ndarray) -> float:
    """Negative log-likelihood; infinite where the model cannot be run, so that no start is made there."""
    try:
        return objective.value(point)
    except SimulationError:
        return math.inf


def search(
    objective: Objective, position: np.ndarray, anchor: np.ndarray | None = None, tolerance: float = 1e-5
) -> dict[str, Any]:
    """One search from a position on the search scale.

    Least squares over all parameters, and L-BFGS-B from where that has stopped without settling (a kink, a long flat
    valley).

    Parameters
    ----------
    objective : Objective
    position : (coordinates,) array
    anchor : (coordinates,) array, optional
        Another place to begin from: with it every study is searched alone first, from both (joint fits).
    tolerance : float
        The search ends where a step gains less than this part of the deviance.

    Returns
    -------
    dict
        x (where it ended), value (negative log-posterior there), log_likelihood, converged, message, evaluations.
    """
    low, high = np.array(objective.bounds).reshape(-1, 2).T
    if not len(position):
        value = objective.value(position)
        return dict(log_likelihood=-value, value=value, converged=True, message="nothing to fit", evaluations=1,
                    x=position)  # fmt: skip
    try:
        if anchor is not None and len(objective.columns) > 1:
            position = _each_study_alone(objective, position, anchor)
        inside = np.clip(position, low + 1e-9 * (high - low), high - 1e-9 * (high - low))
        result: Any = least_squares(
            objective.residuals, inside, jac=objective.jacobian, bounds=(low, high), x_scale=high - low,
            ftol=tolerance, xtol=1e-7, gtol=1e-7, max_nfev=_MOST_EVALUATIONS,
        )  # fmt: skip
        evaluations = int(result.nfev)
        if not result.success:
            result = minimize(
                objective.deviance, result.x, jac=True, method="L-BFGS-B", bounds=objective.bounds,
                options=dict(ftol=0.1 * tolerance, maxiter=60),
            )  # fmt: skip
            evaluations += int(result.nfev)
        value = objective.value(result.x)
    except SimulationError as error:
        return dict(log_likelihood=np.nan, value=np.inf, converged=False, message=str(error), evaluations=0,
                    x=position)  # fmt: skip
    return dict(
        log_likelihood=-value - objective.log_prior(result.x),
        value=value,
        converged=bool(result.success) and bool(np.isfinite(value)),
        message=str(result.message),
        evaluations=evaluations,
        x=result.x,
    )


def _each_study_alone(objective: Objective, position: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """The position with every study's own parameters moved to where they fit it best, given the shared ones.

    Each study is searched from the position and from the anchor, and the better end is taken. Joint searches that begin
    where single studies fit badly end in poor local optima, and take long to get there.
    """
    position = position.copy()
    low, high = np.array(objective.bounds).T
    for index, columns in enumerate(objective.columns):
        own = np.array([k for k, c in enumerate(columns) if not objective.coordinates[c].shared], dtype=np.int64)
        here = columns[own]
        if not len(own):
            continue
        part = position[columns]

        def residuals(x: np.ndarray, index: int = index, part: np.ndarray = part, own: np.ndarray = own) -> np.ndarray:
            part[own] = x
            return objective.study_residuals(index, part)

        margin = 1e-9 * (high - low)[here]
        found = [
            least_squares(
                residuals, np.clip(x, low[here] + margin, high[here] - margin), bounds=(low[here], high[here]),
                x_scale=(high - low)[here], ftol=1e-4, max_nfev=_MOST_ALONE,
            )
            for x in (position[here], anchor[here])
        ]  # fmt: skip
        position[here] = min(found, key=lambda result: result.cost).x
    return position
