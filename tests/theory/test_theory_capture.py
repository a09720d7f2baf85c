"""Captured late strength against direct integration of the equations, event by event."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from theory import capture as c
from theory.experiment import OneRelease
from theory.notation import value_of

MINUTE = 60.0


def simulate(rule: str, release_after_encoding: float, x: OneRelease, until: float = 4 * 86400.0) -> float:
    """z long after the experiment, by integrating p and z from one event to the next."""
    encoding, release = max(0.0, -release_after_encoding), max(0.0, release_after_encoding)
    early = tag = related = push = protein = late = now = 0.0

    def carry(span: float) -> None:
        nonlocal protein, late

        def production(t: float) -> float:
            fading = np.exp(-t / x.tau_early)
            activity = x.ambient_activity + (early + related) * fading
            drive = push * np.exp(-t / x.drive_clearance)
            if rule == "linear":
                return x.capture_gain * drive * activity
            return activity * (drive + x.epsilon) - 1.0

        def pull(t: float) -> float:
            return tag * np.exp(-t / x.tau_tag) if rule == "linear" else early * np.exp(-t / x.tau_early)

        cuts = [0.0, span]
        if rule == "threshold":
            for switch in (production, lambda t: pull(t) - x.tag_threshold):
                if switch(0.0) > 0.0 > switch(span):
                    cuts.append(brentq(switch, 0.0, span, xtol=1e-12, rtol=1e-15))
        cuts = sorted({*cuts, *(k * 20000.0 for k in range(int(span / 20000.0) + 1))})
        for start, end in pairwise(cuts):
            middle = 0.5 * (start + end)
            made, tagged = production(middle) > 0.0, pull(middle) > x.tag_threshold

            def slope(t, y, made=made, tagged=tagged):
                p, z = y
                source = production(t) if rule == "linear" else float(made)
                hold = pull(t) if rule == "linear" else float(tagged)
                return [(source - p) / x.tau_protein, p * hold * (1.0 - z) / x.tau_late]

            solved = solve_ivp(slope, (start, end), [protein, late], method="DOP853", rtol=1e-11, atol=1e-13)
            protein, late = solved.y[:, -1]

    def wait(span: float) -> None:
        nonlocal early, tag, related, push
        if span > 0.0:
            carry(span)
            early *= math.exp(-span / x.tau_early)
            related *= math.exp(-span / x.tau_early)
            tag *= math.exp(-span / x.tau_tag)
            push *= math.exp(-span / x.drive_clearance)

    for moment, kind in sorted([(encoding, "encode"), (release, "release")]):
        wait(moment - now)
        now = moment
        if kind == "encode":
            early = tag = x.encoding_strength
        else:
            if early > 0.0:
                eligible = x.encoding_strength * math.exp(-(moment - encoding) / x.tau_eligibility)
                early += (1.0 - math.exp(-x.conversion * x.dose * eligible)) * (1.0 - early)
            push, related = x.amplitude, x.related_activity
    wait(until)
    return float(late)


EXPERIMENTS = {
    "default": OneRelease(),
    "converting": OneRelease(conversion=5.0),
    "selective": OneRelease(ambient_activity=0.1, related_activity=0.7),
    "large dose": OneRelease(dose=6.0),
    "fast drive": OneRelease(dose=8.0, drive_clearance=900.0),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("rule", ["threshold", "linear"])
@pytest.mark.parametrize("release_after_encoding", [-120 * MINUTE, -20 * MINUTE, 5 * MINUTE, 40 * MINUTE])
def test_captured_late_strength_equals_integration_of_the_equations(rule, name, release_after_encoding):
    predict = c.late_by_threshold if rule == "threshold" else c.late_by_linear
    closed = predict(release_after_encoding, EXPERIMENTS[name])
    assert closed == pytest.approx(simulate(rule, release_after_encoding, EXPERIMENTS[name]), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_a_weak_trace_is_rescued_less_the_later_the_release_and_not_at_all_beyond_the_tag(experiment):
    late = [c.late_by_threshold(delay * MINUTE, experiment) for delay in (5, 30, 60, 75)]
    assert late == sorted(late, reverse=True)
    assert late[2] > 0.0
    assert c.late_by_threshold(experiment.tag_lifetime + 1.0, experiment) == 0.0


@settings(max_examples=30, deadline=None)
@given(st.floats(0.21, 0.95), st.floats(0.0, 0.6), st.floats(0.2, 20.0), st.floats(600.0, 40000.0))
def test_later_releases_never_capture_more_under_threshold_capture(strength, ambient, dose, clearance):
    experiment = OneRelease(
        encoding_strength=strength,
        ambient_activity=ambient,
        dose=dose,
        drive_clearance=clearance,
        conversion=5.0,
    )
    late = [c.late_by_threshold(delay, experiment) for delay in np.linspace(0.0, 15000.0, 12)]
    assert all(following <= before + 1e-15 for before, following in pairwise(late))


def test_the_selective_regime_rescues_related_traces_and_hardly_any_others():
    related = OneRelease(ambient_activity=0.1, related_activity=0.7)
    unrelated = dataclasses.replace(related, related_activity=0.0)
    assert c.late_by_threshold(5 * MINUTE, related) > 0.4
    assert c.late_by_threshold(5 * MINUTE, unrelated) == 0.0


def test_conversion_lets_the_selective_regime_rescue_unrelated_traces_for_minutes():
    # A release converts eligible traces whether related or not, and conversion raises their own activity.
    unrelated = OneRelease(ambient_activity=0.1, conversion=5.0)
    related = dataclasses.replace(unrelated, related_activity=0.7)
    assert 0.0 < c.late_by_threshold(5 * MINUTE, unrelated) < c.late_by_threshold(5 * MINUTE, related)
    assert c.late_by_threshold(16 * MINUTE, unrelated) == 0.0 < c.late_by_threshold(16 * MINUTE, related)


def test_at_constant_drive_and_lasting_synthesis_only_the_tag_left_matters():
    experiment = OneRelease(drive_clearance=math.inf, dose=2.0)
    values = {"strength": 0.4, "tag_threshold": 0.2, "interval": 1800.0}
    closed = value_of(c.late_at_constant_drive(), tau_early=6884.0, tau_protein=3600.0, tau_late=3600.0, **values)
    assert c.late_by_threshold(1800.0, experiment) == pytest.approx(closed, rel=1e-13)


def test_capture_by_a_fading_tag_has_no_resonance():
    resonant = OneRelease(drive_clearance=3600.0)
    near = OneRelease(drive_clearance=3600.0 * (1 + 1e-9))
    for interval in (-3600.0, 3600.0):
        assert c.late_by_linear(interval, resonant) == pytest.approx(c.late_by_linear(interval, near), rel=1e-8)
    assert c.late_by_linear(-3600.0, resonant) == pytest.approx(simulate("linear", -3600.0, resonant), rel=1e-8)


def test_protein_gathered_by_a_fading_tag_is_its_integral():
    values = {"source": 0.8, "rate": 1 / 5000.0, "protein_0": 0.3, "tau_protein": 3600.0, "tau_tag": 5400.0}
    solved = solve_ivp(
        lambda t, y: [(0.8 * np.exp(-t / 5000) - y[0]) / 3600, y[0] * np.exp(-t / 5400)],
        (0.0, 150000.0),
        [0.3, 0.0],
        method="DOP853",
        rtol=1e-11,
        atol=1e-12,
    )
    assert value_of(c.protein_gathered_by_fading_tag(), **values) == pytest.approx(solved.y[1, -1], rel=1e-8)


@pytest.mark.parametrize("wrong", [{"encoding_strength": 1.0}, {"dose": -1.0}, {"tau_tag": 0.0}])
def test_an_impossible_experiment_is_refused_with_its_value(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} is {wrong[name]}"):
        OneRelease(**wrong)
