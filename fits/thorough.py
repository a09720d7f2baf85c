"""The long sections of the report, computed piece by piece; what is finished survives an interrupt."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pandas

from .progress import Progress
from .reproduce import Provenance, Reproduction
from .sections import SECTIONS, store
from .sections.section import FITTED, Piece, Section, Sizes, Work
from .storage import Checkpoint

_PART = "sections"  # of the checkpoint
Plan: TypeAlias = Sequence[tuple[Section, Sequence[Piece]]]


def write_sections(
    folder: Path,
    results: Reproduction,
    sizes: Sizes,
    checkpoint: Checkpoint | None = None,
    families: Collection[str] = FITTED,
) -> dict[str, str]:
    """Compute every section of some families that applies and store it in ``folder``; the short pieces first.

    Parameters
    ----------
    folder : Path
        Gets a folder for each section.
    results : Reproduction
        Whose fits the sections are computed from.
    sizes : Sizes
    checkpoint : Checkpoint, optional
        Keeps each piece as it ends, and gives back those that it kept.
    families : collection of str
        ``NETWORKS`` for the networks; by default the sections that rest on studies.

    Returns
    -------
    dict of str to str
        Sections that could not be computed, each with the reason: raw data that are not there.
    """
    made = results.provenance
    work = Work(results.joint, results.separate, results.studies, results.visual, sizes, made.seed, made.workers)
    plan, missing = _plan(work, [section for section in SECTIONS if section.family in families])
    _compute(folder, plan, work, made, checkpoint)
    return missing


def write_simulated(
    folder: Path, made: Provenance, sizes: Sizes, checkpoint: Checkpoint, names: Collection[str]
) -> dict[str, str]:
    """Compute sections that rest on no fit of the report, and store them in place of those that ``folder`` holds.

    Returns those that could not be computed, each with the reason.
    """
    work = Work((), {}, (), (), sizes, made.seed, made.workers)
    plan, missing = _plan(work, [section for section in SECTIONS if section.name in names])
    _compute(folder, plan, work, made, checkpoint)
    return missing


def _compute(folder: Path, plan: Plan, work: Work, made: Provenance, checkpoint: Checkpoint | None) -> None:
    """Every piece of a plan, the short ones first, and then the tables of each section."""
    numbered = list(enumerate(piece for _, pieces in plan for piece in pieces))
    done = checkpoint.done(_PART) if checkpoint is not None else {}
    progress = Progress(sum(piece.weight for _, piece in numbered))
    try:
        for number, piece in sorted(numbered, key=lambda pair: pair[1].weight):
            with progress.part(piece.name, piece.weight, 1 if number in done else piece.steps):
                if number in done:
                    progress.finished()
                    continue
                done[number] = _computed(piece, work, progress.finished)
                if checkpoint is not None:
                    checkpoint.keep(_PART, number, done[number])
    finally:
        progress.close()
    contents = iter(done[number] for number, _ in numbered)
    for section, pieces in plan:
        mine = [next(contents) for _ in pieces]
        tables: dict[str, list[pandas.DataFrame]] = {}
        for content in mine:
            for name, columns in content["tables"].items():
                tables.setdefault(name, []).append(pandas.DataFrame(columns))
        joined = {name: pandas.concat(parts, ignore_index=True) for name, parts in tables.items()}
        shutil.rmtree(folder / section.name, ignore_errors=True)
        seconds = sum(one["seconds"] for one in mine)
        store.write(folder, section.name, joined, _origin(made, work.sizes, section.family, seconds))


def _plan(work: Work, sections: Sequence[Section]) -> tuple[Plan, dict[str, str]]:
    """The sections that apply with their pieces, and why others that would apply cannot be computed."""
    plan: list[tuple[Section, Sequence[Piece]]] = []
    missing = {}
    for section in sections:
        try:
            pieces = section.pieces(work)
        except ValueError as error:
            missing[section.name] = str(error)
            continue
        if pieces:
            plan.append((section, pieces))
    return plan, missing


def _computed(piece: Piece, work: Work, progress: Callable[[int], None]) -> dict[str, Any]:
    """The tables of a piece as plain lists, column by column, and what they took."""
    began = time.perf_counter()
    tables = {name: table.to_dict("list") for name, table in piece.compute(work, progress).items()}
    return {"tables": tables, "seconds": time.perf_counter() - began}


def _origin(made: Provenance, sizes: Sizes, family: str, seconds: float) -> store.Origin:
    return store.Origin(
        command=made.command, date=made.date, seed=made.seed, workers=made.workers, machine=made.machine,
        versions=dict(made.versions), sizes=dataclasses.asdict(sizes), studies=store.digests_of_studies(family),
        seconds=round(seconds, 1),
    )  # fmt: skip
