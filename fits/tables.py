"""Reading TOML tables with errors that a person can act on: file, key, value, remedy."""

from __future__ import annotations

import difflib
import math
import stat
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engram.units import parse_time


class StudyError(ValueError):
    """A file that cannot be used: the message names the file, the key or line, the value and the remedy.

    ``place`` and ``problem`` are the key and what is wrong with it, without the file.
    """

    def __init__(self, message: str, place: str = "", problem: str | None = None) -> None:
        super().__init__(message)
        self.place = place
        self.problem = message if problem is None else problem


class Errors:
    """The errors of a file, gathered so that all can be shown and not only the first; each is kept once."""

    def __init__(self) -> None:
        self._found: dict[str, StudyError] = {}

    def __iter__(self) -> Iterator[StudyError]:
        return iter(list(self._found.values()))

    def __len__(self) -> int:
        return len(self._found)

    def add(self, *errors: StudyError) -> None:
        for error in errors:
            self._found.setdefault(str(error), error)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep a ``StudyError`` of the block instead of passing it on."""
        try:
            yield
        except StudyError as error:
            self.add(error)

    def read(self, readers: Mapping[str, Callable[[], Any]]) -> dict[str, Any] | None:
        """What each reader returns; None, once all have been tried, where one has failed."""
        values: dict[str, Any] = {}
        for key, reader in readers.items():
            with self.gathered():
                values[key] = reader()
        return values if len(values) == len(readers) else None

    def first(self, all_shown_by: str = "") -> StudyError:
        """The first, with the number of further ones and the command that shows them all."""
        first, *more = self
        shown = f", shown by {all_shown_by}" if all_shown_by else ""
        rest = f" (and {len(more)} more{shown})" if more else ""
        return StudyError(f"{first}{rest}", first.place, first.problem)


_LARGEST_FILE = 10_000_000  # bytes; the longest shipped study has 15 000
STUDY_EXAMPLE = "start from one of the shipped studies (engram studies)"


def read_toml(path: Path, example: str = STUDY_EXAMPLE) -> Table:
    """The whole of a TOML file; ``StudyError`` where it is missing, too large, empty, not text or not TOML.

    ``example`` says how to start where the file is empty.
    """
    try:
        found = path.stat()
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise StudyError(f"{path}: is not an ordinary file; give the path of a .toml file")
        if found.st_size > _LARGEST_FILE:
            size = f"has {found.st_size / 1e6:.0f} MB and at most {_LARGEST_FILE / 1e6:.0f} are read"
            raise StudyError(f"{path}: {size}; raw trials belong into a table of their own (.csv, .tsv)")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError as error:
        where = f"{error.reason} at byte {error.start}"
        raise StudyError(f"{path}: is not UTF-8 text ({where}); save it as UTF-8") from None
    if not text.strip():
        raise StudyError(f"{path}: is empty; {example}")
    try:
        return Table(str(path), "", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path}: is not valid TOML: {error}; correct that line") from None
    except ValueError:
        raise StudyError(f"{path}: holds a number of thousands of digits; shorten it") from None
    except RecursionError:
        raise StudyError(f"{path}: is nested too deeply to be read; close its brackets") from None


@dataclass(frozen=True)
class Table:
    """One table of a TOML file with its place in it."""

    path: str
    where: str
    content: Mapping[str, Any]

    def error(self, key: str, message: str) -> StudyError:
        place = f"{self.where}.{key}" if self.where and key else self.where or key
        return StudyError(f"{self.path}: {place}: {message}" if place else f"{self.path}: {message}", place, message)

    def __contains__(self, key: str) -> bool:
        return key in self.content

    def unknown(self, known: Collection[str]) -> list[StudyError]:
        """An error for every key that nothing would read: a misspelt key must not be ignored."""
        errors = []
        for key in self.content:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1) if len(key) > 2 else []  # "t" is not "at"
                hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(sorted(known))}"
                errors.append(self.error(key, f"unknown key; {hint}"))
        return errors

    def only(self, known: Collection[str]) -> None:
        """Refuse the first key that nothing would read."""
        for error in self.unknown(known):
            raise error

    def _value(self, key: str, default: Any, required: bool) -> Any:
        if key not in self.content:
            if required:
                raise self.error(key, "is missing; add it")
            return default
        return self.content[key]

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value(key, default, default is None)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.error(key, f"is {value!r}; write text in quotation marks")
        return value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        value = self._value(key, default, default is None)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(key, f"is {value!r}; {unquoted(value) or 'write a number'}")
        if not low <= value <= high:  # true of nan as well
            raise self.error(key, f"is {value!r}; it must lie between {low:g} and {high:g}")
        return float(value)

    def whole(self, key: str, low: int, default: int | None = None, high: int = 10**9) -> int:
        value = self._value(key, default, default is None)
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise self.error(key, f"is {value!r}; write a whole number of at least {low}, without quotation marks")
        if value > high:
            raise self.error(key, f"is {value}; it must be at most {high}")
        return value

    def truth(self, key: str, default: bool) -> bool:
        value = self._value(key, default, False)
        if not isinstance(value, bool):
            raise self.error(key, f"is {value!r}; write true or false")
        return value

    def time(self, key: str, default: float | None = None, negative: bool = False) -> float:
        """A time with its unit, in seconds."""
        if key not in self.content and default is not None:
            return default
        value = self._value(key, None, True)
        try:
            seconds = parse_time(value)
        except ValueError as error:
            raise self.error(key, str(error)) from None
        if seconds < 0 and not negative:
            raise self.error(key, f"is {value!r}; a time must not be negative")
        return seconds

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in allowed:
            near = difflib.get_close_matches(value, allowed, 1)
            known = f"use one of {', '.join(sorted(allowed))}" if allowed else "there is none that could be named"
            hint = f"did you mean {near[0]!r}?" if near else known
            raise self.error(key, f"unknown value {value!r}; {hint}")
        return value

    def table(self, key: str, required: bool = False) -> Table:
        value = self._value(key, {}, required)
        place = f"{self.where}.{key}" if self.where else key
        if not isinstance(value, dict):
            raise self.error(key, f"is {value!r}; write a table [{place}]")
        return Table(self.path, place, value)

    def tables(self, key: str, required: bool = False) -> list[Table]:
        value = self._value(key, [], required)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(key, f"is {value!r}; write a list of tables, such as {key} = [{{ ... }}]")
        place = f"{self.where}.{key}" if self.where else key
        return [Table(self.path, f"{place}[{number}]", item) for number, item in enumerate(value, 1)]


def unquoted(value: object) -> str | None:
    """The advice for a number written as text; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return f"remove the quotation marks and write {value.strip()}" if math.isfinite(number) else None
