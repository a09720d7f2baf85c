"""What designs recover of people, covariates from a file, and rivals that are really sought. Data are simulated."""

import json
import math

import numpy as np
import pandas
import pytest
from simulated_people import MODEL, people_study, people_trials

from engram import EncodingOnly
from fits.cli import main
from fits.people import covariates, read_covariates
from fits.people.calibration import summarise, uniformity
from fits.people.design import compare_designs, planned
from fits.people.figures import people_confusion_figure, people_recovery_figure
from fits.people.fit import fit_likelihood
from fits.people.recovery import recover_people
from fits.study import load_study
from fits.trial_table import TrialError


class Forgetful(EncodingOnly):
    """A rival that forgets, to be told apart at a long delay."""


FORGETS = Forgetful(nodes=4, forgetting_exponent=1.0, forgetting_time=3600.0)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return people_study(tmp_path_factory.mktemp("recovery"), free=["criterion"], name="criterion", delay="20 days")


@pytest.fixture(scope="module")
def found(study):
    kept = {}
    result = recover_people([study], [MODEL, FORGETS], people=12, n=3, draws=0, workers=2, keep=kept.__setitem__)
    return result, kept


def test_every_study_and_model_is_simulated_and_fitted_with_all(found):
    result, _ = found
    assert result.summary.parameter.tolist() == 2 * ["mean of criterion", "spread of criterion"]
    assert len(result.table) == 2 * 3 * 2 and len(result.choices) == 2 * 3 * 2
    confusion = result.confusion()
    assert confusion.index.tolist() == [("criterion", "EncodingOnly"), ("criterion", "Forgetful")]
    assert np.diag(confusion.to_numpy()).tolist() == [3, 3]  # a memory that is gone after 20 days is another one
    means = result.summary[result.summary.parameter == "mean of criterion"]
    assert (means.identified == 1).all() and (means.bias.abs() < 0.5).all()
    assert result.not_identified().query("parameter == 'mean of criterion'").empty


def test_what_is_kept_is_not_simulated_again_and_no_number_depends_on_the_threads(study, found):
    result, kept = found
    done = json.loads(json.dumps([kept[k] for k in (0, 2, 5)]))
    again = recover_people([study], [MODEL, FORGETS], people=12, n=3, draws=0, workers=1,
                           done=dict(zip((0, 2, 5), done, strict=True)))  # fmt: skip
    pandas.testing.assert_frame_equal(again.table, result.table, check_exact=True)
    pandas.testing.assert_frame_equal(again.choices, result.choices, check_exact=True)


def test_figures_show_every_study(found):
    result, _ = found
    confusion = people_confusion_figure(result.confusion())
    assert [ax.get_title() for ax in confusion.axes] == ["criterion"]
    assert confusion.axes[0].texts[0].get_text() == "3\n100%"
    shown = people_recovery_figure(result.table).axes[0]
    drawn = sum(len(line.get_xdata()) for line in shown.lines[1:])
    assert drawn == len(result.table)


def test_a_parameter_that_changes_no_answer_is_neither_fitted_nor_counted(tmp_path):
    """A dose of a modulator without effect: the model has one parameter left, and none where nothing else is free."""
    for free, left in ((["dose", "criterion"], ["mean of criterion", "spread of criterion"]), (["dose"], [])):
        people_study(tmp_path, free=free, name="blind")
        text = (
            (tmp_path / "blind.toml").read_text(encoding="utf-8").replace("encoding_gain = 1.0", "encoding_gain = 0.0")
        )
        (tmp_path / "blind.toml").write_text(text, encoding="utf-8")
        study = load_study(tmp_path / "blind.toml")
        if not left:
            with pytest.raises(ValueError, match="nothing can come back"):
                recover_people([study], [MODEL], people=6, n=1, draws=0)
            continue
        found = recover_people([study], [MODEL], people=6, n=1, draws=0)
        assert found.summary.parameter.tolist() == left and found.left_out == ()


def test_a_model_that_feels_nothing_is_left_out_and_named():
    found = recover_people([load_study("takeuchi_2016")], ["EncodingOnly", "LinearCapture"], people=4, n=1, draws=0)
    assert found.left_out == (("takeuchi_2016", "EncodingOnly"),)
    assert set(found.choices.fitted) == {"LinearCapture"}


def test_a_parameter_of_which_nothing_is_known_has_the_prior_as_its_interval():
    likelihood = planned(load_study("takeuchi_2016"), "EncodingOnly")  # in which dopamine does nothing
    people = likelihood.with_counts([likelihood.old[0]] * 6, [likelihood.lures[0]] * 6)
    fit = fit_likelihood(people, alone=False)
    row = fit.parameters.iloc[0]
    assert row.verdict == "not identified" and row["mean"] == pytest.approx(0.0, abs=1e-9)
    exact = sum(people.log_likelihood(k, likelihood.scale.starts) for k in range(6))
    assert fit.log_evidence == pytest.approx(exact, abs=0.05)


def test_studies_without_parameters_are_refused_and_so_are_numbers_out_of_range(tmp_path, study):
    fixed = people_study(tmp_path, free=[], name="fixed")
    with pytest.raises(ValueError, match="nothing can come back"):
        recover_people([fixed], [MODEL])
    empty = compare_designs([fixed], [MODEL]).parameters
    assert empty.empty and "people" in empty
    for options, words in (({"people": 1}, "people is 1"), ({"n": 0}, "n is 0"), ({"spread": 0.0}, "spread is 0")):
        with pytest.raises(ValueError, match=words):
            recover_people([study], [MODEL], **options)


def test_a_rival_that_contains_the_truth_is_found_to_do_so():
    """Capture without a dose is encoding only; from the start values alone the rival's fit ends 22 nats short of it."""
    told = compare_designs([load_study("hennings_2021")], ["EncodingOnly", "ThresholdCapture"]).models
    assert told.truth[0] == "EncodingOnly" and 0 <= told.gain[0] < 1e-3


def test_a_spread_without_an_interval_is_not_counted_as_a_miss():
    table = pandas.DataFrame(
        dict(parameter="spread", true=0.1 * np.arange(4), estimate=0.1, lower=[-1.0, np.nan, -1.0, 1.0],
             upper=[1.0, np.nan, 1.0, 2.0], rank=[0.5, np.nan, 0.2, 0.9])
    )  # fmt: skip
    row = summarise(table).iloc[0]
    assert row.simulations == 4 and row.intervals == 3 and row.coverage == pytest.approx(2 / 3)
    none = summarise(table.assign(lower=np.nan, upper=np.nan, rank=np.nan)).iloc[0]
    assert none.intervals == 0 and math.isnan(none.coverage) and math.isnan(none.p_uniform)
    assert math.isnan(uniformity(np.array([np.nan])))


def test_planned_people_answer_every_test_once(study):
    likelihood = planned(study, MODEL, trials=2, lures=5)
    assert (likelihood.old[0].sum(axis=1) == 2).all() and len(likelihood.old[0]) == 16
    assert likelihood.lures[0].sum() == 5


def test_recover_people_command_writes_and_goes_on(tmp_path, study, capsys, monkeypatch):
    out = tmp_path / "out"
    command = ["recover", study.path, "--model", "EncodingOnly", "--people", "5", "--n", "2", "--out", str(out)]
    assert main(command) == 0
    names = {path.name for path in out.iterdir()}
    assert {"recovery-table.csv", "recovery-summary.csv", "confusion.csv", "models.csv", "recovery.png"} <= names
    assert "2 simulations of 5 people" in capsys.readouterr().out
    for more, words in (
        (["--intervals", "error"], "--intervals"), (["--free-biology"], "--free-biology"), (["--spread", "0"], "spread")
    ):  # fmt: skip
        assert main([*command[:-1], str(tmp_path / "no"), *more]) == 2
        assert words in capsys.readouterr().err and not (tmp_path / "no").exists()
    assert main(["recover", study.path, "--model", "EncodingOnly", "--people", "1", "--out", str(tmp_path / "no")]) == 2


def test_covariates_come_from_a_table_of_people_of_trials_or_of_a_bids_dataset(tmp_path):
    own = pandas.DataFrame({"participant": ["01", "02"], "age": [30, 40]})
    own.to_csv(tmp_path / "own.csv", index=False)
    bids = own.rename(columns={"participant": "participant_id"})
    bids.assign(participant_id="sub-" + bids.participant_id).to_csv(
        tmp_path / "participants.tsv", sep="\t", index=False
    )
    trials = people_trials(tmp_path, 2).assign(participant=lambda t: t.participant.map({"p0": "01", "p1": "02"}))
    trials["age"] = trials.participant.map({"01": 30, "02": 40})
    trials.to_csv(tmp_path / "trials.csv", index=False)
    tables = [read_covariates(tmp_path / name) for name in ("own.csv", "participants.tsv", "trials.csv")]
    for table in tables:
        assert table.index.tolist() == ["01", "02"] and list(table) == ["age"] and table.age.tolist() == [30, 40]


def test_covariates_that_follow_from_others_or_are_too_many_are_refused():
    people = [f"p{k}" for k in range(5)]
    table = pandas.DataFrame(np.random.default_rng(1).normal(size=(5, 4)), index=people, columns=list("abcd"))
    assert list(covariates.standardised(table[["a", "b", "c"]], people)[0]) == ["a", "b", "c"]
    with pytest.raises(TrialError, match=r"one of a, b, sum follows from the others"):
        covariates.standardised(table[["a", "b"]].assign(sum=table.a + table.b), people)
    with pytest.raises(TrialError, match=r"4 for 5 people would explain anything; give at most 3"):
        covariates.standardised(table, people)


def test_covariates_that_cannot_be_read_are_named(tmp_path):
    trials = people_trials(tmp_path, 2)
    trials.assign(arousal=range(len(trials))).to_csv(tmp_path / "differ.csv", index=False)
    with pytest.raises(TrialError, match=r"'arousal' differs between the rows of participant 'p0'.*as the dose"):
        read_covariates(tmp_path / "differ.csv")
    (tmp_path / "gap.csv").write_text("participant,age\np0,3\n,4\n", encoding="utf-8")
    with pytest.raises(TrialError, match="row 3 names no participant"):
        read_covariates(tmp_path / "gap.csv")
    with pytest.raises(TrialError, match="has no column 'weight'"):
        read_covariates(tmp_path / "differ.csv", ["weight"])
    with pytest.raises(TrialError, match=r"is not \.csv"):
        read_covariates(tmp_path / "gap.xls")
    (tmp_path / "semicolons.csv").write_text("participant;age\np0;30,5\n")
    with pytest.raises(TrialError, match="has one column, 'participant;age'; separate fields by commas"):
        read_covariates(tmp_path / "semicolons.csv")
    (tmp_path / "shifted.csv").write_text("participant,age\n7,1,10\n8,2,20\n", encoding="utf-8")
    with pytest.raises(TrialError, match=r"shifted.csv: has rows with more fields than the header"):
        read_covariates(tmp_path / "shifted.csv")
    (tmp_path / "twice.csv").write_text("participant,age,age\n7,1,10\n8,2,20\n", encoding="utf-8")
    with pytest.raises(TrialError, match=r"twice.csv: the column 'age' is there twice; keep one"):
        read_covariates(tmp_path / "twice.csv")
    (tmp_path / "text.csv").write_text("participant,age\np0,12\np1,old\n", encoding="utf-8")
    with pytest.raises(TrialError, match=r"text.csv: 'age' of participant 'p1' is 'old'; give a finite number"):
        covariates.standardised(read_covariates(tmp_path / "text.csv"), ["p0", "p1"])
    trials.to_csv(tmp_path / "trials.csv", index=False)
    with pytest.raises(TrialError, match="has columns that trials need alone"):
        read_covariates(tmp_path / "trials.csv")
