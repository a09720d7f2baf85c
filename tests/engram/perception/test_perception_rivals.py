"""Two published learning rules: the read-out changes, the representation does not, and trials count."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram import Encode, Intervene, Protocol, Reactivate, day, hour
from engram.perception import IntegratedReweighting, RewardReadout, designs
from engram.perception.readout import correlated, quadratic_form, sessions
from engram.perception.reward_readout import expected_update
from tests.oracle import visual_learning as oracle

RIVALS = (IntegratedReweighting(), RewardReadout())
LATE = 30 * day
every_rival = pytest.mark.parametrize("model", RIVALS, ids=lambda model: model.label)


@every_rival
def test_practice_lowers_the_trained_threshold_and_leaves_far_directions(model):
    trained, far = model.thresholds(designs.practice(5), [0.0, 180.0], [LATE])[0] / model.untrained()
    assert trained < 0.95
    assert far == pytest.approx(1, abs=0.01)


@every_rival
def test_five_trials_a_day_teach_far_less_than_practice(model):
    few = model.thresholds(designs.reactivation(8, encoding=0.0), [0.0], [LATE])[0, 0]
    many = model.thresholds(designs.practice(8), [0.0], [LATE])[0, 0]
    assert (model.untrained() - few) < 0.2 * (model.untrained() - many)


@every_rival
def test_the_representation_stays_as_it_was(model):
    known = model.information(designs.practice(5), [0.0, 50.0], [0.0, LATE])
    assert np.ptp(known.evc) == 0 and np.ptp(known.ips) == 0
    assert (model.shape(designs.practice(5), [LATE]).evc == 1).all()
    # no read-out does better than the best linear one
    assert (known.read_out <= model._used(known.evc + known.ips)).all()


@every_rival
def test_location_transfers_through_the_invariant_units_alone(model):
    near, far = (model.thresholds(designs.practice(5), [0.0], [LATE], d)[0, 0] for d in (0.0, 50.0))
    assert near < far


def test_reweighting_transfers_to_another_location_in_part():
    model = RIVALS[0]
    assert model.thresholds(designs.practice(5), [0.0], [LATE], 50.0)[0, 0] < 0.97 * model.untrained()


@every_rival
def test_reads_come_in_any_order_and_learning_only_after_its_session(model):
    protocol = designs.practice(2)
    times = [LATE, 0.0, 10 * hour]
    together = model.thresholds(protocol, [0.0], times)[:, 0]
    alone = [model.thresholds(protocol, [0.0], [t])[0, 0] for t in times]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert together[1] == pytest.approx(model.untrained())
    assert together[0] < together[2] < together[1]


@every_rival
def test_stimulation_changes_the_rate_once_it_is_given_an_effect(model):
    plain = designs.practice(1), designs.practice(1, stimulation=1.0)
    same = [model.thresholds(protocol, [0.0], [LATE])[0, 0] for protocol in plain]
    assert same[0] == same[1]
    faster = model.with_(stimulation_rate=1.0).thresholds(plain[1], [0.0], [LATE])[0, 0]
    assert faster < same[1]


def test_trials_of_a_protocol():
    protocol = Protocol(
        Encode("t", at=0, strength=0.5),
        Intervene("tdcs", on=day - 60, off=day + 60, dose=0.7),
        Reactivate("t", at=day, duration=20.0),
    )
    first, second = sessions(protocol, 400.0, 4.0)
    assert first == (0, pytest.approx(400 * math.log(2)), 0)
    assert second == (day, pytest.approx(5), 0.7)


def test_reweighting_moves_each_weight_as_its_trials_one_by_one():
    model = IntegratedReweighting(evc_units=60, ips_units=60)
    weights = [model._template(area, np.zeros(1))[0] for area in (model.evc, model.ips)]
    trained = model._train(weights, 30.0, 1.0)
    half = model.difference_at_threshold(weights) / 2
    for area, start, end in zip((model.evc, model.ips), weights, trained, strict=True):
        slow = start.copy()
        q = area.standardised_slopes(np.zeros(1))[0]
        for _ in range(30):
            for i in range(area.units):
                p = model.learning_rate * half * q[i]
                slow[i] += (1 - slow[i]) * p if p > 0 else (slow[i] + 1) * p
        np.testing.assert_allclose(end, slow, rtol=1e-10, atol=1e-15)


@settings(max_examples=30)
@given(st.integers(1, 3000), st.floats(0, 1))
def test_weights_stay_within_their_bounds(trials, rate):
    model = IntegratedReweighting(evc_units=60, ips_units=60, learning_rate=rate)
    weights = [model._template(area, np.zeros(1))[0] for area in (model.evc, model.ips)]
    assert all(np.abs(w).max() <= 1 + 1e-12 for w in model._train(weights, float(trials), 1.0))


def test_expected_reward_update_is_the_mean_over_simulated_trials():
    model = RewardReadout(evc_units=24, ips_units=24)
    area = model.evc
    w = model._template(area, np.zeros(1))[0]
    half, sigma = 6.0, 1.5
    q = area.standardised_slopes(np.zeros(1))[0]
    variance = sigma**2 + float(quadratic_form(area, w))
    sided, spread = expected_update(half * float(w @ q), math.sqrt(variance), model.confidence_slope)
    mine = sided * half * q + spread / variance * correlated(area, w)
    slow, error = oracle.reward_update(
        w, half * q, area.noise_correlation(), sigma, model.confidence_slope, 40_000, np.random.default_rng(8)
    )
    assert np.abs(slow).max() > 10 * error.max()
    np.testing.assert_allclose((mine - slow) / error, 0, atol=4.5)


@given(st.floats(-20, 20), st.floats(0.1, 10), st.floats(0, 20))
def test_the_integral_over_the_decision_is_that_of_a_fine_grid(mean, deviation, slope):
    u = np.linspace(mean - 9 * deviation, mean + 9 * deviation, 40_001)
    h = np.sign(u) * ((u > 0) - 1 / (1 + np.exp(-slope * np.abs(u) / deviation)))
    density = np.exp(-0.5 * ((u - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
    fine = np.trapezoid(h * density, u), np.trapezoid(h * (u - mean) * density, u)
    found = expected_update(mean, deviation, slope)
    # the grid blurs the jump at 0 over one step
    assert found[0] == pytest.approx(fine[0], abs=5e-4)
    assert found[1] == pytest.approx(fine[1], abs=5e-4 * (abs(mean) + deviation))


def test_reward_readout_keeps_the_norm_of_its_weights():
    model = RewardReadout(evc_units=60, ips_units=60)
    weights = [model._template(area, np.zeros(1))[0] for area in (model.evc, model.ips)]
    trained = model._train(weights, 100.0, 1.0)
    assert sum(w @ w for w in trained) == pytest.approx(sum(w @ w for w in weights), rel=1e-12)
    assert all(np.isfinite(w).all() for w in trained)
