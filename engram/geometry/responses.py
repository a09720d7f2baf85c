"""What is checked of the arrays that enter the geometry, each with a sentence that names the array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray
ArrayLike: TypeAlias = np.ndarray | Sequence[float] | Sequence[Sequence[float]]
Conditions: TypeAlias = np.ndarray | Sequence[np.ndarray]

ESTIMATORS = ("unbiased", "plug-in")


def finite(name: str, value: object, dimensions: int, shape: str) -> Array:
    """The value as an array of floats with so many dimensions, all finite."""
    parts = value if isinstance(value, list | tuple) else (value,)
    if any(np.ma.isMaskedArray(part) for part in parts):
        raise ValueError(
            f"{name}: a masked array, whose mask would be lost; leave out what is masked and pass an array"
        )
    try:
        raw = np.asarray(value)
        array = raw.real.astype(float, copy=False)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected an array of numbers of shape {shape}, got {type(value).__name__}") from None
    if np.iscomplexobj(raw):
        raise ValueError(f"{name}: complex numbers, whose imaginary part would be lost; pass real ones")
    if array.ndim != dimensions or array.size == 0:
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(index) for index in np.argwhere(bad)[0])
        raise ValueError(f"{name}: {array[where]} at index {where}; leave out trials or units that are not finite")
    return array


def trials(name: str, value: object, least: int) -> Array:
    """Responses of shape (trials, units) with at least so many trials."""
    array = finite(name, value, 2, "(trials, units)")
    if len(array) < least:
        raise ValueError(f"{name}: this estimate needs at least {least} trials, got {len(array)}")
    return array


def constant(array: Array, axis: int = 0) -> Array:
    """Where an array is the same all along an axis. Compared value by value, since the mean of equals rounds."""
    same: Array = (array == np.take(array, [0], axis=axis)).all(axis=axis, keepdims=True)
    return same


def centred(array: Array, axis: int = 0) -> Array:
    """What an array differs from its mean along an axis: exactly zero where it does not vary."""
    return np.where(constant(array, axis), 0.0, array - array.mean(axis=axis, keepdims=True))


def sample_covariance(samples: Array) -> Array:
    """Covariance (units, units) of samples (trials, units), divisor trials − 1; zero for units that do not vary."""
    same = constant(samples)
    return np.where(same | same.T, 0.0, np.atleast_2d(np.cov(samples, rowvar=False)))


def same_units(**arrays: Array) -> None:
    """All arrays have the same number of units, in their last dimension."""
    units = {name: array.shape[-1] for name, array in arrays.items()}
    if len(set(units.values())) > 1:
        said = ", ".join(f"{name} has {number}" for name, number in units.items())
        raise ValueError(f"the arrays differ in their number of units: {said}")


def conditions(name: str, value: Conditions, least_trials: int, least: int = 2) -> list[Array]:
    """Several conditions, each of shape (trials, units), with the same units."""
    is_array = isinstance(value, np.ndarray)
    if not isinstance(value, list | tuple | np.ndarray) or (is_array and np.ndim(value) != 3):
        got = f"shape {np.shape(value)}" if is_array else type(value).__name__
        raise ValueError(
            f"{name}: expected a list of (trials, units) arrays or one array of shape (conditions, trials, units),"
            f" got {got}"
        )
    groups = [trials(f"{name}[{index}]", group, least_trials) for index, group in enumerate(value)]
    if len(groups) < least:
        raise ValueError(f"{name}: {len(groups)} condition{'s' * (len(groups) != 1)}; it takes at least {least}")
    same_units(**{f"{name}[{index}]": group for index, group in enumerate(groups)})
    return groups


def one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}: unknown {value!r}; use {' or '.join(repr(choice) for choice in allowed)}")


def covariance_matrix(name: str, value: object) -> Array:
    """A symmetric covariance matrix without a negative eigenvalue; it may be singular, but not zero."""
    matrix = finite(name, value, 2, "(units, units)")
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{name}: a covariance matrix is square, got shape {matrix.shape}")
    scale = float(np.abs(matrix).max())
    if scale == 0:
        raise ValueError(f"{name}: all zero, so that nothing varies")
    if np.abs(matrix - matrix.T).max() > 1e-10 * scale:
        raise ValueError(f"{name}: a covariance matrix is symmetric, this one is not")
    matrix = (matrix + matrix.T) / 2
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < -1e-10 * len(matrix) * scale:
        raise ValueError(f"{name}: a covariance matrix has no negative eigenvalue, this one has {least:.6g}")
    return matrix


def whitener(name: str, covariance: Array, remedy: str) -> Array:
    """Matrix W with W Wᵀ = C⁻¹: ``responses @ W`` has unit covariance. A singular C is an error, with this remedy."""
    eigenvalues, axes = np.linalg.eigh(covariance)
    if not eigenvalues[0] > len(covariance) * np.finfo(float).eps * eigenvalues[-1]:
        raise ValueError(
            f"{name} is singular (eigenvalues {eigenvalues[0]:.3g} to {eigenvalues[-1]:.3g}, {len(covariance)} units);"
            f" {remedy}"
        )
    whitening: Array = axes / np.sqrt(eigenvalues)
    return whitening
