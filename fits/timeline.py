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
from engram.units import format_time

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
    ['0 s: encode S2 (strength estimated as weak)', '6.333 h: test S2']
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
            times.setdefault(words, [event.at])
        else:
            times.setdefault(_words(event, parameters.get(index, {})), []).append(begins(event))
    return [f"{_when(sorted(group))}: {words}" for words, group in sorted(times.items(), key=lambda item: item[1][0])]


def relations(design: Design) -> list[str]:
    """Which traces share proteins, and how far."""
    protocol = design.protocol
    pairs = {
        f"{_kind(one)} and {_kind(other)} are related by {design.pairs.get((one, other)) or f'{value:g}'}"
        for (one, other), value in protocol.relatedness.items()
    }
    lines = sorted(pairs)
    for category, value in protocol.within_category.items():
        members = [name for name, own in protocol.categories.items() if own == category]
        if len(members) > 1:
            share = design.within.get(category) or f"{value:g}"
            lines.append(f"the {len(members)} traces of category {category} are related by {share}")
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
        parameter = parameters.get(column)
        if parameter is None:
            return f"{name} {value:g}"
        return f"{name} estimated" if parameter == name.replace(" ", "_") else f"{name} estimated as {parameter}"

    if isinstance(event, Encode):
        return f"encode {_kind(event.trace)} ({number('strength', event.strength)})"
    if isinstance(event, Release):
        return f"release {event.modulator} ({number('dose', event.dose)})"
    if isinstance(event, Reactivate):
        detail = f"{number('cue', event.cue)}, {number('prediction error', event.prediction_error, 1)}"
        return f"reactivate {_kind(event.trace)} for {format_time(event.duration)} ({detail})"
    if isinstance(event, Extinguish):
        return f"extinguish {_kind(event.trace)} ({number('strength', event.strength)})"
    if isinstance(event, Intervene):
        dose = "" if event.dose == 1 else f" (dose {event.dose:g})"
        return f"{event.agent.replace('_', ' ')}{dose} for {format_time(event.off - event.on)}"
    if isinstance(event, Sleep):
        return f"sleep for {format_time(event.off - event.on)}"
    return f"test {_kind(event.trace)}{_reactivating(event)}"


def _reactivating(event: Test) -> str:
    return f", which reactivates (cue {event.cue:g})" if event.reactivates else ""


def _kind(trace: str) -> str:
    return _NUMBERED.sub("/…", trace)


def _when(times: Sequence[float]) -> str:
    if len(times) <= _MOST_LISTED:
        return ", ".join(format_time(time) for time in times)
    return f"{format_time(times[0])} to {format_time(times[-1])}, {len(times)} times"
