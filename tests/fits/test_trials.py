"""Raw trials are read as they were recorded, and every mistake in a file is explained. All data here are simulated."""

import os
import re

import numpy as np
import pandas
import pytest
from simulated_trials import STUDY, simulated, write_events

from fits.study import StudyError, load_study
from fits.trial_layout import trial_layout
from fits.trials import TrialError, data_folder, read_trials


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "sim.toml"
    path.write_text(STUDY, encoding="utf-8")
    return load_study(path)


@pytest.fixture
def write(tmp_path):
    def writer(frame, name="trials.csv"):
        path = tmp_path / name
        frame.to_csv(path, index=False, sep="\t" if name.endswith("tsv") else ",")
        return path

    return writer


def test_a_tidy_table_is_read_whole_with_session_times_from_the_blocks_of_the_design(study, write):
    frame = simulated()
    trials = read_trials(write(frame), study)
    assert trials.participants == ("01", "02", "03")
    assert len(trials.table) == len(frame) == trials.missing.answered.sum()
    late = trials.table[trials.table.phase == "late"]
    assert np.allclose(late.time, late.onset + 600) and trials.phase_starts == {"early": 60.0, "late": 600.0}
    assert trials.table[~trials.table.old].onset.isna().all()
    assert int(trials.counts().to_numpy().sum()) == len(frame)
    assert trials.table.groupby("participant").reinforced.sum().tolist() == [2, 2, 2]


def test_neither_order_nor_splitting_nor_form_of_the_files_matters(study, write, tmp_path):
    frame = simulated()
    whole = read_trials(write(frame), study)
    shuffled = read_trials(write(frame.sample(frac=1, random_state=2), "shuffled.tsv"), study)
    parts = [write(frame[frame.participant == name], f"part{name}.csv") for name in ("03", "01", "02")]
    write_events(tmp_path / "events", frame)
    write_events(tmp_path / "half" / "one", frame[frame.participant == "02"])
    write_events(tmp_path / "half" / "two", frame[frame.participant != "02"])
    halves = [tmp_path / "half" / "two", tmp_path / "half" / "one"]
    for other in (
        shuffled,
        read_trials(parts, study),
        read_trials(tmp_path / "events", study),
        read_trials(halves, study),
    ):
        pandas.testing.assert_frame_equal(other.table, whole.table)
        pandas.testing.assert_frame_equal(other.missing, whole.missing)


def test_what_is_written_is_read_again(study, write):
    trials = read_trials(write(simulated()), study)
    again = read_trials(write(trials.table, "again.csv"), study)
    pandas.testing.assert_frame_equal(again.table, trials.table)


def test_own_names_and_codes_of_a_table_are_told_in_the_call(study, write):
    frame = simulated()
    named = frame.rename(columns={"participant": "subject", "response": "answer"}).assign(
        old=np.where(frame.old, "o", "n")
    )
    trials = read_trials(
        write(named),
        study,
        columns={"participant": "subject", "response": "answer"},
        codes={"old": {"o": True, "n": False}},
    )
    pandas.testing.assert_frame_equal(trials.table, read_trials(write(frame), study).table)
    assert read_trials(write(frame)).table.time.isna().all()  # without a study the breaks are unknown
    assert read_trials(write(frame), phase_starts={"early": 0, "late": 100}).table.time.max() < 200


def test_missing_answers_are_refused_or_counted_but_never_lost(study, write):
    frame = simulated()
    frame.loc[[0, 9, 12], "response"] = ["", "n/a", ""]
    path = write(frame)
    with pytest.raises(TrialError, match=r"row 2: response is ''; the trial was not answered.*\(2 more such rows\)"):
        read_trials(path, study)
    dropped = read_trials(path, study, missing="drop")
    assert len(dropped.table) == len(frame) and len(dropped.answered) == len(frame) - 3
    assert dropped.missing.missing.tolist() == [2, 1, 0] and dropped.missing.tested.tolist() == [11, 11, 11]
    with pytest.raises(TrialError, match=r"missing is 'ignore'; use one of error, drop, separate"):
        read_trials(path, study, missing="ignore")
    separate = read_trials(path, study, missing="separate")
    assert (separate.table.response == "missing").sum() == 3
    assert separate.counts()["missing"].sum() == 3 and separate.missing.equals(dropped.missing)


def test_an_item_that_was_not_asked_about_is_no_missing_answer(study, write):
    frame = simulated().assign(tested=True)
    frame.loc[1, ["tested", "response"]] = [False, ""]
    trials = read_trials(write(frame), study)
    assert trials.missing.untested.tolist() == [1, 0, 0] and trials.missing.missing.sum() == 0


def test_participants_are_selected_by_name(study, write, tmp_path):
    path = write(simulated())
    assert read_trials(path, study, participants=["03", "01"]).participants == ("01", "03")
    assert read_trials(path, study).select(["02"]).missing.index.tolist() == ["02"]
    with pytest.raises(TrialError, match="no participant '09'"):
        read_trials(path, study, participants=["09"])
    with pytest.raises(TrialError, match="no trials of participant '09'"):
        read_trials(path, study).select(["09"])
    write_events(tmp_path / "events", simulated())
    with pytest.raises(TrialError, match="no participant '09'; it has 01, 02, 03"):
        read_trials(tmp_path / "events", study, participants=["09"])


def at(row, column, value):
    def change(frame):
        frame = frame.astype({column: object})
        frame.loc[row, column] = value
        return frame

    return change


WRONG = {
    "missing column": (lambda f: f.drop(columns="item"), "the column 'item' (item) is missing; it has"),
    "misspelt column": (lambda f: f.rename(columns={"response": "respnse"}), "did you mean 'respnse'?"),
    "column like another": (
        lambda f: f.drop(columns="response").assign(response_time=1.0), "'response' (response) is missing; it has"),
    "unknown response": (at(3, "response", "D0"), "row 5: response is 'D0'; known are DO, MO, MN, DN; correct it"),
    "unknown phase": (at(3, "phase", "middle"), "row 5: phase is 'middle'; known are early, late"),
    "unknown condition": (at(3, "condition", "neutral"), "row 5: condition is 'neutral'; known are plus, minus"),
    "duplicated item": (at(3, "item", "early0"), "row 5: item 'early0' of participant '01' is there already"),
    "empty participant": (at(3, "participant", ""), "row 5: participant is ''; every trial needs one"),
    "no phase": (at(3, "phase", ""), "row 5: phase is ''; every encoded item needs the phase"),
    "onset not a number": (at(3, "onset", "soon"), "row 5: onset is 'soon'; write a number"),
    "onset infinite": (at(3, "onset", "inf"), "row 5: onset is 'inf'; write a number"),
    "onset missing": (at(3, "onset", ""), "every encoded item needs its onset"),
    "onset negative": (at(3, "onset", -1), "row 5: onset is -1.0; give seconds"),
    "onset in minutes": (
        lambda f: f.assign(onset=f.onset / 60), "faster than anyone encodes; give seconds (are these minutes"),
    "onset in ms": (lambda f: f.assign(onset=f.onset * 10_000), "more than a day after the start of the phase"),
    "one phase in ms": (
        lambda f: f.assign(onset=f.onset.where((f.participant != "02") | (f.phase != "late"), f.onset * 1000)),
        "the phase 'late' of participant '02' ends at",
    ),
    "one phase in min": (
        lambda f: f.assign(onset=f.onset.where((f.participant != "02") | (f.phase != "late"), f.onset / 60)),
        "the phase 'late' of participant '02' ends at",
    ),
    "old not a truth": (at(3, "old", "perhaps"), "row 5: old is 'perhaps'; write one of true, yes"),
    "nobody answered": (
        lambda f: f.assign(tested=f.participant != "02", response=f.response.where(f.participant != "02", "")),
        "participant '02' answered no test trial",
    ),
    "answer to what was not asked": (lambda f: f.assign(tested=False), "the item is marked as not tested"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_table_is_said_with_file_row_column_value_and_remedy(study, write, name):
    change, message = WRONG[name]
    path = write(change(simulated()))
    with pytest.raises(TrialError) as caught:
        read_trials(path, study)
    assert message in str(caught.value) and str(path) in str(caught.value)
    assert isinstance(caught.value, StudyError)


def test_who_answered_nothing_is_left_out_on_request_and_listed(study, write):
    frame = simulated()
    silent = read_trials(write(frame.assign(response=frame.response.where(frame.participant != "02", ""))), study,
                         skip_broken=True)  # fmt: skip
    assert silent.skipped == (("02", "answered no test trial"),)
    path = write(WRONG["nobody answered"][0](frame))
    trials = read_trials(path, study, skip_broken=True)
    assert trials.skipped == (("02", "answered no test trial"),) and "02" not in trials.participants
    whole = read_trials(write(frame), study)
    pandas.testing.assert_frame_equal(trials.table, whole.select(trials.participants).table.reset_index(drop=True))
    silent = frame.assign(response=frame.response.where(frame.participant != "02", ""))
    assert "02" in read_trials(write(silent), study, missing="separate").participants  # silence is what they answered
    with pytest.raises(TrialError, match="nobody answered any test trial"):
        read_trials(write(frame.assign(tested=False, response="")), study, skip_broken=True)


def test_a_trial_that_no_cell_takes_is_refused(study, write):
    frame = simulated()
    frame.loc[frame.item == "late1", "condition"] = "minus"
    with pytest.raises(
        TrialError, match=r"no \[\[trials.cell\]\] takes phase 'late', condition 'minus', reinforced false"
    ):
        read_trials(write(frame), study)


FILES = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n", "is empty"),
    "no rows": (b"participant,phase\n", "has a header and no rows"),
    "not text": (b"PK\x03\x04\0\0\0", "is not text"),
    "not UTF-8": ("participant,phase\nMüller,early\n".encode("latin-1"), "is not UTF-8 text"),
    "ragged": (b"a,b\n1,2\n1,2,3\n", "is not a regular table (Expected 2 fields in line 3, saw 3)"),
    "semicolons": (b"participant;item\np;0,5\n", "has one column, 'participant;item'; separate fields by commas"),
    "column twice": (b"item,item\n1,2\n", "the column 'item' is there twice"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_table_is_refused(tmp_path, name):
    content, message = FILES[name]
    path = tmp_path / "trials.csv"
    path.write_bytes(content)
    with pytest.raises(TrialError) as caught:
        read_trials(path)
    assert message in str(caught.value) and str(path) in str(caught.value)


def test_a_file_over_2_gb_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "trials.csv"
    path.touch()
    os.truncate(path, 3_000_000_000)  # sparse: takes no room
    with pytest.raises(TrialError, match=r"has 3\.0 GB and at most 2 are read; split it"):
        read_trials(path)


def test_paths_that_lead_nowhere_are_refused(study, tmp_path, monkeypatch):
    with pytest.raises(TrialError, match="cannot be read"):
        read_trials(tmp_path / "none.csv")
    with pytest.raises(TrialError, match=r"ends in '\.toml'; give"):
        read_trials(tmp_path / "sim.toml", study)
    with pytest.raises(TrialError, match="nothing to read; give the path"):
        read_trials()
    with pytest.raises(TrialError, match="the list of paths is empty"):
        read_trials([], study)
    monkeypatch.delenv("ENGRAM_DATA", raising=False)
    with pytest.raises(TrialError, match="set ENGRAM_DATA to the folder that contains sim/"):
        read_trials(study=study)
    monkeypatch.setenv("ENGRAM_DATA", str(tmp_path))
    with pytest.raises(TrialError, match=r"sim: is not a folder; check the path or ENGRAM_DATA"):
        data_folder("sim")
    write_events(tmp_path / "sim" / "events", simulated())
    assert len(read_trials(study=study).participants) == 3


def events_of(folder, name, task):
    return folder / f"sub-{name}" / "events" / f"sub-{name}_task-{task}_events.tsv"


BROKEN = {
    "not text": (lambda path: path.write_bytes(b"\0\1"), "is not text"),
    "no column": (
        lambda path: path.write_text("onset\ttrial_type\n1\tplus\n", encoding="utf-8"),
        "the column 'stimulus' (item)",
    ),
    "gone": (lambda path: path.unlink(), "participant '02' has no events of the task 'early'"),
    "back in time": (
        lambda path: path.write_text("onset\ttrial_type\tstimulus\n9\tplus\ta\n5\tplus\tb\n", encoding="utf-8"),
        "row 3: onset is 5.0; it is earlier than that of the row before",
    ),
    "other items": (
        lambda path: path.write_text("onset\ttrial_type\tstimulus\n9\tplus\ta\n", encoding="utf-8"),
        "it is tested as old and no encoding run has it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_file_of_a_folder_is_named_and_skipped_only_on_request(study, tmp_path, name):
    folder = tmp_path / "events"
    write_events(folder, simulated())
    damage, message = BROKEN[name]
    damage(events_of(folder, "02", "early"))
    with pytest.raises(TrialError) as caught:
        read_trials(folder, study)
    assert message in str(caught.value) and "skip_broken=True" in str(caught.value)
    kept = read_trials(folder, study, skip_broken=True)
    assert kept.participants == ("01", "03")
    assert kept.skipped[0][0] == "02" and message in kept.skipped[0][1]


def test_an_answer_is_missing_in_the_file_of_the_test(study, tmp_path):
    folder = tmp_path / "events"
    write_events(folder, simulated())
    (test,) = (folder / "sub-02" / "events").glob("*memory_run-01*")
    for code, said in (("", "the trial was not answered"), ("D0", "known are DO, MO, MN, DN")):
        table = pandas.read_csv(test, sep="\t", keep_default_na=False)
        row = table.index[table.memory_condition == "Old"][1]
        table.loc[row, "response"] = code
        table.to_csv(test, sep="\t", index=False)
        with pytest.raises(TrialError, match=re.escape(f"{test}: row {row + 2}: response is {code!r}; {said}")):
            read_trials(folder, study)


def test_folders_that_hold_no_readable_design_are_refused(study, tmp_path):
    folder = tmp_path / "events"
    folder.mkdir()
    with pytest.raises(TrialError, match=r"has no files \*_events.tsv"):
        read_trials(folder, study)
    with pytest.raises(TrialError, match=r"pass the study whose \[trials.tasks\]"):
        read_trials(folder)
    write_events(folder, simulated())
    again = events_of(folder, "01", "early")
    twice = again.with_name("sub-01_task-early_run-02_events.tsv")
    twice.write_bytes(again.read_bytes())
    with pytest.raises(TrialError, match="has several runs, whose onsets each begin anew"):
        read_trials(folder, study)
    twice.rename(folder / "early_events.tsv")
    with pytest.raises(TrialError, match=r"the name is not sub-<participant>_task-<task>_events.tsv"):
        read_trials(folder, study)


LAYOUTS = {
    "unknown key": ("folder = ", "folders = ", "trials.folders: unknown key; did you mean 'folder'?"),
    "unknown outcome": (
        '"maybe old"',
        '"perhaps old"',
        "trials.responses.MO: unknown value 'perhaps old'; use one of definitely new",
    ),
    "unknown block": (
        'early = "first"',
        'early = "frist"',
        "trials.phases.early: unknown value 'frist'; did you mean 'first'",
    ),
    "unknown trial type": ('trial = "minus"', 'trial = "minsu"', "trial: unknown value 'minsu'; did you mean 'minus'?"),
    "untested traces": ('traces = "first/minus"', 'traces = "first/none"', "no Test of 'first/none'"),
    "cell twice": ("reinforced = false", "reinforced = true", "takes the same trials as another cell"),
    "codes": ("Old = true", 'Old = "yes"', "trials.codes.old.Old: is 'yes'; write true or false"),
    "tasks": ('test = ["memory"]', 'test = "memory"', "trials.tasks.test: is 'memory'; write a list of names"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_wrong_in_the_trials_of_a_study_is_said_with_its_key(tmp_path, name):
    old, new, message = LAYOUTS[name]
    assert old in STUDY
    path = tmp_path / "sim.toml"
    path.write_text(STUDY.replace(old, new), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        trial_layout(load_study(path))
    assert message in str(caught.value)


def test_a_study_without_trials_says_so():
    with pytest.raises(StudyError, match=r"trials: is missing; add a table \[trials\]"):
        trial_layout(load_study("nader_2000"))
