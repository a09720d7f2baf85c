"""Would the comparison prefer the model that made the data?"""

from __future__ import annotations

from collections.abc import Callable

import pandas

from ..figures import label_of
from ..model_recovery import ModelRecovery, recover_models
from ..simulation_figures import confusion_figure
from ..wording import capitalised, listed, share
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_COLUMNS = ["simulated", "simulation", "fitted", "n_parameters", "log_likelihood", "aic", "bic", "converged"]


def _pieces(work: Work) -> list[Piece]:
    if len(work.joint) < 2:
        return []
    steps = work.sizes.confused * len(work.joint)
    return [Piece("telling models apart", 4.0 * steps * len(work.joint), steps, _compute)]


def _compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
    names = [one.model for one in work.joint]
    found = recover_models(work.studies, names, n=work.sizes.confused, seed=work.seed, workers=work.workers,
                           truths=work.joint, progress=progress)  # fmt: skip
    return {"fits": found.table[_COLUMNS]}


def _show(tables: Tables) -> Shown:
    found = _recovery(tables["fits"])
    rows = [
        {"model": label_of(row["simulated"]), "simulation": str(row["simulation"] + 1),
         "preferred by AIC": label_of(row["aic"]), "preferred by BIC": label_of(row["bic"])}
        for row in _preferred(found).to_dict("records") if row["simulated"] not in (row["aic"], row["bic"])
    ]  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="Data of the same designs and sizes are simulated with each model about the optimum of its joint fit, "
        "and all models are fitted to them. What is preferred by chance here would be preferred by chance in the data.",
        drawings=(
            Drawing("confusion", confusion_figure(found),
                    "How often each model is preferred by AIC (columns) for data that each has made (rows)."),
        ),
        listings=(Listing("Simulations in which both criteria prefer another model", pandas.DataFrame(rows),
                          ("simulation",)),) if rows else (),
        change="Designs on which the models disagree more, such as several doses at one interval: without them a "
        "preference between the two rules of capture can be no surer than this.",
    )  # fmt: skip


def sentence(tables: Tables) -> str:
    """How often the model that made the data is preferred."""
    found = _recovery(tables["fits"])
    words = []
    for criterion in ("aic", "bic"):
        counts = found.confusion(criterion).to_numpy()
        right, made = counts.diagonal().tolist(), counts.sum(axis=1).tolist()
        own = [
            f"{k} of {n} simulations of {label_of(name)}" for k, n, name in zip(right, made, found.models, strict=True)
        ]
        whole = share(sum(right) / max(sum(made), 1))
        words.append(f"{criterion.upper()} prefers the model that made the data in {listed(own)} ({whole})")
    return f"{capitalised('; '.join(words))}."


def _recovery(table: pandas.DataFrame) -> ModelRecovery:
    return ModelRecovery(0, tuple(dict.fromkeys(table.simulated)), table)


def _preferred(found: ModelRecovery) -> pandas.DataFrame:
    """The model that each criterion prefers for each simulation."""
    columns = {
        criterion: found.table.pivot(index=["simulated", "simulation"], columns="fitted", values=criterion)
        .dropna(how="all").idxmin(axis=1)
        for criterion in ("aic", "bic")
    }  # fmt: skip
    return pandas.DataFrame(columns).reset_index()


SECTION = Section("models", "Would the data tell the models apart?", _pieces, _show)
