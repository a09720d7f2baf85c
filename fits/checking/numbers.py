"""Whether the numbers of an observation are possible, and agree with one another."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping

from ..observation import DESIGNS, Observation, Term
from ..scores import FROM_ZERO, PERCENTAGES, score_range
from .finding import Finding
from .rounding import half_unit

_SPREAD_SLACK = 0.02
_N_UNKNOWN = re.compile(r"\bn (is )?(not given|unknown|missing)")


def check_numbers(o: Observation, place: str, row: Mapping[str, object]) -> Iterator[Finding]:
    """What contradicts what in one observation; ``row`` is its table as written."""
    low, high = contrast_range(o)
    yield from _range(o, place, low, high)
    yield from _unit(o, place)
    for key in ("error", "sd"):
        number = row.get(key)
        if isinstance(number, (int, float)) and number > high - low:
            message = f"is {number:g}, wider than all that {_what(o)} can be, {low:g} to {high:g}"
            yield Finding("error", f"{place}.{key}", f"{message}; {_percent(number, low, high) or 'correct it'}")
    yield from _spread(o, place, low, high)
    if "error" in row and o.sd is not None and o.n is not None:
        yield from _error(o, place, o.sd, o.n)
    yield from _terms(o, place)
    yield from _completeness(o, place, row)


def contrast_range(o: Observation) -> tuple[float, float]:
    """Lowest and highest possible value of an observation, in its own unit."""
    bounds = score_range(o.score)
    if not any(term.weight for term in o.terms):
        return -math.inf, math.inf
    ends = [[term.weight * bound for bound in bounds] for term in o.terms if term.weight]
    return sum(min(pair) for pair in ends) / o.divide_by, sum(max(pair) for pair in ends) / o.divide_by


def _what(o: Observation) -> str:
    return f"the score {o.score}" if len(o.terms) == 1 else f"this contrast of the score {o.score}"


def _percent(value: float, low: float, high: float) -> str | None:
    """The advice for a percentage where a proportion belongs."""
    if abs(value) > 2 and math.isfinite(high) and high <= 2 and low <= value / 100 <= high:
        return f"if it is a percentage, write {value / 100:g}, or keep it and add divide_by = 0.01"
    return None


def _range(o: Observation, place: str, low: float, high: float) -> Iterator[Finding]:
    if o.value is None:
        return
    if not low <= o.value <= high:
        remedy = _percent(o.value, low, high) or f"look it up again in {o.source}"
        limits = f"between {low:g} and {high:g}" if math.isfinite(high) else f"at {low:g} or above"
        yield Finding("error", f"{place}.value", f"is {o.value:g}, but {_what(o)} lies {limits}; {remedy}")
    elif o.score in PERCENTAGES and o.divide_by == 1 and len(o.terms) == 1 and 0 < o.value <= 1:
        message = (
            f"is {o.value:g}, but the score {o.score} is in percent; if it is a proportion, write {o.value * 100:g}"
        )
        yield Finding("warning", f"{place}.value", message)


def _unit(o: Observation, place: str) -> Iterator[Finding]:
    if o.divide_by != 1:
        return
    low, high = score_range(o.score)
    if o.unit.lower() in ("%", "percent") and high == 1:
        remedy = 'write unit = "proportion" and the numbers as proportions, or add divide_by = 0.01'
        message = f"is {o.unit!r}, but the score {o.score} is a proportion between {low:g} and 1; {remedy}"
        yield Finding("warning", f"{place}.unit", message)
    if o.unit.lower() in ("proportion", "fraction") and o.score in PERCENTAGES:
        remedy = 'write unit = "%" and the numbers in percent, or add divide_by = 100'
        yield Finding("warning", f"{place}.unit", f"is {o.unit!r}, but the score {o.score} is in percent; {remedy}")


def _spread(o: Observation, place: str, low: float, high: float) -> Iterator[Finding]:
    """Between two bounds people spread the most at the bounds: sd² ≤ (mean − low)(high − mean)·n/(n − 1)."""
    if o.sd is None or o.value is None or o.n is None or o.n < 2 or len(o.terms) != 1 or not low <= o.value <= high:
        return
    value = min(max(o.value, low + half_unit(o.value)), high - half_unit(o.value))
    most = math.sqrt(max((value - low) * (high - value), 0.0) * o.n / (o.n - 1))
    if math.isfinite(high - low) and o.sd - half_unit(o.sd) > most * (1 + _SPREAD_SLACK):
        message = f"is {o.sd:g}, but with a mean of {o.value:g} between {low:g} and {high:g} it is at most {most:.3g}"
        yield Finding("error", f"{place}.sd", f"{message}; correct one of the two")


def _error(o: Observation, place: str, sd: float, n: int) -> Iterator[Finding]:
    groups = {DESIGNS[o.design]} if o.design else set(DESIGNS.values())
    for variances in groups:
        scale = math.sqrt(variances / n)
        slack = half_unit(o.error) + half_unit(sd) * scale + _SPREAD_SLACK * o.error
        if abs(sd * scale - o.error) <= slack:
            return
    expected = sd * math.sqrt(min(groups) / n)
    is_sd = "error is the standard error and not the standard deviation: " if abs(o.error - sd) < 1e-9 else ""
    message = (
        f"is {o.error:g}, but sd = {sd:g} and n = {n} make it {expected:.3g}; {is_sd}correct or remove one of them"
    )
    yield Finding("error", f"{place}.error", message)


def _terms(o: Observation, place: str) -> Iterator[Finding]:
    total = sum(term.weight for term in o.terms)
    key = f"{place}.contrast"
    left: dict[Term, float] = {}
    for term in o.terms:
        same = dataclasses.replace(term, weight=0.0)
        left[same] = left.get(same, 0.0) + term.weight
    if all(abs(weight) < 1e-12 for weight in left.values()):
        message = "has terms that cancel, so that 0 is predicted whatever happens; compare two conditions or two traces"
        yield Finding("error", key, message)
    elif any(term.weight == 0 for term in o.terms):
        yield Finding("note", key, "has a term of weight 0, which says nothing; remove it")
    if o.kind == "detected" and abs(total) > 1e-9 and o.score not in FROM_ZERO:
        message = f"has weights that sum to {total:g}, so that {o.score} itself is held against 0; add the control"
        yield Finding("warning", key, f"{message} with the opposite weight")
    elif min(abs(total), abs(total - 1)) > 1e-6:
        message = f"has weights that sum to {total:g}, neither 0 (a difference) nor 1 (a mean); is a control missing?"
        yield Finding("note", key, message)


def _completeness(o: Observation, place: str, row: Mapping[str, object]) -> Iterator[Finding]:
    if o.kind == "mean" and o.n is None and not _N_UNKNOWN.search(o.note):
        message = "is missing, so that the standard error cannot be checked; add the number of subjects"
        yield Finding("warning", f"{place}.n", f'{message}, or where the source has none note = "n is not given"')
    if o.kind == "mean" and o.n == 1:
        yield Finding("warning", f"{place}.n", "is 1: a mean of one subject says nothing of others; give n in full")
    if o.flag == "A" and o.kind in ("mean", "counts"):
        message = (
            'is "A" (abstract or legend: direction only), yet a number is given; say where it was read (R, C or S)'
        )
        yield Finding("warning", f"{place}.flag", f'{message}, or use kind = "detected"')
    if o.kind == "detected" and o.value is not None:
        message = 'is not used where kind = "detected"; use kind = "mean", or remove it'
        yield Finding("warning", f"{place}.value", message)
    if o.kind == "detected" and o.flag in ("A", "S") and "sd" in row and "assum" not in o.note.lower():
        message = (
            f'does not say that the spread (sd = {o.sd:g}) is assumed; flag "{o.flag}" gives only a direction: add'
        )
        yield Finding("warning", f"{place}.note", f'{message} note = "the spread is assumed", or correct the flag')
