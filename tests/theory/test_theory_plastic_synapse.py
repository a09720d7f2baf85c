"""Exact facts of the calcium synapse and of its network, each held against simulation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.optimize import brentq

from engram import Encode, Protocol, Release, ThresholdCapture
from engram.networks.tag_and_capture.calcium_synapse import run_synapse
from engram.networks.tag_and_capture.concentration import Concentration
from engram.networks.tag_and_capture.connectivity import Connectivity
from engram.networks.tag_and_capture.network import TagAndCaptureNetwork
from engram.networks.tag_and_capture.simulation import Simulation
from engram.networks.tag_and_capture.synapse_parameters import NETWORK_SYNAPSE, CalciumSynapse
from engram.neuromodulation import DOPAMINE, NORADRENALINE, table
from theory import plastic_synapse as p
from theory.notation import value_of
from theory.windows import tag_lifetime

SYNAPSE = CalciumSynapse()
H_0 = SYNAPSE.resting_weight
VALUES = dict(rest=H_0, gamma_p=1645.6, gamma_d=313.1, sigma=SYNAPSE.noise, tau_h=688.4)


@pytest.mark.parametrize("regime", [0, 1, 2])
def test_constants_of_the_kernels_are_the_derived_ones(regime):
    above = dict(above_lower=float(regime > 0), above_upper=float(regime > 1))
    constants = SYNAPSE.constants()
    mean, variance, rate = (
        value_of(fact(), **VALUES, **above)
        for fact in (p.stationary_mean, p.stationary_variance, p.relaxation_rate)
    )  # fmt: skip
    assert constants.means[regime] + H_0 == pytest.approx(mean, rel=1e-13)
    assert constants.variances[regime] == pytest.approx(variance, rel=1e-13, abs=0)
    assert constants.rates[regime] == pytest.approx(rate, rel=1e-13)


@pytest.mark.parametrize(("above_upper", "deviation"), [(1.0, 0.0656), (0.0, 0.116)])
def test_stationary_noise_in_the_two_regimes(above_upper, deviation):
    variance = value_of(p.stationary_variance(), **VALUES, above_lower=1.0, above_upper=above_upper)
    assert math.sqrt(variance) == pytest.approx(deviation, rel=5e-3)
    # held there by a spike every two milliseconds: calcium 25 above both thresholds, 2 with a smaller jump
    until, trials = (4.0 if above_upper else 16.0), 4000
    held = dataclasses.replace(SYNAPSE, calcium_pre=1.0 if above_upper else 0.082)
    run = run_synapse(held, np.arange(0.0, until, 2e-3), [], record_at=[until], trials=trials, seed=3)
    assert run.early.std() == pytest.approx(math.sqrt(variance), rel=0.04)
    mean = value_of(p.stationary_mean(), **VALUES, above_lower=1.0, above_upper=above_upper)
    assert run.early.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / trials) + 0.003)


def quiet(deviation: float, concentration: Concentration | None = None) -> Simulation:
    """Two neurons, one synapse, which deviates from h_0 by so much (in h_0)."""
    network = TagAndCaptureNetwork(
        excitatory=2, inhibitory=0, plastic_synapses=Connectivity.from_pairs([0], [1], sources=2, targets=2)
    )
    simulation = Simulation(network, seed=1, concentration=concentration)
    simulation.set_weights(np.array([H_0 * (1 + deviation)]), np.zeros(1), np.zeros(2))
    return simulation


def last_change(deviation: float, quantity: str) -> float:
    """When the late phase stops growing, or the protein starts to fall (s)."""

    def slope(at: float) -> float:
        simulation = quiet(deviation)
        values = []
        for time in (at - 0.05, at + 0.05):
            simulation.fast_forward(until=time)
            weights = simulation.weights()
            values.append(weights.late[0] if quantity == "late" else weights.protein[1])
        return values[1] - values[0]

    return brentq(lambda at: slope(at) - 1e-9, 100.0, 20000.0, xtol=0.01)


def test_a_saturated_tag_lasts_11079_seconds():
    lifetime = value_of(tag_lifetime(), strength=1.0, tag_threshold=0.2, tau_early=6884.0)
    assert lifetime == pytest.approx(11079.4, abs=0.05)
    assert last_change(1.0, "late") == pytest.approx(lifetime, abs=0.2)


def test_synthesis_after_one_saturated_synapse_lasts_4772_seconds():
    window = value_of(p.synthesis_window(), total_deviation=H_0, protein_threshold=0.5 * H_0, tau_early=6884.0)
    assert window == pytest.approx(4771.6, abs=0.05)
    assert window == pytest.approx(6884.0 * math.log(2.0))
    assert last_change(1.0, "protein") == pytest.approx(window, abs=0.2)


def test_above_both_thresholds_the_weight_doubles_but_for_the_relaxation():
    mean = value_of(p.stationary_mean(), **VALUES, above_lower=1.0, above_upper=1.0)
    assert mean == pytest.approx(2 * H_0, rel=3e-5)
    assert mean < 2 * H_0


def assembly(early: np.ndarray, concentration: Concentration) -> np.ndarray:
    """Late phases at 24 h of a silent, fully connected group with these early phases (in h_0)."""
    size = 27
    network = TagAndCaptureNetwork(
        excitatory=size, inhibitory=0, connection_probability=1.0, synapse=NETWORK_SYNAPSE
    )  # fmt: skip
    simulation = Simulation(network, seed=1, concentration=concentration)
    weights = np.resize(H_0 * (1 + early), network.plastic.size)
    simulation.set_weights(weights, np.zeros(weights.size), np.zeros(size))
    simulation.fast_forward(until=86400.0)
    return simulation.weights().late


@pytest.mark.parametrize("duration", [1800.0, 3600.0, math.inf])
@pytest.mark.parametrize("onset", [0.0, 3600.0, 7200.0, 9000.0])
@pytest.mark.parametrize("level", [0.02, 0.06, 0.18])
def test_a_uniform_assembly_is_one_trace(level, onset, duration):
    late = assembly(np.array([0.67]), Concentration.step(level, start=onset, duration=duration))
    expected = p.late_of_step(0.67, 26 * 0.67, level, onset=onset, duration=duration)
    assert late == pytest.approx(np.full(late.size, expected), abs=2e-9)


def test_a_spread_of_weights_turns_the_sharp_end_of_the_window_into_a_smooth_one():
    """Onset after the mean tag has gone: the trace of the mean captures nothing, the stronger half of synapses does."""
    early = np.linspace(0.37, 0.97, 26)
    onset = 6884.0 * math.log(0.67 / 0.2) + 300.0
    assert p.late_of_step(0.67, 26 * 0.67, 0.18, onset=onset) == 0.0
    assert assembly(early, Concentration.step(0.18, start=onset)).mean() > 0.02


@pytest.mark.parametrize("doses", [((0.0, 1.0),), ((5400.0, 1.0),), ((600.0, 0.8), (7000.0, 2.0)), ((12000.0, 1.0),)])
def test_one_protocol_runs_through_network_and_trace(doses):
    """Releases of a protocol in a uniform assembly, and in the trace that corresponds to it by its drive."""
    early, total, weight, clearance = 0.67, 26 * 0.67, 0.15, 4000.0
    releases = [Release("dopamine", at=at, dose=dose) for at, dose in doses]
    dopamine = dataclasses.replace(DOPAMINE, drive_weight=weight, drive_clearance=clearance)
    late = assembly(np.array([early]), Concentration.of_releases(releases, [dopamine]))
    unit = total / early
    stronger = dataclasses.replace(dopamine, drive_weight=weight * unit, conversion=0.0)
    model = ThresholdCapture(
        ambient_activity=0.0, strength_spread=0.0, epsilon=0.001 * unit, neuromodulators=table(stronger)
    )
    run = model.run(Protocol(Encode("assembly", at=0.0, strength=early), *releases))
    expected = float(run.table([86400.0]).late.iloc[0])
    assert (expected > 0.05) == (doses[0][0] < 8000.0)
    assert late == pytest.approx(np.full(late.size, expected), abs=2e-9)


def test_the_concentration_of_releases_is_what_the_neuromodulator_does():
    """Weight, dose-response and clearance of each, wherever it stands; releases in any order."""
    saturating = dataclasses.replace(DOPAMINE, dose_response="saturating", drive_weight=0.5, drive_clearance=100.0)
    linear = dataclasses.replace(NORADRENALINE, dose_response="linear", drive_weight=0.2, drive_clearance=50.0)
    releases = [Release("noradrenaline", at=30.0, dose=0.5), Release("dopamine", at=10.0, dose=2.0)]
    n = Concentration.of_releases(releases, [saturating, linear])
    assert n.at(9.9) == 0.0
    assert n.at(10.0) == pytest.approx(0.5 * saturating.response(2.0))
    expected = 0.5 * saturating.response(2.0) * math.exp(-0.5) + 0.2 * linear.response(0.5) * math.exp(-0.6)
    assert n.at(60.0) == pytest.approx(expected)
    with pytest.raises(ValueError, match="'serotonin': no such neuromodulator in"):
        Concentration.of_releases([Release("serotonin", at=0.0, dose=1.0)], [saturating])


def test_the_equivalent_drive_makes_the_same_condition():
    drive = p.equivalent_drive(0.06, 25.3, 0.67)
    left = 0.67 * math.exp(-1000.0 / 6884.0) * drive
    assert left == pytest.approx(25.3 * math.exp(-1000.0 / 6884.0) * 0.061)
