"""Do profile-likelihood intervals hold the truth as often as they claim, study by study?"""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas

from ..estimation import Fit
from ..figures import label_of
from ..recovery import LEVEL, Recovery, profile_intervals, recover_parameters, summarise
from ..simulation_figures import coverage_figure
from ..wording import capitalised, fixed, listed, share
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_OFTEN = 0.5


def _pieces(work: Work) -> list[Piece]:
    model = min(work.joint, key=lambda one: one.aic).model
    fitted = [one for group in work.separate.values() for one in group if one.model == model and len(one.estimates)]
    n = work.sizes.covered
    return [Piece(f"intervals of {one.studies[0]}", 0.5 * n, n, _of(one)) for one in fitted]


def _of(one: Fit) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        found = recover_parameters(one.objective.studies, one.model, n=work.sizes.covered, seed=work.seed, truth=one,
                                   workers=work.workers, shared=False, interval=profile_intervals, compared=0,
                                   progress=progress)  # fmt: skip
        columns = ["simulation", "study", "parameter", "scale", "true", "estimate", "covered", "verdict"]
        return {"simulations": found.table[columns].assign(model=one.model)}

    return compute


def _show(tables: Tables) -> Shown:
    simulations = tables["simulations"]
    summary = _summary(simulations)
    model = str(simulations.model.iloc[0])
    drawn = summary[summary.coverage.notna() & (summary.identified >= _OFTEN)]
    return Shown(
        says=sentence(tables),
        explains="Each study is simulated at parameters about its own best fit and fitted again, and every parameter "
        "gets a 95 % interval from its profile likelihood. Counted are the intervals of the simulations in which the "
        "profile calls the parameter identified. The biology is held; standard errors are judged in the section on "
        "recovery.",
        drawings=(
            Drawing("coverage-profiles", coverage_figure(Recovery(model, 0, simulations, drawn, (0, 0))),
                    f"{capitalised(label_of(model))}, studies fitted alone, parameters that half of the simulations or "
                    "more identify: how often intervals hold the truth, with the binomial interval that is corrected "
                    "for the number of parameters."),
        ),
        listings=(Listing("Every parameter", _cells(summary), ("identified", "coverage")),),
        change="More simulations narrow the binomial intervals; a parameter that covers too little has a likelihood "
        "far from quadratic at these sample sizes, and more subjects cure that.",
    )  # fmt: skip


def _summary(simulations: pandas.DataFrame) -> pandas.DataFrame:
    """:func:`fits.recovery.summarise`, with ``covered`` as read from a file brought back."""
    read = {"True": True, "False": False}
    covered = pandas.Series([read.get(str(value)) for value in simulations.covered], simulations.index, dtype=object)
    return summarise(simulations.assign(covered=covered))


def sentence(tables: Tables) -> str:
    """How many parameters are called identified, how many of their intervals cover too little, and which."""
    summary = _summary(tables["simulations"])
    often = summary[summary.identified >= _OFTEN]
    little = [f"{row['parameter']} of {row['study']}" for row in
              summary[summary.finding == "covers too little"].to_dict("records")]  # fmt: skip
    known = summary.coverage.notna()
    held = tables["simulations"]
    held = held[held.verdict == "identified"]
    covered = (held.covered.astype(str) == "True").mean() if len(held) else math.nan
    said = (
        f"Of {len(summary)} parameters of studies fitted alone, the profiles of half of the simulations or more "
        f"identify {len(often)}, and {int(known.sum())} are called identified in some. Over all of these intervals, "
        f"{share(float(covered))} hold the truth (nominal: {share(LEVEL)})"
    )
    said += f"; too few do for {listed(little)}." if little else "; none cover significantly less than they claim."
    return said


def _cells(summary: pandas.DataFrame) -> pandas.DataFrame:
    return pandas.DataFrame(
        [{"study": row["study"], "parameter": row["parameter"], "identified": share(row["identified"]),
          "coverage": share(row["coverage"]) if row["coverage"] == row["coverage"] else "",
          "95 % by chance": f"{fixed(row['coverage_lower'])} to {fixed(row['coverage_upper'])}"
          if row["coverage"] == row["coverage"] else "", "finding": row["finding"]}
         for row in summary.to_dict("records")]
    )  # fmt: skip


SECTION = Section("coverage", "Do intervals hold what they claim?", _pieces, _show)
