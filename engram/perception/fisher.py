"""Linear Fisher information of a tuned population, and the threshold it allows.

With f′ the slope of the mean counts and Σ their covariance, the best linear read-out has d′² = I δ², I = f′ᵀ Σ⁻¹ f′,
and a threshold d′_criterion/√I. For gains a_i on a :class:`~engram.perception.populations.Population`,

    I(θ) = Σ_k |v̂_k|² / (N λ_k),    v_i = √a_i f′_i(θ)/√(F f_i(θ)),    v̂ its Fourier transform over units

because R is circulant with eigenvalues λ_k. As a function of θ only a convolution is left: with w_k = 1 − (1 − c)/λ_k,

    (1 − c) I(θ) = Σ_i a_i q²(θ − φ_i) − (1/N) Σ_k w_k |Σ_i √a_i e^{ikφ_i} q(θ − φ_i)|²

a trigonometric polynomial in θ, whose few Fourier coefficients come from fast Fourier transforms of √a and q. Only the
few k with w_k > 0 are needed. Noise of σ degrees in the stimulus, common to
every population that sees it, turns the summed information J into J/(1 + σ²J) (Moreno-Bote et al. 2014,
doi:10.1038/nn.3807).
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import scipy.fft

from .checks import checked_directions, checked_gain
from .populations import Population

_NEGLIGIBLE = 1e-11  # of the largest weight, or Fourier coefficient
_WORST_CONDITION = 1e12
_ROUNDING = 1e-10  # of the largest entry: asymmetry, or a negative eigenvalue per unit, that rounding may leave


class SingularCovarianceError(ValueError):
    """A noise covariance that cannot be inverted: the message says why and what to do."""


def criterion_of(proportion_correct: float, intervals: int = 2) -> float:
    """d′ at which a task is solved with this proportion correct: √2 Φ⁻¹(p) for two intervals, 2 Φ⁻¹(p) for one.

    >>> round(criterion_of(0.7071), 2)
    0.77
    """
    if not 0.5 < proportion_correct < 1:
        raise ValueError(f"proportion_correct is {proportion_correct!r}; give a number between 0.5 and 1")
    if intervals not in (1, 2):
        raise ValueError(f"intervals is {intervals!r}; give 1 or 2")
    return (2.0 if intervals == 1 else math.sqrt(2)) * NormalDist().inv_cdf(proportion_correct)


def information(population: Population, gain: np.ndarray, directions: np.ndarray | float = 0.0) -> np.ndarray:
    """Linear Fisher information (1 per degree²), one value per row.

    Parameters
    ----------
    population : Population
    gain : (..., units) array
        Gain of every unit, ≥ 0; 1 untrained.
    directions : float or array
        Degrees; of a shape that broadcasts with the rows of ``gain``.

    Raises
    ------
    ValueError
        A gain that is negative or not finite, gains of another number than the units, a direction that is not finite.
    """
    v = np.sqrt(checked_gain(gain, population.units)) * population.standardised_slopes(checked_directions(directions))
    power = np.abs(scipy.fft.rfft(v, axis=-1)) ** 2 / population.noise_eigenvalues
    total = 2 * power.sum(axis=-1) - power[..., 0]
    if population.units % 2 == 0:
        total = total - power[..., -1]
    return np.asarray(total / population.units)


def information_curve(population: Population, gain: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """As :func:`information` for every pair of a gain profile and a direction, fast.

    Parameters
    ----------
    gain : (profiles, units) array
    directions : (directions,) array
        Degrees.

    Returns
    -------
    numpy.ndarray, shape (profiles, directions)
        Agrees with :func:`information` to 1e-9 relative.

    Raises
    ------
    ValueError
        Where the tuning curve is too narrow for this number of units, and as :func:`information`.
    """
    gain, directions = checked_gain(gain, population.units), checked_directions(directions)
    if gain.ndim != 2 or directions.ndim != 1:
        raise ValueError(
            f"gain has the shape {gain.shape} and directions {directions.shape}; give (profiles, units) and "
            "(directions,)"
        )
    spectra = _spectra(population)
    units, points = population.units, spectra.points
    spectrum = scipy.fft.fft(np.sqrt(gain), axis=-1)
    projected = np.zeros((len(gain), len(spectra.weights), points), complex)
    projected[:, :, spectra.waves] = spectrum[:, spectra.shifted] * spectra.slopes
    projected = scipy.fft.ifft(projected, axis=-1, overwrite_x=True)
    power = projected.real**2 + projected.imag**2
    private = np.zeros((len(gain), points), complex)
    private[:, spectra.waves_of_square] = scipy.fft.fft(gain, axis=-1)[:, spectra.kept] * spectra.squared
    total = scipy.fft.ifft(private, axis=-1).real * (points / units)
    total -= (spectra.weights @ power) * (points / units) ** 2
    total /= 1 - population.correlation
    return _at(total, (directions - population.preferred[0]) * (2 * math.pi / population.period))


class _Spectra(NamedTuple):
    points: int  # of the grid of directions on which the information, a trigonometric polynomial, is evaluated
    weights: np.ndarray  # (harmonics,) w_k / N, those of k and −k together
    slopes: np.ndarray  # (waves,) Fourier coefficients of q, from −M to M
    waves: np.ndarray  # where they stand on the grid
    shifted: np.ndarray  # (harmonics, waves) the coefficient of √a that each meets
    squared: np.ndarray  # (waves of square,) Fourier coefficients of q²
    waves_of_square: np.ndarray
    kept: np.ndarray


@lru_cache(maxsize=16)
def _spectra(population: Population) -> _Spectra:
    units = population.units
    steps = population.period / units * np.arange(units)
    q = population.standardised_slopes(population.preferred[0] + steps)[:, 0]
    slopes, squared = scipy.fft.fft(q), scipy.fft.fft(q**2)
    size = np.abs(slopes[: units // 2])
    highest = int(np.flatnonzero(size > _NEGLIGIBLE * size.max())[-1])
    if 4 * highest >= 0.98 * 2 * units:
        raise ValueError(
            f"{units} units are too few to tile directions at a tuning width of {population.tuning_width:g}°; "
            f"use about {2 * units} units"
        )
    left = (1 - (1 - population.correlation) / population.noise_eigenvalues) / units
    keep = max(1, int(np.count_nonzero(left > _NEGLIGIBLE * max(left[0], 1e-300))))
    weights = left[:keep].copy()
    weights[1:] *= 2
    if keep == len(left) and units % 2 == 0:
        weights[-1] /= 2
    waves = np.arange(-highest, highest + 1)
    points = scipy.fft.next_fast_len(4 * highest + 1)
    most = min(2 * highest, units // 2 - 1)
    twice = np.arange(-most, most + 1)
    return _Spectra(
        points, weights, slopes[waves % units], waves % points, (waves - np.arange(keep)[:, None]) % units,
        squared[twice % units], twice % points, twice % units,
    )  # fmt: skip


def _at(on_grid: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Trigonometric polynomials known on an even grid from 0, (rows, points), at angles (rad): (rows, angles)."""
    coefficients = scipy.fft.rfft(on_grid, axis=-1) / on_grid.shape[-1]
    coefficients[:, 1:] *= 2
    size = np.abs(coefficients).max(axis=0)
    last = int(np.flatnonzero(size > 1e-16 * size.max())[-1])
    waves = np.empty((last + 1, len(angles)), complex)
    waves[0] = 1.0
    filled, turn = 1, np.exp(1j * angles)
    while filled <= last:  # doubling: far fewer exponentials than angles × waves
        more = min(filled, last + 1 - filled)
        np.multiply(waves[:more], turn, out=waves[filled : filled + more])
        filled, turn = filled + more, turn * turn
    return np.asarray((coefficients[:, : last + 1] @ waves).real)


def with_input_noise(total: Any, input_noise: float) -> Any:
    """Information J (1 per degree²) limited by noise of ``input_noise`` degrees in the stimulus: J/(1 + σ²J)."""
    return total / (1 + input_noise**2 * total)


def threshold(total: Any, criterion: float) -> Any:
    """Threshold (degrees) at a criterion d′; infinite without information.

    Raises ValueError for information that is negative or not a number, and a criterion that is not above 0.
    """
    if not np.all(np.greater_equal(total, 0)):
        wrong = np.ravel(total)[np.ravel(~np.greater_equal(total, 0))][0]
        raise ValueError(
            f"the information is {wrong:g} per degree², from which no threshold follows; give zero or more"
        )
    if not 0 < criterion < math.inf:
        raise ValueError(f"criterion is {criterion!r}; give a finite d′ above 0")
    with np.errstate(divide="ignore"):
        return criterion / np.sqrt(total)


def linear_fisher_information(slope: np.ndarray, covariance: np.ndarray, ridge: float = 0.0) -> float:
    """f′ᵀ(Σ + ridge·mean variance·1)⁻¹f′ for any slope (n,) and covariance (n, n).

    ``ridge`` regularises (0: not at all) and can only lower the information.

    Raises
    ------
    SingularCovarianceError
        A covariance, after the ridge, with a condition number above 1e12 or an eigenvalue that is not positive.
    ValueError
        Shapes that do not match, numbers that are not finite, a matrix that is not symmetric or has a negative
        eigenvalue, which no ridge makes a covariance, or a negative ridge.
    """
    return _inverted(slope, covariance, ridge, "Give ridge=0.01 to regularise")


def _inverted(slope: np.ndarray, covariance: np.ndarray, ridge: float, remedy: str) -> float:
    slope, covariance = np.asarray(slope, float), np.asarray(covariance, float)
    if covariance.shape != (len(slope), len(slope)):
        raise ValueError(f"covariance has the shape {covariance.shape}; {len(slope)} slopes need a square of that size")
    if not (np.isfinite(slope).all() and np.isfinite(covariance).all()):
        raise ValueError("slope or covariance holds numbers that are not finite; remove those units or trials")
    if not 0 <= ridge < math.inf:
        raise ValueError(f"ridge is {ridge!r}; give a number of zero or more, such as 0.01")
    scale = float(np.abs(covariance).max())
    apart = np.abs(covariance - covariance.T)
    if apart.max() > _ROUNDING * scale:
        i, j = (int(k) for k in np.unravel_index(int(apart.argmax()), apart.shape))
        raise ValueError(
            f"covariance is not symmetric: {covariance[i, j]:g} at ({i}, {j}) and {covariance[j, i]:g} at ({j}, {i}); "
            "give a covariance matrix"
        )
    added = ridge * float(np.trace(covariance)) / len(slope)
    values, vectors = np.linalg.eigh(covariance + added * np.eye(len(slope)))
    if values[0] - added < -_ROUNDING * len(slope) * scale:
        raise ValueError(
            f"covariance has the negative eigenvalue {values[0] - added:.3g}, which no covariance has; check its signs "
            "and how it was estimated"
        )
    if not values[0] > values[-1] / _WORST_CONDITION:
        raise SingularCovarianceError(
            f"the noise covariance of {len(slope)} units is singular (eigenvalues {values[0]:.3g} to {values[-1]:.3g}):"
            f" are there fewer trials than units, silent units, or units listed twice? {remedy}"
        )
    return float(((vectors.T @ slope) ** 2 / values).sum())


def information_from_trials(first: np.ndarray, second: np.ndarray, separation: float) -> float:
    """Unbiased linear Fisher information (1 per degree²) from trials at two directions.

    Corrects what the naive estimate gains from noise in mean and covariance (Kanitscheider et al. 2015,
    doi:10.1371/journal.pcbi.1004218), exactly so for Gaussian noise; it can come out negative.

    Parameters
    ----------
    first, second : (trials, units) arrays
        Counts at two directions; equal numbers of trials.
    separation : float
        Degrees between them, > 0.

    Raises
    ------
    ValueError
        Unequal shapes, counts that are not finite, or fewer trials than the units need: 2·trials must exceed units + 3.
    SingularCovarianceError
        Units that do not vary, or vary together.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.ndim != 2 or first.shape != second.shape:
        raise ValueError(f"the trials have the shapes {first.shape} and {second.shape}; give (trials, units) twice")
    trials, units = first.shape
    if 2 * trials <= units + 3:
        raise ValueError(
            f"{trials} trials at each of two directions are too few for {units} units: the estimate needs more than "
            f"{(units + 3) // 2} at each; record more, or project onto fewer dimensions first"
        )
    for name, counts in (("first", first), ("second", second)):
        if not np.isfinite(counts).all():
            trial, unit = (int(k) for k in np.argwhere(~np.isfinite(counts))[0])
            raise ValueError(f"{name}[{trial}, {unit}] is {counts[trial, unit]}; leave out such trials or units")
    if not 0 < separation < math.inf:
        raise ValueError(f"separation is {separation!r}; give the degrees between the two directions, above 0")
    slope = (second.mean(0) - first.mean(0)) / separation
    covariance = (np.cov(first, rowvar=False) + np.cov(second, rowvar=False)) / 2
    remedy = "Leave out such units, record more trials, or project onto fewer dimensions first"
    naive = _inverted(slope, np.atleast_2d(covariance), 0.0, remedy)
    return naive * (2 * trials - units - 3) / (2 * trials - 2) - 2 * units / (trials * separation**2)
