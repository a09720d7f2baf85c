"""What a variant takes away is gone, and nothing else."""

import numpy as np
import pytest

from engram import ThresholdCapture, minute
from fits.objective import Objective
from fits.study import load_study
from fits.variants import group_of, release_intervals, with_modulator, without_reactivation


def test_without_reactivation_reminders_bring_nothing_back():
    study = load_study("zhu_2022")
    silent = Objective([without_reactivation(study)], ThresholdCapture(nodes=2))
    assert "cue" not in [c.name for c in silent.coordinates]
    whole = Objective([study], ThresholdCapture(nodes=2))
    values = {name: parameter.start for name, parameter in study.parameters.items()}
    with_no_cue = whole.predictors[0](values | {"cue": 0.0}, {})
    assert np.allclose(with_no_cue, silent.predictors[0](values, {}), rtol=0, atol=1e-12)
    assert not np.allclose(whole.predictors[0](values, {}), with_no_cue, rtol=0, atol=1e-3)


def test_a_modulator_is_held_at_a_value_and_its_parameter_is_no_longer_searched():
    study = with_modulator(load_study("hennings_2021"), "noradrenaline", encoding_gain=0.0)
    names = [c.name for c in Objective([study], ThresholdCapture(nodes=2)).coordinates]
    assert "encoding_gain" not in names and "arousal_after" not in names and "dose" in names


@pytest.mark.parametrize(
    ("study", "group"), [("zhu_2022", "people"), ("frey_morris_1998", "slices"), ("nader_2000", "animals")]
)
def test_studies_are_grouped_by_what_they_were_done_on(study, group):
    assert group_of(load_study(study)) == group


def test_the_interval_to_a_release_is_read_from_the_design():
    study = load_study("nielson_powless_2007")
    intervals = release_intervals(study)
    found = [intervals[o.name] / minute for o in study.observations if o.name in intervals]
    assert found == pytest.approx([0, 10, 30, 45], abs=3)
