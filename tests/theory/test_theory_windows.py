"""How long a tag lasts, and how late or early a release may come."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import windows as w
from theory.capture import late_by_linear, late_by_threshold
from theory.experiment import OneRelease
from theory.notation import value_of


def test_saturated_tag_lasts_tau_early_ln_5():
    lifetime = value_of(w.tag_lifetime(), strength=1.0, tag_threshold=0.2, tau_early=6884.0)
    assert lifetime == pytest.approx(6884.0 * math.log(5.0), rel=1e-15)
    assert lifetime == pytest.approx(11079.4, abs=0.05)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.21, 0.95), st.floats(0.0, 0.45), st.floats(0.1, 10.0), st.floats(0.0, 0.5))
def test_threshold_capture_has_a_sharp_retroactive_window(strength, ambient, dose, related):
    experiment = OneRelease(encoding_strength=strength, ambient_activity=ambient, dose=dose, related_activity=related)
    window = w.retroactive_window(experiment)
    assert late_by_threshold(window * (1 + 1e-9) + 1e-3, experiment) == 0.0
    if window > 1.0:
        assert late_by_threshold(window * (1 - 1e-6) - 0.5, experiment) > 0.0


def test_retroactive_window_is_the_shorter_of_tag_and_drive():
    for dose in (0.75, 0.9, 1.0, 2.0, 10.0):
        experiment = OneRelease(dose=dose)
        by_tag = value_of(w.tag_lifetime(), **experiment.symbols())
        push = experiment.amplitude + experiment.epsilon
        if push * experiment.ambient_activity >= 1.0:
            expected = by_tag
        else:
            expected = min(by_tag, value_of(w.retroactive_window_by_drive(), **experiment.symbols()))
        assert w.retroactive_window(experiment) == pytest.approx(expected, rel=1e-13)


def test_at_the_defaults_tag_and_drive_close_the_retroactive_window_within_ten_seconds_of_each_other():
    values = OneRelease().symbols()
    assert value_of(w.tag_lifetime(), **values) == pytest.approx(4771.6, abs=0.05)
    assert value_of(w.retroactive_window_by_drive(), **values) == pytest.approx(4780.2, abs=0.05)


def test_conversion_prolongs_the_window_by_milliseconds_at_the_cap_and_seconds_at_a_thousandfold_dose():
    cap = OneRelease().tag_lifetime
    converting = OneRelease(conversion=5.0)
    assert 0.0 < w.retroactive_window(converting) - cap < 0.01
    assert 1.0 < w.retroactive_window(converting.with_dose(1000.0)) - cap < 10.0


def test_conversion_opens_a_window_of_minutes_for_a_trace_too_weak_for_a_tag():
    weak = OneRelease(encoding_strength=0.15)
    assert w.retroactive_window(weak) == 0.0
    window = w.retroactive_window(dataclasses.replace(weak, conversion=5.0))
    assert 5 * 60.0 < window < 15 * 60.0
    assert late_by_threshold(window - 1.0, dataclasses.replace(weak, conversion=5.0)) > 0.0
    assert late_by_threshold(window + 1.0, dataclasses.replace(weak, conversion=5.0)) == 0.0


def test_proactive_window_of_new_synthesis_solves_the_drive_condition():
    experiment = OneRelease(dose=2.0)
    window = w.proactive_synthesis_window(experiment)
    assert window == pytest.approx(value_of(w.proactive_window_by_drive(), **experiment.symbols()), rel=1e-13)
    assert 0.7 * (4.0 * math.exp(-window / 10800.0) + 0.001) == pytest.approx(1.0, rel=1e-13)


def test_where_ambient_activity_makes_no_protein_the_proactive_window_is_sharp_too():
    # s_0 (a + epsilon) = 0.6 < 1: nothing is made before encoding.
    window = w.proactive_synthesis_window(OneRelease())
    assert window == pytest.approx(3641.5, abs=0.05)
    assert late_by_threshold(-window + 1.0, OneRelease()) > 0.0
    assert late_by_threshold(-window - 1.0, OneRelease()) == 0.0


def test_proteins_made_before_encoding_leave_no_sharp_end():
    experiment = OneRelease(dose=4.0)
    assert late_by_threshold(-w.proactive_synthesis_window(experiment) - 20000.0, experiment) > 0.0


@pytest.mark.parametrize("interval", [-80000.0, -1e4, 1e4, 50000.0])
def test_linear_capture_has_no_sharp_window(interval):
    assert late_by_linear(interval, OneRelease()) > 0.0


@pytest.mark.parametrize("rule", ["threshold", "linear"])
@pytest.mark.parametrize("side", ["retroactive", "proactive"])
@pytest.mark.parametrize("dose", [1.0, 2.0, 16.0])
def test_at_the_window_exactly_the_criterion_is_captured_and_less_beyond(rule, side, dose):
    experiment = OneRelease(dose=dose)
    window = w.window_at_criterion(rule, side, 0.05, experiment)
    sign = 1.0 if side == "retroactive" else -1.0
    assert w.CAPTURED[rule](sign * window, experiment) == pytest.approx(0.05, rel=1e-6)
    assert all(w.CAPTURED[rule](sign * (window + more), experiment) < 0.05 for more in (60.0, 1e4, 1e5))


def test_a_criterion_that_no_interval_reaches_gives_nan():
    assert math.isnan(w.window_at_criterion("threshold", "retroactive", 0.5, OneRelease()))
    assert math.isnan(w.window_at_criterion("linear", "proactive", 0.9, OneRelease()))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("square", "retroactive", 0.1), "rule is 'square'"),
        (("linear", "sideways", 0.1), "side is 'sideways'"),
        (("linear", "retroactive", 1.5), "criterion is 1.5"),
    ],
)
def test_what_a_window_cannot_be_asked_for_is_said(arguments, said):
    with pytest.raises(ValueError, match=said):
        w.window_at_criterion(*arguments, OneRelease())
