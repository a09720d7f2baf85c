"""A study file is read as a careful colleague would read it: every kind of problem is found and explained."""

import os
import re

import pytest

import fits
from fits import cli
from fits.check import check, report
from fits.checking.rounding import half_unit, ratio
from fits.study import load_study
from fits.tables import StudyError

CLEAN = """
[study]
id = "one"
title = "One"
citation = "Nobody (2026), simulated"
doi = "10.1000/one"
species = "simulated"
paradigm = "two traces"

[parameters.strength]
start = 0.4
bounds = [0.25, 0.75]
description = "encoding strength"

[response]
type = "free_recall"

[[condition]]
name = "weak"
events = [
  { encode = "words", at = "0 min", strength = "strength" },
  { test = "words", at = "30 min" },
]
[[condition]]
name = "strong"
events = [
  { encode = "words", at = "0 min", strength = 0.8 },
  { test = "words", at = "30 min" },
]

[[observation]]
name = "level"
kind = "mean"
panel = "recall"
measure = "words recalled"
unit = "proportion"
score = "recalled"
condition = "weak"
traces = "words"
value = 0.45
error = 0.05
sd = 0.2
n = 16
flag = "R"
source = "table 1"

[[observation]]
name = "gain"
kind = "mean"
panel = "recall"
measure = "words recalled"
unit = "proportion"
score = "recalled"
contrast = [
  { weight = 1, condition = "strong", traces = "words" },
  { weight = -1, condition = "weak", traces = "words" },
]
value = 0.109
error = 0.05
n = 30
design = "paired"
statistic = { t = 2.18, df = 29, p = 0.038 }
flag = "R"
source = "table 2"

[[observation]]
name = "found"
kind = "detected"
panel = "found"
measure = "words recalled"
unit = "proportion"
score = "recalled"
contrast = [
  { weight = 1, condition = "strong", traces = "words" },
  { weight = -1, condition = "weak", traces = "words" },
]
detected = true
n = 20
sd = 0.2
design = "two samples"
flag = "A"
source = "abstract"
note = "the spread is assumed"
"""


@pytest.fixture
def write(tmp_path):
    def writer(text):
        path = tmp_path / "one.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return writer


def changed(*pairs):
    text = CLEAN
    for old, new in pairs:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return text


FOUND = CLEAN[CLEAN.index('[[observation]]\nname = "found"') :]
SEEN = 'note = "the spread is assumed"'

# the change, the severity, the key, and the words of the value and the remedy
PROBLEMS = {
    "a proportion above one": ([("value = 0.45", "value = 1.3")], "error", "observation[1].value",
                               ["is 1.3", "between 0 and 1", "table 1"]),
    "a percentage for a proportion": ([("value = 0.45", "value = 45")], "error", "observation[1].value",
                                      ["is 45", "if it is a percentage, write 0.45", "divide_by = 0.01"]),
    "a difference beyond its contrast": ([("value = 0.109", "value = -1.2")], "error", "observation[2].value",
                                         ["-1.2", "between -1 and 1"]),
    "a spread in percent": ([("sd = 0.2\ndesign", "sd = 20\ndesign")], "error", "observation[3].sd",
                            ["is 20", "write 0.2"]),
    "a spread that no people have": ([("error = 0.05\nsd = 0.2", "sd = 0.9")], "error", "observation[1].sd",
                                     ["is 0.9", "a mean of 0.45 between 0 and 1", "at most 0.514", "correct one"]),
    "trials that are not laid out": ([("[response]", "[trials]\nfolders = 'events'\n[response]")], "error",
                                     "trials.folders", ["unknown key", "'folder'"]),
    "an error that is no sd over root n": ([("error = 0.05", "error = 0.15")], "error", "observation[1].error",
                                           ["is 0.15", "sd = 0.2 and n = 16 make it 0.05", "correct or remove"]),
    "an sd for an error": ([("error = 0.05", "error = 0.2")], "error", "observation[1].error",
                           ["is 0.2", "not the standard deviation"]),
    "a t that is not value over error": ([("t = 2.18, df = 29, p = 0.038", "t = 3.5, df = 29")],
                                         "error",
                                         "observation[2].statistic.t", ["is 3.5", "0.109 / 0.05 = 2.18", "correct"]),
    "a t of the other sign": ([("t = 2.18", "t = -2.18")], "warning", "observation[2].statistic.t",
                              ["is -2.18", "signs differ", "sign of the contrast"]),
    "a p that t does not give": ([("p = 0.038", "p = 0.2")], "error", "observation[2].statistic.p",
                                 ["is 0.2", "p = 0.038", "correct t, df or p"]),
    "a one-sided p": ([("p = 0.038", "p = 0.019")], "error", "observation[2].statistic.p",
                      ["one-sided", "write twice"]),
    "a p below what t gives": ([("p = 0.038", 'p = "< .01"')], "error", "observation[2].statistic.p", ["is < 0.01"]),
    "a p of zero": ([("p = 0.038", "p = 0")], "warning", "observation[2].statistic.p", ["is 0", '"< .001"']),
    "df that n does not give": ([("df = 29", "df = 40")], "error", "observation[2].statistic.df",
                                ["is 40", "29 for 30 subjects", "correct n or df"]),
    "n of both groups together": ([(SEEN, f"{SEEN}\nstatistic = {{ t = 3.1, df = 18 }}")], "error",
                                  "observation[3].statistic.df", ["is 18", "both groups together: give n a group"]),
    "found with p above .05": ([(SEEN, f"{SEEN}\nstatistic = {{ t = 1.69, df = 38, p = 0.1 }}")], "error",
                               "observation[3].detected", ["significant", "p = 0.1", "correct one"]),
    "not found with p below .05": ([("detected = true", "detected = false\n"
                                     "statistic = { t = 2.7, df = 38, p = 0.01 }")],
                                   "error", "observation[3].detected", ["not significant", "p = 0.01"]),
    "found with a small t": ([(SEEN, f"{SEEN}\nstatistic = {{ t = 1.1, df = 38 }}")], "error",
                             "observation[3].detected", ["t = 1.1"]),
    "found in the wrong direction": ([(SEEN, f"{SEEN}\nstatistic = {{ t = -3.1, df = 38 }}")], "warning",
                                     "observation[3].statistic.t", ["-3.1", "turn the weights"]),
    "two observations of one name": ([('name = "gain"', 'name = "level"')], "error", "observation[2].name",
                                     ["'level'", "its own name"]),
    "two conditions of one name": ([('name = "strong"', 'name = "weak"')], "error", "condition[2].name",
                                   ["'weak'", "its own name"]),
    "an observation that is never tested": ([('traces = "words"\nvalue', 'traces = "faces"\nvalue')], "error",
                                            "observation[1].traces", ["no Test of 'faces'", "tested are words"]),
    "a trace that is never tested": ([('strength = 0.8 },', 'strength = 0.8 },\n{ encode = "clip", at = "1 min", '
                                       'strength = 0.5 },')], "note", "condition[2].events", ["clip", "test it"]),
    "a test that is not read": ([('strength = 0.8 },', 'strength = 0.8 },\n{ test = "words", at = "20 min" },'),
                                 ('condition = "strong", traces = "words"', 'condition = "strong", traces = "words", '
                                  'at = "30 min"'), ('condition = "strong", traces = "words" }',
                                  'condition = "strong", traces = "words", at = "30 min" }')], "note",
                                "condition[2].events", ["tests words", "no observation reads"]),
    "two times of test averaged": ([('strength = 0.8 },', 'strength = 0.8 },\n{ test = "words", at = "20 min" },')],
                                   "warning", "observation[2].at", ["20 min, 30 min", 'at = "30 min"']),
    "a condition that is not read": ([('[[observation]]\nname = "level"', '[[condition]]\nname = "idle"\nevents = [{ '
                                       'encode = "words", at = "0 min", strength = 0.3 }, { test = "words", at = '
                                       '"1 h" }]\n[[observation]]\nname = "level"')], "warning", "condition[3]",
                                     ["'idle'", "read by no observation"]),
    "two conditions that are the same": ([("strength = 0.8", 'strength = "strength"')], "warning", "condition[2]",
                                         ["'strong'", "same in every event", "'weak'", "correct what differs"]),
    "a test before its encoding": ([('"0 min", strength = 0.8', '"20 min", strength = 0.8'),
                                    ('strength = 0.8 },\n  { test = "words", at = "30 min"',
                                     'strength = 0.8 },\n  { test = "words", at = "10 min"')], "error",
                                   "condition[2].events", ["'words'", "add an Encode before it"]),
    "an event after the last test": ([('strength = 0.8 },',
                                       'strength = 0.8 },\n{ release = "dopamine", at = "2 h" },')],
                                     "error", "condition[2].events[2]", ["2 h", "remove it, or add a Test"]),
    "no n": ([("sd = 0.2\nn = 16\n", "")], "warning", "observation[1].n", ["missing", "add the number"]),
    "more parameters than observations": ([
        ("[response]", '[parameters.sensitivity]\nstart = 4\nbounds = [1, 9]\ndescription = "a"\n[parameters.other]\n'
         'start = 0.7\nbounds = [0.2, 0.9]\ndescription = "b"\n[parameters.threshold]\nstart = 1.5\nbounds = [0, 4]\n'
         'description = "c"\n[response]'),
        ('"free_recall"', '"free_recall"\nsensitivity = "sensitivity"\nthreshold = "threshold"'),
        ("strength = 0.8", 'strength = "other"')], "warning", "parameters", ["4 under", "(3)", "give them a prior"]),
    "a start at a bound": ([("start = 0.4", "start = 0.25")], "warning", "parameters.strength.start",
                           ["is 0.25", "start inside"]),
    "a wide linear scale": ([("[0.25, 0.75]", "[0.0005, 0.75]")], "note", "parameters.strength.bounds",
                            ["0.0005 to 0.75", 'scale = "log"']),
    "a parameter that nothing feels": ([('test = "words", at = "30 min" },\n]\n[[condition]]', 'release = "dopamine", '
        'at = "0 min", dose = "dose" }, { test = "words", at = "30 min" },\n]\n[[condition]]'),
        ("[response]", '[parameters.dose]\nstart = 1\nbounds = [0.5, 2]\ndescription = "dose"\n[response]'),
        ('{ weight = 1, condition = "strong", traces = "words" },', '{ weight = 1, condition = "strong", traces = '
         '"words" },')], "note", "parameters.dose", ["no prediction under EncodingOnly"]),
    "a test within seconds": ([('"30 min" },\n]\n[[condition]]', '"5 s" },\n]\n[[condition]]')], "note",
                              "condition[1].events", ["5 s after", "As it was read: 0 min: encode", "Correct"]),
    "minutes written as hours": ([('"30 min" },\n]\n[[condition]]', '"30 h" },\n]\n[[condition]]')], "note",
                                 "condition[1].events", ["30 h stands here and 30 min in 'strong'", "1 d 6 h: test"]),
    "an assumption not called one": ([(SEEN, "")], "warning", "observation[3].note", ["sd = 0.2", "assumed", "add"]),
    "no doi": ([('doi = "10.1000/one"\n', "")], "note", "study.doi", ["missing", "add it"]),
    "no doi proper": ([('"10.1000/one"', '"https://doi.org/10.1000/one"')], "warning", "study.doi",
                      ["https://doi.org", "from its 10 on"]),
    "no citation": ([('citation = "Nobody (2026), simulated"\n', "")], "error", "study.citation", ["missing", "add"]),
    "no flag": ([('flag = "R"\n', "")], "error", "observation[1].flag", ["missing", "add"]),
    "a number from an abstract": ([('flag = "R"', 'flag = "A"')], "warning", "observation[1].flag",
                                  ['"A"', "say where it was read"]),
    "mixed units": ([('unit = "proportion"', 'unit = "words"')], "warning", "observation.unit",
                    ["'recall'", "'words' and 'proportion'", "make them agree"]),
    "percent for a proportion": ([('unit = "proportion"', 'unit = "%"')], "warning", "observation[1].unit",
                                 ["'%'", "divide_by = 0.01"]),
    "no control": ([('  { weight = -1, condition = "weak", traces = "words" },\n]\ndetected',
                     "]\ndetected")], "warning", "observation[3].contrast", ["sum to 1", "add the control"]),
    "weights of no meaning": ([("weight = -1", "weight = -0.4")], "note", "observation[2].contrast",
                              ["sum to 0.6", "control missing?"]),
    "terms that cancel": ([('{ weight = -1, condition = "weak"', '{ weight = -1, condition = "strong"')], "error",
                          "observation[2].contrast", ["cancel", "compare two"]),
    "a result counted twice": ([(FOUND, FOUND + FOUND.replace('"found"', '"again"', 1))],
                               "warning", "observation[4]", ["'found'", "count twice"]),
    "an item encoded twice at once": ([('  { encode = "words", at = "0 min", strength = 0.8 },',
                                        '  { encode = "words", at = "0 min", strength = 0.8 },\n' * 2)], "warning",
                                      "condition[2]", ["encoded 2 times at 0", "encode it once"]),
    "the name of a study that comes along": ([('id = "one"', 'id = "nader_2000"')], "warning", "study.id",
                                             ["'nader_2000'", "name yours otherwise"]),
    "an error that hides others": ([("n = 20", "n = 1")], "note", "", ["check again once it is corrected"]),
    "not TOML": ([("[response]", "[response")], "error", "", ["not valid TOML", "line", "correct"]),
}  # fmt: skip


def found_by(path):
    return [(f.severity, f.place, f.message) for f in check(path)]


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_kind_of_problem_is_found_with_key_value_and_remedy(name, write):
    pairs, severity, place, words = PROBLEMS[name]
    findings = found_by(write(changed(*pairs)))
    there = [message for s, p, message in findings if s == severity and p.startswith(place)]
    assert any(all(word in message for word in words) for message in there), findings


def test_a_clean_file_gives_no_finding(write):
    assert check(write(CLEAN)) == []


def test_an_n_that_the_source_does_not_give_is_explained_by_the_note(write):
    assert check(write(changed(("sd = 0.2\nn = 16\n", 'note = "n is not given"\n')))) == []


@pytest.mark.parametrize("study", fits.shipped_studies())
def test_shipped_studies_give_notes_at_most(study):
    assert {finding.severity for finding in check(study)} <= {"note"}


def test_several_problems_in_one_file_are_all_reported(write):
    text = changed(
        ('species = "simulated"\n', ""),
        ("start = 0.4", "start = 4"),
        ("strength = 0.8", "strength = 1.8"),
        ('at = "30 min"', "at = 30"),
        ("value = 0.45", "value = 1.3"),
        ("flag = ", "falg = "),
        ("df = 29", "df = 40"),
        ("n = 20", "n = 1"),
    )
    findings = found_by(write(text))
    errors = {place.partition(" ")[0] for severity, place, _ in findings if severity == "error"}
    assert errors >= {
        "study.species",
        "parameters.strength.start",
        "condition[1].events[2].at",
        "condition[2].events[1].strength",
        "observation[1].falg",
        "observation[1].flag",
        "observation[2].statistic.df",
        "observation[3].n",
    }
    assert not any("unknown parameter" in message for _, _, message in findings)  # what is broken is there all the same


def test_a_condition_is_not_called_unread_where_its_observation_could_not_be(write):
    findings = found_by(write(changed(("value = 0.109", "value = 0.109\nfalg = 1"))))
    assert any("falg" in place for _, place, _ in findings)
    assert not any("read by no observation" in message for _, _, message in findings)


def test_a_condition_of_raw_trials_is_read_by_them(write):
    third = '[[condition]]\nname = "raw"\nevents = [ { encode = "words", at = "0 min", strength = 0.5 } ]\n'
    for trials, unread in (("", 1), ('[trials]\ncondition = "raw"\n', 0)):
        findings = found_by(write(changed(("[[condition]]", f"{trials}{third}[[condition]]"))))
        assert sum("the condition 'raw'" in message for _, _, message in findings) == unread


def test_the_place_says_which_observation_is_meant(write):
    (finding,) = [f for f in check(write(changed(("value = 0.45", "value = 1.3")))) if f.severity == "error"]
    assert finding.place == 'observation[1].value ("level")'


def test_one_message_about_several_places_is_given_once(write):
    pairs = [("[0.25, 0.75]", "[-5, 5]"), ("strength = 0.8", 'strength = "strength"')]
    errors = [f for f in check(write(changed(*pairs))) if f.severity == "error"]
    assert len(errors) == 1
    assert "condition[1].events[1].strength" in errors[0].place and "condition[2].events[1]" in errors[0].place


def test_a_missing_file_is_one_error(tmp_path):
    (finding,) = check(tmp_path / "nowhere.toml")
    assert (finding.severity, "cannot be read" in finding.message) == ("error", True)


def test_the_report_groups_findings_and_closes_with_a_summary(write):
    text, errors = report(write(changed(("value = 0.45", "value = 1.3"), ("start = 0.4", "start = 0.25"))))
    assert errors
    lines = text.splitlines()
    assert "one.toml" in lines[0]
    assert lines.index("1 error") < lines.index("1 warning")
    assert lines[-1] == "one.toml: 1 error and 1 warning. It cannot be relied on before the errors are corrected."
    text, errors = report(write(CLEAN))
    assert not errors
    assert text.endswith("one.toml: nothing to object to. It can be fitted.")
    assert re.search(r"As it was read\n  weak\n    0 min: encode words", text)  # in natural units, for a reader to see
    assert "ThresholdCapture: strength of the study" in text


def test_the_command_ends_in_2_where_there_are_errors_and_in_0_otherwise(write, capsys):
    assert cli.main(["check", str(write(CLEAN))]) == 0
    assert cli.main(["check", str(write(changed(("value = 0.45", "value = 1.3"))))]) == 2
    assert "observation[1].value" in capsys.readouterr().out
    assert cli.main(["check", "nader_200"]) == 2
    assert "did you mean nader_2000" in capsys.readouterr().err


def test_rounded_numbers_are_given_the_room_of_their_rounding():
    assert half_unit(0.21) == pytest.approx(0.005)
    low, high = ratio(0.21, 0.0977)
    assert low < 0.205 / 0.09775 < 2.15 < 0.215 / 0.09765 < high


def test_a_file_from_an_editor_that_marks_utf8_is_read(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(CLEAN, encoding="utf-8-sig")
    assert load_study(path).id == "one"


def test_what_is_no_study_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "one.toml"
    path.touch()
    os.truncate(path, 2_000_000_000)  # sparse: takes no room
    with pytest.raises(StudyError, match="has 2000 MB and at most 10 are read; raw trials belong into a table"):
        load_study(path)
    path.write_text(CLEAN.replace("0.45", "9" * 5000))
    with pytest.raises(StudyError, match="a number of thousands of digits; shorten it"):
        load_study(path)
    pipe = tmp_path / "two.toml"
    os.mkfifo(pipe)  # would be waited for
    with pytest.raises(StudyError, match=r"two\.toml: is not an ordinary file; give the path of a \.toml file"):
        load_study(pipe)


def test_numbers_that_contradict_one_another_are_not_fitted(write, tmp_path, capsys):
    path = write(changed(("value = 0.45", "value = 1.3"), ("p = 0.038", "p = 0.2")))
    fitting = ("fit", str(path), "--model", "EncodingOnly", "--out", str(tmp_path / "new"), "--starts", "1")
    assert cli.main(fitting) == 2
    said = capsys.readouterr().err
    assert 'observation[1].value ("level"): is 1.3, but' in said and 'leave it out with kind = "shown"' in said
    assert "(and 1 more, shown by engram check" in said
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.toml"]
    good = changed(('"mean"', '"shown"'), ("value = 0.45", "value = 1.3"))
    write(good)
    assert cli.main(fitting) == 0  # the user has said so
