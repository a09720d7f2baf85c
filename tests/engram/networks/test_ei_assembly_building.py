"""Wiring, assemblies and odours of the E/I-assembly network."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from small_ei_network import small_network

from engram.networks.ei_assembly import (
    REGIMES,
    EIAssemblyModel,
    EIAssemblyNetwork,
    EIAssemblyOdours,
    NetworkError,
    add_assemblies,
    choose_members,
    draw_odours,
    make_regime,
    odour_blocks,
    random_network,
)
from engram.networks.ei_assembly.wiring import distinct

SMALL = EIAssemblyModel(n_excitatory=600, n_inhibitory=150, n_mitral=300)


@pytest.fixture(scope="module")
def network() -> EIAssemblyNetwork:
    return random_network(seed=1)


@pytest.fixture(scope="module")
def odours() -> EIAssemblyOdours:
    return draw_odours(15, seed=2)


def test_degrees_are_those_of_the_published_family(network: EIAssemblyNetwork) -> None:
    assert set(network.in_degree("o_e")) == {31.0} and set(network.in_degree("o_i")) == {16.0}
    published = {
        "e_e": (191, 210, 194, 206),
        "e_i": (149, 177, 38, 42),
        "i_e": (45, 55, 190, 210),
        "i_i": (32, 46, 39, 41),
    }
    for pathway, (low_in, high_in, low_out, high_out) in published.items():
        inside, outside = network.in_degree(pathway), network.out_degree(pathway)
        assert outside.min() >= low_out and outside.max() <= high_out
        assert abs(inside.min() - low_in) <= 4 and abs(inside.max() - high_in) <= 6
    assert np.mean(network.out_degree("e_e") == 206) == pytest.approx(0.366, abs=0.05)  # 1 464 of 4 000 in A_1


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 20), among=st.integers(1, 60), share=st.floats(0, 1))
def test_distinct_draws_are_distinct(seed: int, rows: int, among: int, share: float) -> None:
    number = int(share * among)
    drawn = distinct(np.random.default_rng(seed), rows, number, among)
    assert drawn.shape == (rows, number)
    assert all(len(set(row)) == number for row in drawn.tolist()) and np.all((drawn >= 0) & (drawn < among))


def test_distinct_draws_prefer_no_cell() -> None:
    drawn = distinct(np.random.default_rng(3), 20_000, 3, 10)
    counts = np.bincount(drawn.ravel(), minlength=10)
    assert np.all(np.abs(counts - 6000) < 5 * np.sqrt(6000 * 0.7))


def same(a: EIAssemblyNetwork, b: EIAssemblyNetwork) -> bool:
    return all((a.weights[name] != b.weights[name]).nnz == 0 for name in a.weights)


def test_same_seed_same_network_and_another_seed_another() -> None:
    assert same(random_network(SMALL, seed=5), random_network(SMALL, seed=5))
    assert not same(random_network(SMALL, seed=5), random_network(SMALL, seed=6))


@pytest.mark.parametrize("regime", list(REGIMES))
def test_rewiring_keeps_in_degrees_and_reaches_its_targets(
    network: EIAssemblyNetwork, odours: EIAssemblyOdours, regime: str
) -> None:
    members = choose_members(network, odours, seed=3)
    built = make_regime(network, members, regime, seed=4)
    for pathway in network.weights:
        assert np.array_equal(built.in_degree(pathway), network.in_degree(pathway))
        assert (built.weights[pathway].data >= 0).all()
        if pathway not in REGIMES[regime]:
            assert (built.weights[pathway] != network.weights[pathway]).nnz == 0
    side = {"e": members[0], "i": members[1]}
    for pathway, target in REGIMES[regime].items():
        # the assembly written last: nothing has been taken away from it since
        before, after = side[pathway[0]][-1], side[pathway[2]][-1]
        inside = built.weights[pathway][before][:, after].sum(axis=0)
        assert np.all(inside >= target) and np.mean(inside) < target + 1
    expected = 0.48 * 1.4 if regime == "scaled I" else 0.48
    assert built.model.strength_i_e == pytest.approx(expected)


def test_members_have_the_most_inputs(network: EIAssemblyNetwork, odours: EIAssemblyOdours) -> None:
    excitatory, inhibitory = choose_members(network, odours, seed=3)
    for odour in range(len(odours)):
        inputs = network.weights["o_e"][odours.activated(odour)].sum(axis=0)
        assert inputs[excitatory[odour]].min() == np.sort(inputs)[-100]
        inputs = network.weights["e_i"][excitatory[odour]].sum(axis=0)
        assert inputs[inhibitory[odour]].min() == np.sort(inputs)[-25]
        assert len(set(excitatory[odour])) == 100 and len(set(inhibitory[odour])) == 25
    assert len(np.unique(excitatory)) / 4000 == pytest.approx(0.30, abs=0.02)  # published: about 30 %
    assert np.mean(np.bincount(excitatory.ravel(), minlength=4000) > 1) == pytest.approx(0.06, abs=0.02)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), strength=st.floats(0.0, 1.0))
def test_half_a_memory_moves_half_the_weight(seed: int, strength: float) -> None:
    network = random_network(SMALL, seed=7)
    members = choose_members(network, draw_odours(3, seed=8, n_mitral=300, n_raised=30, n_lowered=15), seed=9,
                             n_excitatory=40, n_inhibitory=10)  # fmt: skip
    built = add_assemblies(network, members, {"e_e": 12}, seed=seed, strength=strength)
    np.testing.assert_allclose(built.in_degree("e_e"), network.in_degree("e_e"), atol=1e-4)
    assert built.weights["e_e"].data.min() >= 0
    last = members[0][-1]
    added = built.weights["e_e"][last][:, last].sum() - network.weights["e_e"][last][:, last].sum()
    whole = add_assemblies(network, members, {"e_e": 12}, seed=seed)
    most = whole.weights["e_e"][last][:, last].sum() - network.weights["e_e"][last][:, last].sum()
    assert added == pytest.approx(strength * most, abs=0.12 * float(most))


def test_impossible_networks_are_refused_and_nothing_changes(
    network: EIAssemblyNetwork, odours: EIAssemblyOdours
) -> None:
    with pytest.raises(NetworkError, match="e_e: an in-degree of 4001 is impossible with 4000 presynaptic cells"):
        random_network(EIAssemblyModel(probability_e_e=1.0), seed=1)
    with pytest.raises(NetworkError, match="an assembly of 5000 excitatory members: choose between 1 and the 4000"):
        choose_members(network, odours, seed=1, n_excitatory=5000)
    members = choose_members(network, odours.chosen([0]), seed=1)
    before = network.weights["e_e"].copy()
    with pytest.raises(NetworkError, match=r"e_e: 150 inputs from within an assembly are impossible for neuron \d+"):
        add_assemblies(network, members, {"e_e": 150}, seed=1)
    assert (network.weights["e_e"] != before).nnz == 0
    with pytest.raises(NetworkError, match="strength must lie between 0 and 1"):
        add_assemblies(network, members, {"e_e": 25}, seed=1, strength=1.5)
    with pytest.raises(NetworkError, match="no target for i_i"):
        add_assemblies(network, members, {"i_i": 25}, seed=1)
    with pytest.raises(NetworkError, match="regime 'tuned' is not one of random"):
        make_regime(network, members, "tuned", seed=1)
    with pytest.raises(NetworkError, match="the pathway e_e is missing"):
        network.changed(weights={name: value for name, value in network.weights.items() if name != "e_e"})
    with pytest.raises(NetworkError, match="must be finite and not negative"):
        network.changed(weights={**network.weights, "e_e": -network.weights["e_e"]})
    with pytest.raises(NetworkError, match=r"have shape \(4000, 1000\), but the model has \(4000, 4000\)"):
        network.changed(weights={**network.weights, "e_e": scipy.sparse.csr_array((4000, 1000))})


def test_members_that_cannot_be_are_refused() -> None:
    network, odours = random_network(SMALL, seed=1), draw_odours(2, seed=1, n_mitral=300, n_raised=30, n_lowered=15)
    members = choose_members(network, odours, seed=1, n_excitatory=20, n_inhibitory=5)
    with pytest.raises(NetworkError, match=r"the odours change mitral cell 1.*, but the network has 300"):
        choose_members(network, draw_odours(1, seed=1), seed=1)
    for wrong, message in (
        (members[0][:1], "1 assemblies have excitatory members, 2 inhibitory ones"),
        (members[0] - 600, "excitatory members must be numbered from 0 to 599, got -"),
        (members[0] + 0.5, "excitatory members must be an array of whole numbers"),
        (members[0][0], "excitatory members must be an array of whole numbers"),
        (np.repeat(members[0], 2, axis=1), "assembly 0 has an excitatory member twice"),
    ):
        with pytest.raises(NetworkError, match=message):
            add_assemblies(network, (wrong, members[1]), {"e_e": 5}, seed=1)
        with pytest.raises(NetworkError, match=message):
            network.changed(excitatory_members=wrong, inhibitory_members=members[1])
    two = add_assemblies(network, members, {"e_e": 5}, seed=1)
    with pytest.raises(NetworkError, match="new assemblies have 10 members, the network's 20"):
        add_assemblies(two, (members[0][:, :10], members[1]), {"e_e": 5}, seed=1)
    for strength, message in ((float("nan"), "must lie between 0 and 1"), ([1.0] * 3, "one for each of 2 assemblies")):
        with pytest.raises(NetworkError, match=message):
            add_assemblies(network, members, {"e_e": 5}, seed=1, strength=strength)
    for target in (-1, 4.5):
        with pytest.raises(NetworkError, match="e_e: a target must be a whole number of inputs"):
            add_assemblies(network, members, {"e_e": target}, seed=1)  # type: ignore[dict-item]


def test_odour_cells_are_distinct_and_rates_are_reached() -> None:
    odours = draw_odours(4, seed=6)
    for odour in range(4):
        assert len(set(odours.cell[odour])) == 225 and len(odours.activated(odour)) == 150
    mitral = odour_blocks(odours, [0, 1, 2, 3] * 4, seed=7)
    spikes = np.zeros((mitral.steps // 1000, 1500))
    step = np.repeat(np.arange(mitral.steps), np.diff(mitral.start))
    np.add.at(spikes, (step // 1000, mitral.cell), 1)
    quiet = np.concatenate([spikes[30 * block : 30 * block + 10] for block in range(16)])
    assert quiet.mean() * 10 == pytest.approx(6.0, abs=0.1)
    for odour in range(4):
        blocks = [
            spikes[30 * block + 12 : 30 * block + 14] for block in range(odour, 16, 4)
        ]  # 0.2 to 0.4 s after onset
        rate = np.mean(blocks, axis=(0, 1)) * 10
        raised = odours.activated(odour)
        lowered = odours.cell[odour, odours.change[odour] < 0]
        assert rate[raised].mean() == pytest.approx(6 + odours.change[odour, :150].mean(), rel=0.05)
        assert rate[lowered].mean() == pytest.approx(6 + odours.change[odour, 150:].mean(), abs=0.5)


def test_both_forms_of_fading() -> None:
    odours = draw_odours(1, seed=6, decays=(2.5,))
    for fading, late in (("stepwise", np.exp(-1.6 / 2.5 - 0.3)), ("exponential", None)):
        mitral = odour_blocks(odours, [0] * 20, seed=8, fading=fading)
        step = np.repeat(np.arange(mitral.steps), np.diff(mitral.start)) % 30_000
        chosen = np.isin(mitral.cell, odours.activated(0)) & (step >= 27_000) & (step < 29_000)
        rate = np.count_nonzero(chosen) / (20 * 150 * 0.2)
        change, latency = odours.change[0, :150], odours.latency[0, :150]
        expected = (6 + change).mean() * late if late else (6 + change * np.exp(-(1.8 - latency) / 2.5)).mean()
        assert rate == pytest.approx(expected, rel=0.04)


def test_odours_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="needs more than the 100 mitral cells"):
        draw_odours(1, seed=1, n_mitral=100)
    with pytest.raises(ValueError, match="odour 3 does not exist"):
        odour_blocks(draw_odours(2, seed=1), [3], seed=1)
    with pytest.raises(ValueError, match="fading 'linear'"):
        odour_blocks(draw_odours(2, seed=1), seed=1, fading="linear")
    with pytest.raises(ValueError, match="odour -1 does not exist"):
        draw_odours(2, seed=1).chosen([-1])
    for wrong, message in (
        ({"raised": (32, 8)}, "raised must go from a smaller"), ({"latencies": (-1, 9)}, "latencies must go from"),
        ({"decays": ()}, "decays must name a time constant"), ({"n_raised": -1}, "must not be negative"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            draw_odours(1, seed=1, **wrong)  # type: ignore[arg-type]
    for name in ("baseline", "duration", "before", "after"):
        with pytest.raises(ValueError, match=f"{name} must be a duration of 0 s or more, got -1"):
            odour_blocks(draw_odours(1, seed=1), seed=1, **{name: -1.0})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="time_step must be positive"):
        odour_blocks(draw_odours(1, seed=1), seed=1, time_step=0.0)
    pair = np.ones((1, 2))
    with pytest.raises(ValueError, match="odour 0 names a mitral cell twice"):
        EIAssemblyOdours(cell=np.ones((1, 2), int), change=pair, latency=pair, decay=pair)
    for name in ("latency", "decay", "change"):
        given = {"change": pair, "latency": pair, "decay": pair, name: np.nan * pair}
        with pytest.raises(ValueError, match="latencies must not be negative, decays must be positive"):
            EIAssemblyOdours(cell=np.array([[1, 2]]), **given)
    one = np.ones((1, 1))
    with pytest.raises(ValueError, match="cannot fall by more than the baseline"):
        EIAssemblyOdours(cell=np.zeros((1, 1), int), change=-7 * one, latency=one, decay=one)


def test_connections_beyond_the_network_are_refused():
    network = small_network(1)
    broken = network.weights["o_e"].copy()
    broken.indices[::3] = 10**8
    with pytest.raises(NetworkError, match="the connections of o_e do not fit their shape"):
        network.changed(weights={**network.weights, "o_e": broken})
