"""What the design of a study of visual learning may hold: one trained stimulus, and angles with their unit."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engram.protocol import Test

from .design import Design
from .tables import Errors, Table

_ANGLE = re.compile(r"\s*([+-]?\d+(?:\.\d*)?)\s*(?:deg|degree|degrees|°)\s*\Z")
_ONE = "visual learning has one trained stimulus, and reads others through the offset and distance of an observation"


def angle(table: Table, key: str, most: float, default: float | None = None) -> float:
    """Degrees, written with their unit as in ``"70 deg"``, from 0 to ``most``."""
    if key not in table and default is not None:
        return default
    if key not in table:
        raise table.error(key, 'is missing; add it, "0 deg" where the trained stimulus itself was tested')
    value = table.content[key]
    found = _ANGLE.match(value) if isinstance(value, str) else None
    if found is None:
        raise table.error(key, f'is {value!r}; write degrees with their unit, such as "70 deg"')
    degrees = float(found[1])
    if not 0 <= degrees <= most:
        raise table.error(key, f"is {value!r}; it must lie between 0 and {most:g} degrees")
    return degrees


def trained_trace(design: Design | None) -> str:
    """The one trace of a design; empty where there is none, or the design could not be read."""
    return design.protocol.traces[0] if design is not None and design.protocol.traces else ""


def check_visual(table: Table, conditions: Mapping[str, Design | None], errors: Errors) -> None:
    """Refuse what only a study of memory can have: several traces, categories, relatedness, raw trials."""
    if "trials" in table:
        errors.add(table.error("trials", "raw trials of a threshold cannot be fitted; remove the table"))
    for number, (name, design) in enumerate(conditions.items(), 1):
        if design is None:
            continue
        protocol, place = design.protocol, f"condition[{number}]"
        if len(protocol.traces) > 1:
            errors.add(table.error(f"{place}.events", f"{name!r} trains {', '.join(protocol.traces)}; {_ONE}"))
        if protocol.relatedness or protocol.categories:
            message = f"{name!r} has categories or relatedness, which belong to studies of memory; {_ONE}"
            errors.add(table.error(place, message))
        if any(isinstance(event, Test) and event.reactivates for event in protocol.events):
            message = f"{name!r} has a test that reactivates; write a reactivate at its time beside the test"
            errors.add(table.error(f"{place}.events", message))
