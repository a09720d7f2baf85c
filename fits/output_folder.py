"""Results appear whole or not at all: written beside their destination, then moved into place."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MARK = ".engram-output.json"  # lists the files that engram wrote into a folder


class OutputError(ValueError):
    """Results that cannot be written where they were asked for: the message names the place and the remedy."""


def check_folder(destination: str | Path, of: str = "") -> Path:
    """The folder as an absolute path, if results can be written there; before any long work.

    It must be new, empty, or written by engram before, by the same command (``of``). Raises ``OutputError`` otherwise.
    """
    path = Path(destination).expanduser().resolve()
    if path == Path.cwd():
        raise OutputError(f"{destination}: is the current folder and would be replaced; name another, such as report")
    if path.exists() and not path.is_dir():
        raise OutputError(f"{destination}: is a file; name a new folder")
    try:
        written = _written(path) if path.is_dir() else set()
        if path.is_dir() and not written and any(path.iterdir()):
            raise OutputError(f"{destination}: holds files that engram did not write; name a new or an empty folder")
        other = _command(path)
        if other and of and other != of:
            raise OutputError(f"{destination}: holds the results of engram {other}, which those of engram {of} would "
                              "replace; name another folder, or delete it")  # fmt: skip
        parent = _nearest(path.parent)
        if not parent.is_dir():
            raise OutputError(f"{destination}: cannot be made, because {parent} is a file; name another folder")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise OutputError(f"{destination}: cannot be made, because {parent} is not writable; name another folder")
    except PermissionError:
        raise OutputError(f"{destination}: cannot be read; name a folder of your own") from None
    return path


@contextmanager
def output_folder(destination: str | Path, of: str = "") -> Iterator[Path]:
    """A new folder to write into, which takes the place of ``destination`` on success and disappears otherwise.

    Where the destination was written by engram before, the files it listed then are replaced, and any other file in
    it is carried over. ``of`` is the command whose results these are; those of another are not replaced.
    """
    path = check_folder(destination, of)
    made = _make_parents(path.parent)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        _guard(destination, fresh.mkdir)
        yield fresh
        _guard(destination, lambda: _move_into_place(fresh, path, destination, of))
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        for folder in made:
            try:
                folder.rmdir()
            except OSError:  # not ours alone any more
                break
        raise


def write_table(destination: str | Path, text: str) -> Path:
    """Write a table as text, whole or not at all; it may replace only a file with the same first line."""
    path = Path(destination).expanduser().resolve()
    if path.is_dir():
        raise OutputError(f"{destination}: is a folder; name a file in it")
    if path.exists() and _first_line(path) != text.partition("\n")[0].encode():
        raise OutputError(f"{destination}: is there already and is not such a table; name another file, or delete it")
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")

    def write() -> None:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)

    try:
        _guard(destination, write)
    finally:
        with suppress(OSError):  # where it could not be written it cannot be removed either
            fresh.unlink(missing_ok=True)
    return path


def _first_line(path: Path) -> bytes | None:
    """The first line of an ordinary file that can be read; None otherwise."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return file.readline().rstrip(b"\r\n")
    except OSError:
        return None


def _move_into_place(fresh: Path, path: Path, destination: str | Path, of: str) -> None:
    names = sorted(str(file.relative_to(fresh)) for file in fresh.rglob("*") if file.is_file())
    if path.is_dir():
        _carry_over(path, fresh, destination)
    mark = {"written_by": "engram", "command": of, "files": names}
    (fresh / _MARK).write_text(json.dumps(mark, indent=1), encoding="utf-8")
    if not path.exists():
        fresh.rename(path)
        return
    old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    path.rename(old)
    try:
        fresh.rename(path)
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _carry_over(path: Path, fresh: Path, destination: str | Path) -> None:
    """Copy what someone else put into the folder."""
    ours = _written(path) | {_MARK}
    for file in sorted(path.rglob("*")):
        name = str(file.relative_to(path))
        if name in ours or (file.is_dir() and not file.is_symlink()):
            continue
        target = fresh / name
        if target.exists():
            raise OutputError(f"{destination}: its file {name} is not from engram and would be lost; move it away")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target, follow_symlinks=False)


def _written(folder: Path) -> set[str]:
    """The files that engram wrote into a folder; empty where it wrote none."""
    try:
        content = json.loads((folder / _MARK).read_text(encoding="utf-8"))
        return {str(name) for name in content["files"]} | {_MARK}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return set()


def _command(folder: Path) -> str:
    """The command whose results a folder holds; empty where it does not say."""
    try:
        return str(json.loads((folder / _MARK).read_text(encoding="utf-8")).get("command", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _nearest(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder and those above it; those that were new, innermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        _guard(new, new.mkdir)
    return missing


def _guard(destination: str | Path, action: object) -> None:
    assert callable(action)
    try:
        action()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{destination}: cannot be written ({reason}); {remedy(error)}") from None


def remedy(error: OSError) -> str:
    """What to do about an error of the file system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some space, or name a place on another disk"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "ask for permission to write there, or name a place of your own"
    if error.errno == errno.EROFS:
        return "nothing can be written on that disk; name another place"
    if error.errno == errno.ENAMETOOLONG:
        return "give a shorter name"
    if error.errno == errno.ENOENT:
        return "make the folder that is to hold it, or name one in which files can be made"
    if error.errno == errno.ENOTDIR:
        return "a part of the path is a file and not a folder; name another place"
    return "name another place"
