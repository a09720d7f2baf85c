"""A condition's timeline in words, from its design."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engram.protocol import (
    Encode,
    Event,
    Extinguish,
    Intervene,
    Reactivate,
    Release,
    Sleep,
    Test,
    begins,
)
from engram.units import day, hour, minute

from .design import Design

_NUMBERED = re.compile(r"/\d+\Z")
_MOST_LISTED = 4


def timeline(design: Design) -> list[str]:
    """What happens when, a line for each kind of event, in order of its first time.

    Numbers that are estimated appear under the name of their parameter; traces that differ by a last number count as
    one kind.

    Examples
    --------
    >>> from fits import load_study
    >>> study = load_study("frey_morris_1998")
    >>> timeline(study.conditions["weak alone"])
    ['0 min: encode S2 (strength estimated as weak)', '6 h 20 min: test S2']
    """
    parameters: dict[int, dict[int, str]] = {}
    for slot in design.slots:
        parameters.setdefault(slot.event, {})[slot.column] = slot.parameter
    events = design.protocol.events
    whole = _tests_of_all(events)
    times: dict[str, list[float]] = {}
    for index, event in enumerate(events):
        if isinstance(event, Test) and event.at in whole:
            words = f"test every trace{_reactivating(event)}"
            shown = times.setdefault(words, [])
            if event.at not in shown:
                shown.append(event.at)
        else:
            times.setdefault(_words(event, parameters.get(index, {})), []).append(begins(event))
    return [f"{_when(sorted(group))}: {words}" for words, group in sorted(times.items(), key=lambda item: item[1][0])]


def relations(design: Design) -> list[str]:
    """Which traces share proteins, and how far."""
    protocol = design.protocol
    pairs: dict[str, set[str]] = {}
    for (one, other), value in protocol.relatedness.items():
        share = _number("relatedness", value, design.pairs.get((one, other)))
        pairs.setdefault(share, set()).add(f"{_kind(one)} with {_kind(other)}")
    lines = [f"{share}: {', '.join(sorted(members))}" for share, members in pairs.items()]
    for category, value in protocol.within_category.items():
        members = [name for name, own in protocol.categories.items() if own == category]
        if len(members) > 1:
            share = _number("relatedness", value, design.within.get(category))
            lines.append(f"{share}: the {len(members)} traces of category {category}")
    return lines


def _tests_of_all(events: Sequence[Event]) -> set[float]:
    """The times at which all traces encoded until then, and at least three, are tested."""
    found = set()
    for time in {event.at for event in events if isinstance(event, Test)}:
        encoded = {event.trace for event in events if isinstance(event, Encode) and event.at <= time}
        tested = {event.trace for event in events if isinstance(event, Test) and event.at == time}
        if len(tested) > 2 and encoded == tested:
            found.add(time)
    return found


def _words(event: Event, parameters: Mapping[int, str]) -> str:
    def number(name: str, value: float, column: int = 0) -> str:
        return _number(name, value, parameters.get(column))

    if isinstance(event, Encode):
        return f"encode {_kind(event.trace)} ({number('strength', event.strength)})"
    if isinstance(event, Release):
        return f"release {event.modulator} ({number('dose', event.dose)})"
    if isinstance(event, Reactivate):
        detail = f"{number('cue', event.cue)}, {number('prediction error', event.prediction_error, 1)}"
        return f"reactivate {_kind(event.trace)} for {clock(event.duration)} ({detail})"
    if isinstance(event, Extinguish):
        return f"extinguish {_kind(event.trace)} ({number('strength', event.strength)})"
    if isinstance(event, Intervene):
        dose = "" if event.dose == 1 else f" (dose {event.dose:g})"
        return f"{event.agent.replace('_', ' ')}{dose} for {clock(event.off - event.on)}"
    if isinstance(event, Sleep):
        return f"sleep for {clock(event.off - event.on)}"
    return f"test {_kind(event.trace)}{_reactivating(event)}"


def _number(name: str, value: float, parameter: str | None) -> str:
    if parameter is None:
        return f"{name} {value:g}"
    return f"{name} estimated" if parameter == name.replace(" ", "_") else f"{name} estimated as {parameter}"


def _reactivating(event: Test) -> str:
    return f", which reactivates (cue {event.cue:g})" if event.reactivates else ""


def _kind(trace: str) -> str:
    return _NUMBERED.sub("/…", trace)


def _when(times: Sequence[float]) -> str:
    if len(times) <= _MOST_LISTED:
        return ", ".join(clock(time) for time in times)
    return f"{clock(times[0])} to {clock(times[-1])}, {len(times)} times"


def clock(seconds: float) -> str:
    """A time in whole units: ``34200`` becomes ``"9 h 30 min"``."""
    parts = []
    for name, unit in (("d", day), ("h", hour), ("min", minute)):
        count = int(round(seconds, 6) // unit)
        seconds -= count * unit
        if count:
            parts.append(f"{count} {name}")
    if seconds > 1e-6:
        parts.append(f"{seconds:.4g} s")
    return " ".join(parts) or "0 min"
