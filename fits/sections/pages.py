"""The long sections as a report shows them: what was just computed, and otherwise what is stored."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from . import SECTIONS, store
from .section import Section, Shown


@dataclass(frozen=True)
class Page:
    """One section on the page.

    Attributes
    ----------
    computed : bool
        Whether this run computed it, rather than an earlier one.
    shown, origin : None where there is nothing to show; ``problem`` then says why
    changed : str
        What has changed since it was computed; empty where nothing has.
    """

    section: Section
    computed: bool
    shown: Shown | None
    origin: store.Origin | None
    changed: str
    problem: str


def pages(folder: Path, shipped: Path | None = None) -> tuple[Page, ...]:
    """Every section, from ``folder``, into which those that it lacks are copied from what is stored.

    Parameters
    ----------
    folder : Path
    shipped : Path, optional
        Stored results; those of this version by default.
    """
    source = shipped or store.shipped()
    made = []
    for section in SECTIONS:
        computed = (folder / section.name).is_dir()
        if not computed and (source / section.name).is_dir():
            shutil.copytree(source / section.name, folder / section.name)
        try:
            stored = store.read(folder, section.name, section.again)
        except store.StoreError as error:
            made.append(Page(section, computed, None, None, "", str(error)))
        else:
            changed = store.differences(stored.origin, section.family)
            made.append(Page(section, computed, section.show(stored.tables), stored.origin, changed, ""))
    return tuple(made)
