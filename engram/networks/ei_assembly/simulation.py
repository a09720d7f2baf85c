"""Running a network on mitral spikes, and what comes out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .network import EIAssemblyNetwork
from .odours import EIAssemblyInput
from .parameters import EIAssemblyModel

PRECISIONS = {"float64": np.float64, "float32": np.float32}


class SpikeCapacityError(RuntimeError):
    """More spikes than there was room for: the network runs away, or ``maximum_rate`` is too low."""


class Injection(NamedTuple):
    """A constant current (pA) into some neurons (E then I, from 0) from ``on`` to ``off`` (s)."""

    neurons: np.ndarray
    current: float
    on: float
    off: float


@dataclass(frozen=True, kw_only=True, eq=False)
class EIAssemblyRun:
    """Spikes and recordings of one run.

    Parameters
    ----------
    step, neuron : numpy.ndarray of int, [spike]
        Time step, from 0, and neuron of every spike, in order of time, then neuron; E neurons come first.
    model : EIAssemblyModel
        Of the network that ran.
    input : EIAssemblyInput
        What it ran on.
    windows : numpy.ndarray, [window, 2]
        Windows (s) over which conductances were averaged.
    conductances : numpy.ndarray, [window, 3, neuron]
        Mean afferent (g_OE or g_OI), excitatory (afferent and recurrent) and inhibitory conductance (nS).
    trace_times : numpy.ndarray, [sample]
        Times (s) of the samples of the traces.
    traces : numpy.ndarray, [sample, 4, traced neuron]
        Membrane potential (mV), afferent, excitatory and inhibitory conductance (nS) of the neurons asked for.
    """

    step: np.ndarray
    neuron: np.ndarray
    model: EIAssemblyModel
    input: EIAssemblyInput
    windows: np.ndarray
    conductances: np.ndarray
    trace_times: np.ndarray = field(repr=False)
    traces: np.ndarray = field(repr=False)

    @property
    def times(self) -> np.ndarray:
        """Time (s) of every spike."""
        return self.step * (self.model.time_step / 1000.0)

    def counts(self, first: float, last: float) -> np.ndarray:
        """Spikes of every neuron with first <= time < last (s), a window within the run."""
        if not 0 <= first < last <= self.input.duration + 1e-9:
            raise ValueError(f"a window from {first:g} to {last:g} s lies outside the run of {self.input.duration:g} s")
        window = np.array([self.model.steps(first), self.model.steps(last)], self.step.dtype)  # else a copy is cast
        a, b = np.searchsorted(self.step, window)
        return np.bincount(self.neuron[a:b], minlength=self.model.n_neurons)

    def rates(self, first: float, last: float) -> np.ndarray:
        """Rate (Hz) of every neuron over a window (s), E first."""
        return self.counts(first, last) / (last - first)

    def patterns(self, length: float = 1.5, delay: float = 0.0) -> np.ndarray:
        """Rates [presentation, neuron] in the first seconds of each odour."""
        rates = [self.rates(on + delay, on + delay + length) for on in self.input.on]
        return np.stack(rates) if rates else np.zeros((0, self.model.n_neurons))


def run(
    network: EIAssemblyNetwork,
    mitral: EIAssemblyInput,
    *,
    precision: str = "float64",
    windows: Sequence[tuple[float, float]] = (),
    traced: Sequence[int] = (),
    every: float = 1.0,
    injections: Sequence[Injection] = (),
    maximum_rate: float = 20.0,
) -> EIAssemblyRun:
    """Run a network from rest.

    Parameters
    ----------
    network : EIAssemblyNetwork
        What runs.
    mitral : EIAssemblyInput
        The spikes that drive it.
    precision : {"float64", "float32"}
        Of the state. In float32 single spikes differ soon (the network amplifies rounding), statistics do not.
    windows : sequence of (float, float)
        Windows (s) over which the conductances of all neurons are averaged.
    traced : sequence of int
        Neurons whose potential and conductances are sampled.
    every : float
        Milliseconds between samples of conductances and traces.
    injections : sequence of Injection
        Currents into some neurons; those that overlap add up.
    maximum_rate : float
        Room for so many spikes per neuron and second, on average over the run (Hz).

    Raises
    ------
    SpikeCapacityError
        If there are more spikes than that.
    ValueError
        If input and network do not fit, a window lies outside the input or between two samples, or a neuron that is
        traced or injected does not exist.
    FloatingPointError
        If a membrane potential is no longer finite.
    """
    from . import kernel

    model, cells = network.model, network.model.n_neurons
    kind = _precision(precision)
    _check(model, mitral)
    longest = mitral.duration * 1000.0 if len(windows) + np.size(traced) else math.inf
    if not 0 < every <= max(longest, model.time_step):
        raise ValueError(f"every must be positive and no longer than the run of {longest:g} ms, got {every!r}")
    stride = max(1, round(every / model.time_step))
    spans = _windows(model, windows, stride, mitral)
    chosen = _numbered(traced, cells, "traced neurons")
    samples = mitral.steps // stride if len(chosen) else 0
    recording = len(spans) > 0 or len(chosen) > 0
    sampling = kernel.Sampling(
        spans, stride, np.zeros((len(spans), 3, cells)), np.zeros(len(spans), np.int64), chosen,
        np.zeros((samples, 4, len(chosen))),
    )  # fmt: skip
    zero = model.reversal_excitatory  # the kernel measures potentials from here
    rest = np.repeat([model.rest_excitatory, model.rest_inhibitory], [int(model.n_excitatory), int(model.n_inhibitory)])
    state = kernel.State(
        (rest - zero).astype(kind), np.zeros(int(model.n_excitatory), kind), np.zeros(cells, kind),
        np.zeros(cells, kind), np.zeros(cells if recording else 0, kind),
    )  # fmt: skip
    if not 0 < maximum_rate <= 1000.0 / model.time_step:
        raise ValueError(
            f"maximum_rate must be positive, and at most one spike a step ({1000 / model.time_step:g} Hz); got "
            f"{maximum_rate!r}"
        )
    spikes = np.empty((math.ceil(maximum_rate * cells * mitral.duration) + 1, 2), np.int32)
    excitatory, inhibitory, common = _coefficients(model, kind)
    from_mitral, recurrent = (rows._replace(weight=rows.weight.astype(kind)) for rows in network.rows)
    status, count, step = kernel.simulate(
        mitral.steps, int(model.n_excitatory), excitatory, inhibitory, common, from_mitral, recurrent, mitral.start,
        mitral.cell, _injected(model, injections, kind), sampling, state, spikes,
    )  # fmt: skip
    if status == kernel.TOO_MANY_SPIKES:
        raise SpikeCapacityError(
            f"{count} spikes in the first {step * model.time_step / 1000:.3f} s are more than a mean of "
            f"{maximum_rate:g} Hz over {mitral.duration:g} s: the network runs away, or maximum_rate is too low"
        )
    if status == kernel.NOT_FINITE:
        raise FloatingPointError(
            "a membrane potential is no longer finite: the time step is too long for the strengths"
        )
    sampling.trace[:, 0] += zero
    return EIAssemblyRun(
        step=spikes[:count, 0].copy(), neuron=spikes[:count, 1].copy(), model=model, input=mitral,
        windows=np.array(windows, float).reshape(-1, 2),
        conductances=sampling.total / np.maximum(sampling.samples, 1)[:, None, None],
        trace_times=(np.arange(samples) + 1) * stride * model.time_step / 1000.0, traces=sampling.trace,
    )  # fmt: skip


def run_many(
    jobs: Iterable[tuple[EIAssemblyNetwork, EIAssemblyInput]],
    *,
    threads: int = 1,
    executor: Executor | None = None,
    **options: Any,
) -> list[EIAssemblyRun]:
    """Run several networks or trials, in threads or any executor; results as from `run` one by one, bit for bit.

    ``options`` go to `run`.
    """
    pairs = list(jobs)
    if executor is not None:
        return [future.result() for future in [executor.submit(run, *pair, **options) for pair in pairs]]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda pair: run(*pair, **options), pairs))


def _numbered(neurons: Any, cells: int, name: str) -> np.ndarray:
    """Numbers of neurons, checked."""
    given = np.atleast_1d(np.asarray(neurons))
    if given.size == 0:
        return np.zeros(0, np.int64)
    if given.ndim != 1 or given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= cells:
        raise ValueError(f"{name} must be numbered from 0 to {cells - 1}, in whole numbers; got {neurons!r}")
    return given.astype(np.int64)


def _windows(
    model: EIAssemblyModel, windows: Sequence[tuple[float, float]], stride: int, mitral: EIAssemblyInput
) -> np.ndarray:
    """Windows in steps; each holds a sample at least."""
    given = np.asarray(windows, float).reshape(-1, 2)
    if not np.all(np.isfinite(given)):
        raise ValueError(f"windows must be finite, got {list(windows)}")
    spans = np.array([[model.steps(a), model.steps(b)] for a, b in given], np.int64).reshape(-1, 2)
    if np.any(spans[:, 0] < 0) or np.any(spans[:, 0] >= spans[:, 1]) or np.any(spans[:, 1] > mitral.steps):
        raise ValueError(f"windows must lie between 0 and {mitral.duration:g} s, got {list(windows)}")
    empty = np.flatnonzero(spans[:, 0] // stride == spans[:, 1] // stride)
    if len(empty):
        a, b = given[empty[0]]
        raise ValueError(
            f"the window from {a:g} to {b:g} s lies between two samples, {stride * model.time_step:g} ms apart: make "
            "it longer, or `every` shorter"
        )
    return spans


def _precision(name: str) -> Any:
    if name not in PRECISIONS:
        raise ValueError(f"precision {name!r} is not one of {', '.join(PRECISIONS)}")
    return PRECISIONS[name]


def _check(model: EIAssemblyModel, mitral: EIAssemblyInput) -> None:
    if mitral.time_step != model.time_step:
        raise ValueError(f"the input has steps of {mitral.time_step:g} ms, the model of {model.time_step:g} ms")
    if len(mitral.cell) and (mitral.cell.min() < 0 or mitral.cell.max() >= model.n_mitral):
        raise ValueError(
            f"the input names mitral cell {mitral.cell.max()}, but the network has {int(model.n_mitral)}, from 0 on"
        )
    if len(mitral.start) != mitral.steps + 1 or mitral.start[0] != 0 or mitral.start[-1] != len(mitral.cell):
        raise ValueError(
            "the input's `start` does not fit its steps and spikes; build it with EIAssemblyInput.of_spikes"
        )
    if np.any(np.diff(mitral.start) < 0):
        raise ValueError("the input's `start` decreases; build it with EIAssemblyInput.of_spikes")


def _coefficients(model: EIAssemblyModel, kind: Any) -> tuple[Any, Any, Any]:
    from . import kernel

    dt, zero = model.time_step, model.reversal_excitatory
    share = dt / model.tau_adaptation

    def population(tau: float, leak: float, rest: float, threshold: float) -> Any:
        k = dt / tau
        rest, threshold = rest - zero, threshold - zero
        return kernel.Coefficients(
            *(
                kind(value)
                for value in (
                    1 - k, k * rest, k / leak, -k / leak, 1 - share, share * model.adaptation_coupling,
                    -share * model.adaptation_coupling * rest, model.adaptation_jump, rest, threshold,
                )
            )
        )  # fmt: skip

    return (
        population(model.tau_excitatory, model.leak_excitatory, model.rest_excitatory, model.threshold_excitatory),
        population(model.tau_inhibitory, model.leak_inhibitory, model.rest_inhibitory, model.threshold_inhibitory),
        kernel.Common(
            kind(model.reversal_inhibitory - zero), math.exp(-dt / model.tau_synapse_excitatory),
            math.exp(-dt / model.tau_synapse_inhibitory), round(model.refractory_time / dt),
        ),
    )  # fmt: skip


def _injected(model: EIAssemblyModel, injections: Sequence[Injection], kind: Any) -> Any:
    from . import kernel

    neurons = [np.unique(_numbered(one.neurons, model.n_neurons, "neurons of an injection")) for one in injections]
    every = np.concatenate([np.zeros(0, np.int64), *neurons])
    current = np.repeat([one.current for one in injections], [len(cells) for cells in neurons])
    if not np.all(np.isfinite(current)) or any(not 0 <= one.on < one.off < math.inf for one in injections):
        raise ValueError("an injection needs a finite current, and times with 0 <= on < off (s)")
    inertia = np.where(
        every < model.n_excitatory, model.tau_excitatory * model.leak_excitatory,
        model.tau_inhibitory * model.leak_inhibitory,
    )  # fmt: skip
    return kernel.Injections(
        np.array([model.steps(one.on) for one in injections], np.int64),
        np.array([model.steps(one.off) for one in injections], np.int64),
        np.cumsum([0, *(len(cells) for cells in neurons)]).astype(np.int64), every,
        (current * model.time_step / inertia).astype(kind),
    )  # fmt: skip
