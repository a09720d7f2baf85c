"""One search of an objective, and where searches begin.

A joint search has two stages: most starts end far below the best, and soon show it. :func:`approach` is the first,
which every start gets; :func:`pursue` the second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from scipy.optimize import least_squares, minimize
from scipy.stats import qmc

from engram.consolidation.model import SimulationError

from .conditional import Landscape
from .execution import finished, in_order, submitted
from .objective import Objective

SCREENED = 16  # points tried for each start
_MOST_EVALUATIONS = 80  # of least squares, before the quasi-Newton search takes over
_MOST_PLACES = 5  # other places from which a study is searched alone
_MOST_ALONE = 12  # steps of each study alone, before all are searched together
_FIRST_STEPS = 15  # of all studies together, in the first stage of a joint search
_FIRST_TOLERANCE = 0.02  # of the deviance
_LAST_TOLERANCE = 0.001  # of the deviance
_COMBINED = 4  # times at most that the best end takes over what others fit better
_WORTHWHILE = 0.01  # of the log-likelihood: less is no reason to do so again
_RENEWED = 4  # times that the second stage goes on where it has not settled
COARSE = 4  # heterogeneity nodes in the first stage of a joint search
PURSUED = 8  # starts of a joint fit that get the second stage
_MARGIN = 1e-3  # widths of the search: a step from a bound itself is short


def screened(objective: Objective, number: int, seed: int, pool: Executor) -> list[np.ndarray]:
    """The ``number`` most likely of many points spread over the bounds, best first."""
    if number < 1 or not objective.bounds:
        return []
    low, high = np.array(objective.bounds).T
    design = qmc.Sobol(len(low), scramble=True, rng=seed).random_base2(math.ceil(math.log2(SCREENED * number)))
    points = low + design * (high - low)
    parts = [points[k : k + SCREENED] for k in range(0, len(points), SCREENED)]
    values = np.concatenate(in_order([submitted(pool, _values, objective, part) for part in parts], pool))
    return [points[k] for k in np.argsort(values, kind="stable")[:number]]


def _values(objective: Objective, points: np.ndarray) -> np.ndarray:
    return np.array([_value_or_worst(objective, point) for point in points])


def _value_or_worst(objective: Objective, point: np.ndarray) -> float:
    """Negative log-likelihood; infinite where the model cannot be run, so that no start is made there."""
    try:
        return objective.value(point)
    except SimulationError:
        return math.inf


def search(objective: Objective, position: np.ndarray, tolerance: float = 1e-5) -> dict[str, Any]:
    """One search from a position on the search scale.

    Least squares over all parameters, and L-BFGS-B from where that has stopped without settling (a kink, a long flat
    valley).

    Parameters
    ----------
    objective : Objective
    position : (coordinates,) array
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
        return _found(objective, result.x, bool(result.success), str(result.message), evaluations)
    except SimulationError as error:
        return _failed(position, error)


def approach(objective: Objective, position: np.ndarray, anchor: np.ndarray, judge: Objective) -> dict[str, Any]:
    """The first stage of a joint search: each study alone, then some steps together, cheaply.

    Parameters
    ----------
    objective : Objective
        Searched: with few nodes, say.
    position, anchor : (coordinates,) array
        Every study is searched alone from both, given the shared parameters at ``position``.
    judge : Objective
        Gives the values of where the search ended.

    Returns
    -------
    dict
        As of :func:`search`; not converged, which the message says.
    """
    if not len(position):
        return search(judge, position)
    landscape = Landscape.of(objective)
    margin = _MARGIN * landscape.width
    try:
        position = _each_study_alone(objective, position, [anchor])
        point = landscape.at(np.clip(position, landscape.low + margin, landscape.high - margin))
        point = landscape.minimum(point, finest=_FIRST_TOLERANCE, steps=_FIRST_STEPS)
        return _found(judge, point.position, False, "first stage only", landscape.evaluations)
    except SimulationError as error:
        return _failed(position, error)


def pursue(
    objective: Objective, position: np.ndarray, evaluations: int = 0, others: Sequence[np.ndarray] = ()
) -> dict[str, Any]:
    """The second stage of a joint search: from where the first has ended until a further step would gain too little.

    With ``others`` every study is first tried alone from there as well: the shared parameters have moved since, and
    what another search found for a study may fit it better.
    """
    landscape = Landscape.of(objective)
    try:
        point = landscape.at(_each_study_alone(objective, position, others) if others else position)
        for _ in range(_RENEWED):
            point = landscape.minimum(landscape.fresh(point), finest=_LAST_TOLERANCE)
            if point.settled:
                break
        message = "a further step gains too little" if point.settled else "has not settled: a kink, or a long valley"
        return _found(objective, point.position, point.settled, message, evaluations + landscape.evaluations)
    except SimulationError as error:
        return _failed(position, error)


def pursue_best(
    objective: Objective,
    rows: list[dict[str, Any]],
    anchor: np.ndarray,
    pool: Executor,
    keep: Callable[[int, Mapping[str, Any]], Any] | None,
    progress: Callable[[int], Any] | None = None,
) -> None:
    """The second stage of a joint fit, for the most likely ends of the first; the others say how far behind they were.

    It begins when the first has ended for all, so that who is pursued depends on no order. What the first stage found
    stays in ``first`` and ``first_x``, so that an interrupted second stage is resumed with the same choice.
    """
    values = [row.get("first", row["value"]) for row in rows]
    order = sorted(range(len(rows)), key=lambda k: (values[k], k))
    chosen = [k for k in order[:PURSUED] if np.isfinite(values[k])]
    left = [k for k in chosen if "first" not in rows[k]]
    ends = {k: np.asarray(rows[k].get("first_x", rows[k]["x"])) for k in chosen}
    others = [anchor, *ends.values()]
    futures = {submitted(pool, pursue, objective, ends[k], rows[k]["evaluations"], others): k for k in left}
    for number, found in finished(futures, pool):
        rows[number] = found | {"first": values[number], "first_x": ends[number]}
        if keep is not None:
            keep(number, rows[number])
        if progress is not None:
            progress(rows[number]["evaluations"])
    for k in order:
        if k not in chosen and np.isfinite(values[k]):
            behind = values[k] - values[chosen[0]]
            rows[k]["message"] = f"not pursued: {behind:.4g} below the best after the first stage"
    if chosen:
        best = min(chosen, key=lambda k: (rows[k]["value"], k))
        rows[best] |= _combine(objective, rows[best], [anchor, *(np.asarray(rows[k]["x"]) for k in chosen)], pool)


def _combine(objective: Objective, row: dict[str, Any], ends: Sequence[np.ndarray], pool: Executor) -> dict[str, Any]:
    """The best end of a joint search, with each study's own parameters from whichever end they fit best from.

    Given the shared parameters the studies are independent, and no single search finds the best place of every one.
    """
    for _ in range(_COMBINED):
        begin = np.asarray(row["x"])
        ways = [submitted(pool, pursue, objective, begin, 0, others) for others in ((), ends)]
        found = min(in_order(ways, pool), key=lambda found: found["value"])
        gain = row["value"] - found["value"]
        if gain >= 0:
            row = found | {"evaluations": found["evaluations"] + row["evaluations"]}
        if not gain > _WORTHWHILE:
            break
    return row


def _found(objective: Objective, x: np.ndarray, converged: bool, message: str, evaluations: int) -> dict[str, Any]:
    value = objective.value(x)
    return dict(log_likelihood=-value - objective.log_prior(x), value=value, message=message, evaluations=evaluations,
                converged=converged and bool(np.isfinite(value)), x=x)  # fmt: skip


def _failed(x: np.ndarray, error: SimulationError) -> dict[str, Any]:
    return dict(log_likelihood=np.nan, value=np.inf, converged=False, message=str(error), evaluations=0, x=x)


def _each_study_alone(objective: Objective, position: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """The position with every study's own parameters moved to where they fit it best, given the shared ones.

    Each study is searched from the position and from the most likely of other places, and the best end is taken. Joint
    searches that begin where single studies fit badly end in poor local optima, and take long to get there.
    """
    position = position.copy()
    for index, columns in enumerate(objective.columns):
        shared = [k for k, c in enumerate(columns) if objective.coordinates[c].shared]
        if len(shared) == len(columns):
            continue
        landscape = Landscape.of_study(objective, index)
        margin = _MARGIN * landscape.width
        starts = []
        for place in (position, *others):
            part = np.clip(place[columns], landscape.low + margin, landscape.high - margin)
            part[shared] = position[columns[shared]]
            starts.append(part)
        lacking = [float(np.square(objective.study_residuals(index, part)).sum()) for part in starts]
        chosen = [0, *sorted(range(1, len(starts)), key=lambda k: (lacking[k], k))[:_MOST_PLACES]]
        ends = [
            landscape.minimum(landscape.at(starts[k]), shared, finest=_FIRST_TOLERANCE, steps=_MOST_ALONE)
            for k in chosen
        ]
        position[columns] = min(ends, key=lambda end: end.deviance).position
    return position
