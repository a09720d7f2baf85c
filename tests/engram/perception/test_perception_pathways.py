"""Two pathways on the kernels of memory traces, and what one hands on to the other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engram import Encode, Extinguish, Intervene, LinearCapture, Protocol, Reactivate, Release, Sleep, Test, day, hour
from engram.consolidation.state import LABILE, LATE
from engram.perception import VISUAL_TRACE
from engram.perception.pathways import course, transfer
from engram.protocol import ProtocolError
from tests.oracle import visual_learning as oracle

SHARES = dict(practice_share=0.3, top_down=0.6, stimulation_shift=2.0, transfer_time=7 * day)
EVENTS = (
    Encode("trained", at=hour, strength=0.6),
    Sleep(on=2 * hour, off=10 * hour),
    Intervene("tdcs", on=25 * hour - 600, off=25 * hour + 600, dose=0.5),
    Reactivate("trained", at=25 * hour, cue=0.8, prediction_error=0.5, duration=20),
    Release("dopamine", at=25 * hour, dose=0.5),
    Reactivate("trained", at=49 * hour, cue=0.8, prediction_error=0.4, duration=20),
    Encode("trained", at=73 * hour, strength=0.4),
    Extinguish("trained", at=74 * hour, strength=0.05),
)


def by_hand():
    """The same protocol written for both traces, with the shares worked out."""
    up = 1 / (1 + math.exp(-(math.log(0.6 / 0.4) + 2.0 * 0.5)))
    cues = {25 * hour: up, 49 * hour: 0.6}
    events = []
    for event in EVENTS:
        if isinstance(event, Encode):
            events.append(Encode("EVC", at=event.at, strength=event.strength))
            events.append(Encode("IPS", at=event.at, strength=0.3 * event.strength))
        elif isinstance(event, Reactivate):
            for name, share in (("EVC", 1 - cues[event.at]), ("IPS", cues[event.at])):
                events.append(
                    Reactivate(name, at=event.at, cue=0.8 * share, prediction_error=event.prediction_error, duration=20)
                )
        elif isinstance(event, Extinguish):
            events += [Extinguish(name, at=event.at, strength=event.strength) for name in ("EVC", "IPS")]
        else:
            events.append(event)
    return Protocol(*events)


@pytest.mark.parametrize("model", [VISUAL_TRACE, LinearCapture(durable_fraction=0.2, completion_midpoint=0.0)])
def test_pathways_are_the_traces_of_the_shared_out_protocol(model):
    times = (0.0, 25.5 * hour, 60 * hour, 20 * day)
    held = course(model, Protocol(*EVENTS), times, **SHARES)
    run = model.run(by_hand())
    np.testing.assert_allclose(held.evc, [run.strength("EVC", t) for t in times], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(held.ips, [run.strength("IPS", t) for t in times], rtol=1e-12, atol=1e-15)


def test_transfer_follows_its_equation_within_2e_4():
    model, until = VISUAL_TRACE, 10 * day
    held = course(model, Protocol(*EVENTS), (until,), **SHARES)
    grid = np.unique(
        np.concatenate([np.arange(0, until + 1, 300.0), [e.at - 1e-3 for e in EVENTS if hasattr(e, "at")]])
    )
    batch = model.batch([by_hand()])
    batch = type(batch)([by_hand()], model.neuromodulators, reads=grid.tolist())
    states = model.simulate(batch)
    rows = [k for k, (_, trace, _) in enumerate(batch.rows) if trace == "IPS"]
    late = states[rows, LATE] + states[rows, LABILE]
    breaks = [event.at for event in EVENTS if hasattr(event, "at")]
    slow = oracle.transferred(lambda t: float(np.interp(t, grid, late)), until, SHARES["transfer_time"], breaks)
    assert held.transferred[0] == pytest.approx(slow, abs=2e-4)
    assert slow > 0.1


def test_transfer_of_a_constant_is_an_exponential_rise():
    times = np.array([0.0, 1.0, 10.0, 40.0])
    np.testing.assert_allclose(transfer(times, np.full(4, 0.7), 8.0), 0.7 * (1 - np.exp(-times / 8.0)), rtol=1e-14)


@given(st.lists(st.floats(-0.5, 1), min_size=2, max_size=8), st.floats(0.1, 100))
def test_transfer_stays_within_what_it_is_handed(levels, transfer_time):
    x = transfer(np.arange(len(levels), dtype=float), np.array(levels), transfer_time)
    assert (x >= min(0.0, *levels) - 1e-12).all() and (x <= max(0.0, *levels) + 1e-12).all()


@settings(max_examples=30)
@given(st.lists(st.floats(0, 30 * day), min_size=1, max_size=5))
def test_a_read_does_not_depend_on_the_other_reads(times):
    protocol = Protocol(*EVENTS)
    together = course(VISUAL_TRACE, protocol, tuple(times), **SHARES)
    for index, time in enumerate(times):
        alone = course(VISUAL_TRACE, protocol, (time,), **SHARES)
        assert alone.evc[0] == pytest.approx(together.evc[index], abs=1e-12)
        assert alone.ips[0] == pytest.approx(together.ips[index], abs=1e-12)
        assert alone.transferred[0] == pytest.approx(together.transferred[index], abs=3e-4)


def test_sleep_does_nothing_unless_fitted():
    awake = Protocol(*[event for event in EVENTS if not isinstance(event, Sleep)])
    times = (5 * day,)
    for model, same in ((VISUAL_TRACE, True), (VISUAL_TRACE.with_(sleep_drive=3.0), False)):
        pair = [course(model, protocol, times, **SHARES) for protocol in (Protocol(*EVENTS), awake)]
        assert (abs(pair[0].evc[0] - pair[1].evc[0]) < 1e-9) == same


def test_nothing_is_held_before_anything_happens_or_without_events():
    held = course(VISUAL_TRACE, Protocol(*EVENTS), (0.0,), **SHARES)
    assert [value[0] for value in held] == [0, 0, 0]
    assert [value.tolist() for value in course(VISUAL_TRACE, Protocol(), (0.0, day), **SHARES)] == [[0, 0]] * 3


def test_all_or_nothing_shares_are_not_moved_by_stimulation():
    for top_down in (0.0, 1.0):
        with_it = course(VISUAL_TRACE, Protocol(*EVENTS), (5 * day,), **{**SHARES, "top_down": top_down})
        without = course(
            VISUAL_TRACE, Protocol(*EVENTS), (5 * day,), **{**SHARES, "top_down": top_down, "stimulation_shift": 0.0}
        )
        assert with_it == without


def test_tests_are_allowed_and_those_that_reactivate_explained():
    protocol = Protocol(*EVENTS, Test("trained", at=5 * day))
    held = course(VISUAL_TRACE, protocol, (5 * day,), **SHARES)
    assert held.evc[0] == pytest.approx(course(VISUAL_TRACE, Protocol(*EVENTS), (5 * day,), **SHARES).evc[0])
    with pytest.raises(ProtocolError, match="add a Reactivate at its time"):
        course(VISUAL_TRACE, Protocol(*EVENTS, Test("trained", at=5 * day, reactivates=True)), (5 * day,), **SHARES)


def test_two_trained_stimuli_are_an_error():
    protocol = Protocol(Encode("a", at=0, strength=0.5), Encode("b", at=0, strength=0.5))
    with pytest.raises(ProtocolError, match="the protocol trains a, b; visual learning takes one trained stimulus"):
        course(VISUAL_TRACE, protocol, (0.0,), **SHARES)


@pytest.mark.parametrize("time", [-1.0, math.inf, math.nan])
def test_a_time_that_cannot_be_read_is_an_error(time):
    with pytest.raises(ValueError, match="give times of zero or more seconds"):
        course(VISUAL_TRACE, Protocol(*EVENTS), (time,), **SHARES)
