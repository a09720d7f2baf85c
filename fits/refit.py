"""Simulated data fitted quickly, from starts that do not know the truth.

The starts are the optimum about which truths are drawn and, of a Sobol design over the bounds, the points that are most
likely for the data; what is predicted at all of these is computed once for any number of simulations. Every start is
followed for a few steps, and only the most likely place that is reached to its end: any one start alone leads to a
poorer optimum in too many simulations.

A search ends where a step gains less than ``TOLERANCE`` of the deviance: for studies like the shipped ones a
thousandth in log-likelihood, where 2 is what matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import qmc

from engram.consolidation.model import SimulationError

from .conditional import Landscape, Point
from .estimation import Fit
from .likelihood import log_likelihoods
from .objective import Objective
from .search import pursue, search
from .study import Study

TOLERANCE = 1e-4
_DESIGN = 128  # points from which starts are taken
_STEPS = 8  # for which every start is followed


@dataclass
class Screen:
    """Places from which simulations can be fitted, with what is predicted there: made once, for any data."""

    reference: Fit
    seed: int
    points: list[np.ndarray] = field(init=False, repr=False)
    predictions: list[list[np.ndarray]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        objective = self.reference.objective
        self.points, self.predictions = [], []
        low, high = np.array(objective.bounds).reshape(-1, 2).T
        design = qmc.Sobol(max(len(low), 1), scramble=True, rng=self.seed).random(_DESIGN)[:, : len(low)]
        for point in [self.reference.position, *(low + design * (high - low))]:
            try:
                predicted = [objective.predict(k, point[columns]) for k, columns in enumerate(objective.columns)]
            except SimulationError:  # no start is made where the model cannot be run
                continue
            self.points.append(point)
            self.predictions.append(predicted)

    def starts(self, studies: Sequence[Study], number: int) -> list[np.ndarray]:
        """The reference's optimum, then the most likely points for these observations: ``number`` in all."""
        objective = self.reference.objective
        if number == 1 or not len(objective.coordinates):
            return [self.reference.position]
        values = [
            sum(float(log_likelihoods(study.observations, part).sum())
                for study, part in zip(studies, predicted, strict=True)) + objective.log_prior(point)
            for point, predicted in zip(self.points[1:], self.predictions[1:], strict=True)
        ]  # fmt: skip
        order = np.argsort(-np.array(values), kind="stable")[: number - 1]
        return [self.reference.position, *(self.points[1 + k] for k in order)]


def refit(objective: Objective, starts: Sequence[np.ndarray]) -> dict[str, Any]:
    """The search from the most promising of these starts; of a single study as of :func:`fits.search.search`."""
    joint = len(objective.columns) > 1
    if not len(objective.coordinates):
        return search(objective, starts[0], tolerance=TOLERANCE)
    landscape = Landscape.of(objective)
    margin = 1e-3 * landscape.width  # a step from a bound itself is short
    reached: list[Point] = []
    for start in starts if len(starts) > 1 else ():
        try:
            point = landscape.at(np.clip(start, landscape.low + margin, landscape.high - margin))
            reached.append(landscape.minimum(point, steps=_STEPS))
        except SimulationError:
            continue
    best = min(reached, key=lambda point: point.deviance).position if reached else starts[0]
    found = pursue(objective, best) if joint else search(objective, best, tolerance=TOLERANCE)
    return found | dict(evaluations=found["evaluations"] + landscape.evaluations)
