"""Published numbers are rounded: what they may have been before."""

from __future__ import annotations

import math
from decimal import Decimal

_SLACK = 0.01  # of a ratio: what is rounded on the way to it, and not printed


def half_unit(value: float) -> float:
    """Half a unit of the last digit with which a number is written.

    Examples
    --------
    >>> half_unit(2.15), half_unit(-7.0)
    (0.005, 0.5)
    """
    if value == int(value):
        return 0.5
    exponent = Decimal(repr(value)).as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent)


def ratio(above: float, below: float) -> tuple[float, float]:
    """Smallest and largest size of the ratio of two rounded numbers."""
    low = max(abs(above) - half_unit(above), 0.0) / (abs(below) + half_unit(below))
    rest = abs(below) - half_unit(below)
    high = (abs(above) + half_unit(above)) / rest if rest > 0 else math.inf
    return low * (1 - _SLACK), high * (1 + _SLACK)
