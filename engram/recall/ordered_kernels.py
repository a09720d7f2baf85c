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
