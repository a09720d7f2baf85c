"""From a study of visual learning and a perceptual model to the predicted value of each observation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from engram.parameter import parameter_fields
from engram.perception import PerceptualModel
from engram.perception.fisher import threshold as threshold_at
from engram.protocol import Encode, Extinguish, Protocol, Reactivate, Release

from .design import Design, Slot
from .observation import Term, rows_of, tests_of
from .study import Study
from .visual_response import DiscriminationThreshold, Seen

#: The numbers of an event that may be study parameters, by the column of :class:`fits.design.Slot`.
_FIELDS: dict[type, tuple[str, ...]] = {
    Encode: ("strength",), Release: ("dose",), Reactivate: ("cue", "prediction_error"), Extinguish: ("strength",),
}  # fmt: skip
_KEPT = 64  # latest sets of parameters whose sights are kept


class _Place(NamedTuple):
    """What an observation reads: a time and a stimulus."""

    condition: str
    at: float
    offset: float
    distance: float


class VisualPredictor:
    """A study of visual learning and one perceptual model: parameters in, predicted observations out.

    Parameters
    ----------
    study : Study
        With the response "threshold".
    model : PerceptualModel
        Its parameters hold wherever the study and the call do not say otherwise.
    """

    def __init__(self, study: Study, model: PerceptualModel) -> None:
        self.study = study
        self.model = model
        own = {field.name for field in parameter_fields(model)}
        self._model_values = {key: value for key, value in study.model_values.items() if key in own}
        places: dict[_Place, int] = {}
        for observation in study.observations:
            for term in observation.terms:
                for place in _places(term, study.conditions[term.condition]):
                    places.setdefault(place, len(places))
        self._places = list(places)
        self._contrasts = self._find_contrasts(places)
        self._generalisation = any(observation.score == "generalisation" for observation in study.observations)
        self.parameters = self._used()
        self.starts = {name: parameter.start for name, parameter in study.parameters.items()}
        self.of_response = frozenset(self.parameters) - self._of_model()
        self._kept = lru_cache(maxsize=_KEPT)(self._look)

    def _find_contrasts(self, places: Mapping[_Place, int]) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """For each score, the observations that use it and their weights over all places."""
        observations = self.study.observations
        contrasts = []
        for score in dict.fromkeys(observation.score for observation in observations):
            rows = np.array([k for k, observation in enumerate(observations) if observation.score == score])
            weights = np.zeros((len(rows), len(places)))
            for row, k in enumerate(rows):
                for term in observations[k].terms:
                    own = _places(term, self.study.conditions[term.condition])
                    for place in own:
                        weights[row, places[place]] += term.weight / len(own) / observations[k].divide_by
            contrasts.append((score, rows, weights))
        return contrasts

    def _used(self) -> tuple[str, ...]:
        """The study's parameters that this model can feel, in the order of the file."""
        used = self._of_model() | {v for v in self.study.response_values.values() if isinstance(v, str)}
        return tuple(name for name in self.study.parameters if name in used)

    def _of_model(self) -> set[str]:
        """The study's parameters that what is seen depends on; the others only turn thresholds into scores."""
        observed = {place.condition for place in self._places}
        used = {slot.parameter for name in observed for slot in self.study.conditions[name].slots}
        values = [*self._model_values.values(), self.study.response_values.get("period")]
        return used | {value for value in values if isinstance(value, str)}

    def response(self, own: Mapping[str, float]) -> DiscriminationThreshold:
        """The task with the study's parameters ``own``."""
        return DiscriminationThreshold(**{k: _resolve(v, own) for k, v in self.study.response_values.items()})

    def configure(self, own: Mapping[str, float], shared: Mapping[str, float]) -> PerceptualModel:
        """The model with the study's settings, its parameters ``own``, and ``shared`` ones, which give way."""
        values: dict[str, Any] = dict(shared)
        values.update({key: _resolve(value, own) for key, value in self._model_values.items()})
        return self.model.with_(period=float(self.response(own).period), **values)

    def strengths(self, own: Mapping[str, float], shared: Mapping[str, float]) -> Seen:
        """What an observer has at every observed time and stimulus, in the order in which they are first observed.

        The name is that of :meth:`fits.prediction.Predictor.strengths`, in whose place it stands. The latest are kept:
        a search asks for the same again.
        """
        felt = tuple((name, own[name]) for name in self.parameters if name not in self.of_response)
        return self._kept(felt, tuple(sorted(shared.items())))

    def _look(self, felt: tuple[tuple[str, float], ...], shared: tuple[tuple[str, float], ...]) -> Seen:
        own = {**self.starts, **dict(felt)}
        model = self.configure(own, dict(shared))
        untrained = model.information(Protocol(), [0.0], [0.0])
        threshold, trained, evc, ips = np.empty((4, len(self._places)))
        groups: dict[tuple[str, float], list[int]] = {}
        for k, place in enumerate(self._places):
            groups.setdefault((place.condition, place.distance), []).append(k)
        for (condition, distance), rows in groups.items():
            protocol = protocol_at(self.study.conditions[condition], own)
            times = sorted({self._places[k].at for k in rows})
            offsets = sorted({self._places[k].offset for k in rows})
            known = model.information(protocol, offsets, times, distance)
            shown = _shown(known.read_out, model)
            at_trained = np.full(len(times), math.nan)  # which only generalisation asks for
            if self._generalisation:
                at_trained = _shown(model.information(protocol, [0.0], times).read_out, model)[:, 0]
            for k in rows:
                t, o = times.index(self._places[k].at), offsets.index(self._places[k].offset)
                threshold[k], trained[k] = shown[t, o], at_trained[t]
                evc[k] = 0.5 * math.log(known.evc[t, o] / untrained.evc[0, 0])
                ips[k] = 0.5 * math.log(known.ips[t, o] / untrained.ips[0, 0])
        return Seen(threshold, trained, float(_shown(untrained.read_out, model)[0, 0]), evc, ips)

    def __call__(self, own: Mapping[str, float], shared: Mapping[str, float]) -> np.ndarray:
        """The predicted value of each observation, in its own unit; (observations,).

        Parameters
        ----------
        own : mapping
            Values of the study's parameters (``self.parameters``).
        shared : mapping
            Values of model parameters that override the model's.
        """
        return self.predicted(self.strengths(own, shared), own)

    def predicted(self, seen: Seen, own: Mapping[str, float]) -> np.ndarray:
        """The predicted value of each observation, (observations,), from what is seen."""
        response = self.response(own)
        predicted = np.zeros(len(self.study.observations))
        for score, rows, weights in self._contrasts:
            predicted[rows] = weights @ response.score(seen, score)
        return predicted


def _shown(read_out: np.ndarray, model: PerceptualModel) -> np.ndarray:
    """Thresholds (degrees); where there is next to nothing to see a quarter of the period, which none exceeds."""
    return np.minimum(threshold_at(read_out, model.criterion), model.period / 4)


def protocol_at(design: Design, own: Mapping[str, float]) -> Protocol:
    """The protocol of a condition with numbers in place of its parameters."""
    if not design.slots:
        return design.protocol
    events: list[Any] = list(design.protocol.events)
    for slot in design.slots:
        events[slot.event] = dataclasses.replace(events[slot.event], **{_field(events, slot): own[slot.parameter]})
    return Protocol(*events)


def _field(events: list[Any], slot: Slot) -> str:
    return _FIELDS[type(events[slot.event])][slot.column]


def _places(term: Term, design: Design) -> list[_Place]:
    tests = tests_of(design)
    return [_Place(term.condition, tests[row].at, term.offset or 0.0, term.distance) for row in rows_of(term, design)]


def _resolve(value: float | str, own: Mapping[str, float]) -> float:
    return own[value] if isinstance(value, str) else value
