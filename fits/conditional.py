"""The best fit under a condition: the search that profiles and derived quantities repeat at every point.

The deviance D = Σr² (twice what the log-likelihood lacks of its maximum) is a sum over blocks: a study each, the
priors, and whatever else is asked for. A block knows the coordinates it feels, so that the joint problem costs little
more than the blocks that a step has changed. A step is Levenberg's and Marquardt's within a box (bounds and trust
region). Derivatives are kept from point to point: a block's are updated by secants (Broyden 1965,
doi:10.2307/2003941) and taken anew where these have gone wrong. scipy's least squares takes them all at every step.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import lsq_linear

from engram.consolidation.model import SimulationError

from .objective import Objective

TOLERANCE = 0.004  # of the deviance: an end of a 95 % interval moves by 0.05 % of its half-width
_RIDGE = 1e-4  # information, per full width of the search, that keeps flat directions from running away
_STALE = 0.004  # residuals: misprediction from which derivatives are taken anew before a search may end
_WRONG = 0.15  # residuals: misprediction of one step from which they are taken anew at once
_WIDE = 0.05  # widths of the search: trust region in which a search that has ended can find no more
_SMALLEST_STEP = 1e-5  # widths of the search
_MOST_STEPS = 30
_PATIENCE = 5  # steps
_HOPELESS = 5.0  # a search is given up if it takes so many times its last steps to reach what is sought
_MOST_CHANGES = 15  # of the active set
_STEP = 1e-6


class Block(Protocol):
    """Residuals that depend on some coordinates."""

    columns: np.ndarray

    def residuals(self, part: np.ndarray) -> np.ndarray: ...

    def jacobian(self, part: np.ndarray, residuals: np.ndarray) -> np.ndarray: ...


class StudyBlock:
    """The deviance residuals of one study."""

    def __init__(self, objective: Objective, index: int) -> None:
        self._objective, self._index = objective, index
        self.columns = objective.columns[index]

    def residuals(self, part: np.ndarray) -> np.ndarray:
        return self._objective.study_residuals(self._index, part)

    def jacobian(self, part: np.ndarray, residuals: np.ndarray) -> np.ndarray:
        return self._objective.study_jacobian(self._index, part, residuals)


class LinearBlock:
    """Residuals (x − centre)/spread: priors."""

    def __init__(self, columns: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> None:
        self.columns, self._centre, self._spread = columns, centre, spread

    def residuals(self, part: np.ndarray) -> np.ndarray:
        return np.asarray((part - self._centre) / self._spread)

    def jacobian(self, part: np.ndarray, residuals: np.ndarray) -> np.ndarray:
        return np.diag(1 / self._spread)


class FunctionBlock:
    """One residual (function(x) − target)/spread, for a function of some coordinates."""

    def __init__(
        self, function: Callable[[np.ndarray], float], columns: np.ndarray, high: np.ndarray, target: float,
        spread: float,
    ) -> None:  # fmt: skip
        self.columns = columns
        self.target, self.spread = target, spread
        self._function, self._high = function, high

    def residuals(self, part: np.ndarray) -> np.ndarray:
        return np.array([(self._function(part) - self.target) / self.spread])

    def jacobian(self, part: np.ndarray, residuals: np.ndarray) -> np.ndarray:
        slopes = np.zeros((1, len(part)))
        for k in range(len(part)):
            moved = part.copy()
            moved[k] += _STEP if part[k] + _STEP <= self._high[k] else -_STEP
            slopes[:, k] = (self.residuals(moved) - residuals) / (moved[k] - part[k])
        return slopes


@dataclass(frozen=True)
class Point:
    """A position, with what each block says there.

    Attributes
    ----------
    drift : tuple of float
        By how much each block's residuals have been mispredicted since its derivatives were taken.
    """

    position: np.ndarray
    residuals: tuple[np.ndarray, ...]
    jacobians: tuple[np.ndarray, ...]
    drift: tuple[float, ...]
    settled: bool = True  # the search for it has converged

    @property
    def deviance(self) -> float:
        return float(sum(part @ part for part in self.residuals))


class Landscape:
    """The deviance of an objective as a sum of blocks, searched under conditions.

    Parameters
    ----------
    blocks : sequence of Block
    bounds : array_like, shape (coordinates, 2)
    """

    def __init__(self, blocks: Sequence[Block], bounds: Sequence[tuple[float, float]]) -> None:
        self.blocks = tuple(blocks)
        self.low, self.high = np.array(bounds, dtype=float).reshape(-1, 2).T
        self.width = self.high - self.low
        self.evaluations = 0  # moves, each of which runs the blocks that it concerns once

    @classmethod
    def of(cls, objective: Objective) -> Landscape:
        """The landscape of an objective, its priors included."""
        blocks: list[Block] = [StudyBlock(objective, k) for k in range(len(objective.predictors))]
        columns, centre, spread = objective.prior_terms
        if len(columns):
            blocks.append(LinearBlock(columns, centre, spread))
        return cls(blocks, objective.bounds)

    @classmethod
    def of_study(cls, objective: Objective, index: int) -> Landscape:
        """The landscape of one study, over the coordinates that it feels."""
        block = StudyBlock(objective, index)
        bounds = [objective.bounds[column] for column in block.columns]
        block.columns = np.arange(len(block.columns))
        return cls([block], bounds)

    def with_block(self, block: Block) -> Landscape:
        changed = copy.copy(self)
        changed.blocks = (*self.blocks, block)
        return changed

    def at(self, position: np.ndarray) -> Point:
        """The point at a position, with all derivatives."""
        residuals = tuple(block.residuals(position[block.columns]) for block in self.blocks)
        bare = Point(position, residuals, (np.zeros((0, 0)),) * len(residuals), (math.inf,) * len(residuals))
        return self.fresh(bare)

    def fresh(self, point: Point, stale: float = 0.0) -> Point:
        """The same point with the derivatives taken anew of every block that has drifted by more than ``stale``."""
        if not any(missed > stale for missed in point.drift):
            return point
        jacobians, drift = list(point.jacobians), list(point.drift)
        for k, block in enumerate(self.blocks):
            if drift[k] > stale:
                jacobians[k] = block.jacobian(point.position[block.columns], point.residuals[k])
                drift[k] = 0.0
        return replace(point, jacobians=tuple(jacobians), drift=tuple(drift))

    def moved(self, point: Point, position: np.ndarray) -> Point:
        """The point at another position, its derivatives those of ``point`` updated by secants.

        Raises
        ------
        SimulationError
            The model cannot be run there.
        """
        self.evaluations += 1
        residuals, jacobians, drift = list(point.residuals), list(point.jacobians), list(point.drift)
        for k, block in enumerate(self.blocks):
            step = (position - point.position)[block.columns]
            if not step.any():
                continue
            residuals[k] = block.residuals(position[block.columns])
            if not np.isfinite(residuals[k]).all():
                raise SimulationError("a residual is not finite")
            missed = residuals[k] - point.residuals[k] - jacobians[k] @ step
            scaled = step / self.width[block.columns] ** 2
            jacobians[k] = jacobians[k] + np.outer(missed, scaled) / (scaled @ step)
            drift[k] += float(np.linalg.norm(missed))
        return Point(position, tuple(residuals), tuple(jacobians), tuple(drift))

    def normal(self, point: Point) -> tuple[np.ndarray, np.ndarray]:
        """JᵀJ and Jᵀr, per full width of each coordinate."""
        size = len(self.width)
        matrix, gradient = np.zeros((size, size)), np.zeros(size)
        for block, residuals, jacobian in zip(self.blocks, point.residuals, point.jacobians, strict=True):
            scaled = jacobian * self.width[block.columns]
            matrix[np.ix_(block.columns, block.columns)] += scaled.T @ scaled
            gradient[block.columns] += scaled.T @ residuals
        return matrix, gradient

    def tangent(self, point: Point, held: int) -> np.ndarray:
        """How the best fit moves with a held coordinate: the change of all coordinates for one unit of that one."""
        matrix, _ = self.normal(point)
        margin = 1e-9 * self.width
        inside = (point.position > self.low + margin) & (point.position < self.high - margin)
        inside[held] = False
        free = np.flatnonzero(inside)
        path = np.zeros(len(matrix))
        path[held] = 1.0
        if len(free):
            within = matrix[np.ix_(free, free)] + _RIDGE * np.eye(len(free))
            path[free] = -np.linalg.solve(within, matrix[free, held])
        return path * self.width / self.width[held]

    def minimum(
        self, point: Point, held: Sequence[int] = (), sought: float | None = None, finest: float = TOLERANCE,
        steps: int = _MOST_STEPS,
    ) -> Point:  # fmt: skip
        """The point of least deviance that can be reached from ``point`` while some coordinates stay.

        The search ends where a further step promises too little, or several together have brought too little:
        ``finest``, or a hundredth of the distance from the deviance ``sought`` if that is more. At a kink, where
        no step helps, it ends with ``settled`` False.
        """
        radius = 0.1
        reached = []
        for _ in range(steps):
            off = 0.0 if sought is None else abs(point.deviance - sought) / 100
            tolerance = max(finest, off)
            reached.append(point.deviance)
            if len(reached) > _PATIENCE:
                gain = reached[-_PATIENCE - 1] - reached[-1]
                if gain < tolerance:
                    return replace(point, settled=max(point.drift) <= _STALE)
                if sought is not None and point.deviance - sought > _HOPELESS * gain:
                    break
            matrix, gradient = self.normal(point)
            step, promise = self.step(point.position, matrix, gradient, held, radius)
            if promise < tolerance:
                renewed = self.fresh(point, _STALE)
                if renewed is not point:
                    point = renewed
                    continue
                if radius >= _WIDE or self.step(point.position, matrix, gradient, held, _WIDE)[1] < tolerance:
                    return replace(point, settled=True)
            longest = float(np.max(np.abs(step) / self.width))
            there = self._best_after(point, step, matrix, held, promise)
            ratio = -math.inf if there is None else (point.deviance - there.deviance) / promise
            if there is not None and ratio > 0.05:
                point = self.fresh(there, _WRONG)
                radius = max(radius, 2 * longest) if ratio > 0.6 else radius if ratio > 0.3 else 0.6 * longest
                radius = min(radius, 1.0)
                continue
            renewed = self.fresh(point, _STALE)
            if renewed is point:  # the derivatives are right, and the step too long, or across a kink
                radius = 0.3 * longest
                if radius < _SMALLEST_STEP:
                    break
            point = renewed
        return replace(point, settled=False)

    def _best_after(
        self, point: Point, step: np.ndarray, matrix: np.ndarray, held: Sequence[int], promise: float
    ) -> Point | None:
        """Where a step leads, or the step bent along a curved valley if that is better; None where nothing runs.

        The bend is the geodesic acceleration of Transtrum & Sethna 2012, arXiv:1201.5885, of the whole step.
        """
        try:
            there = self.moved(point, np.clip(point.position + step, self.low, self.high))
        except SimulationError:
            return None
        if point.deviance - there.deviance > 0.6 * promise:
            return there
        bend = np.zeros(len(step))
        for k, block in enumerate(self.blocks):
            missed = there.residuals[k] - point.residuals[k] - point.jacobians[k] @ step[block.columns]
            bend[block.columns] += (point.jacobians[k] * self.width[block.columns]).T @ missed
        longest = float(np.max(np.abs(step) / self.width))
        turn, _ = self.step(there.position, matrix, bend, held, 0.75 * longest)
        try:
            bent = self.moved(there, np.clip(there.position + turn, self.low, self.high))
        except SimulationError:
            return there
        return bent if bent.deviance < there.deviance else there

    def step(
        self, position: np.ndarray, matrix: np.ndarray, gradient: np.ndarray, held: Sequence[int], radius: float
    ) -> tuple[np.ndarray, float]:
        """The step to the least predicted deviance within bounds and trust region, and what it promises."""
        damped = matrix + _RIDGE * np.eye(len(matrix))
        low = np.maximum((self.low - position) / self.width, -radius)
        high = np.minimum((self.high - position) / self.width, radius)
        low[list(held)] = high[list(held)] = 0.0
        step = _least_quadratic(damped, gradient, np.minimum(low, 0.0), np.maximum(high, 0.0))
        return step * self.width, -float(2 * gradient @ step + step @ damped @ step)


def _least_quadratic(matrix: np.ndarray, gradient: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Least ½dᵀMd + gᵀd within a box that holds 0, M positive definite: the primal-dual active set.

    Hintermüller, Ito & Kunisch 2002, doi:10.1137/S1052623401383558. Where it cycles, bounded least squares, slower.
    """
    at = np.where((low >= 0) & (gradient > 0), -1, np.where((high <= 0) & (gradient < 0), 1, 0))
    at[low == high] = -1
    for _ in range(_MOST_CHANGES):
        step = np.where(at < 0, low, np.where(at > 0, high, 0.0))
        free = np.flatnonzero(at == 0)
        if len(free):
            step[free] = -cho_solve(cho_factor(matrix[np.ix_(free, free)]), (gradient + matrix @ step)[free])
        slope = gradient + matrix @ step
        following = np.where((at == 0) & (step < low), -1, np.where((at == 0) & (step > high), 1, at))
        following[(at < 0) & (slope < 0) & (low < high)] = 0
        following[(at > 0) & (slope > 0)] = 0
        if (following == at).all():
            return step
        at = following
    wide = np.flatnonzero(low < high)
    factor = cholesky(matrix[np.ix_(wide, wide)])
    target = solve_triangular(factor, -gradient[wide], trans=1)
    step = np.zeros(len(gradient))
    step[wide] = lsq_linear(factor, target, (low[wide], high[wide]), method="bvls").x
    return step
