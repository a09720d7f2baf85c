"""Ordered confidence: signal detection with criteria."""

import dataclasses
import functools
import itertools
import re
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engram.parameter import parameter
from engram.recall import OrderedConfidence
from engram.recall.ordered_scale import OrderedScale
from tests.oracle import responses

strengths = st.floats(-1, 1)
scales = st.builds(
    OrderedConfidence,
    sensitivity=st.floats(0, 6),
    sd_old=st.floats(0.5, 2),
    lure_shift=st.floats(-1, 1),
    criterion_definitely_old=st.floats(-1, 3),
    gap_maybe_old=st.floats(0.05, 2),
    gap_maybe_new=st.floats(0.05, 2),
)


assumed = functools.partial(
    parameter, unit="1", symbol="c", source="assumed", verified=False, description="criterion or gap"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SixPoint(OrderedScale):
    """A scale of six levels, as a user would declare it."""

    kind: ClassVar[str] = "six_point"
    outcomes: ClassVar[tuple[str, ...]] = ("old 3", "old 2", "old 1", "new 1", "new 2", "new 3")
    old_levels: ClassVar[tuple[str, ...]] = ("sure", "probable", "guess")

    criterion_sure: float = assumed(2.0, bounds=(-10, 20))
    gap_probable: float = assumed(0.5, bounds=(0, 10))
    gap_guess: float = assumed(0.5, bounds=(0, 10))
    gap_new_guess: float = assumed(0.5, bounds=(0, 10))
    gap_new_probable: float = assumed(0.5, bounds=(0, 10))


@settings(max_examples=40, deadline=None)
@given(scales, strengths)
def test_levels_have_the_area_of_the_evidence_between_their_criteria(response, strength):
    old = responses.scale_probabilities(response.criteria, response.sensitivity * strength, response.sd_old)
    lure = responses.scale_probabilities(response.criteria, response.lure_shift, 1.0)
    np.testing.assert_allclose(response.probabilities(strength), old, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(response.lure_probabilities(), lure, rtol=1e-9, atol=1e-13)


def test_levels_occur_as_often_as_in_single_trials():
    response = OrderedConfidence(sd_old=1.3, lure_shift=0.2)
    rng = np.random.default_rng(20210412)
    old = responses.scale_trials(response.criteria, response.sensitivity * 0.4, response.sd_old, 40_000, rng)
    # four standard errors of a frequency near one half
    np.testing.assert_allclose(response.probabilities(0.4), old, atol=4 * 0.5 / 200)


@settings(max_examples=50, deadline=None)
@given(scales, st.lists(strengths, min_size=1, max_size=4))
def test_probabilities_of_the_levels_sum_to_one(response, strength):
    for probabilities in (response.probabilities(strength), response.lure_probabilities()):
        assert np.all((probabilities >= 0) & (probabilities <= 1))
        np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-14)


@settings(max_examples=50, deadline=None)
@given(scales, strengths, strengths)
def test_a_stronger_memory_is_called_old_more_often_at_every_level(response, one, other):
    weaker, stronger = sorted((one, other))
    for level in ("definitely", "maybe"):
        assert response.hit_rate(stronger, level) >= response.hit_rate(weaker, level)
        assert -1 <= response.corrected_recognition(stronger, level) <= 1
    assert response.d_prime(stronger) >= response.d_prime(weaker)


@settings(max_examples=50, deadline=None)
@given(scales)
def test_equal_variance_without_memory_is_chance(response):
    response = dataclasses.replace(response, sd_old=1.0, lure_shift=0.0)
    np.testing.assert_allclose(response.probabilities(0.0), response.lure_probabilities(), atol=1e-15)
    assert response.d_prime(0.0) == 0
    assert response.corrected_recognition(0.0, "definitely") == 0


@settings(max_examples=50, deadline=None)
@given(scales, strengths)
def test_corrected_recognition_is_the_sum_of_old_levels_less_that_of_lures(response, strength):
    old, lure = response.probabilities(strength), response.lure_probabilities()
    for levels, name in ((1, "definitely"), (2, "maybe")):
        expected = old[:levels].sum() - lure[:levels].sum()
        np.testing.assert_allclose(response.corrected_recognition(strength, name), expected, atol=1e-14)


def test_d_prime_is_the_distance_of_the_means_in_units_of_the_common_spread():
    assert OrderedConfidence(sensitivity=4.0, lure_shift=0.5).d_prime(0.5) == pytest.approx(1.5)
    # pooled variance (1 + 7²)/2 = 25, so the distance of 2 is 0.4 pooled standard deviations
    assert OrderedConfidence(sensitivity=4.0, sd_old=7.0).d_prime(0.5) == pytest.approx(0.4)


def test_a_category_lure_shift_raises_false_alarms_and_leaves_hits():
    plain, shifted = OrderedConfidence(), OrderedConfidence(lure_shift=0.5)
    assert shifted.false_alarm_rate("maybe") > plain.false_alarm_rate("maybe")
    assert shifted.hit_rate(0.4, "maybe") == plain.hit_rate(0.4, "maybe")


@settings(max_examples=50, deadline=None)
@given(scales, strengths, st.lists(st.integers(0, 30), min_size=4, max_size=4))
def test_log_likelihood_is_orders_times_the_probability_of_one_order(response, strength, counts):
    probabilities = response.probabilities(strength)
    assume(probabilities.min() > 1e-12)
    expected = responses.multinomial_log_likelihood(counts, probabilities)
    np.testing.assert_allclose(response.log_likelihood(counts, strength), expected, rtol=1e-9, atol=1e-9)
    lure = responses.multinomial_log_likelihood(counts, response.lure_probabilities())
    np.testing.assert_allclose(response.lure_log_likelihood(counts), lure, rtol=1e-9, atol=1e-9)


def test_likelihoods_of_all_possible_counts_sum_to_one():
    counts = np.array([c for c in itertools.product(range(7), repeat=4) if sum(c) == 6])
    response = OrderedConfidence(sd_old=1.25)
    assert np.exp(response.log_likelihood(counts, 0.3)).sum() == pytest.approx(1, abs=1e-12)
    assert np.exp(response.lure_log_likelihood(counts)).sum() == pytest.approx(1, abs=1e-12)


def test_the_constant_depends_on_the_counts_alone():
    counts = [10, 7, 5, 2]

    def constant(response, strength):
        return response.log_likelihood(counts, strength) - response.log_likelihood(counts, strength, constant=False)

    assert constant(OrderedConfidence(), 0.2) == pytest.approx(constant(OrderedConfidence(sd_old=2.0), 0.9))
    response = OrderedConfidence()
    assert response.lure_log_likelihood(counts) - response.lure_log_likelihood(counts, constant=False) == pytest.approx(
        constant(response, 0.2)
    )


def test_log_likelihood_stays_finite_far_out_in_both_tails():
    response = OrderedConfidence(sensitivity=50.0)
    for strength, counts in ((1.0, [0, 1, 1, 1]), (-1.0, [1, 1, 1, 0])):
        assert np.isfinite(response.log_likelihood(counts, strength))
    # log of the area between two criteria 47.8 and 48.5 below the mean: about −(47.8² + log 2π)/2 − log 47.8
    deep = response.log_likelihood([0, 1, 0, 0], 0.98, constant=False)
    edge = 49.0 - 1.2
    assert deep == pytest.approx(-(edge**2) / 2 - np.log(edge * np.sqrt(2 * np.pi)), rel=1e-5)


def test_shapes_broadcast_and_one_row_of_counts_gives_one_value():
    response, counts = OrderedConfidence(), np.ones((3, 1, 4))
    assert response.probabilities(np.zeros((3, 2))).shape == (3, 2, 4)
    assert response.log_likelihood(counts, [0.1, 0.2]).shape == (3, 2)
    assert np.ndim(response.log_likelihood([1, 2, 3, 4], 0.1)) == 0
    assert response.predict(0.3) == pytest.approx(response.probabilities(0.3))


def test_simulated_frequencies_match_the_probabilities():
    response, rng = OrderedConfidence(sd_old=1.25), np.random.default_rng(7)
    strength, n = np.array([0.0, 0.3, 0.8]), 100_000
    counts = response.simulate(strength, n, rng)
    assert counts.shape == (3, 4) and np.all(counts.sum(axis=-1) == n)
    np.testing.assert_allclose(counts / n, response.probabilities(strength), atol=4 * 0.5 / np.sqrt(n))
    lures = response.simulate_lures(n, rng)
    np.testing.assert_allclose(lures / n, response.lure_probabilities(), atol=4 * 0.5 / np.sqrt(n))


def test_the_same_seed_gives_the_same_counts_and_n_may_differ_between_strengths():
    def run():
        return OrderedConfidence().simulate([0.1, 0.9], [5, 50], np.random.default_rng(3))

    np.testing.assert_array_equal(run(), run())
    assert run().sum(axis=-1).tolist() == [5, 50]
    assert OrderedConfidence().simulate(0.1, 0, np.random.default_rng(3)).tolist() == [0, 0, 0, 0]


def test_a_scale_of_six_levels_needs_only_its_names_and_gaps():
    response = SixPoint(sd_old=1.25)
    np.testing.assert_allclose(response.criteria, [2.0, 1.5, 1.0, 0.5, 0.0])
    expected = responses.scale_probabilities(response.criteria, response.sensitivity * 0.5, 1.25)
    np.testing.assert_allclose(response.probabilities(0.5), expected, rtol=1e-9)
    assert response.false_alarm_rate("guess") == pytest.approx(sum(response.lure_probabilities()[:3]))


def test_a_scale_whose_criteria_do_not_fall_is_refused():
    message = (
        "SixPoint has the criteria [2.0, 1.5, 1.5, 1.0, 0.5]; they must fall from the strictest on: "
        "give every gap a positive value"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        SixPoint(gap_guess=0.0)


def test_a_scale_with_a_level_too_few_is_refused():
    class Short(SixPoint):
        outcomes = ("old", "new")

    message = "Short has 2 levels and 5 criteria; a scale of n levels (outcomes) needs one criterion_ parameter"
    with pytest.raises(TypeError, match=re.escape(message)):
        Short()


def test_a_gap_cannot_be_negative():
    with pytest.raises(ValueError, match=r"gap_maybe_old=-0\.1.*must lie between 0\.001 and 10"):
        OrderedConfidence(gap_maybe_old=-0.1)


def test_an_unknown_level_is_named():
    for ask in (
        lambda r: r.corrected_recognition(0.1, "sure"),
        lambda r: r.hit_rate(0.1, "sure"),
        lambda r: r.false_alarm_rate("sure"),
    ):
        with pytest.raises(ValueError, match="level is 'sure'; give one of 'definitely', 'maybe'"):
            ask(OrderedConfidence())
