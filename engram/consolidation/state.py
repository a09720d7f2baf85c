"""State of traces and drive, and what each event does to it: the jumps that every consolidation model shares.

Symbols and equations are those of :mod:`engram.consolidation`. Kernels mutate the work arrays they are given.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._jit import kernel

EARLY, TAG, PROTEIN, LATE, LABILE, ELIGIBILITY, COMPETING, STRENGTH = range(8)
OUTPUTS = ("early", "tag", "protein", "late", "labile", "eligibility", "competing", "strength")

# columns of the table of neuromodulators as the kernel reads it
(
    CLEARANCE,
    DRIVE_WEIGHT,
    DRIVE_CLEARANCE,
    ENCODING_GAIN,
    CONVERSION,
    DIRECTION,
    LABILITY_GAIN,
    SYNTHESIS_GATE,
    RETRIEVAL_GAIN,
    DOSE_SCALE,
    DOSE_RESPONSE,
) = range(11)

OK, NOT_CONVERGED, NOT_FINITE = range(3)
STRONGEST = 0.999  # strongest synapse of a spread encoding
NEGLIGIBLE = 1e-30  # eligibility below which a release converts nothing that a double can hold


class Traces(NamedTuple):
    """State of the traces of one protocol, each valid at its own ``time``."""

    time: np.ndarray  # (traces,) s
    segment: np.ndarray  # (traces,) segment of the drive in which ``time`` lies
    activity: np.ndarray  # (traces,) S, summed over related traces
    protein: np.ndarray  # (traces,)
    competing: np.ndarray  # (traces,)
    encoded: np.ndarray  # (traces,) s, time of the latest Encode
    early: np.ndarray  # (traces, nodes)
    tag: np.ndarray  # (traces, nodes) capture tag of the linear rule
    late: np.ndarray  # (traces, nodes)
    labile: np.ndarray  # (traces, nodes)
    eligibility: np.ndarray  # (traces, nodes)


class Drive(NamedTuple):
    """The drive m(t) as segments: a constant and one decaying exponential per source, from each start on."""

    start: np.ndarray  # (segments,) s
    constant: np.ndarray  # (segments,)
    blocked: np.ndarray  # (segments,) 1 while synthesis is blocked
    amplitude: np.ndarray  # (segments, sources) at the start of the segment
    rate: np.ndarray  # (sources,) 1/s
    now: np.ndarray  # (sources,) amplitudes at the start of a leap


@kernel
def dose_response(modulators: Any, k: int, dose: Any) -> Any:
    form = modulators[k, DOSE_RESPONSE].real
    scale = modulators[k, DOSE_SCALE]
    if form == 0.0:
        return dose + 0.0 * scale
    if form == 1.0:
        return dose * (1.0 + scale) / (dose + scale)
    return dose / scale * np.exp(1.0 - dose / scale)


@kernel
def present_effect(modulators: Any, column: int, concentration: Any, released: Any, blocked: Any, now: float) -> Any:
    """Σ effect · (1 − blocked) · response(concentration) over the modulators that have this effect."""
    total = 0.0 * modulators[0, 0]
    for k in range(modulators.shape[0]):
        if modulators[k, column] != 0.0 and concentration[k] != 0.0:
            left = concentration[k] * np.exp(-(now - released[k]) / modulators[k, CLEARANCE])
            free = 1.0 - min(1.0, blocked[k].real)
            total += modulators[k, column] * free * dose_response(modulators, k, left)
    return total


@kernel
def new_segment(drive: Drive, last: int, now: float) -> int:
    """Begin a segment of the drive at ``now`` (or reuse the last, if it begins then); its index."""
    if drive.start[last] == now:
        return last
    drive.start[last + 1] = now
    drive.constant[last + 1] = drive.constant[last]
    drive.blocked[last + 1] = drive.blocked[last]
    for k in range(drive.rate.shape[0]):
        left = drive.amplitude[last, k]
        if left != 0.0:
            left = left * np.exp(-(now - drive.start[last]) * drive.rate[k])
        drive.amplitude[last + 1, k] = left
    return last + 1


@kernel
def magnitude(x: Any) -> Any:
    """|x| that keeps a complex step: the sign is taken from the real part."""
    return -x if x.real < 0.0 else x


@kernel
def mean_magnitude(states: Any, trace: int, weights: Any) -> Any:
    total = 0.0 * states[trace, 0]
    for node in range(states.shape[1]):
        total += weights[node] * magnitude(states[trace, node])
    return total


@kernel
def move(traces: Traces, trace: int, node: int, fraction: Any, bound: float) -> None:
    """A saturating jump of early phase, capture tag and eligibility: x += fraction · (bound − x)."""
    traces.early[trace, node] += fraction * (bound - traces.early[trace, node])
    traces.tag[trace, node] += fraction * (bound - traces.tag[trace, node])
    traces.eligibility[trace, node] += fraction * (1.0 - traces.eligibility[trace, node])


@kernel
def strength_of(parameters: Any, traces: Traces, trace: int, weights: Any, now: float, retrieval: Any) -> Any:
    early = 0.0 * traces.early[trace, 0]
    late = 0.0 * early
    for node in range(weights.shape[0]):
        early += weights[node] * traces.early[trace, node]
        late += weights[node] * (traces.late[trace, node] + traces.labile[trace, node])
    kept = 1.0 + 0.0 * early
    if parameters.forgetting_exponent != 0.0 and now > traces.encoded[trace]:
        age = (now - traces.encoded[trace]) / parameters.forgetting_time
        kept = (1.0 + age) ** (-parameters.forgetting_exponent)
    factor = 1.0 + retrieval
    if factor.real < 0.0:
        factor = 0.0 * factor
    return factor * (
        parameters.weight_early * early + parameters.weight_late * late * kept - traces.competing[trace]
    )


@kernel
def encode(parameters: Any, traces: Traces, trace: int, scores: Any, strength: Any, exponent: Any) -> None:
    """Encode with median strength: a saturating jump of e, tag and c, and a durable part of z."""
    size = magnitude(strength)
    bound = -1.0 if strength.real < 0.0 else 1.0
    late_bound = -0.5 if strength.real < 0.0 else 1.0
    if exponent.real < 0.0:
        exponent = 0.0 * exponent
    for node in range(scores.shape[0]):
        own = size
        if parameters.strength_spread != 0.0:
            own = size * np.exp(parameters.strength_spread * scores[node])
            if own.real > max(STRONGEST, size.real):
                own = 0.0 * own + max(STRONGEST, size.real)
        fraction = 1.0 - (1.0 - own) ** exponent
        move(traces, trace, node, fraction, bound)
        # the room left keeps both z and z + ℓ within bounds, whatever the sign of ℓ
        present = traces.late[trace, node]
        labile = traces.labile[trace, node]
        if (labile * bound).real > 0.0:
            present = present + labile
        traces.late[trace, node] += parameters.durable_fraction * fraction * (late_bound - present)


@kernel
def reactivate(
    parameters: Any, traces: Traces, trace: int, strength: Any, cue: Any, error: Any, duration: Any, gain: Any
) -> None:
    """Pattern completion re-tags the trace; with prediction error a part of z becomes labile."""
    completion = 1.0 / (1.0 + np.exp(-(strength - parameters.completion_midpoint) / parameters.completion_slope))
    fraction = cue * completion
    boost = 1.0 + gain
    if boost.real < 0.0:
        boost = 0.0 * boost
    released = -fraction * np.expm1(-error * duration / parameters.lability_time * boost)
    released *= parameters.destabilises
    for node in range(traces.early.shape[1]):
        move(traces, trace, node, fraction, 1.0)
        freed = released * traces.late[trace, node]
        traces.labile[trace, node] += freed
        traces.late[trace, node] -= freed


@kernel
def new_traces(number: int, nodes: int, zero: Any, start: float) -> Traces:
    return Traces(
        np.full(number, start),
        np.zeros(number, np.int64),
        np.full(number, zero),
        np.full(number, zero),
        np.full(number, zero),
        np.full(number, start),
        np.full((number, nodes), zero),
        np.full((number, nodes), zero),
        np.full((number, nodes), zero),
        np.full((number, nodes), zero),
        np.full((number, nodes), zero),
    )


@kernel
def rest(traces: Traces, number: int, start: float) -> None:
    """Put the first ``number`` traces back to rest at ``start``."""
    for trace in range(number):
        traces.time[trace] = start
        traces.segment[trace] = 0
        traces.activity[trace] = 0.0
        traces.protein[trace] = 0.0
        traces.competing[trace] = 0.0
        traces.encoded[trace] = start
        for node in range(traces.early.shape[1]):
            traces.early[trace, node] = 0.0
            traces.tag[trace, node] = 0.0
            traces.late[trace, node] = 0.0
            traces.labile[trace, node] = 0.0
            traces.eligibility[trace, node] = 0.0
