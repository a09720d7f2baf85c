"""Brains, behaviour and covariates of the same people in the same order, or a sentence that says what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas

from ..trial_table import some

_TABLES = (pandas.Series, pandas.DataFrame)
_BLOCK = 1024  # values of a brain that are looked at together
_NOISE = 1e-6  # of the spread of behaviour: what single precision cannot tell from nothing


class PredictionError(ValueError):
    """Connectomes and behaviour that nothing can be predicted from: the message says why."""


def is_number(value: Any, kind: type = Real) -> bool:
    """Whether an option is a number of a kind, such as ``numbers.Integral``."""
    return isinstance(value, kind)


def checked(
    values: Any, behaviour: Any, covariates: Any, folds: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Brain (people, values), behaviour, intercept with standardised covariates, and names, if all can be used.

    Tables are put in the order of behaviour (or, where that is an array, of the table of brains) by the participants
    that index them; arrays are taken in order.
    """
    first, title = (behaviour, "behaviour") if isinstance(behaviour, _TABLES) else (values, "brains")
    known = first.index if isinstance(first, _TABLES) else None
    if known is not None:
        if known.has_duplicates:
            again = str(known[known.duplicated()][0])
            raise PredictionError(f"{title}: participant {again!r} is there twice; leave one row")
        values = _in_order(values, "brains", known, title)
        covariates = _in_order(covariates, "covariates", known, title)
    x, y = _numbers(values, "brains"), _numbers(behaviour, "behaviour").astype(float)
    if x.ndim != 2 or y.ndim != 1 or len(x) != len(y):
        raise PredictionError(f"brains are {x.shape} and behaviour {y.shape}; give (people, values) and (people,)")
    if not x.shape[1]:
        raise PredictionError(f"brains are {x.shape}: without a value there is nothing to predict from")
    names = [str(name) for name in (range(1, len(y) + 1) if known is None else known)]
    own, titles = _covariates(covariates, len(y))
    least = 2 * folds + len(titles) + 4
    if len(y) < least:
        raise PredictionError(f"{len(y)} people are too few; with {folds} folds and {len(titles)} covariates at "
                              f"least {least} are needed")  # fmt: skip
    for name, each in zip(titles, own.T, strict=True):
        _finite(each, f"covariate {name}", names)
        if np.ptp(each) <= 1e-12 * np.abs(each).max():
            raise PredictionError(f"covariate {name} is {each[0]:g} for everybody; a constant has no effect that "
                                  "could be taken out, leave it out")  # fmt: skip
    c = np.column_stack([np.ones(len(y)), (own - own.mean(axis=0)) / own.std(axis=0)])
    if np.linalg.matrix_rank(c) < c.shape[1]:
        raise PredictionError(f"one of the covariates {', '.join(titles)} follows from the others; leave it out")
    _finite(y, "behaviour", names)
    if np.ptp(y) <= 1e-12 * np.abs(y).max():
        raise PredictionError(f"behaviour is {y[0]:g} for everybody; there is nothing to predict")
    if (y - c @ np.linalg.lstsq(c, y, rcond=None)[0]).std() <= _NOISE * y.std():
        raise PredictionError(f"behaviour follows from covariates ({', '.join(titles)}): what they leave of it is "
                              "rounding noise; leave out those that are behaviour itself or its parts")  # fmt: skip
    for begin in range(0, x.shape[1], _BLOCK):
        bad = ~np.isfinite(x[:, begin : begin + _BLOCK])
        if bad.any():
            person, place = (int(where[0]) for where in np.nonzero(bad))
            raise PredictionError(f"value {begin + place} of participant {names[person]!r} is "
                                  f"{x[person, begin + place]}; leave the person or the value out")  # fmt: skip
    return x, y, c, names


def _in_order(table: Any, what: str, known: pandas.Index[Any], whose: str) -> Any:
    """A table with its rows as ``known``, the index of ``whose``, has them; an array as it is."""
    if not isinstance(table, _TABLES):
        return table
    asked, there = [str(name) for name in known], [str(name) for name in table.index]
    if asked == there:
        return table
    if len(set(there)) == len(there) == len(asked) and set(asked) == set(there):
        place = {name: row for row, name in enumerate(there)}
        return table.iloc[[place[name] for name in asked]]
    told = f"{what} and {whose} are not of the same participants"
    if isinstance(known, pandas.RangeIndex) != isinstance(table.index, pandas.RangeIndex):
        numbered, named = (whose, what) if isinstance(known, pandas.RangeIndex) else (what, whose)
        raise PredictionError(f"{told}: rows of {numbered} are numbered, those of {named} are named; index both by "
                              "participant, or give arrays, which are taken in order")  # fmt: skip
    absent, other = (some([repr(name) for name in dict.fromkeys(one) if name not in set(two)])
                     for one, two in ((asked, there), (there, asked)))  # fmt: skip
    if absent or other:
        raise PredictionError(f"{told}: {what} lack {absent or 'nobody'} and have {other or 'nobody'} beside them; "
                              "give both of the same people")  # fmt: skip
    twice = next(name for name in there if there.count(name) > 1)
    raise PredictionError(f"{told} in the same order, and {what} have {twice!r} twice; leave one row")


def _numbers(values: Any, what: str) -> np.ndarray:
    """As an array of numbers, of whatever precision they have."""
    try:
        found = np.asarray(values)
        if found.dtype.kind in "cmM":
            raise TypeError(f"{found.dtype}")
        found = found if found.dtype.kind == "f" else found.astype(float)
    except (TypeError, ValueError) as error:
        raise PredictionError(
            f"{what}: is not of numbers ({error}); code what is text or category as numbers"
        ) from None
    return found


def _covariates(covariates: Any, people: int) -> tuple[np.ndarray, list[str]]:
    """(people, covariates), and what they are called."""
    if covariates is None:
        return np.empty((people, 0)), []
    if isinstance(covariates, pandas.DataFrame):
        titles = list(map(str, covariates.columns))
        columns = [_numbers(covariates.iloc[:, k], f"covariate {name}") for k, name in enumerate(titles)]
        own = np.column_stack(columns) if columns else np.empty((len(covariates), 0))
    else:
        own = _numbers(covariates, "covariates")
        own = own[:, None] if own.ndim == 1 else own
        if own.ndim != 2:
            raise PredictionError(f"covariates are {own.shape}; give (people, covariates)")
        name = getattr(covariates, "name", None)
        titles = [str(k) for k in range(1, own.shape[1] + 1)] if name is None else [str(name)]
    if len(own) != people:
        raise PredictionError(f"there are covariates of {len(own)} people and behaviour of {people}")
    return own.astype(float), titles


def _finite(values: np.ndarray, what: str, names: Sequence[str]) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise PredictionError(f"{what} of participant {names[bad[0]]!r} is {values[bad[0]]}; leave the person out")
