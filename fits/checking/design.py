"""Whether the timelines are those of an experiment, and every part of them is used."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engram.protocol import Encode
from engram.units import day, format_time, minute

from ..design import Design
from ..observation import Observation, rows_of, tests_of
from ..study import Study
from ..timeline import timeline
from .finding import Finding

_NUMBERED = re.compile(r"/\d+\Z")
_TIME = re.compile(r"\s*(\d+\.?\d*)\s*([A-Za-z]+)\s*\Z")
_UNITS = {"s": "s", "sec": "s", "second": "s", "seconds": "s", "min": "min", "minute": "min", "minutes": "min",
          "h": "h", "hour": "h", "hours": "h", "d": "days", "day": "days", "days": "days"}  # fmt: skip
_CONFUSED = (("s", "min"), ("min", "h"), ("h", "days"))
_SOON = minute
UNREAD = "is read by no observation; add one, or remove the condition"
_LONG = 400 * day


def check_designs(study: Study, places: Mapping[str, str], rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Findings about each condition; ``places`` and ``rows`` are its key and its table as written, by its name."""
    for name, design in study.conditions.items():
        yield from _use(study, name, design, places[name])
        yield from _encoded_twice(design, places[name])
        yield from _times(design, places[name])
    yield from _twins(study, places)
    yield from _confused_units(study, places, rows)


def check_term_times(study: Study, o: Observation, place: str) -> Iterator[Finding]:
    """Whether a term means one time of test."""
    for term in o.terms:
        design = study.conditions.get(term.condition)
        if design is None or term.at is not None:
            continue
        tests = tests_of(design)
        times = sorted({tests[row].at for row in rows_of(term, design)})
        if len(times) > 1:
            when = ", ".join(map(format_time, times))
            message = f"{term.traces!r} is tested at {when} in {term.condition!r}, and the mean of these is taken"
            yield Finding("warning", f"{place}.at", f'{message}; name one, such as at = "{format_time(times[-1])}"')


def _encoded_twice(design: Design, place: str) -> Iterator[Finding]:
    seen = Counter((event.trace, event.at) for event in design.protocol.events if isinstance(event, Encode))
    for (trace, at), times in seen.items():
        if times > 1:
            message = f"{trace!r} is encoded {times} times at {format_time(at)}; encode it once, or at different times"
            yield Finding("warning", place, message)


def _use(study: Study, name: str, design: Design, place: str) -> Iterator[Finding]:
    read = {
        row for o in study.observations for term in o.terms if term.condition == name for row in rows_of(term, design)
    }
    if not read and study.trials.get("condition") == name:
        return  # of raw trials
    if not read:
        message = f"the condition {name!r} {UNREAD}"
        yield Finding("warning", place, message)
        return
    tests = tests_of(design)
    unread = _kinds(test.trace for row, test in enumerate(tests) if row not in read)
    if unread:
        yield Finding("note", f"{place}.events", f"tests {unread}, which no observation reads; is one missing?")
    tested = {test.trace for test in tests}
    alone = _kinds(
        trace for trace in design.protocol.traces if trace not in tested and not _related(trace, tested, design)
    )
    if alone:
        message = f"encodes {alone}, neither tested nor related to a tested trace, so that no result depends on it"
        yield Finding("note", f"{place}.events", f"{message}; test it, relate it, or leave it out")


def _related(trace: str, tested: set[str], design: Design) -> bool:
    protocol = design.protocol
    if any(trace in pair and tested & set(pair) for pair in protocol.relatedness):
        return True
    category = protocol.categories.get(trace)
    return category is not None and any(protocol.categories.get(other) == category for other in tested)


def _kinds(traces: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(_NUMBERED.sub("/…", trace) for trace in traces))


def _times(design: Design, place: str) -> Iterator[Finding]:
    encoded: dict[str, float] = {}
    soon: list[str] = []
    for event in design.protocol.events:
        if isinstance(event, Encode):
            encoded[event.trace] = event.at
    for test in tests_of(design):
        delay = test.at - encoded[test.trace]
        if 0 <= delay < _SOON:
            soon.append(f"{test.trace!r} {format_time(delay)} after it is encoded")
    if soon:
        more = f" and {len(soon) - 1} more" if len(soon) > 1 else ""
        yield Finding("note", f"{place}.events", f"tests {soon[0]}{more}. {_read_back(design)}")
    last = max((test.at for test in tests_of(design)), default=0.0)
    if last > _LONG:
        message = f"its last test comes after {format_time(last)}; is the unit right? {_read_back(design)}"
        yield Finding("note", f"{place}.events", message)


def _read_back(design: Design) -> str:
    return f"As it was read: {'; '.join(timeline(design))}. Correct the times if this is not the experiment"


def _twins(study: Study, places: Mapping[str, str]) -> Iterator[Finding]:
    names = list(study.conditions)
    designs = [dataclasses.replace(study.conditions[name], name="") for name in names]
    for second, design in enumerate(designs):
        if design in designs[:second]:
            first = names[designs.index(design)]
            message = f"{names[second]!r} is the same in every event as {first!r}, so that both predict the same"
            yield Finding("warning", places[names[second]], f"{message}; correct what differs, or keep one")


def _confused_units(
    study: Study, places: Mapping[str, str], rows: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """A number that carries one unit in one condition and the next one up or down in another."""
    seen: dict[float, dict[str, str]] = {}
    for name, row in rows.items():
        for number, unit in _written_times(row):
            if number and unit in _UNITS:
                seen.setdefault(number, {}).setdefault(_UNITS[unit], name)
    for number, units in seen.items():
        for small, large in _CONFUSED:
            if small in units and large in units and units[small] != units[large]:
                name = units[large]
                back = _read_back(study.conditions[name]) if name in study.conditions else "Look at both"
                message = f"{number:g} {large} stands here and {number:g} {small} in {units[small]!r}. {back}"
                yield Finding("note", f"{places[name]}.events", message)


def _written_times(row: Mapping[str, Any]) -> list[tuple[float, str]]:
    """Numbers and units of the times at which events and blocks begin."""
    tables: Sequence[Any] = [*_list(row.get("events")), *_list(row.get("block"))]
    texts = [table.get(key) for table in tables if isinstance(table, dict) for key in ("at", "on", "start")]
    matches = [_TIME.match(text) for text in texts if isinstance(text, str)]
    return [(float(found[1]), found[2]) for found in matches if found is not None]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
