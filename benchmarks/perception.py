"""Visual learning: milliseconds for a closed-form curve and seconds for simulated observers, processor time.

A curve is 181 offsets at 4 times with 2 × 500 units, from a protocol of one encoding session and eight reactivation
sessions, run included. An experiment is 20 observers × 8 days × 200 trials × 2 areas × 500 units, one response a trial;
two intervals make twice as many responses. The ratio is to dense matrices, one solve per area, time and offset.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from engram import day
from engram.perception import Staircase, VisualReactivation, designs
from engram.perception.curves import generalisation
from engram.perception.designs import FIRST
from engram.perception.trials import simulate_experiment

from .measurement import Measurement, processor_time

OFFSETS = np.linspace(-90, 90, 181)
WHEN = [0.0, 9 * day, 15 * day, 23 * day]
DAYS = [FIRST + (number + 0.5) * day for number in range(8)]


def dense(model: VisualReactivation, offsets: np.ndarray) -> np.ndarray:
    """The same curve from full covariance matrices."""
    shape = model.shape(designs.reactivation(), WHEN)
    total = np.zeros((len(WHEN), len(offsets)))
    for area, gains in ((model.evc, shape.evc), (model.ips, shape.ips)):
        for row, gain in enumerate(gains):
            for column, offset in enumerate(offsets):
                slope = gain * area.slopes(np.asarray(offset))
                total[row, column] += slope @ np.linalg.solve(area.covariance(offset, gain), slope)
    return model.criterion / np.sqrt(model._used(total))


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Curve, table, experiment, staircase, and how well closed form and simulation agree."""
    model, protocol = VisualReactivation(), designs.reactivation()
    repeats = 20 if quick else 200
    taken = processor_time(partial(model.thresholds, protocol, OFFSETS, WHEN), repeats)
    yield Measurement("perception", "curve of 181 offsets at 4 times", taken * 1e3, "ms", "<= 2")
    table = processor_time(partial(generalisation, model, OFFSETS, WHEN), repeats // 4)
    yield Measurement("perception", "the same as a table with its controls", table * 1e3, "ms")
    few = OFFSETS[:: 90 if quick else 45]
    slow = processor_time(partial(dense, model, few), 1) * len(OFFSETS) / len(few)
    yield Measurement("perception", "dense matrices over closed form", slow / taken, "x")
    worst = float(np.abs(model.thresholds(protocol, few, WHEN) / dense(model, few) - 1).max())
    yield Measurement("perception", "closed form against dense matrices", worst, "relative", "<= 1e-9")
    for intervals, target in ((1, "<= 2"), (2, "")):
        run = partial(simulate_experiment, model, protocol, DAYS, intervals=intervals)
        name = f"simulated experiment, {intervals} interval{'s' if intervals > 1 else ''} a trial"
        yield Measurement("perception", name, processor_time(run, 1 if quick else 3), "s", target)
    observers = 40 if quick else 400
    found = simulate_experiment(model, protocol, DAYS, observers=observers, seed=7)
    ratio = np.exp(np.log(found / model.thresholds(protocol, [0.0], DAYS)[:, 0]).mean(axis=0))
    name = f"simulated threshold, worst of 8 days ({observers} obs.)"
    yield Measurement("perception", name, float(np.abs(ratio - 1).max()) * 100, "% off", "" if quick else "<= 3")
    staircase = Staircase()
    made = staircase.behaviour()
    yield Measurement("perception", "2-down-1-up, step 0.05: bias", (math.exp(made.bias) - 1) * 100, "% of threshold")
    yield Measurement("perception", "2-down-1-up, step 0.05: spread of a run", made.spread, "ln units")
