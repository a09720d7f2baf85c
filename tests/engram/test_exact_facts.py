"""Durations and derivatives that follow from the equations by hand, and memories followed for a month."""

import dataclasses
import math

import numpy as np
import pytest

from engram import (
    Encode,
    Intervene,
    LinearCapture,
    Protocol,
    Reactivate,
    Release,
    Sleep,
    Test,
    ThresholdCapture,
    day,
    hour,
    minute,
    neuromodulation,
)
from tests.oracle import memory_trace

TAU_EARLY = 6884.0
SATURATED = math.nextafter(1.0, 0.0)


def last_moment(holds, low, high):
    """Where ``holds`` turns false between low and high (s), to a microsecond."""
    while high - low > 1e-6:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return 0.5 * (low + high)


def tag_lasts(strength):
    run = ThresholdCapture().run(Protocol(Encode("scene", at=0, strength=strength)))
    return last_moment(lambda time: run.table([time])["tag"][0] != 0, 0, 1 * day)


def late_after_release(strength, at):
    protocol = Protocol(
        Encode("scene", at=0, strength=strength), Release("dopamine", at=at), Test("scene", at=24 * hour)
    )
    return ThresholdCapture().run(protocol).tests["late"][0]


# ---- tags and synthesis --------------------------------------------------------------------------


def test_saturated_tag_lasts_tau_early_ln_5():
    assert tag_lasts(SATURATED) == pytest.approx(TAU_EARLY * math.log(5), abs=1e-5)
    assert tag_lasts(SATURATED) == pytest.approx(11079.4, abs=0.1)


@pytest.mark.parametrize("strength", [0.21, 0.4, -0.4, 0.75, -0.95])
def test_tag_of_either_sign_lasts_tau_early_ln_of_strength_over_threshold(strength):
    assert tag_lasts(strength) == pytest.approx(TAU_EARLY * math.log(abs(strength) / 0.2), abs=1e-5)


@pytest.mark.parametrize("strength", [0.1, -0.15, 0.2])
def test_trace_at_or_below_the_threshold_has_no_tag(strength):
    run = ThresholdCapture().run(Protocol(Encode("scene", at=0, strength=strength)))
    assert run.table([0])["tag"][0] == 0


@pytest.mark.parametrize("strength", [SATURATED, 0.9, 0.7])
def test_nothing_is_captured_beyond_the_tag(strength):
    end = TAU_EARLY * math.log(strength / 0.2)
    assert late_after_release(strength, at=end + 0.01) == 0.0
    assert late_after_release(strength, at=end - 60) > 0.0


def test_later_releases_rescue_a_weak_trace_less():
    late = [late_after_release(0.4, at) for at in (5 * minute, 30 * minute, 60 * minute)]
    assert late[0] > late[1] > late[2] > 0.0


@pytest.mark.parametrize("strength", [SATURATED, 0.8, -0.6])
@pytest.mark.parametrize(("drive", "epsilon"), [(2.0, 0.001), (2.0, 0.0), (5.0, 0.001)])
def test_synthesis_at_constant_drive_lasts_tau_early_ln_of_drive_times_strength(strength, drive, epsilon):
    model = ThresholdCapture(baseline_drive=drive, epsilon=epsilon, ambient_activity=0)
    run = model.run(Protocol(Encode("scene", at=0, strength=strength)))
    read_at = 6 * hour
    # after synthesis p = (1 − exp(−T/τ_p)) exp(−(t − T)/τ_p) = (exp(T/τ_p) − 1) exp(−t/τ_p)
    protein = run.table([read_at])["protein"][0]
    lasted = model.tau_protein * math.log1p(protein * math.exp(read_at / model.tau_protein))
    expected = TAU_EARLY * math.log((drive + epsilon) * abs(strength))
    assert lasted == pytest.approx(expected, rel=1e-10)


def test_synthesis_after_a_saturated_tag_lasts_4775_seconds():
    assert TAU_EARLY * math.log(2.001) == pytest.approx(4775.1, abs=0.05)
    model = ThresholdCapture(baseline_drive=2, ambient_activity=0)
    run = model.run(Protocol(Encode("scene", at=0, strength=SATURATED)))
    before, after = run.table([4775.0, 4775.2])["protein"]
    rising = 1 - (1 - before) * math.exp(-0.2 / model.tau_protein)
    falling = before * math.exp(-0.2 / model.tau_protein)
    assert falling < after < rising


def test_strength_below_the_drive_starts_no_synthesis():
    model = ThresholdCapture(baseline_drive=2, ambient_activity=0)
    run = model.run(Protocol(Encode("scene", at=0, strength=0.499)))
    assert run.table([1 * hour])["protein"][0] == 0.0


@pytest.mark.parametrize("clearance", [60.0, 300.0, 600.0, 1 * hour, 2 * day])
@pytest.mark.parametrize("error", [0.1, 0.3, 1.0])
def test_end_of_synthesis_is_found_where_fast_and_slow_drives_add_up(clearance, error):
    model = ThresholdCapture(surprise_clearance=clearance, durable_fraction=0.1)
    events = [
        Encode("scene", at=0, strength=0.8),
        Release("dopamine", at=1 * hour, dose=4.0),
        Reactivate("scene", at=1 * hour, prediction_error=error),
    ]
    table = model.run(Protocol(*events)).table([6 * hour, 3 * day])
    slow = memory_trace.simulate(model, events, [6 * hour, 3 * day])
    assert table.protein.to_numpy() == pytest.approx(slow.protein[:, 0], rel=1e-10, abs=1e-13)
    assert table.late.to_numpy() == pytest.approx(slow.late[:, 0, 0], rel=1e-10)


@pytest.mark.parametrize("kind", [ThresholdCapture, LinearCapture])
def test_sleeps_that_overlap_are_one(kind):
    model = kind(sleep_drive=1.5)
    encode, read_at = Encode("scene", at=0, strength=0.8), [4 * hour, 1 * day]
    two = Protocol(encode, Sleep(on=1 * hour, off=2 * hour), Sleep(on=1.5 * hour, off=3 * hour))
    one = Protocol(encode, Sleep(on=1 * hour, off=3 * hour))
    columns = ["early", "late", "protein", "strength"]
    tables = [model.run(protocol).table(read_at)[columns].to_numpy() for protocol in (two, one)]
    assert tables[0] == pytest.approx(tables[1], rel=1e-12)


# ---- long spans ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "constants",
    [
        dict(),
        dict(tau_protein=2 * day, tau_late=600.0),
        dict(tau_protein=2 * day, tau_late=10 * day, tau_labile=30 * day),
        dict(tau_protein=300.0, tau_late=10 * day, tau_labile=240.0),
        dict(tau_protein=2 * day, tau_late=600.0, tau_labile=10 * day, tau_early=30 * day),
        dict(tau_protein=900.0, tau_late=600.0, tau_labile=900.0, surprise_clearance=2 * day),
    ],
    ids=lambda constants: ", ".join(f"{name} {value:g} s" for name, value in constants.items()) or "defaults",
)
@pytest.mark.parametrize("kind", [ThresholdCapture, LinearCapture])
def test_a_month_with_labile_strength_and_proteins_agrees_with_adaptive_integration(kind, constants):
    model = kind(durable_fraction=0.3, completion_midpoint=0.05, **constants)
    events = [
        Encode("scene", at=0, strength=0.8),
        Release("dopamine", at=20 * minute),
        Reactivate("scene", at=5 * hour, prediction_error=0.6),
        Intervene("protein_synthesis_inhibitor", on=5.1 * hour, off=7 * hour),
        Encode("scene", at=9 * hour, strength=-0.7),
        Release("dopamine", at=2 * day, dose=0.5),
        Reactivate("scene", at=2 * day + 300, prediction_error=1.0),
    ]
    read_at = [6 * hour, 1 * day, 3 * day, 10 * day, 30 * day]
    table = model.run(Protocol(*events)).table(read_at)
    slow = memory_trace.simulate(model, events, read_at)
    for name in ("early", "late", "labile", "eligibility"):
        assert table[name].to_numpy() == pytest.approx(getattr(slow, name)[:, 0, 0], rel=1e-10, abs=1e-13), name
    for name in ("protein", "strength"):
        assert table[name].to_numpy() == pytest.approx(getattr(slow, name)[:, 0], rel=1e-10, abs=1e-13), name


# ---- derivatives ---------------------------------------------------------------------------------

DIFFERENTIATED = {
    "tau_early": lambda model, x: model.with_(tau_early=x),
    "tag_threshold": lambda model, x: model.with_(tag_threshold=x),
    "ambient_activity": lambda model, x: model.with_(ambient_activity=x),
    "epsilon": lambda model, x: model.with_(epsilon=x),
    "tau_protein": lambda model, x: model.with_(tau_protein=x),
    "tau_late": lambda model, x: model.with_(tau_late=x),
    "tau_labile": lambda model, x: model.with_(tau_labile=x),
    "lability_time": lambda model, x: model.with_(lability_time=x),
    "completion_midpoint": lambda model, x: model.with_(completion_midpoint=x),
    "durable_fraction": lambda model, x: model.with_(durable_fraction=x),
    "surprise_drive": lambda model, x: model.with_(surprise_drive=x),
    "strength_spread": lambda model, x: model.with_(strength_spread=x),
    "forgetting_exponent": lambda model, x: model.with_(forgetting_exponent=x),
    "drive_clearance": lambda model, x: model.with_(
        neuromodulators=neuromodulation.table(dataclasses.replace(neuromodulation.DOPAMINE, drive_clearance=x))
    ),
    "conversion": lambda model, x: model.with_(
        neuromodulators=neuromodulation.table(dataclasses.replace(neuromodulation.DOPAMINE, conversion=x))
    ),
}
POINT = dict(
    tau_early=6884.0, tag_threshold=0.2, ambient_activity=0.3, epsilon=0.001, tau_protein=3600.0, tau_late=3600.0,
    tau_labile=7200.0, lability_time=30.0, completion_midpoint=0.3, durable_fraction=0.1, surprise_drive=2.0,
    strength_spread=0.4, forgetting_exponent=0.2, drive_clearance=10800.0, conversion=5.0,
)  # fmt: skip


def test_complex_step_gives_the_derivatives_of_threshold_capture():
    protocol = Protocol(
        Encode("scene", at=0, strength=0.5),
        Release("dopamine", at=20 * minute, dose=0.8),
        Test("scene", at=2 * hour),
        Reactivate("scene", at=3 * hour, prediction_error=0.5),
        Intervene("protein_synthesis_inhibitor", on=4 * hour, off=5 * hour),
        Test("scene", at=1 * day),
    )
    own = {name: value for name, value in POINT.items() if name not in ("drive_clearance", "conversion")}
    model = ThresholdCapture(nodes=4, **own)
    batch = model.batch([protocol])

    def strengths(change, x):
        return change(model, x).strengths(batch)

    for name, change in DIFFERENTIATED.items():
        at = POINT[name]
        step = 1e-5 * at
        central = (strengths(change, at + step) - strengths(change, at - step)) / (2 * step)
        exact = strengths(change, at + 1e-30j)
        assert exact.real == pytest.approx(model.strengths(batch), rel=1e-13), name
        assert exact.imag / 1e-30 == pytest.approx(central, rel=1e-6, abs=1e-8 / at), name

    for event, column in ((0, 0), (1, 0), (3, 1)):  # strength, dose, prediction error
        row = batch.event_index[0][event]

        def strengths_at(x, row=row, column=column):
            value = batch.timeline.value.astype(type(x))
            value[row, column] = x
            return model.strengths(batch.with_timeline(batch.timeline._replace(value=value)))

        at = float(batch.timeline.value[row, column])
        central = (strengths_at(at + 1e-5) - strengths_at(at - 1e-5)) / 2e-5
        assert strengths_at(at + 1e-30j).imag / 1e-30 == pytest.approx(central, rel=1e-6, abs=1e-9)


def test_a_complex_strength_runs_in_bulk_and_is_refused_where_a_float_is_promised():
    real = Encode("scene", at=0, strength=0.5)
    stepped = Encode("scene", at=0, strength=0.5 + 1e-30j)
    batch = [ThresholdCapture().batch([Protocol(encode, Test("scene", at=1 * hour))]) for encode in (real, stepped)]
    values = [ThresholdCapture().strengths(one) for one in batch]
    assert values[0].dtype == np.float64
    assert values[1].dtype == np.complex128
    assert values[1].imag[0] / 1e-30 == pytest.approx(math.exp(-1 * hour / TAU_EARLY), rel=1e-13)
    assert values[1].real == pytest.approx(values[0], rel=1e-15)
    with pytest.raises(TypeError, match="holds a complex number; give real ones"):
        ThresholdCapture().run(Protocol(stepped)).strength("scene", at=1 * hour)
