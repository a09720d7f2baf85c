"""One calcium synapse with tag-and-capture, followed from event to event (equations: `synapse_parameters`).

An event is a spike, a recording, or a change of the neuromodulator. Between two, calcium is an exponential that
crosses its thresholds at τ_c ln(c/θ); the early phase is sampled exactly with one deviate at the end of the calcium
pulse or at the next event, whichever is first; after the pulse tag, protein and late phase are closed forms.
Within a pulse tag and synthesis are those of its last event.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._jit import kernel
from ..random_normal import key, one_normal
from .arguments import check_kind
from .closed_forms import captured, protein_after, relax, synthesis_left, tag_of
from .concentration import Concentration, drives_of
from .synapse_parameters import CalciumSynapse, Drives

STREAM = 1


class SynapseRun(NamedTuple):
    """One row a trial, one column a time of recording; ``time`` (s) has the columns alone."""

    time: NDArray[np.float64]
    calcium: NDArray[np.float64]
    early: NDArray[np.float64]  # h, mV
    tag: NDArray[np.float64]
    protein: NDArray[np.float64]
    late: NDArray[np.float64]  # z
    weight: NDArray[np.float64]  # h + h_0 z, mV


@kernel
def _quiet(early, late, protein, now, span, drives, stretch, s):  # type: ignore[no-untyped-def]
    """Early deviation, late phase and protein after `span` (s) without calcium above a threshold."""
    made = synthesis_left(abs(early), now, drives, stretch, s)
    tag = tag_of(early, s)
    if tag != 0:
        tagged = min(span, math.log(abs(early) / s.tag_threshold) / s.rates[0])
        late = captured(late, tag, protein_after(protein, made, tagged, s)[1], s)
    protein = protein_after(protein, made, span, s)[0]
    return early * math.exp(-s.rates[0] * span), late, protein


@kernel
def follow(times, jumps, columns, switches, drives, s, key_0, key_1, trial, out):  # type: ignore[no-untyped-def]
    """One trial. `columns` and `switches`: where to record and which stretch of the drive begins; −1 for neither."""
    calcium, early, late, protein, now = 0.0, 0.0, 0.0, 0.0, 0.0
    stretch = 0
    for event in range(times.size):
        span = times[event] - now
        if span > 0.0:
            rest = span
            if calcium > s.threshold_low:
                pulse = min(span, s.tau_calcium * math.log(calcium / s.threshold_low))
                high = max(0.0, min(pulse, s.tau_calcium * math.log(calcium / s.threshold_high)))
                made = pulse if synthesis_left(abs(early), now, drives, stretch, s) > 0.0 else 0.0
                protein, seen = protein_after(protein, made, pulse, s)
                late = captured(late, tag_of(early, s), seen, s)
                early, variance = relax(early, high, pulse, pulse, s)
                if variance > 0.0:
                    early += math.sqrt(variance) * one_normal(event, key_0, key_1, STREAM, trial)
                rest = span - pulse
            if rest > 0.0:
                begin = times[event] - rest
                early, late, protein = _quiet(early, late, protein, begin, rest, drives, stretch, s)
            calcium *= math.exp(-span / s.tau_calcium)
            now = times[event]
        calcium += jumps[event]
        if switches[event] >= 0:
            stretch = switches[event]
        if columns[event] >= 0:
            column = columns[event]
            out[0, column] = calcium
            out[1, column] = early
            out[2, column] = tag_of(early, s)
            out[3, column] = protein
            out[4, column] = late


@kernel
def follow_trials(times, jumps, columns, switches, drives, s, key_0, key_1, first, out):  # type: ignore[no-untyped-def]
    """Trials `first` …, one a row of `out`."""
    for trial in range(out.shape[0]):
        follow(times, jumps, columns, switches, drives, s, key_0, key_1, first + trial, out[trial])


def _spike_times(spikes: ArrayLike, name: str) -> NDArray[np.float64]:
    times = np.asarray(spikes, dtype=float)
    if times.ndim != 1 or not np.isfinite(times).all() or (times < 0).any():
        raise ValueError(f"{name} must be a list of finite times of zero or more seconds")
    wrong = np.flatnonzero(np.diff(times) < 0)
    if wrong.size:
        at = int(wrong[0])
        raise ValueError(
            f"{name} are out of order: number {at + 1} is at {times[at + 1]:g} s, after {times[at]:g} s; sort them"
        )
    return times


def run_synapse(
    synapse: CalciumSynapse,
    presynaptic: ArrayLike,
    postsynaptic: ArrayLike,
    *,
    record_at: ArrayLike,
    concentration: Concentration | None = None,
    trials: int = 1,
    seed: int = 0,
    threads: int = 1,
) -> SynapseRun:
    """Follow one synapse through given spikes.

    Parameters
    ----------
    synapse : CalciumSynapse
    presynaptic, postsynaptic : array_like
        Spike times (s), in order.
    record_at : array_like
        Times (s) to record at, in order; the last ends the run. What happens at the same time is included. Recording
        within a calcium pulse cuts it, and changes the sample drawn but not its law.
    concentration : Concentration, optional
        Of the neuromodulator; None for the fixed protein threshold ½ h_0.
    trials : int
        How many independent samples of the plasticity noise.
    seed, threads : int
        The same seed gives the same bits with any number of threads.

    Returns
    -------
    SynapseRun

    Raises
    ------
    TypeError
        A synapse or concentration of another kind.
    ValueError
        Spikes or recordings out of order, not finite, negative, or later than the last recording.

    Examples
    --------
    >>> import dataclasses
    >>> quiet = dataclasses.replace(CalciumSynapse(), noise=0.0)
    >>> run = run_synapse(quiet, [0.01 * k for k in range(100)], [], record_at=[2.0, 3600.0])
    >>> bool(run.weight[0, 1] > 1.3 * quiet.resting_weight)
    True
    """
    check_kind(synapse, CalciumSynapse, "synapse")
    if concentration is not None:
        check_kind(concentration, Concentration, "concentration")
    record = _spike_times(record_at, "record_at")
    if record.size == 0:
        raise ValueError("record_at is empty: give at least the time at which the run ends")
    if isinstance(trials, bool) or trials < 1 or threads < 1:
        raise ValueError(f"trials ({trials}) and threads ({threads}) must be 1 or more")
    before = _spike_times(presynaptic, "presynaptic spikes")
    arrivals = before + synapse.calcium_delay
    after = _spike_times(postsynaptic, "postsynaptic spikes")
    for spikes, name in ((before, "presynaptic"), (after, "postsynaptic")):
        if spikes.size and spikes[-1] > record[-1]:
            raise ValueError(f"a {name} spike at {spikes[-1]:g} s lies after the last recording at {record[-1]:g} s")
    drives = drives_of(concentration, synapse)
    parts = (drives.starts[1:], arrivals, after, record)
    times = np.concatenate(parts)
    kinds = np.repeat(np.arange(4), [part.size for part in parts])
    number = np.concatenate([np.arange(part.size) for part in parts])
    order = np.lexsort((kinds, times))  # at one time: the drive changes, spikes act, then it is recorded
    order = order[times[order] <= record[-1]]
    times, kinds, number = times[order], kinds[order], number[order]
    jumps = np.array([0.0, synapse.calcium_pre, synapse.calcium_post, 0.0])[kinds]
    columns = np.where(kinds == 3, number, -1)
    switches = np.where(kinds == 0, number + 1, -1)
    out = np.empty((trials, 5, record.size))
    _in_threads(times, jumps, columns, switches, drives, synapse, seed, out, threads)
    calcium, early, tag, protein, late = (out[:, row] for row in range(5))
    h_0 = synapse.resting_weight
    return SynapseRun(record, calcium, early + h_0, tag, protein, late, early + h_0 * (1.0 + late))


def _in_threads(
    times: NDArray[np.float64],
    jumps: NDArray[np.float64],
    columns: NDArray[np.int64],
    switches: NDArray[np.int64],
    drives: Drives,
    synapse: CalciumSynapse,
    seed: int,
    out: NDArray[np.float64],
    threads: int,
) -> None:
    constants, halves = synapse.constants(), key(seed)
    cuts = np.linspace(0, out.shape[0], threads + 1).astype(int)

    def part(number: int) -> Any:
        first, end = int(cuts[number]), int(cuts[number + 1])
        return follow_trials(times, jumps, columns, switches, drives, constants, *halves, first, out[first:end])

    if threads == 1:
        part(0)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(threads)))
