"""``python -m benchmarks.eight_hours OUT``: eight hours of consolidation without skipping, resumed if interrupted.

The 2021 protocol (doi:10.1038/s42003-021-01778-y): 10 s of background, three learning pulses, eight hours, recall.
OUT gets the checkpoint, processor time as it adds up, mean weights every ten minutes, and the readouts beside those of
the closed-form fast-forward from the same state at 20 s.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from engram.networks.tag_and_capture.experiments import PROTOCOL_2021, consolidation_table, learning
from engram.networks.tag_and_capture.network import TagAndCaptureNetwork
from engram.networks.tag_and_capture.readouts import WINDOW
from engram.networks.tag_and_capture.recorders import SpikeCounter, SpikeRecorder, WeightRecorder
from engram.networks.tag_and_capture.simulation import Simulation

RECALL = 28810.0
EVERY = 300.0


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
    counter = simulation.recorders[2]
    assert isinstance(counter, SpikeCounter)
    rates = counter.counts / (RECALL - 20.0)
    result = {
        "processor time (s)": spent,
        "peak memory (MB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rate E (Hz)": float(rates[: network.excitatory].mean()),
        "rate I (Hz)": float(rates[network.excitatory :].mean()),
        "weights": simulation.recorders[3].rows,  # type: ignore[attr-defined]
        "readouts": consolidation_table(simulation, PROTOCOL_2021, RECALL),
    }
    (folder / "result.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result["readouts"], indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
