"""Raw trials: what each participant saw, when, and what they answered about it.

One row an item: an encoded item with its phase, onset and answer at the test, or a new item (lure) with its answer.
The table comes from one tidy file, from several, or from a folder of BIDS events, and is the same whatever the order
of the rows and however the files are split.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas

from .bids import EventsFormat, read_events
from .study import Study, load_study
from .trial_layout import MISSING, TrialLayout, trial_layout
from .trial_table import (
    TrialError,
    as_numbers,
    as_truths,
    check_known,
    check_onsets,
    check_unique,
    is_empty,
    read_text_table,
    refuse,
    renamed,
    some,
)

POLICIES = ("error", "drop", "separate")
NEEDED = ("participant", "phase", "condition", "item", "onset", "old", "response")
#: Columns of ``Trials.table``.
TABLE = (*NEEDED[:5], "time", "old", "reinforced", "response", "response_time", "tested")
DATA_VARIABLE = "ENGRAM_DATA"


@dataclass(frozen=True, eq=False)
class Trials:
    """Raw trials, checked; see :func:`read_trials`.

    Attributes
    ----------
    table : DataFrame
        participant, phase ("" for new items), condition, item, onset (s from the start of the phase, NaN for new
        items), time (s from the start of the session, by ``phase_starts``; NaN where that is not known), old,
        reinforced, response ("" where there is none), response_time (s), tested.
    missing : DataFrame
        By participant: trials tested, answered and missing (tested without an answer), encoded items untested.
    phase_starts : mapping
        Phase -> s from the start of the session: an assumption about the breaks, not data.
    skipped : tuple of (participant, reason)
        Who was left out because of a broken file.
    sources : tuple of str
        Where the trials were read.
    """

    table: pandas.DataFrame
    missing: pandas.DataFrame
    phase_starts: Mapping[str, float] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def participants(self) -> tuple[str, ...]:
        return tuple(self.missing.index)

    @property
    def answered(self) -> pandas.DataFrame:
        """The rows that hold a response."""
        return self.table[self.table["response"] != ""]

    def select(self, participants: Sequence[str]) -> Trials:
        """The trials of some participants; ``TrialError`` names those who are unknown."""
        unknown = [name for name in participants if name not in self.participants]
        if unknown:
            raise TrialError(
                f"no trials of participant {some(map(repr, unknown))}; there are {some(self.participants)}"
            )
        table = self.table[self.table["participant"].isin(list(participants))].reset_index(drop=True)
        missing = self.missing.loc[[name for name in self.participants if name in participants]]
        return Trials(table, missing, self.phase_starts, self.skipped, self.sources)

    def counts(self, by: Sequence[str] = ("phase", "condition")) -> pandas.DataFrame:
        """How often each response was given, by columns of the table; lures have the phase ""."""
        return self.answered.groupby([*by, "response"]).size().unstack("response", fill_value=0)


def data_folder(study: str, given: str | Path | None = None) -> Path:
    """The folder of a study's raw data: the one given, or ``study`` below the folder that ENGRAM_DATA names.

    Raises
    ------
    TrialError
        Nothing given and ENGRAM_DATA unset, or no such folder.
    """
    if given is None:
        base = os.environ.get(DATA_VARIABLE)
        if not base:
            raise TrialError(
                f"no folder given for the data of {study!r}; pass it, or set {DATA_VARIABLE} to the folder that "
                f"contains {study}/"
            )
        given = Path(base) / study
    folder = Path(given)
    if not folder.is_dir():
        raise TrialError(f"{folder}: is not a folder; check the path or {DATA_VARIABLE}")
    return folder


def read_trials(
    path: str | Path | Sequence[str | Path] | None = None,
    study: Study | str | None = None,
    *,
    missing: str = "error",
    participants: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    codes: Mapping[str, Mapping[str, bool]] | None = None,
    phase_starts: Mapping[str, float] | None = None,
    skip_broken: bool = False,
) -> Trials:
    """Read raw trials and refuse those that cannot be trusted.

    Parameters
    ----------
    path : str, Path or sequence of them, optional
        A tidy ``.csv`` or ``.tsv`` file with the columns participant, phase, condition, item, onset (s from the start
        of the phase), old, response and, where there are, reinforced, response_time (s) and tested (false for an
        encoded item that was not asked about); or a folder of BIDS events, whose tasks, columns and codes the study
        names. By default the study's own data (:func:`data_folder`).
    study : Study or str, optional
        Or its identifier: whose ``[trials]`` names tasks, columns, codes and phases (see :mod:`fits.trial_layout`).
        Phases, conditions and responses that it does not know are refused.
    missing : {"error", "drop", "separate"}
        What becomes of a test trial without an answer: refused; kept as an encoded item and left out of every
        likelihood; or given the response "missing", which ``[trials.responses]`` must then know. All are counted.
    participants : sequence of str, optional
        Who is read, ``["*"]`` for everybody. By default those whom the study names, of a folder of events, and
        everybody of a tidy file.
    columns : mapping, optional
        Our name of a column -> the file's, over those of the study (which hold for events alone).
    codes : mapping, optional
        ``{"old": {"Old": True, "New": False}}``: what the entries of old and reinforced stand for.
    phase_starts : mapping, optional
        Phase -> s from the start of the session; by default the starts of the study's blocks.
    skip_broken : bool
        Leave out participants who answered nothing and, of a folder of events, those with a broken file, and list them
        in ``Trials.skipped``.

    Raises
    ------
    TrialError
        A sentence naming the file, the row and column, the value and the remedy.
    """
    if isinstance(study, str):
        study = load_study(study)
    if missing not in POLICIES:
        raise TrialError(f"missing is {missing!r}; use one of {', '.join(POLICIES)}")
    layout = trial_layout(study) if study is not None else None
    if path is None:
        if study is None or layout is None:
            raise TrialError("nothing to read; give the path of a table or folder, or a study whose data to read")
        path = data_folder(study.id) / layout.folder
    paths = [Path(path)] if isinstance(path, (str, Path)) else [Path(one) for one in path]
    if not paths:
        raise TrialError("nothing to read; the list of paths is empty")
    frames, skipped = [], []
    for one in paths:
        if one.is_dir():
            wanted = participants if participants is not None else layout.participants if layout else ()
            everybody = list(wanted) == ["*"] or len(paths) > 1
            frame, left_out = read_events(
                one, _events_format(layout, columns, codes), () if everybody else wanted, skip_broken
            )
            if everybody and list(wanted) not in ([], ["*"]):
                frame = frame[frame["participant"].isin(list(wanted))]
                left_out = [entry for entry in left_out if entry[0] in wanted]
            skipped += left_out
        else:
            frame = _tidy(one, columns or {}, codes or {})
        frames.append(frame)
    whole = pandas.concat(frames, ignore_index=True)
    if participants is not None and list(participants) != ["*"]:
        unknown = set(participants) - set(whole["participant"]) - {name for name, _ in skipped}
        if unknown:
            raise TrialError(f"{paths[0]}: no participant {some(map(repr, sorted(unknown)))}; correct participants")
        whole = whole[whole["participant"].isin(list(participants))]
    if phase_starts is None:
        phase_starts = layout.phase_starts if layout else {}
    whole = whole.reset_index(drop=True)
    check_unique(whole)
    whole["response"] = whole["response"].mask(is_empty(whole["response"]), "")
    answered = (whole["response"] != "") | (whole["tested"] & (missing == "separate"))
    answers = answered.groupby(whole["participant"]).sum()
    nobody = answers.index[answers == 0]
    if len(nobody) == len(answers):
        raise TrialError(f"{paths[0]}: nobody answered any test trial; add the column response, or the test")
    if len(nobody) and not skip_broken:
        raise TrialError(
            f"{paths[0]}: participant {some(map(repr, nobody))} answered no test trial; add the test, or leave them "
            "out (skip_broken=True, or --skip-broken)"
        )
    skipped += [(str(name), "answered no test trial") for name in nobody]
    whole = whole[~whole["participant"].isin(nobody)].reset_index(drop=True)
    table, counted = _checked(whole, layout, missing, phase_starts)
    return Trials(table, counted, dict(phase_starts), tuple(skipped), tuple(map(str, paths)))


def _events_format(
    layout: TrialLayout | None, columns: Mapping[str, str] | None, codes: Mapping[str, Mapping[str, bool]] | None
) -> EventsFormat:
    if layout is None:
        return EventsFormat((), (), {}, {})
    return EventsFormat(
        layout.encoding, layout.test, {**layout.columns, **(columns or {})}, {**layout.codes, **(codes or {})}
    )


def _tidy(path: Path, columns: Mapping[str, str], codes: Mapping[str, Mapping[str, bool]]) -> pandas.DataFrame:
    raw = read_text_table(path)
    optional = [name for name in ("reinforced", "response_time", "tested") if columns.get(name, name) in raw.columns]
    absent = [ours for ours in columns if ours not in (*NEEDED, "reinforced", "response_time", "tested")]
    if absent:
        raise TrialError(
            f"{path}: columns names {some(map(repr, absent))}; the columns of trials are {', '.join(TABLE)}"
        )
    frame = renamed(raw, columns, [*NEEDED, *optional, *(name for name in columns if name not in (*NEEDED, *optional))])
    frame["old"] = as_truths(frame, "old", codes.get("old"), None)
    frame["onset"] = as_numbers(frame, "onset")
    frame["reinforced"] = (
        as_truths(frame, "reinforced", codes.get("reinforced"), False) if "reinforced" in frame else False
    )
    frame["response_time"] = as_numbers(frame, "response_time") if "response_time" in frame else np.nan
    frame["tested"] = as_truths(frame, "tested", None, True) if "tested" in frame else True
    frame["answer_source"], frame["answer_row"] = frame["source"], frame["row"]
    for column in ("participant", "condition", "item"):
        refuse(frame, frame[column] == "", column, "every trial needs one; fill it in")
    refuse(frame, frame["old"] & (frame["phase"] == ""), "phase", "every encoded item needs the phase it was seen in")
    return frame


def _checked(
    frame: pandas.DataFrame, layout: TrialLayout | None, policy: str, phase_starts: Mapping[str, float]
) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """The table in order and the count of its missing answers; ``TrialError`` for anything wrong in it."""
    frame["phase"] = frame["phase"].where(frame["old"], "")
    frame["onset"] = frame["onset"].where(frame["old"])
    check_onsets(frame)
    silent = frame["tested"] & (frame["response"] == "")
    contradicts = ~frame["tested"] & (frame["response"] != "")
    refuse(frame, contradicts, "response", "the item is marked as not tested; correct one of the two")
    if layout:
        check_known(frame[frame["old"]], "phase", list(layout.phases), "[trials.phases]")
        check_known(frame, "condition", layout.conditions, "the cells of [trials]")
        answers = frame.assign(source=frame["answer_source"], row=frame["answer_row"])[frame["response"] != ""]
        check_known(answers, "response", list(layout.responses), "[trials.responses]")
        for kind, rows in frame[frame["old"]].groupby(["phase", "condition", "reinforced"], sort=False):
            phase, condition, reinforced = kind
            if layout.cell_of(str(phase), str(condition), bool(reinforced)) is None:
                first = rows.iloc[0]
                raise TrialError(
                    f"{first['source']}: row {first['row']}: no [[trials.cell]] takes phase {phase!r}, condition "
                    f"{condition!r}, reinforced {str(bool(reinforced)).lower()}; add one"
                )
    if policy == "error":
        answers = frame.assign(source=frame["answer_source"], row=frame["answer_row"])
        refuse(
            answers, silent, "response",
            "the trial was not answered; read with missing='drop' (--missing drop) to leave such trials out of the "
            "likelihood, or with missing='separate' to keep them as a response of their own",
        )  # fmt: skip
    groups = frame.assign(
        answered=frame["response"] != "", missing=silent, untested=frame["old"] & ~frame["tested"]
    ).groupby("participant")
    counted = groups[["tested", "answered", "missing", "untested"]].sum().astype(int)
    if policy == "separate":
        frame["response"] = frame["response"].mask(silent, MISSING)
    frame["time"] = frame["phase"].map(dict(phase_starts)).astype(float) + frame["onset"]
    columns = ["participant", "old", "time", "phase", "onset", "item"]
    order = frame.sort_values(columns, ascending=[name != "old" for name in columns])
    return order[list(TABLE)].reset_index(drop=True), counted
