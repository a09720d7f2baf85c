"""Closed forms between events, against numerical integration of the equations."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from theory import between_events as b
from theory.notation import value_of

HOUR = 3600.0
TIMES = {"tau_protein": HOUR, "tau_late": 1.3 * HOUR, "tau_labile": 2 * HOUR}


def integrate(slope, span, start):
    return solve_ivp(slope, (0.0, span), start, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]


def test_early_phase_decays_exponentially():
    assert value_of(b.early_strength(), t=6884.0, early_0=-0.5, tau_early=6884.0) == pytest.approx(
        -0.5 / math.e, rel=1e-15
    )


@pytest.mark.parametrize("production", [0.0, 1.0])
def test_protein_relaxes_to_its_production(production):
    closed = value_of(
        b.protein_under_constant_production(),
        t=5000.0,
        protein_0=0.4,
        production=production,
        tau_protein=HOUR,
    )
    (numeric,) = integrate(lambda _, p: (production - p) / HOUR, 5000.0, [0.4])
    assert closed == pytest.approx(numeric, rel=1e-10)


@pytest.mark.parametrize("rate", [0.2 / HOUR, 0.999 / HOUR, 4.0 / HOUR])
def test_protein_under_decaying_drive_solves_its_equation(rate):
    closed = value_of(
        b.protein_under_decaying_drive(), t=9000.0, protein_0=0.2, source=1.4, rate=rate, tau_protein=HOUR
    )
    (numeric,) = integrate(lambda t, p: (1.4 * np.exp(-rate * t) - p) / HOUR, 9000.0, [0.2])
    assert closed == pytest.approx(numeric, rel=1e-10)


def test_protein_at_resonance_is_the_limit_and_solves_the_equation():
    resonant = b.protein_at_resonance()
    drive = b.source * sympy.exp(-b.time / b.tau_protein)
    assert sympy.simplify(b.tau_protein * resonant.diff(b.time) + resonant - drive) == 0
    closed = value_of(resonant, t=9000.0, protein_0=0.2, source=1.4, tau_protein=HOUR)
    (numeric,) = integrate(lambda t, p: (1.4 * np.exp(-t / HOUR) - p) / HOUR, 9000.0, [0.2])
    assert closed == pytest.approx(numeric, rel=1e-10)


def test_sums_of_exponentials_superpose():
    rates, sizes = (1 / 10800, 1 / 10800 + 1 / 6884), (0.3, 0.9)
    terms = sum(
        value_of(b.protein_under_decaying_drive(), t=7000.0, protein_0=0.0, source=s, rate=r, tau_protein=HOUR)
        for s, r in zip(sizes, rates, strict=True)
    )

    def slope(t, p):
        return (sum(s * np.exp(-r * t) for s, r in zip(sizes, rates, strict=True)) - p) / HOUR

    (numeric,) = integrate(slope, 7000.0, [0.0])
    assert terms == pytest.approx(numeric, rel=1e-10)


@pytest.mark.parametrize("tag", [1, -1, 0])
def test_late_strength_satisfies_its_equation_for_any_protein_course(tag):
    assert b.late_residual(tag) == 0


def test_labile_strength_satisfies_its_equation_for_any_protein_course():
    solution = b.labile_strength()
    wanted = b.labile_rate(b.accumulated(b.time).diff(b.time), solution)
    assert sympy.simplify(solution.diff(b.time) - wanted) == 0


@pytest.mark.parametrize("tag", [1, -1])
def test_labile_strength_drops_out_of_the_late_phase_under_a_tag(tag):
    assert not sympy.expand(b.late_rate(tag, b.protein(b.time), b.late_0, b.labile_0)).has(b.labile_0)


@pytest.mark.parametrize("decaying", [True, False])
def test_recapture_in_gamma_functions_satisfies_its_equation(decaying):
    assert b.recapture_residual(decaying) == 0
    assert b.recapture_in_closed_form(decaying).has(sympy.lowergamma)
    assert sympy.simplify(b.recapture_in_closed_form(decaying).subs(b.time, 0)) == 0


@settings(max_examples=25, deadline=None)
@given(
    st.floats(60.0, 30 * 86400.0),
    st.floats(0.0, 1.0),
    st.sampled_from([0.0, 1.0]),
    st.floats(600.0, 36000.0),
    st.floats(600.0, 36000.0),
)
def test_recapture_equals_its_integral(span, protein, production, tau_late, tau_labile):
    times = {"tau_protein": HOUR, "tau_late": tau_late, "tau_labile": tau_labile}

    def integrand(u):  # u = exp(-s/tau_protein)
        p = production + (protein - production) * u
        total = -production * HOUR * math.log(u) + (protein - production) * HOUR * (1.0 - u)
        return p / tau_late * u ** (HOUR / tau_labile - 1.0) * math.exp(-total / tau_late) * HOUR

    low = math.exp(-span / HOUR)
    # In v = u^(tau_protein/tau_labile) the integrand has no singularity at u = 0.
    power = HOUR / tau_labile
    numeric = quad(
        lambda v: integrand(v ** (1 / power)) * v ** (1 / power - 1) / power if v > 0 else 0.0,
        low**power,
        1.0,
        epsabs=1e-13,
        epsrel=1e-11,
        limit=200,
    )[0]
    closed = b.recaptured_fraction(span, protein_0=protein, production=production, **times)
    assert closed == pytest.approx(numeric, rel=1e-8, abs=1e-11)


@pytest.mark.parametrize(("protein", "production"), [(0.7, 0.0), (0.2, 1.0)])
def test_gamma_and_kummer_forms_of_recapture_agree(protein, production):
    values = {"t": 8000.0, "protein_0": protein, "production": production, **TIMES}
    gamma = value_of(b.recapture_in_closed_form(production == 0.0), **values)
    assert gamma == pytest.approx(value_of(b.recapture_by_kummer(), **values), rel=1e-14)


def test_recapture_against_a_taylor_integrator():
    tau_protein, tau_late, tau_labile = TIMES["tau_protein"], TIMES["tau_late"], TIMES["tau_labile"]

    def slope(x, y):  # x in hours; y = (p, l, z)
        p, labile, _ = y
        return [
            (1 - p) * HOUR / tau_protein,
            -labile * HOUR / tau_labile - p * labile * HOUR / tau_late,
            p * labile * HOUR / tau_late,
        ]

    with mpmath.workdps(20):
        _, _, late = mpmath.odefun(slope, 0, [mpmath.mpf("0.25"), 1, 0])(2.5)
    assert b.recaptured_fraction(2.5 * HOUR, protein_0=0.25, production=1.0, **TIMES) == pytest.approx(float(late))


def test_series_of_the_kernels_equal_the_closed_forms():
    values = {"t": 8000.0, "protein_0": 0.9, "production": 0.0, **TIMES}
    series = value_of(b.recapture_series_while_decaying(40), **values)
    assert series == pytest.approx(value_of(b.recapture_by_kummer(), **values), rel=1e-14)
    assert b.production_moment_recursion() == 0
    numeric = quad(lambda u: u**0.7 * math.exp(1.5 * (1 - u)), 0.0, 1.0, epsabs=1e-14)[0]
    assert value_of(b.production_moment(40), shape=1.7, bend=1.5) == pytest.approx(numeric, rel=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_late_strength_under_a_graded_tag_satisfies_its_equation(sign):
    assert b.graded_tag_residual(sign) == 0


@pytest.mark.parametrize("graded", [False, True])
def test_late_plus_labile_strength_never_leaves_its_range(graded):
    y, g, p = sympy.symbols("y g p", nonnegative=True)
    flows = b.flow_through_faces(graded)
    assert len(flows) == 12
    grid = [(a, c, d) for a in (0, 0.3, 1) for c in (0, 0.4, 1) for d in (0, 0.5, 3)]
    for place, flow in flows.items():
        # The flow is linear in y, g and p apart, so that its largest value lies at a corner; p has no bound.
        assert all(sympy.diff(flow, symbol, 2) == 0 for symbol in (y, g, p)), place
        assert all(flow.subs({y: a, g: c, p: d, b.tau_late: 1, b.tau_labile: 2}) <= 0 for a, c, d in grid), place


def test_a_durable_jump_by_the_room_left_by_z_and_l_together_would_push_z_out_of_range():
    # z += f (B - z - l) keeps z + l in range at the jump, but not z, to which z + l falls back as l decays.
    late, labile, fraction = -0.5, 0.3, 0.5
    pushed = late + fraction * (-0.5 - late - labile)
    assert -0.5 <= pushed + labile <= 1.0
    assert pushed < -0.5
    kept = late + fraction * (-0.5 - late - min(labile, 0.0))
    assert kept >= -0.5
