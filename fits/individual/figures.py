"""Figures of individual differences: predicted against observed, power curves, chains of a path model."""

from __future__ import annotations

import numpy as np
import pandas
from matplotlib.figure import Figure

from engram.figure_style import COLOURS, GREY, StyledFigure, style


def prediction_figure(predictions: pandas.DataFrame, null: pandas.DataFrame, r: float, network: str = "both") -> Figure:
    """Observed against predicted behaviour of everybody, and r among that of dealt behaviour."""
    with style():
        figure = StyledFigure(figsize=(6.0, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(predictions[network], predictions.observed, "o", color="black", markersize=1.5, alpha=0.4)
        left.set_xlabel("predicted from the connectome")
        left.set_ylabel("observed enhancement")
        right.hist(null[network], bins=30, color=GREY)
        right.axvline(r, color=COLOURS[0], linewidth=1.4)
        right.set_xlabel("correlation of predicted and observed\n(grey: behaviour dealt anew; blue: as it was)")
        right.set_ylabel("permutations")
    return figure


def power_figure(curve: pandas.DataFrame) -> Figure:
    """Share of cohorts in which either analysis finds something, a panel a truth, with exact 95 % intervals."""
    truths = list(dict.fromkeys(curve.truth))
    analyses = list(dict.fromkeys(curve.analysis))
    with style():
        figure = StyledFigure(figsize=(6.4, 2.5), layout="constrained")
        axes = figure.subplots(1, len(truths), sharey=True, squeeze=False)[0]
        for ax, truth in zip(axes, truths, strict=True):
            for k, analysis in enumerate(analyses):
                mine = curve[(curve.truth == truth) & (curve.analysis == analysis)]
                shift = 1 + 0.03 * (k - 0.5)
                errors = np.array([mine.found - mine.lower, mine.upper - mine.found])
                ax.errorbar(mine.people * shift, mine.found, yerr=errors, fmt="o-", color=COLOURS[k], markersize=3,
                            linewidth=1.0, elinewidth=0.7, label=analysis)  # fmt: skip
            ax.axhline(0.05, color=GREY, linewidth=0.7, linestyle=":")
            ax.set_xscale("log")
            ax.set_title({"nothing": "gain from neither"}.get(truth, f"gain from {truth}"), fontsize=8)
            ax.set_xlabel("people")
        axes[0].set_ylim(-0.03, 1.03)
        axes[0].set_ylabel("cohorts with p ≤ .05")
        axes[0].legend(fontsize=6)
    return figure


def chains_figure(indirect: pandas.DataFrame) -> Figure:
    """Effects along chains of causes, with their intervals."""
    with style():
        figure = StyledFigure(figsize=(5.6, 0.9 + 0.3 * len(indirect)), layout="constrained")
        ax = figure.subplots()
        rows = np.arange(len(indirect))
        ax.hlines(rows, indirect.lower, indirect.upper, color=GREY, linewidth=1.2)
        ax.plot(indirect.effect, rows, "o", color=COLOURS[0], markersize=4)
        ax.axvline(0, color="black", linewidth=0.6)
        ax.set_yticks(rows, indirect.chain)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlabel("share of pairs remembered per unit of amygdala connectivity")
    return figure
