"""The table of neuromodulators: what it holds, how it is overridden, and what its numbers do."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram import Encode, Intervene, Protocol, Release, Test, ThresholdCapture, hour, minute, neuromodulation
from engram.neuromodulation import DOPAMINE, NEUROMODULATORS, NORADRENALINE, Neuromodulator, describe, table

EFFECTS = ("drive_weight", "encoding_gain", "conversion", "lability_gain", "synthesis_gate", "retrieval_gain")


def oxytocin(**changes):
    values = dict(name="oxytocin", receptor="OXTR", role="none known here", source="made up for this test")
    return Neuromodulator(**(values | changes))


def test_six_neuromodulators_are_known():
    names = [modulator.name for modulator in NEUROMODULATORS]
    assert names == ["dopamine", "noradrenaline", "acetylcholine", "serotonin", "endocannabinoid", "cortisol"]


def test_a_dose_of_one_of_dopamine_is_full_drive():
    assert DOPAMINE.drive_weight * DOPAMINE.response(1.0) == 2.0


@pytest.mark.parametrize("modulator", NEUROMODULATORS[1:], ids=lambda modulator: modulator.name)
def test_effects_without_a_quantitative_source_are_zero(modulator):
    assert all(getattr(modulator, effect) == 0 for effect in EFFECTS)


# ---- the table -----------------------------------------------------------------------------------


def test_a_changed_neuromodulator_replaces_the_one_of_its_name():
    weak = dataclasses.replace(DOPAMINE, drive_weight=1.0)
    assert table(weak) == (weak, *NEUROMODULATORS[1:])
    assert NEUROMODULATORS[0].drive_weight == 2.0


def test_a_new_neuromodulator_is_added_at_the_end():
    assert table(oxytocin()) == (*NEUROMODULATORS, oxytocin())


def test_table_without_changes_is_the_default():
    assert table() == NEUROMODULATORS == ThresholdCapture().neuromodulators


def test_description_has_a_row_for_each_and_says_where_its_numbers_come_from():
    frame = describe()
    assert list(frame.index) == [modulator.name for modulator in NEUROMODULATORS]
    assert frame.loc["dopamine", "conversion"] == 5.0
    assert set(EFFECTS) <= set(frame.columns)
    assert (frame["source"].str.len() > 0).all()
    assert (frame["role"].str.len() > 0).all()
    assert list(describe(table(oxytocin())).index)[-1] == "oxytocin"


def test_an_unknown_dose_response_is_answered_with_the_known_ones():
    with pytest.raises(ValueError) as caught:
        oxytocin(dose_response="sigmoid")
    assert str(caught.value) == (
        "Neuromodulator 'oxytocin': unknown dose_response 'sigmoid'; use one of linear, saturating, inverted-u"
    )


# ---- dose and response ---------------------------------------------------------------------------


@given(dose=st.floats(0, 100), scale=st.floats(0.01, 100))
def test_dose_responses_keep_their_promises(dose, scale):
    linear = oxytocin(dose_scale=scale)
    saturating = dataclasses.replace(linear, dose_response="saturating")
    inverted = dataclasses.replace(linear, dose_response="inverted-u")
    assert linear.response(dose) == dose
    assert saturating.response(1.0) == pytest.approx(1.0)
    assert 0 <= saturating.response(dose) <= 1 + scale
    assert inverted.response(scale) == pytest.approx(1.0)
    assert 0 <= inverted.response(dose) <= 1 + 1e-12
    assert linear.response(0.0) == saturating.response(0.0) == inverted.response(0.0) == 0.0


# ---- in a model ----------------------------------------------------------------------------------


def protein_after(modulator, dose=1.0):
    model = ThresholdCapture(neuromodulators=table(modulator))
    protocol = Protocol(Encode("scene", at=0, strength=0.5), Release(modulator.name, at=1, dose=dose))
    return model.run(protocol).table([1 * hour])["protein"][0]


def test_an_added_neuromodulator_drives_synthesis():
    assert protein_after(oxytocin(drive_weight=2.0)) > 0.3
    assert protein_after(oxytocin()) == 0.0


@pytest.mark.parametrize(
    ("response", "dose", "produces"),
    [("linear", 8.0, True), ("saturating", 8.0, True), ("inverted-u", 8.0, False), ("inverted-u", 1.0, True)],
)
def test_the_kernel_uses_the_dose_response_of_the_table(response, dose, produces):
    assert (protein_after(oxytocin(drive_weight=2.0, dose_response=response), dose) > 0) == produces


def early_of(model, *events, strength=0.3):
    return model.run(Protocol(*events, Encode("scene", at=10, strength=strength))).table([10])["early"][0]


def test_gain_at_encoding_clears_with_the_ligand():
    gaining = dataclasses.replace(NORADRENALINE, encoding_gain=0.8, dose_response="linear", clearance=120.0)
    model = ThresholdCapture(neuromodulators=table(gaining))
    gain = 0.8 * math.exp(-10 / 120)
    assert early_of(model, Release("noradrenaline", at=0)) == pytest.approx(1 - 0.7 ** (1 + gain), rel=1e-14)
    assert early_of(model) == pytest.approx(0.3, rel=1e-14)


def test_a_beta_blocker_takes_away_the_fraction_it_blocks():
    gaining = dataclasses.replace(NORADRENALINE, encoding_gain=0.8, dose_response="linear", clearance=120.0)
    model = ThresholdCapture(neuromodulators=table(gaining))
    release = Release("noradrenaline", at=0)
    gain = 0.8 * math.exp(-10 / 120)
    half = Intervene("beta_blocker", on=0, off=60, dose=0.5)
    assert early_of(model, half, release) == pytest.approx(1 - 0.7 ** (1 + 0.5 * gain), rel=1e-14)
    assert early_of(model, half, half, half, release) == pytest.approx(0.3, rel=1e-14)
    other = Intervene("d1_d5_antagonist", on=0, off=60)
    assert early_of(model, other, release) == pytest.approx(1 - 0.7 ** (1 + gain), rel=1e-14)


def test_a_d1_d5_antagonist_prevents_the_rescue_by_dopamine():
    encode, release = Encode("scene", at=0, strength=0.4), Release("dopamine", at=30 * minute)
    test = Test("scene", at=24 * hour)
    blocked = Intervene("d1_d5_antagonist", on=20 * minute, off=2 * hour)
    after = Intervene("d1_d5_antagonist", on=31 * minute, off=2 * hour)
    late = [
        ThresholdCapture().run(Protocol(*events)).tests["late"][0]
        for events in ((encode, release, test), (encode, blocked, release, test), (encode, release, after, test))
    ]
    assert late[0] > 0.05
    assert late[1] == 0.0
    assert late[2] == late[0]


def test_a_release_multiplies_the_drive_of_later_ones_through_the_gate():
    gate = oxytocin(synthesis_gate=-1.0, clearance=1e6)
    model = ThresholdCapture(neuromodulators=table(gate))
    encode, dopamine = Encode("scene", at=0, strength=0.5), Release("dopamine", at=60)
    closed = Protocol(encode, Release("oxytocin", at=60), dopamine)
    after = Protocol(encode, dopamine, Release("oxytocin", at=60))
    assert model.run(closed).table([1 * hour])["protein"][0] == 0.0
    assert model.run(after).table([1 * hour])["protein"][0] > 0.5


def test_serotonin_turns_what_is_eligible_towards_depression():
    serotonin = dataclasses.replace(neuromodulation.SEROTONIN, conversion=5.0)
    model = ThresholdCapture(neuromodulators=table(serotonin))
    run = model.run(Protocol(Encode("scene", at=0, strength=0.5), Release("serotonin", at=0)))
    assert run.table([0])["early"][0] == pytest.approx(0.5 - (1 - math.exp(-2.5)) * 1.5, rel=1e-14)


def test_dopamine_rescues_a_trace_for_minutes():
    early = []
    for delay in (0, 10 * minute, 30 * minute):
        events = [Encode("pairing", at=0, strength=0.3), Release("dopamine", at=delay)]
        early.append(ThresholdCapture().run(Protocol(*events)).table([delay])["early"][0])
    assert early[0] == pytest.approx(0.3 + (1 - math.exp(-5 * 0.3)) * 0.7, rel=1e-14)
    assert early[0] > 2 * early[1] > 2 * early[2]


@pytest.mark.parametrize("name", ["retrieval_gain", "lability_gain", "synthesis_gate"])
def test_gains_below_minus_one_are_errors(name):
    with pytest.raises(ValueError, match=rf"Neuromodulator\({name}=-1.5\): {name} .* between -1 and 100"):
        oxytocin(**{name: -1.5})
