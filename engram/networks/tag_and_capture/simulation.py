"""A run of the tag-and-capture network: forward in time, over silent hours, and out of a checkpoint."""

from __future__ import annotations

import copy
import math
import numbers
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...units import format_time
from ..random_normal import key, normal_deviates
from . import checkpoint
from .arguments import check_kind, checked_recorders, finite_number
from .concentration import Concentration, drives_of
from .event_kernels import State, resolve, settle_all, weights_now
from .network import TagAndCaptureNetwork, at_rest, whole_steps
from .network_kernel import Schedule, run_steps
from .neurons import neuron_constants
from .recorders import Recorder
from .stimulus import Stimulus, stimulus_table

_START, _SKIPPED = 4, 5  # streams of random numbers


class Weights(NamedTuple):
    """All plastic synapses at one time; weight = early + h_0·late."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    early: NDArray[np.float64]  # mV
    late: NDArray[np.float64]
    protein: NDArray[np.float64]  # of each excitatory neuron
    total_deviation: NDArray[np.float64]  # S of each excitatory neuron, mV


class Simulation:
    """One trial of a network.

    Parameters
    ----------
    network : TagAndCaptureNetwork
    seed : int
        Of everything random in the trial; the connectivity has its own.
    stimuli : sequence of Stimulus
    concentration : Concentration, optional
        Of the neuromodulator; None for the fixed protein threshold.
    recorders : sequence of Recorder

    Raises
    ------
    TypeError
        A network, stimulus, concentration or recorder of another kind, or one outside of a list.
    ValueError
        A seed that is not a whole number from 0 to 2^64 − 1; stimuli as in `stimulate`.

    Examples
    --------
    >>> network = TagAndCaptureNetwork(excitatory=80, inhibitory=20)
    >>> simulation = Simulation(network, seed=1)
    >>> simulation.run(until=0.1)
    >>> simulation.time
    0.1
    """

    def __init__(
        self,
        network: TagAndCaptureNetwork,
        *,
        seed: int,
        stimuli: Sequence[Stimulus] = (),
        concentration: Concentration | None = None,
        recorders: Sequence[Recorder] = (),
    ) -> None:
        check_kind(network, TagAndCaptureNetwork, "network")
        if concentration is not None:
            check_kind(concentration, Concentration, "concentration")
        self.network = network
        self.seed = seed
        self.concentration = concentration
        self.recorders = checked_recorders(recorders)
        self.stimuli: tuple[Stimulus, ...] = ()
        self._key = key(seed)
        self._constants = network.synapse.constants()
        self._neuron = neuron_constants(network.neuron, network.dt)
        self._tables = network.tables()
        self._set_drives()
        background = self._background(_START, 0)
        self._state = State(**at_rest(network, background))  # type: ignore[arg-type]
        if isinstance(stimuli, Stimulus):
            raise TypeError("stimuli is a single Stimulus: write stimuli=[stimulus]")
        self.stimulate(*stimuli)

    def _set_drives(self) -> None:
        network = self.network
        self._drives = drives_of(self.concentration, network.synapse)
        starts = np.ceil(self._drives.starts[1:] / network.dt - 1e-9).astype(np.int64)
        self._schedule = Schedule(
            np.concatenate([[-1], starts]),
            whole_steps(network.resolve_interval, network.dt, "resolve_interval"),
            whole_steps(network.neuron.synaptic_delay, network.dt, "the synaptic delay"),
            whole_steps(network.synapse.calcium_delay, network.dt, "the calcium delay"),
        )

    def _background(self, stream: int, step: int) -> NDArray[np.float64]:
        draws = normal_deviates(self.network.neurons, seed=self.seed, stream=stream, step=step)
        return self._neuron.background_deviation * draws

    @property
    def step(self) -> int:
        """Steps taken."""
        return int(self._state.clock[0])

    @property
    def time(self) -> float:
        """Now (s)."""
        return self.step * self.network.dt

    def stimulate(self, *stimuli: Stimulus) -> None:
        """Add stimuli, none of which may have begun.

        Raises
        ------
        TypeError
            What is not a Stimulus.
        ValueError
            A stimulus that begins before now, lasts less than a step or names a neuron that does not exist.
        """
        for stimulus in stimuli:
            check_kind(stimulus, Stimulus, "a stimulus")
            if round(stimulus.start / self.network.dt) < self.step:
                raise ValueError(
                    f"the stimulus at {stimulus.start:g} s lies outside the run: it is already {self.time:g} s"
                )
            if max(stimulus.neurons) >= self.network.neurons:
                raise ValueError(
                    f"the stimulus at {stimulus.start:g} s names neuron {max(stimulus.neurons)}, "
                    f"but there are neurons 0 to {self.network.neurons - 1}"
                )
            if round(stimulus.end / self.network.dt) <= round(stimulus.start / self.network.dt):
                raise ValueError(
                    f"the stimulus at {stimulus.start:g} s lasts {stimulus.duration:g} s, less than a step: "
                    f"give it at least {self.network.dt:g} s"
                )
        self.stimuli += stimuli
        neuron = self.network.neuron
        charge = self.network.synapse.resting_weight / neuron.resistance
        self._stimuli = stimulus_table(self.stimuli, self.network.dt, charge, neuron.tau_background)
        added = np.zeros(self._stimuli.neuron.size - self._state.stimulus.size)
        self._state = self._state._replace(stimulus=np.concatenate([self._state.stimulus, added]))

    def run(
        self,
        until: float,
        *,
        checkpoint_to: str | Path | None = None,
        checkpoint_every: float = 60.0,
        progress: bool = False,
    ) -> None:
        """Simulate every neuron to the time ``until`` (s).

        Parameters
        ----------
        until : float
            End (s), rounded to a step.
        checkpoint_to : path, optional
            File written every ``checkpoint_every`` biological seconds and at the end.
        progress : bool
            Show a progress bar.

        Raises
        ------
        ValueError
            A time that is not finite or before now, or an interval between checkpoints that is not positive.
        CheckpointError
            Before the first step: a place that cannot be written to, or a recorder that cannot be kept.
        """
        end = self._step_of(until, "run")
        finite_number(checkpoint_every, "checkpoint_every", 0.0, above=True)
        if checkpoint_to is not None:
            checkpoint.check_before_run(Path(checkpoint_to), self)
        every = max(1, round(checkpoint_every / self.network.dt))
        stops = {end}
        for recorder in self.recorders:
            stops |= {round(time / self.network.dt) for time in recorder.stops(self.time, until)}
        if checkpoint_to is not None:
            stops |= set(range(self.step + every, end, every))
        if progress:
            stops |= set(range(self.step, end, max(1, round(1.0 / self.network.dt))))
        bar = _progress_bar(end - self.step, self.network.dt) if progress else None
        last_saved = self.step
        for stop in sorted(stop for stop in stops if self.step <= stop <= end):
            before = self.step
            self._run_to(stop)
            for recorder in self.recorders:
                recorder.visit(self)
            if checkpoint_to is not None and (stop == end or self.step - last_saved >= every):
                self.save(checkpoint_to)
                last_saved = self.step
            if bar is not None:
                bar.update((self.step - before) * self.network.dt)
        if bar is not None:
            bar.close()

    def _run_to(self, stop: int) -> None:
        room = max(65536, 2 * self.network.neurons)
        steps, neurons = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int32)
        while self.step < stop:
            found = run_steps(
                stop, self.network.wiring, self._state, self._schedule, self._stimuli, self._drives, self._tables,
                self._constants, self._neuron, *self._key, steps, neurons,
            )  # fmt: skip
            times = np.multiply(steps[:found], self.network.dt, dtype=np.float64)
            for recorder in self.recorders:
                recorder.spikes(times, neurons[:found])

    def fast_forward(self, until: float) -> None:
        """Skip to the time ``until`` (s) in closed form, all neurons silent.

        Spikes on their way are dropped; calcium decays, early weights relax, tags, proteins and late phases follow
        exactly. The neurons are left at rest, their background current drawn anew. Recorders look at the times on the
        way that they ask for; the numbers do not depend on it.

        Raises
        ------
        ValueError
            If a stimulus lies on the way.
        """
        end = self._step_of(until, "fast_forward")
        for stimulus, on, off in zip(self.stimuli, self._stimuli.on, self._stimuli.off, strict=True):
            if on < end and off > self.step:
                raise ValueError(
                    f"fast_forward to {format_time(until)} would skip the stimulus at {stimulus.start:g} s: "
                    "run through it first"
                )
        stops = {round(time / self.network.dt) for kept in self.recorders for time in kept.stops(self.time, until)}
        for stop in sorted(stop for stop in stops if self.step < stop < end):
            there = copy.copy(self)
            there._state = self._copied()
            there._skip(stop)
            for recorder in self.recorders:
                recorder.visit(there)
        self._skip(end)
        for recorder in self.recorders:
            recorder.visit(self)

    def _skip(self, end: int) -> None:
        state, constants, dt = self._state, self._constants, self.network.dt
        arguments = (self.network.wiring, state, self._drives, self._tables, constants)
        state.clock[2] = state.clock[3] = state.clock[1]
        highest = constants.calcium_pre * state.pre_trace.max() + constants.calcium_post * state.post_trace.max()
        if highest > constants.threshold_low:
            steps = math.ceil(constants.tau_calcium * math.log(highest / constants.threshold_low) / dt) + 1
            self._decay(min(steps, end - self.step))
            resolve(self.step, *arguments, *self._key)
        for stretch in range(int(state.clock[4]) + 1, self._schedule.stretches.size):
            if self._schedule.stretches[stretch] > end:
                break
            self._decay(max(0, int(self._schedule.stretches[stretch]) - self.step))
            state.clock[4] = stretch
            settle_all(self.step, *arguments)
        self._decay(end - self.step)
        resolve(self.step, *arguments, *self._key)
        for array in (state.potential, state.synaptic, state.refractory):
            array[:] = 0
        state.background[:] = self._background(_SKIPPED, self.step)

    def _decay(self, steps: int) -> None:
        for trace in (self._state.pre_trace, self._state.post_trace):
            trace *= math.exp(-steps * self.network.dt / self._constants.tau_calcium)
        self._state.clock[0] += steps

    def weights(self) -> Weights:
        """All plastic weights now. Nothing changes: a synapse within a calcium pulse is sampled for this reading."""
        state = self._copied()
        resolve(self.step, self.network.wiring, state, self._drives, self._tables, self._constants, *self._key)
        settle_all(self.step, self.network.wiring, state, self._drives, self._tables, self._constants)
        early, late = weights_now(self.step, self.network.wiring, state, self._tables, self._constants)
        plastic = self.network.plastic
        return Weights(
            plastic.source, plastic.target, early + self._constants.resting_weight, late,
            state.protein, state.total_deviation,
        )  # fmt: skip

    def set_weights(self, early: NDArray[np.float64], late: NDArray[np.float64], protein: NDArray[np.float64]) -> None:
        """Replace the plastic state: early weights (mV) and late phases of all synapses, protein of all E neurons.

        Raises
        ------
        ValueError
            Arrays of the wrong length, NaN, a late phase outside −½ … 1 or protein outside 0 … 1, or neurons that are
            not silent (some calcium is above a threshold).
        """
        state = self._state
        for name, given, size in (
            ("early", early, state.late.size), ("late", late, state.late.size), ("protein", protein, state.protein.size)
        ):  # fmt: skip
            if np.shape(given) != (size,):
                raise ValueError(f"{name} has shape {np.shape(given)}; it must be ({size},)")
            wrong = np.flatnonzero(~np.isfinite(given))
            if wrong.size:
                raise ValueError(f"{name}[{int(wrong[0])}] is {given[int(wrong[0])]}: every value must be finite")
        for name, given, low, high in (("late", late, -0.5, 1.0), ("protein", protein, 0.0, 1.0)):
            wrong = np.flatnonzero((np.asarray(given) < low) | (np.asarray(given) > high))
            if wrong.size:
                raise ValueError(
                    f"{name}[{int(wrong[0])}] is {given[int(wrong[0])]}: it must lie between {low:g} and {high:g}"
                )
        if state.regime.any():
            raise ValueError("set_weights needs silent synapses: some calcium is above a threshold now")
        state.deviation[:] = np.asarray(early) - self._constants.resting_weight
        state.updated[:] = self.step
        state.late[:] = late
        threshold = self._constants.tag_threshold
        state.tag[:] = np.where(np.abs(state.deviation) > threshold, np.sign(state.deviation), 0)
        state.protein[:] = protein
        state.protein_total[:] = 0.0
        state.captured_at[:] = 0.0
        state.settled[:] = state.synthesis_end[:] = self.time
        settle_all(self.step, self.network.wiring, state, self._drives, self._tables, self._constants)

    def _copied(self) -> State:
        return State(**{name: array.copy() for name, array in self._state._asdict().items()})

    def branch(self, concentration: Concentration | None = None) -> Simulation:
        """An independent copy that goes on from here.

        Parameters
        ----------
        concentration : Concentration, optional
            Of the neuromodulator from here on, where there was none so far; the same as here by default.

        Raises
        ------
        ValueError
            If either concentration begins before now, or this simulation has the fixed protein threshold.
        """
        other = copy.copy(self)
        if concentration is not None:
            check_kind(concentration, Concentration, "concentration")
            for given in (self.concentration, concentration):
                if given is None:
                    raise ValueError("branch: this simulation has a fixed protein threshold; give it Concentration()")
                begins = [entry[0] for entry in (*given.steps, *given.releases)]
                if begins and round(min(begins) / self.network.dt) < self.step:
                    raise ValueError(
                        f"branch: a neuromodulator that begins at {min(begins):g} s cannot be exchanged at "
                        f"{self.time:g} s"
                    )
            other.concentration = concentration
            other._set_drives()
        other._state = self._copied()
        other.recorders = copy.deepcopy(self.recorders)
        return other

    def save(self, path: str | Path) -> None:
        """Write a checkpoint, in one piece or not at all.

        Raises
        ------
        CheckpointError
            A place that cannot be written to, or a recorder that is neither of this library nor of exactly its type.
        """
        checkpoint.write(Path(path), self)

    @classmethod
    def load(cls, path: str | Path, network: TagAndCaptureNetwork) -> Simulation:
        """A simulation that goes on, bit for bit, from a checkpoint of the same network.

        Raises
        ------
        CheckpointError
            A file that is no checkpoint, damaged, or of another network or version.
        """
        return checkpoint.read(Path(path), network, cls)

    def _step_of(self, until: Any, what: str) -> int:
        finite = isinstance(until, numbers.Real) and math.isfinite(until)
        if not finite or round(until / self.network.dt) < self.step:
            raise ValueError(f"{what} until {until!r} s: give a finite time not before now, {self.time:g} s")
        return round(until / self.network.dt)


def _progress_bar(steps: int, dt: float):  # type: ignore[no-untyped-def]
    from tqdm import tqdm

    return tqdm(total=round(steps * dt, 6), unit="s", unit_scale=True)
