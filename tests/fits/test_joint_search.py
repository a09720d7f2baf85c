"""Joint fits in two stages: the same bits however they are run, resumed in either stage, honest about what was left."""

import numpy as np
import pandas
import pytest

from engram import ThresholdCapture
from fits import search
from fits.estimation import fit
from fits.objective import Objective, Stopped
from fits.prediction import Predictor, model_class
from fits.storage import Checkpoint, task_of
from fits.study import load_study

NAMES = ["frey_morris_1998", "commun_biol_2025", "nader_2000"]


@pytest.fixture(scope="module")
def studies():
    return [load_study(name) for name in NAMES]


@pytest.fixture
def few_pursued(monkeypatch):
    monkeypatch.setattr(search, "PURSUED", 2)


def test_numbers_do_not_depend_on_the_workers(studies, few_pursued):
    one, *others = (fit(studies, "ThresholdCapture", starts=6, seed=2, workers=w) for w in (1, 2, 4))
    for other in others:
        pandas.testing.assert_frame_equal(one.starts, other.starts, check_exact=True)
        pandas.testing.assert_frame_equal(one.estimates, other.estimates, check_exact=True)


def test_what_is_not_pursued_is_kept_and_says_how_far_behind_it_was(studies, few_pursued):
    result = fit(studies, "ThresholdCapture", starts=6, seed=2)
    left = result.starts[result.starts.message.str.startswith("not pursued: ")]
    assert len(result.starts) == 6 and len(left) == 4 and not left.converged.any()
    assert left.message.str.fullmatch(r"not pursued: [-+.e0-9]+ below the best after the first stage").all()
    assert result.starts.converged.any()
    assert result.log_likelihood == pytest.approx(result.starts[result.starts.converged].log_likelihood.max())


@pytest.mark.parametrize("after", [2, 7])  # lines kept: in the first stage of 6 starts, and in the second of 2
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_in_either_stage_goes_on_to_the_same_bits(tmp_path, studies, few_pursued, after, workers):
    options = dict(starts=6, seed=2, workers=workers)
    whole = fit(studies, "ThresholdCapture", **options)
    task = task_of(studies, ["ThresholdCapture"], seed=2)
    first = Checkpoint(tmp_path / "partial.jsonl", task)
    lines = []

    def stop(number, row):
        first.keep("ThresholdCapture", number, row)
        lines.append(number)
        if len(lines) == after:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Stopped)):
        fit(studies, "ThresholdCapture", keep=stop, **options)
    first.close()
    second = Checkpoint(tmp_path / "partial.jsonl", task, resume=True)
    kept = second.done("ThresholdCapture")
    second.close()
    assert sum("first" in row for row in kept.values()) == max(after - 6, 0)
    run = []
    resumed = fit(studies, "ThresholdCapture", done=kept, keep=lambda k, row: run.append(k), **options)
    assert len(run) == 8 - after
    pandas.testing.assert_frame_equal(resumed.starts, whole.starts, check_exact=True)
    pandas.testing.assert_frame_equal(resumed.estimates, whole.estimates, check_exact=True)


@pytest.mark.parametrize("model", ["ThresholdCapture", "LinearCapture", "EncodingOnly"])
def test_derivatives_that_reuse_strengths_are_those_that_run_everything(model):
    names = ["hennings_2021", "monfils_2009"]
    objective = Objective([load_study(name) for name in names], model_class(model)(nodes=2), ("tau_early",))
    assert objective.predictors[0].of_response == {"criterion", "gap", "gap_new"}
    assert objective.predictors[1].of_response == {"sensitivity"}
    plain = Objective(objective.studies, objective.model, ("tau_early",))
    plain._no_run = [[False] * len(row) for row in plain._no_run]
    low, high = np.array(objective.bounds).T
    for seed in range(3):
        x = low + np.random.default_rng(seed).random(len(low)) * (high - low)
        assert np.array_equal(objective.jacobian(x), plain.jacobian(x))
        assert np.array_equal(objective.information(x), plain.information(x))


def test_a_parameter_that_acts_through_the_response_needs_no_run_of_the_kernel(monkeypatch):
    objective = Objective([load_study("hennings_2021")], ThresholdCapture(nodes=2))
    runs = []
    strengths = Predictor.strengths
    monkeypatch.setattr(Predictor, "strengths", lambda *a: runs.append(1) or strengths(*a))
    x = np.array([c.inward(c.start) for c in objective.coordinates])
    objective.study_jacobian(0, x)
    assert len(runs) == 1 + len(x) - 2  # criterion and gap


def test_fewer_nodes_change_the_numbers_and_not_what_is_searched():
    objective = Objective([load_study("hennings_2021")], ThresholdCapture(nodes=16))
    x = np.array([c.inward(c.start) for c in objective.coordinates])
    coarse = objective.with_nodes(4)
    assert coarse.coordinates == objective.coordinates and coarse.value(x) != objective.value(x)
    assert coarse.value(x) == pytest.approx(objective.value(x), rel=0.05)
    assert coarse.value(x) == Objective(objective.studies, ThresholdCapture(nodes=4)).value(x)
