"""Connectivity matrices of people with their behaviour, read and checked.

A folder holds one matrix a participant, named after them (``sub-01.csv``, ``01.tsv``, ``sub-01_connectivity.npy``):
square, without a header, correlations between regions or Fisher's z of them. A table (.csv or .tsv) with a column
``participant`` or ``participant_id`` holds behaviour and covariates. "sub-" before an identifier is not part of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pandas

from ..trial_table import SEPARATORS, TrialError, read_columns, some
from .networks import regions_of, upper_triangle

Measure: TypeAlias = Literal["correlation", "fisher z"]
_ENDINGS = (".csv", ".tsv", ".txt", ".npy")
_SUFFIX = re.compile(r"_[A-Za-z].*$")  # what BIDS writes after the identifier
_SYMMETRIC = 1e-4


class ConnectomeError(ValueError):
    """Matrices or a table that cannot be used: the message says which, why and what to do."""


@dataclass(frozen=True, eq=False)
class Connectomes:
    """People's connectivity and behaviour.

    Attributes
    ----------
    edges : (people, edges) array of float32
        Fisher's z of every pair of regions, in the order of ``numpy.triu_indices(regions, 1)``.
    behaviour : Series
        Indexed by participant, in the order of ``edges``.
    covariates : DataFrame
    regions : int
    notes : DataFrame
        who was left out, what is wrong, consequence.
    """

    edges: np.ndarray = field(repr=False)
    behaviour: pandas.Series
    covariates: pandas.DataFrame = field(repr=False)
    regions: int
    notes: pandas.DataFrame


def read_connectomes(
    folder: str | Path,
    table: str | Path,
    behaviour: str,
    *,
    covariates: Sequence[str] = (),
    measure: Measure = "correlation",
    incomplete: Literal["error", "drop"] = "error",
    tolerance: float = 0.01,
) -> Connectomes:
    """Read connectivity matrices with behaviour.

    Parameters
    ----------
    folder, table : path
    behaviour : str
        A column of the table.
    covariates : sequence of str
        Columns of the table.
    measure : {"correlation", "fisher z"}
        Which the values are. It is held against a diagonal that says something else; one of zeros or of no numbers says
        nothing.
    incomplete : {"error", "drop"}
        Whether people whose matrix or behaviour is missing or broken, or whose matrix has not the most frequent size,
        are an error, or left out and noted.
    tolerance : float
        How far below zero the smallest eigenvalue of a correlation matrix may be, for it was rounded when it was
        written. One of fewer time points than regions has eigenvalues of zero, and is fine.

    Raises
    ------
    ConnectomeError
        No matrices, no such column, identifiers that do not match, matrices that differ in size, are zero, not
        symmetric, not finite, not positive semidefinite or have two identical regions; a covariate that is constant, or
        behaviour itself.
    """
    if measure not in ("correlation", "fisher z"):
        raise ConnectomeError(f"measure is {measure!r}; use 'correlation' or 'fisher z'")
    if incomplete not in ("error", "drop"):
        raise ConnectomeError(f"incomplete is {incomplete!r}; use 'error' or 'drop'")
    if isinstance(covariates, str):
        raise ConnectomeError(f"covariates is {covariates!r}; give a list of columns, such as [{covariates!r}]")
    asked = [behaviour, *covariates]
    for name in asked:
        if asked.count(name) > 1:
            raise ConnectomeError(
                f"{name} is asked for twice, as behaviour or covariate; held constant of itself nothing is left of it"
            )
    files = _files(Path(folder))
    people = _table(Path(table), asked)
    notes: list[tuple[str, str]] = []
    both = [name for name in files if name in people.index]
    if not both:
        raise ConnectomeError(f"{folder} has matrices of {some(map(repr, files))} and {table} behaviour of "
                              f"{some(map(repr, people.index))}: none is in both; write identifiers alike")  # fmt: skip
    notes += [(name, f"has a matrix and is not in {Path(table).name}") for name in files if name not in people.index]
    notes += [(name, "has behaviour and no matrix") for name in people.index if name not in files]
    values = people.loc[both]
    for column in values:
        for name in values.index[~np.isfinite(values[column].to_numpy(float))]:
            notes.append((name, f"{column} is missing or no finite number"))
    out = {name for name, _ in notes}
    found: dict[str, np.ndarray] = {}
    for name in both:
        if name in out:
            continue
        try:
            found[name] = np.arctanh(upper_triangle(_matrix(files[name], measure, tolerance))).astype(np.float32)
        except ConnectomeError as error:
            notes.append((name, str(error)))
    sizes = {name: regions_of(len(own)) for name, own in found.items()}
    often = Counter(sizes.values()).most_common(2)
    if len(often) > 1 and often[0][1] == often[1][1]:
        one, two = (next(files[name].name for name in found if sizes[name] == size) for size, _ in often)
        raise ConnectomeError(f"{folder}: {one} has {often[0][0]} regions and {two} {often[1][0]}, and as many people "
                              "have either; all need the same parcellation")  # fmt: skip
    regions = often[0][0] if often else 0
    for name, own in sizes.items():
        if own != regions:
            notes.append((name, f"{files[name].name}: has {own} regions, the most frequent number is {regions}; all "
                                "need the same parcellation"))  # fmt: skip
    kept = [name for name, own in sizes.items() if own == regions]
    if notes and (incomplete == "error" or not kept):
        raise ConnectomeError(_of_notes(notes))
    chosen = values.loc[kept]
    for column in chosen:
        if len(chosen) > 1 and np.ptp(chosen[column].to_numpy(float)) == 0:
            raise ConnectomeError(f"{table}: {column} is {chosen[column].iloc[0]:g} for everybody; a constant explains "
                                  "nothing, leave it out")  # fmt: skip
    told = pandas.DataFrame([(name, what, "left out") for name, what in notes], columns=["who", "what", "consequence"])
    return Connectomes(
        np.array([found[name] for name in kept]), chosen[behaviour].astype(float),
        chosen[list(covariates)].astype(float), regions, told,
    )  # fmt: skip


def _files(folder: Path) -> dict[str, Path]:
    """Identifier -> file, in the order of identifiers."""
    if not folder.is_dir():
        raise ConnectomeError(f"{folder}: is not a folder; name the one that holds a matrix for each participant")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _ENDINGS:
            continue
        name = _SUFFIX.sub("", path.stem).removeprefix("sub-")
        if name in found:
            raise ConnectomeError(f"{folder}: {found[name].name} and {path.name} are both of participant {name!r}; "
                                  "leave one there")  # fmt: skip
        found[name] = path
    if not found:
        raise ConnectomeError(f"{folder}: holds no {', '.join(_ENDINGS)} files; name the folder of the matrices")
    return found


def _table(path: Path, columns: Sequence[str]) -> pandas.DataFrame:
    if path.suffix.lower() not in SEPARATORS:
        raise ConnectomeError(f"{path}: is not .csv or .tsv; give a table of behaviour")
    try:
        table = read_columns(path, str)
    except TrialError as error:
        raise ConnectomeError(str(error)) from None
    own = next((name for name in ("participant", "participant_id") if name in table), None)
    if own is None:
        raise ConnectomeError(f"{path}: has no column participant or participant_id; it has {', '.join(table.columns)}")
    absent = [name for name in columns if name not in table]
    if absent:
        raise ConnectomeError(f"{path}: has no column {', '.join(absent)}; it has {', '.join(table.columns)}")
    index = pandas.Index([str(name).strip().removeprefix("sub-") for name in table[own]], name="participant")
    if index.has_duplicates:
        raise ConnectomeError(f"{path}: participant {index[index.duplicated()][0]!r} is there twice; leave one row")
    made = pandas.DataFrame({name: pandas.to_numeric(table[name], errors="coerce") for name in columns})
    return made.set_index(index)


def _matrix(path: Path, measure: str, tolerance: float) -> np.ndarray:
    """Correlations between regions, checked."""
    try:
        if path.suffix.lower() == ".npy":
            loaded = np.load(path, allow_pickle=False)
            if not isinstance(loaded, np.ndarray) or loaded.dtype.kind not in "biuf":
                raise ValueError(f"it holds {getattr(loaded, 'dtype', 'several arrays')}")
            matrix = loaded.astype(float)
        else:
            matrix = np.loadtxt(path, delimiter=SEPARATORS.get(path.suffix.lower()), ndmin=2)
    except (OSError, ValueError, EOFError) as error:
        raise ConnectomeError(
            f"{path.name}: is no matrix of numbers ({error}); separate those of .csv by commas, of .tsv by tabs, of "
            "other text by blanks, and write decimal points"
        ) from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 3:
        raise ConnectomeError(
            f"{path.name}: is {' × '.join(map(str, matrix.shape))}; a square matrix of regions is asked"
        )
    off = ~np.eye(len(matrix), dtype=bool)
    if not np.isfinite(matrix[off]).all():
        first, second = (int(place[0]) for place in np.nonzero(off & ~np.isfinite(matrix)))
        raise ConnectomeError(f"{path.name}: the value of regions {first} and {second} is {matrix[first, second]}")
    if np.abs(matrix - matrix.T)[off].max() > _SYMMETRIC:
        raise ConnectomeError(f"{path.name}: is not symmetric (by {np.abs(matrix - matrix.T)[off].max():.2g})")
    _check_diagonal(path, np.diag(matrix), measure)
    matrix = (matrix + matrix.T) / 2
    if measure == "fisher z":
        matrix = np.tanh(matrix)
    np.fill_diagonal(matrix, 1.0)
    largest = np.abs(matrix[off]).max()
    if largest > 1:
        raise ConnectomeError(f"{path.name}: has a correlation of {largest:.4g}; if these are Fisher's z, say "
                              "measure='fisher z'")  # fmt: skip
    if largest == 0:
        raise ConnectomeError(f"{path.name}: is zero off the diagonal; it was not computed, or not filled")
    if largest > 1 - 1e-9:
        first, second = (int(place[0]) for place in np.nonzero(off & (np.abs(matrix) > 1 - 1e-9)))
        raise ConnectomeError(f"{path.name}: regions {first} and {second} correlate perfectly; one of them is a copy")
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < -tolerance:
        raise ConnectomeError(f"{path.name}: is not positive semidefinite (smallest eigenvalue {least:.3g}), so that "
                              "it is no matrix of correlations")  # fmt: skip
    return matrix


def _check_diagonal(path: Path, diagonal: np.ndarray, measure: str) -> None:
    """The diagonal of correlations is 1 and that of their Fisher's z is not; zeros and no numbers may be either."""
    said = diagonal[np.isfinite(diagonal) & (diagonal != 0)]
    ones = np.abs(said - 1) < _SYMMETRIC
    if measure == "correlation" and not ones.all():
        raise ConnectomeError(
            f"{path.name}: has {said[~ones][0]:.4g} on the diagonal, where correlations have 1; if these are Fisher's "
            "z, say measure='fisher z', and of covariances make correlations"
        )
    if measure == "fisher z" and len(said) and ones.all():
        raise ConnectomeError(
            f"{path.name}: has 1 on the diagonal, as correlations have; say measure='correlation', or set the diagonal "
            "of Fisher's z to zero"
        )


def _of_notes(notes: Sequence[tuple[str, str]]) -> str:
    most = 5
    told = "; ".join(f"participant {name!r}: {what}" for name, what in notes[:most])
    more = f"; and {len(notes) - most} more" if len(notes) > most else ""
    return f"{told}{more}. Correct this, or leave these people out with incomplete='drop'"
