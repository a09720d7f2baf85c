"""The joint log density of a population and its people, with its exact gradient, in coordinates made for sampling.

Given the population (m_i, τ), and taking person i's likelihood as normal (information H_i, H_i η = h_i at its centre),
their posterior has precision P_i = H_i + diag τ⁻² = L_i L_iᵀ and mean M_i = P_i⁻¹(h_i + m_i/τ²). The coordinates are

    u_i = L_iᵀ(η_i − M_i)        and the effects and s, in standard errors about their estimates, Φ(s) = F(τ)

so that for likelihoods that are normal u_i is standard normal whatever the population: there is no funnel, and people
with few and with many trials are on the same scale. F is the distribution of τ's prior: a spread of which the data say
nothing is normal in s, where its logarithm has a long tail. The density is exact all the same: the likelihood is
evaluated at η_i, and ln det ∂η/∂u = −Σ ln diag L_i is part of it.

The normal likelihood is the one whose posterior has the mean and the covariance that weighted draws of the person have
in a population two standard errors of s wider, as wide as the data may still allow. Curvature at the mode would not do:
where a parameter's effect levels off the likelihood is flat but for a peak, and u_i would not have one scale for all τ.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.special import erf, erfinv, ndtr, ndtri

from .draws import weighted_draws
from .em import person_posterior
from .errors import standard_errors
from .fit import PeopleFit
from .population import SLOPE_SD, SPREAD_SD, Population

_WIDEST = 1.0  # step of s: where people hardly differ the information knows no end, and the prior does
_WIDE = 2.0  # standard errors of s
_DRAWS = 256  # of a person, at a time
_FEW = 10  # draws a parameter that weighted ones are worth, below which they are not used
_MEDIAN = float(ndtri(0.75))  # of |N(0, 1)|
_TINY = 1e-100  # of τ


class JointDensity:
    """ln p(η, μ, Γ, τ | answers) up to a constant, over the coordinates u.

    Parameters
    ----------
    fit : PeopleFit
        Where EM has ended; it places the coordinates, and does not change the density.
    workers : int
        Threads over people in one evaluation; 1 where chains run side by side.
    """

    def __init__(self, fit: PeopleFit, workers: int = 1) -> None:
        self.likelihood = fit.likelihood
        self.covariates = fit.covariates.to_numpy(float)
        self.weights = np.column_stack([np.ones(len(self.covariates)), self.covariates])
        population = fit.population
        self.shape = population.effects.shape
        self.effects, self.scores = population.effects, _scores(population.spread)
        self.effect_errors, spread_errors = standard_errors(population, fit.posteriors, self.covariates)
        self.score_errors = np.minimum(spread_errors / _slopes(self.scores, population.spread), _WIDEST)
        wide = Population(self.effects, _spreads(self.scores + _WIDE * self.score_errors))
        normals = [self._normal(k, wide, one.eta) for k, one in enumerate(fit.posteriors)]
        self.information, self.linear = (np.array(part) for part in zip(*normals, strict=True))
        self.people, self.size = self.linear.shape
        self.n_dim = population.effects.size + self.size + self.linear.size
        self.pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def _normal(self, person: int, wide: Population, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Information and linear term of the normal likelihood that gives a person's posterior in that population.

        Where few draws count, those of the curvature at the mode.
        """
        centre = wide.centres(self.covariates[person : person + 1])[0]
        mode = person_posterior(self.likelihood, person, eta, centre, wide.spread)
        places, weights = weighted_draws(_DRAWS, self.likelihood, person, mode, centre, wide.spread)
        if 1 / (weights**2).sum() < _FEW * len(centre):
            return mode.information, mode.information @ mode.eta + (mode.eta - centre) / wide.spread**2
        off = (places - centre) / wide.spread
        mean = weights @ off
        shares, directions = np.linalg.eigh((off - mean).T @ (weights[:, None] * (off - mean)))
        precision = (directions / np.minimum(shares, 1.0)) @ directions.T  # wider ones would have negative information
        information = (precision - np.eye(len(centre))) / np.outer(wide.spread, wide.spread)
        return information, information @ centre + precision @ mean / wide.spread

    def population(self, place: np.ndarray) -> Population:
        """The population at a place (n_dim,)."""
        effects = self.effects + self.effect_errors * place[: self.effects.size].reshape(self.shape)
        return Population(effects, _spreads(self._scores_at(place)))

    def _scores_at(self, place: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.scores + self.score_errors * place[self.effects.size : self.effects.size + self.size]
        return found

    def etas(self, place: np.ndarray) -> np.ndarray:
        """Everybody's η at a place, (people, parameters)."""
        return self._laid_out(place)[2]

    def _laid_out(self, place: np.ndarray) -> tuple[Population, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        population = self.population(place)
        centres = population.centres(self.covariates)
        tight = population.spread**-2.0
        root = np.linalg.cholesky(self.information + np.diag(tight))
        inverse = np.linalg.inv(root)  # L⁻¹
        means = np.einsum("iba,ibc,ic->ia", inverse, inverse, self.linear + centres * tight)
        own = place[self.effects.size + self.size :].reshape(self.people, self.size)
        return population, means, means + np.einsum("iba,ib->ia", inverse, own), inverse, own

    def __call__(self, place: np.ndarray) -> tuple[float, np.ndarray]:
        """The log density at a place, and its gradient (n_dim,); −∞ where numbers overflow, farther than any draw."""
        spread = self.population(place).spread
        if not (np.isfinite(spread) & (spread > _TINY)).all():
            return -math.inf, np.zeros(self.n_dim)
        population, means, etas, inverse, own = self._laid_out(place)
        if not np.isfinite(etas).all():
            return -math.inf, np.zeros(self.n_dim)
        tight = population.spread**-2.0
        centres = population.centres(self.covariates)
        evaluate = self.likelihood.evaluate
        found = list((self.pool.map if self.pool else map)(evaluate, range(self.people), etas))
        off = etas - centres
        value = sum(one.log_likelihood for one in found)
        value += float(-0.5 * (off**2 * tight).sum() + 0.5 * self.people * np.log(tight).sum())
        value += float(np.log(np.diagonal(inverse, axis1=1, axis2=2)).sum())  # −Σ ln diag L
        scores = self._scores_at(place)
        value += population.log_prior_of_effects() - 0.5 * float(scores @ scores)

        down = np.array([one.gradient for one in found]) - off * tight  # ∂/∂η
        pulled = np.einsum("iab,ib->ia", inverse, down)  # L⁻¹ ∂/∂η, which is ∂/∂u
        solved = np.einsum("iba,ib->ia", inverse, pulled)  # P⁻¹ ∂/∂η
        by_centre = (off + solved) * tight
        by_effect = by_centre.T @ self.weights
        mean, slopes = population.effects[:, 0], population.effects[:, 1:]
        by_effect[:, 0] -= np.tanh(0.5 * mean)
        by_effect[:, 1:] -= slopes / SLOPE_SD**2
        by_spread = (off**2 * tight - 1).sum(axis=0)  # ∂/∂ln τ
        by_spread += 2 * tight * (solved * (means - centres)).sum(axis=0)  # through M
        terms = inverse * pulled[:, :, None]  # (person, row, parameter): a_r q_r
        before = np.cumsum(terms, axis=1) - 0.5 * terms
        by_spread += 2 * tight * (inverse * own[:, :, None] * before).sum(axis=(0, 1))  # through L⁻ᵀu
        by_spread += tight * (inverse**2).sum(axis=(0, 1))  # through ln det L
        gradient = np.concatenate([
            (by_effect * self.effect_errors).ravel(),
            (by_spread * _slopes(scores, population.spread) - scores) * self.score_errors, pulled.ravel(),
        ])  # fmt: skip
        return float(value), gradient


def _scores(spread: np.ndarray) -> np.ndarray:
    """s of τ: normal where τ has its prior; each half by what does not cancel there."""
    t = spread / SPREAD_SD
    return np.where(t < _MEDIAN, ndtri(erf(t / math.sqrt(2))), -ndtri(2 * ndtr(-t)))


def _spreads(scores: np.ndarray) -> np.ndarray:
    """τ of s."""
    below = math.sqrt(2) * erfinv(ndtr(np.minimum(scores, 0.0)))
    return SPREAD_SD * np.where(scores < 0, below, -ndtri(0.5 * ndtr(-np.maximum(scores, 0.0))))


def _slopes(scores: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """d ln τ/ds."""
    t = spread / SPREAD_SD
    return np.asarray(np.exp(0.5 * (t**2 - scores**2)) / (2 * t))
