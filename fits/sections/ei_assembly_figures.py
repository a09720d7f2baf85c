"""The figures of the section on the E/I-assembly network, drawn from its tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engram.figure_style import COLOURS, GREY, StyledFigure, look, style

from .ei_assembly_words import TITLES

REGIMES = ("random", "scaled I", "tuned I", "tuned E+I")
_SIDE = 11
_SHOWN = {"learned": "E, learned odours (Hz)", "novel": "E, novel odours (Hz)",
          "assembly_e": "assembly, own (Hz)",
          "baseline": "E, baseline (Hz)", "inhibitory": "I, learned odours (Hz)",
          "cotuning_assembly": "co-tuning of members", "pair_correlation": "correlation of odours",
          "g_syn": "synaptic g (nS)"}  # fmt: skip


def claims_figure(parts: pandas.DataFrame) -> Figure:
    """Strength of every part, a row a claim; of claims measured on one network how many parts hold."""
    claims = list(dict.fromkeys(parts.claim))
    with style():
        figure = StyledFigure(figsize=(7.2, 0.7 + 0.2 * len(claims)), layout="constrained")
        ax = figure.subplots()
        ax.axvline(0, color=GREY, linewidth=0.8)
        ax.axvspan(-2, 2, color="0.93", zorder=0)
        for row, claim in enumerate(claims):
            mine = parts[parts.claim == claim]
            if mine.strength.isna().all():
                ax.text(2.2, row, f"one network: {int((mine['mean'] > 0).sum())} of {len(mine)} parts hold",
                        fontsize=7, va="center", color=GREY)  # fmt: skip
                continue
            values = mine.strength.dropna().to_numpy()
            colours = [COLOURS[0] if value > 0 else COLOURS[1] for value in values]
            ax.scatter(values, [row] * len(values), c=colours, s=14, zorder=3, linewidths=0, alpha=0.8)
        ax.set_xscale("symlog", linthresh=2)
        ax.set_xticks([-100, -10, -2, 0, 2, 10, 100], ["−100", "−10", "−2", "0", "2", "10", "100"])
        ax.set_yticks(range(len(claims)), [f"{TITLES[claim]}  {claim}" for claim in claims])
        ax.invert_yaxis()
        ax.set_xlabel("mean / standard error (grey: within two)")
    return figure


def published_figure(against: pandas.DataFrame) -> Figure:
    """Own and published means and SDs, a panel a measure and a row a regime."""
    names = [name for name in _SHOWN if (against.measure == name).any()]
    with style():
        figure = StyledFigure(figsize=(7.2, 3.2), layout="constrained")
        axes = figure.subplots(2, 4, squeeze=False, sharey=True)
        at = np.arange(len(REGIMES))
        for ax, name in zip(axes.flat, names, strict=False):
            rows = against[against.measure == name].set_index("regime").reindex(REGIMES)
            ax.errorbar(rows.published, at - 0.14, xerr=rows.published_sd, fmt="o", color="black",
                        markerfacecolor="white", elinewidth=0.9, capsize=2, label="published, 20 networks")  # fmt: skip
            ax.errorbar(rows.own, at + 0.14, xerr=rows.own_sd, fmt="o", color=COLOURS[0], elinewidth=0.9, capsize=2,
                        label=f"own, {int(rows.networks.max())} networks")  # fmt: skip
            ax.set_title(_SHOWN[name])
            ax.set_yticks(at, REGIMES)
            ax.set_ylim(len(REGIMES) - 0.5, -0.5)
            ax.set_xlim(left=min(0.0, ax.get_xlim()[0]))
        for ax in list(axes.flat)[len(names) :]:
            ax.set_axis_off()
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure


def morphs_figure(morphs: pandas.DataFrame) -> Figure:
    """Output against input correlation, and currents against input correlation."""
    regimes = [regime for regime in REGIMES if (morphs.regime == regime).any()]
    with style():
        figure = StyledFigure(figsize=(7.2, 2.7), layout="constrained")
        left, *others = figure.subplots(1, 1 + 3, gridspec_kw={"width_ratios": [1.5, 1, 1, 1]})
        left.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        handles = []
        for index, regime in enumerate(regimes):
            rows = morphs[morphs.regime == regime]
            handles += left.plot(rows.into, rows.out, label=regime, **look(index))
            for ax, values in zip(others, (rows.excitatory, rows.inhibitory, rows.excitatory + rows.inhibitory),
                                  strict=True):  # fmt: skip
                ax.plot(rows.into, values - values.iloc[0], **look(index))
        left.set_ylabel("correlation of the response\nwith that to the learned odour")
        left.set_aspect("equal")
        for ax, title in zip(others, ("excitatory", "inhibitory", "net"), strict=True):
            ax.set_title(title)
            ax.axhline(0, color=GREY, linewidth=0.7)
        others[0].set_ylabel("recurrent current into\nits assembly, change (pA)")
        figure.supxlabel("correlation of the input with the learned odour", fontsize=8)
        figure.legend(handles=handles, loc="outside upper left", ncols=4)
    return figure


def planes_figure(planes: pandas.DataFrame) -> Figure:
    """The grid of mixtures in the plane of two components, a panel a regime."""
    with style():
        figure = StyledFigure(figsize=(7.2, 2.3), layout="constrained")
        axes = figure.subplots(1, len(REGIMES))
        for ax, regime in zip(axes, REGIMES, strict=True):
            points = planes[planes.regime == regime].sort_values("mixture")[["x", "y"]].to_numpy()
            grid = points.reshape(_SIDE, _SIDE, 2)
            for lines in (grid, grid.transpose(1, 0, 2)):
                for line in lines:
                    ax.plot(line[:, 0], line[:, 1], color="0.75", linewidth=0.6, zorder=1)
            for row, column, colour, label in ((0, 0, 1, "learned"), (0, -1, 1, None), (-1, 0, 0, "novel"),
                                               (-1, -1, 0, None)):  # fmt: skip
                ax.plot(*grid[row, column], "o", color=COLOURS[colour], label=label, zorder=3)
            ax.set_title(regime)
            ax.set_aspect("equal", adjustable="datalim")
            ax.locator_params(nbins=3)
        axes[0].set_ylabel("second component (Hz)")
        figure.supxlabel("first component (Hz)", fontsize=8)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return figure


_ADDED = (
    (("rate_oldest", "rate, oldest / random"), ("rate_newest", "rate, newest / random"),
     ("rate_novel", "rate, novel / random"), ("baseline", "baseline (Hz)")),
    (("rise_oldest", "distance, oldest / random"), ("rise_newest", "distance, newest / random"),
     ("angle", "angle, oldest / random"), ("cotuning", "co-tuning − random")),
)  # fmt: skip


def capacity_figure(limits: pandas.DataFrame) -> Figure:
    """Rates, distances, angles and co-tuning against the number of memories, a line a regime."""
    with style():
        figure = StyledFigure(figsize=(7.2, 4.0), layout="constrained")
        axes = figure.subplots(2, 4)
        numbers = sorted(limits.memories.unique())
        for ax, (name, title) in zip(axes.flat, (panel for row in _ADDED for panel in row), strict=True):
            for index, regime in enumerate(REGIMES[1:], start=1):
                rows = limits[limits.regime == regime].sort_values("memories")
                ax.errorbar(rows.memories, rows[name], yerr=rows[f"{name}_error"], label=regime, marker="o",
                            markersize=3, elinewidth=0.8, capsize=1.5, **look(index))  # fmt: skip
            if name.startswith("rate"):
                ax.axhspan(0.85, 1.15, color="0.9", zorder=0)
            if name.startswith("rise"):
                ax.set_yscale("log")
                ax.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
                ax.set_ylim(0.8, 1.2 * max(10.0, float(limits[["rise_oldest", "rise_newest"]].to_numpy().max())))
            else:
                ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
            if name != "baseline":
                ax.axhline(0 if name == "cotuning" else 1, color=GREY, linewidth=0.7)
            ax.set_title(title)
            ax.set_xscale("log")
            ax.set_xticks(numbers, [str(value) for value in numbers])
            ax.minorticks_off()
        figure.supxlabel("memories", fontsize=8)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure


def consolidation_figure(table: pandas.DataFrame) -> Figure:
    """Strength, rate and co-tuning of the memory and of the others, an hour and a day later."""
    conditions, delays = list(dict.fromkeys(table.condition)), sorted(table.delay.unique())
    panels = (("strength", "strength_others", "strength of the trace"),
              ("assembly_rate", "assembly_rate_others", "rate of the assembly (Hz)"),
              ("cotuning", None, "co-tuning of members"))  # fmt: skip
    with style():
        figure = StyledFigure(figsize=(7.2, 2.6), layout="constrained")
        axes = list(figure.subplots(1, len(panels)))
        for ax, (own, others, title) in zip(axes, panels, strict=True):
            for index, condition in enumerate(conditions):
                _spread(ax, table[table.condition == condition], delays, own, COLOURS[index], condition, index)
            if others:
                _spread(ax, table, delays, others, GREY, "others", len(conditions))
            ax.set_title(title)
            ax.set_xticks(range(len(delays)), [f"{delay / 3600:g} h" for delay in delays])
            ax.set_xlim(-0.4, len(delays) - 0.6)
            ax.set_ylim(bottom=0)
        figure.supxlabel("time after the memory was encoded", fontsize=8)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return figure


def _spread(
    ax: Axes, rows: pandas.DataFrame, delays: list[float], name: str, colour: str, label: str, index: int
) -> None:
    groups = [rows[rows.delay == delay][name] for delay in delays]
    ax.errorbar(np.arange(len(delays)) + 0.05 * (index - 1.5), [group.mean() for group in groups],
                yerr=[group.std() for group in groups], color=colour, marker="o", elinewidth=0.9, capsize=2,
                label=label)  # fmt: skip


def theory_figure(currents: pandas.DataFrame, runaway: pandas.DataFrame) -> Figure:
    """Rates under a current into I neurons, and of enriched assemblies; lines are theory, points simulations."""
    families = sorted(currents.family.unique())
    with style():
        figure = StyledFigure(figsize=(7.2, 2.7), layout="constrained")
        axes = list(figure.subplots(1, 3))
        handles: list[Any] = []
        for index, family in enumerate(families):
            rows, grown = currents[currents.family == family], runaway[runaway.family == family]
            colour = look(index)
            for ax, state in zip(axes, ("odour", "quiet"), strict=False):
                ax.plot(rows.current, rows[f"theory_i_{state}"], **colour)
                points = ax.plot(rows.current, rows[f"i_{state}"], "o", color=colour["color"], label=f"family {family}")
                handles += points if state == "odour" else []
            axes[2].plot(grown.enrichment, grown.theory, **colour)
            axes[2].plot(grown.enrichment, grown.simulated, "o", color=colour["color"])
        axes[0].set_title("I neurons during an odour")
        axes[1].set_title("I neurons before the odour")
        axes[2].set_title("assembly, its own odour")
        for ax in axes[:2]:
            ax.set_xlabel("current into I neurons (pA)")
            ax.set_ylabel("rate (Hz)")
            ax.set_ylim(bottom=0)
        axes[2].set_xlabel("enrichment of E→E connections")
        axes[2].set_ylabel("rate (Hz)")
        axes[2].set_yscale("log")
        axes[2].set_yticks([3, 10, 30], ["3", "10", "30"])
        axes[2].minorticks_off()
        figure.legend(handles=handles, loc="outside upper left", ncols=4)
    return figure
