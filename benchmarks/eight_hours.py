"""``python -m benchmarks.eight_hours OUT``: eight hours of consolidation without skipping, resumed if interrupted.

The 2021 protocol (doi:10.1038/s42003-021-01778-y): 10 s of background, three learning pulses, eight hours, recall.
OUT gets the checkpoint, processor time as it adds up, mean weights every ten minutes, and in ``sections/eight_hours``
what the report shows: these, and the readouts beside those of the closed-form fast-forward from the same state at 20 s.
Copy that folder into ``fits/stored`` to have every report show it.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pandas

from engram.networks.tag_and_capture.experiments import PROTOCOL_2021, consolidated, consolidation_table, learning
from engram.networks.tag_and_capture.network import TagAndCaptureNetwork
from engram.networks.tag_and_capture.readouts import WINDOW
from engram.networks.tag_and_capture.recorders import SpikeCounter, SpikeRecorder, WeightRecorder
from engram.networks.tag_and_capture.simulation import Simulation
from fits.reproduce import provenance
from fits.sections import store

RECALL = 28810.0
EVERY = 300.0
COMMAND = "python -m benchmarks.eight_hours OUT"


def main(folder: Path, seed: int = 1) -> None:
    """Run, or go on."""
    folder.mkdir(parents=True, exist_ok=True)
    network, kept, spent_file = TagAndCaptureNetwork(), folder / "checkpoint.npz", folder / "processor_time.json"
    if kept.exists():
        simulation, spent = Simulation.load(kept, network), json.loads(spent_file.read_text())
    else:
        recorders = [
            SpikeRecorder(0.0, 30.0),
            SpikeRecorder(RECALL - 1.0),
            SpikeCounter(20.0, RECALL),
            WeightRecorder((20.0, *(600.0 * number for number in range(1, 49)), RECALL), PROTOCOL_2021.core),
        ]
        simulation, spent = learning(network, PROTOCOL_2021, seed=seed, recorders=recorders), 0.0
    while simulation.time < RECALL + WINDOW:
        begin, since = time.process_time(), simulation.time
        until = min(EVERY * (1 + int(since / EVERY)), RECALL + WINDOW)
        if since < RECALL <= until and len(simulation.stimuli) == len(PROTOCOL_2021.pulses):
            simulation.stimulate(PROTOCOL_2021.recall_stimulus(RECALL))
        simulation.run(until)
        spent += time.process_time() - begin
        simulation.save(kept)
        spent_file.write_text(json.dumps(spent))
        print(
            f"{simulation.time:9.1f} s  {spent:8.1f} CPU s, {spent / simulation.time:.4f} a biological second",
            flush=True,
        )
    done = folder / "result.json"
    if not done.exists():
        done.write_text(json.dumps(_result(simulation, spent), indent=1))
    _store(folder / "sections", json.loads(done.read_text()), network, seed)
    print(done.read_text())


def _result(simulation: Simulation, spent: float) -> dict[str, Any]:
    counter, weights = simulation.recorders[2:4]
    assert isinstance(counter, SpikeCounter) and isinstance(weights, WeightRecorder)
    rates, excitatory = counter.counts / (RECALL - 20.0), simulation.network.excitatory
    return {
        "processor time (s)": spent,
        "peak memory (MB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rate E (Hz)": float(rates[:excitatory].mean()),
        "rate I (Hz)": float(rates[excitatory:].mean()),
        "weights": weights.rows,
        "readouts": consolidation_table(simulation, PROTOCOL_2021, RECALL),
    }


def _store(folder: Path, result: dict[str, Any], network: TagAndCaptureNetwork, seed: int) -> None:
    skipped = consolidated(learning(network, PROTOCOL_2021, seed=seed), PROTOCOL_2021)
    made = provenance(COMMAND, 0, seed, 1)
    origin = store.Origin(
        command=COMMAND, date=made.date, seed=seed, workers=1, machine=made.machine, versions=dict(made.versions),
        sizes={"network_trials": 1}, studies={}, seconds=round(result["processor time (s)"], 1),
    )  # fmt: skip
    run, last = dict(result["readouts"]), result["weights"][-1]
    for group in ("core", "outgoing", "incoming", "rest"):  # as they were before the recall, which changes early ones
        run[f"{group} late %"] = 100.0 * last[f"late_{group}"]
        run[f"{group} total %"] = (
            run[f"{group} late %"] + 100.0 * last[f"early_{group}"] / network.synapse.resting_weight
        )
    tables = {
        "weights": pandas.DataFrame(result["weights"]),
        "readouts": pandas.DataFrame(
            [dict(quantity=name, run=value, skipped=skipped[name]) for name, value in run.items()]
        ),
        "cost": pandas.DataFrame(
            [dict(quantity=name, value=value) for name, value in result.items() if isinstance(value, float)]
        ),
    }
    shutil.rmtree(folder / "eight_hours", ignore_errors=True)
    store.write(folder, "eight_hours", tables, origin)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
