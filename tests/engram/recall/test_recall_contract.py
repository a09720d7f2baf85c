"""What every response type promises: registry, gradients, shapes, and errors that say what to do."""

import dataclasses
import re

import numpy as np
import pytest

from engram.parameter import parameter_fields
from engram.recall import RESPONSES, AssociativeChoice, OrderedConfidence, Recall, Response

STRENGTHS = np.array([-0.2, 0.05, 0.4, 0.9])
STEP = 1e-30
KINDS = sorted(RESPONSES)
COUNTED = [kind for kind in KINDS if RESPONSES[kind].outcomes]
GAUSSIAN = ["field_potential", "freezing"]


def example(kind):
    """A response and observations of it that every one of its parameters bears on."""
    response = RESPONSES[kind]()
    observed = response.simulate(STRENGTHS, 40, np.random.default_rng(5))
    return response, observed, np.full(len(STRENGTHS), 40)


def test_the_registry_names_every_response_type_once():
    assert KINDS == ["choice", "confidence", "field_potential", "free_recall", "freezing"]
    assert all(RESPONSES[kind].kind == kind for kind in KINDS)
    modules = {response.__module__ for response in RESPONSES.values()}
    assert len(modules) == len(KINDS), "one response type a file"


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_a_documented_parameter_with_its_default_within_bounds(kind):
    response = RESPONSES[kind]
    assert dataclasses.fields(response) == parameter_fields(response)
    assert response.__doc__ and response.__dataclass_params__.frozen
    for field in parameter_fields(response):
        low, high = field.metadata["bounds"]
        assert low <= field.default <= high
        assert field.metadata["verified"] or field.metadata["source"].startswith("assumed")


@pytest.mark.parametrize("kind", KINDS)
def test_a_response_is_a_likelihood_and_a_simulator_of_the_same_shapes(kind):
    response, observed, n = example(kind)
    assert isinstance(response, Response)
    assert observed.shape == response.predict(STRENGTHS).shape
    assert response.log_likelihood(observed, STRENGTHS, n).shape == STRENGTHS.shape
    shape = response.predict(STRENGTHS.reshape(2, 2)).shape
    assert shape == (2, 2) + ((len(response.outcomes),) if response.outcomes else ())
    assert np.ndim(response.log_likelihood(observed[0], STRENGTHS[0], n[0])) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_observations(kind):
    response = RESPONSES[kind]()
    draws = [response.simulate(STRENGTHS, 12, np.random.default_rng(1)) for _ in range(2)]
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize("kind", KINDS)
def test_expected_log_likelihood_is_largest_at_the_truth(kind):
    response = RESPONSES[kind]()
    strength = np.full(4000, 0.4)
    n = np.full(4000, 20)
    observed = response.simulate(strength, n, np.random.default_rng(11))
    total = [response.log_likelihood(observed, strength + d, n).sum() for d in (-0.05, 0.0, 0.05)]
    assert total[1] > total[0] and total[1] > total[2]


@pytest.mark.parametrize("kind", KINDS)
def test_complex_step_in_strength_equals_finite_difference(kind):
    response, observed, n = example(kind)

    def both(strength):
        return response.predict(strength), response.log_likelihood(observed, strength, n)

    h = 1e-6
    for up, down, stepped in zip(both(STRENGTHS + h), both(STRENGTHS - h), both(STRENGTHS + STEP * 1j), strict=True):
        np.testing.assert_allclose(stepped.imag / STEP, (up - down) / (2 * h), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_complex_step_in_every_parameter_equals_finite_difference(kind):
    response, observed, n = example(kind)
    for field in parameter_fields(response):
        value = getattr(response, field.name)

        def both(value, name=field.name):
            changed = dataclasses.replace(response, **{name: value})
            return changed.predict(STRENGTHS), changed.log_likelihood(observed, STRENGTHS, n)

        h = 1e-6
        low, high = field.metadata["bounds"]
        centre = min(max(value, low + 2 * h), high - 2 * h)
        for up, down, stepped in zip(both(centre + h), both(centre - h), both(centre + STEP * 1j), strict=True):
            np.testing.assert_allclose(
                stepped.imag / STEP, (up - down) / (2 * h), rtol=1e-5, atol=1e-5, err_msg=field.name
            )


@pytest.mark.parametrize("strength", [0.3, 30.0, -30.0])
def test_complex_and_real_log_likelihood_agree_also_in_the_tails(strength):
    response, counts = OrderedConfidence(sd_old=1.25), [3, 4, 5, 6]
    for constant in (True, False):
        real = response.log_likelihood(counts, strength, constant=constant)
        assert response.log_likelihood(counts, strength + 0j, constant=constant).real == pytest.approx(real, rel=1e-12)
    for gradient in (
        response.log_likelihood(counts, strength + STEP * 1j).imag / STEP,
        Recall().log_likelihood(5, strength + STEP * 1j, 10).imag / STEP,
    ):
        assert np.isfinite(gradient) and gradient != 0


def test_lures_and_scores_also_have_exact_gradients():
    h, counts = 1e-6, [2, 5, 9, 20]

    def lures(shift):
        return OrderedConfidence(lure_shift=shift).lure_log_likelihood(counts)

    def score(sensitivity):
        response = AssociativeChoice(sensitivity=sensitivity)
        return response.score_log_likelihood(12, 0.4, 20, score="correct_high")

    for function, at in ((lures, 0.2), (score, 4.0)):
        difference = (function(at + h) - function(at - h)) / (2 * h)
        assert function(at + STEP * 1j).imag / STEP == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, complex(0, np.nan)])
def test_a_strength_that_is_not_finite_is_named_with_its_place(kind, value):
    response, observed, n = example(kind)
    strength = STRENGTHS.astype(type(value))
    strength[2] = value
    message = (
        re.escape("strength[2] is ")
        + ".*"
        + re.escape("; a strength must be a finite number: check the parameters of the run that produced it")
    )
    with pytest.raises(ValueError, match=message):
        response.predict(strength)
    with pytest.raises(ValueError, match=message):
        response.log_likelihood(observed, strength, n)
    if not isinstance(value, complex):
        with pytest.raises(ValueError, match=message):
            response.simulate(strength, 10, np.random.default_rng(1))
    with pytest.raises(ValueError, match=r"strength is .*; a strength must be a finite number"):
        response.predict(value)


@pytest.mark.parametrize("kind", KINDS)
def test_strengths_that_are_no_numbers_are_a_type_error(kind):
    response = RESPONSES[kind]()
    with pytest.raises(TypeError, match=r"strength has the type .*; give real or complex numbers"):
        response.predict("strong")
    with pytest.raises(TypeError, match=re.escape("strength is [[0.1], [0.2, 0.3]]; give a number or an array")):
        response.predict([[0.1], [0.2, 0.3]])
    with pytest.raises(TypeError, match="strength has the type complex128; give real numbers"):
        response.simulate(0.1 + 0.1j, 10, np.random.default_rng(1))


@pytest.mark.parametrize("kind", KINDS)
def test_randomness_must_be_passed_in(kind):
    with pytest.raises(TypeError, match=re.escape("rng is 7; pass numpy.random.default_rng(seed)")):
        RESPONSES[kind]().simulate(0.1, 10, 7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [-1, 2.5, np.nan])
def test_a_sample_size_that_is_no_whole_number_is_refused(kind, n):
    response, observed, _ = example(kind)
    least = "one" if kind in GAUSSIAN else "zero"
    message = f"n is {n:g}; a sample size must be a whole number, {least} or more"
    with pytest.raises(ValueError, match=message):
        response.simulate(0.1, n, np.random.default_rng(1))
    with pytest.raises(ValueError, match=message):
        response.log_likelihood(observed, STRENGTHS, n)


@pytest.mark.parametrize("kind", GAUSSIAN)
def test_a_mean_needs_at_least_one_animal(kind):
    with pytest.raises(ValueError, match="n is 0; a sample size must be a whole number, one or more"):
        RESPONSES[kind]().log_likelihood(50.0, 0.1, 0)


@pytest.mark.parametrize("kind", COUNTED)
@pytest.mark.parametrize("count", [-1, 0.25, np.nan, np.inf])
def test_counts_that_are_negative_fractional_or_missing_are_refused(kind, count):
    response, counts, _ = example(kind)
    counts = counts.astype(float)
    counts[1, 3] = count
    message = re.escape(
        f"counts[1, 3] is {count:g}; a count must be a whole number, zero or more: leave out missing trials, "
        "and multiply a proportion by n"
    )
    with pytest.raises(ValueError, match=message):
        response.log_likelihood(counts, STRENGTHS)


@pytest.mark.parametrize("kind", COUNTED)
def test_counts_need_one_column_an_outcome(kind):
    response = RESPONSES[kind]()
    for counts, shape in (([1, 2, 3], "(3,)"), (5, "()")):
        outcomes = ", ".join(response.outcomes)
        message = f"counts has the shape {shape}; its last axis must hold the 4 outcomes {outcomes}"
        with pytest.raises(ValueError, match=re.escape(message)):
            response.log_likelihood(counts, 0.1)


@pytest.mark.parametrize("kind", COUNTED)
def test_counts_must_add_up_to_n_where_it_is_given(kind):
    response = RESPONSES[kind]()
    message = "the sum of counts[1] is 11; it must equal n: give every trial exactly one outcome, or leave n out"
    with pytest.raises(ValueError, match=re.escape(message)):
        response.log_likelihood([[1, 2, 3, 4], [2, 2, 3, 4]], 0.1, [10, 10])
    with pytest.raises(ValueError, match=re.escape("the shapes do not go together: counts (2,), n (3,)")):
        response.log_likelihood([[1, 2, 3, 4], [2, 2, 3, 4]], 0.1, [10, 10, 10])


@pytest.mark.parametrize("kind", COUNTED)
def test_counts_that_are_no_numbers_are_a_type_error(kind):
    with pytest.raises(TypeError, match="counts has the type object; give real numbers"):
        RESPONSES[kind]().log_likelihood([1, 2, None, 4], 0.1)


@pytest.mark.parametrize("observed", [-1, 2.5, np.nan, 11])
def test_successes_must_be_whole_and_at_most_n(observed):
    message = re.escape(
        f"observed[1] is {observed:g}; it must be a whole number from 0 to n: leave out missing trials, and "
        "multiply a proportion by n"
    )
    with pytest.raises(ValueError, match=message):
        Recall().log_likelihood([3, observed], 0.1, 10)
    with pytest.raises(ValueError, match=message):
        AssociativeChoice().score_log_likelihood([3, observed], 0.1, 10)


@pytest.mark.parametrize("kind", GAUSSIAN)
def test_measured_means_and_spreads_must_be_usable(kind):
    response = RESPONSES[kind]()
    message = "observed[1] is nan; a measured mean must be a finite number: leave out missing observations"
    with pytest.raises(ValueError, match=re.escape(message)):
        response.log_likelihood([50.0, np.nan], 0.1, 8)
    for sd in (0.0, -1.0, np.nan):
        message = f"sd is {sd:g}; a standard deviation must be positive and finite: give it in the unit of the"
        with pytest.raises(ValueError, match=re.escape(message)):
            response.log_likelihood(50.0, 0.1, 8, sd=sd)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_that_do_not_go_together_are_shown(kind):
    response, observed, n = example(kind)
    with pytest.raises(ValueError, match=r"the shapes do not go together: .*; give one value a strength"):
        response.log_likelihood(observed, STRENGTHS[:3], n)
    with pytest.raises(ValueError, match=r"the shapes do not go together: strength \(4,\), n \(3,\)"):
        response.simulate(STRENGTHS, [1, 2, 3], np.random.default_rng(1))


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_are_left_as_they_were(kind):
    response, observed, n = example(kind)
    before = observed.copy(), STRENGTHS.copy(), n.copy()
    response.log_likelihood(observed, STRENGTHS, n)
    response.simulate(STRENGTHS, n, np.random.default_rng(1))
    for was, now in zip(before, (observed, STRENGTHS, n), strict=True):
        np.testing.assert_array_equal(was, now)
