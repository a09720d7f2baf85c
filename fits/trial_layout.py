"""How a study's raw trials stand for its design: the table ``[trials]`` of its file.

::

    [trials]
    condition = "session"              # of the design
    folder = "events"                  # below the study's data folder
    participants = ["01", "02"]        # all where it is absent
    at = "24 h"                        # which Test was answered, where a trace has several
    [trials.tasks]                     # of a folder of BIDS events
    encoding = ["study"]
    test = ["recognition"]
    [trials.columns]                   # our name -> that of the events
    item = "stimulus"
    [trials.codes]
    old = { Old = true, New = false }
    [trials.phases]                    # phase of the data -> block of the design, whose start is that of the phase
    study = "learning"
    [trials.responses]                 # code of the data -> outcome of the response
    DO = "definitely old"
    [[trials.cell]]                    # which trial type and which group of traces each trial is
    phase = "study"
    condition = "CS+"
    reinforced = true                  # any where it is absent
    trial = "shocked"
    traces = "learning/plus"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .study import RESPONSES, Study, Term, rows_of
from .tables import Table

COLUMNS = ("participant", "phase", "condition", "item", "onset", "old", "reinforced", "response", "response_time")
CODED = ("old", "reinforced")
MISSING = "missing"  # the response of an unanswered trial, where it is kept as one


@dataclass(frozen=True)
class Cell:
    """Trials of one kind: the trial type that lays them out, and the group of traces that they are part of."""

    phase: str
    condition: str
    reinforced: bool | None  # None: either
    trial: str
    traces: str


@dataclass(frozen=True)
class TrialLayout:
    """The table ``[trials]`` of a study; see the module."""

    condition: str
    folder: str
    participants: tuple[str, ...]
    at: float | None  # s
    encoding: tuple[str, ...]
    test: tuple[str, ...]
    columns: Mapping[str, str]
    codes: Mapping[str, Mapping[str, bool]]
    phases: Mapping[str, str]
    phase_starts: Mapping[str, float]  # s from the start of the protocol
    responses: Mapping[str, str]
    cells: tuple[Cell, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """Conditions of the data, in the order of the cells."""
        return tuple(dict.fromkeys(cell.condition for cell in self.cells))

    def cell_of(self, phase: str, condition: str, reinforced: bool) -> Cell | None:
        """The cell of a trial; None where no cell takes it."""
        for cell in self.cells:
            if (cell.phase, cell.condition) == (phase, condition) and cell.reinforced in (None, reinforced):
                return cell
        return None


def trial_layout(study: Study) -> TrialLayout:
    """The layout of a study's trials, checked against its design and response.

    Raises
    ------
    StudyError
        A study without ``[trials]``, or a key of it that is wrong: file, key, value and remedy.
    """
    table = Table(study.path, "trials", study.trials)
    if not study.trials:
        raise table.error("", "is missing; add a table [trials] that says what the raw trials stand for")
    table.only(
        {"condition", "folder", "participants", "at", "tasks", "columns", "codes", "phases", "responses", "cell"}
    )
    condition = table.choice("condition", study.conditions)
    tasks = table.table("tasks")
    tasks.only({"encoding", "test"})
    columns = table.table("columns")
    columns.only(COLUMNS)
    outcomes = RESPONSES[study.response].outcomes
    responses = table.table("responses", required=True)
    blocks = blocks_of(study, condition)
    phases = table.table("phases", required=True)
    phase_blocks = {phase: phases.choice(phase, blocks) for phase in phases.content}
    return TrialLayout(
        condition=condition,
        folder=table.text("folder", ""),
        participants=_texts(table, "participants"),
        at=table.time("at") if "at" in table else None,
        encoding=_texts(tasks, "encoding"),
        test=_texts(tasks, "test"),
        columns={ours: columns.text(ours) for ours in columns.content},
        codes=_codes(table.table("codes")),
        phases=phase_blocks,
        phase_starts={phase: blocks[block].time("start") for phase, block in phase_blocks.items()},
        responses={code: responses.choice(code, outcomes) for code in responses.content},
        cells=_cells(table, study, condition, phase_blocks, blocks),
    )


def blocks_of(study: Study, condition: str) -> dict[str, Table]:
    """The blocks of one condition as the study's file writes them: name -> table."""
    return {block.text("name"): block for block in condition_table(study, condition).tables("block")}


def condition_table(study: Study, condition: str) -> Table:
    """One condition as the study's file writes it."""
    return Table(study.path, f"condition {condition!r}", study.condition_tables[condition])


def _codes(table: Table) -> dict[str, dict[str, bool]]:
    table.only(CODED)
    codes = {}
    for column in table.content:
        row = table.table(column)
        codes[column] = {code: row.truth(code, False) for code in row.content}
    return codes


def _cells(
    table: Table, study: Study, condition: str, phases: Mapping[str, str], blocks: Mapping[str, Table]
) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for row in table.tables("cell", required=True):
        row.only({"phase", "condition", "reinforced", "trial", "traces"})
        phase = row.choice("phase", phases)
        cell = Cell(
            phase=phase,
            condition=row.text("condition"),
            reinforced=row.truth("reinforced", False) if "reinforced" in row else None,
            trial=row.choice("trial", blocks[phases[phase]].table("trial").content),
            traces=row.text("traces"),
        )
        if not rows_of(Term(1.0, condition, cell.traces, None), study.conditions[condition]):
            raise row.error("traces", f"no Test of {cell.traces!r} in the condition {condition!r}; name a tested group")
        for other in cells:
            same = (other.phase, other.condition) == (cell.phase, cell.condition)
            if same and (None in (other.reinforced, cell.reinforced) or other.reinforced == cell.reinforced):
                raise row.error("", f"takes the same trials as another cell ({cell.phase}, {cell.condition}); keep one")
        cells.append(cell)
    return tuple(cells)


def _texts(table: Table, key: str) -> tuple[str, ...]:
    value: Any = table.content.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise table.error(key, f'is {value!r}; write a list of names, such as ["first", "second"]')
    return tuple(value)
