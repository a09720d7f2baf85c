"""How well a population is known: standard errors of its effects and of its spreads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .em import Posterior
from .population import Population

_FLAT = 1e-6  # curvature of the log evidence, in units of a parameter's own, below which it is none


def standard_errors(
    population: Population, posteriors: Sequence[Posterior], covariates: np.ndarray,
    information: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Of the effects (parameters, 1 + covariates), and of ln τ (parameters,).

    From the information of the marginal likelihood in which each person's data are a normal measurement of η with
    information I_i: with A_i = (Σ + I_i⁻¹)⁻¹, Σ_i w_i w_iᵀ ⊗ A_i about the effects and 2 Σ_i (A_i)_jk² τ_j² τ_k² about
    ln τ; with those of the priors. Where draws have given the observed ``information`` about all of these together, it
    decides about the effects, and the larger error about ln τ: where measurements are far from normal the former is
    too small, and near no differences, where the prior alone bends the evidence, the latter.
    """
    size, width = population.effects.shape
    prior = population.prior_information()
    about_effects, about_spread = np.diag(prior[: size * width]), np.diag(prior[size * width :])
    squares = np.outer(population.spread, population.spread) ** 2
    for one, own in zip(posteriors, covariates, strict=True):
        known = resolved(one.information, population.spread)
        weights = np.concatenate([[1.0], own])
        about_effects += np.kron(known, np.outer(weights, weights))
        about_spread += 2 * known**2 * squares
    effects = np.sqrt(np.diag(np.linalg.inv(about_effects))).reshape(size, width)
    spread = np.sqrt(np.diag(np.linalg.inv(about_spread)))
    if information is not None:
        observed = _errors(information)
        effects = observed[: size * width].reshape(size, width)
        spread = np.maximum(spread, observed[size * width :])
    return effects, spread


def _errors(information: np.ndarray) -> np.ndarray:
    """Standard errors; infinite where the information is not positive, and for what most makes up a direction in which
    it is not."""
    diagonal = np.diag(information)
    unit = np.sqrt(np.abs(diagonal))
    left = np.flatnonzero(diagonal > 0)
    while len(left):
        own = np.ix_(left, left)
        heights, directions = np.linalg.eigh(information[own] / np.outer(unit, unit)[own])
        if heights[0] > _FLAT:
            break
        left = np.delete(left, np.argmax(np.abs(directions[:, 0])))
    errors = np.full(len(unit), np.inf)
    errors[left] = np.sqrt(np.diag(np.linalg.inv(information[np.ix_(left, left)])))
    return errors


def resolved(information: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """What one person tells about the population's centre: (diag τ² + I⁻¹)⁻¹, also where I has no inverse."""
    scaled = information * np.outer(spread, spread)
    found: np.ndarray = np.linalg.solve(np.eye(len(spread)) + scaled, scaled) / np.outer(spread, spread)
    return 0.5 * (found + found.T)
