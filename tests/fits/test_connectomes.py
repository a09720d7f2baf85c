"""Reading connectomes, simulating them, and what power curves say. All connectomes are simulated."""

import dataclasses

import numpy as np
import pandas
import pytest
from scipy import stats

from engram import Encode, EncodingOnly, Protocol, Release, ThresholdCapture
from engram.neuromodulation import NORADRENALINE, table
from fits.individual import (
    Account,
    power_curve,
    predict_behaviour,
    read_connectomes,
    regional_analysis,
    simulate_people,
)
from fits.individual.connectomes import ConnectomeError
from fits.individual.networks import upper_triangle
from fits.individual.power import under

SMALL = Account(regions=40, network_regions=5)


def matrices(folder, n=6, regions=5, seed=0):
    """A folder of correlation matrices, a table beside it, and what is in them."""
    rng = np.random.default_rng(seed)
    place = folder / "matrices"
    place.mkdir()
    made = {}
    for k in range(n):
        made[f"{k:02d}"] = np.corrcoef(rng.normal(size=(regions, 20)))
        np.savetxt(place / f"sub-{k:02d}_desc-full_connectivity.csv", made[f"{k:02d}"], delimiter=",", fmt="%.6f")
    people = pandas.DataFrame({"participant_id": [f"sub-{k:02d}" for k in range(n)], "memory": rng.normal(size=n),
                               "age": 20.0 + np.arange(n)})  # fmt: skip
    people.to_csv(folder / "people.tsv", sep="\t", index=False)
    return place, folder / "people.tsv", made


def rewrite(table_path, change):
    change(pandas.read_csv(table_path, sep="\t")).to_csv(table_path, sep="\t", index=False)


def test_matrices_become_fisher_z_beside_behaviour(tmp_path):
    place, people, made = matrices(tmp_path)
    rewrite(people, lambda t: t.iloc[::-1])  # the table's order is not that of the files
    found = read_connectomes(place, people, "memory", covariates=["age"])
    assert list(found.behaviour.index) == sorted(made) and found.regions == 5 and not len(found.notes)
    for row, name in zip(found.edges, sorted(made), strict=True):
        assert row == pytest.approx(np.arctanh(upper_triangle(made[name])), abs=2e-5)  # written with six digits
    assert found.covariates.age.tolist() == [20.0, 21.0, 22.0, 23.0, 24.0, 25.0]


@pytest.mark.parametrize("ending", [".tsv", ".txt", ".npy"])
def test_other_files_and_measures_say_the_same(tmp_path, ending):
    place, people, made = matrices(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    for name, matrix in made.items():
        z = np.arctanh(matrix - np.eye(5))
        path = other / f"{name}{ending}"
        if ending == ".npy":
            np.save(path, z)
        else:
            np.savetxt(path, z, delimiter="\t" if ending == ".tsv" else " ")
    one = read_connectomes(place, people, "memory")
    two = read_connectomes(other, people, "memory", measure="fisher z")
    assert two.edges == pytest.approx(one.edges, abs=2e-5)


def spoilt(name, made):
    """A matrix of participant 02 that cannot be used."""
    matrix = made["02"].copy()
    if name == "indefinite":
        matrix[:3, :3] = [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]
    elif name == "asymmetric":
        matrix[0, 1] += 0.1
    elif name == "missing":
        matrix[1, 3] = np.nan
    elif name == "too large":
        matrix[0, 1] = matrix[1, 0] = 1.3
    elif name == "copy":
        matrix[1], matrix[:, 1] = matrix[0], matrix[:, 0]
        matrix[0, 1] = matrix[1, 0] = 1.0
    elif name == "oblong":
        matrix = matrix[:4]
    elif name == "zeros":
        matrix[:] = 0
    elif name == "covariances":
        matrix *= 0.3
    return matrix


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("indefinite", r"is not positive semidefinite \(smallest eigenvalue -0\.\d+\)"),
        ("asymmetric", r"is not symmetric \(by 0\.1\)"),
        ("missing", r"the value of regions 1 and 3 is nan"),
        ("too large", r"has a correlation of 1\.3; if these are Fisher's z"),
        ("copy", r"regions 0 and 1 correlate perfectly"),
        ("oblong", r"is 4 × 5; a square matrix"),
        ("zeros", r"is zero off the diagonal"),
        ("covariances", r"has 0\.3 on the diagonal, where correlations have 1; .*measure='fisher z'"),
    ],
)
def test_a_matrix_that_cannot_be_used_is_named_and_the_rest_can_go_on(tmp_path, name, message):
    place, people, made = matrices(tmp_path)
    np.savetxt(place / "sub-02_desc-full_connectivity.csv", spoilt(name, made), delimiter=",")
    with pytest.raises(ConnectomeError, match=rf"participant '02': sub-02_desc.*{message}.*incomplete='drop'"):
        read_connectomes(place, people, "memory")
    found = read_connectomes(place, people, "memory", incomplete="drop")
    assert "02" not in found.behaviour.index and len(found.edges) == 5
    assert found.notes.who.tolist() == ["02"] and found.notes.consequence.tolist() == ["left out"]


@pytest.mark.parametrize("what", ["empty", "several", "complex", "text"])
def test_a_npy_file_that_is_no_matrix_is_named(tmp_path, what):
    place, people, _ = matrices(tmp_path)
    next(place.glob("sub-02*")).unlink()
    path = place / "sub-02.npy"
    with path.open("wb") as file:
        if what == "several":
            np.savez(file, one=np.eye(5), two=np.eye(5))
        elif what != "empty":
            np.save(file, np.eye(5) * 1j if what == "complex" else np.full((5, 5), "1"))
    with pytest.raises(ConnectomeError, match=r"participant '02': sub-02\.npy: is no matrix of numbers"):
        read_connectomes(place, people, "memory")
    assert len(read_connectomes(place, people, "memory", incomplete="drop").edges) == 5


def test_fisher_z_is_told_from_correlations_by_the_diagonal(tmp_path):
    place, people, made = matrices(tmp_path)
    with pytest.raises(ConnectomeError, match=r"has 1 on the diagonal, as correlations have; say measure='corr"):
        read_connectomes(place, people, "memory", measure="fisher z")
    expected = read_connectomes(place, people, "memory").edges
    for name, matrix in made.items():
        z = np.arctanh(matrix - np.eye(len(matrix)))
        np.savetxt(place / f"sub-{name}_desc-full_connectivity.csv", z, delimiter=",")
    found = read_connectomes(place, people, "memory", measure="fisher z").edges
    assert found == pytest.approx(expected, abs=1e-5)


def test_matrices_of_few_time_points_are_fine(tmp_path):
    """Fewer time points than regions leave eigenvalues of zero, which rounding makes slightly negative."""
    rng = np.random.default_rng(1)
    place, people, made = matrices(tmp_path, regions=5)
    for name in made:
        matrix = np.corrcoef(rng.normal(size=(5, 3)))
        np.savetxt(place / f"sub-{name}_desc-full_connectivity.csv", matrix, delimiter=",", fmt="%.4f")
    assert len(read_connectomes(place, people, "memory").edges) == 6


def test_identifiers_that_do_not_match_are_named(tmp_path):
    place, people, _ = matrices(tmp_path)
    rewrite(people, lambda t: t.assign(participant_id=["sub-00", "sub-01", "sub-02", "sub-03", "sub-04", "sub-99"]))
    with pytest.raises(ConnectomeError, match=r"participant '05': has a matrix and is not in people\.tsv; participant "
                                              r"'99': has behaviour and no matrix"):  # fmt: skip
        read_connectomes(place, people, "memory")
    found = read_connectomes(place, people, "memory", incomplete="drop")
    assert len(found.edges) == 5 and found.notes.who.tolist() == ["05", "99"]
    rewrite(people, lambda t: t.assign(participant_id=[f"p{k}" for k in range(6)]))
    with pytest.raises(ConnectomeError, match="none is in both; write identifiers alike"):
        read_connectomes(place, people, "memory", incomplete="drop")


def test_tables_that_cannot_be_used_are_refused(tmp_path):
    place, people, _ = matrices(tmp_path)
    with pytest.raises(ConnectomeError, match="has no column mood; it has participant_id, memory, age"):
        read_connectomes(place, people, "mood")
    whole = pandas.read_csv(people, sep="\t")
    whole.to_csv(tmp_path / "semicolons.csv", sep=";", index=False)
    with pytest.raises(ConnectomeError, match="has one column, 'participant_id;memory;age'; separate fields by commas"):
        read_connectomes(place, tmp_path / "semicolons.csv", "memory")
    (tmp_path / "shifted.tsv").write_text("participant\tmemory\n00\t1\t2\n01\t3\t4\n", encoding="utf-8")
    with pytest.raises(ConnectomeError, match="has rows with more fields than the header"):
        read_connectomes(place, tmp_path / "shifted.tsv", "memory")
    rewrite(people, lambda t: t.assign(age=30))
    with pytest.raises(ConnectomeError, match="age is 30 for everybody"):
        read_connectomes(place, people, "memory", covariates=["age"])
    rewrite(people, lambda t: pandas.concat([whole, whole[:1]]))
    with pytest.raises(ConnectomeError, match="participant '00' is there twice"):
        read_connectomes(place, people, "memory")
    rewrite(people, lambda t: whole.assign(memory=["n/a", *whole.memory[1:]]))
    with pytest.raises(ConnectomeError, match="participant '00': memory is missing"):
        read_connectomes(place, people, "memory")
    assert len(read_connectomes(place, people, "memory", incomplete="drop").edges) == 5
    with pytest.raises(ConnectomeError, match="is not a folder"):
        read_connectomes(tmp_path / "nowhere", people, "memory")
    with pytest.raises(ConnectomeError, match="measure is 'z'"):
        read_connectomes(place, people, "memory", measure="z")
    np.savetxt(place / "00.csv", np.eye(5), delimiter=",")
    with pytest.raises(ConnectomeError, match="are both of participant '00'"):
        read_connectomes(place, people, "memory")
    (place / "00.csv").unlink()
    np.savetxt(next(place.glob("sub-03*")), np.eye(5), delimiter=";")
    with pytest.raises(ConnectomeError, match=r"sub-03\S+: is no matrix of numbers .*; separate those of \.csv by"):
        read_connectomes(place, people, "memory")


@pytest.mark.parametrize("odd", ["00", "03", "05"])
def test_who_has_another_size_than_is_frequent_is_left_out(tmp_path, odd):
    """Wherever the odd matrix comes."""
    place, people, _ = matrices(tmp_path)
    other = np.corrcoef(np.random.default_rng(1).normal(size=(4, 20)))
    np.savetxt(place / f"sub-{odd}_desc-full_connectivity.csv", other, delimiter=",")
    with pytest.raises(
        ConnectomeError, match=rf"'{odd}': sub-{odd}.*has 4 regions, the most frequent number is 5.*incomplete"
    ):
        read_connectomes(place, people, "memory")
    found = read_connectomes(place, people, "memory", incomplete="drop")
    assert found.notes.who.tolist() == [odd] and found.regions == 5 and found.edges.shape == (5, 10)


def test_sizes_that_are_as_frequent_are_refused(tmp_path):
    place, people, _ = matrices(tmp_path)
    for k in range(3):
        other = np.corrcoef(np.random.default_rng(k).normal(size=(4, 20)))
        np.savetxt(place / f"sub-{k:02d}_desc-full_connectivity.csv", other, delimiter=",")
    with pytest.raises(ConnectomeError, match=r"sub-00.* has 4 regions and sub-03.* 5, and as many people have either"):
        read_connectomes(place, people, "memory", incomplete="drop")


def test_behaviour_is_no_covariate_of_itself(tmp_path):
    place, people, _ = matrices(tmp_path)
    with pytest.raises(ConnectomeError, match="memory is asked for twice"):
        read_connectomes(place, people, "memory", covariates=["age", "memory"])
    with pytest.raises(ConnectomeError, match="age is asked for twice"):
        read_connectomes(place, people, "memory", covariates=["age", "age"])
    with pytest.raises(ConnectomeError, match=r"covariates is 'age'; give a list of columns, such as \['age'\]"):
        read_connectomes(place, people, "memory", covariates="age")


@pytest.mark.parametrize("model", [EncodingOnly(strength_spread=0.0), ThresholdCapture(strength_spread=0.0)],
                         ids=lambda m: type(m).__name__)  # fmt: skip
def test_strengths_are_those_of_the_model_with_a_persons_gain(model):
    """Interpolated over gains to 1e-4, against the model run with the very gain."""
    account = dataclasses.replace(SMALL, model=model)
    calm, arousing = account.strengths(np.array([0.37, 1.0, 2.2]))
    for gain, found in zip((0.37, 1.0, 2.2), arousing, strict=True):
        own = dataclasses.replace(model, neuromodulators=table(dataclasses.replace(NORADRENALINE, encoding_gain=gain)))
        protocol = Protocol(Release("noradrenaline", at=0.0), Encode("x", at=0.0, strength=account.strength))
        assert found == pytest.approx(own.run(protocol).strength("x", at=account.delay), abs=1e-4)
    assert calm < arousing[0] < arousing[1] < arousing[2]


def test_connectomes_are_correlations_that_carry_the_networks():
    cohort = simulate_people(dataclasses.replace(SMALL, volumes=400), 300, seed=2)
    assert np.isfinite(cohort.edges).all()
    labels = np.zeros((40, 40), dtype=int)
    for k in range(6):
        labels[np.ix_(SMALL.members(k), SMALL.members(k))] = k + 1
    labels = upper_triangle(labels)
    for k in range(6):
        mean = cohort.edges[:, labels == k + 1].mean(axis=1)
        r = [stats.pearsonr(mean, cohort.network_strengths[:, j]).statistic for j in range(6)]
        assert r[k] > 0.8 and np.abs(np.delete(r, k)).max() < 0.2
    assert (np.unique(SMALL.network_edges()) == [-1, 0, 1]).all()
    assert np.abs(SMALL.network_edges()).sum() == 6 * 10


def test_gain_has_the_shares_it_is_given():
    account = dataclasses.replace(SMALL, regions=30, network_share=0.4, region_share=0.2, volumes=10)
    cohort = simulate_people(account, 3000, seed=3)
    signed = cohort.network_strengths @ np.array(account.signs)
    log_gain = np.log(cohort.gain)
    assert stats.pearsonr(signed, log_gain).statistic ** 2 == pytest.approx(0.4, abs=0.05)
    assert stats.pearsonr(cohort.region, log_gain).statistic ** 2 == pytest.approx(0.2, abs=0.05)
    assert log_gain.std() == pytest.approx(account.gain_spread, rel=0.05)
    assert stats.pearsonr(cohort.responses["region 0"], cohort.region).statistic ** 2 == pytest.approx(0.7, abs=0.04)
    assert stats.pearsonr(cohort.behaviour, log_gain).statistic > 0.4  # memory shows it, with the noise of trials


def test_the_first_people_are_the_same_however_many_follow():
    few, many = simulate_people(SMALL, 3, seed=5), simulate_people(SMALL, 8, seed=5)
    assert (few.edges == many.edges[:3]).all() and few.behaviour.equals(many.behaviour[:3])
    assert not (simulate_people(SMALL, 3, seed=6).edges == few.edges).any()


def test_prediction_finds_the_networks_and_regions_stay_null():
    account = dataclasses.replace(SMALL, network_share=0.8, items=200)
    cohort = simulate_people(account, 300, seed=1)
    found = predict_behaviour(cohort.edges, cohort.behaviour, folds=5, permutations=39, seed=1)
    assert (found.scores.p == 1 / 40).all() and found.scores.set_index("network").r["both"] > 0.4
    chosen = found.edges.positive - found.edges.negative
    true = account.network_edges()
    assert (chosen[true == 1] > 0).mean() > 0.8 and (chosen[true == -1] < 0).mean() > 0.8
    assert (chosen[true == 0] == 0).mean() > 0.9
    assert regional_analysis(cohort.responses, cohort.behaviour, permutations=99, seed=1).p_family.min() > 0.05


def test_power_is_that_of_each_truth():
    account = dataclasses.replace(SMALL, network_share=0.7, items=200)
    told = []
    found = power_curve(account, [60, 150], cohorts=8, permutations=19, folds=3, pool=300, seed=2, workers=1,
                        progress=told.append).set_index(["truth", "people", "analysis"])  # fmt: skip
    assert sorted(told) == list(range(3 * 2 * 8))
    assert found.found["networks", 150, "connectome"] > 0.8 and found.kind["networks", 150, "connectome"] == "power"
    assert found.found["region", 150, "regions"] > 0.8 and found.kind["networks", 150, "regions"] == "false positives"
    false = found[found.kind == "false positives"].found
    assert len(false) == 8 and false.mean() < 0.15
    assert under(account, "region").region_share == 0.7 and under(account, "nothing").network_share == 0


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (dict(volumes=1), "volumes is 1; give a whole number from 4 to"),
        (dict(items=0), "items is 0; give a whole number from 1"),
        (dict(items=36.5), r"items is 36\.5; give a whole number"),
        (dict(reliability=2), "reliability is 2; give a number from 0 to 1"),
        (dict(network_regions=1), "network_regions is 1"),
        (dict(network_share=-0.1), r"network_share is -0\.1"),
        (dict(gain=0.0), r"gain is 0\.0; give a number from 1e-06"),
        (dict(gain_spread=float("nan")), "gain_spread is nan"),
        (dict(strength="weak"), "strength is 'weak'; give a number"),
        (dict(common=1.0, network=0.0), r"common is 1\.0"),
        (dict(delay=-1.0), r"delay is -1\.0"),
        (dict(signs=()), r"signs are \(\)"),
        (dict(signs=(1, 2)), r"signs are \(1, 2\); give 1 or −1"),
    ],
)
def test_accounts_of_impossible_sizes_are_refused(option, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(SMALL, **option)


def test_accounts_at_their_bounds_simulate_finite_people():
    for option in (dict(volumes=4), dict(items=1), dict(reliability=0), dict(reliability=1), dict(common=0, network=0)):
        cohort = simulate_people(dataclasses.replace(SMALL, **option), 3)
        assert np.isfinite(cohort.edges).all() and np.isfinite(cohort.responses).all(axis=None)


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(ValueError, match="6 networks of 10 regions need more than the 50"):
        Account(regions=50)
    with pytest.raises(ValueError, match=r"network_share 0\.7 and region_share 0\.5"):
        Account(network_share=0.7, region_share=0.5)
    with pytest.raises(ValueError, match=r"common 0\.5 and network 0\.6"):
        Account(common=0.5)
    with pytest.raises(ValueError, match="people is 0"):
        simulate_people(SMALL, 0)
    with pytest.raises(ValueError, match="people goes to 50 and the pool has 40"):
        power_curve(SMALL, [50], pool=40)
    with pytest.raises(ValueError, match=r"people is \[\] and cohorts 40"):
        power_curve(SMALL, [])
    with pytest.raises(ValueError, match="truths has 'none'"):
        power_curve(SMALL, [20], truths=["none"])
