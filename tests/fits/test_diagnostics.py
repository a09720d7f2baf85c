"""Residuals, leverage and influence are those of refits, where refits can be had."""

import dataclasses

import numpy as np
import pytest
from test_study_files import ONE

from fits.diagnostics import residual_figure, residual_table, study_influence
from fits.estimation import fit
from fits.study import load_study


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    return load_study(path)


def _with_values(study, values, error=5.0):
    first = study.observations[0]
    made = [dataclasses.replace(first, name=f"o{k}", value=v, error=error) for k, v in enumerate(values)]
    return dataclasses.replace(study, observations=tuple(made))


def test_equal_observations_share_the_leverage_and_an_outlier_has_the_largest_distance(one):
    study = _with_values(one, [148.0, 150.0, 152.0, 162.0])
    table = residual_table(fit([study], "EncodingOnly", starts=2, shared=False))
    assert table.leverage.to_numpy() == pytest.approx([0.25] * 4, abs=0.01)
    assert table.residual.to_numpy() == pytest.approx([-1.0, -0.6, -0.2, 1.8], abs=0.02)
    assert table.cook.idxmax() == 3 and (table.moves == "one.strength").all()


def test_leaving_an_observation_out_moves_the_parameter_as_a_refit_does(one):
    values = [148.0, 150.0, 152.0, 162.0]
    whole = fit([_with_values(one, values)], "EncodingOnly", starts=2, shared=False)
    without = fit([_with_values(one, values[:3])], "EncodingOnly", starts=2, shared=False)
    moved = (without.optimum["one.strength"] - whole.optimum["one.strength"]) / whole.estimates.standard_error[0]
    assert residual_table(whole)["shift"].iloc[3] == pytest.approx(moved, rel=0.05)


def test_a_null_that_was_expected_to_be_found_has_a_large_negative_residual(one):
    first = one.observations[0]
    missed = dataclasses.replace(first, name="missed", kind="detected", detected=False, value=None, error=10.0)
    study = dataclasses.replace(one, observations=(first, missed))
    table = residual_table(fit([study], "EncodingOnly", starts=2, shared=False)).set_index("observation")
    assert table.residual["missed"] < -2
    assert residual_figure(fit([study], "EncodingOnly", starts=1, shared=False)).axes


def test_the_study_that_pulls_a_shared_parameter_is_named_with_its_direction():
    studies = [load_study(name) for name in ("nader_2000", "frey_morris_1998", "commun_biol_2025")]
    joint = fit(studies, "ThresholdCapture", starts=3, priors=True)
    table = study_influence(joint)
    assert set(table.left_out) <= set(joint.studies) and np.isfinite(table["shift"]).all()
    strongest = table.iloc[0]
    rest = [study for study in studies if study.id != strongest.left_out]
    alone = fit(rest, "ThresholdCapture", starts=3, priors=True, begin=joint.optimum)
    change = alone.optimum[strongest.parameter] - joint.optimum[strongest.parameter]
    assert np.sign(change) == np.sign(strongest["without"] - strongest.estimate)


def test_influence_of_studies_takes_several(one):
    with pytest.raises(ValueError, match="leaving a study out takes a joint fit"):
        study_influence(fit([one], "EncodingOnly", starts=1, shared=False))
