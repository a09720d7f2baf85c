"""A protocol as the slow oracle of memory traces reads it: steps in time, traces, and what they share."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

BLOCKERS = {"beta_blocker": "beta", "d1_d5_antagonist": "D1/D5"}
AGENTS = (*BLOCKERS, "protein_synthesis_inhibitor", "tdcs")


def steps_in_time(events: list[Any]) -> list[tuple[float, str, Any]]:
    """(time, action, event) in stable order of time; Intervene and Sleep become an "on" and an "off"."""
    steps: list[tuple[float, str, Any]] = []
    for event in events:
        kind = type(event).__name__
        if kind == "Intervene" and event.agent not in AGENTS:
            raise ValueError(f"The agent {event.agent!r} is unknown.")
        if kind in ("Intervene", "Sleep"):
            steps += [(float(event.on), "on", event), (float(event.off), "off", event)]
        elif kind in ("Encode", "Release", "Reactivate", "Extinguish", "Test"):
            steps.append((float(event.at), kind, event))
        else:
            raise ValueError(f"An event of class {kind} is unknown.")
    return sorted(steps, key=lambda step: step[0])


def names_of_traces(events, relatedness, categories) -> list[str]:
    named = [event.trace for event in events if hasattr(event, "trace")]
    named += [name for pair in relatedness for name in pair]
    return list(dict.fromkeys([*named, *categories]))


def kinship_matrix(traces, relatedness, categories, within_category) -> np.ndarray:
    kinship = np.eye(len(traces))
    for i, j in permutations(range(len(traces)), 2):
        one, other = traces[i], traces[j]
        if one in categories and other in categories and categories[one] == categories[other]:
            kinship[i, j] = within_category
        for pair in ((one, other), (other, one)):
            if pair in relatedness:  # Choice: a pair given explicitly wins over its category, both ways.
                kinship[i, j] = relatedness[pair]
    return kinship
