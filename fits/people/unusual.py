"""Input that says little or nothing: what is unusual about a person or a covariate, and what follows from it.

Nobody is left out for it: a person whose answers say nothing is estimated where the others are, and said to be.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas

from ..trial_table import TrialError, some
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
    return notes


def _separated(old: np.ndarray, new: np.ndarray) -> bool:
    """Whether the answers to old items are all surer of old than those to new ones (or all less sure)."""
    said_old, said_new = np.flatnonzero(old), np.flatnonzero(new)
    return bool(said_old.max() < said_new.min() or said_new.max() < said_old.min())


def standardised(
    covariates: pandas.DataFrame | None, people: Sequence[str]
) -> tuple[pandas.DataFrame, list[tuple[str, str, str]]]:
    """Covariates of mean 0 and variance 1, a row a person, and notes on those that were left out.

    Parameters
    ----------
    covariates : DataFrame, optional
        Numbers, indexed by participant.
    people : sequence of str

    Raises
    ------
    TrialError
        Participants given twice or without covariates, a value that is no finite number, covariates of which one
        follows from the others.
    """
    if covariates is None:
        return pandas.DataFrame(index=list(people)), []
    table = covariates.copy()
    table.index = table.index.map(str)
    if table.index.has_duplicates:
        raise TrialError(f"covariates: participant {table.index[table.index.duplicated()][0]!r} is there twice")
    absent = [name for name in people if name not in table.index]
    if absent:
        raise TrialError(
            f"covariates: there are none of participant {some(map(repr, absent))}; add them, or leave these people out "
            "(identifiers must be written the same way in both tables)"
        )
    notes = [(str(name), "has covariates and no trials", "not used") for name in table.index if name not in people]
    table = table.loc[list(people)]
    kept = {}
    for column in table:
        try:
            values = table[column].to_numpy(float)
        except (TypeError, ValueError):
            values = np.full(len(table), np.nan)
        if not np.isfinite(values).all():
            place = int(np.flatnonzero(~np.isfinite(values))[0])
            raise TrialError(
                f"covariates: {column!r} of participant {table.index[place]!r} is {table[column].iloc[place]}; give a "
                "finite number"
            )
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            notes.append((str(column), f"is {values[0]:g} for everybody", "a covariate that is constant explains "
                          "nothing and was left out"))  # fmt: skip
            continue
        kept[str(column)] = (values - values.mean()) / values.std()
    found = pandas.DataFrame(kept, index=list(people))
    if found.shape[1] and np.linalg.matrix_rank(found.to_numpy(), tol=1e-8 * len(found)) < found.shape[1]:
        raise TrialError(f"covariates: one of {', '.join(kept)} follows from the others; leave one out")
    return found, notes


def note_table(notes: Sequence[tuple[str, str, str]]) -> pandas.DataFrame:
    return pandas.DataFrame(list(notes), columns=list(_COLUMNS))
