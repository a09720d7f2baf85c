"""Confidence bands: what a fit knows of a curve, of a number derived from it, and of its own predictions.

Parameters are drawn on the search scale from a normal about the optimum, whose precision is the expected information of
the data (with priors, theirs too) and, so that directions in which the data say nothing stay within the search, that of
a uniform distribution over the bounds (variance: width squared over 12). Draws beyond a bound are set to it. A band is
pointwise: the quantiles of what the draws predict. It is as good as the normal approximation: where a profile is
lopsided, so is the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas

from engram.consolidation import ConsolidationModel

from .estimation import Fit

DRAWS = 200
_UNIFORM = 12.0  # 1 / variance of a uniform distribution of width 1


class Derived(NamedTuple):
    """A number that follows from a fit, with its interval (NaN where an end lies where the number does not exist)."""

    estimate: float
    lower: float
    upper: float
    note: str


def draw_positions(fit: Fit, draws: int = DRAWS, seed: int = 1) -> np.ndarray:
    """Positions on the search scale, (draws, coordinates); the same seed gives the same bits.

    Raises ``ValueError`` for fewer than 2 draws.
    """
    if draws < 2:
        raise ValueError(f"draws is {draws}; give at least 2, better {DRAWS}")
    objective = fit.objective
    size = len(objective.coordinates)
    if not size:
        return np.zeros((draws, 0))
    low, high = np.array(objective.bounds).T
    width = high - low
    precision = objective.information(fit.position) * np.outer(width, width) + _UNIFORM * np.eye(size)
    # the inverse of a Cholesky factor turns white noise into the inverse of the precision
    factor = np.linalg.cholesky(precision)
    noise = np.random.default_rng(seed).standard_normal((draws, size))
    return np.clip(fit.position + width * np.linalg.solve(factor.T, noise.T).T, low, high)


def curve_band(
    fit: Fit,
    curve: Callable[..., pandas.DataFrame],
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 1,
    **arguments: Any,
) -> pandas.DataFrame:
    """A curve of :mod:`engram.curves` under the fitted biology, with its band.

    Parameters
    ----------
    fit : Fit
        What its studies share is drawn; everything else is at the model's defaults.
    curve : callable
        A function of a model that returns a table whose first column is x.
    level : float
        Coverage of the band at each x.
    draws, seed : int
    **arguments
        Of the curve.

    Returns
    -------
    DataFrame
        x, and of every other column the value at the optimum, ``*_lower`` and ``*_upper``.
    """
    _check_level(level)
    best = curve(fit.with_biology(), **arguments)
    x, *columns = best.columns
    drawn = [curve(fit.with_biology(p), **arguments)[columns].to_numpy() for p in draw_positions(fit, draws, seed)]
    ends = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    table = {x: best[x]}
    for k, column in enumerate(columns):
        table |= {column: best[column], f"{column}_lower": ends[0][:, k], f"{column}_upper": ends[1][:, k]}
    return pandas.DataFrame(table)


def derived(
    fit: Fit,
    function: Callable[[ConsolidationModel], float],
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 1,
) -> Derived:
    """A number that follows from the fitted biology, with its interval from the same draws as a band.

    Draws for which the number does not exist (NaN: a window that never closes, say) count as beyond every other; an end
    of the interval that falls among them is NaN, and the note says how many there were.
    """
    _check_level(level)
    estimate = function(fit.with_biology())
    values = np.array([function(fit.with_biology(p)) for p in draw_positions(fit, draws, seed)])
    absent = int(np.isnan(values).sum())
    ordered = np.sort(np.where(np.isnan(values), np.inf, values))
    lower, upper = np.quantile(ordered, [(1 - level) / 2, (1 + level) / 2], method="higher")
    note = f"{draws} draws" + (f", in {absent} of which there is none" if absent else "")
    return Derived(float(estimate), _or_nan(lower), _or_nan(upper), note)


def prediction_band(fit: Fit, *, level: float = 0.95, draws: int = DRAWS, seed: int = 1) -> pandas.DataFrame:
    """The observations of a fit with what it predicts, and the interval of that.

    Returns
    -------
    DataFrame
        study, observation, predicted, lower, upper, in the unit of the observation.
    """
    _check_level(level)
    positions = draw_positions(fit, draws, seed)
    objective = fit.objective
    parts = []
    for k, columns in enumerate(objective.columns):
        drawn = np.array([objective.predict(k, position[columns]) for position in positions])
        ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
        parts.append(pandas.DataFrame({"lower": ends[0], "upper": ends[1]}))
    table = fit.predictions[["study", "observation", "predicted"]].reset_index(drop=True)
    return pandas.concat([table, pandas.concat(parts, ignore_index=True)], axis=1)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level is {level!r}; give a coverage between 0 and 1, such as 0.95")


def _or_nan(value: float) -> float:
    return float(value) if math.isfinite(value) else math.nan
