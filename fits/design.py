"""The design of an experiment as its TOML says it: events in natural units, blocks of trials, numbers or parameters.

An event is a table whose first word says what it is::

    { encode = "scene", at = "0 min", strength = 0.4 }
    { release = "dopamine", at = "30 min", dose = "dose" }          # the study parameter of that name
    { reactivate = "tone", at = "1 day", prediction_error = 1, duration = "30 s" }
    { extinguish = "tone", at = "1 day", strength = 0.5 }
    { intervene = "protein_synthesis_inhibitor", on = "1 day", off = "30 h" }
    { sleep = true, on = "10 h", off = "18 h" }
    { test = "scene", at = "24 h" }            # test = "*" tests every trace encoded by then

and a block is a run of trials, each made of events at an offset ``after`` its onset::

    [[condition.block]]
    name = "conditioning"
    start = "13 min"
    trials = 48
    spacing = "10.5 s"
    cycle = ["plus", "minus"]          # trial types, in turn
    [condition.block.trial]
    plus = [{ encode = "{block}/plus/{n}", after = "0 s", strength = "s", category = "plus" }]

``{n}`` counts the trials of a type within the block, ``{block}`` is its name. Relatedness names two traces or two
groups of traces, ``"conditioning/plus"`` being all traces below that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from engram.neuromodulation import NEUROMODULATORS
from engram.protocol import (
    AGENTS,
    Encode,
    Event,
    Extinguish,
    Intervene,
    Protocol,
    ProtocolError,
    Reactivate,
    Release,
    Sleep,
    Test,
    begins,
)
from engram.units import format_time

from .free_parameter import Parameters, number_or_parameter
from .tables import Errors, StudyError, Table

# the numbers of an event that may be study parameters, and their column in the timeline's values
_COLUMNS = {
    "encode": {"strength": 0},
    "release": {"dose": 0},
    "reactivate": {"cue": 0, "prediction_error": 1},
    "extinguish": {"strength": 0},
    "test": {"cue": 0},
    "intervene": {},
    "sleep": {},
}
_OTHERS = {
    "encode": {"category"},
    "release": set(),
    "reactivate": {"duration"},
    "extinguish": set(),
    "test": {"reactivates"},
    "intervene": {"dose", "on", "off"},
    "sleep": {"on", "off"},
}
_FRACTION = (0.0, 1.0)
_RANGES = {
    ("encode", "strength"): (-0.999999, 0.999999),
    ("extinguish", "strength"): _FRACTION,
    ("release", "dose"): (0.0, 1e6),
    ("reactivate", "cue"): _FRACTION,
    ("reactivate", "prediction_error"): _FRACTION,
    ("test", "cue"): _FRACTION,
}
_DEFAULTS = {"dose": 1.0, "cue": 0.9, "prediction_error": 0.0}
_BRACES = re.compile(r"\{([^{}]*)\}")
MODULATORS = tuple(modulator.name for modulator in NEUROMODULATORS)
MOST_TRIALS = 100_000


@dataclass(frozen=True)
class Slot:
    """A number of the protocol that is a study parameter: ``protocol.events[event]``, column of its values."""

    event: int
    column: int
    parameter: str


@dataclass(frozen=True)
class Design:
    """One condition: its protocol at the parameters' start values, and where parameters enter it."""

    name: str
    protocol: Protocol
    slots: tuple[Slot, ...]
    within: Mapping[str, str]  # category -> parameter of its relatedness
    pairs: Mapping[tuple[str, str], str]  # pair -> parameter of its relatedness


class _Spec(NamedTuple):
    event: Event
    parameters: tuple[tuple[int, str], ...]  # column of the event's values, parameter
    row: Table


@dataclass
class _Events:
    """The events of one condition as they are read, with the rows that could not be."""

    parameters: Parameters
    errors: Errors
    specs: list[_Spec] = field(default_factory=list)
    categories: dict[str, str] = field(default_factory=dict)
    broken: list[Table] = field(default_factory=list)

    def add(self, row: Table, offset: float = 0.0, words: Mapping[str, object] | None = None) -> None:
        try:
            self.specs.append(_spec(row, offset, words or {}, self.parameters, self.categories))
        except StudyError as error:
            self.errors.add(error)
            self.broken.append(row)


def read_design(table: Table, name: str, parameters: Parameters, errors: Errors) -> Design | None:
    """One condition from its table (keys events, block, relatedness, within_category).

    ``parameters`` holds the study parameters that events may refer to. None where the errors of the condition have
    been added to ``errors``.
    """
    before = len(errors)
    events = _Events(parameters, errors)
    with errors.gathered():
        for row in table.tables("events"):
            events.add(row)
    with errors.gathered():
        for block in table.tables("block"):
            with errors.gathered():
                _add_block(block, events)
    if not events.specs and not events.broken:
        if len(errors) == before:
            errors.add(table.error("events", "the condition has no events; add events or a block of trials"))
        return None
    specs = sorted(_expand_test_of_all(events), key=lambda spec: begins(spec.event))
    if not events.broken:
        _check_order(specs, errors)
    relatedness: dict[tuple[str, str], float] = {}
    pairs: dict[tuple[str, str], str] = {}
    with errors.gathered():
        for row in table.tables("relatedness"):
            with errors.gathered():
                _relate(row, specs, parameters, relatedness, pairs, bool(events.broken))
    shares, within = _shares(table, events, errors)
    if len(errors) > before:
        return None
    slots = tuple(Slot(k, column, name) for k, spec in enumerate(specs) for column, name in spec.parameters)
    try:
        protocol = Protocol(
            *(spec.event for spec in specs),
            relatedness=relatedness,
            categories=events.categories,
            within_category=shares,
        )
    except ProtocolError as error:
        errors.add(table.error("", str(error)))
        return None
    return Design(name, protocol, slots, within, pairs)


def _check_order(specs: list[_Spec], errors: Errors) -> None:
    """Nothing may follow the last test, or use a trace before it is encoded. ``specs`` are in order of time."""
    last = max((spec.event.at for spec in specs if isinstance(spec.event, Test)), default=None)
    encoded: dict[str, None] = {}
    for event, _, row in specs:
        when = begins(event)
        if last is not None and when > last:
            message = f"happens at {format_time(when)}, comes after the last Test at {format_time(last)} and could"
            errors.add(row.error("", f"{message} not change any result; remove it, or add a Test after it"))
        if isinstance(event, Encode):
            encoded[event.trace] = None
        elif isinstance(event, (Reactivate, Extinguish, Test)) and event.trace not in encoded:
            known = ", ".join(list(encoded)[:12]) or "none yet"
            message = f"the trace {event.trace!r} is not encoded by {format_time(when)} (encoded: {known})"
            errors.add(row.error("", f"{message}; add an Encode before it, or correct the name or the time"))


def _relate(
    row: Table,
    specs: list[_Spec],
    parameters: Parameters,
    relatedness: dict[tuple[str, str], float],
    pairs: dict[tuple[str, str], str],
    incomplete: bool,
) -> None:
    """Add the pairs of one row of relatedness; where events are missing, unknown traces pass."""
    row.only({"traces", "value"})
    names = row.content.get("traces")
    if not (isinstance(names, list) and len(names) == 2 and all(isinstance(item, str) for item in names)):
        raise row.error("traces", f'is {names!r}; write two traces, such as ["scene", "shock"]')
    value, parameter = number_or_parameter(row, "value", 0, 1, parameters, None)
    known = dict.fromkeys(spec.event.trace for spec in specs if hasattr(spec.event, "trace"))
    groups = [[trace for trace in known if trace == name or trace.startswith(name + "/")] for name in names]
    for name, group in zip(names, groups, strict=True):
        if not group and not incomplete:
            raise row.error("traces", f"unknown trace {name!r}; the condition has {', '.join(list(known)[:12])}")
    for pair in product(groups[0], groups[1]):
        if pair in relatedness:
            raise row.error("traces", f"{pair[0]!r} and {pair[1]!r} are related twice; keep one")
        relatedness[pair] = value
        if parameter:
            pairs[pair] = parameter


def _shares(table: Table, events: _Events, errors: Errors) -> tuple[dict[str, float], dict[str, str]]:
    """For each category, how far its traces share proteins, and the parameter that says so."""
    shares: dict[str, float] = {}
    within: dict[str, str] = {}
    with errors.gathered():
        given = table.table("within_category")
        for category in dict.fromkeys(events.categories.values()):
            with errors.gathered():
                shares[category], parameter = number_or_parameter(given, category, 0, 1, events.parameters, 0.5)
                if parameter:
                    within[category] = parameter
        if not events.broken:
            errors.add(*given.unknown(set(events.categories.values())))
    return shares, within


def _spec(
    row: Table, offset: float, words: Mapping[str, object], parameters: Parameters, categories: dict[str, str]
) -> _Spec:
    kinds = [kind for kind in _COLUMNS if kind in row]
    if len(kinds) != 1:
        raise row.error("", f"an event needs exactly one of {', '.join(_COLUMNS)}; found {', '.join(kinds) or 'none'}")
    kind = kinds[0]
    when = "after" if words else "at"
    timed = set() if kind in ("intervene", "sleep") else {when}
    row.only({kind, *_COLUMNS[kind], *_OTHERS[kind], *timed})
    slots: list[tuple[int, str]] = []
    values: dict[str, float] = {}
    for key, column in _COLUMNS[kind].items():
        values[key], parameter = number_or_parameter(row, key, *_RANGES[kind, key], parameters, _DEFAULTS.get(key))
        if parameter:
            slots.append((column, parameter))
    at = offset + row.time(when) if timed else 0.0
    try:
        event = _event(row, kind, offset, at, values, words)
    except ProtocolError as error:
        raise row.error("", str(error)) from None
    if isinstance(event, Encode) and "category" in row:
        category = row.text("category")
        if categories.setdefault(event.trace, category) != category:
            raise row.error("category", f"{event.trace!r} is already of category {categories[event.trace]!r}")
    return _Spec(event, tuple(slots), row)


def _event(
    row: Table, kind: str, offset: float, at: float, values: Mapping[str, float], words: Mapping[str, object]
) -> Event:
    if kind == "intervene":
        agent, dose = row.choice("intervene", AGENTS), row.number("dose", -10, 10, 1.0)
        return Intervene(agent, on=offset + row.time("on"), off=offset + row.time("off"), dose=dose)
    if kind == "sleep":
        if not row.truth("sleep", True):
            raise row.error("sleep", "is false; write sleep = true, or remove the event")
        return Sleep(on=offset + row.time("on"), off=offset + row.time("off"))
    if kind == "release":
        return Release(row.choice("release", MODULATORS), at=at, **values)
    name = _fill(row, kind, words)
    if kind == "encode":
        return Encode(name, at=at, **values)
    if kind == "reactivate":
        return Reactivate(name, at=at, duration=row.time("duration", 60.0), **values)
    if kind == "extinguish":
        return Extinguish(name, at=at, **values)
    return Test(name, at=at, reactivates=row.truth("reactivates", False), **values)


def _fill(row: Table, kind: str, words: Mapping[str, object]) -> str:
    """The name of a trace, with ``{n}`` and ``{block}`` filled in inside a block."""
    text = row.text(kind)
    if not words:
        return text
    filled = _BRACES.sub(lambda found: str(words.get(found[1], found[0])), text)
    if "{" in filled or "}" in filled:
        raise row.error(kind, f"is {text!r}; inside a block only {{n}} and {{block}} may stand in braces")
    return filled


def _add_block(block: Table, events: _Events) -> None:
    events.errors.add(*block.unknown({"name", "start", "trials", "spacing", "cycle", "trial"}))
    values = events.errors.read(
        {
            "name": lambda: block.text("name"),
            "start": lambda: block.time("start"),
            "spacing": lambda: block.time("spacing"),
            "trials": lambda: block.whole("trials", 1),
            "trial": lambda: block.table("trial", required=True),
        }
    )
    if values is None:
        events.broken.append(block)
        return
    trials, kinds = values["trials"], values["trial"]
    try:
        if trials > MOST_TRIALS:
            raise block.error("trials", f"is {trials}; at most {MOST_TRIALS} trials can be run")
        cycle = block.content.get("cycle", list(kinds.content))
        if not isinstance(cycle, list) or not cycle:
            raise block.error("cycle", f"is {cycle!r}; list the trial types in turn")
        for kind in cycle:
            if not isinstance(kind, str) or kind not in kinds:
                raise block.error("cycle", f"unknown trial type {kind!r}; [trial] has {', '.join(kinds.content)}")
        rows = {kind: kinds.tables(kind) for kind in kinds.content}
    except StudyError:
        events.broken.append(block)
        raise
    counts = dict.fromkeys(kinds.content, 0)
    for trial in range(trials):
        kind = cycle[trial % len(cycle)]
        counts[kind] += 1
        words = {"n": counts[kind], "block": values["name"]}
        for row in rows[kind]:
            events.add(row, values["start"] + trial * values["spacing"], words)


def _expand_test_of_all(events: _Events) -> list[_Spec]:
    """A test of ``"*"`` becomes one of every trace encoded by then."""
    expanded: list[_Spec] = []
    for spec in events.specs:
        event = spec.event
        if not (isinstance(event, Test) and event.trace == "*"):
            expanded.append(spec)
            continue
        encodings = [other.event for other in events.specs if isinstance(other.event, Encode)]
        names = dict.fromkeys(encoding.trace for encoding in encodings if encoding.at <= event.at)
        if not names and not events.broken:
            message = f"is '*', but nothing is encoded by {format_time(event.at)}; correct the time"
            events.errors.add(spec.row.error("test", message))
        for name in names:
            one = Test(name, at=event.at, reactivates=event.reactivates, cue=event.cue)
            expanded.append(spec._replace(event=one))
    return expanded


__all__ = ["Design", "Slot", "StudyError", "read_design"]
