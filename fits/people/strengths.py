"""Strengths and their exact slopes in a study's parameters, by a complex step.

A complex step costs one run of the kernel on complex numbers. Parameters that can change different Tests only
(:mod:`fits.people.reach`) share a run, and each run holds only what its Tests depend on (:mod:`fits.pruning`): a
parameter that acts in one phase alone costs the protocol of that phase.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from engram.protocol import Test

from ..objective import Coordinate
from ..prediction import Predictor
from ..study import RESPONSES, Observation, Term
from .reach import reached

_STEP = 1e-30  # the square of it is below the last digit of anything


class _Run(NamedTuple):
    """Parameters that share a run: each with the Tests it changes, as places among all and in this run."""

    predictor: Predictor
    columns: tuple[tuple[int, np.ndarray, np.ndarray], ...]


class StrengthSlopes:
    """Slopes of the strengths at a study's Tests in some of its parameters.

    Parameters
    ----------
    predictor : Predictor
    coordinates : sequence of Coordinate
        Study parameters; those that act through the response alone get no column of their own.
    """

    def __init__(self, predictor: Predictor, coordinates: Sequence[Coordinate]) -> None:
        self.predictor = predictor
        self.names = tuple(c.name for c in coordinates if c.name not in predictor.of_response)
        self.columns = np.array([k for k, c in enumerate(coordinates) if c.name in self.names], dtype=np.intp)
        places = predictor.test_places()
        self._tests = len(predictor.batch.tests)
        touched = np.zeros((len(self.names), self._tests), dtype=bool)
        for condition, design in predictor.study.conditions.items():
            tests = [event.trace for event in design.protocol.events if isinstance(event, Test)]
            for k, name in enumerate(self.names):
                traces = reached(predictor.study, design, predictor.model, name)
                for number, trace in enumerate(tests):
                    if trace in traces and (condition, number) in places:
                        touched[k, places[condition, number]] = True
        self._covered = bool(touched.any(axis=0).all())  # no Test needs a run of its own
        self._runs = [self._run(group, touched, places) for group in _apart(touched)]

    def __call__(self, own: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Strengths (tests,) and their slopes (tests, names) at the parameters ``own``, in their own unit."""
        slopes = np.zeros((self._tests, len(self.names)))
        strengths = np.zeros(self._tests)
        for run in self._runs:
            moved = {**own, **{self.names[k]: complex(own[self.names[k]], _STEP) for k, _, _ in run.columns}}
            found = complex_strengths(run.predictor, moved)
            for k, here, there in run.columns:
                slopes[here, k] = found.imag[there] / _STEP
                strengths[here] = found.real[there]
        return (strengths if self._covered else self.predictor.strengths(own, {})), slopes

    def _run(self, group: Sequence[int], touched: np.ndarray, places: Mapping[tuple[str, int], int]) -> _Run:
        study = self.predictor.study
        wanted = np.flatnonzero(touched[list(group)].any(axis=0)).tolist()
        own_keys = {place: key for key, place in places.items()}
        terms = []
        for condition, design in study.conditions.items():
            tests = [event for event in design.protocol.events if isinstance(event, Test)]
            for number, test in enumerate(tests):
                place = places.get((condition, number))
                if place in wanted:
                    terms.append(Term(1.0, condition, test.trace, test.at))
        asked = Observation("answers", "shown", tuple(terms), RESPONSES[study.response].score_names[0], 1.0, None,
                            math.nan, None, None, "", "1", "", None, "", "", "C", "")  # fmt: skip
        smaller = Predictor(dataclasses.replace(study, observations=(asked,)), self.predictor.model)
        inside = smaller.test_places()
        columns = []
        for k in group:
            here = np.flatnonzero(touched[k])
            there = [inside[own_keys[place]] for place in here.tolist()]
            columns.append((k, here, np.array(there, dtype=np.intp)))
        return _Run(smaller, tuple(columns))


def complex_strengths(predictor: Predictor, own: Mapping[str, complex]) -> np.ndarray:
    """Strengths at every Test with complex parameters: :meth:`Predictor.strengths` for a complex step."""
    timeline = predictor.batch.timeline
    value = timeline.value.astype(complex)
    for rows, columns, name in predictor._slots:
        value[rows, columns] = own[name]
    within, pairs = timeline.within, timeline.pair_value
    if predictor._within:
        within = within.astype(complex)
        for index, name in predictor._within:
            within[index] = own[name]
    if predictor._pairs:
        pairs = pairs.astype(complex)
        for index, name in predictor._pairs:
            pairs[index] = own[name]
    parameters, modulators = predictor._base
    modulators = modulators.astype(complex)
    for place, name in predictor._free_modulators:
        modulators[place] = own[name]
    parameters = parameters._replace(**{key: own[name] for key, name in predictor._free})
    batch = predictor.batch.with_timeline(timeline._replace(value=value, within=within, pair_value=pairs))
    found: np.ndarray = predictor.model.run_strengths(parameters, modulators, batch)
    return found


def _apart(touched: np.ndarray) -> list[list[int]]:
    """Parameters in groups, no two of which change the same Test; (parameters, tests) as truths."""
    groups: list[list[int]] = []
    for k in np.argsort(-touched.sum(axis=1), kind="stable"):
        if not touched[k].any():
            continue
        for group in groups:
            if not (touched[group].any(axis=0) & touched[k]).any():
                group.append(int(k))
                break
        else:
            groups.append([int(k)])
    return groups
