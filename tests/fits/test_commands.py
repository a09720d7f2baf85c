"""The long commands: what they write, what survives an interrupt, and what they refuse."""

import os
from pathlib import Path

import pandas
import pytest
from test_cli import STUDY

import fits
from fits import cli, commands, estimation


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def refused(capsys, *arguments):
    assert cli.main(arguments) == 2
    return capsys.readouterr().err


FIT = ("fit", "tiny.toml", "--model", "ThresholdCapture", "--out", "new", "--starts", "3")


def test_a_fit_with_profiles_is_written_and_loads(folder, capsys):
    assert cli.main([*FIT, "--profiles"]) == 0
    said = capsys.readouterr().out
    assert "Profile-likelihood intervals" in said and "fits.load('new')" in said
    profiles = pandas.read_csv("new/profiles.csv")
    assert list(profiles.parameter) == ["strength"]
    (loaded,) = fits.load("new")
    assert loaded.estimates.estimate[0] == pytest.approx(pandas.read_csv("new/estimates.csv").estimate[0], rel=1e-12)
    assert sorted(os.listdir()) == ["new", "tiny.toml"]


def test_an_interrupted_fit_says_what_is_kept_and_goes_on(folder, capsys, monkeypatch):
    assert cli.main([*FIT[:5], "whole", *FIT[6:]]) == 0
    search, calls = estimation.search, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return search(*arguments)

    capsys.readouterr()
    monkeypatch.setattr(estimation, "search", interrupted)
    assert cli.main([*FIT, "--workers", "1"]) == 130
    said = capsys.readouterr().err
    assert "new.partial.jsonl" in said and "--resume" in said and "finished pieces are kept" in said
    assert not Path("new").exists()
    monkeypatch.setattr(estimation, "search", search)
    assert "go on with --resume" in refused(capsys, *FIT)
    assert cli.main([*FIT, "--resume"]) == 0
    assert not Path("new.partial.jsonl").exists()
    assert Path("new/starts.csv").read_text() == Path("whole/starts.csv").read_text()
    assert "nothing to resume" in refused(capsys, *FIT, "--resume")


def test_profiles_that_are_finished_survive_an_interrupt(folder, capsys, monkeypatch):
    options = ["--model", "ThresholdCapture", "LinearCapture", "--starts", "2", "--profiles"]
    assert cli.main(["fit", "tiny.toml", "--out", "whole", *options]) == 0
    walk, calls = commands.profile, []

    def interrupted(*arguments, **others):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return walk(*arguments, **others)

    monkeypatch.setattr(commands, "profile", interrupted)
    assert cli.main(["fit", "tiny.toml", "--out", "new", *options]) == 130
    assert cli.main(["fit", "tiny.toml", "--out", "new", *options, "--resume"]) == 0
    assert len(calls) == 3  # the first was not repeated
    assert Path("new/profiles.csv").read_text() == Path("whole/profiles.csv").read_text()


def test_recovery_is_written_with_a_confusion_of_models(folder, capsys):
    models = ["ThresholdCapture", "EncodingOnly"]
    assert cli.main(["recover", "tiny.toml", "--model", *models, "--n", "4", "--out", "back"]) == 0
    said = capsys.readouterr().out
    assert "4 simulations" in said and "preferred" in said
    confusion = pandas.read_csv("back/confusion.csv")
    assert confusion[models].sum(axis=1).tolist() == [4, 4]
    assert set(pandas.read_csv("back/recovery-table.csv").model) == set(models)
    assert {"confusion.png", "coverage-EncodingOnly.svg", "recovery-ThresholdCapture.png"} <= set(os.listdir("back"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--participants"], "--participants is for raw trials; add --trials"),
        (["--level", "item"], "--level is for raw trials"),
        (["--trials", "nowhere.csv", "--resume"], "--resume does not work with --trials"),
        (["--trials", "nowhere.csv"], "tiny"),
    ],
)
def test_options_of_raw_trials_go_together(folder, capsys, arguments, words):
    assert words in refused(capsys, *FIT, *arguments)
    assert sorted(os.listdir()) == ["tiny.toml"]


@pytest.mark.parametrize("value", ["-0.1", "2", "wide"])
def test_a_spread_outside_its_range_is_refused(folder, capsys, value):
    arguments = ["recover", "tiny.toml", "--model", "EncodingOnly", "--out", "new", f"--spread={value}"]
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2 and "not a number from 0 to 1" in capsys.readouterr().err


def test_participants_are_compared_over_models():
    people = [
        pandas.DataFrame({"participant": list("abcdef"), "n_trials": 100, "log_likelihood": values})
        for values in ([-50.0] * 6, [-58.0] * 5 + [-40.0])
    ]

    class One:
        def __init__(self, model):
            self.model, self.n_parameters = model, 3

    table = commands._frequencies([One("A"), One("B")], people).set_index("model")
    assert table.frequency["A"] > 0.6 > 0.4 > table.frequency["B"]
    assert commands._frequencies([One("A")], people[:1]).frequency.tolist() == [1.0]
