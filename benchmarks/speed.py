"""Microseconds of processor time per protocol (one trace, one release, one reactivation, read at 24 h), in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from engram import Batch, EncodingOnly, LinearCapture, ThresholdCapture
from engram.consolidation.heterogeneity import RECOMMENDED_NODES

from .experiment import experiments
from .measurement import Measurement, processor_time

PROTOCOLS = 20_000
SPREAD = 0.4

MODELS = {
    "ThresholdCapture, 1 node": (ThresholdCapture(), "<= 2"),
    "ThresholdCapture, 16 nodes": (ThresholdCapture(strength_spread=SPREAD, nodes=16), "<= 30"),
    f"ThresholdCapture, {RECOMMENDED_NODES} nodes": (
        ThresholdCapture(strength_spread=SPREAD, nodes=RECOMMENDED_NODES),
        "<= 30",
    ),
    "LinearCapture, 1 node": (LinearCapture(), ""),
    "LinearCapture, 16 nodes": (LinearCapture(strength_spread=SPREAD, nodes=16), ""),
    "EncodingOnly, 1 node": (EncodingOnly(), ""),
}


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Time every model on one batch."""
    number = PROTOCOLS // 10 if quick else PROTOCOLS
    batch = Batch([experiment.protocol() for experiment in experiments(number)])
    for name, (model, target) in MODELS.items():
        taken = processor_time(partial(model.strengths, batch), repeats=3 if quick else 9)
        yield Measurement("speed", name, taken / number * 1e6, "us/protocol", target)
