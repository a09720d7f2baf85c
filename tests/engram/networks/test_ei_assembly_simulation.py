"""The simulator of the E/I-assembly network against its oracle; threads, precision, capacity and bad input."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from engram.networks.ei_assembly import (
    EIAssemblyInput,
    EIAssemblyModel,
    EIAssemblyNetwork,
    SpikeCapacityError,
    choose_members,
    draw_odours,
    make_regime,
    odour_blocks,
    random_network,
    run,
    run_many,
)
from engram.networks.ei_assembly.network import PATHWAYS
from engram.networks.ei_assembly.simulation import Injection
from tests.engram.networks.small_ei_network import mitral_input, small_network
from tests.oracle import ei_assembly as oracle

TOLERANCE = 1e-9  # mV and nS; measured: below 1e-12


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), steps=st.integers(1, 2500), strong=st.floats(1.0, 40.0))
def test_spikes_potentials_and_conductances_are_the_oracles(seed: int, steps: int, strong: float) -> None:
    network = small_network(seed, strong)
    dense, mitral = mitral_input(seed + 1, steps)
    cells = network.model.n_neurons
    current = np.zeros((steps, cells))
    chosen = np.array([0, cells - 1])
    current[min(100, steps) : min(1000, steps), chosen] = 28.0
    expected = oracle.simulate(
        network.model, {name: network.weights[name].toarray() for name in PATHWAYS}, dense, current
    )
    middle = max(steps // 2, 1)
    got = run(
        network, mitral, traced=range(cells), every=0.1, maximum_rate=1000.0,
        injections=[Injection(chosen, 20.0, 0.01, 0.1), Injection(chosen, 8.0, 0.01, 0.1)],
        windows=[(0.0, middle * 1e-4)],
    )  # fmt: skip
    assert np.array_equal(np.stack([got.step, got.neuron], axis=1), expected.spikes)
    recorded = (expected.potential, expected.afferent, expected.excitatory, expected.inhibitory)
    for index, values in enumerate(recorded):
        np.testing.assert_allclose(got.traces[:, index], values, rtol=0, atol=TOLERANCE)
    for index, values in enumerate(recorded[1:]):
        np.testing.assert_allclose(got.conductances[0, index], values[:middle].mean(axis=0), rtol=0, atol=TOLERANCE)


def test_the_oracle_comparison_sees_spikes_and_refractory_neurons() -> None:
    network = small_network(5, 40.0)
    _, mitral = mitral_input(6, 2500)
    got = run(network, mitral, maximum_rate=1000.0)
    assert len(got.step) > 100
    for neuron in np.unique(got.neuron):
        assert np.all(np.diff(got.step[got.neuron == neuron]) > 80)


@pytest.fixture(scope="module")
def full() -> tuple[EIAssemblyNetwork, EIAssemblyInput]:
    """A network of full size with 15 assemblies, and four odours."""
    network, odours = random_network(seed=11), draw_odours(15, seed=12)
    network = make_regime(network, choose_members(network, odours, seed=13), "tuned E+I", seed=14)
    return network, odour_blocks(odours, [0, 1, 2, 3], seed=15)


def test_same_bits_on_one_thread_and_on_several(full: tuple[EIAssemblyNetwork, EIAssemblyInput]) -> None:
    network, mitral = full
    short = dataclasses.replace(
        mitral, steps=12_000, start=mitral.start[:12_001], cell=mitral.cell[: mitral.start[12_000]]
    )
    alone = run(network, short, windows=[(0.5, 1.2)])
    for other in run_many([(network, short)] * 4, threads=3, windows=[(0.5, 1.2)]):
        assert np.array_equal(other.step, alone.step) and np.array_equal(other.neuron, alone.neuron)
        assert np.array_equal(other.conductances, alone.conductances)


def test_single_precision_is_statistically_equivalent(full: tuple[EIAssemblyNetwork, EIAssemblyInput]) -> None:
    """Two one-sided tests on paired trials; and precision moves a pattern less than a new draw of the input does."""
    network, _ = full
    odours = draw_odours(15, seed=12)
    jobs = [(network, odour_blocks(odours, [0], seed=seed, baseline=0.25, duration=1.5)) for seed in range(12)]
    double = np.stack([done.patterns()[0] for done in run_many(jobs, threads=2)])
    single = np.stack([done.patterns()[0] for done in run_many(jobs, threads=2, precision="float32")])
    assert not np.array_equal(double, single)
    groups = {0.04: slice(0, 4000), 0.05: slice(4000, 5000), 0.1: network.excitatory_members[0]}
    for margin, cells in groups.items():
        a, b = double[:, cells].mean(axis=1), single[:, cells].mean(axis=1)
        for sign in (1, -1):
            assert ttest_1samp(sign * (b - a), -margin * a.mean(), alternative="greater").pvalue < 0.05
    same_input = [np.corrcoef(a, b)[0, 1] for a, b in zip(double[:, :4000], single[:, :4000], strict=True)]
    other_input = [np.corrcoef(double[k, :4000], double[k + 1, :4000])[0, 1] for k in range(11)]
    assert np.mean(same_input) > np.mean(other_input)


def test_recording_changes_no_spike(full: tuple[EIAssemblyNetwork, EIAssemblyInput]) -> None:
    network, mitral = full
    short = dataclasses.replace(
        mitral, steps=12_000, start=mitral.start[:12_001], cell=mitral.cell[: mitral.start[12_000]]
    )
    plain, recorded = run(network, short), run(network, short, windows=[(0.0, 1.2)], traced=[0, 4999])
    assert np.array_equal(plain.step, recorded.step) and np.array_equal(plain.neuron, recorded.neuron)
    assert recorded.traces.shape == (1200, 4, 2)


def test_without_compilation_the_same_spikes_come_out() -> None:
    network, (_, mitral) = small_network(5, 40.0), mitral_input(6, 150, rate=0.02)
    expected = run(network, mitral, maximum_rate=1000.0)
    assert len(expected.step) > 20
    script = (
        "from engram.networks.ei_assembly import run\n"
        "from tests.engram.networks.small_ei_network import mitral_input, small_network\n"
        "done = run(small_network(5, 40.0), mitral_input(6, 150, rate=0.02)[1], maximum_rate=1000.0)\n"
        "print(done.step.tolist(), done.neuron.tolist())"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{expected.step.tolist()} {expected.neuron.tolist()}"


def test_rates_count_the_spikes_of_a_window() -> None:
    network = small_network(5, 40.0)
    _, mitral = mitral_input(6, 2000)
    got = run(network, mitral, maximum_rate=1000.0)
    assert got.rates(0.0, 0.2).sum() * 0.2 == pytest.approx(len(got.step))
    assert got.rates(0.05, 0.1).sum() * 0.05 == pytest.approx(np.count_nonzero((got.step >= 500) & (got.step < 1000)))
    with pytest.raises(ValueError, match=r"lies outside the run of 0\.2 s"):
        got.rates(0.1, 0.3)


def test_a_network_that_runs_away_is_reported_with_the_time() -> None:
    network = small_network(5, 40.0)
    _, mitral = mitral_input(6, 2000)
    with pytest.raises(SpikeCapacityError, match=r"in the first 0\.\d+ s are more than a mean of 0\.5 Hz over 0\.2 s"):
        run(network, mitral, maximum_rate=0.5)


def test_input_and_network_must_fit() -> None:
    network = small_network(5)
    _, mitral = mitral_input(6, 200, cells=40, rate=0.1)
    with pytest.raises(ValueError, match="names mitral cell 39, but the network has 30"):
        run(network, mitral)
    _, mitral = mitral_input(6, 200)
    with pytest.raises(ValueError, match=r"steps of 0\.2 ms, the model of 0\.1 ms"):
        run(network, dataclasses.replace(mitral, time_step=0.2))
    with pytest.raises(ValueError, match="does not fit its steps"):
        run(network, dataclasses.replace(mitral, steps=100))
    with pytest.raises(ValueError, match="windows must lie between 0 and"):
        run(network, mitral, windows=[(0.0, 1.0)])
    with pytest.raises(ValueError, match="traced neurons must be numbered"):
        run(network, mitral, traced=[10**6])
    with pytest.raises(ValueError, match="precision 'half'"):
        run(network, mitral, precision="half")


def test_windows_and_traces_without_a_sample_are_refused() -> None:
    network = small_network(5)
    _, mitral = mitral_input(6, 200)
    with pytest.raises(ValueError, match=r"from 0\.0101 to 0\.0108 s lies between two samples, 1 ms apart"):
        run(network, mitral, windows=[(0.0101, 0.0108)])
    assert run(network, mitral, windows=[(0.0101, 0.0108)], every=0.1).conductances.shape[0] == 1
    for every in (0.0, -1.0, float("nan"), 30.0):
        with pytest.raises(ValueError, match="every must be positive and no longer than the run of 20 ms"):
            run(network, mitral, traced=[0], every=every)
    with pytest.raises(ValueError, match=r"traced neurons must be numbered from 0 to .*, in whole numbers"):
        run(network, mitral, traced=[0.5])  # type: ignore[list-item]
    for rate in (float("nan"), float("inf"), 0.0):
        with pytest.raises(ValueError, match="maximum_rate must be positive, and at most one spike a step"):
            run(network, mitral, maximum_rate=rate)
    done = run(network, mitral)
    assert done.patterns().shape == (0, network.model.n_neurons)
    with pytest.raises(ValueError, match=r"a window from 0\.02 to 0\.01 s lies outside the run"):
        done.counts(0.02, 0.01)


def test_mitral_spikes_that_cannot_be_are_refused() -> None:
    for step, cell, message in (
        ([-1], [0], "spikes must lie in steps 0 to 9"), ([10], [0], "spikes must lie in steps 0 to 9"),
        ([1, 2], [-1, 3], "cells must not be negative"), ([1, 1], [3, 3], "mitral cell 3 fires twice in step 1"),
        ([1, 2], [3], "got 2 steps and 1 cells"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            EIAssemblyInput.of_spikes(np.array(step), np.array(cell), 10, 0.1, [], [], [])


def test_model_refuses_impossible_values() -> None:
    with pytest.raises(ValueError, match="n_excitatory must be a whole number"):
        EIAssemblyModel(n_excitatory=10.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="strength_e_e"):
        EIAssemblyModel(strength_e_e=-1.0)
    with pytest.raises(ValueError, match="longer than the shortest time constant"):
        EIAssemblyModel(time_step=1.0, tau_synapse_inhibitory=0.5)
    with pytest.raises(ValueError, match="family 'E'"):
        EIAssemblyModel.family("E")
