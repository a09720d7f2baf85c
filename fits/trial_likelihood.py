"""How likely raw trials are under a study's design and a model.

phase   participants share the design's timeline. The trials of a group of traces (such as phase × CS) are counted by
        outcome; an item may be any trace of the group, so p_k = mean of p_k(S) over the group's traces, and
        ln L = Σ_groups Σ_k o_k ln p_k
item    every participant has their own protocol with the onsets of every item; ln L = Σ_trials ln p(response | S_item)

In both, lures are counted by condition and have the probabilities that the response gives to lures. The multinomial
coefficient, which depends on the counts alone, is left out, so that the two levels can be compared.

Least squares of the residuals r_k = sign(o_k − e_k)·√(2(o_k ln(o_k/e_k) − o_k + e_k)), e_k = n p_k, is maximum
likelihood: Σ_k o_k = Σ_k e_k, so half the sum of their squares is what ln L lacks of the saturated ln L. At the level
of items each trial is a group of one, with o_k of 0 or 1.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas

from engram.consolidation import ConsolidationModel
from engram.protocol import Test
from engram.recall import Response
from engram.recall.distributions import multinomial

from .design import Design
from .prediction import Predictor
from .study import RESPONSES, Observation, Study, Term, rows_of
from .trial_layout import TrialLayout, trial_layout
from .trial_protocols import participant_designs
from .trial_table import TrialError, some
from .trials import Trials

LEVELS = ("phase", "item")
_LEAST = float(np.finfo(float).tiny)  # probability below which an averaged outcome is held, so that its log is finite


@dataclass(frozen=True, eq=False)
class TrialCounts:
    """Counts of each outcome by group.

    Attributes
    ----------
    groups : tuple of str
        Groups of traces, or items (``"participant/item"``).
    counts : (groups, outcomes) array
    lures : tuple of str
        Conditions of the lures.
    lure_counts : (lures, outcomes) array
    """

    groups: tuple[str, ...]
    counts: np.ndarray
    lures: tuple[str, ...]
    lure_counts: np.ndarray

    @property
    def all(self) -> np.ndarray:
        """Old items, then lures: (groups + lures, outcomes)."""
        return np.concatenate([self.counts, self.lure_counts])

    @property
    def n(self) -> int:
        """Number of answered trials."""
        return int(self.counts.sum() + self.lure_counts.sum())


def count_trials(trials: Trials, study: Study, level: str = "phase") -> TrialCounts:
    """The answered trials of a study counted by outcome.

    Raises
    ------
    TrialError
        A level that is unknown, a response that stands for no outcome, or a trial that no cell takes.
    """
    _check_level(level)
    return _count(trials, study, trial_layout(study), level)


def deviance_residuals(counts: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Signed √(2(o ln(o/e) − o + e)) of every cell, e = n·p; shapes (groups, outcomes), result flat.

    Half the sum of squares is Σ o ln(o/e), the multinomial deviance over 2, where each row of ``probabilities`` sums
    to 1.
    """
    expected = counts.sum(axis=-1, keepdims=True) * np.maximum(probabilities, _LEAST)
    seen = counts > 0
    ratio = np.divide(expected, counts, out=np.ones_like(expected), where=seen)
    excess = np.divide(expected - counts, counts, out=np.zeros_like(expected), where=seen)
    # o ln(o/e) − o + e = o (x − ln(1 + x)) with x = e/o − 1, which does not cancel near e = o
    logarithm = np.where(np.abs(excess) < 0.5, np.log1p(np.maximum(excess, -0.5)), np.log(ratio))
    half = np.where(seen, counts * (excess - logarithm), expected)
    return (np.sign(counts - expected) * np.sqrt(2 * np.maximum(half, 0.0))).ravel()


class TrialPredictor:
    """A study's trials compiled for one model: parameters in, probabilities, residuals and log-likelihood out.

    Parameters
    ----------
    trials : Trials
    study : Study
        With a table ``[trials]`` and a response that has outcomes.
    model : ConsolidationModel
        Its parameters hold wherever the study and the call do not say otherwise.
    level : {"phase", "item"}

    Attributes
    ----------
    parameters : tuple of str
        The study's parameters that this model can feel.
    data : TrialCounts

    Raises
    ------
    TrialError
        Trials that the design cannot hold, or a response without outcomes, or without lures where there are some.
    """

    def __init__(self, trials: Trials, study: Study, model: ConsolidationModel, level: str = "phase") -> None:
        _check_level(level)
        layout = trial_layout(study)
        self.study = study
        self.model = model
        self.level = level
        self.data = _count(trials, study, layout, level)
        self._layout = layout
        check_response(study, bool(self.data.lures))
        groups = _groups(layout)
        if level == "phase":
            designs = {layout.condition: study.conditions[layout.condition]}
            tests = [
                [(layout.condition, row) for row in _tests_of(designs, layout, layout.condition, name)]
                for name in groups
            ]
            for name, rows in zip(groups, tests, strict=True):
                if not rows:
                    raise TrialError(f"{study.path}: trials.at: {name!r} has no Test at {layout.at:g} s; correct it")
        else:
            designs, traces = participant_designs(trials, study, layout)
            tests = [[place] for place in _item_tests(trials, designs, traces, layout)]
        # what is observed are the Tests that were answered, in place of the observations of the study
        terms = [
            Term(1.0, condition, name, layout.at)
            for condition in designs
            for name in groups
            if _tests_of(designs, layout, condition, name)
        ]
        asked = Observation("answers", "shown", tuple(terms), RESPONSES[study.response].score_names[0], 1.0, None,
                            math.nan, None, None, "", "1", "", None, "", "", "C", "")  # fmt: skip
        self._strengths = Predictor(dataclasses.replace(study, conditions=designs, observations=(asked,)), model)
        places = self._strengths.test_places()
        members = [[places[key] for key in rows] for rows in tests]
        self._members = np.concatenate([np.asarray(rows, dtype=np.intp) for rows in members])
        sizes = np.array([len(rows) for rows in members])
        self._starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self._sizes = sizes[:, None]
        self.parameters = self._strengths.parameters

    def with_trials(self, trials: Trials) -> TrialPredictor:
        """The same design with the counts of other trials; of the level "phase" alone, where timelines are shared."""
        if self.level != "phase":
            raise ValueError(f"the level is {self.level!r}, whose timelines belong to the trials; make a new predictor")
        other = copy.copy(self)
        other.data = _count(trials, self.study, self._layout, "phase", self.data.lures)
        return other

    def configure(self, own: Mapping[str, float], shared: Mapping[str, float]) -> ConsolidationModel:
        """The model with the study's settings, its parameters ``own``, and ``shared`` ones."""
        return self._strengths.configure(own, shared)

    def response(self, own: Mapping[str, float]) -> Response:
        """The study's response with the parameters ``own``."""
        values = {k: own[v] if isinstance(v, str) else v for k, v in self.study.response_values.items()}
        return RESPONSES[self.study.response](**values)

    def strengths(self, own: Mapping[str, float], shared: Mapping[str, float]) -> np.ndarray:
        """Strength of every trace that an item may be, group by group, (members,)."""
        return self._strengths.strengths(own, shared)[self._members]

    def probabilities(self, own: Mapping[str, float], shared: Mapping[str, float]) -> np.ndarray:
        """Probability of each outcome: (groups + lures, outcomes), as in ``data.all``."""
        response = self.response(own)
        return self._all(response, self._old(response, self.strengths(own, shared)))

    def __call__(self, own: Mapping[str, float], shared: Mapping[str, float]) -> np.ndarray:
        """The probabilities as one vector."""
        return self.probabilities(own, shared).ravel()

    def residuals(self, own: Mapping[str, float], shared: Mapping[str, float]) -> np.ndarray:
        """Deviance residuals, ((groups + lures)·outcomes,): see the module."""
        return deviance_residuals(self.data.all, self.probabilities(own, shared))

    def log_likelihood(self, own: Mapping[str, float], shared: Mapping[str, float]) -> float:
        """ln probability of all answered trials."""
        response = self.response(own)
        strengths = self.strengths(own, shared)
        if self.level == "item":
            total = response.log_likelihood(self.data.counts, strengths, self.data.counts.sum(axis=1), constant=False)
        else:
            logs = np.log(np.maximum(self._old(response, strengths), _LEAST))
            total = multinomial(self.data.counts, logs, constant=False)
        lures: Any = response
        added = lures.lure_log_likelihood(self.data.lure_counts, constant=False).sum() if self.data.lures else 0.0
        return float(total.sum() + added)

    def information(self, predicted: np.ndarray) -> np.ndarray:
        """Expected Fisher information of each cell about its own probability, n/p: shape of ``predicted``.

        With slopes ∂p the information about parameters is Σ ∂p² n/p, exactly that of the multinomial, as every
        group's probabilities sum to 1.
        """
        shape = self.data.all.shape
        n = np.broadcast_to(self.data.all.sum(axis=1, keepdims=True), shape).ravel()
        return n / np.maximum(predicted, _LEAST)

    def _old(self, response: Response, strengths: np.ndarray) -> np.ndarray:
        each = response.predict(strengths)
        return each if self.level == "item" else np.add.reduceat(each, self._starts, axis=0) / self._sizes

    def _all(self, response: Any, old: np.ndarray) -> np.ndarray:
        if not self.data.lures:
            return old
        return np.concatenate([old, np.tile(response.lure_probabilities(), (len(self.data.lures), 1))])


def _check_level(level: str) -> None:
    if level not in LEVELS:
        raise ValueError(f"level is {level!r}; use one of {', '.join(LEVELS)}")


def check_response(study: Study, lures: bool) -> None:
    """Refuse a response that has no outcomes, or says nothing of lures where there are some."""
    response = RESPONSES[study.response]
    if not response.outcomes:
        raise TrialError(
            f"{study.path}: response.type: {study.response!r} has no outcomes that trials could be counted by"
        )
    if lures and not hasattr(response, "lure_probabilities"):
        raise TrialError(
            f"{study.path}: response.type: {study.response!r} says nothing of new items; remove their trials"
        )


def _groups(layout: TrialLayout) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell.traces for cell in layout.cells))


def _count(
    trials: Trials, study: Study, layout: TrialLayout, level: str, lures: Sequence[str] | None = None
) -> TrialCounts:
    outcomes = RESPONSES[study.response].outcomes
    answered = trials.answered
    unknown = set(answered["response"]) - set(layout.responses)
    if unknown:
        raise TrialError(
            f"the response {some(map(repr, sorted(unknown)))} stands for no outcome; add it to [trials.responses] of "
            f"{study.path} (for unanswered trials, or read with missing='drop')"
        )
    column = answered["response"].map({code: outcomes.index(name) for code, name in layout.responses.items()})
    old = answered["old"]
    if level == "item":
        names = tuple(answered[old]["participant"] + "/" + answered[old]["item"])
        place = np.arange(len(names))
    else:
        names = _groups(layout)
        keys = answered[old][["phase", "condition", "reinforced"]]
        group_of = {}
        for key in set(keys.itertuples(index=False, name=None)):
            cell = layout.cell_of(*key)
            if cell is None:
                raise TrialError(f"no [[trials.cell]] takes phase {key[0]!r}, condition {key[1]!r}; add one")
            group_of[key] = names.index(cell.traces)
        place = np.array([group_of[key] for key in keys.itertuples(index=False, name=None)], dtype=np.intp)
    counts = np.zeros((len(names), len(outcomes)))
    np.add.at(counts, (place, column[old].to_numpy()), 1)
    kinds = tuple(sorted(set(answered[~old]["condition"]))) if lures is None else tuple(lures)
    kind = answered[~old]["condition"].map({name: k for k, name in enumerate(kinds)})
    if kind.isna().any():
        raise TrialError(
            f"new items of {answered[~old].loc[kind.isna(), 'condition'].iloc[0]!r} are not in the predictor"
        )
    lure_counts = np.zeros((len(kinds), len(outcomes)))
    np.add.at(lure_counts, (kind.to_numpy(dtype=np.intp), column[~old].to_numpy()), 1)
    return TrialCounts(names, counts, kinds, lure_counts)


def _tests_of(designs: Mapping[str, Design], layout: TrialLayout, condition: str, traces: str) -> list[int]:
    return rows_of(Term(1.0, condition, traces, layout.at), designs[condition])


def _item_tests(
    trials: Trials, designs: Mapping[str, Design], traces: pandas.Series, layout: TrialLayout
) -> list[tuple[str, int]]:
    """For each answered trial with an old item, the participant and the number of its Test in their design."""
    number: dict[tuple[str, str], list[int]] = {}
    for participant, design in designs.items():
        tests = [event for event in design.protocol.events if isinstance(event, Test)]
        for k, test in enumerate(tests):
            if layout.at in (None, test.at):
                number.setdefault((participant, test.trace), []).append(k)
    answered = trials.answered
    asked = answered[answered["old"]]
    places = []
    for participant, trace in zip(asked["participant"], traces.loc[asked.index], strict=True):
        found = number.get((participant, trace), [])
        if len(found) != 1:
            raise TrialError(
                f"the trace {trace!r} of participant {participant!r} has {len(found)} Tests; say which was "
                "answered with trials.at, or add a Test of it"
            )
        places.append((participant, found[0]))
    return places
