"""The report: one self-contained page, and beside it every figure and table it is made of."""

from __future__ import annotations

import base64
import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas
from matplotlib.figure import Figure

from engram import plots
from theory import salience

from . import figures, findings
from .drawing import save_figures
from .estimation import Fit
from .figures import assumed, label_of
from .progress import Progress
from .reproduce import CURVES, JOINT, TOGETHER, Reproduction
from .results import write_tables
from .sections.pages import Page, pages
from .study import FLAGS, Study
from .timeline import relations, timeline
from .wording import fixed, number, quantity

_ZOOM = 1.9  # pixels of the page for a point of a figure
_ALT = {
    "enhancement": "Simulated enhancement of a neutral memory against the interval to an emotional event",
    "enhancement-fitted": "The same simulated curves with the jointly fitted biology",
    "reconsolidation": "Simulated strength at test against the delay of a block of protein synthesis",
    "reconsolidation-fitted": "The same simulated curves with the jointly fitted biology",
    "salience": "Simulated enhancement against the dose of the release",
    "relatedness": "Simulated enhancement against relatedness",
    "sensitivity-retroactive": "Sensitivity of the simulated retroactive curve to each parameter",
    "sensitivity-proactive": "Sensitivity of the simulated proactive curve to each parameter",
    "discriminating-prediction": "What threshold and linear capture predict for a larger dose",
    "estimates": "Jointly estimated parameters within the bounds of their search",
    "comparison": "Differences in AIC between the models, for every study and for all",
    "starts": "Log-likelihood reached by every start of every fit",
}


def write_report(folder: Path, results: Reproduction) -> None:
    """Write report.html, figures/*.svg and *.png, estimates.csv and .json, predictions, comparison, starts and curves.

    Parameters
    ----------
    folder : Path
        An existing folder. Long sections that it holds in ``sections`` are shown; the others are as stored.
    results : Reproduction
    """
    progress = Progress(1.0)
    long_sections = pages(folder / "sections")
    try:
        drawn = _figures(results)
        drawn.update({drawing.name: drawing.figure for page in long_sections if page.shown
                      for drawing in page.shown.drawings})  # fmt: skip
        with progress.part("drawing figures", 1.0, len(drawn)):
            save_figures(drawn, folder / "figures", results.provenance.workers, progress.finished)
    finally:
        progress.close()
    fits = {**{f"{name}, alone": group for name, group in results.separate.items()}, JOINT: results.joint}
    write_tables(folder, fits, results.comparisons, results.provenance)
    _write_curves(folder, results)
    _write_answers(folder, results)
    seconds = {**results.seconds, **progress.seconds}
    page = render(results, folder / "figures", seconds, long_sections)
    (folder / "report.html").write_text(page, encoding="utf-8")


def render(results: Reproduction, drawn: Path, seconds: Mapping[str, float], long_sections: Sequence[Page] = ()) -> str:
    """The page, with the figures in the folder ``drawn`` inside it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(files("fits") / "templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(number=number, fixed=fixed, label=label_of, quantity=quantity)
    environment.tests["finite"] = math.isfinite
    embedded = {path.stem: _embedded(path.read_text(encoding="utf-8")) for path in sorted(drawn.glob("*.svg"))}
    return environment.get_template("report.html").render(
        results=results,
        seconds=seconds,
        total_seconds=sum(seconds.values()),
        figures=embedded,
        alt=_ALT,
        findings=_findings(results),
        titles={study.id: study.title for study in results.studies},
        studies=[_study(study, results) for study in results.studies],
        failures={"alone": _failures_alone(results), "jointly": _failures(results.joint)},
        models=[fit.model for fit in results.joint],
        shared=_side_by_side([_shared(fit).estimates for fit in results.joint]),
        answers=[
            {
                "answer": answer,
                "estimates": answer.estimates.to_dict("records"),
                "comparison": answer.comparison.to_dict("records"),
            }
            for answer in results.answers
        ],
        long_sections=long_sections,
        flags=FLAGS,
        JOINT=JOINT,
        TOGETHER=TOGETHER,
    )


def _figures(results: Reproduction) -> dict[str, Figure]:
    simulated, fitted = results.curves, results.fitted_curves
    drawn = {
        "enhancement": _enhancement(simulated),
        "enhancement-fitted": _enhancement(fitted),
        "reconsolidation": plots.reconsolidation_window(simulated["reconsolidation window"]),
        "reconsolidation-fitted": plots.reconsolidation_window(fitted["reconsolidation window"]),
        "salience": plots.salience_response(simulated["salience response"]),
        "relatedness": plots.relatedness_response(simulated["relatedness response"]),
        "sensitivity-retroactive": plots.sensitivity(results.sensitivity["retroactive enhancement"]),
        "sensitivity-proactive": plots.sensitivity(results.sensitivity["proactive enhancement"]),
        "discriminating-prediction": salience.discriminating_prediction_figure(),
        "estimates": figures.estimates_figure([_shared(fit) for fit in results.joint]),
        "comparison": figures.comparison_bars(results.comparisons),
        "starts": figures.waterfall({**results.separate, JOINT: results.joint}),
    }
    drawn.update({answer.name: answer.figure for answer in results.answers})
    for study in results.studies:
        drawn[f"prediction-{study.id}"] = figures.study_figure(study, results.separate[study.id])
    return drawn


def _enhancement(tables: Mapping[str, Mapping[str, pandas.DataFrame]]) -> Figure:
    return plots.enhancement_window(tables["retroactive enhancement"], tables["proactive enhancement"])


def _findings(results: Reproduction) -> dict[str, Any]:
    alone, joint = _failures_alone(results), _failures(results.joint)
    best = min(results.joint, key=lambda fit: fit.aic)
    return {
        "evidence": findings.evidence(results.studies),
        "preferences": {name: findings.preference(table) for name, table in results.comparisons.items()},
        "unexplained": [row for row in alone if row["by_all"]],
        "unexplained_jointly": [row for row in joint if row["by_all"]],
        "identification": findings.identification(best),
        "leaning": findings.leaning({study.id: results.comparisons[study.id] for study in results.studies}),
        "best": best,
    }


def _failures(fits: Sequence[Fit]) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in findings.failures(fits).to_dict("records")]


def _failures_alone(results: Reproduction) -> list[dict[str, Any]]:
    return [row for group in results.separate.values() for row in _failures(group)]


def _study(study: Study, results: Reproduction) -> dict[str, Any]:
    """What the page says about one study."""
    fits = results.separate[study.id]
    tables = [list(fit.predictions.itertuples()) for fit in fits]
    rows = []
    for observation, *predictions in zip(study.observations, *tables, strict=True):
        cells = [
            {"value": row.predicted, "agreement": findings.agreement(row), "explained": findings.explained(row)}
            for row in predictions
        ]
        rows.append({"observation": observation, "assumed": assumed(observation.note), "predictions": cells})
    joint = [fit.estimates[fit.estimates.study == study.id] for fit in results.joint]
    return {
        "study": study,
        "timelines": {name: timeline(design) + relations(design) for name, design in study.conditions.items()},
        "rows": rows,
        "fits": fits,
        "estimates": _side_by_side([fit.estimates for fit in fits]),
        "joint_estimates": _side_by_side(joint),
        "comparison": results.comparisons[study.id].to_dict("records"),
        "preference": findings.preference(results.comparisons[study.id]),
    }


def _side_by_side(tables: Sequence[Any]) -> list[dict[str, Any]]:
    """Estimates by parameter, one cell a model (None where the model has no such parameter)."""
    names = list(dict.fromkeys(name for table in tables for name in table.parameter))
    found = []
    for name in names:
        cells = [_first(table[table.parameter == name].to_dict("records")) for table in tables]
        known = next(cell for cell in cells if cell)
        found.append({"parameter": name, "unit": known["unit"], "description": known["description"],
                      "bounds": (known["lower_bound"], known["upper_bound"]), "cells": cells})  # fmt: skip
    return found


def _first(records: Sequence[Any]) -> Any:
    return records[0] if records else None


def _shared(fit: Fit) -> Fit:
    """The fit with only those of its estimates that all studies share."""
    return dataclasses.replace(fit, estimates=fit.estimates[fit.estimates.study == "shared"])


def _write_curves(folder: Path, results: Reproduction) -> None:
    (folder / "curves").mkdir()
    for biology, group in (("default", results.curves), ("joint fit", results.fitted_curves)):
        for name in CURVES:
            path = folder / "curves" / f"{name.replace(' ', '-')}-{biology.replace(' ', '-')}.csv"
            parts = [table.assign(model=label) for label, table in group[name].items()]
            pandas.concat(parts, ignore_index=True).to_csv(path, index=False, lineterminator="\n")


def _write_answers(folder: Path, results: Reproduction) -> None:
    """The estimates and comparisons behind the questions about mechanism."""
    for table in ("estimates", "comparison"):
        parts = [getattr(answer, table).assign(question=answer.name) for answer in results.answers]
        if parts:
            path = folder / f"questions-{table}.csv"
            pandas.concat(parts, ignore_index=True).to_csv(path, index=False, lineterminator="\n")


def _embedded(drawing: str) -> tuple[str, int]:
    """A figure as a data address, which no page needs to fetch, and its width on the page (pixels)."""
    address = "data:image/svg+xml;base64," + base64.b64encode(drawing.encode("utf-8")).decode("ascii")
    width = re.search(r'<svg[^>]* width="([0-9.]+)pt"', drawing)
    assert width is not None, "matplotlib writes the width of a figure in points"
    return address, round(_ZOOM * float(width[1]))
