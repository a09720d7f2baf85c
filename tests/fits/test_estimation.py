"""Fits return what they should, say what they know, and do not depend on the number of workers."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import optimize, stats
from test_study_files import ONE

import fits
from engram import EncodingOnly, ThresholdCapture
from fits import estimation
from fits.estimation import FitError, fit
from fits.likelihood import detection_probability, deviance_residuals, information, log_likelihoods
from fits.objective import Objective
from fits.prediction import Predictor, model_class
from fits.study import load_study


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    return load_study(path)


def test_one_gaussian_observation_gives_its_estimate_and_standard_error_in_closed_form(one):
    result = fit([one], "EncodingOnly", starts=3, shared=False)
    row = result.estimates.iloc[0]
    assert row.estimate == pytest.approx(0.5, abs=1e-5)  # slope 150 % is strength 0.5
    assert row.standard_error == pytest.approx(0.05, rel=1e-4)
    assert result.log_likelihood == pytest.approx(stats.norm.logpdf(150, 150, 5), abs=1e-6)
    assert result.aic == pytest.approx(2 - 2 * result.log_likelihood)


def test_detections_have_the_likelihood_of_a_two_sided_test(one):
    rng = np.random.default_rng(3)
    for effect in (-2.0, 0.0, 1.0, 3.5):
        found = dataclasses.replace(one.observations[0], kind="detected", detected=True, error=1.3)
        missed = dataclasses.replace(found, detected=False)
        z = rng.normal(effect / 1.3, 1, 400_000)
        right, wrong = np.mean(z > 1.959964), np.mean(z < -1.959964)
        logs = log_likelihoods([found, missed], np.array([effect, effect]))
        assert math.exp(logs[0]) == pytest.approx(right, abs=0.003)
        assert math.exp(logs[1]) == pytest.approx(1 - right - wrong, abs=0.003)
        assert detection_probability(found, effect) == pytest.approx(right, abs=0.003)


def test_a_null_stays_finite_however_wrong_the_prediction(one):
    missed = dataclasses.replace(one.observations[0], kind="detected", detected=False, error=1.0)
    logs = log_likelihoods([missed, missed], np.array([60.0, -60.0]))
    assert np.isfinite(logs).all() and logs[0] == pytest.approx(logs[1]) and logs[0] < -1000


def _counted(observation, kind, count, n):
    return dataclasses.replace(observation, kind=kind, value=None, count=count, n=n)


def test_counts_are_binomial_and_cells_add_up_to_a_multinomial(one):
    rng = np.random.default_rng(5)
    observation = one.observations[0]
    for _ in range(20):
        n = int(rng.integers(1, 60))
        p = rng.dirichlet(np.ones(4))
        counts = rng.multinomial(n, rng.dirichlet(np.ones(4)))
        binomial = [_counted(observation, "counts", int(counts[0]), n)]
        assert log_likelihoods(binomial, p[:1])[0] == pytest.approx(stats.binom.logpmf(counts[0], n, p[0]), rel=1e-12)
        lacking = stats.binom.logpmf(counts[0], n, counts[0] / n) - stats.binom.logpmf(counts[0], n, p[0])
        assert 0.5 * deviance_residuals(binomial, p[:1])[0] ** 2 == pytest.approx(lacking, rel=1e-8, abs=1e-12)
        cells = [_counted(observation, "cell", int(c), n) for c in counts]
        exact = stats.multinomial.logpmf(counts, n, p) - math.lgamma(n + 1)
        assert log_likelihoods(cells, p).sum() == pytest.approx(exact, rel=1e-10, abs=1e-10)
        best = stats.multinomial.logpmf(counts, n, counts / n) - math.lgamma(n + 1)
        squares = (deviance_residuals(cells, p) ** 2).sum()
        assert 0.5 * squares == pytest.approx(best - exact, rel=1e-8, abs=1e-10)


def test_the_information_of_counts_is_the_expected_square_of_their_score(one):
    n, p, h = 12, 0.3, 1e-6
    scores, weights = [], []
    for count in range(n + 1):
        observation = [_counted(one.observations[0], "counts", count, n)]
        up, down = (log_likelihoods(observation, np.array([p + step]))[0] for step in (h, -h))
        scores.append((up - down) / (2 * h))
        weights.append(stats.binom.pmf(count, n, p))
    expected = float(np.dot(weights, np.square(scores)))
    assert information(observation, np.array([p]))[0] == pytest.approx(expected, rel=1e-6)


def test_a_prior_pulls_an_estimate_as_a_normal_does(one):
    # slope 150 % and error 5 % of one observation: strength 0.5 with a standard error of 0.05
    prior = {name: dataclasses.replace(p, prior=(0.6, 0.1)) for name, p in one.parameters.items()}
    study = dataclasses.replace(one, parameters=prior)
    result = fit([study], "EncodingOnly", starts=3, shared=False, priors=True)
    precision = np.array([0.05, 0.1]) ** -2.0
    assert result.estimates.estimate[0] == pytest.approx(np.dot(precision, [0.5, 0.6]) / precision.sum(), abs=1e-5)
    assert result.estimates.standard_error[0] == pytest.approx(precision.sum() ** -0.5, rel=1e-4)
    assert result.log_prior == pytest.approx(stats.norm.logpdf(result.estimates.estimate[0], 0.6, 0.1), rel=1e-6)
    without = fit([study], "EncodingOnly", starts=3, shared=False)
    assert without.estimates.estimate[0] == pytest.approx(0.5, abs=1e-5) and without.log_prior == 0


def test_the_prior_of_shared_biology_is_a_factor_of_three_about_the_models_value():
    studies = [load_study("nader_2000"), load_study("frey_morris_1998")]
    objective = Objective(studies, ThresholdCapture(nodes=2), ("tau_protein",), priors=True)
    (k,) = [k for k, c in enumerate(objective.coordinates) if c.study == "shared"]
    position = np.array([c.inward(c.start) for c in objective.coordinates])
    centre = objective.log_prior(position)
    position[k] += math.log(3)
    assert centre - objective.log_prior(position) == pytest.approx(0.5, rel=1e-12)


def test_split_biology_is_fitted_by_each_group_alone():
    studies = [load_study("nader_2000"), load_study("frey_morris_1998"), load_study("commun_biol_2025")]
    slices = dict.fromkeys(["frey_morris_1998", "commun_biol_2025"], "slices")
    whole = Objective(studies, ThresholdCapture(nodes=2), ("tau_early", "tau_protein"))
    split = Objective(studies, ThresholdCapture(nodes=2), ("tau_early", "tau_protein"), split={"tau_early": slices})
    names = [c.name_in_full for c in split.coordinates if c.shared]
    assert names == ["tau_early", "tau_early (slices)", "tau_protein"]
    assert len(split.coordinates) == len(whole.coordinates) + 1
    position = np.array([c.inward(c.start) for c in split.coordinates])
    before = [split.predict(k, position[columns]) for k, columns in enumerate(split.columns)]
    position[names.index("tau_early (slices)")] -= 1.0
    after = [split.predict(k, position[columns]) for k, columns in enumerate(split.columns)]
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [True, False, False]
    with pytest.raises(ValueError, match="'tau_tag' is not shared here"):
        Objective(studies, ThresholdCapture(nodes=2), ("tau_early",), split={"tau_tag": slices})
    with pytest.raises(ValueError, match="names the study 'zhu_2022'"):
        Objective(studies, ThresholdCapture(nodes=2), ("tau_early",), split={"tau_early": {"zhu_2022": "people"}})


def test_same_seed_gives_the_same_numbers_for_one_worker_or_two():
    study = load_study("nielson_powless_2007")
    one, two = (fit([study], "ThresholdCapture", starts=5, seed=4, workers=w, shared=False) for w in (1, 2))
    assert one.starts.equals(two.starts)
    assert one.estimates.equals(two.estimates)
    assert not one.starts.equals(fit([study], "ThresholdCapture", starts=5, seed=5, shared=False).starts)


def test_every_start_is_kept():
    result = fit([load_study("nader_2000")], "ThresholdCapture", starts=6, shared=False)
    assert list(result.starts.start) == list(range(6))
    assert result.log_likelihood == pytest.approx(result.starts.log_likelihood.max())


def test_a_parameter_that_a_model_cannot_feel_is_not_counted():
    study = load_study("hennings_2021")
    names = [c.name for c in estimation.Objective([study], EncodingOnly(nodes=2), ()).coordinates]
    assert "encoding_gain" in names and "relatedness" not in names and "dose" not in names
    names = [c.name for c in estimation.Objective([study], ThresholdCapture(nodes=2), ()).coordinates]
    assert "relatedness" in names and "dose" in names


def test_encoding_only_cannot_explain_reconsolidation():
    result = fit([load_study("nader_2000")], "EncodingOnly", starts=2, shared=False)
    assert (result.predictions.predicted == 0).all()
    amnesia = result.predictions[result.predictions.observed == True]  # noqa: E712
    assert np.allclose(amnesia.power, 0.025)


def test_parameters_are_recovered_from_their_own_predictions():
    study = load_study("hennings_2021")
    model = ThresholdCapture(nodes=4)
    truth = {p.name: p.start for p in study.parameters.values()} | {"relatedness": 0.6, "dose": 0.06}
    predicted = Predictor(study, model)(truth, {})
    observations = tuple(
        dataclasses.replace(o, value=float(v), error=o.error / 100)
        for o, v in zip(study.observations, predicted, strict=True)
    )
    simulated = dataclasses.replace(study, observations=observations)
    result = fit([simulated], model, starts=6, shared=False)
    estimates = result.estimates.set_index("parameter").estimate
    for name in ("strength_before", "strength_during", "strength_after", "criterion", "gap"):
        assert estimates[name] == pytest.approx(truth[name], rel=0.05), name
    assert np.abs(result.predictions.standardised_residual).max() < 1


def test_shared_biology_is_one_value_for_all_studies():
    studies = [load_study("frey_morris_1998"), load_study("commun_biol_2025")]
    result = fit(studies, "ThresholdCapture", starts=2, shared=True)
    shared = result.estimates[result.estimates.study == "shared"].set_index("parameter").estimate
    assert "tau_early" in shared.index and "tau_labile" not in shared.index  # nothing labile in these studies
    for study in studies:
        assert result.model_for(study.id).tau_early == pytest.approx(shared["tau_early"])


def test_a_fit_that_does_not_converge_says_so(one, monkeypatch):
    failed = optimize.OptimizeResult(x=np.array([0.4]), success=False, message="gave up", nfev=1)
    monkeypatch.setattr("fits.search.least_squares", lambda *a, **k: failed)
    monkeypatch.setattr("fits.search.minimize", lambda *a, **k: failed)
    with pytest.raises(FitError, match=r"EncodingOnly on one: none of 2 starts converged \(gave up\)"):
        fit([one], "EncodingOnly", starts=2, shared=False)


def test_unknown_model_and_empty_input_are_explained(one):
    with pytest.raises(ValueError, match="unknown model 'Threshold'; use one of ThresholdCapture"):
        fit([one], "Threshold")
    with pytest.raises(ValueError, match="no studies to fit"):
        fit([], "EncodingOnly")


def test_models_are_compared_only_on_the_same_observations(one):
    first = fit([one], "EncodingOnly", starts=1, shared=False)
    table = fits.compare([first, fit([one], "ThresholdCapture", starts=1, shared=False)])
    assert table.aic_weight.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="compare like with like"):
        fits.compare([first, fit([load_study("nader_2000")], "EncodingOnly", starts=1, shared=False)])


def test_a_standard_error_as_wide_as_the_search_is_not_called_identified(one):
    wide = dataclasses.replace(one, observations=(dataclasses.replace(one.observations[0], error=40.0),))
    assert fit([wide], "EncodingOnly", starts=1, shared=False).estimates.verdict[0] == "not identified"


@pytest.mark.parametrize("model", ["ThresholdCapture", "LinearCapture", "EncodingOnly"])
def test_numbers_put_straight_into_the_kernel_are_those_of_the_configured_model(model):
    rng = np.random.default_rng(2)
    for name in ("zhu_2022", "brzosko_2015", "monfils_2009"):
        predictor = Predictor(load_study(name), model_class(model)(nodes=2))
        own = {p.name: rng.uniform(*p.bounds) for p in predictor.study.parameters.values()}
        shared = {key: rng.uniform(0.5, 2) * predictor.configure(own, {}).tau_early for key in ("tau_early",)}
        shared |= {"dopamine.drive_clearance": 5000.0}
        configured = predictor.configure(own, shared)
        parameters, modulators = predictor._arguments(own, shared)
        assert parameters == configured.kernel_arguments()[0]
        assert np.array_equal(modulators, configured.kernel_arguments()[1])
