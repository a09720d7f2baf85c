"""The engram command: what it prints and writes, and one helpful sentence for everything a user can put right."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

import engram
from fits import cli, commands, estimation, results
from fits.output_folder import OutputError, check_folder, output_folder, remedy

STUDY = """
[study]
id = "tiny"
title = "A shock after a scene"
citation = "Nobody (2020), Journal of Examples 1:1"
species = "nobody"
paradigm = "made up"
[parameters.strength]
start = 0.5
bounds = [0.1, 0.9]
description = "encoding strength"
[response]
type = "field_potential"
[[condition]]
name = "shock"
events = [
  { encode = "scene", at = "0 min", strength = "strength" },
  { release = "dopamine", at = "10 min", dose = 0.5 },
  { test = "scene", at = "30 min" },
]
[[condition]]
name = "none"
events = [{ encode = "scene", at = "0 min", strength = 0.4 }, { test = "scene", at = "30 min" }]
[[observation]]
name = "strength after a shock"
kind = "mean"
condition = "shock"
traces = "scene"
score = "slope"
value = 140
error = 5
measure = "fEPSP"
unit = "%"
panel = "after 30 min"
x = "shock"
source = "figure 1"
flag = "R"
[[observation]]
name = "shock against none"
kind = "detected"
detected = true
contrast = [
  { weight = 1, condition = "shock", traces = "scene" },
  { weight = -1, condition = "none", traces = "scene" },
]
n = 8
sd = 10
score = "slope"
measure = "difference of fEPSP"
unit = "%"
panel = "found or not"
x = "shock - none"
source = "abstract"
flag = "A"
note = "the spread is assumed"
"""
PROTOCOL = """
events = [
  { encode = "scene", at = "0 min", strength = 0.4 },
  { encode = "shock", at = "30 min", strength = 0.8 },
  { release = "dopamine", at = "30 min" },
  { test = "scene", at = "24 h" },
]
relatedness = [{ traces = ["scene", "shock"], value = 0.5 }]
[model]
tau_early = "2 h"
"""


def engram_command(*words):
    """The exit code of one command line."""
    try:
        return cli.main([str(word) for word in words])
    except SystemExit as end:
        return end.code


def refused(capsys, *words):
    """The one sentence in which a command line is refused."""
    assert engram_command(*words) == 2
    output = capsys.readouterr()
    assert output.out == ""
    sentences = [line for line in output.err.splitlines() if not line.startswith(("engram: compiling", "fitting"))]
    assert len(sentences) == 1, output.err
    assert sentences[0].startswith("engram: ")
    return sentences[0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(STUDY, encoding="utf-8")
    Path("protocol.toml").write_text(PROTOCOL, encoding="utf-8")
    return tmp_path


BAD_STUDIES = {
    "a misspelt key": ('species = "nobody"', 'speceis = "nobody"', ["tiny.toml", "study.speceis", "'species'"]),
    "not TOML": ("start = 0.5", "start = ", ["tiny.toml", "TOML", "line"]),
    "an unknown trace": ('{ test = "scene", at = "30 min" },', '{ test = "scnee", at = "30 min" },',
                         ["tiny.toml", "condition[1]", "'scnee'", "scene"]),
    "an unknown modulator": ('release = "dopamine"', 'release = "dopamin"', ["tiny.toml", "'dopamin'", "dopamine"]),
    "a time without a unit": ('at = "10 min"', "at = 10", ["tiny.toml", "events[2].at", "10", "unit"]),
    "an unknown unit": ('at = "10 min"', 'at = "10 lustra"', ["tiny.toml", "events[2].at", "lustra", "min"]),
    "a negative time": ('at = "10 min"', 'at = "-10 min"', ["tiny.toml", "events[2].at", "-10 min", "negative"]),
    "a time that is not a number": ('at = "10 min"', "at = nan", ["tiny.toml", "events[2].at", "nan", "unit"]),
    "an event after the last test": ('at = "10 min"', 'at = "40 min"', ["tiny.toml", "condition[1]", "after the last"]),
    "a strength above one": ("strength = 0.4", "strength = 1.4", ["tiny.toml", "events[1].strength", "1.4", "between"]),
    "a fraction that is not a number": ("strength = 0.4", "strength = nan", ["events[1].strength", "nan", "between"]),
    "a cue above one": ('{ test = "scene", at = "30 min" },', '{ test = "scene", at = "30 min", cue = 1.2 },',
                        ["tiny.toml", "events[3].cue", "1.2", "between 0 and 1"]),
    "an unknown response": ('"field_potential"', '"field_potentials"', ["response.type", "'field_potential'"]),
    "an unknown score": ('score = "slope"\nvalue', 'score = "slop"\nvalue', ["observation[1].score", "'slope'"]),
    "bounds the wrong way round": ("[0.1, 0.9]", "[0.9, 0.1]", ["parameters.strength.bounds", "smaller"]),
    "a missing error": ("error = 5\n", "", ["observation[1].error", "missing"]),
}  # fmt: skip


@pytest.mark.parametrize("old, new, words", BAD_STUDIES.values(), ids=BAD_STUDIES)
def test_a_study_that_cannot_be_used_is_refused_in_one_sentence_and_leaves_nothing(folder, capsys, old, new, words):
    assert STUDY.count(old) == 1
    Path("tiny.toml").write_text(STUDY.replace(old, new), encoding="utf-8")
    sentence = refused(capsys, "fit", "tiny.toml", "--model", "EncodingOnly", "--out", "new")
    for word in words:
        assert word in sentence
    assert sorted(os.listdir()) == ["protocol.toml", "tiny.toml"]


FIT = ["fit", "tiny.toml", "--model", "EncodingOnly", "--out"]
BAD_COMMANDS = {
    "unknown study": (["studies", "hennings_2012"], ["'hennings_2012'", "did you mean hennings_2021"]),
    "missing file": (["studies", "nowhere.toml"], ["nowhere.toml", "cannot be read"]),
    "empty file": (["studies", "empty.toml"], ["empty.toml", "is empty"]),
    "unknown model": ([*FIT, "new", "--model", "TresholdCapture"], ["did you mean ThresholdCapture"]),
    "unknown model to predict": (["predict", "Linear", "protocol.toml"], ["'Linear'", "did you mean LinearCapture"]),
    "study twice": ([*FIT[:1], "./tiny.toml", *FIT[1:], "new"], ["'tiny'", "once"]),
    "study twice by one name": (["fit", "tiny.toml", "tiny.toml", *FIT[2:], "new"], ["'tiny.toml'", "twice", "once"]),
    "shipped study twice": (["fit", "nader_2000", "nader_2000", *FIT[2:], "new"], ["study 'nader_2000'", "twice"]),
    "model twice": ([*FIT, "new", "--model", "EncodingOnly"], ["model 'EncodingOnly'", "name each model once"]),
    "a table of another": (["predict", "EncodingOnly", "protocol.toml", "--out", "data.csv"],
                           ["data.csv", "is there already", "name another file, or delete it"]),
    "a table in a file": (["predict", "EncodingOnly", "protocol.toml", "--out", "tiny.toml/states.csv"],
                          ["engram: tiny.toml/states.csv: cannot be written", "a part of the path is a file"]),
    "no such folder": (["predict", "EncodingOnly", "protocol.toml", "--out", "nowhere/states.csv"],
                       ["nowhere/states.csv", "No such file or directory", "make the folder"]),
    "no starts": ([*FIT, "new", "--starts", "0"], ["--starts", "'0'"]),
    "no output": (["fit", "tiny.toml", "--model", "EncodingOnly"], ["--out"]),
    "no model": (["fit", "tiny.toml", "--out", "new"], ["--model"]),
    "time without unit": (["predict", "EncodingOnly", "protocol.toml", "--at", "30"], ["--at", "'30'", "30 min"]),
    "negative time": (["predict", "EncodingOnly", "protocol.toml", "--at=-3 h"], ["--at", "'-3 h'", "negative"]),
    "not a time": (["predict", "EncodingOnly", "protocol.toml", "--at", "nan h"], ["--at", "'nan h'", "30 min"]),
    "not a table": (["predict", "EncodingOnly", "protocol.toml", "--out", "protocol.toml"], ["protocol.toml", ".csv"]),
    "no protocol": (["predict", "EncodingOnly", "empty.toml"], ["empty.toml", "is empty; start from events"]),
    "a study for a protocol": (["predict", "EncodingOnly", "tiny.toml"], ["tiny.toml", "unknown key"]),
    "files of others": ([*FIT, "theirs"], ["theirs", "engram did not write"]),
    "a file for a folder": ([*FIT, "tiny.toml"], ["tiny.toml", "is a file"]),
    "a folder in a file": (["reproduce", "--out", "tiny.toml/report"], ["tiny.toml/report", "is a file"]),
    "the current folder": (["reproduce", "--out", "."], ["current folder", "name another"]),
    "unknown command": (["fti"], ["fti"]),
}  # fmt: skip


@pytest.mark.parametrize("words, expected", BAD_COMMANDS.values(), ids=BAD_COMMANDS)
def test_a_command_that_cannot_be_carried_out_is_refused_in_one_sentence(folder, capsys, words, expected):
    Path("empty.toml").touch()
    Path("data.csv").write_text("subject,score\n1,0.5\n")
    Path("theirs").mkdir()
    Path("theirs/notes.txt").write_text("mine")
    before = sorted(os.listdir())
    sentence = refused(capsys, *words)
    for part in expected:
        assert part in sentence
    assert sorted(os.listdir()) == before
    assert Path("tiny.toml").read_text(encoding="utf-8") == STUDY
    assert Path("protocol.toml").read_text(encoding="utf-8") == PROTOCOL
    assert os.listdir("theirs") == ["notes.txt"]
    assert Path("data.csv").read_text() == "subject,score\n1,0.5\n"


BAD_PROTOCOLS = {
    "an unknown modulator": ('release = "dopamine"', 'release = "dopamin"', ["'dopamin'", "dopamine"]),
    "an unknown parameter": ("tau_early", "tau_earl", ["model.tau_earl", "'tau_early'"]),
    "a parameter outside its bounds": ('"2 h"', '"2 s"', ["tau_early", "2", "60"]),
    "an unknown trace": ('["scene", "shock"]', '["scene", "shok"]', ["'shok'", "shock"]),
    "a relatedness above one": ("value = 0.5", "value = 1.5", ["relatedness[1].value", "1.5", "between 0 and 1"]),
    "a number by name": ("strength = 0.8", 'strength = "strong"', ["events[2].strength", "'strong'"]),
    "a number in quotation marks": ("strength = 0.8", 'strength = "0.8"', ["events[2].strength", "and write 0.8"]),
    "a setting in quotation marks": ('"2 h"', '"2 h"\ntag_threshold = "0.3"', ["tag_threshold", "quotation marks"]),
    "a misspelt table": ("[model]", "[modle]", ["modle", "'model'"]),
}  # fmt: skip


@pytest.mark.parametrize("old, new, words", BAD_PROTOCOLS.values(), ids=BAD_PROTOCOLS)
def test_a_protocol_that_cannot_be_run_is_refused_with_its_file(folder, capsys, old, new, words):
    Path("protocol.toml").write_text(PROTOCOL.replace(old, new), encoding="utf-8")
    sentence = refused(capsys, "predict", "EncodingOnly", "protocol.toml", "--out", "states.csv")
    for word in ["protocol.toml", *words]:
        assert word in sentence
    assert sorted(os.listdir()) == ["protocol.toml", "tiny.toml"]


def test_a_fit_that_does_not_converge_is_refused_and_leaves_nothing(folder, capsys, monkeypatch):
    def fails(objective, position, anchor=None):
        return dict(log_likelihood=-1.0, value=1.0, converged=False, message="gave up", evaluations=1, x=position)

    monkeypatch.setattr(estimation, "search", fails)
    sentence = refused(capsys, "fit", "tiny.toml", "--model", "EncodingOnly", "--out", "new", "--starts", "2")
    for word in ("EncodingOnly", "tiny", "gave up", "more starts"):
        assert word in sentence
    assert not Path("new").exists()
    assert sorted(os.listdir()) == ["protocol.toml", "tiny.toml"]


def test_a_full_disk_leaves_no_half_results_and_what_was_finished_is_not_lost(folder, capsys, monkeypatch):
    def fills(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "estimates.csv")

    monkeypatch.setattr(results, "write_tables", fills)
    sentence = refused(capsys, "fit", "tiny.toml", "--model", "EncodingOnly", "--out", "a/b", "--starts", "1")
    assert "estimates.csv" in sentence and "space" in sentence
    assert os.listdir("a") == ["b.partial.jsonl"]
    monkeypatch.undo()
    os.chdir(folder)
    again = ("fit", "tiny.toml", "--model", "EncodingOnly", "--out", "a/b", "--starts", "1", "--resume")
    assert engram_command(*again) == 0 and os.listdir("a") == ["b"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_refused_before_any_work(folder, capsys):
    Path("closed").mkdir(mode=0o500)
    assert "not writable" in refused(capsys, "fit", "tiny.toml", "--model", "EncodingOnly", "--out", "closed/new")


@pytest.mark.parametrize(
    "number, words",
    {errno.ENOSPC: "free some space", errno.EACCES: "permission", errno.EROFS: "on that disk", errno.ENOENT: "make the",
     errno.ENAMETOOLONG: "shorter", errno.ENOTDIR: "is a file", errno.EIO: "name another place"}.items(),
)  # fmt: skip
def test_an_error_of_the_disk_is_met_with_what_helps_against_it(number, words):
    assert words in remedy(OSError(number, os.strerror(number)))


def test_an_interrupt_ends_in_130_and_leaves_nothing(folder, capsys, monkeypatch):
    def interrupts(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "fit", interrupts)
    assert engram_command("fit", "tiny.toml", "--model", "EncodingOnly", "--out", "new") == 130
    assert "interrupted" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["protocol.toml", "tiny.toml"]


def test_a_mistake_of_ours_is_not_passed_off_as_one_of_the_user(folder, monkeypatch):
    def breaks(*_, **__):
        int("a bug")

    monkeypatch.setattr(commands, "fit", breaks)
    with pytest.raises(ValueError, match="a bug"):  # raised by Python itself, not by a check of ours
        engram_command("fit", "tiny.toml", "--model", "EncodingOnly", "--out", "new")
    assert not Path("new").exists()


def test_fit_writes_tables_and_figures_and_says_what_it_found(folder, capsys):
    words = ["fit", "tiny.toml", "--model", "EncodingOnly", "--starts", "2", "--out", "made"]
    assert engram_command(*words) == 0
    printed = capsys.readouterr().out
    assert "EncodingOnly on tiny" in printed and "strength" in printed and "AIC" in printed
    written = {path.name for path in Path("made").iterdir()}
    assert {"estimates.csv", "estimates.json", "starts.csv", "predictions.csv", "prediction-tiny.svg",
            "prediction-tiny.png", "starts.svg", "estimates.svg"} <= written  # fmt: skip
    assert "comparison.csv" not in written  # of one model there is nothing to compare
    content = json.loads(Path("made/estimates.json").read_text(encoding="utf-8"))
    assert content["made_with"]["command"] == "engram " + " ".join(words)
    assert content["fits"][0]["estimates"][0]["parameter"] == "strength"
    assert len(pandas.read_csv("made/starts.csv")) == 2
    predictions = pandas.read_csv("made/predictions.csv")
    assert predictions.observation.tolist() == ["strength after a shock", "shock against none"]

    # again: what engram wrote is replaced, what the user added stays
    Path("made/notes.txt").write_text("mine")
    Path("made/starts.csv").write_text("spoilt")
    assert engram_command(*words) == 0
    assert Path("made/notes.txt").read_text() == "mine"
    assert len(pandas.read_csv("made/starts.csv")) == 2
    assert sorted(os.listdir()) == ["made", "protocol.toml", "tiny.toml"]


def test_results_take_their_place_only_when_all_are_there(tmp_path):
    place = tmp_path / "place"
    with pytest.raises(RuntimeError), output_folder(place) as fresh:
        (fresh / "half.csv").write_text("")
        raise RuntimeError
    assert os.listdir(tmp_path) == []
    with output_folder(place) as fresh:
        (fresh / "whole.csv").write_text("first")
    with pytest.raises(RuntimeError), output_folder(place) as fresh:
        (fresh / "whole.csv").write_text("second")
        raise RuntimeError
    assert (place / "whole.csv").read_text() == "first"
    (place / "new.csv").write_text("of the user")
    with pytest.raises(OutputError, match=r"new\.csv"), output_folder(place) as fresh:
        (fresh / "new.csv").write_text("of engram")
    assert (place / "new.csv").read_text() == "of the user"
    (place / "new.csv").unlink()
    with output_folder(place, "fit") as fresh:
        (fresh / "whole.csv").write_text("fitted")
    with pytest.raises(OutputError, match=r"results of engram fit, which those of engram recover would replace"):
        check_folder(place, "recover")
    assert check_folder(place, "fit") == place
    assert os.listdir(tmp_path) == ["place"]


def test_predict_prints_the_states_at_tests_and_at_the_times_asked_for(folder, capsys):
    assert engram_command("predict", "EncodingOnly", "protocol.toml", "--at", "1 h", "2 h") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["read", "time", "trace"]
    assert len(lines) == 1 + 2 * 2 + 1  # two traces at two times, and the test
    assert engram_command("predict", "EncodingOnly", "protocol.toml", "--out", "states.csv") == 0
    words = ["predict", "EncodingOnly", "protocol.toml", "--at", "1 h", "--out", "states.csv"]
    assert engram_command(*words) == 0  # a table that predict wrote may be replaced
    assert len(pandas.read_csv("states.csv")) == 3
    assert engram_command("predict", "EncodingOnly", "protocol.toml", "--out", "states.csv") == 0
    table = pandas.read_csv("states.csv")
    run = engram.EncodingOnly(tau_early=7200).run(
        engram.Protocol(engram.Encode("scene", at=0, strength=0.4), engram.Test("scene", at=24 * engram.hour))
    )
    assert table.strength[0] == pytest.approx(run.strength("scene", at=24 * engram.hour))


def test_predict_says_which_settings_the_model_does_not_have(folder, capsys):
    Path("protocol.toml").write_text(PROTOCOL + "tag_threshold = 0.3\n", encoding="utf-8")
    assert engram_command("predict", "EncodingOnly", "protocol.toml") == 0
    assert "EncodingOnly has no parameter tag_threshold" in capsys.readouterr().err


def test_studies_lists_every_shipped_study_and_shows_each_in_full(capsys):
    from fits import load_study, shipped_studies

    assert engram_command("studies") == 0
    listed = capsys.readouterr().out
    for name in shipped_studies():
        assert name in listed
        assert engram_command("studies", name) == 0
        shown = " ".join(capsys.readouterr().out.split())
        for observation in load_study(name).observations:
            assert f"[{observation.flag}] {observation.name}:" in shown


def test_cache_says_where_kernels_are_and_clears_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ENGRAM_CACHE_DIR", str(tmp_path))
    kept = tmp_path / "kernels-0"
    kept.mkdir()
    (kept / "a.nbc").write_bytes(b"0" * 3_000_000)
    assert engram_command("cache") == 0
    assert capsys.readouterr().out == f"3.0 MB of compiled kernels in {tmp_path}\n"
    assert engram_command("cache", "--clear") == 0
    assert "3.0 MB" in capsys.readouterr().out
    assert not kept.exists()


def test_version_is_that_of_the_library(capsys):
    assert engram_command("--version") == 0
    assert capsys.readouterr().out == f"engram {engram.__version__}\n"


def test_help_answers_without_loading_anything_heavy():
    code = (
        "import sys\nfrom fits.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60,
                          cwd=Path(cli.__file__).parents[1])  # fmt: skip
    assert "reproduce" in done.stdout
    heavy = {"numpy", "scipy", "numba", "pandas", "matplotlib", "sympy", "jinja2", "tqdm", "platformdirs"}
    assert not heavy & set(done.stderr.split())
