"""Associative choice with confidence and guessing."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engram.recall import AssociativeChoice
from tests.oracle import responses

strengths = st.floats(-1, 1)
choices = st.builds(
    AssociativeChoice,
    sensitivity=st.floats(0, 8),
    criterion_high=st.floats(0, 4),
    gap_low=st.floats(0.05, 2),
    chance=st.sampled_from([1 / 2, 1 / 4]),
    guess_confidence_high=st.floats(0, 1),
)


def branches(response: AssociativeChoice, strength: float) -> dict:
    return dict(
        evidence=response.sensitivity * strength,
        criterion_high=response.criterion_high,
        criterion_low=response.criterion_high - response.gap_low,
        alternatives=round(1 / response.chance),
        guess_high=response.guess_confidence_high,
    )


@settings(max_examples=40, deadline=None)
@given(choices, strengths)
def test_outcomes_have_the_probability_of_their_branches(response, strength):
    expected = responses.choice_probabilities(**branches(response, strength))
    np.testing.assert_allclose(
        response.predict(strength), [expected[o] for o in response.outcomes], rtol=1e-9, atol=1e-13
    )


@pytest.mark.parametrize("chance", [1 / 2, 1 / 4])
def test_outcomes_occur_as_often_as_in_single_trials(chance):
    response = AssociativeChoice(chance=chance)
    rng = np.random.default_rng(1964)
    found = responses.choice_trials(**branches(response, 0.4), trials=20_000, rng=rng)
    # four standard errors of a frequency near one half
    np.testing.assert_allclose(
        response.predict(0.4), [found[o] for o in response.outcomes], atol=4 * 0.5 / np.sqrt(20_000)
    )


@settings(max_examples=50, deadline=None)
@given(choices, st.lists(strengths, min_size=1, max_size=4))
def test_probabilities_of_the_outcomes_sum_to_one(response, strength):
    probabilities = response.predict(strength)
    assert np.all((probabilities >= 0) & (probabilities <= 1))
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-14)


@settings(max_examples=50, deadline=None)
@given(choices, strengths, strengths)
def test_a_stronger_association_is_chosen_correctly_more_often(response, one, other):
    weaker, stronger = sorted((one, other))
    assert response.proportion(stronger) >= response.proportion(weaker) - 1e-15
    assert response.chance - 1e-15 <= response.proportion(weaker) <= 1 + 1e-15


@settings(max_examples=50, deadline=None)
@given(choices)
def test_without_recollection_choice_is_at_chance_and_confidence_that_of_guesses(response):
    response = dataclasses.replace(response, criterion_high=30.0)
    assert response.proportion(0.0) == pytest.approx(response.chance)
    high = response.proportion(0.0, "correct_high")
    assert high == pytest.approx(response.chance * response.guess_confidence_high)


@settings(max_examples=50, deadline=None)
@given(choices)
def test_without_memory_only_noise_above_the_low_criterion_lifts_choice_off_chance(response):
    spurious = responses.recall_probability(0, 0, response.criterion_high - response.gap_low)
    expected = response.chance + (1 - response.chance) * spurious
    assert response.proportion(0.0) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(choices, strengths)
def test_scores_add_up(response, strength):
    correct_high, correct_low, error_high, _ = response.predict(strength)
    assert response.proportion(strength) == pytest.approx(correct_high + correct_low)
    assert response.proportion(strength, "correct_high") == correct_high
    assert response.proportion(strength, "correct_low") == correct_low
    assert response.proportion(strength, "high") == pytest.approx(correct_high + error_high)


@settings(max_examples=50, deadline=None)
@given(choices, strengths, st.lists(st.integers(0, 30), min_size=4, max_size=4))
def test_log_likelihood_is_orders_times_the_probability_of_one_order(response, strength, counts):
    probabilities = response.predict(strength)
    assume(probabilities.min() > 1e-12)
    expected = responses.multinomial_log_likelihood(counts, probabilities)
    np.testing.assert_allclose(response.log_likelihood(counts, strength), expected, rtol=1e-9, atol=1e-9)
    for score, hits in (("correct", counts[0] + counts[1]), ("correct_high", counts[0])):
        p = response.proportion(strength, score)
        expected = responses.multinomial_log_likelihood([hits, sum(counts) - hits], [p, 1 - p])
        found = response.score_log_likelihood(hits, strength, sum(counts), score=score)
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_likelihoods_of_all_possible_counts_sum_to_one():
    counts = np.array([c for c in itertools.product(range(7), repeat=4) if sum(c) == 6])
    response = AssociativeChoice(chance=0.25)
    assert np.exp(response.log_likelihood(counts, 0.3)).sum() == pytest.approx(1, abs=1e-12)
    score = response.score_log_likelihood(np.arange(7), 0.3, 6, score="high")
    assert np.exp(score).sum() == pytest.approx(1, abs=1e-12)


def test_the_constant_depends_on_the_counts_alone():
    one, other = AssociativeChoice(), AssociativeChoice(chance=0.25, sensitivity=1.0)
    counts = [9, 6, 3, 2]
    constants = [
        (
            response.log_likelihood(counts, strength) - response.log_likelihood(counts, strength, constant=False),
            response.score_log_likelihood(15, strength, 20)
            - response.score_log_likelihood(15, strength, 20, constant=False),
        )
        for response, strength in ((one, 0.1), (other, 0.8))
    ]
    assert constants[0] == pytest.approx(constants[1])


def test_an_impossible_outcome_that_happened_is_minus_infinity_and_not_nan():
    response = AssociativeChoice(guess_confidence_high=0.0)
    assert response.log_likelihood([3, 3, 1, 3], 0.3) == -np.inf
    assert response.log_likelihood([3, 3, 1, 3], 0.3 + 1e-30j).real == -np.inf
    assert np.isfinite(response.log_likelihood([3, 3, 0, 3], 0.3))
    always = AssociativeChoice(chance=1.0)
    assert always.score_log_likelihood(9, 0.3, 10) == -np.inf
    assert always.score_log_likelihood(10, 0.3, 10) == 0


def test_simulated_frequencies_match_the_probabilities():
    response, n = AssociativeChoice(chance=0.25), 100_000
    strength = np.array([0.0, 0.3, 0.8])
    counts = response.simulate(strength, n, np.random.default_rng(7))
    assert counts.shape == (3, 4) and np.all(counts.sum(axis=-1) == n)
    np.testing.assert_allclose(counts / n, response.predict(strength), atol=4 * 0.5 / np.sqrt(n))


@pytest.mark.parametrize("name", ["chance", "guess_confidence_high"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_probability_outside_zero_to_one_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"{name}=.*must lie between 0 and 1"):
        AssociativeChoice(**{name: value})


def test_an_unknown_score_is_named():
    message = "score is 'best'; give one of 'correct', 'correct_high', 'correct_low', 'high'"
    with pytest.raises(ValueError, match=message):
        AssociativeChoice().proportion(0.1, "best")
    with pytest.raises(ValueError, match=message):
        AssociativeChoice().score_log_likelihood(1, 0.1, 2, score="best")
