"""What the predicted curves claim about memory, and that they are what explicit runs say."""

import dataclasses
import math

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram import (
    Encode,
    EncodingOnly,
    Intervene,
    LinearCapture,
    Protocol,
    Reactivate,
    Release,
    Test,
    ThresholdCapture,
    curves,
    day,
    hour,
    minute,
    neuromodulation,
)
from engram.consolidation import ConsolidationModel
from tests.oracle import memory_trace

UNSELECTIVE = ThresholdCapture(ambient_activity=0.3)
SELECTIVE = ThresholdCapture(ambient_activity=0.1)
TAG_OF_A_WEAK_TRACE = 6884.0 * math.log(0.4 / 0.2)
MODELS = [ThresholdCapture(), LinearCapture(), EncodingOnly(durable_fraction=0.1)]
ENHANCEMENTS = [
    curves.retroactive_enhancement, curves.proactive_enhancement, curves.salience_response,
    curves.relatedness_response,
]  # fmt: skip
by_name = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def late_after_release_alone(model, at):
    released = [] if at is None else [Release("dopamine", at=at)]
    run = model.run(Protocol(Encode("item", at=0, strength=0.4), *released))
    return run.table([24 * hour]).late[0]


# the retroactive window


def test_a_release_alone_rescues_a_weak_trace_the_more_the_sooner_it_comes():
    rescued = [late_after_release_alone(UNSELECTIVE, at) for at in (5 * minute, 30 * minute, 60 * minute)]
    assert rescued[0] > rescued[1] > rescued[2] > 0


@settings(max_examples=25, deadline=None)
@given(st.floats(TAG_OF_A_WEAK_TRACE + 5, 23 * hour))
def test_a_release_beyond_the_tag_changes_late_strength_by_exactly_nothing(at):
    assert late_after_release_alone(UNSELECTIVE, at) == late_after_release_alone(UNSELECTIVE, None)


def test_the_retroactive_curve_falls_to_nothing_where_the_tag_ends():
    curve = curves.retroactive_enhancement(UNSELECTIVE)
    within = curve.interval < TAG_OF_A_WEAK_TRACE
    assert (np.diff(curve.enhancement[within]) < 0).all() and (curve.enhancement[within] > 0).all()
    assert (curve.enhancement[~within].abs() < 1e-11).all()


def test_proactive_enhancement_outlasts_retroactive_enhancement_under_threshold_capture():
    intervals = [2 * hour, 3 * hour, 4 * hour]
    after = curves.retroactive_enhancement(UNSELECTIVE, intervals).enhancement
    before = curves.proactive_enhancement(UNSELECTIVE, intervals).enhancement
    assert (before > 1e-3).all() and (after.abs() < 1e-11).all()


def test_in_the_selective_regime_related_traces_gain_clearly_more_than_unrelated_ones():
    intervals = np.array([5, 15, 30, 45]) * minute
    related = curves.retroactive_enhancement(SELECTIVE, intervals, relatedness=0.5).enhancement
    unrelated = curves.retroactive_enhancement(SELECTIVE, intervals, relatedness=0.0).enhancement
    assert (related > 1.4 * unrelated).all() and (related - unrelated > 0.1).all()
    assert unrelated.iloc[-1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("model", [UNSELECTIVE, SELECTIVE, LinearCapture()])
def test_enhancement_never_falls_with_relatedness(model):
    assert (np.diff(curves.relatedness_response(model).enhancement) >= -1e-12).all()


# what the rivals say


@pytest.mark.parametrize("curve", ENHANCEMENTS)
def test_without_capture_an_emotional_event_changes_nothing_exactly(curve):
    table = curve(EncodingOnly(durable_fraction=0.1))
    assert (table.enhancement == 0).all()
    assert (table.strength == table.baseline).all() and (table.baseline > 0).all()


def test_the_response_to_salience_saturates_under_threshold_capture_and_grows_under_linear_capture():
    doses = [1, 2, 4]
    threshold = curves.salience_response(ThresholdCapture(), doses).enhancement
    linear = curves.salience_response(LinearCapture(), doses).enhancement
    assert threshold[0] < threshold[2] < 1.2 * threshold[0]
    assert linear[1] > 1.7 * linear[0] and linear[2] > 1.5 * linear[1]


def test_a_small_dose_does_nothing_under_threshold_capture_and_something_under_linear_capture():
    assert curves.salience_response(ThresholdCapture(), [0.3]).enhancement[0] < 1e-6
    assert curves.salience_response(LinearCapture(), [0.3]).enhancement[0] > 0.02


# reconsolidation (Nader 2000)

strong_traces = pytest.mark.parametrize("releases", [1, 2, 3])
ages = pytest.mark.parametrize("age", [1 * day, 14 * day], ids=["1 d", "14 d"])
capturing = pytest.mark.parametrize("model", MODELS[:2], ids=lambda model: type(model).__name__)


@strong_traces
@ages
@capturing
def test_a_strong_trace_reminded_with_synthesis_allowed_keeps_95_percent(model, age, releases):
    curve = curves.reconsolidation_window(model, [0], memory_age=age, releases=releases)
    assert curve.baseline[0] >= 0.95 * curve.unreactivated[0]


@strong_traces
@ages
@capturing
def test_a_strong_trace_blocked_for_six_hours_from_the_reminder_loses_most(model, age, releases):
    curve = curves.reconsolidation_window(model, [0], memory_age=age, releases=releases)
    assert curve.loss[0] > 0.5
    assert curve.strength[0] < 0.5 * curve.unreactivated[0]


@strong_traces
@ages
@capturing
def test_a_strong_trace_blocked_from_six_hours_on_loses_nothing(model, age, releases):
    curve = curves.reconsolidation_window(model, [6 * hour], memory_age=age, releases=releases)
    assert abs(curve.loss[0]) < 1e-3


@ages
@capturing
def test_without_a_reminder_the_inhibitor_does_nothing(model, age):
    made = Encode("item", at=0, strength=0.9), Release("dopamine", at=0)
    untouched = model.run(Protocol(*made, Test("item", at=age + 24 * hour))).tests.strength[0]
    curve = curves.reconsolidation_window(model, [0, 1 * hour, 6 * hour], memory_age=age)
    assert curve.unreactivated.to_numpy() == pytest.approx(untouched, rel=1e-10)


@capturing
def test_the_later_the_block_the_smaller_the_loss(model):
    assert (np.diff(curves.reconsolidation_window(model).loss) < 1e-12).all()


def test_nothing_is_labile_without_capture():
    curve = curves.reconsolidation_window(EncodingOnly(durable_fraction=0.2), [0, 6 * hour])
    assert (curve.loss == 0).all()


def test_the_loss_of_a_memory_of_no_strength_is_undefined():
    curve = curves.reconsolidation_window(EncodingOnly(weight_early=0.0), [0])
    assert curve.baseline[0] == 0 and math.isnan(curve.loss[0])


# each curve is what explicit runs say


@by_name
def test_retroactive_strength_and_baseline_equal_explicit_runs(model):
    curve = curves.retroactive_enhancement(model, [20 * minute], relatedness=0.7, dose=0.8, test_delay=10 * hour)
    neutral, test = Encode("a", at=0, strength=0.4), Test("a", at=10 * hour)
    event = Encode("b", at=20 * minute, strength=0.8), Release("dopamine", at=20 * minute, dose=0.8)
    control = model.run(Protocol(neutral, test)).tests.strength[0]
    treated = model.run(Protocol(neutral, *event, test, relatedness={("a", "b"): 0.7})).tests.strength[0]
    assert curve.baseline[0] == pytest.approx(control, rel=1e-13)
    assert curve.strength[0] == pytest.approx(treated, rel=1e-13)
    assert curve.enhancement[0] == curve.strength[0] - curve.baseline[0]


@by_name
def test_proactive_strength_and_baseline_equal_explicit_runs(model):
    curve = curves.proactive_enhancement(model, [40 * minute], strength=0.3, emotional_strength=0.6)
    event = Encode("b", at=0, strength=0.6), Release("dopamine", at=0)
    neutral, test = Encode("a", at=40 * minute, strength=0.3), Test("a", at=24 * hour + 40 * minute)
    control = model.run(Protocol(neutral, test)).tests.strength[0]
    treated = model.run(Protocol(*event, neutral, test, relatedness={("a", "b"): 0.5})).tests.strength[0]
    assert curve.baseline[0] == pytest.approx(control, rel=1e-12)
    assert curve.strength[0] == pytest.approx(treated, rel=1e-12)


def test_the_control_session_is_as_long_as_the_emotional_one():
    # a resting drive makes proteins from the first event on, which must not pass for an effect of emotion
    model = ThresholdCapture(baseline_drive=4.0)
    curve = curves.proactive_enhancement(model, [8 * hour], dose=0.0, emotional_strength=0.0)
    assert curve.enhancement[0] == 0 and curve.baseline[0] > 0.1


@pytest.mark.parametrize("curve", [*ENHANCEMENTS, curves.reconsolidation_window])
def test_a_curve_takes_one_call_of_the_kernel(curve, monkeypatch):
    calls = []
    simulate = ConsolidationModel.simulate
    monkeypatch.setattr(
        ConsolidationModel, "simulate", lambda model, batch: calls.append(batch) or simulate(model, batch)
    )
    curve(ThresholdCapture())
    assert len(calls) == 1


def test_curves_agree_with_adaptive_integration_of_the_equations():
    model = ThresholdCapture(ambient_activity=0.2)
    events = [
        Encode("a", at=0, strength=0.4), Encode("b", at=25 * minute, strength=0.8),
        Release("dopamine", at=25 * minute), Test("a", at=24 * hour),
    ]  # fmt: skip
    slow = memory_trace.simulate(model, events, [24 * hour], relatedness={("a", "b"): 0.5}).tests[0][2]
    fast = curves.retroactive_enhancement(model, [25 * minute]).strength[0]
    assert fast == pytest.approx(slow, rel=1e-9)
    events = [
        Encode("a", at=0, strength=0.9), Release("dopamine", at=0),
        Reactivate("a", at=day, prediction_error=1.0, duration=60.0),
        Intervene("protein_synthesis_inhibitor", on=day + hour, off=day + 7 * hour), Test("a", at=2 * day),
    ]  # fmt: skip
    slow = memory_trace.simulate(model, events, [2 * day]).tests[0][2]
    assert curves.reconsolidation_window(model, [hour]).strength[0] == pytest.approx(slow, rel=1e-9)


def test_another_modulator_of_the_table_can_be_released():
    noradrenaline = dataclasses.replace(neuromodulation.NORADRENALINE, drive_weight=2.0)
    model = ThresholdCapture(neuromodulators=neuromodulation.table(noradrenaline))
    default = curves.retroactive_enhancement(ThresholdCapture(), [10 * minute], modulator="noradrenaline")
    changed = curves.retroactive_enhancement(model, [10 * minute], modulator="noradrenaline")
    assert changed.enhancement[0] > 0.1 > abs(default.enhancement[0])


# how a curve moves with its parameters


def test_the_derivative_by_the_weight_of_late_strength_is_the_late_strength():
    at = [10 * minute, 30 * minute]
    table = curves.sensitivity(curves.retroactive_enhancement, UNSELECTIVE, ["weight_late"], intervals=at)
    late = curves.retroactive_enhancement(UNSELECTIVE.with_(weight_early=0.0), at).enhancement
    assert table.derivative.to_numpy() == pytest.approx(late.to_numpy(), rel=1e-4)
    assert table.interval.tolist() == at and set(table.unit) == {"per relative change"}


def test_scaling_every_time_constant_and_the_interval_together_changes_nothing():
    interval = 12 * minute
    table = curves.sensitivity(curves.retroactive_enhancement, SELECTIVE, intervals=[interval])
    times = table.parameter.str.startswith(("tau_", "dopamine.clearance", "dopamine.drive_clearance"))
    step = 1e-4
    ends = [interval * math.exp(-step), interval * math.exp(step)]
    later, sooner = curves.retroactive_enhancement(SELECTIVE, ends).enhancement[::-1]
    assert table.derivative[times].sum() + (later - sooner) / (2 * step) == pytest.approx(0, abs=2e-3)
    assert table.derivative[times].abs().max() > 0.3


def test_by_default_all_positive_parameters_of_model_and_released_modulator_are_varied():
    table = curves.sensitivity(curves.retroactive_enhancement, UNSELECTIVE, intervals=[30 * minute])
    varied = set(table.parameter)
    assert {"tau_early", "tag_threshold", "ambient_activity", "dopamine.drive_weight"} <= varied
    assert "durable_fraction" not in varied and not any(name.startswith("cortisol.") for name in varied)
    assert list(table.columns) == ["parameter", "interval", "derivative", "unit"]


def test_a_parameter_that_is_zero_moves_by_a_stated_step_in_its_own_unit():
    table = curves.sensitivity(
        curves.retroactive_enhancement, UNSELECTIVE, ["durable_fraction"], step=0.02, intervals=[30 * minute]
    )
    low, high = (
        curves.retroactive_enhancement(UNSELECTIVE.with_(durable_fraction=b), [30 * minute]).enhancement[0]
        for b in (0.0, 0.02)
    )
    assert table.derivative[0] == pytest.approx((high - low) / 0.02, rel=1e-12)
    assert table.unit[0] == "per 1 (step 0.02)"


def test_a_parameter_at_its_bound_is_varied_on_one_side():
    table = curves.sensitivity(
        curves.retroactive_enhancement, UNSELECTIVE, ["dopamine.direction"], intervals=[5 * minute]
    )
    assert table.derivative[0] > 0


def test_a_curve_without_a_release_has_no_sensitivity_to_neuromodulators():
    def curve(model):
        return pandas.DataFrame({"x": [1.0], "y": [model.tau_early]})

    table = curves.sensitivity(curve, UNSELECTIVE)
    assert not any("." in name for name in table.parameter)
    assert table.derivative[table.parameter == "tau_early"].item() == pytest.approx(6884, rel=1e-4)


# messages


@pytest.mark.parametrize(
    ("curve", "arguments", "message"),
    [
        (curves.retroactive_enhancement, {"dose": "1"}, "dose is '1'; give a number"),
        (curves.proactive_enhancement, {"intervals": "5"}, "intervals is '5', which are not numbers"),
        (curves.retroactive_enhancement, {"intervals": [True]}, "which are not numbers"),
        (curves.salience_response, {"interval": "30 min"}, "interval is '30 min'; give a number of seconds"),
        (curves.relatedness_response, {"test_delay": None}, "test_delay is None; give a number of seconds"),
        (curves.reconsolidation_window, {"spacing": "5"}, "spacing is '5'; give a number of seconds"),
        (curves.retroactive_enhancement, {"intervals": [0, -60]}, r"intervals\[1\] is -60"),
        (curves.proactive_enhancement, {"intervals": [math.nan]}, r"intervals\[0\] is nan"),
        (curves.proactive_enhancement, {"intervals": [math.inf]}, r"intervals\[0\] is inf"),
        (curves.retroactive_enhancement, {"intervals": []}, "at least one number"),
        (curves.retroactive_enhancement, {"intervals": [[1.0], [2.0]]}, r"shape \(2, 1\)"),
        (curves.retroactive_enhancement, {"intervals": ["soon"]}, "not numbers"),
        (curves.retroactive_enhancement, {"intervals": [24 * hour]}, "of 86400 s is not before the test"),
        (curves.retroactive_enhancement, {"test_delay": 1 * hour}, "interval of 3600 s is not before"),
        (curves.retroactive_enhancement, {"test_delay": math.nan}, "at is nan"),
        (curves.retroactive_enhancement, {"relatedness": 1.2}, r"is 1.2; give a number between 0 and 1"),
        (curves.retroactive_enhancement, {"relatedness": math.nan}, "is nan; give a number between 0 and 1"),
        (curves.retroactive_enhancement, {"strength": 1.0}, "strength is 1.0"),
        (curves.retroactive_enhancement, {"dose": -1.0}, "dose is -1.0"),
        (curves.proactive_enhancement, {"modulator": "adrenaline"}, "unknown modulator 'adrenaline'"),
        (curves.salience_response, {"doses": [1, -1]}, r"doses\[1\] is -1"),
        (curves.salience_response, {"interval": -5.0}, "at is -5.0"),
        (curves.salience_response, {"interval": 2 * day}, "not before the test"),
        (curves.relatedness_response, {"relatednesses": [0.5, 1.5]}, r"\[1\] is 1.5; .*between 0 and 1"),
        (curves.relatedness_response, {"relatednesses": [-0.1]}, r"relatednesses\[0\] is -0.1"),
        (curves.reconsolidation_window, {"delays": [-1.0]}, r"delays\[0\] is -1"),
        (curves.reconsolidation_window, {"delays": [25 * hour]}, "delay of 90000 s is not before the test"),
        (curves.reconsolidation_window, {"memory_age": -1.0}, "at is -1.0"),
        (curves.reconsolidation_window, {"inhibition": 0.0}, "off must come after on"),
        (curves.reconsolidation_window, {"releases": 1.5}, "releases is 1.5; give a whole number"),
        (curves.reconsolidation_window, {"prediction_error": 2.0}, "prediction_error is 2.0"),
    ],
)
def test_a_bad_value_is_named_in_the_message(curve, arguments, message):
    with pytest.raises(ValueError, match=message):
        curve(ThresholdCapture(), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parameters": ["tau_erly"]}, "unknown parameter 'tau_erly'; ThresholdCapture has tau_early"),
        ({"parameters": ["adrenaline.clearance"]}, "unknown parameter 'adrenaline.clearance'"),
        ({"parameters": []}, "parameters is empty"),
        ({"step": 0.0}, "step is 0.0"),
        ({"step": math.nan}, "step is nan"),
        ({"modulator": "adrenaline"}, "unknown modulator 'adrenaline'"),
    ],
)
def test_a_bad_request_for_sensitivity_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        curves.sensitivity(curves.retroactive_enhancement, ThresholdCapture(), **arguments)


def test_a_class_in_place_of_a_model_is_explained():
    with pytest.raises(TypeError, match=r"pass an instance such as ThresholdCapture\(\)"):
        curves.retroactive_enhancement(ThresholdCapture)
