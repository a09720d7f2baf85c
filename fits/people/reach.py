"""Which traces a study parameter can change, by the structure of the design: nothing is tried, so nothing is missed.

An encoding changes its own trace and, through the proteins that are shared, those related to it; where a trace is
reactivated its strength matters to what follows, and so everything connected to it may change. A release changes all
traces, unless its modulator, as the model has it, does no more than modulate encoding.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

from engram.consolidation import ConsolidationModel
from engram.consolidation.model import CaptureModel
from engram.protocol import Encode, Extinguish, Reactivate, Release, Test

from ..design import Design
from ..study import Study

#: Of a modulator: what must be zero for its releases to act at encoding alone.
_BEYOND_ENCODING = ("drive_weight", "conversion", "synthesis_gate", "retrieval_gain", "lability_gain")
_AT_ENCODING = ("encoding_gain", "clearance", "dose_scale")


def reached(study: Study, design: Design, model: ConsolidationModel, parameter: str) -> set[str]:
    """Traces of a design whose strength may depend on a parameter of the study."""
    everything = set(design.protocol.traces)
    if any(value == parameter for value in study.model_values.values()):
        return everything
    events = design.protocol.events
    first: set[str] = set()  # traces whose own events change
    for slot in design.slots:
        if slot.parameter != parameter:
            continue
        event = events[slot.event]
        if isinstance(event, Release):
            if not _only_at_encoding(study, model, event.modulator):
                return everything
            first |= _from(design, event.at)
        elif isinstance(event, (Encode, Extinguish)) or (isinstance(event, (Reactivate, Test)) and slot.column == 0):
            first.add(event.trace)
        else:  # a prediction error drives synthesis everywhere
            return everything
    for (modulator, column), value in study.modulator_values.items():
        if value == parameter:
            if column not in _AT_ENCODING or not _only_at_encoding(study, model, modulator):
                return everything
            times = [event.at for event in events if isinstance(event, Release) and event.modulator == modulator]
            first |= _from(design, min(times)) if times else set()
    members = {name for name, own in design.protocol.categories.items() if design.within.get(own) == parameter}
    first |= members | set(chain.from_iterable(pair for pair, named in design.pairs.items() if named == parameter))
    cued = any(isinstance(event, Reactivate) or (isinstance(event, Test) and event.reactivates) for event in events)
    if not isinstance(model, CaptureModel) and not cued:
        return first
    return _related(design, first, connected=cued)


def _only_at_encoding(study: Study, model: ConsolidationModel, name: str) -> bool:
    modulator = next(one for one in model.neuromodulators if one.name == name)
    values = {key: study.modulator_values.get((name, key), getattr(modulator, key)) for key in _BEYOND_ENCODING}
    if not isinstance(model, CaptureModel):  # whose releases neither drive synthesis nor convert
        values |= dict.fromkeys(("drive_weight", "conversion", "synthesis_gate"), 0.0)
    return all(value == 0.0 for value in values.values())


def _from(design: Design, time: float) -> set[str]:
    """Traces encoded or reactivated at a time or later."""
    kinds = (Encode, Reactivate, Test)
    return {event.trace for event in design.protocol.events if isinstance(event, kinds) and event.at >= time
            and not (isinstance(event, Test) and not event.reactivates)}  # fmt: skip


def _related(design: Design, first: Collection[str], connected: bool) -> set[str]:
    """Traces and those related to them; with ``connected``, all that are connected."""
    found, waiting = set(first), list(first)
    partners: dict[str, set[str]] = {}
    for one, other in design.protocol.relatedness:
        partners.setdefault(one, set()).add(other)
        partners.setdefault(other, set()).add(one)
    members: dict[str, set[str]] = {}
    for name, own in design.protocol.categories.items():
        members.setdefault(own, set()).add(name)
    while waiting:
        name = waiting.pop()
        near = partners.get(name, set()) | members.get(design.protocol.categories.get(name, ""), set())
        new = near - found
        found |= new
        if connected:
            waiting += new
    return found
