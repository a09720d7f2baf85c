"""Reward-driven read-out of a direction population.

After Law & Gold 2009 (doi:10.1038/nn.2304). On a trial with the stimulus on side s = ±1 the observer chooses C = sign u,
is rewarded where C = s, and had expected a reward with a probability that grows with |u|; weights follow the reward
prediction error and are then scaled to their norm,

    Δw = α C (r − E[r | u]) z,    E[r | u] = 1/(1 + exp(−β|u|/σ)),    w → w ‖w_0‖/‖w + Δw‖

with σ the standard deviation of u. Averaged over the noise of a trial at difference δ this needs one integral: z and u
are jointly Gaussian, so that E[h(u) z] = E[h] μ_z + Rw E[h(u)(u − μ)]/σ². Trials are averaged in blocks.

What could be verified (abstract): the representation does not change; a reward prediction error shapes connections from
sensory to decision neurons and selectively strengthens those from the most sensitive neurons. Not verified: the exact
form above, which is from memory of the paper, and every number. Here both areas are read; the published model reads MT
alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..parameter import parameter
from .readout import ReadoutModel, correlated, quadratic_form

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(40)
_REACH = 8.0  # standard deviations of u
_MOST_TRIALS_AT_ONCE = 20.0


@dataclass(frozen=True, kw_only=True)
class RewardReadout(ReadoutModel):
    """Read-out weights that follow a reward prediction error (module docstring for the equations).

    Examples
    --------
    >>> from engram.perception import designs
    >>> model = RewardReadout()
    >>> bool(model.thresholds(designs.practice(5), [0], [30 * 86400.0])[0, 0] < model.untrained())
    True
    """

    learning_rate: float = parameter(
        0.003, unit="1", bounds=(0, 1), symbol="α", source="assumed; fitted", verified=False,
        description="learning rate of the weights",
    )  # fmt: skip
    confidence_slope: float = parameter(
        1.5, unit="1", bounds=(0, 20), symbol="β", source="assumed", verified=False,
        description="how expected reward grows with the standardised decision variable",
    )  # fmt: skip

    label: ClassVar[str] = "reward-driven read-out"

    def _train(self, weights: list[np.ndarray], trials: float, rate: float) -> list[np.ndarray]:
        areas = (self.evc, self.ips)
        norm = math.sqrt(sum(float(w @ w) for w in weights))
        left = trials
        while left > 0:
            now = min(left, _MOST_TRIALS_AT_ONCE)
            left -= now
            half = self.difference_at_threshold(weights) / 2
            slopes = [area.standardised_slopes(np.zeros(1))[0] for area in areas]
            variance = self.decision_noise**2 + sum(
                float(quadratic_form(area, w)) for area, w in zip(areas, weights, strict=True)
            )
            mean = half * sum(float(w @ q) for w, q in zip(weights, slopes, strict=True))
            sided, spread = expected_update(mean, math.sqrt(variance), self.confidence_slope)
            size = now * rate * self.learning_rate
            weights = [
                w + size * (sided * half * q + spread / variance * correlated(area, w))
                for w, q, area in zip(weights, slopes, areas, strict=True)
            ]
            scale = norm / math.sqrt(sum(float(w @ w) for w in weights))
            weights = [w * scale for w in weights]
        return weights


def expected_update(mean: float, deviation: float, confidence_slope: float) -> tuple[float, float]:
    """E[h(u)] and E[h(u)(u − μ)] for u normal and s = 1, with h(u) = sign u · (1[u > 0] − E[r | u])."""
    total, spread = 0.0, 0.0
    low, high = mean - _REACH * deviation, mean + _REACH * deviation
    for begin, end in ((low, min(max(0.0, low), high)), (max(min(0.0, high), low), high)):  # h jumps at 0
        if end <= begin:
            continue
        u = begin + (end - begin) * (_NODES + 1) / 2
        expected = 1 / (1 + np.exp(-confidence_slope * np.abs(u) / deviation))
        h = np.sign(u) * ((u > 0) - expected)
        density = np.exp(-0.5 * ((u - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
        weight = _NODE_WEIGHTS * (end - begin) / 2 * density
        total += float(weight @ h)
        spread += float(weight @ (h * (u - mean)))
    return total, spread
