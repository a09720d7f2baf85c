"""Simulated data have the likelihood's distribution; recovery finds what is known and flags what is wrong."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats
from test_study_files import ONE

from engram import EncodingOnly
from fits.estimation import fit
from fits.model_recovery import recover_models
from fits.recovery import recover_parameters, summarise, wald_intervals
from fits.repetition import repeat
from fits.simulation import cell_groups, draw, found_probability, simulate
from fits.simulation_figures import confusion_figure, coverage_figure, recovery_figure
from fits.study import load_study


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    return load_study(path)


@pytest.fixture(scope="module")
def reference(one):
    return fit([one], EncodingOnly(nodes=2), starts=1, shared=False)


def recovered(one, reference, **options):
    options = dict(n=60, shared=False, truth=reference, compared=2) | options
    return recover_parameters([one], EncodingOnly(nodes=2), **options)


def drawn(observations, predicted, times=4000):
    rng = np.random.default_rng(7)
    return [draw(observations, np.array(predicted), rng) for _ in range(times)]


def test_means_are_drawn_with_their_standard_error(one):
    values = [o.value for (o,) in drawn(one.observations, [150.0])]
    assert stats.kstest(values, stats.norm(150, one.observations[0].error).cdf).pvalue > 0.01


@pytest.mark.parametrize("effect", [-1.0, 0.0, 2.0])
def test_effects_are_found_as_often_as_among_tests_that_do_not_point_the_other_way(one, effect):
    observation = dataclasses.replace(one.observations[0], kind="detected", detected=True, error=1.3)
    z = np.random.default_rng(1).normal(effect / 1.3, 1, 400_000)
    expected = np.mean(z > 1.959964) / np.mean(z > -1.959964)
    assert found_probability(observation, effect) == pytest.approx(expected, abs=0.003)
    share = np.mean([o.detected for (o,) in drawn([observation], [effect])])
    assert share == pytest.approx(expected, abs=0.03)


def test_counts_are_binomial_and_cells_multinomial(one):
    first = one.observations[0]
    counts = dataclasses.replace(first, kind="counts", n=20, count=3)
    cells = [dataclasses.replace(first, kind="cell", n=30, count=10, score=name, name=name) for name in "abc"]
    many = drawn([counts, *cells], [0.3, 0.5, 0.3, 0.2])
    table = np.array([[o.count for o in row] for row in many])
    assert (table[:, 1:].sum(axis=1) == 30).all()
    assert np.allclose(table.mean(axis=0), [6, 15, 9, 6], atol=0.2)
    assert np.corrcoef(table[:, 1], table[:, 2])[0, 1] == pytest.approx(-np.sqrt(0.5 * 0.3 / (0.5 * 0.7)), abs=0.05)
    assert cell_groups([*cells, *cells]) == [[0, 1, 2], [3, 4, 5]]
    assert cell_groups([cells[0], counts, cells[1]]) == [[0], [2]]
    with pytest.raises(ValueError, match=r"cells 'a', 'b' add up to 0.8; give every cell"):
        draw(cells[:2], np.array([0.5, 0.3]), np.random.default_rng(1))


def test_what_is_only_shown_stays_as_it_is(one):
    shown = dataclasses.replace(one.observations[0], kind="shown")
    assert draw([shown], np.array([3.0]), np.random.default_rng(1)) == (shown,)


def test_simulations_depend_on_the_seed_alone(reference):
    assert simulate(reference, seed=3) == simulate(reference.objective, reference.position, seed=3)
    assert simulate(reference, seed=3) != simulate(reference, seed=4)
    sequence = np.random.SeedSequence(3)
    assert simulate(reference, seed=sequence) == simulate(reference, seed=sequence)


def test_a_position_that_cannot_be_is_explained(reference):
    with pytest.raises(ValueError, match="no position to simulate at"):
        simulate(reference.objective, seed=1)
    with pytest.raises(ValueError, match=r"shape \(2,\); give one number for each of 1"):
        simulate(reference, np.zeros(2), seed=1)
    with pytest.raises(ValueError, match="it must lie between"):
        simulate(reference, np.array([99.0]), seed=1)


def test_a_gaussian_parameter_is_recovered_and_covered(one, reference):
    result = recovered(one, reference, n=200)
    (row,) = result.summary.itertuples()
    error = reference.estimates.standard_error[0]
    assert abs(row.bias) < 3 * row.bias_error and row.rmse == pytest.approx(error, rel=0.15)
    assert row.finding == "covered" and row.identified == 1 and row.correlation > 0.5
    assert result.differ == (0, 2)


def test_coverage_falls_when_standard_errors_are_halved_and_rises_when_they_are_doubled(one, reference):
    def scaled(factor):
        def interval(result):
            table = wald_intervals(result)
            middle, half = (table.lower + table.upper) / 2, (table.upper - table.lower) / 2
            return table.assign(lower=middle - factor * half, upper=middle + factor * half)

        return interval

    small, large = (recovered(one, reference, n=n, interval=scaled(f)).summary for n, f in ((60, 0.5), (120, 2.0)))
    assert small.finding[0] == "covers too little" and small.coverage[0] == pytest.approx(0.67, abs=0.15)
    assert large.finding[0] == "covers too much"


def test_intervals_of_profiles_may_be_open(one, reference):
    def interval(result):
        table = wald_intervals(result)
        return table.assign(lower=np.nan, verdict="one-sided")

    result = recovered(one, reference, n=30, interval=interval)
    assert result.table.covered.equals(result.table.true <= result.table.upper)
    assert result.summary.identified[0] == 0 and 0.9 <= result.summary.coverage_all[0] <= 1
    assert recovered(one, reference, n=3, interval=lambda r: wald_intervals(r)[:0]).table.covered.isna().all()


def test_intervals_that_mislead_are_seen_however_seldom_they_are_given(one, reference):
    def interval(result):
        table = wald_intervals(result)
        high = result.position[0] > result.objective.coordinates[0].inward(0.5)
        return table.assign(lower=0.9, upper=0.91) if high else table.assign(verdict="not identified")

    (row,) = recovered(one, reference, interval=interval).summary.itertuples()
    assert row.identified < 0.8 and row.finding == "covers too little"


def test_what_the_data_do_not_tell_is_not_held_to_coverage(one, reference):
    vague = dataclasses.replace(one, observations=(dataclasses.replace(one.observations[0], error=400.0),))
    result = recover_parameters([vague], EncodingOnly(nodes=2), n=10, shared=False, compared=0)
    assert result.summary.finding[0] == "not identified" and result.summary.identified[0] == 0


def test_simulations_have_the_same_bits_for_any_workers_and_when_resumed(one, reference):
    kept = {}
    first = recovered(one, reference, n=6, workers=1, keep=kept.__setitem__)
    assert first.table.equals(recovered(one, reference, n=6, workers=3).table)
    stored = {int(k): rows for k, rows in json.loads(json.dumps(kept)).items() if int(k) != 2}
    again = {}
    assert first.table.equals(recovered(one, reference, n=6, done=stored, keep=again.__setitem__).table)
    assert list(again) == [2]
    assert not first.table.equals(recovered(one, reference, n=6, seed=2).table)


def test_an_interrupt_keeps_what_is_finished(one, reference):
    kept = {}

    def interrupted(number, rows):
        kept[number] = rows
        if len(kept) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recovered(one, reference, n=12, keep=interrupted)
    whole = recovered(one, reference, n=12)
    assert len(kept) == 3 and recovered(one, reference, n=12, done=kept).table.equals(whole.table)


def test_a_failing_repetition_is_not_swallowed():
    def task(number, adopt):
        raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        repeat(task, 3)


def test_bad_requests_are_explained(one, reference):
    for options, message in (
        (dict(n=0), "n is 0; give at least 1"),
        (dict(spread=2), "spread is 2; give widths"),
        (dict(shared=True), "shared=False, but"),
    ):
        with pytest.raises(ValueError, match=message):
            recovered(one, reference, **options)
    with pytest.raises(ValueError, match="truth is a fit of EncodingOnly to one; give one of ThresholdCapture"):
        recover_parameters([one], "ThresholdCapture", truth=reference, shared=False)
    with pytest.raises(ValueError, match="nothing can be confused"):
        recover_models([one], ["EncodingOnly"])


def test_models_that_differ_are_told_apart():
    study = load_study("nielson_powless_2007")
    models = ["ThresholdCapture", "EncodingOnly"]
    truths = [fit([study], model, starts=2, shared=False) for model in models]
    result = recover_models([study], models, n=10, shared=False, truths=truths, spread=0.0)
    table = result.confusion("aic")
    assert (table.sum(axis=1) == 10).all()
    assert table.loc["EncodingOnly", "EncodingOnly"] >= 7
    assert table.loc["ThresholdCapture", "ThresholdCapture"] >= 7
    with pytest.raises(ValueError, match="unknown criterion 'dic'"):
        result.confusion("dic")
    figure = confusion_figure(result)
    written = [text.get_text() for text in figure.axes[0].texts]
    assert any(text.startswith(f"{table.iloc[0, 0]}\n") for text in written)


def test_figures_show_every_parameter(one, reference):
    result = recovered(one, reference, n=5)
    for scale, ending in (("linear", ""), ("log", ", log₁₀")):
        drawn = recovery_figure(dataclasses.replace(result, table=result.table.assign(scale=scale)))
        drawn.canvas.draw()
        assert drawn.axes[0].get_title() == f"strength\none{ending}"
    assert len(coverage_figure(result).axes[0].get_yticklabels()) == 1
    assert summarise(result.table).equals(result.summary)
