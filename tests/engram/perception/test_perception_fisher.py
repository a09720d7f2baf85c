"""Linear Fisher information in closed form is that of the dense matrices, and thresholds follow from it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.perception.fisher import (
    SingularCovarianceError,
    criterion_of,
    information,
    information_curve,
    information_from_trials,
    linear_fisher_information,
    threshold,
    with_input_noise,
)
from engram.perception.populations import Population
from tests.oracle import visual_learning as oracle

SMALL = Population(units=60)


def profile(population, size, width=30.0):
    return 1 + size * np.exp(-0.5 * (population.preferred / width) ** 2)


@pytest.mark.parametrize("direction", [0.0, 12.3, -71.0, 180.0])
@pytest.mark.parametrize("period", [180.0, 360.0])
def test_information_is_that_of_the_dense_covariance(direction, period):
    population = Population(units=60, period=period)
    gain = profile(population, 1.7)
    # the oracle's slope is a finite difference
    assert information(population, gain, direction) == pytest.approx(
        oracle.fisher(population, direction, gain), rel=1e-8
    )


def test_covariance_in_full_is_that_of_the_equations():
    gain = profile(SMALL, 0.8)
    mine = SMALL.covariance(17.0, gain, input_noise=0.7)
    np.testing.assert_allclose(mine, oracle.covariance(SMALL, 17.0, gain, 0.7), rtol=1e-8)


@settings(max_examples=40)
@given(
    st.floats(8, 60), st.floats(0.5, 20), st.floats(0, 0.9), st.floats(10, 90), st.floats(0, 5),
    st.floats(-180, 180), st.sampled_from([499, 500]),
)  # fmt: skip
def test_curve_is_the_information_at_every_direction(width, baseline, correlation, range_, size, direction, units):
    population = Population(
        units=units, tuning_width=width, baseline_rate=baseline, correlation=correlation, correlation_width=range_
    )
    gain = np.array([np.ones(units), profile(population, size)])
    directions = np.array([direction, 0.0, 33.3])
    fast = information_curve(population, gain, directions)
    slow = np.array([[information(population, one, d) for d in directions] for one in gain])
    np.testing.assert_allclose(fast, slow, rtol=1e-9)


@given(st.floats(0, 10), st.floats(0, 0.9))
def test_a_gain_of_all_units_multiplies_the_information(size, correlation):
    population = Population(units=100, correlation=correlation)
    gained = information(population, np.full(100, 1 + size), 20.0)
    assert gained == pytest.approx((1 + size) * information(population, np.ones(100), 20.0), rel=1e-12)


@given(st.floats(0.01, 3), st.floats(0, 40))
def test_stimulus_noise_is_a_differential_correlation(noise, direction):
    gain = profile(SMALL, 1.0)
    slope = gain * SMALL.slopes(np.array(direction))
    dense = linear_fisher_information(slope, SMALL.covariance(direction, gain, input_noise=noise))
    assert with_input_noise(information(SMALL, gain, direction), noise) == pytest.approx(dense, rel=1e-7)


def test_stimulus_noise_bounds_the_threshold_from_below():
    assert threshold(with_input_noise(1e12, 2.0), 0.77) == pytest.approx(0.77 * 2.0)
    assert threshold(0.0, 0.77) == math.inf


def test_criterion_of_two_down_one_up_in_two_intervals():
    assert criterion_of(math.sqrt(0.5)) == pytest.approx(0.77, abs=0.001)
    assert criterion_of(math.sqrt(0.5), intervals=1) == pytest.approx(math.sqrt(2) * criterion_of(math.sqrt(0.5)))
    with pytest.raises(ValueError, match=r"proportion_correct is 0.4; give a number between 0.5 and 1"):
        criterion_of(0.4)
    with pytest.raises(ValueError, match="intervals is 3; give 1 or 2"):
        criterion_of(0.75, 3)


def test_a_singular_covariance_is_an_error_and_a_ridge_an_answer():
    twice = np.repeat(np.repeat(SMALL.covariance(0.0), 2, axis=0), 2, axis=1)
    slope = np.repeat(SMALL.slopes(np.array(0.0)), 2)
    with pytest.raises(SingularCovarianceError, match=r"of 120 units is singular .* Give ridge=0.01 to regularise"):
        linear_fisher_information(slope, twice)
    regularised = linear_fisher_information(slope, twice, ridge=0.01)
    assert 0 < regularised < information(SMALL, np.ones(60), 0.0)


def test_a_covariance_with_numbers_that_are_not_finite_is_an_error():
    covariance = SMALL.covariance(0.0)
    covariance[3, 3] = np.nan
    with pytest.raises(ValueError, match="holds numbers that are not finite"):
        linear_fisher_information(SMALL.slopes(np.array(0.0)), covariance)
    with pytest.raises(ValueError, match=r"covariance has the shape \(60, 60\); 4 slopes need a square"):
        linear_fisher_information(np.ones(4), covariance)


def test_information_from_trials_is_unbiased_where_the_naive_estimate_is_not():
    from engram.perception.trials import simulated_responses

    population, separation, trials = (
        Population(units=12, tuning_width=50.0, correlation_width=60.0, window=3.0),
        10.0,
        40,
    )
    generator = np.random.default_rng(3)
    estimates, naive = [], []
    for _ in range(1500):
        pair = [simulated_responses(population, np.full(trials, d), np.ones(12), generator) for d in (-5.0, 5.0)]
        estimates.append(information_from_trials(*pair, separation))
        slope = (pair[1].mean(0) - pair[0].mean(0)) / separation
        shared = (np.cov(pair[0], rowvar=False) + np.cov(pair[1], rowvar=False)) / 2
        naive.append(linear_fisher_information(slope, shared))
    slope = (population.counts(np.array(5.0)) - population.counts(np.array(-5.0))) / separation
    true = linear_fisher_information(slope, (population.covariance(-5.0) + population.covariance(5.0)) / 2)
    error = np.std(estimates) / math.sqrt(len(estimates))
    assert error < 0.01 * true
    assert np.mean(estimates) == pytest.approx(true, rel=0.02)
    # Wishart noise alone multiplies the naive one by (2·40 − 2)/(2·40 − 12 − 3) = 1.2
    assert np.mean(naive) > 1.2 * true


@pytest.mark.parametrize("trials", [2, 31])
def test_fewer_trials_than_units_are_an_error(trials):
    with pytest.raises(ValueError, match=f"{trials} trials at each of two directions are too few for 60 units"):
        information_from_trials(np.ones((trials, 60)), np.ones((trials, 60)), 2.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(units=4), r"Population\(units=4\): give a whole number of units from 8 to 100000"),
        (dict(correlation=1.0), "at 1 the noise covariance is singular"),
        (dict(fano=0.0), r"Population\(fano=0.0\): fano must be a finite number above 0"),
        (dict(window=math.nan), "window must be a finite number above 0"),
        (dict(peak_rate=1.0), "peak_rate 1.0 must lie above baseline_rate 5.0"),
        (dict(units=10), "10 units stand 36° apart, too far for a width of 25°; use at least 21 units"),
    ],
)
def test_a_population_that_cannot_be_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        Population(**change)


def test_units_too_few_for_a_narrow_curve_are_an_error():
    population = Population(units=100, tuning_width=6.0)
    with pytest.raises(ValueError, match="100 units are too few to tile directions at a tuning width of 6°"):
        information_curve(population, np.ones((1, 100)), np.zeros(1))


BAD_GAIN = np.where(np.arange(60) == 3, np.nan, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linear_fisher_information(np.ones(2), [[1, 0.9], [0, 1]]), r"not symmetric: 0.9 at \(0, 1\) and 0 at"),
        (lambda: linear_fisher_information(np.ones(2), -np.eye(2)), "has the negative eigenvalue -1, which no"),
        (lambda: linear_fisher_information(np.ones(2), [[1, 2], [2, 1]], 1.0), "has the negative eigenvalue -1, which"),
        (lambda: information_from_trials(np.ones((9, 2)), np.ones((9, 2)), 1.0), "singular .* Leave out such units"),
        (lambda: information_from_trials(np.full((9, 2), np.nan), np.ones((9, 2)), 1.0), r"first\[0, 0\] is nan"),
        (lambda: information(SMALL, BAD_GAIN), r"gain is nan at index \(3,\); give finite gains of zero or more"),
        (lambda: information(SMALL, -np.ones(60)), r"gain is -1 at index \(0,\)"),
        (lambda: information(SMALL, np.ones(59)), r"gain is ndarray of shape \(59,\); .* each of the 60 units"),
        (lambda: information(SMALL, np.ones(60), np.nan), "directions has nan; give finite numbers of degrees"),
        (lambda: information_curve(SMALL, BAD_GAIN[None], np.zeros(1)), r"gain is nan at index \(0, 3\)"),
        (lambda: SMALL.covariance(np.nan), "direction has nan"),
        (lambda: SMALL.covariance(0.0, -1.0), "gain is -1; give finite gains"),
        (lambda: SMALL.covariance(0.0, input_noise=-5), "input_noise is -5; give a finite number of zero or more"),
        (lambda: threshold(-1.0, 1.0), "the information is -1 per degree²"),
        (lambda: threshold(np.array([1.0, np.nan]), 1.0), "the information is nan per degree²"),
        (lambda: threshold(1.0, 0.0), "criterion is 0.0; give a finite"),
    ],
)
def test_what_no_information_follows_from_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
