"""How many times faster than SciPy's ``solve_ivp``, used as one would: equations written down, one call from event to
event, crossings of tag and synthesis found as terminal events, at rtol 1e-8; the fastest of its methods."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from engram import Batch, ThresholdCapture
from engram.neuromodulation import DOPAMINE

from .experiment import Experiment, experiments
from .measurement import Measurement, processor_time

METHODS = ("RK45", "DOP853", "LSODA", "Radau", "BDF")
EARLY, ELIGIBILITY, PROTEIN, LATE, LABILE, DRIVE = range(6)  # dopamine and surprise clear alike: one drive
MODEL = ThresholdCapture()


def tag_crossing(time: float, y: np.ndarray, tagged: bool, produced: bool) -> float:
    """Zero where the tag expires."""
    return float(y[EARLY] - MODEL.tag_threshold)


def synthesis_crossing(time: float, y: np.ndarray, tagged: bool, produced: bool) -> float:
    """Zero where synthesis stops."""
    return float((MODEL.ambient_activity + y[EARLY]) * (y[DRIVE] + MODEL.epsilon) - 1.0)


tag_crossing.terminal = synthesis_crossing.terminal = True  # type: ignore[attr-defined]
tag_crossing.direction = synthesis_crossing.direction = -1  # type: ignore[attr-defined]


def slope(time: float, y: np.ndarray, tagged: bool, produced: bool) -> list[float]:
    """The right-hand side between two events or crossings."""
    early, eligibility, protein, late, labile, drive = y
    capture = 1.0 - late - labile if tagged else 0.0
    return [
        -early / MODEL.tau_early,
        -eligibility / MODEL.tau_eligibility,
        (-protein + produced) / MODEL.tau_protein,
        protein * (capture + labile) / MODEL.tau_late,
        -labile / MODEL.tau_labile - protein * labile / MODEL.tau_late,
        -drive / DOPAMINE.drive_clearance,
    ]


def integrate(y: np.ndarray, begin: float, end: float, method: str) -> np.ndarray:
    """Carry the state from one event to the next."""
    tagged, produced = y[EARLY] > MODEL.tag_threshold, synthesis_crossing(begin, y, False, False) > 0.0
    while begin < end:
        crossings = [tag_crossing] * bool(tagged) + [synthesis_crossing] * bool(produced)
        flags = (bool(tagged), bool(produced))
        solution: Any = solve_ivp(
            slope, (begin, end), y, method=method, events=crossings, args=flags, rtol=1e-8, atol=1e-10
        )  # type: ignore[call-overload]
        begin, y = float(solution.t[-1]), solution.y[:, -1]
        if solution.status != 1:
            break
        for crossing, found in zip(crossings, solution.t_events, strict=True):
            if len(found):
                tagged = tagged and crossing is not tag_crossing
                produced = produced and crossing is not synthesis_crossing
    return y


def solve(experiment: Experiment, method: str) -> float:
    """Strength at the test."""
    x = experiment
    y = np.zeros(6)
    y[EARLY] = y[ELIGIBILITY] = x.strength
    y = integrate(y, 0.0, x.released_at, method)
    y[DRIVE] += DOPAMINE.drive_weight * x.dose
    y[EARLY] += -math.expm1(-DOPAMINE.conversion * x.dose * y[ELIGIBILITY]) * (1.0 - y[EARLY])
    y = integrate(y, x.released_at, x.reactivated_at, method)
    strength = y[EARLY] + y[LATE] + y[LABILE]
    fraction = x.cue / (1.0 + math.exp(-(strength - MODEL.completion_midpoint) / MODEL.completion_slope))
    y[EARLY] += fraction * (1.0 - y[EARLY])
    y[ELIGIBILITY] += fraction * (1.0 - y[ELIGIBILITY])
    freed = -fraction * math.expm1(-x.prediction_error * x.duration / MODEL.lability_time) * y[LATE]
    y[LABILE] += freed
    y[LATE] -= freed
    y[DRIVE] += MODEL.surprise_drive * x.prediction_error
    y = integrate(y, x.reactivated_at, x.tested_at, method)
    return float(y[EARLY] + y[LATE] + y[LABILE])


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Time every method and this library on the same experiments."""
    assert MODEL.surprise_clearance == DOPAMINE.drive_clearance
    drawn = experiments(3 if quick else 10)
    batch = Batch([experiment.protocol() for experiment in drawn] * (2000 // len(drawn)))
    expected = MODEL.strengths(batch)[: len(drawn)]
    mine = processor_time(lambda: MODEL.strengths(batch)) / len(batch.protocols)
    times, errors = {}, {}
    for method in METHODS:
        taken, found = [], []
        for experiment in drawn:
            begin = time.thread_time()
            found.append(solve(experiment, method))
            taken.append(time.thread_time() - begin)
        times[method] = statistics.median(taken)
        errors[method] = float(np.max(np.abs(np.array(found) / expected - 1.0)))
        yield Measurement("against scipy", f"{method}, time", times[method] * 1e3, "ms/protocol")
        yield Measurement("against scipy", f"{method}, error", errors[method], "relative")
    best = min(times, key=times.__getitem__)
    yield Measurement("against scipy", "this library, time", mine * 1e6, "us/protocol")
    yield Measurement("against scipy", f"{best} / this library", times[best] / mine, "times", ">= 2000")
