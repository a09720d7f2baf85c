"""How likely each observation is, given its prediction.

mean       the observed value is normal about the prediction with its standard error
detected   with predicted effect Δ and standard error σ, a two-sided test at α = .05 is significant in the
           expected direction with probability Φ(Δ/σ − 1.96) and in the other with Φ(−Δ/σ − 1.96);
           "detected" has the first, a null the complement of both. Nulls weigh as much as effects.
shown      no likelihood
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from .study import Observation

CRITERION = float(ndtri(0.975))


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
    return result


def deviance_residuals(observations: Sequence[Observation], predicted: np.ndarray) -> np.ndarray:
    """√(2(ln L_max − ln L)) of each observation, signed for a mean: least squares of these is maximum likelihood.

    L_max is the likelihood of a prediction that hits the observation (1 for a detection).
    """
    result = np.sqrt(-2 * np.minimum(log_likelihoods(observations, predicted), 0.0))
    for index, observation in enumerate(observations):
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
    return result
