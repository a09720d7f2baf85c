"""What designs recover of people: parameters and models, for every study and model in one call.

People are drawn from a population at the study's start values, answer every Test of the design and new items, and are
fitted with every model. One fit tells whether the population comes back, all together which model is preferred.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas

from engram.consolidation import ConsolidationModel

from ..execution import Workers, completed
from ..study import Study
from .calibration import population_rows, simulate_people, summarise
from .design import SPREAD, planned
from .fit import fit_likelihood
from .likelihood import Layout, PeopleLikelihood
from .population import Population

_PROBES = 3  # places beside the start at which a parameter may change an answer
_MOSTLY = 0.5  # share of simulations from which a parameter counts as identified by a design


@dataclass(frozen=True, eq=False)
class PeopleRecovery:
    """Simulated people of several designs, fitted with every model.

    Attributes
    ----------
    table : DataFrame
        study, model, simulation, parameter ("mean of …" and "spread of …", on the scale of a logit between its bounds,
        spreads as logarithms), true, estimate, lower, upper, identified, rank.
    summary : DataFrame
        A row a study, model and parameter: identified (share of the simulations whose fit knows more of it than its
        prior does; of a spread, whose interval has both limits), and what :class:`fits.people.Calibration` has.
    choices : DataFrame
        study, simulated, simulation, fitted, bic.
    left_out : tuple of (study, model)
        Models that feel no parameter of a design.
    """

    people: int
    seed: int
    table: pandas.DataFrame = field(repr=False)
    summary: pandas.DataFrame
    choices: pandas.DataFrame = field(repr=False)
    left_out: tuple[tuple[str, str], ...] = ()

    def confusion(self) -> pandas.DataFrame:
        """How often each model has the best BIC (columns), by study and by model that made the data (rows)."""
        best = self.choices.loc[self.choices.groupby(["study", "simulated", "simulation"], sort=False).bic.idxmin()]
        counts = pandas.crosstab([best.study, best.simulated], best.fitted)
        rows = list(dict.fromkeys(zip(self.choices.study, self.choices.simulated, strict=True)))
        columns = list(dict.fromkeys(self.choices.fitted))
        index = pandas.MultiIndex.from_tuples(rows, names=["study", "simulated"])
        return counts.reindex(index=index, columns=columns, fill_value=0)

    def not_identified(self) -> pandas.DataFrame:
        """What designs do not tell: study, model, parameter, identified."""
        few = self.summary[self.summary.identified < _MOSTLY]
        return few[["study", "model", "parameter", "identified"]].reset_index(drop=True)


def recover_people(
    studies: Sequence[Study],
    models: Sequence[str | ConsolidationModel],
    *,
    people: int = 30,
    n: int = 20,
    trials: int = 1,
    lures: int | None = None,
    spread: float = SPREAD,
    seed: int = 1,
    draws: int = 64,
    workers: Workers = None,
    keep: Callable[[int, Any], Any] | None = None,
    done: Mapping[int, Any] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> PeopleRecovery:
    """Simulate people of every design under every model, and fit them with every model.

    Parameters
    ----------
    studies : sequence of Study
        Designs whose response has outcomes; their results play no part.
    models : sequence of str or ConsolidationModel
        A model of which a design feels no parameter is left out there.
    people, n : int
        People of one simulation, and simulations of each study and model.
    trials, lures : int
        As in :func:`fits.people.compare_designs`.
    spread : float
        τ of every parameter, on the scale of a logit.
    seed, draws, workers
        As in :func:`fits.people.population_calibration`; simulations run side by side, and no number depends on how.
    keep, done, progress
        As in :func:`fits.execution.completed`.

    Raises
    ------
    StudyError
        A response without outcomes.
    ValueError
        Numbers out of range, or no parameter to recover.
    """
    for what, number, least in (("people", people, 2), ("n", n, 1), ("trials", trials, 1)):
        if number < least:
            raise ValueError(f"{what} is {number}; give at least {least}")
    if not spread > 0:
        raise ValueError(f"spread is {spread}; give a positive number")
    models = [models] if isinstance(models, str) else models
    tasks: list[tuple[Any, ...]] = []
    labels: list[tuple[str, list[str], int, int]] = []
    left_out: list[tuple[str, str]] = []
    for number, study in enumerate(studies):
        whole = [_felt(planned(study, model, trials, lures)) for model in models]
        left_out += [(study.id, type(one.model).__name__) for one in whole if not len(one.scale)]
        likelihoods = [one for one in whole if len(one.scale)]
        names = [type(one.model).__name__ for one in likelihoods]
        for source in range(len(likelihoods)):
            for k in range(n):
                tasks.append((likelihoods, source, people, spread, draws, (seed, number, source, k)))
                labels.append((study.id, names, source, k))
    if not tasks:
        raise ValueError("none of these studies has a parameter that any of these models feels; nothing can come back")
    rows: list[dict[str, Any]] = []
    choices: list[dict[str, Any]] = []
    results = completed(_simulation, tasks, workers=workers, keep=keep, done=done, progress=progress)
    for (study_id, names, source, k), (found, scores) in zip(labels, results, strict=True):
        rows += [dict(study=study_id, model=names[source], simulation=k, **row) for row in found]
        choices += [
            dict(study=study_id, simulated=names[source], simulation=k, fitted=name, bic=bic)
            for name, bic in zip(names, scores, strict=True)
        ]
    table = pandas.DataFrame(rows)
    groups = {(str(a), str(b)): own for (a, b), own in table.groupby(["study", "model"], sort=False)}
    parts = [
        summarise(group).assign(
            study=study_id, model=name,
            identified=group.groupby("parameter", sort=False).identified.mean().to_numpy(float),
        )
        for (study_id, name), group in groups.items()
    ]  # fmt: skip
    summary = pandas.concat(parts, ignore_index=True)
    first = ["study", "model", "parameter", "identified"]
    left = [name for name in summary if name not in (*first, "correlation")]  # truths are the same every time
    summary = summary[[*first, *left]]
    return PeopleRecovery(people, seed, table, summary, pandas.DataFrame(choices), tuple(left_out))


def _felt(likelihood: PeopleLikelihood) -> PeopleLikelihood:
    """Without the parameters that change no answer: they could not be fitted, and would count in the criteria."""
    layout, starts = likelihood.layouts[0], likelihood.scale.starts
    places = [starts, *(starts + np.random.default_rng(1).normal(size=(_PROBES, len(starts))))]
    known = np.max([np.diag(likelihood.evaluate(0, place).information) for place in places], axis=0)
    felt = [own for own, most in zip(layout.coordinates, known, strict=True) if most > 0]
    if len(felt) == len(layout.coordinates):
        return likelihood
    return PeopleLikelihood.of_layout(
        Layout(layout.strengths, layout.members, layout.starts, felt), likelihood.old, likelihood.lures
    )


def _simulation(
    likelihoods: Sequence[PeopleLikelihood], source: int, people: int, spread: float, draws: int, seed: Sequence[int]
) -> tuple[list[dict[str, Any]], list[float]]:
    """What the model that made the data finds of its population, and the BIC of every model."""
    own = likelihoods[source]
    rng = np.random.default_rng(seed)
    size = len(own.scale)
    truth = Population(own.scale.starts[:, None], np.full(size, spread))
    made = simulate_people(own, rng.normal(own.scale.starts, spread, (people, size)), rng)
    rows: list[dict[str, Any]] = []
    scores = []
    for k, likelihood in enumerate(likelihoods):
        fit = fit_likelihood(likelihood.with_counts(made.old, made.lures), alone=False, draws=draws, workers=1)
        scores.append(fit.bic)
        if k == source:
            rows = population_rows(fit, truth)
    return rows, scores
