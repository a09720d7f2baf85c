"""What the numbers of a set of fits say, in sentences: which model is preferred, and what no model explains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas
from scipy.stats import binomtest

from .estimation import Fit
from .figures import assumed, label_of
from .study import Study

LARGE_RESIDUAL = 2.0  # standard errors
SMALL_PROBABILITY = 0.05
_NO_PREFERENCE, _CLEAR, _STRONG = 2.0, 7.0, 10.0  # ΔAIC; after Burnham & Anderson 2002, section 2.6


def preference(table: pandas.DataFrame) -> str:
    """Which model a comparison from :func:`fits.compare` prefers, in words.

    Examples
    --------
    >>> table = pandas.DataFrame({"model": ["ThresholdCapture", "EncodingOnly"], "delta_aic": [0.0, 12.3]})
    >>> preference(table)
    'threshold capture is strongly preferred (ΔAIC: encoding only 12.3)'
    """
    rows = [(label_of(model), float(delta)) for model, delta in zip(table.model, table.delta_aic, strict=True)]
    tied = [name for name, delta in rows if delta < _NO_PREFERENCE]
    behind = ", ".join(f"{name} {delta:.1f}" for name, delta in rows[1:])
    if len(tied) > 1:
        words = f"the data do not tell {_listed(tied)} apart"
    else:
        delta = rows[1][1] if len(rows) > 1 else math.inf
        how = "moderately" if delta < _CLEAR else "clearly" if delta < _STRONG else "strongly"
        words = f"{tied[0]} is {how} preferred"
    return f"{words} (ΔAIC: {behind})" if behind else words


def probability(row: Any) -> float:
    """The predicted probability of what was found, significant or not; NaN for other kinds of observation."""
    return math.exp(row.log_likelihood) if row.kind == "detected" else math.nan


def count_p_value(row: Any) -> float:
    """The exact binomial test of a count against the predicted probability."""
    predicted = min(max(float(row.predicted), 0.0), 1.0)
    return float(binomtest(round(row.observed * row.n), int(row.n), predicted).pvalue)


def explained(row: Any) -> bool:
    """Whether a prediction is within two standard errors, or gives what was found (or counted) at least 5 %."""
    if row.kind == "mean":
        return bool(abs(row.standardised_residual) <= LARGE_RESIDUAL)
    if row.kind == "counts":
        return count_p_value(row) >= SMALL_PROBABILITY
    return row.kind != "detected" or probability(row) >= SMALL_PROBABILITY


def agreement(row: Any) -> str:
    """How a prediction agrees with its observation, in a few letters; empty where nothing was fitted."""
    if row.kind == "mean":
        return f"{round(row.standardised_residual, 1) + 0.0:+.1f} SE".replace("-", "−")
    if row.kind == "detected":
        return f"P = {probability(row):.2f}" if probability(row) < 0.995 else "P > 0.99"
    if row.kind == "counts":
        return f"p = {count_p_value(row):.2g}"
    return ""


def failures(fits: Sequence[Fit]) -> pandas.DataFrame:
    """Observations that at least one of several models of the same studies fails to explain.

    Returns
    -------
    pandas.DataFrame
        study, observation, by_all (no model explains it), and a column per model: agreement and whether explained.
    """
    rows = []
    tables = [list(fit.predictions.itertuples()) for fit in fits]
    for same in zip(*tables, strict=True):
        good = [explained(row) for row in same]
        if not all(good):
            cells = {fit.model: (agreement(row), ok) for fit, row, ok in zip(fits, same, good, strict=True)}
            rows.append({"study": same[0].study, "observation": same[0].observation, "by_all": not any(good), **cells})
    return pandas.DataFrame(rows, columns=["study", "observation", "by_all", *(fit.model for fit in fits)])


def evidence(studies: Sequence[Study]) -> str:
    """What the studies observed, counted."""
    observations = [o for study in studies for o in study.observations]
    means = sum(o.kind == "mean" for o in observations)
    found = sum(o.kind == "detected" and bool(o.detected) for o in observations)
    nulls = sum(o.kind == "detected" and not o.detected for o in observations)
    counts = sum(o.kind == "counts" for o in observations)
    shown = sum(o.kind == "shown" for o in observations)
    guessed = sum(o.kind != "shown" and bool(assumed(o.note)) for o in observations)
    counted = "1 study" if len(studies) == 1 else f"{len(studies)} studies"
    words = (
        f"{counted} with {means + counts + found + nulls} fitted observations: {means} values with a standard error, "
        f"{f'{counts} counts, ' if counts else ''}and "
        f"{found + nulls} effects of which only the direction is used ({found} significant, {nulls} not)"
    )
    if shown:
        words += f"; {shown} more are shown and not fitted"
    return f"{words}. For {guessed} of them the number of subjects or the spread is assumed."


def leaning(tables: Mapping[str, pandas.DataFrame], most: int = 3) -> str:
    """The studies that tell the two best models of the summed fits furthest apart, in words."""
    total = total_comparison(tables)
    if len(total) < 2:
        return "only one model was fitted."
    best, second = total.model[0], total.model[1]
    leads = {}
    for name, table in tables.items():
        aic = table.set_index("model").aic
        leads[name] = float(aic[second] - aic[best])
    furthest = sorted(leads, key=lambda name: -abs(leads[name]))[:most]
    words = ", ".join(f"{name} by {abs(leads[name]):.1f} for {label_of(best if leads[name] > 0 else second)}"
                      for name in furthest)  # fmt: skip
    return f"{label_of(best)} and {label_of(second)} are told apart most by {words}."


def identification(fit: Fit) -> str:
    """How many parameters of a fit the data identify, in words."""
    table = fit.estimates
    shared, own = table[table.study == "shared"], table[table.study != "shared"]
    parts = []
    if len(shared):
        parts.append(f"of the {len(shared)} parameters that all studies share, {_counted(shared)}")
    if len(own):
        parts.append(f"of the {len(own)} parameters of single studies, {_counted(own)}")
    return f"Under {label_of(fit.model)}, {'; '.join(parts) or 'there is nothing to estimate'}."


def _counted(table: pandas.DataFrame) -> str:
    counts = table.verdict.value_counts()
    words = {"ok": "identified", "at bound": "at a bound of the search", "not identified": "not identified"}
    return ", ".join(f"{counts[verdict]} {'is' if counts[verdict] == 1 else 'are'} {text}"
                     for verdict, text in words.items() if verdict in counts)  # fmt: skip


def total_comparison(tables: Mapping[str, pandas.DataFrame]) -> pandas.DataFrame:
    """The comparison of models over separate fits of several studies: their log-likelihoods and parameters add up."""
    joined = pandas.concat(tables.values())
    columns = ["n_parameters", "n_observations", "log_likelihood", "aic"]
    total = joined.groupby("model", as_index=False)[columns].sum().sort_values("aic", ignore_index=True)
    total["delta_aic"] = total.aic - total.aic.min()
    return total


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
