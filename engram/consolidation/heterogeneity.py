"""Heterogeneity nodes: the many synapses of one memory as a few quantiles of their encoding strength.

Encoding strengths spread log-normally about their median, s_k = s·exp(σ_s x_k) with x standard normal. The nodes are
the quantiles of equal probability steps of a *wider* normal distribution (standard deviation ``_WIDENING``), weighted
by the ratio of the two densities. A tag that expires between two nodes leaves a kink; the error that a kink makes
grows with the cube of the spacing of the nodes and with the density there, and this spacing spreads it evenly, where
Gauss–Hermite nodes, wide apart where it matters, would ripple.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_WIDENING = 1.5


@lru_cache(maxsize=32)
def quadrature(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores x_k (standard normal) and weights summing to 1 of ``nodes`` heterogeneity nodes; (nodes,) each."""
    if nodes == 1:
        return np.zeros(1), np.ones(1)
    from scipy.special import ndtri

    scores = _WIDENING * ndtri((np.arange(nodes) + 0.5) / nodes)
    weights = np.exp(-0.5 * scores**2 * (1 - _WIDENING**-2))
    weights /= weights.sum()
    scores.setflags(write=False)
    weights.setflags(write=False)
    return scores, weights
