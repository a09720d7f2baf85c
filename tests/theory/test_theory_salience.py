"""What a larger dose does: the discriminating prediction, as derived."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import salience as s
from theory.capture import late_by_linear, late_by_threshold, linear_exponent
from theory.crossing import synthesis_duration
from theory.experiment import OneRelease
from theory.notation import (
    activity,
    ambient_activity,
    amplitude,
    epsilon,
    interval,
    related_activity,
    tau_drive,
    tau_early,
    value_of,
)
from theory.windows import window_at_criterion

HOUR = 3600.0
SLOW = OneRelease(drive_clearance=3 * HOUR)
FAST = OneRelease(drive_clearance=900.0)


def lengthening(rule: str, side: str, experiment: OneRelease, dose: float, factor: float = 1.01) -> float:
    """Window gained for each unit of ln(dose) (s)."""
    windows = [window_at_criterion(rule, side, 0.05, experiment.with_dose(d)) for d in (dose, factor * dose)]
    return (windows[1] - windows[0]) / math.log(factor)


# --- threshold capture: how long, how much ---


def test_without_ambient_activity_synthesis_lengthens_by_both_decays_together():
    slope = s.duration_per_log_dose().subs({ambient_activity: 0, epsilon: 0})
    assert sympy.simplify(slope - 1 / (1 / tau_drive + 1 / tau_early)) == 0


def test_where_ambient_activity_dominates_synthesis_lengthens_by_the_drive_clearance():
    slope = s.duration_per_log_dose().subs(epsilon, 0)
    assert sympy.simplify(sympy.limit(slope, activity, 0) - tau_drive) == 0


def test_in_between_the_share_of_decaying_activity_decides():
    share = activity * sympy.exp(-s.time / tau_early)
    share = share / (ambient_activity + share)
    slope = s.duration_per_log_dose().subs(epsilon, 0)
    assert sympy.simplify(1 / slope - (1 / tau_drive + share / tau_early)) == 0


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 1.0), st.floats(0.0, 0.4), st.floats(12.0, 100.0), st.floats(600.0, 40000.0))
def test_lengthening_of_synthesis_equals_a_finite_difference(active, ambient, push, clearance):
    def duration(a):
        return synthesis_duration(active, amplitude=a, tau_drive=clearance, ambient_activity=ambient)

    numeric = (duration(push * 1.0001) - duration(push / 1.0001)) / (2 * math.log(1.0001))
    slope = value_of(
        s.duration_per_log_dose(),
        t=duration(push),
        activity=active,
        amplitude=push,
        ambient_activity=ambient,
        epsilon=0.001,
        tau_drive=clearance,
        tau_early=6884.0,
    )
    assert slope == pytest.approx(numeric, rel=1e-5)


def test_below_the_least_amplitude_nothing_is_made_and_above_it_something_is():
    values = {"activity": 0.4, "ambient_activity": 0.3, "epsilon": 0.001}
    least = value_of(s.least_amplitude(), **values)
    assert least == pytest.approx(1 / 0.7 - 0.001, rel=1e-14)
    for factor, made in ((1 - 1e-9, False), (1 + 1e-9, True)):
        duration = synthesis_duration(
            0.4, amplitude=factor * least, tau_drive=3 * HOUR, ambient_activity=0.3, epsilon=0.001
        )
        assert (duration > 0.0) == made
    assert late_by_linear(0.0, SLOW.with_dose(0.01)) > 0.0


@pytest.mark.parametrize("delay", [0.0, 1800.0, 4000.0])
@pytest.mark.parametrize("experiment", [SLOW, FAST], ids=["slow", "fast"])
def test_above_the_saturating_dose_late_strength_does_not_change_at_all(experiment, delay):
    values = {"interval": delay, **experiment.symbols()}
    enough = value_of(s.saturating_amplitude_retroactive(), **values) / experiment.drive_weight
    level = value_of(s.saturated_late_strength(), **values)
    for factor in (1.0 + 1e-9, 2.0, 1000.0):
        assert late_by_threshold(delay, experiment.with_dose(factor * enough)) == pytest.approx(level, rel=1e-12)
    assert late_by_threshold(delay, experiment.with_dose(0.99 * enough)) < level
    assert late_by_linear(delay, experiment.with_dose(4 * enough)) > late_by_linear(
        delay, experiment.with_dose(2 * enough)
    )


def test_at_the_defaults_a_release_right_after_encoding_saturates_at_a_dose_of_1_55_and_late_strength_0_446():
    values = {"interval": 0.0, **SLOW.symbols()}
    assert value_of(s.saturating_amplitude_retroactive(), **values) / 2 == pytest.approx(1.555, abs=5e-4)
    assert value_of(s.saturated_late_strength(), **values) == pytest.approx(0.446, abs=5e-4)


# --- linear capture: how much ---


@settings(max_examples=30, deadline=None)
@given(st.floats(-30000.0, 30000.0), st.floats(0.01, 50.0))
def test_under_linear_capture_minus_ln_of_what_is_missing_is_proportional_to_the_dose(moment, dose):
    one = linear_exponent(moment, SLOW)
    assert linear_exponent(moment, SLOW.with_dose(dose)) == pytest.approx(dose * one, rel=1e-12)


# --- retroactive windows ---


def test_the_retroactive_window_stops_at_the_tag_under_threshold_capture_and_grows_under_linear_capture():
    doses = (4.0, 64.0, 1024.0)
    capped = [window_at_criterion("threshold", "retroactive", 0.05, SLOW.with_dose(dose)) for dose in doses]
    assert capped[0] == pytest.approx(capped[-1], abs=1e-6)
    assert capped[-1] < SLOW.tag_lifetime
    grown = [window_at_criterion("linear", "retroactive", 0.05, SLOW.with_dose(dose)) for dose in doses]
    assert grown[0] > SLOW.tag_lifetime
    assert grown[2] - grown[1] == pytest.approx(5400.0 * math.log(16.0), rel=0.02)


def test_linear_retroactive_capture_decays_with_the_tag_or_with_tag_and_early_phase_together():
    modes = s.decay_modes("retroactive")
    alone = {rate: size.subs({ambient_activity: 0, related_activity: 0}) for rate, size in modes.items()}
    assert set(modes) == {1 / s_tau("tau_tag"), sympy.together(1 / s_tau("tau_tag") + 1 / tau_early)}
    assert alone[1 / s_tau("tau_tag")] == 0
    assert all(size.is_positive or size.is_nonnegative for size in modes.values())


def s_tau(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, positive=True)


# --- proactive windows: what is true of tau_protein ln(dose) ---


def test_linear_proactive_capture_has_the_rates_of_drive_proteins_and_drive_with_early_phase():
    assert set(s.decay_modes("proactive")) == {
        1 / tau_drive,
        1 / s_tau("tau_protein"),
        sympy.together(1 / tau_drive + 1 / tau_early),
    }


def test_without_protein_made_before_encoding_linear_capture_decays_with_the_drive_alone():
    modes = s.decay_modes("proactive")
    alone = {rate: size.subs({ambient_activity: 0, related_activity: 0}) for rate, size in modes.items()}
    assert [rate for rate, size in alone.items() if size != 0] == [1 / tau_drive]


@pytest.mark.parametrize(("tau_m", "slowest"), [(3, 3), (sympy.Rational(1, 4), 1)], ids=["slow drive", "fast drive"])
def test_linear_lengthening_tends_to_the_slower_of_drive_and_proteins(tau_m, slowest):
    # In units of tau_protein.
    values = {
        "tau_drive": tau_m,
        "tau_protein": 1,
        "tau_early": 2,
        "tau_tag": sympy.Rational(3, 2),
        "tau_late": 1,
        "strength": sympy.Rational(2, 5),
        "ambient_activity": sympy.Rational(3, 10),
        "related_activity": sympy.Rational(1, 2),
        "amplitude": 1,
        "capture_gain": 1,
    }
    slope = s.window_per_log_dose_linear("proactive")
    slope = slope.subs({symbol: values[str(symbol)] for symbol in slope.free_symbols - {interval}})
    assert float(slope.subs(interval, 200)) == pytest.approx(float(slowest), rel=1e-9)


def test_linear_lengthening_at_a_finite_dose_is_the_local_decay_time():
    experiment = SLOW.with_dose(3.0)
    window = window_at_criterion("linear", "proactive", 0.05, experiment)
    slope = value_of(s.window_per_log_dose_linear("proactive"), **{"interval": window, **experiment.symbols()})
    assert lengthening("linear", "proactive", SLOW, 3.0, factor=1.0001) == pytest.approx(slope, rel=1e-3)


def test_tau_protein_ln_dose_holds_for_a_fast_clearing_drive_only():
    assert lengthening("linear", "proactive", FAST, 200.0) == pytest.approx(HOUR, rel=1e-3)
    assert lengthening("linear", "proactive", SLOW, 200.0) == pytest.approx(3 * HOUR, rel=1e-3)


def test_with_the_default_clearance_both_rules_lengthen_the_proactive_window_alike():
    threshold = lengthening("threshold", "proactive", SLOW, 50.0)
    linear = lengthening("linear", "proactive", SLOW, 50.0)
    assert threshold == pytest.approx(3 * HOUR, rel=0.01)
    assert linear == pytest.approx(threshold, rel=0.01)


def test_dose_and_interval_trade_at_the_drive_clearance_for_synthesis_set_off_by_encoding():
    assert s.shift_of_the_proactive_drive() == 0
    alone = dataclasses.replace(SLOW, ambient_activity=0.0)
    assert lengthening("threshold", "proactive", alone, 20.0) == pytest.approx(3 * HOUR, rel=2e-3)


def test_proteins_made_before_encoding_lengthen_the_window_by_the_closed_form():
    # The fast drive at a dose of 16: encoding itself no longer sets off synthesis at the window.
    dose = 16.0
    crossing = synthesis_duration(0.0, amplitude=2 * dose, tau_drive=900.0, ambient_activity=0.3, epsilon=FAST.epsilon)
    slope = value_of(s.residual_protein_window_per_log_dose(), crossing=crossing, tau_drive=900.0, tau_protein=HOUR)
    assert slope == pytest.approx(900.0 / -math.expm1(-crossing / HOUR), rel=1e-14)
    measured = lengthening("threshold", "proactive", FAST, dose, factor=1.0001)
    assert measured == pytest.approx(slope, rel=1e-3)
    assert 900.0 < measured < HOUR


def test_fast_clearance_is_what_lets_the_proactive_window_tell_the_rules_apart():
    assert lengthening("threshold", "proactive", FAST, 2000.0) < 0.35 * lengthening("linear", "proactive", FAST, 2000.0)


# --- relatedness and dose ---


def test_relatedness_and_dose_are_interchangeable_without_ambient_and_own_activity_only():
    difference = s.exchange_of_relatedness_for_dose()
    assert difference != 0
    assert difference.subs({ambient_activity: 0, activity: 0}) == 0
    assert difference.subs(ambient_activity, 0) != 0
    assert difference.subs(activity, 0) != 0


# --- the table and the figure ---


def test_predictions_are_one_row_a_dose_and_rule():
    table = s.predictions([0.5, 2.0], SLOW, criterion=0.05)
    assert list(table["rule"]) == ["threshold", "linear"] * 2
    assert list(table.columns) == [
        "dose",
        "rule",
        "late_retroactive",
        "late_proactive",
        "synthesis_duration",
        "retroactive_window",
        "proactive_window",
    ]
    row = table[(table["dose"] == 2.0) & (table["rule"] == "threshold")].iloc[0]
    assert row["late_retroactive"] == late_by_threshold(1800.0, SLOW.with_dose(2.0))
    assert np.isnan(table["synthesis_duration"][table["rule"] == "linear"]).all()


def test_figure_has_labelled_axes_with_units():
    figure = s.discriminating_prediction_figure()
    assert len(figure.axes) == 3
    assert all("dose" in axes.get_xlabel() and "(" in axes.get_ylabel() for axes in figure.axes)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [
        "threshold capture",
        "linear capture",
    ]
    figure.canvas.draw()


def test_amplitude_is_the_symbol_of_the_dose():
    assert s.least_amplitude().subs({activity: 1, ambient_activity: 0}) == 1 - epsilon
    assert amplitude not in s.least_amplitude().free_symbols
