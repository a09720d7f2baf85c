"""What is checked of numbers that enter visual learning, each with a sentence that names the number."""

from __future__ import annotations

import math

import numpy as np


def check_number(name: str, value: object, low: float, high: float) -> None:
    """Raise ``ValueError`` for what is not a real number between two others, both admitted."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.integer | np.floating)
        or not low <= value <= high
    ):
        raise ValueError(f"{name} is {value!r}; give a number between {low:g} and {high:g}")


def check_count(name: str, value: object, least: int = 0) -> None:
    """Raise ``ValueError`` for what is not a whole number, of Python or numpy, of so many or more."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        words = ("zero", "one", "two")
        raise ValueError(f"{name} is {value!r}; give a whole number of {words[least]} or more")


def check_noise(name: str, value: object) -> None:
    """Raise ``ValueError`` for a standard deviation that is negative or not finite."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.integer | np.floating)
        or not 0 <= value < math.inf
    ):
        raise ValueError(f"{name} is {value!r}; give a finite number of zero or more")


def checked_gain(gain: object, units: int) -> np.ndarray:
    """Gain as floats: one number, or (..., units), finite and of zero or more."""
    values = np.asarray(gain)
    if values.dtype.kind not in "iuf" or (values.ndim and values.shape[-1] != units) or not values.size:
        raise ValueError(
            f"gain is {type(gain).__name__} of shape {values.shape}; give one number, or one for each of the {units} "
            "units in the last dimension"
        )
    if not 0 <= values.min() <= values.max() < math.inf:  # a comparison with NaN is false
        place = np.unravel_index(int(np.argmax(~((values >= 0) & (values < math.inf)))), values.shape)
        where = f" at index {tuple(int(k) for k in place)}" if values.ndim else ""
        raise ValueError(f"gain is {values[place]:g}{where}; give finite gains of zero or more (1 is untrained)")
    return np.asarray(values, float)


def checked_directions(directions: object, name: str = "directions") -> np.ndarray:
    """Directions (degrees) as finite floats of any shape."""
    values = np.asarray(directions)
    if values.dtype.kind not in "iuf":
        raise ValueError(f"{name} is {directions!r}; give degrees")
    if not np.isfinite(values).all():
        wrong = values[~np.isfinite(values)].flat[0]
        raise ValueError(f"{name} has {wrong:g}; give finite numbers of degrees")
    return np.asarray(values, float)
