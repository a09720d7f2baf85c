"""A parameter that a study leaves open, and the places that name it.

::

    [parameters.strength]
    start = 0.4
    bounds = [0.05, 0.95]
    scale = "linear"                   # or "log": the scale on which it is searched
    unit = "1"
    prior = { mean = 0.4, sd = 0.1 }   # optional: normal; on a log scale the median and the SD of the natural logarithm
    description = "encoding strength"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .tables import Errors, StudyError, Table, unquoted


@dataclass(frozen=True)
class FreeParameter:
    """A parameter of one study, to be estimated."""

    name: str
    unit: str
    start: float
    bounds: tuple[float, float]
    scale: str  # "linear" or "log": the scale on which it is searched
    description: str
    prior: tuple[float, float] | None = None  # mean and SD; on a log scale median and SD of the logarithm


_LARGEST = 1e12

#: Parameters by name; None stands for one that is there and could not be read.
Parameters = Mapping[str, FreeParameter | None]


def read_parameters(table: Table, errors: Errors) -> dict[str, FreeParameter | None]:
    """The free parameters of a study, from its table ``[parameters]``."""
    parameters: dict[str, FreeParameter | None] = {}
    for name in table.content:
        parameters[name] = None
        with errors.gathered():
            parameters[name] = _parameter(table.table(name), name, errors)
    return parameters


def _parameter(row: Table, name: str, errors: Errors) -> FreeParameter | None:
    errors.add(*row.unknown({"start", "bounds", "scale", "unit", "prior", "description"}))
    texts = errors.read(
        {
            "scale": lambda: row.choice("scale", ("linear", "log"), "linear"),
            "unit": lambda: row.text("unit", "1"),
            "description": lambda: row.text("description"),
        }
    )
    low, high = _bounds(row)
    if row.content.get("scale") == "log" and low <= 0:
        raise row.error("bounds", f"is {[low, high]!r}; a parameter on a log scale needs a positive lower bound")
    numbers = errors.read({"start": lambda: row.number("start", low, high), "prior": lambda: _prior(row, low, high)})
    if texts is None or numbers is None:
        return None
    return FreeParameter(name=name, bounds=(low, high), **texts, **numbers)


def _bounds(row: Table) -> tuple[float, float]:
    bounds = row.content.get("bounds")
    if not (isinstance(bounds, list) and len(bounds) == 2 and all(type(b) in (int, float) for b in bounds)):
        raise row.error("bounds", f"is {bounds!r}; write two numbers, such as [0.05, 0.95]")
    low, high = bounds
    if not -_LARGEST <= low < high <= _LARGEST:
        raise row.error("bounds", f"is {bounds!r}; the first must be smaller than the second, both finite")
    return float(low), float(high)


def _prior(row: Table, low: float, high: float) -> tuple[float, float] | None:
    if "prior" not in row:
        return None
    prior = row.table("prior")
    prior.only({"mean", "sd"})
    mean = prior.number("mean", -_LARGEST, _LARGEST)
    if not low <= mean <= high:
        raise prior.error("mean", f"is {mean!r}; it must lie within the bounds, {low:g} to {high:g}")
    return mean, positive(prior, "sd")


def positive(table: Table, key: str) -> float:
    """A number above zero (and not so small that dividing by it would overflow)."""
    value = table.number(key, -_LARGEST, _LARGEST)
    if value < 1e-12:
        raise table.error(key, f"is {table.content[key]!r}; it must be above zero")
    return value


def number_or_parameter(
    table: Table, key: str, low: float, high: float, parameters: Parameters, default: float | None
) -> tuple[float, str | None]:
    """A number between ``low`` and ``high``, or a parameter whose bounds lie there: its start value and its name."""
    value = table.content.get(key, default)
    if not isinstance(value, str):
        return table.number(key, low, high, default), None
    if value not in parameters:
        raise unknown_parameter(table, key, value, parameters)
    return start_of(table, key, value, low, high, parameters), value


def start_of(table: Table, key: str, name: str, low: float, high: float, parameters: Parameters) -> float:
    """The start value of a parameter, all of whose values must be possible where it is named."""
    parameter = parameters[name]
    if parameter is None:
        return 0.5 * (max(low, -1.0) + min(high, 1.0))  # never used: its own error is reported
    lower, upper = parameter.bounds
    if lower < low or upper > high:
        raise table.error(
            key,
            f"the parameter {name!r} may take {lower:g} to {upper:g} (parameters.{name}.bounds), but {key} must lie "
            f"between {low:g} and {high:g}; narrow the bounds",
        )
    return parameter.start


def unknown_parameter(table: Table, key: str, value: str, parameters: Parameters) -> StudyError:
    advice = unquoted(value)
    if advice:
        return table.error(key, f"is {value!r}, which is text; {advice}")
    if not parameters:
        return table.error(key, f"is {value!r}; write a number (this file has no parameters that could be named)")
    return table.error(key, f"unknown parameter {value!r}; the study has {', '.join(parameters)}")
