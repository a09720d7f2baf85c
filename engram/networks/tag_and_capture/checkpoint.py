"""Checkpoints of a simulation: one file, replaced as a whole, refused if it is not of this network and version."""

from __future__ import annotations

import errno
import json
import os
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .concentration import Concentration
from .event_kernels import State
from .recorders import Recorder, SpikeCounter, SpikeRecorder, WeightRecorder
from .stimulus import Stimulus

if TYPE_CHECKING:
    from .network import TagAndCaptureNetwork
    from .simulation import Simulation

FORMAT = 1  # raise whenever the state, its meaning or the random streams change
_ENTRIES = ("format", "network", "seed", "stimuli", "concentration", "recorders")  # of the header


class CheckpointError(ValueError):
    """A checkpoint that cannot be continued: the message says why."""


def _plain(value: Any) -> Any:
    """What numpy made of a number or a list of them, for the header."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise CheckpointError(f"{value!r} of a stimulus, concentration or recorder cannot be kept in a checkpoint")


def _kept(recorder: Recorder) -> dict[str, Any]:
    """A recorder without its spikes; exact types only, as a subclass would come back as what it is not."""
    if type(recorder) is SpikeRecorder:
        return {"kind": "spikes", "start": recorder.start, "end": recorder.end}
    if type(recorder) is SpikeCounter:
        return {"kind": "counts", "start": recorder.start, "end": recorder.end}
    if type(recorder) is WeightRecorder:
        return {"kind": "weights", "at": recorder.at, "core": recorder.core, "rows": recorder.rows}
    raise CheckpointError(f"a {type(recorder).__name__} cannot be kept in a checkpoint: remove it first")


def _header(simulation: Simulation) -> str:
    concentration = simulation.concentration
    header = {
        "format": FORMAT,
        "network": simulation.network.fingerprint,
        "seed": int(simulation.seed),
        "stimuli": [asdict(stimulus) for stimulus in simulation.stimuli],
        "concentration": None if concentration is None else asdict(concentration),
        "recorders": [_kept(recorder) for recorder in simulation.recorders],
    }
    return json.dumps(header, default=_plain)


def _neighbour(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")  # what a kill leaves behind is overwritten by the next save


def _check_place(path: Path) -> None:
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        neighbour = _neighbour(path)
        there = neighbour.exists()
        neighbour.open("ab").close()
        if not there:
            neighbour.unlink()
    except OSError as error:
        raise CheckpointError(
            f"no checkpoint can be written to {path} ({error.strerror}): give a file in a directory you can write to"
        ) from None


def check_before_run(path: Path, simulation: Simulation) -> None:
    """An error if `simulation` cannot be kept, or not at `path`: found before hours of computing."""
    _header(simulation)
    _check_place(path)


def write(path: Path, simulation: Simulation) -> None:
    """Write to a neighbouring file first and rename it, so that a kill at any moment leaves the old or the new one."""
    header, temporary = np.array(_header(simulation)), _neighbour(path)
    arrays = {f"state_{name}": array for name, array in simulation._state._asdict().items()}
    for number, recorder in enumerate(simulation.recorders):
        if isinstance(recorder, SpikeRecorder):
            arrays[f"spike_times_{number}"], arrays[f"spike_neurons_{number}"] = recorder.times, recorder.neurons
        elif isinstance(recorder, SpikeCounter):
            arrays[f"counts_{number}"] = recorder.counts
    _check_place(path)
    try:
        with temporary.open("wb") as file:
            np.savez(file, header=header, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _content(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and all arrays of a file; whatever its bytes are, a `CheckpointError` if they are no checkpoint."""
    try:
        with path.open("rb") as opened:
            if not zipfile.is_zipfile(opened):
                raise CheckpointError(f"{path} is not a readable checkpoint: it is cut short or another kind of file")
            opened.seek(0)
            with np.load(opened, allow_pickle=False) as file:
                content = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such checkpoint") from None
    except OSError as error:
        raise CheckpointError(f"{path} is not a readable checkpoint ({error.strerror or error})") from None
    except CheckpointError:
        raise
    except (ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
        raise CheckpointError(f"{path} is not a readable checkpoint: an array in it is damaged") from None
    if "header" not in content:
        raise CheckpointError(f"{path} is not a checkpoint: it holds arrays, but no header that Simulation.save wrote")
    try:
        header = json.loads(str(content["header"]))
        return {name: header[name] for name in _ENTRIES}, content
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is not a checkpoint: its header lacks or garbles an entry ({error})") from None


def _recorder(kept: dict[str, Any], number: int, content: dict[str, Any]) -> Recorder:
    if kept["kind"] == "spikes":
        pieces = [(content[f"spike_times_{number}"], content[f"spike_neurons_{number}"])]
        return SpikeRecorder(kept["start"], kept["end"], pieces)
    if kept["kind"] == "counts":
        return SpikeCounter(kept["start"], kept["end"], content[f"counts_{number}"])
    if kept["kind"] == "weights":
        return WeightRecorder(tuple(kept["at"]), kept["core"], kept["rows"])
    raise ValueError(f"there is no recorder of kind {kept['kind']!r}")


def read(path: Path, network: TagAndCaptureNetwork, kind: type[Simulation]) -> Simulation:
    """A simulation of `network` from a checkpoint."""
    header, content = _content(path)
    version, fingerprint, kept = header["format"], str(header["network"]), header["concentration"]
    if version != FORMAT:
        raise CheckpointError(
            f"{path} is a checkpoint of format {version}; this version of engram continues format {FORMAT} only"
        )
    if fingerprint != network.fingerprint:
        raise CheckpointError(
            f"{path} is a checkpoint of another network ({fingerprint[:12]}, this one is {network.fingerprint[:12]}): "
            "load it with the same parameters and connectivity"
        )
    try:
        concentration = None
        if kept is not None:
            concentration = Concentration(*(tuple(map(tuple, kept[name])) for name in ("steps", "releases")))
        simulation = kind(network, seed=header["seed"], concentration=concentration)
        simulation.stimulate(*(Stimulus(**stimulus) for stimulus in header["stimuli"]))
        simulation.recorders += [_recorder(one, number, content) for number, one in enumerate(header["recorders"])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged: its header describes no simulation ({error})") from None
    expected = simulation._state._asdict()
    for name, array in expected.items():
        found = content.get(f"state_{name}")
        if found is None or found.shape != array.shape or found.dtype != array.dtype:
            raise CheckpointError(f"{path} is damaged: {name} is missing or has the wrong shape")
    simulation._state = State(**{name: content[f"state_{name}"] for name in expected})
    return simulation
