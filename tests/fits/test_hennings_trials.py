"""The public raw data of Hennings 2021 are read as their authors counted them, and fitted fast enough."""

import os
import time

import numpy as np
import pandas
import pytest

from engram import ThresholdCapture
from fits.study import load_study
from fits.trial_fit import fit_participants, fit_trials
from fits.trial_likelihood import TrialPredictor, count_trials
from fits.trials import TrialError, data_folder, read_trials


@pytest.fixture(scope="module")
def hennings():
    if not os.environ.get("ENGRAM_DATA"):
        pytest.skip(
            "needs the public data of Hennings 2021: set ENGRAM_DATA to the folder that contains hennings_2021/"
        )
    return load_study("hennings_2021")


@pytest.fixture(scope="module")
def recorded(hennings):
    return read_trials(study=hennings, missing="drop")


def test_hennings_events_hold_6422_answered_old_trials_and_4320_new_ones_of_45_people(recorded):
    table = recorded.table
    assert len(recorded.participants) == 45
    assert (table.old.sum(), (~table.old).sum()) == (6480, 4320)
    answered = recorded.answered
    assert (answered.old.sum(), (~answered.old).sum()) == (6422, 4258)  # 4 320 counts 62 new trials without an answer
    assert recorded.missing.missing.sum() == 120 and recorded.missing.untested.sum() == 0
    assert table[table.old].groupby(["phase", "condition"]).size().tolist() == [1080] * 6
    assert table.reinforced.sum() == 45 * 12


def test_hennings_answers_are_those_of_the_authors_own_item_table(recorded):
    path = data_folder("hennings_2021") / "item_level_encoding_memory.csv"
    theirs = pandas.read_csv(path).assign(participant=lambda f: "FC" + f.subject.astype(str).str.zfill(3))
    ours = recorded.answered[recorded.answered.old]
    both = ours.merge(
        theirs, left_on=["participant", "item"], right_on=["participant", "stimulus"], suffixes=("", "_t")
    )
    assert len(both) == len(ours) == len(theirs) == 6422
    assert (both.response == both.mem_resp).all() and (both.phase == both.phase_t).all()
    assert (both.condition == both.trial_type).all()
    assert np.allclose(both.onset, both.onset_t) and np.allclose(both.response_time, both.mem_rt)


def test_hennings_corrected_recognition_is_the_published_one(recorded):
    """Rates over all 24 and 48 trials, a missing answer being no definitely old."""
    table = recorded.table.assign(sure=recorded.table.response == "DO")
    hits = table[table.old].groupby(["phase", "condition"]).sure.mean()
    alarms = table[~table.old].groupby("condition").sure.mean()
    assert alarms.round(3).to_dict() == {"CS+": 0.140, "CS-": 0.122}
    corrected = {key: round(float(rate - alarms[key[1]]), 3) for key, rate in hits.items()}
    published = {
        ("baseline", "CS+"): 0.411, ("baseline", "CS-"): 0.356, ("acquisition", "CS+"): 0.482,
        ("acquisition", "CS-"): 0.302, ("extinction", "CS+"): 0.302, ("extinction", "CS-"): 0.218,
    }  # fmt: skip
    assert corrected == pytest.approx(published, abs=0.0011)


def test_hennings_without_a_policy_is_refused_and_all_48_can_be_read(hennings):
    with pytest.raises(TrialError, match="the trial was not answered"):
        read_trials(study=hennings)
    everybody = read_trials(study=hennings, missing="drop", participants=["*"])
    assert len(everybody.participants) == 48 and everybody.missing.missing.sum() == 219


def start_values(study):
    return {parameter.name: parameter.start for parameter in study.parameters.values()}


@pytest.mark.parametrize(("level", "seconds"), [("phase", 0.005), ("item", 0.3)])
def test_hennings_likelihood_is_fast_enough_to_be_searched(hennings, recorded, level, seconds):
    """Warm, 16 nodes; the best of several, for the machine may be busy."""
    predictor = TrialPredictor(recorded, hennings, ThresholdCapture(nodes=16), level)
    own = start_values(hennings)
    took = []
    for _ in range(12):
        began = time.perf_counter()
        predictor.log_likelihood(own, {})
        took.append(time.perf_counter() - began)
    assert min(took) < seconds


def test_hennings_groups_are_phase_by_category_and_two_kinds_of_lure(hennings, recorded):
    data = count_trials(recorded, hennings)
    assert data.groups == (
        "before/plus", "before/minus", "during/plus", "during/minus", "after/plus", "after/minus"
    )  # fmt: skip
    assert data.n == 10680 and data.lures == ("CS+", "CS-") and data.lure_counts.sum() == 4258
    assert data.counts.sum(axis=1).tolist() == [1071, 1072, 1077, 1068, 1066, 1068]


def test_hennings_without_capture_leaves_no_difference_before_conditioning(hennings, recorded):
    """What acts at encoding alone cannot reach back; capture can, and the trials prefer it."""
    without, captured = (fit_trials(recorded, hennings, m, starts=2) for m in ("EncodingOnly", "ThresholdCapture"))
    before = without.groups[without.groups.group.isin(["before/plus", "before/minus"])]
    assert np.ptp(before.pivot(index="group", columns="outcome", values="predicted"), axis=0).max() < 1e-4
    assert without.log_likelihood == pytest.approx(-13394.092, abs=0.01)
    assert captured.log_likelihood == pytest.approx(-13386.573, abs=0.05)


def test_hennings_participants_are_fitted_alike_by_one_worker_or_two(hennings, recorded):
    few = recorded.select(recorded.participants[:3])
    group = fit_trials(recorded, hennings, "EncodingOnly", starts=1)
    one, two = (fit_participants(few, hennings, "EncodingOnly", group=group, workers=w) for w in (1, 2))
    assert one.equals(two) and one.converged.all() and one.n_trials.tolist() == [229, 237, 238]
