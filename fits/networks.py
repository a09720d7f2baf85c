"""The tag-and-capture network beside the memory trace that it corresponds to, and beside one calcium synapse.

One protocol, three levels of description: learn (three pulses), then a neuromodulator, then eight hours. Which trace a
network corresponds to is derived in :mod:`theory.plastic_synapse`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engram import Encode, Protocol, Release, ThresholdCapture
from engram.networks.tag_and_capture.calcium_synapse import run_synapse
from engram.networks.tag_and_capture.concentration import EPSILON, Concentration
from engram.networks.tag_and_capture.experiments import LEARNED, PROTOCOL_2022, learning
from engram.networks.tag_and_capture.network import TagAndCaptureNetwork
from engram.networks.tag_and_capture.synapse_parameters import NETWORK_SYNAPSE
from engram.neuromodulation import DOPAMINE, table
from engram.units import hour
from theory.plastic_synapse import equivalent_drive, late_of_step

GROUPS = ("core", "outgoing")
END = 8 * hour
RELEASE = 0.18, hour
"""Amount and clearance (s) of a release of a neuromodulator (assumed)."""


class Learned(NamedTuple):
    """A group of synapses when learning ends: its early deviations and the S of the neurons it reaches, in h_0."""

    early: NDArray[np.float64]  # of each synapse
    total: NDArray[np.float64]  # of the neuron that each synapse reaches


def learned_groups(seed: int) -> dict[str, Learned]:
    """Synapses within the core and out of it after the learning of 2022, taken back from 20 s to its end."""
    network = TagAndCaptureNetwork()
    simulation = learning(network, PROTOCOL_2022, seed=seed, concentration=Concentration())
    simulation.run(until=20.0)
    weights, h_0, core = simulation.weights(), network.synapse.resting_weight, PROTOCOL_2022.core
    grown = math.exp((20.0 - LEARNED) / network.synapse.relaxation_time)
    early = (weights.early / h_0 - 1.0) * grown
    total = weights.total_deviation[weights.target] / h_0 * grown
    own = weights.source < core
    groups = {"core": own & (weights.target < core), "outgoing": own & (weights.target >= core)}
    return {name: Learned(early[group], total[group]) for name, group in groups.items()}


def one_trace(group: Learned, level: float, onset: float, duration: float) -> float:
    """Late strength of the trace with the mean early phase and the mean S of a group."""
    return late_of_step(float(group.early.mean()), float(group.total.mean()), level, onset=onset, duration=duration)


def many_traces(group: Learned, level: float, onset: float, duration: float, most: int = 200) -> float:
    """The mean over traces that differ as the synapses do, each with its own early phase and S; every n-th of them."""
    order = np.argsort(group.early)
    chosen = order[np.linspace(0, order.size - 1, min(most, order.size)).astype(int)]
    found = [late_of_step(*each, level, onset=onset, duration=duration)
             for each in zip(group.early[chosen].tolist(), group.total[chosen].tolist(), strict=True)]  # fmt: skip
    return float(np.mean(found))


def trace_after_release(group: Learned, onset: float) -> float:
    """Late strength of `ThresholdCapture` run through the protocol itself: encoding, a release at `onset` (s)."""
    early, total = float(group.early.mean()), float(group.total.mean())
    amount, clearance = RELEASE
    unit = total / early  # what multiplies n + 0.001 in theory.plastic_synapse.equivalent_drive
    dopamine = replace(DOPAMINE, drive_weight=amount * unit, drive_clearance=clearance, conversion=0.0)
    model = ThresholdCapture(
        ambient_activity=0.0, strength_spread=0.0, epsilon=EPSILON * unit, neuromodulators=table(dopamine)
    )
    protocol = Protocol(Encode("assembly", at=0.0, strength=early), Release("dopamine", at=onset, dose=1.0))
    return float(model.run(protocol).table([END]).late.iloc[0])


def release(onset: float) -> Concentration:
    """The same release as a network sees it, from the events of a protocol."""
    amount, clearance = RELEASE
    dopamine = replace(DOPAMINE, drive_weight=amount, drive_clearance=clearance)
    return Concentration.of_releases([Release("dopamine", at=LEARNED + onset, dose=1.0)], [dopamine])


def synapse_after_step(group: Learned, level: float, onsets: Sequence[float], trials: int, seed: int) -> list[float]:
    """Mean late strength of one noisy calcium synapse between two core neurons firing at the refractory limit.

    Its own deviation alone cannot start synthesis at n; it is given the n of the equivalent drive instead, as a trace.
    """
    spikes = np.concatenate([start + np.arange(0.0, 0.1, 0.0022) for start in (0.0, 0.5, 1.0)])
    early, total = float(group.early.mean()), float(group.total.mean())
    own = equivalent_drive(level, total, early) - EPSILON
    found = []
    for onset in onsets:
        run = run_synapse(
            NETWORK_SYNAPSE, spikes, spikes, record_at=[1.1 + END], trials=trials, seed=seed,
            concentration=Concentration.step(own, start=1.1 + onset),
        )  # fmt: skip
        found.append(float(run.late[:, 0].mean()))
    return found
