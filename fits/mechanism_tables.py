"""The tables behind the answers about mechanism: estimates with intervals, and variants compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas

from engram.consolidation import ConsolidationModel
from engram.units import hour, minute

from .bands import derived, draw_positions
from .estimation import Fit
from .figures import label_of

#: Draws about the optimum, of bands and derived numbers.
DRAWS = 100


def from_function(
    one: Fit, function: Callable[[ConsolidationModel], float], quantity: str, unit: str, seed: int
) -> dict[str, Any]:
    """A number derived from the fitted biology, with its interval over draws about the optimum."""
    found = derived(one, function, draws=DRAWS, seed=seed)
    return dict(model=one.model, quantity=quantity, unit=unit, estimate=found.estimate, lower=found.lower,
                upper=found.upper, note=found.note)  # fmt: skip


def from_draws(one: Fit, name: str, quantity: str, seed: int) -> dict[str, Any]:
    """An estimated time with the interval of its draws: a profile of a joint fit takes minutes."""
    k = [c.name_in_full for c in one.objective.coordinates].index(name)
    ends = np.exp(np.quantile(draw_positions(one, 1000, seed)[:, k], [0.025, 0.975]))
    return dict(model=one.model, quantity=quantity, unit="s", estimate=one.optimum[name], lower=float(ends[0]),
                upper=float(ends[1]), note=str(one.estimates.verdict.iloc[k]))  # fmt: skip


def from_profile(one: Fit, quantity: str, row: Mapping[Any, Any]) -> dict[str, Any]:
    """An estimate with the interval of its profile likelihood."""
    return dict(model=one.model, quantity=quantity, unit=row["unit"], estimate=row["estimate"], lower=row["lower"],
                upper=row["upper"], note=row["verdict"])  # fmt: skip


def estimates_table(rows: Sequence[Mapping[str, Any]]) -> pandas.DataFrame:
    """Rows of the functions above as one table."""
    return pandas.DataFrame(rows, columns=["model", "quantity", "unit", "estimate", "lower", "upper", "note"])


def variants_table(made: Mapping[str, Sequence[Fit]], within_model: bool = True) -> pandas.DataFrame:
    """Variants by model, with ΔAIC from the best variant of the same model, or else from the best model."""
    rows = [
        dict(
            variant=name, model=one.model, n_parameters=one.n_parameters, log_likelihood=one.log_likelihood, aic=one.aic
        )
        for name, group in made.items()
        for one in group
    ]
    table = pandas.DataFrame(rows)
    best = table.groupby("model" if within_model else "variant").aic.transform("min")
    return table.assign(delta_aic=table.aic - best)


def lengths(table: pandas.DataFrame) -> str:
    """Estimated times with their intervals, model by model, in words."""
    rows = table.to_dict("records")
    return "; ".join(
        f"{label_of(r['model'])} {_minutes(r['estimate'])} ({_minutes(r['lower'])} to {_minutes(r['upper'])})"
        for r in rows
    )


def _minutes(seconds: float) -> str:
    if math.isnan(seconds):
        return "beyond 12 h"
    return f"{seconds / hour:.1f} h" if seconds >= 2 * hour else f"{seconds / minute:.0f} min"
