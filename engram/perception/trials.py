"""Simulated trials: responses of both areas, a linear read-out, and the method of constant stimuli.

On a trial each area answers a direction θ with Gaussian counts r = f(θ) + f′(θ)ζ + S(√(1 − c) ξ + √c Uη): noise ζ of
the stimulus, common to both areas (to first order, which is what differential correlations are), private noise ξ, and
noise Uη shared by units of like preference, with the covariance of :mod:`engram.perception.populations`. The observer
projects it on w = Σ⁻¹f′ and compares with the reference, or with the same projection of a second interval. A read-out
of efficiency η adds noise of its own. Nothing here uses the Fisher information: what comes out is a check on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy.fft
from scipy import optimize, special

from ..protocol import Protocol
from .checks import check_count, checked_directions, checked_gain
from .fisher import criterion_of
from .model import PerceptualModel, checked_times
from .populations import Population

#: Levels of constant stimuli, as multiples of the predicted threshold.
LEVELS = (0.35, 0.7, 1.0, 1.5, 2.2)


def optimal_weights(population: Population, gain: np.ndarray, direction: float = 0.0) -> np.ndarray:
    """Σ⁻¹f′, (units,): the best linear read-out for directions near this one (degrees).

    Raises ValueError for gains that are not finite and above 0, or of another number than the units.
    """
    gain, direction = checked_gain(gain, population.units), float(checked_directions(direction, "direction"))
    if not gain.all():
        raise ValueError("gain is 0 for some units, whose responses have no variance to divide by; give gains above 0")
    spread = np.sqrt(population.fano * gain * population.counts(np.asarray(direction)))
    spectrum = scipy.fft.rfft(gain * population.slopes(np.asarray(direction)) / spread) / population.noise_eigenvalues
    return np.asarray(scipy.fft.irfft(spectrum, population.units) / spread)


def simulated_responses(
    population: Population,
    directions: np.ndarray,
    gain: np.ndarray,
    generator: np.random.Generator,
    stimulus_noise: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Gaussian counts, (trials, units), for directions (trials,) in degrees; each distinct direction costs its tuning.

    ``stimulus_noise`` (trials,) in degrees shifts every trial's stimulus; pass the same to both areas.

    Raises
    ------
    ValueError
        A gain that is negative or not finite, gains of another number than the units, directions that are not finite
        or not of the shape (trials,), stimulus noise that is not finite.
    """
    gain, directions = checked_gain(gain, population.units), checked_directions(directions)
    if directions.ndim != 1:
        raise ValueError(f"directions has the shape {directions.shape}; give (trials,)")
    stimulus_noise = checked_directions(stimulus_noise, "stimulus_noise")
    levels, which = np.unique(directions, return_inverse=True)
    trials, units = len(directions), population.units
    counts = gain * population.counts(levels)
    slopes = gain * population.slopes(levels)
    spread = np.sqrt(population.fano * counts)
    basis = _shared_noise(population)
    noise = generator.standard_normal((trials, units))
    shared = generator.standard_normal((trials, len(basis))) @ basis
    noise *= math.sqrt(1 - population.correlation)
    noise += shared
    noise *= spread[which]
    noise += counts[which]
    shift = np.broadcast_to(stimulus_noise, (trials,))
    if shift.any():
        np.multiply(slopes[which], shift[:, None], out=shared)
        noise += shared
    return noise


@lru_cache(maxsize=16)
def _shared_noise(population: Population) -> np.ndarray:
    """Basis U√c, (sources, units): independent sources whose sum has the shared part of the noise covariance."""
    power = population.noise_eigenvalues - (1 - population.correlation)
    keep = np.flatnonzero(power > 1e-12 * max(power[0], 1e-300))
    angle = (population.preferred - population.preferred[0]) * (2 * math.pi / population.period)
    rows = []
    for k in keep:
        both = 0 < k < population.units / 2
        size = math.sqrt((2 if both else 1) * power[k] / population.units)
        rows.append(size * np.cos(k * angle))
        if both:
            rows.append(size * np.sin(k * angle))
    return np.array(rows)


def simulate_experiment(
    model: PerceptualModel,
    protocol: Protocol,
    when: Sequence[float],
    *,
    observers: int = 20,
    trials: int = 200,
    offset: float = 0.0,
    intervals: int = 1,
    seed: int = 1,
) -> np.ndarray:
    """Thresholds that simulated observers show at each time, by the method of constant stimuli.

    Parameters
    ----------
    model : PerceptualModel
        Observers differ in their noise alone. Its representation must be all that learning changes (as in
        VisualReactivation), since every read-out is the best one.
    protocol : Protocol
    when : (times,) array_like
        Seconds.
    observers, trials : int
        Trials for each observer and time, spread evenly over the levels.
    offset : float
        Degrees from the trained direction.
    intervals : int
        1: left or right of the reference; 2: which of two intervals was further right.
    seed : int
        Of one generator for everything: the same seed gives the same bits.

    Returns
    -------
    numpy.ndarray, shape (observers, times)
        Degrees, at the model's criterion.

    Raises
    ------
    ValueError
        Fewer than one observer or fewer trials than twice the levels; a seed that is not a whole number of zero or
        more; an estimate that answers do not bound.
    """
    check_count("observers", observers)
    check_count("trials", trials)
    check_count("seed", seed)
    if observers < 1 or trials < 2 * len(LEVELS):
        raise ValueError(
            f"observers is {observers!r} and trials {trials!r}; give at least one observer and {2 * len(LEVELS)} trials"
        )
    generator = np.random.default_rng(seed)
    criterion_of(0.75, intervals)  # says what is wrong with intervals
    times = checked_times(when)
    shape = model.shape(protocol, times)
    predicted = model.thresholds(protocol, [offset], times)[:, 0]
    level = np.resize(LEVELS, trials)
    side = np.resize(np.repeat([1.0, -1.0], len(LEVELS)), trials)
    found = np.empty((observers, len(times)))
    for day in range(len(times)):
        areas = ((model.evc, shape.evc[day]), (model.ips, shape.ips[day]))
        degrees = level * predicted[day]
        weights = [optimal_weights(area, gain, offset) for area, gain in areas]
        reference = sum(w @ (g * a.counts(np.asarray(offset))) for w, (a, g) in zip(weights, areas, strict=True))
        added = _read_out_noise(model, areas, weights, offset)
        for observer in range(observers):
            # in two intervals the reference is shown once, a level away from the test
            shown = (side * degrees,) if intervals == 1 else (side * degrees / 2, -side * degrees / 2)
            decision = np.zeros(trials)
            for sign, direction in zip((1.0, -1.0), shown, strict=False):
                shift = model.input_noise * generator.standard_normal(trials)
                answer = added * generator.standard_normal(trials) - reference
                for w, (area, gain) in zip(weights, areas, strict=True):
                    answer += simulated_responses(area, offset + direction, gain, generator, shift) @ w
                decision += sign * answer
            right = decision * side > 0
            found[observer, day] = constant_stimuli_threshold(degrees, right, model.criterion, intervals=intervals)
    return found


def _read_out_noise(
    model: PerceptualModel, areas: Sequence[tuple[Population, np.ndarray]], weights: Sequence[np.ndarray], offset: float
) -> float:
    """Standard deviation of the noise that lowers the read-out's information to the model's efficiency."""
    if model.efficiency == 1:
        return 0.0
    signal = sum(
        float(w @ (gain * area.slopes(np.asarray(offset)))) for w, (area, gain) in zip(weights, areas, strict=True)
    )
    variance = signal + (model.input_noise * signal) ** 2  # wᵀΣw = wᵀf′ for w = Σ⁻¹f′
    return math.sqrt(variance * (1 / model.efficiency - 1))


def constant_stimuli_threshold(
    differences: np.ndarray, correct: np.ndarray, criterion: float, intervals: int = 2
) -> float:
    """Maximum-likelihood threshold (degrees) of trials at constant differences, without lapses or bias.

    The chance of a correct answer to a difference δ is Φ(δ d′_c/(δ_c√2)) in two intervals, Φ(δ d′_c/δ_c) in one, with
    δ_c the threshold at the criterion d′_c.

    Parameters
    ----------
    differences : (trials,) array
        Degrees between test and reference, > 0.
    correct : (trials,) array of bool

    Raises
    ------
    ValueError
        All answers correct, or no more than half of them: the trials do not bound the threshold.
    """
    differences, correct = np.asarray(differences, float), np.asarray(correct, bool)
    if differences.shape != correct.shape or differences.ndim != 1 or not len(differences):
        raise ValueError(f"differences and correct have the shapes {differences.shape} and {correct.shape}")
    if not (differences > 0).all():
        raise ValueError("differences must be above 0 degrees; give the size of each difference")
    if correct.all() or correct.mean() <= 0.5:
        raise ValueError(
            f"{int(correct.sum())} of {len(correct)} answers are correct, which does not bound the threshold; "
            "use " + ("smaller" if correct.all() else "larger") + " differences or more trials"
        )
    levels, which = np.unique(differences, return_inverse=True)
    right, all_of_them = np.bincount(which, correct), np.bincount(which)
    factor = criterion / (1.0 if intervals == 1 else math.sqrt(2))

    def surprise(log_threshold: float) -> float:
        z = factor * levels / math.exp(log_threshold)
        return float(-(right * special.log_ndtr(z) + (all_of_them - right) * special.log_ndtr(-z)).sum())

    middle = math.log(levels.mean())
    best = optimize.minimize_scalar(
        surprise, bounds=(middle - 7, middle + 7), method="bounded", options={"xatol": 1e-6}
    )
    return math.exp(best.x)


__all__ = [
    "LEVELS", "constant_stimuli_threshold", "optimal_weights", "simulate_experiment",
    "simulated_responses",
]  # fmt: skip
