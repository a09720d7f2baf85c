"""The joint log-likelihood of studies under one model, and which parameters each study can feel.

With priors it becomes the log-posterior: a normal prior on the search scale (the logarithm of a parameter that is
searched on a log scale) is one more residual, (x − mean)/sd.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from engram.consolidation import ConsolidationModel
from engram.neuromodulation import Neuromodulator
from engram.parameter import parameter_fields
from engram.perception import PerceptualModel

from .family import SEARCHED, Model, check_together, predictor_of
from .likelihood import deviance_residuals, information, log_likelihoods
from .study import FreeParameter, Study

_STEP = 1e-6  # forward-difference step on the search scale
_PROBES = 8  # random places at which a parameter is tried for any effect
_PROBING_NODES = 4  # heterogeneity nodes there: enough to see an effect


#: Prior of shared biology where priors are asked for: the model's value, within a factor of three (1 SD; assumed).
BIOLOGY_PRIOR_SD = math.log(3.0)


class Stopped(Exception):
    """A search given up because the whole fit has been."""


@dataclass(frozen=True)
class Coordinate:
    """One searched parameter: where it belongs and how it is scaled."""

    study: str  # "shared", "shared by <group>", or the study's identifier
    name: str
    unit: str
    start: float
    bounds: tuple[float, float]
    scale: str
    description: str
    prior: tuple[float, float] | None = None  # mean and standard deviation on the search scale

    @cached_property
    def shared(self) -> bool:
        return self.study.startswith("shared")

    @property
    def name_in_full(self) -> str:
        if not self.shared:
            return f"{self.study}.{self.name}"
        return self.name if self.study == "shared" else f"{self.name} ({self.study.removeprefix('shared by ')})"

    def inward(self, value: float) -> float:
        return float(np.log(value)) if self.scale == "log" else value

    def outward(self, position: float) -> float:
        value = math.exp(position) if self.scale == "log" else position
        return min(max(value, self.bounds[0]), self.bounds[1])


class Objective:
    """The joint log-likelihood of studies under one model, on the search scale.

    A parameter that changes no prediction of any study under this model is not searched, nor counted.

    Parameters
    ----------
    studies : sequence of Study
    model : ConsolidationModel or PerceptualModel
        Of the family of the studies.
    biology : sequence of str
        Model parameters that are estimated, one value for all studies.
    priors : bool
        Whether priors count: those of the study files, and :data:`BIOLOGY_PRIOR_SD` for the biology.
    split : mapping of str to mapping of str to str
        Biology that is not the same for all: parameter -> identifier of a study -> group of studies that share it.
        Studies that are not named share one value.
    """

    def __init__(
        self,
        studies: Sequence[Study],
        model: Model,
        biology: Sequence[str] = (),
        priors: bool = False,
        split: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.model = model
        self.biology = tuple(biology)
        self.priors = priors
        self.split = {name: dict(groups) for name, groups in (split or {}).items()}
        self._check_split(studies)
        check_together(studies)
        self.predictors = [predictor_of(study, model) for study in studies]
        self.coordinates: list[Coordinate] = []
        self.columns: list[np.ndarray] = []  # for each study, the coordinates that it can feel
        felt_by = []
        known: dict[str, list[Coordinate]] = {name: [] for name in biology}  # each in the order of its first study
        for predictor in self.predictors:
            shared = []
            for name in biology:
                made = _biological_coordinate(model, name, self.split.get(name, {}).get(predictor.study.id))
                shared.append(made)
                if made not in known[name]:
                    known[name].append(made)
            own = [_study_coordinate(predictor.study.id, predictor.study.parameters[n]) for n in predictor.parameters]
            felt_by.append(_felt(predictor, [*shared, *own]))
        self.coordinates += [c for made in known.values() for c in made if any(c in felt for felt in felt_by)]
        for felt in felt_by:
            self.coordinates += [c for c in felt if not c.shared]
        self.columns = [np.array([self.coordinates.index(c) for c in felt], dtype=np.int64) for felt in felt_by]
        self._felt_by = felt_by
        self._no_run = [
            [not c.shared and c.name in p.of_response for c in felt]
            for p, felt in zip(self.predictors, felt_by, strict=True)
        ]  # whether strengths stay the same
        self.bounds = [(c.inward(c.bounds[0]), c.inward(c.bounds[1])) for c in self.coordinates]
        normals = [c.prior if priors else None for c in self.coordinates]
        self._with_prior = np.array([k for k, prior in enumerate(normals) if prior is not None], dtype=np.int64)
        self._prior_mean, self._prior_sd = np.array([p for p in normals if p is not None]).reshape(-1, 2).T
        self.stopped = False

    def _check_split(self, studies: Sequence[Study]) -> None:
        names = [study.id for study in studies]
        for name, groups in self.split.items():
            if name not in self.biology:
                raise ValueError(f"split: {name!r} is not shared here; use one of {', '.join(self.biology) or 'none'}")
            for study in groups:
                if study not in names:
                    raise ValueError(f"split: {name!r} names the study {study!r}; there are {', '.join(names)}")

    @property
    def studies(self) -> tuple[Study, ...]:
        return tuple(predictor.study for predictor in self.predictors)

    def concerns(self, coordinate: Coordinate, study: str) -> bool:
        """Whether a shared coordinate holds for a study, which need not feel it."""
        group = self.split.get(coordinate.name, {}).get(study)
        return coordinate.study == (f"shared by {group}" if group else "shared")

    @property
    def prior_terms(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which coordinates have a prior, and its mean and standard deviation on the search scale."""
        return self._with_prior, self._prior_mean, self._prior_sd

    def with_studies(self, studies: Sequence[Study]) -> Objective:
        """The same objective for other observed values (simulated ones, say) of the same studies."""
        changed = copy.copy(self)
        changed.stopped = False
        changed.predictors = []
        for predictor, study in zip(self.predictors, studies, strict=True):
            if [o.name for o in study.observations] != [o.name for o in predictor.study.observations]:
                raise ValueError(f"{study.id}: observations differ from those this objective was made for")
            own = copy.copy(predictor)
            own.study = study
            changed.predictors.append(own)
        return changed

    def with_nodes(self, nodes: int) -> Objective:
        """The same objective with other heterogeneity nodes: fewer for a first look."""
        changed = copy.copy(self)
        changed.predictors = []
        for predictor in self.predictors:
            changed.predictors.append(_with_nodes(predictor, nodes))
        return changed

    def values(self, position: np.ndarray) -> list[float]:
        return [coordinate.outward(float(x)) for coordinate, x in zip(self.coordinates, position, strict=True)]

    def predict(self, index: int, part: np.ndarray) -> np.ndarray:
        """Predicted observations of one study at a position over the coordinates that it feels."""
        return self._predicted(index, part)[0]

    def _predicted(self, index: int, part: np.ndarray, strengths: Any = None) -> tuple[np.ndarray, Any]:
        """Predicted observations of one study, and the strengths they come from, which are run unless given."""
        if self.stopped:
            raise Stopped
        return _predict(self.predictors[index], self._felt_by[index], part, strengths)

    def residuals(self, position: np.ndarray) -> np.ndarray:
        """Deviance residuals of all observations, study by study, then those of the priors."""
        parts = [self.study_residuals(k, position[columns]) for k, columns in enumerate(self.columns)]
        return np.concatenate([*parts, (position[self._with_prior] - self._prior_mean) / self._prior_sd])

    def jacobian(self, position: np.ndarray) -> np.ndarray:
        """Derivatives of the residuals, (observations, coordinates); zero where a study cannot feel a coordinate."""
        rows = []
        for index, columns in enumerate(self.columns):
            block = np.zeros((len(self.predictors[index].study.observations), len(position)))
            block[:, columns] = self.study_jacobian(index, position[columns])
            rows.append(block)
        rows.append(np.zeros((len(self._with_prior), len(position))))
        rows[-1][np.arange(len(self._with_prior)), self._with_prior] = 1 / self._prior_sd
        return np.concatenate(rows)

    def deviance(self, position: np.ndarray) -> tuple[float, np.ndarray]:
        """Half the sum of squared residuals and its gradient."""
        residuals = self.residuals(position)
        return 0.5 * float(residuals @ residuals), self.jacobian(position).T @ residuals

    def study_residuals(self, index: int, part: np.ndarray) -> np.ndarray:
        """Deviance residuals of one study at a position over the coordinates that it feels."""
        return deviance_residuals(self.predictors[index].study.observations, self.predict(index, part))

    def study_jacobian(self, index: int, part: np.ndarray, residuals: np.ndarray | None = None) -> np.ndarray:
        """Their derivatives, (observations, coordinates); ``residuals`` at ``part`` spare an evaluation if known."""
        observations = self.predictors[index].study.observations
        slopes = np.zeros((len(observations), len(part)))
        if not len(part):
            return slopes
        base, strengths = residuals, None
        if base is None or any(self._no_run[index]):
            predicted, strengths = self._predicted(index, part)
            base = deviance_residuals(observations, predicted)
        for k, column in enumerate(self.columns[index]):
            moved = part.copy()
            moved[k] += _STEP if part[k] + _STEP <= self.bounds[column][1] else -_STEP  # beyond a bound nothing changes
            predicted, _ = self._predicted(index, moved, strengths if self._no_run[index][k] else None)
            slopes[:, k] = (deviance_residuals(observations, predicted) - base) / (moved[k] - part[k])
        return slopes

    def value(self, position: np.ndarray) -> float:
        """Negative log-likelihood, with priors negative log-posterior (up to the probability of the data)."""
        return -self.log_likelihood(position) - self.log_prior(position)

    def log_likelihood(self, position: np.ndarray) -> float:
        return -sum(self._study(position[columns], index) for index, columns in enumerate(self.columns))

    def log_prior(self, position: np.ndarray) -> float:
        """Log-density of the priors; 0 without them."""
        residuals = (position[self._with_prior] - self._prior_mean) / self._prior_sd
        return float(-0.5 * residuals @ residuals - np.log(self._prior_sd * math.sqrt(2 * math.pi)).sum())

    def _study(self, part: np.ndarray, index: int) -> float:
        predicted = self.predict(index, part)
        return -float(log_likelihoods(self.predictors[index].study.observations, predicted).sum())

    def information(self, position: np.ndarray) -> np.ndarray:
        """Expected Fisher information over all coordinates on the search scale, with the precision of the priors."""
        total = np.zeros((len(position), len(position)))
        total[self._with_prior, self._with_prior] = self._prior_sd**-2
        for index, columns in enumerate(self.columns):
            part = position[columns]
            slopes = self._slopes(index, part)
            weights = information(self.predictors[index].study.observations, self.predict(index, part))
            total[np.ix_(columns, columns)] += slopes.T @ (weights[:, None] * slopes)
        return total

    def _slopes(self, index: int, part: np.ndarray) -> np.ndarray:
        """Derivative of one study's predictions, (observations, coordinates), by central differences within bounds."""
        step = 1e-5
        slopes = np.zeros((len(self.predictors[index].study.observations), len(part)))
        strengths = self._predicted(index, part)[1] if any(self._no_run[index]) else None
        for k in range(len(part)):
            known = strengths if self._no_run[index][k] else None
            up, down = part.copy(), part.copy()
            low, high = self.bounds[self.columns[index][k]]
            up[k], down[k] = min(up[k] + step, high), max(down[k] - step, low)
            slopes[:, k] = (self._predicted(index, up, known)[0] - self._predicted(index, down, known)[0]) / (
                up[k] - down[k]
            )
        return slopes


def _predict(
    predictor: Any, coordinates: Sequence[Coordinate], part: np.ndarray, strengths: Any = None
) -> tuple[np.ndarray, Any]:
    shared: dict[str, float] = {}
    own = predictor.starts.copy()
    for coordinate, x in zip(coordinates, part.tolist(), strict=True):
        (shared if coordinate.shared else own)[coordinate.name] = coordinate.outward(x)
    if strengths is None:
        strengths = predictor.strengths(own, shared)
    return predictor.predicted(strengths, own), strengths


def _with_nodes(predictor: Any, nodes: int) -> Any:
    changed = copy.copy(predictor)
    changed.model = predictor.model.with_(nodes=nodes)
    return changed


def _felt(predictor: Any, coordinates: Sequence[Coordinate]) -> list[Coordinate]:
    """The coordinates that change some prediction: tried at random pairs of values, at random places."""
    rng = np.random.default_rng(0)
    if isinstance(predictor.model, ConsolidationModel):
        predictor = _with_nodes(predictor, min(_PROBING_NODES, predictor.model.nodes))
    low, high = np.array([(c.inward(c.bounds[0]), c.inward(c.bounds[1])) for c in coordinates]).reshape(-1, 2).T
    felt: set[int] = set()
    for _ in range(_PROBES):
        place = low + rng.random(len(low)) * (high - low)
        reference, _ = _predict(predictor, coordinates, place)
        for k in sorted(set(range(len(coordinates))) - felt):
            moved = place.copy()
            moved[k] = low[k] + rng.random() * (high[k] - low[k])
            if not np.array_equal(_predict(predictor, coordinates, moved)[0], reference):
                felt.add(k)
    return [coordinate for k, coordinate in enumerate(coordinates) if k in felt]


def _biological_coordinate(model: Model, name: str, group: str | None) -> Coordinate:
    if isinstance(model, PerceptualModel):
        return _perceptual_coordinate(model, name, group)
    return _memory_coordinate(model, name, group)


def _perceptual_coordinate(model: PerceptualModel, name: str, group: str | None) -> Coordinate:
    """A parameter of a perceptual model, searched within the bounds of ``fits.family.SEARCHED``; without prior."""
    field = next(field for field in parameter_fields(model) if field.name == name)
    (low, high), scale = SEARCHED[type(model).__name__][name]
    value = min(max(float(getattr(model, name)), low), high)
    study = f"shared by {group}" if group else "shared"
    return Coordinate(study, name, field.metadata["unit"], value, (low, high), scale, field.metadata["description"])


def _memory_coordinate(model: ConsolidationModel, name: str, group: str | None) -> Coordinate:
    """A model parameter, or "modulator.parameter", searched on a log scale within a factor of ten of its value."""
    owner: ConsolidationModel | Neuromodulator = model
    key = name
    if "." in name:
        modulator, key = name.split(".")
        owner = next(known for known in model.neuromodulators if known.name == modulator)
    field = next(field for field in parameter_fields(owner) if field.name == key)
    value = float(getattr(owner, key))
    low, high = field.metadata["bounds"]
    bounds = (max(low, value / 10), min(high, value * 10))
    prior = (math.log(value), BIOLOGY_PRIOR_SD)
    study = f"shared by {group}" if group else "shared"
    return Coordinate(study, name, field.metadata["unit"], value, bounds, "log", field.metadata["description"], prior)


def _study_coordinate(study: str, p: FreeParameter) -> Coordinate:
    made = Coordinate(study, p.name, p.unit, p.start, p.bounds, p.scale, p.description)
    if p.prior is None:
        return made
    return replace(made, prior=(made.inward(p.prior[0]), p.prior[1]))
