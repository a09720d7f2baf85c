"""Numbers and lists in the sentences of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engram.units import day, hour, minute

_TIMES = ((day, "d"), (hour, "h"), (minute, "min"))


def number(value: float, digits: int = 3) -> str:
    """A number to so many digits, with a true minus sign; a dash where there is none.

    Examples
    --------
    >>> number(0.123456), number(-2.0), number(float("nan"))
    ('0.123', '−2', '–')
    """
    return "–" if math.isnan(value) else f"{value:.{digits}g}".replace("-", "−")


def fixed(value: float, error: float = math.nan) -> str:
    """A number to a hundredth of its standard error, or to two decimals.

    Examples
    --------
    >>> fixed(64.2211, 13.4), fixed(3e-10, 0.04), fixed(-0.07)
    ('64.2', '0.0000', '−0.07')
    """
    if math.isnan(value):
        return "–"
    decimals = 2 if math.isnan(error) else max(0, 2 - math.floor(math.log10(error)))
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """A number with its unit; seconds in the unit that a person would use.

    Examples
    --------
    >>> quantity(6884.0, "s"), quantity(0.4, "1"), quantity(float("nan"), "s")
    ('1.91 h', '0.4', '–')
    """
    if math.isnan(value):
        return "–"
    if unit == "s":
        seconds, name = time_unit(value)
        return f"{number(value / seconds, digits)} {name}"
    return number(value, digits) if unit == "1" else f"{number(value, digits)} {unit}"


def time_unit(value: float) -> tuple[float, str]:
    """The unit in which a person would give so many seconds: its length (s) and its name."""
    return next(((seconds, name) for seconds, name in _TIMES if abs(value) >= seconds), (1.0, "s"))


def share(value: float) -> str:
    """A share in whole per cent; a dash where there is none.

    Examples
    --------
    >>> share(0.756), share(float("nan"))
    ('76 %', '–')
    """
    return "–" if math.isnan(value) else f"{100 * value:.0f} %"


def listed(names: Sequence[str]) -> str:
    """Names in running text.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def capitalised(text: str) -> str:
    """Text that begins with a capital letter."""
    return f"{text[:1].upper()}{text[1:]}"
