"""Profile likelihoods: which parameters the data identify, and within which limits.

A coordinate is held at a value and all others are fitted again: the deviance of that fit, above the least, is the
profile. An interval holds the values whose profile lies below the quantile of χ² with one degree of freedom (Raue et
al. 2009, doi:10.1093/bioinformatics/btp358; Venzon & Moolgavkar 1988, doi:10.2307/2347496). Unlike standard errors it
needs no quadratic likelihood, and it tells a parameter with a wide interval from one without any limit.

The walk goes outward from the estimate. Each stride is as long as the quadratic approximation at the last point says,
and at most an eighth of the search; each point is then fitted and its profile evaluated. Between the last point below
the quantile and the first above it, secants find the end, to a third of a per cent of its distance
from the estimate. Where a profile has several branches, the interval is the part about the estimate.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas
from matplotlib.figure import Figure
from scipy.stats import chi2

from engram.consolidation.model import SimulationError
from engram.figure_style import GREY, StyledFigure, look, style

from .conditional import TOLERANCE, Landscape, Point
from .estimation import NEAR_BOUND, Fit
from .execution import Workers, completed, executor_of
from .objective import Coordinate, Objective
from .wording import quantity

_FIRST = 0.3  # of the quantile: what the first stride aims for
_BEYOND = 1.06  # of the quantile: what later strides aim for, so as to cross it
_LONGEST = 0.125  # stride, in widths of the search
_ALMOST = 0.004  # of the quantile: an end this close to it is found
_FINEST = 0.003  # of the distance from the estimate: a bracket this narrow is an end
_JUMP = 0.1  # of the quantile: how far below it a profile that jumps across may stay
_NEAR = 1.6  # quantiles: a rise up to here is taken for a point just beyond the end
_MOST_POINTS = 25  # a side
_IMPROVED = 0.02  # of the deviance: what counts as a better optimum


class Improved(NamedTuple):
    """A better optimum than that of the fit, met on the way."""

    position: np.ndarray  # on the search scale: ``search(fit.objective, position)`` starts there
    log_likelihood: float
    gain: float  # of the log-likelihood, with priors of the log-posterior
    found_at: str  # the parameter whose profile met it


@dataclass(frozen=True)
class Profiles:
    """Profile-likelihood intervals of the parameters of a fit.

    Attributes
    ----------
    intervals : DataFrame
        study ("shared" or its identifier), parameter, unit, estimate, lower, upper (in the unit; NaN where there is no
        limit within the bounds of the search), verdict, points (of the profile that were evaluated), message.
        Verdicts: "identified" (both limits lie within the bounds), "one-sided" (one of them does; the message says
        which), "at bound" (the estimate is at a bound, the other limit within), "flat" (neither).
    curves : DataFrame
        study, parameter, value (in the unit), rise (2 Δ log L below the best; the interval ends where it reaches
        ``quantile``), settled (whether the fit of the other parameters converged), and a column for each parameter of
        the fit by its name in full: where it went.
    improved : Improved or None
        A better optimum met on the way. Intervals are then those about the fit's own optimum, and too wide if anything.
    """

    model: str
    level: float
    quantile: float
    intervals: pandas.DataFrame
    curves: pandas.DataFrame
    improved: Improved | None


def profile(
    fit: Fit,
    parameters: Sequence[str] | None = None,
    *,
    level: float = 0.95,
    workers: Workers = None,
    progress: Callable[[int], Any] | None = None,
) -> Profiles:
    """Profile-likelihood intervals of the parameters of a fit, and whether the data identify each.

    Parameters
    ----------
    fit : Fit
    parameters : sequence of str, optional
        Names in full: ``"tau_early"`` for a shared one, ``"nader_2000.strength"`` for a study's own. All by default.
    level : float
        Confidence level of the intervals, between 0 and 1.
    workers : int or Executor, optional
        As in :func:`fits.fit`, a task each coordinate. The numbers do not depend on it.
    progress : callable, optional
        Called after each parameter with the number of points evaluated.

    Raises
    ------
    ValueError
        An unknown parameter; a level that is not between 0 and 1; a number of workers below one.
    LostWorkers
        The executor has gone.

    Examples
    --------
    >>> import fits
    >>> from fits.profile import profile
    >>> fitted = fits.fit([fits.load_study("brzosko_2017")], "EncodingOnly", starts=2, shared=False)
    >>> profile(fitted).intervals.verdict.tolist()
    ['identified', 'identified']
    """
    quantile = quantile_of(level)
    objective = copy.copy(fit.objective)
    objective.stopped = False
    chosen = _chosen(objective.coordinates, parameters)
    landscape = Landscape.of(objective)
    start = landscape.at(fit.position)
    origin = landscape.fresh(landscape.minimum(start))
    if start.deviance - origin.deviance < _IMPROVED:  # the fit's own estimate, then
        origin = start
    told = None if progress is None else lambda _, walks: progress(len(walks.points))
    with executor_of(workers) as pool:
        try:
            tasks = [(landscape, origin, k, quantile) for k in chosen]
            walks: list[_Walks] = completed(_both_ways, tasks, workers=pool, keep=told)
        except BaseException:  # an interrupt must not wait for the walks that still run
            objective.stopped = True
            raise
    results = dict(zip(chosen, walks, strict=True))
    improved = _improved(objective, landscape, start, results)
    rows = [_interval(objective.coordinates[k], origin, k, landscape, results[k], improved) for k in chosen]
    return Profiles(
        model=fit.model, level=level, quantile=quantile, improved=improved,
        intervals=pandas.DataFrame(rows, columns=["study", "parameter", "unit", "estimate", "lower", "upper", "verdict",
                                                  "points", "message"]),
        curves=_curves(objective, origin, results),
    )  # fmt: skip


def quantile_of(level: float) -> float:
    """The rise of the deviance at which an interval of this confidence level ends."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; give a number between 0 and 1, such as 0.95")
    return float(chi2.ppf(level, 1))


def _chosen(coordinates: Sequence[Coordinate], parameters: Sequence[str] | None) -> list[int]:
    names = [c.name_in_full for c in coordinates]
    if isinstance(parameters, str):
        raise ValueError(f"parameters is the text {parameters!r}; give a list, such as [{parameters!r}]")
    for name in parameters or ():
        if name not in names:
            raise ValueError(f"unknown parameter {name!r}; the fit estimated {', '.join(names) or 'none'}")
    return list(range(len(names))) if parameters is None else [names.index(name) for name in parameters]


class _Walks(NamedTuple):
    lower: float | None  # ends, on the search scale; None where the profile stays below the quantile
    upper: float | None
    points: list[Point]  # in the order of the coordinate, the origin left out
    notes: list[str]


def _both_ways(landscape: Landscape, origin: Point, k: int, quantile: float) -> _Walks:
    down, up = (_Walk(landscape, origin, k, sign, quantile) for sign in (-1, 1))
    ends = down.end(), up.end()
    points = _mended(landscape, origin, k, [*down.points, *up.points])
    notes = [f"{side}: {note}" for side, walk in (("lower end", down), ("upper end", up)) for note in walk.notes]
    return _Walks(*ends, points, notes)


def _mended(landscape: Landscape, origin: Point, k: int, points: Sequence[Point]) -> list[Point]:
    """The points in order; those above both neighbours, where others may lead lower, fitted again from them."""
    line = sorted([origin, *points], key=lambda point: float(point.position[k]))
    for place in range(1, len(line) - 1):
        for neighbour in (line[place - 1], line[place + 1]):
            if line[place] is origin or line[place].deviance <= neighbour.deviance + TOLERANCE:
                break
            position = neighbour.position.copy()
            position[k] = line[place].position[k]
            try:
                again = landscape.minimum(landscape.moved(neighbour, position), [k])
            except SimulationError:
                continue
            if again.deviance < line[place].deviance:
                line[place] = again
    return [point for point in line if point is not origin]


class _Walk:
    """The profile of one coordinate from the optimum outward to one side."""

    def __init__(self, landscape: Landscape, origin: Point, k: int, sign: int, quantile: float) -> None:
        self.landscape, self.origin, self.k, self.sign, self.quantile = landscape, origin, k, sign, quantile
        self.points: list[Point] = []
        self.notes: list[str] = []
        self._bound = float((landscape.high if sign > 0 else landscape.low)[k])

    def rise(self, point: Point) -> float:
        return point.deviance - self.origin.deviance

    def end(self) -> float | None:
        """Where the profile crosses the quantile, on the search scale; None where it does not within the bounds."""
        inner, outer, longest, inward = self.origin, None, math.inf, 0
        while len(self.points) < _MOST_POINTS:
            at = float(inner.position[self.k])
            left = abs(self._bound - at)
            if left <= 1e-9 * self.landscape.width[self.k]:
                return None
            if outer is None:
                aim = _FIRST if self.rise(inner) < 0.5 * _FIRST * self.quantile else _BEYOND
                stride = min(self._stride(inner, aim), longest)
                x = at + self.sign * stride if stride < 0.98 * left else self._bound
            else:
                x = self._between(inner, outer)
            there = self._fitted(x, inner, outer)
            if there is not None and abs(self.rise(there) - self.quantile) < _ALMOST * self.quantile:
                there = self._fitted_finely(there)
                if self.rise(there) > (1 - 2 * _ALMOST) * self.quantile:
                    return self._found(there)
                outer = None  # which was on a worse branch
            gone = abs(x - at)
            if there is not None and self.rise(there) < self.quantile:
                inner, longest, inward = there, 2 * gone, inward + 1
                if inward == 2:  # the point beyond may have been met on a worse branch: approach it anew
                    outer = None
            elif there is not None and self.rise(there) < _NEAR * self.quantile:
                outer, inward = there, 0
            else:  # the others have not followed: a shorter stride
                outer, longest, inward = None, gone / 3, 0
                if self._narrow(inner, x):
                    return self._found(inner, jumps=True)
            if outer is not None and self._narrow(inner, float(outer.position[self.k])):
                if self.rise(inner) > (1 - _JUMP) * self.quantile:
                    return self._found(inner)
                outer, longest = None, 2 * gone
        self.notes.append(f"not found in {_MOST_POINTS} points")
        return float(inner.position[self.k])

    def _fitted_finely(self, point: Point) -> Point:
        target = self.landscape.minimum(self.landscape.fresh(point), [self.k], finest=0.1 * TOLERANCE)
        self.points[-1] = target
        return target

    def _narrow(self, inner: Point, beyond: float) -> bool:
        gap, distance = (abs(beyond - float(p.position[self.k])) for p in (inner, self.origin))
        return gap < _FINEST * distance

    def _found(self, inner: Point, jumps: bool = False) -> float:
        if jumps:
            self.notes.append("the likelihood jumps here")
        if not inner.settled:
            self.notes.append("the fit of the others had not settled (a kink, or a long curved valley)")
        return float(inner.position[self.k])

    def _between(self, inner: Point, outer: Point) -> float:
        """Where √rise, which is nearly linear, should cross."""
        at, beyond = float(inner.position[self.k]), float(outer.position[self.k])
        gap = abs(beyond - at)
        roots = [math.sqrt(max(self.rise(point), 0.0)) for point in (inner, outer)]
        secant = (math.sqrt(self.quantile) - roots[0]) / (roots[1] - roots[0])
        share = secant if len(self.points) % 3 else 0.5  # never slower than halving every third time
        return at + self.sign * gap * min(max(share, 0.05), 0.95)

    def _stride(self, point: Point, aim: float) -> float:
        """How far the quadratic approximation at a point goes until the rise is ``aim`` quantiles."""
        longest = _LONGEST * float(self.landscape.width[self.k])
        path = self.landscape.tangent(point, self.k)
        slope = curvature = 0.0
        for block, residuals, jacobian in zip(self.landscape.blocks, point.residuals, point.jacobians, strict=True):
            along = jacobian @ path[block.columns]
            slope += 2 * self.sign * float(residuals @ along)
            curvature += float(along @ along)
        slope, missing = max(slope, 0.0), max(aim * self.quantile - self.rise(point), 0.0)
        root = slope + math.sqrt(slope**2 + 4 * curvature * missing)
        return max(min(2 * missing / root, longest) if root > 0 else longest, 1e-3 * longest)

    def _fitted(self, x: float, near: Point, far: Point | None = None) -> Point | None:
        """The profile at a value: all else fitted from the likelier of the places that its neighbours point to."""
        starts = [(near, near.position + (x - near.position[self.k]) * self.landscape.tangent(near, self.k)),
                  (near, near.position)]  # fmt: skip
        if far is not None:
            share = (x - near.position[self.k]) / (far.position[self.k] - near.position[self.k])
            starts.insert(0, (near, (1 - share) * near.position + share * far.position))
            starts.append((far, far.position))
        best: Point | None = None
        for neighbour, start in starts:
            position = np.clip(start, self.landscape.low, self.landscape.high)
            position[self.k] = x
            try:
                point = self.landscape.moved(neighbour, position)
            except SimulationError:
                continue
            if best is None or point.deviance < best.deviance:
                best = point
        if best is not None:
            best = self.landscape.minimum(best, [self.k], self.origin.deviance + self.quantile)
            self.points.append(best)
        return best


def _improved(objective: Objective, landscape: Landscape, start: Point, results: dict[int, _Walks]) -> Improved | None:
    """The best of all points, fitted again with nothing held, if it beats the fit."""
    met = [(point.deviance, k, point) for k, walks in results.items() for point in walks.points]
    if not met:
        return None
    deviance, k, point = min(met, key=lambda row: row[:2])
    if start.deviance - deviance < _IMPROVED:
        return None
    best = landscape.minimum(landscape.fresh(point))
    return Improved(
        best.position,
        objective.log_likelihood(best.position),
        0.5 * (start.deviance - best.deviance),
        objective.coordinates[k].name_in_full,
    )


def _interval(
    coordinate: Coordinate, origin: Point, k: int, landscape: Landscape, walks: _Walks, improved: Improved | None
) -> dict[str, Any]:
    place = (origin.position[k] - landscape.low[k]) / landscape.width[k]
    notes = list(walks.notes)
    if walks.lower is None and walks.upper is None:
        verdict = "flat"
    elif walks.lower is not None and walks.upper is not None:
        verdict = "identified"
    else:
        at_bound = place < NEAR_BOUND if walks.lower is None else place > 1 - NEAR_BOUND
        verdict = "at bound" if at_bound else "one-sided"
        side = "upper" if walks.lower is None else "lower"
        bound = coordinate.bounds[0 if walks.lower is None else 1]
        limited = f"only {'an' if side == 'upper' else 'a'} {side} limit"
        notes.insert(0, f"{limited}; {quantity(bound, coordinate.unit)} is a bound of the search")
    if improved is not None:
        notes.append(f"a better optimum was met (log-likelihood higher by {improved.gain:.2g}): fit again from it")
    lower, upper = (math.nan if end is None else coordinate.outward(end) for end in (walks.lower, walks.upper))
    return dict(
        study=coordinate.study, parameter=coordinate.name, unit=coordinate.unit,
        estimate=coordinate.outward(float(origin.position[k])), lower=lower, upper=upper, verdict=verdict,
        points=len(walks.points), message="; ".join(notes),
    )  # fmt: skip


def _curves(objective: Objective, origin: Point, results: dict[int, _Walks]) -> pandas.DataFrame:
    names = [c.name_in_full for c in objective.coordinates]
    rows = []
    for k, walks in results.items():
        coordinate = objective.coordinates[k]
        for point in sorted([origin, *walks.points], key=lambda point: float(point.position[k])):
            values = objective.values(point.position)
            rows.append({
                "study": coordinate.study, "parameter": coordinate.name, "value": values[k],
                "rise": point.deviance - origin.deviance, "settled": point.settled,
                **dict(zip(names, values, strict=True)),
            })  # fmt: skip
    return pandas.DataFrame(rows, columns=["study", "parameter", "value", "rise", "settled", *names])


def profile_figure(profiles: Profiles) -> Figure:
    """A profile for each parameter, with its quantile, its estimate and its limits; a panel each."""
    table = profiles.intervals
    columns = min(len(table), 4) or 1
    rows = math.ceil(len(table) / columns) or 1
    with style():
        figure = StyledFigure(figsize=(1.75 * columns + 0.5, 1.5 * rows + 0.3), layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat)
        row: Any
        for ax, row in zip(axes, table.itertuples(), strict=False):
            curves = profiles.curves
            curve = curves[(curves.study == row.study) & (curves.parameter == row.parameter)]
            seen = curve[curve.rise < 3 * profiles.quantile]
            ax.axhline(profiles.quantile, color=GREY, linewidth=0.7, linestyle=":")
            ax.plot(seen.value, seen.rise, marker=".", clip_on=True, **look(0))
            ax.axvline(row.estimate, color=GREY, linewidth=0.7)
            limits = [limit for limit in (row.lower, row.upper) if not math.isnan(limit)]
            ax.plot(limits, [profiles.quantile] * len(limits), "|", color=look(1)["color"], markersize=11)
            if seen.value.min() > 0 and seen.value.max() > 20 * seen.value.min():
                ax.set_xscale("log")
            unit = "" if row.unit == "1" else f" ({row.unit})"
            title = row.parameter if row.study == "shared" else f"{row.study}\n{row.parameter}"
            ax.set_title(title, fontsize=6.5)
            ax.set_xlabel(f"{row.verdict}{unit}", fontsize=6.5)
            ax.set_ylim(-0.05 * profiles.quantile, 2 * profiles.quantile)
        for ax in axes[len(table) :]:
            ax.set_axis_off()
        figure.supylabel(f"2 Δ log-likelihood (dotted: limit at {100 * profiles.level:g} %)", fontsize=8)
    return figure
