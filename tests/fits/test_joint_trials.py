"""Raw trials stand in for the results of their study in a joint fit. All data here are simulated."""

from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy.special import gammaln
from simulated_trials import STUDY, simulated
from test_cli import STUDY as TINY

import fits
from engram.consolidation import MODELS
from engram.recall import OrderedConfidence
from fits import cli
from fits.objective import Objective
from fits.prediction import model_class
from fits.simulation import simulate
from fits.tables import StudyError

PEOPLE = tuple(f"{number:02d}" for number in range(1, 13))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sim.toml").write_text(STUDY, encoding="utf-8")
    Path("tiny.toml").write_text(TINY, encoding="utf-8")
    frame = simulated(PEOPLE)
    frame["response"] = frame["response"].where(frame.index != 5, "")
    frame.to_csv("trials.csv", index=False)
    return tmp_path


@pytest.fixture
def study(folder):
    return fits.load_study("sim.toml")


@pytest.fixture
def trials(study):
    return fits.read_trials("trials.csv", study, missing="drop")


def test_an_outcome_is_a_score():
    response = OrderedConfidence()
    strengths = np.array([0.1, 0.5])
    for k, name in enumerate(response.outcomes):
        assert np.array_equal(response.score(strengths, name), response.predict(strengths)[:, k])
        assert np.array_equal(response.score(strengths, f"lure: {name}"), [response.lure_probabilities()[k]] * 2)
    with pytest.raises(ValueError, match="has no score 'lure: perhaps'"):
        response.score(strengths, "lure: perhaps")


@pytest.mark.parametrize("name", MODELS)
def test_the_likelihood_is_that_of_the_trials_up_to_the_factorials_of_the_counts(study, trials, name):
    model = model_class(name)(nodes=4)
    objective = Objective([fits.with_trials(study, trials)], model)
    predictor = fits.TrialPredictor(trials, study, model)
    constant = gammaln(predictor.data.all + 1).sum()
    rng = np.random.default_rng(2)
    low, high = np.array(objective.bounds).T
    for position in low + rng.random((5, len(low))) * (high - low):
        own = {p.name: p.start for p in study.parameters.values()}
        own |= dict(zip([c.name for c in objective.coordinates], objective.values(position), strict=True))
        expected = predictor.log_likelihood(own, {})
        assert objective.log_likelihood(position) == pytest.approx(expected - constant, rel=1e-12)
        residuals = predictor.residuals(own, {})
        assert np.sum(objective.residuals(position) ** 2) == pytest.approx(np.sum(residuals**2), rel=1e-9)


def test_alone_it_is_the_fit_of_the_trials_and_counts_every_answer(study, trials):
    stood = fits.with_trials(study, trials)
    assert sum(o.count for o in stood.observations) == len(trials.answered) == len(trials.table) - 1
    assert "12 people, 1 unanswered" in stood.observations[0].note
    alone = fits.fit_trials(trials, study, "EncodingOnly", starts=4)
    joint = fits.fit([stood], "EncodingOnly", starts=4, shared=False)
    assert list(joint.estimates.parameter) == list(alone.estimates.parameter)
    assert np.allclose(joint.estimates.estimate, alone.estimates.estimate, rtol=1e-4)
    assert np.allclose(joint.estimates.standard_error, alone.estimates.standard_error, rtol=1e-2, equal_nan=True)


def test_it_joins_other_studies_and_can_be_simulated(study, trials):
    studies = [fits.with_trials(study, trials), fits.load_study("nader_2000")]
    joint = fits.fit(studies, "ThresholdCapture", starts=2)
    assert {"shared", "sim", "nader_2000"} == set(joint.estimates.study)
    (again, _) = simulate(joint, seed=1)
    assert sum(o.count for o in again.observations) == len(trials.answered)


def test_a_command_fits_it_with_others_and_brings_it_back(folder, capsys):
    command = ["fit", "sim.toml", "tiny.toml", "--trials", "trials.csv", "--model", "EncodingOnly", "--starts", "2"]
    assert cli.main([*command, "--out", "new"]) == 2
    assert "row 7: response is ''" in capsys.readouterr().err
    assert cli.main([*command, "--out", "new", "--missing", "drop", "--profiles"]) == 0
    said = capsys.readouterr().out
    assert "12 participants, 131 answered trials, 1 unanswered" in said
    assert pandas.read_csv("new/missing.csv").missing.sum() == 1
    (loaded,) = fits.load("new")
    estimates = pandas.read_csv("new/estimates.csv")
    assert np.array_equal(loaded.estimates.estimate, estimates.estimate)
    assert {o.kind for o in loaded.objective.studies[0].observations} == {"cell"}


@pytest.mark.parametrize(
    ("studies", "options", "words"),
    [
        (["tiny.toml", "nader_2000"], [], "none of these studies has a table [trials]"),
        (["sim.toml", "hennings_2021"], [], "sim, hennings_2021 has a table [trials]; name one study"),
        (["sim.toml", "tiny.toml"], ["--level", "item"], "--level item works with one study"),
        (["sim.toml", "tiny.toml"], ["--participants"], "--participants works with one study"),
    ],
)
def test_trials_that_cannot_join_are_refused(folder, capsys, studies, options, words):
    command = ["fit", *studies, "--trials", "trials.csv", "--model", "EncodingOnly", "--out", "new", *options]
    assert cli.main(command) == 2
    assert words in capsys.readouterr().err
    assert not Path("new").exists() and not list(folder.glob("*.jsonl"))


def test_a_response_without_outcomes_cannot_count_trials(trials):
    with pytest.raises(StudyError, match=r"trials: is missing; add a table \[trials\]"):
        fits.with_trials(fits.load_study("nader_2000"), trials)
