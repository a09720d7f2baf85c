"""How likely each observation is, given its prediction.

mean       the observed value is normal about the prediction with its standard error
detected   with predicted effect Δ and standard error σ, a two-sided test at α = .05 is significant in the
           expected direction with probability Φ(Δ/σ − 1.96) and in the other with Φ(−Δ/σ − 1.96);
           "detected" has the first, a null the complement of both. Nulls weigh as much as effects.
counts     ``count`` of ``n`` are binomial with the predicted probability
cell       one outcome of several: ``count`` of ``n`` of a multinomial, whose cells stand side by side (up to the
           constant ln n! of each multinomial)
shown      no likelihood
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln, log_ndtr, ndtr, ndtri, xlogy

from .study import Observation

CRITERION = float(ndtri(0.975))
_SMALLEST = 1e-300  # a probability below the smallest that can be told from zero


def _counted(observation: Observation) -> tuple[int, int]:
    assert observation.count is not None and observation.n is not None
    return observation.count, observation.n


def log_likelihoods(observations: Sequence[Observation], predicted: np.ndarray) -> np.ndarray:
    """Log-likelihood of each observation; 0 for those that are only shown. ``predicted``: (observations,)."""
    result = np.zeros(len(observations))
    for index, observation in enumerate(observations):
        if observation.kind == "mean":
            assert observation.value is not None
            residual = (observation.value - predicted[index]) / observation.error
            result[index] = -0.5 * residual**2 - np.log(observation.error * np.sqrt(2 * np.pi))
        elif observation.kind == "detected":
            effect = predicted[index] / observation.error
            if observation.detected:
                result[index] = log_ndtr(effect - CRITERION)
            else:
                near, far = log_ndtr(CRITERION - abs(effect)), log_ndtr(-CRITERION - abs(effect))
                result[index] = near + np.log1p(-np.exp(far - near))
        elif observation.kind in ("counts", "cell"):
            count, n = _counted(observation)
            probability = np.clip(predicted[index], _SMALLEST, 1.0)
            result[index] = xlogy(count, probability)
            if observation.kind == "counts":
                other = np.clip(1 - predicted[index], _SMALLEST, 1.0)
                result[index] += xlogy(n - count, other) + gammaln(n + 1) - gammaln(n - count + 1)
            result[index] -= gammaln(count + 1)
    return result


def deviance_residuals(observations: Sequence[Observation], predicted: np.ndarray) -> np.ndarray:
    """√(2(ln L_max − ln L)) of each observation, signed for a mean: least squares of these is maximum likelihood.

    L_max is the likelihood of a prediction that hits the observation (1 for a detection). The squares of the cells of
    a multinomial add up to its deviance, as long as their probabilities add up to 1.
    """
    result = np.sqrt(-2 * np.minimum(log_likelihoods(observations, predicted), 0.0))
    for index, observation in enumerate(observations):
        if observation.kind in ("counts", "cell"):
            count, n = _counted(observation)
            expected = n * np.clip(predicted[index], _SMALLEST, 1.0)
            lacking = 2 * (xlogy(count, count / expected) - count + expected)
            if observation.kind == "counts":
                rest = n * np.clip(1 - predicted[index], _SMALLEST, 1.0)
                lacking += 2 * (xlogy(n - count, (n - count) / rest) - (n - count) + rest)
            result[index] = np.sign(expected - count) * np.sqrt(max(lacking, 0.0))
        if observation.kind == "mean" and observation.value is not None:
            result[index] = (predicted[index] - observation.value) / observation.error
        elif observation.kind == "shown":
            result[index] = 0.0
    return result


def detection_probability(observation: Observation, predicted: float) -> float:
    """Predicted probability that the effect is found significant in the expected direction."""
    return float(ndtr(predicted / observation.error - CRITERION))


def information(observations: Sequence[Observation], predicted: np.ndarray) -> np.ndarray:
    """Expected Fisher information of each observation about its own prediction, (observations,)."""
    result = np.zeros(len(observations))
    for index, observation in enumerate(observations):
        if observation.kind == "mean":
            result[index] = observation.error**-2
        elif observation.kind == "detected":
            effect = predicted[index] / observation.error
            found = float(ndtr(effect - CRITERION))
            density = np.exp(-0.5 * (effect - CRITERION) ** 2) / np.sqrt(2 * np.pi) / observation.error
            if 0 < found < 1:
                result[index] = density**2 / (found * (1 - found))
        elif observation.kind in ("counts", "cell"):
            probability = float(np.clip(predicted[index], _SMALLEST, 1.0))
            result[index] = _counted(observation)[1] / probability
            if observation.kind == "counts":
                result[index] /= max(1 - probability, _SMALLEST)
    return result
