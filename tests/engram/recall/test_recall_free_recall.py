"""Free recall: threshold on noisy strength, counted."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engram.recall import Recall
from tests.oracle import responses

strengths = st.floats(-1, 1)
recalls = st.builds(Recall, sensitivity=st.floats(0, 8), threshold=st.floats(-2, 4))


@settings(max_examples=40, deadline=None)
@given(recalls, strengths)
def test_recall_is_the_area_of_evidence_above_the_threshold(response, strength):
    expected = responses.recall_probability(response.sensitivity, strength, response.threshold)
    assert response.probability(strength) == pytest.approx(expected, rel=1e-9, abs=1e-13)
    assert response.predict(strength) == response.probability(strength)


@settings(max_examples=50, deadline=None)
@given(recalls, strengths, strengths)
def test_a_stronger_memory_is_recalled_more_often(response, one, other):
    weaker, stronger = response.probability(sorted((one, other)))
    assert 0 <= weaker <= stronger <= 1


def test_half_is_recalled_at_the_threshold():
    assert Recall(sensitivity=4.0, threshold=2.0).probability(0.5) == 0.5


@settings(max_examples=50, deadline=None)
@given(recalls, strengths, st.integers(0, 40), st.integers(0, 40))
def test_log_likelihood_is_orders_times_the_probability_of_one_order(response, strength, recalled, missed):
    p = float(response.probability(strength))
    assume(1e-9 < p < 1 - 1e-9)
    expected = responses.multinomial_log_likelihood([recalled, missed], [p, 1 - p])
    found = response.log_likelihood(recalled, strength, recalled + missed)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_likelihoods_of_all_possible_counts_sum_to_one():
    total = np.exp(Recall().log_likelihood(np.arange(31), 0.3, 30)).sum()
    assert total == pytest.approx(1, abs=1e-12)


def test_the_constant_depends_on_the_counts_alone():
    one, other = Recall(), Recall(sensitivity=1.0)
    differences = [
        r.log_likelihood(7, s, 20) - r.log_likelihood(7, s, 20, constant=False) for r, s in ((one, 0.1), (other, 0.9))
    ]
    assert differences[0] == pytest.approx(differences[1])


def test_log_likelihood_stays_finite_far_out():
    response = Recall(sensitivity=50.0)
    assert np.all(np.isfinite(response.log_likelihood([10, 0], [-1.0, 1.0], 10)))


def test_simulated_frequencies_match_the_probability():
    response, n = Recall(), 100_000
    strength = np.array([0.0, 0.3, 0.8])
    recalled = response.simulate(strength, n, np.random.default_rng(7))
    assert recalled.dtype.kind == "i"
    np.testing.assert_allclose(recalled / n, response.probability(strength), atol=4 * 0.5 / np.sqrt(n))
    assert 0 <= response.simulate(0.3, 10, np.random.default_rng(7)) <= 10
