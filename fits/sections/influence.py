"""Which observations the joint fits miss, and which studies hold the shared biology where it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas
from matplotlib.figure import Figure

from engram.figure_style import GREY, StyledFigure, look, style

from ..diagnostics import residual_table, study_influence
from ..estimation import Fit
from ..figures import label_of
from ..findings import LARGE_RESIDUAL
from ..wording import fixed, listed, number, share
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_RESIDUALS = ["study", "observation", "kind", "residual", "leverage", "cook", "moves", "shift"]
_PULLS = ["left_out", "parameter", "unit", "estimate", "without", "shift"]
_LARGE_COOK = 1.0
_LISTED = 12  # rows of a table on the page; all are in the files beside it


def _pieces(work: Work) -> list[Piece]:
    return [Piece(f"influence, {label_of(one.model)}", 3.0, 1, _of(one)) for one in work.joint]


def _of(one: Fit) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        made = {"residuals": residual_table(one)[_RESIDUALS].assign(model=one.model)}
        if len(one.studies) > 1:
            made["pulls"] = study_influence(one)[_PULLS].assign(model=one.model)
        progress(0)
        return made

    return compute


def _show(tables: Tables) -> Shown:
    residuals = tables["residuals"]
    pulls = tables.get("pulls", pandas.DataFrame(columns=[*_PULLS, "model"]))
    drawings = [
        Drawing("influence-residuals", _residual_figure(residuals),
                "Residuals of every observation in the joint fits, by study: beyond ± 2 (shaded) filled. Those of "
                "detections and counts are quantile residuals, standard normal under the model.", True)
    ]  # fmt: skip
    if len(pulls):
        drawings.append(
            Drawing("influence-studies", _pull_figure(pulls),
                    "How far each shared parameter would move if one study were left out (a dot a study; standard "
                    "errors, to first order). The study that moves it most is named.", True)
        )  # fmt: skip
    missed = residuals[residuals.residual.abs() > LARGE_RESIDUAL]
    missed = missed.sort_values("residual", key=np.abs, ascending=False, kind="stable").head(_LISTED)
    held = residuals.sort_values("cook", ascending=False, kind="stable").head(_LISTED)
    listings = [Listing("Largest residuals", _cells(missed, ("residual",)), ("residual",)),
                Listing("Observations that hold the fits most (Cook's distance; large from about 1)",
                        _cells(held, ("cook", "leverage")).rename(columns={"cook": "distance"}),
                        ("distance", "leverage"))]  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="A residual says how far a fit misses an observation, leverage and Cook's distance how much the fit "
        "hangs on it. What moves when something is left out is a first step from the optimum, and for models with "
        "thresholds a pointer to what to leave out and fit again, no more.",
        drawings=tuple(drawings),
        listings=tuple(listing for listing in listings if len(listing.cells)),
        change="A replication of the observations with the largest Cook's distance, with more subjects: they move the "
        "estimates most, and several are single published directions.",
    )


def sentence(tables: Tables) -> str:
    """How many residuals are large, how many observations hold a fit, and which study moves the biology most."""
    residuals = tables["residuals"]
    missed, holding = [], []
    for model, group in residuals.groupby("model", sort=False):
        large = float((group.residual.abs() > LARGE_RESIDUAL).mean())
        missed.append(f"{share(large)} under {label_of(str(model))}")
        holding.append(f"{int((group.cook > _LARGE_COOK).sum())} under {label_of(str(model))}")
    said = (f"More than {LARGE_RESIDUAL:g} standard deviations from their prediction lie {listed(missed)} of the "
            f"observations, of which a true model would miss 5 %. Fits hang on few: Cook's distance is above "
            f"{_LARGE_COOK:g} for {listed(holding)}.")  # fmt: skip
    pulls = tables.get("pulls", pandas.DataFrame())
    if len(pulls):
        most = max(pulls.to_dict("records"), key=lambda row: abs(row["shift"]))
        said += (f" Of single studies, {most['left_out']} moves a shared parameter furthest: without it "
                 f"{most['parameter']} would shift by {fixed(most['shift'])} standard errors "
                 f"({label_of(most['model'])}).")  # fmt: skip
    return said


def _residual_figure(table: pandas.DataFrame) -> Figure:
    studies = list(dict.fromkeys(table.study))[::-1]
    models = list(dict.fromkeys(table.model))
    with style():
        figure = StyledFigure(figsize=(6.4, 1.1 + 0.27 * len(studies)), layout="constrained")
        axes = list(figure.subplots(1, len(models), sharex=True, sharey=True, squeeze=False).flat)
        for index, (ax, model) in enumerate(zip(axes, models, strict=True)):
            mine = table[table.model == model]
            rows = np.array([studies.index(name) for name in mine.study]) if len(mine) else np.array([])
            ax.axvspan(-LARGE_RESIDUAL, LARGE_RESIDUAL, color="0.94", linewidth=0)
            ax.axvline(0, color=GREY, linewidth=0.7)
            large = (mine.residual.abs() > LARGE_RESIDUAL).to_numpy()
            colour = look(index)["color"]
            for chosen, fill in ((~large, "white"), (large, colour)):
                ax.plot(mine.residual[chosen], rows[chosen], "o", color=colour, markerfacecolor=fill, markersize=4)
            ax.set_title(label_of(model))
            ax.set_yticks(range(len(studies)), studies)
            ax.tick_params(axis="y", length=0)
            ax.set_ylim(-0.7, len(studies) - 0.3)
            ax.grid(axis="y", color="0.93")
        figure.supxlabel("residual (standard deviations; positive: more observed than predicted)", fontsize=8)
    return figure


def _pull_figure(table: pandas.DataFrame) -> Figure:
    names = list(dict.fromkeys(table.sort_values("parameter", kind="stable").parameter))[::-1]
    models = list(dict.fromkeys(table.model))
    with style():
        figure = StyledFigure(figsize=(6.4, 1.0 + 0.3 * len(names)), layout="constrained")
        axes = list(figure.subplots(1, len(models), sharex=True, sharey=True, squeeze=False).flat)
        for index, (ax, model) in enumerate(zip(axes, models, strict=True)):
            mine = table[table.model == model]
            ax.axvline(0, color=GREY, linewidth=0.7)
            for parameter, group in mine.groupby("parameter", sort=False):
                row = names.index(str(parameter))
                ax.plot(group["shift"], np.full(len(group), row), "o", color=look(index)["color"], markersize=3.5,
                        markerfacecolor="white")  # fmt: skip
                first = group.loc[group["shift"].abs().idxmax()]
                if abs(first["shift"]) > 0.5:
                    right = first["shift"] < 0
                    ax.annotate(first.left_out, (first["shift"], row), xytext=(4 if right else -4, 4.5),
                                textcoords="offset points", fontsize=5.5, ha="left" if right else "right",
                                color=GREY)  # fmt: skip
            ax.set_title(label_of(model))
            ax.set_yticks(range(len(names)), names)
            ax.tick_params(axis="y", length=0)
            ax.set_ylim(-0.6, len(names) - 0.2)
            ax.grid(axis="y", color="0.93")
            ax.margins(x=0.1)
        figure.supxlabel("shift when the study is left out (standard errors)", fontsize=8)
    return figure


def _cells(table: pandas.DataFrame, numbers: tuple[str, ...]) -> pandas.DataFrame:
    rows = [
        {
            "model": label_of(row["model"]), "study": row["study"], "observation": row["observation"],
            **{name: number(row[name], 2) for name in numbers},
            "moves most": f"{row['moves']} by {fixed(row['shift'])} SE" if row["moves"] else "",
        }
        for row in table.to_dict("records")
    ]  # fmt: skip
    return pandas.DataFrame(rows)


SECTION = Section("influence", "Residuals and influence", _pieces, _show)
