"""Region by region: does any region's response go with behaviour? With a test that holds for all of them together.

Behaviour (what covariates leave of it) is dealt to people anew; the largest absolute correlation of all regions in
every dealing gives p_family (Westfall & Young 1993; in imaging Nichols & Holmes 2002, doi:10.1002/hbm.1058).
"""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import numpy as np
import pandas

from .participants import PredictionError, checked, is_number


def regional_analysis(
    responses: pandas.DataFrame | np.ndarray,
    behaviour: pandas.Series | np.ndarray,
    *,
    covariates: pandas.DataFrame | np.ndarray | None = None,
    permutations: int = 1000,
    seed: int = 1,
) -> pandas.DataFrame:
    """Correlation of every region's (or voxel's) response with behaviour.

    Parameters
    ----------
    responses : (people, regions)
    behaviour : (people,)
    covariates : (people, covariates), optional
        Tables are matched by the participants that index them; arrays are taken in order.
    permutations, seed : int

    Returns
    -------
    DataFrame
        A row a region: region, r (partial, given covariates), p (of this region, by permutation), p_family (of the
        largest of all).

    Raises
    ------
    PredictionError
        Shapes or participants that do not agree, values that are not finite, a constant behaviour or covariate, a
        behaviour that follows from covariates, a region that is constant, too few people, no permutations.
    """
    if not (is_number(permutations, Integral) and permutations >= 1):
        raise PredictionError(f"permutations is {permutations!r}; p values need a whole number from 1 on")
    x, y, c, _ = checked(responses, behaviour, covariates)
    titles: Any = getattr(responses, "columns", range(x.shape[1]))
    x = x - c @ np.linalg.lstsq(c, x, rcond=None)[0]
    size = np.sqrt((x**2).sum(axis=0))
    for name, own in zip(titles, size, strict=True):
        if own <= 1e-12 * math.sqrt(len(y)):
            raise PredictionError(f"region {name} is the same for everybody, or follows from covariates; leave it out")
    left = y - c @ np.linalg.lstsq(c, y, rcond=None)[0]
    rng = np.random.default_rng(seed)
    dealt = np.column_stack([left, *(left[rng.permutation(len(left))] for _ in range(permutations))])
    dealt -= c @ np.linalg.lstsq(c, dealt, rcond=None)[0]
    r = (x / size).T @ (dealt / np.sqrt((dealt**2).sum(axis=0)))
    height = np.abs(r) + 1e-12  # equal ones count as larger, whatever their rounding
    largest = height[:, 1:].max(axis=0)
    return pandas.DataFrame(
        dict(region=list(titles), r=r[:, 0],
             p=[(1 + int((own[1:] >= own[0] - 1e-12).sum())) / (1 + permutations) for own in height],
             p_family=[(1 + int((largest >= own).sum())) / (1 + permutations) for own in height[:, 0] - 1e-12])
    )  # fmt: skip
