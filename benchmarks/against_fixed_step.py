"""How many times faster than a loop with a fixed time step, compiled with numba as one would write it.

The loop goes from event to event in equal steps, Euler's or the classical Runge–Kutta method, and tests tag and
synthesis in every evaluation of the equations. Its step is halved until the strength at the test is within 1e-6 of the
exact one in every experiment; the faster of the two methods counts. It is compiled in every run, for it holds the
model's defaults as constants; compilation is not timed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numba
import numpy as np

from engram import Batch, ThresholdCapture
from engram.neuromodulation import DOPAMINE

from .experiment import experiments
from .measurement import Measurement, processor_time

ACCURACY = 1e-6
LARGEST_STEP = 64.0
SMALLEST_STEP = 2.0**-12
MODEL = ThresholdCapture()
TAU_EARLY, TAU_ELIGIBILITY, TAU_PROTEIN = MODEL.tau_early, MODEL.tau_eligibility, MODEL.tau_protein
TAU_LATE, TAU_LABILE, TAU_DRIVE = MODEL.tau_late, MODEL.tau_labile, DOPAMINE.drive_clearance
THRESHOLD, EPSILON, AMBIENT = MODEL.tag_threshold, MODEL.epsilon, MODEL.ambient_activity
MIDPOINT, WIDTH = MODEL.completion_midpoint, MODEL.completion_slope
WEIGHT, CONVERSION = DOPAMINE.drive_weight, DOPAMINE.conversion
LABILITY_TIME, SURPRISE = MODEL.lability_time, MODEL.surprise_drive


@numba.njit
def slopes(early, eligibility, protein, late, labile, drive):  # type: ignore[no-untyped-def]
    """The right-hand side, with its thresholds."""
    produced = 1.0 if (AMBIENT + early) * (drive + EPSILON) > 1.0 else 0.0
    capture = 1.0 - late - labile if early > THRESHOLD else 0.0
    return (
        -early / TAU_EARLY,
        -eligibility / TAU_ELIGIBILITY,
        (produced - protein) / TAU_PROTEIN,
        protein * (capture + labile) / TAU_LATE,
        -labile / TAU_LABILE - protein * labile / TAU_LATE,
        -drive / TAU_DRIVE,
    )


@numba.njit
def euler(e, c, p, z, u, m, span, longest):  # type: ignore[no-untyped-def]
    """Euler's method over ``span`` s in equal steps of at most ``longest`` s."""
    steps = int(np.ceil(span / longest))
    h = span / steps
    for _ in range(steps):
        de, dc, dp, dz, du, dm = slopes(e, c, p, z, u, m)
        e, c, p, z, u, m = e + h * de, c + h * dc, p + h * dp, z + h * dz, u + h * du, m + h * dm
    return e, c, p, z, u, m


@numba.njit
def runge_kutta(e, c, p, z, u, m, span, longest):  # type: ignore[no-untyped-def]
    """The classical Runge–Kutta method over ``span`` s in equal steps of at most ``longest`` s."""
    steps = int(np.ceil(span / longest))
    h = span / steps
    for _ in range(steps):
        e1, c1, p1, z1, u1, m1 = slopes(e, c, p, z, u, m)
        g = 0.5 * h
        e2, c2, p2, z2, u2, m2 = slopes(e + g * e1, c + g * c1, p + g * p1, z + g * z1, u + g * u1, m + g * m1)
        e3, c3, p3, z3, u3, m3 = slopes(e + g * e2, c + g * c2, p + g * p2, z + g * z2, u + g * u2, m + g * m2)
        e4, c4, p4, z4, u4, m4 = slopes(e + h * e3, c + h * c3, p + h * p3, z + h * z3, u + h * u3, m + h * m3)
        g = h / 6.0
        e += g * (e1 + 2.0 * (e2 + e3) + e4)
        c += g * (c1 + 2.0 * (c2 + c3) + c4)
        p += g * (p1 + 2.0 * (p2 + p3) + p4)
        z += g * (z1 + 2.0 * (z2 + z3) + z4)
        u += g * (u1 + 2.0 * (u2 + u3) + u4)
        m += g * (m1 + 2.0 * (m2 + m3) + m4)
    return e, c, p, z, u, m


@numba.njit
def carried(e, c, p, z, u, m, span, longest, fourth_order):  # type: ignore[no-untyped-def]
    """From one event to the next by the chosen method."""
    if fourth_order:
        return runge_kutta(e, c, p, z, u, m, span, longest)
    return euler(e, c, p, z, u, m, span, longest)


@numba.njit
def strength_at_test(experiment, longest, fourth_order):  # type: ignore[no-untyped-def]
    """Strength at the test of one experiment (a row of numbers, as in ``Experiment``)."""
    strength, released, dose, reactivated, cue, error, duration, tested = experiment
    state = carried(strength, strength, 0.0, 0.0, 0.0, 0.0, released, longest, fourth_order)
    e, c, p, z, u, m = state
    m += WEIGHT * dose
    e += (1.0 - np.exp(-CONVERSION * dose * c)) * (1.0 - e)
    e, c, p, z, u, m = carried(e, c, p, z, u, m, reactivated - released, longest, fourth_order)
    fraction = cue / (1.0 + np.exp(-(e + z + u - MIDPOINT) / WIDTH))
    e += fraction * (1.0 - e)
    c += fraction * (1.0 - c)
    freed = fraction * (1.0 - np.exp(-error * duration / LABILITY_TIME)) * z
    e, c, p, z, u, m = carried(
        e, c, p, z - freed, u + freed, m + SURPRISE * error, tested - reactivated, longest, fourth_order
    )
    return e + z + u


@numba.njit
def strengths(table, longest, fourth_order):  # type: ignore[no-untyped-def]
    """Strength at the test of every experiment."""
    out = np.empty(table.shape[0])
    for row in range(table.shape[0]):
        out[row] = strength_at_test(table[row], longest, fourth_order)
    return out


def largest_step(table: np.ndarray, expected: np.ndarray, fourth_order: bool) -> float:
    """The step (s) that reaches the accuracy, by halving; NaN where the smallest one does not."""
    step = LARGEST_STEP
    while step >= SMALLEST_STEP:
        if np.max(np.abs(strengths(table, step, fourth_order) / expected - 1.0)) <= ACCURACY:
            return step
        step /= 2.0
    return math.nan


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Find the step of both methods, and time them and this library on the same experiments."""
    drawn = experiments(2 if quick else 4)
    table = np.array(drawn)
    batch = Batch([experiment.protocol() for experiment in drawn] * (2000 // len(drawn)))
    expected = MODEL.strengths(batch)[: len(drawn)]
    mine = processor_time(lambda: MODEL.strengths(batch)) / len(batch.protocols)
    times = {}
    for name, fourth_order in (("Runge-Kutta", True), ("Euler", False)):
        step = largest_step(table, expected, fourth_order)
        yield Measurement("against fixed step", f"{name}, largest step for 1e-6", step, "s")
        if not math.isnan(step):
            again = partial(strengths, table, step, fourth_order)
            once = processor_time(again, repeats=3 if fourth_order else 1)
            times[name] = once / len(drawn)
            yield Measurement("against fixed step", f"{name}, time", times[name] * 1e6, "us/protocol")
    yield Measurement("against fixed step", "this library, time", mine * 1e6, "us/protocol")
    best = min(times, key=times.__getitem__)
    yield Measurement("against fixed step", f"{best} / this library", times[best] / mine, "times", ">= 100")
