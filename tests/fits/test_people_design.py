"""What planned experiments could tell, and whether calibration finds what is wrong. All data are simulated."""

import math
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
from simulated_people import MODEL, people_study, people_trials, read_people

from engram import EncodingOnly
from fits.cli import main
from fits.people import design
from fits.people.calibration import (
    confuse_people,
    holm,
    person_calibration,
    population_calibration,
    population_rows,
    simulate_people,
    summarise,
    uniformity,
)
from fits.people.checks import predictive_checks
from fits.people.design import _people, compare_designs
from fits.people.fit import fit_likelihood
from fits.people.likelihood import PeopleLikelihood
from fits.people.population import Population
from fits.study import load_study
from fits.tables import StudyError


class Other(EncodingOnly):
    """The same model with another durable fraction, to be told apart."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("design")


def test_people_are_the_least_that_reach_the_threshold_with_the_power():
    for gain, variance in ((0.1, 0.2), (0.5, 1.0), (2.0, 0.5)):
        n = _people(gain, variance, 3.0, 0.8)
        for people, enough in ((n, True), (n - 1, False)):
            if people:
                reached = people * gain - 0.8416212 * math.sqrt(people * variance) >= 3.0
                assert reached == enough
    assert math.isnan(_people(0.0, 1.0, 3.0, 0.8)) and math.isnan(_people(1e-9, 1e-9, 3.0, 0.8))


def test_more_items_and_more_lures_need_fewer_people(folder):
    few = people_study(folder, free=["strength", "criterion"], items=8, name="few")
    many = people_study(folder, free=["strength", "criterion"], items=32, name="many")
    found = compare_designs([few, many], [MODEL], spread=0.3, half_width=0.05)
    people = found.parameters.set_index(["candidate", "parameter"]).people
    assert (people["many"] < people["few"]).all()
    assert found.models.empty
    resolved = found.parameters.set_index(["candidate", "parameter"]).resolved
    assert (resolved["many"] > resolved["few"]).all() and resolved.between(0, 1).all()


def test_what_a_design_cannot_tell_apart_needs_no_number_of_people(folder):
    """Strength and criterion act through their difference alone, unless there are new items."""
    study = people_study(folder, free=["strength", "criterion"], items=1, name="one")
    blind = compare_designs([study], [MODEL], lures=0).parameters
    assert blind.people.isna().all() and np.isinf(blind.sd_one).all()
    assert compare_designs([study], [MODEL], lures=8).parameters.people.gt(0).all()


def test_standard_error_is_that_of_people_who_are_simulated_and_fitted(folder):
    """Of the centre from 40 people, within 30 %: their spread is estimated and not known."""
    study = people_study(folder, free=["criterion"], name="interval")
    row = compare_designs([study], [MODEL], spread=0.4, lures=16).parameters.iloc[0]
    likelihood = PeopleLikelihood(read_people(folder, people_trials(folder, 2), study), study, MODEL)
    rng = np.random.default_rng(2)
    people = simulate_people(likelihood, rng.normal(likelihood.scale.starts, 0.4, (40, 1)), rng)
    fit = fit_likelihood(people, alone=False, draws=0)
    error = fit.parameters.mean_error[0] * math.sqrt(40) * likelihood.scale.slopes(likelihood.scale.starts)[0]
    assert error == pytest.approx(row.sd_one, rel=0.3)


def test_rivals_are_told_apart_by_the_delay_that_forces_them(folder):
    """A rival that forgets is not told from one that does not at no delay, and is at a long one."""
    candidates = {
        delay: people_study(folder, free=["strength", "criterion"], delay=delay, name=f"after{k}")
        for k, delay in enumerate(("1 h", "20 days"))
    }
    forgets = Other(nodes=4, forgetting_exponent=1.0, forgetting_time=86400.0)
    found = compare_designs(candidates, [MODEL, forgets], values=None)
    assert len(found.models) == 4 and (found.models.gain >= -1e-9).all()
    assert set(found.best().candidate) == {"1 h", "20 days"}


@pytest.mark.parametrize(
    ("options", "words"),
    [({"trials": 0}, "trials is 0"), ({"power": 0.2}, "power is 0.2"), ({"spread": -1.0}, "spread")],
)
def test_numbers_out_of_range_are_refused(folder, options, words):
    study = people_study(folder, free=["strength"], name="range")
    with pytest.raises(ValueError, match=words):
        compare_designs([study], [MODEL], **options)


def test_design_command_writes_its_tables(folder, capsys):
    people_study(folder, free=["strength", "criterion"], items=4, name="short")
    people_study(folder, free=["strength", "criterion"], items=12, name="long")
    out = folder / "out"
    command = ["design", str(folder / "short.toml"), str(folder / "long.toml"), "--model", "EncodingOnly"]
    assert main([*command, "--spread", "2.6", "--out", str(out)]) == 0
    table = pandas.read_csv(out / "parameters.csv")
    assert set(table.candidate) == {"short", "long"} and "People needed" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*command, "--spread", "0", "--out", str(folder / "none")])
    assert "--spread: is '0', which is not a number above 0" in capsys.readouterr().err


def test_fit_people_command_writes_tables_and_figures(folder, capsys):
    study = people_study(folder, free=["strength", "criterion"], name="command")
    frame = people_trials(folder, 6)
    frame.loc[frame.participant == "p5", "response"] = ""
    frame.to_csv(folder / "command.csv", index=False)
    ages = pandas.DataFrame({"participant": [f"p{k}" for k in range(5)], "age": range(5), "site": 1})
    ages.to_csv(folder / "ages.csv", index=False)
    out = folder / "people"
    command = ["fit", study.path, "--model", "EncodingOnly", "--trials", str(folder / "command.csv"),
               "--missing", "drop", "--skip-broken", "--people"]  # fmt: skip
    assert main([*command, "--covariates", str(folder / "ages.csv"), "--out", str(out)]) == 0
    assert {"parameters.csv", "people.csv", "evidence.csv", "notes.csv", "checks.csv"} <= {
        p.name for p in out.iterdir()
    }
    shown = capsys.readouterr().out
    assert "site: is 1 for everybody" in shown and "log evidence" in shown
    assert "predict the same" not in shown
    assert "participant 'p5' is left out: answered no test trial" in shown
    assert pandas.read_csv(out / "skipped.csv").participant.tolist() == ["p5"]
    assert len(pandas.read_csv(out / "effects.csv")) == 2
    assert "Effects of covariates (logits" in shown
    assert main([*command, "--draws", "0", "--out", str(folder / "modes")]) == 0
    modes, weighted = (pandas.read_csv(place / "parameters.csv").spread for place in (folder / "modes", out))
    assert (np.abs(np.log(modes / weighted)) > 0.05).any()
    assert main([*command, "--draws", "24", "--out", str(folder / "no")]) == 2
    assert "draws is 24; give a power of 2" in capsys.readouterr().err
    assert main([*command[:-1], "--draws", "0", "--out", str(folder / "no")]) == 2
    assert "--draws is for people" in capsys.readouterr().err
    assert main([*command, "--participants", "--out", str(folder / "no")]) == 2
    assert main([*command[:-1], "--posterior", "--out", str(folder / "no")]) == 2
    assert not (folder / "no").exists()


def test_people_are_calibrated_and_their_checks_pass(folder):
    """600 simulated people with 64 trials: 95 % of intervals hold the truth, ranks are uniform (seed 1)."""
    study = people_study(folder, free=["strength", "criterion"], items=32, name="calibrated")
    trials = read_people(folder, people_trials(folder, 2, items=32, lures=32), study)
    likelihood = PeopleLikelihood(trials, study, MODEL)
    truth = Population(np.array([[0.0], [-0.1]]), np.array([0.5, 0.4]))
    found = person_calibration(likelihood, truth, n=600, seed=1)
    assert (found.summary.p_coverage_holm > 0.01).all()
    assert (found.summary.p_uniform_holm > 0.01).all()
    assert (found.summary.correlation > 0.5).all()
    half = 0.8 * (found.table.upper - found.table.lower) / 2
    wrong = found.table.assign(rank=found.table["rank"] ** 1.5, lower=found.table.estimate - half,
                               upper=found.table.estimate + half)  # fmt: skip
    wrong = summarise(wrong)
    assert (wrong.p_uniform_holm < 0.01).all() and (wrong.p_coverage_holm < 0.01).all()  # which the tests can find

    rng = np.random.default_rng(5)
    data = simulate_people(likelihood, rng.normal([0.0, -0.1], [0.5, 0.4], (12, 2)), rng)
    checks = predictive_checks(fit_likelihood(data, alone=False, draws=64), draws=100)
    assert len(checks) == 12 * 3 and checks.inside.mean() > 0.9
    assert checks.p.between(0, 1).all()


def test_populations_are_recovered(folder):
    study = people_study(folder, free=["criterion"], name="recovered")
    likelihood = PeopleLikelihood(read_people(folder, people_trials(folder, 2), study), study, MODEL)
    truth = Population(np.array([[-0.2]]), np.array([0.5]))
    found = population_calibration(likelihood, truth, people=16, n=6, seed=2, draws=0)
    assert found.summary.parameter.tolist() == ["mean of criterion", "spread of criterion"]
    assert (found.summary.coverage_upper >= 0.95).all()
    assert abs(found.summary.bias[0]) < 4 * found.summary.bias_error[0]


def test_open_ends_hold_what_is_on_their_side_and_an_interval_without_limits_is_none():
    """Of τ .5, with intervals from 0, to infinity, both, and by a normal error of ln τ."""
    truth = Population(np.zeros((4, 1)), np.full(4, 0.5))
    table = pandas.DataFrame(
        dict(parameter=list("abcd"), mean=0.0, mean_error=[1.0, 1.0, np.inf, 1.0], spread=0.5,
             spread_lower=[0.0, 0.6, 0.0, 0.5 / np.e], spread_upper=[0.8, np.inf, np.inf, 0.5 * np.e],
             verdict=["differences not shown", "differences not bounded", "not identified", "ok"])
    )  # fmt: skip
    rows = pandas.DataFrame(population_rows(SimpleNamespace(parameters=table), truth)).assign(simulation=0)
    summary = summarise(rows).set_index("parameter")
    spreads = summary.loc[[f"spread of {name}" for name in "abcd"]]
    assert spreads.intervals.tolist() == [1, 1, 0, 1] and spreads.coverage.dropna().tolist() == [1.0, 0.0, 1.0]
    assert summary.loc["mean of c", "intervals"] == 0
    ranks = rows.set_index("parameter")["rank"]
    assert ranks["spread of d"] == pytest.approx(0.5) and ranks[[f"spread of {name}" for name in "abc"]].isna().all()
    assert rows.identified.tolist() == [True, False, True, False, False, False, True, True]


def test_models_are_confused_as_often_as_is_counted(folder):
    """Two data sets of each model; what is kept is not simulated again."""
    study = people_study(folder, free=["strength", "dose"], items=32, name="confused")
    trials = read_people(folder, people_trials(folder, 6, items=32, lures=32), study)
    strong = Population(np.array([[0.0], [2.0]]), np.array([0.3, 0.3]))
    fits = []
    for model in (MODEL, Other(nodes=4, durable_fraction=0.0)):
        likelihood = PeopleLikelihood(trials, study, model)
        made = simulate_people(likelihood, np.tile(strong.effects[:, 0], (6, 1)), np.random.default_rng(1))
        fits.append(fit_likelihood(made, alone=False, draws=0))
    kept = {}
    found = confuse_people(fits, n=2, draws=0, workers=2, keep=kept.__setitem__)
    assert found.index.tolist() == found.columns.tolist() == ["EncodingOnly", "Other"]
    assert (found.sum(axis=1) == 2).all() and len(kept) == 4
    again = confuse_people(fits, n=2, draws=0, workers=1, done={0: kept[0], 3: kept[3]})
    assert again.equals(found)


def test_holm_and_uniformity():
    assert holm(np.array([0.01, 0.04, np.nan, 0.03])) == pytest.approx([0.03, 0.06, np.nan, 0.06], nan_ok=True)
    assert uniformity((np.arange(1000) + 0.5) / 1000) == pytest.approx(1.0)
    assert uniformity(np.linspace(0, 0.5, 1000)) < 1e-10


def test_studies_of_vision_and_studies_without_parameters_are_said_to_be_none(folder, capsys):
    for command in (["design"], ["recover", "--people", "4"]):
        named = ["song_2026", "--model", "VisualReactivation", "--out", str(folder / "none")]
        assert main([*command, *named]) == 2
        assert "song_2026 is a study of vision" in capsys.readouterr().err
    out = str(folder / "planned")
    assert main(["design", "tse_2023", "tambini_2017", "--model", "LinearCapture", "EncodingOnly", "--out", out]) == 0
    said = capsys.readouterr().out
    assert "tambini_2017: these models feel no parameter of it" in said and "tells the hardest pair apart" in said
    assert " 236\n" in said and "nan" not in said


def test_an_unusable_candidate_is_refused_before_others_are_compared(folder, monkeypatch):
    monkeypatch.setattr(design, "_parameters", None)
    first = people_study(folder, free=["strength"], name="first")
    with pytest.raises(StudyError, match=r"nader_2000.*'freezing' has no outcomes"):
        compare_designs([first, load_study("nader_2000")], [MODEL])


def test_values_and_spreads_of_what_is_not_there_are_refused(folder):
    study = people_study(folder, free=["strength"], name="named")
    for options, words in (
        ({"values": {"EncodingOnl": {"strength": 0.5}}}, "values names EncodingOnl; the models are EncodingOnly"),
        ({"values": {"EncodingOnly": {"strength": 2.0}}}, "values: strength is 2; its bounds are 0.05 and 0.95"),
        ({"spread": {"strenght": 0.5}}, "spread names strenght; the parameters are strength"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            compare_designs([study], [MODEL], **options)
