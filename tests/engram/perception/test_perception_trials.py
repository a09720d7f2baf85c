"""Simulated observers do what the closed form says they do."""

import math

import numpy as np
import pytest

from engram import hour
from engram.perception import Population, VisualReactivation, designs
from engram.perception.fisher import information
from engram.perception.trials import (
    constant_stimuli_threshold,
    optimal_weights,
    simulate_experiment,
    simulated_responses,
)

MODEL = VisualReactivation(evc_units=60, ips_units=60, efficiency=0.6)


@pytest.mark.parametrize("intervals", [1, 2])
@pytest.mark.parametrize("offset", [0.0, 60.0])
def test_simulated_threshold_is_the_closed_form_within_3_percent(intervals, offset):
    when = [0.0, 30 * hour, 100 * hour]
    protocol = designs.reactivation(4)
    found = simulate_experiment(
        MODEL, protocol, when, observers=60, trials=500, offset=offset, intervals=intervals, seed=5
    )
    expected = MODEL.thresholds(protocol, [offset], when)[:, 0]
    log_ratio = np.log(found / expected)
    assert log_ratio.std() / math.sqrt(log_ratio.shape[0]) < 0.015  # 30 000 trials a time bound it this well
    np.testing.assert_allclose(np.exp(log_ratio.mean(axis=0)), 1, atol=0.03)


def test_full_size_populations_agree_as_well():
    model = VisualReactivation()
    protocol, when = designs.reactivation(2), [60 * hour]
    found = simulate_experiment(model, protocol, when, observers=40, trials=400, seed=2)
    expected = model.thresholds(protocol, [0.0], when)[0, 0]
    assert math.exp(np.log(found / expected).mean()) == pytest.approx(1, abs=0.03)


def test_responses_have_the_mean_and_the_covariance_of_the_population():
    population = Population(units=24, correlation=0.3)
    gain = 1 + np.exp(-0.5 * (population.preferred / 40) ** 2)
    generator = np.random.default_rng(0)
    trials = 40_000
    noise = 2.0 * generator.standard_normal(trials)
    responses = simulated_responses(population, np.full(trials, 15.0), gain, generator, noise)
    expected = population.covariance(15.0, gain, input_noise=2.0)
    scale = np.sqrt(np.diag(expected))
    mean = gain * population.counts(np.array(15.0))
    np.testing.assert_allclose((responses.mean(axis=0) - mean) / scale, 0, atol=5 / math.sqrt(trials))
    difference = (np.cov(responses, rowvar=False) - expected) / np.outer(scale, scale)
    np.testing.assert_allclose(difference, 0, atol=5 * math.sqrt(2 / trials))


def test_optimal_weights_reach_the_information():
    population = Population(units=60)
    gain = 1 + np.exp(-0.5 * (population.preferred / 30) ** 2)
    w = optimal_weights(population, gain, 20.0)
    slope = gain * population.slopes(np.array(20.0))
    reached = (w @ slope) ** 2 / (w @ population.covariance(20.0, gain) @ w)
    assert reached == pytest.approx(information(population, gain, 20.0), rel=1e-10)


def test_the_same_seed_gives_the_same_bits():
    pair = [simulate_experiment(MODEL, designs.reactivation(1), [day], observers=2, seed=9) for day in (9e4, 9e4)]
    assert np.array_equal(*pair)
    other = simulate_experiment(MODEL, designs.reactivation(1), [9e4], observers=2, seed=10)
    assert not np.array_equal(pair[0], other)


@pytest.mark.parametrize("intervals", [1, 2])
def test_constant_stimuli_recover_a_known_threshold(intervals):
    from scipy.stats import norm

    generator = np.random.default_rng(4)
    differences = np.tile([1.0, 2.0, 4.0, 6.0], 5000)
    factor = 0.77 / (1 if intervals == 1 else math.sqrt(2))
    correct = generator.random(len(differences)) < norm.cdf(factor * differences / 3.0)
    assert constant_stimuli_threshold(differences, correct, 0.77, intervals) == pytest.approx(3.0, rel=0.03)


@pytest.mark.parametrize(
    ("correct", "message"),
    [
        ([True] * 10, "10 of 10 answers are correct, which does not bound the threshold; use smaller differences"),
        ([True] * 5 + [False] * 5, "5 of 10 answers are correct, .*; use larger differences or more trials"),
    ],
)
def test_answers_that_bound_nothing_are_an_error(correct, message):
    with pytest.raises(ValueError, match=message):
        constant_stimuli_threshold(np.ones(10), np.array(correct), 0.77)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="observers is 0 and trials 200"):
        simulate_experiment(MODEL, designs.reactivation(1), [0.0], observers=0)
    with pytest.raises(ValueError, match="at least one observer and 10 trials"):
        simulate_experiment(MODEL, designs.reactivation(1), [0.0], trials=4)
    with pytest.raises(ValueError, match="intervals is 3"):
        simulate_experiment(MODEL, designs.reactivation(1), [0.0], intervals=3)
    with pytest.raises(ValueError, match="differences must be above 0"):
        constant_stimuli_threshold(np.array([0.0, 1.0]), np.array([True, False]), 0.77)
    with pytest.raises(ValueError, match="have the shapes"):
        constant_stimuli_threshold(np.ones(3), np.ones(2, bool), 0.77)
    with pytest.raises(ValueError, match="seed is -1; give a whole number of zero or more"):
        simulate_experiment(MODEL, designs.reactivation(1), [0.0], seed=-1)
    population, generator = Population(units=60), np.random.default_rng(0)
    with pytest.raises(ValueError, match="directions has nan"):
        simulated_responses(population, np.array([0.0, np.nan]), np.ones(60), generator)
    for gain in (-np.ones(60), np.full(60, np.nan)):
        with pytest.raises(ValueError, match=r"gain is .* give finite gains of zero or more"):
            simulated_responses(population, np.zeros(2), gain, generator)
    with pytest.raises(ValueError, match="gain is 0 for some units"):
        optimal_weights(population, np.zeros(60))
