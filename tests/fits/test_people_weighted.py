"""The evidence on weighted draws, where the likelihood is normal and all is known in closed form."""

import numpy as np
import pytest
from measured_people import ERRORS, Measured, exact, measured
from scipy import stats

from fits.people import weighted
from fits.people.draws import Draws, _uniform, interval_ends, log_density, person_draws, t_draws, widened
from fits.people.em import expectation_maximisation, person_posterior
from fits.people.errors import standard_errors
from fits.people.evidence import Evidence
from fits.people.population import LEAST_SPREAD, Population


def test_evidence_on_draws_has_the_slopes_of_differences_and_the_value_in_closed_form():
    """Slopes to 1e-6 relative; value to 0.05 nats over 25 people, with 1024 draws in two rounds."""
    likelihood = measured([0.7, 0.4])
    population = Population(np.array([[0.3], [-0.5]]), np.array([0.6, 0.5]))
    centre, spread = population.effects[:, 0], population.spread
    own = []
    for k in range(len(likelihood)):
        drawn, about = Draws(), person_posterior(likelihood, k, centre, centre, spread)
        for rounds in range(2):
            about = about._replace(eta=about.eta + 0.3 * rounds)
            drawn.add([(about, *t_draws(512, likelihood, k, (k, rounds), about))])
        own.append(drawn)
    evidence = Evidence(own, np.zeros((len(own), 0)))
    value, effects, slopes = evidence.slopes(population)
    closed = stats.norm.logpdf(likelihood.seen, centre, np.hypot(spread, ERRORS)).sum() + population.log_prior()
    assert value == pytest.approx(closed, abs=0.05)
    assert value == float(evidence.weigh(population)[1].sum()) + population.log_prior()
    elsewhere = Population(population.effects + 1.0, 2 * spread)
    for since in (None, evidence.weigh(elsewhere)[0]):
        here, effects, slopes = evidence.slopes(population, since)
        doubt = 0.0 if since is None else ((evidence.weigh(population)[0] - since) ** 2).sum()
        assert here == pytest.approx(value - doubt, rel=1e-12) and (doubt > 0.01 or since is None)
        for j, unit in enumerate(np.eye(2) * 1e-5):
            moved = [Population(population.effects + sign * unit[:, None], spread) for sign in (1, -1)]
            ends = [evidence.slopes(there, since)[0] for there in moved]
            assert effects[j, 0] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-6)
            moved = [Population(population.effects, spread * np.exp(sign * unit)) for sign in (1, -1)]
            ends = [evidence.slopes(there, since)[0] for there in moved]
            assert slopes[j] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-6)


def test_a_cautious_climb_takes_off_the_variance_of_what_it_gains_and_wanders_less():
    """Of 400 samples of 64 draws a person: the variance of the gain between two populations is the mean of what is
    taken off, to 4 of its standard errors. Of the first 100, with 16, climbs end .28 from the best on average (.45)."""
    likelihood = measured([0.7, 0.4], n=8)
    place, _ = exact(likelihood)
    best = Population(place[:2, None], np.exp(place[2:]))
    start = Population(best.effects + 0.3, np.array([0.5, 0.6]))
    modes = [person_posterior(likelihood, k, np.zeros(2), start.effects[:, 0], start.spread) for k in range(8)]

    def evidence(draws, seed):
        own, rng = [], np.random.default_rng([draws, seed])
        for k, mode in enumerate(modes):
            own.append(Draws())
            places = stats.multivariate_t(mode.eta, mode.covariance, df=4).rvs(draws, random_state=rng)
            own[-1].add([(mode, places, likelihood.log_likelihoods(k, places))])
        return Evidence(own, np.zeros((8, 0)))

    gains, doubts, far = [], [], []
    for seed in range(400):
        drawn = evidence(64, seed)
        since = drawn.weigh(start)[0]
        gains.append(drawn.slopes(best)[0] - drawn.slopes(start)[0])
        doubts.append(drawn.slopes(best)[0] - drawn.slopes(best, since)[0])
    assert np.var(gains, ddof=1) == pytest.approx(np.mean(doubts), rel=4 * np.sqrt(2 / 400))
    for seed in range(100):
        drawn = evidence(16, seed)
        ends = [drawn.climb(start, np.full(4, 2.0), cautious=cautious) for cautious in (False, True)]
        far.append([there.shift(best) for there, _, _, _ in ends])
        plain, careful = ends[0][3], ends[1][3]
        assert 0 < careful < plain
    assert np.mean(far, axis=0)[1] < 0.8 * np.mean(far, axis=0)[0]


def test_information_on_draws_is_the_difference_of_slopes():
    """With a covariate; 1e-5 relative."""
    likelihood = measured([0.7, 0.4], n=9)
    covariates = stats.zscore(np.arange(9.0))[:, None]
    population = Population(np.array([[0.3, 0.2], [-0.5, -0.1]]), np.array([0.6, 0.5]))
    own = []
    for k, centre in enumerate(population.centres(covariates)):
        drawn = Draws()
        about = person_posterior(likelihood, k, centre, centre, population.spread)
        drawn.add([(about, *t_draws(64, likelihood, k, k, about))])
        own.append(drawn)
    evidence = Evidence(own, covariates)

    def slopes(place):
        _, effects, spread = evidence.slopes(Population(place[:4].reshape(2, 2), np.exp(place[4:])))
        return np.concatenate([effects.ravel(), spread])

    here = np.concatenate([population.effects.ravel(), np.log(population.spread)])
    expected = [(slopes(here - step) - slopes(here + step)) / 2e-5 for step in np.eye(6) * 1e-5]
    found = evidence.information(population)
    assert found == pytest.approx(np.array(expected), rel=1e-5, abs=1e-5)


def test_standard_errors_are_infinite_where_the_evidence_is_not_curved():
    population = Population(np.zeros((2, 1)), np.full(2, 2.0))  # of nobody, so that all is the prior's: √2 and 1/√2
    curved = np.array([[4.0, 1.0, 0.5, 0.0], [1.0, 3.0, 0.0, 0.0], [0.5, 0.0, 2.0, 0.3], [0.0, 0.0, 0.3, 1.0]])
    effects, spread = standard_errors(population, (), np.zeros((0, 0)), curved)
    errors = np.sqrt(np.diag(np.linalg.inv(curved)))
    assert np.append(effects, spread) == pytest.approx([*errors[:2], *np.maximum(errors[2:], np.sqrt(0.5))])
    none = np.diag([-8.9, 1.0, -1.6, 4.0])  # as much as the prior's, and less than nothing
    effects, spread = standard_errors(population, (), np.zeros((0, 0)), none)
    assert np.append(effects, spread).tolist() == [np.inf, 1.0, np.inf, np.sqrt(0.5)]
    full = none + 3.0 * (np.ones((4, 4)) - np.eye(4))
    assert np.isinf(standard_errors(population, (), np.zeros((0, 0)), full)[0][0, 0])
    curved[3, 3] = -0.2
    effects, spread = standard_errors(population, (), np.zeros((0, 0)), curved)
    assert spread[1] == np.inf
    errors = np.sqrt(np.diag(np.linalg.inv(curved[:3, :3])))
    assert np.append(effects, spread[0]) == pytest.approx([*errors[:2], max(errors[2], np.sqrt(0.5))])


def test_draws_count_by_the_mixture_of_all_distributions_whenever_they_were_made():
    """To 1e-12, added at once, one by one, or in two parts."""
    likelihood = measured([0.7, 0.4])
    about = [person_posterior(likelihood, 0, np.zeros(2), np.full(2, k / 3), np.ones(2)) for k in range(4)]
    drawn = [(one, *t_draws(16 * 2**k, likelihood, 0, k, one)) for k, one in enumerate(about)]
    places = np.concatenate([own for _, own, _ in drawn])
    densities = [len(own) / len(places) * np.exp(log_density(one, places)) for one, own, _ in drawn]
    expected = np.concatenate([logs for _, _, logs in drawn]) - np.log(sum(densities))
    for parts in ([drawn], [[one] for one in drawn], [drawn[:3], drawn[3:]]):
        together = Draws()
        for part in parts:
            together.add(part)
        assert together.heights() == pytest.approx(expected, rel=1e-12)


def test_density_of_draws_is_that_of_a_multivariate_t():
    one = person_posterior(measured([0.7, 0.4]), 0, np.zeros(2), np.zeros(2), np.ones(2))
    one = one._replace(covariance=np.array([[0.5, 0.2], [0.2, 0.3]]))
    places = np.random.default_rng(1).normal(size=(7, 2))
    expected = stats.multivariate_t.logpdf(places, one.eta, one.covariance, df=4) + np.log(2 * np.pi)
    assert log_density(one, places) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("workers", [1, 2])
def test_population_is_that_of_the_closed_form(workers):
    """Within 0.02 of μ and 3 % of τ; the log evidence within 0.1 nats over 25 people, with 256 draws a round."""
    likelihood = measured([0.9, 0.8])
    best, height = exact(likelihood)
    ended = expectation_maximisation(likelihood, np.zeros((25, 0)), draws=256, workers=workers)
    assert ended.converged
    assert ended.population.effects[:, 0] == pytest.approx(best[:2], abs=0.02)
    assert ended.population.spread == pytest.approx(np.exp(best[2:]), rel=0.03)
    total = sum(one.log_evidence for one in ended.people) + ended.population.log_prior()
    assert total == pytest.approx(height, abs=0.1)
    precision = ERRORS**-2.0 + ended.population.spread**-2.0
    for one in ended.people:  # quantiles of draws have that of a normal to a fifth of its standard deviation
        half = 1.959964 / np.sqrt(precision)
        assert one.ends == pytest.approx(one.eta + np.outer([-1, 1], half), abs=0.2 / np.sqrt(precision.min()))


def test_a_spread_that_the_data_do_not_show_is_settled_where_the_closed_form_has_it():
    rng = np.random.default_rng(2)
    likelihood = Measured(np.array([0.4, -0.6]) + np.array([1.0, 0.3]) * rng.standard_normal((25, 2)))
    best, _ = exact(likelihood)
    assert LEAST_SPREAD < np.exp(best[3]) < 0.2  # the second is measured with more error than people vary
    ended = expectation_maximisation(likelihood, np.zeros((25, 0)), draws=256)
    assert ended.converged and ended.steps < 150
    off = np.abs(np.log(ended.population.spread) - best[2:])
    assert off[0] < 0.03 and off[1] < 0.2  # the standard error of this logarithm is above 1


def test_ends_of_intervals_are_quantiles_of_the_weighted_draws():
    """A skewed posterior has its 95 % farther on one side; to 0.1 with 20 000 draws from elsewhere."""
    places = np.random.default_rng(1).normal(3.0, 4.0, (20_000, 1))
    target = stats.gamma(3.0)
    weights = target.pdf(places[:, 0]) / stats.norm.pdf(places[:, 0], 3.0, 4.0)
    ends = interval_ends(places, weights / weights.sum())
    assert ends[:, 0] == pytest.approx(target.ppf([0.025, 0.975]), abs=0.1)
    one = person_posterior(measured([0.7, 0.4]), 0, np.zeros(2), np.zeros(2), np.ones(2))
    assert one.interval() == pytest.approx(one.eta + 1.959964 * np.outer([-1, 1], np.sqrt(np.diag(one.covariance))))
    assert one._replace(ends=ends).interval() is ends


def test_the_wider_half_of_the_draws_is_wider_where_little_is_known_and_not_beyond_the_population():
    one = person_posterior(measured([0.7, 0.4]), 0, np.zeros(2), np.zeros(2), np.ones(2))
    spread = np.array([2.0, 0.5])
    one = one._replace(covariance=np.diag([0.01, 0.3]) * np.outer(spread, spread))
    assert widened(one, spread).covariance == pytest.approx(np.diag([0.011, 1.0]) * np.outer(spread, spread))
    beyond = one._replace(covariance=np.diag([4.0, 0.3]) * np.outer(spread, spread))
    assert widened(beyond, spread).covariance[0, 0] == pytest.approx(16.0)
    drawn = person_draws(64, measured([0.7, 0.4]), 0, (3, 1), one, spread)
    assert [len(places) for _, places, _ in drawn] == [32, 32] and drawn[0][0] is one
    assert not np.array_equal(drawn[0][1], drawn[1][1])


def test_points_fill_the_unit_cube_evenly_and_are_uniform_each():
    """One in each of as many slices along every side, and in each of 4 × 16 cells of a plane as Sobol's first two have
    it; over many seeds every point has all of the range."""
    points = np.array([_uniform(64, 5, np.random.default_rng(seed)) for seed in range(400)])
    assert (points > 0).all() and (points < 1).all()
    assert (np.sort((points * 64).astype(int), axis=1) == np.arange(64)[:, None]).all()
    cells = (points[..., 0] * 4).astype(int) * 16 + (points[..., 1] * 16).astype(int)
    assert (np.sort(cells, axis=1) == np.arange(64)).all()
    for point in (0, 1, 37):
        for side in range(5):
            assert stats.kstest(points[:, point, side], "uniform").pvalue > 1e-4
    together = np.corrcoef(points[:, 0].T)[np.triu_indices(5, 1)]
    assert np.abs(together).max() < 4 / np.sqrt(400)


def test_draws_come_in_pairs_about_the_centre():
    likelihood = measured([0.7, 0.4])
    one = person_posterior(likelihood, 0, np.zeros(2), np.zeros(2), np.ones(2))
    places, _ = t_draws(64, likelihood, 0, 3, one)
    assert places.shape == (64, 2) and places[:32] + places[32:] == pytest.approx(2 * one.eta + np.zeros((32, 2)))
    for draws in (-16, 8, 100):
        with pytest.raises(ValueError, match=f"draws is {draws}; give a power of 2 from 16 on"):
            expectation_maximisation(likelihood, np.zeros((25, 0)), draws=draws)


def test_evidence_of_few_people_with_a_covariate_is_that_of_plain_monte_carlo():
    """What is maximised on draws must not be their chance: within 0.15 nats of the closed form, 6 to 12 people."""
    for n, seed in ((6, 1), (8, 2), (12, 3)):
        likelihood = measured([0.5, 0.02], n=n, seed=seed)
        covariates = stats.zscore(np.arange(float(n)))[:, None]
        ended = expectation_maximisation(likelihood, covariates)
        assert ended.converged
        centres = ended.population.centres(covariates)
        closed = stats.norm.logpdf(likelihood.seen, centres, np.hypot(ended.population.spread, ERRORS)).sum(axis=1)
        assert sum(one.log_evidence for one in ended.people) == pytest.approx(closed.sum(), abs=0.15)
        assert min(one.worth for one in ended.people) > 64


def test_of_many_people_some_are_fitted_first_and_all_end_where_the_closed_form_has_them():
    """Within 0.02 of μ and 2 % of τ with 64 draws a round, and most people are searched for a few times only."""
    searched = []

    class Counted(Measured):
        def part(self, people):
            return Counted(self.seen[people])

        def evaluate(self, person, eta):
            searched.append(person)
            return super().evaluate(person, eta)

    likelihood = Counted(measured([0.9, 0.8], n=520).seen)
    best, height = exact(likelihood)
    ended = expectation_maximisation(likelihood, np.zeros((520, 0)), draws=64, workers=1)
    assert ended.converged and len(ended.people) == 520
    assert ended.population.effects[:, 0] == pytest.approx(best[:2], abs=0.02)
    assert ended.population.spread == pytest.approx(np.exp(best[2:]), rel=0.02)
    total = sum(one.log_evidence for one in ended.people) + ended.population.log_prior()
    assert total == pytest.approx(height, abs=1.0)
    with_all = len(searched)
    searched.clear()
    expectation_maximisation(likelihood, np.zeros((520, 0)), start=Population(np.zeros((2, 1)), np.full(2, 0.5)),
                             draws=64, workers=1)  # fmt: skip
    assert with_all < 0.8 * len(searched)


def test_more_is_drawn_about_a_draw_that_weighs_too_much():
    """Half of what is drawn of that person, whose curvature there decides its width; nothing changes for the others."""
    likelihood, population = measured([0.7, 0.4]), Population(np.zeros((2, 1)), np.array([0.7, 0.4]))
    modes = [person_posterior(likelihood, k, np.zeros(2), np.zeros(2), population.spread) for k in range(25)]
    samples = [weighted._Sample(likelihood, np.zeros((25, 0)), lambda function, *rows: function(*rows)) for _ in "ab"]
    heavy = [None] * 25
    heavy[3] = np.array([2.0, -2.0])
    for sample, about in zip(samples, ([None] * 25, heavy), strict=True):
        sample.draw(64, population, modes, (), heaviest=about)
    without, others = samples[0].own, samples[1].own
    made = others[3]
    assert [len(places) for places in made.places] == [16, 16, 32]
    assert made.made_for[2].eta.tolist() == [2.0, -2.0]
    assert made.made_for[2].covariance == pytest.approx(np.diag(1 / (ERRORS**-2.0 + population.spread**-2.0)))
    assert made.places[2].mean(axis=0) == pytest.approx([2.0, -2.0])
    for k in set(range(25)) - {3}:
        assert np.array_equal(np.concatenate(without[k].places), np.concatenate(others[k].places))
