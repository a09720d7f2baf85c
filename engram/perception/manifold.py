"""The manifold of mean responses over all directions: how many dimensions it fills, and its principal coordinates.

With gains a_i, f_i(θ) = a_i b(θ − φ_i), the covariance over directions is a_i a_j C_ij with C circulant, so that

    participation ratio = (Σ λ)²/Σ λ² = (C_0 Σ a_i²)² / Σ_ij a_i² a_j² C_ij²

is a convolution. The participation ratio is that of Gao et al. 2017 (doi:10.1101/214262).
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from .checks import checked_gain
from .populations import Population


def participation_ratio(population: Population, gain: np.ndarray) -> np.ndarray:
    """Dimensions (1) that the mean responses to all directions fill, one per row of ``gain`` (rows, units).

    Raises ValueError for a gain that is negative or not finite, and gains of another number than the units.
    """
    units = population.units
    power = np.abs(scipy.fft.fft(population.counts(population.preferred[:1])[0])) ** 2
    power[0] = 0  # the mean over directions
    covariance = scipy.fft.ifft(power).real / units
    squared = checked_gain(gain, units) ** 2
    spread = np.abs(scipy.fft.fft(squared, axis=-1)) ** 2 @ scipy.fft.fft(covariance**2).real / units
    return np.asarray((covariance[0] * squared.sum(axis=-1)) ** 2 / spread)


def principal_coordinates(
    population: Population, gain: np.ndarray, directions: np.ndarray, dimensions: int = 3
) -> np.ndarray:
    """Mean responses on the principal axes of the *untrained* manifold, (directions, dimensions), counts.

    Those axes are, for evenly spaced units, the spatial frequencies sin φ, cos φ, sin 2φ, … of the pattern of counts.
    Fixed before learning, they let an expansion be seen; the origin is the mean over directions of these responses.
    """
    if not 1 <= dimensions <= population.units - 2:
        raise ValueError(f"dimensions is {dimensions!r}; give a whole number from 1 to {population.units - 2}")
    angle = population.preferred * (2 * np.pi / population.period)
    waves = [(np.cos, np.sin)[k % 2]((k + 1) // 2 * angle) for k in range(1, dimensions + 1)]
    axes = np.array([wave / np.linalg.norm(wave) for wave in waves])
    responses = gain * population.counts(np.asarray(directions, float))
    everywhere = gain * population.counts(population.preferred)
    return np.asarray((responses - everywhere.mean(axis=0)) @ axes.T)
