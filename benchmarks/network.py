"""The spiking tag-and-capture network: cost of a biological second, its scaling, and Brian2 in the same run.

Brian2 needs NumPy below 2.3: ENGRAM_BRIAN2_PYTHON names the Python of an environment that has it, or it is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engram.networks.random_normal import fill_normals, key
from engram.networks.tag_and_capture.event_kernels import State
from engram.networks.tag_and_capture.experiments import PROTOCOL_2021
from engram.networks.tag_and_capture.network import TagAndCaptureNetwork
from engram.networks.tag_and_capture.recorders import SpikeCounter
from engram.networks.tag_and_capture.simulation import Simulation
from engram.networks.tag_and_capture.stimulus import Stimulus

from .measurement import Measurement, processor_time

_PART = "network"


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Yield the measurements."""
    yield _normals()
    background = 0.0
    for name, quantity, value, unit, target in _one_network(2.0 if quick else 10.0):
        if quantity == "background, plasticity on":
            background = value
        yield Measurement(name, quantity, value, unit, target)
    if not quick:
        yield from _convergence(30.0)
    yield from _scaling((500, 2000) if quick else (500, 2000, 8000, 20000))
    peer = os.environ.get("ENGRAM_BRIAN2_PYTHON")
    if peer and not quick:
        script = Path(__file__).parent / "peers" / "brian2_network.py"
        done = subprocess.run([peer, str(script), "0.05", "0.55"], capture_output=True, text=True, check=True)
        cost = float(json.loads(done.stdout.splitlines()[-1])["cost"])
        yield Measurement(_PART, "Brian2 C++ standalone, same model", cost, "CPU s / bio s")
        yield Measurement(_PART, "Brian2 / engram", cost / background, "x", ">= 100")


def _normals() -> Measurement:
    out, halves = np.empty(400_000), key(1)
    taken = processor_time(lambda: fill_normals(out, 0, 100_000, *halves, 0, 0), repeats=15)
    return Measurement(_PART, "normal deviates", out.size / taken / 1e6, "million/s", ">= 150")


def _cost(simulation: Simulation, until: float) -> float:
    begin, since = time.thread_time(), simulation.time
    simulation.run(until)
    return (time.thread_time() - begin) / (simulation.time - since)


def _one_network(span: float) -> Iterator[Measurement]:
    network = TagAndCaptureNetwork()
    pulses = [span + pulse - PROTOCOL_2021.pulses[0] for pulse in PROTOCOL_2021.pulses]
    stimuli = [Stimulus(start=start, duration=0.1, neurons=tuple(range(150)), rate=100.0) for start in pulses]
    simulation = Simulation(network, seed=1, stimuli=stimuli)
    simulation.run(0.1)
    yield Measurement(_PART, "background, plasticity on", _cost(simulation, span), "CPU s / bio s", "<= 0.2")
    costs, events = [], []
    for start in pulses:
        simulation.run(start)
        counter = SpikeCounter(start)
        simulation.recorders = [counter]
        costs.append(_cost(simulation, start + 0.1))
        events.append(_synaptic_events(network, counter.counts) / 0.1)
    cost, many = float(np.mean(costs)), float(np.mean(events))
    yield Measurement(_PART, "learning pulses", cost, "CPU s / bio s", "<= 0.4")
    yield Measurement(_PART, "learning pulses, synaptic events", many / 1e6, "million / bio s")
    yield Measurement(_PART, "learning pulses, per synaptic event", cost / many * 1e9, "ns")
    simulation.run(pulses[-1] + 2.0)
    begin = time.thread_time()
    simulation.fast_forward(simulation.time + 8 * 3600.0)
    yield Measurement(_PART, "fast-forward of 8 h", time.thread_time() - begin, "CPU s", "<= 0.1")
    held = sum(array.nbytes for array in (*simulation._state, *network.wiring, network.plastic.target))
    yield Measurement(_PART, "state and wiring, 2000 neurons", held / 1e6, "MB", "<= 100")
    size = sum(simulation._state._asdict()[name].itemsize for name in _OF_A_SYNAPSE) + 4 + 8 + 4
    yield Measurement(_PART, "a plastic synapse", float(size), "bytes")


_OF_A_SYNAPSE = tuple(name for name in State._fields if name in (
    "deviation", "updated", "regime", "tag", "late", "captured_at",
))  # fmt: skip


def _synaptic_events(network: TagAndCaptureNetwork, spikes: np.ndarray) -> float:
    """Transmissions, and calcium jumps of pre- and postsynaptic spikes at plastic synapses."""
    counts, wiring = np.zeros(network.neurons), network.wiring
    counts[: spikes.size] = spikes
    plastic = np.diff(wiring.start)
    each = np.diff(wiring.fixed_start).astype(float)
    each[: network.excitatory] += 2 * plastic + np.diff(wiring.first_incoming)
    return float(counts @ each)


def _convergence(span: float) -> Iterator[Measurement]:
    """Spikes in background at smaller steps: what a step costs in accuracy, to within chance."""
    for dt in (2e-4, 1e-4, 5e-5):
        counter = SpikeCounter()
        Simulation(TagAndCaptureNetwork(dt=dt), seed=2, recorders=[counter]).run(span)
        rates = counter.counts[:1600].mean() / span, counter.counts[1600:].mean() / span
        for name, rate, neurons in zip("EI", rates, (1600, 400), strict=True):
            chance = np.sqrt(rate / (span * neurons))
            quantity = f"rate of {name} at a step of {dt * 1e3:g} ms (± {chance:.2g})"
            yield Measurement(_PART, quantity, float(rate), "Hz")


def _scaling(sizes: tuple[int, ...]) -> Iterator[Measurement]:
    """The same number of inputs (160 + 40) a neuron at every size: cost a neuron should not grow."""
    for size in sizes:
        excitatory = size * 4 // 5
        network = TagAndCaptureNetwork(
            excitatory=excitatory, inhibitory=size - excitatory, connection_probability=min(1.0, 200.0 / size)
        )
        counter = SpikeCounter(0.2)
        simulation = Simulation(network, seed=1, recorders=[counter])
        simulation.run(0.2)
        cost = _cost(simulation, 1.2)
        yield Measurement(_PART, f"background of {size} neurons, per neuron", cost / size * 1e6, "CPU us / bio s")
        connections = (network.plastic.size + network.wiring.fixed_target.size) / size
        events = counter.counts.sum() * connections
        yield Measurement(_PART, f"background of {size} neurons, transmissions", events / 1e3, "thousand / bio s")
