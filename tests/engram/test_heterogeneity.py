"""Curves averaged over the synapses of a memory are smooth, and how many nodes that takes.

The ripple of a curve is what its error, the deviation from the same curve with 2048 nodes, has beyond a smooth trend
(a polynomial of degree 8), as a fraction of the curve's range. ``python -m tests.engram.test_heterogeneity`` prints
ripple and error of every curve for several numbers of nodes.
"""

from functools import lru_cache

import numpy as np
import pytest
from numpy.polynomial import Chebyshev
from scipy.stats import norm

from engram import (
    Batch,
    Encode,
    EncodingOnly,
    LinearCapture,
    Protocol,
    Release,
    Test,
    ThresholdCapture,
    day,
    hour,
    minute,
)
from engram.consolidation.heterogeneity import RECOMMENDED_NODES, quadrature

CONVERGED = 2048
POINTS = 401
SPREADS = (0.2, 0.4, 0.8)
SMOOTH = 1e-4


def released_at(interval, strength=0.4):
    return Protocol(
        Encode("scene", at=0, strength=strength), Release("dopamine", at=interval), Test("scene", at=1 * day)
    )


def encoded_at(delay, strength=0.4):
    return Protocol(
        Release("dopamine", at=0), Encode("scene", at=delay, strength=strength), Test("scene", at=delay + 1 * day)
    )


RETROACTIVE = {
    "interval of the release": (lambda x: released_at(x), 1 * minute, 3.6 * hour),
    "strength, released at 30 min": (lambda x: released_at(30 * minute, x), 0.05, 0.95),
    "strength, released at 60 min": (lambda x: released_at(60 * minute, x), 0.05, 0.95),
}
PROACTIVE = {
    "delay of encoding": (lambda x: encoded_at(x), 1 * minute, 6 * hour),
    "strength, encoded at 60 min": (lambda x: encoded_at(60 * minute, x), 0.05, 0.95),
}
CURVES = RETROACTIVE | PROACTIVE


@lru_cache
def along(name):
    protocol_of, low, high = CURVES[name]
    positions = np.linspace(low, high, POINTS)
    return positions, Batch([protocol_of(float(x)) for x in positions])


@lru_cache
def late_strength(model, name):
    table = model.simulate(along(name)[1])
    return table[:, 2] + table[:, 3]


def error_and_ripple(kind, spread, nodes, name):
    """Largest error and largest ripple of a curve, as fractions of its range."""
    converged = late_strength(kind(strength_spread=spread, nodes=CONVERGED), name)
    curve = late_strength(kind(strength_spread=spread, nodes=nodes), name)
    positions = along(name)[0]
    error = (curve - converged) / np.ptp(converged)
    ripple = error - Chebyshev.fit(positions, error, 8)(positions)
    return np.abs(error).max(), np.abs(ripple).max()


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 5, 16, 80, 4096])
def test_nodes_are_ascending_symmetric_and_positive(nodes):
    scores, weights = quadrature(nodes)
    assert scores.shape == weights.shape == (nodes,)
    assert np.all(np.diff(scores) > 0)
    assert np.array_equal(scores, -scores[::-1])
    assert np.all(weights > 0)
    assert weights.sum() == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("nodes", [4, 16, 80, 4096])
def test_variance_of_the_nodes_is_that_of_the_normal_distribution(nodes):
    scores, weights = quadrature(nodes)
    assert np.dot(weights, scores**2) == pytest.approx(1, abs=1e-13)


def test_higher_moments_converge_to_those_of_the_normal_distribution():
    errors = []
    for nodes in (16, 80, 4096):
        scores, weights = quadrature(nodes)
        errors.append([np.dot(weights, scores**4) / 3 - 1, np.dot(weights, scores**6) / 15 - 1])
    assert np.all(np.abs(errors[0]) < [0.02, 0.11])
    assert np.all(np.abs(errors[1]) < [1e-3, 1e-2])
    assert np.all(np.abs(errors[2]) < [1e-6, 1e-5])


def test_mean_of_log_normal_strengths_is_exact_to_four_digits():
    for spread in SPREADS:
        scores, weights = quadrature(RECOMMENDED_NODES)
        assert np.dot(weights, np.exp(spread * scores)) == pytest.approx(np.exp(spread**2 / 2), rel=1e-4)


def kink_error(scores, weights, power):
    """Largest error, over all a, of the mean of max(x − a, 0)^power."""
    a = np.linspace(-5, 5, 4001)
    exact = norm.pdf(a) - a * norm.sf(a) if power == 1 else (1 + a**2) * norm.sf(a) - a * norm.pdf(a)
    return np.abs(np.maximum(scores - a[:, None], 0) ** power @ weights - exact).max()


@pytest.mark.parametrize("nodes", [16, 48, 80])
def test_error_of_a_kink_is_at_most_a_third_more_than_the_least_possible(nodes):
    least = np.sqrt(8 * np.pi) / (16 * nodes**2)
    assert kink_error(*quadrature(nodes), power=1) < 4 / 3 * least


def test_error_of_a_kink_in_curvature_falls_faster_than_the_square_of_the_number_of_nodes():
    errors = [kink_error(*quadrature(nodes), power=2) for nodes in (16, 32, 64)]
    assert errors[0] > 4 * errors[1] > 16 * errors[2]


@pytest.mark.parametrize("nodes", [16, 80])
def test_gauss_hermite_nodes_are_ten_times_worse_at_a_kink(nodes):
    scores, weights = np.polynomial.hermite_e.hermegauss(nodes)
    gauss_hermite = kink_error(scores, weights / weights.sum(), power=1)
    assert gauss_hermite > 10 * kink_error(*quadrature(nodes), power=1)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("name", RETROACTIVE)
@pytest.mark.parametrize("kind", [ThresholdCapture, LinearCapture])
def test_recommended_nodes_make_retroactive_curves_smooth(kind, name, spread):
    error, ripple = error_and_ripple(kind, spread, RECOMMENDED_NODES, name)
    assert ripple < SMOOTH
    assert error < SMOOTH


@pytest.mark.parametrize("name", PROACTIVE)
def test_recommended_nodes_make_proactive_curves_smooth_at_a_spread_of_04(name):
    error, ripple = error_and_ripple(ThresholdCapture, 0.4, RECOMMENDED_NODES, name)
    assert max(error, ripple) < SMOOTH


@pytest.mark.parametrize("name", PROACTIVE)
def test_proactive_curves_need_96_nodes_at_a_spread_of_08(name):
    error, ripple = error_and_ripple(ThresholdCapture, 0.8, 96, name)
    assert max(error, ripple) < SMOOTH


def test_sixteen_nodes_are_too_few():
    ripples = [error_and_ripple(ThresholdCapture, 0.4, 16, name)[1] for name in RETROACTIVE]
    assert SMOOTH < min(ripples) < max(ripples) < 1e-3


@pytest.mark.parametrize("name", CURVES)
def test_converged_curve_is_converged(name):
    converged = late_strength(ThresholdCapture(strength_spread=0.8, nodes=CONVERGED), name)
    more = late_strength(ThresholdCapture(strength_spread=0.8, nodes=3001), name)
    assert np.abs(more - converged).max() < 1e-6


@pytest.mark.parametrize("kind", [ThresholdCapture, LinearCapture, EncodingOnly])
def test_without_spread_a_memory_is_one_synapse(kind):
    one, many = kind(nodes=1), kind(nodes=RECOMMENDED_NODES)
    batch = Batch([released_at(30 * minute)])
    assert many.quadrature()[0].shape == (1,)
    assert np.array_equal(one.simulate(batch), many.simulate(batch))


@pytest.mark.parametrize("kind", [ThresholdCapture, LinearCapture, EncodingOnly])
def test_vanishing_spread_tends_to_one_synapse(kind):
    batch = Batch([released_at(30 * minute)])
    narrow = kind(strength_spread=1e-7, nodes=RECOMMENDED_NODES).simulate(batch)
    assert narrow == pytest.approx(kind().simulate(batch), rel=1e-9, abs=1e-12)


def print_table():
    print(f"{'curve':30} {'spread':>6} {'nodes':>5} {'error':>9} {'ripple':>9}   fractions of the range")
    for name in CURVES:
        for spread in SPREADS:
            for nodes in (16, 32, 48, 64, RECOMMENDED_NODES, 96, 128):
                error, ripple = error_and_ripple(ThresholdCapture, spread, nodes, name)
                print(f"{name:30} {spread:6.1f} {nodes:5d} {error:9.1e} {ripple:9.1e}")


if __name__ == "__main__":
    print_table()
