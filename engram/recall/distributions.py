"""The distributions of what is observed: log-likelihoods of counts and means, and draws of counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .observations import check_generator, check_shapes, check_size


def multinomial(counts: NDArray[Any], log_probability: NDArray[Any], constant: bool) -> NDArray[Any]:
    """Σ_k counts_k log p_k over the last axis; with the constant, plus log of the multinomial coefficient.

    An outcome that never happened adds nothing, whatever its probability; one that happened in spite of
    probability zero makes the result −inf.
    """
    total = np.sum(_weighted(counts, log_probability), axis=-1)
    if constant:
        total = total + special.gammaln(counts.sum(axis=-1) + 1) - special.gammaln(counts + 1).sum(axis=-1)
    return total


def draw_multinomial(probabilities: NDArray[Any], n: ArrayLike, rng: np.random.Generator) -> NDArray[Any]:
    """Counts of n items, ``n`` broadcast against all but the last axis of ``probabilities``."""
    size = check_size(n, smallest=0)
    check_shapes(strength=probabilities[..., 0], n=size)
    probabilities = probabilities / probabilities.sum(axis=-1, keepdims=True)
    return check_generator(rng).multinomial(size.astype(np.int64), probabilities)


def binomial(
    successes: NDArray[Any],
    n: NDArray[Any],
    log_success: NDArray[Any],
    log_failure: NDArray[Any],
    constant: bool,
) -> NDArray[Any]:
    """log of p^k (1 − p)^(n − k); with the constant, plus the log of n over k."""
    failures = n - successes
    total = _weighted(successes, log_success) + _weighted(failures, log_failure)
    if constant:
        total = total + special.gammaln(n + 1) - special.gammaln(successes + 1) - special.gammaln(failures + 1)
    return total


def gaussian(observed: NDArray[Any], mean: NDArray[Any], error: NDArray[Any], constant: bool) -> NDArray[Any]:
    """log of the normal density with standard deviation ``error``; without the constant, less −½ log 2π."""
    total = -0.5 * ((observed - mean) / error) ** 2 - np.log(error)
    return total - 0.5 * math.log(2 * math.pi) if constant else total


def _weighted(counts: NDArray[Any], log_probability: NDArray[Any]) -> NDArray[Any]:
    """counts · log p with 0 · (−inf) = 0, the real and imaginary parts apart so that −inf stays −inf."""
    log_probability = np.where(counts > 0, log_probability, 0)
    real = counts * log_probability.real
    if not np.iscomplexobj(log_probability):
        return np.asarray(real)
    return np.asarray(real + 1j * (counts * log_probability.imag))


def log(probability: NDArray[Any]) -> NDArray[Any]:
    """log p, −inf where p is zero, without a warning."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probability))
