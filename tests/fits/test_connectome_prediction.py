"""Connectome-based prediction against the procedure written out in loops, and what it must not find. All simulated."""

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fits.individual import edge_networks, predict_behaviour, regional_analysis
from fits.individual.networks import regions_of, upper_triangle
from fits.individual.prediction import PredictionError, regressed


def huber_line(x, y):
    """Intercept and slopes by Huber's loss at 1.345 robust SDs of the least-squares residuals, by weighing anew."""
    design = np.column_stack([np.ones(len(y)), x])
    start = np.linalg.lstsq(design, y, rcond=None)[0]
    left = y - design @ start
    delta = 1.345 * np.median(np.abs(left - np.median(left))) / stats.norm.ppf(0.75)
    b = start
    for _ in range(500):
        weights = np.minimum(1.0, delta / np.maximum(np.abs(y - design @ b), 1e-300))
        b = np.linalg.solve(design.T @ (weights[:, None] * design), design.T @ (weights * y))
    return b


def by_loops(x, y, c, fold, p, network):
    """Every step for one person's fold after the other, in double precision."""
    predicted, observed = np.empty(len(y)), np.empty(len(y))
    for k in np.unique(fold):
        train, test = fold != k, fold == k
        design = np.column_stack([np.ones(len(y)), c])

        def without(values, train=train, design=design):
            return values - design @ np.linalg.lstsq(design[train], values[train], rcond=None)[0]

        left = without(y)
        sums = {1: np.zeros(len(y)), -1: np.zeros(len(y))}
        df = train.sum() - design.shape[1] - 1
        for edge in range(x.shape[1]):
            r = stats.pearsonr(without(x[:, edge])[train], left[train]).statistic
            if 2 * stats.t.sf(abs(r) * np.sqrt(df / (1 - r * r)), df) < p:
                sums[int(np.sign(r))] += x[:, edge]
        chosen = {"positive": [1], "negative": [-1], "both": [1, -1]}[network]
        inputs = np.column_stack([sums[sign] for sign in chosen if np.ptp(sums[sign])] or [np.zeros((len(y), 0))])
        scale = inputs[train].std(axis=0)
        b = huber_line(inputs[train] / scale, left[train])
        predicted[test] = b[0] + inputs[test] / scale @ b[1:]
        observed[test] = left[test]
    return predicted, observed


def people(n=60, edges=45, seed=0, covariates=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(0.3, 0.2, (n, edges))
    c = rng.normal(size=(n, covariates))
    y = x[:, :5].sum(axis=1) - x[:, 5:8].sum(axis=1) + 0.6 * rng.standard_t(3, n) + c.sum(axis=1)
    x[:, :2] += 0.1 * c[:, :1] if covariates else 0
    return x, y, c


@pytest.mark.parametrize("covariates", [0, 2])
@pytest.mark.parametrize("network", ["positive", "negative", "both"])
def test_prediction_is_that_of_loops_over_folds_and_edges(network, covariates):
    """1e-4 of the spread of behaviour: edges are in single precision."""
    x, y, c = people(covariates=covariates, seed=covariates)
    found = predict_behaviour(x, y, covariates=c if covariates else None, folds=5, threshold=0.05, permutations=0,
                              networks=[network], seed=4)  # fmt: skip
    table = found.predictions
    predicted, observed = by_loops(x, y, c, table.fold.to_numpy(), 0.05, network)
    # behaviour is centred over everybody, which its intercept in every fold takes out again
    assert table.observed.to_numpy() == pytest.approx(observed, abs=1e-10)
    assert table[network].to_numpy() == pytest.approx(predicted, abs=1e-4 * y.std())
    assert found.scores.r[0] == pytest.approx(stats.pearsonr(predicted, observed).statistic, abs=1e-4)
    worth = 1 - ((predicted - observed) ** 2).sum() / (observed**2).sum()
    assert found.scores.explained[0] == pytest.approx(worth, abs=1e-4)


def test_every_permutation_is_the_whole_procedure_with_behaviour_dealt_anew():
    """Feeding what was dealt through the procedure of one behaviour gives the null distribution, to 1e-4."""
    x, y, _ = people(n=50, seed=2)
    found = predict_behaviour(x, y, folds=5, threshold=0.05, permutations=3, networks=["both"], seed=9)
    rng = np.random.default_rng(9)
    rng.permutation(50)  # the folds
    centred = y - y.mean()
    for k in range(3):
        dealt = centred[rng.permutation(50)]
        predicted, observed = by_loops(x, dealt, np.zeros((50, 0)), found.predictions.fold.to_numpy(), 0.05, "both")
        assert found.null.both[k] == pytest.approx(stats.pearsonr(predicted, observed).statistic, abs=1e-4)


def test_p_counts_permutations_that_predict_as_well():
    x, y, _ = people()
    found = predict_behaviour(x, y, folds=5, permutations=40, networks=["positive"], seed=1)
    better = (found.null.positive >= found.scores.r[0]).sum()
    assert found.scores.p[0] == (1 + better) / 41
    assert found.scores.null_upper[0] == pytest.approx(np.quantile(found.null.positive, 0.95))


def test_edges_carry_their_correlation_and_a_p_for_the_family_of_all():
    x, y, c = people(covariates=1, seed=5)
    found = predict_behaviour(x, y, covariates=c, folds=5, permutations=50, seed=1).edges
    design = np.column_stack([np.ones(len(y)), c])
    left = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (*x.T, y)]
    expected = [stats.pearsonr(edge, left[-1]).statistic for edge in left[:-1]]
    assert found.correlation.to_numpy() == pytest.approx(expected, abs=2e-6)
    order = np.argsort(-np.abs(found.correlation.to_numpy()))
    assert (np.diff(found.p_family.to_numpy()[order]) >= 0).all()  # the larger, the rarer
    assert ((found.positive == 0) | (found.correlation > 0)).all() and found[["positive", "negative"]].max().max() <= 5


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100), edges=st.sampled_from([1e-12, 1e-7, 1e-2, 100, 1e9]))
def test_units_do_not_matter(scale, shift, edges):
    x, y, _ = people(n=40)
    first = predict_behaviour(x, y, folds=4, permutations=0, seed=3)
    second = predict_behaviour(edges * x, shift + scale * y, folds=4, permutations=0, seed=3)
    assert second.scores.r.to_numpy() == pytest.approx(first.scores.r.to_numpy(), abs=1e-4)
    assert (second.edges.positive == first.edges.positive).all()


def test_the_order_of_edges_does_not_matter_and_the_same_seed_gives_the_same_bits():
    x, y, _ = people()
    order = np.random.default_rng(0).permutation(x.shape[1])
    first, again, other = (predict_behaviour(own, y, folds=5, permutations=20, seed=3) for own in (x, x, x[:, order]))
    assert first.null.equals(again.null) and first.predictions.equals(again.predictions)
    assert other.scores.r.to_numpy() == pytest.approx(first.scores.r.to_numpy(), abs=1e-5)


def test_behaviour_of_nobody_is_predicted_by_chance_alone():
    """p of 200 sets of noise is uniform (Kolmogorov-Smirnov, seeds fixed): selection is inside the folds."""
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(30, 60)).astype(np.float32), rng.normal(size=30)
        scores = predict_behaviour(x, y, folds=3, threshold=0.1, permutations=19, networks=["both"], seed=seed).scores
        found.append(scores.p[0] - rng.random() / 20)
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.05) < 0.1


def test_outliers_hardly_move_the_line():
    """Ten of 180 that are far off move predictions by less than a twentieth of what they do to least squares."""
    rng = np.random.default_rng(1)
    sums = rng.normal(size=(200, 1))
    y = 0.5 * sums[:, 0] + 0.1 * rng.normal(size=200)
    test = np.zeros(200, dtype=bool)
    test[:20] = True
    spoilt = y.copy()
    spoilt[20:30] += 50
    moved = np.abs(regressed(sums, spoilt, test) - regressed(sums, y, test)).max()
    lines = [np.polynomial.Polynomial.fit(sums[20:, 0], own[20:], 1)(sums[:20, 0]) for own in (y, spoilt)]
    assert moved < np.abs(lines[1] - lines[0]).max() / 20
    exact = regressed(sums, 2 + 3 * sums[:, 0], test)  # a line without residuals
    assert exact == pytest.approx(2 + 3 * sums[:20, 0], rel=1e-9)


def test_folds_without_edges_predict_what_everybody_is():
    x, y, _ = people(n=40)
    found = predict_behaviour(x, y, folds=4, threshold=1e-9, permutations=0, networks=["negative"])
    assert not found.edges.negative.any()
    for _, fold in found.predictions.groupby("fold"):
        assert np.ptp(fold.negative) < 1e-12


@pytest.mark.parametrize("covariates", [0, 1])
@pytest.mark.parametrize("constant", [True, False])
def test_what_is_predicted_from_no_edge_scores_nothing(constant, covariates):
    """Intercepts differ between folds, and went with behaviour by chance: r reached 0.5."""
    for seed in range(10):
        x, y, c = people(n=24, edges=6, seed=seed, covariates=covariates)
        if constant:
            x[:] = 0.25
        found = predict_behaviour(x, y, covariates=c if covariates else None, folds=4, permutations=6, seed=seed,
                                  threshold=0.5 if constant else 1e-12)  # fmt: skip
        assert not found.scores.r.any() and not found.null.any(axis=None) and not found.scores.selected.any()
        assert (found.scores.p == 1).all()
        assert [note.split(":")[0] for note in found.notes] == ["positive", "negative", "both"]
        assert "no fold selected an edge" in found.notes[0]


def test_a_network_that_no_fold_has_is_noted_and_others_are_scored():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 4))
    y = x.sum(axis=1) + 0.5 * rng.normal(size=60)
    found = predict_behaviour(x, y, folds=5, permutations=20, threshold=0.001)
    scores = found.scores.set_index("network")
    assert scores.r["negative"] == 0 and scores.selected.to_dict() == {"positive": 5, "negative": 0, "both": 5}
    assert scores.r["positive"] > 0.3 and len(found.notes) == 1 and found.notes[0].startswith("negative")
    assert (found.null.negative == 0).mean() > 0.5  # permutations in which no edge went with behaviour that strongly


def test_an_edge_that_is_constant_is_never_selected():
    x, y, _ = people(n=40)
    x[:, 3] = 0.25
    found = predict_behaviour(x, y, folds=4, threshold=0.5, permutations=5).edges
    assert found.correlation[3] == 0 and found.positive[3] == found.negative[3] == 0


def change(x, y, c, what):
    if what == "constant covariate":
        c[:, 1] = 7.0
    elif what == "covariates that follow":
        c[:, 1] = 2 * c[:, 0] + 1
    elif what == "constant behaviour":
        y[:] = 0.5
    elif what == "missing behaviour":
        y[4] = np.nan
    elif what == "missing edge":
        x[7, 11] = np.inf
    elif what == "missing covariate":
        c[2, 0] = np.nan
    return x, y, c


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("constant covariate", r"covariate motion is 7 for everybody"),
        ("covariates that follow", r"one of the covariates age, motion follows from the others"),
        ("constant behaviour", r"behaviour is 0\.5 for everybody"),
        ("missing behaviour", r"behaviour of participant 'p4' is nan"),
        ("missing edge", r"value 11 of participant 'p7' is inf"),
        ("missing covariate", r"covariate age of participant 'p2' is nan"),
    ],
)
def test_what_cannot_be_used_is_named(what, message):
    x, y, c = change(*people(covariates=2), what)
    series = pandas.Series(y, index=[f"p{k}" for k in range(len(y))])
    with pytest.raises(PredictionError, match=message):
        covariates = pandas.DataFrame(c, index=series.index, columns=["age", "motion"])
        predict_behaviour(x, series, covariates=covariates, permutations=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(folds=1), "folds is 1"),
        (dict(folds=2.5), "folds is 2.5; give a whole number"),
        (dict(threshold="0.01"), "threshold is '0.01'; give a p"),
        (dict(permutations=9.5), "permutations is 9.5; give a whole number"),
        (dict(folds=40), "60 people are too few; with 40 folds"),
        (dict(threshold=0.0), "threshold is 0"),
        (dict(permutations=-1), "permutations is -1"),
        (dict(networks="positive"), "networks is 'positive'; give a list"),
        (dict(networks=None), "networks is None"),
        (dict(networks=[]), r"networks is \[\]; give a list of some of positive, negative, both"),
        (dict(networks=["both", "both"]), "each once"),
        (dict(networks=["all"]), r"networks is \['all'\]"),
    ],
)
def test_impossible_options_are_refused(options, message):
    x, y, _ = people()
    with pytest.raises(PredictionError, match=message):
        predict_behaviour(x, y, **options)


def test_people_must_be_the_same_in_both():
    x, y, _ = people()
    with pytest.raises(PredictionError, match=r"\(60, 45\) and behaviour \(59,\)"):
        predict_behaviour(x, y[1:])
    names = pandas.Series(y, index=range(60))
    with pytest.raises(PredictionError, match="brains lack '0' and have '60' beside them"):
        regional_analysis(pandas.DataFrame(x, index=range(1, 61)), names, permutations=5)


def named(seed=1):
    """Edges, behaviour and covariates of people with names, that depend on one another."""
    x, y, c = people(n=40, covariates=2, seed=seed)
    who = [f"p{k}" for k in range(40)]
    return (pandas.DataFrame(x, index=who), pandas.Series(y, index=who),
            pandas.DataFrame(c, index=who, columns=["age", "motion"]))  # fmt: skip


def test_tables_are_matched_by_participant_whatever_their_order():
    x, y, c = named()
    mixed = np.random.default_rng(0).permutation(40)
    right = predict_behaviour(x, y, covariates=c, folds=4, permutations=3, seed=1)
    regions = regional_analysis(x, y, covariates=c, permutations=9)
    for brains, covariates in ((x, c.iloc[mixed]), (x.iloc[mixed], c), (x.to_numpy(), c.iloc[mixed])):
        found = predict_behaviour(brains, y, covariates=covariates, folds=4, permutations=3, seed=1)
        assert found.scores.equals(right.scores) and found.predictions.equals(right.predictions)
        own = regional_analysis(brains, y, covariates=covariates, permutations=9)
        assert own[["r", "p", "p_family"]].equals(regions[["r", "p", "p_family"]])
    one = regional_analysis(x, y, covariates=c.age, permutations=9)
    assert regional_analysis(x, y, covariates=c.age.iloc[mixed], permutations=9).equals(one)
    arrays = predict_behaviour(x.to_numpy(), y.to_numpy(), covariates=c.iloc[mixed], folds=4, permutations=3, seed=1)
    assert not arrays.scores.r.equals(right.scores.r)  # arrays have no names, and are taken in order
    assert regional_analysis(x, y.to_numpy(), covariates=c.iloc[mixed], permutations=9).equals(regions)


@pytest.mark.parametrize("analysis", [predict_behaviour, regional_analysis])
def test_covariates_of_other_people_are_refused(analysis):
    x, y, c = named()
    with pytest.raises(PredictionError, match="covariates lack 'p0' and have 'p99' beside them"):
        analysis(x, y, covariates=c.rename(index={"p0": "p99"}))
    with pytest.raises(PredictionError, match="covariates lack 'p39' and have nobody beside them"):
        analysis(x, y, covariates=c.iloc[:-1])
    with pytest.raises(PredictionError, match="rows of covariates are numbered, those of behaviour are named"):
        analysis(x, y, covariates=c.reset_index(drop=True))
    with pytest.raises(PredictionError, match="rows of behaviour are numbered, those of covariates are named"):
        analysis(x.to_numpy(), y.reset_index(drop=True), covariates=c)
    with pytest.raises(PredictionError, match="covariates have 'p0' twice"):
        analysis(x, y, covariates=pandas.concat([c.iloc[::-1], c[:1]]))
    twice = y.rename(index={"p1": "p0"})
    with pytest.raises(PredictionError, match="behaviour: participant 'p0' is there twice"):
        analysis(x.set_axis(twice.index), twice)


@pytest.mark.parametrize("analysis", [predict_behaviour, regional_analysis])
@pytest.mark.parametrize("noise", [0.0, 1e-9])
def test_covariates_that_explain_all_of_behaviour_are_refused(analysis, noise):
    x, y, c = named()
    rest = noise * np.random.default_rng(0).normal(size=40)
    for own in (y + rest, c.assign(own=2 * y - c.age + rest)):
        with pytest.raises(PredictionError, match=r"behaviour follows from covariates .*is rounding noise"):
            analysis(x, y, covariates=own)


@pytest.mark.parametrize("analysis", [predict_behaviour, regional_analysis])
def test_lists_are_taken_and_text_is_refused(analysis):
    x, y, c = named()
    given = analysis(x.to_numpy().tolist(), y.tolist(), covariates=c.to_numpy().tolist(), permutations=2)
    assert type(given) is type(analysis(x, y, permutations=2))
    with pytest.raises(PredictionError, match=r"behaviour: is not of numbers .*'high'"):
        analysis(x, y.astype(object).where(y > 0, "high"))
    with pytest.raises(PredictionError, match=r"covariate sex: is not of numbers .*'f'"):
        analysis(x, y, covariates=c.assign(sex="f"))
    with pytest.raises(PredictionError, match="covariate day: is not of numbers"):
        analysis(x, y, covariates=c.assign(day=pandas.date_range("2020-01-01", periods=40)))
    with pytest.raises(PredictionError, match=r"brains: is not of numbers \(complex128\)"):
        analysis(x.to_numpy() + 1j, y)
    with pytest.raises(PredictionError, match="brains: is not of numbers"):
        analysis([["a"] * 5] * 40, y)
    with pytest.raises(PredictionError, match=r"brains are \(40, 0\): without a value"):
        analysis(x.to_numpy()[:, :0], y)
    with pytest.raises(PredictionError, match=r"covariates are \(\); give \(people, covariates\)"):
        analysis(x, y, covariates=3.0)


def test_regions_are_tested_by_permutation_as_in_a_loop():
    x, y, c = people(covariates=1, seed=3)
    found = regional_analysis(x, y, covariates=c, permutations=30, seed=2)
    design = np.column_stack([np.ones(len(y)), c])

    def without(values):
        return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]

    rng = np.random.default_rng(2)
    left = without(y)
    dealt = [left, *(without(left[rng.permutation(len(y))]) for _ in range(30))]
    r = np.array([[stats.pearsonr(without(x[:, k]), own).statistic for own in dealt] for k in range(x.shape[1])])
    assert found.r.to_numpy() == pytest.approx(r[:, 0], abs=1e-12)
    assert found.p.to_numpy() == pytest.approx([(1 + (np.abs(o[1:]) >= abs(o[0])).sum()) / 31 for o in r])
    largest = np.abs(r[:, 1:]).max(axis=0)
    assert found.p_family.to_numpy() == pytest.approx([(1 + (largest >= abs(o[0])).sum()) / 31 for o in r])
    with pytest.raises(PredictionError, match="region 4 is the same for everybody"):
        regional_analysis(np.where(np.arange(x.shape[1]) == 4, 1.0, x), y, permutations=5)
    with pytest.raises(PredictionError, match="permutations is 0"):
        regional_analysis(x, y, permutations=0)


def test_networks_are_edges_that_hang_together():
    """Of ten regions: a positive triangle and a positive pair, and a negative chain; one edge is not significant."""
    first, second = np.triu_indices(10, 1)
    place = {(a, b): k for k, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True))}
    table = pandas.DataFrame(dict(correlation=np.full(45, 0.01), p_family=np.ones(45)))
    for pair, r in {(0, 1): 0.3, (1, 2): 0.3, (0, 2): 0.3, (5, 9): 0.2, (3, 4): -0.2, (4, 6): -0.2}.items():
        table.loc[place[pair], ["correlation", "p_family"]] = r, 0.01
    table.loc[place[2, 5], ["correlation", "p_family"]] = 0.2, 0.06
    found = edge_networks(table)
    groups = {number: set(zip(g["first"], g["second"], strict=True)) for number, g in found.groupby("network")}
    assert groups == {1: {(0, 1), (1, 2), (0, 2)}, 2: {(5, 9)}, 3: {(3, 4), (4, 6)}}
    assert found.groupby("network").sign.first().tolist() == [1, 1, -1]
    assert len(edge_networks(table, level=1e-4)) == 0
    with pytest.raises(ValueError, match="46 edges"):
        edge_networks(pandas.concat([table, table[:1]]))


@given(st.integers(2, 400))
def test_edges_tell_the_number_of_regions(n):
    assert regions_of(n * (n - 1) // 2) == n
    matrix = np.arange(9.0).reshape(3, 3)
    assert upper_triangle(matrix).tolist() == [1.0, 2.0, 5.0]
