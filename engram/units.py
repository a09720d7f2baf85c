"""Units of time. Every time in the library is in seconds; write natural units as products: ``30 * minute``."""

import math
import re

second: float = 1.0
minute: float = 60.0
hour: float = 3600.0
day: float = 86400.0

_NAMES = {
    "ms": 1e-3, "s": second, "sec": second, "second": second, "seconds": second,
    "min": minute, "minute": minute, "minutes": minute, "h": hour, "hour": hour, "hours": hour,
    "d": day, "day": day, "days": day, "week": 7 * day, "weeks": 7 * day,
}  # fmt: skip
_PATTERN = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]+)\s*\Z")


def parse_time(text: object) -> float:
    """Seconds from a time written with its unit, such as ``"30 min"``, ``"-2 h"`` or ``"1.5 days"``.

    Raises
    ------
    ValueError
        Where the text has no unit, an unknown unit or no finite number.

    Examples
    --------
    >>> parse_time("30 min")
    1800.0
    """
    if not isinstance(text, str):
        raise ValueError(f'{text!r} is a time without a unit; write it as text with one, such as "{text} min"')
    match = _PATTERN.match(text)
    if match is None:
        raise ValueError(f'{text!r} is not a time; write a number and a unit, such as "30 min"')
    number, unit = float(match[1]), match[2]
    if unit not in _NAMES:
        raise ValueError(f"{text!r} has the unknown unit {unit!r}; use one of s, min, h, day, week")
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a finite time")
    return number * _NAMES[unit]


def format_time(seconds: float) -> str:
    """A time in the unit a person would use: ``5400`` becomes ``"1.5 h"``.

    Examples
    --------
    >>> format_time(5400), format_time(45), format_time(86400)
    ('1.5 h', '45 s', '1 day')
    """
    magnitude = abs(seconds)
    for name, unit in (("day", day), ("h", hour), ("min", minute)):
        if magnitude >= unit:
            plural = "s" if name == "day" and round(magnitude / unit, 4) != 1 else ""
            return f"{seconds / unit:.4g} {name}{plural}"
    return f"{seconds:.4g} s"
