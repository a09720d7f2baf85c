"""Tables of trials as text files: reading them, and refusing what cannot be trusted.

Every value is read as text and turned into numbers, truths and responses here, so that a message can name the file,
the row (as an editor counts it, the header being row 1), the column, the value and the remedy.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas

from .tables import StudyError

LARGEST = 2_000_000_000  # bytes
LATEST = 86_400.0  # s, from the start of a phase
_FASTEST = 0.2  # s from item to item: faster ones are taken for another unit
_OTHER_UNIT = 30.0  # of one participant's phase to the usual one: less than minutes are of seconds
EMPTY = frozenset({"", "n/a", "na", "nan", "none"})
_TRUTHS = {"true": True, "yes": True, "1": True, "1.0": True, "false": False, "no": False, "0": False, "0.0": False}
SEPARATORS = {".csv": ",", ".tsv": "\t"}
_SHOWN = 5  # offenders named in a message


class TrialError(StudyError):
    """Trials that cannot be used: the message names the file, the row and column, the value and the remedy."""


def read_text_table(path: Path) -> pandas.DataFrame:
    """A ``.csv`` or ``.tsv`` file as text, with its name and row numbers in the columns ``source`` and ``row``.

    Raises
    ------
    TrialError
        A file that is missing, empty, over 2 GB, not text, not UTF-8, ragged, or without rows.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise TrialError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if path.suffix.lower() not in SEPARATORS:
        raise TrialError(f"{path}: ends in {path.suffix!r}; give a comma-separated .csv or a tab-separated .tsv file")
    if size > LARGEST:
        raise TrialError(f"{path}: has {size / 1e9:.1f} GB and at most {LARGEST / 1e9:g} are read; split it")
    if not size:
        raise TrialError(f"{path}: is empty; give a table with a header and one row a trial")
    frame = _parse(path)
    frame.columns = frame.columns.str.strip()
    for name in frame.columns:
        if re.sub(r"\.\d+$", "", name) != name and re.sub(r"\.\d+$", "", name) in frame.columns:
            raise TrialError(f"{path}: the column {name.rsplit('.', 1)[0]!r} is there twice; keep one")
    frame = frame.fillna("").apply(lambda column: column.str.strip())
    frame["source"] = str(path)
    frame["row"] = np.arange(len(frame)) + 2
    frame = frame[(frame.drop(columns=["source", "row"]) != "").any(axis=1)]
    if frame.empty:
        raise TrialError(f"{path}: has a header and no rows; give one row a trial")
    return frame


def check_separator(path: Path) -> None:
    """``TrialError`` where the header of a .csv has no comma, or of a .tsv no tab, but other marks that separate."""
    with path.open("rb") as file:
        header = file.readline(65_536)
    if SEPARATORS[path.suffix.lower()].encode() not in header and any(mark in header for mark in b",;\t|"):
        raise TrialError(
            f"{path}: has one column, {header[:40].decode(errors='replace').strip()!r}; separate fields by commas in "
            ".csv and by tabs in .tsv, and write decimals with a point"
        )


def read_columns(path: Path, kinds: Mapping[str, type] | type) -> pandas.DataFrame:
    """A table of people, every row of which has a field for every column; columns of the ``kinds`` given."""
    try:
        check_separator(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            table: pandas.DataFrame = pandas.read_csv(
                path, sep=SEPARATORS[path.suffix.lower()], dtype=kinds, na_values=["n/a"], index_col=False
            )
    except TrialError:
        raise
    except pandas.errors.ParserWarning:
        raise TrialError(
            f"{path}: has rows with more fields than the header; give every row one field a column, and write "
            "decimals with a point"
        ) from None
    except (OSError, ValueError) as error:
        raise TrialError(f"{path}: cannot be read ({error}); check the path and the file") from None
    for name in map(str, table):
        first, _, number = name.rpartition(".")
        if first in table and number.isdigit():
            raise TrialError(f"{path}: the column {first!r} is there twice; keep one")
    return table


def _parse(path: Path) -> pandas.DataFrame:
    try:
        with path.open("rb") as file:
            if b"\0" in file.read(65_536):
                raise TrialError(f"{path}: is not text (it holds zero bytes); save the table as UTF-8 text")
        check_separator(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            return pandas.read_csv(
                path, sep=SEPARATORS[path.suffix.lower()], dtype=str, keep_default_na=False, index_col=False,
                skip_blank_lines=False, encoding="utf-8-sig", low_memory=False,
            )  # fmt: skip
    except OSError as error:
        raise TrialError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError as error:
        where = f"{error.reason} at byte {error.start}"
        raise TrialError(f"{path}: is not UTF-8 text ({where}); save it as UTF-8") from None
    except pandas.errors.EmptyDataError:
        raise TrialError(f"{path}: is empty; give a table with a header and one row a trial") from None
    except (pandas.errors.ParserError, pandas.errors.ParserWarning) as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise TrialError(
            f"{path}: is not a regular table ({reason}); give every row one field a column, and "
            "write decimals with a point"
        ) from None


def renamed(frame: pandas.DataFrame, columns: Mapping[str, str], needed: Iterable[str]) -> pandas.DataFrame:
    """The table with its columns under our names (``columns``: ours -> the file's); ``TrialError`` for missing ones."""
    path, needed = frame["source"].iloc[0], list(needed)
    for ours in needed:
        theirs = columns.get(ours, ours)
        if theirs not in frame.columns:
            known = [name for name in frame.columns if name not in ("source", "row")]
            others = {columns.get(name, name) for name in needed}
            near = difflib.get_close_matches(theirs, [name for name in known if name not in others], 1, 0.75)
            hint = f"did you mean {near[0]!r}? Add it" if near else f"it has {', '.join(known)}; add it"
            raise TrialError(
                f"{path}: the column {theirs!r} ({ours}) is missing; {hint}, rename the file's own, or read the table "
                f"in Python with columns={{{ours!r}: its name}}"
            )
    chosen = {ours: frame[columns.get(ours, ours)] for ours in needed}
    return pandas.DataFrame({**chosen, "source": frame["source"], "row": frame["row"]})


def refuse(frame: pandas.DataFrame, bad: pandas.Series, column: str, why: str) -> None:
    """Raise ``TrialError`` for the first row marked in ``bad``, and say how many more there are."""
    if not bad.any():
        return
    first = frame[bad].iloc[0]
    value = first[column].item() if isinstance(first[column], np.generic) else first[column]
    more = f" ({int(bad.sum()) - 1} more such rows)" if bad.sum() > 1 else ""
    raise TrialError(f"{first['source']}: row {first['row']}: {column} is {value!r}; {why}{more}")


def is_empty(column: pandas.Series) -> pandas.Series:
    """Where a column of text holds nothing, or a word for nothing such as ``n/a``."""
    return column.str.lower().isin(EMPTY)


def as_numbers(frame: pandas.DataFrame, column: str) -> pandas.Series:
    """A column as floats, NaN where it is empty; ``TrialError`` where it is not a finite number."""
    values = pandas.to_numeric(frame[column], errors="coerce").astype(float)
    finite = pandas.Series(np.isfinite(values), index=values.index)
    refuse(frame, ~finite & ~is_empty(frame[column]), column, "write a number, or leave it empty")
    return values.where(finite)


def as_truths(
    frame: pandas.DataFrame, column: str, codes: Mapping[str, bool] | None, empty: bool | None
) -> pandas.Series:
    """A column as booleans by ``codes`` (true/false, yes/no, 1/0 where none are given).

    ``empty`` is what an empty field stands for; ``None`` refuses it.
    """
    known = dict(codes) if codes else _TRUTHS
    text = frame[column] if codes else frame[column].str.lower()
    values = text.map(known)
    if empty is not None:
        values = values.where(~is_empty(frame[column]), empty)
    refuse(frame, values.isna(), column, f"write one of {', '.join(known)}")
    return values.astype(bool)


def check_onsets(frame: pandas.DataFrame) -> None:
    """Refuse onsets (s, NaN for new items) that are missing, negative, or in another unit than seconds."""
    onset = frame["onset"]
    refuse(frame, frame["old"] & onset.isna(), "onset", "every encoded item needs its onset in s from the phase start")
    refuse(frame, onset < 0, "onset", "give seconds from the start of the phase, zero or more")
    refuse(
        frame, onset > LATEST, "onset",
        "that is more than a day after the start of the phase; give seconds (are these milliseconds, or clock times?)",
    )  # fmt: skip
    shown = frame[frame["old"]].groupby(["participant", "phase"])["onset"]
    last, items = shown.max(), shown.size()
    usual = last.groupby("phase").transform("median")
    whole = items >= 0.5 * items.groupby("phase").transform("median")  # few items may be early ones
    odd = (last > _OTHER_UNIT * usual) | (whole & (last < usual / _OTHER_UNIT))
    for participant, phase in last.index[odd][:1]:
        raise TrialError(
            f"{frame['source'].iloc[0]}: the phase {phase!r} of participant {participant!r} ends at "
            f"{last[participant, phase]:g}, and usually at {usual[participant, phase]:g}; give every onset in seconds"
        )
    runs = frame[frame["old"]].sort_values("onset").groupby("phase")
    for phase, run in runs:
        gap = run.groupby("participant")["onset"].diff().median()
        if 0 < gap < _FASTEST:
            raise TrialError(
                f"{frame['source'].iloc[0]}: the items of the phase {phase!r} follow one another every {gap:.2g} "
                "(median onset), faster than anyone encodes; give seconds (are these minutes or hours?)"
            )


def check_monotone(frame: pandas.DataFrame) -> None:
    """Refuse a run whose onsets go back in time: its rows were recorded in order."""
    refuse(
        frame, frame["onset"].diff() < 0, "onset",
        "it is earlier than that of the row before; give seconds from the start of the run, one run a file",
    )  # fmt: skip


def check_unique(frame: pandas.DataFrame) -> None:
    """Refuse an item that one participant has twice."""
    again = frame.duplicated(["participant", "item"])
    if not again.any():
        return
    second = frame[again].iloc[0]
    same = (frame["participant"] == second["participant"]) & (frame["item"] == second["item"])
    first = frame[same].iloc[0]
    raise TrialError(
        f"{second['source']}: row {second['row']}: item {second['item']!r} of participant {second['participant']!r} "
        f"is there already ({first['source']}, row {first['row']}); give every item of a participant one row"
    )


def check_known(frame: pandas.DataFrame, column: str, known: Collection[str], where: str) -> None:
    """Refuse a value that the study does not know; ``where`` says where it would be declared."""
    bad = ~frame[column].isin(list(known))
    if bad.any():
        near = difflib.get_close_matches(str(frame.loc[bad, column].iloc[0]), list(known), 1)
        hint = f"did you mean {near[0]!r}? Correct it" if near else f"known are {', '.join(known)}; correct it"
        refuse(frame, bad, column, f"{hint}, or add it to {where}")


def some(names: Iterable[str]) -> str:
    """The first few of many names, and how many there are."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
