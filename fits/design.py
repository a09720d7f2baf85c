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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

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

from .tables import StudyError, Table

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
_RANGES = {"strength": (-0.999999, 0.999999), "dose": (0, 1e6), "cue": (0, 1), "prediction_error": (0, 1)}
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


def read_design(table: Table, name: str, starts: Mapping[str, float]) -> Design:
    """One condition from its table (keys events, block, relatedness, within_category).

    ``starts`` holds the start values of the study parameters that events may refer to.
    """
    specs: list[tuple[Event, list[tuple[int, str]]]] = []
    categories: dict[str, str] = {}
    for row in table.tables("events"):
        _add(row, 0.0, {}, starts, specs, categories)
    for block in table.tables("block"):
        _add_block(block, starts, specs, categories)
    if not specs:
        raise table.error("events", "the condition has no events; add events or a block of trials")
    specs = _expand_test_of_all(specs)
    order = sorted(range(len(specs)), key=lambda index: begins(specs[index][0]))
    slots = tuple(
        Slot(position, column, parameter)
        for position, index in enumerate(order)
        for column, parameter in specs[index][1]
    )
    pairs: dict[tuple[str, str], str] = {}
    relatedness: dict[tuple[str, str], float] = {}
    for row in table.tables("relatedness"):
        row.only({"traces", "value"})
        names = row.content.get("traces")
        if not (isinstance(names, list) and len(names) == 2 and all(isinstance(item, str) for item in names)):
            raise row.error("traces", f'is {names!r}; write two traces, such as ["scene", "shock"]')
        value, parameter = _number_or_parameter(row, "value", 0, 1, starts, None)
        for pair in product(_group(row, names[0], specs), _group(row, names[1], specs)):
            relatedness[pair] = value
            if parameter:
                pairs[pair] = parameter
    within: dict[str, str] = {}
    shares: dict[str, float] = {}
    given = table.table("within_category")
    for category in dict.fromkeys(categories.values()):
        shares[category], parameter = _number_or_parameter(given, category, 0, 1, starts, 0.5)
        if parameter:
            within[category] = parameter
    given.only(set(shares))
    try:
        protocol = Protocol(
            *(specs[index][0] for index in order),
            relatedness=relatedness,
            categories=categories,
            within_category=shares,
        )
    except ProtocolError as error:
        raise table.error("", str(error)) from None
    return Design(name, protocol, slots, within, pairs)


def _group(row: Table, name: str, specs: Sequence[tuple[Event, list[tuple[int, str]]]]) -> list[str]:
    """The trace of this name, or all traces below ``name/``."""
    names = dict.fromkeys(event.trace for event, _ in specs if hasattr(event, "trace"))
    found = [known for known in names if known == name or known.startswith(name + "/")]
    if not found:
        raise row.error("traces", f"unknown trace {name!r}; the condition has {', '.join(list(names)[:12])}")
    return found


def _number_or_parameter(
    table: Table, key: str, low: float, high: float, starts: Mapping[str, float], default: float | None
) -> tuple[float, str | None]:
    value = table.content.get(key, default)
    if isinstance(value, str):
        if value not in starts:
            known = ", ".join(starts) or "none"
            raise table.error(key, f"unknown parameter {value!r}; the study has {known}")
        if not low <= starts[value] <= high:
            raise table.error(key, f"the parameter {value!r} starts at {starts[value]!r}, outside {low:g} to {high:g}")
        return starts[value], value
    return table.number(key, low, high, default), None


def _add(
    row: Table,
    offset: float,
    words: Mapping[str, object],
    starts: Mapping[str, float],
    specs: list[tuple[Event, list[tuple[int, str]]]],
    categories: dict[str, str],
) -> None:
    kinds = [kind for kind in _COLUMNS if kind in row]
    if len(kinds) != 1:
        raise row.error("", f"an event needs exactly one of {', '.join(_COLUMNS)}; found {', '.join(kinds) or 'none'}")
    kind = kinds[0]
    when = "after" if words else "at"
    timed = set() if kind in ("intervene", "sleep") else {when}
    row.only({kind, *_COLUMNS[kind], *_OTHERS[kind], *timed})
    parameters: list[tuple[int, str]] = []
    values: dict[str, float] = {}
    for key, column in _COLUMNS[kind].items():
        default = {"dose": 1.0, "cue": 0.9, "prediction_error": 0.0}.get(key)
        value, parameter = _number_or_parameter(row, key, *_RANGES[key], starts, default)
        values[key] = value
        if parameter:
            parameters.append((column, parameter))
    at = offset + row.time(when) if timed else 0.0
    try:
        if kind == "intervene":
            dose = row.number("dose", -10, 10, 1.0)
            event: Event = Intervene(
                row.choice("intervene", AGENTS), on=offset + row.time("on"), off=offset + row.time("off"), dose=dose
            )
        elif kind == "sleep":
            event = Sleep(on=offset + row.time("on"), off=offset + row.time("off"))
        elif kind == "release":
            event = Release(row.choice("release", MODULATORS), at=at, **values)
        else:
            name = _fill(row, kind, words)
            if kind == "encode":
                event = Encode(name, at=at, **values)
                if "category" in row:
                    category = row.text("category")
                    if categories.setdefault(name, category) != category:
                        raise row.error("category", f"{name!r} is already of category {categories[name]!r}")
            elif kind == "reactivate":
                event = Reactivate(name, at=at, duration=row.time("duration", 60.0), **values)
            elif kind == "extinguish":
                event = Extinguish(name, at=at, **values)
            else:
                event = Test(name, at=at, reactivates=row.truth("reactivates", False), **values)
    except ProtocolError as error:
        raise row.error("", str(error)) from None
    specs.append((event, parameters))


def _fill(row: Table, kind: str, words: Mapping[str, object]) -> str:
    text = row.text(kind)
    try:
        return text.format(**words) if words else text
    except (KeyError, IndexError, ValueError):
        raise row.error(kind, f"is {text!r}; inside a block only {{n}} and {{block}} may stand in braces") from None


def _add_block(
    block: Table,
    starts: Mapping[str, float],
    specs: list[tuple[Event, list[tuple[int, str]]]],
    categories: dict[str, str],
) -> None:
    block.only({"name", "start", "trials", "spacing", "cycle", "trial"})
    name = block.text("name")
    start = block.time("start")
    spacing = block.time("spacing")
    trials = block.whole("trials", 1)
    if trials > MOST_TRIALS:
        raise block.error("trials", f"is {trials}; at most {MOST_TRIALS} trials can be run")
    kinds = block.table("trial", required=True)
    cycle = block.content.get("cycle", list(kinds.content))
    if not isinstance(cycle, list) or not cycle:
        raise block.error("cycle", f"is {cycle!r}; list the trial types in turn")
    for kind in cycle:
        if kind not in kinds:
            raise block.error("cycle", f"unknown trial type {kind!r}; [trial] has {', '.join(kinds.content)}")
    rows = {kind: kinds.tables(kind) for kind in kinds.content}
    counts = dict.fromkeys(kinds.content, 0)
    for trial in range(trials):
        kind = cycle[trial % len(cycle)]
        counts[kind] += 1
        words = {"n": counts[kind], "block": name}
        for row in rows[kind]:
            _add(row, start + trial * spacing, words, starts, specs, categories)


def _expand_test_of_all(
    specs: Sequence[tuple[Event, list[tuple[int, str]]]],
) -> list[tuple[Event, list[tuple[int, str]]]]:
    expanded: list[tuple[Event, list[tuple[int, str]]]] = []
    for event, parameters in specs:
        if isinstance(event, Test) and event.trace == "*":
            names = dict.fromkeys(e.trace for e, _ in specs if isinstance(e, Encode) and e.at <= event.at)
            for name in names:
                expanded.append((Test(name, at=event.at, reactivates=event.reactivates, cue=event.cue), parameters))
        else:
            expanded.append((event, parameters))
    return expanded


__all__ = ["Design", "Slot", "StudyError", "read_design"]
