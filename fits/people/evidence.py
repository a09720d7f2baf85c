"""The log evidence of populations on weighted draws of people that stay, with its gradient and curvature.

    ln E = Σ_i ln (1/S) Σ_s p(y_i | η_is) N(η_is; m_i, τ²)/q_i(η_is) + ln prior

in nats, of the answers y_i of person i, whose parameters η (as logits between their bounds) lie about m_i with standard
deviation τ in the population; η_is are S draws from the mixture of distributions q_i (:mod:`fits.people.draws`), as in
simulated maximum likelihood (Gourieroux & Monfort 1996, doi:10.1093/0198774753.001.0001).

The gradient is exact (Fisher's identity). Draws judge only populations near those that they were made for, so a climb
that is to be cautious takes off the variance of the difference between ln E and that where it began,

    Σ_i Σ_s (w_is − w°_is)²

with a person's weights w here and w° there. That grows with the square of the distance and falls as draws are added, so
climbs that go on from one another end where ln E does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from .draws import Draws
from .population import LARGEST_SPREAD, LEAST_SPREAD, SLOPE_SD, SPREAD_SD, Population

_PRECISELY = 1e-12  # gain of a step at which a climb ends, as a share of the log evidence


class Evidence:
    """The log evidence of populations on draws that stay: (people, draws, parameters); absent draws have −∞."""

    def __init__(self, own: Sequence[Draws], covariates: np.ndarray) -> None:
        self.covariates = covariates
        self.weights = np.column_stack([np.ones(len(covariates)), covariates])
        heights = [one.heights() for one in own]
        self.counts = np.array([len(one) for one in heights])
        shape = (len(own), int(self.counts.max()))
        self.places = np.zeros((*shape, own[0].places[0].shape[1]))
        self.heights = np.full(shape, -np.inf)
        for k, one in enumerate(own):
            self.places[k, : self.counts[k]] = np.concatenate(one.places)
            self.heights[k, : self.counts[k]] = heights[k]
        self.squares = self.places**2

    def weigh(self, population: Population) -> tuple[np.ndarray, np.ndarray]:
        """Weights (people, draws), and each person's log evidence."""
        tight, centres = population.spread**-2.0, population.centres(self.covariates)
        towards = centres * tight
        logs = self.heights + (self.places @ towards[:, :, None])[:, :, 0]
        logs -= 0.5 * (self.squares @ tight + (towards * centres).sum(axis=1)[:, None])
        total = logsumexp(logs, axis=1)
        return np.exp(logs - total[:, None]), total - np.log(population.spread).sum() - np.log(self.counts)

    def slopes(self, population: Population, since: np.ndarray | None = None) -> tuple[float, np.ndarray, np.ndarray]:
        """Log evidence with the prior, and its slopes in the effects and in ln τ; less the variance of its difference
        from where the weights are ``since``, (people, draws), if given."""
        weights, each = self.weigh(population)
        doubt = 0.0
        if since is not None:
            moved = weights - since
            doubt = float((moved**2).sum())
            weights = weights * (1 - 2 * (moved - (weights * moved).sum(axis=1)[:, None]))
        tight, centres = population.spread**-2.0, population.centres(self.covariates)
        means, squares = ((weights[:, None] @ every)[:, 0] for every in (self.places, self.squares))
        effects = ((means - centres) * tight).T @ self.weights
        effects[:, 0] -= np.tanh(0.5 * population.effects[:, 0])
        effects[:, 1:] -= population.effects[:, 1:] / SLOPE_SD**2
        squares = squares - (2 * means - centres) * centres  # about the centres
        spread = (squares * tight - 1).sum(axis=0) + 1 - (population.spread / SPREAD_SD) ** 2
        return float(each.sum()) + population.log_prior() - doubt, effects, spread

    def information(self, population: Population) -> np.ndarray:
        """The curvature of minus the log evidence with the prior, over effects, row by row, and ln τ.

        That of log densities given η less the variance of their slopes over each person's posterior (Louis 1982,
        doi:10.1111/j.2517-6161.1982.tb01203.x).
        """
        weights, _ = self.weigh(population)
        size, width = population.effects.shape
        found = np.zeros((size * (width + 1),) * 2)
        for places, own, centre, row in zip(
            self.places, weights, population.centres(self.covariates), self.weights, strict=True
        ):
            off = (places - centre) / population.spread
            slopes = np.column_stack([off / population.spread, off**2 - 1])  # in the centre, and in ln τ
            mean = own @ slopes
            each = -np.einsum("s,sj,sk->jk", own, slopes - mean, slopes - mean)
            along = np.arange(size)
            each[along, along] += population.spread**-2.0
            each[along, size + along] += 2 * mean[:size]
            each[size + along, along] += 2 * mean[:size]
            each[size + along, size + along] += 2 * (mean[size:] + 1)
            into = np.zeros((2 * size, len(found)))
            into[:size, : size * width] = np.kron(np.eye(size), row)
            into[size:, size * width :] = np.eye(size)
            found += into.T @ each @ into
        return found + np.diag(population.prior_information())

    def climb(
        self, start: Population, box: np.ndarray, gain: float = _PRECISELY, cautious: bool = False
    ) -> tuple[Population, int, np.ndarray, float]:
        """The best population within a box of half widths ``box``, the steps taken, where the box held it, and what was
        gained, in nats; by the log evidence, less the variance of what is gained if ``cautious``.

        Effects are in units of the τ at the start, then come ln τ. It ends where a step gains so little, as a share of
        the log evidence.
        """
        since = self.weigh(start)[0] if cautious else None
        unit, size = start.spread[:, None], start.effects.size
        origin = np.log(start.spread)

        def population(place: np.ndarray) -> Population:
            effects = start.effects + unit * place[:size].reshape(start.effects.shape)
            return Population(effects, np.maximum(np.exp(origin + place[size:]), LEAST_SPREAD))

        def cost(place: np.ndarray) -> tuple[float, np.ndarray]:
            height, effects, spread = self.slopes(population(place), since)
            return -height, -np.concatenate([(effects * unit).ravel(), spread])

        low, high = -box.copy(), box.copy()
        low[size:] = np.maximum(low[size:], math.log(LEAST_SPREAD) - origin)
        high[size:] = np.minimum(high[size:], math.log(LARGEST_SPREAD) - origin)
        bounds = list(zip(low, high, strict=True))
        found = minimize(cost, np.zeros(len(box)), jac=True, method="L-BFGS-B", bounds=bounds,
                         options={"ftol": gain, "gtol": 1e-5, "maxiter": 500})  # fmt: skip
        gained = -float(found.fun) - self.slopes(start)[0]
        return population(found.x), int(found.nit), np.abs(found.x) >= box * (1 - 1e-9), gained
