"""Biology transfers between studies that share it, not between those that do not; calibration sees overconfidence."""

import numpy as np
import pandas
import pytest

from engram import EncodingOnly, ThresholdCapture
from fits.simulation_figures import calibration_figure, transfer_figure
from fits.study import load_study
from fits.validation import detection_calibration, leave_one_out, residual_calibration, with_biology

TWIN = """
[study]
id = "{id}"
title = "Two delays"
citation = "simulated"
species = "simulated"
paradigm = "one trace"

[parameters.strength]
start = 0.5
bounds = [0.05, 0.95]
description = "encoding strength"

[response]
type = "field_potential"

[[condition]]
name = "alone"
events = [
  {{ encode = "S1", at = "0 min", strength = "strength" }},
  {{ test = "S1", at = "1 min" }},
  {{ test = "S1", at = "4 h" }},
  {{ test = "S1", at = "8 h" }},
]
"""
ROW = """
[[observation]]
name = "{at}"
kind = "mean"
panel = "slope"
measure = "fEPSP slope"
unit = "%"
score = "slope"
traces = "S1"
at = "{at}"
value = {value}
error = 2.0
flag = "C"
source = "simulated"
"""


def made(folder, name, tau_hours):
    rows = [ROW.format(at=at, value=100 + 60 * np.exp(-h / tau_hours)) for at, h in
            (("1 min", 1 / 60), ("4 h", 4), ("8 h", 8))]  # fmt: skip
    path = folder / f"{name}.toml"
    path.write_text(TWIN.format(id=name) + "".join(rows), encoding="utf-8")
    return load_study(path)


def test_biology_transfers_where_it_is_shared_and_not_where_it_differs(tmp_path):
    model = EncodingOnly(nodes=1)
    alike = [made(tmp_path, "one", 4.0), made(tmp_path, "two", 4.0)]
    result = leave_one_out(alike, model, starts=2)
    assert (result.table.lost < 0.05).all() and (result.table.gained > 1).all()
    learnt = result.biology[result.biology.parameter == "tau_early"].estimate
    assert learnt.to_numpy() == pytest.approx([4 * 3600] * 2, rel=0.05)
    unlike = leave_one_out([alike[0], made(tmp_path, "slow", 12.0)], model, starts=2)
    assert (unlike.table.lost > 10).all() and (unlike.table.p_value < 1e-3).all()
    assert list(unlike.predictions.study.unique()) == ["one", "slow"]
    assert len(transfer_figure(unlike).axes[0].get_yticklabels()) == 2


def test_biology_is_put_where_it_belongs():
    changed = with_biology(ThresholdCapture(), {"tau_early": 5000.0, "dopamine.drive_clearance": 4000.0})
    assert changed.tau_early == 5000.0
    dopamine = next(m for m in changed.neuromodulators if m.name == "dopamine")
    assert dopamine.drive_clearance == 4000.0


def test_one_study_cannot_be_left_out():
    with pytest.raises(ValueError, match="to leave one out takes at least two"):
        leave_one_out([load_study("nader_2000")], "EncodingOnly")
    with pytest.raises(ValueError, match="cannot predict itself"):
        leave_one_out([load_study("nader_2000")] * 2, "EncodingOnly")


def simulated(size=400, sharpness=1.0, seed=4):
    """Predictions that are right, or that are surer than they should be (sharpness above 1)."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 1.5, size)
    found = rng.random(size) < 1 / (1 + np.exp(-logit))
    power = 1 / (1 + np.exp(-sharpness * logit))
    return pandas.DataFrame(dict(kind="detected", observed=found.astype(object), power=power))


def test_calibration_accepts_right_probabilities_and_catches_overconfidence():
    right, sure = detection_calibration(simulated()), detection_calibration(simulated(sharpness=4.0))
    assert right.n.sum() == 400 and (right.p_value > 0.01).all()
    assert ((right.found_lower <= right.predicted) & (right.predicted <= right.found_upper)).all()
    assert sure.p_value.min() < 1e-6
    assert len(calibration_figure(right).axes[0].texts) == len(right)


def test_calibration_without_detections_is_empty_and_bad_input_is_explained():
    assert detection_calibration(simulated().assign(kind="mean")).empty
    with pytest.raises(ValueError, match="bins is 0"):
        detection_calibration(simulated(), bins=0)
    with pytest.raises(ValueError, match="no column 'power'; give those of a fit"):
        detection_calibration(simulated().drop(columns="power"))


def test_residuals_wider_than_their_errors_are_seen():
    values = np.random.default_rng(3).normal(0, 1, 300)
    table = pandas.DataFrame(dict(kind="mean", study="one", standardised_residual=values))
    good = residual_calibration(table).set_index("study").loc["all"]
    assert good.p_value > 0.01 and good.sd == pytest.approx(1, abs=0.1)
    wide = residual_calibration(table.assign(standardised_residual=2 * values)).set_index("study").loc["all"]
    assert wide.p_value < 1e-4 and wide.beyond > 0.2
