"""Intervals of spreads that are badly known, where the likelihood is normal and all is known in closed form."""

from types import SimpleNamespace

import numpy as np
import pytest
from measured_people import ERRORS, exact, measured
from scipy import optimize, stats

from fits.people import spreads, weighted
from fits.people.draws import Draws, person_draws
from fits.people.em import expectation_maximisation, person_posterior
from fits.people.evidence import Evidence
from fits.people.population import LEAST_SPREAD, SPREAD_SD, Population


def likelihood_ratio_ends(likelihood, j):
    """Ends of the 95 % interval of τ_j by the closed-form likelihood, with the priors of all else; 0 if it has none."""

    def best(log):
        def cost(place):
            mean, spread = place[:2], np.exp(np.insert(place[2:], j, log))
            height = stats.norm.logpdf(likelihood.seen, mean, np.hypot(spread, ERRORS)).sum()
            return -height - Population(mean[:, None], spread).log_prior() - 0.5 * (spread[j] / SPREAD_SD) ** 2 + log

        return -optimize.minimize(cost, [0, 0, -1], bounds=[(-5, 5)] * 2 + [(np.log(LEAST_SPREAD), 2)]).fun

    top = optimize.minimize_scalar(lambda log: -best(log), bounds=(-4, 2), method="bounded", options={"xatol": 1e-6})
    excluded = -top.fun - stats.chi2(1).ppf(0.95) / 2
    low = np.log(LEAST_SPREAD)
    lower = 0.0 if best(low) > excluded else np.exp(optimize.brentq(lambda log: best(log) - excluded, low, top.x))
    return lower, np.exp(optimize.brentq(lambda log: best(log) - excluded, top.x, 4))


def test_intervals_of_badly_known_spreads_are_those_of_the_likelihood_ratio(monkeypatch):
    """With 128 draws, whose errors make intervals wider, half of the ends are within 6 % of the closed form, and none
    is too near by more than 4 %; 0 where that excludes no small spread."""
    made, ratios = [], []

    def counted(evidence, population, errors, which, drawn, each):
        return spreads.spread_ends(
            evidence, population, errors, which, lambda *there: made.append(1) or drawn(*there), each
        )

    monkeypatch.setattr(weighted, "spread_ends", counted)
    for seed in (1, 2, 4, 5, 6, 7, 16, 20):
        likelihood = measured([0.7, 0.4], seed=seed)
        found = expectation_maximisation(likelihood, np.zeros((25, 0)), draws=128, workers=1).spread_ends
        expected = np.transpose([likelihood_ratio_ends(likelihood, j) for j in range(2)])
        known = ~np.isnan(found[0])
        assert (found[0, expected[0] == 0] == 0).all() and known.any()
        bounded = known & (expected[0] > 0)
        ratios.append((found[0, bounded] / expected[0, bounded], found[1, known] / expected[1, known]))
    lower, upper = (np.concatenate(some) for some in zip(*ratios, strict=True))
    assert lower.max() < 1.04 and upper.min() > 0.96 and lower.min() > 0 and upper.max() < 1.25
    assert np.median(lower) > 0.94 and np.median(upper) < 1.06
    assert made


@pytest.mark.parametrize(
    ("errors", "largest", "drawn"),
    [([1.3], 0.005, 0), ([1.2, 1.08, 0.9], 0.005, 2), ([1.22, 1.2], 0.005, 1), ([1.3, 1.3, 1.3], 0.02, 2),
     ([np.inf, 1.3], 1.0, 2), ([0.9], 0.005, 0)],
)  # fmt: skip
def test_draws_that_would_not_be_enough_are_spared(errors, largest, drawn, monkeypatch):
    """With 200 draws of a person and 50 more at a time, twice at most, an error that all share falls from 1.22 to 1."""
    population = Population(np.zeros((1, 1)), np.full(1, 0.5))
    left, made = iter([*errors, *errors[-1:] * 3]), []

    def evidence():
        return SimpleNamespace(counts=np.full(7, 200 + 50 * len(made)))

    monkeypatch.setattr(spreads, "_best_beside", lambda evidence, start, j, log: population)
    monkeypatch.setattr(spreads, "_height", lambda *given: (-9.0, next(left), largest))
    walked, _ = spreads._walk(evidence(), population, 0, 0.2, 1.0, lambda there, j: made.append(j) or evidence(), 50)
    assert len(made) == drawn and len(walked) == (errors[-1] < 1)


def test_draws_for_intervals_do_not_move_the_fit_and_tell_more_of_people():
    likelihood = measured([0.7, 0.4])
    fits = [expectation_maximisation(likelihood, np.zeros((25, 0)), draws=64, intervals=some) for some in (False, True)]
    assert np.array_equal(fits[0].population.spread, fits[1].population.spread)
    assert np.array_equal(fits[0].population.effects, fits[1].population.effects)
    worths = np.array([[one.worth for one in fit.people] for fit in fits])
    assert (worths[1] > worths[0]).all()
    assert not np.array_equal(fits[0].information, fits[1].information)


def test_a_spread_that_is_well_known_has_the_interval_of_its_error():
    ended = expectation_maximisation(measured([0.7, 0.9], n=100), np.zeros((100, 0)), draws=64)
    assert np.isnan(ended.spread_ends).all()


def test_where_draws_do_not_judge_intervals_are_open(monkeypatch):
    likelihood = measured([0.7, 0.4], n=12)
    monkeypatch.setattr(spreads, "_JUDGES", 0.0)
    ended = expectation_maximisation(likelihood, np.zeros((12, 0)), draws=32)
    assert ended.spread_ends[0].tolist() == [0.0, 0.0] and np.isinf(ended.spread_ends[1]).all()


def test_far_from_the_fit_people_get_more_draws():
    """From 16 draws each: without more the interval has no upper end, with them it has that of the closed form."""
    likelihood = measured([0.7, 0.6], n=60, seed=3)
    place, _ = exact(likelihood)
    population, covariates = Population(place[:2, None], np.exp(place[2:])), np.zeros((60, 0))
    own = [Draws() for _ in range(60)]
    asked = []

    def more(there, j, draws=64):
        for k in range(60):
            one = person_posterior(likelihood, k, np.zeros(2), there.effects[:, 0], there.spread)
            own[k].add(person_draws(draws, likelihood, k, (k, len(asked)), one, there.spread))
        asked.append(there)
        return Evidence(own, covariates)

    start = more(population, 1, 16)
    errors = np.array([0.3, 0.5])
    without = spreads.spread_ends(start, population, errors, [1], lambda *there: start, 64)
    assert np.isinf(without[1, 1]) and np.isnan(without[:, 0]).all()
    found = spreads.spread_ends(start, population, errors, [1], more, 64)
    assert found[1, 1] == pytest.approx(likelihood_ratio_ends(likelihood, 1)[1], rel=0.12) and len(asked) > 1


def test_where_one_draw_is_all_of_a_person_nothing_is_judged():
    """Its weight is 1 in both populations: nothing tells the error of the difference of their evidences."""

    class OneDraw:
        counts = np.array([2])

        def weigh(self, population):
            return np.array([[1.0, 0.0], [0.5, 0.5]]), np.zeros(2)

        def climb(self, start, box, gain):
            return start, 0, box < 0, 0.0

    made = []
    ends = spreads.spread_ends(
        OneDraw(),
        Population(np.zeros((1, 1)), np.ones(1)),
        np.array([0.5]),
        [0],
        lambda *there: made.append(1) or OneDraw(),
        64,
    )
    assert ends[:, 0].tolist() == [0.0, np.inf] and len(made) == 2 * spreads._TRIES
