"""Profile-likelihood intervals agree with MINOS of iminuit, and verdicts say what the data allow."""

import dataclasses

import numpy as np
import pytest
from iminuit import Minuit
from scipy import stats
from test_study_files import ONE

from fits.estimation import fit
from fits.profile import profile
from fits.study import load_study


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    return load_study(path)


def minos(result, k):
    """Ends of the 95 % interval of one coordinate on the search scale; NaN where MINOS finds none within the bounds."""
    objective = result.objective
    names = [f"x{i}" for i in range(len(result.position))]
    minimiser = Minuit(lambda x: 2 * objective.value(np.asarray(x)), result.position, name=names)
    minimiser.errordef = 1.0
    minimiser.strategy = 2
    minimiser.limits = objective.bounds
    minimiser.migrad(ncall=20_000)
    minimiser.minos(f"x{k}", cl=0.95)
    found = minimiser.merrors[f"x{k}"]
    best = minimiser.values[k]
    return (
        best + found.lower if found.lower_valid else np.nan,
        best + found.upper if found.upper_valid else np.nan,
    )


def test_a_gaussian_parameter_has_the_interval_of_its_closed_form(one):
    result = fit([one], "EncodingOnly", starts=2, shared=False)
    (row,) = profile(result).intervals.to_dict("records")
    half = stats.norm.ppf(0.975) * 0.05
    assert row["verdict"] == "identified"
    assert (row["lower"], row["upper"]) == pytest.approx((0.5 - half, 0.5 + half), rel=2e-3)


@pytest.mark.parametrize(
    ("name", "model"),
    [("brzosko_2015", "ThresholdCapture"), ("monfils_2009", "EncodingOnly"), ("brzosko_2017", "LinearCapture")],
)
def test_intervals_of_shipped_studies_agree_with_minos(name, model):
    study = load_study(name)
    result = fit([study], model, starts=8, shared=False)
    profiles = profile(result)
    assert profiles.improved is None
    compared = 0
    for k, row in enumerate(profiles.intervals.to_dict("records")):
        coordinate = result.objective.coordinates[k]
        for end, other in zip((row["lower"], row["upper"]), minos(result, k), strict=True):
            if np.isfinite(end) and np.isfinite(other):
                distance = abs(other - result.position[k])
                assert coordinate.inward(end) == pytest.approx(other, abs=0.01 * distance), (row["parameter"], end)
                compared += 1
    assert compared >= 2


def test_verdicts_say_which_limits_there_are(one):
    def verdict(**changes):
        observation = dataclasses.replace(one.observations[0], **changes)
        study = dataclasses.replace(one, observations=(observation,))
        (row,) = profile(fit([study], "EncodingOnly", starts=3, shared=False)).intervals.to_dict("records")
        return row["verdict"], np.isfinite(row["lower"]), np.isfinite(row["upper"])

    assert verdict() == ("identified", True, True)
    assert verdict(error=200.0) == ("flat", False, False)
    assert verdict(value=185.0, error=10.0) == ("one-sided", True, False)
    assert verdict(value=300.0, error=10.0) == ("at bound", True, False)


def test_one_worker_or_two_give_the_same_bits():
    result = fit([load_study("brzosko_2015")], "ThresholdCapture", starts=4, shared=False)
    first, second = (profile(result, workers=workers) for workers in (1, 2))
    assert first.intervals.equals(second.intervals) and first.curves.equals(second.curves)


def test_every_point_of_a_profile_is_a_fit_with_that_value(one):
    result = fit([load_study("brzosko_2015")], "ThresholdCapture", starts=4, shared=False)
    profiles = profile(result, ["brzosko_2015.tau_eligibility"])
    best = 2 * result.objective.value(result.position)
    for row in profiles.curves.to_dict("records"):
        position = np.array([c.inward(row[c.name_in_full]) for c in result.objective.coordinates])
        assert 2 * result.objective.value(position) - best == pytest.approx(row["rise"], abs=1e-6)
        assert row["brzosko_2015.tau_eligibility"] == pytest.approx(row["value"])


def test_unknown_parameters_levels_and_workers_are_explained(one):
    result = fit([one], "EncodingOnly", starts=1, shared=False)
    with pytest.raises(ValueError, match=r"unknown parameter 'tau'; the fit estimated one\.strength"):
        profile(result, ["tau"])
    with pytest.raises(ValueError, match="level is 95"):
        profile(result, level=95)
    with pytest.raises(ValueError, match="workers is 0"):
        profile(result, workers=0)
