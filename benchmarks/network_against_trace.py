"""``python -m benchmarks.network_against_trace``: one protocol, two levels of description.

The 2022 protocol in the network, the neuromodulator as a step of n = 0.18 at several onsets and durations, and of
several heights from learning on, beside the one memory trace that the state of the network at 20 s corresponds to
(`theory.plastic_synapse`: mean early phase and mean S of the neurons the synapses reach). Some minutes.
"""

from __future__ import annotations

import math

import pandas

from engram.networks.tag_and_capture.concentration import Concentration
from engram.networks.tag_and_capture.experiments import (
    LEVELS,
    PROTOCOL_2022,
    dose_by_stimulus,
    learning,
    onset_and_duration,
)
from engram.networks.tag_and_capture.network import TagAndCaptureNetwork
from theory.plastic_synapse import late_of_step


def main() -> None:
    """Print both tables."""
    network = TagAndCaptureNetwork()
    simulation = learning(network, PROTOCOL_2022, seed=1, concentration=Concentration())
    simulation.run(until=20.0)
    weights, h_0 = simulation.weights(), network.synapse.resting_weight
    since = 20.0 - PROTOCOL_2022.pulses[-1] - PROTOCOL_2022.pulse_duration
    grown = math.exp(since / network.synapse.relaxation_time)  # what it was when learning ended
    onset, dose = onset_and_duration(network=network), dose_by_stimulus(rates=(60.0,), levels=LEVELS, network=network)
    core_from, core_to = weights.source < PROTOCOL_2022.core, weights.target < PROTOCOL_2022.core
    for name, group in (("core", core_from & core_to), ("outgoing", core_from & ~core_to)):
        early = float(weights.early[group].mean() / h_0 - 1.0) * grown
        totals = weights.total_deviation[: PROTOCOL_2022.core] if name == "core" else weights.total_deviation[150:]
        total = float(totals.mean()) / h_0 * grown
        print(f"\n{name}: e = {early:.4f}, S/h_0 = {total:.2f} (spread {float(totals.std()) / h_0:.2f})")
        timing = onset[["onset (s)", "duration (s)"]].assign(
            network=onset[f"{name} late %"] / 100,
            trace=[
                late_of_step(early, total, 0.18, onset=row["onset (s)"], duration=row["duration (s)"])
                for _, row in onset.iterrows()
            ],
        )
        heights = pandas.DataFrame({"n": dose["n"], "network": dose[f"{name} late %"] / 100}).assign(
            trace=[late_of_step(early, total, level, onset=0.0) for level in dose["n"]]
        )
        for table in (timing, heights):
            print(table.to_string(index=False, float_format=lambda number: f"{number:.4f}"))


if __name__ == "__main__":
    main()
