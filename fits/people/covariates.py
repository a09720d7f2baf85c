"""What is known of people beside their answers: read from a table, and brought to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas

from ..trial_table import SEPARATORS, TrialError, read_columns, some
from ..trials import TABLE

_SOURCE = "source"  # among the attributes of a table: the file that it was read from
_BIDS, _PREFIX = "participant_id", "sub-"  # of the participants.tsv of a BIDS dataset


def read_covariates(path: str | Path, columns: Sequence[str] | str | None = None) -> pandas.DataFrame:
    """Covariates of people, a row a participant.

    Parameters
    ----------
    path : str or Path
        A .csv or .tsv table with a column participant; or the participants.tsv of a BIDS dataset, with participant_id
        ("sub-" is left out). With many rows a participant, such as a table of trials, a covariate is what is the same
        in all of them; the columns that trials need are not covariates.
    columns : sequence of str, optional
        Which ones; all by default.

    Raises
    ------
    TrialError
        A file that cannot be read, a column that is not there, or one that differs between the rows of a participant.
    """
    place = Path(path)
    if place.suffix.lower() not in SEPARATORS:
        raise TrialError(f"{place}: is not .csv or .tsv; give a table of covariates")
    table = read_columns(place, {"participant": str, _BIDS: str})
    if "participant" not in table and _BIDS in table:
        table = table.rename(columns={_BIDS: "participant"})
        table["participant"] = table.participant.str.removeprefix(_PREFIX)
    if "participant" not in table:
        raise TrialError(f"{place}: has no column participant; it has {', '.join(map(str, table.columns))}")
    table["participant"] = table.participant.str.strip()
    if table.participant.isna().any():
        row = int(np.flatnonzero(table.participant.isna())[0]) + 2
        raise TrialError(f"{place}: row {row} names no participant; add the name, or leave the row out")
    columns = [columns] if isinstance(columns, str) else columns
    if columns is not None:
        absent = [name for name in columns if name not in table]
        if absent:
            raise TrialError(f"{place}: has no column {some(map(repr, absent))}; it has {', '.join(map(str, table))}")
        table = table[["participant", *columns]]
    if list(table) == ["participant"]:
        raise TrialError(f"{place}: has the column participant alone; add covariates, or leave the table out")
    table.attrs[_SOURCE] = str(place)
    if not table.participant.duplicated().any():
        return table.set_index("participant")
    table = table.drop(columns=[name for name in TABLE if name in table and name != "participant"])
    if list(table) == ["participant"]:
        raise TrialError(f"{place}: has columns that trials need alone; add covariates of people, or leave it out")
    kinds = table.groupby("participant", sort=False).nunique(dropna=False)
    for name in kinds:
        if (kinds[name] > 1).any():
            raise TrialError(
                f"{place}: {name!r} differs between the rows of participant {kinds.index[kinds[name] > 1][0]!r}; a "
                "covariate belongs to a person: average it or leave it out, and give what differs between trials its "
                "place in the design, as a condition or as the dose of an event"
            )
    return table.drop_duplicates("participant").set_index("participant")


def standardised(
    covariates: pandas.DataFrame | None, people: Sequence[str]
) -> tuple[pandas.DataFrame, list[tuple[str, str, str]]]:
    """Covariates of mean 0 and variance 1, a row a person, and notes on those that were left out.

    Parameters
    ----------
    covariates : DataFrame, optional
        Numbers, indexed by participant.
    people : sequence of str

    Raises
    ------
    TrialError
        Participants given twice or without covariates, a value that is no finite number, covariates of which one
        follows from the others.
    """
    if covariates is None:
        return pandas.DataFrame(index=list(people)), []
    table = covariates.copy()
    source = table.attrs.get(_SOURCE, "covariates")
    table.index = table.index.map(str)
    if table.columns.has_duplicates:
        raise TrialError(f"{source}: {table.columns[table.columns.duplicated()][0]!r} is there twice; leave one")
    if table.index.has_duplicates:
        raise TrialError(f"{source}: participant {table.index[table.index.duplicated()][0]!r} is there twice")
    absent = [name for name in people if name not in table.index]
    if absent:
        raise TrialError(
            f"{source}: there are none of participant {some(map(repr, absent))}; add them, or leave these people out "
            "(identifiers must be written the same way in both tables)"
        )
    notes = [(str(name), "has covariates and no trials", "not used") for name in table.index if name not in people]
    table = table.loc[list(people)]
    kept = {}
    for column in table:
        values = pandas.to_numeric(table[column].astype(object), errors="coerce").to_numpy(float)
        if not np.isfinite(values).all():
            place = int(np.flatnonzero(~np.isfinite(values))[0])
            value = table[column].iloc[place]
            shown = repr(value) if isinstance(value, str) else value
            raise TrialError(
                f"{source}: {column!r} of participant {table.index[place]!r} is {shown}; give a "
                "finite number (code groups as numbers), name the columns that are to count, or leave the person out"
            )
        scaled = values / (np.abs(values).max() or 1.0)  # so that no square overflows
        if np.ptp(scaled) <= 1e-12:
            notes.append((str(column), f"is {values[0]:g} for everybody", "a covariate that is constant explains "
                          "nothing and was left out"))  # fmt: skip
            continue
        kept[str(column)] = (scaled - scaled.mean()) / scaled.std()
    found, n = pandas.DataFrame(kept, index=list(people)), len(people)
    if kept and np.linalg.matrix_rank(found.to_numpy(), tol=1e-8 * n) < min(len(kept), n - 1):
        raise TrialError(f"{source}: one of {', '.join(kept)} follows from the others; leave one out")
    if kept and len(kept) > n - 2:
        raise TrialError(f"{source}: {len(kept)} for {n} people would explain anything; give at most {n - 2}")
    return found, notes
