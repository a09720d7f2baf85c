"""Does the biology of other studies predict a study that was left out, and are predictions as sure as they claim?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas
from matplotlib.figure import Figure

from engram.figure_style import GREY, StyledFigure, canvas, look, style

from ..estimation import Fit
from ..figures import label_of
from ..validation import detection_calibration, leave_one_out, residual_calibration
from ..wording import capitalised, fixed, listed, number, share
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_UNSURE = 0.05
_FITS = 4  # of each study that is left out


def _pieces(work: Work) -> list[Piece]:
    if len(work.studies) < 2:
        return []
    steps = _FITS * len(work.studies) * work.sizes.transfer_starts
    return [Piece(f"leaving studies out, {label_of(one.model)}", 3.0 * steps, steps, _of(one)) for one in work.joint]


def _of(one: Fit) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        found = leave_one_out(work.studies, one.model, starts=work.sizes.transfer_starts, seed=work.seed,
                              workers=work.workers, begin=one.optimum, progress=progress)  # fmt: skip
        made = {
            "studies": found.table,
            "detections": detection_calibration(found.predictions),
            "means": residual_calibration(found.predictions).query("study == 'all'"),
        }
        return {name: table.assign(model=one.model) for name, table in made.items()}

    return compute


def _show(tables: Tables) -> Shown:
    studies, detections = tables["studies"], tables["detections"]
    drawings = [
        Drawing("transfer", _loss_figure(studies),
                "What each study loses, in log-likelihood, when its biology comes from the other studies; filled where "
                f"that is more than chance allows (p < {_UNSURE:g}).", True)
    ]  # fmt: skip
    if len(detections):
        drawings.append(
            Drawing("calibration", _calibration_figure(detections),
                    "Calibration of effects with the biology of the other studies: how often they were found, against "
                    "the probability predicted for it (95 % intervals; on the line: as sure as they claim).", True)
        )  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="The biology comes from all studies but one; with it held fixed, that study's own parameters (doses, "
        "encoding strengths, criteria) are estimated on itself. A loss says that the biology does not transfer; no "
        "loss does not say that the study was foreseen.",
        drawings=tuple(drawings),
        listings=_listings(tables),
        change="Means with errors from studies that now give a direction only, and two studies of one paradigm, of "
        "which one is predicted with nothing of its own estimated.",
    )


def sentence(tables: Tables) -> str:
    """How many studies the biology of the others fails, by model, and how well calibrated predictions are."""
    words = []
    for model, group in tables["studies"].groupby("model", sort=False):
        failed = group[group.p_value < _UNSURE]
        names = f" ({listed(list(failed.study))})" if len(failed) else ""
        gained = int((group.gained > 0).sum())
        words.append(
            f"under {label_of(str(model))} the biology of the other studies fails {len(failed)} of "
            f"{len(group)} studies{names} and does better than the model's default values for {gained}"
        )
    off = []
    for model, group in tables["detections"].groupby("model", sort=False):
        n = int((group.p_value < _UNSURE).sum())
        off.append(f"{n} of {len(group)} under {label_of(str(model))}")
    said = f"{capitalised('; '.join(words))}."
    if off:
        said += f" Of the bins of predicted probability, these differ from the observed frequency: {listed(off)}."
    return said


def _listings(tables: Tables) -> tuple[Listing, ...]:
    rows = [
        {"model": label_of(r["model"]), "study": r["study"], "n": str(r["n_observations"]),
         "own biology": fixed(r["own"]),
         "of the others": fixed(r["transferred"]), "default": fixed(r["default"]), "lost": fixed(r["lost"]),
         "p": number(r["p_value"], 2)}
        for r in tables["studies"].to_dict("records") if r["p_value"] < _UNSURE or r["lost"] > 1
    ]  # fmt: skip
    calibrated = [
        {"model": label_of(r["model"]), "predicted": f"{share(r['lower'])} to {share(r['upper'])}", "n": str(r["n"]),
         "mean prediction": share(r["predicted"]), "found": share(r["found"]),
         "95 % interval": f"{share(r['found_lower'])} to {share(r['found_upper'])}", "p": number(r["p_value"], 2)}
        for r in tables["detections"].to_dict("records")
    ]  # fmt: skip
    means = [
        {"model": label_of(r["model"]), "n": str(r["n"]), "mean": fixed(r["mean"]),
         "standard deviation": fixed(r["sd"]),
         "beyond ± 1.96": share(r["beyond"]), "p": number(r["p_value"], 2)}
        for r in tables["means"].to_dict("records")
    ]  # fmt: skip
    made = (
        Listing("Log-likelihood of the studies that lose more than one unit, or more than chance allows",
                pandas.DataFrame(rows), ("n", "own biology", "of the others", "default", "lost", "p"),
                "p takes the others' estimates for certain, and so errs towards a failure."),
        Listing("Calibration of effects found or not", pandas.DataFrame(calibrated),
                ("n", "mean prediction", "found", "p")),
        Listing("Standardised residuals of observed means", pandas.DataFrame(means),
                ("n", "mean", "standard deviation", "beyond ± 1.96", "p"),
                "A true model leaves a mean of 0, a standard deviation of at most 1 and at most 5 % beyond ± 1.96."),
    )  # fmt: skip
    return tuple(listing for listing in made if len(listing.cells))


def _loss_figure(table: pandas.DataFrame) -> Figure:
    studies = list(dict.fromkeys(table.study))[::-1]
    models = list(dict.fromkeys(table.model))
    with style():
        figure, ax = canvas(None, (5.6, 1.1 + 0.27 * len(studies)))
        for index, model in enumerate(models):
            mine = table[table.model == model]
            colour = look(index)["color"]
            shift = 0.2 * ((len(models) - 1) / 2 - index)
            rows = np.array([studies.index(name) + shift for name in mine.study])
            failed = (mine.p_value < _UNSURE).to_numpy()
            ax.hlines(rows, 0, mine.lost, color=colour, linewidth=0.9)
            for chosen, fill in ((~failed, "white"), (failed, colour)):
                ax.plot(mine.lost[chosen], rows[chosen], "o", color=colour, markerfacecolor=fill, markersize=4,
                        clip_on=False)  # fmt: skip
            ax.plot([], [], "o", color=colour, label=label_of(model))
        ax.set_yticks(range(len(studies)), studies)
        ax.set_ylim(-0.7, len(studies) - 0.3)
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_xticks(_ticks(float(table.lost.max())), [f"{tick:g}" for tick in _ticks(float(table.lost.max()))])
        ax.set_xlim(0, None)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", color="0.93")
        ax.set_xlabel("log-likelihood lost (linear to 1, then logarithmic)")
        figure.legend(loc="outside upper left", ncols=3)
    return figure


def _ticks(largest: float) -> list[float]:
    decades = range(1, max(2, math.ceil(math.log10(max(largest, 10.0))) + 1))
    return [0.0, 0.5, 1.0, *(10.0**k for k in decades)]


def _calibration_figure(table: pandas.DataFrame) -> Figure:
    models: Sequence[str] = list(dict.fromkeys(table.model))
    with style():
        figure = StyledFigure(figsize=(2.1 * len(models) + 0.4, 2.5), layout="constrained")
        axes = list(figure.subplots(1, len(models), sharex=True, sharey=True, squeeze=False).flat)
        for index, (ax, model) in enumerate(zip(axes, models, strict=True)):
            mine = table[table.model == model]
            reach = [mine.found - mine.found_lower, mine.found_upper - mine.found]
            ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.7)
            ax.errorbar(mine.predicted, mine.found, yerr=np.clip(reach, 0, None), fmt="o", color=look(index)["color"],
                        elinewidth=1.0, capsize=2, clip_on=False)  # fmt: skip
            for row in mine.to_dict("records"):
                left = row["predicted"] > 0.5
                ax.annotate(f"n = {row['n']}", (row["predicted"], row["found"]), xytext=(-5 if left else 5, 0),
                            fontsize=6.5, textcoords="offset points", color=GREY, ha="right" if left else "left",
                            va="center")  # fmt: skip
            ax.set_title(label_of(model))
            ax.set_xlim(-0.03, 1.03)
            ax.set_ylim(-0.03, 1.03)
            ax.set_xticks([0, 0.5, 1])
            ax.set_yticks([0, 0.5, 1])
        figure.supxlabel("predicted probability of detection", fontsize=8)
        figure.supylabel("observed frequency", fontsize=8)
    return figure


SECTION = Section("transfer", "Does biology transfer to a study left out?", _pieces, _show)
