"""Largest difference of every model from a tight adaptive integrator (rtol 1e-12), relative to the larger of the value
and 1e-3."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from engram import (
    ConsolidationModel,
    Encode,
    EncodingOnly,
    Intervene,
    LinearCapture,
    Protocol,
    Reactivate,
    Release,
    Sleep,
    ThresholdCapture,
    day,
    hour,
    minute,
    neuromodulation,
)
from engram.protocol import Event
from tests.oracle import memory_trace

from .experiment import experiments
from .measurement import Measurement

SMALLEST = 1e-3
READ_AT = [2 * hour, 12 * hour, 3 * day, 30 * day]
NORADRENALINE = dataclasses.replace(
    neuromodulation.NORADRENALINE, encoding_gain=0.7, drive_weight=0.8, drive_clearance=5 * hour, conversion=1.5
)
MODELS = [
    kind(
        durable_fraction=0.1, strength_spread=spread, nodes=4, forgetting_exponent=0.2,
        neuromodulators=neuromodulation.table(NORADRENALINE),
    )
    for kind in (ThresholdCapture, LinearCapture, EncodingOnly)
    for spread in (0.0, 0.4)
]  # fmt: skip


def sessions(number: int) -> Iterator[list[Event]]:
    """Two related traces with releases, a reactivation, an intervention and sleep, drawn."""
    for index, drawn in enumerate(experiments(number, seed=2)):
        onset = drawn.reactivated_at
        yield [
            Encode("scene", at=0, strength=drawn.strength),
            Encode("shock", at=10 * minute, strength=-drawn.strength if index % 2 else 0.9),
            Release("dopamine", at=drawn.released_at, dose=drawn.dose),
            Release("noradrenaline", at=drawn.released_at + 5 * minute, dose=drawn.cue),
            Reactivate("scene", at=onset, cue=drawn.cue, prediction_error=drawn.prediction_error),
            Intervene("protein_synthesis_inhibitor", on=onset + hour, off=onset + 3 * hour),
            Sleep(on=onset + 4 * hour, off=onset + 12 * hour),
        ]


def largest_difference(model: ConsolidationModel, events: list[Event]) -> float:
    """Over early, late, labile, protein and strength of every trace at every time of ``READ_AT``."""
    related = {("scene", "shock"): 0.5}
    table = model.run(Protocol(*events, relatedness=related)).table(READ_AT)
    scores, weights = model.quadrature()
    slow = memory_trace.simulate(model, events, READ_AT, relatedness=related, scores=scores, weights=weights)
    worst = 0.0
    for place, trace in enumerate(slow.traces):
        mine = table[table.trace == trace]
        for name in ("early", "late", "labile", "protein", "strength"):
            expected = getattr(slow, name)[:, place]
            if expected.ndim == 2:
                expected = expected @ weights
            difference = np.abs(mine[name].to_numpy() - expected) / np.maximum(np.abs(expected), SMALLEST)
            worst = max(worst, float(difference.max()))
    return worst


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Compare every model with and without spread."""
    number = 2 if quick else 12
    for model in MODELS:
        nodes = len(model.quadrature()[0])
        worst = max(largest_difference(model, events) for events in sessions(number))
        name = f"{type(model).__name__}, {nodes} node{'s' if nodes > 1 else ''}"
        yield Measurement("accuracy", name, worst, "relative", "<= 1e-10")
