"""A fit on disk, and a fit that was interrupted.

A folder that holds a fit has ``fit.json`` (what was searched and every start, numbers to the last bit) and the study
files it was fitted to. :func:`load` makes of it the fit that was saved, which predicts, refits and reports from there.
Starts that have finished are also kept, one JSON line each, while a fit runs: :class:`Checkpoint`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import numpy as np

import engram
from engram import consolidation, perception
from engram.neuromodulation import Neuromodulator

from .estimation import Fit, summarise
from .family import Model, family_named
from .objective import Objective
from .study import MEMORY, Observation, Study, Term, load_study
from .tables import StudyError

try:
    import fcntl
except ImportError:  # not on Windows, where runs are not kept apart
    fcntl = None  # type: ignore[assignment]

_NAME = "fit.json"
_ROW = ("log_likelihood", "value", "converged", "message", "evaluations")
_WORD = 40  # characters, from which a word of a task is kept as a digest


def save(fits: Sequence[Fit], folder: str | Path) -> None:
    """Save fits of the same studies into an existing folder, with the study files they were fitted to.

    Raises ``ValueError`` where the fits are of different studies.
    """
    folder = Path(folder)
    studies = fits[0].objective.studies
    for other in fits[1:]:
        if other.studies != fits[0].studies:
            raise ValueError(f"the fits are of {fits[0].studies} and {other.studies}; save each into its own folder")
    (folder / "studies").mkdir(exist_ok=True)
    for study in studies:
        shutil.copyfile(study.path, folder / "studies" / f"{study.id}.toml")
    content = {
        "engram": engram.__version__,
        "studies": {
            study.id: {
                "digest": _digest(Path(study.path)),
                "starts": {name: parameter.start for name, parameter in study.parameters.items()},
                "cells": _cells(study),
            }
            for study in studies
        },
        "fits": [_content(fit) for fit in fits],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (folder / _NAME).write_text(text + "\n", encoding="utf-8")


def load(folder: str | Path) -> tuple[Fit, ...]:
    """The fits saved in a folder by ``engram fit`` or :func:`save`, one a model, to the same bits.

    Raises
    ------
    StudyError
        The folder holds no fit, or its study files were changed since: the message says which.
    """
    path = Path(folder) / _NAME
    if not path.exists() and (path.parent / "groups.csv").exists():
        raise StudyError(
            f"{path.parent}: holds the tables of a fit of raw trials alone, which is not kept for loading; fit the "
            "trials jointly with another study, or again with fits.fit_trials"
        )
    try:
        return _loaded(json.loads(path.read_text(encoding="utf-8")), Path(folder))
    except StudyError:
        raise
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); name a folder that engram fit wrote") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:  # no JSON, or not that of a fit
        raise StudyError(f"{path}: is not a fit that engram saved; name a folder that engram fit wrote") from error


def _loaded(content: Any, folder: Path) -> tuple[Fit, ...]:
    """The fits of a ``fit.json``; any error of a key or type where it is not one."""
    studies = []
    for name, known in content["studies"].items():
        file = folder / "studies" / f"{name}.toml"
        study = load_study(file)
        if _digest(file) != known["digest"]:
            raise StudyError(f"{file}: has changed since the fit was saved; fit again, or put the old file back")
        moved = {
            key: dataclasses.replace(parameter, start=known["starts"][key])
            for key, parameter in study.parameters.items()
        }
        cells = [
            Observation(**{**cell, "terms": tuple(Term(**term) for term in cell["terms"])})
            for cell in known.get("cells", ())
        ]
        observations = tuple(cells) or study.observations
        studies.append(dataclasses.replace(study, parameters=moved, observations=observations))
    if not content["fits"]:
        raise ValueError("no fits")
    return tuple(_fit(one, studies) for one in content["fits"])


class Checkpoint:
    """Finished parts of long work, kept in a file until the whole is done.

    Parameters
    ----------
    path : str or Path
        The file; one JSON line for each finished start or simulation.
    task : mapping
        Everything that decides the numbers. What was kept of another task is refused.
    resume : bool
        Whether to go on from the file; without it, an existing file is refused rather than overwritten.

    Raises
    ------
    StudyError
        There is nothing to resume, the file is of another task, it would be overwritten, or another run is using it.
    """

    def __init__(self, path: str | Path, task: Mapping[str, Any], resume: bool = False) -> None:
        self.path = Path(path)
        self._done: dict[str, dict[int, Any]] = {}
        self._task = {name: _short(value) for name, value in task.items()}
        self._file = self._opened(resume)
        try:
            if resume:
                self._read()
            elif len(self.path.read_text(encoding="utf-8").splitlines()) > 1:
                raise StudyError(
                    f"{self.path}: holds finished parts of an interrupted run; go on with --resume, or delete it"
                )
            else:
                self._file.truncate(0)
                self._file.write(json.dumps({"task": self._task}) + "\n")
        except BaseException:
            self._file.close()
            raise

    def done(self, part: str) -> dict[int, Any]:
        """What was kept of one part of the work (a model, say), by its number."""
        return dict(self._done.get(part, {}))

    def keep(self, part: str, number: int, content: Any) -> None:
        """Keep one finished piece (plain numbers, words, lists, arrays), on the disk before this returns."""
        line = json.dumps({"part": part, "number": number, "content": content}, default=_plain)
        self._file.write(line + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._done.setdefault(part, {})[number] = json.loads(line)["content"]

    @property
    def kept(self) -> int:
        return sum(map(len, self._done.values()))

    def remove(self) -> None:
        self._done = {}
        self.close()

    def close(self) -> None:
        """Let others use the file; it goes where it holds nothing, with the folders that were made for it."""
        if self._file.closed:
            return
        if not self.kept:
            self.path.unlink(missing_ok=True)
            with suppress(OSError):  # another file is there by now
                for folder in self._made:
                    folder.rmdir()
        self._file.close()

    def _opened(self, resume: bool) -> TextIO:
        """The file, held against other runs: theirs would mix with ours."""
        if resume and not self.path.exists():
            raise StudyError(f"{self.path}: nothing to resume (no such file); leave --resume out")
        parents = self.path.absolute().parents
        self._made = [folder for folder in parents if not folder.exists()]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise StudyError(f"{self.path}: cannot be written ({error.strerror}); name another folder") from None
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StudyError(
                f"{self.path}: another run is writing there now; wait for it, or name another folder with --out"
            ) from None
        except OSError:  # a disk without locks
            pass
        if not (self.path.exists() and os.path.samestat(os.fstat(file.fileno()), self.path.stat())):
            file.close()  # another run has just ended and taken the file with it
            return self._opened(resume)
        return file

    def _read(self) -> None:
        try:
            *lines, rest = self.path.read_bytes().split(b"\n")
        except OSError as error:
            raise StudyError(f"{self.path}: cannot be read ({error.strerror}); leave --resume out") from None
        rows = []
        for number, line in enumerate(lines):
            try:
                rows.append(json.loads(line))
            except ValueError:
                what = f"line {number + 1} is damaged; delete the file and begin again"
                raise StudyError(f"{self.path}: {what}") from None
        task = rows[0].get("task") if rows and isinstance(rows[0], dict) else None
        if task != self._task:
            raise StudyError(
                f"{self.path}: is of another run ({_difference(task, self._task)}); repeat the command that "
                "was interrupted, or delete the file"
            )
        for row in rows[1:]:
            self._done.setdefault(row["part"], {})[int(row["number"])] = row["content"]
        if rest:  # a line that a crash cut short goes, so that the next one begins on its own
            self._file.truncate(sum(len(line) + 1 for line in lines))


def _short(value: Any) -> Any:
    """A number or word as it is, what is longer by its digest."""
    if value is None or isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) < _WORD):
        return value
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _difference(kept: Any, given: Mapping[str, Any]) -> str:
    """In what two tasks differ: words such as "seed was 1 and is 2; other studies"."""
    if not isinstance(kept, dict):
        return "its first line names no run of this version"
    told = []
    for name in sorted({*kept, *given}):
        values = [one.get(name, "absent") for one in (kept, given)]
        if values[0] != values[1]:
            long = any(isinstance(value, str) and len(value) >= _WORD for value in values)
            told.append(f"other {name}" if long else f"{name} was {values[0]} and is {values[1]}")
    return "; ".join(told)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be kept")


def task_of(studies: Sequence[Study], models: Sequence[str], **options: Any) -> dict[str, Any]:
    """Everything that decides the numbers of a fit, for a :class:`Checkpoint`."""
    files = {study.id: _digest(Path(study.path)) for study in studies}
    trials = {study.id: _cells(study) for study in studies if _cells(study)}
    return {"engram": engram.__version__, "studies": files, "models": list(models), **options, "trials": trials}


def _cells(study: Study) -> list[dict[str, Any]]:
    """The counts of raw trials that stand in for a study's results (``fits.with_trials``): its file has none."""
    return [dataclasses.asdict(o) for o in study.observations if o.kind == "cell"]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _content(fit: Fit) -> dict[str, Any]:
    objective = fit.objective
    rows = [{**{key: row[key] for key in _ROW}, "x": [float(v) for v in row["x"]]} for row in fit.rows]
    return {
        **_described(objective.model),
        "biology": list(objective.biology),
        "priors": objective.priors,
        "split": objective.split,
        "seed": fit.seed,
        "seconds": fit.seconds,
        "coordinates": [coordinate.name_in_full for coordinate in objective.coordinates],
        "starts": rows,
    }


def _described(model: Model) -> dict[str, Any]:
    """A model as plain numbers and words; the consolidation of a perceptual one is a model within."""
    fields = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    modulators = [dataclasses.asdict(modulator) for modulator in fields.pop("neuromodulators", ())]
    inner = fields.pop("consolidation", None)
    described = {"model": type(model).__name__, "parameters": fields, "neuromodulators": modulators}
    return described if inner is None else {**described, "consolidation": _described(inner)}


def _restored(content: Mapping[str, Any]) -> Model:
    values = dict(content["parameters"])
    if family_named(content["model"]) == MEMORY:
        values["neuromodulators"] = tuple(Neuromodulator(**modulator) for modulator in content["neuromodulators"])
        memory: Model = getattr(consolidation, content["model"])(**values)
        return memory
    if "consolidation" in content:
        values["consolidation"] = _restored(content["consolidation"])
    seeing: Model = getattr(perception, content["model"])(**values)
    return seeing


def _fit(content: Mapping[str, Any], studies: Sequence[Study]) -> Fit:
    model = _restored(content)
    objective = Objective(studies, model, content["biology"], content["priors"], content["split"])
    names = [coordinate.name_in_full for coordinate in objective.coordinates]
    if names != content["coordinates"]:
        raise StudyError(f"{content['model']}: this version searches other parameters than the saved fit; fit again")
    rows = [{**row, "x": np.array(row["x"])} for row in content["starts"]]
    return summarise(objective, rows, content["seed"], content["seconds"])
