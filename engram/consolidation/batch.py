"""Protocols laid out as flat arrays, the form in which kernels read them.

A :class:`Batch` holds many protocols at once; its numbers may be exchanged between runs (a fit changes strengths and
doses in ``timeline.value``), its layout may not.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..neuromodulation import NEUROMODULATORS, Neuromodulator
from ..protocol import (
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
)

ENCODE, RELEASE, REACTIVATE, EXTINGUISH, SYNTHESIS, RECEPTOR, STIMULATION, SLEEP, READ = range(9)
_RECEPTOR_OF = {"beta_blocker": "beta", "d1_d5_antagonist": "D1/D5"}

# event, kind, target, value: one row of the timeline before it is laid out
_Row = tuple[float, int, int, tuple[float, float, float], int]


class Timeline(NamedTuple):
    """Events, traces and relatedness of all protocols, concatenated; ``*_start`` hold the offsets."""

    event_start: np.ndarray  # (protocols + 1,)
    kind: np.ndarray  # (events,)
    time: np.ndarray  # (events,) s
    target: np.ndarray  # (events,) trace within its protocol, or modulator
    value: np.ndarray  # (events, 3) strength | dose | cue, prediction error, duration
    row: np.ndarray  # (events,) row of the output that a READ fills, or -1
    trace_start: np.ndarray  # (protocols + 1,)
    category: np.ndarray  # (traces,) index of its category, or -1
    member_start: np.ndarray  # (categories + 1,)
    member: np.ndarray  # traces within their protocol
    within: np.ndarray  # (categories,) relatedness
    pair_start: np.ndarray  # (traces + 1,)
    pair_trace: np.ndarray  # traces within their protocol
    pair_value: np.ndarray  # relatedness


class Batch:
    """Protocols compiled for a table of neuromodulators.

    Parameters
    ----------
    protocols : iterable of Protocol
    modulators : tuple of Neuromodulator
        The table of the model that will run them; names and receptors are bound here, numbers are not.
    reads : sequence of float, optional
        Extra times (s) at which every trace of every protocol is read, after all events at that time.

    Attributes
    ----------
    timeline : Timeline
    rows : list of (protocol, trace, time)
        What each output row holds: first every Test and extra read of the first protocol in order of time, and so on.
    tests : (tests,) array of int
        The rows that hold what a Test reads.
    event_index : list of list of int
        For each protocol, the timeline row of each of its events (of an Intervene or Sleep, its onset; −1 where an
        antagonist finds no receptor in the table).

    Raises
    ------
    ProtocolError
        A release of a modulator that is not in the table.
    """

    def __init__(
        self,
        protocols: Iterable[Protocol],
        modulators: Sequence[Neuromodulator] = NEUROMODULATORS,
        reads: Sequence[float] = (),
    ) -> None:
        self.protocols = tuple(protocols)
        self.modulators = tuple((modulator.name, modulator.receptor) for modulator in modulators)
        self.rows: list[tuple[int, str, float]] = []
        self._tests: list[int] = []
        self.event_index: list[list[int]] = []
        self._events: list[_Row] = []
        self._relations: dict[str, list[Any]] = {name: [] for name in Timeline._fields}
        self._relations.update(event_start=[0], trace_start=[0], member_start=[0], pair_start=[0])
        for protocol in self.protocols:
            self._add(protocol, reads)
        self.tests = np.array(self._tests, dtype=np.intp)
        self.timeline = self._layout()

    def with_timeline(self, timeline: Timeline) -> Batch:
        """The same layout with other numbers: what a fit does with strengths, doses and relatedness."""
        changed = copy.copy(self)
        changed.timeline = timeline
        return changed

    def _add(self, protocol: Protocol, reads: Sequence[float]) -> None:
        number = len(self._relations["event_start"]) - 1
        trace_of = {name: index for index, name in enumerate(protocol.traces)}
        switches: list[tuple[float, int, _Row]] = []
        for position, event in enumerate(protocol.events):
            for made in self._rows_of(event, trace_of):
                switches.append((made[0], position, made))
        last = len(protocol.events)
        for time in reads:
            for trace in range(len(protocol.traces)):
                switches.append((float(time), last, (float(time), READ, trace, (0.0, 0.0, 0.0), -1)))
        order = sorted(range(len(switches)), key=lambda index: switches[index][:2])
        first_row_of: dict[int, int] = {}
        for index in order:
            _, position, (time, kind, target, value, _) = switches[index]
            first_row_of.setdefault(position, len(self._events))
            row = -1
            if kind == READ:
                row = len(self.rows)
                if position < last:
                    self._tests.append(row)
                self.rows.append((number, protocol.traces[target], time))
            self._events.append((time, kind, target, value, row))
        self.event_index.append([first_row_of.get(position, -1) for position in range(last)])
        self._relations["event_start"].append(len(self._events))
        self._relate(protocol, trace_of)

    def _rows_of(self, event: Event, trace_of: dict[str, int]) -> list[_Row]:
        zero = (0.0, 0.0, 0.0)
        if isinstance(event, Encode):
            return [(event.at, ENCODE, trace_of[event.trace], (event.strength, 0.0, 0.0), -1)]
        if isinstance(event, Release):
            return [(event.at, RELEASE, self._modulator(event), (event.dose, 0.0, 0.0), -1)]
        if isinstance(event, Reactivate):
            values = (event.cue, event.prediction_error, event.duration)
            return [(event.at, REACTIVATE, trace_of[event.trace], values, -1)]
        if isinstance(event, Extinguish):
            return [(event.at, EXTINGUISH, trace_of[event.trace], (event.strength, 0.0, 0.0), -1)]
        if isinstance(event, Test):
            trace = trace_of[event.trace]
            read: list[_Row] = [(event.at, READ, trace, zero, -1)]
            if event.reactivates:
                read.append((event.at, REACTIVATE, trace, (event.cue, 0.0, 0.0), -1))
            return read
        if isinstance(event, Sleep):
            return self._interval(event, SLEEP, 0, 1.0)
        if event.agent == "protein_synthesis_inhibitor":
            return self._interval(event, SYNTHESIS, 0, 1.0)
        if event.agent == "tdcs":
            return self._interval(event, STIMULATION, 0, event.dose)
        receptor = _RECEPTOR_OF[event.agent]
        rows: list[_Row] = []
        for index, (_, bound) in enumerate(self.modulators):
            if bound == receptor:
                rows += self._interval(event, RECEPTOR, index, event.dose)
        return rows

    @staticmethod
    def _interval(event: Intervene | Sleep, kind: int, target: int, size: float) -> list[_Row]:
        rows: list[_Row] = [(event.on, kind, target, (size, 0.0, 0.0), -1)]
        if event.off < np.inf:
            rows.append((event.off, kind, target, (-size, 0.0, 0.0), -1))
        return rows

    def _modulator(self, event: Release) -> int:
        names = [name for name, _ in self.modulators]
        if event.modulator not in names:
            raise ProtocolError(
                f"{event}: unknown modulator {event.modulator!r}; the model has {', '.join(names)} "
                "(add your own with engram.neuromodulation.table)"
            )
        return names.index(event.modulator)

    def _relate(self, protocol: Protocol, trace_of: dict[str, int]) -> None:
        relations = self._relations
        first_category = len(relations["within"])
        category_of: dict[str, int] = {}
        members: list[list[int]] = []
        for name in protocol.traces:
            category = protocol.categories.get(name)
            if category is None:
                relations["category"].append(-1)
                continue
            if category not in category_of:
                category_of[category] = len(members)
                members.append([])
                relations["within"].append(protocol.within_category[category])
            members[category_of[category]].append(trace_of[name])
            relations["category"].append(first_category + category_of[category])
        for group in members:
            relations["member"].extend(group)
            relations["member_start"].append(len(relations["member"]))
        partners: list[list[tuple[int, float]]] = [[] for _ in protocol.traces]
        for (first, second), value in protocol.relatedness.items():
            partners[trace_of[first]].append((trace_of[second], value))
            partners[trace_of[second]].append((trace_of[first], value))
        for row in partners:
            relations["pair_trace"].extend(trace for trace, _ in row)
            relations["pair_value"].extend(value for _, value in row)
            relations["pair_start"].append(len(relations["pair_trace"]))
        relations["trace_start"].append(relations["trace_start"][-1] + len(protocol.traces))

    def _layout(self) -> Timeline:
        relations = self._relations
        relations["time"] = [event[0] for event in self._events]
        relations["kind"] = [event[1] for event in self._events]
        relations["target"] = [event[2] for event in self._events]
        relations["row"] = [event[4] for event in self._events]
        arrays = {}
        for name in Timeline._fields:
            dtype = np.float64 if name in ("time", "within", "pair_value") else np.int64
            if name == "value":
                values = [event[3] for event in self._events]
                complex_values = any(isinstance(number, complex) for row in values for number in row)
                arrays[name] = np.array(values, dtype=np.complex128 if complex_values else np.float64).reshape(-1, 3)
            else:
                arrays[name] = np.array(relations[name], dtype=dtype)
        return Timeline(**arrays)
