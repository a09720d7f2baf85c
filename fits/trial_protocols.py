"""Every participant's own protocol: the events of the study's trial types at the onsets that were recorded.

A trial of the data is laid out as the trial type that its cell names, from its own onset after the start of its block;
what else the condition holds (other blocks, events, relatedness, the Test) stays as the study writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas

from .design import Design, read_design
from .study import Study
from .tables import Errors, Table
from .trial_layout import Cell, TrialLayout, blocks_of, condition_table
from .trial_table import TrialError
from .trials import Trials

_NAMED = ("encode", "reactivate", "extinguish", "test")


def participant_designs(trials: Trials, study: Study, layout: TrialLayout) -> tuple[dict[str, Design], pandas.Series]:
    """The design of each participant, and the trace of each encoded item.

    Returns
    -------
    designs : dict
        Participant -> design.
    traces : Series
        Indexed by the rows of ``trials.table`` that hold encoded items.

    Raises
    ------
    TrialError
        A trial whose type does not encode exactly one trace of its cell's group, or a protocol that cannot be run.
    """
    condition = condition_table(study, layout.condition)
    blocks = blocks_of(study, layout.condition)
    designs: dict[str, Design] = {}
    traces: dict[Any, str] = {}
    table = trials.table
    for participant, rows in table[table["old"]].groupby("participant", sort=False):
        events = list(condition.content.get("events", []))
        seen: dict[tuple[str, str], int] = {}
        ordered = rows.sort_values(["phase", "onset", "item"])
        columns = [ordered.index, *(ordered[name] for name in ("phase", "condition", "reinforced", "onset", "item"))]
        for index, phase, kind, reinforced, onset, item in zip(*columns, strict=True):
            cell = layout.cell_of(phase, kind, reinforced)
            if cell is None:
                raise TrialError(f"no [[trials.cell]] takes phase {phase!r}, condition {kind!r}; add one")
            name = layout.phases[cell.phase]
            seen[name, cell.trial] = seen.get((name, cell.trial), 0) + 1
            words = {"n": seen[name, cell.trial], "block": name}
            made = _laid_out(blocks[name].table("trial"), cell, layout.phase_starts[phase] + float(onset), words)
            traces[index] = _trace_of(made, cell, item)
            events += made
        others = [block for name, block in blocks.items() if name not in layout.phases.values()]
        content = {**condition.content, "events": events, "block": [block.content for block in others]}
        where = f"condition {layout.condition!r} of participant {participant!r}"
        errors = Errors()
        design = read_design(Table(study.path, where, content), str(participant), study.parameters, errors)
        if design is None:
            raise TrialError(str(errors.first()))
        designs[str(participant)] = design
    return designs, pandas.Series(traces, dtype=object)


def _laid_out(kinds: Table, cell: Cell, onset: float, words: Mapping[str, object]) -> list[dict[str, Any]]:
    """The events of one trial, at times from the start of the protocol."""
    events = []
    for row in kinds.tables(cell.trial):
        event = dict(row.content)
        for key in ("after", "on", "off"):
            if key in event:
                event["at" if key == "after" else key] = f"{onset + row.time(key)!r} s"
        event.pop("after", None)
        for key in _NAMED:
            if key in event:
                event[key] = str(event[key]).format(**words)
        events.append(event)
    return events


def _trace_of(events: list[dict[str, Any]], cell: Cell, item: str) -> str:
    names = [event["encode"] for event in events if "encode" in event]
    found = [name for name in names if name == cell.traces or name.startswith(cell.traces + "/")]
    if len(found) != 1:
        raise TrialError(
            f"the trial type {cell.trial!r} encodes {', '.join(names) or 'nothing'}, of which {len(found)} belong to "
            f"{cell.traces!r}; it must be one, that of the item {item!r}"
        )
    return str(found[0])
