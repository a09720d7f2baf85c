"""Path models against general maximisation of the likelihood, hand-made bootstraps, and the published mediation."""

import os

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from fits.individual import fit_paths, path_calibration
from fits.individual.paths import PathError, bias_corrected, causal_order
from fits.individual.zhu import CORRELATIONS, EQUATIONS, PUBLISHED, read_zhu

MODEL = {"b": ["a"], "c": ["a", "b"], "d": ["c"]}


def table(n=80, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(2, 1.5, n)
    b = 0.5 * a + rng.normal(size=n)
    c = 0.3 * a - 0.4 * b + rng.normal(size=n)
    return pandas.DataFrame({"a": a, "b": b, "c": c, "d": 0.6 * c + 0.5 * rng.normal(size=n)})


def least_misfit(s):
    """Path coefficients (a→b, a→c, b→c, c→d) and the misfit, by a general search over the implied covariances."""

    def implied(x):
        b = np.zeros((4, 4))
        b[1, 0], b[2, 0], b[2, 1], b[3, 2] = x[:4]
        out = np.linalg.inv(np.eye(4) - b)
        return out @ np.diag([s[0, 0], *np.exp(x[4:])]) @ out.T

    def misfit(x):
        made = implied(x)
        return np.linalg.slogdet(made)[1] - np.linalg.slogdet(s)[1] + np.trace(s @ np.linalg.inv(made)) - 4

    found = optimize.minimize(misfit, np.zeros(7), method="BFGS", options=dict(gtol=1e-9))
    return found.x[:4], found.fun, implied(found.x)


def test_estimates_are_those_of_maximum_likelihood():
    """Coefficients to 1e-5, χ² to 1e-6: least squares by equation is the maximum for models without circles."""
    people = table()
    fit = fit_paths(people, MODEL, resamples=200)
    s = np.cov(people.to_numpy().T, bias=True)
    coefficients, misfit, implied = least_misfit(s)
    assert fit.paths.coefficient.to_numpy() == pytest.approx(coefficients, abs=1e-5)
    assert fit.chi_squared == pytest.approx(len(people) * misfit, abs=1e-6) and fit.df == 2
    assert fit.p == pytest.approx(stats.chi2.sf(len(people) * misfit, 2), abs=1e-6)
    assert fit.covariance.to_numpy() == pytest.approx(implied, abs=1e-4)
    b, c1, c2, d = coefficients
    effects = dict(zip(fit.indirect.chain, fit.indirect.effect, strict=True))
    expected = {"a → b → c → d": b * c2 * d, "a → c → d": c1 * d, "total: a → d": (c1 + b * c2) * d}
    assert effects == pytest.approx(expected, abs=1e-5)
    sd = people.std()
    assert fit.indirect.standardised.to_numpy() == pytest.approx(fit.indirect.effect.to_numpy() * sd["a"] / sd["d"])
    for name, causes in MODEL.items():
        design = np.column_stack([np.ones(len(people)), people[causes]])
        left = people[name] - design @ np.linalg.lstsq(design, people[name], rcond=None)[0]
        own = fit.explained.set_index("variable").r_squared[name]
        assert own == pytest.approx(1 - (left**2).sum() / ((people[name] - people[name].mean()) ** 2).sum())


def test_intervals_are_those_of_people_drawn_anew_one_sample_after_another():
    """The same resamples by hand: the bias-corrected quantiles, the standard error and p to 1e-9."""
    people = table(30, seed=4)
    fit = fit_paths(people, {"b": ["a"], "c": ["b"]}, resamples=300, seed=8)
    rng = np.random.default_rng(8)
    drawn = []
    for order in rng.integers(0, 30, (300, 30)):
        own = people.iloc[order]
        drawn.append(np.polyfit(own.a, own.b, 1)[0] * np.polyfit(own.b, own.c, 1)[0])
    effect = np.polyfit(people.a, people.b, 1)[0] * np.polyfit(people.b, people.c, 1)[0]
    z0 = stats.norm.ppf((np.array(drawn) < effect).mean())
    ends = [np.quantile(drawn, stats.norm.cdf(2 * z0 + sign * stats.norm.ppf(0.975))) for sign in (-1, 1)]
    row = fit.indirect.iloc[0]
    assert [row.lower, row.upper] == pytest.approx(ends, abs=1e-9)
    assert row.standard_error == pytest.approx(np.std(drawn, ddof=1), abs=1e-9)
    # at the level p the interval ends at zero
    low, high = bias_corrected(np.array([effect]), np.array([drawn]), 1 - row.p)
    assert min(abs(low[0]), abs(high[0])) < 0.02
    again = fit_paths(people, {"b": ["a"], "c": ["b"]}, resamples=300, seed=8)
    assert again.indirect.equals(fit.indirect)


@pytest.mark.parametrize("interval", ["BCa", "percentile"])
def test_other_intervals_are_close_to_these_for_many_people(interval):
    people = table(400)
    one = fit_paths(people, MODEL, resamples=1000).indirect
    other = fit_paths(people, MODEL, resamples=1000, interval=interval).indirect
    width = (one.upper - one.lower).to_numpy()
    assert other.lower.to_numpy() == pytest.approx(one.lower.to_numpy(), abs=0.15 * width.max())


@pytest.mark.parametrize("interval", ["bias-corrected", "BCa", "percentile"])
def test_p_is_the_level_at_which_the_interval_of_its_method_ends_at_zero(interval):
    """To one resample of 2000 beside zero; the chain is weak and skewed, so that the three methods differ."""
    people = table(25, seed=3)
    options = dict(resamples=2000, interval=interval, seed=2)
    row = fit_paths(people, {"b": ["a"], "c": ["b"]}, **options).indirect.iloc[0]
    assert 0.001 < row.p < 0.9
    at = fit_paths(people, {"b": ["a"], "c": ["b"]}, level=1 - row.p, **options).indirect.iloc[0]
    assert min(abs(at.lower), abs(at.upper)) < 0.01 * row.standard_error


def test_methods_of_intervals_give_different_p():
    people = table(25, seed=3)
    p = [fit_paths(people, {"b": ["a"], "c": ["b"]}, resamples=2000, interval=own).indirect.p[0]
         for own in ("bias-corrected", "BCa", "percentile")]  # fmt: skip
    assert len(set(np.round(p, 3))) == 3


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3))
def test_standardised_effects_have_no_units(scale, shift):
    people = table(40)
    moved = people.assign(a=people.a * scale + shift)
    one, other = (fit_paths(own, MODEL, resamples=100) for own in (people, moved))
    assert other.indirect.standardised.to_numpy() == pytest.approx(one.indirect.standardised.to_numpy(), rel=1e-6)
    assert other.chi_squared == pytest.approx(one.chi_squared, abs=1e-6)


def test_a_model_without_restrictions_has_nothing_to_test():
    fit = fit_paths(table(), {"b": ["a"], "c": ["a", "b"]}, resamples=100)
    assert fit.df == 0 and np.isnan(fit.chi_squared) and np.isnan(fit.p) and fit.srmr < 1e-12


def test_two_first_causes_keep_their_covariance():
    rng = np.random.default_rng(2)
    a = rng.normal(size=60)
    people = pandas.DataFrame({"a": a, "b": 0.7 * a + rng.normal(size=60)})
    people["c"] = people.a + people.b + rng.normal(size=60)
    fit = fit_paths(people, {"c": ["a", "b"]}, resamples=100)
    assert fit.df == 0 and fit.covariance.to_numpy() == pytest.approx(np.cov(people.T, bias=True), abs=1e-10)
    assert len(fit.indirect) == 0


def test_intervals_hold_the_truth_as_often_as_they_say_with_many_people():
    fit = fit_paths(table(100), {"b": ["a"], "c": ["b"]}, resamples=200)
    found = path_calibration(fit, people=150, simulations=200, resamples=300, seed=3).iloc[0]
    assert found.coverage_lower <= 0.95 <= found.coverage_upper
    assert found["mean"] == pytest.approx(found.true, abs=0.03)
    fewer = path_calibration(fit, people=30, simulations=200, resamples=300, seed=3).iloc[0]
    assert fewer.power < found.power - 0.2


def test_missing_values_are_counted():
    people = table()
    people.loc[[3, 5], "b"] = np.nan
    fit = fit_paths(people, MODEL, resamples=100)
    assert (fit.n, fit.left_out) == (78, 2)
    assert fit.indirect.equals(fit_paths(people.dropna(), MODEL, resamples=100).indirect)
    people.loc[4, "b"] = np.inf
    with pytest.raises(PathError, match="b: has an infinite value"):
        fit_paths(people, MODEL, resamples=100)


@pytest.mark.parametrize(
    ("change", "equations", "message"),
    [
        (lambda t: t, {"b": ["a"], "a": ["b"]}, "b, a: cause themselves|a, b: cause themselves"),
        (lambda t: t, {"b": ["x"]}, "x: no such column; the table has a, b, c, d"),
        (lambda t: t.assign(a=1.0), MODEL, "a: is 1 for everybody"),
        (lambda t: t.assign(b=3 * t.a), MODEL, "one of a, b, c, d follows from the others"),
        (lambda t: t[:4], MODEL, "4 people have every variable; at least 5"),
        (lambda t: t.assign(a="high"), MODEL, "a: is not of numbers"),
        (lambda t: t, {}, "there is no path"),
        (lambda t: t, {"b": ["a", "a"]}, "b: has the cause a twice"),
        (lambda t: t, {"b": "a"}, r"b: its causes are 'a'; give a list of them, such as \['a'\]"),
        (lambda t: t, {"b": None}, r"b: its causes are None; give a list of them, such as \['name'\]"),
        (lambda t: t, [("b", ["a"])], "give a mapping of each variable to the list of its causes"),
        (lambda t: t.to_dict(), MODEL, "the table is of the type dict; give a DataFrame"),
        (lambda t: t[:5], {"b": ["a"], "c": ["b"], "d": ["c"], "e": ["d"]}, "e: no such column"),
        (lambda t: t.assign(e=t.d**2)[:5], {**MODEL, "e": ["d"]}, "at least 6 are needed for 5 variables"),
        (lambda t: pandas.concat([t, t.a], axis=1), MODEL, "a: is a column of the table more than once"),
    ],
)
def test_models_that_cannot_be_fitted_are_refused(change, equations, message):
    with pytest.raises(PathError, match=message):
        fit_paths(change(table()), equations)


def test_impossible_options_are_refused():
    with pytest.raises(PathError, match="resamples is 10"):
        fit_paths(table(), MODEL, resamples=10)
    with pytest.raises(PathError, match="interval is 'bca'; use one of bias-corrected, BCa, percentile"):
        fit_paths(table(), MODEL, interval="bca")
    fit = fit_paths(table(), MODEL, resamples=100)
    for options, message in (
        (dict(people=1), "people is 1; at least 5 are needed"),
        (dict(simulations=0), "simulations is 0"),
        (dict(resamples=5), "resamples is 5"),
    ):
        with pytest.raises(PathError, match=message):
            path_calibration(fit, **options)
    with pytest.raises(PathError, match="level is 95"):
        fit_paths(table(), MODEL, level=95)
    assert causal_order({"d": ["c"], "c": ["a", "b"], "b": ["a"]}) == ["a", "b", "c", "d"]


def test_too_few_resamples_that_can_be_used_are_refused():
    rare = table(8).assign(a=[1.0, 0, 0, 0, 0, 0, 0, 0])  # who has it is in two of three resamples
    with pytest.raises(PathError, match=r"causes can be told apart in \d\d of 120 resamples.*give more resamples"):
        fit_paths(rare, {"b": ["a"], "c": ["b"]}, resamples=120)


def test_the_file_of_zhu_is_named_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("ENGRAM_DATA", raising=False)
    with pytest.raises(PathError, match="set ENGRAM_DATA to the folder that contains zhu_2022/"):
        read_zhu()
    (tmp_path / "x.dat").write_text("S1 1 2\nS2 3 4\n")
    with pytest.raises(PathError, match="has 3 columns"):
        read_zhu(tmp_path / "x.dat")


def test_the_published_mediation_of_zhu_2022_is_found_again():
    """Both standardised chains to the two digits that the paper gives; their intervals lie above zero."""
    if not os.environ.get("ENGRAM_DATA"):
        pytest.skip("needs the participants of Zhu 2022: set ENGRAM_DATA to the folder that contains zhu_2022/")
    people = read_zhu()
    assert len(people) == 28
    fit = fit_paths(people, EQUATIONS, seed=1)
    chains = fit.indirect.set_index("chain")
    for name, (effect, _) in PUBLISHED.items():
        assert round(chains.standardised[name], 2) == effect
        assert chains.lower[name] > 0 and chains.p[name] < 0.05
    assert fit.p > 0.05 and fit.df == 2
    r = people.corr(numeric_only=True).memory
    assert r["sLOC"] > r["mFFA"] > r["amygdala"]  # the order that the paper gives, not its numbers
    assert all(abs(r[name] - own) < 0.15 for name, own in CORRELATIONS.items())
