"""Predictions of studies of vision are what the models themselves say; what cannot be read is explained."""

import dataclasses
import math

import numpy as np
import pytest

import fits
from engram import ThresholdCapture, day
from engram.perception import IntegratedReweighting, Staircase, VisualReactivation
from engram.perception.curves import generalisation
from fits.check import check
from fits.estimation import fit
from fits.family import MODELS, SEARCHED, biology_of, instance_of, predictor_of
from fits.objective import Objective
from fits.study import VISION, StudyError, load_shipped, load_study
from fits.visual_prediction import VisualPredictor, protocol_at
from fits.visual_response import DiscriminationThreshold, Seen

ONE = """
[study]
id = "one"
title = "One"
citation = "Nobody (2000)"
species = "human"
paradigm = "practice"
[parameters.spread]
start = 0.3
bounds = [0.1, 1.0]
description = "spread"
[parameters.surprise]
start = 0.5
bounds = [0.1, 0.9]
description = "prediction error"
[response]
type = "threshold"
period = 180
gain_spread = "spread"
[[condition]]
name = "training"
events = [
  { encode = "trained", at = "0 min", strength = 0.5 },
  { reactivate = "trained", at = "1 day", cue = 0.8, prediction_error = "surprise", duration = "20 s" },
  { test = "trained", at = "2 days" },
]
[[observation]]
name = "gain"
kind = "mean"
panel = "gain"
measure = "gain"
score = "standardised_gain"
condition = "training"
offset = "30 deg"
value = 1.0
error = 0.2
n = 20
flag = "R"
source = "nowhere"
[[observation]]
name = "elsewhere"
kind = "mean"
panel = "gain"
measure = "gain"
score = "log_gain"
contrast = [
  { condition = "training", offset = "0 deg" },
  { weight = -1, condition = "training", offset = "45 deg", distance = "3 deg" },
]
value = 0.1
error = 0.1
n = 20
flag = "R"
source = "nowhere"
"""


@pytest.fixture
def write(tmp_path):
    def writer(*pairs):
        text = ONE
        for old, new in pairs:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "one.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return writer


@pytest.mark.parametrize("name", MODELS[VISION])
def test_predictions_are_those_of_the_model_itself(name, write):
    study = load_study(write())
    own, shared = {"spread": 0.4, "surprise": 0.7}, {}
    if name == "VisualReactivation":
        shared = {"top_down": 0.8, "ips_gain": 3.0}
    found = VisualPredictor(study, instance_of(name))(own, shared)
    model = instance_of(name).with_(period=180.0, **shared)
    protocol = protocol_at(study.conditions["training"], own)
    assert protocol.events[1].prediction_error == 0.7
    before = model.untrained()
    at = model.thresholds(protocol, [0.0, 30.0], [2 * day])[0]
    away = model.thresholds(protocol, [45.0], [2 * day], 3.0)[0, 0]
    expected = [math.log(before / at[1]) / 0.4, math.log(before / at[0]) - math.log(before / away)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_scores_are_their_definitions():
    seen = Seen(np.array([2.0, 3.0]), np.array([2.0, 2.0]), 4.0, np.array([0.1, 0.2]), np.array([0.3, 0.4]))
    task = DiscriminationThreshold(scale=120.0, gain_spread=0.5)
    expected = {
        "threshold": [2, 3], "log_gain": [math.log(2), math.log(4 / 3)], "percent_gain": [50, 25],
        "scaled_gain": [60, 30], "standardised_gain": [2 * math.log(2), 2 * math.log(4 / 3)],
        "generalisation": [1, 0.5], "evc_discriminability": [0.1, 0.2], "ips_discriminability": [0.3, 0.4],
    }  # fmt: skip
    assert set(expected) == set(task.score_names)
    for name, values in expected.items():
        np.testing.assert_allclose(task.score(seen, name), values, rtol=1e-12)
    nothing = seen._replace(trained=np.array([4.0, 4.0]))
    assert task.score(nothing, "generalisation").tolist() == [0, 0]
    with pytest.raises(ValueError, match="unknown score 'gain'; a threshold has threshold, log_gain"):
        task.score(seen, "gain")


def test_bias_and_spread_of_the_staircase_enter():
    """Two runs a test: the variance of the gain is that between people and of two means of two runs."""
    behaviour = Staircase(step=0.05).behaviour()
    task = DiscriminationThreshold(runs=2.0, gain_spread=0.3)
    assert task.spread == pytest.approx(math.sqrt(0.3**2 + 2 * behaviour.spread**2 / 2))
    seen = Seen(np.array([2.0]), np.array([2.0]), 4.0, np.zeros(1), np.zeros(1))
    assert task.score(seen, "threshold")[0] == pytest.approx(2 * math.exp(behaviour.bias))
    assert task.score(seen, "standardised_gain")[0] == pytest.approx(math.log(2) / task.spread)
    larger = dataclasses.replace(task, staircase_step=0.15)
    assert larger.spread > task.spread  # large steps scatter more


def test_the_generalisation_index_is_that_of_the_curves(write):
    path = write(('score = "standardised_gain"', 'score = "generalisation"'))
    study = load_study(path)
    own = {"spread": 0.3, "surprise": 0.5}
    model = VisualReactivation(period=180.0)
    protocol = protocol_at(study.conditions["training"], own)
    curve = generalisation(model, [30.0], [2 * day], protocol=protocol)
    assert VisualPredictor(study, VisualReactivation())(own, {})[0] == pytest.approx(curve.generalisation[0])


def test_a_parameter_of_the_response_alone_runs_no_model(write):
    predictor = VisualPredictor(load_study(write()), VisualReactivation())
    assert predictor.of_response == {"spread"} and predictor.parameters == ("spread", "surprise")
    own = {"spread": 0.3, "surprise": 0.5}
    seen = predictor.strengths(own, {})
    changed = {**own, "spread": 0.6}
    np.testing.assert_array_equal(predictor.predicted(seen, changed), predictor(changed, {}))


def test_thresholds_stay_below_a_quarter_of_the_period(write):
    """A read-out that points the wrong way sees nothing; its threshold is finite all the same."""
    predictor = VisualPredictor(load_study(write()), IntegratedReweighting(learning_rate=1.0, selection_width=180.0))
    seen = predictor.strengths({"spread": 0.3, "surprise": 0.5}, {})
    assert np.isfinite(predictor({"spread": 0.3, "surprise": 0.5}, {})).all() and (seen.threshold <= 45).all()


def test_every_searched_parameter_is_one_of_the_model_and_lies_within_its_bounds():
    for name, searched in SEARCHED.items():
        model = instance_of(name)
        assert biology_of(model) == tuple(searched)
        for parameter, ((low, high), scale) in searched.items():
            for value in (low, high):
                model.with_(**{parameter: value})
            assert scale == "linear" or low > 0
    assert set(SEARCHED) == set(MODELS[VISION])


def test_fits_are_the_same_for_any_number_of_workers_and_come_back_from_the_disk(write, tmp_path):
    study = load_study(write())
    one, two = (fit([study], "VisualReactivation", starts=2, workers=n, shared=False) for n in (1, 2))
    assert one.log_likelihood == two.log_likelihood and one.estimates.equals(two.estimates)
    assert one.with_biology() == VisualReactivation() and one.model_for("one").period == 180.0
    (tmp_path / "fit").mkdir()
    fits.save([one], tmp_path / "fit")
    (again,) = fits.load(tmp_path / "fit")
    assert again.log_likelihood == one.log_likelihood and again.model_for("one") == one.model_for("one")


def test_studies_of_both_families_are_not_fitted_together(write):
    study = load_study(write())
    with pytest.raises(ValueError, match=r"nader_2000 is a study of memory and one one of vision.*fit them apart"):
        Objective([load_study("nader_2000"), study], ThresholdCapture(nodes=2))
    with pytest.raises(ValueError, match="one observes 'threshold', which ThresholdCapture does not predict; use one"):
        predictor_of(study, ThresholdCapture(nodes=2))
    with pytest.raises(ValueError, match="nader_2000 observes 'freezing', which VisualReactivation does not predict"):
        predictor_of(load_study("nader_2000"), VisualReactivation())
    with pytest.raises(ValueError, match="unknown model 'Eye'; use one of ThresholdCapture"):
        fit([study], "Eye")


MISTAKES = {
    "a score of memory": ((('score = "log_gain"', 'score = "freezing"'),), "score: unknown value 'freezing'"),
    "a missing offset": ((('offset = "30 deg"\n', ""),), r"offset: is missing; add it, \"0 deg\" where the trained"),
    "an offset without unit": ((('"30 deg"', "30"),), 'offset: is 30; write degrees with their unit, such as "70 deg"'),
    "an offset in minutes": ((('"30 deg"', '"30 min"'),), "offset: is '30 min'; write degrees with their unit"),
    "an offset beyond half a turn": ((('"30 deg"', '"190 deg"'),), "must lie between 0 and 180 degrees"),
    "traces": ((('offset = "30 deg"', 'offset = "30 deg"\ntraces = "trained"'),), "traces: unknown key"),
    "several stimuli": (
        (("events = [\n", 'events = [\n  { encode = "other", at = "0 min", strength = 0.5 },\n'),),
        "'training' trains other, trained; visual learning has one trained stimulus",
    ),
    "a category": (
        (("strength = 0.5 }", 'strength = 0.5, category = "a" }'),),
        "has categories or relatedness, which belong to studies of memory",
    ),
    "a test that reactivates": (
        (('at = "2 days" }', 'at = "2 days", reactivates = true }'),), "a test that reactivates; write a reactivate",
    ),
    "a period of 90": ((("period = 180", "period = 90"),), "period: is 90; it must lie between 180 and 360"),
    "a period between": ((("period = 180", "period = 200"),), "period is 200; give 360 for directions or 180"),
    "half a run": ((("period = 180", "period = 180\nruns = 1.5"),), "runs is 1.5; give a whole number"),
    "a parameter of memory": (
        (('gain_spread = "spread"', 'gain_spread = "spread"\n[model]\ntag_threshold = 0.2'),),
        "tag_threshold: unknown key",
    ),
    "raw trials": ((("[[condition]]", "[trials]\nx = 1\n[[condition]]"),), "raw trials of a threshold cannot be"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_explained_in_a_sentence(name, write):
    pairs, words = MISTAKES[name]
    path = write(*pairs)
    with pytest.raises(StudyError, match=words.replace("(", r"\(")) as error:
        load_study(path)
    assert "one.toml" in str(error.value) and "\n" not in str(error.value)


def test_a_stimulus_in_a_study_of_memory_is_refused(tmp_path):
    text = load_study("nader_2000").path
    with open(text, encoding="utf-8") as file:
        changed = file.read().replace('traces = "', 'offset = "3 deg", traces = "', 1)
    path = tmp_path / "nader_2000.toml"
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(StudyError, match="offset: unknown key"):
        load_study(path)


def test_a_good_file_is_checked_without_an_error(write):
    assert [finding for finding in check(write()) if finding.severity == "error"] == []


def test_the_command_refuses_a_model_of_the_other_family(capsys, tmp_path):
    from fits import cli

    assert cli.main(["fit", "song_2026", "--model", "ThresholdCapture", "--out", str(tmp_path / "x")]) == 2
    said = capsys.readouterr().err
    assert "ThresholdCapture does not predict song_2026, a study of vision; use one of VisualReactivation" in said


def test_memory_fits_do_not_feel_the_studies_of_vision():
    objective = Objective(load_shipped(VISION), VisualReactivation(), biology_of(VisualReactivation()))
    assert {c.study for c in objective.coordinates} == {"shared", "amar_halpert_2017", "xie_2025"}
