"""Checkpoints: resumed bit for bit, whole after a kill at any moment, refused where they do not belong."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_network import PULSES, bits, small, started

from engram.networks.tag_and_capture import checkpoint
from engram.networks.tag_and_capture.checkpoint import CheckpointError
from engram.networks.tag_and_capture.concentration import Concentration
from engram.networks.tag_and_capture.neurons import IntegrateAndFire
from engram.networks.tag_and_capture.recorders import SpikeCounter, SpikeRecorder, WeightRecorder
from engram.networks.tag_and_capture.simulation import Simulation
from engram.networks.tag_and_capture.stimulus import Stimulus
from engram.networks.tag_and_capture.synapse_parameters import NETWORK_SYNAPSE, CalciumSynapse


@pytest.mark.parametrize("until", [0.0502, 0.1338, 0.2, 0.65])
def test_resumed_from_a_checkpoint_bit_for_bit(tmp_path, until):
    """Before learning, within a pulse, at its end and after the second."""
    network, concentration = small(), Concentration(((0.05, 1.5), (0.9, 0.5)), ((0.2, 3.0, 0.5),))
    recorders = [SpikeRecorder(), SpikeCounter(0.2), WeightRecorder((0.3, 0.7, 0.9), core=30)]
    whole = Simulation(network, seed=4, stimuli=PULSES, concentration=concentration, recorders=recorders)
    whole.run(until=until, checkpoint_to=tmp_path / "run.npz", checkpoint_every=0.15)
    resumed = Simulation.load(tmp_path / "run.npz", network)
    assert resumed.time == pytest.approx(until)
    for simulation in (whole, resumed):
        simulation.run(until=1.0)
    assert bits(whole) == bits(resumed)
    assert np.array_equal(whole.recorders[1].counts, resumed.recorders[1].counts)
    assert whole.recorders[2].rows == resumed.recorders[2].rows
    assert [row["time"] for row in resumed.recorders[2].rows] == pytest.approx([0.3, 0.7, 0.9])


def test_a_checkpoint_of_another_network_version_or_a_broken_one_is_refused(tmp_path, monkeypatch):
    path, network = tmp_path / "run.npz", small()
    started(network).save(path)
    with pytest.raises(CheckpointError, match="of another network"):
        Simulation.load(path, small(wiring_seed=1))
    with pytest.raises(CheckpointError, match="of another network"):
        Simulation.load(path, small(synapse=dataclasses.replace(NETWORK_SYNAPSE, noise=1.0)))
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        Simulation.load(tmp_path / "none.npz", network)
    monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
    with pytest.raises(CheckpointError, match=f"format {checkpoint.FORMAT - 1}; .* format {checkpoint.FORMAT} only"):
        Simulation.load(path, network)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        Simulation.load(path, network)


KILLED = """
import os, signal, sys, time
from pathlib import Path
from engram.networks import Simulation, TagAndCaptureNetwork
network, path = TagAndCaptureNetwork(excitatory=200, inhibitory=50), Path(sys.argv[1])
simulation = Simulation(network, seed=1)
for number in range(40):
    path.unlink(missing_ok=True)
    child = os.fork()
    while child == 0:
        simulation.save(path)
    while not path.exists():
        time.sleep(1e-4)
    time.sleep(number * 3.7e-4)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert Simulation.load(path, network).step == 0
assert {one.name for one in path.parent.iterdir()} <= {path.name, path.name + ".part"}
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are killed")
def test_killed_while_saving_the_last_checkpoint_stays(tmp_path):
    """A process saves without pause and is killed at forty moments of it: what is there always loads."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "run.npz")], check=True, timeout=300)


@pytest.mark.parametrize("stage", ["open", "savez", "fsync", "replace"])
def test_an_interrupt_at_any_stage_of_saving_leaves_the_last_checkpoint(tmp_path, monkeypatch, stage):
    path, simulation = tmp_path / "run.npz", started()
    simulation.save(path)
    simulation.run(until=0.02)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    place = {"open": Path, "savez": np, "fsync": os, "replace": os}[stage]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, stage, interrupt)
        simulation.save(path)
    assert Simulation.load(path, simulation.network).step == 0
    assert [one.name for one in tmp_path.iterdir()] == ["run.npz"]


def test_a_failing_disk_leaves_no_half_file(tmp_path, monkeypatch):
    simulation = started()
    simulation.save(tmp_path / "run.npz")
    before = (tmp_path / "run.npz").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        simulation.save(tmp_path / "run.npz")
    assert (tmp_path / "run.npz").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["run.npz"]


def test_equal_networks_have_one_fingerprint_whatever_kind_of_number_they_were_given():
    """The digest is that of plain floats, so that checkpoints written with them still load."""
    numbers = {
        "excitatory": np.int64(80),
        "inhibitory": np.int32(20),
        "dt": np.float64(2e-4),
        "wiring_seed": np.int8(3),
    }
    given = small(
        **numbers, weight_to_inhibitory=2, neuron=IntegrateAndFire(resistance=10), synapse=CalciumSynapse(noise=0)
    )
    plain = small(excitatory=80, inhibitory=20, wiring_seed=3, synapse=CalciumSynapse(noise=0.0))
    assert given.fingerprint == plain.fingerprint
    assert repr(given) == repr(plain)
    assert "np." not in repr(given)


def test_numpy_numbers_are_kept_and_continue_bit_for_bit(tmp_path):
    network, f = small(), np.float32
    stimulus = Stimulus(
        start=np.int64(0), duration=f(0.1), neurons=np.arange(30), rate=f(70.3), sources=np.int16(25)
    )  # fmt: skip
    concentration = Concentration(((np.int64(0), f(0.3)),), ((f(0.05), f(1.7), f(0.3)),))
    recorders = [SpikeRecorder(np.int64(0)), SpikeCounter(f(0.02)), WeightRecorder(np.array([0.06, 0.1]), np.int64(30))]
    whole = Simulation(network, seed=np.int64(4), stimuli=[stimulus], concentration=concentration, recorders=recorders)
    whole.run(until=np.float64(0.07), checkpoint_to=tmp_path / "run.npz")
    resumed = Simulation.load(tmp_path / "run.npz", network)
    for simulation in (whole, resumed):
        simulation.run(until=0.12)
    assert bits(whole) == bits(resumed)
    assert np.array_equal(whole.recorders[1].counts, resumed.recorders[1].counts)
    assert whole.recorders[2].rows == resumed.recorders[2].rows
    for one, other in zip(whole._drives, resumed._drives, strict=True):
        assert one.tobytes() == other.tobytes()


class OwnRecorder(SpikeRecorder):
    pass


@pytest.mark.parametrize(
    ("place", "recorder", "message"),
    [
        (".", SpikeRecorder(), "no checkpoint can be written to .* is a directory"),
        ("file/run.npz", SpikeRecorder(), "no checkpoint can be written to .*: give a file"),
        ("run.npz", OwnRecorder(), "a OwnRecorder cannot be kept"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_the_first_step(tmp_path, place, recorder, message):
    (tmp_path / "file").write_text("no directory")
    simulation = Simulation(small(), seed=1, recorders=[recorder])
    with pytest.raises(CheckpointError, match=message):
        simulation.run(until=0.1, checkpoint_to=tmp_path / place)
    with pytest.raises(CheckpointError, match=message):
        simulation.save(tmp_path / place)
    assert simulation.step == 0
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def _changed(path: Path, **entries: object) -> None:
    """Write the checkpoint again with other entries in its header; ... takes one out."""
    with np.load(path) as file:
        content = dict(file)
    header = {**json.loads(str(content["header"])), **entries}
    content["header"] = np.array(json.dumps({name: value for name, value in header.items() if value is not ...}))
    with path.open("wb") as opened:
        np.savez(opened, **content)


def _as_npy(path: Path) -> None:
    with path.open("wb") as opened:
        np.save(opened, np.zeros(3))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_as_npy, "not a readable checkpoint: .* another kind of file"),
        (lambda path: path.write_text("seed = 1"), "not a readable checkpoint: .* another kind of file"),
        (lambda path: np.savez(path, weights=np.zeros(3)), "no header that Simulation.save wrote"),
        (lambda path: np.savez(path, header=np.array("[1]")), "header lacks or garbles an entry"),
        (lambda path: _changed(path, seed=...), "header lacks or garbles an entry .'seed'"),
        (lambda path: _changed(path, seed=-1), "header describes no simulation .seed -1"),
        (lambda path: _changed(path, stimuli=[{"begin": 1.0}]), "header describes no simulation"),
        (lambda path: _changed(path, stimuli=7), "header describes no simulation"),
        (lambda path: _changed(path, recorders=[{"kind": "voltages"}]), "no recorder of kind 'voltages'"),
        (lambda path: _changed(path, recorders=[{"kind": "counts"}]), "header describes no simulation"),
        (lambda path: _changed(path, recorders=[3]), "header describes no simulation"),
        (lambda path: _changed(path, concentration={"steps": 1}), "header describes no simulation"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_with_a_sentence(tmp_path, spoil, message):
    path, network = tmp_path / "run.npz", small(excitatory=20, inhibitory=5)
    Simulation(network, seed=1).save(path)
    spoil(path)
    with pytest.raises(CheckpointError, match=message):
        Simulation.load(path, network)
