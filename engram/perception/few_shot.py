"""What a few examples can teach: signal-to-noise of a prototype learner, from the geometry of the responses.

Two stimuli give responses with means x_a, x_b and covariances Σ_a, Σ_b. A learner keeps the mean of m examples of each
and assigns a further response ξ of a to the nearer prototype, by the sign of h = ½‖ξ − p_b‖² − ½‖ξ − p_a‖². With
Δ = x_a − x_b and Gaussian responses

    E h   = ½‖Δ‖² + (tr Σ_b − tr Σ_a)/2m
    Var h = ΔᵀΣ_aΔ + ΔᵀΣ_bΔ/m + tr Σ_a(Σ_a + Σ_b)/m + (tr Σ_a² + tr Σ_b²)/2m²

and the error is about Φ(−SNR), SNR = E h/√Var h. Dividing by the squared radius tr Σ_a gives the signal, bias,
dimension (tr² Σ/tr Σ², a participation ratio) and signal-noise overlap of Sorscher, Ganguli & Sompolinsky 2022
(doi:10.1073/pnas.2200800119); the moments here are exact, derived in ``theory.few_shot``.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import scipy.fft

from .checks import check_count, checked_directions, checked_gain
from .populations import Population
from .readout import correlated


@dataclass(frozen=True)
class FewShot:
    """The terms of the signal-to-noise ratio (dimensionless, in units of the squared radius tr Σ_a)."""

    signal: float  # ‖Δ‖²/R_a²
    bias: float  # (R_b²/R_a² − 1)/m
    dimension: float  # tr²Σ_a/tr Σ_a²
    overlap: float  # ΔᵀΣ_aΔ/R_a⁴, noise along the signal
    snr: float

    @property
    def error(self) -> float:
        """Probability of the wrong prototype, taking h for Gaussian: Φ(−SNR)."""
        return NormalDist().cdf(-self.snr)


def few_shot(
    population: Population, gain: np.ndarray | float, separation: float, examples: int = 5, direction: float = 0.0
) -> FewShot:
    """Learning to tell ``direction`` from ``direction + separation`` (degrees) from a few examples of each.

    Parameters
    ----------
    population : Population
    gain : float or (units,) array
        Gain of every unit, as in :mod:`engram.perception.fisher`.
    separation : float
        Degrees, not 0.
    examples : int
        m, 1 or more.

    Raises
    ------
    ValueError
        No examples, no separation, a direction that is not finite, a gain that is negative, not finite or of another
        number than the units.

    Examples
    --------
    >>> population = Population(units=200)
    >>> few_shot(population, 2.0, 20.0).snr > few_shot(population, 1.0, 20.0).snr
    True
    """
    check_count("examples", examples, 1)
    if not 0 < abs(separation) <= population.period / 2:
        raise ValueError(f"separation is {separation!r}; give degrees other than 0, up to {population.period / 2:g}")
    direction = float(checked_directions(direction, "direction"))
    scale = np.broadcast_to(checked_gain(gain, population.units), (population.units,))
    first, second = scale * population.counts(np.array([direction, direction + separation]))
    difference = first - second
    variances = population.fano * first, population.fano * second
    along = [float((np.sqrt(v) * difference) @ correlated(population, np.sqrt(v) * difference)) for v in variances]
    radius = float(variances[0].sum())
    bias = float(variances[1].sum()) - radius
    trace = [[_trace_of_product(population, v, w) for w in variances] for v in variances]
    mean = 0.5 * float(difference @ difference) + bias / (2 * examples)
    variance = (
        along[0] + along[1] / examples + (trace[0][0] + trace[0][1]) / examples
        + (trace[0][0] + trace[1][1]) / (2 * examples**2)
    )  # fmt: skip
    return FewShot(
        signal=float(difference @ difference) / radius, bias=bias / radius / examples,
        dimension=radius**2 / trace[0][0], overlap=along[0] / radius**2, snr=mean / float(np.sqrt(variance)),
    )  # fmt: skip


def _trace_of_product(population: Population, first: np.ndarray, second: np.ndarray) -> float:
    """tr(Σ_a Σ_b) = Σ_ij s_i s_j R_ij² with s the product of both standard deviations."""
    both = np.sqrt(first * second)
    row = scipy.fft.irfft(population.noise_eigenvalues, population.units)
    spectrum = scipy.fft.rfft(row**2)
    return float(both @ scipy.fft.irfft(scipy.fft.rfft(both) * spectrum, population.units))
