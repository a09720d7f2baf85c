"""Geometry of the responses: dimensions of the manifold, and what five examples can teach."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.perception import Population
from engram.perception.few_shot import few_shot
from engram.perception.manifold import participation_ratio, principal_coordinates
from tests.oracle import visual_learning as oracle

SMALL = Population(units=40)


def local(size):
    return 1 + size * np.exp(-0.5 * (SMALL.preferred / 30) ** 2)


@pytest.mark.parametrize("size", [0.0, 0.7, 3.0])
def test_dimension_is_that_of_the_covariance_over_directions(size):
    dense = oracle.participation_ratio(SMALL, local(size), directions=400)
    assert participation_ratio(SMALL, local(size)[None])[0] == pytest.approx(dense, rel=1e-9)


@given(st.floats(0.1, 10))
def test_a_uniform_gain_changes_no_dimension(gain):
    plain = participation_ratio(SMALL, np.ones((1, 40)))
    assert participation_ratio(SMALL, np.full((1, 40), gain)) == pytest.approx(plain, rel=1e-10)


def test_narrow_tuning_fills_more_dimensions():
    narrow, broad = (
        participation_ratio(Population(tuning_width=width), np.ones((1, 500)))[0] for width in (15.0, 50.0)
    )
    assert narrow > 2 * broad


def test_principal_coordinates_keep_distances_and_grow_with_the_gain():
    around = np.linspace(-180, 180, 25)
    full = principal_coordinates(SMALL, np.ones(40), around, 38)
    counts = SMALL.counts(around)
    direct = np.linalg.norm(counts[:, None] - counts[None], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(full[:, None] - full[None], axis=-1), direct, atol=1e-6)
    np.testing.assert_allclose(principal_coordinates(SMALL, np.full(40, 2.0), around), 2 * full[:, :3], atol=1e-9)
    # the first two axes hold the most there is to see
    values = np.linalg.svd(counts[:-1] - counts[:-1].mean(axis=0), compute_uv=False)
    assert np.linalg.norm(full[:-1, :2]) == pytest.approx(np.linalg.norm(values[:2]), rel=1e-9)


@pytest.mark.parametrize("examples", [1, 5])
@pytest.mark.parametrize("size", [0.0, 2.0])
def test_few_shot_signal_to_noise_is_that_of_simulated_learners(examples, size):
    gain = local(size)
    found = few_shot(SMALL, gain, 25.0, examples, direction=10.0)
    pair = [oracle.mean_counts(SMALL, d, gain) for d in (10.0, 35.0)]
    covariances = [oracle.covariance(SMALL, d, gain) for d in (10.0, 35.0)]
    trials = 20_000
    mean, deviation, error = oracle.few_shot(*pair, covariances, examples, trials, np.random.default_rng(6))
    assert found.snr == pytest.approx(mean / deviation, abs=4 / math.sqrt(trials))
    # h is a quadratic form, not quite Gaussian
    assert found.error == pytest.approx(error, abs=0.02)


@given(st.floats(1, 5), st.floats(1.05, 3), st.integers(1, 50))
def test_expansion_raises_few_shot_learning_between_sqrt_gain_and_gain(gain, factor, examples):
    population = Population(units=60)
    before, after = (few_shot(population, g, 20.0, examples).snr for g in (gain, gain * factor))
    assert math.sqrt(factor) * (1 - 1e-9) <= after / before <= factor * (1 + 1e-9)


def test_more_examples_help_less_and_less():
    snr = [few_shot(SMALL, 1.0, 20.0, m).snr for m in (1, 5, 25, 125, 10_000)]
    assert np.all(np.diff(snr) > 0) and snr[-1] / snr[-2] < 1.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((20.0, 0), "examples is 0; give a whole number of one or more"),
        ((0.0, 5), "separation is 0.0; give degrees other than 0, up to 180"),
        ((200.0, 5), "separation is 200.0"),
    ],
)
def test_bad_few_shot_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        few_shot(SMALL, 1.0, *arguments)


def test_more_axes_than_units_are_an_error():
    with pytest.raises(ValueError, match="dimensions is 40; give a whole number from 1 to 38"):
        principal_coordinates(SMALL, np.ones(40), np.zeros(1), 40)
