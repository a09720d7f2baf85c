"""The E/I-assembly network against what one would use instead: NumPy with SciPy's sparse matrices, and Brian2.

One network of family A with 15 tuned E+I assemblies, one set of mitral spikes; processor seconds per simulated second,
the least of several runs in turn: a core of a shared machine slows down by half for seconds at a time.
Brian2 (C++ standalone, its own compiler options, one thread; compiling is not timed) needs numpy < 2.3 and is run by
the Python that ENGRAM_BRIAN2_PYTHON names; where that is not set, its rows are left out. The original program's
11.9 CPU s/s was measured once on a machine of this kind and is not measured again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engram.networks.ei_assembly import (
    EIAssemblyInput,
    EIAssemblyNetwork,
    choose_members,
    draw_odours,
    make_regime,
    odour_blocks,
    random_network,
    run,
    run_many,
)

from .measurement import Measurement, processor_time

NAME = "ei_assembly"
ORIGINAL = 11.9  # CPU s per simulated second


def build() -> EIAssemblyNetwork:
    """Network and assemblies, ready to run."""
    network, odours = random_network(seed=1), draw_odours(15, seed=2)
    built = make_regime(network, choose_members(network, odours, seed=3), "tuned E+I", seed=4)
    built.rows  # noqa: B018 - what the simulator reads is part of building
    return built


def with_numpy(network: EIAssemblyNetwork, mitral: EIAssemblyInput, steps: int) -> int:
    """The model as one would write it with NumPy and CSR matrices; returns the number of spikes."""
    m, n = network.model, int(network.model.n_excitatory)
    matrix = {name: (value * getattr(m, f"strength_{name}")).tocsr() for name, value in network.weights.items()}
    v, u, w = np.full(n, m.rest_excitatory), np.full(int(m.n_inhibitory), m.rest_inhibitory), np.zeros(n)
    exc_e, inh_e, exc_i, inh_i = np.zeros(n), np.zeros(n), np.zeros(len(u)), np.zeros(len(u))
    wait_e, wait_i = np.zeros(n, np.int64), np.zeros(len(u), np.int64)
    d_exc, d_inh = np.exp(-m.time_step / m.tau_synapse_excitatory), np.exp(-m.time_step / m.tau_synapse_inhibitory)
    k_e, k_i, k_w = (m.time_step / tau for tau in (m.tau_excitatory, m.tau_inhibitory, m.tau_adaptation))
    clamp = round(m.refractory_time / m.time_step)
    spikes = 0

    def onto(target: np.ndarray, connections: Any, cells: np.ndarray) -> None:
        for cell in cells:
            row = slice(connections.indptr[cell], connections.indptr[cell + 1])
            target[connections.indices[row]] += connections.data[row]

    for t in range(steps):
        dv = (m.rest_excitatory - v) + (exc_e * (0.0 - v) + inh_e * (m.reversal_inhibitory - v) - w) / m.leak_excitatory
        dw = m.adaptation_coupling * (v - m.rest_excitatory) - w
        du = (m.rest_inhibitory - u) + (exc_i * (0.0 - u) + inh_i * (m.reversal_inhibitory - u)) / m.leak_inhibitory
        v, w, u = v + k_e * dv, w + k_w * dw, u + k_i * du
        v[wait_e > 0], u[wait_i > 0] = m.rest_excitatory, m.rest_inhibitory
        fired_e, fired_i = np.flatnonzero(v > m.threshold_excitatory), np.flatnonzero(u > m.threshold_inhibitory)
        wait_e -= 1
        wait_i -= 1
        wait_e[fired_e], wait_i[fired_i] = clamp, clamp
        w[fired_e] += m.adaptation_jump
        exc_e *= d_exc
        exc_i *= d_exc
        inh_e *= d_inh
        inh_i *= d_inh
        cells = mitral.cell[mitral.start[t] : mitral.start[t + 1]]
        onto(exc_e, matrix["o_e"], cells)
        onto(exc_i, matrix["o_i"], cells)
        onto(exc_e, matrix["e_e"], fired_e)
        onto(exc_i, matrix["e_i"], fired_e)
        onto(inh_e, matrix["i_e"], fired_i)
        onto(inh_i, matrix["i_i"], fired_i)
        spikes += len(fired_e) + len(fired_i)
    return spikes


def with_brian2(python: str, network: EIAssemblyNetwork, mitral: EIAssemblyInput) -> dict[str, float]:
    """CPU s per simulated second and spikes of the same network and input under Brian2."""
    with tempfile.TemporaryDirectory() as folder:
        arrays: dict[str, Any] = {"steps": mitral.steps, "cell": mitral.cell}
        arrays["step"] = np.repeat(np.arange(mitral.steps), np.diff(mitral.start))
        for name, matrix in network.weights.items():
            entries = matrix.tocoo()
            arrays[f"{name}_before"], arrays[f"{name}_after"] = entries.row, entries.col
            arrays[f"{name}_weight"] = entries.data * getattr(network.model, f"strength_{name}")
        np.savez(Path(folder) / "network.npz", **arrays)
        script = Path(__file__).with_name("ei_assembly_brian2.py")
        done = subprocess.run([python, str(script), folder], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{script.name} failed under {python}:\n{done.stderr[-2000:]}")
        result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return result


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Build, run in both precisions, and run the peers."""
    seconds = 3.0 if quick else 9.0
    yield Measurement(
        NAME, "build a network with 15 assemblies", processor_time(build, 1 if quick else 3), "CPU s", "<= 1"
    )
    network = build()
    mitral = odour_blocks(draw_odours(15, seed=2), list(range(round(seconds / 3))), seed=5)
    steps = 3_000 if quick else 9_000
    ways = {
        "float64": (lambda: run(network, mitral), seconds),
        "float32": (lambda: run(network, mitral, precision="float32"), seconds),
        "NumPy": (lambda: with_numpy(network, mitral, steps), steps * 1e-4),
    }
    least = dict.fromkeys(ways, np.inf)
    for _ in range(2 if quick else 8):
        for name, (call, simulated) in ways.items():
            begin = time.thread_time()
            call()
            least[name] = min(least[name], (time.thread_time() - begin) / simulated)
    double, numpy_time = least["float64"], least["NumPy"]
    yield Measurement(NAME, "float64", double, "CPU s / simulated s", "<= 0.07")
    yield Measurement(NAME, "float32", least["float32"], "CPU s / simulated s", "<= 0.035")
    yield Measurement(NAME, "original program / float64", ORIGINAL / double, "x", ">= 170")
    yield Measurement(NAME, "NumPy and SciPy sparse", numpy_time, "CPU s / simulated s")
    yield Measurement(NAME, "NumPy / float64", numpy_time / double, "x")
    python = os.environ.get("ENGRAM_BRIAN2_PYTHON")
    if python:
        brian2 = with_brian2(python, network, mitral)
        yield Measurement(NAME, "Brian2, C++ standalone", brian2["cpu"], "CPU s / simulated s")
        yield Measurement(NAME, "Brian2 / float64", brian2["cpu"] / double, "x", ">= 5")
        spikes = brian2["spikes"] / len(run(network, mitral).step)
        yield Measurement(NAME, "spikes, Brian2 / engram", spikes, "ratio")
    memory = peak_memory()
    yield Measurement(NAME, "peak memory, build and run", memory, "MB", "<= 300")
    yield Measurement(NAME, "spikes that differ, 2 threads - 1", differing_spikes(network, mitral), "1", "<= 0")
    if not quick:
        yield from equivalence(network)


def peak_memory() -> float:
    """Largest resident size (MB) of a process that builds a network with 15 assemblies and runs it for 3 s."""
    script = (
        "import resource\n"
        "from benchmarks.ei_assembly import build, draw_odours, odour_blocks, run\n"
        "run(build(), odour_blocks(draw_odours(15, seed=2), [0], seed=5))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def differing_spikes(network: EIAssemblyNetwork, mitral: EIAssemblyInput) -> int:
    """Spikes of three runs in two threads that are not those of a run alone."""
    alone = run(network, mitral)
    differing = 0
    for other in run_many([(network, mitral)] * 3, threads=2):
        if len(other.step) != len(alone.step):
            differing += len(alone.step)
        else:
            differing += int(np.count_nonzero((other.step != alone.step) | (other.neuron != alone.neuron)))
    return differing


def equivalence(network: EIAssemblyNetwork, trials: int = 16) -> Iterator[Measurement]:
    """Differences float32 − float64 of mean rates over trials of two odours, with the error of the mean."""
    odours = draw_odours(15, seed=2)
    jobs = [(network, odour_blocks(odours, [0, 1], seed=100 + trial)) for trial in range(trials)]
    pairs = list(zip(run_many(jobs), run_many(jobs, precision="float32"), strict=True))
    n = int(network.model.n_excitatory)
    groups = {"E": np.arange(n), "I": np.arange(n, network.model.n_neurons), "assembly": network.excitatory_members[:2]}
    for name, cells in groups.items():
        rates = np.array([[_mean_rate(done, cells) for done in pair] for pair in pairs])
        relative = (rates[:, 1] - rates[:, 0]) / rates[:, 0].mean() * 100
        yield Measurement(NAME, f"float32 - float64, rate of {name}", float(relative.mean()), "%")
        error = float(relative.std(ddof=1) / np.sqrt(trials))
        yield Measurement(NAME, f"float32 - float64, rate of {name}, SE", error, "%")


def _mean_rate(done: Any, cells: np.ndarray) -> float:
    patterns = done.patterns()
    if cells.ndim == 2:
        return float(np.mean([patterns[row, own].mean() for row, own in enumerate(cells)]))
    return float(patterns[:, cells].mean())
