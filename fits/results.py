"""The results of fits as files: tables and figures."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas

from . import figures
from .comparison import compare
from .drawing import save_figure
from .estimation import Fit
from .reproduce import Provenance
from .study import Study


def write_tables(
    folder: Path,
    fits: Mapping[str, Sequence[Fit]],
    comparisons: Mapping[str, pandas.DataFrame],
    provenance: Provenance,
) -> None:
    """estimates, starts, predictions and comparison as CSV, and all estimates with what they were made with as JSON.

    Parameters
    ----------
    folder : Path
    fits, comparisons : mapping
        By name, which becomes the first column, ``fit``.
    provenance : Provenance
    """
    flat = [(name, fit) for name, group in fits.items() for fit in group]
    for table in ("estimates", "starts", "predictions"):
        parts = []
        for name, fit in flat:
            part = getattr(fit, table).copy()
            part.insert(0, "fit", name)
            part.insert(1, "model", fit.model)
            parts.append(part)
        # the starts of different studies have different parameters
        filled = [part for part in parts if len(part)] or parts[:1]  # a model may have nothing to estimate
        _write_csv(pandas.concat(filled, ignore_index=True), folder / f"{table}.csv")
    if comparisons:
        parts = [table.assign(fit=name) for name, table in comparisons.items()]
        joined = pandas.concat(parts, ignore_index=True)
        joined.insert(0, "fit", joined.pop("fit"))
        _write_csv(joined, folder / "comparison.csv")
    content = {
        "made_with": dataclasses.asdict(provenance),
        "fits": [{"fit": name, **_as_json(fit)} for name, fit in flat],
    }
    text = json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "estimates.json").write_text(text + "\n", encoding="utf-8")


def write_fit(folder: Path, studies: Sequence[Study], fits: Sequence[Fit], provenance: Provenance) -> None:
    """Everything about one fit of one or several models to the same studies: tables and figures."""
    comparisons = {", ".join(fits[0].studies): compare(fits)} if len(fits) > 1 else {}
    write_tables(folder, {", ".join(fits[0].studies): fits}, comparisons, provenance)
    for study in studies:
        save_figure(figures.study_figure(study, fits), folder, f"prediction-{study.id}")
    save_figure(figures.waterfall({"starts": fits}), folder, "starts")
    save_figure(figures.estimates_figure(fits), folder, "estimates")
    if comparisons:
        save_figure(figures.comparison_bars(comparisons), folder, "comparison")


def _write_csv(table: pandas.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n")


def _as_json(fit: Fit) -> dict[str, Any]:
    numbers = ("log_likelihood", "n_parameters", "n_observations", "aic", "bic", "seconds", "evaluations", "seed",
               "starts_run")  # fmt: skip
    return {
        "studies": list(fit.studies),
        "model": fit.model,
        **{name: getattr(fit, name) for name in numbers},
        "estimates": fit.estimates.to_dict(orient="records"),
    }


def _finite(value: Any) -> Any:
    """The same with null for what is not a number, which JSON cannot hold."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.item() if hasattr(value, "item") else value
