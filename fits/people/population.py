"""The population that people come from, and what is known of it before any data.

    η_ij ~ N(μ_j + Σ_c Γ_jc w_ic, τ_j²)      parameter j of person i; covariates w have mean 0 and variance 1
    μ_j ~ logistic(0, 1)                      a median that is uniform between the parameter's bounds
    Γ_jc ~ N(0, 1)
    τ_j ~ |N(0, 2²)|                          SD 2 on the scale of a logit, where 1.8 is people all over the bounds

The three priors are assumed; the last two weigh little where more than a few people answer enough. A spread of which
trials say little is drawn towards 2: too large where people differ by less, too small where by much more. What is
sought is where the density of (μ, Γ, ln τ) is highest: over ln τ, whose prior vanishes towards no differences, so that
few people are not found to be all alike by chance (Chung et al. 2013, doi:10.1007/s11336-013-9328-2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

SLOPE_SD = 1.0
SPREAD_SD = 2.0
LEAST_SPREAD = 0.02  # of τ, at which the search for it ends: differences this small cannot be told from none
LARGEST_SPREAD = 10.0  # at which it ends too: people are at either bound
LOOSEST = 1.0  # standard error of ln τ by modes alone, from which differences between people are not known
_STEPS = 50


@dataclass(frozen=True, eq=False)
class Population:
    """Where people's η lie.

    Attributes
    ----------
    effects : (parameters, 1 + covariates) array
        μ, then Γ.
    spread : (parameters,) array
        τ.
    """

    effects: np.ndarray
    spread: np.ndarray

    def centres(self, covariates: np.ndarray) -> np.ndarray:
        """Where people with these covariates are expected, (people, parameters); covariates (people, covariates)."""
        found: np.ndarray = self.effects[:, 0] + covariates @ self.effects[:, 1:].T
        return found

    def log_prior(self) -> float:
        """Log density of μ, Γ and ln τ."""
        total = -0.5 * (self.spread / SPREAD_SD) ** 2 - math.log(SPREAD_SD * math.sqrt(math.pi / 2))
        return self.log_prior_of_effects() + float((total + np.log(self.spread)).sum())

    def log_prior_of_effects(self) -> float:
        """Log density of μ and Γ."""
        mean, slopes = self.effects[:, 0], self.effects[:, 1:]
        total = -(mean + 2 * np.logaddexp(0.0, -mean)).sum()
        total += (-0.5 * (slopes / SLOPE_SD) ** 2 - math.log(SLOPE_SD * math.sqrt(2 * math.pi))).sum()
        return float(total)

    def prior_information(self) -> np.ndarray:
        """The curvature of minus the log prior in each of the effects, row by row, and in each ln τ."""
        effects = np.full(self.effects.shape, SLOPE_SD**-2)
        effects[:, 0] = 0.5 / np.cosh(0.5 * self.effects[:, 0]) ** 2
        return np.concatenate([effects.ravel(), 2 * self.spread**2 / SPREAD_SD**2])

    def shift(self, other: Population) -> float:
        """The largest change from one population to another: of a centre in units of τ, and of ln τ."""
        moved = np.abs(self.effects - other.effects) / np.maximum(self.spread, other.spread)[:, None]
        return float(max(moved.max(), np.abs(np.log(self.spread / other.spread)).max()))


def most_likely(etas: np.ndarray, variances: np.ndarray, covariates: np.ndarray, before: Population) -> Population:
    """The population that maximises the expected log density of people and priors: the M-step.

    Parameters
    ----------
    etas, variances : (people, parameters) array
        Mean and variance of each person's posterior.
    covariates : (people, covariates) array
    before : Population
        Whose spreads weigh the prior of the effects.
    """
    people = len(etas)
    design = np.column_stack([np.ones(people), covariates])
    gram, cross = design.T @ design, design.T @ etas
    ridge = np.diag([0.0, *[SLOPE_SD**-2] * (design.shape[1] - 1)])
    effects = before.effects.copy()
    for j in range(etas.shape[1]):
        precision = before.spread[j] ** -2
        for _ in range(_STEPS):  # Newton's, of a concave function
            mean = effects[j, 0]
            gradient = precision * (cross[:, j] - gram @ effects[j]) - ridge @ effects[j]
            gradient[0] -= math.tanh(0.5 * mean)
            curvature = precision * gram + ridge
            curvature[0, 0] += 0.5 / math.cosh(0.5 * mean) ** 2
            step = np.linalg.solve(curvature, gradient)
            effects[j] += step
            if np.abs(step).max() < 1e-12 * (1 + np.abs(effects[j]).max()):
                break
    residuals = etas - design @ effects.T
    total = (residuals**2 + variances).sum(axis=0)
    s = SPREAD_SD**2
    left = people - 1  # the density is over ln τ
    squared = 2 * total / (left + np.sqrt(left**2 + 4 * total / s))  # the root of u²/s + (people − 1)·u = total
    return Population(effects, np.clip(np.sqrt(squared), LEAST_SPREAD, LARGEST_SPREAD))
