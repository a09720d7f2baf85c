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
from pathlib import Path
from typing import Any

import numpy as np

import engram
from engram import consolidation, perception
from engram.neuromodulation import Neuromodulator

from .estimation import Fit, summarise
from .family import Model, family_named
from .objective import Objective
from .study import MEMORY, Study, load_study
from .tables import StudyError

_NAME = "fit.json"
_ROW = ("log_likelihood", "value", "converged", "message", "evaluations")


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
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}); name a folder that engram fit wrote") from None
    except ValueError:
        raise StudyError(f"{path}: is not a fit that engram saved; name a folder that engram fit wrote") from None
    studies = []
    for name, known in content["studies"].items():
        file = Path(folder) / "studies" / f"{name}.toml"
        study = load_study(file)
        if _digest(file) != known["digest"]:
            raise StudyError(f"{file}: has changed since the fit was saved; fit again, or put the old file back")
        moved = {
            key: dataclasses.replace(parameter, start=known["starts"][key])
            for key, parameter in study.parameters.items()
        }
        studies.append(dataclasses.replace(study, parameters=moved))
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
        There is nothing to resume, the file is of another task, or it would be overwritten.
    """

    def __init__(self, path: str | Path, task: Mapping[str, Any], resume: bool = False) -> None:
        self.path = Path(path)
        self._done: dict[str, dict[int, Any]] = {}
        self._digest = hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()
        if resume:
            self._read()
        elif self.path.exists():
            raise StudyError(
                f"{self.path}: holds finished parts of an interrupted run; go on with --resume, or delete it"
            )

    def done(self, part: str) -> dict[int, Any]:
        """What was kept of one part of the work (a model, say), by its number."""
        return dict(self._done.get(part, {}))

    def keep(self, part: str, number: int, content: Any) -> None:
        """Keep one finished piece (plain numbers, words, lists, arrays), on the disk before this returns."""
        line = json.dumps({"part": part, "number": number, "content": content}, default=_plain)
        new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            if new:
                file.write(json.dumps({"task": self._digest}) + "\n")
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._done.setdefault(part, {})[number] = json.loads(line)["content"]

    @property
    def kept(self) -> int:
        return sum(map(len, self._done.values()))

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def _read(self) -> None:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise StudyError(f"{self.path}: nothing to resume ({error.strerror}); leave --resume out") from None
        rows = []
        for number, line in enumerate(lines):
            try:
                rows.append(json.loads(line))
            except ValueError:
                if number != len(lines) - 1:  # the last line may have been cut short by a crash
                    what = f"line {number + 1} is damaged; delete the file and begin again"
                    raise StudyError(f"{self.path}: {what}") from None
        if not rows or rows[0].get("task") != self._digest:
            raise StudyError(
                f"{self.path}: is of another run (other studies, models, numbers, seed, options or version); "
                "repeat the command that was interrupted, or delete the file"
            )
        for row in rows[1:]:
            self._done.setdefault(row["part"], {})[int(row["number"])] = row["content"]
        # what was cut short goes, so that the next line begins on its own
        self.path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be kept")


def task_of(studies: Sequence[Study], models: Sequence[str], **options: Any) -> dict[str, Any]:
    """Everything that decides the numbers of a fit, for a :class:`Checkpoint`."""
    files = {study.id: _digest(Path(study.path)) for study in studies}
    return {"engram": engram.__version__, "studies": files, "models": list(models), **options}


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
