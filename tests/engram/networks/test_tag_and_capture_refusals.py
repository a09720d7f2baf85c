"""What the plastic network, its stimuli and its experiments refuse before anything is simulated."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_network import PULSES, small, started

from engram.networks.tag_and_capture.calcium_synapse import run_synapse
from engram.networks.tag_and_capture.experiments import AssemblyProtocol, consolidated, consolidation, learning
from engram.networks.tag_and_capture.neurons import IntegrateAndFire
from engram.networks.tag_and_capture.recorders import SpikeRecorder
from engram.networks.tag_and_capture.simulation import Simulation
from engram.networks.tag_and_capture.synapse_parameters import NETWORK_SYNAPSE, CalciumSynapse


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: small(wiring_seed=1.5), "wiring_seed is 1.5; give a whole number"),
        (
            lambda: small(neuron=IntegrateAndFire(synaptic_delay=0.0)),
            "the synaptic delay is 0 s; .* one step, 0.0002 s",
        ),
        (lambda: started().run(until="1"), "run until '1' s: give a finite time"),
        (lambda: started().run(until=0.1, checkpoint_every=float("nan")), "checkpoint_every is nan"),
        (lambda: dataclasses.replace(PULSES[0], neurons=(1.7,)), r"neurons\[0\] is 1.7; .* whole number"),
        (lambda: dataclasses.replace(PULSES[0], neurons="12"), "neurons is '12'; give a list"),
        (lambda: dataclasses.replace(PULSES[0], neurons=5), "neurons is 5; give a list"),
        (lambda: dataclasses.replace(PULSES[0], neurons=np.array([True, False])), "turn a mask into numbers"),
        (lambda: dataclasses.replace(PULSES[0], sources=2.5), "sources is 2.5; give a whole number"),
        (lambda: dataclasses.replace(PULSES[0], rate="100"), "rate is '100'; it must be finite"),
        (lambda: dataclasses.replace(PULSES[0], duration=0.0), "duration is 0.0; it must be finite and above 0"),
        (lambda: Simulation(small(), seed=1, stimuli=[dataclasses.replace(PULSES[0], duration=1e-5)]), "than a step"),
        (lambda: AssemblyProtocol(pulses=()), "give at least one pulse, the last at 0.25 s or later"),
        (lambda: AssemblyProtocol(pulses=(0.2,)), "the last at 0.25 s or later"),
        (lambda: AssemblyProtocol(pulses=(10.5, 10.0)), "the pulse at 10 s begins before the one at 10.5 s has ended"),
        (lambda: AssemblyProtocol(recalls=(20.0,)), "give two times"),
        (lambda: AssemblyProtocol(recalls=(0.1, 3600.0)), "recall at 0.1 s comes before learning has ended, at 11.1 s"),
        (lambda: AssemblyProtocol(recalls=(3600.0, 20.0)), "the late one must follow the early one by at least 5 s"),
        (lambda: AssemblyProtocol(core=1.5), "core is 1.5; give a whole number of at least 2"),
        (lambda: learning(small(), AssemblyProtocol(core=200), seed=1), "core of 200 neurons, but the network 200"),
        (lambda: consolidated(started(), AssemblyProtocol(core=201)), "core of 201 neurons"),
    ],
)
def test_bad_values_are_refused_with_a_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Simulation(small(), seed=1, stimuli=PULSES[0]), "write stimuli="),
        (lambda: Simulation(small(), seed=1, stimuli=[0.1]), "a stimulus is 0.1: give a Stimulus"),
        (lambda: Simulation(small(), seed=1, recorders=SpikeRecorder()), "write recorders="),
        (lambda: Simulation(small(), seed=1, recorders=[SpikeRecorder]), r"the class itself: write SpikeRecorder\(\)"),
        (lambda: Simulation(small(), seed=1, concentration=0.4), "concentration is 0.4: give a Concentration"),
        (lambda: started().branch(0.4), "concentration is 0.4: give a Concentration"),
        (lambda: run_synapse(NETWORK_SYNAPSE, [], [], record_at=[1.0], concentration=0.4), "concentration is 0.4"),
        (lambda: small(synapse=CalciumSynapse), r"synapse is the class itself: write CalciumSynapse\(\)"),
    ],
)
def test_what_is_of_another_kind_is_refused_with_a_sentence(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_recalls_are_named_by_their_time_from_the_first_pulse():
    protocol = AssemblyProtocol(pulses=(0.25,), core=20, recalls=(0.35, 5.35))
    found = consolidation(small(excitatory=60, inhibitory=15), protocol, recall_too=False)
    assert list(found) == ["0.1 s", "5.1 s"]
