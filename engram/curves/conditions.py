"""The conditions of a curve, all run in one batch, and the checks of what a curve is asked for."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas

from ..consolidation.model import ConsolidationModel
from ..protocol import Protocol

Values: TypeAlias = Sequence[float] | np.ndarray

_TIMES = ("interval", "test_delay", "memory_age", "inhibition", "spacing", "duration")


def run(
    model: ConsolidationModel,
    name: str,
    values: np.ndarray,
    sessions: Callable[[float], tuple[Protocol, ...]],
    conditions: tuple[str, ...],
) -> pandas.DataFrame:
    """All sessions of all values in one batch: a row per value, a column per condition."""
    if not isinstance(model, ConsolidationModel):
        raise TypeError(f"{model!r} is not a model; pass an instance such as ThresholdCapture()")
    batch = model.batch(session for value in values.tolist() for session in sessions(value))
    strengths = model.strengths(batch).reshape(len(values), len(conditions))
    table = pandas.DataFrame(strengths, columns=list(conditions))
    table.insert(0, name, values)
    return table


def checked(name: str, given: Values | None, default: np.ndarray, high: float = math.inf) -> np.ndarray:
    """The given values, or the default, as a one-dimensional array of finite numbers from 0 to ``high``."""
    if given is None:
        return default
    rule = "give numbers between 0 and 1" if high == 1 else "give finite numbers of zero or more"
    try:
        raw = np.atleast_1d(np.asarray(given))
    except ValueError:  # lists of unlike lengths
        raise ValueError(f"{name} is {given!r}, which are not numbers; {rule}") from None
    if raw.dtype.kind not in "iuf":  # numbers as text, truth values and complex numbers are mistakes here
        raise ValueError(f"{name} is {given!r}, which are not numbers; {rule}")
    values = raw.astype(float)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{name} has the shape {values.shape}; give a list of at least one number")
    wrong = ~(np.isfinite(values) & (values >= 0) & (values <= high))
    if wrong.any():
        index = int(np.argmax(wrong))
        raise ValueError(f"{name}[{index}] is {values[index]:g}; {rule}")
    return values


def check_numbers(**given: Any) -> None:
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            unit = " of seconds, such as 30 * minute" if name in _TIMES else ""
            raise ValueError(f"{name} is {value!r}; give a number{unit}")


def check_before_test(name: str, time: float, test_delay: float) -> None:
    if time >= test_delay:
        raise ValueError(
            f"the {name} of {time:g} s is not before the test at {test_delay:g} s, and what comes after the "
            f"test changes nothing; keep every {name} below test_delay or test later"
        )
