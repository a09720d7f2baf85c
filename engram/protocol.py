"""What happens to memories, and when: the events of an experiment on one timeline.

>>> from engram import Protocol, Encode, Release, Test, minute, hour
>>> protocol = Protocol(
...     Encode("scene", at=0, strength=0.4),
...     Release("dopamine", at=30 * minute, dose=1.0),
...     Test("scene", at=24 * hour),
... )
>>> protocol.traces
('scene',)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

AGENTS = ("protein_synthesis_inhibitor", "beta_blocker", "d1_d5_antagonist", "tdcs")


class ProtocolError(ValueError):
    """A protocol that cannot be run: the message says which event, which value, and what to do."""


def _number(event: object, name: str, low: float, high: float, rule: str) -> None:
    value = getattr(event, name)
    kind = type(event).__name__
    try:
        if isinstance(value, (str, bool)):
            raise TypeError
        number = float(complex(value).real)
    except (TypeError, ValueError):
        raise ProtocolError(f"{kind}: {name} is {value!r}, which is not a number; {rule}") from None
    if math.isnan(number) or not low <= number <= high:
        raise ProtocolError(f"{kind}: {name} is {value!r}; {rule}")


_BELOW_ONE = math.nextafter(1.0, 0.0)
_LATEST = 1e12
_TIME_RULE = "give a time of zero or more seconds, such as 30 * minute"


def _check_name(event: object, name: str) -> None:
    value = getattr(event, name)
    if not isinstance(value, str) or not value:
        raise ProtocolError(f"{type(event).__name__}: {name} is {value!r}; give a name as text")


@dataclass(frozen=True)
class Encode:
    """A trace is encoded at ``at`` (s) with median synaptic strength ``strength`` (−1 < s < 1, 1 = saturation)."""

    trace: str
    at: float = field(kw_only=True)
    strength: float = field(kw_only=True)

    def __post_init__(self) -> None:
        _check_name(self, "trace")
        _number(self, "at", 0, _LATEST, _TIME_RULE)
        _number(self, "strength", -_BELOW_ONE, _BELOW_ONE, "give a strength between -1 and 1, both excluded")


@dataclass(frozen=True)
class Release:
    """A neuromodulator is released at ``at`` (s); a dose of 1 of dopamine is full drive."""

    modulator: str
    at: float = field(kw_only=True)
    dose: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        _check_name(self, "modulator")
        _number(self, "at", 0, _LATEST, _TIME_RULE)
        _number(self, "dose", 0, 1e9, "give a dose of zero or more (1 = full)")


@dataclass(frozen=True)
class Reactivate:
    """A trace is cued at ``at`` (s) for ``duration`` (s).

    ``cue`` (0 to 1) is how complete the reminder is, ``prediction_error`` (0 to 1) how surprising its outcome.
    """

    trace: str
    at: float = field(kw_only=True)
    cue: float = field(default=0.9, kw_only=True)
    prediction_error: float = field(default=0.0, kw_only=True)
    duration: float = field(default=60.0, kw_only=True)

    def __post_init__(self) -> None:
        _check_name(self, "trace")
        _number(self, "at", 0, _LATEST, _TIME_RULE)
        _number(self, "cue", 0, 1, "give a cue between 0 and 1")
        _number(self, "prediction_error", 0, 1, "give a prediction error between 0 and 1")
        _number(self, "duration", 0, _LATEST, "give a duration of zero or more seconds")


@dataclass(frozen=True)
class Extinguish:
    """Extinction or interference at ``at`` (s): erases a fraction ``strength`` of what is labile and learns
    a competing trace of that strength, which decays on its own."""

    trace: str
    at: float = field(kw_only=True)
    strength: float = field(kw_only=True)

    def __post_init__(self) -> None:
        _check_name(self, "trace")
        _number(self, "at", 0, _LATEST, _TIME_RULE)
        _number(self, "strength", 0, 1, "give a strength between 0 and 1")


@dataclass(frozen=True)
class Intervene:
    """A drug or stimulation present from ``on`` to ``off`` (s).

    ``agent``: ``"protein_synthesis_inhibitor"`` (no production of proteins), ``"beta_blocker"`` (receptor beta),
    ``"d1_d5_antagonist"`` (receptor D1/D5) or ``"tdcs"`` (excitation–inhibition shift at encoding). ``dose`` is the
    fraction of receptors blocked, or for tdcs the size of the shift (negative = cathodal); it does not grade the
    protein-synthesis inhibitor, which is all or nothing.
    """

    agent: str
    on: float = field(kw_only=True)
    off: float = field(kw_only=True)
    dose: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        if self.agent not in AGENTS:
            raise ProtocolError(f"Intervene: unknown agent {self.agent!r}; use one of {', '.join(AGENTS)}")
        _check_interval(self)
        if self.agent == "tdcs":
            _number(self, "dose", -10, 10, "give an excitation-inhibition shift between -10 and 10")
        elif self.agent == "protein_synthesis_inhibitor":
            _number(self, "dose", 1, 1, "synthesis is blocked wholly; leave the dose at 1")
        else:
            _number(self, "dose", 0, 1, "give the fraction of receptors blocked, between 0 and 1")


@dataclass(frozen=True)
class Sleep:
    """Sleep from ``on`` to ``off`` (s). Adds the model's ``sleep_drive`` to the drive, which is 0 by default."""

    on: float = field(kw_only=True)
    off: float = field(kw_only=True)

    def __post_init__(self) -> None:
        _check_interval(self)


@dataclass(frozen=True)
class Test:
    """A trace is read at ``at`` (s); with ``reactivates`` the test is itself a reactivation with this ``cue``."""

    __test__ = False  # not a test case for test collectors

    trace: str
    at: float = field(kw_only=True)
    reactivates: bool = field(default=False, kw_only=True)
    cue: float = field(default=0.9, kw_only=True)

    def __post_init__(self) -> None:
        _check_name(self, "trace")
        _number(self, "at", 0, _LATEST, _TIME_RULE)
        _number(self, "cue", 0, 1, "give a cue between 0 and 1")


def _check_interval(event: Intervene | Sleep) -> None:
    _number(event, "on", 0, _LATEST, _TIME_RULE)
    _number(event, "off", 0, math.inf, _TIME_RULE)
    if not event.off > event.on:
        kind = type(event).__name__
        raise ProtocolError(f"{kind}: off is {event.off!r} and on is {event.on!r}; off must come after on")


Event: TypeAlias = Encode | Release | Reactivate | Extinguish | Intervene | Sleep | Test
_KINDS = (Encode, Release, Reactivate, Extinguish, Intervene, Sleep, Test)


def begins(event: Event) -> float:
    """The time (s) at which an event happens or sets in."""
    return event.on if isinstance(event, (Intervene, Sleep)) else event.at


@dataclass(frozen=True, init=False)
class Protocol:
    """Events on one timeline, in order of time; simultaneous ones act in the order written.

    Parameters
    ----------
    *events
        In any order.
    relatedness : mapping, optional
        ``{("scene", "shock"): 0.5}``: how far two traces share proteins (0 to 1, symmetric); unnamed pairs share none.
    categories : mapping, optional
        ``{"owl": "animals"}``: traces of one category share proteins by ``within_category``. A pair in
        ``relatedness`` must not lie within one category.
    within_category : float or mapping of category to float
        Relatedness within a category (0 to 1).

    Attributes
    ----------
    events : tuple
        In order of time.
    traces : tuple of str
        In order of first mention.

    Raises
    ------
    ProtocolError
        An event after the last Test, a trace cued or tested before it is encoded, an unknown trace in
        ``relatedness`` or ``categories``, a number outside its range.
    """

    events: tuple[Event, ...]
    relatedness: Mapping[tuple[str, str], float]
    categories: Mapping[str, str]
    within_category: Mapping[str, float]
    traces: tuple[str, ...]

    def __init__(
        self,
        *events: Event,
        relatedness: Mapping[tuple[str, str], float] | None = None,
        categories: Mapping[str, str] | None = None,
        within_category: float | Mapping[str, float] = 0.5,
    ) -> None:
        for event in events:
            if not isinstance(event, _KINDS):
                raise ProtocolError(
                    f"{event!r} is not an event; use {', '.join(kind.__name__ for kind in _KINDS)} "
                    "(did you forget a * before a list of events?)"
                )
        ordered = tuple(sorted(events, key=begins))
        traces = tuple(dict.fromkeys(event.trace for event in ordered if hasattr(event, "trace")))
        for name, given in (("relatedness", relatedness), ("categories", categories)):
            if given is not None and not isinstance(given, Mapping):
                raise ProtocolError(f"{name} is {given!r}; give a dictionary, such as {{('a', 'b'): 0.5}}")
        categories = dict(categories or {})
        if not isinstance(within_category, Mapping):
            within_category = dict.fromkeys(categories.values(), within_category)
        setters: dict[str, Any] = dict(
            events=ordered,
            traces=traces,
            relatedness=dict(relatedness or {}),
            categories=categories,
            within_category=dict(within_category),
        )
        for name, value in setters.items():
            object.__setattr__(self, name, value)
        self._check_order()
        self._check_relatedness()

    def _check_order(self) -> None:
        encoded: set[str] = set()
        last_test = max((event.at for event in self.events if isinstance(event, Test)), default=math.inf)
        for event in self.events:
            if begins(event) > last_test:
                raise ProtocolError(
                    f"{event} comes after the last Test at {last_test:g} s and could not change any result; "
                    "remove it, or add a Test after it"
                )
            if isinstance(event, Encode):
                encoded.add(event.trace)
            elif isinstance(event, (Reactivate, Extinguish, Test)) and event.trace not in encoded:
                known = ", ".join(sorted(encoded)) or "none yet"
                raise ProtocolError(
                    f"{event}: the trace {event.trace!r} is not encoded by then (encoded: {known}); "
                    "add an Encode before it or correct the name"
                )

    def _check_relatedness(self) -> None:
        known = set(self.traces)
        seen: set[frozenset[str]] = set()
        for pair, value in self.relatedness.items():
            if not (isinstance(pair, tuple) and len(pair) == 2):
                raise ProtocolError(f"relatedness: {pair!r} is not a pair of traces; write {{('a', 'b'): 0.5}}")
            for name in pair:
                if name not in known:
                    raise ProtocolError(f"relatedness: unknown trace {name!r}; the protocol has {sorted(known)}")
            if pair[0] == pair[1]:
                raise ProtocolError(f"relatedness: {pair!r} pairs a trace with itself, which is always 1; remove it")
            if frozenset(pair) in seen:
                raise ProtocolError(f"relatedness: the pair {pair!r} is given twice; keep one")
            seen.add(frozenset(pair))
            first = self.categories.get(pair[0])
            if first is not None and first == self.categories.get(pair[1]):
                raise ProtocolError(f"relatedness: {pair!r} lie in the same category {first!r}; give one or the other")
            _check_fraction(f"relatedness of {pair!r}", value)
        for name in self.categories:
            if name not in known:
                raise ProtocolError(f"categories: unknown trace {name!r}; the protocol has {sorted(known)}")
        for category in dict.fromkeys(self.categories.values()):
            if category not in self.within_category:
                raise ProtocolError(f"within_category: no value for the category {category!r}; add one")
        for category, value in self.within_category.items():
            _check_fraction(f"within_category of {category!r}", value)

    def shifted(self, by: float) -> Protocol:
        """The same protocol with every time later by ``by`` seconds."""
        moved = []
        for event in self.events:
            names = [name.name for name in fields(event) if name.name in ("at", "on", "off")]
            moved.append(replace(event, **{name: getattr(event, name) + by for name in names}))
        return Protocol(
            *moved,
            relatedness=self.relatedness,
            categories=self.categories,
            within_category=self.within_category,
        )


def _check_fraction(what: str, value: object) -> None:
    number = complex(value).real if isinstance(value, (int, float, complex)) else math.nan
    if isinstance(value, bool) or not 0 <= number <= 1:
        raise ProtocolError(f"{what} is {value!r}; give a number between 0 and 1")
