"""The oracle against facts that can be derived by hand from the differential equations."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import quad

from .memory_trace import simulate

TAU = 3600.0
DAY = 86400.0
EXACT = {"rel": 1e-11, "abs": 1e-14}
EVENTS = ("Encode", "Release", "Reactivate", "Extinguish", "Intervene", "Sleep", "Test")
Encode, Release, Reactivate, Extinguish, Intervene, Sleep, Test = (
    type(name, (SimpleNamespace,), {"__test__": False}) for name in EVENTS
)


class Defaults(SimpleNamespace):
    def __init__(self, **changes):
        fields = {"tau_early": 6884.0, "tau_eligibility": 300.0, "tau_competing": 14 * DAY}
        fields |= {"durable_fraction": 0.0, "completion_midpoint": 0.3, "completion_slope": 0.05}
        fields |= {"weight_early": 1.0, "weight_late": 1.0, "strength_spread": 0.0, "neuromodulators": []}
        fields |= {"forgetting_time": DAY, "forgetting_exponent": 0.0, "stimulation_gain": 0.0}
        fields |= {"tau_protein": TAU, "tau_late": TAU, "tau_labile": 7200.0, "lability_time": 30.0}
        fields |= {"baseline_drive": 0.0, "sleep_drive": 0.0, "surprise_drive": 2.0}
        fields |= {"ambient_activity": 0.3, "surprise_clearance": 10800.0}
        fields |= {"tag_threshold": 0.2, "epsilon": 0.001, "tau_tag": 5400.0, "capture_gain": 0.5}
        super().__init__(**(fields | changes))


ThresholdCapture, LinearCapture, EncodingOnly = (
    type(name, (Defaults,), {}) for name in ("ThresholdCapture", "LinearCapture", "EncodingOnly")
)


def modulator(**changes):
    fields = {"name": "dopamine", "receptor": "D1/D5", "clearance": 60.0, "drive_clearance": 10800.0}
    fields |= {"direction": 1.0, "dose_response": "linear", "dose_scale": 1.0}
    fields |= {f"{effect}_gain": 0.0 for effect in ("encoding", "lability", "retrieval")}
    fields |= {"drive_weight": 0.0, "conversion": 0.0, "synthesis_gate": 0.0}
    return SimpleNamespace(**(fields | changes))


def saturated(model, *more, times, sign=1.0, **options):
    """Encode to e = 1 (or -1) exactly at time 0, then whatever follows.

    Stimulation with a gain of 9 takes f = 1 - 0.001^10 to 1 in double precision.
    """
    model.stimulation_gain = 1.0
    on = Intervene(agent="tdcs", on=0.0, off=1e-3, dose=9.0)
    return simulate(model, [on, Encode(trace="a", at=0.0, strength=0.999 * sign), *more], times, **options)


def always_on(**changes):
    """Production on at all times, whatever the traces do."""
    return ThresholdCapture(ambient_activity=1.0, baseline_drive=2.0, **changes)


# ---- tags and production -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_saturated_tag_lasts_tau_early_ln_5(sign):
    end = 6884.0 * np.log(5.0)
    assert end == pytest.approx(11079.4, abs=0.05)
    run = saturated(ThresholdCapture(), sign=sign, times=[1e-3, end - 1e-6, end + 1e-6])
    assert run.early[0, 0, 0] == pytest.approx(sign * np.exp(-1e-3 / 6884.0), rel=1e-15)
    assert run.tag[:, 0, 0].tolist() == [sign, sign, 0.0]


def test_late_phase_stops_moving_when_the_tag_expires():
    end = 6884.0 * np.log(5.0)
    run = saturated(always_on(), times=[end, end + 3600.0, end + 30 * DAY])
    pull = end - TAU * (1.0 - np.exp(-end / TAU))
    expected = 1.0 - np.exp(-pull / TAU)
    assert run.late[:, 0, 0] == pytest.approx([expected] * 3, **EXACT)


def test_production_after_saturation_lasts_tau_early_ln_m():
    end = 6884.0 * np.log(2.001)
    assert end == pytest.approx(4775.1, abs=0.05)
    times = np.array([1000.0, end - 1.0, end, end + 1.0, end + 7200.0])
    run = saturated(ThresholdCapture(baseline_drive=2.0, ambient_activity=0.0), times=times)
    peak = 1.0 - np.exp(-end / TAU)
    expected = np.where(times <= end, 1.0 - np.exp(-times / TAU), peak * np.exp(-(times - end) / TAU))
    assert run.protein[:, 0] == pytest.approx(expected, **EXACT)


def test_ambient_activity_lengthens_production():
    """(s + exp(-t/tau_early)) (m + epsilon) = 1."""
    end = -6884.0 * np.log(1.0 / 2.001 - 0.1)
    run = saturated(ThresholdCapture(baseline_drive=2.0, ambient_activity=0.1), times=[end + 1800.0])
    expected = (1.0 - np.exp(-end / TAU)) * np.exp(-1800.0 / TAU)
    assert run.protein[0, 0] == pytest.approx(expected, **EXACT)


def test_production_under_a_decaying_drive_ends_at_the_quadratic_root():
    """With drive_clearance = tau_early = T, u = exp(-t/T): (s + u)(2u + epsilon) = 1 is a quadratic in u."""
    s, epsilon = 0.3, 0.001
    u = max(np.roots([2.0, epsilon + 2.0 * s, s * epsilon - 1.0]))
    end = -6884.0 * np.log(u)
    dopamine = modulator(drive_weight=2.0, drive_clearance=6884.0)
    model = ThresholdCapture(neuromodulators=[dopamine])
    run = saturated(model, Release(modulator="dopamine", at=0.0, dose=1.0), times=[end + 600.0])
    expected = (1.0 - np.exp(-end / TAU)) * np.exp(-600.0 / TAU)
    assert run.protein[0, 0] == pytest.approx(expected, **EXACT)


def test_production_that_a_negative_drive_switches_on_and_off_is_found():
    """Drive 4 exp(-t/T) - 4 exp(-3t/T) rises and falls: (1)(4u - 4u^3 + epsilon) = 1 has two roots in u."""
    period = 9000.0
    dopamine = modulator(drive_weight=4.0, drive_clearance=period)
    brake = modulator(name="brake", drive_weight=-4.0, drive_clearance=period / 3.0)
    model = ThresholdCapture(neuromodulators=[dopamine, brake], ambient_activity=1.0)
    events = [Release(modulator=name, at=0.0, dose=1.0) for name in ("dopamine", "brake")]
    roots = np.roots([-4.0, 0.0, 4.0, 0.001 - 1.0])
    start, stop = sorted(-period * np.log(roots[(roots > 0) & (roots < 1)]))
    read = stop + 1000.0
    run = simulate(model, [*events, Test(trace="a", at=read, reactivates=False, cue=0.9)], [start, read])
    expected = (1.0 - np.exp(-(stop - start) / TAU)) * np.exp(-1000.0 / TAU)
    assert run.protein[:, 0] == pytest.approx([0.0, expected], **EXACT)


# ---- proteins, late and labile strength --------------------------------------------------------------------


def test_protein_and_late_strength_under_tag_and_production():
    """p = 1 - exp(-t/tau), P = t - tau p, z = 1 - exp(-P/tau)."""
    times = np.array([10.0, 600.0, 3600.0, 10800.0])
    run = saturated(always_on(), times=times)
    p = 1.0 - np.exp(-times / TAU)
    z = -np.expm1(-(times - TAU * p) / TAU)
    assert run.protein[:, 0] == pytest.approx(p, **EXACT)
    assert run.late[:, 0, 0] == pytest.approx(z, **EXACT)
    assert z[0] < 1e-5  # relative accuracy holds for small strengths too


def test_negative_tag_pulls_the_late_phase_to_minus_one_half():
    t = 9000.0
    run = simulate(always_on(), [Encode(trace="a", at=0.0, strength=-0.999)], [t])
    integral = t - TAU * (1.0 - np.exp(-t / TAU))
    assert run.late[0, 0, 0] == pytest.approx(-0.5 * (1.0 - np.exp(-integral / TAU)), **EXACT)


def test_labile_strength_decays_and_is_restabilised_by_protein():
    """Under a lasting tag l = l0 exp(-t/tau_l - P/tau), z = 1 - (1 - z0) exp(-P/tau), with P = int p."""
    start, span = 8000.0, np.array([0.0, 50.0, 1800.0, 7200.0])
    again = Reactivate(trace="a", at=start, cue=0.9, prediction_error=0.5, duration=60.0)
    run = saturated(always_on(), again, times=[start - 1e-9, *(start + span)])
    p0, z0, l0 = run.protein[1, 0], run.late[1, 0, 0], run.labile[1, 0, 0]
    read_out = np.exp(-start / 6884.0) + run.late[0, 0, 0]
    f = 0.9 / (1.0 + np.exp(-(read_out - 0.3) / 0.05))
    opened = f * (1.0 - np.exp(-0.5 * 60.0 / 30.0))
    assert l0 == pytest.approx(opened * run.late[0, 0, 0], rel=1e-9)
    assert z0 + l0 == pytest.approx(run.late[0, 0, 0], rel=1e-9)
    integral = span - TAU * (1.0 - p0) * (1.0 - np.exp(-span / TAU))
    assert run.labile[1:, 0, 0] == pytest.approx(l0 * np.exp(-span / 7200.0 - integral / TAU), **EXACT)
    assert run.late[1:, 0, 0] == pytest.approx(1.0 - (1.0 - z0) * np.exp(-integral / TAU), **EXACT)


def test_labile_strength_is_lost_while_synthesis_is_blocked():
    block = Intervene(agent="protein_synthesis_inhibitor", on=0.0, off=DAY, dose=1.0)
    again = Reactivate(trace="a", at=1.0, cue=1.0, prediction_error=1.0, duration=60.0)
    events = [block, Encode(trace="a", at=0.0, strength=0.9), again]
    run = simulate(always_on(durable_fraction=0.5), events, [1.0, 7201.0, DAY - 1.0, 2 * DAY])
    assert run.labile[1, 0, 0] == pytest.approx(run.labile[0, 0, 0] * np.exp(-1.0), **EXACT)
    assert run.protein[:3, 0].tolist() == [0.0, 0.0, 0.0]
    assert run.late[:3, 0, 0] == pytest.approx([run.late[0, 0, 0]] * 3, **EXACT)
    assert run.protein[3, 0] == pytest.approx(1.0 - np.exp(-DAY / TAU), **EXACT)


def test_restabilisation_without_a_tag_only_moves_labile_to_late():
    """With p = 1 and no tag, l = l0 exp(-(1/tau_l + 1/tau) t) and z gains the share tau_l/(tau + tau_l)."""
    model = always_on(durable_fraction=1.0, tag_threshold=2.0)
    again = Reactivate(trace="a", at=4 * DAY, cue=1.0, prediction_error=5.0, duration=60.0)
    at = 4 * DAY + np.array([0.0, 1000.0, DAY])
    run = simulate(model, [Encode(trace="a", at=0.0, strength=0.5), again], at)
    z0, l0 = run.late[0, 0, 0], run.labile[0, 0, 0]
    assert l0 > 0.4
    rate = 1.0 / 7200.0 + 1.0 / TAU
    labile = l0 * np.exp(-rate * (at - at[0]))
    assert run.labile[:, 0, 0] == pytest.approx(labile, **EXACT)
    assert run.late[:, 0, 0] == pytest.approx(z0 + (l0 - labile) / TAU / rate, **EXACT)


def test_linear_capture_follows_its_quadratures():
    """p' + p/tau = 0.5 m (s + exp(-t/T)) has two exponentials; without l, z = 1 - exp(-int p g / tau)."""
    t = 5400.0
    run = saturated(LinearCapture(baseline_drive=2.0), times=[t])

    def protein(x):
        rate = 1.0 / TAU - 1.0 / 6884.0
        spread = (np.exp(-x / 6884.0) - np.exp(-x / TAU)) / TAU / rate
        return 0.3 * (1.0 - np.exp(-x / TAU)) + spread

    integral = quad(lambda x: protein(x) * np.exp(-x / 5400.0), 0.0, t, epsabs=0.0, epsrel=1e-13)[0]
    assert run.protein[0, 0] == pytest.approx(protein(t), **EXACT)
    assert run.tag[0, 0, 0] == pytest.approx(np.exp(-1.0), **EXACT)
    assert run.late[0, 0, 0] == pytest.approx(1.0 - np.exp(-integral / TAU), **EXACT)


def test_late_strength_of_one_thousandth_is_accurate():
    """Production for 166 s after a short drive, under a lasting tag: z = 1 - exp(-P/tau) is about 1e-3."""
    stop, read = 166.0, 1000.0
    block = Intervene(agent="protein_synthesis_inhibitor", on=stop, off=DAY, dose=1.0)
    run = saturated(always_on(), block, times=[stop, read])
    peak = -np.expm1(-stop / TAU)
    integral = stop - TAU * peak
    assert run.late[0, 0, 0] == pytest.approx(-np.expm1(-integral / TAU), rel=1e-11)
    assert 9e-4 < run.late[0, 0, 0] < 1.1e-3
    integral += TAU * peak * -np.expm1(-(read - stop) / TAU)
    assert run.late[1, 0, 0] == pytest.approx(-np.expm1(-integral / TAU), rel=1e-11)


# ---- events ------------------------------------------------------------------------------------------------


def test_encode_without_modulators_moves_every_state_by_f():
    events = [Encode(trace="a", at=0.0, strength=0.4), Encode(trace="a", at=0.0, strength=-0.5)]
    run = simulate(always_on(durable_fraction=0.1), events, [0.0])
    assert run.early[0, 0, 0] == pytest.approx(0.4 + 0.5 * (-1.0 - 0.4), **EXACT)
    assert run.eligibility[0, 0, 0] == pytest.approx(0.7, **EXACT)
    assert run.late[0, 0, 0] == pytest.approx(0.04 + 0.1 * 0.5 * (-0.5 - 0.04), **EXACT)


def test_encoding_gain_acts_through_the_concentration_left():
    modulators = [modulator(encoding_gain=2.0, clearance=100.0, dose_response="saturating", dose_scale=0.5)]
    events = [Release(modulator="dopamine", at=0.0, dose=1.0), Encode(trace="a", at=50.0, strength=0.3)]
    x = np.exp(-0.5)
    f = 1.0 - 0.7 ** (1.0 + 2.0 * 1.5 * x / (x + 0.5))
    for kind in (ThresholdCapture, LinearCapture, EncodingOnly):
        run = simulate(kind(neuromodulators=modulators), events, [50.0])
        assert run.early[0, 0, 0] == pytest.approx(f, **EXACT)
    blocked = [Intervene(agent="d1_d5_antagonist", on=20.0, off=90.0, dose=0.75), *events]
    f = 1.0 - 0.7 ** (1.0 + 0.25 * 2.0 * 1.5 * x / (x + 0.5))
    run = simulate(ThresholdCapture(neuromodulators=modulators), blocked, [50.0])
    assert run.early[0, 0, 0] == pytest.approx(f, **EXACT)


def test_inverted_u_peaks_at_one_when_the_dose_equals_its_scale():
    modulators = [modulator(encoding_gain=1.0, dose_response="inverted-u", dose_scale=0.7)]
    events = [Release(modulator="dopamine", at=0.0, dose=0.7), Encode(trace="a", at=0.0, strength=0.3)]
    run = simulate(EncodingOnly(neuromodulators=modulators), events, [0.0])
    assert run.early[0, 0, 0] == pytest.approx(1.0 - 0.7**2, **EXACT)


def test_release_converts_what_is_still_eligible():
    modulators = [modulator(conversion=5.0)]
    events = [Encode(trace="a", at=0.0, strength=0.4), Release(modulator="dopamine", at=300.0, dose=0.8)]
    run = simulate(ThresholdCapture(neuromodulators=modulators), events, [300.0])
    e, c = 0.4 * np.exp(-300.0 / 6884.0), 0.4 * np.exp(-1.0)
    f = 1.0 - np.exp(-5.0 * 0.8 * c)
    assert run.early[0, 0, 0] == pytest.approx(e + f * (1.0 - e), **EXACT)
    run = simulate(EncodingOnly(neuromodulators=modulators), events, [300.0])
    assert run.early[0, 0, 0] == pytest.approx(e, **EXACT)


def test_drive_of_a_release_and_the_gate_before_it_under_linear_capture():
    """Drive w (gate 1 the first time, 1 + conc the second) is read back through the protein it makes."""
    modulators = [modulator(drive_weight=2.0, synthesis_gate=-0.5, clearance=1e9, drive_clearance=7200.0)]
    events = [Release(modulator="dopamine", at=0.0, dose=dose) for dose in (1.0, 0.5)]
    model = LinearCapture(neuromodulators=modulators)
    t = 2000.0
    run = simulate(model, [*events, Test(trace="a", at=t, reactivates=False, cue=0.9)], [t])
    amplitude = 2.0 * 1.0 + 2.0 * 0.5 * 0.5
    made = (np.exp(-t / 7200.0) - np.exp(-t / TAU)) / TAU / (1.0 / TAU - 1.0 / 7200.0)
    assert run.protein[0, 0] == pytest.approx(0.5 * 0.3 * amplitude * made, **EXACT)


def test_surprise_and_sleep_drive_add_to_the_baseline():
    model = LinearCapture(baseline_drive=1.0, sleep_drive=3.0, surprise_drive=2.0, surprise_clearance=7200.0)
    again = Reactivate(trace="a", at=0.0, cue=0.0, prediction_error=0.25, duration=60.0)
    run = simulate(model, [again, Sleep(on=0.0, off=1000.0)], [1000.0, 3000.0])

    def held(start, now):
        return np.exp(-max(now - 1000.0, 0.0) / TAU) - np.exp(-(now - start) / TAU)

    for row, t in enumerate((1000.0, 3000.0)):
        surprise = 0.5 * (np.exp(-t / 7200.0) - np.exp(-t / TAU)) / TAU / (1.0 / TAU - 1.0 / 7200.0)
        expected = 0.5 * 0.3 * (1.0 - np.exp(-t / TAU) + 3.0 * held(0.0, t) + surprise)
        assert run.protein[row, 0] == pytest.approx(expected, **EXACT)


def test_relatedness_carries_production_to_another_trace():
    model = LinearCapture(baseline_drive=1.0, ambient_activity=0.0)
    options = {"relatedness": {("a", "b"): 0.25}, "categories": {"a": "x", "b": "x", "c": "x", "d": "y"}}
    run = saturated(model, times=[1000.0], **options)
    p = dict(zip(run.traces, run.protein[0], strict=True))
    assert p["a"] > 0.0
    assert p["b"] == pytest.approx(0.25 * p["a"], **EXACT)
    assert p["c"] == pytest.approx(0.5 * p["a"], **EXACT)
    assert p["d"] == 0.0


def test_heterogeneous_nodes_spread_strengths_log_normally():
    scores, weights = [-1.0, 0.0, 3.0], [0.25, 0.5, 0.25]
    encode, model = Encode(trace="a", at=0.0, strength=0.4), ThresholdCapture(strength_spread=0.4)
    run = simulate(model, [encode], [0.0], scores=scores, weights=weights)
    e = np.array([0.4 * np.exp(-0.4), 0.4, 0.999])
    assert run.early[0, 0] == pytest.approx(e, **EXACT)
    assert run.strength[0, 0] == pytest.approx(weights @ e, **EXACT)


def test_extinguish_removes_labile_and_learns_a_competing_trace():
    events = [Encode(trace="a", at=0.0, strength=0.4), Extinguish(trace="a", at=0.0, strength=0.5)]
    events.append(Extinguish(trace="a", at=14 * DAY, strength=0.5))
    run = simulate(EncodingOnly(), events, [0.0, 14 * DAY])
    q = 0.5 * np.exp(-1.0)
    assert run.competing[:, 0] == pytest.approx([0.5, q + 0.5 * (1.0 - q)], **EXACT)
    assert run.strength[0, 0] == pytest.approx(-0.1, **EXACT)


def test_forgetting_and_retrieval_gain_scale_the_read_out():
    modulators = [modulator(name="cortisol", retrieval_gain=-0.5, clearance=600.0)]
    model = EncodingOnly(forgetting_exponent=0.5, durable_fraction=0.5, neuromodulators=modulators)
    events = [Encode(trace="a", at=100.0, strength=0.4)]
    at = 100.0 + 3 * DAY
    run = simulate(model, events, [at])
    read_out = 0.4 * np.exp(-3 * DAY / 6884.0) + 0.2 * 4.0**-0.5
    assert run.strength[0, 0] == pytest.approx(read_out, **EXACT)
    run = simulate(model, [*events, Release(modulator="cortisol", at=at, dose=0.6)], [at])
    assert run.strength[0, 0] == pytest.approx(0.7 * read_out, **EXACT)


def test_a_test_is_read_before_the_reactivation_it_causes():
    events = [Encode(trace="a", at=0.0, strength=0.4), Test(trace="a", at=60.0, reactivates=True, cue=0.9)]
    run = simulate(EncodingOnly(), events, [60.0])
    e = 0.4 * np.exp(-60.0 / 6884.0)
    f = 0.9 / (1.0 + np.exp(-(e - 0.3) / 0.05))
    assert run.tests == [("a", 60.0, pytest.approx(e, **EXACT))]
    assert run.early[0, 0, 0] == pytest.approx(e + f * (1.0 - e), **EXACT)


def test_simultaneous_events_act_in_the_order_written():
    modulators = [modulator(conversion=5.0)]
    encode, release = Encode(trace="a", at=0.0, strength=0.4), Release(modulator="dopamine", at=0.0, dose=1.0)
    model = ThresholdCapture(neuromodulators=modulators)
    assert simulate(model, [release, encode], [0.0]).early[0, 0, 0] == pytest.approx(0.4, **EXACT)
    assert simulate(model, [encode, release], [0.0]).early[0, 0, 0] > 0.8


# ---- whole protocols ---------------------------------------------------------------------------------------


def busy_protocol(seed):
    rng = np.random.default_rng(seed)
    events = [Encode(trace=name, at=rng.uniform(0, 7200), strength=rng.uniform(-0.9, 0.9)) for name in "abc"]
    events += [Release(modulator="dopamine", at=rng.uniform(0, 20000), dose=rng.uniform(0, 2)) for _ in range(3)]
    events += [
        Reactivate(trace=name, at=rng.uniform(0, 40000), cue=0.9, prediction_error=rng.uniform(), duration=60.0)
        for name in "abc"
    ]
    events.append(Extinguish(trace="a", at=rng.uniform(0, 40000), strength=0.3))
    start = rng.uniform(0, 20000)
    events.append(Intervene(agent="protein_synthesis_inhibitor", on=start, off=start + 3600.0, dose=1.0))
    model = {"neuromodulators": [modulator(drive_weight=2.0, conversion=5.0)], "strength_spread": 0.3}
    options = {"relatedness": {("a", "b"): 0.5}, "scores": (-1.0, 1.0), "weights": (0.5, 0.5)}
    return model, events, options


@pytest.mark.parametrize("kind", [ThresholdCapture, LinearCapture])
@pytest.mark.parametrize("seed", range(2))
def test_late_plus_labile_stays_within_its_bounds(kind, seed):
    model, events, options = busy_protocol(seed)
    run = simulate(kind(**model), events, np.linspace(0.0, 60000.0, 50), **options)
    total = run.late + run.labile
    assert np.any(total != 0.0)
    assert total.min() >= -0.5
    assert total.max() <= 1.0
    assert np.abs(run.early).max() <= 1.0


@pytest.mark.parametrize("kind", [ThresholdCapture, LinearCapture])
def test_reading_in_between_and_a_tighter_tolerance_change_nothing(kind):
    model, events, options = busy_protocol(5)
    end = 3 * DAY
    once = simulate(kind(**model), events, [end], **options)
    often = simulate(kind(**model), events, [end, *np.linspace(-10.0, 60000.0, 16)], **options)
    tight = simulate(kind(**model), events, [end], **options, rtol=3e-14, atol=1e-18)
    for other in (often, tight):
        assert other.late[0] == pytest.approx(once.late[0], rel=1e-11)
        assert other.strength[0] == pytest.approx(once.strength[0], rel=1e-11)
    assert np.all(often.early[1] == 0.0)  # before the first event all is at rest


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="agent 'aspirin' is unknown"):
        simulate(EncodingOnly(), [Intervene(agent="aspirin", on=0.0, off=1.0, dose=1.0)], [0.0])
    with pytest.raises(ValueError, match="class SimpleNamespace is unknown"):
        simulate(EncodingOnly(), [SimpleNamespace(at=0.0)], [0.0])
    with pytest.raises(ValueError, match="not Defaults"):
        simulate(Defaults(), [], [0.0])
