"""The calcium synapse against the reference trajectories, its slow twins, and the law of its noise."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engram.networks.tag_and_capture.calcium_synapse import run_synapse
from engram.networks.tag_and_capture.concentration import Concentration
from engram.networks.tag_and_capture.synapse_parameters import NETWORK_SYNAPSE, CalciumSynapse
from tests.oracle.calcium_synapse import H_0, Synapse

QUIET = dataclasses.replace(CalciumSynapse(), noise=0.0)
DT = 2e-4


def reference(name: str) -> np.ndarray:
    """A table of the reference folder, which lies beside the folder of the data."""
    data = os.environ.get("ENGRAM_DATA")
    path = Path(data).parent / "reference" / "synapse" / name if data else None
    if path is None or not path.exists():
        pytest.skip("needs the reference trajectories: set ENGRAM_DATA to the data folder beside reference/")
    return np.loadtxt(path, delimiter=",", skiprows=1)


def stepped(pre: np.ndarray, post: np.ndarray, until: float, dt: float) -> np.ndarray:
    """Calcium and h after every step of the published scheme."""
    synapse, steps = Synapse(), round(until / dt)
    arrivals, outgoing = np.round((pre + 0.0188) / dt).astype(int), np.round(post / dt).astype(int)
    before, after = (np.bincount(times[times <= steps], minlength=steps + 1) for times in (arrivals, outgoing))
    rows = np.empty((steps + 1, 2))
    for step in range(steps + 1):
        synapse.step(before[step], after[step], dt)
        rows[step] = synapse.c, synapse.h
    return rows


def spikes_of(name: str, first: float) -> tuple[np.ndarray, np.ndarray]:
    spikes = reference(f"{name}_spikes.csv")
    return tuple(spikes[(spikes[:, 2] == kind), 0] * DT - first for kind in (1, 0))


@pytest.mark.parametrize("name", ["STET", "WTET"])
def test_the_stepped_twin_is_the_reference(name):
    """To the ten digits of the files: what is left between library and reference is then the reference's step."""
    table = reference(f"{name}.csv")
    pre, post = spikes_of(name, 3600.0)
    window = table[(table[:, 0] >= 3600.0) & (table[:, 0] < 3601.49)]
    rows = stepped(pre[pre < 2.0], post[post < 2.0], 1.5, DT)[np.round((window[:, 0] - 3600.0) / DT).astype(int)]
    assert rows[:, 0] == pytest.approx(window[:, 5], abs=1e-9)
    assert rows[:, 1] == pytest.approx(window[:, 3], abs=1e-9)


def test_the_stepped_twin_is_the_basic_reference():
    table = reference("basic_early.csv")
    rows = stepped(np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.1]), np.empty(0), 0.2, DT)
    assert rows[: len(table), 0] == pytest.approx(table[:1001, 5], abs=1e-9)
    assert rows[: len(table), 1] == pytest.approx(table[:1001, 3], abs=1e-9)


@pytest.mark.parametrize("name", ["STET", "WTET"])
def test_reference_trajectories_within_the_step_of_the_reference(name):
    table = reference(f"{name}.csv")
    pre, post = spikes_of(name, 0.0)
    run = run_synapse(QUIET, pre, post, record_at=table[:, 0])
    early = table[:, 0] < 4811  # the program steps 50 s at a time after that
    assert run.calcium[0] == pytest.approx(table[:, 5], abs=1e-9)
    assert run.early[0] == pytest.approx(table[:, 3], abs=0.01)  # its step costs it 0.0099 mV: the next test
    assert run.protein[0][early] == pytest.approx(table[early, 2], abs=1e-5)
    assert run.late[0][early] * H_0 == pytest.approx(table[early, 4], abs=1e-5)
    if name == "STET":  # the exact continuation of the recorded spikes
        assert run.early[0, -1] == pytest.approx(4.3204185, abs=5e-5)
        assert run.late[0, -1] * H_0 == pytest.approx(3.1498886, abs=5e-4)


def test_the_step_costs_the_reference_up_to_a_hundredth_of_a_millivolt():
    """The recorded strong tetanus: a finer step approaches the synapse without one, at first order."""
    pre, post = spikes_of("STET", 3600.0)
    pre, post = pre[pre < 2.0], post[post < 2.0]
    times = np.arange(1, 150) * 0.01
    exact = run_synapse(QUIET, pre, post, record_at=times).early[0]
    errors = []
    for fineness in (1, 4, 16):
        dt = DT / fineness
        rows = stepped(pre, post, 1.5, dt)[np.round(times / dt).astype(int), 1]
        errors.append(np.abs(rows - exact).max())
    assert 0.005 < errors[0] < 0.01
    assert errors[1] < errors[0] / 3
    assert errors[2] < errors[0] / 12


def test_the_step_strengthens_the_reference_where_postsynaptic_spikes_alone_cross_the_threshold():
    """A core neuron at the refractory limit, three pulses: why weights into the core are higher in the reference."""
    post = np.concatenate([start + np.arange(0, 500, 11) * DT for start in (0.0, 0.5, 1.0)])
    exact = run_synapse(dataclasses.replace(NETWORK_SYNAPSE, noise=0.0), [], post, record_at=[2.0]).early[0, 0]
    synapse, spikes = Synapse(c_pre=0.6, c_post=0.16548), np.bincount(np.round(post / DT).astype(int), minlength=10001)
    for step in range(10001):
        synapse.step(0, spikes[step], DT)
    assert 100 * exact / H_0 == pytest.approx(103.06, abs=0.01)
    assert 100 * synapse.h / H_0 == pytest.approx(103.49, abs=0.01)


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 4000), max_size=80),
    st.lists(st.integers(0, 4000), max_size=40),
    st.floats(0.2, 2.0),
    st.floats(0.05, 1.0),
)
def test_any_spikes_agree_with_the_piecewise_oracle(before, after, c_pre, c_post):
    """The twin steps through 1 s, cut at the same crossings; its tags and proteins are looked at every step."""
    model = dataclasses.replace(QUIET, calcium_pre=c_pre, calcium_post=c_post)
    pre, post = np.sort(before) * DT, np.sort(after) * DT
    run = run_synapse(model, pre, post, record_at=[0.5, 1.0])
    twin = Synapse(c_pre=c_pre, c_post=c_post)
    arrivals, outgoing = np.bincount(np.array(before, int) + 94, minlength=5001), np.bincount(after, minlength=5001)
    for step in range(5001):
        twin.c += c_pre * arrivals[step] + c_post * outgoing[step]
        if step == 2500:
            assert run.early[0, 0] == pytest.approx(twin.h, abs=1e-10)
        if step < 5000:
            twin.exact_step(DT, abs(twin.h - H_0))
    assert run.calcium[0, 1] == pytest.approx(twin.c, abs=1e-9)
    assert run.early[0, 1] == pytest.approx(twin.h, abs=1e-10)
    # protein is made from the first event after S crosses its threshold: within a pulse of at most 0.2 s of 3 600 s
    assert run.protein[0, 1] == pytest.approx(twin.p, abs=0.2 / 3600)
    assert run.late[0, 1] == pytest.approx(twin.z, abs=1e-8)


def test_resolving_tags_and_synthesis_at_events_costs_little():
    """Cutting every calcium pulse of a strong tetanus at 0.2 ms changes the late phase at 8 h by less than 1e-5."""
    pre = np.concatenate([start + np.arange(0, 1, 0.01) for start in (0.0, 600.0, 1200.0)])
    coarse = run_synapse(QUIET, pre, [], record_at=[28800.0])
    cuts = np.concatenate([np.arange(start, start + 1.4, DT) for start in (0.0, 600.0, 1200.0)])
    fine = run_synapse(QUIET, pre, [], record_at=[*cuts, 28800.0])
    assert coarse.late[0, -1] == pytest.approx(fine.late[0, -1], abs=1e-5)
    assert coarse.late[0, -1] > 0.7


def test_law_of_the_noise_is_that_of_the_stepped_equations():
    pre = np.arange(0.0, 0.4, 0.01)
    record = np.array([0.06, 0.3, 0.45, 0.8])
    exact = run_synapse(CalciumSynapse(), pre, [], record_at=record, trials=40_000, seed=2).early
    rng, dt, trials = np.random.default_rng(4), 5e-5, 6_000
    c, h = 0.0, np.full(trials, H_0)
    arrivals = np.bincount(np.round((pre + 0.0188) / dt).astype(int), minlength=round(0.8 / dt) + 1)
    found = []
    for step in range(1, round(0.8 / dt) + 1):
        c = c * np.exp(-dt / 0.0488) + arrivals[step]
        both, low = c > 3.0, c > 1.2
        drift = 0.1 * (H_0 - h) + 1645.6 * (10 - h) * both - 313.1 * h * low
        h = (
            h
            + dt * drift / 688.4
            + 2.90436 * np.sqrt(dt / 688.4 * (int(both) + int(low))) * rng.standard_normal(trials)
        )
        if step in np.round(record / dt).astype(int):
            found.append(h)
    for column, stepped in enumerate(found):
        sample = exact[:, column]
        error = np.sqrt(sample.var() / sample.size + stepped.var() / trials)
        assert abs(sample.mean() - stepped.mean()) < 4 * error + 2e-3  # 2e-3: first order of the stepped twin
        assert sample.std() == pytest.approx(stepped.std(), rel=0.04)
        centred = stats.ks_2samp(sample - sample.mean(), stepped - stepped.mean())
        assert centred.pvalue > 1e-3


@pytest.mark.parametrize(
    ("duration", "starts", "published"),
    [
        (1.0, (3600.0, 4200.0, 4800.0), ((195.8, 4.5), (176.5, 2.7))),
        (0.2, (3600.0,), ((125.4, 9.2), (100.8, 0.3))),
    ],
)
def test_weights_after_poisson_tetani_have_the_mean_and_spread_of_the_reference(duration, starts, published):
    """Mean and sd of 22 trials of the original program, % of h_0 at 4 860 s and 8 h; its few output spikes left out."""
    rng, weights = np.random.default_rng(0), []
    for trial in range(300):
        spikes = [start + rng.uniform(0, duration, rng.poisson(100 * duration)) for start in starts]
        pre = np.sort(np.concatenate(spikes))
        run = run_synapse(CalciumSynapse(), pre, [], record_at=[4860.0, 28800.0], seed=trial)
        weights.append(100 * run.weight[0] / H_0)
    for found, (mean, deviation) in zip(np.array(weights).T, published, strict=True):
        assert found.mean() == pytest.approx(mean, abs=3 * deviation / np.sqrt(22) + 0.05)  # it is printed to 0.1
        low, high = (np.sqrt(stats.chi2.ppf(q, 21) / 21) for q in (0.001, 0.999))
        assert low * found.std() < deviation + 0.05
        assert deviation - 0.05 < high * found.std()


def test_where_one_looks_does_not_change_the_law():
    pre = np.arange(0.0, 0.4, 0.01)
    once = run_synapse(CalciumSynapse(), pre, [], record_at=[0.45], trials=20_000, seed=5).early[:, 0]
    often = run_synapse(CalciumSynapse(), pre, [], record_at=np.arange(0.0, 0.451, 0.003), trials=20_000, seed=6)
    assert stats.ks_2samp(once, often.early[:, -1]).pvalue > 1e-3


def tetanus(rate: float, duration: float, starts: tuple[float, ...]) -> np.ndarray:
    return np.concatenate([start + np.arange(0.0, duration, 1.0 / rate) for start in starts])


@pytest.mark.parametrize(
    ("protocol", "early", "late"),
    [
        ("strong tetanus", 1, 1), ("weak tetanus", 1, 0),
        ("strong low-frequency", -1, -1), ("weak low-frequency", -1, 0),
    ],
)  # fmt: skip
def test_classical_protocols(protocol, early, late):
    """Directions of Luboeinski & Tetzlaff 2021: strong stimulation is kept after 8 h, weak stimulation is not."""
    pre = {
        "strong tetanus": tetanus(100.0, 1.0, (0.0, 600.0, 1200.0)),
        "weak tetanus": tetanus(100.0, 0.2, (0.0,)),
        # 20 Hz for 15 min in bursts of three, and a tenth of it
        "strong low-frequency": np.sort((np.arange(900.0)[:, None] + [0.0, 0.05, 0.1]).ravel()),
        "weak low-frequency": np.sort((np.arange(90.0)[:, None] + [0.0, 0.05, 0.1]).ravel()),
    }[protocol]
    run = run_synapse(CalciumSynapse(), pre, [], record_at=[pre[-1] + 2.0, 28800.0], trials=200, seed=1)
    change, kept = run.early[:, 0].mean() - H_0, run.late[:, 1].mean()
    assert np.sign(change) == early
    assert abs(change) > 0.05 * H_0
    if late:
        assert np.sign(kept) == late
        assert abs(kept) > 0.2
    else:
        assert abs(kept) < 0.02


def test_a_neuromodulator_lowers_the_threshold_of_synthesis():
    pre = tetanus(100.0, 1.0, (0.0, 600.0, 1200.0))
    with_n = [
        run_synapse(QUIET, pre, [], record_at=[28800.0], concentration=Concentration.step(level)).late[0, 0]
        for level in (0.0, 0.9, 1.2, 2.0)
    ]
    assert with_n[0] == with_n[1] == 0.0  # one synapse alone: S/h_0 stays below 1
    assert 0.0 < with_n[2] < with_n[3]


def test_same_bits_with_any_number_of_threads():
    pre = tetanus(100.0, 1.0, (0.0,))
    runs = [
        run_synapse(CalciumSynapse(), pre, [], record_at=[1.0, 9.0], trials=37, seed=9, threads=count)
        for count in (1, 2, 5)
    ]
    for run in runs[1:]:
        assert np.array_equal(run.weight, runs[0].weight)
    assert len(np.unique(runs[0].weight[:, 0])) == 37


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.2, 0.1], []), "presynaptic spikes are out of order: number 1 is at 0.1 s"),
        (([], [0.1, float("nan")]), "postsynaptic spikes must be a list of finite times"),
        (([-0.1], []), "finite times of zero or more"),
        (([], [3.0]), "postsynaptic spike at 3 s lies after the last recording at 1 s"),
    ],
)
def test_bad_spikes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        run_synapse(QUIET, *arguments, record_at=[1.0])
