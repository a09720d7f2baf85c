"""The compiled simulator of the E/I-assembly network.

Forward Euler on a grid of steps, in the order of the model (see `engram.networks.ei_assembly`). Two rewritings make it
fast without changing what is computed:

- A conductance decays by the same factor everywhere, so it is kept as ``g = h s`` with one number s for all neurons:
  a step multiplies s, a spike adds ``weight / s`` to the h of its targets, and no array of conductances is written.
  Every `RESCALE` steps h takes over s, and what is below 1e-30 nS becomes zero.
- No counters: the spikes of the last `refractory_steps` steps, which stand in the output anyway, are the clamped
  neurons.
- Potentials are measured from the excitatory reversal potential, which drops a term from the sum.

The spikes do not depend on the order of these operations: rounding errors of 1e-14 mV fade with the membrane, and a
spike moves only if V comes that close to threshold at a step, which no spike in 10⁹ does.

Neurons are numbered E first, then I. Everything is in mV, ms, nS, pA; precision is that of the arrays handed in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..._jit import kernel
from .fused import fma

BLOCK = 512
RESCALE = 1000  # steps

DONE, TOO_MANY_SPIKES, NOT_FINITE = 0, 1, 2


class Rows(NamedTuple):
    """Outgoing connections of every presynaptic cell, compressed: row i is start[i]:start[i + 1]."""

    start: np.ndarray
    target: np.ndarray
    weight: np.ndarray  # nS


class Coefficients(NamedTuple):
    """One step of one population: V' = (keep − a − b) V + rest + b E_inh + from_w w, with a, b = gain × conductance."""

    keep: np.floating  # 1 − dt/τ
    rest: np.floating  # E_L dt/τ
    gain: np.floating  # dt / (τ g_L)
    from_w: np.floating  # −gain
    keep_w: np.floating
    w_from_v: np.floating
    w_rest: np.floating
    jump_w: np.floating  # b
    reset: np.floating
    threshold: np.floating


class Common(NamedTuple):
    """What both populations share."""

    reversal_inhibitory: np.floating
    decay_excitatory: float
    decay_inhibitory: float
    refractory_steps: int


class State(NamedTuple):
    """Membrane potential, adaptation (E only) and scaled conductances of all neurons."""

    potential: np.ndarray
    adaptation: np.ndarray
    excitatory: np.ndarray
    inhibitory: np.ndarray
    afferent: np.ndarray  # the part of `excitatory` that mitral cells caused; empty where nobody asks


class Injections(NamedTuple):
    """Constant currents, each into some neurons during first <= step < stop; number k is start[k]:start[k + 1]."""

    first: np.ndarray
    stop: np.ndarray
    start: np.ndarray
    neuron: np.ndarray
    push: np.ndarray  # step of potential it adds (mV)


class Sampling(NamedTuple):
    """Conductances summed over windows (rows of first, stop), every `stride` steps; traces of chosen neurons."""

    window: np.ndarray
    stride: int
    total: np.ndarray  # [window, 3, neuron]: afferent, excitatory, inhibitory
    samples: np.ndarray  # [window]: how many were summed
    neuron: np.ndarray
    trace: np.ndarray  # [sample, 4, neuron]: V, afferent, excitatory, inhibitory


@kernel
def _update_adapting(potential, adaptation, excitatory, inhibitory, gain_e, gain_i, pull_i, c):  # type: ignore[no-untyped-def]
    above = False
    for i in range(len(potential)):
        v = potential[i]
        w = adaptation[i]
        h_e = excitatory[i]
        h_i = inhibitory[i]
        kept = fma(h_i, gain_i, fma(h_e, gain_e, c.keep))
        new = fma(v, kept, fma(w, c.from_w, fma(h_i, pull_i, c.rest)))
        adaptation[i] = fma(c.keep_w, w, fma(c.w_from_v, v, c.w_rest))
        potential[i] = new
        above |= new > c.threshold
    return above


@kernel
def _update_plain(potential, excitatory, inhibitory, gain_e, gain_i, pull_i, c):  # type: ignore[no-untyped-def]
    above = False
    for i in range(len(potential)):
        v = potential[i]
        h_e = excitatory[i]
        h_i = inhibitory[i]
        kept = fma(h_i, gain_i, fma(h_e, gain_e, c.keep))
        new = fma(v, kept, fma(h_i, pull_i, c.rest))
        potential[i] = new
        above |= new > c.threshold
    return above


@kernel
def _deliver(rows, cell, onto, factor):  # type: ignore[no-untyped-def]
    for k in range(rows.start[cell], rows.start[cell + 1]):
        onto[rows.target[k]] += rows.weight[k] * factor


@kernel
def _rescale(array, scale):  # type: ignore[no-untyped-def]
    for i in range(len(array)):
        value = array[i] * scale
        array[i] = value if value > 1e-30 else array.dtype.type(0)


@kernel
def _sample_window(k, sampling, state, scale_e, scale_i):  # type: ignore[no-untyped-def]
    for i in range(len(state.potential)):
        sampling.total[k, 0, i] += state.afferent[i] * scale_e
        sampling.total[k, 1, i] += state.excitatory[i] * scale_e
        sampling.total[k, 2, i] += state.inhibitory[i] * scale_i
    sampling.samples[k] += 1


@kernel
def _sample_traces(row, sampling, state, scale_e, scale_i):  # type: ignore[no-untyped-def]
    for k in range(len(sampling.neuron)):
        i = sampling.neuron[k]
        sampling.trace[row, 0, k] = state.potential[i]
        sampling.trace[row, 1, k] = state.afferent[i] * scale_e
        sampling.trace[row, 2, k] = state.excitatory[i] * scale_e
        sampling.trace[row, 3, k] = state.inhibitory[i] * scale_i


@kernel
def simulate(  # type: ignore[no-untyped-def]
    steps, cells_e, e, i_, common, mitral, recurrent, input_start, input_cell, injections, sampling, state, spikes
):
    """Run from the given state, which is changed; ``spikes`` [capacity, 2] takes (step, neuron), both from 0.

    Mitral spikes of step t are ``input_cell[input_start[t]:input_start[t + 1]]``. Returns (status, spikes, step).
    """
    cells = len(state.potential)
    one = state.potential.dtype.type(1)
    flagged = np.empty((cells_e + BLOCK - 1) // BLOCK + (cells - cells_e + BLOCK - 1) // BLOCK, np.bool_)
    afferent = len(state.afferent) > 0
    scale_e = 1.0
    scale_i = 1.0
    count = 0
    clamped = 0  # first spike that still holds its neuron at rest
    windows = len(sampling.window)
    traced = len(sampling.neuron) > 0
    for step in range(steps):
        kind = state.potential.dtype.type
        # (1) potential and adaptation, from the old values
        block = 0
        gain_e = kind(scale_e) * -e.gain
        gain_i = kind(scale_i) * -e.gain
        for start in range(0, cells_e, BLOCK):
            stop = min(start + BLOCK, cells_e)
            flagged[block] = _update_adapting(
                state.potential[start:stop], state.adaptation[start:stop], state.excitatory[start:stop],
                state.inhibitory[start:stop], gain_e, gain_i, gain_i * -common.reversal_inhibitory, e,
            )  # fmt: skip
            block += 1
        gain_e = kind(scale_e) * -i_.gain
        gain_i = kind(scale_i) * -i_.gain
        for start in range(cells_e, cells, BLOCK):
            stop = min(start + BLOCK, cells)
            flagged[block] = _update_plain(
                state.potential[start:stop], state.excitatory[start:stop], state.inhibitory[start:stop],
                gain_e, gain_i, gain_i * -common.reversal_inhibitory, i_,
            )  # fmt: skip
            block += 1
        for number in range(len(injections.first)):
            if injections.first[number] <= step < injections.stop[number]:
                for k in range(injections.start[number], injections.start[number + 1]):
                    neuron = injections.neuron[k]
                    state.potential[neuron] += injections.push[k]
                    if neuron < cells_e:
                        flagged[neuron // BLOCK] = True
                    else:
                        flagged[(cells_e + BLOCK - 1) // BLOCK + (neuron - cells_e) // BLOCK] = True
        # (2) refractory neurons are at rest
        while clamped < count and step - spikes[clamped, 0] > common.refractory_steps:
            clamped += 1
        for k in range(clamped, count):
            neuron = spikes[k, 1]
            state.potential[neuron] = e.reset if neuron < cells_e else i_.reset
        # (3) spikes, (5) adaptation
        first = count
        block = 0
        for start in range(0, cells_e, BLOCK):
            if flagged[block]:
                for neuron in range(start, min(start + BLOCK, cells_e)):
                    if state.potential[neuron] > e.threshold:
                        if count == len(spikes):
                            return TOO_MANY_SPIKES, count, step
                        spikes[count, 0] = step
                        spikes[count, 1] = neuron
                        count += 1
                        state.adaptation[neuron] += e.jump_w
            block += 1
        for start in range(cells_e, cells, BLOCK):
            if flagged[block]:
                for neuron in range(start, min(start + BLOCK, cells)):
                    if state.potential[neuron] > i_.threshold:
                        if count == len(spikes):
                            return TOO_MANY_SPIKES, count, step
                        spikes[count, 0] = step
                        spikes[count, 1] = neuron
                        count += 1
            block += 1
        # (6) conductances decay, then take this step's spikes
        scale_e *= common.decay_excitatory
        scale_i *= common.decay_inhibitory
        if step % RESCALE == RESCALE - 1:
            _rescale(state.excitatory, kind(scale_e))
            _rescale(state.inhibitory, kind(scale_i))
            _rescale(state.afferent, kind(scale_e))
            scale_e = 1.0
            scale_i = 1.0
        factor_e = one / kind(scale_e)
        factor_i = one / kind(scale_i)
        for k in range(input_start[step], input_start[step + 1]):
            _deliver(mitral, input_cell[k], state.excitatory, factor_e)
            if afferent:
                _deliver(mitral, input_cell[k], state.afferent, factor_e)
        for k in range(first, count):
            neuron = spikes[k, 1]
            if neuron < cells_e:
                _deliver(recurrent, neuron, state.excitatory, factor_e)
            else:
                _deliver(recurrent, neuron, state.inhibitory, factor_i)
        if (step + 1) % sampling.stride == 0:
            for k in range(windows):
                if sampling.window[k, 0] <= step < sampling.window[k, 1]:
                    _sample_window(k, sampling, state, kind(scale_e), kind(scale_i))
            if traced:
                _sample_traces(step // sampling.stride, sampling, state, kind(scale_e), kind(scale_i))
    _rescale(state.excitatory, state.potential.dtype.type(scale_e))
    _rescale(state.inhibitory, state.potential.dtype.type(scale_i))
    _rescale(state.afferent, state.potential.dtype.type(scale_e))
    for neuron in range(cells):
        if not np.isfinite(state.potential[neuron]):
            return NOT_FINITE, count, steps
    return DONE, count, steps
