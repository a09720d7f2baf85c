"""A saved fit comes back to the same bits; an interrupted one goes on where it stopped."""

import json

import numpy as np
import pandas
import pytest
from test_study_files import ONE

import fits
from engram import ThresholdCapture
from fits.estimation import fit
from fits.objective import Stopped
from fits.storage import Checkpoint, load, save, task_of
from fits.study import load_study
from fits.tables import StudyError


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    return load_study(path)


def test_a_saved_fit_comes_back_to_the_same_bits(tmp_path):
    studies = [load_study("nader_2000"), load_study("frey_morris_1998")]
    model = ThresholdCapture(nodes=4, ambient_activity=0.2)
    made = [
        fit(studies, model, starts=2, priors=True, split={"tau_early": {"nader_2000": "animals"}}),
        fit(studies, "EncodingOnly", starts=2),
    ]
    save(made, tmp_path)
    assert fits.load is load
    for before, after in zip(made, load(tmp_path), strict=True):
        for table in ("estimates", "starts", "predictions"):
            pandas.testing.assert_frame_equal(getattr(before, table), getattr(after, table), check_exact=True)
        assert np.array_equal(before.position, after.position)
        assert (before.log_likelihood, before.log_prior, before.models) == (
            after.log_likelihood, after.log_prior, after.models,
        )  # fmt: skip
        assert after.objective.value(after.position) == before.objective.value(before.position)
    assert load(tmp_path)[0].objective.model == model


def test_a_folder_without_a_fit_or_with_a_changed_study_is_explained(tmp_path, one):
    with pytest.raises(StudyError, match=r"fit\.json: cannot be read .* name a folder that engram fit wrote"):
        load(tmp_path)
    save([fit([one], "EncodingOnly", starts=1, shared=False)], tmp_path)
    file = tmp_path / "studies" / "one.toml"
    file.write_text(ONE + "\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"one\.toml: has changed since the fit was saved"):
        load(tmp_path)
    for text in ("{", "{}", "3", '{"studies": {}, "fits": []}', '{"studies": {"one": {}}, "fits": [{}]}', "\xff"):
        (tmp_path / "fit.json").write_text(text, encoding="latin-1")
        with pytest.raises(StudyError, match="is not a fit that engram saved"):
            load(tmp_path)


def test_fits_of_different_studies_are_not_saved_together(tmp_path, one):
    made = [fit([study], "EncodingOnly", starts=1, shared=False) for study in (one, load_study("nader_2000"))]
    with pytest.raises(ValueError, match="save each into its own folder"):
        save(made, tmp_path)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_fit_goes_on_to_the_same_bits(tmp_path, workers):
    study = load_study("frey_morris_1998")
    options = dict(starts=6, seed=3, shared=False, workers=workers)
    whole = fit([study], "ThresholdCapture", **options)
    path, task = tmp_path / "partial.jsonl", task_of([study], ["ThresholdCapture"], seed=3)
    first = Checkpoint(path, task)

    def stop_after_two(number, row):
        first.keep("ThresholdCapture", number, row)
        if first.kept == 2:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Stopped)):
        fit([study], "ThresholdCapture", keep=stop_after_two, **options)
    first.close()
    with path.open("a", encoding="utf-8") as file:
        file.write('{"part": "Thresh')  # a crash in the middle of a line
    second = Checkpoint(path, task, resume=True)
    kept = second.done("ThresholdCapture")
    second.close()
    assert len(kept) == 2
    run = []
    resumed = fit([study], "ThresholdCapture", done=kept, keep=lambda k, row: run.append(k), **options)
    assert sorted([*run, *kept]) == list(range(6))
    pandas.testing.assert_frame_equal(resumed.starts, whole.starts, check_exact=True)
    pandas.testing.assert_frame_equal(resumed.estimates, whole.estimates, check_exact=True)


def test_a_checkpoint_is_not_mixed_with_another_fit_nor_overwritten(tmp_path, one):
    path, task = tmp_path / "partial.jsonl", task_of([one], ["EncodingOnly"], seed=1)
    with pytest.raises(StudyError, match="nothing to resume"):
        Checkpoint(path, task, resume=True)
    row = dict(log_likelihood=-1.5, value=1.5, converged=True, message="", evaluations=3, x=np.array([0.1 + 0.2]))
    first = Checkpoint(path, task)
    first.keep("EncodingOnly", 0, row)
    for resume in (False, True):
        with pytest.raises(StudyError, match="another run is writing there now; wait"):
            Checkpoint(path, task, resume)
    first.close()
    with pytest.raises(StudyError, match="go on with --resume, or delete it"):
        Checkpoint(path, task)
    with pytest.raises(StudyError, match=r"is of another run \(seed was 1 and is 2\); repeat the command"):
        Checkpoint(path, task_of([one], ["EncodingOnly"], seed=2), resume=True)
    with pytest.raises(StudyError, match=r"is of another run \(free was absent and is True; other models\); repeat"):
        Checkpoint(path, task_of([one], ["LinearCapture"], seed=1, free=True), resume=True)
    again = Checkpoint(path, task, resume=True)
    assert again.done("EncodingOnly")[0]["x"][0] == 0.1 + 0.2
    again.close()
    kept = path.read_text()
    path.write_text(kept.replace('"number"', '"number', 1) + json.dumps({"part": "x"}) + "\n")
    with pytest.raises(StudyError, match="line 2 is damaged"):
        Checkpoint(path, task, resume=True)
    path.write_text('{"task": "0a1b"}\n' + kept.partition("\n")[2])
    with pytest.raises(StudyError, match=r"is of another run \(its first line names no run"):
        Checkpoint(path, task, resume=True)
    path.write_text(kept)
    Checkpoint(path, task, resume=True).remove()
    assert not path.exists()


def test_a_checkpoint_that_holds_nothing_leaves_nothing_behind(tmp_path, one):
    path, task = tmp_path / "new" / "folder" / "partial.jsonl", task_of([one], ["EncodingOnly"], seed=1)
    Checkpoint(path, task).close()
    assert list(tmp_path.iterdir()) == [tmp_path / "one.toml"]
    path = tmp_path / "partial.jsonl"
    path.write_text("", encoding="utf-8")  # of a run that was killed before anything was finished
    Checkpoint(path, task).close()
    assert not path.exists()
