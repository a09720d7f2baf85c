"""Measures of the E/I-assembly network on activity whose answer is known, and the claims on made-up measures."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from engram.networks.ei_assembly import activity, concentration, draw_odours, manifolds, odour_blocks, subspace
from engram.networks.ei_assembly.claims import CLAIMS, claim_parts, claims_table, o3, o6, o14, o15, o16
from engram.networks.ei_assembly.parameters import EIAssemblyModel
from engram.networks.ei_assembly.representation import Subspace, plane_measures
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
    assert found.slope == pytest.approx(k, rel=0.01)
    assert found.spread_ratios.mean() == pytest.approx(3.0, rel=0.02)


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


def test_a_square_is_kept_and_clusters_are_found_in_the_plane() -> None:
    grid = np.stack(np.divmod(np.arange(121), 11), axis=1).astype(float)
    pixel = np.tile(np.arange(121), 2)
    turned = np.tile(3 * grid @ np.array([[0.6, -0.8], [0.8, 0.6]]) + 7, (2, 1))
    square = plane_measures(turned, pixel, seed=1)
    assert square["plane_disparity"] == pytest.approx(0, abs=1e-12)
    assert square["plane_step"] == pytest.approx(1)
    corners = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]])
    of = np.where(grid[:, 0] > 5, 0, np.where(grid[:, 1] > 5, 1, 2))
    clusters = plane_measures(np.tile(corners[of], (2, 1)), pixel, seed=1)
    assert clusters["plane_clusters"] < 1e-12 < square["plane_clusters"]
    assert clusters["plane_disparity"] > 0.2 and clusters["plane_step"] > 5


def walked(gain: float, seed: int = 1) -> Subspace:
    """Responses in which the cells of the two learned odours follow their share with a gain; others are noise."""
    rng = np.random.default_rng(seed)
    pixel, trial = np.tile(np.arange(121), 4), np.repeat([0, 2, 4, 6], 121)
    halves = rng.normal(5, 1, (484, 2, 400))
    for corner in (0, 1):
        members = slice(100 * corner, 100 * corner + 100)
        halves[:, :, members] += gain * manifolds.shares_of(corner).ravel()[pixel][:, None, None]
    return Subspace(halves.mean(axis=1), halves, pixel, trial, np.arange(400).reshape(4, 100))


def test_concentration_is_read_where_cells_follow_it_and_not_where_they_do_not() -> None:
    clear, faint = (
        concentration.concentration_measures(walked(gain), 1, regressions=1, machines=1) for gain in (0.1, 0.01)
    )
    assert clear["concentration_error_learned"] < 20 < faint["concentration_error_learned"]
    assert clear["concentration_correct_learned"] > faint["concentration_correct_learned"] > 1 / 6 + 0.1
    assert clear["concentration_error_novel"] > 400


def test_machines_separate_separable_classes() -> None:
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(4, 20)) * 3
    classes = np.repeat([3, 5, 7, 8], 12)
    patterns = np.repeat(centres, 12, axis=0) + rng.normal(size=(48, 20)) * 0.5
    np.testing.assert_array_equal(concentration.classify(patterns, classes, centres), [3, 5, 7, 8])


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
    assert list(CLAIMS) == [f"O{number}" for number in range(1, 20)]


def test_measures_that_are_missing_or_seeds_that_are_incomplete_do_not_count() -> None:
    measures = made_up()
    table = claims_table(measures.drop(index=measures.index[-1]))
    assert bool(table.loc["O3", "holds"]) and table.loc["O3", "seeds"] == 2  # of every part at least
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


def test_every_part_of_a_claim_is_told() -> None:
    parts = claim_parts(made_up()).set_index(["claim", "part"])
    assert set(parts.index.get_level_values("claim")) == {"O3"} and (parts.seeds == 3).all()
    assert parts.loc[("O3", "tuned I > random"), "mean"] == pytest.approx(3.0)


def test_controls_have_their_claims() -> None:
    def get(regime: str, measure: str) -> np.ndarray:
        angles = {"random": 1.15, "tuned E+I": 0.9, "tuned adjusted": 1.14, "scaled adjusted": 1.0, "excitable": 1.0}
        far = {"random": 20.0, "tuned E+I": 40.0, "tuned adjusted": 21.0, "scaled adjusted": 30.0, "excitable": 30.0}
        value = {
            "angle_learned": angles.get(regime, 0.0), "mahalanobis_learned_to_novel": far.get(regime, 0.0),
            "mahalanobis_novel_to_learned": 20.0, "cotuning": 0.5 if regime == "tuned E+I" else 0.2, "learned": 1.1,
            "novel": 1.0, "space_rate": 1.2 if regime == "excitable" else 1.0, "by_odour_deviation": 0.3,
            "by_assembly_deviation": 0.1,
        }[measure]  # fmt: skip
        return np.array([value])

    assert all(values[0] > 0 for values in {**o15(get), **o6(get)}.values())
    with pytest.raises(KeyError):
        o14(get)
