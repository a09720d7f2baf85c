"""Checkpoints of a simulation: one file, replaced as a whole, refused if it is not of this network and version."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .concentration import Concentration
from .event_kernels import State
from .recorders import SpikeCounter, SpikeRecorder, WeightRecorder
from .stimulus import Stimulus

if TYPE_CHECKING:
    from .network import TagAndCaptureNetwork
    from .simulation import Simulation

FORMAT = 1  # raise whenever the state, its meaning or the random streams change


class CheckpointError(ValueError):
    """A checkpoint that cannot be continued: the message says why."""


def write(path: Path, simulation: Simulation) -> None:
    """Write to a neighbouring file first and rename it, so that a kill at any moment leaves the old or the new one."""
    recorders: list[dict[str, Any]] = []
    arrays = {f"state_{name}": array for name, array in simulation._state._asdict().items()}
    for number, recorder in enumerate(simulation.recorders):
        if isinstance(recorder, SpikeRecorder):
            recorders.append({"kind": "spikes", "start": recorder.start, "end": recorder.end})
            arrays[f"spike_times_{number}"], arrays[f"spike_neurons_{number}"] = recorder.times, recorder.neurons
        elif isinstance(recorder, SpikeCounter):
            recorders.append({"kind": "counts", "start": recorder.start, "end": recorder.end})
            arrays[f"counts_{number}"] = recorder.counts
        elif isinstance(recorder, WeightRecorder):
            recorders.append({"kind": "weights", "at": recorder.at, "core": recorder.core, "rows": recorder.rows})
        else:
            raise CheckpointError(f"a {type(recorder).__name__} cannot be kept in a checkpoint: remove it first")
    concentration = simulation.concentration
    header = {
        "format": FORMAT,
        "network": simulation.network.fingerprint,
        "seed": int(simulation.seed),
        "stimuli": [asdict(stimulus) for stimulus in simulation.stimuli],
        "concentration": None if concentration is None else asdict(concentration),
        "recorders": recorders,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.part")  # what a kill leaves behind is overwritten by the next save
    try:
        with temporary.open("wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(path: Path, network: TagAndCaptureNetwork, kind: type[Simulation]) -> Simulation:
    """A simulation of `network` from a checkpoint."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        header = json.loads(str(content["header"]))
        version, fingerprint = header["format"], header["network"]
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such checkpoint") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint ({error})") from None
    if version != FORMAT:
        raise CheckpointError(
            f"{path} is a checkpoint of format {version}; this version of engram continues format {FORMAT} only"
        )
    if fingerprint != network.fingerprint:
        raise CheckpointError(
            f"{path} is a checkpoint of another network ({fingerprint[:12]}, this one is {network.fingerprint[:12]}): "
            "load it with the same parameters and connectivity"
        )
    kept = header["concentration"]
    concentration = None
    if kept is not None:
        concentration = Concentration(*(tuple(map(tuple, kept[name])) for name in ("steps", "releases")))
    simulation = kind(network, seed=header["seed"], concentration=concentration)
    simulation.stimulate(*(Stimulus(**stimulus) for stimulus in header["stimuli"]))
    for number, kept in enumerate(header["recorders"]):
        if kept["kind"] == "spikes":
            pieces = [(content[f"spike_times_{number}"], content[f"spike_neurons_{number}"])]
            simulation.recorders.append(SpikeRecorder(kept["start"], kept["end"], pieces))
        elif kept["kind"] == "counts":
            simulation.recorders.append(SpikeCounter(kept["start"], kept["end"], content[f"counts_{number}"]))
        else:
            simulation.recorders.append(WeightRecorder(tuple(kept["at"]), kept["core"], kept["rows"]))
    expected = simulation._state._asdict()
    for name, array in expected.items():
        found = content.get(f"state_{name}")
        if found is None or found.shape != array.shape or found.dtype != array.dtype:
            raise CheckpointError(f"{path} is damaged: {name} is missing or has the wrong shape")
    simulation._state = State(**{name: content[f"state_{name}"] for name in expected})
    return simulation
