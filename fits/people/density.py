"""The joint log density of a population and its people, with its exact gradient, in coordinates made for sampling.

Given the population (m_i, τ), and taking person i's likelihood as normal (information H_i, H_i η = h_i at its centre),
their posterior has precision P_i = H_i + diag τ⁻² = L_i L_iᵀ and mean M_i = P_i⁻¹(h_i + m_i/τ²). The coordinates are

    u_i = L_iᵀ(η_i − M_i)        of a person
    v = Rᵀ(e − E)                of all effects e = (μ, Γ), whose posterior given τ has precision Λ = R Rᵀ and mean E
    s, Φ(s) = F(τ)               in standard errors about its estimate

with Λ = Σ w_i w_iᵀ ⊗ A_i + the prior's precision, Λ E = Σ w_i ⊗ T P_i⁻¹h_i, T = diag τ⁻², A_i = T P_i⁻¹H_i, w_i = 1 and
the covariates. So for likelihoods that are normal u_i and v are standard normal whatever the spread of people: there is
no funnel, and people with few and with many trials are on the same scale. F is the distribution of τ's prior: a spread
of which the data say nothing is normal in s, where its logarithm has a long tail. The density is exact all the same:
the likelihood is evaluated at η_i, and the logarithm of the determinant of the change of coordinates, −Σ ln diag L_i −
Σ ln diag R, is part of it.

The normal likelihood is the one whose posterior has the mean and the covariance that weighted draws of the person have
in a population two standard errors of s wider, as wide as the data may still allow. Curvature at the mode would not do:
where a parameter's effect levels off the likelihood is flat but for a peak, and u_i would not have one scale for all τ.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.special import erf, erfinv, ndtr, ndtri

from .draws import weighted_draws
from .em import person_posterior
from .errors import standard_errors
from .fit import PeopleFit
from .population import SLOPE_SD, SPREAD_SD, Population

_WIDEST = 1.0  # step of s: where people hardly differ the information knows no end, and the prior does
_WIDE = 2.0  # standard errors of s
_DRAWS = (256, 1024, 4096)  # of a person, more where few of them count
_FEW = 10  # draws a parameter that weighted ones are worth, below which they are not used
_MEDIAN = float(ndtri(0.75))  # of |N(0, 1)|
_TINY = 1e-6  # of τ, less than a millionth of whose prior is below: there Λ would be the difference of large numbers


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
        self.scores = _scores(population.spread)
        _, spread_errors = standard_errors(population, fit.posteriors, self.covariates)
        self.score_errors = np.minimum(spread_errors / _slopes(self.scores, population.spread), _WIDEST)
        wide = Population(population.effects, _spreads(self.scores + _WIDE * self.score_errors))
        normals = [self._normal(k, wide, one.eta) for k, one in enumerate(fit.posteriors)]
        self.information, self.linear = (np.array(part) for part in zip(*normals, strict=True))
        self.people, self.size = self.linear.shape
        prior = np.full(self.shape, SLOPE_SD**-2)
        prior[:, 0] = 3 / math.pi**2  # of a logistic distribution
        self.prior = np.diag(prior.ravel())
        self.n_dim = population.effects.size + self.size + self.linear.size
        self.pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def _normal(self, person: int, wide: Population, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Information and linear term of the normal likelihood that gives a person's posterior in that population.

        Where few of the most draws count, those of the curvature at the mode.
        """
        centre = wide.centres(self.covariates[person : person + 1])[0]
        mode = person_posterior(self.likelihood, person, eta, centre, wide.spread)
        for draws in _DRAWS:
            places, weights = weighted_draws(draws, self.likelihood, person, mode, centre, wide.spread)
            if 1 / (weights**2).sum() >= _FEW * len(centre):
                break
        else:
            return mode.information, mode.information @ mode.eta + (mode.eta - centre) / wide.spread**2
        off = (places - centre) / wide.spread
        mean = weights @ off
        shares, directions = np.linalg.eigh((off - mean).T @ (weights[:, None] * (off - mean)))
        precision = (directions / np.minimum(shares, 1.0)) @ directions.T  # wider ones would have negative information
        information = (precision - np.eye(len(centre))) / np.outer(wide.spread, wide.spread)
        return information, information @ centre + precision @ mean / wide.spread

    def population(self, place: np.ndarray) -> Population:
        """The population at a place (n_dim,)."""
        return self._laid_out(place).population

    def etas(self, place: np.ndarray) -> np.ndarray:
        """Everybody's η at a place, (people, parameters)."""
        return self._laid_out(place).etas

    def _laid_out(self, place: np.ndarray) -> _Place:
        """Spreads, the effects that go with them, and the people who go with both."""
        v, own, u = np.split(place, np.cumsum([self.prior.shape[0], self.size]))
        scores = self.scores + self.score_errors * own
        u = u.reshape(self.people, self.size)
        spread = _spreads(scores)
        if not (np.isfinite(spread) & (spread > _TINY)).all():
            raise OverflowError
        tight = spread**-2.0
        inverse = np.linalg.inv(np.linalg.cholesky(self.information + np.diag(tight)))  # L⁻¹
        covariance = np.einsum("iba,ibc->iac", inverse, inverse)  # P⁻¹
        alone = np.einsum("iab,ib->ia", covariance, self.linear)  # P⁻¹h
        left = covariance @ self.information  # P⁻¹H = 1 − P⁻¹T
        about = np.einsum("iab,ic,id->acbd", tight[:, None] * left, self.weights, self.weights)
        inward = np.linalg.inv(np.linalg.cholesky(self.prior + about.reshape(self.prior.shape)))  # R⁻¹
        expected = inward.T @ (inward @ (tight[:, None] * (alone.T @ self.weights)).ravel())
        population = Population((expected + inward.T @ v).reshape(self.shape), spread)
        means = alone + np.einsum("iab,ib->ia", covariance, population.centres(self.covariates) * tight)
        etas = means + np.einsum("iba,ib->ia", inverse, u)
        return _Place(v, scores, u, population, means, etas, inverse, alone, left, inward, expected)

    def __call__(self, place: np.ndarray) -> tuple[float, np.ndarray]:
        """The log density at a place, and its gradient (n_dim,); −∞ where numbers fail, beyond almost any draw."""
        try:
            at = self._laid_out(place)
        except OverflowError:
            return -math.inf, np.zeros(self.n_dim)
        if not np.isfinite(at.etas).all():
            return -math.inf, np.zeros(self.n_dim)
        population, inverse = at.population, at.inverse
        tight = population.spread**-2.0
        centres = population.centres(self.covariates)
        evaluate = self.likelihood.evaluate
        found = list((self.pool.map if self.pool else map)(evaluate, range(self.people), at.etas))
        off = at.etas - centres
        value = sum(one.log_likelihood for one in found)
        value += float(-0.5 * (off**2 * tight).sum() + 0.5 * self.people * np.log(tight).sum())
        value += float(np.log(np.diagonal(inverse, axis1=1, axis2=2)).sum())  # −Σ ln diag L
        value += float(np.log(np.diagonal(at.inward)).sum())  # −Σ ln diag R
        value += population.log_prior_of_effects() - 0.5 * float(at.scores @ at.scores)

        down = np.array([one.gradient for one in found]) - off * tight  # ∂/∂η
        pulled = np.einsum("iab,ib->ia", inverse, down)  # L⁻¹ ∂/∂η, which is ∂/∂u
        solved = np.einsum("iba,ib->ia", inverse, pulled)  # P⁻¹ ∂/∂η
        by_centre = (off + solved) * tight
        by_effect = by_centre.T @ self.weights
        mean, slopes = population.effects[:, 0], population.effects[:, 1:]
        by_effect[:, 0] -= np.tanh(0.5 * mean)
        by_effect[:, 1:] -= slopes / SLOPE_SD**2
        by_spread = (off**2 * tight - 1).sum(axis=0)  # ∂/∂ln τ
        by_spread += 2 * tight * (solved * (at.means - centres)).sum(axis=0)  # through M
        terms = inverse * pulled[:, :, None]  # (person, row, parameter): a_r q_r
        before = np.cumsum(terms, axis=1) - 0.5 * terms
        by_spread += 2 * tight * (inverse * at.u[:, :, None] * before).sum(axis=(0, 1))  # through L⁻ᵀu
        by_spread += tight * (inverse**2).sum(axis=(0, 1))  # through ln det L
        by_v = at.inward @ by_effect.ravel()  # R⁻¹ ∂/∂e
        by_spread += self._through_effects(at, by_v, tight)
        own = (by_spread * _slopes(at.scores, population.spread) - at.scores) * self.score_errors
        return float(value), np.concatenate([by_v, own, pulled.ravel()])

    def _through_effects(self, at: _Place, by_v: np.ndarray, tight: np.ndarray) -> np.ndarray:
        """∂/∂ln τ through E, R⁻ᵀv and ln det R.

        With S = R⁻¹ dΛ R⁻ᵀ and Φ its lower triangle, the diagonal halved: dR = R Φ(S), d ln det R = tr S/2.
        """
        product = np.outer(at.v, by_v)
        by_s = np.tril(product) - 0.5 * np.diag(np.diagonal(product)) + 0.5 * np.eye(len(product))
        by_linear = at.inward.T @ by_v  # Λ⁻¹ ∂/∂e
        by_precision = at.inward.T @ by_s @ at.inward + np.outer(by_linear, at.expected)  # minus ∂/∂Λ
        by_precision = by_precision.reshape(*self.shape, *self.shape)
        own = np.einsum("acbd,ic,id->iab", by_precision, self.weights, self.weights)
        pull = self.weights @ by_linear.reshape(self.shape).T
        through = np.einsum("ika,iab,ikb->k", at.left, own, at.left)  # dA = −2τ⁻² (row k of P⁻¹H)²
        found: np.ndarray = 2 * tight * (through - np.einsum("ik,ika,ia->k", at.alone, at.left, pull))
        return found


@dataclass(frozen=True, eq=False)
class _Place:
    """A place in coordinates, and what is there."""

    v: np.ndarray
    scores: np.ndarray
    u: np.ndarray  # (people, parameters)
    population: Population
    means: np.ndarray  # M
    etas: np.ndarray
    inverse: np.ndarray  # L⁻¹
    alone: np.ndarray  # P⁻¹h
    left: np.ndarray  # P⁻¹H
    inward: np.ndarray  # R⁻¹
    expected: np.ndarray  # E, row by row


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
