"""Measures of the E/I-assembly network on activity whose answer is known, and the claims on made-up measures."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engram.networks.ei_assembly import activity, draw_odours, manifolds, odour_blocks, subspace
from engram.networks.ei_assembly.claims import CLAIMS, NOT_TESTED, claims_table, o3, o16
from engram.networks.ei_assembly.parameters import EIAssemblyModel
from engram.networks.ei_assembly.simulation import EIAssemblyRun


def conductances(excitatory: np.ndarray, inhibitory: np.ndarray) -> activity.EvokedConductances:
    return activity.EvokedConductances(0.2 * excitatory, 0.8 * excitatory, inhibitory)


def test_cotuning_is_one_where_inhibition_follows_excitation_and_minus_one_where_it_opposes() -> None:
    e = np.random.default_rng(1).random((10, 3)) + 1
    i = np.stack([1.3 * e[:, 0] + 2, 5 - e[:, 1], np.random.default_rng(2).random(10)], axis=1)
    r = activity.cotuning(conductances(e, i), np.arange(3))
    np.testing.assert_allclose(r[:2], [1, -1], atol=1e-12)
    assert r[2] == pytest.approx(np.corrcoef(e[:, 2], i[:, 2])[0, 1])


def test_balanced_axis_and_ratio_of_spreads() -> None:
    rng = np.random.default_rng(3)
    along, across = rng.normal(20, 3.0, (4000, 50)), rng.normal(0, 1.0, (4000, 50))
    k = 1.2
    e, i = (along - k * across) / np.hypot(1, k), (k * along + across) / np.hypot(1, k)
    found = activity.balance(conductances(e, i), np.arange(50))
    assert found.slope == pytest.approx(k, rel=0.01) and found.ratio == pytest.approx(3.0, rel=0.02)


def test_recurrent_share_is_that_of_the_recurrent_conductance() -> None:
    e = np.random.default_rng(1).random((10, 5)) + 1
    assert activity.recurrent_share(conductances(e, e), 5) == pytest.approx(80.0)


def run_of(step: list[int], neuron: list[int], mitral_seed: int = 1) -> EIAssemblyRun:
    mitral = odour_blocks(draw_odours(1, seed=1), [0], seed=mitral_seed)
    return EIAssemblyRun(
        step=np.array(step), neuron=np.array(neuron), model=EIAssemblyModel(), input=mitral,
        windows=np.zeros((0, 2)), conductances=np.zeros((0, 3, 0)), trace_times=np.zeros(0), traces=np.zeros((0, 4, 0)),
    )  # fmt: skip


def test_regular_spikes_have_no_interval_variation() -> None:
    regular = list(range(10_000, 30_000, 1000))
    assert activity.interval_variation(run_of(regular, [3] * 20), np.array([3]), 1.0, 3.0) == 0.0
    assert np.isnan(activity.interval_variation(run_of(regular[:3], [3] * 3), np.array([3]), 1.0, 3.0))


def test_conductances_need_the_right_windows() -> None:
    with pytest.raises(ValueError, match="the run needs the windows of response_windows"):
        activity.evoked_conductances(run_of([1], [1]))


@given(seed=st.integers(0, 10**6), dimensions=st.integers(1, 8))
def test_participation_ratio_of_equal_variances_is_their_number(seed: int, dimensions: int) -> None:
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(20, 20)))[0][:dimensions]
    corners = np.concatenate([np.eye(dimensions), -np.eye(dimensions)]) @ axes
    assert manifolds.participation_ratio(corners) == pytest.approx(dimensions)


def test_mahalanobis_distance_counts_standard_deviations() -> None:
    rng = np.random.default_rng(4)
    reference = rng.normal(size=(200_00, 4)) * [1, 2, 3, 4]
    points = np.array([[1.0, 0, 0, 0], [0, 2.0, 0, 0], [3.0, 0, 9.0, 0]])
    groups = np.arange(4)[:, None]
    far = manifolds.mahalanobis_distances(points, reference, groups, seed=1, cells=4, draws=2)
    np.testing.assert_allclose(far, [1, 1, np.sqrt(18)], rtol=0.03)
    with pytest.raises(ValueError, match="3 reference patterns cannot give the covariance of 4 cells"):
        manifolds.mahalanobis_distances(points, reference[:3], groups, seed=1, cells=4)


def test_classifiers_find_separate_classes() -> None:
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(3, 12)) * 5
    label = np.repeat([0, 1, 2], 100)
    train, test = centres[label] + rng.normal(size=(300, 12)), centres + rng.normal(size=(3, 12)) * 0.1
    groups = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(
        manifolds.quadratic_classification(train, label, test, groups, seed=1, cells=6, draws=5), np.eye(3)
    )
    np.testing.assert_array_equal(manifolds.template_matching(train, label, test, seed=1), np.eye(3))
    silent = np.zeros_like(train)
    assert np.isnan(manifolds.quadratic_classification(silent, label, test, groups, seed=1, cells=6, draws=2)).all()


def test_published_tables_of_the_subspace_are_consistent() -> None:
    assert subspace.KEPT.shape == subspace.AVAILABLE.shape == (11, 11)
    assert np.array_equal(subspace.KEPT, subspace.KEPT.T) and np.array_equal(subspace.AVAILABLE, subspace.AVAILABLE.T)
    assert np.all(subspace.AVAILABLE >= subspace.KEPT)
    totals = [sum(subspace.corner_shares(subspace.KEPT, r, c)) for r in range(11) for c in range(11)]
    assert min(totals) == 100 and max(totals) == 110
    assert all(len(manifolds.pixels_near(corner)) == 8 for corner in range(4))
    assert [manifolds.pixels_near(corner)[0] for corner in range(4)] == [0, 10, 110, 120]


def test_corners_of_the_subspace_are_the_pure_odours_and_mixtures_have_as_many_cells() -> None:
    odours = draw_odours(4, seed=7)
    between = subspace.mixtures(odours, (0, 1, 2, 3), seed=8)
    assert len(between) == 121
    for pixel, pure in ((0, 0), (10, 1), (110, 2), (120, 3)):
        assert set(between.activated(pixel)) == set(odours.activated(pure))
    numbers = [len(between.activated(pixel)) for pixel in range(121)]
    assert 120 <= min(numbers) and max(numbers) <= 170
    for kind in range(8):
        order = subspace.trajectory(kind)
        assert sorted(order) == list(range(121))
        steps = np.abs(np.diff(np.stack(np.unravel_index(order, (11, 11))), axis=1)).sum(axis=0)
        assert np.all(steps == 1)


def test_morphs_exchange_cells() -> None:
    odours = draw_odours(2, seed=7)
    between = subspace.morphs(odours, 0, 1, [0.0, 0.4, 1.0], seed=9)
    kept = [len(set(between.activated(k)) & set(odours.activated(0))) for k in range(3)]
    assert kept[0] == 150 and kept[1] >= 90 and set(between.activated(2)) == set(odours.activated(1))


def made_up(**changes: dict[str, float]) -> pandas.DataFrame:
    rates = {"random": 3.0, "scaled I": 22.0, "tuned I": 6.0, "tuned E+I": 9.0}
    rows = [
        {"seed": seed, "regime": regime, "assembly_e": rate + 0.1 * seed, "interval_cv": 0.7, **changes.get(regime, {})}
        for seed in (1, 2, 3)
        for regime, rate in rates.items()
    ]
    return pandas.DataFrame(rows)


def test_a_claim_holds_fails_or_is_not_measured() -> None:
    table = claims_table(made_up())
    assert bool(table.loc["O3", "holds"]) and table.loc["O3", "seeds"] == 3
    assert table.loc["O4", "holds"] is None and "not measured: cotuning" in table.loc["O4", "weakest"]
    failing = claims_table(made_up(**{"tuned E+I": {"assembly_e": 2.0}})).loc["O3"]
    assert failing["holds"] is not None and not failing["holds"] and "tuned E+I > random" in failing["failing"]
    assert not set(CLAIMS) & set(NOT_TESTED)
    assert {f"O{number}" for number in range(1, 20)} == set(CLAIMS) | set(NOT_TESTED)


def test_measures_that_are_missing_or_seeds_that_are_incomplete_do_not_count() -> None:
    measures = made_up()
    table = claims_table(measures.drop(index=measures.index[-1]))
    assert bool(table.loc["O3", "holds"]) and table.loc["O3", "seeds"] == 2
    measures.loc[measures["regime"] == "scaled I", "interval_cv"] = 0.7
    measures.loc[measures["regime"] == "random", "assembly_e"] = np.nan
    table = claims_table(measures)
    assert table.loc["O3", "holds"] is None and table.loc["O3", "weakest"] == "not measured: assembly_e (random)"


def test_claim_parts_are_signed() -> None:
    parts = o3(lambda regime, measure: np.array([{"random": 3.0, "scaled I": 5.0}.get(regime, 9.0)]))
    assert parts["tuned I > random"][0] == 6.0 and parts["scaled > 1.5 × tuned I"][0] == 5.0 - 13.5
    asymmetric = {"mahalanobis_learned_to_novel": 1.5, "mahalanobis_novel_to_learned": 1.1}
    parts = o16(lambda regime, measure: np.array([asymmetric.get(measure, 1.0) if regime == "tuned E+I" else 1.0]))
    assert all(values[0] > 0 for values in parts.values())
