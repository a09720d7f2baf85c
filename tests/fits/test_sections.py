"""Long sections of the report: what is stored comes back, what is damaged or old is said, sentences are computed."""

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pandas
import pytest

import engram
from fits import commands, thorough
from fits.sections import SECTIONS, coverage, influence, models, profiles, recovery, store, transfer, trials
from fits.sections.pages import pages
from fits.sections.section import Piece, Section, Shown, Sizes
from fits.study import load_study

ORIGIN = store.Origin(
    command="engram reproduce --thorough", date="2020-01-01", seed=3, workers=2, machine="none",
    versions={"engram": engram.__version__}, sizes={"joint_starts": 16}, studies=store.digests_of_studies(),
    seconds=7.0,
)  # fmt: skip
TABLE = pandas.DataFrame(
    {
        "study": ["shared", "a, b"],
        "unit": ["1", "1"],
        "value": [-13386.573, math.nan],
        "note": ["", "ends ; here"],
        "covered": [True, False],
        "n": [3, 4],
    }
)


@pytest.fixture
def stored(tmp_path):
    store.write(tmp_path, "influence", {"one": TABLE, "none": TABLE.head(0)}, ORIGIN)
    return tmp_path


def test_what_is_stored_comes_back(stored):
    found = store.read(stored, "influence")
    pandas.testing.assert_frame_equal(found.tables["one"], TABLE, check_dtype=False)
    assert found.tables["one"].unit.tolist() == ["1", "1"] and found.tables["one"].covered.dtype == bool
    assert len(found.tables["none"]) == 0 and list(found.tables["none"]) == list(TABLE)
    assert found.origin == ORIGIN


@pytest.mark.parametrize("value", [math.pi * 1e-12, 1e300, -2 / 3, 0.0])
def test_numbers_are_stored_to_eight_digits(tmp_path, value):
    store.write(tmp_path, "x", {"t": pandas.DataFrame({"v": [value]})}, ORIGIN)
    assert store.read(tmp_path, "x").tables["t"].v[0] == pytest.approx(value, rel=5e-8)


def test_a_missing_section_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(store.StoreError, match=r"no results of transfer are stored.*engram reproduce --thorough"):
        store.read(tmp_path, "transfer")


def test_a_changed_table_is_not_shown(stored):
    path = stored / "influence" / "one.csv"
    path.write_text(path.read_text().replace("-13386.573", "-13380.573"))
    with pytest.raises(store.StoreError, match=r"influence/one\.csv: is not as it was stored"):
        store.read(stored, "influence")
    path.unlink()
    with pytest.raises(store.StoreError, match=r"influence/one\.csv: cannot be read"):
        store.read(stored, "influence")


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "cannot be read"), ("[1]", "is not what engram stores"), ("{}", "lacks 'command'"),
     ('{"tables": 3}', "lacks"), ('{"tables": {"one": "abc"}}', "lacks")],
)  # fmt: skip
def test_a_damaged_description_is_explained(stored, content, words):
    (stored / "influence" / "made.json").write_text(content)
    with pytest.raises(store.StoreError, match=words) as error:
        store.read(stored, "influence")
    assert "influence/made.json" in str(error.value) and "engram reproduce --thorough" in str(error.value)


def test_another_version_and_other_studies_are_said():
    assert store.differences(ORIGIN) == ""
    older = {**ORIGIN.studies, "zhu_2022": "0" * 12, "gone_1999": "0" * 12}
    older.pop("wang_2010")
    said = store.differences(store.Origin(**{**vars(ORIGIN), "versions": {"engram": "0.0.9"}, "studies": older}))
    assert said == (
        f"These numbers may no longer hold: they were made by engram 0.0.9, and this is {engram.__version__}; "
        "since then zhu_2022 was changed; since then wang_2010 was added; since then gone_1999 was removed."
    )


def test_everything_that_is_shipped_can_be_shown_and_is_small():
    folder = store.shipped()
    here = [section for section in SECTIONS if (folder / section.name).is_dir()]
    assert {path.name for path in folder.iterdir()} == {section.name for section in here} >= {"profiles", "recovery"}
    for section in here:
        shown = section.show(store.read(folder, section.name).tables)
        assert shown.says.endswith(".") and "nan" not in shown.says and shown.drawings and shown.change
        assert all(pickle.dumps(drawing.figure) for drawing in shown.drawings)  # other processes draw them
        for listing in shown.listings:
            assert set(listing.numeric) <= set(listing.cells.columns)
            assert listing.cells.map(lambda cell: isinstance(cell, str) and "nan" not in cell).to_numpy().all()
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 1_000_000


def test_a_page_shows_what_was_computed_and_else_what_is_stored(stored, tmp_path_factory):
    """Of the shipped results here, influence is damaged and the others are missing."""
    out = tmp_path_factory.mktemp("sections")
    (stored / "influence" / "one.csv").write_text("x")
    store.write(out, "models", {"fits": confused([("a", "a"), ("b", "b")])}, ORIGIN)
    found = {page.section.name: page for page in pages(out, stored)}
    assert found["models"].computed and found["models"].shown is not None and found["models"].problem == ""
    assert not found["influence"].computed and "not as it was stored" in found["influence"].problem
    assert "no results of recovery are stored" in found["recovery"].problem


def test_profiles_say_how_many_parameters_are_bounded():
    verdicts = ["identified", "identified", "flat", "one-sided"]
    intervals = pandas.DataFrame(dict(scope="joint", model="ThresholdCapture", verdict=verdicts))
    alone = pandas.DataFrame(dict(scope="alone", model="ThresholdCapture", verdict=["identified", "flat"]))
    optima = pandas.DataFrame(
        dict(scope=["joint", "alone"], model="ThresholdCapture", gain=[2.2, math.nan], found_at="")
    )
    said = profiles.sentence({"intervals": pandas.concat([intervals, alone]), "optima": optima})
    assert said.startswith(
        "The data bound on both sides 2 of the 4 parameters that all studies share under threshold capture and 1 of "
        "the 2 parameters of single studies that answers rest on."
    )
    assert "better optima" in said and "threshold capture 2.2 (all studies)" in said
    assert "better optima" not in profiles.sentence({"intervals": intervals, "optima": optima[1:]})


def test_influence_says_what_is_missed_and_who_pulls():
    residuals = pandas.DataFrame(dict(model="LinearCapture", residual=[0.1, -2.5, 1.0, 3.0], cook=[0.0, 2.0, 0.1, 0.9]))
    pulls = pandas.DataFrame(
        dict(model="LinearCapture", left_out=["a", "b"], parameter=["tau_tag"] * 2, shift=[0.5, -1.25])
    )
    said = influence.sentence({"residuals": residuals, "pulls": pulls})
    assert "lie 50 % under linear capture of the observations" in said and "for 1 under linear capture." in said
    assert said.endswith("b moves a shared parameter furthest: without it tau_tag would shift by −1.25 standard errors "
                         "(linear capture).")  # fmt: skip


def test_transfer_names_the_studies_that_fail():
    studies = pandas.DataFrame(
        dict(model="EncodingOnly", study=["a", "b", "c"], p_value=[0.5, 0.001, math.nan], gained=[1.0, -1.0, 0.0])
    )
    detections = pandas.DataFrame(dict(model="EncodingOnly", p_value=[0.5, 0.01]))
    said = transfer.sentence({"studies": studies, "detections": detections})
    assert "fails 1 of 3 studies (b) and does better than the model's default values for 1" in said
    assert said.endswith("differ from the observed frequency: 1 of 2 under encoding only.")


def test_recovery_counts_what_is_identified_and_what_covers_too_little():
    summary = pandas.DataFrame(
        dict(model="EncodingOnly", study=["shared", "shared", "a"], simulations=20, identified=[0.9, 0.2, 1.0],
             coverage=[0.95, math.nan, 0.5], finding=["covered", "not identified", "covers too little"])
    )  # fmt: skip
    starts = pandas.DataFrame(dict(model=["EncodingOnly"], differ=[1], compared=[5]))
    said = recovery.sentence({"summary": summary, "starts": starts})
    assert "identify 1 of the 2 shared parameters" in said and "for 1 of 2 parameters in all" in said
    assert "(20 simulations of each model)" in said and "Of 5 simulations" in said and "1 ended below" in said


def test_coverage_names_the_parameters_whose_intervals_hold_too_little():
    rows = [
        dict(simulation=k, study="s", parameter=name, scale="linear", true=0.1 * k, estimate=0.1 * k,
             covered="True" if k < held else "False", verdict="identified" if k < seen else "flat", model="a")
        for name, seen, held in (("good", 20, 19), ("bad", 20, 8), ("loose", 4, 4)) for k in range(20)
    ]  # fmt: skip
    simulations = pandas.DataFrame(rows)
    simulations.loc[simulations.verdict == "flat", "covered"] = ""
    said = coverage.sentence({"simulations": simulations})
    assert said.startswith("Of 3 parameters of studies fitted alone, the profiles of half of the simulations or more "
                           "identify 2, and 3 are called identified in some.")  # fmt: skip
    assert "70 % hold the truth (nominal: 95 %); too few do for bad of s." in said
    cells = coverage.SECTION.show({"simulations": simulations}).listings[0].cells.set_index("parameter")
    assert cells.finding.to_dict() == {"good": "covered", "bad": "covers too little", "loose": "not identified"}


def confused(pairs):
    """Simulations of a model (first), in which AIC and BIC prefer another (second)."""
    rows = []
    for number, (made, preferred) in enumerate(pairs):
        for name in ("a", "b"):
            value = 0.0 if name == preferred else 5.0
            rows.append(dict(simulated=made, simulation=number, fitted=name, aic=value, bic=value))
    return pandas.DataFrame(rows)


def test_confusion_counts_the_right_preferences():
    said = models.sentence({"fits": confused([("a", "a"), ("a", "a"), ("a", "b"), ("b", "b")])})
    assert (
        "AIC prefers the model that made the data in 2 of 3 simulations of a and 1 of 1 simulations of b (75 %)" in said
    )


def test_trials_are_compared_over_all_and_over_people():
    fits = pandas.DataFrame(
        dict(model=["ThresholdCapture", "EncodingOnly"], participants=6, unanswered=2, n_observations=600,
             aic=[100.0, 112.0])
    )  # fmt: skip
    people = pandas.DataFrame(
        [dict(participant=who, n_trials=100, n_parameters=size, log_likelihood=value, model=model)
         for model, size, value in (("ThresholdCapture", 10, -50.0), ("EncodingOnly", 8, -58.0)) for who in "abcdef"]
    )  # fmt: skip
    said = trials.sentence({"fits": fits, "participants": people})
    assert said.startswith("Over the 600 answered trials of 6 people (2 more were not answered), threshold capture is "
                           "strongly preferred (ΔAIC: encoding only 12.0).")  # fmt: skip
    table = trials.frequencies(people).set_index("model")
    assert table.frequency["ThresholdCapture"] > 0.5 > table.frequency["EncodingOnly"]


def test_a_thorough_run_keeps_finished_pieces_and_goes_on_to_the_same_bytes(tmp_path, monkeypatch, capsys):
    """With one study and a section of two pieces, the second of which is interrupted once."""
    from fits import cli

    ran = []

    def piece(name, fail):
        def compute(work, progress):
            ran.append(name)
            progress(0)
            if fail and ran.count(name) == 1:
                raise KeyboardInterrupt
            return {"t": pandas.DataFrame({"piece": [name], "value": np.array([work.joint[0].log_likelihood])})}

        return Piece(name, 2.0 if fail else 1.0, 1, compute)

    def show(tables):
        return Shown(f"There are {len(tables['t'])} pieces.", "", (), (), "nothing")

    def absent(work):
        raise ValueError("the raw data are not there")

    section = Section("models", "A small section", lambda work: [piece("second", True), piece("first", False)], show)
    raw = Section("trials", "Raw data", absent, show)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(thorough, "SECTIONS", (section, raw))
    monkeypatch.setattr("fits.sections.pages.SECTIONS", (section,))
    own = (load_study("brzosko_2017"),)
    monkeypatch.setattr(commands, "load_shipped", lambda family: own if family == "memory" else ())
    command = ["reproduce", "--thorough", "--quick", "--out", "new"]
    assert cli.main(command) == 130
    said = capsys.readouterr().err
    assert "new.partial.jsonl" in said and "--resume" in said and not Path("new").exists()
    assert cli.main([*command, "--resume"]) == 0
    assert ran == ["first", "second", "second"]
    assert "trials is shown as stored, not computed: the raw data are not there" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]
    table = pandas.read_csv("new/sections/models/t.csv")
    assert table.piece.tolist() == ["second", "first"]
    made = json.loads(Path("new/sections/models/made.json").read_text())
    assert made["command"].startswith("engram reproduce --thorough --quick") and made["sizes"]["joint_starts"] == 2
    assert "There are 2 pieces." in Path("new/report.html").read_text()


def test_networks_are_simulated_without_the_other_sections(tmp_path, monkeypatch, capsys):
    """With one study, a section of each kind, and none stored."""
    from fits import cli

    def section(name, family, value):
        def compute(work, progress):
            progress(0)
            return {"t": pandas.DataFrame({"value": [value]})}

        def show(tables):
            return Shown(f"{name} gives {tables['t'].value[0]}.", "", (), (), "nothing")

        return Section(name, name, lambda work: [Piece(name, 1.0, 1, compute)], show, family)

    both = (section("fitted", "memory", 1), section("spiking", "networks", 2))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(thorough, "SECTIONS", both)
    monkeypatch.setattr("fits.sections.pages.SECTIONS", both)
    own = (load_study("brzosko_2017"),)
    monkeypatch.setattr(commands, "load_shipped", lambda family: own if family == "memory" else ())
    assert cli.main(["reproduce", "--networks", "--quick", "--out", "new"]) == 0
    assert sorted(path.name for path in Path("new/sections").iterdir()) == ["spiking"]
    page = Path("new/report.html").read_text()
    assert page.index("spiking gives 2.") > page.index("<h2>Spiking networks</h2>")
    assert "no results of fitted are stored with this version; engram reproduce --thorough makes them" in page
    assert "1 trial;" in page and "engram reproduce --networks --quick" in page


def test_resume_goes_with_thorough(tmp_path, monkeypatch, capsys):
    from fits import cli

    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", "--resume"]) == 2
    assert "add --thorough or --networks" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_thorough_defaults_are_those_of_the_documentation():
    sizes = Sizes()
    assert (sizes.joint_starts, sizes.recovered, sizes.confused) == (16, 40, 20)
