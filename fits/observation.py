"""One published result and what it is held against.

Four kinds: ``mean`` (a value with its standard error), ``detected`` (an effect that was or was not significant, with n
and the spread that is assumed of its measure), ``counts`` (``count`` of ``n`` had a score that is a probability) and
``shown`` (displayed, not fitted: the source leaves open what was found, or it follows from what is fitted)::

    [[observation]]
    name = "words recalled"
    kind = "counts"
    condition = "neutral clip"
    traces = "words"
    score = "recalled"
    count = 131
    n = 260

In a study of visual learning a term names the stimulus rather than traces: ``offset = "70 deg"`` from the trained
direction and, where it was shown elsewhere, ``distance = "8 deg"`` of visual angle.

A published test may stand beside a mean or a detected effect, so that ``engram check`` can hold it against the other
numbers: ``statistic = { t = 2.18, df = 29, p = 0.038 }``, or ``p = "< .05"``.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engram.protocol import Test

from .design import Design
from .free_parameter import positive
from .scores import is_probability
from .tables import Errors, Table
from .visual_design import angle, trained_trace

KINDS = ("mean", "detected", "counts", "shown")
DESIGNS = {"one sample": 1.0, "paired": 1.0, "two samples": 2.0}  # variances that a difference of means adds up
FLAGS = {
    "R": "read in the source",
    "C": "computed from raw data or from numbers read in the source",
    "A": "abstract or legend: direction only",
    "S": "secondary source",
}
_BELOW = re.compile(r"\s*<\s*(0?\.\d+)\s*\Z")
_LARGEST = 1e12


@dataclass(frozen=True)
class Term:
    """One term of a contrast: the mean score of a group of traces in one condition, times ``weight``."""

    weight: float
    condition: str
    traces: str
    at: float | None  # s; None where the group is tested once
    offset: float | None = None  # degrees from the trained direction; None in studies of memory
    distance: float = 0.0  # degrees of visual angle from the trained location


@dataclass(frozen=True)
class Statistic:
    """A published t-test: two-sided ``p``, or only that it lies below that value."""

    t: float
    df: float
    p: float | None
    below: bool


@dataclass(frozen=True)
class Observation:
    """One published result and the contrast of predictions that it is held against."""

    name: str
    kind: str
    terms: tuple[Term, ...]
    score: str
    divide_by: float
    value: float | None  # of counts, the proportion
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
    sd: float | None = None
    design: str = ""
    statistic: Statistic | None = None


_OF_TERMS = {"condition", "traces", "at"}
_OF_VISUAL_TERMS = {"condition", "at", "offset", "distance"}
_KEYS = {field.name for field in dataclasses.fields(Observation)} - {"terms"} | {"contrast"}
_OF_KIND = {"detected": ("detected", "shown"), "count": ("counts",)}  # keys that only these kinds read
_NOT_OF_COUNTS = ("contrast", "value", "error", "sd", "design", "divide_by", "detected", "statistic")


def read_observation(
    row: Table,
    conditions: Mapping[str, Design | None],
    scores: tuple[str, ...],
    errors: Errors,
    visual: bool = False,
) -> Observation | None:
    """One observation from its table; None where its errors have been added to ``errors``.

    ``conditions`` holds None for a condition that is there and could not be read; ``visual`` observations name a
    stimulus and not traces.
    """
    before = len(errors)
    errors.add(*row.unknown(_KEYS | (_OF_VISUAL_TERMS if visual else _OF_TERMS)))
    values = errors.read(
        {
            "name": lambda: row.text("name"),
            "kind": lambda: row.choice("kind", KINDS),
            "terms": lambda: _terms(row, conditions, errors, visual),
            "score": lambda: row.choice("score", scores),
            "divide_by": lambda: row.number("divide_by", 1e-12, _LARGEST, 1.0),
            "value": lambda: row.number("value", -_LARGEST, _LARGEST) if "value" in row else None,
            "error": lambda: _positive(row, "error"),
            "detected": lambda: row.truth("detected", False) if "detected" in row else None,
            "n": lambda: row.whole("n", 1) if "n" in row else None,
            "measure": lambda: row.text("measure"),
            "unit": lambda: row.text("unit", "1"),
            "panel": lambda: row.text("panel"),
            "x": lambda: _place(row),
            "x_unit": lambda: row.text("x_unit", ""),
            "source": lambda: row.text("source"),
            "flag": lambda: row.choice("flag", FLAGS),
            "note": lambda: row.text("note", ""),
            "count": lambda: row.whole("count", 0) if "count" in row else None,
            "sd": lambda: _positive(row, "sd"),
            "design": lambda: row.choice("design", DESIGNS) if "design" in row else "",
            "statistic": lambda: _statistic(row),
        }
    )
    if values is None:
        return None
    _check_kind(row, values, errors)
    if len(errors) > before:
        return None
    if values["kind"] == "counts":
        values.update(value=values["count"] / values["n"], error=math.nan)
    elif values["error"] is None:
        values["error"] = _standard_error(values)
    return Observation(**values)


def _positive(row: Table, key: str) -> float | None:
    return positive(row, key) if key in row else None


def _place(row: Table) -> float | str | None:
    x: float | str | None = row.content.get("x")
    if x is None or isinstance(x, str):
        return x
    if isinstance(x, bool) or not isinstance(x, (int, float)) or not math.isfinite(x):
        raise row.error("x", f"is {x!r}; write a number or a label")
    return x


def _statistic(row: Table) -> Statistic | None:
    if "statistic" not in row:
        return None
    table = row.table("statistic")
    table.only({"t", "df", "p"})
    t, df = table.number("t", -1e6, 1e6), table.number("df", 1, 1e9)
    p = table.content.get("p")
    if isinstance(p, str):
        bound = _BELOW.match(p)
        if bound is None:
            raise table.error("p", f'is {p!r}; write a number such as 0.038, or text such as "< .05"')
        return Statistic(t, df, float(bound[1]), True)
    return Statistic(t, df, table.number("p", 0, 1) if "p" in table else None, False)


def _check_kind(row: Table, values: Mapping[str, Any], errors: Errors) -> None:
    """Whether an observation has what its kind needs, and nothing that its kind would not read."""
    kind, n = values["kind"], values["n"]
    for key, own in _OF_KIND.items():
        if key in row and kind not in own:
            only = " and ".join(map(repr, own))
            errors.add(row.error(key, f"stands in an observation of kind {kind!r}; only {only} may have it: remove it"))
    if kind == "counts":
        _check_counts(row, values, errors)
        return
    if kind == "mean" and values["value"] is None:
        message = "is missing; a mean needs its value (where only a direction is known, use detected)"
        errors.add(row.error("value", message))
    if kind == "detected" and (values["detected"] is None or n is None):
        errors.add(row.error("detected", "needs detected = true or false, and n"))
    spread_needed = values["error"] is None and kind != "shown"
    if spread_needed and (n is None or values["sd"] is None):
        errors.add(row.error("error", "is missing; give error (standard error), or sd together with n"))
    elif n is not None and n < 2 and (spread_needed or kind == "detected" or values["design"] == "two samples"):
        whose = "in each of the two groups" if values["design"] == "two samples" else "in all (pairs, where paired)"
        errors.add(row.error("n", f"is {n}; n counts the subjects {whose}, and one has no spread: give at least 2"))


def _check_counts(row: Table, values: Mapping[str, Any], errors: Errors) -> None:
    for key in _NOT_OF_COUNTS:
        if key in row:
            advice = "name one condition and its traces" if key == "contrast" else "remove it"
            errors.add(row.error(key, f"stands in an observation of counts, which has count and n; {advice}"))
    for key in ("count", "n"):
        if values[key] is None:
            errors.add(row.error(key, "is missing; an observation of counts needs count and n"))
    if None not in (values["count"], values["n"]) and values["count"] > values["n"]:
        errors.add(row.error("count", f"is {values['count']} of n = {values['n']}; it must lie between 0 and n"))
    if not is_probability(values["score"]):
        message = f"is {values['score']!r}, which is not a probability; counts need one, such as a hit rate"
        errors.add(row.error("score", message))


def _standard_error(values: Mapping[str, Any]) -> float:
    """From the spread over subjects and the design; NaN where nothing is given."""
    if values["sd"] is None or values["n"] is None:
        return math.nan
    return float(values["sd"] * math.sqrt(DESIGNS[values["design"] or "one sample"] / values["n"]))


def _terms(row: Table, conditions: Mapping[str, Design | None], errors: Errors, visual: bool) -> tuple[Term, ...]:
    own = _OF_VISUAL_TERMS if visual else _OF_TERMS
    if "contrast" in row:
        for key in sorted(own & set(row.content)):
            errors.add(row.error(key, "stands beside contrast; name it inside the terms of the contrast"))
        tables = row.tables("contrast")
        for table in tables:
            errors.add(*table.unknown(own | {"weight"}))
    else:
        keys = {key: row.content[key] for key in sorted(own) if key in row}
        tables = [Table(row.path, row.where, keys)]
    if not tables:
        raise row.error("contrast", "is empty; list its terms, or name condition and traces")
    return tuple(_term(table, conditions, visual) for table in tables)


def _term(table: Table, conditions: Mapping[str, Design | None], visual: bool) -> Term:
    condition = table.choice("condition", conditions, next(iter(conditions)) if len(conditions) == 1 else None)
    at = table.time("at") if "at" in table else None
    design = conditions[condition]
    weight = table.number("weight", -1e6, 1e6, 1.0)
    if visual:
        stimulus = trained_trace(design), at, angle(table, "offset", 180.0), angle(table, "distance", 180.0, 0.0)
        term = Term(weight, condition, *stimulus)
    else:
        term = Term(weight, condition, table.text("traces"), at)
    if design is not None and not rows_of(term, design):
        tested = sorted({test.trace for test in tests_of(design) if at in (None, test.at)})
        when = "" if at is None else f" at {table.content['at']}"
        known = f"tested are {', '.join(tested[:12])}" if tested else "none is tested then"
        raise table.error("traces", f"no Test of {term.traces!r} in {condition!r}{when}; {known}")
    return term


def tests_of(design: Design) -> list[Test]:
    return [event for event in design.protocol.events if isinstance(event, Test)]


def rows_of(term: Term, design: Design) -> list[int]:
    """Which of the design's Tests, in order, a term averages: the trace itself or all below ``traces/``."""
    return [
        number
        for number, test in enumerate(tests_of(design))
        if (test.trace == term.traces or test.trace.startswith(term.traces + "/")) and term.at in (None, test.at)
    ]
