"""What callers give, checked and turned into plain Python numbers: equal values are then written and compared alike."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from ...parameter import parameter_fields


def finite_number(value: Any, what: str, low: float = -math.inf, *, above: bool = False) -> float:
    """`value` as a float; an error unless it is a finite number of at least (or `above`) `low`."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (real and math.isfinite(value) and (value > low if above else value >= low)):
        bound = "" if low == -math.inf else f" and above {low:g}" if above else f" and at least {low:g}"
        raise ValueError(f"{what} is {value!r}; it must be finite{bound}: give a number")
    return float(value)


def whole_number(value: Any, what: str, low: int, below: float = 2**31) -> int:
    """`value` as an int; an error unless it is a whole number from `low` to before `below`."""
    limit = "" if below == math.inf else f" and below {below}"
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value < below:
        raise ValueError(f"{what} is {value!r}; give a whole number of at least {low}{limit}")
    return int(value)


def make_plain(model: Any) -> None:
    """Turn the checked parameters of a frozen model into floats."""
    for field in parameter_fields(model):
        value = getattr(model, field.name)
        if type(value) is not float:
            object.__setattr__(model, field.name, float(value))


def check_kind(value: Any, kind: type, what: str) -> None:
    """An error unless `value` is a `kind`."""
    if not isinstance(value, kind):
        hint = f"the class itself: write {kind.__name__}()" if value is kind else f"{value!r}: give a {kind.__name__}"
        raise TypeError(f"{what} is {hint}")


def checked_recorders(recorders: Any) -> list[Any]:
    """The recorders as a list; an error unless each does what is asked of one."""
    if isinstance(recorders, type) or hasattr(recorders, "visit"):
        raise TypeError("recorders is a single recorder: write recorders=[recorder]")
    found = list(recorders)
    for number, one in enumerate(found):
        if isinstance(one, type) or not all(
            callable(getattr(one, name, None)) for name in ("stops", "spikes", "visit")
        ):
            hint = f"the class itself: write {one.__name__}()" if isinstance(one, type) else repr(one)
            raise TypeError(f"recorders[{number}] is {hint}; a recorder such as SpikeRecorder() is needed")
    return found
