"""Every number of the report: fits of the shipped studies, predicted curves, and what they were made with."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import pandas

import engram
from engram import consolidation, curves
from engram.consolidation import ConsolidationModel

from .comparison import compare
from .estimation import Fit, fit
from .figures import label_of
from .findings import total_comparison
from .mechanisms import CLOCKS, Answer, answers
from .prediction import model_class
from .progress import Progress
from .storage import Checkpoint
from .study import MEMORY, VISION, Study, load_shipped

MODELS = tuple(consolidation.MODELS)
STARTS, QUICK_STARTS = 6, 2
_VARIANT_STARTS = 4
TOGETHER = "all studies, separately"
JOINT = "all studies, jointly"
CURVES: dict[str, Callable[..., pandas.DataFrame]] = {
    "retroactive enhancement": curves.retroactive_enhancement,
    "proactive enhancement": curves.proactive_enhancement,
    "reconsolidation window": curves.reconsolidation_window,
    "salience response": curves.salience_response,
    "relatedness response": curves.relatedness_response,
}
_SENSITIVE = ("retroactive enhancement", "proactive enhancement")
_PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "pandas", "sympy", "matplotlib", "jinja2", "tqdm", "platformdirs")


@dataclass(frozen=True)
class Provenance:
    """What a set of results was made with, and when."""

    command: str
    seed: int
    starts: int
    joint_starts: int
    workers: int
    date: str
    machine: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Reproduction:
    """All results of one run.

    Attributes
    ----------
    visual : tuple of Study
        Studies of vision, which share no model with the others (:mod:`fits.sections.vision`).
    separate : mapping of study identifier to fits
        Each study alone by every model, with the models' biology held at its defaults.
    joint : tuple of Fit
        All studies together by every model, with one biology estimated for all.
    comparisons : mapping of str to DataFrame
        From :func:`fits.compare`: of every study, their sum, and the joint fits.
    curves : mapping of str to mapping of str to DataFrame
        Simulated curves at the models' default parameters: curve -> model -> table.
    fitted_curves : the same with the jointly fitted biology
    sensitivity : mapping of str to DataFrame
        Of curves of threshold capture at its defaults.
    answers : tuple of Answer
        Questions about mechanism; none where the models do not include one with capture.
    seconds : mapping of str to float
        What each part took (s).
    """

    studies: tuple[Study, ...]
    visual: tuple[Study, ...]
    separate: Mapping[str, tuple[Fit, ...]]
    joint: tuple[Fit, ...]
    comparisons: Mapping[str, pandas.DataFrame]
    curves: Mapping[str, Mapping[str, pandas.DataFrame]]
    fitted_curves: Mapping[str, Mapping[str, pandas.DataFrame]]
    sensitivity: Mapping[str, pandas.DataFrame]
    answers: tuple[Answer, ...]
    provenance: Provenance
    seconds: Mapping[str, float]


def reproduce(
    *,
    starts: int = STARTS,
    seed: int = 1,
    workers: int | None = None,
    command: str = "fits.reproduce.reproduce()",
    studies: Sequence[Study] | None = None,
    models: Sequence[str] = MODELS,
    joint_starts: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Reproduction:
    """Fit every study by every model, alone and jointly, and predict the curves.

    Parameters
    ----------
    starts : int
        Starts of each fit of one study; joint fits begin at the optima of the separate ones and at a quarter as many
        others.
    seed : int
    workers : int, optional
        Threads; all processors by default. The numbers do not depend on it.
    command : str
        What to name as the command in the report.
    studies : sequence of Study, optional
        All shipped studies by default. Those of vision are left to a section of the report.
    models : sequence of str
    joint_starts : int, optional
        Starts of the joint fits, where not a quarter of ``starts``.
    checkpoint : Checkpoint, optional
        Keeps the starts of the joint fits as they end, and gives back those that it kept.

    Raises
    ------
    StudyError, FitError
        From reading and fitting.
    """
    made = provenance(command, starts, seed, workers, joint_starts)
    given = tuple(studies) if studies is not None else load_shipped(MEMORY) + load_shipped(VISION)
    chosen = tuple(study for study in given if study.family == MEMORY)
    plan = {(model, study.id): _effort([study], model, False) for study in chosen for model in models}
    joint_effort = {model: _effort(chosen, model, True) for model in models}
    compilation = 0.15 * (starts * sum(plan.values()) + made.joint_starts * sum(joint_effort.values()))
    questions = 0.4 * starts * sum(plan.values())
    total = questions + compilation + starts * sum(plan.values()) + made.joint_starts * sum(joint_effort.values())
    progress = Progress(total)
    options: dict[str, Any] = dict(seed=seed, workers=workers, progress=progress.finished)
    try:
        with progress.part("compiling kernels", compilation):
            _compile(models, made.workers)
            progress.finished()
        separate: dict[str, tuple[Fit, ...]] = {}
        for study in chosen:
            with progress.part(f"fitting {study.id}", sum(plan[model, study.id] for model in models) * starts,
                               starts * len(models)):  # fmt: skip
                separate[study.id] = tuple(
                    fit([study], model, starts=starts, shared=False, **options) for model in models
                )
        joint = []
        for index, model in enumerate(models):
            with progress.part(f"joint fit by {label_of(model)}", joint_effort[model] * made.joint_starts,
                               made.joint_starts):  # fmt: skip
                begin = {name: value for study in chosen for name, value in separate[study.id][index].optimum.items()}
                kept = _kept(checkpoint, f"joint {model}")
                joint.append(fit(chosen, model, starts=made.joint_starts, shared=True, begin=begin, **kept, **options))
        answered: list[Answer] = []
        if any(model in CLOCKS for model in models):
            with progress.part("questions about mechanism", questions, 6):
                answered = answers(joint, separate, starts=min(starts, _VARIANT_STARTS), seed=seed, workers=workers,
                                   progress=progress.finished)  # fmt: skip
        with progress.part("simulating curves"):
            fitted = [fit.with_biology() for fit in joint]
            defaults = [model_class(model)() for model in models]
            simulated, refitted = _simulate(defaults), _simulate(fitted)
            sensitivity = {name: curves.sensitivity(CURVES[name], defaults[0]) for name in _SENSITIVE}
    finally:
        progress.close()
    comparisons = {study: compare(group) for study, group in separate.items()}
    if len(chosen) > 1:
        comparisons[TOGETHER] = total_comparison(comparisons)
    comparisons[JOINT] = compare(joint)
    return Reproduction(
        studies=chosen,
        visual=tuple(study for study in given if study.family == VISION),
        separate=separate,
        joint=tuple(joint),
        comparisons=comparisons,
        curves=simulated,
        fitted_curves=refitted,
        sensitivity=sensitivity,
        answers=tuple(answered),
        provenance=made,
        seconds=progress.seconds,
    )


def _kept(checkpoint: Checkpoint | None, part: str) -> dict[str, Any]:
    if checkpoint is None:
        return {}
    return dict(done=checkpoint.done(part), keep=lambda number, row: checkpoint.keep(part, number, row))


def provenance(
    command: str, starts: int, seed: int, workers: int | None, joint_starts: int | None = None
) -> Provenance:
    """What results made now are made with."""
    versions = {"engram": engram.__version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        versions[package] = metadata.version(package)
    processors = os.cpu_count() or 1
    return Provenance(
        command=command,
        seed=seed,
        starts=starts,
        joint_starts=joint_starts or max(2, 1 + starts // 4),
        workers=workers or processors,
        date=datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds"),
        machine=f"{platform.system()} {platform.machine()}, {processors} processors",
        versions=versions,
    )


def _effort(studies: Sequence[Study], model: str, shared: bool) -> float:
    """A guess of the work of one start: gradients grow with the parameters, and so does their number."""
    biology = len(model_class(model).biology) if shared else 0
    own = [len(study.parameters) for study in studies]
    return (sum(own) + biology) * sum(biology + count + 1 for count in own)


def _compile(models: Sequence[str], workers: int) -> None:
    """Compile the kernels of several models at once, in processes of their own; this one then loads them.

    Within one process numba compiles one kernel after the other.
    """
    from engram._jit import cache_directory

    if workers == 1 or any(cache_directory().rglob("*.nbi")):
        return
    code = (
        "import engram\n"
        "protocol = engram.Protocol(engram.Encode('a', at=0, strength=0.4), engram.Test('a', at=1))\n"
        "engram.{}().run(protocol).strength('a', at=1)"
    )
    print("engram: compiling, once per version on this computer, up to about a minute", file=sys.stderr, flush=True)
    environment = {**os.environ, "ENGRAM_QUIET": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    running: list[subprocess.Popen[bytes]] = []
    try:
        for model in models:
            command = [sys.executable, "-W", "ignore", "-c", code.format(model)]
            running.append(subprocess.Popen(command, env=environment))
        for process in running:
            process.wait()  # should one fail, its kernels are compiled here, where errors are reported
    finally:
        for process in running:
            process.kill()


def _simulate(models: Sequence[ConsolidationModel]) -> dict[str, dict[str, pandas.DataFrame]]:
    return {name: {model.label: curve(model) for model in models} for name, curve in CURVES.items()}
