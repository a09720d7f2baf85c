"""A study with part of its mechanism taken away, to ask what the data need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engram.protocol import Encode, Intervene, Protocol, Reactivate, Release

from .design import Design
from .study import Observation, Study

_SLICES, _PEOPLE, _ANIMALS = "slices", "people", "animals"


def without_reactivation(study: Study) -> Study:
    """The same study with reminders that bring nothing back (cue 0)."""
    return replace(study, conditions={name: _silenced(design) for name, design in study.conditions.items()})


def with_modulator(study: Study, modulator: str, **values: float) -> Study:
    """The same study with parameters of a neuromodulator held at values, whatever its file says."""
    changed = {(modulator, key): value for key, value in values.items()}
    return replace(study, modulator_values={**study.modulator_values, **changed})


def group_of(study: Study) -> str:
    """What a study was done on: "people", "slices" or "animals"."""
    if "slice" in study.species or "slice" in study.paradigm:
        return _SLICES
    return _PEOPLE if study.species in ("human", "child") else _ANIMALS


def release_intervals(study: Study) -> Mapping[str, float]:
    """From the encoding of what is tested to the first release (s, negative where it came first), by observation.

    Only observations whose first term tests a trace encoded once, in a condition with a release and without a drug.
    """
    found = {}
    for observation in study.observations:
        interval = _interval(study, observation)
        if interval is not None:
            found[observation.name] = interval
    return found


def _interval(study: Study, observation: Observation) -> float | None:
    term = observation.terms[0]
    events = study.conditions[term.condition].protocol.events
    encoded = [e.at for e in events if isinstance(e, Encode) and e.trace.split("/")[0] == term.traces.split("/")[0]]
    released = [e.at for e in events if isinstance(e, Release)]
    plain = len(encoded) == 1 and released and not any(isinstance(e, Intervene) for e in events)
    return min(released) - encoded[0] if plain else None


def _silenced(design: Design) -> Design:
    events = design.protocol.events
    silent = [replace(event, cue=0.0) if isinstance(event, Reactivate) else event for event in events]
    protocol = Protocol(
        *silent,
        relatedness=design.protocol.relatedness,
        categories=design.protocol.categories,
        within_category=design.protocol.within_category,
    )
    # the order of events does not change, so what else is a parameter keeps its place
    slots = tuple(s for s in design.slots if not (isinstance(events[s.event], Reactivate) and s.column == 0))
    return replace(design, protocol=protocol, slots=slots)
