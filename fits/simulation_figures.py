"""Figures of recovery, coverage, confusion and frequency of models, transfer between studies and calibration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engram.figure_style import COLOURS, GREY, StyledFigure, canvas, style

from .figures import label_of
from .model_recovery import ModelRecovery
from .recovery import IDENTIFIED, LEVEL, Recovery
from .validation import Transfer

_FINDINGS = {"covered": COLOURS[0], "covers too little": COLOURS[1], "covers too much": COLOURS[3]}


def _name(row: Any) -> str:
    return str(row["parameter"]) if row["study"] == "shared" else f"{row['study']}: {row['parameter']}"


def recovery_figure(recovery: Recovery) -> Figure:
    """Estimate against truth for every parameter; simulations that do not identify it are pale."""
    groups = list(recovery.table.groupby(["study", "parameter"], sort=False))
    columns = min(len(groups), 5)
    rows = math.ceil(len(groups) / columns)
    with style():
        figure = StyledFigure(figsize=(1.6 * columns + 0.6, 1.7 * rows + 0.5), layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for ax, (_, group) in zip(axes, groups, strict=False):
            good = group.verdict.isin(IDENTIFIED).to_numpy()
            values = group[["true", "estimate"]].to_numpy(float)
            logarithmic = group.scale.iloc[0] == "log"
            true, estimate = (np.log10(values) if logarithmic else values).T
            for chosen, colour in ((~good, "0.75"), (good, COLOURS[0])):
                ax.plot(true[chosen], estimate[chosen], "o", markersize=2, color=colour)
            ends = [float(true.min()), float(true.max())]
            ax.plot(ends, ends, color=GREY, linewidth=0.9)
            ax.locator_params(nbins=3)
            first = group.iloc[0]
            ax.set_title(f"{first.parameter}\n{first.study}{', log₁₀' if logarithmic else ''}", fontsize=6.5)
        for ax in axes[len(groups) :]:
            ax.set_axis_off()
        figure.supxlabel("true value", fontsize=8)
        figure.supylabel("estimate (blue: identified)", fontsize=8)
    return figure


def coverage_figure(recovery: Recovery) -> Figure:
    """Coverage of nominal 95 % intervals with its binomial interval, for the parameters that any simulation identifies.

    Open: identified in fewer than half of the simulations, and nothing is known against its intervals.
    """
    table = recovery.summary[recovery.summary.coverage.notna()]
    with style():
        figure, ax = canvas(None, (4.6, 0.9 + 0.2 * max(len(table), 1)))
        for y, row in enumerate(table.to_dict("records")):
            colour = _FINDINGS.get(row["finding"], GREY)
            fill = "white" if row["finding"] == "not identified" else colour
            ax.plot([row["coverage_lower"], row["coverage_upper"]], [y, y], color=colour, linewidth=1.2)
            ax.plot(row["coverage"], y, "o", color=colour, markerfacecolor=fill, clip_on=False)
        ax.axvline(LEVEL, color=GREY, linewidth=0.7, linestyle=":")
        ax.set_yticks(range(len(table)), [_name(row) for row in table.to_dict("records")])
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_xlim(0, 1)
        ax.set_xlabel("coverage (dotted: nominal, 95 %)")
        ax.tick_params(axis="y", length=0)
    return figure


def confusion_figure(recovery: ModelRecovery, criterion: str = "aic") -> Figure:
    """Which model is preferred (columns) for data made by each (rows), as numbers and shares of the row."""
    counts = recovery.confusion(criterion)
    with style():
        figure, ax = canvas(None, (1.5 + 0.8 * len(counts.columns), 1.0 + 0.6 * len(counts)))
        draw_confusion(ax, counts)
        ax.set_xlabel(f"preferred by {criterion.upper()}")
        ax.set_ylabel("simulated")
    return figure


def draw_confusion(ax: Axes, counts: pandas.DataFrame) -> None:
    """Counts of preferred models (columns) by the model that made the data (rows), and shares of the row."""
    numbers = counts.to_numpy(float)
    shares = numbers / np.maximum(numbers.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        ax.text(column, row, f"{int(numbers[row, column])}\n{share:.0%}", ha="center", va="center", fontsize=7,
                color="white" if share > 0.6 else "black")  # fmt: skip
    ax.set_xticks(range(len(counts.columns)), [label_of(name).replace(" ", "\n") for name in counts.columns])
    ax.set_yticks(range(len(counts)), [label_of(name) for name in counts.index])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def frequency_figure(table: pandas.DataFrame) -> Figure:
    """How common models are among people, and how surely (:class:`fits.random_effects.ModelFrequencies`)."""
    rows = np.arange(len(table))
    with style():
        figure = StyledFigure(figsize=(4.6, 0.9 + 0.5 * len(table)), layout="constrained")
        ax = figure.subplots()
        ax.barh(rows - 0.17, table.frequency, height=0.3, color=COLOURS[0], label="expected frequency")
        ax.barh(rows + 0.17, table.protected_exceedance, height=0.3, color="0.7",
                label="protected exceedance probability")  # fmt: skip
        ax.axvline(1 / len(table), color=GREY, linewidth=0.7, linestyle=":")
        ax.set_yticks(rows, [label_of(name) for name in table.model])
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 1)
        ax.set_xlabel("probability (dotted: all models equally common)")
        figure.legend(loc="outside upper left", ncols=2)
    return figure


def transfer_figure(transfer: Transfer) -> Figure:
    """What each study loses by the biology of the others, and by the model's values, in log-likelihood."""
    table = transfer.table
    rows = np.arange(len(table))
    with style():
        figure, ax = canvas(None, (4.6, 1.0 + 0.35 * len(table)))
        default = table.own - table.default
        ax.barh(rows - 0.18, table.lost, height=0.32, color=COLOURS[0], label="biology of the other studies")
        ax.barh(rows + 0.18, default, height=0.32, color="0.7", label="the model's values")
        ax.set_yticks(rows, list(table.study))
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("log-likelihood behind the study's own best biology")
        figure.legend(loc="outside upper left", ncols=2)
    return figure


def calibration_figure(calibration: pandas.DataFrame) -> Figure:
    """Frequency of effects found against its prediction, from :func:`fits.validation.detection_calibration`."""
    with style():
        figure, ax = canvas(None, (2.8, 2.6))
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.7)
        reach = [calibration.found - calibration.found_lower, calibration.found_upper - calibration.found]
        ax.errorbar(calibration.predicted, calibration.found, yerr=np.clip(reach, 0, None), fmt="o", color=COLOURS[0],
                    elinewidth=1.0, capsize=2, clip_on=False)  # fmt: skip
        for row in calibration.itertuples():
            ax.annotate(f"n = {row.n}", (row.predicted, row.found), xytext=(4, 4), textcoords="offset points",
                        fontsize=6.5, color=GREY)  # fmt: skip
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ax.set_xlabel("predicted probability of detection")
        ax.set_ylabel("observed frequency")
    return figure
