"""Which observations a fit misses, and which observations and studies hold its parameters where they are.

With deviance residuals r and their derivatives J at the optimum (priors are residuals too), the leverage of an
observation is its diagonal element h of J(JᵀJ)⁻¹Jᵀ. Leaving it out moves the parameters, to first order and within
their bounds, by d; Cook's distance is dᵀJᵀJd/p (Cook 1977, doi:10.2307/1268249; Pregibon 1981,
doi:10.1214/aos/1176345513, beyond least squares), r² h/(1 − h)²/p away from bounds. p is the sum of the leverages: how
many parameters the data determine. Directions about which nothing is known do not move. A shift is in standard errors
of its parameter. One step of a model with thresholds is a pointer to what to leave out and fit again, no more.
"""

from __future__ import annotations

import textwrap
from typing import NamedTuple

import numpy as np
import pandas
from matplotlib.figure import Figure
from scipy.special import ndtri
from scipy.stats import binom

from engram.figure_style import GREY, StyledFigure, look, style

from .conditional import Landscape, Point
from .estimation import Fit, at_bounds
from .study import Observation

_RIDGE = 1e-4  # information per squared width of the search: keeps unknown directions where they are
_LARGE = 2.0  # standard errors


class _Local(NamedTuple):
    """A fit at its optimum, on a scale on which every coordinate's search has the width 1."""

    landscape: Landscape
    point: Point
    matrix: np.ndarray  # JᵀJ
    pull: np.ndarray  # Jᵀr of the coordinates at a bound; 0 elsewhere, for the fit is taken to have converged
    inverse: np.ndarray  # of it, over the free coordinates; 0 elsewhere
    errors: np.ndarray  # standard errors


def _local(fit: Fit) -> _Local:
    landscape = Landscape.of(fit.objective)
    point = landscape.at(fit.position)
    matrix, gradient = landscape.normal(point)
    bound = at_bounds(fit.objective, fit.position)
    free = np.flatnonzero(~bound)
    inverse = np.zeros_like(matrix)
    if len(free):
        chosen = np.ix_(free, free)
        inverse[chosen] = np.linalg.inv(matrix[chosen] + _RIDGE * np.eye(len(free)))
    return _Local(landscape, point, matrix, np.where(bound, gradient, 0.0), inverse, np.sqrt(np.diag(inverse)))


def residual_table(fit: Fit) -> pandas.DataFrame:
    """Every fitted observation: how far the fit misses it, and how much it holds the fit.

    Returns
    -------
    DataFrame
        study, observation, kind, observed, predicted, and

        - residual: of a mean (observed − predicted)/error; of counts and detections the quantile residual, Φ⁻¹ of the
          middle of the outcome's share of the distribution function (Dunn & Smyth 1996,
          doi:10.1080/10618600.1996.10474708, who draw from that share), so that all are standard normal under the
          model and positive where more was observed than predicted; of a cell its deviance residual;
        - leverage: 0 (holds nothing) to 1 (alone determines a parameter);
        - cook: Cook's distance; large from about 1;
        - moves, shift: the parameter that moves most, in standard errors, when the observation is left out.
    """
    local = _local(fit)
    names = [coordinate.name_in_full for coordinate in fit.objective.coordinates]
    width = local.landscape.width
    effective = 0.0
    rows = []
    table = fit.predictions
    position = 0
    for index, study in enumerate(fit.objective.studies):
        columns = fit.objective.columns[index]
        scaled = np.zeros((len(study.observations), len(width)))
        scaled[:, columns] = local.point.jacobians[index] * width[columns]
        leverages = np.clip(((scaled @ local.inverse) * scaled).sum(axis=1), 0.0, 1.0)
        effective += float(leverages.sum())
        for k, o in enumerate(study.observations):
            row = table.iloc[position]
            position += 1
            if o.kind == "shown":
                continue
            deviance = float(local.point.residuals[index][k])
            matrix = local.matrix - np.outer(scaled[k], scaled[k])
            step, _ = local.landscape.step(fit.position, matrix, local.pull - scaled[k] * deviance, [], 1.0)
            left = step / width
            shifts = np.divide(left, local.errors, out=np.zeros_like(left), where=local.errors > 0)
            most = int(np.argmax(np.abs(shifts))) if len(shifts) else -1
            rows.append(dict(
                study=study.id, observation=o.name, kind=o.kind, observed=row.observed, predicted=row.predicted,
                residual=_residual(o, float(row.predicted), float(row.log_likelihood), deviance),
                leverage=float(leverages[k]), cook=float(left @ local.matrix @ left),
                moves=names[most] if most >= 0 else "", shift=float(shifts[most]) if most >= 0 else np.nan,
            ))  # fmt: skip
    result = pandas.DataFrame(rows)
    result["cook"] /= max(effective, 1e-12)
    return result


def _residual(o: Observation, predicted: float, log_likelihood: float, deviance: float) -> float:
    if o.kind == "mean":
        assert o.value is not None
        return (o.value - predicted) / o.error
    if o.kind == "detected":
        share = 0.5 * float(np.exp(log_likelihood))
        return float(-ndtri(share) if o.detected else ndtri(share))
    if o.kind == "counts":
        assert o.count is not None and o.n is not None
        p = min(max(predicted, 0.0), 1.0)
        return float(ndtri(np.clip(binom.cdf(o.count, o.n, p) - 0.5 * binom.pmf(o.count, o.n, p), 1e-300, 1 - 1e-16)))
    return -deviance


def study_influence(fit: Fit) -> pandas.DataFrame:
    """Which studies pull the shared parameters: the first-order shift of each when one study is left out.

    Returns
    -------
    DataFrame
        left_out, parameter, unit, estimate, without (its value after one step, within bounds), shift (in standard
        errors, on the search scale); the strongest pulls first. Empty for a fit without shared parameters.

    Raises
    ------
    ValueError
        A fit of one study, which leaves nothing when it is left out.
    """
    objective = fit.objective
    if len(objective.studies) < 2:
        raise ValueError(f"the fit holds only {fit.studies[0]}; leaving a study out takes a joint fit of several")
    local = _local(fit)
    landscape, point = local.landscape, local.point
    rows = []
    for index, study in enumerate(objective.studies):
        columns = objective.columns[index]
        scaled = point.jacobians[index] * landscape.width[columns]
        matrix, slope = local.matrix.copy(), local.pull.copy()
        matrix[np.ix_(columns, columns)] -= scaled.T @ scaled
        slope[columns] -= scaled.T @ point.residuals[index]
        own = [k for k in columns if objective.coordinates[k].study != "shared"]
        step, _ = landscape.step(fit.position, matrix, slope, own, 1.0)
        for k in columns:
            coordinate = objective.coordinates[k]
            if coordinate.study == "shared" and local.errors[k] > 0:
                rows.append(dict(
                    left_out=study.id, parameter=coordinate.name, unit=coordinate.unit,
                    estimate=coordinate.outward(float(fit.position[k])),
                    without=coordinate.outward(float(fit.position[k] + step[k])),
                    shift=float(step[k] / landscape.width[k] / local.errors[k]),
                ))  # fmt: skip
    table = pandas.DataFrame(rows, columns=["left_out", "parameter", "unit", "estimate", "without", "shift"])
    return table.sort_values("shift", key=np.abs, ascending=False, ignore_index=True, kind="stable")


def residual_figure(fit: Fit) -> Figure:
    """The residual and the leverage of every fitted observation, study by study; beyond ±2 filled."""
    table = residual_table(fit).iloc[::-1].reset_index(drop=True)
    kinds = {"mean": "o", "detected": "s", "counts": "^", "cell": "D"}
    names = dict(mean="mean", detected="detection (quantile residual)", counts="counts (quantile residual)",
                 cell="cell (deviance residual)")  # fmt: skip
    rows = np.arange(len(table))
    with style():
        figure = StyledFigure(figsize=(7.2, 0.9 + 0.155 * len(table)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
        left.axvspan(-_LARGE, _LARGE, color="0.94", linewidth=0)
        left.axvline(0, color=GREY, linewidth=0.7)
        for number, (kind, marker) in enumerate(kinds.items()):
            for large in (False, True):
                chosen = np.flatnonzero((table.kind == kind) & ((table.residual.abs() > _LARGE) == large))
                colour = look(number)["color"]
                left.plot(table.residual[chosen], chosen, marker=marker, linestyle="none", color=colour,
                          markerfacecolor=colour if large else "white", zorder=3)  # fmt: skip
            if (table.kind == kind).any():
                left.plot([], [], marker=marker, linestyle="none", color=colour, markerfacecolor="white",
                          label=names[kind])  # fmt: skip
        right.barh(rows, table.leverage, color=GREY, height=0.6)
        right.set_xlim(0, 1)
        for place in np.flatnonzero(table.study.to_numpy()[1:] != table.study.to_numpy()[:-1]):
            for ax in (left, right):
                ax.axhline(place + 0.5, color="0.8", linewidth=0.6)
        labels = [
            textwrap.shorten(f"{row.study}: {row.observation}", 80, placeholder="…") for row in table.itertuples()
        ]
        left.set_yticks(rows, labels, fontsize=5.5)
        left.tick_params(axis="y", length=0)
        left.set_ylim(-0.7, len(table) - 0.3)
        left.set_xlabel("residual (standard deviations)")
        right.set_xlabel("leverage")
        figure.legend(loc="outside upper left", ncols=3)
    return figure
