"""Which model is preferred for data that a known model has made.

Every simulation of every model is fitted with all of them, as in :mod:`fits.recovery`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas

from engram.consolidation import ConsolidationModel

from .estimation import Fit, fit
from .execution import Workers
from .objective import Objective
from .recovery import check_spread, check_starts, check_truth, truth_and_data
from .refit import Screen, refit
from .repetition import Row, repeat
from .study import Study

CRITERIA = ("aic", "bic")


@dataclass(frozen=True)
class ModelRecovery:
    """Simulations of every model, fitted with every model.

    Attributes
    ----------
    table : DataFrame
        simulated, simulation, fitted, n_parameters, log_likelihood, aic, bic, converged.
    """

    seed: int
    models: tuple[str, ...]
    table: pandas.DataFrame

    def confusion(self, criterion: str = "aic") -> pandas.DataFrame:
        """How often each model is preferred (columns) where each has made the data (rows).

        Raises ``ValueError`` for a criterion other than "aic" and "bic". A refit that failed is not preferred.
        """
        if criterion not in CRITERIA:
            raise ValueError(f"unknown criterion {criterion!r}; use one of {', '.join(CRITERIA)}")
        wide = self.table.pivot(index=["simulated", "simulation"], columns="fitted", values=criterion)
        preferred = wide.dropna(how="all").idxmin(axis=1).rename("preferred").reset_index()
        counts = pandas.crosstab(preferred.simulated, preferred.preferred)
        return counts.reindex(index=list(self.models), columns=list(self.models), fill_value=0)


def recover_models(
    studies: Sequence[Study],
    models: Sequence[str | ConsolidationModel],
    *,
    n: int = 30,
    seed: int = 1,
    workers: Workers = None,
    priors: bool = False,
    shared: bool = True,
    truths: Sequence[Fit] | None = None,
    spread: float = 0.1,
    starts: int = 2,
    keep: Callable[[int, list[Row]], Any] | None = None,
    done: Mapping[int, list[Row]] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> ModelRecovery:
    """Simulate studies with each model and see which model is preferred.

    Parameters
    ----------
    studies, workers, priors, shared
        As in :func:`fits.fit`.
    models : sequence of str or ConsolidationModel
        Two or more.
    n : int
        Simulations of each model.
    truths : sequence of Fit, optional
        A fit of each model, about whose optimum its true parameters are drawn; made (16 starts) by default.
    spread, starts, keep, done, progress
        As in :func:`fits.recovery.recover_parameters`; simulation ``k`` of model ``i`` has the number
        ``k * len(models) + i``, so that fewer of them are the first of more.

    Raises
    ------
    ValueError
        Fewer than two models, a model given twice, no simulations, or truths of other models or studies.
    """
    names = [model if isinstance(model, str) else type(model).__name__ for model in models]
    if len(names) < 2:
        raise ValueError(f"{len(names)} model(s) given; nothing can be confused among fewer than two")
    if len(set(names)) < len(names):
        raise ValueError(f"a model is there twice among {', '.join(names)}; give each once")
    if n < 1:
        raise ValueError(f"n is {n}; give at least 1 simulation")
    check_spread(spread)
    check_starts(starts)
    if truths is None:
        truths = [fit(studies, model, seed=seed, workers=workers, shared=shared, priors=priors) for model in models]
    if len(truths) != len(names):
        raise ValueError(f"{len(truths)} truths for {len(names)} models; give one for each")
    for truth, model in zip(truths, models, strict=True):
        check_truth(truth, studies, model, priors, shared)
    task = partial(_simulated, [Screen(truth, seed) for truth in truths], names, spread, starts)
    results = repeat(task, n * len(names), workers=workers, keep=keep, done=done, progress=progress)
    return ModelRecovery(seed, tuple(names), pandas.DataFrame([row for rows in results for row in rows]))


def _simulated(
    screens: Sequence[Screen],
    names: Sequence[str],
    spread: float,
    starts: int,
    number: int,
    adopt: Callable[[Objective], Objective],
) -> tuple[list[Row], int]:
    """One simulation, fitted with every model: its rows, and the evaluations that it took."""
    simulation, source = divmod(number, len(names))
    made = screens[source]
    _, data = truth_and_data(made.reference, spread, made.seed, simulation, source)
    rows: list[Row] = []
    evaluations = 0
    for name, screen in zip(names, screens, strict=True):
        objective = adopt(screen.reference.objective.with_studies(data))
        found = refit(objective, screen.starts(data, starts))
        size, likelihood = len(objective.coordinates), float(found["log_likelihood"])
        evaluations += found["evaluations"]
        rows.append(
            dict(simulated=names[source], simulation=simulation, fitted=name, n_parameters=size,
                 log_likelihood=likelihood, aic=2 * size - 2 * likelihood,
                 bic=float(np.log(screen.reference.n_observations)) * size - 2 * likelihood,
                 converged=bool(found["converged"]))
        )  # fmt: skip
    return rows, evaluations
