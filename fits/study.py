"""A study: citation, design timeline, what was observed and where each number comes from. One TOML file each.

Three kinds of observation: ``mean`` (a value with its standard error), ``detected`` (an effect that was or was not
significant, with n and the spread that is assumed of its measure) and ``shown`` (displayed, not fitted, because the
source leaves open what was found).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from engram import consolidation, neuromodulation
from engram.parameter import parameter_fields
from engram.protocol import Test
from engram.recall import RESPONSES

from .design import Design, read_design
from .tables import StudyError, Table, read_toml

KINDS = ("mean", "detected", "shown")
FLAGS = {
    "R": "read in the source",
    "C": "computed from raw data or from numbers read in the source",
    "A": "abstract or legend: direction only",
    "S": "secondary source",
}


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


@dataclass(frozen=True)
class Term:
    """One term of a contrast: the mean score of a group of traces in one condition, times ``weight``."""

    weight: float
    condition: str
    traces: str
    at: float | None  # s; None where the group is tested once


@dataclass(frozen=True)
class Observation:
    """One published result and the contrast of predictions that it is held against."""

    name: str
    kind: str
    terms: tuple[Term, ...]
    score: str
    divide_by: float
    value: float | None
    error: float
    detected: bool | None
    n: int | None
    measure: str
    unit: str
    panel: str
    x: float | str | None
    x_unit: str
    source: str
    flag: str
    note: str
    count: int | None = None


@dataclass(frozen=True)
class Study:
    """A study as its file describes it; see :func:`load_study`."""

    id: str
    title: str
    citation: str
    doi: str
    species: str
    paradigm: str
    notes: str
    path: str
    parameters: Mapping[str, FreeParameter]
    conditions: Mapping[str, Design]
    observations: tuple[Observation, ...]
    response: str
    response_values: Mapping[str, float | str]
    model_values: Mapping[str, float | str]
    modulator_values: Mapping[tuple[str, str], float | str]
    # as the file writes them, for fits.trial_layout: the table [trials], and each condition by its name
    trials: Mapping[str, Any] = field(default_factory=dict)
    condition_tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def shipped_studies() -> dict[str, Path]:
    """The studies that come with the library: identifier -> file."""
    folder = Path(str(files("fits"))) / "studies"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_study(study: str | Path) -> Study:
    """Read a study from its file, or a shipped one by its identifier.

    Raises
    ------
    StudyError
        A sentence naming the file, the key or line, the value and the remedy.
    """
    path = Path(study)
    if path.suffix != ".toml":
        shipped = shipped_studies()
        if str(study) not in shipped:
            raise StudyError(
                f"unknown study {str(study)!r}; shipped studies are {', '.join(shipped)}, "
                "or give the path of a .toml file"
            )
        path = shipped[str(study)]
    return _read(read_toml(path))


def _read(table: Table) -> Study:
    table.only({"study", "parameters", "response", "model", "modulators", "condition", "observation", "trials"})
    head = table.table("study", required=True)
    head.only({"id", "title", "citation", "doi", "species", "paradigm", "notes"})
    identifier = head.text("id")
    if identifier != Path(table.path).stem:
        raise head.error("id", f"is {identifier!r} but the file is named {Path(table.path).name!r}; make them agree")
    parameters = {name: _parameter(table, name) for name in table.table("parameters").content}
    starts = {name: parameter.start for name, parameter in parameters.items()}
    response, response_values = _response(table.table("response", required=True), starts)
    conditions: dict[str, Design] = {}
    for row in table.tables("condition", required=True):
        row.only({"name", "events", "block", "relatedness", "within_category"})
        name = row.text("name")
        if name in conditions:
            raise row.error("name", f"the condition {name!r} is already there; give each its own name")
        conditions[name] = read_design(row, name, starts)
    rows = table.tables("observation", required="trials" not in table)
    observations = tuple(_observation(row, conditions, RESPONSES[response]) for row in rows)
    names = [observation.name for observation in observations]
    for name in names:
        if names.count(name) > 1:
            raise table.error("observation", f"{name!r} is there twice; give each observation its own name")
    study = Study(
        id=identifier,
        title=head.text("title"),
        citation=head.text("citation"),
        doi=head.text("doi", ""),
        species=head.text("species"),
        paradigm=head.text("paradigm"),
        notes=head.text("notes", ""),
        path=table.path,
        parameters=parameters,
        conditions=conditions,
        observations=observations,
        response=response,
        response_values=response_values,
        model_values=model_values(table.table("model"), starts),
        modulator_values=modulator_values(table.table("modulators"), starts),
        trials=table.table("trials").content,
        condition_tables={row.text("name"): row.content for row in table.tables("condition")},
    )
    _check_use(table, study)
    return study


def _parameter(table: Table, name: str) -> FreeParameter:
    row = table.table("parameters").table(name)
    row.only({"start", "bounds", "scale", "unit", "description"})
    bounds = row.content.get("bounds")
    if not (isinstance(bounds, list) and len(bounds) == 2 and all(type(b) in (int, float) for b in bounds)):
        raise row.error("bounds", f"is {bounds!r}; write two numbers, such as [0.05, 0.95]")
    low, high = float(bounds[0]), float(bounds[1])
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise row.error("bounds", f"is {bounds!r}; the first must be smaller than the second, both finite")
    scale = row.choice("scale", ("linear", "log"), "linear")
    if scale == "log" and low <= 0:
        raise row.error("bounds", f"is {bounds!r}; a parameter on a log scale needs a positive lower bound")
    return FreeParameter(
        name, row.text("unit", "1"), row.number("start", low, high), (low, high), scale, row.text("description")
    )


def _settings(model: Any) -> dict[str, tuple[float, float, str]]:
    """Lower bound, upper bound and unit of each parameter of a model or response."""
    return {f.name: (*f.metadata["bounds"], f.metadata["unit"]) for f in parameter_fields(model)}


def _values(table: Table, known: Mapping[str, tuple[float, float, str]], starts: Mapping[str, float]) -> dict[str, Any]:
    """Numbers, times with a unit, or names of study parameters, each within the bounds of what it stands for."""
    table.only(set(known))
    values: dict[str, float | str] = {}
    for key, value in table.content.items():
        low, high, unit = known[key]
        if isinstance(value, str) and value in starts:
            if not low <= starts[value] <= high:
                where = f"starts at {starts[value]!r}, outside {low:g} to {high:g}"
                raise table.error(key, f"the parameter {value!r} {where}")
            values[key] = value
        elif isinstance(value, str) and not _is_time(value):
            raise table.error(key, f"unknown parameter {value!r}; known are {', '.join(starts) or 'none'}")
        elif unit == "s":
            number = table.time(key)
            if not low <= number <= high:
                raise table.error(key, f"is {value!r}; it must lie between {low:g} and {high:g} s")
            values[key] = number
        else:
            values[key] = table.number(key, low, high)
    return values


def _is_time(text: str) -> bool:
    return text.strip()[:1].isdigit()


def _response(table: Table, starts: Mapping[str, float]) -> tuple[str, dict[str, float | str]]:
    kind = table.choice("type", RESPONSES)
    rest = Table(table.path, table.where, {key: value for key, value in table.content.items() if key != "type"})
    return kind, _values(rest, _settings(RESPONSES[kind]), starts)


def model_values(table: Table, starts: Mapping[str, float]) -> dict[str, float | str]:
    known: dict[str, tuple[float, float, str]] = {}
    for name in consolidation.MODELS:
        known = _settings(getattr(consolidation, name)) | known
    return _values(table, known, starts)


def modulator_values(table: Table, starts: Mapping[str, float]) -> dict[tuple[str, str], float | str]:
    names = [modulator.name for modulator in neuromodulation.NEUROMODULATORS]
    table.only(names)
    known = _settings(neuromodulation.Neuromodulator)
    return {
        (name, key): value for name in table.content for key, value in _values(table.table(name), known, starts).items()
    }


def _observation(row: Table, conditions: Mapping[str, Design], response: Any) -> Observation:
    row.only({f.name for f in dataclasses.fields(Observation)} - {"terms"} | {"contrast", "condition", "traces", "at",
              "sd", "design", "direction"})  # fmt: skip
    kind = row.choice("kind", KINDS)
    terms = _terms(row, conditions)
    n = row.whole("n", 1) if "n" in row else None
    value = row.number("value", -1e12, 1e12) if "value" in row else None
    if kind == "mean" and value is None:
        raise row.error("value", "is missing; a mean needs its value (where only a direction is known, use detected)")
    detected = row.truth("detected", False) if "detected" in row else None
    if kind == "detected" and (detected is None or n is None):
        raise row.error("detected", "needs detected = true or false, and n")
    x = row.content.get("x")
    if x is not None and (isinstance(x, bool) or not isinstance(x, (int, float, str))):
        raise row.error("x", f"is {x!r}; write a number or a label")
    return Observation(
        name=row.text("name"),
        kind=kind,
        terms=terms,
        score=row.choice("score", response.score_names),
        divide_by=row.number("divide_by", 1e-12, 1e12, 1.0),
        value=value,
        error=_error(row, kind, n),
        detected=detected,
        n=n,
        measure=row.text("measure"),
        unit=row.text("unit", "1"),
        panel=row.text("panel"),
        x=x,
        x_unit=row.text("x_unit", ""),
        source=row.text("source"),
        flag=row.choice("flag", FLAGS),
        note=row.text("note", ""),
    )


def _error(row: Table, kind: str, n: int | None) -> float:
    """The standard error of an observation: given, or from the spread over subjects and the design."""
    if "error" in row:
        return row.number("error", 1e-12, 1e12)
    if kind == "shown":
        return math.nan
    if n is None or "sd" not in row:
        raise row.error("error", "is missing; give error (standard error), or sd together with n")
    spread = row.number("sd", 1e-12, 1e12)
    groups = {"one sample": 1.0, "paired": 1.0, "two samples": 2.0}
    return spread * math.sqrt(groups[row.choice("design", groups, "one sample")] / n)


def _terms(row: Table, conditions: Mapping[str, Design]) -> tuple[Term, ...]:
    if "contrast" in row:
        for key in ("condition", "traces", "at"):
            if key in row:
                raise row.error(key, "stands beside contrast; name it inside the terms of the contrast")
        tables = row.tables("contrast")
        for table in tables:
            table.only({"weight", "condition", "traces", "at"})
    else:
        keys = {key: row.content[key] for key in ("condition", "traces", "at") if key in row}
        tables = [Table(row.path, row.where, keys)]
    terms = []
    for table in tables:
        condition = table.choice("condition", conditions, next(iter(conditions)) if len(conditions) == 1 else None)
        at = table.time("at") if "at" in table else None
        term = Term(table.number("weight", -1e6, 1e6, 1.0), condition, table.text("traces"), at)
        if not rows_of(term, conditions[condition]):
            tested = sorted({test.trace for test in _tests(conditions[condition])})
            raise table.error("traces", f"no Test of {term.traces!r} in {condition!r}; tested are {', '.join(tested)}")
        terms.append(term)
    return tuple(terms)


def _tests(design: Design) -> list[Test]:
    return [event for event in design.protocol.events if isinstance(event, Test)]


def rows_of(term: Term, design: Design) -> list[int]:
    """Which of the design's Tests, in order, a term averages: the trace itself or all below ``traces/``."""
    return [
        number
        for number, test in enumerate(_tests(design))
        if (test.trace == term.traces or test.trace.startswith(term.traces + "/")) and term.at in (None, test.at)
    ]


def _check_use(table: Table, study: Study) -> None:
    used = {slot.parameter for design in study.conditions.values() for slot in design.slots}
    used |= {name for design in study.conditions.values() for name in (*design.within.values(), *design.pairs.values())}
    for values in (study.response_values, study.model_values, study.modulator_values):
        used |= {value for value in values.values() if isinstance(value, str)}
    for name in study.parameters:
        if name not in used:
            raise table.error(f"parameters.{name}", "is used nowhere; refer to it by its name, or remove it")
