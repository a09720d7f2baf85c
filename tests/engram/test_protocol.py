"""Protocols: order, relatedness, and errors that say which event, which value and what to do."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram import (
    Batch,
    Encode,
    Extinguish,
    Intervene,
    Protocol,
    ProtocolError,
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

SCENE = Encode("scene", at=0, strength=0.4)
TONE = Encode("tone", at=60, strength=0.4)


def message_of(make):
    with pytest.raises(ProtocolError) as caught:
        make()
    assert isinstance(caught.value, ValueError)
    return str(caught.value)


# ---- events --------------------------------------------------------------------------------------

TIMED = {
    "Encode": lambda at: Encode("scene", at=at, strength=0.4),
    "Release": lambda at: Release("dopamine", at=at),
    "Reactivate": lambda at: Reactivate("scene", at=at),
    "Extinguish": lambda at: Extinguish("scene", at=at, strength=0.5),
    "Test": lambda at: Test("scene", at=at),
}
LASTING = {
    "Intervene": lambda on, off: Intervene("tdcs", on=on, off=off),
    "Sleep": lambda on, off: Sleep(on=on, off=off),
}
NAMED = {
    "Encode": lambda name: Encode(name, at=0, strength=0.4),
    "Reactivate": lambda name: Reactivate(name, at=0),
    "Extinguish": lambda name: Extinguish(name, at=0, strength=0.5),
    "Test": lambda name: Test(name, at=0),
}


@pytest.mark.parametrize("bad", [-1.0, -1e-9, math.nan, math.inf, -math.inf, 1e13])
@pytest.mark.parametrize("kind", TIMED)
def test_a_time_that_is_negative_or_not_finite_is_an_error(kind, bad):
    assert message_of(lambda: TIMED[kind](bad)) == (
        f"{kind}: at is {bad!r}; give a time of zero or more seconds, such as 30 * minute"
    )


@pytest.mark.parametrize("bad", ["30 min", None, True, [60]])
@pytest.mark.parametrize("kind", TIMED)
def test_a_time_that_is_not_a_number_is_an_error(kind, bad):
    message = message_of(lambda: TIMED[kind](bad))
    assert message.startswith(f"{kind}: at is {bad!r}")
    assert message.endswith("give a time of zero or more seconds, such as 30 * minute")


@pytest.mark.parametrize("bad", ["", None, 3, ("scene",)])
@pytest.mark.parametrize("kind", NAMED)
def test_a_trace_is_named_by_text(kind, bad):
    assert message_of(lambda: NAMED[kind](bad)) == f"{kind}: trace is {bad!r}; give a name as text"


def test_a_modulator_is_named_by_text():
    assert message_of(lambda: Release("", at=0)) == "Release: modulator is ''; give a name as text"


@pytest.mark.parametrize("bad", [1.0, 1, -1.0, 1.5, math.nan, math.inf])
def test_a_strength_of_one_or_more_is_an_error(bad):
    assert message_of(lambda: Encode("scene", at=0, strength=bad)) == (
        f"Encode: strength is {bad!r}; give a strength between -1 and 1, both excluded"
    )


@pytest.mark.parametrize("strength", [0, 0.999, -0.999, math.nextafter(1, 0), np.float64(0.5), 0.4 + 1e-30j])
def test_strengths_below_one_of_any_numeric_type_are_taken(strength):
    assert Encode("scene", at=0, strength=strength).strength == strength


@pytest.mark.parametrize(
    ("make", "name", "bad", "rule"),
    [
        (lambda x: Release("dopamine", at=0, dose=x), "dose", -0.1, "give a dose of zero or more (1 = full)"),
        (lambda x: Release("dopamine", at=0, dose=x), "dose", math.nan, "give a dose of zero or more (1 = full)"),
        (lambda x: Reactivate("scene", at=0, cue=x), "cue", 1.1, "give a cue between 0 and 1"),
        (lambda x: Reactivate("scene", at=0, cue=x), "cue", -0.1, "give a cue between 0 and 1"),
        (lambda x: Test("scene", at=0, cue=x), "cue", 1.1, "give a cue between 0 and 1"),
        (
            lambda x: Reactivate("scene", at=0, prediction_error=x), "prediction_error", 2,
            "give a prediction error between 0 and 1",
        ),
        (lambda x: Reactivate("scene", at=0, duration=x), "duration", -1, "give a duration of zero or more seconds"),
        (lambda x: Extinguish("scene", at=0, strength=x), "strength", 1.2, "give a strength between 0 and 1"),
        (
            lambda x: Intervene("beta_blocker", on=0, off=1, dose=x), "dose", 1.5,
            "give the fraction of receptors blocked, between 0 and 1",
        ),
        (
            lambda x: Intervene("tdcs", on=0, off=1, dose=x), "dose", 11,
            "give an excitation-inhibition shift between -10 and 10",
        ),
        (
            lambda x: Intervene("protein_synthesis_inhibitor", on=0, off=1, dose=x), "dose", 0.5,
            "synthesis is blocked wholly; leave the dose at 1",
        ),
    ],
)  # fmt: skip
def test_a_number_out_of_range_is_named_with_its_range(make, name, bad, rule):
    message = message_of(lambda: make(bad))
    assert message.endswith(f": {name} is {bad!r}; {rule}")


def test_an_unknown_agent_is_answered_with_the_known_ones():
    assert message_of(lambda: Intervene("anisomycin", on=0, off=1)) == (
        "Intervene: unknown agent 'anisomycin'; use one of protein_synthesis_inhibitor, beta_blocker, "
        "d1_d5_antagonist, tdcs"
    )


@pytest.mark.parametrize(("on", "off"), [(60, 60), (60, 30), (0, 0)])
@pytest.mark.parametrize("kind", LASTING)
def test_off_comes_after_on(kind, on, off):
    assert message_of(lambda: LASTING[kind](on, off)) == (
        f"{kind}: off is {off!r} and on is {on!r}; off must come after on"
    )


@pytest.mark.parametrize("bad", [-1.0, math.nan, "now"])
@pytest.mark.parametrize("kind", LASTING)
def test_onset_and_end_are_times(kind, bad):
    assert message_of(lambda: LASTING[kind](bad, 60)).startswith(f"{kind}: on is {bad!r}")
    assert message_of(lambda: LASTING[kind](0, bad)).startswith(f"{kind}: off is {bad!r}")


def test_an_intervention_may_last_for_ever():
    assert Intervene("tdcs", on=0, off=math.inf).off == math.inf


def test_events_cannot_be_changed():
    with pytest.raises(AttributeError):
        SCENE.strength = 0.5


# ---- protocols -----------------------------------------------------------------------------------


def test_a_list_instead_of_events_is_answered_with_the_missing_star():
    message = message_of(lambda: Protocol([SCENE]))
    assert message.startswith(repr([SCENE]))
    assert "use Encode, Release, Reactivate, Extinguish, Intervene, Sleep, Test" in message
    assert message.endswith("(did you forget a * before a list of events?)")


def test_an_event_after_the_last_test_is_an_error():
    late = Release("dopamine", at=2 * day)
    assert message_of(lambda: Protocol(SCENE, Test("scene", at=1 * day), late)) == (
        f"{late} comes after the last Test at 86400 s and could not change any result; "
        "remove it, or add a Test after it"
    )


def test_an_event_at_the_time_of_the_last_test_is_taken():
    protocol = Protocol(SCENE, Test("scene", at=1 * day), Release("dopamine", at=1 * day))
    assert len(protocol.events) == 3


def test_an_intervention_may_outlast_the_last_test():
    Protocol(SCENE, Intervene("tdcs", on=0, off=2 * day), Test("scene", at=1 * day))


def test_a_protocol_without_test_or_without_events_is_valid():
    assert Protocol().traces == ()
    assert Protocol(SCENE).traces == ("scene",)
    assert ThresholdCapture().run(Protocol()).tests.empty


@pytest.mark.parametrize(
    "event", [Reactivate("tone", at=30), Extinguish("tone", at=30, strength=0.5), Test("tone", at=30)]
)
def test_a_trace_not_yet_encoded_cannot_be_cued_or_tested(event):
    assert message_of(lambda: Protocol(SCENE, event, TONE)) == (
        f"{event}: the trace 'tone' is not encoded by then (encoded: scene); "
        "add an Encode before it or correct the name"
    )


def test_nothing_encoded_yet_is_said():
    assert "(encoded: none yet)" in message_of(lambda: Protocol(Test("scene", at=0)))


def test_a_trace_tested_in_the_moment_of_its_encoding_must_be_written_after_it():
    Protocol(SCENE, Test("scene", at=0))
    assert "'scene' is not encoded by then" in message_of(lambda: Protocol(Test("scene", at=0), SCENE))


def test_an_unknown_modulator_is_answered_with_the_known_ones():
    protocol = Protocol(SCENE, Release("oxytocin", at=60))
    for make in (lambda: Batch([protocol]), lambda: ThresholdCapture().run(protocol)):
        message = message_of(make)
        assert message.startswith("Release(modulator='oxytocin', at=60, dose=1.0): unknown modulator 'oxytocin'")
        for modulator in neuromodulation.NEUROMODULATORS:
            assert modulator.name in message
        assert message.endswith("(add your own with engram.neuromodulation.table)")


def test_an_unknown_trace_or_time_of_a_read_is_an_error():
    run = ThresholdCapture().run(Protocol(SCENE, TONE))
    with pytest.raises(ValueError, match=r"unknown trace 'sound'; the protocol has scene, tone"):
        run.strength("sound", at=0)
    for bad in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=rf"cannot read at {bad!r}; give times of zero or more seconds"):
            run.strength("scene", at=bad)


def test_only_a_protocol_can_be_run():
    with pytest.raises(TypeError, match=r"is not a Protocol; write Protocol\(Encode"):
        ThresholdCapture().run([SCENE])


def test_a_batch_for_other_neuromodulators_is_an_error():
    few = neuromodulation.NEUROMODULATORS[:2]
    batch = Batch([Protocol(SCENE, Test("scene", at=60))], few)
    with pytest.raises(ValueError, match=r"compiled for the neuromodulators .* compile it with Batch"):
        ThresholdCapture().strengths(batch)


# ---- relatedness ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan, True, "half", None])
def test_relatedness_lies_between_0_and_1(bad):
    assert message_of(lambda: Protocol(SCENE, TONE, relatedness={("scene", "tone"): bad})) == (
        f"relatedness of ('scene', 'tone') is {bad!r}; give a number between 0 and 1"
    )
    in_category = dict(categories={"scene": "x", "tone": "x"})
    assert message_of(lambda: Protocol(SCENE, TONE, **in_category, within_category=bad)) == (
        f"within_category of 'x' is {bad!r}; give a number between 0 and 1"
    )


def test_a_pair_is_given_once():
    pairs = {("scene", "tone"): 0.5, ("tone", "scene"): 0.5}
    assert message_of(lambda: Protocol(SCENE, TONE, relatedness=pairs)) == (
        "relatedness: the pair ('tone', 'scene') is given twice; keep one"
    )


def test_a_trace_is_not_paired_with_itself():
    assert message_of(lambda: Protocol(SCENE, relatedness={("scene", "scene"): 1.0})) == (
        "relatedness: ('scene', 'scene') pairs a trace with itself, which is always 1; remove it"
    )


@pytest.mark.parametrize("bad", ["scene", ("scene",), ("scene", "tone", "scene")])
def test_a_pair_is_a_pair(bad):
    assert message_of(lambda: Protocol(SCENE, TONE, relatedness={bad: 0.5})) == (
        f"relatedness: {bad!r} is not a pair of traces; write {{('a', 'b'): 0.5}}"
    )


def test_related_traces_must_be_in_the_protocol():
    assert message_of(lambda: Protocol(SCENE, relatedness={("scene", "tone"): 0.5})) == (
        "relatedness: unknown trace 'tone'; the protocol has ['scene']"
    )
    assert message_of(lambda: Protocol(SCENE, categories={"tone": "sounds"})) == (
        "categories: unknown trace 'tone'; the protocol has ['scene']"
    )


def test_a_pair_within_a_category_is_an_error():
    categories = {"scene": "x", "tone": "x"}
    assert message_of(lambda: Protocol(SCENE, TONE, categories=categories, relatedness={("scene", "tone"): 0.5})) == (
        "relatedness: ('scene', 'tone') lie in the same category 'x'; give one or the other"
    )
    Protocol(SCENE, TONE, categories={"scene": "x", "tone": "y"}, relatedness={("scene", "tone"): 0.5})


def test_every_category_needs_its_relatedness():
    categories = {"scene": "x", "tone": "y"}
    assert message_of(lambda: Protocol(SCENE, TONE, categories=categories, within_category={"x": 0.5})) == (
        "within_category: no value for the category 'y'; add one"
    )
    protocol = Protocol(SCENE, TONE, categories=categories, within_category={"x": 0.5, "y": 0.2})
    assert protocol.within_category == {"x": 0.5, "y": 0.2}
    assert Protocol(SCENE, TONE, categories=categories).within_category == {"x": 0.5, "y": 0.5}


# ---- order and time ------------------------------------------------------------------------------


@given(at=st.lists(st.floats(0, 1e6), max_size=12))
def test_events_are_sorted_by_time_and_simultaneous_ones_stay_as_written(at):
    events = [Release("dopamine", at=time, dose=float(place)) for place, time in enumerate(at)]
    ordered = Protocol(*events).events
    assert [event.at for event in ordered] == sorted(at)
    for one, other in itertools.pairwise(ordered):
        assert one.at < other.at or one.dose < other.dose


def test_traces_are_in_order_of_first_mention_in_time():
    assert Protocol(TONE, SCENE).traces == ("scene", "tone")


def test_an_interval_is_placed_by_its_onset():
    sleep = Sleep(on=30, off=8 * hour)
    assert Protocol(TONE, sleep, SCENE).events == (SCENE, sleep, TONE)


def test_shifted_moves_every_time_and_nothing_else():
    events = (SCENE, Intervene("tdcs", on=30, off=90, dose=0.5), TONE, Sleep(on=1 * hour, off=9 * hour))
    protocol = Protocol(*events, relatedness={("scene", "tone"): 0.5})
    later = protocol.shifted(10 * minute)
    assert later.events == (
        Encode("scene", at=600, strength=0.4),
        Intervene("tdcs", on=630, off=690, dose=0.5),
        Encode("tone", at=660, strength=0.4),
        Sleep(on=1 * hour + 600, off=9 * hour + 600),
    )
    assert later.relatedness == protocol.relatedness
    assert protocol.events[0].at == 0
    assert later.shifted(-10 * minute) == protocol


def test_shifting_before_zero_is_an_error():
    assert "at is -60" in message_of(lambda: Protocol(SCENE).shifted(-60))


def test_a_rejected_argument_changes_nothing():
    pairs = {("scene", "tone"): 0.5}
    protocol = Protocol(SCENE, TONE, relatedness=pairs)
    pairs[("scene", "tone")] = 2.0
    assert protocol.relatedness == {("scene", "tone"): 0.5}


def test_text_is_not_a_number():
    with pytest.raises(ProtocolError, match=r"strength is '0\.4', which is not a number"):
        Encode("a", at=0, strength="0.4")
    with pytest.raises(ProtocolError, match=r"relatedness is 0\.5; give a dictionary"):
        Protocol(Encode("a", at=0, strength=0.4), relatedness=0.5)
