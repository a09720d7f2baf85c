"""The event loop that every consolidation model shares.

Between events nothing is stepped: each trace is carried forward only when an event concerns it or a trace related to
it (lazily), in one leap through the segments in which the drive is a sum of decaying exponentials. What a leap does to
proteins, late and labile strength is the model's own, in its ``capture``; everything else is here, with the symbols
and jumps of :mod:`engram.consolidation`.

The functions from ``advance`` on are templates: ``bind`` compiles a copy for each model, in which the names
``capture`` and ``tag_of`` stand for the model's compiled rules. The work arrays are mutated in place; nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._jit import specialise
from .batch import ENCODE, EXTINGUISH, REACTIVATE, READ, RECEPTOR, RELEASE, SLEEP, STIMULATION, SYNTHESIS
from .state import (
    CLEARANCE,
    COMPETING,
    CONVERSION,
    DIRECTION,
    DRIVE_CLEARANCE,
    DRIVE_WEIGHT,
    EARLY,
    ELIGIBILITY,
    ENCODING_GAIN,
    LABILE,
    LABILITY_GAIN,
    LATE,
    NEGLIGIBLE,
    OK,
    PROTEIN,
    RETRIEVAL_GAIN,
    STRENGTH,
    SYNTHESIS_GATE,
    TAG,
    Drive,
    dose_response,
    encode,
    mean_magnitude,
    new_segment,
    new_traces,
    present_effect,
    reactivate,
    rest,
    strength_of,
)


def advance(parameters, traces, drive, trace, last, now):  # type: ignore[no-untyped-def]
    """Carry one trace to ``now``, segment by segment of the drive."""
    status = OK
    while traces.time[trace] < now:
        segment = traces.segment[trace]
        end = now
        if segment < last and drive.start[segment + 1] < now:
            end = drive.start[segment + 1]
        span = end - traces.time[trace]
        if span > 0.0:
            since = traces.time[trace] - drive.start[segment]
            for k in range(drive.rate.shape[0]):
                left = drive.amplitude[segment, k]
                if left != 0.0 and since > 0.0:
                    left = left * np.exp(-since * drive.rate[k])
                drive.now[k] = left
            early_decay = np.exp(-span / parameters.tau_early)
            result = capture(
                parameters, traces, trace, span, early_decay, drive.constant[segment], drive.blocked[segment], drive
            )
            if result != OK:
                status = result
            traces.activity[trace] *= early_decay
            if traces.competing[trace] != 0.0:
                traces.competing[trace] *= np.exp(-span / parameters.tau_competing)
            eligible_decay = 0.0 * early_decay
            if traces.eligibility[trace, 0] != 0.0:
                eligible_decay = np.exp(-span / parameters.tau_eligibility)
            for node in range(traces.early.shape[1]):
                traces.early[trace, node] *= early_decay
                traces.eligibility[trace, node] *= eligible_decay
            traces.time[trace] = end
        if segment < last and drive.start[segment + 1] <= end:
            traces.segment[trace] = segment + 1
    return status


def relate(parameters, traces, drive, timeline, first, trace, change, last, now):  # type: ignore[no-untyped-def]
    """Add a jump ``change`` of a trace's mean |e| to the activity of all traces related to it."""
    status = OK
    traces.activity[trace] += change
    category = timeline.category[first + trace]
    if category >= 0:
        share = timeline.within[category] * change
        for index in range(timeline.member_start[category], timeline.member_start[category + 1]):
            other = timeline.member[index]
            if other != trace:
                status = max(status, advance(parameters, traces, drive, other, last, now))
                traces.activity[other] += share
    for index in range(timeline.pair_start[first + trace], timeline.pair_start[first + trace + 1]):
        other = timeline.pair_trace[index]
        status = max(status, advance(parameters, traces, drive, other, last, now))
        traces.activity[other] += timeline.pair_value[index] * change
    return status


def write(parameters, traces, trace, weights, strength, out):  # type: ignore[no-untyped-def]
    """Write the weighted means of a trace's state into one output row."""
    out[:] = 0.0
    for node in range(weights.shape[0]):
        out[EARLY] += weights[node] * traces.early[trace, node]
        out[TAG] += weights[node] * tag_of(parameters, traces.early[trace, node], traces.tag[trace, node])
        out[LATE] += weights[node] * traces.late[trace, node]
        out[LABILE] += weights[node] * traces.labile[trace, node]
        out[ELIGIBILITY] += weights[node] * traces.eligibility[trace, node]
    out[PROTEIN] = traces.protein[trace]
    out[COMPETING] = traces.competing[trace]
    out[STRENGTH] = strength


def simulate(parameters, modulators, timeline, scores, weights, out):  # type: ignore[no-untyped-def]
    """Run every protocol of a timeline.

    Parameters
    ----------
    parameters : NamedTuple of the model's parameters
    modulators : (modulators, columns) table, see the column names above
    timeline : Timeline
    scores, weights : (nodes,) heterogeneity nodes
    out : (rows, outputs) array, filled

    Returns
    -------
    (status, protocol) : the first failure and the protocol in which it happened
    """
    n_modulators = modulators.shape[0]
    n_protocols = timeline.event_start.shape[0] - 1
    zero = 0.0 * (parameters.tau_early + modulators[0, 0] + timeline.value[0, 0])
    most_events = 0
    most_traces = 0
    for protocol in range(n_protocols):
        most_events = max(most_events, timeline.event_start[protocol + 1] - timeline.event_start[protocol])
        most_traces = max(most_traces, timeline.trace_start[protocol + 1] - timeline.trace_start[protocol])
    nodes = weights.shape[0]
    traces = new_traces(most_traces, nodes, zero, 0.0)
    drive = Drive(
        np.zeros(most_events + 1),
        np.full(most_events + 1, zero),
        np.zeros(most_events + 1, np.int64),
        np.full((most_events + 1, n_modulators + 1), zero),
        np.full(n_modulators + 1, zero),
        np.full(n_modulators + 1, zero),
    )
    for k in range(n_modulators):
        drive.rate[k] = 1.0 / modulators[k, DRIVE_CLEARANCE]
    drive.rate[n_modulators] = 1.0 / parameters.surprise_clearance
    concentration = np.full(n_modulators, zero)
    released = np.zeros(n_modulators)
    receptor = np.full(n_modulators, zero)
    eligible = np.zeros(most_traces, np.int64)
    is_eligible = np.zeros(most_traces, np.bool_)

    for protocol in range(n_protocols):
        begin = timeline.event_start[protocol]
        end = timeline.event_start[protocol + 1]
        first = timeline.trace_start[protocol]
        if begin == end:
            continue
        start = timeline.time[begin]
        rest(traces, timeline.trace_start[protocol + 1] - first, start)
        drive.start[0] = start
        drive.constant[0] = parameters.baseline_drive
        drive.blocked[0] = 0
        drive.amplitude[0, :] = 0.0
        concentration[:] = 0.0
        receptor[:] = 0.0
        is_eligible[:] = False
        n_eligible = 0
        last = 0
        stimulation = zero
        status = OK

        for event in range(begin, end):
            now = timeline.time[event]
            kind = timeline.kind[event]
            target = timeline.target[event]
            a = timeline.value[event, 0]

            if kind == READ or kind == ENCODE or kind == REACTIVATE or kind == EXTINGUISH:
                status = max(status, advance(parameters, traces, drive, target, last, now))

            if kind == READ:
                row = timeline.row[event]
                if row >= 0:
                    shift = present_effect(modulators, RETRIEVAL_GAIN, concentration, released, receptor, now)
                    strength = strength_of(parameters, traces, target, weights, now, shift)
                    write(parameters, traces, target, weights, strength, out[row])

            elif kind == ENCODE or kind == REACTIVATE:
                before = mean_magnitude(traces.early, target, weights)
                if kind == ENCODE:
                    gain = present_effect(modulators, ENCODING_GAIN, concentration, released, receptor, now)
                    exponent = 1.0 + gain + parameters.stimulation_gain * stimulation
                    encode(parameters, traces, target, scores, a, exponent)
                    traces.encoded[target] = now
                else:
                    shift = present_effect(modulators, RETRIEVAL_GAIN, concentration, released, receptor, now)
                    strength = strength_of(parameters, traces, target, weights, now, shift)
                    gain = present_effect(modulators, LABILITY_GAIN, concentration, released, receptor, now)
                    error = timeline.value[event, 1]
                    reactivate(parameters, traces, target, strength, a, error, timeline.value[event, 2], gain)
                    if error != 0.0 and parameters.surprise_drive != 0.0:
                        last = new_segment(drive, last, now)
                        drive.amplitude[last, n_modulators] += parameters.surprise_drive * error
                change = mean_magnitude(traces.early, target, weights) - before
                status = max(status, relate(parameters, traces, drive, timeline, first, target, change, last, now))
                if not is_eligible[target]:
                    is_eligible[target] = True
                    eligible[n_eligible] = target
                    n_eligible += 1

            elif kind == EXTINGUISH:
                for node in range(nodes):
                    traces.labile[target, node] *= 1.0 - a
                traces.competing[target] += a * (1.0 - traces.competing[target])

            elif kind == RELEASE:
                effect = (1.0 - min(1.0, receptor[target].real)) * dose_response(modulators, target, a)
                if modulators[target, DRIVE_WEIGHT] != 0.0 and parameters.releases_drive != 0.0:
                    gate = 1.0 + present_effect(modulators, SYNTHESIS_GATE, concentration, released, receptor, now)
                    if gate.real > 0.0:
                        last = new_segment(drive, last, now)
                        drive.amplitude[last, target] += modulators[target, DRIVE_WEIGHT] * effect * gate
                rate = modulators[target, CONVERSION] * parameters.releases_convert * effect
                if rate != 0.0:
                    kept = 0
                    for index in range(n_eligible):
                        trace = eligible[index]
                        status = max(status, advance(parameters, traces, drive, trace, last, now))
                        largest = 0.0
                        before = mean_magnitude(traces.early, trace, weights)
                        for node in range(nodes):
                            left = traces.eligibility[trace, node]
                            largest = max(largest, left.real)
                            fraction = -np.expm1(-rate * left)
                            traces.early[trace, node] += fraction * (
                                modulators[target, DIRECTION] - traces.early[trace, node]
                            )
                        change = mean_magnitude(traces.early, trace, weights) - before
                        status = max(
                            status, relate(parameters, traces, drive, timeline, first, trace, change, last, now)
                        )
                        if largest > NEGLIGIBLE:
                            eligible[kept] = trace
                            kept += 1
                        else:
                            is_eligible[trace] = False
                    n_eligible = kept
                left = concentration[target]
                if left != 0.0:
                    left = left * np.exp(-(now - released[target]) / modulators[target, CLEARANCE])
                concentration[target] = left + a
                released[target] = now

            elif kind == SYNTHESIS:
                last = new_segment(drive, last, now)
                drive.blocked[last] += 1 if a.real > 0.0 else -1
            elif kind == SLEEP:
                last = new_segment(drive, last, now)
                drive.constant[last] += a * parameters.sleep_drive
            elif kind == RECEPTOR:
                receptor[target] += a
            elif kind == STIMULATION:
                stimulation += a

        if status != OK:
            return status, protocol
    return OK, -1


def bind(model: str, capture: Callable[..., Any], tag_of: Callable[..., Any]) -> Callable[..., Any]:
    """The compiled event loop of one model, from the model's compiled rules.

    ``capture(parameters, traces, trace, span, early_decay, constant, blocked, drive) -> status`` carries proteins,
    capture tag, late and labile strength of one trace over ``span`` s of constant-plus-exponentials drive (amplitudes
    in ``drive.now``); ``tag_of(parameters, early, tag)`` is the tag that a reader sees.
    """
    namespace = dict(globals())
    namespace.update(capture=capture, tag_of=tag_of)
    for template in (advance, relate, write, simulate):
        namespace[template.__name__] = specialise(template, namespace, f"{model}_{template.__name__}")
    compiled: Callable[..., Any] = namespace["simulate"]
    return compiled
