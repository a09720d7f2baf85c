"""Readers of the authors' files: networks and odours (`.mat`) and strengths (`.xlsx`).

The files belong to the code that Meissner-Bernard, Zenke & Friedrich (2025, doi:10.7554/eLife.96303) published; the
library carries no copy of them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import scipy.sparse

from .mat_columns import columns
from .network import PATHWAYS, EIAssemblyNetwork, NetworkError, no_members, sizes
from .odours import EIAssemblyInput, EIAssemblyOdours
from .parameters import EIAssemblyModel

STRENGTHS = ("e_e", "i_e", "o_e", "e_i", "o_i", "i_i")  # columns of parameters.xlsx
BASELINE_STEPS, ODOUR_STEPS = 10_000, 20_000
TIME_STEP = 0.1  # ms, of all their files


class PublishedFileError(ValueError):
    """A file that is not laid out as the authors' files are."""


def _read(path: str | PathLike[str], names: Mapping[str, int]) -> dict[str, Any]:
    """Variables of a ``.mat`` file, each with the number of dimensions it must have."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        content = scipy.io.loadmat(path, variable_names=list(names))
    except (ValueError, NotImplementedError, OSError, scipy.io.matlab.MatReadError) as error:
        raise PublishedFileError(f"{path}: cannot be read as a .mat file of version 5 ({error})") from error
    for name, dimensions in names.items():
        if name not in content:
            there = ", ".join(entry for entry, *_ in scipy.io.whosmat(path))
            raise PublishedFileError(f"{path}: has no variable {name}; it holds {there}")
        if content[name].ndim != dimensions or content[name].dtype.kind not in "uif":
            raise PublishedFileError(f"{path}: {name} must be an array of numbers with {dimensions} dimensions")
    return content


def load_network(path: str | PathLike[str], model: EIAssemblyModel | None = None) -> EIAssemblyNetwork:
    """A network such as ``connec_A_1.mat``, or with assemblies such as ``connec_A_1_tEI.mat``.

    Parameters
    ----------
    path : path
        The ``.mat`` file.
    model : EIAssemblyModel, optional
        Family A by default; the file itself holds no strengths.

    Raises
    ------
    FileNotFoundError, PublishedFileError
        If there is no such file, or it is laid out otherwise.
    """
    model = EIAssemblyModel() if model is None else model
    content = _read(path, {f"w_{pathway.replace('_', '')}": 2 for pathway in PATHWAYS})
    weights = {}
    for pathway in PATHWAYS:
        matrix = content[f"w_{pathway.replace('_', '')}"]
        if matrix.shape != sizes(model, pathway):
            raise PublishedFileError(
                f"{path}: w_{pathway.replace('_', '')} has shape {matrix.shape}, "
                f"the model expects {sizes(model, pathway)}"
            )
        weights[pathway] = scipy.sparse.csr_array(matrix.astype(np.float32))
    there = {entry for entry, *_ in scipy.io.whosmat(path)}
    members = [no_members(), no_members()]
    if {"Ee", "Ii"} & there:
        found = _read(path, {"Ee": 2, "Ii": 2})
        members = [_whole(path, name, found[name]) - 1 for name in ("Ee", "Ii")]
    try:
        return EIAssemblyNetwork(
            model=model, weights=weights, excitatory_members=members[0], inhibitory_members=members[1]
        )
    except NetworkError as error:
        raise PublishedFileError(f"{path}: {error}") from None


def _whole(path: str | PathLike[str], name: str, values: np.ndarray) -> np.ndarray:
    whole = values.astype(np.int64)
    if not np.array_equal(whole, values):
        raise PublishedFileError(f"{path}: {name} must hold whole numbers")
    return whole


def load_odours(path: str | PathLike[str]) -> EIAssemblyOdours:
    """The odours of ``odorset_10learned.mat``: its variable OBinp, [odour, row, (cell, latency, change, decay)].

    Latencies and decays in the file count steps of 0.1 ms, changes are in kHz; rows of zeros are empty, and lowered
    rates do not recover.
    """
    rows = _read(path, {"OBinp": 3})["OBinp"]
    if rows.shape[2] != 4:
        raise PublishedFileError(f"{path}: OBinp has {rows.shape[2]} columns instead of 4")
    there = rows[:, :, 0] > 0
    cell = _whole(path, "OBinp", np.where(there, rows[:, :, 0], 0)) - 1
    try:
        return EIAssemblyOdours(
            cell=cell,
            change=rows[:, :, 2] * 1000.0,
            latency=rows[:, :, 1] * 1e-4,
            decay=np.where(rows[:, :, 3] > 0, rows[:, :, 3] * 1e-4, np.inf),
        )
    except ValueError as error:
        raise PublishedFileError(f"{path}: {error}") from None


def load_input(path: str | PathLike[str]) -> EIAssemblyInput:
    """The mitral spikes of ``odorset_10learned.mat``: its variable r_olfbs, [step, mitral cell].

    Blocks of 1 s baseline and 2 s odour, the odours of `load_odours` in their order. The array, 450 MB, is read cell by
    cell.

    Raises
    ------
    FileNotFoundError, PublishedFileError
        If there is no such file, or it is laid out otherwise.
    """
    given = _read(path, {"dt": 2})["dt"]
    if given.size != 1 or not np.isclose(given.item(), TIME_STEP):
        raise PublishedFileError(f"{path}: dt must be the one number {TIME_STEP:g} (ms), got {given.tolist()}")
    time_step = TIME_STEP
    shapes = {name: shape for name, shape, _ in scipy.io.whosmat(path)}
    if "r_olfbs" not in shapes:
        raise PublishedFileError(f"{path}: has no variable r_olfbs; it holds {', '.join(shapes)}")
    steps, block = shapes["r_olfbs"][0], BASELINE_STEPS + ODOUR_STEPS
    if 0 in shapes["r_olfbs"] or steps % block:
        raise PublishedFileError(f"{path}: r_olfbs has {steps} steps, which are no blocks of {block}")
    try:
        with Path(path).open("rb") as file:
            spikes = [_spikes(column) for column in columns(file, "r_olfbs")]
    except ValueError as error:
        raise PublishedFileError(f"{path}: {error}") from None
    cell = np.repeat(np.arange(len(spikes)), [len(times) for times in spikes])
    number = steps // block
    seconds = time_step / 1000.0
    return EIAssemblyInput.of_spikes(
        np.concatenate(spikes), cell, steps, time_step, list(range(number)),
        [(index * block + BASELINE_STEPS) * seconds for index in range(number)],
        [(index + 1) * block * seconds for index in range(number)],
    )  # fmt: skip


def _spikes(column: np.ndarray) -> np.ndarray:
    there = np.flatnonzero(column != 0).astype(np.int32)
    if np.any(column[there] != 1):
        raise ValueError("r_olfbs must hold 0, and 1 where a mitral cell fires")
    return there


def load_strengths(path: str | PathLike[str]) -> dict[str, dict[str, float]]:
    """Synaptic strengths (nS) of every network named in ``parameters.xlsx``: changes for `EIAssemblyModel`.

    Needs the package openpyxl (``pip install engram[excel]``).
    """
    import pandas

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        table = pandas.read_excel(path, sheet_name=0, header=None, engine="openpyxl")
    except ImportError as error:
        raise ImportError("reading .xlsx files needs openpyxl: install it with pip install 'engram[excel]'") from error
    except (ValueError, zipfile.BadZipFile) as error:
        raise PublishedFileError(f"{path}: cannot be read as an .xlsx file ({error})") from error
    if table.shape[1] != 1 + len(STRENGTHS) or not table[0].map(lambda name: isinstance(name, str)).all():
        raise PublishedFileError(f"{path}: its first sheet must hold a name and {len(STRENGTHS)} strengths a row")
    found = {}
    for name, *values in table.itertuples(index=False):
        numbers = [value for value in values if isinstance(value, (int, float)) and value >= 0]
        if len(numbers) < len(STRENGTHS) or name in found:
            raise PublishedFileError(
                f"{path}: {name!r} must stand once, with {len(STRENGTHS)} strengths that are numbers and not negative; "
                f"got {values}"
            )
        found[name] = {f"strength_{key}": float(value) for key, value in zip(STRENGTHS, numbers, strict=True)}
    return found
