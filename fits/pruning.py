"""What of a design can change the observations: the rest need not be run.

A trace matters where it is observed, and where its early phase adds to the activity of one that matters. It does so
through its own events only, unless it is reactivated: then through its strength, and so through all related to it.
Where nothing is captured activity does nothing, and traces are on their own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from engram.protocol import Encode, Extinguish, Protocol, Reactivate, Test, begins

from .design import Design


def pruned(design: Design, observed: Collection[int], captures: bool = True) -> tuple[Design, dict[int, int]]:
    """The design without the traces and Tests that no observation depends on.

    Parameters
    ----------
    design : Design
    observed : collection of int
        The Tests that observations use, by their number among the Tests of the design.
    captures : bool
        Whether the model captures proteins; if not, relatedness is left out as well.

    Returns
    -------
    design : Design
        Gives the observed Tests the same strengths up to rounding (a read that is left out splits no span).
    number : dict of int to int
        The number of each observed Test among those of the new design.
    """
    if not captures:
        alone = Protocol(*design.protocol.events)
        design = replace(design, protocol=alone, within={}, pairs={})
    events = design.protocol.events
    tests = [k for k, event in enumerate(events) if isinstance(event, Test)]
    wanted = {tests[number] for number in observed}
    if not wanted:
        return design, {}
    matter = _that_matter(design, {events[k].trace for k in wanted})  # type: ignore[union-attr]
    last = max(events[k].at for k in wanted)  # type: ignore[union-attr]
    kept = []
    for k, event in enumerate(events):
        if isinstance(event, Test):
            keep = k in wanted or (event.reactivates and event.trace in matter and event.at <= last)
        elif isinstance(event, (Encode, Reactivate, Extinguish)):
            keep = event.trace in matter and event.at <= last
        else:
            keep = begins(event) <= last
        if keep:
            kept.append(k)
    place = {k: number for number, k in enumerate(kept)}
    names = {event.trace for event in (events[k] for k in kept) if hasattr(event, "trace")}
    categories = {name: own for name, own in design.protocol.categories.items() if name in names}
    shared = set(categories.values())
    protocol = Protocol(
        *(events[k] for k in kept),
        relatedness={pair: v for pair, v in design.protocol.relatedness.items() if names.issuperset(pair)},
        categories=categories,
        within_category={name: v for name, v in design.protocol.within_category.items() if name in shared},
    )
    changed = replace(
        design,
        protocol=protocol,
        slots=tuple(replace(slot, event=place[slot.event]) for slot in design.slots if slot.event in place),
        within={name: parameter for name, parameter in design.within.items() if name in shared},
        pairs={pair: parameter for pair, parameter in design.pairs.items() if names.issuperset(pair)},
    )
    left = [k for k in kept if isinstance(events[k], Test)]
    return changed, {number: left.index(tests[number]) for number in observed}


def _that_matter(design: Design, observed: Collection[str]) -> set[str]:
    events = design.protocol.events
    related: dict[str, set[str]] = {name: set() for name in design.protocol.traces}
    for one, other in design.protocol.relatedness:
        related[one].add(other)
        related[other].add(one)
    members: dict[str, list[str]] = {}
    for name, category in design.protocol.categories.items():
        members.setdefault(category, []).append(name)
    for group in members.values():
        for name in group:
            related[name].update(other for other in group if other != name)
    surprising = {slot.event for slot in design.slots if slot.column == 1}
    cued = {e.trace for e in events if isinstance(e, Reactivate) or (isinstance(e, Test) and e.reactivates)}
    # a surprise drives synthesis everywhere; the first event starts the clock
    matter = {
        e.trace for k, e in enumerate(events) if isinstance(e, Reactivate) and (e.prediction_error or k in surprising)
    }
    first = next((e for e in events if not isinstance(e, Test)), None)
    if isinstance(first, Encode):
        matter.add(first.trace)
    whole = list(observed)  # traces whose strength matters; of others only the early phase does
    seen = set(whole)
    while whole:
        name = whole.pop()
        for other in related[name]:
            matter.add(other)
            if other in cued and other not in seen:
                seen.add(other)
                whole.append(other)
    return matter | seen
