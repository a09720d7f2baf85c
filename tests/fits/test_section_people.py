"""The sections on people, their calibration and what designs could tell: computed small, and shown. Simulated data."""

import dataclasses
import pickle

import matplotlib
import pandas
import pytest
from simulated_people import people_study, people_trials, read_people

from fits import simulated
from fits.sections import calibration, designs, people
from fits.sections.section import QUICK, Work
from fits.study import load_study

matplotlib.use("Agg")
WORK = Work((), {}, (), (), dataclasses.replace(QUICK, ranked=3, designs=1), 1, 1)


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections")
    study = people_study(folder, free=["strength", "criterion"])
    return study, read_people(folder, people_trials(folder, 6), study)


def computed(compute, steps):
    told = []
    tables = compute(WORK, told.append)
    assert len(told) == steps and not any(told)  # 0 evaluations: no rate is shown
    return tables


def drawn(shown):
    for drawing in shown.drawings:
        assert drawing.figure.axes and pickle.dumps(drawing.figure)
    return [drawing.name for drawing in shown.drawings]


def test_people_are_fitted_and_shown(answered):
    study, trials = answered
    parts = [computed(people._of(model, study, trials), 1) for model in ("EncodingOnly", "LinearCapture")]
    names = {name for part in parts for name in part}
    tables = {name: pandas.concat([p[name] for p in parts if name in p], ignore_index=True) for name in names}
    shown = people.SECTION.show(tables)
    assert drawn(shown) == ["people-forest", "people-shrinkage", "people-checks", "people-models"]
    best = tables["fits"].sort_values("bic").model.iloc[0]
    label = {"EncodingOnly": "encoding only", "LinearCapture": "linear capture"}[best]
    assert f"{label} has the best BIC for 6 people" in shown.says
    models, common, population = shown.listings
    assert len(models.cells) == len(common.cells) == 2 and models.cells["ΔBIC"][0] == "0.00"
    assert population.cells.parameter.tolist() == ["strength", "criterion"]
    lost = {**tables, "fits": tables["fits"].assign(converged=[True, False])}
    said = people.SECTION.show(lost).listings[0].cells["steps of EM"]
    assert [text.endswith(", not settled") for text in said].count(True) == 1


def test_calibration_is_computed_and_shown(answered, monkeypatch):
    monkeypatch.setattr(calibration, "_PEOPLE", 30)
    tables = computed(calibration._of(*answered), 3)
    assert tables["summary"].route.tolist() == 2 * ["person"] + 4 * ["population"]
    shown = calibration.SECTION.show(tables)
    assert drawn(shown) == ["calibration-ranks"]
    ranks = tables["ranks"].assign(route="posterior")
    summary = tables["summary"].head(2).assign(route="posterior")
    more = {"ranks": pandas.concat([tables["ranks"], ranks]), "summary": pandas.concat([tables["summary"], summary])}
    assert drawn(calibration.SECTION.show(more)) == ["calibration-ranks", "calibration-sampler"]
    assert [len(listing.cells) for listing in shown.listings] == [2, 4] and "Of 6 kinds" in shown.says


@pytest.mark.filterwarnings("ignore")  # of libraries that the project itself does not need
def test_the_sampler_is_calibrated_on_a_small_design(monkeypatch):
    pytest.importorskip("nutpie", reason="needs the extra engram[posterior]")
    short = calibration.posterior_calibration
    monkeypatch.setattr(
        calibration, "posterior_calibration", lambda *given, **named: short(*given, draws=20, tune=20, **named)
    )
    tables = calibration._ranks(dataclasses.replace(WORK, sizes=dataclasses.replace(QUICK, ranked=2)), lambda _: None)
    assert tables["summary"].parameter.tolist() == ["mean of dose", "spread of dose", "first person's dose"]
    assert len(tables["ranks"]) == 6 and set(tables["ranks"].route) == {"posterior"}


def test_calibration_names_the_intervals_that_fail():
    row = dict(route="person", simulations=100, intervals=100, bias=0.0, bias_error=0.1, correlation=0.5)
    summary = pandas.DataFrame([
        dict(row, parameter="good", coverage=0.95, coverage_lower=0.9, coverage_upper=0.99, p_coverage_holm=0.9,
             p_uniform_holm=0.01),
        dict(row, parameter="bad", coverage=0.8, coverage_lower=0.7, coverage_upper=0.9, p_coverage_holm=0.01,
             p_uniform_holm=0.5),
    ])  # fmt: skip
    said = calibration.sentence({"summary": summary})
    assert "Of 2 kinds of 95 % intervals, 1 hold" in said and "not bad (80 %)" in said
    assert said.endswith("Ranks are not uniform for good.")


def test_designs_are_compared_and_recovered(monkeypatch):
    monkeypatch.setattr(designs, "_PEOPLE", 6)
    study = load_study("takeuchi_2016")
    tables = computed(designs._planned(study), 1) | computed(designs._recovered(study), 2)
    shown = designs.SECTION.show(tables)
    assert drawn(shown) == ["designs", "designs-confusion", "designs-recovery"]
    known, told, recovery = shown.listings
    assert known.cells["with no number"].tolist() == ["–", "–", "dose"]  # of no use to encoding alone
    assert len(told.cells) == 6 and "more than a million" in set(told.cells.people)
    assert len(recovery.cells) == 4
    assert shown.says.startswith("0 of 1 designs tell the two rules of capture apart")


def test_designs_are_stored_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(designs, "_RECOVERED", ())
    monkeypatch.setattr(designs, "load_shipped", lambda family: [load_study("wang_2010")])
    simulated.main([str(tmp_path / "out"), "--section", "designs", "--quick"])
    assert {path.name for path in (tmp_path / "out" / "designs").iterdir()} >= {"told.csv", "known.csv", "made.json"}
