"""Profile intervals agree with closed forms and with MINOS, and say what the data leave open."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import brentq, least_squares
from scipy.stats import binom, chi2
from test_study_files import ONE

from fits.conditional import Landscape
from fits.estimation import fit
from fits.objective import Coordinate
from fits.profile import profile, profile_figure
from fits.study import load_study

QUANTILE = chi2.ppf(0.95, 1)


class Analytic:
    """An objective of one block of residuals that a function gives."""

    def __init__(self, residuals, bounds, scales=None):
        names = [f"p{k}" for k in range(len(bounds))]
        self.coordinates = [
            Coordinate("shared", name, "1", 1.0, tuple(b), "linear", name)
            for name, b in zip(names, bounds, strict=True)
        ]
        self.bounds = [tuple(map(float, b)) for b in bounds]
        self.columns = [np.arange(len(bounds))]
        self.predictors = [None]
        self.prior_terms = np.zeros(0, dtype=int), np.zeros(0), np.zeros(0)
        self.stopped = False
        self._of = residuals

    def study_residuals(self, index, part):
        return np.atleast_1d(np.asarray(self._of(part), dtype=float))

    def study_jacobian(self, index, part, residuals=None):
        base = self.study_residuals(index, part)
        steps = [1e-7 if x + 1e-7 <= high else -1e-7 for x, (_, high) in zip(part, self.bounds, strict=True)]
        moved = [part + step * unit for step, unit in zip(steps, np.eye(len(part)), strict=True)]
        return np.transpose([(self.study_residuals(0, m) - base) / s for m, s in zip(moved, steps, strict=True)])

    def values(self, position):
        return [float(x) for x in position]

    def log_likelihood(self, position):
        return -0.5 * float(np.sum(self.study_residuals(0, position) ** 2))

    def fitted(self, start):
        low, high = np.transpose(self.bounds)
        found = least_squares(
            lambda x: self.study_residuals(0, x), start, bounds=(low, high), xtol=1e-14, ftol=1e-14, gtol=1e-14
        )
        return SimpleNamespace(objective=self, position=found.x, model="Analytic")


def minos(fitted, level=0.95):
    """Lower and upper ends on the search scale by MINOS; NaN where it found none."""
    iminuit = pytest.importorskip("iminuit")
    landscape = Landscape.of(fitted.objective)

    def deviance(x):
        return float(sum(np.sum(b.residuals(np.asarray(x)[b.columns]) ** 2) for b in landscape.blocks))

    def slope(x):
        x = np.asarray(x)
        total = np.zeros(len(x))
        for block in landscape.blocks:
            residuals = block.residuals(x[block.columns])
            total[block.columns] += 2 * block.jacobian(x[block.columns], residuals).T @ residuals
        return total

    names = [c.name_in_full.replace(".", "_") for c in fitted.objective.coordinates]
    search = iminuit.Minuit(deviance, fitted.position, name=names, grad=slope)
    search.errordef, search.limits, search.strategy, search.tol = 1, fitted.objective.bounds, 2, 1e-3
    search.migrad()
    search.minos(cl=level)
    found = []
    for name in names:
        error, value = search.merrors[name], search.values[name]
        lower = value + error.lower if error.lower_valid and not error.at_lower_limit else math.nan
        found.append((lower, value + error.upper if error.upper_valid and not error.at_upper_limit else math.nan))
    return found


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    return load_study(path)


def changed(study, **how):
    return dataclasses.replace(study, observations=(dataclasses.replace(study.observations[0], **how),))


def test_a_gaussian_observation_has_the_interval_of_its_standard_error(one):
    row = profile(fit([one], "EncodingOnly", starts=2, shared=False)).intervals.iloc[0]
    assert (row.lower, row.upper) == pytest.approx((0.5 - 1.959964 * 0.05, 0.5 + 1.959964 * 0.05), abs=3e-4)
    assert row.verdict == "identified" and row.message == ""


def test_counts_have_the_interval_of_the_binomial_likelihood(one):
    counted = changed(one, kind="counts", value=None, count=38, n=40, divide_by=200.0)
    row = profile(fit([counted], "EncodingOnly", starts=2, shared=False)).intervals.iloc[0]

    def rise(p):
        return 2 * (binom.logpmf(38, 40, 0.95) - binom.logpmf(38, 40, p)) - QUANTILE

    assert row.lower == pytest.approx(2 * brentq(rise, 0.5, 0.95) - 1, rel=0.003)
    assert math.isnan(row.upper) == (rise(0.975) < 0)  # the bound of the search, a strength of .95
    assert row.verdict == "one-sided" and row.message.startswith("only a lower limit; 0.95 is a bound of the search")


def test_a_value_beyond_the_bounds_is_at_bound_and_keeps_its_other_limit(one):
    row = profile(fit([changed(one, value=210.0)], "EncodingOnly", starts=2, shared=False)).intervals.iloc[0]
    assert row.verdict == "at bound" and math.isnan(row.upper)
    below = brentq(lambda s: ((210 - 100 - 100 * s) / 5) ** 2 - (15 / 5) ** 2 - QUANTILE, 0, 0.95)
    assert row.lower == pytest.approx(below, rel=0.003)


def test_an_observation_that_says_nothing_leaves_its_parameter_flat(one):
    result = profile(fit([changed(one, error=400.0)], "EncodingOnly", starts=2, shared=False))
    row = result.intervals.iloc[0]
    assert row.verdict == "flat" and math.isnan(row.lower) and math.isnan(row.upper)
    assert (result.curves.rise < QUANTILE).all()
    assert result.curves.value.min() == pytest.approx(0.05) and result.curves.value.max() == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("residuals", "bounds", "start"),
    [
        (lambda x: np.array([x[0] - 1, x[0] + x[1] - 3, 0.5 * (x[1] - 2)]), [(-9, 9), (-9, 9)], (0.5, 0.5)),
        (lambda x: np.exp(-np.outer([0.5, 1, 2, 3], x)) @ [2, 1] / 0.05 - np.array([35, 22, 11, 6]),
         [(0.01, 8), (0.01, 8)], (0.5, 1.0)),
    ],
)  # fmt: skip
def test_intervals_of_analytic_problems_agree_with_minos(residuals, bounds, start):
    fitted = Analytic(residuals, bounds).fitted(start)
    table = profile(fitted).intervals
    for row, expected, (low, high) in zip(table.itertuples(), minos(fitted), bounds, strict=True):
        reach = max(abs(end - row.estimate) for end in (row.lower, row.upper) if math.isfinite(end))
        for end, theirs in zip((row.lower, row.upper), expected, strict=True):
            if math.isnan(theirs):
                assert math.isnan(end) or low < end < high
            else:
                assert end == pytest.approx(theirs, abs=0.01 * reach)


def test_a_curved_valley_has_the_interval_of_its_floor():
    fitted = Analytic(lambda x: [1 - x[0], 30 * (x[1] - x[0] ** 2)], [(-4, 4), (-4, 16)]).fitted((0.9, 0.8))
    along, across = profile(fitted).intervals.itertuples()
    assert (along.lower, along.upper) == pytest.approx((1 - 1.959964, 1 + 1.959964), abs=0.01)

    def rise(y):
        xs = np.linspace(-4, 4, 40_001)
        return float(np.min((1 - xs) ** 2 + 900 * (y - xs**2) ** 2)) - QUANTILE

    ends = brentq(rise, -1, 0.5), brentq(rise, 2, 15)  # where MINOS 2.33 gives an upper end below the estimate
    assert (across.lower, across.upper) == pytest.approx(ends, abs=0.01 * (ends[1] - 1))


def test_a_likelihood_with_a_kink_is_followed_across_it():
    fitted = Analytic(lambda x: [np.where(x[0] < 2, 0.5, 3.0) * (x[0] - 2) + 0.0], [(-9, 9)]).fitted((1.0,))
    row = profile(fitted).intervals.iloc[0]
    root = math.sqrt(QUANTILE)
    assert (row.lower, row.upper) == pytest.approx((2 - root / 0.5, 2 + root / 3), abs=0.02)


def test_a_jump_across_the_quantile_is_said():
    fitted = Analytic(lambda x: [0.5 * x[0] + np.where(x[0] > 1.5, 5.0, 0.0)], [(-9, 9)]).fitted((0.3,))
    row = profile(fitted).intervals.iloc[0]
    assert row.upper == pytest.approx(1.5, abs=0.01)
    assert "upper end: the likelihood jumps here" in row.message


def test_a_better_optimum_on_the_way_is_reported():
    # two wells, of which the fit found the worse
    def residual(x):
        return [math.sqrt(1.5 - math.exp(-((x[0] - 1) ** 2)) - 1.3 * math.exp(-(((x[0] - 4.5) / 1.5) ** 2)))]

    fitted = Analytic(residual, [(-3, 7)]).fitted((0.9,))
    assert fitted.position[0] == pytest.approx(1, abs=0.05)
    result = profile(fitted)
    assert result.improved is not None and result.improved.position[0] == pytest.approx(4.5, abs=0.05)
    assert result.improved.gain == pytest.approx(0.15, abs=0.01) and result.improved.found_at == "p0"
    assert "a better optimum was met" in result.intervals.message[0]


CHECKED = [("hennings_2021", "EncodingOnly"), ("commun_biol_2025", "ThresholdCapture"),
           ("frey_morris_1998", "LinearCapture")]  # fmt: skip


@pytest.mark.parametrize(("study", "model"), CHECKED)
def test_intervals_of_shipped_studies_agree_with_minos_to_a_hundredth(study, model):
    fitted = fit([load_study(study)], model, starts=6, shared=False)
    result = profile(fitted)
    assert result.improved is None
    compared = 0
    for k, expected in enumerate(minos(fitted)):
        row, coordinate = result.intervals.iloc[k], fitted.objective.coordinates[k]
        ends = [coordinate.inward(end) if math.isfinite(end) else math.nan for end in (row.lower, row.upper)]
        for end, theirs in zip(ends, expected, strict=True):
            if math.isfinite(theirs):
                assert end == pytest.approx(theirs, abs=0.01 * abs(theirs - fitted.position[k])), row.parameter
                compared += 1
            elif row.verdict == "flat":
                assert math.isnan(end)
    assert compared >= 2


def test_no_other_start_beats_the_fits_along_a_profile():
    fitted = fit([load_study("hennings_2021")], "EncodingOnly", starts=4, shared=False)
    curves = profile(fitted, ["hennings_2021.encoding_gain"]).curves
    objective = fitted.objective
    k = [c.name for c in objective.coordinates].index("encoding_gain")
    others = [j for j in range(len(fitted.position)) if j != k]
    low, high = np.transpose(objective.bounds)
    best = float(np.sum(objective.residuals(fitted.position) ** 2))
    for row in curves.itertuples():
        position = fitted.position.copy()
        position[k] = row.value

        def residuals(part, position=position):
            position[others] = part
            return objective.residuals(position)

        found = least_squares(residuals, fitted.position[others], bounds=(low[others], high[others]))
        assert row.rise == pytest.approx(2 * found.cost - best, abs=0.02 + 0.02 * row.rise)


def test_numbers_are_the_same_for_one_worker_two_or_four():
    fitted = fit([load_study(s) for s in ("frey_morris_1998", "commun_biol_2025")], "ThresholdCapture", starts=2)
    seen = []
    one, two, four = (profile(fitted, ["tau_early", "commun_biol_2025.weak", "frey_morris_1998.dose"], workers=w,
                              progress=seen.append) for w in (1, 2, 4))  # fmt: skip
    assert one.curves.equals(two.curves) and one.curves.equals(four.curves)
    assert one.intervals.equals(two.intervals) and one.intervals.equals(four.intervals)
    assert len(seen) == 9 and sum(seen[:3]) == one.intervals.points.sum()


def test_where_the_others_went_is_kept_and_drawn(one):
    result = profile(fit([load_study("commun_biol_2025")], "ThresholdCapture", starts=2, shared=False))
    curve = result.curves[result.curves.parameter == "weak"]
    assert curve.value.equals(curve["commun_biol_2025.weak"].rename("value"))
    assert curve["commun_biol_2025.dose"].between(0.02, 50).all()
    assert len(profile_figure(result).axes) == 2


def test_what_cannot_be_profiled_is_explained(one):
    fitted = fit([one], "EncodingOnly", starts=1, shared=False)
    with pytest.raises(ValueError, match=r"unknown parameter 'strength'; the fit estimated one\.strength"):
        profile(fitted, ["strength"])
    with pytest.raises(ValueError, match=r"give a list, such as \['one\.strength'\]"):
        profile(fitted, "one.strength")
    with pytest.raises(ValueError, match="level is 95; give a number between 0 and 1"):
        profile(fitted, level=95)
    with pytest.raises(ValueError, match="workers is 0; give at least 1"):
        profile(fitted, workers=0)
    assert fitted.objective.stopped is False


def test_an_interrupt_ends_the_walks_and_spares_the_fit(one):
    fitted = fit([load_study("commun_biol_2025")], "ThresholdCapture", starts=1, shared=False)

    def interrupt(points):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        profile(fitted, progress=interrupt)
    assert math.isfinite(fitted.objective.value(fitted.position))
