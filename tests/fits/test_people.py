"""Empirical Bayes of people against brute force, and what becomes of people who say little. All data are simulated."""

import math

import numpy as np
import pandas
import pytest
from scipy import optimize, stats
from simulated_people import MODEL, people_study, people_trials, read_people

from fits.drawing import save_figure
from fits.people import em
from fits.people.calibration import simulate_people
from fits.people.covariates import standardised
from fits.people.design import planned
from fits.people.draws import LEAST_WORTH
from fits.people.em import person_posterior
from fits.people.figures import forest_figure
from fits.people.fit import compare_people, fit_likelihood, fit_people
from fits.people.likelihood import PeopleLikelihood
from fits.people.population import Population, most_likely
from fits.study import load_study
from fits.trial_likelihood import TrialPredictor
from fits.trial_table import TrialError

SIGNS = {"first": 1.0, "second": -1.0, "third": 1.0}  # of estimates, by the number of the participant


def drawn(likelihood, population, n, seed, counts=(8, 8)):
    """A likelihood of simulated people, and their η."""
    rng = np.random.default_rng(seed)
    etas = rng.normal(population.effects[:, 0], population.spread, (n, len(population.spread)))
    template = likelihood.with_counts([likelihood.old[0]] * n, [likelihood.lures[0]] * n)
    made = [template.simulate(k, etas[k], rng) for k in range(n)]
    return likelihood.with_counts([old for old, _ in made], [new for _, new in made]), etas


def test_em_of_one_parameter_finds_the_population_of_brute_force_quadrature(tmp_path):
    """Against the marginal likelihood on a grid of η, from fits.TrialPredictor, maximised by Nelder-Mead.

    μ within 0.02 and τ within 0.03 of τ, log evidence within 0.02 a person, people's means and SDs within 0.05 and 0.06
    SDs, with 32 trials a person and 256 draws.
    """
    study = people_study(tmp_path, free=["strength"])
    trials = read_people(tmp_path, people_trials(tmp_path, 2), study)
    base = PeopleLikelihood(trials, study, MODEL)
    truth = Population(np.array([[0.4]]), np.array([0.8]))
    likelihood, _ = drawn(base, truth, 30, seed=4)
    fit = fit_likelihood(likelihood, draws=256)
    assert fit.converged

    predictor = TrialPredictor(trials, study, MODEL)
    grid = np.linspace(-5, 6, 221)
    logs = np.log([predictor.probabilities(base.values(np.array([x])), {}) for x in grid])
    data = np.array([np.concatenate([o, n]) for o, n in zip(likelihood.old, likelihood.lures, strict=True)])
    each = np.exp(np.einsum("igk,xgk->ix", data, logs))  # (people, grid)

    def evidence(mean, spread):
        return np.log(each @ stats.norm.pdf(grid, mean, spread) * (grid[1] - grid[0]))

    def cost(place):
        mean, spread = place[0], math.exp(place[1])
        prior = stats.logistic.logpdf(mean) + stats.halfnorm.logpdf(spread, scale=2) + math.log(spread)
        return -evidence(mean, spread).sum() - prior

    best = optimize.minimize(cost, [0.0, -0.5], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8})
    mean, spread = best.x[0], math.exp(best.x[1])
    assert fit.population.effects[0, 0] == pytest.approx(mean, abs=0.02 * spread)
    assert fit.population.spread[0] == pytest.approx(spread, rel=0.03)
    at = evidence(fit.population.effects[0, 0], fit.population.spread[0])
    assert fit.evidence.to_numpy() == pytest.approx(at, abs=0.02)
    weights = each * stats.norm.pdf(grid, fit.population.effects[0, 0], fit.population.spread[0])
    means = weights @ grid / weights.sum(axis=1)
    sds = np.sqrt(weights @ grid**2 / weights.sum(axis=1) - means**2)
    assert [one.eta[0] for one in fit.posteriors] == pytest.approx(means, abs=0.05 * sds.mean())
    assert [math.sqrt(one.covariance[0, 0]) for one in fit.posteriors] == pytest.approx(sds, rel=0.06)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Twenty people with two parameters of their own."""
    folder = tmp_path_factory.mktemp("people")
    study = people_study(folder, free=["strength", "criterion"])
    base = PeopleLikelihood(read_people(folder, people_trials(folder, 2), study), study, MODEL)
    truth = Population(np.array([[0.3], [-0.2]]), np.array([0.7, 0.6]))
    likelihood, etas = drawn(base, truth, 20, seed=8)
    return fit_likelihood(likelihood), etas


def test_people_are_drawn_towards_the_population(fitted):
    fit, _ = fitted
    table = fit.people[fit.people.parameter == "strength"]
    centre = fit.population.effects[0, 0]
    alone = np.array([fit.likelihood.scale.inward(np.array([x, 1.0]))[0] for x in table.alone])
    assert (np.abs(table.eta - centre) < np.abs(alone - centre) + 0.05).mean() > 0.9
    assert table.shrinkage.between(0.01, 0.99).all()
    assert (table.lower < table.estimate).all() and (table.estimate < table.upper).all()


def test_in_their_population_people_are_nearer_to_the_truth_than_alone(fitted):
    """150 people drawn from a population; alone, with a spread that lets them be anywhere (seed 3)."""
    centre, spread = np.array([0.3, -0.2]), np.array([0.7, 0.6])
    likelihood, etas = drawn(fitted[0].likelihood, Population(centre[:, None], spread), 150, seed=3)
    wide = np.full(2, math.pi / math.sqrt(3))
    errors = [
        np.mean([(person_posterior(likelihood, k, centre, about, sd).eta - etas[k]) ** 2 for k in range(150)])
        for about, sd in ((centre, spread), (np.zeros(2), wide))
    ]
    assert errors[0] < 0.9 * errors[1]


def test_tables_hold_the_population_within_its_intervals(fitted):
    fit, _ = fitted
    table = fit.parameters.set_index("parameter")
    assert table.verdict.to_dict() == {"strength": "differences not shown", "criterion": "ok"} and fit.notes.empty
    assert (table.spread_lower < [0.7, 0.6]).all() and (table.spread_upper > [0.7, 0.6]).all()
    assert (table.lower < table["median"]).all() and (table["median"] < table.upper).all()
    assert table.reliability.between(0.2, 0.99).all()
    assert fit.bic == pytest.approx(4 * math.log(fit.n_trials) - 2 * fit.log_evidence)


def test_numbers_do_not_depend_on_the_number_of_threads(fitted):
    fit, _ = fitted
    again = fit_likelihood(fit.likelihood, workers=1)
    assert np.array_equal(again.population.effects, fit.population.effects)
    assert again.people.equals(fit.people)


def test_more_trials_are_shrunk_less(fitted):
    fit, _ = fitted
    likelihood = fit.likelihood
    more = likelihood.with_counts([8 * old for old in likelihood.old], [8 * new for new in likelihood.lures])
    centre, spread = fit.population.effects[:, 0], fit.population.spread
    for k in range(3):
        few = person_posterior(likelihood, k, centre, centre, spread)
        many = person_posterior(more, k, centre, centre, spread)
        assert (np.diag(many.covariance) < np.diag(few.covariance)).all()


def test_m_step_is_where_the_expected_density_is_largest():
    rng = np.random.default_rng(0)
    etas, variances = rng.normal(0.5, 0.8, (12, 2)), rng.uniform(0.01, 0.2, (12, 2))
    covariates = rng.normal(size=(12, 1))
    before = Population(np.zeros((2, 2)), np.array([0.6, 0.9]))
    found = most_likely(etas, variances, covariates, before)

    def density(effects, spread, of):
        centres = effects[:, 0] + covariates @ effects[:, 1:].T
        squares = ((etas - centres) ** 2 + variances) / of**2
        return Population(effects, spread).log_prior() - 0.5 * squares.sum() - len(etas) * np.log(of).sum()

    top = density(found.effects, before.spread, before.spread)
    for step in rng.normal(0, 0.01, (20, 2, 2)):
        assert density(found.effects + step, before.spread, before.spread) < top
    top = density(found.effects, found.spread, found.spread)
    for factor in np.exp(rng.normal(0, 0.01, (20, 2))):
        assert density(found.effects, found.spread * factor, found.spread * factor) < top


def test_a_covariate_is_recovered_and_a_constant_one_is_left_out_and_named(tmp_path):
    study = people_study(tmp_path, free=["strength"])
    base = PeopleLikelihood(read_people(tmp_path, people_trials(tmp_path, 2), study), study, MODEL)
    rng = np.random.default_rng(3)
    age = rng.normal(40, 10, 40)
    z = (age - age.mean()) / age.std()
    etas = (0.2 + 0.8 * z + rng.normal(0, 0.3, 40))[:, None]
    template = base.with_counts([base.old[0]] * 40, [base.lures[0]] * 40)
    made = [template.simulate(k, etas[k], rng) for k in range(40)]
    likelihood = base.with_counts([old for old, _ in made], [new for _, new in made])
    table = pandas.DataFrame({"age": age, "site": 1.0}, index=likelihood.people)
    own, notes = standardised(table, likelihood.people)
    assert list(own) == ["age"]
    fit = fit_likelihood(likelihood, own, notes=notes)
    row = fit.effects.iloc[0]
    assert row.lower < 0.8 < row.upper and row.standard_error < 0.2
    assert fit.notes.who.tolist() == ["site"] and "constant" in fit.notes.consequence[0]


def test_people_who_say_little_are_named_and_the_others_carry_on(tmp_path):
    study = people_study(tmp_path, free=["strength", "criterion"])
    frame = people_trials(tmp_path, 9)
    frame.loc[frame.participant == "p0", "response"] = "DO"  # no variance
    separable = frame.participant == "p1"
    frame.loc[separable, "response"] = np.where(frame[separable].old, "DO", "DN")
    single = frame[(frame.participant == "p2") & (frame.item == "old0")]  # at 0 s, where a run never ends
    frame = pandas.concat([frame[frame.participant != "p2"], single])
    frame["participant"] = frame.participant.replace("p8", "P7")
    trials = read_people(tmp_path, frame, study)
    fit = fit_people(trials, study, MODEL)
    notes = {who: set(fit.notes[fit.notes.who == who].what) for who in fit.notes.who}
    assert notes["p0"] == {"the same answer in all 32 trials"}
    assert notes["p1"] == {"no answer was given both to old and to new items"}
    assert {"1 answered trial for 2 parameters", "no answer about a new item"} <= notes["p2"]
    assert notes["p7"] == {"the name is that of P7 but for the case"}
    assert set(notes) == {"p0", "p1", "p2", "p7"}
    people = fit.people.set_index(["participant", "parameter"])
    assert np.isfinite(people[["estimate", "lower", "upper", "alone"]].to_numpy()).all()
    assert people.loc[("p2", "strength"), "shrinkage"] > 0.8  # the population's, all but
    others = fit_people(trials.select([f"p{k}" for k in range(3, 8)]), study, MODEL)
    assert np.isfinite(others.log_evidence) and others.notes.empty


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda frame: frame.assign(response="DO"), "the same answer in all trials"),
        (lambda frame: frame[frame.old], "no answer about a new item"),
        (lambda frame: frame.assign(response=np.where(frame.old, "DO", "DN")), "no answer was given both to old and"),
    ],
)
def test_what_nobody_has_done_is_said_of_everybody(tmp_path, change, what):
    study = people_study(tmp_path, free=["strength", "criterion"])
    trials = read_people(tmp_path, change(people_trials(tmp_path, 4)), study)
    notes = fit_people(trials, study, MODEL, draws=0).notes
    assert notes[notes.who == "everybody"].what.str.contains(what).sum() == 1


def test_people_who_are_all_alike_are_not_said_to_differ(tmp_path):
    study = people_study(tmp_path, free=["strength"])
    base = PeopleLikelihood(read_people(tmp_path, people_trials(tmp_path, 2), study), study, MODEL)
    p, q = base.probabilities(0, np.array([0.3]))
    old, new = np.round(8 * p / p.sum(1, keepdims=True)), np.round(16 * q)
    likelihood = base.with_counts([old] * 25, [new] * 25)
    fit = fit_likelihood(likelihood)
    row = fit.parameters.iloc[0]
    assert row.verdict == "differences not shown" and row.spread_lower == 0 and row.spread < row.spread_upper < 1
    assert row.spread < 0.3 and row.reliability < 0.1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pandas.DataFrame({"age": [1.0]}, index=["p0"]), r"there are none of participant 'p1'.*identifiers"),
        (pandas.DataFrame({"age": [1.0, np.nan]}, index=["p0", "p1"]), r"'age' of participant 'p1' is nan"),
        (pandas.DataFrame({"age": [1.0, "old"]}, index=["p0", "p1"]), r"'age' of participant 'p1' is 'old';"),
        (pandas.DataFrame({"born": pandas.to_datetime(["1990", "1991"])}, index=["p0", "p1"]), r"'p0' is 1990-01-01"),
        (pandas.DataFrame({"age": [1.0, 2.0, 3.0]}, index=["p0", "p1", "p1"]), r"'p1' is there twice"),
        (pandas.DataFrame([[1.0, 2.0]] * 2, index=["p0", "p1"], columns=["age", "age"]), r"'age' is there twice"),
        (pandas.DataFrame({"age": [1.0, 2.0]}, index=["p0", "p1"]), r"1 for 2 people would explain.* at most 0"),
    ],
)
def test_covariates_that_cannot_be_used_are_refused_in_a_sentence(tmp_path, table, message):
    study = people_study(tmp_path)
    trials = read_people(tmp_path, people_trials(tmp_path, 2), study)
    with pytest.raises(TrialError, match=message):
        fit_people(trials, study, MODEL, covariates=table)


@pytest.mark.filterwarnings("error")
def test_a_covariate_whose_square_would_overflow_is_standardised():
    own, notes = standardised(pandas.DataFrame({"age": [1.0, 2.0, 3.0, 1.7e308, -1.7e308]}), "01234")
    assert not notes
    assert own.age.mean() == pytest.approx(0, abs=1e-12) and own.age.std(ddof=0) == pytest.approx(1)


def test_a_fit_that_has_not_settled_says_so_in_its_notes(tmp_path, monkeypatch):
    study = people_study(tmp_path, free=["strength", "criterion"])
    trials = read_people(tmp_path, people_trials(tmp_path, 4), study)
    assert "has not settled" not in str(fit_people(trials, study, MODEL, draws=0).notes)
    monkeypatch.setattr(em, "_MOST", 1)
    fit = fit_people(trials, study, MODEL, draws=0)
    assert not fit.converged
    assert fit.notes[fit.notes.who == "everybody"].what.tolist() == [f"EM has not settled in {fit.steps} steps"]


def test_participants_whose_names_hold_formulas_are_drawn_as_they_are(tmp_path):
    study = people_study(tmp_path, free=["strength", "criterion"])
    frame = people_trials(tmp_path, 3)
    frame["participant"] = frame.participant.replace({"p0": "cost$a_$", "p1": "P$1$"})
    fit = fit_people(read_people(tmp_path, frame, study), study, MODEL, draws=0)
    save_figure(forest_figure(fit.people, fit.parameters), tmp_path, "people")
    drawn = (tmp_path / "people.svg").read_text(encoding="utf-8")
    assert "cost$a_$" in drawn and "P$1$" in drawn


def test_people_are_in_the_order_of_the_first_parameter_that_trials_tell():
    rows = [(f"p{k}", name, k * sign, k * sign - 1, k * sign + 1) for k in range(3) for name, sign in SIGNS.items()]
    people = pandas.DataFrame(rows, columns=["participant", "parameter", "estimate", "lower", "upper"])
    told = pandas.DataFrame(dict(parameter=list(SIGNS), unit="1", median=0.0, lower=-1.0, upper=1.0))
    for reliability, bold, first in (((0.1, 0.6, 0.9), "second", "p2"), ((0.1, 0.2, 0.3), "third", "p0")):
        figure = forest_figure(people, told.assign(reliability=reliability))
        assert [ax.get_xlabel() for ax in figure.axes if ax.xaxis.label.get_fontweight() == "bold"] == [bold]
        assert figure.axes[0].get_yticklabels()[0].get_text() == first


def test_one_person_is_no_population(tmp_path):
    study = people_study(tmp_path)
    trials = read_people(tmp_path, people_trials(tmp_path, 2), study).select(["p0"])
    with pytest.raises(ValueError, match=r"1 participant.*two or more"):
        fit_people(trials, study, MODEL)


def test_models_are_compared_by_the_evidence_of_each_person(fitted):
    fit, _ = fitted
    import dataclasses

    worse = dataclasses.replace(fit, model="Other", evidence=fit.evidence - 3.0)
    found = compare_people([fit, worse])
    assert found.table.frequency[0] > 0.9 and found.table.exceedance[0] > 0.99


def test_fits_of_a_capture_model_settle_though_trials_tell_little_of_its_parameters():
    """Threshold capture of 8 people has posteriors of several modes: in 6 and 7 rounds of draws, where climbs that take
    chance for gain wander through the 15 that there are."""
    template = planned(load_study("hennings_2021"), "ThresholdCapture")
    answered = template.with_counts([4 * template.old[0]] * 8, [4 * template.lures[0]] * 8)
    for seed in (2, 3):
        rng = np.random.default_rng(seed)
        people = simulate_people(answered, rng.normal(template.scale.starts, 0.5, (8, len(template.scale))), rng)
        ended = em.expectation_maximisation(people, np.zeros((8, 0)), draws=64, intervals=False)
        assert ended.converged and min(one.worth for one in ended.people) >= LEAST_WORTH
