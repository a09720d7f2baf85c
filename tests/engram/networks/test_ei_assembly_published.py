"""The authors' network and odours give the authors' spikes; files of another layout are refused.

Needs the authors' files: set ENGRAM_DATA to the folder that contains meissner_bernard_2025/. The reference spikes are
looked for in ENGRAM_REFERENCE/ei_assembly, otherwise in reference/ei_assembly beside ENGRAM_DATA.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from engram.networks.ei_assembly import (
    EIAssemblyModel,
    choose_members,
    load_input,
    load_network,
    load_odours,
    load_strengths,
    make_regime,
    random_network,
    run,
)
from engram.networks.ei_assembly.activity import pattern_correlation
from engram.networks.ei_assembly.mat_columns import columns
from engram.networks.ei_assembly.odours import EIAssemblyInput
from engram.networks.ei_assembly.parameters import FAMILIES
from engram.networks.ei_assembly.published import PublishedFileError


def data_folder() -> Path:
    if not os.environ.get("ENGRAM_DATA"):
        pytest.skip("needs the authors' files: set ENGRAM_DATA to the folder that contains meissner_bernard_2025/")
    folder = Path(os.environ["ENGRAM_DATA"]) / "meissner_bernard_2025"
    if not folder.is_dir():
        pytest.skip(f"needs the authors' files: {folder} does not exist")
    return folder


def reference_folder() -> Path:
    beside = Path(os.environ["ENGRAM_DATA"]).parent / "reference"
    folder = Path(os.environ.get("ENGRAM_REFERENCE", beside)) / "ei_assembly"
    if not folder.is_dir():
        pytest.skip(f"needs the reference spikes: {folder} does not exist; set ENGRAM_REFERENCE")
    return folder


@pytest.fixture(scope="module")
def published_input() -> EIAssemblyInput:
    return load_input(data_folder() / "odorset_10learned.mat")


@pytest.mark.parametrize(("file", "condition"), [("connec_A_1.mat", "rand"), ("connec_A_1_tEI.mat", "tEI")])
def test_every_spike_of_thirty_seconds_is_the_published_one(
    published_input: EIAssemblyInput, file: str, condition: str
) -> None:
    network = load_network(data_folder() / file)
    reference = np.load(reference_folder() / f"spikes_A_1_{condition}_learned.npz")
    got = run(network, published_input)
    spikes = np.stack([got.step + 1, got.neuron + 1], axis=1)
    excitatory = spikes[:, 1] <= 4000
    assert np.array_equal(spikes[excitatory], reference["E"])
    assert np.array_equal(spikes[~excitatory] - [0, 4000], reference["I"])
    if condition == "tEI":
        assert np.array_equal(network.excitatory_members + 1, reference["Ee"])
        assert np.array_equal(network.inhibitory_members + 1, reference["Ii"])


def test_own_wiring_answers_the_published_odours_as_the_published_network_does(
    published_input: EIAssemblyInput,
) -> None:
    """Rates within 10 %, those of assemblies within 15 %, and the correlation between odours within 0.015."""
    odours = load_odours(data_folder() / "odorset_10learned.mat")
    network = random_network(seed=1)
    network = make_regime(network, choose_members(network, odours, seed=3), "tuned E+I", seed=4)
    published = np.load(reference_folder() / "spikes_A_1_tEI_learned.npz")
    patterns = run(network, published_input, precision="float32").patterns()[:, :4000]
    step, neuron = published["E"].T.astype(int) - 1
    theirs = np.zeros((10, 4000))
    early = (step % 30_000 >= 10_000) & (step % 30_000 < 25_000)
    np.add.at(theirs, (step[early] // 30_000, neuron[early]), 1 / 1.5)
    assert patterns.mean() == pytest.approx(theirs.mean(), rel=0.1)
    members, own = published["Ee"].astype(int) - 1, network.excitatory_members
    expected = np.mean([theirs[odour, members[odour]].mean() for odour in range(10)])
    assert np.mean([patterns[odour, own[odour]].mean() for odour in range(10)]) == pytest.approx(expected, rel=0.15)
    assert pattern_correlation(patterns) == pytest.approx(pattern_correlation(theirs), abs=0.015)
    shared = [len(set(odours.activated(a)) & set(odours.activated(b))) for a in range(10) for b in range(a)]
    assert np.mean(shared) == pytest.approx(21, abs=0.5)  # of 150, where chance gives 15


def test_published_odours_are_read() -> None:
    odours = load_odours(data_folder() / "odorset_10learned.mat")
    assert len(odours) == 15
    for odour in range(15):
        assert len(odours.activated(odour)) == 150
        raised, lowered = odours.change[odour] > 0, odours.change[odour] < 0
        assert odours.change[odour, raised].min() >= 8 and odours.change[odour, raised].max() <= 32
        assert np.count_nonzero(lowered) == 75 and set(odours.decay[odour, raised]) == {2.5, 5.0, 10.0}
        assert odours.latency[odour].max() <= 0.2 + 1e-12


def test_published_strengths_are_those_of_the_families() -> None:
    pytest.importorskip("openpyxl")
    table = load_strengths(data_folder() / "parameters.xlsx")
    assert len(table) == 20
    for name, strengths in table.items():
        family = FAMILIES[name.split("_")[1]]
        assert strengths == {key: pytest.approx(family[key]) for key in strengths}


@settings(max_examples=20)
@given(
    seed=st.integers(0, 10**6), rows=st.integers(1, 40), cells=st.integers(1, 12), compressed=st.booleans(),
    kind=st.sampled_from(["i1", "u1", "f8", "i2", "i4"]),
)  # fmt: skip
def test_an_array_is_read_column_by_column(seed: int, rows: int, cells: int, compressed: bool, kind: str) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2, (rows, cells)).astype(kind)
    file = io.BytesIO()
    scipy.io.savemat(
        file, {"first": np.ones((3, 2)), "wanted": values, "text": "no numbers"}, do_compression=compressed
    )
    file.seek(0)
    np.testing.assert_array_equal(np.stack(list(columns(file, "wanted")), axis=1), values)


def test_a_damaged_array_is_refused() -> None:
    file = io.BytesIO()
    scipy.io.savemat(file, {"wanted": np.random.default_rng(1).integers(0, 9, (500, 20))}, do_compression=True)
    whole = file.getvalue()
    with pytest.raises(ValueError, match="the file ends within an array"):
        list(columns(io.BytesIO(whole[: len(whole) // 2]), "wanted"))
    with pytest.raises(ValueError, match="the file is damaged"):
        list(columns(io.BytesIO(whole[:1000] + bytes(200) + whole[1200:]), "wanted"))
    with pytest.raises(ValueError, match="it has no array other"):
        list(columns(io.BytesIO(whole), "other"))
    with pytest.raises(ValueError, match=r"it is no MAT-file of version 5"):
        list(columns(io.BytesIO(b"something else" * 20), "wanted"))


def test_an_array_is_never_read_as_a_whole() -> None:
    file = io.BytesIO()
    scipy.io.savemat(file, {"wanted": np.ones((4000, 300), np.uint8)})
    file.seek(0)
    assert next(columns(file, "wanted")).shape == (4000,)
    assert file.tell() < 5000 < len(file.getvalue()) / 100


def test_files_of_another_layout_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        load_network(tmp_path / "missing.mat")
    path = tmp_path / "other.mat"
    scipy.io.savemat(path, {"w_oe": np.ones((3, 4)), "something": np.ones((2, 2))})
    with pytest.raises(PublishedFileError, match="has no variable w_oi; it holds w_oe, something"):
        load_network(path)
    scipy.io.savemat(path, {f"w_{name}": np.ones((3, 4)) for name in ("oe", "oi", "ee", "ei", "ie", "ii")})
    with pytest.raises(PublishedFileError, match=r"w_oe has shape \(3, 4\), the model expects \(1500, 4000\)"):
        load_network(path)
    scipy.io.savemat(path, {"OBinp": np.ones((2, 3, 5))})
    with pytest.raises(PublishedFileError, match="OBinp has 5 columns instead of 4"):
        load_odours(path)
    scipy.io.savemat(path, {"dt": 0.1, "something": np.ones((2, 2))})
    with pytest.raises(PublishedFileError, match="has no variable r_olfbs; it holds dt, something"):
        load_input(path)
    scipy.io.savemat(path, {"r_olfbs": np.ones((7, 3)), "dt": 0.1})
    with pytest.raises(PublishedFileError, match="r_olfbs has 7 steps, which are no blocks of 30000"):
        load_input(path)
    scipy.io.savemat(path, {"OBinp": "text"})
    with pytest.raises(PublishedFileError, match="OBinp must be an array of numbers with 3 dimensions"):
        load_odours(path)
    path.write_bytes(b"no mat file at all" * 20)
    with pytest.raises(PublishedFileError, match=r"cannot be read as a \.mat file"):
        load_network(path)
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        load_strengths(tmp_path / "parameters.xlsx")


def test_files_that_contradict_the_model_are_refused_by_name(tmp_path: Path) -> None:
    model, path = EIAssemblyModel(n_excitatory=8, n_inhibitory=4, n_mitral=5), tmp_path / "connec.mat"
    number = {"o": 5, "e": 8, "i": 4}
    pairs = {f"w_{a}{b}": np.ones((number[a], number[b])) for a, b in ("oe", "oi", "ee", "ei", "ie", "ii")}
    one = np.array([[1, 2]])
    for change, message in (
        ({"w_ee": -pairs["w_ee"]}, r"connec\.mat: the weights of e_e must be finite and not negative"),
        ({"Ee": 9 * one, "Ii": one}, r"connec\.mat: excitatory members must be numbered from 0 to 7"),
        ({"Ee": one + 0.5, "Ii": one}, r"connec\.mat: Ee must hold whole numbers"),
        ({"Ee": one}, r"connec\.mat: has no variable Ii"),
    ):
        scipy.io.savemat(path, {**pairs, **change})
        with pytest.raises(PublishedFileError, match=message):
            load_network(path, model)
    scipy.io.savemat(path, pairs)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(PublishedFileError, match=r"connec\.mat: cannot be read"):
        load_network(path, model)
    scipy.io.savemat(path, {"OBinp": np.full((1, 2, 4), 3.0)})
    with pytest.raises(PublishedFileError, match=r"connec\.mat: odour 0 names a mitral cell twice"):
        load_odours(path)
    for content, message in (
        ({"r_olfbs": np.zeros((30_000, 2)), "dt": 1.0}, r"dt must be the one number 0\.1 \(ms\), got \[\[1\.0\]\]"),
        ({"r_olfbs": np.full((30_000, 2), np.nan), "dt": 0.1}, "r_olfbs must hold 0, and 1 where a mitral cell fires"),
    ):
        scipy.io.savemat(path, content)
        with pytest.raises(PublishedFileError, match=message):
            load_input(path)


def test_strengths_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "parameters.xlsx"
    for last in ("x", -3):
        pandas.DataFrame([["net_A_1", 1, 2, 3, 4, 5, last]]).to_excel(path, header=False, index=False)
        with pytest.raises(PublishedFileError, match="'net_A_1' must stand once, with 6 strengths"):
            load_strengths(path)


def test_without_openpyxl_the_reader_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "parameters.xlsx"
    path.write_bytes(b"PK\x03\x04")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ImportError, match=r"install it with pip install 'engram\[excel\]'"):
        load_strengths(path)
