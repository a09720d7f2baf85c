"""The compiled loop of the network: all neurons by one step, synapses by their events."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._jit import kernel
from ...borrowed_arrays import borrowed
from ..random_normal import fill_normals
from .closed_forms import SMALL, lost, lost_of_little, regime_of, tag_of
from .event_kernels import (
    SYNAPSES,
    bring_up,
    late_now,
    postsynaptic_calcium,
    presynaptic_calcium,
    protein_seen,
    quiet_deviation,
    resolve,
    set_tag,
    settle_all,
)

BACKGROUND = 3  # streams of random numbers
STIMULI = 16  # and one for each stimulus from here on
NOTHING = 1e-30


class Schedule(NamedTuple):
    """Beginnings of the stretches of the drive, interval of resolution, and delays, in steps."""

    stretches: NDArray[np.int64]
    resolve_every: int
    synaptic_delay: int
    calcium_delay: int


@kernel
def _seen_by_all(time, settled, seen, n, s):  # type: ignore[no-untyped-def]
    """P_j(time) of all neurons, with the formula of `_late` for those that were settled at the time `settled`."""
    common = time - settled
    common_loss = s.tau_protein * lost(common * s.protein_rate)
    for j in range(seen.size):
        made = n.synthesis_end[j] - n.settled[j]
        if time - n.settled[j] == common and (made <= 0.0 or made >= common):
            produced = 0.0 if made <= 0.0 else 1.0
            seen[j] = n.protein_total[j] + produced * common + (n.protein[j] - produced) * common_loss
        else:
            seen[j] = protein_seen(j, time, n, s)


@kernel
def _late(k, j, time, common, common_loss, n, s):  # type: ignore[no-untyped-def]
    """z of a synapse at `time`; `common_loss` is for neurons settled `common` seconds ago, which nearly all were."""
    late, tag, made = n.late[k], n.tag[k], n.synthesis_end[j] - n.settled[j]
    if time - n.settled[j] == common and (made <= 0.0 or made >= common):
        # the usual case without a branch on the tag, which nobody can predict
        produced = 0.0 if made <= 0.0 else 1.0
        seen = n.protein_total[j] + produced * common + (n.protein[j] - produced) * common_loss
        tagged, target = (1.0 if tag != 0 else 0.0), (1.0 if tag > 0 else -0.5)
        return late + (target - late) * lost(tagged * (seen - n.captured_at[k]) * s.late_rate)
    return late if tag == 0 else late_now(k, j, time, n, s)


@kernel
def _one_pulse(begin, end, step, n, tables):  # type: ignore[no-untyped-def]
    """Whether a row lies in regime 2 and was brought up at one step, recent enough for the tables; how long ago."""
    updated, regime = n.updated[begin:end], n.regime[begin:end]
    last, same = updated[0], 0
    for k in range(updated.size):
        same += (updated[k] == last) & (regime[k] == 2)
    since = step - last
    return (same == updated.size) & (since > 0) & (since < tables.kept.shape[1]), since


@kernel
def _transmit_in_pulse(i, step, since, seen, settled, g, n, tables, s, conductance, draws):  # type: ignore[no-untyped-def]
    """The spike of i where its whole row is in regime 2, its calcium above the higher threshold ever since.

    What `bring_up` and `_late` do synapse by synapse, in loops over views of the row without a branch, which the
    compiler spreads over the lanes of the processor; where a tag changes or a neuron is unlike the others, one by one.
    """
    begin, end, time = g.start[i], g.start[i + 1], step * tables.dt
    to, deviation, updated = g.target[begin:end], n.deviation[begin:end], n.updated[begin:end]
    tag, late, captured_at = n.tag[begin:end], n.late[begin:end], n.captured_at[begin:end]
    mean, kept, noise = s.means[2], tables.kept[2, since], tables.noise[2, since]
    for k in range(to.size):
        deviation[k] = mean + (deviation[k] - mean) * kept + noise * draws[k]
        updated[k] = step
    changed = 0
    for k in range(to.size):
        up, down = deviation[k] > s.tag_threshold, deviation[k] < -s.tag_threshold
        changed += (up != (tag[k] == 1)) | (down != (tag[k] == -1))
    if changed > 0:
        for k in range(to.size):
            now = tag_of(deviation[k], s)
            if now != tag[k]:
                set_tag(begin + k, to[k], now, time, n, s)
    for k in range(to.size):
        draws[k] = seen[to[k]]
    unusual = 1 if n.settled[to[0]] != settled else 0
    for k in range(to.size):
        tagged, target = (1.0 if tag[k] != 0 else 0.0), (1.0 if tag[k] > 0 else -0.5)
        x = tagged * (draws[k] - captured_at[k]) * s.late_rate
        unusual += not x < SMALL
        z = late[k] + (target - late[k]) * lost_of_little(x)
        draws[k] = (s.resting_weight * (1.0 + z) + deviation[k]) * conductance
    if unusual > 0:
        common = time - n.settled[to[0]]
        common_loss = s.tau_protein * lost(common * s.protein_rate)
        for k in range(to.size):
            z = _late(begin + k, to[k], time, common, common_loss, n, s)
            draws[k] = (s.resting_weight * (1.0 + z) + deviation[k]) * conductance
    for k in range(to.size):
        n.synaptic[to[k]] += draws[k]


@kernel
def _transmit(i, step, g, n, tables, s, conductance, key_0, key_1, normals, seen, ready):  # type: ignore[no-untyped-def]
    """The spike of i arrives at its targets; whether `seen` holds, or (`ready`) held, what neurons have seen by now."""
    for k in range(g.fixed_start[i], g.fixed_start[i + 1]):
        n.synaptic[g.fixed_target[k]] += g.fixed_jump[k]
    if i >= n.active.size:
        return ready
    begin, end, time = g.start[i], g.start[i + 1], step * tables.dt
    pulsed = n.active[i] != 0
    block = begin >> 2
    if pulsed:
        fill_normals(normals, block, ((end + 3) >> 2) - block, key_0, key_1, SYNAPSES, step)
    own = s.calcium_pre * n.pre_trace[i]
    if pulsed and own > s.threshold_high and end > begin:
        together, since = _one_pulse(begin, end, step, n, tables)
        if together:
            if ready < 0:
                ready = g.target[begin]
                _seen_by_all(time, n.settled[ready], seen, n, s)
            settled, draws = n.settled[ready], normals[begin - 4 * block :]
            _transmit_in_pulse(i, step, since, seen, settled, g, n, tables, s, conductance, draws)
            return ready
    common = time - n.settled[g.target[begin]] if end > begin else 0.0
    common_loss = s.tau_protein * lost(common * s.protein_rate)
    for k in range(begin, end):
        j = g.target[k]
        if pulsed and n.regime[k] != 0:
            calcium = own + s.calcium_post * n.post_trace[j]
            bring_up(k, j, calcium, normals[k - 4 * block], step, n, tables, s)
            n.regime[k] = min(n.regime[k], regime_of(calcium, s))
            deviation = n.deviation[k]
        else:
            deviation = quiet_deviation(k, j, step, n, tables, s)
        late = _late(k, j, time, common, common_loss, n, s)
        n.synaptic[j] += (s.resting_weight * (1.0 + late) + deviation) * conductance
    return ready


@kernel
def _stimulate(step, stimuli, n, c, pushed, key_0, key_1, normals):  # type: ignore[no-untyped-def]
    """Stimulus currents over this step: `pushed` becomes the potential (mV) that they add; how many are on."""
    running = 0
    for number in range(stimuli.on.size):
        if step < stimuli.on[number] or step >= stimuli.off[number]:
            continue
        running += 1
        first, count = stimuli.first[number], stimuli.first[number + 1] - stimuli.first[number]
        fill_normals(normals, 0, (count + 3) >> 2, key_0, key_1, STIMULI + number, step)
        for position in range(count):
            before = n.stimulus[first + position] if step > stimuli.on[number] else 0.0
            after = c.coloured_kept * before + stimuli.deviation[number] * c.coloured_noise * normals[position]
            n.stimulus[first + position] = after
            pushed[stimuli.neuron[first + position]] += (
                c.from_mean * stimuli.mean[number] + c.from_before * before + c.from_after * after
            )
    return running


@kernel
def _move_neurons(n, c, pushed, normals):  # type: ignore[no-untyped-def]
    """All potentials and currents by one step; the number of spikes."""
    spikes = 0
    potential, synaptic, background, refractory = n.potential, n.synaptic, n.background, n.refractory
    constant, noise = c.from_mean * c.background_mean, c.background_deviation * c.coloured_noise
    for number in range(potential.size):
        before = background[number]
        after = c.coloured_kept * before + noise * normals[number]
        free = (
            c.kept * potential[number]
            + constant
            + c.from_synaptic * synaptic[number]
            + c.from_before * before
            + c.from_after * after
            + pushed[number]
        )
        held = refractory[number] > 0
        spike = (free >= c.threshold) & (not held)
        potential[number] = c.reset if (held | spike) else free
        refractory[number] = c.refractory_steps if spike else max(refractory[number] - 1, 0)
        spikes += 1 if spike else 0
        background[number] = after
        synaptic[number] *= c.synaptic_kept
    return spikes


@kernel
def run_steps(end, g, n, schedule, stimuli, drives, tables, s, c, key_0, key_1, out_step, out_neuron):  # type: ignore[no-untyped-def]
    """Run until step `end`, or until `out_*` have no room for a step; the number of spikes written there."""
    g, n, schedule, stimuli = borrowed(g), borrowed(n), borrowed(schedule), borrowed(stimuli)
    drives, tables = borrowed(drives), borrowed(tables)
    neurons, excitatory, capacity = n.potential.size, n.active.size, n.queue_step.size
    longest = max(neurons, g.target.size and np.max(g.start[1:] - g.start[:-1]))
    normals, pushed, seen = np.empty(longest + 8), np.zeros(neurons), np.empty(excitatory)
    room = 1 + max(excitatory, longest)
    work = (np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room))
    calcium_kept = math.exp(-tables.dt / s.tau_calcium)
    recorded = 0
    while n.clock[0] < end and recorded + neurons <= out_step.size:
        step = n.clock[0]
        while n.clock[4] + 1 < schedule.stretches.size and schedule.stretches[n.clock[4] + 1] <= step:
            n.clock[4] += 1
            settle_all(step, g, n, drives, tables, s)
        ready = -1
        while n.clock[2] < n.clock[1] and n.queue_step[n.clock[2] % capacity] + schedule.synaptic_delay <= step:
            i = n.queue_neuron[n.clock[2] % capacity]
            ready = _transmit(i, step, g, n, tables, s, 1.0 / c.resistance, key_0, key_1, normals, seen, ready)
            n.clock[2] += 1
        while n.clock[3] < n.clock[1] and n.queue_step[n.clock[3] % capacity] + schedule.calcium_delay <= step:
            i = n.queue_neuron[n.clock[3] % capacity]
            if i < excitatory:
                presynaptic_calcium(i, step, g, n, tables, s, key_0, key_1, work)
            n.clock[3] += 1
        if step % schedule.resolve_every == 0:
            resolve(step, g, n, drives, tables, s, key_0, key_1)
        stimulated = _stimulate(step, stimuli, n, c, pushed, key_0, key_1, normals)
        fill_normals(normals, 0, (neurons + 3) >> 2, key_0, key_1, BACKGROUND, step)
        spikes = _move_neurons(n, c, pushed, normals)
        if stimulated > 0:
            pushed[:] = 0.0
        for j in range(excitatory):
            # so small a trace moves no crossing by more than rounding; left to decay it would become denormal, and slow
            n.pre_trace[j] = n.pre_trace[j] * calcium_kept if n.pre_trace[j] > NOTHING else 0.0
            n.post_trace[j] = n.post_trace[j] * calcium_kept if n.post_trace[j] > NOTHING else 0.0
        step += 1
        n.clock[0] = step
        if spikes > 0:
            for j in range(neurons):
                # a neuron that spiked now has all of its refractory period before it, or sits at reset without one
                if n.refractory[j] == c.refractory_steps and n.potential[j] == c.reset:
                    n.queue_step[n.clock[1] % capacity] = step
                    n.queue_neuron[n.clock[1] % capacity] = j
                    n.clock[1] += 1
                    out_step[recorded] = step
                    out_neuron[recorded] = j
                    recorded += 1
                    if j < excitatory:
                        postsynaptic_calcium(j, step, g, n, tables, s, key_0, key_1, work)
    return recorded
