"""Studies are read as the experiments ran, and every mistake in a file is explained."""

import re

import pytest

import fits
from engram import Encode, Reactivate, Release, Test, hour, minute
from fits.study import FLAGS, StudyError, load_study
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
