"""Confidence bands on predicted curves and observations.

Bands are pointwise. Parameters are drawn from the normal approximation to what the data say: mean at the estimate,
covariance the inverse of the expected Fisher information, priors included, on the search scale (logarithms where a
parameter is searched on a log scale), truncated to the bounds of the search. Along a direction about which the data say
nothing this is uniform within the bounds. With profiles, the draws of each parameter are stretched, on either side,
until their quantiles reach its profile-likelihood limits; a missing limit is the bound. Limits narrower than the normal
approximation do not shrink it, and correlations stay as they are.

A band always holds the estimate, which can lie beyond the quantiles of the draws where parameters are at bounds. One so
wide that it tells nothing is an answer: the data leave the prediction open.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas
from scipy.special import ndtr, ndtri

from engram.consolidation.model import ConsolidationModel, SimulationError

from .estimation import Fit
from .objective import Objective
from .profile import Profiles

_LEAST_INFORMATION = 1e-4  # per squared width of the search: a normal so wide is uniform within the bounds
_SWEEPS = 10  # over all directions, for each draw


def curve_band(
    fit: Fit,
    curve: Callable[[ConsolidationModel], pandas.DataFrame],
    *,
    level: float = 0.95,
    draws: int = 200,
    seed: int = 1,
    profiles: Profiles | None = None,
) -> pandas.DataFrame:
    """A curve under a fit's shared biology, with the pointwise band that the parameters leave open.

    Parameters
    ----------
    fit : Fit
    curve : callable
        From a model to a table whose first column is the abscissa: any of :mod:`engram.curves`, with its settings
        bound (``lambda model: curves.retroactive_enhancement(model, times, dose=2)``).
    level : float
        Confidence level of the band at each abscissa, between 0 and 1.
    draws : int
        Draws of the parameters.
    seed : int
        The same seed gives the same band, bit for bit.
    profiles : Profiles, optional
        Those of :func:`fits.profile.profile` for the fit at the same level: bands follow their limits, which is more
        honest than the normal approximation.

    Returns
    -------
    DataFrame, a row for each abscissa
        The abscissa, and for every other column of the curve its value at the estimate under its own name, and
        ``<name>_lower`` and ``<name>_upper``. ``attrs["failed"]`` counts draws at which the curve could not be run.

    Raises
    ------
    ValueError
        A level, number of draws or curve that cannot be; profiles of another level or model.

    Examples
    --------
    >>> import fits
    >>> from engram import curves, hour
    >>> fitted = fits.fit([fits.load_study("commun_biol_2025")], "ThresholdCapture", starts=1)
    >>> band = curve_band(fitted, lambda model: curves.retroactive_enhancement(model, [0, hour]), draws=20)
    >>> list(band.columns)[:4]
    ['interval', 'strength', 'strength_lower', 'strength_upper']
    >>> bool((band.enhancement_lower <= band.enhancement_upper).all())
    True
    """
    estimate = curve(shared_model(fit.objective, fit.position))
    if not isinstance(estimate, pandas.DataFrame) or estimate.shape[1] < 2:
        raise ValueError("the curve gives no table of an abscissa and at least one column; give one of engram.curves")
    abscissa, names = estimate.columns[0], list(estimate.columns[1:])
    tables, failed = [], 0
    for position in draw_positions(fit, draws=draws, seed=seed, level=level, profiles=profiles):
        try:
            tables.append(curve(shared_model(fit.objective, position))[names].to_numpy(dtype=float))
        except SimulationError:
            failed += 1
    band = pandas.DataFrame({abscissa: estimate[abscissa]})
    lower, upper = _limits(estimate[names].to_numpy(dtype=float), tables, level)
    for k, name in enumerate(names):
        band[name] = estimate[name]
        band[f"{name}_lower"], band[f"{name}_upper"] = lower[:, k], upper[:, k]
    band.attrs["failed"] = failed
    return band


def prediction_band(
    fit: Fit, *, level: float = 0.95, draws: int = 200, seed: int = 1, profiles: Profiles | None = None
) -> pandas.DataFrame:
    """Every observation of a fit with its prediction and the band that the parameters leave open.

    The band is that of the predicted mean; the error of measurement is not in it. Parameters as in :func:`curve_band`.

    Returns
    -------
    DataFrame
        study, observation, unit, observed, error, predicted, lower, upper.

    Raises
    ------
    ValueError
        As :func:`curve_band`.
    """
    objective = fit.objective
    tables = []
    failed = 0
    for position in draw_positions(fit, draws=draws, seed=seed, level=level, profiles=profiles):
        try:
            tables.append(_predictions(objective, position))
        except SimulationError:
            failed += 1
    band = fit.predictions[["study", "observation", "unit", "observed", "error", "predicted"]].copy()
    band["lower"], band["upper"] = _limits(band.predicted.to_numpy(dtype=float), tables, level)
    band.attrs["failed"] = failed
    return band


def _predictions(objective: Objective, position: np.ndarray) -> np.ndarray:
    parts = [objective.predict(k, position[columns]) for k, columns in enumerate(objective.columns)]
    return np.concatenate(parts)


def _limits(estimate: np.ndarray, values: list[np.ndarray], level: float) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles over the draws, and the estimate, which lies beyond them where it is at a bound."""
    if not values:
        raise ValueError("the model could not be run at any draw; narrow the bounds of the parameters")
    tail = 0.5 * (1 - level)
    lower, upper = np.quantile(np.array(values), [tail, 1 - tail], axis=0)
    return np.minimum(lower, estimate), np.maximum(upper, estimate)


def shared_model(objective: Objective, position: np.ndarray) -> ConsolidationModel:
    """The model with the shared biology at a position on the search scale, and nothing of any one study."""
    values = dict(zip(objective.coordinates, objective.values(position), strict=True))
    shared = {coordinate.name: value for coordinate, value in values.items() if coordinate.study == "shared"}
    changes: dict[str, dict[str, float]] = {}
    for name, value in shared.items():
        if "." in name:
            modulator, key = name.split(".")
            changes.setdefault(modulator, {})[key] = value
    table = tuple(
        dataclasses.replace(known, **changes[known.name]) if known.name in changes else known
        for known in objective.model.neuromodulators
    )
    return objective.model.with_(neuromodulators=table, **{n: v for n, v in shared.items() if "." not in n})


def draw_positions(
    fit: Fit, *, draws: int, seed: int, level: float = 0.95, profiles: Profiles | None = None
) -> np.ndarray:
    """Positions on the search scale, (draws, coordinates), as the module describes.

    Raises
    ------
    ValueError
        A number of draws below two; a level that is not between 0 and 1; profiles of another level or model.
    """
    if isinstance(draws, bool) or operator.index(draws) < 2:
        raise ValueError(f"draws is {draws}; give at least 2, and for a band of 95 % some hundreds")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; give a number between 0 and 1, such as 0.95")
    objective, size = fit.objective, len(fit.position)
    if not size:
        return np.tile(fit.position, (draws, 1))
    low, high = np.array(objective.bounds).T
    width = high - low
    place = np.clip((fit.position - low) / width, 0.0, 1.0)
    values, vectors = np.linalg.eigh(objective.information(fit.position) * np.outer(width, width))
    spread = 1 / np.sqrt(np.maximum(values, _LEAST_INFORMATION))
    moved = _truncated(np.random.default_rng(seed), draws, place, vectors, spread)
    if profiles is not None:
        _check_profiles(fit, profiles, level)
        moved = _stretched(fit, profiles, level, moved, place)
    return low + width * np.clip(place + moved, 0.0, 1.0)


def _truncated(
    rng: np.random.Generator, draws: int, place: np.ndarray, vectors: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Draws about 0 of a normal distribution truncated to the unit cube about ``place``, (draws, coordinates).

    Gibbs sampling along the principal directions, which are independent but for the truncation; a chain for each draw.
    """
    moved = np.zeros((draws, len(place)))
    for _ in range(_SWEEPS):
        for direction, deviation in zip(vectors.T, spread, strict=True):
            along = moved @ direction
            rest = moved - np.outer(along, direction)
            felt = np.abs(direction) > 1e-9
            ends = np.stack([-place - rest, 1 - place - rest])[:, :, felt] / direction[felt]
            ends.sort(axis=0)
            lower, upper = ends[0].max(axis=1) / deviation, ends[1].min(axis=1) / deviation
            upper = np.maximum(upper, lower)
            along = deviation * _truncated_normal(rng.random(draws), lower, upper)
            moved = np.clip(rest + np.outer(along, direction), -place, 1 - place)
    return moved


def _truncated_normal(uniform: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Standard normal between two limits, by its inverse distribution function."""
    flipped = lower > 0  # in the tail below 0, where the distribution function is accurate
    low, high = np.where(flipped, -upper, lower), np.where(flipped, -lower, upper)
    drawn = ndtri(ndtr(low) + uniform * (ndtr(high) - ndtr(low)))
    return np.where(flipped, -1, 1) * np.clip(drawn, low, high)


def _check_profiles(fit: Fit, profiles: Profiles, level: float) -> None:
    if profiles.model != fit.model or profiles.level != level:
        raise ValueError(
            f"the profiles are of {profiles.model} at level {profiles.level}, the band of {fit.model} at {level}; "
            "profile this fit at the level of the band"
        )


def _stretched(fit: Fit, profiles: Profiles, level: float, moved: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The draws with each coordinate stretched, on either side, until its quantiles reach its profile's limits."""
    stretched = moved.copy()
    ends = np.quantile(moved, [0.5 * (1 - level), 0.5 * (1 + level)], axis=0)
    rows = {(row.study, row.parameter): row for row in profiles.intervals.itertuples()}
    for k, coordinate in enumerate(fit.objective.coordinates):
        row: Any = rows.get((coordinate.study, coordinate.name))
        if row is None:
            continue
        low, high = fit.objective.bounds[k]
        for side, limit in enumerate((row.lower, row.upper)):
            there = (low, high)[side] if math.isnan(limit) else coordinate.inward(float(limit))
            gap, reached = abs((there - low) / (high - low) - place[k]), abs(float(ends[side, k]))
            if 0 < reached < gap:
                mine = moved[:, k] * (1, -1)[side] < 0
                stretched[mine, k] *= gap / reached
    return stretched
