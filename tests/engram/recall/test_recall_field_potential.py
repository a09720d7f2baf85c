"""fEPSP slope: relative change of the total synaptic weight."""

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.recall import FieldPotential
from tests.oracle import responses


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 10), st.floats(-0.5, 1), st.floats(1, 6))
def test_slope_is_total_weight_in_percent_of_its_resting_value(early_weight, late_weight, resting_weight):
    strength = (early_weight + resting_weight * late_weight - resting_weight) / resting_weight
    expected = responses.field_potential_percent(early_weight, late_weight, resting_weight)
    assert FieldPotential().slope(strength) == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert FieldPotential().predict(strength) == FieldPotential().slope(strength)


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 10), st.floats(-1, 1), st.floats(-1, 1))
def test_a_stronger_trace_has_a_steeper_slope_and_no_change_is_the_baseline(scale, one, other):
    response = FieldPotential(scale=scale)
    weaker, stronger = response.slope(sorted((one, other)))
    assert weaker <= stronger
    assert response.slope(0.0) == 100


@pytest.mark.parametrize("n", [1, 2, 3])
def test_likelihood_is_the_density_of_the_mean_of_n_slices(n):
    response = FieldPotential(sd=20.0)
    slice_density = functools.partial(responses.normal_density, mean=140.0, sd=20.0)
    expected = responses.mean_density(133.0, n, slice_density, -60.0, 340.0)
    assert response.log_likelihood(133.0, 0.4, n) == pytest.approx(math.log(expected), rel=1e-8)


def test_simulated_means_have_the_predicted_mean_and_error():
    response, repeats = FieldPotential(), 20_000
    means = response.simulate(np.full(repeats, 0.4), 4, np.random.default_rng(7))
    assert means.mean() == pytest.approx(140, abs=4 * 7.5 / math.sqrt(repeats))
    assert means.std() == pytest.approx(7.5, abs=4 * 7.5 / math.sqrt(2 * repeats))
