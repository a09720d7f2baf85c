"""Leaving out what no observation depends on changes no prediction beyond rounding."""

from dataclasses import replace

import numpy as np
import pytest

from engram import (
    Encode,
    EncodingOnly,
    LinearCapture,
    Protocol,
    Reactivate,
    Release,
    Test,
    ThresholdCapture,
    hour,
    minute,
)
from engram.protocol import Event
from fits import prediction, pruning
from fits.design import Design
from fits.prediction import Predictor
from fits.study import MEMORY, load_shipped


@pytest.mark.parametrize("model", [m(nodes=3) for m in (ThresholdCapture, LinearCapture, EncodingOnly)],
                         ids=lambda m: m.label)  # fmt: skip
@pytest.mark.parametrize("study", load_shipped(MEMORY), ids=lambda study: study.id)
def test_predictions_of_shipped_studies_are_the_same_up_to_rounding(study, model, monkeypatch):
    lean = Predictor(study, model)
    monkeypatch.setattr(
        prediction, "pruned", lambda design, observed, captures: (design, {number: number for number in observed})
    )
    whole = Predictor(study, model)
    rng = np.random.default_rng(1)
    for _ in range(3):
        own = {p.name: p.bounds[0] + rng.random() * (p.bounds[1] - p.bounds[0]) for p in study.parameters.values()}
        a, b = (predictor.strengths(own, {}) for predictor in (lean, whole))
        for condition, numbers in lean._numbers.items():
            first = [
                sum(
                    isinstance(event, Test)
                    for other in list(predictor._designs)[: list(predictor._designs).index(condition)]
                    for event in predictor._designs[other].protocol.events
                )
                for predictor in (lean, whole)
            ]
            for old, new in numbers.items():
                assert a[first[0] + new] == pytest.approx(b[first[1] + old], rel=1e-12, abs=1e-14)


def _design(*events: Event, **relations) -> Design:
    return Design("session", Protocol(*events, **relations), (), {}, {})


def test_what_is_left_out_is_unrelated_and_what_is_related_through_a_reminder_stays():
    events = [
        Encode("a", at=0, strength=0.4), Encode("b", at=60, strength=0.4), Encode("c", at=120, strength=0.4),
        Encode("far", at=180, strength=0.4), Release("dopamine", at=20 * minute), Reactivate("b", at=1 * hour),
        Test("a", at=2 * hour), Test("far", at=3 * hour),
    ]  # fmt: skip
    design = _design(*events, relatedness={("a", "b"): 0.5, ("b", "c"): 0.5, ("c", "far"): 0.5})
    lean, numbers = pruning.pruned(design, [0])
    assert set(lean.protocol.traces) == {"a", "b", "c"} and numbers == {0: 0}
    quiet = replace(design, protocol=Protocol(*(e for e in events if not isinstance(e, Reactivate)),
                                              relatedness=design.protocol.relatedness))  # fmt: skip
    assert set(pruning.pruned(quiet, [0])[0].protocol.traces) == {"a", "b"}


def test_a_surprise_elsewhere_and_the_first_event_stay():
    events = [
        Encode("first", at=0, strength=0.4), Encode("a", at=1 * hour, strength=0.4),
        Encode("b", at=1 * hour, strength=0.9), Reactivate("b", at=2 * hour, prediction_error=1.0),
        Test("a", at=9 * hour),
    ]  # fmt: skip
    lean, _ = pruning.pruned(_design(*events), [0])
    assert set(lean.protocol.traces) == {"first", "a", "b"}
    model = ThresholdCapture(baseline_drive=4.0)
    strengths = [model.run(protocol).tests.strength[0] for protocol in (lean.protocol, Protocol(*events))]
    assert strengths[0] == pytest.approx(strengths[1], rel=1e-13)


def test_without_capture_related_traces_are_on_their_own():
    events = [
        Encode("first", at=0, strength=0.4), Encode("a", at=1 * hour, strength=0.4),
        Encode("b", at=1 * hour, strength=0.9), Release("noradrenaline", at=1 * hour, dose=1.0),
        Reactivate("a", at=2 * hour), Test("a", at=9 * hour),
    ]  # fmt: skip
    whole = _design(*events, relatedness={("a", "first"): 0.5}, categories={"a": "one", "b": "one"})
    lean, numbers = pruning.pruned(whole, [0], captures=False)
    assert set(lean.protocol.traces) == {"first", "a"} and numbers == {0: 0}
    assert not lean.protocol.relatedness and not lean.protocol.categories
    strengths = [EncodingOnly().run(design.protocol).tests.strength[0] for design in (lean, whole)]
    assert strengths[0] == pytest.approx(strengths[1], rel=1e-13)
