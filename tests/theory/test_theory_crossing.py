"""When synthesis ends: closed forms, and why Newton on the logarithm is safe."""

from __future__ import annotations

import math

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from theory import crossing as c
from theory.notation import value_of

TAU_EARLY = 6884.0
positive = st.floats(1e-3, 5.0)


def test_crossing_at_constant_drive_solves_the_equation():
    values = {
        "activity": 0.7,
        "ambient_activity": 0.2,
        "drive": 2.0,
        "epsilon": 0.001,
        "tau_early": TAU_EARLY,
    }
    crossing = value_of(c.crossing_at_constant_drive(), **values)
    assert (0.2 + 0.7 * math.exp(-crossing / TAU_EARLY)) * 2.001 == pytest.approx(1.0, rel=1e-14)


def test_synthesis_at_full_drive_lasts_tau_early_ln_2_point_001():
    lifetime = value_of(c.synthesis_lifetime(), drive=2.0, epsilon=0.001, tau_early=TAU_EARLY)
    assert lifetime == pytest.approx(TAU_EARLY * math.log(2.001), rel=1e-15)
    assert lifetime == pytest.approx(4775.1, abs=0.05)
    assert c.synthesis_lifetime() == c.tau_early * sympy.log(c.drive + c.epsilon)


def test_synthesis_in_the_network_lasts_tau_early_ln_2():
    # A protein threshold of half h_0 is (S) (m + epsilon) = 1 with m + epsilon = 2.
    lifetime = value_of(c.synthesis_lifetime(), drive=2.0, epsilon=0.0, tau_early=TAU_EARLY)
    assert lifetime == pytest.approx(4771.6, abs=0.05)


def test_crossing_of_a_clearing_drive_without_ambient_activity_has_one_rate():
    crossing = value_of(
        c.crossing_without_ambient_activity(),
        activity=0.9,
        amplitude=4.0,
        tau_early=TAU_EARLY,
        tau_drive=10800.0,
    )
    assert crossing == pytest.approx(math.log(3.6) / (1 / TAU_EARLY + 1 / 10800.0), rel=1e-14)
    numeric = c.synthesis_duration(0.9, amplitude=4.0, tau_drive=10800.0, ambient_activity=0.0, epsilon=0.0)
    assert numeric == pytest.approx(crossing, rel=1e-14)


def test_crossing_by_ambient_activity_alone_solves_the_equation():
    values = {"ambient_activity": 0.3, "amplitude": 8.0, "epsilon": 0.001, "tau_drive": 10800.0}
    crossing = value_of(c.crossing_by_ambient_activity_alone(), **values)
    assert 0.3 * (8.0 * math.exp(-crossing / 10800.0) + 0.001) == pytest.approx(1.0, rel=1e-14)


def test_no_crossing_where_ambient_activity_alone_keeps_synthesis_going():
    assert c.synthesis_duration(0.5, amplitude=4.0, tau_drive=math.inf, ambient_activity=0.3) == math.inf
    assert c.synthesis_duration(0.1, amplitude=2.0, tau_drive=10800.0, ambient_activity=0.3) == 0.0


@pytest.mark.parametrize("terms", [2, 3, 4])
def test_drive_is_log_convex_by_an_identity_of_squares(terms):
    curvature, squares = c.log_convexity(terms)
    assert sympy.expand(curvature - squares) == 0


def test_drive_decreases_and_is_convex():
    product = c.sum_of_exponentials(3)
    assert sympy.expand(product.diff(c.time)).is_negative
    assert sympy.expand(product.diff(c.time, 2)).is_positive


def test_drive_product_is_a_sum_of_positive_exponentials():
    from theory.notation import exponential_modes

    modes = exponential_modes(c.drive_product(), c.time)
    assert len(modes) == 4
    assert all(size.is_nonnegative and rate.is_nonnegative for rate, size in modes.items())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(positive, st.floats(1e-6, 1e-2)), min_size=1, max_size=6), st.floats(0.0, 0.9))
def test_newton_on_the_logarithm_rises_to_the_crossing_and_never_passes_it(terms, constant):
    sizes = [size for size, _ in terms] + [constant]
    rates = [rate for _, rate in terms] + [0.0]
    path = c.newton_path(sizes, rates)

    def log_drive(t):
        return math.log(math.fsum(s * math.exp(-r * t) for s, r in zip(sizes, rates, strict=True)))

    if log_drive(0.0) <= 0.0:
        assert path == (0.0,)
        return
    far = 1.0
    while log_drive(far) > 0.0:
        far *= 2.0
    root = brentq(log_drive, 0.0, far, xtol=1e-12, rtol=1e-15)
    assert list(path) == sorted(path)
    slope = abs(log_drive(root * (1 - 1e-6)) - log_drive(root)) / (root * 1e-6 + 1e-300)
    rounding = 1e-12 * root + 1e-15 / max(slope, 1e-30)
    assert path[-1] <= root + 10 * rounding
    assert path[-1] == pytest.approx(root, rel=1e-9, abs=10 * rounding)
    assert len(path) < 40


def test_newton_is_exact_in_one_step_for_a_single_exponential():
    path = c.newton_path([3.0], [1e-4])
    assert path[1] == pytest.approx(math.log(3.0) / 1e-4, rel=1e-15)


def test_a_negative_weight_is_refused_because_drive_may_then_cross_twice():
    with pytest.raises(ValueError, match="must not be negative"):
        c.newton_path([2.0, -1.0], [1e-3, 1e-4])
