"""The joint density is exact, and sampling it gives the posterior of brute force. All data are simulated."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
from scipy import stats
from simulated_people import MODEL, people_study, people_trials, read_people

from fits.cli import main
from fits.people import commands
from fits.people import posterior as sampling
from fits.people.calibration import posterior_calibration
from fits.people.checks import loo
from fits.people.density import JointDensity
from fits.people.fit import fit_likelihood
from fits.people.likelihood import PeopleLikelihood, Value
from fits.people.population import Population


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("posterior")
    study = people_study(folder, free=["strength", "criterion"])
    base = PeopleLikelihood(read_people(folder, people_trials(folder, 6), study), study, MODEL)
    ages = pandas.DataFrame({"age": stats.zscore(np.arange(6.0))}, index=base.people)
    return fit_likelihood(base, ages, draws=64)


def log_density(fit, population, etas):
    """The joint log density in η, μ, Γ and ln τ, written out."""
    likelihood = fit.likelihood
    total = sum(likelihood.log_likelihood(k, eta) for k, eta in enumerate(etas))
    for k, eta in enumerate(etas):
        centre = population.effects[:, 0] + population.effects[:, 1:] @ fit.covariates.to_numpy(float)[k]
        total += stats.norm.logpdf(eta, centre, population.spread).sum()
    total += stats.logistic.logpdf(population.effects[:, 0]).sum() + stats.norm.logpdf(population.effects[:, 1:]).sum()
    return total + (stats.halfnorm.logpdf(population.spread, scale=2) + np.log(population.spread)).sum()


def test_density_is_that_of_people_and_population_with_the_jacobian_of_its_coordinates(fit):
    """Against the density written out, the determinant by central differences: 1e-5 in differences."""
    density = JointDensity(fit)
    rng = np.random.default_rng(0)
    found, expected = [], []
    for place in rng.normal(0, 1, (3, density.n_dim)):

        def native(place):
            population = density.population(place)
            return np.concatenate([population.effects.ravel(), np.log(population.spread), density.etas(place).ravel()])

        step = 1e-5
        columns = [(native(place + h) - native(place - h)) / (2 * step) for h in np.eye(density.n_dim) * step]
        _, volume = np.linalg.slogdet(np.array(columns).T)
        found.append(density(place)[0])
        expected.append(log_density(fit, density.population(place), density.etas(place)) + volume)
    assert np.diff(found) == pytest.approx(np.diff(expected), abs=1e-5)


def test_gradient_is_exact(fit):
    density = JointDensity(fit)
    place = np.random.default_rng(1).normal(0, 1, density.n_dim)
    slopes = [(density(place + h)[0] - density(place - h)[0]) / 2e-5 for h in np.eye(density.n_dim) * 1e-5]
    assert density(place)[1] == pytest.approx(slopes, rel=1e-6, abs=1e-6)


def test_density_is_a_number_or_refused_wherever_a_sampler_that_tunes_may_look(fit):
    """Spreads from far below what can be told from none to as large as numbers go, in any combination."""
    density = JointDensity(fit)
    effects, spreads = fit.population.effects.size, len(fit.population.spread)
    rng = np.random.default_rng(4)
    refused = 0
    for _ in range(400):
        place = rng.normal(0, 1, density.n_dim)
        place[effects : effects + spreads] = rng.uniform(-40, 40, spreads)
        value, gradient = density(place)
        refused += value == -math.inf
        assert value < math.inf and np.isfinite(gradient).all()
    assert 40 < refused < 360


def test_normal_likelihoods_leave_standard_normal_coordinates_whatever_the_spread(fit):
    """Of people and of effects, but for what the logistic prior of means has over a normal one of its variance."""
    density = JointDensity(fit)

    def evaluate(person, eta):
        pulled = density.information[person] @ eta
        linear = density.linear[person]
        return Value(float(linear @ eta - 0.5 * eta @ pulled), linear - pulled, density.information[person])

    density.likelihood = SimpleNamespace(evaluate=evaluate)
    effects, spreads = fit.population.effects.size, len(fit.population.spread)
    for seed in range(3):
        place = np.random.default_rng(seed).normal(0, 2, density.n_dim)
        at = density._laid_out(place)
        mean = at.population.effects[:, 0]
        prior = np.zeros(at.population.effects.shape)
        prior[:, 0] = 3 / math.pi**2 * mean - np.tanh(0.5 * mean)
        expected = -place
        expected[:effects] += at.inward @ prior.ravel()
        others = np.delete(np.arange(density.n_dim), range(effects, effects + spreads))
        assert density(place)[1][others] == pytest.approx(expected[others], abs=1e-9)


def test_without_the_extra_the_sampler_says_what_to_install(fit, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "nutpie", None)
    with pytest.raises(ImportError, match=r"nutpie.*pip install 'engram\[posterior\]'"):
        sampling.sample_people(fit)


@pytest.mark.filterwarnings("ignore")  # of libraries that the project itself does not need
def test_samples_are_the_posterior_of_brute_force(tmp_path):
    """One parameter and 8 people: where draws of μ and τ lie in the grid's distributions is uniform.

    Ranks, since both have heavy tails (kurtosis 6 and 7), by which means and SDs err far more than a Gaussian's would:
    their mean and mean square, within four Monte-Carlo errors by each one's own effective sample size.
    """
    pytest.importorskip("nutpie", reason="needs the extra engram[posterior]")
    import arviz

    study = people_study(tmp_path, free=["strength"])
    base = PeopleLikelihood(read_people(tmp_path, people_trials(tmp_path, 2), study), study, MODEL)
    rng = np.random.default_rng(4)
    template = base.with_counts([base.old[0]] * 8, [base.lures[0]] * 8)
    made = [template.simulate(k, eta, rng) for k, eta in enumerate(rng.normal(0.2, 0.7, (8, 1)))]
    likelihood = base.with_counts([old for old, _ in made], [new for _, new in made])
    fitted = fit_likelihood(likelihood, draws=64)
    sampled = sampling.sample_people(fitted, draws=800, tune=300, chains=2, seed=3)
    assert sampled.summary.r_hat.max() < 1.02 and sampled.divergences == 0

    grid = np.arange(-22, 24, 0.01)
    each = np.array([[likelihood.log_likelihood(k, np.array([x])) for x in grid] for k in range(8)])
    each = np.exp(each - each.max(axis=1, keepdims=True))
    means, spreads = np.linspace(-5, 6, 131), np.arange(0.025, 9, 0.05)  # the narrowest is 2.5 steps of the grid
    people = [np.log(each @ stats.norm.pdf(grid[:, None], means, s)).sum(axis=0) for s in spreads]
    logs = np.transpose(people) + stats.logistic.logpdf(means)[:, None] + stats.halfnorm.logpdf(spreads, scale=2)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    for name, values, axis in (("mean", means, 1), ("spread", spreads, 0)):
        edges = np.append(values - (values[1] - values[0]) / 2, values[-1] + (values[1] - values[0]) / 2)
        below = np.append(0, weights.sum(axis=axis).cumsum())
        ranks = np.interp(sampled.data.posterior[name].to_numpy().reshape(2, -1), edges, below)
        for power, sd in ((1, math.sqrt(1 / 12)), (2, math.sqrt(4 / 45))):
            error = sd / math.sqrt(arviz.ess(ranks**power, method="mean"))
            assert (ranks**power).mean() == pytest.approx(1 / (power + 1), abs=4 * error)
    kept = {}
    again = sampling.sample_people(fitted, draws=20, tune=20, chains=2, seed=3, workers=1, keep=kept.__setitem__)
    done = {1: json.loads(json.dumps(kept[1], default=np.ndarray.tolist))}
    resumed = sampling.sample_people(fitted, draws=20, tune=20, chains=2, seed=3, done=done)
    for group in ("posterior", "sample_stats"):
        assert resumed.data[group].equals(again.data[group])
        assert {str(a.dtype) for a in resumed.data[group].values()} <= {"float64", "int64", "bool"}
    more = sampling.sample_people(fitted, draws=20, tune=20, chains=2, seed=3, workers=2)
    assert again.data.posterior.equals(more.data.posterior)
    found = loo(sampled, draws=300)
    shapes = found.pareto_k.to_numpy()
    moved = np.isfinite(shapes)  # answers to new items do not depend on the strength, the one parameter here
    assert moved.sum() == sum(int(old.sum()) for old in likelihood.old)
    assert (shapes[moved] < 0.7).mean() > 0.95 and found.elpd_loo < 0
    assert isinstance(sampled.draws()[0][0], Population)


@pytest.mark.filterwarnings("ignore")
def test_ranks_of_truths_are_taken_among_draws(tmp_path):
    """Few simulations, which would show a gross error; the report has a hundred, and their test of uniformity."""
    pytest.importorskip("nutpie", reason="needs the extra engram[posterior]")
    study = people_study(tmp_path, free=["strength"], items=4)
    trials = read_people(tmp_path, people_trials(tmp_path, 2, items=4, lures=4), study)
    likelihood = PeopleLikelihood(trials, study, MODEL)
    told = []
    found = posterior_calibration(likelihood, people=3, n=10, draws=60, tune=80, thin=4, progress=told.append)
    assert found.summary.parameter.tolist() == ["mean of strength", "spread of strength", "first person's strength"]
    assert sorted(told) == list(range(10))
    assert found.table["rank"].between(0, 1, inclusive="neither").all()
    assert (found.summary.coverage_upper >= 0.9).all() and (found.summary.p_uniform_holm > 0.001).all()


@pytest.mark.filterwarnings("ignore")
def test_command_samples_and_writes_what_arviz_reads(tmp_path, capsys, monkeypatch):
    """Few draws: what is written and said, not how well it is known."""
    arviz = pytest.importorskip("arviz", reason="needs the extra engram[posterior]")
    pytest.importorskip("nutpie", reason="needs the extra engram[posterior]")
    study = people_study(tmp_path, free=["strength", "criterion"], name="sampled")
    people_trials(tmp_path, 4).to_csv(tmp_path / "t.csv", index=False)
    sample = commands.sample_people
    monkeypatch.setattr(commands, "sample_people", lambda *given, **named: sample(*given, tune=40, chains=2, **named))
    command = ["fit", study.path, "--model", "EncodingOnly", "LinearCapture", "--trials", str(tmp_path / "t.csv")]
    assert main([*command, "--people", "--posterior", "30", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "give more draws (--posterior DRAWS)" in said and said.count("PSIS-LOO") == 2 and "largest R-hat" in said
    data = arviz.from_netcdf(tmp_path / "out" / "posterior-LinearCapture.nc")
    assert dict(data.posterior.sizes)["draw"] == 30 and data.posterior.eta.shape == (2, 30, 4, 2)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert not (tmp_path / "out.partial.jsonl").exists()
    assert {"posterior.csv", "model-frequencies.csv", "model-frequencies.png", "checks-EncodingOnly.png"} <= names


@pytest.mark.filterwarnings("ignore")
def test_interrupted_command_goes_on_with_the_chains_that_had_ended(tmp_path, capsys, monkeypatch):
    """The interrupt comes in the second of two models; draws are those of a run without it, to the bit."""
    arviz = pytest.importorskip("arviz", reason="needs the extra engram[posterior]")
    pytest.importorskip("nutpie", reason="needs the extra engram[posterior]")
    study = people_study(tmp_path, free=["strength"], name="resumed")
    people_trials(tmp_path, 3).to_csv(tmp_path / "t.csv", index=False)
    sample, sampled = commands.sample_people, []

    def few(fit, **named):
        sampled.append((fit.model, sorted(named["done"])))
        if len(sampled) == 3:
            raise KeyboardInterrupt
        return sample(fit, tune=30, chains=2, **named)

    monkeypatch.setattr(commands, "sample_people", few)
    command = ["fit", study.path, "--model", "EncodingOnly", "LinearCapture", "--trials", str(tmp_path / "t.csv"),
               "--people", "--posterior", "20"]  # fmt: skip
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0
    del sampled[1:]
    assert main([*command, "--out", str(tmp_path / "out")]) == 130
    assert "2 finished pieces are kept" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert main([*command, "--out", str(tmp_path / "out"), "--posterior", "30", "--resume"]) == 2
    assert main([*command, "--out", str(tmp_path / "out"), "--resume"]) == 0
    assert sampled[-2:] == [("EncodingOnly", [0, 1]), ("LinearCapture", [])]
    for model in ("EncodingOnly", "LinearCapture"):
        whole, resumed = (arviz.from_netcdf(tmp_path / name / f"posterior-{model}.nc") for name in ("whole", "out"))
        assert whole.posterior.equals(resumed.posterior) and whole.sample_stats.equals(resumed.sample_stats)
    assert main([*command[:-2], "--out", str(tmp_path / "out")]) == 2
    assert "was sampled, and would go; name another folder" in capsys.readouterr().err
    assert main([*command[:-2], "--resume", "--out", str(tmp_path / "modes")]) == 2
    assert "--resume does not work with --trials alone; only chains of --posterior are kept" in capsys.readouterr().err
