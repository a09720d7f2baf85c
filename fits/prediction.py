"""From a study and a model to the predicted value of each observation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from engram import consolidation
from engram.consolidation import Batch, ConsolidationModel
from engram.consolidation.model import MODULATOR_COLUMNS, CaptureModel
from engram.parameter import parameter_fields
from engram.protocol import Test
from engram.recall import RESPONSES

from .design import Design
from .pruning import pruned
from .study import Study, rows_of

#: Heterogeneity nodes in fits: their error, below 0.3 % of a curve's range, is far below that of any observation.
NODES = 16


class Predictor:
    """A study compiled for one model class: parameters in, predicted observations out.

    The protocols are laid out once; a call only puts numbers into their places and runs the kernel.

    Parameters
    ----------
    study : Study
    model : ConsolidationModel
        Its parameters hold wherever the study and the call do not say otherwise.
    """

    def __init__(self, study: Study, model: ConsolidationModel) -> None:
        self.study = study
        self.model = model
        self._designs, self._numbers = self._prune()
        self.batch = Batch([design.protocol for design in self._designs.values()], model.neuromodulators)
        own = {field.name for field in parameter_fields(model)}
        self._model_values = {key: value for key, value in study.model_values.items() if key in own}
        self._place = {modulator.name: k for k, modulator in enumerate(model.neuromodulators)}
        self._base = self._with_fixed(*model.kernel_arguments())
        fixed = not any(isinstance(value, str) for value in study.response_values.values())
        self._response = self._make_response({}) if fixed else None  # what never changes is made once
        self.starts = {name: parameter.start for name, parameter in study.parameters.items()}
        self._slots: list[tuple[np.ndarray, np.ndarray, str]] = self._find_slots()
        self._within, self._pairs = self._find_relatedness()
        self._contrasts = self._find_contrasts()
        self.parameters = self._used()
        self.of_response = frozenset(self.parameters) - self._of_strengths()

    def _prune(self) -> tuple[dict[str, Design], dict[str, dict[int, int]]]:
        """The designs without what changes no observation, and the new numbers of the observed Tests."""
        observed: dict[str, set[int]] = {name: set() for name in self.study.conditions}
        for observation in self.study.observations:
            for term in observation.terms:
                observed[term.condition] |= set(rows_of(term, self.study.conditions[term.condition]))
        designs, numbers = {}, {}
        captures = isinstance(self.model, CaptureModel)
        for name, tests in observed.items():
            if tests:
                designs[name], numbers[name] = pruned(self.study.conditions[name], tests, captures)
        return designs, numbers

    def _find_slots(self) -> list[tuple[np.ndarray, np.ndarray, str]]:
        found: dict[str, list[tuple[int, int]]] = {}
        for number, design in enumerate(self._designs.values()):
            for slot in design.slots:
                row = self.batch.event_index[number][slot.event]
                found.setdefault(slot.parameter, []).append((row, slot.column))
        slots = []
        for name, places in found.items():
            rows, columns = np.array(places).T
            slots.append((rows, columns, name))
        return slots

    def _find_relatedness(self) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
        timeline = self.batch.timeline
        within: list[tuple[int, str]] = []
        pairs: list[tuple[int, str]] = []
        for number, design in enumerate(self._designs.values()):
            first = int(timeline.trace_start[number])
            position = {name: first + index for index, name in enumerate(design.protocol.traces)}
            for category, parameter in design.within.items():
                member = next(name for name, own in design.protocol.categories.items() if own == category)
                within.append((int(timeline.category[position[member]]), parameter))
            for pair, parameter in design.pairs.items():
                for one, other in (pair, pair[::-1]):
                    span = range(*timeline.pair_start[[position[one], position[one] + 1]])
                    target = position[other] - first
                    pairs.append((next(i for i in span if timeline.pair_trace[i] == target), parameter))
        return within, pairs

    def _find_contrasts(self) -> list[tuple[str, np.ndarray, np.ndarray]]:
        """For each score, the observations that use it and their weights over all Tests of the batch."""
        offsets: dict[str, int] = {}
        total = 0
        for name, design in self._designs.items():
            offsets[name] = total
            total += sum(isinstance(event, Test) for event in design.protocol.events)
        observations = self.study.observations
        contrasts = []
        for score in dict.fromkeys(observation.score for observation in observations):
            rows = np.array([k for k, observation in enumerate(observations) if observation.score == score])
            weights = np.zeros((len(rows), total))
            for place, k in enumerate(rows):
                for term in observations[k].terms:
                    number = self._numbers[term.condition]
                    own = [number[row] for row in rows_of(term, self.study.conditions[term.condition])]
                    tests = offsets[term.condition] + np.array(own)
                    np.add.at(weights[place], tests, term.weight / len(tests) / observations[k].divide_by)
            contrasts.append((score, rows, weights))
        return contrasts

    def test_places(self) -> dict[tuple[str, int], int]:
        """Where :meth:`strengths` has each observed Test: (condition, number among its Tests) -> place."""
        places: dict[tuple[str, int], int] = {}
        total = 0
        for name, design in self._designs.items():
            places.update({(name, test): total + kept for test, kept in self._numbers[name].items()})
            total += sum(isinstance(event, Test) for event in design.protocol.events)
        return places

    def _used(self) -> tuple[str, ...]:
        """The study's parameters that this model can feel, in the order of the file."""
        used = self._of_strengths() | {v for v in self.study.response_values.values() if isinstance(v, str)}
        return tuple(name for name in self.study.parameters if name in used)

    def _of_strengths(self) -> set[str]:
        """The study's parameters that strengths depend on."""
        used = {name for _, _, name in self._slots} | {name for _, name in self._within + self._pairs}
        values: list[Mapping[Any, float | str]] = [self._model_values, self.study.modulator_values]
        return used | {value for mapping in values for value in mapping.values() if isinstance(value, str)}

    def configure(self, own: Mapping[str, float], shared: Mapping[str, float]) -> ConsolidationModel:
        """The model with the study's settings, its parameters ``own``, and ``shared`` ones.

        ``shared`` names model parameters, or neuromodulator ones as ``"dopamine.drive_clearance"``; they give way to
        what the study itself sets.
        """
        values = {name: value for name, value in shared.items() if "." not in name}
        values.update({key: _resolve(value, own) for key, value in self._model_values.items()})
        changes: dict[str, dict[str, float]] = {}
        for name, value in shared.items():
            if "." in name:
                modulator, key = name.split(".")
                changes.setdefault(modulator, {})[key] = value
        for (modulator, key), raw in self.study.modulator_values.items():
            changes.setdefault(modulator, {})[key] = _resolve(raw, own)
        table = tuple(
            dataclasses.replace(modulator, **changes[modulator.name]) if modulator.name in changes else modulator
            for modulator in self.model.neuromodulators
        )
        return self.model.with_(neuromodulators=table, **values)

    def strengths(self, own: Mapping[str, float], shared: Mapping[str, float]) -> np.ndarray:
        """Strength at every Test of every condition, (tests,)."""
        return next(self.strengths_of([own], shared))

    def strengths_of(
        self, every: Iterable[Mapping[str, float]], shared: Mapping[str, float] | None = None
    ) -> Iterator[np.ndarray]:
        """:meth:`strengths` of many parameters, one after another."""
        timeline = self.batch.timeline
        value, within, pairs = timeline.value.copy(), timeline.within.copy(), timeline.pair_value.copy()
        changed = self.batch.with_timeline(timeline._replace(value=value, within=within, pair_value=pairs))
        for own in every:
            for rows, columns, name in self._slots:
                value[rows, columns] = own[name]
            for index, name in self._within:
                within[index] = own[name]
            for index, name in self._pairs:
                pairs[index] = own[name]
            parameters, modulators = self._arguments(own, shared or {})
            yield self.model.run_strengths(parameters, modulators, changed)

    def _with_fixed(self, parameters: Any, modulators: np.ndarray) -> tuple[Any, np.ndarray]:
        """The kernel's arguments with the numbers that the study fixes; its free ones are kept for every call."""
        numbers = {key: float(value) for key, value in self._model_values.items() if not isinstance(value, str)}
        self._fixed = frozenset(numbers)
        self._free = [(key, value) for key, value in self._model_values.items() if isinstance(value, str)]
        self._fixed_modulators: frozenset[str] = frozenset()
        self._free_modulators = []
        for (modulator, key), value in self.study.modulator_values.items():
            place = self._place[modulator], MODULATOR_COLUMNS.index(key)
            if isinstance(value, str):
                self._free_modulators.append((place, value))
            else:
                modulators[place] = value
                self._fixed_modulators |= {f"{modulator}.{key}"}
        return parameters._replace(**numbers), modulators

    def _arguments(self, own: Mapping[str, float], shared: Mapping[str, float]) -> tuple[Any, np.ndarray]:
        """What :meth:`configure` sets, as the kernel takes it: making a model would take longer than to run it."""
        parameters, modulators = self._base
        modulators = modulators.copy()
        values = {}
        for name, value in shared.items():
            if "." not in name:
                if name not in self._fixed:
                    values[name] = float(value)
            elif name not in self._fixed_modulators:
                modulator, key = name.split(".")
                modulators[self._place[modulator], MODULATOR_COLUMNS.index(key)] = value
        for key, name in self._free:
            values[key] = float(own[name])
        for place, name in self._free_modulators:
            modulators[place] = own[name]
        return parameters._replace(**values), modulators

    def _make_response(self, own: Mapping[str, float]) -> Any:
        values = {key: _resolve(value, own) for key, value in self.study.response_values.items()}
        return RESPONSES[self.study.response](**values)

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

    def predicted(self, strengths: np.ndarray, own: Mapping[str, float]) -> np.ndarray:
        """The predicted value of each observation, (observations,), from the strengths at the Tests.

        What acts through the response only (``self.of_response``: criteria, say) changes nothing else.
        """
        response = self._response or self._make_response(own)
        predicted = np.zeros(len(self.study.observations))
        for score, rows, weights in self._contrasts:
            predicted[rows] = weights @ np.asarray(response.score(strengths, score))
        return predicted


def _resolve(value: float | str, own: Mapping[str, float]) -> float:
    return own[value] if isinstance(value, str) else value


def model_class(name: str) -> type[ConsolidationModel]:
    """A registered consolidation model by its name; ``ValueError`` with the known names otherwise."""
    if name not in consolidation.MODELS:
        raise ValueError(f"unknown model {name!r}; use one of {', '.join(consolidation.MODELS)}")
    found: type[ConsolidationModel] = getattr(consolidation, name)
    return found
