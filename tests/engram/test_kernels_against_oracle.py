"""Every kernel agrees with adaptive integration of its equations to 1e-10 relative."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engram import (
    Encode,
    EncodingOnly,
    Extinguish,
    Intervene,
    LinearCapture,
    Protocol,
    Reactivate,
    Release,
    Sleep,
    Test,
    ThresholdCapture,
    hour,
    minute,
    neuromodulation,
)
from tests.oracle import memory_trace

TRACES = ("a", "b", "c")
RELATIVE = 1e-10
ABSOLUTE = 1e-13  # what the oracle itself resolves of values near zero

times = st.floats(0, 12 * hour).map(lambda t: round(t, 1))
fractions = st.floats(0.05, 0.95)
spread_models = st.booleans()


@st.composite
def protocols(draw):
    events = [Encode(name, at=draw(st.floats(0, 2 * hour)), strength=draw(st.floats(-0.95, 0.95))) for name in TRACES]
    onset = max(event.at for event in events)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(times)
        late = onset + at
        name = draw(st.sampled_from(TRACES))
        events.append(
            draw(
                st.sampled_from(
                    [
                        Release("dopamine", at=at, dose=draw(st.floats(0.1, 3))),
                        Release("noradrenaline", at=at, dose=draw(st.floats(0.1, 3))),
                        Encode(name, at=at, strength=draw(fractions)),
                        Reactivate(name, at=late, prediction_error=draw(fractions), duration=40.0),
                        Extinguish(name, at=late, strength=draw(fractions)),
                        Intervene("protein_synthesis_inhibitor", on=at, off=at + draw(st.floats(60, 6 * hour))),
                        Intervene("d1_d5_antagonist", on=at, off=at + 1 * hour, dose=0.5),
                        Sleep(on=at, off=at + 3 * hour),
                        Test(name, at=2 * onset + 15 * hour, reactivates=True),
                    ]
                )
            )
        )
    return events


def models(kind, spread):
    noradrenaline = dataclasses.replace(
        neuromodulation.NORADRENALINE, encoding_gain=0.7, drive_weight=0.8, conversion=1.5, lability_gain=0.5,
        retrieval_gain=-0.2, synthesis_gate=0.3,
    )  # fmt: skip
    shared = dict(
        durable_fraction=0.1, forgetting_exponent=0.2, strength_spread=spread, nodes=2, tau_eligibility=900.0,
        neuromodulators=neuromodulation.table(noradrenaline),
    )  # fmt: skip
    if kind is EncodingOnly:
        return EncodingOnly(**shared)
    return kind(sleep_drive=0.4, baseline_drive=0.05, tau_protein=3000.0, completion_midpoint=0.1, **shared)


def agree(model, events, read_at, **relations):
    run = model.run(Protocol(*events, **relations))
    scores, weights = model.quadrature()
    slow = memory_trace.simulate(model, events, read_at, scores=scores, weights=weights, **relations)
    table = run.table(read_at)
    for index, time in enumerate(read_at):
        for trace in run.protocol.traces:
            row = table[(table.time == time) & (table.trace == trace)].iloc[0]
            position = slow.traces.index(trace)
            for name in ("early", "late", "labile", "eligibility"):
                expected = np.dot(getattr(slow, name)[index, position], weights)
                assert row[name] == pytest.approx(expected, rel=RELATIVE, abs=ABSOLUTE), (name, trace, time)
            for name in ("protein", "competing", "strength"):
                expected = getattr(slow, name)[index, position]
                assert row[name] == pytest.approx(expected, rel=RELATIVE, abs=ABSOLUTE), (name, trace, time)
    for (trace, time, strength), row in zip(slow.tests, run.tests.itertuples(), strict=True):
        assert (row.trace, row.time) == (trace, time)
        assert row.strength == pytest.approx(strength, rel=RELATIVE, abs=ABSOLUTE)


@pytest.mark.parametrize("kind", [ThresholdCapture, LinearCapture, EncodingOnly])
def test_traces_encoded_alike_agree_with_adaptive_integration(kind):
    """What one Encode has computed serves the next only where strength, sign and modulators are the same."""
    events = [
        Encode("a", at=0, strength=0.4), Encode("b", at=60, strength=0.4), Release("noradrenaline", at=60, dose=1.0),
        Encode("a", at=90, strength=0.4), Encode("b", at=90, strength=0.4), Encode("c", at=90, strength=-0.4),
        Encode("c", at=20 * minute, strength=-0.4), Encode("a", at=9 * hour, strength=0.4),
        Encode("b", at=9 * hour, strength=0.3), Encode("c", at=9 * hour, strength=0.4),
    ]  # fmt: skip
    agree(models(kind, 0.4), events, [10 * hour, 30 * hour])


@pytest.mark.parametrize("spread", [0.0, 0.4])
@pytest.mark.parametrize("kind", [ThresholdCapture, LinearCapture, EncodingOnly])
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(events=protocols())
def test_kernel_agrees_with_adaptive_integration(kind, spread, events):
    model = models(kind, spread)
    read_at = [30 * minute, 5 * hour, 30 * hour]
    last = max((event.at for event in events if isinstance(event, Test)), default=np.inf)
    events = [event for event in events if getattr(event, "at", 0) <= last]
    agree(model, events, read_at, relatedness={("a", "b"): 0.4})
    agree(model, events, read_at[2:3], categories={"a": "x", "b": "x"}, within_category=0.3)
