"""The compiled kernels say what the derivations say."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import engram
from engram import (
    Encode,
    Intervene,
    LinearCapture,
    Protocol,
    Reactivate,
    Release,
    ThresholdCapture,
    day,
    hour,
    minute,
)
from theory import between_events, crossing, reconsolidation, salience, windows
from theory.capture import late_by_linear, late_by_threshold
from theory.experiment import OneRelease
from theory.notation import value_of

MODELS = {"threshold": ThresholdCapture, "linear": LinearCapture}
PREDICTED = {"threshold": late_by_threshold, "linear": late_by_linear}
SHARED = (
    "epsilon",
    "tag_threshold",
    "capture_gain",
    "ambient_activity",
    "tau_early",
    "tau_eligibility",
    "tau_protein",
    "tau_late",
    "tau_tag",
)


def model_of(rule: str, experiment: OneRelease):
    """The engram model with the parameters of an experiment."""
    model = MODELS[rule]()
    dopamine = {name: getattr(experiment, name) for name in ("drive_weight", "drive_clearance", "conversion")}
    table = tuple(
        dataclasses.replace(modulator, **dopamine) if modulator.name == "dopamine" else modulator
        for modulator in model.neuromodulators
    )
    known = {field.name for field in dataclasses.fields(model)}
    own = {name: getattr(experiment, name) for name in SHARED if name in known}
    return dataclasses.replace(model, neuromodulators=table, **own)


def late_in_kernel(rule: str, release_after_encoding: float, experiment: OneRelease) -> float:
    """Late strength of the weak trace, 10 days later, as the kernel has it."""
    encoding, release = max(0.0, -release_after_encoding), max(0.0, release_after_encoding)
    weak = Encode("weak", at=encoding, strength=experiment.encoding_strength)
    events = [Release("dopamine", at=release, dose=experiment.dose)]
    relatedness = {}
    if experiment.related_activity > 0.0:
        events.insert(0, Encode("event", at=release, strength=0.9))
        relatedness[("weak", "event")] = experiment.related_activity / 0.9
    events = [weak, *events] if release_after_encoding >= 0.0 else [*events, weak]
    protocol = Protocol(*events, relatedness=relatedness)
    return state(model_of(rule, experiment), protocol, "weak", 10 * day)["late"]


def state(model, protocol: Protocol, trace: str, at: float) -> dict[str, float]:
    table = model.run(protocol).table([at])
    return table[table["trace"] == trace].iloc[0].to_dict()


def test_defaults_of_the_experiment_are_those_of_the_models():
    experiment = OneRelease()
    for model in (ThresholdCapture(), LinearCapture()):
        known = {field.name for field in dataclasses.fields(model)}
        for name in SHARED:
            assert name not in known or getattr(model, name) == getattr(experiment, name), name
    (dopamine,) = (modulator for modulator in ThresholdCapture().neuromodulators if modulator.name == "dopamine")
    assert (dopamine.drive_weight, dopamine.drive_clearance) == (
        experiment.drive_weight,
        experiment.drive_clearance,
    )


def test_a_nearly_saturated_tag_lasts_tau_early_ln_5():
    strength = 0.999999
    lifetime = value_of(windows.tag_lifetime(), strength=strength, tag_threshold=0.2, tau_early=6884.0)
    assert lifetime == pytest.approx(11079.4, abs=0.05)
    protocol = Protocol(Encode("trace", at=0, strength=strength))
    assert state(ThresholdCapture(), protocol, "trace", lifetime - 1e-6)["tag"] == 1.0
    assert state(ThresholdCapture(), protocol, "trace", lifetime + 1e-6)["tag"] == 0.0


def test_synthesis_at_constant_drive_lasts_tau_early_ln_2_point_001():
    strength = 1.0 - 1e-12
    model = ThresholdCapture(ambient_activity=0.0, baseline_drive=2.0)
    lasts = value_of(crossing.synthesis_lifetime(), drive=2.0, epsilon=0.001, tau_early=6884.0)
    peak = -math.expm1(-lasts / 3600.0)
    protocol = Protocol(Encode("trace", at=0, strength=strength))
    assert state(model, protocol, "trace", lasts)["protein"] == pytest.approx(peak, rel=1e-10)
    later = peak * math.exp(-5000.0 / 3600.0)
    assert state(model, protocol, "trace", lasts + 5000.0)["protein"] == pytest.approx(later, rel=1e-10)


@pytest.mark.parametrize("rule", MODELS)
@pytest.mark.parametrize(
    "experiment",
    [
        OneRelease(),
        OneRelease(conversion=5.0),
        OneRelease(ambient_activity=0.1, related_activity=0.7),
        OneRelease(dose=6.0),
        OneRelease(dose=8.0, drive_clearance=900.0),
        OneRelease(drive_clearance=3600.0),
    ],
    ids=["default", "converting", "related", "large dose", "fast drive", "resonant"],
)
@pytest.mark.parametrize("release_after_encoding", [-3 * hour, -20 * minute, 5 * minute, 40 * minute, 2 * hour])
def test_late_strength_of_the_kernel_is_the_closed_form(rule, experiment, release_after_encoding):
    late = late_in_kernel(rule, release_after_encoding, experiment)
    assert late == pytest.approx(PREDICTED[rule](release_after_encoding, experiment), rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("conversion", [0.0, 5.0])
def test_retroactive_window_of_the_kernel_is_sharp_and_where_the_theory_puts_it(conversion):
    experiment = OneRelease(conversion=conversion)
    window = windows.retroactive_window(experiment)
    assert late_in_kernel("threshold", window - 1.0, experiment) > 0.0
    assert late_in_kernel("threshold", window + 1e-3, experiment) == 0.0


def test_proactive_window_of_the_kernel_is_sharp_where_nothing_is_made_before_encoding():
    window = windows.proactive_synthesis_window(OneRelease())
    assert late_in_kernel("threshold", -window + 1.0, OneRelease()) > 0.0
    assert late_in_kernel("threshold", -window - 1e-3, OneRelease()) == 0.0


def test_the_kernel_does_not_change_above_the_saturating_dose():
    values = {"interval": 1800.0, **OneRelease().symbols()}
    enough = value_of(salience.saturating_amplitude_retroactive(), **values) / 2.0
    late = [late_in_kernel("threshold", 1800.0, OneRelease(dose=enough * more)) for more in (1.001, 3.0, 100.0)]
    assert late == pytest.approx([value_of(salience.saturated_late_strength(), **values)] * 3, rel=1e-10)


def test_minus_ln_of_what_is_missing_is_proportional_to_the_dose_in_the_linear_kernel():
    exponents = [-math.log1p(-late_in_kernel("linear", 1800.0, OneRelease(dose=dose))) for dose in (0.1, 1.0, 10.0)]
    assert np.divide(exponents, exponents[1]) == pytest.approx([0.1, 1.0, 10.0], rel=1e-10)


@pytest.mark.parametrize("side", ["retroactive", "proactive"])
@pytest.mark.parametrize("rule", MODELS)
def test_at_the_predicted_window_the_kernel_captures_the_criterion(rule, side):
    experiment = OneRelease(dose=4.0)
    window = windows.window_at_criterion(rule, side, 0.05, experiment)
    sign = 1.0 if side == "retroactive" else -1.0
    assert late_in_kernel(rule, sign * window, experiment) == pytest.approx(0.05, rel=1e-7)


@pytest.mark.parametrize(("cue", "ambient"), [(0.9, 0.3), (0.15, 0.6)], ids=["tagged again", "no tag"])
@pytest.mark.parametrize("blocked", [None, (0.0, 6 * hour), (0.5 * hour, 9 * hour), (0.0, 0.4 * hour)])
@pytest.mark.parametrize("until", [2 * hour, 10 * day])
def test_restabilisation_in_the_kernel_is_the_closed_form(cue, ambient, blocked, until):
    model = ThresholdCapture(ambient_activity=ambient, durable_fraction=1.0)
    start = 5 * day
    events = [
        Encode("trace", at=0, strength=0.7),
        Reactivate("trace", at=start, cue=cue, prediction_error=1.0),
    ]
    if blocked:
        events.insert(1, Intervene("protein_synthesis_inhibitor", on=start + blocked[0], off=start + blocked[1]))
    protocol = Protocol(*events)
    before = state(model, protocol, "trace", start - 1.0)["late"]
    just_after = state(model, protocol, "trace", start)
    later = state(model, protocol, "trace", start + until)
    kept = reconsolidation.kept_fraction(
        late=before,
        lability=just_after["labile"] / before,
        early=just_after["early"],
        ambient_activity=ambient,
        surprise=model.surprise_drive,
        blocked=blocked,
        until=until,
    )
    assert (just_after["tag"] == 1.0) == (cue > 0.2)
    assert (later["late"] + later["labile"]) / before == pytest.approx(kept, rel=1e-9)


def test_recapture_in_the_kernel_is_the_incomplete_gamma_function():
    model = ThresholdCapture(ambient_activity=0.6, durable_fraction=1.0, tau_labile=5000.0)
    protocol = Protocol(
        Encode("trace", at=0, strength=0.7), Reactivate("trace", at=5 * day, cue=0.15, prediction_error=1.0)
    )
    at_start = state(model, protocol, "trace", 5 * day)
    later = state(model, protocol, "trace", 5 * day + 1800.0)
    returned = (later["late"] - at_start["late"]) / at_start["labile"]
    closed = value_of(
        between_events.recapture_in_closed_form(False),
        t=1800.0,
        protein_0=0.0,
        production=1.0,
        tau_protein=3600.0,
        tau_late=3600.0,
        tau_labile=5000.0,
    )
    assert returned == pytest.approx(closed, rel=1e-10)


def test_a_negative_encoding_on_a_labile_trace_leaves_its_late_phase_in_range():
    model = ThresholdCapture(durable_fraction=1.0)
    protocol = Protocol(
        Encode("trace", at=0, strength=0.9),
        Reactivate("trace", at=5 * day, cue=1.0, prediction_error=1.0, duration=60.0),
        *(Encode("trace", at=5 * day + 60.0 * k, strength=-0.99) for k in range(1, 5)),
    )
    table = model.run(protocol).table(np.linspace(5 * day, 6 * day, 60))
    for total in (table["late"], table["late"] + table["labile"]):
        assert total.min() >= -0.5 - 1e-12
        assert total.max() <= 1.0 + 1e-12


def test_engram_does_not_import_theory():
    check = "import sys, engram; engram.ThresholdCapture(); print('theory' in sys.modules)"
    root = Path(engram.__file__).parents[1]
    told = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=root)
    assert told.stdout.strip() == "False"
