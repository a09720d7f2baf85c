"""Freezing: a mean with error between a floor and a ceiling."""

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.recall import Freezing
from tests.oracle import responses

strengths = st.floats(-1, 1)
freezings = st.builds(
    Freezing,
    floor=st.floats(0, 40),
    ceiling=st.floats(41, 100),
    sensitivity=st.floats(0, 8),
    threshold=st.floats(-2, 4),
)


@settings(max_examples=40, deadline=None)
@given(freezings, strengths)
def test_freezing_averages_floor_and_ceiling_over_the_noise(response, strength):
    expected = responses.freezing_percent(
        response.floor, response.ceiling, response.sensitivity, strength, response.threshold
    )
    assert response.percent(strength) == pytest.approx(expected, rel=1e-9)
    assert response.predict(strength) == response.percent(strength)


@settings(max_examples=50, deadline=None)
@given(freezings, strengths, strengths)
def test_a_stronger_memory_freezes_more_and_stays_between_floor_and_ceiling(response, one, other):
    weaker, stronger = response.percent(sorted((one, other)))
    assert response.floor - 1e-12 <= weaker <= stronger <= response.ceiling + 1e-12


@pytest.mark.parametrize("n", [1, 2, 3])
def test_likelihood_is_the_density_of_the_mean_of_n_animals(n):
    response = Freezing(sd=10.0)
    mean = float(response.percent(0.4))
    animal = functools.partial(responses.normal_density, mean=mean, sd=10.0)
    expected = responses.mean_density(48.0, n, animal, mean - 100, mean + 100)
    assert response.log_likelihood(48.0, 0.4, n) == pytest.approx(math.log(expected), rel=1e-8)


def test_the_constant_is_half_log_two_pi_and_the_spread_stays():
    response = Freezing()
    difference = response.log_likelihood(50, 0.3, 8) - response.log_likelihood(50, 0.3, 8, constant=False)
    assert difference == pytest.approx(-0.5 * math.log(2 * math.pi))
    wide = response.log_likelihood(response.percent(0.3), 0.3, 8, constant=False, sd=30.0)
    narrow = response.log_likelihood(response.percent(0.3), 0.3, 8, constant=False, sd=15.0)
    assert narrow - wide == pytest.approx(math.log(2))


def test_a_reported_spread_takes_the_place_of_the_parameter():
    found = Freezing(sd=15.0).log_likelihood(50, 0.3, 8, sd=[9.0, 15.0])
    expected = [Freezing(sd=sd).log_likelihood(50, 0.3, 8) for sd in (9.0, 15.0)]
    np.testing.assert_allclose(found, expected)


def test_simulated_means_have_the_predicted_mean_and_error():
    response, n, repeats = Freezing(), 9, 20_000
    means = response.simulate(np.full(repeats, 0.4), n, np.random.default_rng(7))
    error = response.sd / 3
    assert means.mean() == pytest.approx(float(response.percent(0.4)), abs=4 * error / math.sqrt(repeats))
    # the standard error of a standard deviation is sd/√(2N)
    assert means.std() == pytest.approx(error, abs=4 * error / math.sqrt(2 * repeats))
    assert isinstance(float(response.simulate(0.4, n, np.random.default_rng(7))), float)


def test_a_floor_above_the_ceiling_is_refused():
    message = "Freezing has the floor 60 % and the ceiling 40 %; the floor must lie below the ceiling"
    with pytest.raises(ValueError, match=message):
        Freezing(floor=60.0, ceiling=40.0)


@pytest.mark.parametrize("name", ["floor", "ceiling"])
def test_percentages_beyond_100_are_refused(name):
    with pytest.raises(ValueError, match=rf"{name}=101\.0.*must lie between 0 and 100"):
        Freezing(**{name: 101.0})
