"""Trials from a folder of BIDS events: encoding runs joined by item to the answers of the test runs.

File names are ``sub-<participant>_task-<task>[_run-<n>]_events.tsv``, anywhere below the folder. Tasks that the layout
does not name are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas

from .trial_table import (
    TrialError,
    as_numbers,
    as_truths,
    check_monotone,
    check_unique,
    read_text_table,
    refuse,
    renamed,
    some,
)

_NAME = re.compile(
    r"sub-(?P<participant>[^_]+)(?:_ses-[^_]+)?_task-(?P<task>.+?)(?:_(?:acq|ce|dir|rec|run|echo)-[^_]+)*_events\.tsv\Z"
)


@dataclass(frozen=True)
class EventsFormat:
    """Which tasks are read, and how their columns and codes are called."""

    encoding: tuple[str, ...]
    test: tuple[str, ...]
    columns: Mapping[str, str]  # our name -> that of the events
    codes: Mapping[str, Mapping[str, bool]]


def read_events(
    folder: Path, layout: EventsFormat, participants: Sequence[str], skip_broken: bool
) -> tuple[pandas.DataFrame, list[tuple[str, str]]]:
    """All trials below a folder, and the (participant, reason) of those who were skipped.

    Parameters
    ----------
    folder : Path
    layout : EventsFormat
    participants : sequence of str
        Without ``sub-``; everybody where it is empty.
    skip_broken : bool
        Whether a participant with a broken or missing file is skipped rather than an error.

    Raises
    ------
    TrialError
        No events, an unknown participant, a broken file, or tasks that are not named.
    """
    if not (layout.encoding and layout.test):
        raise TrialError(
            f"{folder}: is a folder of events and nothing says which tasks are encoding and which are test; pass the "
            "study whose [trials.tasks] names them"
        )
    found: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(folder.rglob("*_events.tsv")):
        match = _NAME.match(path.name)
        if match is None:
            raise TrialError(f"{path}: the name is not sub-<participant>_task-<task>_events.tsv; rename or remove it")
        found.setdefault(match["participant"], {}).setdefault(match["task"], []).append(path)
    if not found:
        raise TrialError(f"{folder}: has no files *_events.tsv; give the folder that holds the sub-* folders")
    unknown = [name for name in participants if name not in found]
    if unknown:
        raise TrialError(f"{folder}: no participant {some(map(repr, unknown))}; it has {some(found)}")
    frames, skipped = [], []
    for name in participants or found:
        try:
            frames.append(_participant(folder, name, found[name], layout))
        except TrialError as error:
            if not skip_broken:
                advice = "skip_broken=True, or --skip-broken, leaves out the whole participant"
                raise TrialError(f"{error} ({advice})") from None
            skipped.append((name, str(error)))
    if not frames:
        raise TrialError(f"{folder}: every participant is broken; the first: {skipped[0][1]}")
    return pandas.concat(frames, ignore_index=True), skipped


def _participant(
    folder: Path, name: str, tasks: Mapping[str, Sequence[Path]], layout: EventsFormat
) -> pandas.DataFrame:
    for task in (*layout.encoding, *layout.test):
        if task not in tasks:
            raise TrialError(f"{folder}: participant {name!r} has no events of the task {task!r}; add the file")
    encoded = pandas.concat([_encoding(tasks[task], task, layout) for task in layout.encoding], ignore_index=True)
    tested = pandas.concat([_test(path, layout) for task in layout.test for path in tasks[task]], ignore_index=True)
    for frame in (encoded, tested):
        frame["participant"] = name
        check_unique(frame)
    return _joined(encoded, tested)


def _encoding(paths: Sequence[Path], task: str, layout: EventsFormat) -> pandas.DataFrame:
    if len(paths) > 1:
        raise TrialError(
            f"{paths[1]}: the encoding task {task!r} has several runs, whose onsets each begin anew; "
            "name each run as a task of its own"
        )
    raw = read_text_table(paths[0])
    frame = renamed(raw, layout.columns, ("onset", "condition", "item"))
    frame["phase"] = task
    frame["onset"] = as_numbers(frame, "onset")
    check_monotone(frame)
    frame["reinforced"] = False
    if layout.columns.get("reinforced", "reinforced") in raw.columns:
        shown = renamed(raw, layout.columns, ("reinforced",))
        frame["reinforced"] = as_truths(shown, "reinforced", layout.codes.get("reinforced"), False)
    return frame


def _test(path: Path, layout: EventsFormat) -> pandas.DataFrame:
    raw = read_text_table(path)
    frame = renamed(raw, layout.columns, ("condition", "item", "old", "response"))
    frame["old"] = as_truths(frame, "old", layout.codes.get("old"), None)
    frame["response_time"] = float("nan")
    if layout.columns.get("response_time", "response_time") in raw.columns:
        frame["response_time"] = as_numbers(renamed(raw, layout.columns, ("response_time",)), "response_time")
    return frame


def _joined(encoded: pandas.DataFrame, tested: pandas.DataFrame) -> pandas.DataFrame:
    """One row an item: encoded ones with their answer, where they were tested, and new ones."""
    seen = tested["item"].map(encoded.set_index("item")["condition"])
    old = tested["old"]
    refuse(tested, old & seen.isna(), "item", "it is tested as old and no encoding run has it; correct one of them")
    refuse(tested, ~old & seen.notna(), "item", "it is tested as new and was encoded; correct one of them")
    differs = old & (seen != tested["condition"])
    why = f"the item is {seen[differs].iloc[0]!r} at encoding; correct one of them" if differs.any() else ""
    refuse(tested, differs, "condition", why)
    tested = tested.assign(answer_source=tested["source"], answer_row=tested["row"])
    answers = tested.set_index("item")[["response", "response_time", "answer_source", "answer_row"]]
    joined = encoded.join(answers, on="item")
    joined["tested"] = joined["item"].isin(tested["item"])
    joined["response"] = joined["response"].fillna("")
    joined["answer_source"] = joined["answer_source"].fillna(joined["source"])
    joined["answer_row"] = joined["answer_row"].fillna(joined["row"]).astype(int)
    joined["old"] = True
    new = tested[~old].assign(phase="", onset=float("nan"), reinforced=False, tested=True)
    return pandas.concat([joined, new[joined.columns]], ignore_index=True)
