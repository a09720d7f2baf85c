"""Reward-driven read-out of a direction population.

After Law & Gold 2009 (doi:10.1038/nn.2304). With the stimulus on side s = ±1 the observer chooses C = sign u,
is rewarded where C = s, and had expected a reward with a probability that grows with |u|; weights follow the reward
prediction error and are then scaled to their norm,

    Δw = α C (r − E[r | u]) z,    E[r | u] = 1/(1 + exp(−β|u|/σ)),    w → w ‖w_0‖/‖w + Δw‖

with σ the standard deviation of u. Averaged over the noise of a trial at difference δ this needs one integral: z and u
are jointly Gaussian, so that E[h(u) z] = E[h] μ_z + Rw E[h(u)(u − μ)]/σ². Trials are averaged in blocks.

What could be verified (abstract): the representation does not change; a reward prediction error shapes connections from
sensory to decision neurons and selectively strengthens those from the most sensitive neurons; that expected reward is a
logistic function of β|u| (seen in a third party's reimplementation only). Not verified: the rest of the form above,
which is from memory of the paper, and every number. Here both areas are read; the published model reads MT
alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.fft

from .._jit import kernel
from ..parameter import parameter
from .populations import Population
from .readout import ReadoutModel, slopes_at_trained

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
        w, q, eigenvalues = (np.concatenate(parts) for parts in zip(*(
            (_coefficients(w), _coefficients(slopes_at_trained(area)), _repeated(area))
            for area, w in zip(areas, weights, strict=True)
        ), strict=True))  # fmt: skip
        _learn(
            w, q, eigenvalues, trials, rate * self.learning_rate, self.confidence_slope, self.decision_noise,
            self.efficiency, self.input_noise, self.criterion, self.period / 4, _NODES, _NODE_WEIGHTS,
        )  # fmt: skip
        return [_weights(part, area.units) for part, area in zip(np.split(w, [self.evc_units]), areas, strict=True)]


def _coefficients(values: np.ndarray) -> np.ndarray:
    """Real Fourier coefficients (units,) that keep scalar products: R is diagonal over them."""
    spectrum = scipy.fft.rfft(values, norm="ortho")
    spectrum[1 : (len(values) + 1) // 2] *= math.sqrt(2)
    return np.concatenate([spectrum.real, spectrum.imag[1 : (len(values) + 1) // 2]])


def _weights(coefficients: np.ndarray, units: int) -> np.ndarray:
    """Values (units,) from :func:`_coefficients`."""
    half = units // 2 + 1
    spectrum = coefficients[:half].astype(complex)
    spectrum[1 : (units + 1) // 2] += 1j * coefficients[half:]
    spectrum[1 : (units + 1) // 2] /= math.sqrt(2)
    return np.asarray(scipy.fft.irfft(spectrum, units, norm="ortho"))


def _repeated(area: Population) -> np.ndarray:
    """Eigenvalues of R in the order of :func:`_coefficients`."""
    return np.concatenate([area.noise_eigenvalues, area.noise_eigenvalues[1 : (area.units + 1) // 2]])


@kernel
def _learn(
    w: Any, q: Any, eigenvalues: Any, trials: float, size: float, confidence_slope: float, decision_noise: float,
    efficiency: float, input_noise: float, criterion: float, largest: float, nodes: Any, node_weights: Any,
) -> None:  # fmt: skip
    """Change weights ``w`` by so many trials, in blocks; everything over real Fourier coefficients of both areas."""
    norm = math.sqrt((w * w).sum())
    left = trials
    while left > 0:
        now = min(left, _MOST_TRIALS_AT_ONCE)
        left -= now
        signal = (w * q).sum()
        variance = decision_noise**2 + (eigenvalues * w * w).sum()
        information = max(signal, 0.0) ** 2 / variance
        information = efficiency * information / (1 + input_noise**2 * information)
        difference = largest
        if information > 0:
            difference = min(criterion / math.sqrt(information), largest)
        half = difference / 2
        sided, spread = _expected(half * signal, math.sqrt(variance), confidence_slope, nodes, node_weights)
        step = now * size
        scale = 0.0
        for k in range(len(w)):
            w[k] += step * (sided * half * q[k] + spread / variance * eigenvalues[k] * w[k])
            scale += w[k] ** 2
        scale = norm / math.sqrt(scale)
        for k in range(len(w)):
            w[k] *= scale


@kernel
def _expected(
    mean: float, deviation: float, confidence_slope: float, nodes: Any, node_weights: Any
) -> tuple[float, float]:
    total, spread = 0.0, 0.0
    low, high = mean - _REACH * deviation, mean + _REACH * deviation
    jump = min(max(0.0, low), high)  # of h, at 0
    for part in range(2):
        begin, end = (low, jump) if part == 0 else (jump, high)
        if end <= begin:
            continue
        for k in range(len(nodes)):
            u = begin + (end - begin) * (nodes[k] + 1) / 2
            expected = 1 / (1 + math.exp(-confidence_slope * abs(u) / deviation))
            h = 1 - expected if u > 0 else expected
            density = math.exp(-0.5 * ((u - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
            weight = node_weights[k] * (end - begin) / 2 * density
            total += weight * h
            spread += weight * h * (u - mean)
    return total, spread


def expected_update(mean: float, deviation: float, confidence_slope: float) -> tuple[float, float]:
    """E[h(u)] and E[h(u)(u − μ)] for u normal and s = 1, with h(u) = sign u · (1[u > 0] − E[r | u])."""
    total, spread = _expected(mean, deviation, confidence_slope, _NODES, _NODE_WEIGHTS)
    return float(total), float(spread)
