"""Representational geometry: each quantity against its definition, and its symmetries."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from engram import geometry
from tests.oracle import geometry as oracle

SEEDS = st.integers(0, 2**32 - 1)
fewer = settings(max_examples=30)  # of properties that every example shows alike


def draw(seed, *shape):
    """Skewed, correlated responses with a mean far from zero."""
    rng = np.random.default_rng(seed)
    return 5 + rng.exponential(1.0, shape) @ rng.standard_normal((shape[-1], shape[-1]))


def rotation(seed, units):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((units, units)))[0]


def noise_of(seed, units):
    factor = np.random.default_rng(seed).standard_normal((units, units + 3))
    return factor @ factor.T / units


# ---- against the definitions, by loops -----------------------------------------------------------


@fewer
@given(SEEDS, st.integers(4, 7), st.integers(1, 9))
def test_traces_are_averages_over_quadruples_of_different_trials(seed, trials, units):
    samples = draw(seed, trials, units)
    expected = oracle.covariance_traces(samples)
    scale = float(np.trace(np.cov(samples, rowvar=False).reshape(units, units)))
    for value, reference, power in zip(geometry.covariance_traces(samples), expected, (1, 2, 2), strict=True):
        assert value == pytest.approx(reference, rel=1e-9, abs=1e-9 * scale**power)


@fewer
@given(SEEDS, st.integers(2, 9), st.integers(2, 9))
def test_plug_in_participation_ratio_is_of_the_sample_covariance_and_within_its_bounds(seed, trials, units):
    samples = draw(seed, trials, units)
    ratio = geometry.participation_ratio(samples, estimator="plug-in")
    covariance = np.cov(samples, rowvar=False)
    assert ratio == pytest.approx(oracle.participation_ratio(covariance), rel=1e-9)
    assert ratio == pytest.approx(geometry.participation_ratio_of_covariance(covariance), rel=1e-9)
    assert 1 - 1e-9 <= ratio <= min(units, trials - 1) + 1e-9


@fewer
@given(SEEDS, st.integers(2, 4), st.integers(4, 5), st.integers(2, 4))
def test_signal_participation_ratio_is_of_traces_over_quadruples_of_different_trials(seed, number, trials, units):
    means = 4 * np.random.default_rng(seed).standard_normal((number, 1, units))
    responses = means + 0.1 * draw(seed + 1, number, trials, units)
    of_trace, of_square = oracle.signal_traces(responses)
    assert geometry.signal_participation_ratio(responses) == pytest.approx(of_trace / of_square, rel=1e-8)


@fewer
@given(SEEDS, st.integers(2, 12), st.integers(1, 8), st.floats(0.05, 1))
def test_dimensionality_counts_components(seed, trials, units, fraction):
    samples = draw(seed, trials, units)
    covariance = np.cov(samples, rowvar=False).reshape(units, units)
    expected = oracle.dimensionality(covariance, fraction)
    if fraction < 0.999:
        assert geometry.dimensionality(samples, fraction) == expected
        assert geometry.dimensionality_of_covariance(covariance, fraction) == expected
    assert geometry.dimensionality(samples, fraction) <= min(units, trials - 1)


@fewer
@given(SEEDS, st.integers(2, 6), st.integers(2, 6), st.integers(1, 5))
def test_squared_distances_are_averages_over_pairs_of_different_trials(seed, trials, more, units):
    first, second = draw(seed, trials, units), draw(seed + 1, more, units)
    noise = noise_of(seed, units)
    scale = float((first**2).sum() + (second**2).sum())
    assert geometry.squared_euclidean_distance(first, second) == pytest.approx(
        oracle.squared_distance(first, second), rel=1e-8, abs=1e-10 * scale
    )
    precision = np.linalg.inv(noise)
    assert geometry.squared_crossnobis_distance(first, second, noise) == pytest.approx(
        oracle.squared_distance(first, second, precision), rel=1e-7, abs=1e-10 * scale * np.trace(precision)
    )
    paired = draw(seed + 2, trials, units)
    assert geometry.squared_euclidean_distance(first, paired, paired=True) == pytest.approx(
        oracle.paired_squared_distance(first, paired), rel=1e-8, abs=1e-9 * scale
    )
    assert geometry.squared_crossnobis_distance(first, paired, noise, paired=True) == pytest.approx(
        oracle.paired_squared_distance(first, paired, precision), rel=1e-7, abs=1e-9 * scale * np.trace(precision)
    )


@fewer
@given(SEEDS, st.integers(1, 4), st.integers(2, 4))
def test_mahalanobis_distance_uses_the_covariance_pooled_over_all_conditions(seed, units, number):
    groups = [draw(seed + index, 4 + units + index, units) for index in range(number)]
    covariance, degrees = oracle.pooled_covariance(groups)
    plug_in = geometry.squared_distances(groups, metric="mahalanobis", estimator="plug-in")
    unbiased = geometry.squared_distances(groups, metric="mahalanobis")
    for i in range(number):
        for j in range(number):
            offset = groups[i].mean(axis=0) - groups[j].mean(axis=0)
            expected = offset @ np.linalg.inv(covariance) @ offset
            assert plug_in[i, j] == pytest.approx(expected, rel=1e-6, abs=1e-9)
            noise = units * (1 / len(groups[i]) + 1 / len(groups[j])) * (i != j)
            assert unbiased[i, j] == pytest.approx(
                (degrees - units - 1) / degrees * expected - noise, rel=1e-6, abs=1e-6
            )
    pairs = [unbiased[i, j] for i in range(number) for j in range(i)]
    assert geometry.pattern_discriminability(groups) == pytest.approx(np.mean(pairs), rel=1e-12)


@fewer
@given(SEEDS, st.integers(3, 12), st.integers(2, 12))
def test_ledoit_wolf_is_its_lemma_in_loops_and_invertible(seed, trials, units):
    samples = draw(seed, trials, units)
    covariance, shrinkage = geometry.ledoit_wolf_covariance(samples)
    expected, intensity = oracle.ledoit_wolf(samples)
    assert shrinkage == pytest.approx(intensity, rel=1e-8)
    np.testing.assert_allclose(covariance, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())
    assert np.linalg.eigvalsh(covariance)[0] > 0


def test_ledoit_wolf_comes_near_the_least_error_that_any_such_shrinkage_can_have():
    rng, variances, trials = np.random.default_rng(3), 1 / np.arange(1, 31), 20
    truth, shrunk, sample = np.diag(variances), 0.0, 0.0
    for _ in range(200):
        responses = rng.standard_normal((trials, 30)) * np.sqrt(variances)
        shrunk += ((geometry.ledoit_wolf_covariance(responses).covariance - truth) ** 2).sum()
        sample += ((np.cov(responses, rowvar=False) - truth) ** 2).sum()
    # For Gaussian responses the best weight leaves α²/(α² + β²) of the error β² of the sample covariance.
    square = (variances**2).sum()
    spread, error = square - variances.sum() ** 2 / 30, (square + variances.sum() ** 2) / (trials - 1)
    assert sample / 200 == pytest.approx(error, rel=0.05)
    assert shrunk / sample == pytest.approx(spread / (spread + error), rel=0.15)


@pytest.mark.parametrize("metric", ["mahalanobis", "euclidean"])
def test_distances_to_a_manifold_are_those_of_the_definition(metric):
    reference, patterns = draw(1, 30, 4), draw(2, 6, 4)
    inverse = np.linalg.inv(np.cov(reference, rowvar=False)) if metric == "mahalanobis" else np.eye(4)
    offsets = patterns - reference.mean(axis=0)
    expected = [np.sqrt(offset @ inverse @ offset) for offset in offsets]
    np.testing.assert_allclose(geometry.distances_to_manifold(patterns, reference, metric=metric), expected, rtol=1e-9)


def test_shrinkage_gives_distances_with_fewer_trials_than_units():
    groups = [draw(1, 5, 20), draw(2, 5, 20) + 3]
    residuals = np.concatenate([group - group.mean(axis=0) for group in groups])
    sample = residuals.T @ residuals / 8
    scale = np.trace(sample) / 20
    error = sum(((np.outer(r, r) - sample) ** 2).sum() for r in residuals) / 64
    rho = min(1.0, error / ((sample - scale * np.eye(20)) ** 2).sum())
    precision = np.linalg.inv((1 - rho) * sample + rho * scale * np.eye(20))
    assert geometry.squared_mahalanobis_distance(*groups, shrinkage=True) == pytest.approx(
        oracle.squared_distance(*groups, precision), rel=1e-8
    )
    assert np.isfinite(geometry.distances_to_manifold(groups[0], groups[1], shrinkage=True)).all()


# ---- symmetries ----------------------------------------------------------------------------------


def every_number(groups, noise):
    """What must not change under a rotation of the units or a reordering of the trials."""
    pair = geometry.few_shot_geometry(groups[0], groups[1])
    return np.array(
        [
            *geometry.covariance_traces(groups[0]),
            geometry.participation_ratio(groups[0], estimator="plug-in"),
            geometry.manifold_radius(groups[0]),
            *geometry.squared_distances(groups)[0],
            *geometry.squared_distances(groups, metric="mahalanobis")[0],
            *geometry.squared_distances(groups, metric="mahalanobis", noise_covariance=noise)[0],
            *geometry.squared_distances(groups, metric="mahalanobis", shrinkage=True)[0],
            *(getattr(pair, name) for name in pair.__dataclass_fields__),
            *geometry.distances_to_manifold(groups[0].mean(axis=0)[None], groups[1]),
        ]
    )


@fewer
@given(SEEDS)
def test_rotating_the_units_changes_nothing(seed):
    groups, noise, turn = [draw(seed + i, 9, 4) for i in range(3)], noise_of(seed, 4), rotation(seed, 4)
    turned = every_number([group @ turn + 7 for group in groups], turn.T @ noise @ turn)
    np.testing.assert_allclose(turned, every_number(groups, noise), rtol=1e-5, atol=1e-6)


@fewer
@given(SEEDS)
def test_reordering_trials_changes_nothing(seed):
    groups, noise, rng = [draw(seed + i, 9, 4) for i in range(3)], noise_of(seed, 4), np.random.default_rng(seed)
    shuffled = every_number([rng.permutation(group) for group in groups], noise)
    np.testing.assert_allclose(shuffled, every_number(groups, noise), rtol=1e-5, atol=1e-6)


@fewer
@given(SEEDS, st.floats(1e-3, 1e3))
def test_scaling_responses_scales_distances_and_leaves_ratios(seed, scale):
    groups = [draw(seed + i, 9, 4) for i in range(3)]
    larger = [scale * group for group in groups]
    for measure, power in (
        (lambda g: geometry.squared_distances(g), 2),
        (lambda g: geometry.manifold_radius(g[0]), 1),
        (lambda g: geometry.participation_ratio(g[0], estimator="plug-in"), 0),
        (lambda g: geometry.squared_distances(g, metric="mahalanobis"), 0),
        (lambda g: geometry.ledoit_wolf_covariance(g[0]).shrinkage, 0),
        (lambda g: geometry.distances_to_manifold(g[0], g[1]), 0),
    ):
        np.testing.assert_allclose(measure(larger), scale**power * np.array(measure(groups)), rtol=1e-6, atol=1e-9)


@fewer
@given(SEEDS, st.floats(0.2, 5))
def test_expansion_factor_is_the_factor_by_which_everything_expands(seed, factor):
    rng = np.random.default_rng(seed)
    before = 10 * rng.standard_normal((3, 1, 5)) + 0.1 * rng.standard_normal((3, 6, 5))
    assert geometry.expansion_factor(before, factor * before) == pytest.approx(factor, rel=1e-9)
    assert geometry.expansion_factor(before, factor * before, noise_covariance=np.eye(5)) == pytest.approx(factor)


def test_more_noise_alone_is_no_expansion():
    rng, factors, plug_in = np.random.default_rng(5), [], []
    means = rng.standard_normal((6, 1, 30))
    for _ in range(100):
        before, after = (means + noise * rng.standard_normal((6, 40, 30)) for noise in (0.5, 4.0))
        factors.append(geometry.expansion_factor(before, after))
        plug_in.append([geometry.squared_distances(session, estimator="plug-in").sum() for session in (before, after)])
    assert np.mean(factors) == pytest.approx(1, abs=0.02)
    truth = ((means - means.transpose(1, 0, 2)) ** 2).sum()
    noise = [30 * 2 * 30 * variance / 40 for variance in (0.25, 16.0)]  # ordered pairs · 2 · units · variance/trials
    np.testing.assert_allclose(np.mean(plug_in, axis=0), truth + np.array(noise), rtol=0.03)
    assert noise[1] > 0.3 * truth


def test_pairing_removes_noise_that_a_run_shares():
    rng = np.random.default_rng(2)
    shared, repeats = 3 * rng.standard_normal((400, 5, 8)), []
    for run in shared:
        first, second = (run + 0.1 * rng.standard_normal((5, 8)) for _ in range(2))
        repeats.append([geometry.squared_euclidean_distance(first, second, paired=p) for p in (False, True)])
    unpaired, paired = np.mean(repeats, axis=0)
    assert unpaired < -20  # takes off noise that both means share: 2·9·8/5 = 28.8 too much
    assert abs(paired) < 0.01


# ---- patterns ------------------------------------------------------------------------------------


@fewer
@given(SEEDS)
def test_co_tuning_is_a_correlation_and_scale_free(seed):
    excitation, inhibition = draw(seed, 5, 7), draw(seed + 1, 5, 7)
    expected = [np.corrcoef(e, i)[0, 1] for e, i in zip(excitation, inhibition, strict=True)]
    np.testing.assert_allclose(geometry.co_tuning(3 * excitation + 1, inhibition), expected, atol=1e-9)


@fewer
@given(SEEDS)
def test_balanced_axis_is_a_fit_without_constant_and_the_spreads_along_and_across_it(seed):
    excitation, inhibition = draw(seed, 5, 7), draw(seed + 1, 5, 7)
    slope, ratios = geometry.balanced_axis(excitation, inhibition)
    assert slope == pytest.approx(np.linalg.lstsq(excitation.reshape(-1, 1), inhibition.ravel())[0][0], rel=1e-9)
    for neuron, ratio in enumerate(ratios):
        points = np.stack([excitation[neuron], inhibition[neuron]], axis=1)
        balanced, counter = (points @ axis / np.hypot(1, slope) for axis in ([1, slope], [-slope, 1]))
        assert ratio == pytest.approx(np.std(balanced) / np.std(counter), rel=1e-6)


def test_uncorrelated_equal_inputs_around_zero_have_a_ratio_of_one():
    rng = np.random.default_rng(6)
    _, ratios = geometry.balanced_axis(rng.standard_normal((300, 300)), rng.standard_normal((300, 300)))
    assert ratios.mean() == pytest.approx(1, abs=0.02)


def test_completion_gives_the_correlations_of_input_and_output_with_the_learned_pattern():
    morphs, learned, outputs, stored = draw(1, 4, 20), draw(2, 20, 1)[:, 0], draw(3, 4, 9), draw(4, 9, 1)[:, 0]
    found = geometry.pattern_completion(morphs, learned, outputs, stored)
    for index in range(4):
        assert found[index, 0] == pytest.approx(np.corrcoef(morphs[index], learned)[0, 1])
        assert found[index, 1] == pytest.approx(np.corrcoef(outputs[index], stored)[0, 1])


@fewer
@given(SEEDS)
def test_angles_are_between_the_edges_to_each_pair_of_neighbours(seed):
    centre, others = draw(seed, 1, 6)[0], draw(seed + 1, 4, 6)
    expected = [oracle.angle(centre, others[i], others[j]) for i in range(4) for j in range(i + 1, 4)]
    np.testing.assert_allclose(geometry.local_angles(centre, others), expected, atol=1e-6)


def test_variance_along_all_components_is_the_total_variance():
    patterns, reference = draw(1, 8, 5), draw(2, 20, 5)
    variances = geometry.variance_along_components(patterns, reference, 5)
    assert variances.sum() == pytest.approx(patterns.var(axis=0, ddof=1).sum())
    own = geometry.variance_along_components(reference, reference, 5)
    np.testing.assert_allclose(own, np.linalg.eigvalsh(np.cov(reference, rowvar=False))[::-1], rtol=1e-9)


def test_reconstruction_error_falls_to_nothing_with_all_components():
    patterns = draw(1, 12, 6)
    errors = [geometry.reconstruction_error(patterns, number) for number in range(1, 7)]
    assert errors[0] > errors[3] > errors[5]
    assert errors[5] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("priors", ["equal", "training"])
def test_quadratic_discriminant_is_the_class_of_the_largest_gaussian_likelihood(priors):
    training, patterns = [draw(1, 20, 3), draw(2, 30, 3), draw(3, 60, 3) + 1], draw(4, 200, 3)
    scores = [
        multivariate_normal(group.mean(axis=0), np.cov(group, rowvar=False)).logpdf(patterns)
        + (np.log(len(group) / 110) if priors == "training" else 0)
        for group in training
    ]
    found = geometry.quadratic_discriminant(training, patterns, priors=priors)
    assert (found == np.argmax(scores, axis=0)).all()
    assert len(set(found.tolist())) > 1


def test_template_matching_picks_the_best_correlation():
    templates, patterns = draw(1, 4, 25), draw(2, 30, 25)
    expected = [np.argmax([np.corrcoef(pattern, t)[0, 1] for t in templates]) for pattern in patterns]
    assert geometry.template_matching(templates, patterns).tolist() == expected


def test_importing_the_geometry_loads_numpy_alone():
    heavy = "[name for name in ('scipy', 'pandas', 'numba', 'sympy', 'matplotlib') if name in sys.modules]"
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, engram.geometry; print({heavy})"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert loaded.stdout.strip() == "[]"
