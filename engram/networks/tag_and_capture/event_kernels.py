"""Compiled rules of the plastic synapses in the network: what a spike, a transmission or a resolution does to them.

Every excitatory-to-excitatory synapse keeps its early deviation as of its last update, and lies since then in one
calcium regime, because

    c_ij(t) = c_pre X_i(t) + c_post Y_j(t)

with one trace a neuron, so that a spike needs to touch a synapse only when the regime changes. When calcium has
fallen through a threshold since the last event, the moment follows from its present value, t − τ_c ln(θ/c).
In regime 0 the deviation decays by itself; tag and late phase then follow in closed form from the protein of the
postsynaptic neuron, whose integral P_j is one closed form between two settlements of the neuron.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._jit import kernel
from ..random_normal import normals_of, one_normal
from .closed_forms import captured, protein_after, regime_of, relax, synthesis_left, tag_of

SYNAPSES = 2  # streams of random numbers


class Wiring(NamedTuple):
    """What does not change in a run. Plastic synapses in rows of the presynaptic neuron; the others with their jump."""

    start: NDArray[np.int64]
    target: NDArray[np.int32]
    first_incoming: NDArray[np.int64]
    incoming: NDArray[np.int64]
    incoming_source: NDArray[np.int32]
    fixed_start: NDArray[np.int64]
    fixed_target: NDArray[np.int32]
    fixed_jump: NDArray[np.float64]  # nA


class State(NamedTuple):
    """Everything that changes; a run is resumed bit for bit from these arrays."""

    clock: NDArray[np.int64]  # step; spikes written, transmitted, turned into calcium; stretch of the drive
    potential: NDArray[np.float64]  # mV from rest
    synaptic: NDArray[np.float64]  # nA
    background: NDArray[np.float64]  # nA from its mean
    refractory: NDArray[np.int64]  # steps left
    stimulus: NDArray[np.float64]  # nA from its mean, for each stimulated neuron of each stimulus
    pre_trace: NDArray[np.float64]  # X
    post_trace: NDArray[np.float64]  # Y
    deviation: NDArray[np.float64]  # h − h_0 (mV) at the step `updated`
    updated: NDArray[np.int64]
    regime: NDArray[np.int8]
    tag: NDArray[np.int8]
    late: NDArray[np.float64]  # z when the integral of protein was `captured_at`
    captured_at: NDArray[np.float64]
    protein: NDArray[np.float64]  # of each excitatory neuron at its last settlement
    protein_total: NDArray[np.float64]  # its integral since the start (s)
    settled: NDArray[np.float64]  # time of the last settlement (s)
    synthesis_end: NDArray[np.float64]  # when synthesis will have stopped (s)
    total_deviation: NDArray[np.float64]  # S at the last settlement (mV)
    unsettled: NDArray[np.int8]  # whether an incoming synapse may have left regime 0 since
    active: NDArray[np.int8]  # whether an outgoing synapse may be out of regime 0
    queue_step: NDArray[np.int64]  # spikes on their way, a ring
    queue_neuron: NDArray[np.int32]


class Tables(NamedTuple):
    """Decay and noise of each regime over 0, 1, … steps in it."""

    dt: float
    kept: NDArray[np.float64]
    noise: NDArray[np.float64]


@kernel
def protein_seen(j, time, n, s):  # type: ignore[no-untyped-def]
    """P_j(time), not before the last settlement."""
    made = max(0.0, n.synthesis_end[j] - n.settled[j])
    return n.protein_total[j] + protein_after(n.protein[j], made, time - n.settled[j], s)[1]


@kernel
def set_tag(k, j, tag, time, n, s):  # type: ignore[no-untyped-def]
    """Bring the late phase up to `time` and go on from there under another tag."""
    seen = protein_seen(j, time, n, s)
    n.late[k] = captured(n.late[k], n.tag[k], seen - n.captured_at[k], s)
    n.captured_at[k] = seen
    n.tag[k] = tag


@kernel
def quiet_deviation(k, j, step, n, tables, s):  # type: ignore[no-untyped-def]
    """Deviation of a synapse in regime 0 now; a tag that has gone meanwhile is taken off at the moment it went."""
    if n.deviation[k] == 0.0:  # never touched
        return 0.0
    since = step - n.updated[k]
    kept = tables.kept[0, since] if since < tables.kept.shape[1] else math.exp(-s.rates[0] * (since * tables.dt))
    now = n.deviation[k] * kept
    if n.tag[k] != 0 and abs(now) <= s.tag_threshold:
        gone = n.updated[k] * tables.dt + math.log(abs(n.deviation[k]) / s.tag_threshold) / s.rates[0]
        set_tag(k, j, 0, max(gone, n.settled[j]), n, s)
    return now


@kernel
def bring_up(k, j, calcium, deviate, step, n, tables, s):  # type: ignore[no-untyped-def]
    """Sample the deviation now, with `calcium` as it is before any event of this moment, and resolve the tag."""
    since = step - n.updated[k]
    if since == 0:
        return
    regime = n.regime[k]
    low = s.threshold_high if regime == 2 else s.threshold_low
    if calcium > low and since < tables.kept.shape[1]:  # one regime all along
        # a tuple is slow to index with what is known only at run time
        mean, old = s.means[2] if regime == 2 else s.means[1], n.deviation[k]
        new = mean + (old - mean) * tables.kept[regime, since] + tables.noise[regime, since] * deviate
    else:
        span = since * tables.dt
        above_low = span if calcium > s.threshold_low else span - s.tau_calcium * math.log(s.threshold_low / calcium)
        above_high = 0.0
        if regime == 2:
            above_high = span
            if calcium <= s.threshold_high:
                above_high -= s.tau_calcium * math.log(s.threshold_high / calcium)
        above_high = max(0.0, above_high)
        mean, variance = relax(n.deviation[k], above_high, max(above_high, above_low), span, s)
        new = mean + math.sqrt(variance) * deviate
    n.deviation[k] = new
    n.updated[k] = step
    tag = tag_of(new, s)
    if tag != n.tag[k]:
        set_tag(k, j, tag, step * tables.dt, n, s)


@kernel
def calcium_event(k, i, j, before, after, deviate, step, n, tables, s):  # type: ignore[no-untyped-def]
    """Calcium of synapse k, from i to j, jumps at this step, whose deviate is given."""
    regime = n.regime[k]
    if regime == 0:
        if after <= s.threshold_low:
            return
        n.deviation[k] = quiet_deviation(k, j, step, n, tables, s)
        n.updated[k] = step
        n.unsettled[j] = 1
        n.active[i] = 1
    else:
        new = regime_of(after, s)
        if new == regime and before > (s.threshold_high if regime == 2 else s.threshold_low):
            return
        bring_up(k, j, before, deviate, step, n, tables, s)
    n.regime[k] = regime_of(after, s)


@kernel
def _may_change(regime, before, after, s):  # type: ignore[no-untyped-def]
    """Whether a jump of calcium from `before` to `after` may change the regime, or ends one that was left before."""
    still_0 = (regime == 0) & (after <= s.threshold_low)
    still_1 = (regime == 1) & (before > s.threshold_low) & (after <= s.threshold_high)
    return not (still_0 | still_1 | (before > s.threshold_high))


@kernel
def presynaptic_calcium(i, step, g, n, tables, s, key_0, key_1, work):  # type: ignore[no-untyped-def]
    """The calcium of a spike of i reaches its outgoing synapses; `work` has room for all of them."""
    own = s.calcium_pre * n.pre_trace[i]
    if own <= s.threshold_high:  # else every outgoing synapse stays in regime 2
        changing, indices, draws = work
        begin, end = g.start[i], g.start[i + 1]
        target, regime = g.target[begin:end], n.regime[begin:end]
        count = 0  # without a branch, which nobody could predict
        for position in range(target.size):
            before = own + s.calcium_post * n.post_trace[target[position]]
            changing[count] = position
            count += _may_change(regime[position], before, before + s.calcium_pre, s)
        for number in range(count):
            indices[number] = begin + changing[number]
        normals_of(indices, count, draws, key_0, key_1, SYNAPSES, step)
        for number in range(count):
            j = target[changing[number]]
            before = own + s.calcium_post * n.post_trace[j]
            calcium_event(indices[number], i, j, before, before + s.calcium_pre, draws[number], step, n, tables, s)
    n.pre_trace[i] += 1.0


@kernel
def postsynaptic_calcium(j, step, g, n, tables, s, key_0, key_1, work):  # type: ignore[no-untyped-def]
    """A spike of j adds calcium to its incoming synapses; `work` has room for all of them."""
    own = s.calcium_post * n.post_trace[j]
    if own <= s.threshold_high:
        changing, indices, draws = work
        begin, end = g.first_incoming[j], g.first_incoming[j + 1]
        source, synapse = g.incoming_source[begin:end], g.incoming[begin:end]
        count = 0  # without a branch, which nobody could predict
        for position in range(source.size):
            before = own + s.calcium_pre * n.pre_trace[source[position]]
            changing[count] = position
            count += _may_change(n.regime[synapse[position]], before, before + s.calcium_post, s)
        for number in range(count):
            indices[number] = synapse[changing[number]]
        normals_of(indices, count, draws, key_0, key_1, SYNAPSES, step)
        for number in range(count):
            k, i = indices[number], source[changing[number]]
            before = own + s.calcium_pre * n.pre_trace[i]
            calcium_event(k, i, j, before, before + s.calcium_post, draws[number], step, n, tables, s)
    n.post_trace[j] += 1.0


@kernel
def late_now(k, j, time, n, s):  # type: ignore[no-untyped-def]
    """z now, without storing it; the tag must be up to date."""
    if n.tag[k] == 0:
        return n.late[k]
    return captured(n.late[k], n.tag[k], protein_seen(j, time, n, s) - n.captured_at[k], s)


@kernel
def settle(j, step, g, n, drives, tables, s):  # type: ignore[no-untyped-def]
    """Sum S anew and start the next closed form of neuron j's protein; tags that went before it are taken off first."""
    time = step * tables.dt
    total, moving = 0.0, 0
    for position in range(g.first_incoming[j], g.first_incoming[j + 1]):
        k = g.incoming[position]
        if n.regime[k] == 0:
            total += abs(quiet_deviation(k, j, step, n, tables, s))
        else:
            total += abs(n.deviation[k])
            moving = 1
    span = time - n.settled[j]
    made = max(0.0, n.synthesis_end[j] - n.settled[j])
    protein, seen = protein_after(n.protein[j], made, span, s)
    n.protein[j] = protein
    n.protein_total[j] += seen
    n.settled[j] = time
    n.total_deviation[j] = total
    n.synthesis_end[j] = time + synthesis_left(total, time, drives, n.clock[4], s)
    n.unsettled[j] = moving


@kernel
def resolve(step, g, n, drives, tables, s, key_0, key_1):  # type: ignore[no-untyped-def]
    """Sample every synapse out of regime 0, close those whose calcium has fallen, settle their neurons."""
    for i in range(n.active.size):
        if n.active[i] == 0:
            continue
        n.active[i] = 0
        own = s.calcium_pre * n.pre_trace[i]
        for k in range(g.start[i], g.start[i + 1]):
            if n.regime[k] != 0:
                j = g.target[k]
                calcium = own + s.calcium_post * n.post_trace[j]
                bring_up(k, j, calcium, one_normal(k, key_0, key_1, SYNAPSES, step), step, n, tables, s)
                n.regime[k] = min(n.regime[k], regime_of(calcium, s))
                n.unsettled[j] = 1
                if n.regime[k] != 0:
                    n.active[i] = 1
    for j in range(n.unsettled.size):
        if n.unsettled[j] != 0:
            settle(j, step, g, n, drives, tables, s)


@kernel
def settle_all(step, g, n, drives, tables, s):  # type: ignore[no-untyped-def]
    """A new stretch of the drive begins, or time has been skipped."""
    for j in range(n.unsettled.size):
        settle(j, step, g, n, drives, tables, s)


@kernel
def weights_now(step, g, n, tables, s):  # type: ignore[no-untyped-def]
    """Early deviation (mV) and late phase of every plastic synapse."""
    early, late = np.empty(n.late.size), np.empty(n.late.size)
    for i in range(n.active.size):
        for k in range(g.start[i], g.start[i + 1]):
            j = g.target[k]
            early[k] = quiet_deviation(k, j, step, n, tables, s) if n.regime[k] == 0 else n.deviation[k]
            late[k] = late_now(k, j, step * tables.dt, n, s)
    return early, late
