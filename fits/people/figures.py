"""Figures of people: forest plot, shrinkage, predictive checks, ranks of a calibration, designs and their recovery."""

from __future__ import annotations

import math

import numpy as np
import pandas
from matplotlib.figure import Figure
from scipy.stats import binom

from engram.figure_style import COLOURS, GREY, StyledFigure, style

from ..figures import label_of
from ..simulation_figures import draw_confusion

_MOST = 60  # people whose names still fit beside a forest


def forest_figure(people: pandas.DataFrame, parameters: pandas.DataFrame) -> Figure:
    """Everybody's estimates with 95 % intervals, a panel a parameter, in the order of the first one that trials tell
    (reliability of half or more, else the largest; its name in bold).

    The population's median and its 95 % interval are in blue. Tables as in :class:`fits.people.PeopleFit`.
    """
    names = list(parameters.parameter)
    columns = min(4, len(names))
    rows = math.ceil(len(names) / columns)
    told = np.minimum(parameters.reliability.to_numpy(float), 0.5)
    leading = names[int(told.argmax())]
    first = people[people.parameter == leading].sort_values("estimate", kind="stable")
    order = {name: k for k, name in enumerate(first.participant)}
    with style():
        height = 1.0 + 0.11 * min(len(order), _MOST)
        figure = StyledFigure(figsize=(6.4, height * rows), layout="constrained")
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        axes = grid.ravel()
        for ax in axes[len(names) :]:
            ax.set_axis_off()
        for ax, name in zip(axes, names, strict=False):
            mine = people[people.parameter == name]
            places = mine.participant.map(order)
            own = parameters[parameters.parameter == name].iloc[0]
            ax.plot(mine.estimate, places, "o", color="black", markersize=2.2, label="a person, with 95 % interval")
            ax.hlines(places, mine.lower, mine.upper, color=GREY, linewidth=0.7, zorder=1)
            ax.axvline(own["median"], color=COLOURS[0], linewidth=1.0, zorder=1, label="median of the population")
            ax.axvspan(own.lower, own.upper, color=COLOURS[0], alpha=0.25, linewidth=0, label="its 95 % interval")
            unit = "" if own.unit == "1" else f" ({own.unit})"
            ax.set_xlabel(f"{name.replace('_', ' ')}{unit}", fontweight="bold" if name == leading else None)
            ax.tick_params(axis="y", length=0)
        labels = list(order) if len(order) <= _MOST else []
        for ax in grid[:, 0]:
            ax.set_yticks(range(len(labels)), [_plain(name) for name in labels], fontsize=5)
            ax.set_ylim(-1, len(order))
            if not labels:
                ax.set_ylabel(f"{len(order)} people")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=3, fontsize=6)
    return figure


def shrinkage_figure(people: pandas.DataFrame, parameters: pandas.DataFrame) -> Figure:
    """Estimates with the population against those of each person alone, a panel a parameter."""
    names = list(parameters.parameter)
    columns = min(4, len(names))
    with style():
        rows = math.ceil(len(names) / columns)
        figure = StyledFigure(figsize=(6.4, 1.75 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, name in zip(axes, names, strict=False):
            mine = people[people.parameter == name]
            ends = [float(mine[["alone", "estimate"]].min().min()), float(mine[["alone", "estimate"]].max().max())]
            ax.set(xlim=_padded(ends), ylim=_padded(ends))
            ax.plot(ends, ends, color=GREY, linewidth=0.7, linestyle=":", label="the same")
            own = parameters[parameters.parameter == name].iloc[0]
            ax.axhline(own["median"], color=COLOURS[0], linewidth=0.8, label="median of the population")
            ax.plot(mine.alone, mine.estimate, "o", color="black", markersize=2.0, alpha=0.7, label="a person")
            ax.set_title(f"{name.replace('_', ' ')}", fontsize=7)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        figure.supxlabel("estimate if nothing were known of the others", fontsize=8)
        figure.supylabel("estimate in the population", fontsize=8)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=3, fontsize=6)
    return figure


def _padded(ends: list[float]) -> tuple[float, float]:
    margin = 0.05 * (ends[1] - ends[0]) or 1.0
    return ends[0] - margin, ends[1] + margin


def _hide(axes: np.ndarray, used: int, columns: int) -> None:
    """Panels that are left over; those above them have the labels of their axis instead."""
    for ax in axes[used:]:
        ax.set_visible(False)
    for ax in axes[max(0, used - columns) : used]:
        ax.tick_params(axis="x", labelbottom=True)


def predictive_figure(checks: pandas.DataFrame, outcome: str) -> Figure:
    """Observed against expected shares of every person, a panel a group of trials; misses in the second colour."""
    groups = list(dict.fromkeys(checks.group))
    columns = min(4, len(groups))
    with style():
        rows = math.ceil(len(groups) / columns)
        figure = StyledFigure(figsize=(6.4, 1.75 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for ax, group in zip(axes, groups, strict=False):
            mine = checks[checks.group == group]
            ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.7, linestyle=":", label="the same")
            for inside, colour, said in ((True, "black", "a person"), (False, COLOURS[1], "observed outside the 95 %")):
                own = mine[mine.inside == inside]
                ax.vlines(own.observed, own.lower, own.upper, color=colour, linewidth=0.5, alpha=0.5)
                ax.plot(own.observed, own.expected, "o", color=colour, markersize=2.0, label=said)
            ax.set_title(_plain(group), fontsize=7)
        _hide(axes, len(groups), columns)
        figure.supxlabel(f"observed share of “{outcome}”", fontsize=8)
        figure.supylabel("replicated (mean, 95 %)", fontsize=8)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=3, fontsize=6)
    return figure


def rank_figure(table: pandas.DataFrame, bins: int = 10) -> Figure:
    """Histograms of a calibration's ranks, with the 95 % band of a uniform one."""
    names = list(dict.fromkeys(table.parameter))
    columns = min(4, len(names))
    with style():
        rows = math.ceil(len(names) / columns)
        figure = StyledFigure(figsize=(6.4, 1.5 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
        for ax, name in zip(axes, names, strict=False):
            ranks = table[table.parameter == name]["rank"].to_numpy(float)
            low, high = (float(binom.ppf(share, len(ranks), 1 / bins)) for share in (0.025, 0.975))
            ax.axhspan(low, high, color=GREY, alpha=0.25, linewidth=0)
            ax.hist(ranks, bins=np.linspace(0, 1, bins + 1), color=COLOURS[0], rwidth=0.9)
            ax.set_title(name.replace("_", " "), fontsize=7)
        _hide(axes, len(names), columns)
        figure.supxlabel("rank of the truth in the posterior (band: 95 % of uniform ones)", fontsize=8)
    return figure


def design_figure(models: pandas.DataFrame) -> Figure:
    """People that each candidate needs to tell each pair of models apart; none where no number does."""
    candidates = list(dict.fromkeys(models.candidate))
    pairs = list(dict.fromkeys(zip(models.truth, models.rival, strict=True)))
    with style():
        figure = StyledFigure(figsize=(5.6, 1.0 + 0.32 * len(candidates)), layout="constrained")
        ax = figure.subplots()
        for k, (truth, rival) in enumerate(pairs):
            mine = models[(models.truth == truth) & (models.rival == rival)].set_index("candidate").loc[candidates]
            ax.plot(mine.people, np.arange(len(candidates)) + 0.12 * (k - (len(pairs) - 1) / 2), "o",
                    color=COLOURS[k % len(COLOURS)], label=f"{label_of(truth)}, against {label_of(rival)}")  # fmt: skip
        ax.set_xscale("log")
        ax.set_yticks(range(len(candidates)), candidates)
        ax.set_ylim(len(candidates) - 0.5, -0.5)
        ax.set_xlabel("people needed to tell the models apart")
        figure.legend(loc="outside upper left", fontsize=6)
    return figure


def people_confusion_figure(confusion: pandas.DataFrame) -> Figure:
    """Which model has the best BIC for data made by each, a panel a study (:class:`fits.people.PeopleRecovery`)."""
    studies = list(dict.fromkeys(confusion.index.get_level_values("study")))
    columns = min(3, len(studies))
    rows = math.ceil(len(studies) / columns)
    each = len(confusion.columns)
    with style():
        figure = StyledFigure(
            figsize=(1.0 + columns * (0.4 + 0.6 * each), rows * (0.6 + 0.45 * each)), layout="constrained"
        )
        axes = figure.subplots(rows, columns, squeeze=False)
        for k, ax in enumerate(axes.flat):
            if k >= len(studies):
                ax.set_axis_off()
                continue
            draw_confusion(ax, confusion.loc[[studies[k]]].droplevel("study"))
            ax.set_title(studies[k], fontsize=7)
            if k % columns:
                ax.set_yticklabels([])
        figure.supxlabel("preferred by BIC", fontsize=8)
        figure.supylabel("simulated", fontsize=8)
    return figure


def people_recovery_figure(table: pandas.DataFrame) -> Figure:
    """Errors of every simulation's estimates, a panel a study; open where the data say no more than the prior.

    Parameters
    ----------
    table : DataFrame
        Of :class:`fits.people.PeopleRecovery`.
    """
    studies = list(dict.fromkeys(table.study))
    columns = min(2, len(studies))
    models = list(dict.fromkeys(table.model))
    names = {study: list(dict.fromkeys(table[table.study == study].parameter)) for study in studies}
    heights = [max(len(names[study]) for study in studies[k : k + columns]) for k in range(0, len(studies), columns)]
    with style():
        figure = StyledFigure(figsize=(6.4, 0.6 + 0.5 * len(heights) + 0.2 * sum(heights)), layout="constrained")
        axes = figure.subplots(len(heights), columns, squeeze=False, gridspec_kw=dict(height_ratios=heights))
        for k, ax in enumerate(axes.flat):
            if k >= len(studies):
                ax.set_axis_off()
                continue
            own = names[studies[k]]
            ax.axvline(0.0, color=GREY, linewidth=0.7)
            for m, model in enumerate(models):
                mine = table[(table.study == studies[k]) & (table.model == model)]
                rows = mine.parameter.map(own.index) + 0.22 * (m - (len(models) - 1) / 2)
                errors, known = (mine.estimate - mine.true).to_numpy(), mine.identified.to_numpy(bool)
                for chosen, fill in ((~known, "none"), (known, COLOURS[m])):
                    ax.plot(errors[chosen], rows[chosen], "o", markersize=2.4, markeredgewidth=0.5,
                            color=COLOURS[m], markerfacecolor=fill)  # fmt: skip
                if not k:
                    ax.plot([], [], "o", markersize=3, color=COLOURS[m], label=label_of(model))
            ax.set_yticks(range(len(own)), [name.replace("_", " ") for name in own], fontsize=6)
            ax.set_ylim(len(own) - 0.5, -0.5)
            ax.tick_params(axis="y", length=0)
            ax.set_title(studies[k], fontsize=7)
        figure.supxlabel("estimate minus truth (logits; spreads as logarithms); open: not identified", fontsize=8)
        figure.legend(loc="outside upper left", ncols=len(models), fontsize=6)
    return figure


def _plain(name: object) -> str:
    """A name out of a table, which is no formula where it holds dollar signs."""
    return str(name).replace("$", r"\$")
