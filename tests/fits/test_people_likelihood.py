"""Likelihoods of people, their gradients and information against slower ways. All data are simulated."""

import math

import numpy as np
import pytest
from simulated_people import MODEL, people_study, people_trials, read_people
from simulated_trials import STUDY, simulated

from engram import EncodingOnly, LinearCapture, ThresholdCapture
from engram.recall import OrderedConfidence
from engram.recall import ordered_kernels as ordered
from fits.people.likelihood import PeopleLikelihood
from fits.study import load_study
from fits.trial_likelihood import TrialPredictor
from fits.trials import read_trials


@pytest.mark.parametrize("level", ["phase", "item"])
@pytest.mark.parametrize("model", [ThresholdCapture(nodes=4), LinearCapture(nodes=4), EncodingOnly(nodes=4)],
                         ids=lambda m: type(m).__name__)  # fmt: skip
def test_gradient_is_that_of_the_trials_own_likelihood(tmp_path, model, level):
    """Against central differences of fits.TrialPredictor, which shares no code with it: 1e-6 relative."""
    path = tmp_path / "sim.toml"
    path.write_text(STUDY, encoding="utf-8")
    study = load_study(path)
    simulated().to_csv(tmp_path / "t.csv", index=False)
    trials = read_trials(tmp_path / "t.csv", study)
    likelihood = PeopleLikelihood(trials, study, model, level)
    names = likelihood.scale.names
    rng = np.random.default_rng(2)
    for person, name in enumerate(trials.participants):
        reference = TrialPredictor(trials.select([name]), study, model, level)

        def value(eta, reference=reference):
            return reference.log_likelihood(likelihood.values(eta), {})

        eta = likelihood.scale.starts + rng.normal(0, 0.4, len(names))
        found = likelihood.evaluate(person, eta)
        assert found.log_likelihood == pytest.approx(value(eta), rel=1e-10)
        assert likelihood.log_likelihood(person, eta) == pytest.approx(value(eta), rel=1e-10)
        slopes = [(value(eta + step) - value(eta - step)) / 2e-5 for step in np.eye(len(names)) * 1e-5]
        assert found.gradient == pytest.approx(slopes, rel=1e-6, abs=1e-6)


def test_expected_information_is_the_mean_square_of_the_gradient(tmp_path):
    study = people_study(tmp_path)
    likelihood = PeopleLikelihood(read_people(tmp_path, people_trials(tmp_path, 2), study), study, MODEL)
    eta = likelihood.scale.starts
    rng = np.random.default_rng(1)
    scores = []
    for _ in range(3000):
        old, new = likelihood.simulate(0, eta, rng)
        scores.append((old, new))
    each = np.array([likelihood.with_counts([old], [new]).evaluate(0, eta).gradient for old, new in scores])
    expected = likelihood.evaluate(0, eta).information
    error = 5 * np.sqrt(np.outer(np.diag(expected), np.diag(expected)) * 2 / len(each))
    assert (np.abs(each.T @ each / len(each) - expected) < error).all()


@pytest.mark.parametrize("compiled", [True, False])
def test_likelihoods_of_many_are_the_bits_of_each_alone(tmp_path, compiled):
    """And the value of a gradient; strengths, doses and criteria differ from one to the next."""
    study = people_study(tmp_path)
    likelihood = PeopleLikelihood(read_people(tmp_path, people_trials(tmp_path, 2), study), study, MODEL)
    likelihood.layouts[0].compiled = compiled
    etas = likelihood.scale.starts + np.random.default_rng(3).normal(0, 0.7, (6, len(likelihood.scale)))
    found = likelihood.log_likelihoods(1, etas)
    assert len(set(found)) == 6
    assert found.tolist() == [likelihood.log_likelihood(1, eta) for eta in etas]
    assert found == pytest.approx([likelihood.evaluate(1, eta).log_likelihood for eta in etas], rel=1e-12)


def test_compiled_information_is_that_of_complex_steps(tmp_path):
    """Every field of the response free, groups of several traces: 1e-11 relative, against the way without kernels."""
    people_study(tmp_path, name="all")
    text = (tmp_path / "all.toml").read_text(encoding="utf-8")
    free = (("slope", 4, 1, 6), ("wide", 1.3, 0.5, 4), ("shift", 0.2, -2, 2))
    more = "".join(f"[parameters.{name}]\nstart = {start}\nbounds = [{low}, {high}]\ndescription = 'free'\n"
                   for name, start, low, high in free)  # fmt: skip
    text = text.replace("[response]", more + "[response]")
    text = text.replace("sensitivity = 4.0", 'sensitivity = "slope"\nsd_old = "wide"\nlure_shift = "shift"')
    (tmp_path / "all.toml").write_text(text, encoding="utf-8")
    study = load_study(tmp_path / "all.toml")
    likelihood = PeopleLikelihood(read_people(tmp_path, people_trials(tmp_path, 2), study), study, MODEL)
    assert len(likelihood.scale) == 7 and len(likelihood.layouts[0].members) > len(likelihood.layouts[0].starts)
    rng = np.random.default_rng(5)
    for _ in range(5):
        eta = likelihood.scale.starts + rng.normal(0, 0.7, 7)
        found = likelihood.evaluate(0, eta)
        layout = likelihood.layouts[0]
        layout.compiled = False
        expected = likelihood.evaluate(0, eta)
        layout.compiled = True
        assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
        assert likelihood.log_likelihood(0, eta) == pytest.approx(expected.log_likelihood, rel=1e-12)
        assert found.gradient == pytest.approx(expected.gradient, rel=1e-11, abs=1e-11)
        size = np.abs(expected.information).max()
        assert found.information == pytest.approx(expected.information, rel=1e-11, abs=1e-12 * size)


def test_compiled_confidence_is_that_of_the_response(tmp_path):
    response = OrderedConfidence(sensitivity=4.0, sd_old=1.3)
    strengths = np.linspace(-1.0, 9.0, 41)  # to where all but the first level are rarer than 1e-200
    means, criteria = response.sensitivity * strengths, response.criteria
    p = ordered.probabilities(means, response.sd_old, criteria)
    assert p == pytest.approx(response.probabilities(strengths), rel=1e-11, abs=1e-300)
    levels = np.arange(41) % 4
    expected = response.log_likelihood(np.eye(4)[levels], strengths, constant=False)
    assert ordered.log_likelihood(strengths, levels, 4.0, 1.3, criteria) == pytest.approx(
        np.maximum(expected, math.log(ordered.LEAST)).sum(), rel=1e-11
    )
