"""People whose parameters are measured with normal errors: all is known in closed form."""

import numpy as np
from scipy import optimize, stats

from fits.people.likelihood import Value
from fits.people.population import LEAST_SPREAD, Population

ERRORS = np.array([0.5, 0.8])  # of a person's two measurements


class Measured:
    """People whose η are measured with normal errors: what EM asks of a likelihood."""

    def __init__(self, seen):
        self.seen = seen
        self.people = tuple(str(k) for k in range(len(seen)))
        self.scale = _Starts()

    def __len__(self):
        return len(self.seen)

    def part(self, people):
        return Measured(self.seen[people])

    def log_likelihood(self, person, eta):
        return float((-0.5 * ((self.seen[person] - eta) / ERRORS) ** 2 - np.log(ERRORS * np.sqrt(2 * np.pi))).sum())

    def log_likelihoods(self, person, etas):
        return np.array([self.log_likelihood(person, eta) for eta in etas])

    def evaluate(self, person, eta):
        slope = (self.seen[person] - eta) / ERRORS**2
        return Value(self.log_likelihood(person, eta), slope, np.diag(ERRORS**-2.0))


class _Starts:
    starts = np.zeros(2)

    def __len__(self):
        return 2


def measured(spread, n=25, seed=5):
    rng = np.random.default_rng(seed)
    return Measured(np.array([0.4, -0.6]) + np.hypot(np.array(spread), ERRORS) * rng.standard_normal((n, 2)))


def exact(likelihood):
    """The best population by its closed-form marginal likelihood, and that."""

    def cost(place):
        mean, spread = place[:2], np.exp(place[2:])
        height = stats.norm.logpdf(likelihood.seen, mean, np.hypot(spread, ERRORS)).sum()
        return -height - Population(mean[:, None], spread).log_prior()

    low = np.log(LEAST_SPREAD)
    found = optimize.minimize(cost, [0, 0, -1, -1], method="L-BFGS-B", bounds=[(-5, 5)] * 2 + [(low, 2)] * 2,
                              options={"ftol": 1e-14, "gtol": 1e-8})  # fmt: skip
    return found.x, -found.fun
