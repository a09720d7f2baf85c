"""The profile-likelihood interval of a number that follows from the shared biology, such as a curve's value.

The best fit for every value of the number: the deviance is minimised together with a penalty ((f − target)/s)². The
least point of that sum is the best fit of all with its own f, whatever the target and s; the target is moved outward
until that fit is as much worse as the level allows. Neither draws nor a normal approximation are made. After the
prediction profile likelihood of Kreutz et al. 2012, doi:10.1186/1752-0509-6-120; Venzon & Moolgavkar 1988,
doi:10.2307/2347496.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engram.consolidation.model import ConsolidationModel

from .bands import shared_model
from .conditional import FunctionBlock, Landscape, Point
from .estimation import Fit
from .profile import quantile_of

_MOST_POINTS = 30  # a side
_FOUND = 0.01  # of the quantile: an end this close to it is found
_PENALTY = 0.3  # its s, in standard errors of the number
_RIDGE = 1e-2  # information per squared width of the search, for a first idea of that standard error


@dataclass(frozen=True)
class Derived:
    """A number that follows from a model, with its profile-likelihood limits.

    Attributes
    ----------
    estimate, lower, upper : float
        Limits are NaN where the number can move on without the fit growing worse than the level allows.
    message : str
        What bounds a limit, where something does.
    """

    estimate: float
    lower: float
    upper: float
    level: float
    message: str


def derived(fit: Fit, function: Callable[[ConsolidationModel], float], level: float = 0.95) -> Derived:
    """The profile-likelihood interval of a number that follows from the shared biology.

    Parameters
    ----------
    fit : Fit
    function : callable
        From a model (with the shared biology of the fit) to a number: a curve's value at one place, or where it falls
        below something. It must be continuous; at jumps the limits stay within.
    level : float

    Raises
    ------
    ValueError
        A function that gives no finite number; a level that is not between 0 and 1; a fit without shared biology.
    """
    quantile = quantile_of(level)
    objective = copy.copy(fit.objective)
    objective.stopped = False
    shared = np.array([k for k, c in enumerate(objective.coordinates) if c.study == "shared"], dtype=np.int64)
    if not len(shared):
        raise ValueError("the fit has no shared biology, so that nothing moves the number; fit with shared=True")

    def of_part(part: np.ndarray) -> float:
        position = fit.position.copy()
        position[shared] = part
        return float(function(shared_model(objective, position)))

    estimate = of_part(fit.position[shared])
    if not math.isfinite(estimate):
        raise ValueError(f"the function gives {estimate} at the estimate; give one that is finite there")
    landscape = Landscape.of(objective)
    origin = landscape.fresh(landscape.minimum(landscape.at(fit.position)))
    search = _Outward(landscape, origin, of_part, shared, quantile)
    (lower, below), (upper, above) = search.limit(-1), search.limit(1)
    notes = [f"{side} limit: {note}" for side, note in (("lower", below), ("upper", above)) if note]
    return Derived(estimate, lower, upper, level, "; ".join(notes))


class _Outward:
    """Moves the target of a penalised number outward until the fit is as much worse as allowed."""

    def __init__(
        self, landscape: Landscape, origin: Point, function: Callable[[np.ndarray], float], shared: np.ndarray,
        quantile: float,
    ) -> None:  # fmt: skip
        self.landscape, self.origin, self.quantile = landscape, origin, quantile
        self.function, self.shared = function, shared
        here = origin.position[shared]
        self.start = function(here)
        bare = self._block(0.0, 1.0)
        gradient = np.zeros(len(landscape.width))
        gradient[shared] = (bare.jacobian(here, bare.residuals(here)) * landscape.width[shared])[0]
        matrix, _ = landscape.normal(origin)
        matrix[np.diag_indices_from(matrix)] += _RIDGE
        self.unit = math.sqrt(max(float(gradient @ np.linalg.solve(matrix, gradient)), 0.0))

    def _block(self, target: float, spread: float) -> FunctionBlock:
        return FunctionBlock(self.function, self.shared, self.landscape.high[self.shared], target, spread)

    def limit(self, sign: int) -> tuple[float, str]:
        """The value at which the fit is as much worse as allowed, and a word where there is none; NaN then."""
        if self.unit == 0:
            return math.nan, "nothing moves the number here"
        wanted, spread = math.sqrt(self.quantile), _PENALTY * self.unit
        position, value, root = self.origin.position, self.start, 0.0
        gone, beyond, stride = 0.0, math.inf, 0.7 * self.unit  # of the target
        for _ in range(_MOST_POINTS):
            target = self.start + sign * (gone + stride)
            penalised = self.landscape.with_block(self._block(target, spread))
            point = penalised.minimum(penalised.at(position))
            missed = float(point.residuals[-1][0])
            there, rise = target + spread * missed, point.deviance - missed**2 - self.origin.deviance
            there_root = math.sqrt(max(rise, 0.0))
            if abs(rise - self.quantile) < _FOUND * self.quantile:
                return there, ""
            if rise > self.quantile:
                beyond = gone + stride
                if stride < 1e-3 * self.unit:
                    return value, "the likelihood jumps here"
                stride *= min(max((wanted - root) / (there_root - root), 0.1), 0.9)
                continue
            if math.isinf(beyond) and sign * (there - value) < 0.02 * stride:
                return math.nan, f"none: the number moves no farther than {there:.4g}"
            gone, position, value, root = gone + stride, point.position, there, there_root
            ahead = gone * min(max(wanted / max(root, 0.2) - 1, 0.05), 1.0)
            stride = min(ahead, 0.5 * (beyond - gone))
        return value, f"not found in {_MOST_POINTS} points"
