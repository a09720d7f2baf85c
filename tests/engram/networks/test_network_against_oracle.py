"""The event-driven network against its dense twin: the same spikes, the same weights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engram.networks.tag_and_capture.network import TagAndCaptureNetwork
from engram.networks.tag_and_capture.recorders import SpikeRecorder
from engram.networks.tag_and_capture.simulation import Simulation
from engram.networks.tag_and_capture.stimulus import Stimulus
from engram.networks.tag_and_capture.synapse_parameters import NETWORK_SYNAPSE
from tests.oracle.plastic_network import H_0, simulate

EXCITATORY, INHIBITORY = 30, 8


def network(**changes: float) -> TagAndCaptureNetwork:
    synapse = dataclasses.replace(
        NETWORK_SYNAPSE, noise=0.0, **{name: value for name, value in changes.items() if name != "resolve_interval"}
    )
    others = {name: value for name, value in changes.items() if name == "resolve_interval"}
    return TagAndCaptureNetwork(
        synapse=synapse, excitatory=EXCITATORY, inhibitory=INHIBITORY, connection_probability=0.4, **others
    )


def dense(described: TagAndCaptureNetwork) -> tuple[np.ndarray, np.ndarray]:
    plastic, wiring = described.plastic, described.wiring
    matrix = np.zeros((EXCITATORY, EXCITATORY))
    matrix[plastic.source, plastic.target] = 1.0
    fixed = np.zeros((described.neurons, described.neurons))
    fixed[np.repeat(np.arange(described.neurons), np.diff(wiring.fixed_start)), wiring.fixed_target] = wiring.fixed_jump
    return matrix, fixed


STIMULI = [
    Stimulus(start=0.05, duration=0.1, neurons=tuple(range(8)), rate=100.0),
    Stimulus(start=0.3, duration=0.15, neurons=tuple(range(4, 14)), rate=60.0, sources=4),
    Stimulus(start=0.6, duration=0.5, neurons=tuple(range(10, 20)), rate=40.0, sources=1),
]
UNTIL = 1.5


def both(**changes: float):
    described = network(**changes)
    recorder = SpikeRecorder()
    simulation = Simulation(described, seed=3, stimuli=STIMULI, recorders=[recorder])
    simulation.run(until=UNTIL)
    listed = [
        (
            round(stimulus.start / 2e-4), round(stimulus.end / 2e-4), list(stimulus.neurons),
            stimulus.mean(H_0 / 10), stimulus.deviation(H_0 / 10, 0.005),
        )
        for stimulus in STIMULI
    ]  # fmt: skip
    synapse = described.synapse
    oracle = simulate(
        *dense(described), round(UNTIL / 2e-4), 3, listed, tau_p=synapse.tau_protein, tau_z=synapse.tau_late,
        theta_pro=synapse.protein_fraction * H_0,
    )  # fmt: skip
    return simulation, recorder, oracle


def test_spikes_and_early_weights_are_those_of_the_dense_simulation():
    simulation, recorder, oracle = both(protein_fraction=1e6)
    steps = np.round(recorder.times / 2e-4).astype(int)
    assert np.array_equal(np.column_stack([steps, recorder.neurons]), oracle["spikes"])
    assert recorder.times.size > 1000
    weights = simulation.weights()
    expected = oracle["h"][weights.source, weights.target]
    assert np.abs(expected - H_0).max() > 1.0  # something was learned, in both directions
    assert expected.min() < H_0 - 0.01
    assert weights.early == pytest.approx(expected, abs=1e-9)


def test_error_of_proteins_and_late_phase_falls_with_the_interval_of_resolution():
    """τ_p is 1 s here, so an interval of 0.1 s costs a tenth; at an hour the same 0.1 s costs 3e-5.

    τ_z is so long that late weights cannot change which neuron spikes: their errors are relative to the largest.
    """
    for interval in (0.1, 0.02, 0.004):
        simulation, recorder, oracle = both(tau_protein=1.0, tau_late=1e5, resolve_interval=interval)
        assert recorder.times.size == len(oracle["spikes"])
        weights = simulation.weights()
        late = oracle["z"][weights.source, weights.target]
        assert late.max() > 5e-6
        assert weights.protein == pytest.approx(oracle["p"], abs=0.5 * interval)
        assert weights.late == pytest.approx(late, abs=1.3 * interval * late.max())
