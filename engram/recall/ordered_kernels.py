"""Ordered confidence compiled: the probability of each level, and its slope in everything it depends on.

The equations are those of :mod:`engram.recall.ordered_scale`, which is the reference. Criteria fall from the strictest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._jit import kernel

_SQRT2 = math.sqrt(2.0)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)
LEAST = float(np.finfo(float).tiny)  # a probability below this counts as this, so that its logarithm is finite


@kernel
def upper_tail(x: float) -> float:
    """1 − Φ(x)."""
    return 0.5 * math.erfc(x / _SQRT2)


@kernel
def between(low: float, high: float) -> float:
    """Φ(high) − Φ(low), taken in the nearer tail, where it does not cancel."""
    if low + high > 0.0:
        return upper_tail(low) - upper_tail(high)
    return upper_tail(-high) - upper_tail(-low)


@kernel
def log_likelihood(strengths: Any, level: Any, sensitivity: float, spread: float, criteria: Any) -> float:
    """Σ ln p(level | strength) over trials with old items, one each: strengths and levels (trials,)."""
    total = 0.0
    last = criteria.shape[0]
    for trial in range(strengths.shape[0]):
        mean = sensitivity * strengths[trial]
        k = level[trial]
        if k == 0:
            p = upper_tail((criteria[0] - mean) / spread)
        elif k == last:
            p = upper_tail((mean - criteria[last - 1]) / spread)
        else:
            p = between((criteria[k] - mean) / spread, (criteria[k - 1] - mean) / spread)
        total += math.log(max(p, LEAST))
    return total


@kernel
def probabilities(means: Any, spread: float, criteria: Any) -> Any:
    """Probability of each level for evidence N(mean, spread²): means (n,), result (n, levels)."""
    last = criteria.shape[0]
    p = np.empty((means.shape[0], last + 1))
    for row in range(means.shape[0]):
        high = 0.0
        for k in range(last):
            low = (criteria[k] - means[row]) / spread
            p[row, k] = upper_tail(low) if k == 0 else between(low, high)
            high = low
        p[row, last] = upper_tail(-high)
    return p


@kernel
def counted(strengths: Any, starts: Any, counts: Any, sensitivity: float, spread: float, criteria: Any) -> float:
    """ln L of counted answers (groups, levels): the value of :func:`information`, alone."""
    levels = criteria.shape[0] + 1
    p = probabilities(sensitivity * strengths, spread, criteria)
    value = 0.0
    for group in range(starts.shape[0]):
        end = starts[group + 1] if group + 1 < starts.shape[0] else strengths.shape[0]
        for level in range(levels):
            if counts[group, level] != 0.0:
                whole = 0.0
                for trace in range(starts[group], end):
                    whole += p[trace, level]
                value += counts[group, level] * math.log(max(whole / (end - starts[group]), LEAST))
    return value


@kernel
def counted_each(strengths: Any, starts: Any, counts: Any, lures: Any, settings: Any) -> Any:
    """ln L of counted answers to old items (groups, levels) and to new ones (1, levels), for each of n parameters.

    strengths (n, traces); settings (n, 3 + criteria): sensitivity, spread, lure shift and criteria. Result (n,).
    """
    values = np.empty(strengths.shape[0])
    first = np.zeros(1, starts.dtype)
    for k in range(strengths.shape[0]):
        criteria = settings[k, 3:]
        values[k] = counted(strengths[k], starts, counts, settings[k, 0], settings[k, 1], criteria)
        values[k] += counted(settings[k, 2:3], first, lures, 1.0, 1.0, criteria)
    return values


@kernel
def slopes(means: Any, spread: float, criteria: Any) -> Any:
    """Derivatives of :func:`probabilities` in mean, spread and each criterion: (n, levels, 2 + criteria)."""
    last = criteria.shape[0]
    out = np.zeros((means.shape[0], last + 1, 2 + last))
    for row in range(means.shape[0]):
        for k in range(last):
            score = (criteria[k] - means[row]) / spread
            density = _DENSITY * math.exp(-0.5 * score * score) / spread
            # a higher criterion takes from the level above it, and gives to the one below
            for level, sign in ((k, 1.0), (k + 1, -1.0)):
                out[row, level, 0] += sign * density
                out[row, level, 1] += sign * density * score
                out[row, level, 2 + k] -= sign * density
    return out


@kernel
def information(
    strengths: Any, change: Any, columns: Any, sensitivity_column: int, starts: Any, counts: Any, sensitivity: float,
    spread: float, criteria: Any, into: Any
) -> Any:  # fmt: skip
    """ln L of counted answers, its gradient and the expected information, in parameters behind strength and response.

    A group's probabilities are the means over its traces. strengths (traces,) and their slopes ``change`` (traces, k)
    in the parameters of ``columns`` (k,); groups begin at ``starts`` (groups,); counts (groups, levels). ``into``
    (2 + criteria, parameters) leads from mean, spread and criteria to parameters; the sensitivity has a column of its
    own, or -1. A probability held at ``LEAST`` has no slope.
    """
    levels = criteria.shape[0] + 1
    size = into.shape[1]
    means = sensitivity * strengths
    p = probabilities(means, spread, criteria)
    s = slopes(means, spread, criteria)
    value = 0.0
    gradient = np.zeros(size)
    expected = np.zeros((size, size))
    natural = np.empty((levels, into.shape[0]))
    whole = np.empty(levels)
    each = np.empty((levels, size))
    for group in range(starts.shape[0]):
        end = starts[group + 1] if group + 1 < starts.shape[0] else strengths.shape[0]
        natural[:] = 0.0
        whole[:] = 0.0
        each[:] = 0.0
        for trace in range(starts[group], end):
            for level in range(levels):
                whole[level] += p[trace, level]
                for j in range(into.shape[0]):
                    natural[level, j] += s[trace, level, j]
                by_mean = s[trace, level, 0]
                for k in range(columns.shape[0]):
                    each[level, columns[k]] += by_mean * sensitivity * change[trace, k]
                if sensitivity_column >= 0:
                    each[level, sensitivity_column] += by_mean * strengths[trace]
        n = 0.0
        for level in range(levels):
            n += counts[group, level]
        for level in range(levels):
            chance = whole[level] / (end - starts[group])
            value += counts[group, level] * math.log(max(chance, LEAST))
            if chance <= LEAST:
                continue
            for j in range(size):
                for i in range(into.shape[0]):
                    each[level, j] += natural[level, i] * into[i, j]
                each[level, j] /= end - starts[group]
            for j in range(size):
                gradient[j] += counts[group, level] / chance * each[level, j]
                for i in range(size):
                    expected[j, i] += n / chance * each[level, j] * each[level, i]
    return value, gradient, expected
