"""The standard normal distribution function Φ, its logarithm, and the probability of an interval.

Real and complex arguments, the complex ones for exact gradients by a complex step. On complex input
``scipy.special.log_ndtr`` is good to about seven digits only, so the logarithm is written here from ``erfc``
and ``erfcx``, which keep thirteen.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

_SQRT2 = math.sqrt(2.0)


def cumulative(x: NDArray[Any]) -> NDArray[Any]:
    """Φ(x), the probability that a standard normal variable is below x."""
    if not np.iscomplexobj(x):
        return special.ndtr(x)
    return 0.5 * special.erfc(-x / _SQRT2)


def log_cumulative(x: NDArray[Any]) -> NDArray[Any]:
    """log Φ(x), finite for every finite x."""
    if not np.iscomplexobj(x):
        return special.log_ndtr(x)
    left = np.real(x) < 0
    below, above = np.where(left, x, 0), np.where(left, 0, x)
    tail = -(below**2) / 2 + np.log(0.5 * special.erfcx(-below / _SQRT2))
    return np.where(left, tail, special.log1p(-0.5 * special.erfc(above / _SQRT2)))


def interval(low: NDArray[Any], high: NDArray[Any]) -> NDArray[Any]:
    """Φ(high) − Φ(low) for low ≤ high, without cancellation in the upper tail."""
    low, high = _to_lower_tail(low, high)
    return cumulative(high) - cumulative(low)


def log_interval(low: NDArray[Any], high: NDArray[Any]) -> NDArray[Any]:
    """log(Φ(high) − Φ(low)) for low < high, finite in both tails."""
    low, high = _to_lower_tail(low, high)
    upper = log_cumulative(high)
    return upper + np.log(-special.expm1(log_cumulative(low) - upper))


def _to_lower_tail(low: NDArray[Any], high: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The interval, or its mirror image of equal probability, whichever lies further to the left."""
    flip = np.real(low + high) > 0
    return np.where(flip, -high, low), np.where(flip, -low, high)
