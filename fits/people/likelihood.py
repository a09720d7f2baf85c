"""Each person's likelihood over η, with its exact gradient and expected information.

With the outcomes of the trials counted by group g of traces (of the level "item" a group is one trial), and p_gk the
mean of p_k(S) over a group's traces,

    ln L = Σ_g Σ_k o_gk ln p_gk        ∇ ln L = Σ_gk (o_gk/p_gk) ∇p_gk        I = Σ_gk (n_g/p_gk) ∇p_gk ∇p_gkᵀ

∇p = p'(S) ∂S/∂η + ∂p/∂η: strengths by a complex step (:mod:`fits.people.strengths`), ordered confidence analytically
and compiled (:mod:`engram.recall.ordered_kernels`), other responses by a complex step.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import sub
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from engram.consolidation import ConsolidationModel
from engram.parameter import parameter_fields
from engram.recall import ordered_kernels as ordered
from engram.recall.ordered_scale import OrderedScale

from ..objective import Coordinate
from ..prediction import Predictor
from ..study import RESPONSES, Study
from ..trial_fit import _felt
from ..trial_likelihood import TrialPredictor
from ..trials import Trials
from .scale import Scale
from .strengths import StrengthSlopes

_STEP = 1e-30
LEAST = ordered.LEAST
_Found: TypeAlias = tuple[float, np.ndarray, np.ndarray]  # ln L, gradient, information


class Value(NamedTuple):
    """A person's log-likelihood at η, its gradient (parameters,) and expected information (parameters, parameters)."""

    log_likelihood: float
    gradient: np.ndarray
    information: np.ndarray


class PeopleLikelihood:
    """The likelihoods of all people of some trials under one model.

    Parameters
    ----------
    trials : Trials
    study : Study
    model : ConsolidationModel
        Its biology holds for everybody.
    level : {"phase", "item"}
        Whether people share the design's timeline or each have their own.

    Attributes
    ----------
    people : tuple of str
    coordinates : list of Coordinate
        The study's parameters that the trials can feel.
    old, lures : list of arrays
        Counts of each person, (groups, outcomes) and (kinds of new items, outcomes).
    """

    def __init__(self, trials: Trials, study: Study, model: ConsolidationModel, level: str = "phase") -> None:
        self.study, self.model, self.level = study, model, level
        self.people = trials.participants
        if level == "item":
            own = [TrialPredictor(trials.select([name]), study, model, "item") for name in self.people]
        else:
            shared = TrialPredictor(trials, study, model, level)
            own = [shared.with_trials(trials.select([name])) for name in self.people]
        self.coordinates: list[Coordinate] = _felt(own[0], [])
        self.scale = Scale(self.coordinates)
        self.old = [one.data.counts for one in own]
        self.lures = [one.data.lure_counts for one in own]
        layouts: dict[int, Layout] = {}
        for one in own:  # people with the same timeline share what is made for it
            if id(one._strengths) not in layouts:
                layouts[id(one._strengths)] = Layout(one._strengths, one._members, one._starts, self.coordinates)
        self.layouts = [layouts[id(one._strengths)] for one in own]

    def __len__(self) -> int:
        return len(self.people)

    def with_counts(self, old: Sequence[np.ndarray], lures: Sequence[np.ndarray]) -> PeopleLikelihood:
        """The same design with other people's counts, such as simulated ones; people have the names "1", "2" …

        The first person's timeline serves everybody, so that this is for the level "phase".
        """
        if self.level != "phase":
            raise ValueError(f"the level is {self.level!r}, whose timelines belong to the people; use that of phases")
        return PeopleLikelihood.of_layout(self.layouts[0], old, lures)

    def part(self, people: slice) -> PeopleLikelihood:
        """Some of the people."""
        made = copy.copy(self)
        made.people, made.layouts = self.people[people], self.layouts[people]
        made.old, made.lures = self.old[people], self.lures[people]
        return made

    @classmethod
    def of_layout(cls, layout: Layout, old: Sequence[np.ndarray], lures: Sequence[np.ndarray]) -> PeopleLikelihood:
        """The likelihood of counts that are given, such as those of an experiment that is being planned."""
        made = object.__new__(cls)
        made.study, made.model, made.level = layout.study, layout.strengths.model, "phase"
        made.people = tuple(str(k + 1) for k in range(len(old)))
        made.coordinates = list(layout.coordinates)
        made.scale = Scale(layout.coordinates)
        made.old, made.lures = list(old), list(lures)
        made.layouts = [layout] * len(old)
        return made

    def values(self, eta: np.ndarray) -> dict[str, float]:
        """Every parameter of the study at η; those that the trials cannot feel have their start values."""
        return self._starts | self.scale.own(eta)

    @property
    def _starts(self) -> dict[str, float]:
        return {name: p.start for name, p in self.study.parameters.items()}

    def log_likelihood(self, person: int, eta: np.ndarray) -> float:
        """ln probability of a person's answers."""
        return float(self.log_likelihoods(person, eta[None])[0])

    def log_likelihoods(self, person: int, etas: np.ndarray) -> np.ndarray:
        """ln probability of a person's answers at each of many η, (η, parameters)."""
        start, names = self._starts, self.scale.names
        every = [start | dict(zip(names, row, strict=True)) for row in self.scale.outward(etas).tolist()]
        return self.layouts[person].log_likelihoods(every, self.old[person], self.lures[person])

    def probabilities(self, person: int, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each outcome, for groups of old items and for kinds of new ones."""
        own = self.values(eta)
        return self.layouts[person].probabilities(own, self.lures[person].shape)

    def evaluate(self, person: int, eta: np.ndarray) -> Value:
        """Log-likelihood, gradient and expected information over η."""
        own, jacobian = self.values(eta), self.scale.slopes(eta)
        found = self.layouts[person].evaluate(own, self.old[person], self.lures[person])
        return Value(found[0], found[1] * jacobian, found[2] * np.outer(jacobian, jacobian))

    def simulate(self, person: int, eta: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Counts of old and new items drawn at η, as many as the person has answered."""
        made = []
        for counts, p in zip((self.old[person], self.lures[person]), self.probabilities(person, eta), strict=True):
            n = counts.sum(axis=1).astype(np.int64)
            made.append(rng.multinomial(n, p / p.sum(axis=1, keepdims=True)).astype(float) if counts.size else counts)
        return made[0], made[1]


class Layout:
    """What people of one timeline share: Tests, groups, and how parameters enter the response.

    Parameters
    ----------
    strengths : Predictor
    members : array of int
        Places among its Tests of every trace that an item may be, group by group.
    starts : array of int
        Where each group begins among the members.
    coordinates : sequence of Coordinate
    """

    def __init__(
        self, strengths: Predictor, members: np.ndarray, starts: np.ndarray, coordinates: Sequence[Coordinate]
    ) -> None:
        self.strengths, self.members, self.starts = strengths, members, starts
        self.coordinates = tuple(coordinates)
        self.study = strengths.study
        self.slopes = StrengthSlopes(strengths, coordinates)
        self.width = len(self.coordinates)
        names = [c.name for c in coordinates]
        self.response_type = RESPONSES[self.study.response]
        self.compiled = issubclass(self.response_type, OrderedScale)
        # fields of the response that parameters set, and their columns
        named = self.study.response_values.items()
        self.free = [(key, names.index(value)) for key, value in named if value in names]
        self._single = len(self.starts) == len(self.members)
        self._sizes = np.diff(np.append(self.starts, len(self.members)))
        if self.compiled:
            self._lay_out_response()

    def _lay_out_response(self) -> None:
        """Where the numbers of an ordered scale come from, and how its slopes become those of the parameters."""
        made = self.response({name: parameter.start for name, parameter in self.study.parameters.items()})
        names = [field.name for field in parameter_fields(self.response_type)]
        self._numbers = {name: float(getattr(made, name)) for name in names}
        self._named = [(key, self.coordinates[column].name) for key, column in self.free]
        first = next(name for name in names if name.startswith("criterion_"))
        gaps = [name for name in names if name.startswith("gap_")]
        # from (mean, spread, criteria) to the parameters: the criterion moves all criteria, a gap those from its own on
        self._old_into = np.zeros((3 + len(gaps), self.width))
        self._new_into = np.zeros_like(self._old_into)
        for key, column in self.free:
            for into in (self._old_into, self._new_into):
                if key == first:
                    into[2:, column] += 1.0
                elif key in gaps:
                    into[3 + gaps.index(key) :, column] -= 1.0
            if key == "sd_old":
                self._old_into[1, column] += 1.0
            elif key == "lure_shift":
                self._new_into[0, column] += 1.0
        self._criteria = (first, gaps)
        self._of_sensitivity = next((column for key, column in self.free if key == "sensitivity"), -1)

    def response(self, own: Mapping[str, float]) -> Any:
        values = {k: own[v] if isinstance(v, str) else v for k, v in self.study.response_values.items()}
        return self.response_type(**values)

    def _ordered(self, own: Mapping[str, float]) -> list[float]:
        """Sensitivity, spread, lure shift and all criteria of an ordered scale; making one would take longer."""
        values = self._numbers | {key: own[name] for key, name in self._named}
        first, gaps = self._criteria
        criteria = accumulate((values[gap] for gap in gaps), sub, initial=values[first])
        return [values["sensitivity"], values["sd_old"], values["lure_shift"], *criteria]

    def probabilities(self, own: Mapping[str, float], lures: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        return self._answers(own, self.strengths.strengths(own, {}), lures)

    def _answers(
        self, own: Mapping[str, float], strengths: np.ndarray, lures: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """:meth:`probabilities` from strengths at all Tests."""
        strengths = strengths[self.members]
        if self.compiled:
            sensitivity, spread, shift, *above = self._ordered(own)
            criteria = np.array(above)
            p = ordered.probabilities(sensitivity * strengths, spread, criteria)
            one = ordered.probabilities(np.array([shift]), 1.0, criteria)
        else:
            response = self.response(own)
            p = response.predict(strengths)
            one = response.lure_probabilities()[None] if lures[0] else np.zeros((1, p.shape[1]))
        return self._grouped(p), np.repeat(one, lures[0], axis=0) if lures[0] else np.zeros(lures)

    def log_likelihoods(self, every: Sequence[Mapping[str, float]], old: np.ndarray, lures: np.ndarray) -> np.ndarray:
        """ln L of counts at each of many parameters."""
        strengths = self.strengths.strengths_of(every)
        if self.compiled:
            settings = np.array([self._ordered(own) for own in every])
            members = np.array([one[self.members] for one in strengths])
            found: np.ndarray = ordered.counted_each(
                members, self.starts, old, lures.sum(axis=0, keepdims=True), settings
            )
            return found
        answers = [self._answers(own, one, lures.shape) for own, one in zip(every, strengths, strict=True)]
        return np.array([log_probability(old, p) + log_probability(lures, q) for p, q in answers])

    def evaluate(self, own: Mapping[str, float], old: np.ndarray, lures: np.ndarray) -> _Found:
        """ln L of counts, its gradient and expected information in the parameters' units."""
        strengths, change = (found[self.members] for found in self.slopes(own))
        if not self.compiled:
            return self._by_complex_steps(own, strengths, change, old, lures)
        sensitivity, spread, shift, *above = self._ordered(own)
        criteria = np.array(above)
        columns = self.slopes.columns
        value, gradient, information = ordered.information(
            strengths, change, columns, self._of_sensitivity, self.starts, old, sensitivity, spread, criteria,
            self._old_into,
        )  # fmt: skip
        if lures.size:  # of evidence N(shift, 1), and of no strength
            kinds = len(lures)
            more = ordered.information(
                np.full(kinds, shift), np.zeros((kinds, len(columns))), columns, -1, np.arange(kinds), lures, 1.0, 1.0,
                criteria, self._new_into,
            )  # fmt: skip
            value, gradient, information = value + more[0], gradient + more[1], information + more[2]
        return value, gradient, information

    def _grouped(self, values: np.ndarray) -> np.ndarray:
        """Means over each group's members, along the first axis."""
        if self._single:
            return values
        sums: np.ndarray = np.add.reduceat(values, self.starts, axis=0)
        return sums / self._sizes.reshape(-1, *[1] * (values.ndim - 1))

    def _by_complex_steps(
        self, own: Mapping[str, float], strengths: np.ndarray, change: np.ndarray, old: np.ndarray, lures: np.ndarray
    ) -> _Found:
        response = self.response(own)
        p = response.predict(strengths)
        by_strength = response.predict(strengths + 1j * _STEP).imag / _STEP
        slopes = np.zeros((*p.shape, self.width))
        slopes[..., self.slopes.columns] = by_strength[..., None] * change[:, None, :]
        for key, column in self.free:
            slopes[..., column] += self._step(response, key).predict(strengths).imag / _STEP
        value, gradient, information = _reduce(old, self._grouped(p), self._grouped(slopes))
        if lures.size:
            q = np.tile(response.lure_probabilities(), (len(lures), 1))
            new = np.zeros((*q.shape, self.width))
            for key, column in self.free:
                new[..., column] += self._step(response, key).lure_probabilities().imag / _STEP
            more = _reduce(lures, q, new)
            value, gradient, information = value + more[0], gradient + more[1], information + more[2]
        return value, gradient, information

    def _step(self, response: Any, key: str) -> Any:
        values = {f.name: getattr(response, f.name) for f in parameter_fields(self.response_type)}
        return self.response_type(**{**values, key: complex(values[key], _STEP)})


def log_probability(counts: np.ndarray, p: np.ndarray) -> float:
    """Σ o ln p over all cells, without the multinomial coefficients."""
    return float((counts * np.log(np.maximum(p, ordered.LEAST))).sum())


def _reduce(counts: np.ndarray, p: np.ndarray, slopes: np.ndarray) -> _Found:
    """ln L, its gradient and the expected information from counts and p (rows, outcomes) and slopes of p."""
    chance = np.maximum(p, LEAST)
    value = float((counts * np.log(chance)).sum())
    weights = np.where(p > LEAST, 1 / chance, 0.0)  # held at the least, a probability has no slope
    flat = slopes.reshape(p.size, slopes.shape[2])
    gradient = (counts * weights).ravel() @ flat
    each = flat * np.sqrt(counts.sum(axis=1, keepdims=True) * weights).reshape(-1, 1)
    return value, gradient, each.T @ each
