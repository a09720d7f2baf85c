"""The normal distribution function on real and complex arguments, in both tails."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.recall import normal

POINTS = np.concatenate([np.linspace(-35, 35, 71), [-0.0, 1e-9, -1e-9]])
STEP = 1e-30


def exact(function):
    with mpmath.workdps(300):
        return np.array([float(function(mpmath.mpf(float(x)))) for x in POINTS])


def test_distribution_function_is_that_of_three_hundred_digits():
    expected = exact(mpmath.ncdf)
    np.testing.assert_allclose(normal.cumulative(POINTS), expected, rtol=1e-12)
    np.testing.assert_allclose(normal.cumulative(POINTS + 0j).real, expected, rtol=1e-12)


def test_logarithm_is_that_of_three_hundred_digits():
    expected = exact(lambda x: mpmath.log(mpmath.ncdf(x)))
    np.testing.assert_allclose(normal.log_cumulative(POINTS), expected, rtol=1e-12)
    np.testing.assert_allclose(normal.log_cumulative(POINTS + 0j).real, expected, rtol=1e-12)


def test_complex_step_of_the_distribution_function_is_the_density():
    found = normal.cumulative(POINTS + STEP * 1j).imag / STEP
    np.testing.assert_allclose(found, exact(mpmath.npdf), rtol=1e-12)


def test_complex_step_of_the_logarithm_is_density_over_distribution():
    found = normal.log_cumulative(POINTS + STEP * 1j).imag / STEP
    np.testing.assert_allclose(found, exact(lambda x: mpmath.npdf(x) / mpmath.ncdf(x)), rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.floats(-30, 30), st.floats(1e-3, 8))
def test_interval_and_its_logarithm_are_those_of_four_hundred_digits(low, width):
    high = low + width
    with mpmath.workdps(400):
        difference = mpmath.ncdf(mpmath.mpf(high)) - mpmath.ncdf(mpmath.mpf(low))
        expected, log_expected = float(difference), float(mpmath.log(difference))
    for kind in (np.array, lambda x: np.array(x + 0j)):
        found = normal.interval(kind(low), kind(high))
        assert found.real == pytest.approx(expected, rel=1e-9, abs=1e-300)
        found = normal.log_interval(kind(low), kind(high))
        assert found.real == pytest.approx(log_expected, rel=1e-10, abs=1e-10)


def test_scalars_stay_scalars():
    assert f"{normal.interval(np.float64(-1), np.float64(1)):.3f}" == "0.683"
