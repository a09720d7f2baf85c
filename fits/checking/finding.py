"""One thing that a check has found."""

from __future__ import annotations

from dataclasses import dataclass

SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """An ``error`` cannot be right, a ``warning`` is probably not meant, a ``note`` is worth a look."""

    severity: str
    place: str  # the key, such as observation[2].value
    message: str
