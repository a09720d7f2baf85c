"""How a predicted curve moves with the parameters of its model."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas

from .consolidation.model import ConsolidationModel
from .parameter import parameter_fields


def sensitivity(
    curve: Callable[..., pandas.DataFrame],
    model: ConsolidationModel,
    parameters: Sequence[str] | None = None,
    *,
    step: float = 0.01,
    **arguments: Any,
) -> pandas.DataFrame:
    """How a curve moves with each parameter: d value / d ln parameter, by central differences.

    Parameters
    ----------
    curve : function
        One of :mod:`engram.curves`, or any ``curve(model, **arguments)`` that returns a table with x in its
        first column and the value in its last.
    model : ConsolidationModel
        Where the derivative is taken.
    parameters : sequence of str, optional
        Names of the model's parameters and, as in ``"dopamine.drive_weight"``, of its neuromodulators. By
        default all that are positive of the model and of the neuromodulator that the curve releases.
    step : float
        Relative step (dimensionless). A parameter that is 0 moves by this much in its own unit, which the
        column ``unit`` then says. At a bound the difference is one-sided.
    **arguments
        Of the curve.

    Returns
    -------
    pandas.DataFrame
        One row per parameter and x: parameter, x (under the name it has in the curve), derivative and unit:
        per what, ``"per relative change"`` or, of a parameter that is 0, its unit and step.

    Raises
    ------
    ValueError
        An unknown parameter, a step outside 0 to 0.5 (both excluded), or what the curve itself raises.

    Examples
    --------
    >>> from engram import ThresholdCapture, curves, minute
    >>> table = curves.sensitivity(
    ...     curves.retroactive_enhancement, ThresholdCapture(), ["tag_threshold"], intervals=[30 * minute]
    ... )
    >>> bool(table.derivative[0] < 0), table.unit[0]
    (True, 'per relative change')
    """
    if not 0 < step < 0.5:
        raise ValueError(f"step is {step!r}; give a relative step between 0 and 0.5, such as 0.01")
    horizontal = curve(model, **arguments).iloc[:, 0]
    known = _adjustable(model)
    if parameters is None:
        declared = inspect.signature(curve).parameters.get("modulator")
        modulator = arguments.get("modulator", declared.default if declared else None)
        parameters = [
            name
            for name, (value, _, _) in known.items()
            if value > 0 and ("." not in name or name.rpartition(".")[0] == modulator)
        ]
    if not len(parameters):
        raise ValueError("parameters is empty; name at least one, or leave it out for all that are positive")
    tables = []
    for name in parameters:
        if name not in known:
            raise ValueError(f"unknown parameter {name!r}; {type(model).__name__} has {', '.join(known)}")
        value, (low, high), unit = known[name]
        if value == 0:
            ends = [min(max(shift, low), high) for shift in (-step, step)]
            change, per = ends[1] - ends[0], f"per {unit} (step {step:g})"
        else:
            ends = [min(max(value * math.exp(shift), low), high) for shift in (-step, step)]
            change, per = math.log(ends[1] / ends[0]), "per relative change"
        below, above = (curve(_changed(model, name, end), **arguments).iloc[:, -1] for end in ends)
        derivative = (above - below) / change
        columns = {"parameter": name, str(horizontal.name): horizontal, "derivative": derivative, "unit": per}
        tables.append(pandas.DataFrame(columns))
    return pandas.concat(tables, ignore_index=True)


def _adjustable(model: ConsolidationModel) -> dict[str, tuple[float, tuple[float, float], str]]:
    """Value, bounds and unit of every parameter of a model and of its neuromodulators."""
    owners: list[tuple[str, Any]] = [("", model)]
    owners += [(f"{modulator.name}.", modulator) for modulator in model.neuromodulators]
    return {
        prefix + field.name: (getattr(owner, field.name), field.metadata["bounds"], field.metadata["unit"])
        for prefix, owner in owners
        for field in parameter_fields(owner)
    }


def _changed(model: ConsolidationModel, name: str, value: float) -> ConsolidationModel:
    owner, _, field = name.rpartition(".")
    change: dict[str, Any] = {field: value}
    if not owner:
        return model.with_(**change)
    table = tuple(
        dataclasses.replace(modulator, **change) if modulator.name == owner else modulator
        for modulator in model.neuromodulators
    )
    return model.with_(neuromodulators=table)
