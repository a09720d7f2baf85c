"""Would the joint fits find the parameters that made the data, and do their intervals hold them?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas

from ..estimation import Fit
from ..figures import label_of
from ..recovery import Recovery, recover_parameters
from ..simulation_figures import coverage_figure, recovery_figure
from ..wording import capitalised, fixed, share
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_COLUMNS = ["simulation", "study", "parameter", "scale", "true", "estimate", "covered", "verdict"]


def _pieces(work: Work) -> list[Piece]:
    n = work.sizes.recovered
    return [
        Piece(f"recovering {label_of(one.model)}", 4.0 * n, n, _of(one)) for one in work.joint if len(one.estimates)
    ]


def _of(one: Fit) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        found = recover_parameters(work.studies, one.model, n=work.sizes.recovered, compared=work.sizes.compared,
                                   seed=work.seed, workers=work.workers, truth=one, progress=progress)  # fmt: skip
        shared = found.table[found.table.study == "shared"]
        differ, compared = found.differ
        return {
            "estimates": shared[_COLUMNS].assign(model=one.model),
            "summary": found.summary.assign(model=one.model),
            "starts": pandas.DataFrame([dict(model=one.model, differ=differ, compared=compared)]),
        }

    return compute


def _show(tables: Tables) -> Shown:
    drawings, listings = [], []
    for model, summary in tables["summary"].groupby("model", sort=False):
        shared = summary[summary.study == "shared"]
        estimates = tables["estimates"][tables["estimates"].model == model]
        if not len(shared):
            continue
        drawn = Recovery(str(model), 0, estimates, shared, (0, 0))
        name = capitalised(label_of(str(model)))
        drawings.append(
            Drawing(f"recovery-{model}", recovery_figure(drawn),
                    f"{name}, shared biology: estimates from simulated data against the truth that made them. Pale: "
                    "simulations that do not identify the parameter. On the line: recovered.", True)
        )  # fmt: skip
        if shared.coverage.notna().any():
            drawings.append(
                Drawing(f"coverage-{model}", coverage_figure(drawn),
                        f"{name}: how often intervals that are called identified hold the truth, with the binomial "
                        "interval that is corrected for the number of parameters. Orange covers too little.")
            )  # fmt: skip
        listings.append(Listing(f"{name}, shared biology", _cells(shared),
                                ("bias", "rmse", "correlation", "identified", "coverage")))  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="Studies of the same designs and sizes are simulated at known parameters about the optimum of the "
        "joint fit and fitted again, from starts that do not know the truth. Intervals are those of standard errors. "
        "Bias and root-mean-square error are on the scale of the search: a logarithm where that is logarithmic.",
        drawings=tuple(drawings),
        listings=tuple(listings),
        change="A parameter that these designs cannot recover stays unknown however well the models fit: it takes "
        "other designs, not more subjects in the same ones.",
    )


def sentence(tables: Tables) -> str:
    """How many parameters are recovered, and how many intervals cover too little."""
    words = []
    for model, summary in tables["summary"].groupby("model", sort=False):
        shared = summary[summary.study == "shared"]
        mostly = int((shared.identified >= 0.5).sum())
        little = summary[summary.finding == "covers too little"]
        known = int(summary.coverage.notna().sum())
        said = f"under {label_of(str(model))}, "
        if len(shared):
            said += f"half of the simulations or more identify {mostly} of the {len(shared)} shared parameters, and "
        said += f"intervals cover less often than they claim for {len(little)} of {known} parameters in all"
        words.append(said)
    n = int(tables["summary"].simulations.max())
    return f"{capitalised('; '.join(words))} ({n} simulations of each model).{_trapped(tables['starts'])}"


def _trapped(starts: pandas.DataFrame) -> str:
    differ, compared = int(starts.differ.sum()), int(starts.compared.sum())
    if not compared:
        return ""
    return f" Of {compared} simulations fitted from more starts as well, {differ} ended below the best of them."


def _cells(summary: pandas.DataFrame) -> pandas.DataFrame:
    def row(r: dict[Any, Any]) -> dict[str, str]:
        error = f" ± {fixed(r['bias_error'])}" if r["bias_error"] == r["bias_error"] else ""
        return {
            "parameter": r["parameter"], "bias": f"{fixed(r['bias'])}{error}", "rmse": fixed(r["rmse"]),
            "correlation": fixed(r["correlation"]), "identified": share(r["identified"]),
            "coverage": share(r["coverage"]), "finding": r["finding"],
        }  # fmt: skip

    return pandas.DataFrame([row(r) for r in summary.to_dict("records")])


SECTION = Section("recovery", "Can the parameters be recovered?", _pieces, _show)
