"""Stored results: a folder a section, with its tables as CSV and, in made.json, what made them and when.

What is read back is what the report shows, also right after it was computed, so that both are the same to the digit.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas

import engram

from ..study import MEMORY, load_shipped, load_study
from .section import PEOPLE, RAW_TRIALS

_MADE = "made.json"
_DIGITS = "%.8g"  # of log-likelihoods, differences of a hundredth must stay


class StoreError(ValueError):
    """Stored results that are missing or damaged: the message says which file, and what to do."""


@dataclass(frozen=True)
class Origin:
    """What stored results were made with, and when."""

    command: str
    date: str
    seed: int
    workers: int
    machine: str
    versions: Mapping[str, str]
    sizes: Mapping[str, int]
    studies: Mapping[str, str]  # identifier -> digest of its file
    seconds: float


@dataclass(frozen=True)
class Stored:
    """The tables of one section, and where they come from."""

    name: str
    origin: Origin
    tables: Mapping[str, pandas.DataFrame]


def shipped() -> Path:
    """The folder of the results that came with this version."""
    return Path(str(files("fits") / "stored"))


def write(folder: Path, name: str, tables: Mapping[str, pandas.DataFrame], origin: Origin) -> None:
    """Store the tables of a section in ``folder/name``, numbers to eight digits."""
    place = folder / name
    place.mkdir(parents=True)
    known: dict[str, dict[str, Any]] = {}
    for key, table in tables.items():
        text = table.to_csv(index=False, lineterminator="\n", float_format=_DIGITS)
        (place / f"{key}.csv").write_bytes(text.encode("utf-8"))
        words = [str(name) for name in table.columns if table[name].map(lambda cell: isinstance(cell, str)).any()]
        known[key] = {"digest": _digest(text), "words": words}
    content = {"section": name, **dataclasses.asdict(origin), "tables": known}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    (place / _MADE).write_text(text + "\n", encoding="utf-8")


def read(folder: Path, name: str, again: str = "engram reproduce --thorough") -> Stored:
    """The stored results of a section; ``again`` is the command that makes them.

    Raises
    ------
    StoreError
        There are none, or a file is damaged.
    """
    place = folder / name
    if not (place / _MADE).is_file():
        raise StoreError(f"no results of {name} are stored with this version; {again} makes them")
    content = _content(place / _MADE, again)
    tables = {}
    try:
        origin = Origin(**{field.name: content[field.name] for field in dataclasses.fields(Origin)})
        known = {str(key): (table["digest"], table["words"]) for key, table in content["tables"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{name}/{_MADE}: lacks {error}; {again} makes the results anew") from None
    for key, (digest, words) in known.items():
        where = f"{name}/{key}.csv"
        try:
            text = (place / f"{key}.csv").read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{where}: cannot be read ({error}); {again} makes the results anew") from None
        if _digest(text) != digest:
            raise StoreError(f"{where}: is not as it was stored; install this version again, or run {again}")
        tables[key] = _table(text, words)
    return Stored(name, origin, tables)


def differences(origin: Origin, family: str = MEMORY) -> str:
    """What has changed since results of a family of studies were made, in one sentence; empty where nothing has."""
    changes = []
    made = origin.versions.get("engram", "unknown")
    if made != engram.__version__:
        changes.append(f"they were made by engram {made}, and this is {engram.__version__}")
    now = digests_of_studies(family)
    changed = sorted(name for name, digest in origin.studies.items() if now.get(name, digest) != digest)
    for word, names in (
        ("changed", changed),
        ("added", sorted(set(now) - set(origin.studies))),
        ("removed", sorted(set(origin.studies) - set(now))),
    ):
        if names:
            changes.append(f"since then {', '.join(names)} {'was' if len(names) == 1 else 'were'} {word}")
    return f"These numbers may no longer hold: {'; '.join(changes)}." if changes else ""


def digests_of_studies(family: str = MEMORY) -> dict[str, str]:
    """The shipped studies of a family, each with a short digest of its file."""
    studies = (load_study(RAW_TRIALS),) if family == PEOPLE else load_shipped(family)
    return {study.id: _digest(Path(study.path).read_text(encoding="utf-8"))[:12] for study in studies}


def _content(path: Path, again: str) -> dict[str, Any]:
    where = f"{path.parent.name}/{path.name}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StoreError(f"{where}: cannot be read; {again} makes the results anew") from None
    if not isinstance(content, dict):
        raise StoreError(f"{where}: is not what engram stores; {again} makes the results anew")
    return content


def _table(text: str, words: list[str]) -> pandas.DataFrame:
    """A table from its text; columns of words keep them as they were written, and empty cells as empty words."""
    if not text.strip():
        return pandas.DataFrame()
    table = pandas.read_csv(io.StringIO(text), dtype=dict.fromkeys(words, "str"), keep_default_na=False, na_values=[""])
    return table.fillna(dict.fromkeys(words, ""))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
