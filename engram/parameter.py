"""Parameters that know their unit, bounds, default and source, and the table of them."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas


def parameter(
    default: float,
    *,
    unit: str,
    bounds: tuple[float, float],
    symbol: str,
    source: str,
    verified: bool,
    description: str,
) -> Any:
    """A dataclass field for one model parameter.

    Parameters
    ----------
    default : float
        Value in ``unit``.
    unit : str
        ``"s"``, ``"1"`` for dimensionless, ``"1/s"`` …
    bounds : (float, float)
        Smallest and largest admissible value, both admitted.
    symbol : str
        The symbol of the paper or of the module's equations.
    source : str
        Where the default comes from; ``"assumed"`` where no source gives it.
    verified : bool
        True only where the default was checked against its source.
    description : str
        What the parameter is, in a few words.
    """
    metadata = dict(unit=unit, bounds=bounds, symbol=symbol, source=source, verified=verified, description=description)
    return dataclasses.field(default=default, metadata=metadata)


def parameter_fields(model: Any) -> tuple[dataclasses.Field[Any], ...]:
    """The fields of a model (class or instance) declared with :func:`parameter`, in order."""
    if not dataclasses.is_dataclass(model):
        raise TypeError(f"{model!r} is not a model; pass a model class or instance such as ThresholdCapture")
    return _fields_of(model if isinstance(model, type) else type(model))


@functools.cache
def _fields_of(model: Any) -> tuple[dataclasses.Field[Any], ...]:
    return tuple(field for field in dataclasses.fields(model) if "bounds" in field.metadata)


def check_parameters(model: Any) -> None:
    """Raise ``ValueError`` naming the first parameter of ``model`` that is not a number within its bounds.

    The real part is checked, so that a complex step may pass through.
    """
    for field in parameter_fields(model):
        value = getattr(model, field.name)
        low, high = field.metadata["bounds"]
        if type(value) is float and low <= value <= high:  # almost always, and in a fit very often
            continue
        where = f"{type(model).__name__}({field.name}={value!r})"
        try:
            if isinstance(value, (str, bool)):
                raise TypeError
            real = float(complex(value).real)
        except (TypeError, ValueError):
            raise TypeError(
                f"{where}: {field.name} must be a number between {low:g} and {high:g} (unit {field.metadata['unit']})"
            ) from None
        if math.isnan(real) or not low <= real <= high:
            raise ValueError(
                f"{where}: {field.name} ({field.metadata['description']}) must lie between {low:g} and {high:g} "
                f"(unit {field.metadata['unit']})"
            )


def parameters(model: Any) -> pandas.DataFrame:
    """The table of a model's parameters.

    Parameters
    ----------
    model : class or instance
        Any model or response type of the library; an instance shows its own values as well.

    Returns
    -------
    pandas.DataFrame
        Indexed by parameter name; columns symbol, unit, default, lower, upper, status (``"verified"`` or
        ``"assumed"``), source, description; for an instance also value.

    Examples
    --------
    >>> import engram
    >>> float(engram.parameters(engram.ThresholdCapture).loc["tag_threshold", "default"])
    0.2
    """
    import pandas

    rows: dict[str, dict[str, Any]] = {}
    for field in parameter_fields(model):
        meta = field.metadata
        rows[field.name] = {
            "symbol": meta["symbol"],
            "unit": meta["unit"],
            "default": field.default,
            "lower": meta["bounds"][0],
            "upper": meta["bounds"][1],
            "status": "verified" if meta["verified"] else "assumed",
            "source": meta["source"],
            "description": meta["description"],
        }
        if not isinstance(model, type):
            rows[field.name]["value"] = getattr(model, field.name)
    table = pandas.DataFrame.from_dict(rows, orient="index")
    table.index.name = "parameter"
    return table
