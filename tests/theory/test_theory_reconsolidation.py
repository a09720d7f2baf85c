"""What is left of a late trace after a reactivation."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from theory import reconsolidation as r
from theory.crossing import synthesis_duration
from theory.notation import value_of

HOUR = 3600.0
TAGGED = {"early": 0.9, "ambient_activity": 0.3}
UNTAGGED = {"early": 0.1, "ambient_activity": 0.6}


def simulate(*, late, lability, early, ambient_activity, blocked=None, tau_labile=2 * HOUR):
    """The same by integration of p, z and l, for the default surprise."""
    drive_lasts = synthesis_duration(early, amplitude=4.0, tau_drive=3 * HOUR, ambient_activity=ambient_activity)
    tag_lasts = max(0.0, 6884.0 * math.log(early / 0.2))
    until = 10 * 24 * HOUR
    steps = [k * 10 * HOUR for k in range(1, 24)]
    cuts = sorted({0.0, until, drive_lasts, tag_lasts, *(blocked or ()), *steps})
    state = np.array([0.0, (1 - lability) * late, lability * late])
    for start, end in pairwise(cuts):
        middle = 0.5 * (start + end)
        made = middle < drive_lasts and not (blocked and blocked[0] <= middle < blocked[1])
        tag = middle < tag_lasts

        def slope(_, y, made=made, tag=tag):
            p, z, labile = y
            pull = (1 - z - labile if tag else 0.0) + labile
            return [(made - p) / HOUR, p * pull / HOUR, -labile / tau_labile - p * labile / HOUR]

        state = solve_ivp(slope, (start, end), state, method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
    return (state[1] + state[2]) / late


@pytest.mark.parametrize("trace", [TAGGED, UNTAGGED], ids=["tagged", "untagged"])
@pytest.mark.parametrize("blocked", [None, (0.0, 6 * HOUR), (0.5 * HOUR, 9 * HOUR), (0.0, 0.4 * HOUR)])
def test_kept_fraction_equals_integration_of_the_equations(blocked, trace):
    closed = r.kept_fraction(late=0.7, lability=0.8, blocked=blocked, until=10 * 24 * HOUR, **trace)
    assert closed == pytest.approx(simulate(late=0.7, lability=0.8, blocked=blocked, **trace), rel=1e-8)


def test_what_was_made_labile_is_lost_if_synthesis_is_blocked():
    assert r.kept_if_blocked() == 1 - r.lability
    kept = r.kept_fraction(late=0.7, lability=0.8, blocked=(0.0, 40 * 24 * HOUR), **TAGGED)
    assert kept == pytest.approx(0.2, rel=1e-12)


def test_blocking_for_six_hours_costs_as_much_as_blocking_for_good_once_the_drive_is_gone():
    for_good = r.kept_fraction(late=0.7, lability=0.8, blocked=(0.0, 40 * 24 * HOUR), **TAGGED)
    assert r.kept_fraction(late=0.7, lability=0.8, blocked=(0.0, 6 * HOUR), **TAGGED) == for_good


@pytest.mark.parametrize("tau_labile", [0.5 * HOUR, 2 * HOUR, 20 * HOUR])
def test_blocking_from_six_hours_on_costs_nothing_whatever_tau_labile_once_the_drive_is_gone(tau_labile):
    for trace in (TAGGED, UNTAGGED):
        allowed = r.kept_fraction(late=0.7, lability=0.8, tau_labile=tau_labile, **trace)
        late_block = (6 * HOUR, 24 * HOUR)
        blocked = r.kept_fraction(late=0.7, lability=0.8, tau_labile=tau_labile, blocked=late_block, **trace)
        assert blocked == pytest.approx(allowed, rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.1, 0.95),
    st.floats(0.0, 1.0),
    st.floats(0.3, 6.0),
    st.floats(0.5 * HOUR, 10 * HOUR),
    st.floats(0.01, 0.19),
)
def test_blocking_from_a_delay_costs_no_more_than_the_bound_on_tau_labile_allows(late, ambient, surprise, delay, early):
    tolerance = 0.05
    tau_labile = value_of(r.longest_tau_labile(), delay=delay, tolerance=tolerance)
    arguments = {
        "late": late,
        "lability": 1.0,
        "early": early,
        "ambient_activity": ambient,
        "surprise": surprise,
    }
    allowed = r.kept_fraction(tau_labile=tau_labile, **arguments)
    blocked = r.kept_fraction(tau_labile=tau_labile, blocked=(delay, 20 * 24 * HOUR), **arguments)
    assert -1e-12 <= allowed - blocked <= tolerance


def test_no_more_than_five_percent_left_labile_at_six_hours_bounds_tau_labile_to_two_hours():
    bound = value_of(r.longest_tau_labile(), delay=6 * HOUR, tolerance=0.05)
    assert bound == pytest.approx(7210.3, abs=0.05)
    assert bound == pytest.approx(2 * HOUR, rel=0.002)


def test_recapture_without_a_tag_returns_at_most_tau_labile_over_the_sum_of_both():
    ratio = value_of(r.most_recaptured(), tau_labile=2 * HOUR, tau_late=HOUR)
    assert ratio == pytest.approx(2 / 3, rel=1e-15)
    kept = r.kept_fraction(late=0.7, lability=1.0, early=0.1, ambient_activity=5.0, surprise=50.0)
    assert kept < ratio


def test_recapture_alone_cannot_keep_95_percent_with_a_labile_phase_of_two_hours():
    needed = value_of(r.shortest_tau_labile_without_tag(), lability=0.78, kept=0.95, tau_late=HOUR)
    assert needed == pytest.approx(14.6 * HOUR, rel=1e-12)
    assert r.kept_fraction(late=0.7, lability=0.78, **UNTAGGED) < 0.6


def test_under_a_tag_that_outlasts_the_proteins_tau_labile_does_not_matter():
    late, lability = 0.7, 0.8
    # A low threshold keeps the tag for as long as there is protein.
    kept = [
        r.kept_fraction(late=late, lability=lability, tau_labile=tau, tag_threshold=1e-9, **TAGGED)
        for tau in (0.5 * HOUR, 20 * HOUR)
    ]
    assert kept[0] == pytest.approx(kept[1], rel=1e-8)
    assert not r.kept_under_tag().has(r.tau_labile)


def test_a_tagged_trace_keeps_95_percent_only_up_to_a_strength_set_by_the_protein_it_sees():
    # P of the default surprise, from a trace that starts at 0: kept * late = 1 - (1 - (1 - lability) late) E.
    kept = r.kept_fraction(late=0.5, lability=1.0, tag_threshold=1e-9, **TAGGED)
    protein = -HOUR * math.log(1.0 - kept * 0.5)
    strongest = value_of(r.strongest_trace_kept(), P=protein, kept=0.95, lability=0.778, tau_late=HOUR)
    for late, keeps in ((strongest - 1e-6, True), (strongest + 1e-6, False)):
        share = r.kept_fraction(late=late, lability=0.778, tag_threshold=1e-9, **TAGGED)
        assert (share >= 0.95) == keeps
    # a surprise no stronger than a full release does not restore a strong trace; the default surprise does
    assert r.kept_fraction(late=0.90, lability=0.778, surprise=2.0, **TAGGED) < 0.85
    assert r.kept_fraction(late=0.93, lability=0.663, **TAGGED) > 0.95


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 0.99), st.floats(0.0, 1.0), st.floats(0.0, 10 * HOUR), st.floats(0.0, 20 * HOUR))
def test_blocking_never_helps(late, lability, on, duration):
    allowed = r.kept_fraction(late=late, lability=lability, **TAGGED)
    blocked = r.kept_fraction(late=late, lability=lability, blocked=(on, on + duration), **TAGGED)
    assert blocked <= allowed + 1e-12
