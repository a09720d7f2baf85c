"""The curves of visual learning hold their own controls, and the predictions say what they should."""

import numpy as np
import pytest

from engram import EncodingOnly, Protocol, curves, day, hour, minute
from engram.perception import IntegratedReweighting, RewardReadout, VisualReactivation, designs
from engram.perception.curves import default_times, generalisation, time_course, without_reactivation
from engram.perception.predictions import blocked_consolidation, release_at_reactivation, retention, spacing
from engram.protocol import Encode, Intervene, Reactivate, Release

MODEL = VisualReactivation()


def test_generalisation_stands_among_the_curves():
    assert curves.generalisation is generalisation


def test_a_row_for_every_time_and_offset_with_its_controls():
    table = generalisation(MODEL, [-30, 0, 30, 90], [0, 5 * day])
    assert table.time.tolist() == [0.0] * 4 + [5 * day] * 4
    assert table.offset.tolist() == [-30, 0, 30, 90] * 2
    np.testing.assert_allclose(table.baseline, MODEL.untrained())
    protocol = designs.reactivation()
    expected = MODEL.thresholds(protocol, [-30, 0, 30, 90], [0, 5 * day])
    np.testing.assert_allclose(table.threshold, expected.ravel(), rtol=1e-12)
    alone = MODEL.thresholds(designs.reactivation(0), [-30, 0, 30, 90], [0, 5 * day])
    np.testing.assert_allclose(table.control, alone.ravel(), rtol=1e-12)
    assert table.threshold[:4].to_numpy() == pytest.approx(table.baseline[:4].to_numpy())


def test_the_index_is_1_at_the_trained_direction_and_undefined_before_learning():
    table = generalisation(MODEL, [0, 45, 180])
    before = table.time == 0
    assert table.generalisation[before].isna().all()
    assert not table.drop(columns="generalisation").isna().any(axis=None)
    assert table.generalisation[~before & (table.offset == 0)].to_numpy() == pytest.approx([1, 1], rel=1e-12)
    rest = table[~before & (table.offset == 180)]
    expected = (1 - rest.threshold / rest.baseline).to_numpy() / (
        1 - table.threshold[~before & (table.offset == 0)] / MODEL.untrained()
    ).to_numpy()
    assert rest.generalisation.to_numpy() == pytest.approx(expected)


def test_no_learning_leaves_the_index_undefined_and_everything_else_plain():
    table = generalisation(MODEL, [0, 90], protocol=Protocol())
    assert table.generalisation.isna().all()
    np.testing.assert_allclose(table.threshold, MODEL.untrained(), rtol=1e-12)


def test_ips_expands_at_once_and_evc_follows_for_two_weeks():
    before, after, later = (part for _, part in generalisation(MODEL, [180.0]).groupby("time"))
    # at 180° EVC has nothing of its own: what it gains came from IPS
    assert after.ips_discriminability.item() > 1.5 * before.ips_discriminability.item()
    assert later.evc_discriminability.item() > 1.05 * after.evc_discriminability.item()
    assert later.ips_discriminability.item() <= after.ips_discriminability.item()


def test_time_course_reads_the_same_thresholds():
    table = time_course(MODEL, [0, 3 * day, 20 * day], offset=60.0)
    again = MODEL.thresholds(designs.reactivation(), [0.0, 60.0], [0, 3 * day, 20 * day])
    np.testing.assert_allclose(table[["trained", "untrained"]], again, rtol=1e-12)
    assert len(time_course(MODEL)) == len(np.arange(0, default_times(designs.reactivation())[2] + 1, 6 * hour))


def test_the_control_keeps_what_is_not_reactivation():
    full = designs.reactivation(3, stimulation=1.0, dose=1.0)
    assert [type(event) for event in without_reactivation(full).events] == [Encode]
    practised = designs.practice(2, stimulation=1.0)
    assert without_reactivation(practised) is practised


def test_the_control_keeps_what_was_given_with_encoding():
    encoding = [
        Encode("trained", at=hour, strength=0.5), Release("dopamine", at=hour, dose=2.0),
        Intervene("d1_d5_antagonist", on=3 * hour, off=4 * hour), Intervene("beta_blocker", on=0, off=30 * hour),
    ]  # fmt: skip
    first = hour + day
    with_reactivation = [
        Reactivate("trained", at=first, cue=0.1, duration=20.0), Release("noradrenaline", at=first - 30 * minute),
        Intervene("tdcs", on=first - 10 * minute, off=first + 10 * minute, dose=1.0),
        Reactivate("trained", at=first + day, cue=0.1), Release("dopamine", at=first + day),
        Intervene("protein_synthesis_inhibitor", on=first + day + 6 * hour, off=first + day + 12 * hour),
    ]  # fmt: skip
    alone = Protocol(*encoding)
    assert without_reactivation(Protocol(*encoding, *with_reactivation)).events == alone.events
    again = Encode("trained", at=first + 3 * day, strength=0.1), Release("dopamine", at=first + 3 * day)
    assert (
        without_reactivation(Protocol(*encoding, *with_reactivation, *again)).events
        == Protocol(*encoding, *again).events
    )
    # the release at encoding is all that teaches here
    weak = [Reactivate("trained", at=hour + k * day, cue=0.1, duration=20.0) for k in range(1, 9)]
    table = generalisation(MODEL, [0], [9 * day], protocol=Protocol(*encoding[:2], *weak))
    taught = MODEL.thresholds(Protocol(*encoding[:2]), [0], [9 * day])[0, 0]
    assert table.control.item() == pytest.approx(taught, rel=1e-12)
    assert table.threshold.item() == pytest.approx(taught, rel=1e-3)
    assert taught < 0.8 * MODEL.thresholds(Protocol(encoding[0]), [0], [9 * day])[0, 0]


def test_retention_rises_with_the_number_of_reactivations():
    table = retention(MODEL, [0, 1, 3, 8])
    assert table.untrained_late.is_monotonic_decreasing
    assert table.generalisation_late.iloc[-1] > 2 * table.generalisation_late.iloc[0]
    assert table.control_late.nunique() == 1
    assert table.untrained_late[0] == pytest.approx(table.control_late[0])


def test_a_release_at_reactivation_takes_the_place_of_surprise():
    table = release_at_reactivation(MODEL, [0.0, 0.2, 1.0], prediction_error=0.0)
    learned = (table.baseline - table.untrained_late) / table.baseline
    assert learned[2] > 5 * learned[0]
    # a dose too small to start synthesis does nothing that lasts
    assert learned[1] == pytest.approx(learned[0], abs=1e-3)


def test_noradrenaline_does_nothing_until_it_is_given_an_effect():
    import dataclasses

    from engram import neuromodulation

    plain = release_at_reactivation(MODEL, [0.0, 1.0], modulator="noradrenaline")
    assert plain.untrained_late[1] == pytest.approx(plain.untrained_late[0], rel=1e-12)
    driving = dataclasses.replace(neuromodulation.NORADRENALINE, drive_weight=2.0)
    visual = MODEL.consolidation.with_(neuromodulators=neuromodulation.table(driving))
    given = release_at_reactivation(MODEL.with_(consolidation=visual), [0.0, 1.0], modulator="noradrenaline")
    assert given.untrained_late[1] < given.untrained_late[0]


def test_blocking_consolidation_loses_what_reactivation_would_have_taught_and_only_early():
    table = blocked_consolidation(MODEL, [0.0, 2 * hour])
    assert table.untrained_late[0] > 0.95 * table.baseline[0]
    assert table.untrained_late[1] == pytest.approx(table.control_late[1], rel=1e-3)


def test_blocking_does_nothing_where_nothing_is_captured():
    model = MODEL.with_(consolidation=EncodingOnly(durable_fraction=0.2, completion_midpoint=0.0))
    table = blocked_consolidation(model, [0.0, 1 * hour])
    assert table.untrained_late.to_numpy() == pytest.approx(table.control_late.to_numpy(), rel=1e-12)


def test_spacing_is_compared_with_a_day():
    table = spacing(MODEL, [10 * minute, 1 * day])
    assert table.untrained_late[1] == pytest.approx(table.control_late[1])
    assert table.spacing.tolist() == [600, 86400]


@pytest.mark.parametrize("model", [MODEL, IntegratedReweighting(), RewardReadout()])
def test_every_model_answers_every_question(model):
    for table in (
        generalisation(model, [0, 90]), time_course(model, [0, day]), retention(model, [0, 2]), spacing(model, [day]),
        release_at_reactivation(model, [0.5]), blocked_consolidation(model, [0.0]),
    ):  # fmt: skip
        assert np.isfinite(table.drop(columns="generalisation").select_dtypes(float)).all(axis=None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: generalisation(MODEL, [181]), r"offsets\[0\] is 181°"),
        (lambda: generalisation(MODEL, [0], [-1]), "when has -1"),
        (lambda: generalisation(MODEL, [0], distance=-2), "distance is -2"),
        (lambda: retention(MODEL, [-1]), "sessions is -1; give a whole number of zero or more"),
        (lambda: retention(MODEL, []), "sessions is empty"),
        (lambda: release_at_reactivation(MODEL, [-0.1]), "dose is -0.1; give a number between 0 and inf"),
        (lambda: release_at_reactivation(MODEL, [1.0], modulator="water"), "unknown modulator 'water'"),
        (lambda: blocked_consolidation(MODEL, [-5.0]), "delays has -5"),
        (lambda: spacing(MODEL, [-60.0]), "intervals has -60"),
        (lambda: spacing(MODEL, [0.0]), "spacing is 0.0; give a number between 1 and inf"),
        (lambda: designs.session_cue(1.5, 5), "cue is 1.5; give a number between 0 and 1"),
        (
            lambda: release_at_reactivation(MODEL, [0, 1], dose=2.0),
            "dose is 2.0, but .* varies it; give its values as doses",
        ),
        (lambda: spacing(MODEL, [day], spacing=day), "spacing is 86400.0, but .* as intervals"),
        (lambda: blocked_consolidation(MODEL, [0], blocked_after=1.0), "blocked_after is 1.0, but .* as delays"),
        (
            lambda: designs.reactivation(blocked_after=0, blocked_for=10 * day),
            "blocked_for is 864000 s, and spacing 86400",
        ),
        (lambda: designs.reactivation(blocked_after=0, spacing=hour), "blocked_for is 21600 s, and spacing 3600 s"),
        (lambda: designs.practice(1.5), "sessions is 1.5; give a whole number"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_whole_numbers_of_numpy_are_whole_numbers():
    assert designs.reactivation(np.int64(2)).events == designs.reactivation(2).events
    assert retention(MODEL, np.arange(1, 3)).equals(retention(MODEL, [1, 2]))


@pytest.mark.parametrize("given", ["practice", designs.practice])
def test_what_is_no_protocol_is_named(given):
    for call in (generalisation, time_course):
        with pytest.raises(TypeError, match=r"practice.* is not a Protocol; call a design"):
            call(MODEL, protocol=given)


def test_what_is_no_model_is_named():
    for call in (generalisation, retention):
        with pytest.raises(TypeError, match="3 is not a model of visual learning"):
            call(3)
