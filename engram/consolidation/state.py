"""State of traces and drive, and what each event does to it: the jumps that every consolidation model shares.

Symbols and equations are those of :mod:`engram.consolidation`. Kernels mutate the work arrays they are given.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._jit import kernel

# work arrays: traces (traces, TRACE_COLUMNS), each trace valid at its own TIME …
TIME, SEGMENT, ACTIVITY, PROTEIN, COMPETING, ENCODED = range(6)
TRACE_COLUMNS = 6
# … synapses (traces, nodes, SYNAPSE_COLUMNS) …
EARLY, TAG, LATE, LABILE, ELIGIBILITY = range(5)
SYNAPSE_COLUMNS = 5
# … drive (segments, SOURCE + sources): a constant and one decaying exponential per source from START on …
START, CONSTANT, BLOCKED, SOURCE = range(4)
# … sources (2, sources): rate of decay (1/s), and amplitude at the start of the present leap …
RATE, NOW = range(2)
# … and the leap (2 + sources, LEAP_COLUMNS), which many traces make alike, within one segment: from when until when,
# what is left of early phase and eligibility, then the model's own; and a row of the model's own for the constant drive
# and for each source
SINCE, UNTIL, EARLY_LEFT, ELIGIBLE_LEFT, OF_MODEL = range(5)
LEAP_COLUMNS = 9

# columns of the output: the weighted means of a trace's synapses, then what it has only once
OUTPUTS = ("early", "tag", "late", "labile", "eligibility", "protein", "competing", "strength")
STRENGTH = 7

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
NEGLIGIBLE = 1e-24  # eligibility below which a release converts nothing that a double can hold


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
def new_segment(drive: Any, sources: Any, last: int, now: float) -> int:
    """Begin a segment of the drive at ``now`` (or reuse the last, if it begins then); its index."""
    span = now - drive[last, START].real
    if span == 0.0:
        return last
    drive[last + 1, START] = now
    drive[last + 1, CONSTANT] = drive[last, CONSTANT]
    drive[last + 1, BLOCKED] = drive[last, BLOCKED]
    for k in range(sources.shape[1]):
        left = drive[last, SOURCE + k]
        if left != 0.0:
            left = left * np.exp(-span * sources[RATE, k])
        drive[last + 1, SOURCE + k] = left
    return last + 1


@kernel
def magnitude(x: Any) -> Any:
    """|x| that keeps a complex step: the sign is taken from the real part."""
    return -x if x.real < 0.0 else x


@kernel
def mean_early(synapses: Any, trace: int, weights: Any) -> Any:
    """Mean |e| of a trace, its contribution to the activity of those related to it."""
    total = 0.0 * synapses[trace, 0, EARLY]
    for node in range(weights.shape[0]):
        total += weights[node] * magnitude(synapses[trace, node, EARLY])
    return total


@kernel
def move(synapses: Any, trace: int, node: int, fraction: Any, bound: float) -> None:
    """A saturating jump of early phase, capture tag and eligibility: x += fraction · (bound − x)."""
    synapses[trace, node, EARLY] += fraction * (bound - synapses[trace, node, EARLY])
    synapses[trace, node, TAG] += fraction * (bound - synapses[trace, node, TAG])
    synapses[trace, node, ELIGIBILITY] += fraction * (1.0 - synapses[trace, node, ELIGIBILITY])


@kernel
def strength_of(
    parameters: Any, traces: Any, synapses: Any, trace: int, weights: Any, now: float, retrieval: Any
) -> Any:
    """The read-out strength, with the factor ``1 + retrieval`` of the modulators present."""
    early = 0.0 * synapses[trace, 0, EARLY]
    late = 0.0 * early
    for node in range(weights.shape[0]):
        early += weights[node] * synapses[trace, node, EARLY]
        late += weights[node] * (synapses[trace, node, LATE] + synapses[trace, node, LABILE])
    kept = 1.0 + 0.0 * early
    if parameters.forgetting_exponent != 0.0 and now > traces[trace, ENCODED].real:
        age = (now - traces[trace, ENCODED].real) / parameters.forgetting_time
        kept = (1.0 + age) ** (-parameters.forgetting_exponent)
    factor = 1.0 + retrieval
    if factor.real < 0.0:
        factor = 0.0 * factor
    return factor * (parameters.weight_early * early + parameters.weight_late * late * kept - traces[trace, COMPETING])


@kernel
def encoded_logs(parameters: Any, factors: Any, strength: Any, logs: Any) -> None:
    """ln(1 − |s|) of every node for an Encode of median strength, which nodes scale by ``factors``."""
    size = magnitude(strength)
    for node in range(factors.shape[0]):
        own = size
        if parameters.strength_spread != 0.0:
            own = size * factors[node]
            if own.real > max(STRONGEST, size.real):
                own = 0.0 * own + max(STRONGEST, size.real)
        logs[node] = np.log(1.0 - own)


@kernel
def encoded_fractions(logs: Any, exponent: Any, fractions: Any) -> None:
    """How far an Encode moves every node: 1 − (1 − |s|)^exponent."""
    if exponent.real < 0.0:
        exponent = 0.0 * exponent
    for node in range(logs.shape[0]):
        fractions[node] = -np.expm1(exponent * logs[node])


@kernel
def encode(parameters: Any, synapses: Any, trace: int, fractions: Any, strength: Any) -> None:
    """Encode with median strength: a saturating jump of e, tag and c, and a durable part of z."""
    bound = -1.0 if strength.real < 0.0 else 1.0
    late_bound = -0.5 if strength.real < 0.0 else 1.0
    for node in range(fractions.shape[0]):
        fraction = fractions[node]
        move(synapses, trace, node, fraction, bound)
        # the room left keeps both z and z + ℓ within bounds, whatever the sign of ℓ
        present = synapses[trace, node, LATE]
        labile = synapses[trace, node, LABILE]
        if (labile * bound).real > 0.0:
            present = present + labile
        synapses[trace, node, LATE] += parameters.durable_fraction * fraction * (late_bound - present)


@kernel
def reactivate(
    parameters: Any, synapses: Any, trace: int, strength: Any, cue: Any, error: Any, duration: Any, gain: Any
) -> None:
    """Pattern completion re-tags the trace; with prediction error a part of z becomes labile."""
    completion = 1.0 / (1.0 + np.exp(-(strength - parameters.completion_midpoint) / parameters.completion_slope))
    fraction = cue * completion
    boost = 1.0 + gain
    if boost.real < 0.0:
        boost = 0.0 * boost
    released = -fraction * np.expm1(-error * duration / parameters.lability_time * boost)
    released *= parameters.destabilises
    for node in range(synapses.shape[1]):
        move(synapses, trace, node, fraction, 1.0)
        freed = released * synapses[trace, node, LATE]
        synapses[trace, node, LABILE] += freed
        synapses[trace, node, LATE] -= freed
