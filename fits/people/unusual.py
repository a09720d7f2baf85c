"""Answers that say little or nothing: what is unusual about a person, and what follows from it.

Nobody is left out for it: a person whose answers say nothing is estimated where the others are, and said to be.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas

from .likelihood import PeopleLikelihood

_COLUMNS = ("who", "what", "consequence")


def notes_on_people(likelihood: PeopleLikelihood) -> list[tuple[str, str, str]]:
    """(participant, what is unusual, what follows) for people whose answers cannot tell all of their parameters."""
    notes = []
    size = len(likelihood.scale)
    outcomes = likelihood.old[0].shape[1] if len(likelihood) else 0
    for name, old, new in zip(likelihood.people, likelihood.old, likelihood.lures, strict=True):
        by_old, by_new = old.sum(axis=0), new.sum(axis=0) if new.size else np.zeros(outcomes)
        given = by_old + by_new
        n = int(given.sum())
        if n < size:
            notes.append((name, f"{n} answered trial{'s' * (n != 1)} for {size} parameters",
                          "the estimates rest on the other people; see their intervals"))  # fmt: skip
        if n > 1 and (given > 0).sum() == 1:
            notes.append((name, f"the same answer in all {n} trials",
                          "alone, criteria would go to a bound; the population holds them"))  # fmt: skip
        elif by_old.sum() and by_new.sum() and _separated(by_old, by_new):
            notes.append((name, "no answer was given both to old and to new items",
                          "alone, strengths and criteria could grow without end; others hold them"))  # fmt: skip
        if by_old.sum() == 0:
            notes.append((name, "no answer about an old item", "the strengths are the population's"))
        if likelihood.lures[0].size and by_new.sum() == 0:
            notes.append((name, "no answer about a new item",
                          "criteria and strengths are told apart by the population alone"))  # fmt: skip
    return notes + _alike(likelihood.people) + _of_everybody(likelihood)


def _alike(people: Sequence[str]) -> list[tuple[str, str, str]]:
    """Names that differ in case alone."""
    first: dict[str, str] = {}
    for name in people:
        first.setdefault(name.casefold(), name)
    return [
        (name, f"the name is that of {first[name.casefold()]} but for the case", "they are two people here; write the "
         "names alike if they are one")
        for name in people if first[name.casefold()] != name
    ]  # fmt: skip


def _of_everybody(likelihood: PeopleLikelihood) -> list[tuple[str, str, str]]:
    notes = []
    old = np.sum([one.sum(axis=0) for one in likelihood.old], axis=0)
    new = np.sum([one.sum(axis=0) for one in likelihood.lures], axis=0) if likelihood.lures[0].size else 0 * old
    if ((old + new) > 0).sum() == 1:
        notes.append(("everybody", "the same answer in all trials", "criteria go towards a bound, and all else that "
                      "is printed rests on that and on what was assumed before"))  # fmt: skip
    if likelihood.layouts[0].compiled and not new.any():
        notes.append(("everybody", "no answer about a new item", "criteria and strengths are told apart by "
                      "differences between conditions alone, and depend on what was assumed; add answers to new "
                      "items"))  # fmt: skip
    elif old.any() and new.any() and _separated(old, new):
        notes.append(("everybody", "no answer was given both to old and to new items", "strengths and criteria could "
                      "grow without end; what was assumed before holds them"))  # fmt: skip
    return notes


def _separated(old: np.ndarray, new: np.ndarray) -> bool:
    """Whether the answers to old items are all surer of old than those to new ones (or all less sure)."""
    said_old, said_new = np.flatnonzero(old), np.flatnonzero(new)
    return bool(said_old.max() < said_new.min() or said_new.max() < said_old.min())


def note_table(notes: Sequence[tuple[str, str, str]]) -> pandas.DataFrame:
    return pandas.DataFrame(list(notes), columns=list(_COLUMNS))
