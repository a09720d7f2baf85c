"""Whether a published t-test agrees with itself, with n, and with the numbers beside it."""

from __future__ import annotations

from collections.abc import Iterator

from scipy.stats import t as student

from ..observation import Observation, Statistic
from .finding import Finding
from .rounding import half_unit, ratio

_ALPHA = 0.05


def check_statistic(o: Observation, place: str) -> Iterator[Finding]:
    """What contradicts the ``statistic`` of an observation."""
    if o.statistic is None:
        return
    yield from _p(o.statistic, place)
    yield from _degrees_of_freedom(o, o.statistic, place)
    if o.detected is not None:
        yield from _detected(o, o.statistic, place)
    elif o.value is not None and abs(sum(term.weight for term in o.terms)) < 1e-9:
        yield from _ratio(o, o.value, o.statistic, place)


def p_range(statistic: Statistic) -> tuple[float, float]:
    """The two-sided p that t and df give, at both ends of what t may have been before rounding."""
    size, half = abs(statistic.t), half_unit(statistic.t)
    return 2 * student.sf(size + half, statistic.df), min(2 * student.sf(max(size - half, 0.0), statistic.df), 1.0)


def _p(statistic: Statistic, place: str) -> Iterator[Finding]:
    if statistic.p is None:
        return
    key = f"{place}.statistic.p"
    if statistic.p == 0 and not statistic.below:
        yield Finding("warning", key, 'is 0, which no p is; write the bound that is printed, such as p = "< .001"')
        return
    low, high = p_range(statistic)
    gives = f"t = {statistic.t:g} with df = {statistic.df:g} gives a two-sided p = {_exact(statistic):.2g}"
    if statistic.below:
        if low >= statistic.p:
            yield Finding("error", key, f"is < {statistic.p:g}, but {gives}; correct t, df or p")
        return
    half = half_unit(statistic.p)
    if not (low <= statistic.p + half and statistic.p - half <= high):
        one_sided = low <= 2 * (statistic.p + half) and 2 * (statistic.p - half) <= high
        remedy = "it is the one-sided p: write twice that" if one_sided else "correct t, df or p"
        yield Finding("error", key, f"is {statistic.p:g}, but {gives}; {remedy}")


def _exact(statistic: Statistic) -> float:
    return float(2 * student.sf(abs(statistic.t), statistic.df))


def _degrees_of_freedom(o: Observation, statistic: Statistic, place: str) -> Iterator[Finding]:
    if o.n is None:
        return
    df, n = statistic.df, o.n
    pooled = 2 * n - 2
    one = abs(df - (n - 1)) < 1e-9
    two = n - 1 <= df <= pooled  # below 2n − 2 where variances are not pooled
    if {"": one or two, "two samples": two}.get(o.design, one):
        return
    if o.design == "two samples":
        expected = f"{pooled} for two groups of {n} (down to {n - 1} where variances are not pooled)"
        remedy = "n looks like that of both groups together: give n a group" if df == n - 2 else "correct n or df"
    else:
        expected = f"{n - 1} for {n} subjects" if o.design else f"{n - 1} within {n} subjects, {pooled} for two groups"
        remedy = 'correct n or df, or name the design = "two samples"'
    yield Finding("error", f"{place}.statistic.df", f"is {df:g}, but n = {n} makes it {expected}; {remedy}")


def _detected(o: Observation, statistic: Statistic, place: str) -> Iterator[Finding]:
    found = "significant" if o.detected else "not significant"
    low, high = p_range(statistic)
    words = f"t = {statistic.t:g} with df = {statistic.df:g} (p = {_exact(statistic):.2g})"
    if statistic.p is not None:
        words = f"p = {'< ' if statistic.below else ''}{statistic.p:g}"
        low, high = (0.0, statistic.p) if statistic.below else (statistic.p, statistic.p)
    if (o.detected and low > _ALPHA) or (o.detected is False and high < _ALPHA):
        message = f"says the effect was {found}, but {words}; correct one of the two"
        yield Finding("error", f"{place}.detected", message)
    if o.detected and statistic.t < 0:
        message = (
            f"is {statistic.t:g}, but detected = true means an effect in the direction of the contrast, which is "
            "positive; turn the weights of the contrast round, or drop the sign if only the size is printed"
        )
        yield Finding("warning", f"{place}.statistic.t", message)


def _ratio(o: Observation, value: float, statistic: Statistic, place: str) -> Iterator[Finding]:
    if not o.error > 0:
        return
    low, high = ratio(value, o.error)
    size, half = abs(statistic.t), half_unit(statistic.t)
    implied = value / o.error
    if size + half < low or size - half > high:
        message = (
            f"is {statistic.t:g}, but value / error = {value:g} / {o.error:g} = {implied:.3g}; correct one of the three"
            " (error is the standard error of the difference)"
        )
        yield Finding("error", f"{place}.statistic.t", message)
    elif statistic.t * value < 0:
        message = f"is {statistic.t:g}, but value is {value:g}: their signs differ; give t the sign of the contrast"
        yield Finding("warning", f"{place}.statistic.t", message)
