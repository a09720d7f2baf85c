"""Which model the data prefer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas

from .estimation import Fit


def compare(fits: Sequence[Fit]) -> pandas.DataFrame:
    """AIC and BIC of models fitted to the same studies, best first.

    Raises ``ValueError`` where the fits are not of the same studies and observations.

    Returns
    -------
    pandas.DataFrame
        model, n_parameters, n_observations, log_likelihood, aic, delta_aic, aic_weight, bic, delta_bic.
    """
    if not fits:
        raise ValueError("nothing to compare; give at least one fit")
    for other in fits[1:]:
        if other.studies != fits[0].studies or other.n_observations != fits[0].n_observations:
            raise ValueError(
                f"{other.model} was fitted to {', '.join(other.studies)} ({other.n_observations} observations) and "
                f"{fits[0].model} to {', '.join(fits[0].studies)} ({fits[0].n_observations}); compare like with like"
            )
    table = pandas.DataFrame(
        [
            dict(model=f.model, n_parameters=f.n_parameters, n_observations=f.n_observations,
                 log_likelihood=f.log_likelihood, aic=f.aic, bic=f.bic)
            for f in fits
        ]
    ).sort_values("aic", ignore_index=True)  # fmt: skip
    table.insert(5, "delta_aic", table.aic - table.aic.min())
    weight = np.exp(-0.5 * table.delta_aic)
    table.insert(6, "aic_weight", weight / weight.sum())
    table["delta_bic"] = table.bic - table.bic.min()
    return table
