"""Bands hold what the information says, and nothing that the search excludes."""

import dataclasses

import numpy as np
import pandas
import pytest
from scipy import stats
from test_study_files import ONE

from engram import curves, hour
from fits.bands import curve_band, derived, draw_positions, prediction_band
from fits.estimation import fit
from fits.study import load_study


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    return load_study(path)


@pytest.fixture(scope="module")
def joint():
    return fit([load_study("nader_2000"), load_study("frey_morris_1998")], "ThresholdCapture", starts=2)


def test_draws_have_the_spread_of_the_standard_error(one):
    result = fit([one], "EncodingOnly", starts=2, shared=False)
    drawn = draw_positions(result, 4000, seed=3)[:, 0]
    width = 0.9
    expected = (0.05**-2 + 12 / width**2) ** -0.5  # standard error .05, and a uniform over the bounds
    assert np.std(drawn) == pytest.approx(expected, rel=0.04)
    assert stats.kstest(drawn, "norm", (0.5, expected)).pvalue > 0.001
    band = prediction_band(result, draws=4000)
    slope = 100.0  # % of baseline for a strength of 1
    assert band.upper[0] - band.lower[0] == pytest.approx(2 * 1.96 * expected * slope, rel=0.06)


def test_draws_stay_within_the_bounds_and_flat_directions_fill_them(joint):
    drawn = draw_positions(joint, 500)
    low, high = np.array(joint.objective.bounds).T
    assert (drawn >= low).all() and (drawn <= high).all()
    names = [c.name for c in joint.objective.coordinates]
    flat = names.index("tau_early")
    assert np.std(drawn[:, flat]) > 0.1 * (high - low)[flat]
    assert np.array_equal(drawn, draw_positions(joint, 500)) and not np.array_equal(
        drawn, draw_positions(joint, 500, 2)
    )


def test_a_curve_lies_within_its_band_and_a_higher_level_is_wider(joint):
    options = dict(intervals=[0.5 * hour, 2 * hour], relatedness=0.5, draws=60)
    narrow = curve_band(joint, curves.retroactive_enhancement, level=0.5, **options)
    wide = curve_band(joint, curves.retroactive_enhancement, level=0.95, **options)
    assert (wide.enhancement_lower <= narrow.enhancement_lower).all()
    assert (wide.enhancement_upper >= narrow.enhancement_upper).all()
    pandas.testing.assert_frame_equal(wide, curve_band(joint, curves.retroactive_enhancement, level=0.95, **options))
    assert list(wide.columns[:4]) == ["interval", "strength", "strength_lower", "strength_upper"]


def test_a_derived_number_has_the_interval_of_what_it_is_derived_from(joint):
    found = derived(joint, lambda model: model.tau_early, draws=400)
    k = [c.name for c in joint.objective.coordinates].index("tau_early")
    drawn = np.exp(draw_positions(joint, 400)[:, k])
    assert found.estimate == pytest.approx(joint.optimum["tau_early"])
    ends = np.quantile(drawn, [0.025, 0.975], method="higher")  # draws may pile up at a bound
    assert (found.lower, found.upper) == pytest.approx(ends)
    assert np.mean((drawn >= found.lower) & (drawn <= found.upper)) >= 0.94
    gone = derived(joint, lambda model: model.tau_early if model.tau_early < found.estimate else np.nan, draws=400)
    assert np.isnan(gone.upper) and "in " in gone.note and gone.lower == pytest.approx(found.lower)


def test_a_bad_level_or_number_of_draws_is_explained(joint):
    with pytest.raises(ValueError, match="level is 95"):
        curve_band(joint, curves.retroactive_enhancement, level=95)
    with pytest.raises(ValueError, match="draws is 1"):
        prediction_band(joint, draws=1)


def test_a_prior_narrows_a_band(one):
    tight = {name: dataclasses.replace(p, prior=(0.5, 0.01)) for name, p in one.parameters.items()}
    free = fit([one], "EncodingOnly", starts=2, shared=False)
    held = fit([dataclasses.replace(one, parameters=tight)], "EncodingOnly", starts=2, shared=False, priors=True)
    widths = [float((b.upper - b.lower).iloc[0]) for b in map(prediction_band, (free, held))]
    assert widths[1] < 0.4 * widths[0]
