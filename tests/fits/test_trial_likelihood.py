"""The likelihood of raw trials is that of the protocols, written out trial by trial. All data here are simulated."""

import math

import numpy as np
import pandas
import pytest
from scipy import stats
from simulated_trials import STUDY, simulated

from engram import Encode, LinearCapture, Protocol, Release, Test, ThresholdCapture, hour
from fits.study import load_study
from fits.trial_fit import TrialObjective, fit_participants, fit_trials
from fits.trial_likelihood import TrialPredictor, count_trials, deviance_residuals
from fits.trials import TrialError, read_trials

OWN = {"strength": 0.55, "relatedness": 0.35, "dose": 0.9, "criterion": 1.3}
CODES = ["DO", "MO", "MN", "DN"]


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "sim.toml"
    path.write_text(STUDY, encoding="utf-8")
    return load_study(path)


@pytest.fixture
def read(tmp_path, study):
    def reader(frame, **options):
        path = tmp_path / "trials.csv"
        frame.to_csv(path, index=False)
        return read_trials(path, study, **options)

    return reader


def settings(model):
    return model.with_(durable_fraction=0.3, strength_spread=0.3, ambient_activity=0.1)


def level_probabilities(strength):
    """Of the four levels, from the normal distribution: sensitivity 3, gaps 0.7 and 0.8."""
    c1 = OWN["criterion"]
    below = [stats.norm.cdf(c, loc=3.0 * strength) for c in (c1, c1 - 0.7, c1 - 1.5)]
    return [1 - below[0], below[0] - below[1], below[1] - below[2], below[2]]


def protocol_of(rows):
    """One participant's session from their rows of the table, and the name of each item's trace."""
    events, names, counted = [Encode("room", at=0, strength=0.3)], {}, {}
    for row in rows[rows.old].sort_values(["phase", "onset"]).itertuples():
        at = {"early": 60.0, "late": 600.0}[row.phase] + row.onset
        kind = (
            f"first/{row.condition}" if row.phase == "early" else f"second/plus/{'' if row.reinforced else 'un'}shocked"
        )
        counted[kind] = counted.get(kind, 0) + 1
        names[row.item] = f"{kind}/{counted[kind]}"
        events.append(Encode(names[row.item], at=at, strength=OWN["strength"]))
        if row.reinforced:
            events.append(Encode("shock", at=at + 4.0, strength=0.8))
            events.append(Release("dopamine", at=at + 4.0, dose=OWN["dose"]))
    traces = list(dict.fromkeys(event.trace for event in events if isinstance(event, Encode)))
    related = {("shock", name): OWN["relatedness"] for name in traces if name.startswith("first/plus")}
    return Protocol(*events, *(Test(name, at=24 * hour) for name in traces), relatedness=related), names


@pytest.mark.parametrize("model", [ThresholdCapture(nodes=8), LinearCapture(nodes=8)], ids=lambda m: type(m).__name__)
def test_item_likelihood_is_the_sum_over_trials_of_everyones_own_protocol(study, read, model):
    frame = simulated()
    frame.loc[[1, 20], "response"] = ""
    trials = read(frame, missing="drop")
    total = 0.0
    for _, rows in frame.groupby("participant"):
        protocol, names = protocol_of(rows)
        run = settings(model).run(protocol)
        for row in rows[rows.response != ""].itertuples():
            strength = run.strength(names[row.item], 24 * hour) if row.old else 0.0
            total += math.log(level_probabilities(strength)[CODES.index(row.response)])
    predictor = TrialPredictor(trials, study, model, "item")
    assert predictor.data.n == 31
    assert predictor.log_likelihood(OWN, {}) == pytest.approx(total, rel=1e-10)
    residuals = predictor.residuals(OWN, {})
    # lures are counted together: what they lack is counted from their own best
    best = sum(o * math.log(o / row.sum()) for row in predictor.data.lure_counts for o in row if o)
    assert 0.5 * residuals @ residuals == pytest.approx(best - total, rel=1e-10)


def test_phase_likelihood_averages_the_traces_of_a_group_on_the_shared_timeline(study, read):
    model, frame = ThresholdCapture(nodes=8), simulated()
    shared = pandas.DataFrame(
        [("early", c, f"{c}{k}", 10.0 * k, False) for k, c in enumerate(["plus", "minus"] * 2)]
        + [("late", "plus", f"late{k}", 10.0 * k, k % 2 == 0) for k in range(4)],
        columns=["phase", "condition", "item", "onset", "reinforced"],
    ).assign(old=True)
    protocol, names = protocol_of(shared)
    run = settings(model).run(protocol)
    each = {name: level_probabilities(run.strength(name, 24 * hour)) for name in names.values()}
    total = 0.0
    for row in frame.itertuples():
        group = f"{'first' if row.phase == 'early' else 'second'}/{row.condition}/"
        members = [p for name, p in each.items() if name.startswith(group)] if row.old else [level_probabilities(0.0)]
        total += math.log(np.mean([p[CODES.index(row.response)] for p in members]))
    predictor = TrialPredictor(read(frame), study, model)
    assert predictor.log_likelihood(OWN, {}) == pytest.approx(total, rel=1e-10)
    assert predictor.data.groups == ("first/plus", "first/minus", "second/plus")
    residuals = predictor.residuals(OWN, {})
    best = sum(o * math.log(o / row.sum()) for row in predictor.data.all for o in row if o)
    assert 0.5 * residuals @ residuals == pytest.approx(best - total, rel=1e-10)
    assert np.allclose(predictor.probabilities(OWN, {}).sum(axis=1), 1)


@pytest.mark.parametrize("level", ["phase", "item"])
def test_neither_order_of_rows_nor_of_people_changes_the_likelihood_and_people_add_up(study, read, level):
    frame, model = simulated(), ThresholdCapture(nodes=4)
    whole = TrialPredictor(read(frame), study, model, level).log_likelihood(OWN, {})
    mixed = read(frame.sample(frac=1, random_state=3))
    assert TrialPredictor(mixed, study, model, level).log_likelihood(OWN, {}) == whole
    parts = [mixed.select([name]) for name in ("03", "01", "02")]
    logs = [TrialPredictor(part, study, model, level).log_likelihood(OWN, {}) for part in parts]
    assert sum(logs) == pytest.approx(whole, rel=1e-12)


def test_same_onsets_for_everyone_make_the_two_levels_agree_where_a_group_is_one_trace(tmp_path, read):
    """With one item a group, averaging over the group changes nothing."""
    path = tmp_path / "sim.toml"
    one = STUDY.replace("trials = 4", "trials = 2", 1).replace("trials = 4", "trials = 1")
    path.write_text(one, encoding="utf-8")
    study = load_study(path)
    frame = simulated()
    frame = frame[frame.item.isin(["early0", "early1", "late0"]) | ~frame.old]
    frame["onset"] = frame.item.map({"early0": 0.0, "early1": 10.0, "late0": 0.0})
    trials = read(frame)
    levels = [TrialPredictor(trials, study, LinearCapture(nodes=4), level) for level in ("phase", "item")]
    phase, item = (predictor.log_likelihood(OWN, {}) for predictor in levels)
    assert phase == pytest.approx(item, rel=1e-12)


def test_deviance_residuals_are_signed_and_smooth_and_sum_to_the_deviance():
    counts = np.array([[5.0, 0, 3], [0, 0, 0], [7, 1, 2]])
    p = np.array([[0.5, 0.2, 0.3], [0.1, 0.2, 0.7], [0.7, 0.1, 0.2]])
    residuals = deviance_residuals(counts, p).reshape(counts.shape)
    deviance = 2 * sum(o * math.log(o / (p[i, k] * counts[i].sum())) for (i, k), o in np.ndenumerate(counts) if o)
    assert (residuals**2).sum() == pytest.approx(deviance, rel=1e-12)
    assert (residuals[1] == 0).all() and np.allclose(residuals[2], 0, atol=1e-7)
    assert (np.sign(residuals[0]) == [1, -1, 1]).all()
    near = deviance_residuals(np.array([[50.0, 50]]), np.array([[0.5 + 1e-9, 0.5 - 1e-9]]))
    assert near == pytest.approx([-1e-9 * 100 / math.sqrt(50), 1e-9 * 100 / math.sqrt(50)], rel=1e-5)
    assert np.isfinite(deviance_residuals(np.array([[1.0, 0]]), np.array([[0.0, 1]]))).all()


@pytest.mark.parametrize("level", ["phase", "item"])
def test_information_is_that_of_the_multinomial(study, read, level):
    """The expected information is the mean of the squared score over answers drawn from the model (here: exactly)."""
    predictor = TrialPredictor(read(simulated()), study, ThresholdCapture(nodes=4), level)
    step, total = 1e-6, 0.0
    up, down = ({**OWN, "criterion": OWN["criterion"] + s} for s in (step, -step))
    slopes = (predictor.probabilities(up, {}) - predictor.probabilities(down, {})) / (2 * step)
    p, n = predictor.probabilities(OWN, {}), predictor.data.all.sum(axis=1)
    for row in range(len(p)):
        for outcome in range(4):
            total += n[row] * p[row, outcome] * (slopes[row, outcome] / p[row, outcome]) ** 2
    weights = predictor.information(predictor(OWN, {}))
    assert (weights * slopes.ravel() ** 2).sum() == pytest.approx(total, rel=1e-9)


def test_a_missing_answer_counts_as_an_outcome_only_where_the_study_says_which(study, read, tmp_path):
    frame = simulated()
    frame.loc[0, "response"] = ""
    separate = read(frame, missing="separate")
    with pytest.raises(
        TrialError, match=r"the response 'missing' stands for no outcome; add it to \[trials.responses\]"
    ):
        count_trials(separate, study)
    path = tmp_path / "sim.toml"
    path.write_text(STUDY.replace('DN = "def', 'missing = "definitely new"\nDN = "def'), encoding="utf-8")
    assert count_trials(separate, load_study(path)).n == 33
    assert count_trials(read(frame, missing="drop"), study).n == 32


def test_levels_responses_and_designs_that_cannot_hold_trials_are_refused(study, read, tmp_path):
    trials = read(simulated())
    with pytest.raises(ValueError, match="level is 'people'; use one of phase, item"):
        TrialPredictor(trials, study, ThresholdCapture(), "people")
    with pytest.raises(ValueError, match="whose timelines belong to the trials"):
        TrialPredictor(trials, study, ThresholdCapture(nodes=2), "item").with_trials(trials)
    path = tmp_path / "sim.toml"
    path.write_text(STUDY.replace('encode = "{block}/minus/{n}"', 'encode = "{block}/other/{n}"').replace(
        'traces = "first/minus"', 'traces = "first/plus"'), encoding="utf-8")  # fmt: skip
    with pytest.raises(TrialError, match="encodes first/other/1, of which 0 belong to 'first/plus'; it must be one"):
        TrialPredictor(trials, load_study(path), ThresholdCapture(nodes=2), "item")
    path.write_text(STUDY.replace('test = "*", at = "24 h" }', 'test = "*", at = "1 h" }, { test = "*", at = "24 h" }'),
                    encoding="utf-8")  # fmt: skip
    with pytest.raises(TrialError, match=r"has 2 Tests; say which was answered with trials.at"):
        TrialPredictor(trials, load_study(path), ThresholdCapture(nodes=2), "item")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('folder = "events"', 'at = "24 h"'), encoding="utf-8")
    late = TrialPredictor(trials, load_study(path), ThresholdCapture(nodes=2), "item").log_likelihood(OWN, {})
    usual = TrialPredictor(trials, study, ThresholdCapture(nodes=2), "item").log_likelihood(OWN, {})
    assert late == pytest.approx(usual, rel=1e-12)


def answered_by(study, read, people, seed=0):
    """Trials answered as the model would at the parameters ``OWN``."""
    rng = np.random.default_rng(seed)
    frame = simulated([f"{k:02d}" for k in range(people)])
    predictor = TrialPredictor(read(frame), study, LinearCapture(nodes=4), "item")
    table = predictor.probabilities(OWN, {})
    ordered = read(frame).table
    chance = [*table[: len(predictor.data.groups)], *([table[-1]] * int((~ordered.old).sum()))]
    places = [*ordered.index[ordered.old], *ordered.index[~ordered.old]]
    ordered.loc[places, "response"] = [CODES[rng.choice(4, p=p / p.sum())] for p in chance]
    return read(ordered)


def test_a_fit_returns_the_parameters_that_made_the_answers(study, read):
    trials = answered_by(study, read, 60)
    phase = fit_trials(trials, study, LinearCapture(nodes=4), starts=3, workers=2)
    item = fit_trials(trials, study, LinearCapture(nodes=4), level="item", starts=1, workers=2)
    for found in (phase, item):
        rows = found.estimates[found.estimates.verdict == "ok"].set_index("parameter")
        assert "criterion" in rows.index
        away = (rows.estimate - pandas.Series(OWN)[rows.index]) / rows.standard_error
        assert (away.abs() < 3.5).all()
        assert found.n_trials == 660 and found.starts.converged.all()
        assert found.bic - found.aic == pytest.approx(found.n_parameters * (math.log(660) - 2))
        assert np.allclose(found.groups.groupby("group").predicted.sum(), 1)
    truth = TrialPredictor(trials, study, LinearCapture(nodes=4), "item").log_likelihood(OWN, {})
    assert truth - 0.01 < item.log_likelihood < truth + 8  # twice the excess is about χ² with 4 degrees of freedom
    again = fit_trials(trials, study, LinearCapture(nodes=4), starts=3, workers=1)
    assert again.estimates.equals(phase.estimates) and again.starts.equals(phase.starts)


def test_participants_lie_between_their_own_answers_and_the_group(study, read):
    trials = answered_by(study, read, 6)
    group = fit_trials(trials, study, LinearCapture(nodes=4), starts=2)
    loose, tight = (fit_participants(trials, study, LinearCapture(nodes=4), group=group, sd=sd) for sd in (0.5, 1e-4))
    centre = group.values()["criterion"]
    assert np.allclose(tight.criterion, centre, atol=1e-3) and loose.criterion.std() > 0.1
    assert (loose.log_likelihood >= tight.log_likelihood - 1e-6).all()
    assert loose.converged.all() and loose.participant.tolist() == list(trials.participants)
    named = fit_participants(trials, study, LinearCapture(nodes=4), group=group, sd=dict.fromkeys(group.values(), 1e-4))
    assert np.allclose(named.criterion, centre, atol=1e-3)
    with pytest.raises(ValueError, match="sd names no 'strength'"):
        fit_participants(trials, study, LinearCapture(nodes=4), group=group, sd={"dose": 1.0})
    with pytest.raises(ValueError, match=r"sd of 'strength' is -0\.\d+; give a positive number"):
        fit_participants(trials, study, LinearCapture(nodes=4), group=group, sd=-1)


def test_the_posterior_is_the_likelihood_and_a_normal_prior(study, read):
    predictor = TrialPredictor(read(simulated()), study, LinearCapture(nodes=4))
    plain = fit_trials(read(simulated()), study, LinearCapture(nodes=4), starts=1)
    assert set(plain.estimates.parameter) == set(OWN)
    from fits.objective import _study_coordinate

    coordinates = [_study_coordinate("sim", study.parameters[name]) for name in predictor.parameters]
    mean, sd = np.arange(4) / 10, np.array([0.1, 0.2, 0.3, 0.4])
    prior = TrialObjective(predictor, coordinates, (mean, sd))
    flat = TrialObjective(predictor, coordinates)
    place = np.array([c.inward(OWN[c.name]) for c in coordinates])
    assert prior.log_prior(place) == pytest.approx(stats.norm.logpdf(place, mean, sd).sum(), rel=1e-12)
    assert prior.value(place) == pytest.approx(flat.value(place) - prior.log_prior(place), rel=1e-12)
    gain = prior.deviance(place)[0] - flat.deviance(place)[0]
    assert gain == pytest.approx(0.5 * (((place - mean) / sd) ** 2).sum(), rel=1e-9)
    assert np.allclose(prior.information(place) - flat.information(place), np.diag(sd**-2))
