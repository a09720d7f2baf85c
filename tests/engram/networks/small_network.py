"""A small plastic network with two learning pulses, and the bits of what it did: shared by tests."""

from __future__ import annotations

from engram.networks.tag_and_capture.network import TagAndCaptureNetwork
from engram.networks.tag_and_capture.recorders import SpikeRecorder
from engram.networks.tag_and_capture.simulation import Simulation
from engram.networks.tag_and_capture.stimulus import Stimulus

PULSES = tuple(Stimulus(start=start, duration=0.1, neurons=tuple(range(30)), rate=100.0) for start in (0.1, 0.5))


def small(**changes) -> TagAndCaptureNetwork:
    return TagAndCaptureNetwork(**{"excitatory": 200, "inhibitory": 50, **changes})


def started(network: TagAndCaptureNetwork | None = None, seed: int = 1, **more) -> Simulation:
    return Simulation(network or small(), seed=seed, stimuli=PULSES, recorders=[SpikeRecorder()], **more)


def bits(simulation: Simulation) -> list[bytes]:
    recorder = simulation.recorders[0]
    return [
        *(array.tobytes() for array in simulation._state), recorder.times.tobytes(), recorder.neurons.tobytes()
    ]  # fmt: skip
