"""Bias and variance of the geometry's estimators at 40 trials a condition, against closed forms for Gaussian responses.

Every mean must lie within 4 standard errors of the truth *and* within 2 % of it; a variance within 10 % of its closed
form, which is 3.2 standard errors of a variance from 2000 repeats.
"""

import functools
import math

import numpy as np
import pytest
from scipy.stats import ncf

from engram import geometry
from tests.oracle import geometry as oracle

TRIALS, UNITS, REPEATS = 40, 20, 2000
VARIANCES = 2.0 / np.arange(1, UNITS + 1) ** 0.5
AXES = np.linalg.qr(np.random.default_rng(0).standard_normal((UNITS, UNITS)))[0]
COVARIANCE = (AXES * VARIANCES) @ AXES.T
OTHER_COVARIANCE = np.diag(VARIANCES[::-1]) * 1.5
DIFFERENCE = 0.3 * np.random.default_rng(1).standard_normal(UNITS)


def sessions(repeats=REPEATS, second=COVARIANCE, trials=TRIALS, difference=DIFFERENCE):
    rng = np.random.default_rng(11)
    factors = np.linalg.cholesky(COVARIANCE), np.linalg.cholesky(second)
    for _ in range(repeats):
        first, other = (rng.standard_normal((trials, UNITS)) @ factor.T for factor in factors)
        yield first + difference, other


def unbiased(values, truth, within=0.02):
    mean, error = np.mean(values), np.std(values) / math.sqrt(len(values))
    assert abs(mean - truth) < 4 * error, f"{mean} ± {error}, truth {truth}"
    assert abs(mean - truth) < within * abs(truth), f"bias {(mean - truth) / truth:.2%}"


def trace(*matrices):
    return float(np.trace(functools.reduce(np.matmul, matrices)))


# ---- traces and the participation ratio ----------------------------------------------------------


@functools.cache
def traces(estimator):
    return np.array([geometry.covariance_traces(first, estimator=estimator) for first, _ in sessions()])


@pytest.mark.parametrize(
    ("column", "truth"),
    [(0, trace(COVARIANCE)), (1, trace(COVARIANCE) ** 2), (2, trace(COVARIANCE, COVARIANCE))],
    ids=["tr C", "(tr C)²", "tr C²"],
)
def test_traces_are_unbiased(column, truth):
    unbiased(traces("unbiased")[:, column], truth)


def test_variances_of_the_traces_are_those_of_gaussian_responses():
    values, square = traces("unbiased"), trace(COVARIANCE, COVARIANCE)
    fourth = trace(COVARIANCE, COVARIANCE, COVARIANCE, COVARIANCE)
    assert values[:, 0].var() == pytest.approx(2 * square / (TRIALS - 1), rel=0.1)
    # Leading orders, Chen, Zhang & Zhong 2010, doi:10.1198/jasa.2010.tm09560; the rest is of order 1/n here.
    assert values[:, 2].var() == pytest.approx(4 * square**2 / TRIALS**2 + 8 * fourth / TRIALS, rel=0.1)


def test_plug_in_trace_of_the_square_is_biased_as_its_closed_form_says():
    truth = trace(COVARIANCE, COVARIANCE)
    expected = truth + (truth + trace(COVARIANCE) ** 2) / (TRIALS - 1)
    unbiased(traces("plug-in")[:, 2], expected)
    assert expected > 1.3 * truth


def test_traces_stay_unbiased_for_skewed_responses():
    rng = np.random.default_rng(12)
    values = [geometry.covariance_traces(rng.exponential(1.0, (10, 6)) * [3, 2, 1, 1, 1, 1]) for _ in range(4000)]
    for column, truth in enumerate((17, 17**2, 81 + 16 + 4)):
        unbiased(np.array(values)[:, column], truth, within=0.05)


def test_ratio_of_unbiased_traces_is_much_less_biased_than_the_plug_in_ratio():
    truth = geometry.participation_ratio_of_covariance(COVARIANCE)
    _, numerator, denominator = traces("unbiased").T
    _, plain_numerator, plain_denominator = traces("plug-in").T
    bias, plain = np.mean(numerator / denominator) / truth - 1, np.mean(plain_numerator / plain_denominator) / truth - 1
    assert abs(bias) < 0.02  # no unbiased estimator of the ratio exists: this is what is left at 40 trials
    assert plain < -0.2


def test_manifold_radius_is_almost_unbiased():
    values = [geometry.manifold_radius(first) for first, _ in sessions(1000)]
    assert np.mean(values) == pytest.approx(math.sqrt(trace(COVARIANCE)), rel=0.01)


def test_participation_ratio_of_the_signal_does_not_grow_with_noise():
    rng = np.random.default_rng(13)
    means = rng.standard_normal((12, 1, 3)) @ np.diag([3, 2, 1]) @ rng.standard_normal((3, UNITS))
    truth = geometry.participation_ratio(means[:, 0], estimator="plug-in")
    found, plain = [], []
    for _ in range(100):
        responses = means + 5 * rng.standard_normal((12, TRIALS, UNITS))
        found.append(geometry.signal_participation_ratio(responses))
        plain.append(geometry.participation_ratio(responses.mean(axis=1), estimator="plug-in"))
    assert np.mean(found) == pytest.approx(truth, rel=0.02)
    assert np.mean(plain) > 1.05 * truth


# ---- distances -----------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [COVARIANCE, OTHER_COVARIANCE], ids=["equal noise", "unequal noise"])
def test_squared_euclidean_distance_is_unbiased_with_the_variance_of_its_closed_form(second):
    values = [geometry.squared_euclidean_distance(*pair) for pair in sessions(2 * REPEATS, second)]
    of_mean = (COVARIANCE + second) / TRIALS
    own = trace(COVARIANCE, COVARIANCE) + trace(second, second)
    variance = 4 * DIFFERENCE @ of_mean @ DIFFERENCE + 2 * trace(of_mean, of_mean)
    variance += 2 * own / (TRIALS**2 * (TRIALS - 1))
    unbiased(values, DIFFERENCE @ DIFFERENCE)
    assert np.var(values) == pytest.approx(variance, rel=0.1)


def test_plug_in_squared_distance_is_too_large_by_the_noise_of_the_means():
    values = [geometry.squared_euclidean_distance(*pair, estimator="plug-in") for pair in sessions()]
    unbiased(values, DIFFERENCE @ DIFFERENCE + 2 * trace(COVARIANCE) / TRIALS)


def test_squared_crossnobis_distance_is_unbiased_with_the_variance_of_its_closed_form():
    values = [geometry.squared_crossnobis_distance(*pair, COVARIANCE) for pair in sessions()]
    truth = DIFFERENCE @ np.linalg.solve(COVARIANCE, DIFFERENCE)
    variance = 8 * truth / TRIALS + 8 * UNITS / TRIALS**2 + 4 * UNITS / (TRIALS**2 * (TRIALS - 1))
    unbiased(values, truth)
    assert np.var(values) == pytest.approx(variance, rel=0.1)


def test_crossnobis_distance_of_equal_conditions_is_zero_on_average_and_negative_in_half():
    nothing = np.zeros(UNITS)
    values = np.array([geometry.squared_crossnobis_distance(*p, COVARIANCE) for p in sessions(difference=nothing)])
    assert abs(values.mean()) < 4 * values.std() / math.sqrt(REPEATS)
    assert 0.45 < (values < 0).mean() < 0.65


def test_crossnobis_distance_of_paired_trials_is_unbiased_too():
    truth = DIFFERENCE @ np.linalg.solve(COVARIANCE, DIFFERENCE)
    unbiased([geometry.squared_crossnobis_distance(*p, COVARIANCE, paired=True) for p in sessions()], truth)


def test_squared_mahalanobis_distance_is_unbiased_with_the_moments_of_a_noncentral_f():
    values = [geometry.squared_mahalanobis_distance(*pair) for pair in sessions()]
    truth, degrees = DIFFERENCE @ np.linalg.solve(COVARIANCE, DIFFERENCE), 2 * TRIALS - 2
    # Hotelling: (ν − p + 1)/(ν p) · n/2 · plug-in is noncentral F on p and ν − p + 1 degrees of freedom.
    law = ncf(UNITS, degrees - UNITS + 1, TRIALS / 2 * truth)
    scale = degrees * UNITS / (degrees - UNITS + 1) * 2 / TRIALS * (degrees - UNITS - 1) / degrees
    unbiased(values, truth)
    assert scale * law.mean() - 2 * UNITS / TRIALS == pytest.approx(truth)
    assert np.var(values) == pytest.approx(scale**2 * law.var(), rel=0.1)


def test_shrinkage_biases_the_mahalanobis_distance_as_the_docstring_warns():
    values = [geometry.squared_mahalanobis_distance(*pair, shrinkage=True) for pair in sessions()]
    truth = DIFFERENCE @ np.linalg.solve(COVARIANCE, DIFFERENCE)
    assert abs(np.mean(values) - truth) > 4 * np.std(values) / math.sqrt(REPEATS)


# ---- few-shot learning ---------------------------------------------------------------------------


def test_every_ingredient_of_few_shot_learning_is_unbiased():
    # Nearer means would leave standard errors of the overlaps above the 2 % that are to be shown.
    difference = 3 * DIFFERENCE
    truth = geometry.few_shot_geometry_of_moments(difference, COVARIANCE, np.zeros(UNITS), OTHER_COVARIANCE)
    found = [geometry.few_shot_geometry(*p) for p in sessions(2 * REPEATS, OTHER_COVARIANCE, difference=difference)]
    for name in truth.__dataclass_fields__:
        unbiased([getattr(pair, name) for pair in found], getattr(truth, name))
    error = np.mean([geometry.few_shot_error(pair, 5) for pair in found[:300]])
    assert error == pytest.approx(geometry.few_shot_error(truth, 5), abs=0.01)


def pair_of(units, kind, size):
    """Means and covariances; the difference of means is ``size`` radii long."""
    rng = np.random.default_rng(units)
    variances = 1 / np.arange(1, units + 1) ** 0.5 if kind == "graded" else np.ones(units)
    axes, way = np.linalg.qr(rng.standard_normal((units, units)))[0], rng.standard_normal(units)
    other = (axes * variances) @ axes.T * (1.5 if kind == "unequal" else 1)
    difference = way / np.linalg.norm(way) * size * math.sqrt(variances.sum())
    return (difference, np.zeros(units)), (np.diag(variances), (other + other.T) / 2)


@pytest.mark.parametrize(
    ("units", "kind"),
    [(units, kind) for units in (3, 20) for kind in ("isotropic", "graded", "unequal")] + [(50, "isotropic")],
)
def test_error_of_simulated_prototype_learning_is_that_of_the_gaussian_form_within_0_015(units, kind):
    rng = np.random.default_rng(14)
    for size in (0.3, 1.0):
        means, covariances = pair_of(units, kind, size)
        pair = geometry.few_shot_geometry_of_moments(means[0], covariances[0], means[1], covariances[1])
        for examples in (1, 5):
            simulated = oracle.prototype_error(means, covariances, examples, 10000, rng)
            assert geometry.few_shot_error(pair, examples) == pytest.approx(simulated, abs=0.015)
            leading = geometry.few_shot_error(pair, examples, form="leading")
            assert -0.005 < simulated - leading < 0.065


def test_margin_of_a_prototype_learner_has_the_mean_and_variance_of_the_gaussian_form():
    rng, examples, repeats = np.random.default_rng(15), 3, 200_000
    (first, second), covariances = pair_of(10, "unequal", 0.8)
    factors = [np.linalg.cholesky(covariance) for covariance in covariances]
    test, own = (first + scale * rng.standard_normal((repeats, 10)) @ factors[0].T for scale in (1, examples**-0.5))
    other = second + examples**-0.5 * rng.standard_normal((repeats, 10)) @ factors[1].T
    margin = (((test - other) ** 2).sum(axis=1) - ((test - own) ** 2).sum(axis=1)) / 2
    pair = geometry.few_shot_geometry_of_moments(first, covariances[0], second, covariances[1])
    assert margin.mean() / margin.std() == pytest.approx(geometry.few_shot_snr(pair, examples), rel=0.01)


def test_more_examples_more_dimensions_and_more_signal_help():
    means, covariances = pair_of(20, "isotropic", 0.5)
    near = geometry.few_shot_geometry_of_moments(means[0], covariances[0], means[1], covariances[1])
    far = geometry.few_shot_geometry_of_moments(2 * means[0], covariances[0], means[1], covariances[1])
    wide_means, wide_covariances = pair_of(80, "isotropic", 0.5)
    wide = geometry.few_shot_geometry_of_moments(wide_means[0], wide_covariances[0], wide_means[1], wide_covariances[1])
    ratios = geometry.few_shot_snr(near, [1, 2, 5, 20])
    assert (np.diff(ratios) > 0).all()
    assert geometry.few_shot_snr(far, 5) > ratios[2]
    assert geometry.few_shot_snr(wide, 5) > ratios[2]
    np.testing.assert_allclose(
        geometry.few_shot_error(near, [1, 5]), [geometry.few_shot_error(near, m) for m in (1, 5)]
    )


def test_swapping_the_conditions_swaps_what_belongs_to_them():
    means, covariances = pair_of(6, "unequal", 0.5)
    pair = geometry.few_shot_geometry_of_moments(means[0], covariances[0], means[1], covariances[1])
    swapped = geometry.few_shot_geometry_of_moments(means[1], covariances[1], means[0], covariances[0])
    assert pair.swapped() == swapped
    assert pair.bias == pytest.approx(0.5)
    assert swapped.bias == pytest.approx(1 / 1.5 - 1)
