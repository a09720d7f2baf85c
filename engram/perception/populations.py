"""A population of direction-tuned units: tuning curves, variability, correlated noise.

N units prefer directions φ_i spread evenly over a period (360° for motion, 180° for orientation). In a window of T s a
unit counts on average, with x = 2π(θ − φ_i)/period and a gain a_i that learning sets,

    f_i(θ) = a_i T [r_0 + (r_p − r_0) exp(κ(cos x − 1))]

with variance F f_i (Fano factor F), and correlations that fall with the distance in preference (limited-range),

    R_ij = (1 − c) δ_ij + c exp(κ_c(cos(2π(φ_i − φ_j)/period) − 1))

so that the covariance is Σ = S R S, S = diag(√(F f_i)). R is circulant: its eigenvalues are a Fourier transform, all
positive for c < 1. Noise along f′, which limits information (differential correlations, Moreno-Bote et al. 2014,
doi:10.1038/nn.3807), is common to all populations that see the stimulus; :mod:`engram.perception.fisher` adds it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .checks import check_noise, checked_directions, checked_gain


@dataclass(frozen=True)
class Population:
    """Evenly spaced units with one tuning curve, seen through a counting window (module docstring for the equations).

    Angles in degrees, rates in spikes per second, the window in seconds; widths are the standard deviation of the
    Gaussian that the circular curve approaches. ``correlation`` is 0 to below 1.

    Raises
    ------
    ValueError
        A number outside its range, or so few units that they do not tile the directions at this width.

    Examples
    --------
    >>> population = Population(units=500, tuning_width=25.0)
    >>> population.counts(np.array([0.0])).shape
    (1, 500)
    """

    units: int = 500
    period: float = 360.0
    tuning_width: float = 25.0
    peak_rate: float = 30.0
    baseline_rate: float = 5.0
    window: float = 0.2
    fano: float = 1.3
    correlation: float = 0.1
    correlation_width: float = 40.0

    def __post_init__(self) -> None:
        if (
            isinstance(self.units, bool)
            or not isinstance(self.units, int | np.integer)
            or not 8 <= self.units <= 100_000
        ):
            raise ValueError(f"Population(units={self.units!r}): give a whole number of units from 8 to 100000")
        for name in ("period", "tuning_width", "peak_rate", "baseline_rate", "window", "fano", "correlation_width"):
            value = getattr(self, name)
            if not (isinstance(value, (int, float)) and 0 < value < math.inf):
                raise ValueError(f"Population({name}={value!r}): {name} must be a finite number above 0")
        if not 0 <= self.correlation < 1:
            raise ValueError(
                f"Population(correlation={self.correlation!r}): give a correlation from 0 to below 1; at 1 the noise "
                "covariance is singular"
            )
        if not self.peak_rate > self.baseline_rate:
            raise ValueError(
                f"Population: peak_rate {self.peak_rate!r} must lie above baseline_rate {self.baseline_rate!r}"
            )
        spacing = self.period / self.units
        narrowest = min(self.tuning_width, self.correlation_width if self.correlation > 0 else math.inf)
        if spacing > 0.7 * narrowest:
            raise ValueError(
                f"Population: {self.units} units stand {spacing:.3g}° apart, too far for a width of {narrowest:g}°; "
                f"use at least {math.ceil(self.period / (0.7 * narrowest))} units"
            )

    @property
    def preferred(self) -> np.ndarray:
        """Preferred directions (degrees), (units,), ascending from −period/2; read-only."""
        return _preferred(self.units, self.period)

    def _angle(self, directions: np.ndarray) -> np.ndarray:
        return (np.asarray(directions, float)[..., None] - self.preferred) * (2 * math.pi / self.period)

    def counts(self, directions: np.ndarray) -> np.ndarray:
        """Mean counts of the untrained units, (..., units), at directions (degrees) of shape (...)."""
        bump = np.exp(concentration(self.tuning_width, self.period) * (np.cos(self._angle(directions)) - 1))
        return self.window * (self.baseline_rate + (self.peak_rate - self.baseline_rate) * bump)

    def slopes(self, directions: np.ndarray) -> np.ndarray:
        """Derivative of :meth:`counts` by direction (counts per degree), (..., units)."""
        x, kappa = self._angle(directions), concentration(self.tuning_width, self.period)
        height = self.window * (self.peak_rate - self.baseline_rate) * 2 * math.pi / self.period
        return -height * kappa * np.sin(x) * np.exp(kappa * (np.cos(x) - 1))

    def standardised_slopes(self, directions: np.ndarray) -> np.ndarray:
        """f′/√variance of the untrained units (1 per degree), (..., units): gains enter as their square root."""
        return self.slopes(directions) / np.sqrt(self.fano * self.counts(directions))

    @property
    def noise_eigenvalues(self) -> np.ndarray:
        """Eigenvalues of R, (units // 2 + 1,), by spatial frequency as in ``numpy.fft.rfft``; read-only."""
        return _noise_eigenvalues(self.units, self.period, self.correlation, self.correlation_width)

    def noise_correlation(self) -> np.ndarray:
        """R in full, (units, units)."""
        difference = (self.preferred[:, None] - self.preferred) * (2 * math.pi / self.period)
        shared = np.exp(concentration(self.correlation_width, self.period) * (np.cos(difference) - 1))
        return (1 - self.correlation) * np.eye(self.units) + self.correlation * shared

    def covariance(self, direction: float, gain: np.ndarray | float = 1.0, input_noise: float = 0.0) -> np.ndarray:
        """Σ in full at one direction, (units, units) counts², with differential noise of ``input_noise`` degrees.

        Raises
        ------
        ValueError
            A direction that is not finite, a gain or noise that is negative or not finite, gains of another number.
        """
        gain = checked_gain(gain, self.units)
        direction = float(checked_directions(direction, "direction"))
        check_noise("input_noise", input_noise)
        spread = np.sqrt(self.fano * gain * self.counts(np.asarray(direction)))
        slope = gain * self.slopes(np.asarray(direction))
        return spread[:, None] * self.noise_correlation() * spread + input_noise**2 * np.outer(slope, slope)


def concentration(width: float, period: float) -> float:
    """κ of a von Mises curve with the curvature at its peak of a Gaussian of this width (both degrees)."""
    return (period / (2 * math.pi * width)) ** 2


@lru_cache(maxsize=64)
def _preferred(units: int, period: float) -> np.ndarray:
    directions = np.arange(units) * (period / units) - period / 2
    directions.setflags(write=False)
    return directions


@lru_cache(maxsize=64)
def _noise_eigenvalues(units: int, period: float, correlation: float, width: float) -> np.ndarray:
    distance = np.arange(units) * (2 * math.pi / units)
    shared = np.fft.rfft(np.exp(concentration(width, period) * (np.cos(distance) - 1))).real
    eigenvalues = (1 - correlation) + correlation * np.maximum(shared, 0)  # rounding leaves ±1e-14 of 0
    eigenvalues.setflags(write=False)
    return eigenvalues
