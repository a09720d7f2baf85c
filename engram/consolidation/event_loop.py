"""The event loop that every consolidation model shares.

Between events nothing is stepped: each trace is carried forward only when an event concerns it or a trace related to
it (lazily), in one leap through the segments in which the drive is a sum of decaying exponentials. What a leap does to
proteins, late and labile strength is the model's own, in its ``prepare`` and ``capture``; everything else is here, with
the symbols and jumps of :mod:`engram.consolidation`. Related traces are carried over the same stretch one after the
other: what does not depend on the trace is prepared once.

The functions from ``advance`` on are templates: ``bind`` compiles a copy for each model, in which the names
``prepare``, ``capture`` and ``tag_of`` stand for the model's compiled rules. The work arrays are mutated in place;
nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._jit import specialise
from ..borrowed_arrays import borrowed
from .batch import ENCODE, EXTINGUISH, REACTIVATE, READ, RECEPTOR, RELEASE, SLEEP, STIMULATION, SYNTHESIS
from .state import (
    ACTIVITY,
    BLOCKED,
    CLEARANCE,
    COMPETING,
    CONSTANT,
    CONVERSION,
    DIRECTION,
    DRIVE_CLEARANCE,
    DRIVE_WEIGHT,
    EARLY,
    EARLY_LEFT,
    ELIGIBILITY,
    ELIGIBLE_LEFT,
    ENCODED,
    ENCODING_GAIN,
    LABILE,
    LABILITY_GAIN,
    LEAP_COLUMNS,
    NEGLIGIBLE,
    NOW,
    OK,
    PROTEIN,
    RATE,
    RETRIEVAL_GAIN,
    SEGMENT,
    SINCE,
    SOURCE,
    START,
    STRENGTH,
    SYNAPSE_COLUMNS,
    SYNTHESIS_GATE,
    TAG,
    TIME,
    TRACE_COLUMNS,
    UNTIL,
    dose_response,
    encode,
    encoded_fractions,
    encoded_logs,
    mean_early,
    new_segment,
    present_effect,
    reactivate,
    strength_of,
)


def prepare(*arguments: Any) -> None:
    """Stands for the model's own preparation of a leap until :func:`bind` puts it in."""
    raise TypeError("the event loop must be bound to a model")


def capture(*arguments: Any) -> int:
    """Stands for the model's own rule until :func:`bind` puts it in."""
    raise TypeError("the event loop must be bound to a model")


def tag_of(*arguments: Any) -> Any:
    """Stands for the model's own tag until :func:`bind` puts it in."""
    raise TypeError("the event loop must be bound to a model")


def advance(parameters, traces, synapses, drive, sources, leap, trace, last, now):  # type: ignore[no-untyped-def]
    """Carry one trace to ``now``, segment by segment of the drive."""
    status = OK
    time = traces[trace, TIME].real
    while time < now:
        segment = int(traces[trace, SEGMENT].real)
        end = now
        if segment < last:
            end = min(now, drive[segment + 1, START].real)
        span = end - time
        if span > 0.0:
            constant = drive[segment, CONSTANT]
            blocked = drive[segment, BLOCKED].real > 0.0
            if leap[0, SINCE].real != time or leap[0, UNTIL].real != end:
                since = time - drive[segment, START].real
                for k in range(sources.shape[1]):
                    left = drive[segment, SOURCE + k]
                    if left != 0.0 and since > 0.0:
                        left = left * np.exp(-since * sources[RATE, k])
                    sources[NOW, k] = left
                leap[0, EARLY_LEFT] = np.exp(-span / parameters.tau_early)
                leap[0, ELIGIBLE_LEFT] = np.exp(-span / parameters.tau_eligibility)
                prepare(parameters, span, constant, blocked, sources, leap)
                leap[0, SINCE] = time
                leap[0, UNTIL] = end
            early_decay = leap[0, EARLY_LEFT]
            eligible_decay = leap[0, ELIGIBLE_LEFT]
            status = max(status, capture(parameters, traces, synapses, trace, span, constant, blocked, sources, leap))
            traces[trace, ACTIVITY] *= early_decay
            if traces[trace, COMPETING] != 0.0:
                traces[trace, COMPETING] *= np.exp(-span / parameters.tau_competing)
            for node in range(synapses.shape[1]):
                synapses[trace, node, EARLY] *= early_decay
                synapses[trace, node, ELIGIBILITY] *= eligible_decay
            time = end
        if segment < last and drive[segment + 1, START].real <= end:
            traces[trace, SEGMENT] = segment + 1
    traces[trace, TIME] = time
    return status


def relate(parameters, traces, synapses, drive, sources, leap, timeline, first, trace, change, last, now):  # type: ignore[no-untyped-def]
    """Add a jump ``change`` of a trace's mean |e| to the activity of all other traces related to it."""
    status = OK
    category = timeline.category[first + trace]
    members = 0
    if category >= 0:
        members = timeline.member_start[category + 1] - timeline.member_start[category]
    pair = timeline.pair_start[first + trace]
    for index in range(members + timeline.pair_start[first + trace + 1] - pair):
        if index < members:
            other = timeline.member[timeline.member_start[category] + index]
            relatedness = timeline.within[category]
        else:
            other = timeline.pair_trace[pair + index - members]
            relatedness = timeline.pair_value[pair + index - members]
        if other != trace:
            status = max(status, advance(parameters, traces, synapses, drive, sources, leap, other, last, now))
            traces[other, ACTIVITY] += relatedness * change
    return status


def write(parameters, traces, synapses, trace, weights, strength, out, row):  # type: ignore[no-untyped-def]
    """Write the weighted means of a trace's state into one output row."""
    for column in range(SYNAPSE_COLUMNS):
        out[row, column] = 0.0
    for node in range(weights.shape[0]):
        for column in range(SYNAPSE_COLUMNS):
            value = synapses[trace, node, column]
            if column == TAG:
                value = tag_of(parameters, synapses[trace, node, EARLY], value) + 0.0 * value
            out[row, column] += weights[node] * value
    out[row, SYNAPSE_COLUMNS] = traces[trace, PROTEIN]
    out[row, SYNAPSE_COLUMNS + 1] = traces[trace, COMPETING]
    out[row, STRENGTH] = strength


def simulate(parameters, modulators, timeline, scores, weights, out):  # type: ignore[no-untyped-def]
    """Run every protocol of a timeline.

    Parameters
    ----------
    parameters : NamedTuple of the model's parameters
    modulators : (modulators, columns) table, see the column names above
    timeline : Timeline
    scores, weights : (nodes,) heterogeneity nodes
    out : (rows, outputs) array, filled; of one column, with the strength alone

    Returns
    -------
    (status, protocol) : the first failure and the protocol in which it happened
    """
    n_modulators = modulators.shape[0]
    zero = 0.0 * (parameters.tau_early + modulators[0, 0] + timeline.value[0, 0])
    most_events = 0
    most_traces = 0
    for protocol in range(timeline.event_start.shape[0] - 1):
        most_events = max(most_events, timeline.event_start[protocol + 1] - timeline.event_start[protocol])
        most_traces = max(most_traces, timeline.trace_start[protocol + 1] - timeline.trace_start[protocol])
    traces = np.full((most_traces, TRACE_COLUMNS), zero)
    synapses = np.full((most_traces, weights.shape[0], SYNAPSE_COLUMNS), zero)
    drive = np.full((most_events + 1, SOURCE + n_modulators + 1), zero)
    sources = np.full((2, n_modulators + 1), zero)
    leap = np.full((n_modulators + 3, LEAP_COLUMNS), zero)
    return run(parameters, modulators, timeline, scores, weights, out, (traces, synapses, drive, sources, leap))


def run(parameters, modulators, timeline, scores, weights, out, work):  # type: ignore[no-untyped-def]
    """As :func:`simulate`, in work arrays that the caller holds: no kernel called from here counts references."""
    timeline = borrowed(timeline)
    modulators, weights, out = borrowed((modulators, weights, out))
    traces, synapses, drive, sources, leap = borrowed(work)
    event_start = timeline.event_start
    trace_start = timeline.trace_start
    kinds = timeline.kind
    times = timeline.time
    targets = timeline.target
    values = timeline.value
    rows = timeline.row
    pair_start = timeline.pair_start
    category = timeline.category
    n_modulators = modulators.shape[0]
    n_protocols = event_start.shape[0] - 1
    nodes = weights.shape[0]
    zero = 0.0 * (parameters.tau_early + modulators[0, 0] + values[0, 0])
    for k in range(n_modulators):
        sources[RATE, k] = 1.0 / modulators[k, DRIVE_CLEARANCE]
    sources[RATE, n_modulators] = 1.0 / parameters.surprise_clearance
    concentration = np.full(n_modulators, zero)
    released = np.zeros(n_modulators)
    receptor = np.full(n_modulators, zero)
    factors = np.exp(parameters.strength_spread * scores)
    logs = np.full(nodes, zero)  # this and the next of the last Encode: many are alike
    fractions = np.full(nodes, zero)
    remembered, last_strength, last_exponent = False, zero, zero
    eligible = np.zeros(traces.shape[0], np.int64)
    is_eligible = np.zeros(traces.shape[0], np.bool_)
    related = np.zeros(traces.shape[0], np.bool_)

    for protocol in range(n_protocols):
        begin = event_start[protocol]
        end = event_start[protocol + 1]
        first = trace_start[protocol]
        if begin == end:
            continue
        start = times[end - 1]
        for event in range(begin, end):
            if kinds[event] != READ:  # a read before anything happens must not start the clock
                start = times[event]
                break
        n_traces = trace_start[protocol + 1] - first
        for trace in range(n_traces):
            for column in range(TRACE_COLUMNS):
                traces[trace, column] = 0.0
            traces[trace, TIME] = start
            traces[trace, ENCODED] = start
            for node in range(nodes):
                for column in range(SYNAPSE_COLUMNS):
                    synapses[trace, node, column] = 0.0
            is_eligible[trace] = False
            pairs = pair_start[first + trace + 1] - pair_start[first + trace]
            related[trace] = pairs > 0 or category[first + trace] >= 0
        for column in range(drive.shape[1]):
            drive[0, column] = 0.0
        drive[0, START] = start
        drive[0, CONSTANT] = parameters.baseline_drive
        for k in range(n_modulators):
            concentration[k] = 0.0
            receptor[k] = 0.0
        leap[0, SINCE] = np.inf  # none in this protocol yet
        n_eligible = 0
        last = 0
        stimulation = zero
        asleep = 0.0
        status = OK

        for event in range(begin, end):
            now = times[event]
            kind = kinds[event]
            target = targets[event]
            a = values[event, 0]

            if kind == READ or kind == ENCODE or kind == REACTIVATE or kind == EXTINGUISH:
                status = max(status, advance(parameters, traces, synapses, drive, sources, leap, target, last, now))

            if kind == READ:
                row = rows[event]
                if row >= 0:
                    shift = present_effect(modulators, RETRIEVAL_GAIN, concentration, released, receptor, now)
                    strength = strength_of(parameters, traces, synapses, target, weights, now, shift)
                    if out.shape[1] == 1:
                        out[row, 0] = strength
                    else:
                        write(parameters, traces, synapses, target, weights, strength, out, row)

            elif kind == ENCODE or kind == REACTIVATE:
                before = mean_early(synapses, target, weights)
                if kind == ENCODE:
                    gain = present_effect(modulators, ENCODING_GAIN, concentration, released, receptor, now)
                    exponent = 1.0 + gain + parameters.stimulation_gain * stimulation
                    if not remembered or a != last_strength:
                        encoded_logs(parameters, factors, a, logs)
                    if not remembered or a != last_strength or exponent != last_exponent:
                        encoded_fractions(logs, exponent, fractions)
                        remembered, last_strength, last_exponent = True, a, exponent
                    encode(parameters, synapses, target, fractions, a)
                    traces[target, ENCODED] = now
                else:
                    shift = present_effect(modulators, RETRIEVAL_GAIN, concentration, released, receptor, now)
                    strength = strength_of(parameters, traces, synapses, target, weights, now, shift)
                    gain = present_effect(modulators, LABILITY_GAIN, concentration, released, receptor, now)
                    error = values[event, 1]
                    reactivate(parameters, synapses, target, strength, a, error, values[event, 2], gain)
                    if error != 0.0 and parameters.surprise_drive != 0.0:
                        last = new_segment(drive, sources, last, now)
                        drive[last, SOURCE + n_modulators] += parameters.surprise_drive * error
                change = mean_early(synapses, target, weights) - before
                traces[target, ACTIVITY] += change
                if related[target]:
                    result = relate(
                        parameters, traces, synapses, drive, sources, leap, timeline, first, target, change, last, now
                    )
                    status = max(status, result)
                if not is_eligible[target]:
                    is_eligible[target] = True
                    eligible[n_eligible] = target
                    n_eligible += 1

            elif kind == EXTINGUISH:
                for node in range(nodes):
                    synapses[target, node, LABILE] *= 1.0 - a
                traces[target, COMPETING] += a * (1.0 - traces[target, COMPETING])

            elif kind == RELEASE:
                effect = (1.0 - min(1.0, receptor[target].real)) * dose_response(modulators, target, a)
                if modulators[target, DRIVE_WEIGHT] != 0.0 and parameters.releases_drive != 0.0:
                    gate = 1.0 + present_effect(modulators, SYNTHESIS_GATE, concentration, released, receptor, now)
                    if gate.real > 0.0:
                        last = new_segment(drive, sources, last, now)
                        drive[last, SOURCE + target] += modulators[target, DRIVE_WEIGHT] * effect * gate
                rate = modulators[target, CONVERSION] * parameters.releases_convert * effect
                if rate != 0.0:
                    kept = 0
                    for index in range(n_eligible):
                        trace = eligible[index]
                        result = advance(parameters, traces, synapses, drive, sources, leap, trace, last, now)
                        status = max(status, result)
                        largest = 0.0
                        before = mean_early(synapses, trace, weights)
                        for node in range(nodes):
                            left = synapses[trace, node, ELIGIBILITY]
                            largest = max(largest, left.real)
                            fraction = -np.expm1(-rate * left)
                            synapses[trace, node, EARLY] += fraction * (
                                modulators[target, DIRECTION] - synapses[trace, node, EARLY]
                            )
                        change = mean_early(synapses, trace, weights) - before
                        traces[trace, ACTIVITY] += change
                        if related[trace]:
                            result = relate(
                                parameters, traces, synapses, drive, sources, leap, timeline, first, trace, change,
                                last, now,
                            )  # fmt: skip
                            status = max(status, result)
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
                last = new_segment(drive, sources, last, now)
                drive[last, BLOCKED] += a
            elif kind == SLEEP:
                before_it = asleep
                asleep += a.real
                if (before_it > 0.0) != (asleep > 0.0):  # sleeps that overlap are one
                    last = new_segment(drive, sources, last, now)
                    drive[last, CONSTANT] += a * parameters.sleep_drive
            elif kind == RECEPTOR:
                receptor[target] += a
            elif kind == STIMULATION:
                stimulation += a

        if status != OK:
            return status, protocol
    return OK, -1


def bind(
    model: str, prepare: Callable[..., Any], capture: Callable[..., Any], tag_of: Callable[..., Any]
) -> Callable[..., Any]:
    """The compiled event loop of one model, from the model's compiled rules.

    ``prepare(parameters, span, constant, blocked, sources, leap)`` fills the model's part of ``leap`` for ``span`` s of
    constant-plus-exponentials drive (amplitudes in ``sources[NOW]``);
    ``capture(parameters, traces, synapses, trace, span, constant, blocked, sources, leap) -> status`` carries proteins,
    capture tag, late and labile strength of one trace over them; ``tag_of(parameters, early, tag)`` is the tag that a
    reader sees.
    """
    namespace = dict(globals())
    namespace.update(prepare=prepare, capture=capture, tag_of=tag_of)
    for template in (advance, relate, write, run, simulate):
        namespace[template.__name__] = specialise(template, namespace, f"{model}_{template.__name__}")
    compiled: Callable[..., Any] = namespace["simulate"]
    return compiled
