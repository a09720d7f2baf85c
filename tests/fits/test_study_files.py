"""Studies are read as the experiments ran, and every mistake in a file is explained."""

import math
import re

import pytest

import fits
from engram import Encode, Reactivate, Release, Test, hour, minute
from engram.recall import RESPONSES
from fits.description import description
from fits.observation import Statistic
from fits.scores import SCORE_RANGES
from fits.study import FLAGS, StudyError, load_study
from fits.study import RESPONSES as ALL_RESPONSES
from fits.timeline import timeline

ONE = """
[study]
id = "one"
title = "One"
citation = "Nobody (2026), simulated"
species = "simulated"
paradigm = "one trace"

[parameters.strength]
start = 0.4
bounds = [0.05, 0.95]
description = "encoding strength"

[response]
type = "field_potential"

[[condition]]
name = "alone"
events = [
  { encode = "S1", at = "0 min", strength = "strength" },
  { test = "S1", at = "0 min" },
]

[[observation]]
name = "potentiation"
kind = "mean"
panel = "slope"
measure = "fEPSP slope"
unit = "%"
score = "slope"
traces = "S1"
value = 150.0
error = 5.0
flag = "R"
source = "simulated"
"""


@pytest.fixture
def write(tmp_path):
    def writer(text):
        path = tmp_path / "one.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return writer


def count(study, condition, kind):
    return sum(isinstance(event, kind) for event in study.conditions[condition].protocol.events)


@pytest.mark.parametrize("study", fits.shipped_studies())
def test_every_number_of_a_shipped_study_has_its_source(study):
    read = load_study(study)
    assert read.observations
    for observation in read.observations:
        assert observation.source and observation.flag in FLAGS
        if observation.kind == "detected":  # n and spread that no source gives must be called assumed
            assert "assumed" in observation.note


def test_hennings_timeline_is_three_phases_of_48_and_a_test_after_24_h():
    study = load_study("hennings_2021")
    events = study.conditions["session"].protocol.events
    for phase in ("before", "during", "after"):
        for kind in ("plus", "minus"):
            items = [e for e in events if isinstance(e, Encode) and e.trace.startswith(f"{phase}/{kind}/")]
            assert len(items) == 24
    assert count(study, "session", Test) == 145  # 144 items and the shock
    assert sum(isinstance(e, Release) and e.modulator == "dopamine" for e in events) == 12
    assert {e.at for e in events if isinstance(e, Test)} == {24 * hour}
    during = [e.at for e in events if isinstance(e, Encode) and e.trace.startswith("during")]
    assert during[1] - during[0] == pytest.approx(10.5)


def test_a_timeline_shows_every_time_at_which_all_traces_are_tested():
    shown = timeline(load_study("dunsmoor_2015").conditions["session"])
    (tests,) = [line for line in shown if "test every trace" in line]
    assert tests.count("37 min 30 s") == 3


def test_zhu_timeline_is_72_pairs_seen_twice_then_cued_once():
    study = load_study("zhu_2022")
    for condition, test_at in (("Studies 1 and 2", 70.8 * minute), ("Study 3", 86.8 * minute)):
        assert count(study, condition, Encode) == 144
        assert count(study, condition, Reactivate) == 72
        assert count(study, condition, Release) == 36
        tests = [e.at for e in study.conditions[condition].protocol.events if isinstance(e, Test)]
        assert len(tests) == 72 and len(set(tests)) == 1 and tests[0] == pytest.approx(test_at)
        cued = [e.at for e in study.conditions[condition].protocol.events if isinstance(e, Reactivate)]
        assert tests[0] - (max(cued) + 14) == pytest.approx(30 * minute)


def test_parameters_enter_the_events_that_name_them(write):
    study = load_study(write(ONE))
    (slot,) = study.conditions["alone"].slots
    assert (slot.event, slot.column, slot.parameter) == (0, 0, "strength")
    assert study.conditions["alone"].protocol.events[0].strength == 0.4


def changed(old, new):
    assert old in ONE
    return ONE.replace(old, new)


# ruff: noqa: E501
BAD = {
    "time without unit": (changed('at = "0 min", strength', "at = 0, strength"), r"events\[1\].at: 0 is a time without"),
    "unknown unit": (changed('"0 min", strength', '"0 fortnights", strength'), "unknown unit 'fortnights'"),
    "negative time": (changed('"0 min", strength', '"-3 min", strength'), "must not be negative"),
    "misspelt key": (changed("strength = \"strength\"", "strenght = 0.4"), "strenght: unknown key; did you mean 'strength'"),
    "unknown parameter": (changed('"strength" },', '"strong" },'), "unknown parameter 'strong'; the study has strength"),
    "strength out of range": (changed('strength = "strength"', "strength = 1.5"), "1.5; it must lie between"),
    "unknown trace": (changed('traces = "S1"', 'traces = "S2"'), "no Test of 'S2' in 'alone'; tested are S1"),
    "unknown kind": (changed('kind = "mean"', 'kind = "average"'), "unknown value 'average'"),
    "unknown response": (changed('"field_potential"', '"field_potentials"'), "did you mean 'field_potential'"),
    "unknown score": (changed('score = "slope"', 'score = "hits"'), "unknown value 'hits'; use one of slope"),
    "unknown flag": (changed('flag = "R"', 'flag = "Z"'), "unknown value 'Z'"),
    "no value": (changed("value = 150.0\n", ""), "value: is missing; a mean needs its value"),
    "no error": (changed("error = 5.0\n", ""), "error: is missing; give error"),
    "bounds reversed": (changed("[0.05, 0.95]", "[0.95, 0.05]"), "the first must be smaller"),
    "start outside": (changed("start = 0.4", "start = 4"), "it must lie between 0.05 and 0.95"),
    "not TOML": (changed("[response]", "[response"), r"is not valid TOML: .*line"),
    "parameter unused": (changed('strength = "strength"', "strength = 0.4"), "parameters.strength: is used nowhere"),
    "event after the last test": (
        changed('{ test = "S1", at = "0 min" },', '{ test = "S1", at = "0 min" },\n{ release = "dopamine", at = "1 h" },'),
        "comes after the last Test",
    ),
    "wrong id": (changed('id = "one"', 'id = "two"'), "the file is named 'one.toml'; make them agree"),
    "unknown modulator": (
        changed('{ test = "S1", at = "0 min" },', '{ release = "opium", at = "0 min" },\n{ test = "S1", at = "0 min" },'),
        "release: unknown value 'opium'; use one of .*dopamine",
    ),
    "probability out of range": (
        ONE + '\n[modulators.dopamine]\nconversion = -1\n',
        "conversion: is -1; it must lie between 0",
    ),
    "unknown model setting": (ONE + "\n[model]\ntag_treshold = 0.3\n", "did you mean 'tag_threshold'"),
    "time constant out of range": (
        ONE + '\n[model]\ntau_early = "0 s"\n',
        "model.tau_early: is '0 s'; it must lie between 60",
    ),
    "time where a number belongs": (
        ONE + '\n[model]\ndurable_fraction = "1 s"\n',
        "model.durable_fraction: is '1 s'; write a number",
    ),
    "time constant without unit": (ONE + "\n[model]\ntau_early = 7200\n", "7200 is a time without a unit"),
    "empty": ("  \n", "is empty; start from one of the shipped studies"),
    "number as text": (changed('strength = "strength"', 'strength = "0.4"'), "is '0.4', which is text; remove the quotation marks and write 0.4"),
    "value as text": (changed("value = 150.0", 'value = "150"'), "value: is '150'; remove the quotation marks and write 150"),
    "bounds beyond a strength": (changed("[0.05, 0.95]", "[-5, 5]"), r"events\[1\].strength: the parameter 'strength' may take -5 to 5 \(parameters.strength.bounds\), but strength must lie between -0.999999 and 0.999999; narrow"),
    "bounds beyond a response": (
        changed('"field_potential"', '"field_potential"\nscale = "strength"').replace("[0.05, 0.95]", "[-0.5, 0.5]"),
        r"response.scale: the parameter 'strength' may take -0.5 to 0.5 .* between 0 and 10; narrow",
    ),
    "bounds beyond a modulator": (
        changed("[0.05, 0.95]", "[-0.5, 0.5]") + '\n[modulators.dopamine]\nconversion = "strength"\n',
        r"modulators.dopamine.conversion: the parameter 'strength' may take -0.5 to 0.5 .* narrow",
    ),
    "bounds beyond a model": (
        changed("[0.05, 0.95]", "[0.05, 0.95]") + '\n[model]\ntau_early = "strength"\n',
        r"model.tau_early: the parameter 'strength' may take 0.05 to 0.95 .* between 60 and .* narrow",
    ),
    "bounds beyond a relatedness": (
        changed('{ test = "S1"', '{ encode = "S2", at = "0 min", strength = 0.5 },\n{ test = "S1"').replace("[0.05, 0.95]", "[-0.5, 0.5]")
        .replace('name = "alone"', 'name = "alone"\nrelatedness = [{ traces = ["S1", "S2"], value = "strength" }]'),
        r"relatedness\[1\].value: the parameter 'strength' may take -0.5 to 0.5 .* between 0 and 1; narrow",
    ),
    "bounds beyond a category": (
        changed('strength = "strength" }', 'strength = "strength", category = "c" }').replace("[0.05, 0.95]", "[-0.5, 0.5]")
        .replace('name = "alone"', 'name = "alone"\nwithin_category = { c = "strength" }'),
        r"within_category.c: the parameter 'strength' may take -0.5 to 0.5 .* between 0 and 1; narrow",
    ),
    "bounds that cross": (
        changed('"field_potential"', '"freezing"\nfloor = "low"').replace('score = "slope"', 'score = "freezing"')
        .replace("[response]", '[parameters.low]\nstart = 5\nbounds = [0, 90]\ndescription = "floor"\n[response]'),
        r"response: Freezing has the floor 90 .*; narrow the bounds \(this is at low = 90\)",
    ),
    "one subject": (changed("error = 5.0", "sd = 5.0\nn = 1"), r"n: is 1; n counts the subjects in all .* at least 2"),
    "one subject in a group": (
        changed("error = 5.0", 'error = 5.0\nn = 1\ndesign = "two samples"'),
        "n: is 1; n counts the subjects in each of the two groups, and one has no spread: give at least 2",
    ),
    "nothing to test": (changed('{ test = "S1", at = "0 min" }', '{ test = "S1", at = "0 min" }, { test = "*", at = "0 min" }')
                        .replace('encode = "S1", at = "0 min"', 'encode = "S1", at = "1 min"'), "nothing is encoded by 0 s"),
    "related twice": (
        changed('{ test = "S1"', '{ encode = "S2", at = "0 min", strength = 0.5 },\n{ test = "S1"')
        .replace('name = "alone"', 'name = "alone"\nrelatedness = [{ traces = ["S1", "S2"], value = 1 }, { traces = ["S1", "S2"], value = 0 }]'),
        r"relatedness\[2\].traces: 'S1' and 'S2' are related twice; keep one",
    ),
    "not asleep": (changed('{ test = "S1"', '{ sleep = false, on = "0 h", off = "1 h" },\n{ test = "S1"'), "sleep: is false; write sleep = true"),
    "an endless label": (changed("value = 150.0", "value = 150.0\nx = inf"), "x: is inf; write a number or a label"),
    "contrast of nothing": (changed('traces = "S1"\n', "contrast = []\n"), "contrast: is empty; list its terms"),
    "a time at which nothing is tested": (changed('traces = "S1"\n', 'traces = "S1"\nat = "1 h"\n'), "no Test of 'S1' in 'alone' at 1 h; none is tested then"),
    "detected mean": (changed("value = 150.0", "value = 150.0\ndetected = true"), "detected: stands in an observation of kind 'mean'"),
    "a statistic without t": (changed("error = 5.0", "error = 5.0\nstatistic = { df = 5 }"), r"statistic.t: is missing"),
    "p in words": (changed("error = 5.0", 'error = 5.0\nstatistic = { t = 2, df = 5, p = "ns" }'), r"statistic.p: is 'ns'; write a number such as"),
    "prior outside": (changed("start = 0.4", "start = 0.4\nprior = { mean = 2, sd = 1 }"), "prior.mean: is 2.0; it must lie within the bounds, 0.05 to 0.95"),
    "prior without spread": (changed("start = 0.4", "start = 0.4\nprior = { mean = 0.4, sd = 0 }"), "prior.sd: is 0; it must be above zero"),
    "endless digits": (changed("value = 150.0", "value = 1" + "0" * 400), "value: is 10+; it must lie between"),
    "too many digits to read": (changed("value = 150.0", "value = 1" + "0" * 5000), "holds a number of thousands of digits; shorten it"),
    "endless bounds": (changed("[0.05, 0.95]", "[0.05, 1" + "0" * 400 + "]"), "bounds: is .*both finite"),
    "endless n": (changed("error = 5.0", "sd = 5.0\nn = 1" + "0" * 400), "n: is 10+; it must be at most 1000000000"),
    "brackets without end": (ONE + "\nx = " + "[" * 5000, "nested too deeply|not valid TOML"),
    "a table that is a number": ("parameters = 3\n" + changed("[parameters.strength]", "[model]"), r"parameters: is 3; write a table \[parameters\]"),
    "misspelt prior": (changed("start = 0.4", "start = 0.4\nprior = { mena = 0.4, sd = 1 }"), "mena: unknown key; did you mean 'mean'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_explained_with_file_key_value_and_remedy(name, write):
    text, message = BAD[name]
    path = write(text)
    with pytest.raises(StudyError, match=re.compile(message, re.DOTALL)) as caught:
        load_study(path)
    assert str(path) in str(caught.value)


def test_unknown_study_lists_the_known_ones():
    with pytest.raises(StudyError, match=r"unknown study 'zhu'; shipped studies are .*zhu_2022"):
        load_study("zhu")
    with pytest.raises(StudyError, match=r"nowhere.toml: cannot be read"):
        load_study("nowhere.toml")


COUNTS = (
    changed('"field_potential"', '"free_recall"')
    .replace('"slope"\ntraces', '"recalled"\ntraces')
    .replace('"mean"', '"counts"')
    .replace("value = 150.0\nerror = 5.0", "count = 13\nn = 20")
)
BAD_COUNTS = {
    "more than all": ("count = 13", "count = 21", r"count: is 21 of n = 20; it must lie between 0 and n"),
    "negative": ("count = 13", "count = -1", "count: is -1; write a whole number"),
    "half": ("count = 13", "count = 1.5", "count: is 1.5; write a whole number"),
    "no n": ("n = 20\n", "", "n: is missing; an observation of counts needs count and n"),
    "no count": ("count = 13\n", "", "count: is missing; an observation of counts"),
    "an error": ("n = 20", "n = 20\nerror = 0.1", "error: stands in an observation of counts, which has count and n; remove"),
    "a contrast": ('traces = "S1"', 'contrast = [{ traces = "S1" }]', "contrast: stands in an .* name one condition"),
    "not a probability": ('"free_recall"', '"field_potential"', "unknown value 'recalled'"),
}  # fmt: skip


def test_counts_are_read_as_count_of_n(write):
    (observation,) = load_study(write(COUNTS)).observations
    assert (observation.kind, observation.count, observation.n, observation.value) == ("counts", 13, 20, 0.65)
    assert math.isnan(observation.error)
    assert "13 of 20 (0.65)" in description(load_study(write(COUNTS)))


@pytest.mark.parametrize("name", BAD_COUNTS)
def test_counts_that_cannot_be_are_explained(name, write):
    old, new, message = BAD_COUNTS[name]
    assert old in COUNTS
    with pytest.raises(StudyError, match=message):
        load_study(write(COUNTS.replace(old, new)))


def test_a_slope_is_not_a_probability_and_cannot_be_counted(write):
    text = changed('"mean"', '"counts"').replace("value = 150.0\nerror = 5.0", "count = 13\nn = 20")
    with pytest.raises(StudyError, match="score: is 'slope', which is not a probability"):
        load_study(write(text))


def test_every_score_has_its_range():
    assert set(SCORE_RANGES) == {name for response in ALL_RESPONSES.values() for name in response.score_names}
    assert set(ALL_RESPONSES) == {*RESPONSES, "threshold"}


def test_a_prior_is_kept_as_it_is_written(write):
    study = load_study(write(changed("start = 0.4", "start = 0.4\nprior = { mean = 0.5, sd = 0.1 }")))
    assert study.parameters["strength"].prior == (0.5, 0.1)
    assert "prior 0.5 ± 0.1 (SD)" in description(study)
    assert load_study(write(ONE)).parameters["strength"].prior is None


def test_a_published_t_test_is_kept_as_it_is_written(write):
    written = 'error = 5.0\nstatistic = { t = 2.5, df = 9, p = "< .05" }'
    (observation,) = load_study(write(changed("error = 5.0", written))).observations
    assert observation.statistic == Statistic(2.5, 9, 0.05, True)


def test_the_first_of_several_mistakes_says_how_many_more_there_are(write):
    text = changed("start = 0.4", "start = 4").replace('flag = "R"', 'flag = "Z"')
    with pytest.raises(
        StudyError, match=r"parameters.strength.start: is 4; .* \(and 1 more, shown by engram check .*one"
    ):
        load_study(write(text))
