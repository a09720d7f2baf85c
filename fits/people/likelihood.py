"""Each person's likelihood over η, with its exact gradient and expected information.

With the outcomes of the trials counted by group g of traces (of the level "item" a group is one trial), and p_gk the
mean of p_k(S) over a group's traces,

    ln L = Σ_g Σ_k o_gk ln p_gk        ∇ ln L = Σ_gk (o_gk/p_gk) ∇p_gk        I = Σ_gk (n_g/p_gk) ∇p_gk ∇p_gkᵀ

∇p = p'(S) ∂S/∂η + ∂p/∂η: strengths by a complex step (:mod:`fits.people.strengths`), the response analytically
(:mod:`engram.recall.ordered_kernels`), or by a complex step where it has no compiled form.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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
        return {name: p.start for name, p in self.study.parameters.items()} | self.scale.own(eta)

    def log_likelihood(self, person: int, eta: np.ndarray) -> float:
        """ln probability of a person's answers."""
        p, lures = self.probabilities(person, eta)
        return log_probability(self.old[person], p) + log_probability(self.lures[person], lures)

    def probabilities(self, person: int, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each outcome, for groups of old items and for kinds of new ones."""
        own = self.values(eta)
        return self.layouts[person].probabilities(own, self.lures[person].shape)

    def evaluate(self, person: int, eta: np.ndarray) -> Value:
        """Log-likelihood, gradient and expected information over η."""
        own, jacobian = self.values(eta), self.scale.slopes(eta)
        p, q = self.layouts[person].with_slopes(own, self.lures[person].shape)
        value, gradient, information = _reduce(self.old[person], *p)
        if self.lures[person].size:
            more = _reduce(self.lures[person], *q)
            value, gradient, information = value + more[0], gradient + more[1], information + more[2]
        return Value(value, gradient * jacobian, information * np.outer(jacobian, jacobian))

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
        self.free = [(key, names.index(value)) for key, value in named if isinstance(value, str)]
        if self.compiled:
            fields = [field.name for field in parameter_fields(self.response_type)]
            self._criterion = next(name for name in fields if name.startswith("criterion_"))
            self._gaps = [name for name in fields if name.startswith("gap_")]

    def response(self, own: Mapping[str, float]) -> Any:
        values = {k: own[v] if isinstance(v, str) else v for k, v in self.study.response_values.items()}
        return self.response_type(**values)

    def probabilities(self, own: Mapping[str, float], lures: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        response = self.response(own)
        strengths = self.strengths.strengths(own, {})[self.members]
        if self.compiled:
            p = ordered.probabilities(response.sensitivity * strengths, response.sd_old, response.criteria)
        else:
            p = response.predict(strengths)
        grouped = p if self._single else np.add.reduceat(p, self.starts, axis=0) / self._sizes[:, None]
        new = np.tile(response.lure_probabilities(), (lures[0], 1)) if lures[0] else np.zeros(lures)
        return grouped, new

    def with_slopes(self, own: Mapping[str, float], lures: tuple[int, ...]) -> tuple[Any, Any]:
        """(p, ∂p) of groups and of kinds of new items; ∂p is (rows, outcomes, parameters), in the parameters' units."""
        response = self.response(own)
        strengths, change = (found[self.members] for found in self.slopes(own))
        p, by_strength, by_field = self._old(response, strengths)
        slopes = np.zeros((*p.shape, self.width))
        slopes[..., self.slopes.columns] = by_strength[..., None] * change[:, None, :]
        for field, (_, column) in enumerate(self.free):
            slopes[..., column] += by_field[field]
        if not self._single:
            p = np.add.reduceat(p, self.starts, axis=0) / self._sizes[:, None]
            slopes = np.add.reduceat(slopes, self.starts, axis=0) / self._sizes[:, None, None]
        if not lures[0]:
            return (p, slopes), (np.zeros(lures), np.zeros((*lures, self.width)))
        q, by_field = self._new(response)
        new = np.zeros((*q.shape, self.width))
        for field, (_, column) in enumerate(self.free):
            new[..., column] += by_field[field]
        return (p, slopes), (np.tile(q, (lures[0], 1)), np.tile(new, (lures[0], 1, 1)))

    @property
    def _single(self) -> bool:
        return len(self.starts) == len(self.members)

    @property
    def _sizes(self) -> np.ndarray:
        return np.diff(np.append(self.starts, len(self.members)))

    def _old(self, response: Any, strengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Probabilities (members, outcomes), slopes in the strength, and in each free field of the response."""
        if not self.compiled:
            p = response.predict(strengths)
            by_strength = response.predict(strengths + 1j * _STEP).imag / _STEP
            return p, by_strength, [self._step(response, key).predict(strengths).imag / _STEP for key, _ in self.free]
        means, criteria = response.sensitivity * strengths, response.criteria
        p = ordered.probabilities(means, response.sd_old, criteria)
        s = ordered.slopes(means, response.sd_old, criteria)
        fields = {"sensitivity": s[..., 0] * strengths[:, None], "sd_old": s[..., 1], "lure_shift": np.zeros_like(p)}
        return p, s[..., 0] * response.sensitivity, self._fields(fields, s)

    def _new(self, response: Any) -> tuple[np.ndarray, list[np.ndarray]]:
        if not self.compiled:
            each = [self._step(response, key).lure_probabilities().imag / _STEP for key, _ in self.free]
            return response.lure_probabilities(), each
        means, criteria = np.array([float(response.lure_shift)]), response.criteria
        s = ordered.slopes(means, 1.0, criteria)
        zero = np.zeros((1, len(criteria) + 1))
        fields = {"sensitivity": zero, "sd_old": zero, "lure_shift": s[..., 0]}
        return ordered.probabilities(means, 1.0, criteria)[0], [one[0] for one in self._fields(fields, s)]

    def _fields(self, fields: dict[str, np.ndarray], s: np.ndarray) -> list[np.ndarray]:
        """Slopes in each free field: the criterion moves all criteria, a gap those from its own on, downwards."""
        below = np.cumsum(s[..., :1:-1], axis=-1)[..., ::-1]
        fields = {**fields, self._criterion: below[..., 0]}
        fields.update({name: -below[..., k + 1] for k, name in enumerate(self._gaps)})
        return [fields[key] for key, _ in self.free]

    def _step(self, response: Any, key: str) -> Any:
        values = {f.name: getattr(response, f.name) for f in parameter_fields(self.response_type)}
        return self.response_type(**{**values, key: complex(values[key], _STEP)})


def log_probability(counts: np.ndarray, p: np.ndarray) -> float:
    """Σ o ln p over all cells, without the multinomial coefficients."""
    return float((counts * np.log(np.maximum(p, ordered.LEAST))).sum())


def _reduce(counts: np.ndarray, p: np.ndarray, slopes: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """ln L, its gradient and the expected information from counts and p (rows, outcomes) and slopes of p."""
    chance = np.maximum(p, LEAST)
    value = float((counts * np.log(chance)).sum())
    weights = np.where(p > LEAST, 1 / chance, 0.0)  # held at the least, a probability has no slope
    gradient = np.tensordot(counts * weights, slopes, 2)
    each = slopes * np.sqrt(counts.sum(axis=1, keepdims=True) * weights)[..., None]
    flat = each.reshape(-1, each.shape[2])
    return value, gradient, flat.T @ flat
