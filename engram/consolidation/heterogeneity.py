"""Heterogeneity nodes: the many synapses of one memory as a few quantiles of their encoding strength.

Encoding strengths spread log-normally about their median, s_k = s·exp(σ_s x_k) with x standard normal, so a memory is
an average Σ_k ω_k f(x_k) over nodes. A tag that expires, or a synapse that saturates, leaves a kink in f; where it
falls between two nodes decides the error, so that an averaged curve ripples as the kink moves past the nodes. A kink
of slope costs up to h²φ/12, h the spacing of the nodes and φ the normal density there. The nodes spread this evenly,
h ∝ φ^(−1/2): they are the midpoints of n equal probability steps of a normal distribution of variance 2,

    x_k = √2·Φ⁻¹((k − ½)/n),      ω_k ∝ φ(x_k)/φ(x_k/√2) ∝ exp(−x_k²/4)

and what lies beyond the ends goes to the two outermost nodes on each side, so that mass and variance are exact (the
variance from 4 nodes on). Of all n nodes, for large n, the best have an error of √(8π)/(16 n²) at a kink of slope 1,
wherever it lies; these have a third more, and O(n⁻³) at a kink of curvature. Gauss–Hermite nodes, wide apart where it
matters, are more than ten times worse.

Sixteen nodes, even the best, are too few for ripples below 10⁻⁴ of a curve's range: late strength at 24 h, against the
interval of a release or the encoding strength, with σ_s = 0.4, ripples by up to 9·10⁻⁴. ``RECOMMENDED_NODES`` keep it
below 10⁻⁴ up to σ_s = 0.8 (shown in ``tests/engram/test_heterogeneity.py``).
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np

RECOMMENDED_NODES = 80

_VARIANCE = 2.0


@lru_cache(maxsize=32)
def quadrature(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores x_k (standard normal, ascending) and weights ω_k > 0, summing to 1, of ``nodes`` heterogeneity nodes.

    Parameters
    ----------
    nodes : int
        1 or more; a single node is the median.

    Returns
    -------
    scores, weights : numpy.ndarray, shape (nodes,)
        Read-only.
    """
    if nodes == 1:
        scores, weights = np.zeros(1), np.ones(1)
    else:
        wide = NormalDist(sigma=_VARIANCE**0.5)
        scores = np.array([wide.inv_cdf((k + 0.5) / nodes) for k in range(nodes)])
        scores = 0.5 * (scores - scores[::-1])
        weights = np.exp(-0.5 * scores**2 * (1.0 - 1.0 / _VARIANCE)) * _VARIANCE**0.5 / nodes
        ends = min(2, nodes // 2)
        powers = 2 * np.arange(ends)  # mass, then variance
        missing = 1.0 - (weights * scores ** powers[:, None]).sum(axis=1)
        more = np.linalg.solve(2.0 * scores[-ends:] ** powers[:, None], missing)
        weights[-ends:] += more
        weights[:ends] += more[::-1]
    scores.setflags(write=False)
    weights.setflags(write=False)
    return scores, weights
