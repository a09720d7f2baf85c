"""The figures of the section on the tag-and-capture network, drawn from its tables."""

from __future__ import annotations

import pandas
from matplotlib.figure import Figure

from engram.figure_style import COLOURS, GREY, StyledFigure, legend, look, style
from engram.networks.tag_and_capture.synapse_parameters import NETWORK_SYNAPSE

RESTING_WEIGHT = NETWORK_SYNAPSE.resting_weight
_GROUPS = {"core": "within the core", "outgoing": "out of the core"}


def synapse_figure(table: pandas.DataFrame) -> Figure:
    """Weight against time, one line a protocol."""
    with style():
        figure = StyledFigure(figsize=(3.6, 2.7), layout="constrained")
        ax = figure.subplots()
        for index, (name, part) in enumerate(table.groupby("protocol", sort=False)):
            hours = part.time / 3600
            ax.plot(hours, part.weight, label=name, **look(index))
            ax.fill_between(hours, part.weight - part.sd, part.weight + part.sd, color=COLOURS[index], alpha=0.2, lw=0)
        ax.axhline(100, color=GREY, linewidth=0.7)
        ax.set_xlim(0, 8)
        ax.set_xlabel("time (h)")
        ax.set_ylabel("weight (% of h₀)")
        legend(ax)
    return figure


def dose_figure(table: pandas.DataFrame) -> Figure:
    """Four maps of concentration and rate."""
    columns = {"core late %": "late, within the core\n(% of h₀)", "outgoing late %": "late, out of the core\n(% of h₀)",
               "Q": "recall: Q", "mutual information (bit)": "recall: mutual\ninformation (bit)"}  # fmt: skip
    with style():
        figure = StyledFigure(figsize=(7.2, 2.6), layout="constrained")
        axes = figure.subplots(1, len(columns), sharey=True)
        for ax, (name, title) in zip(axes, columns.items(), strict=True):
            grid = table.pivot_table(index="rate (Hz)", columns="n", values=name)
            xs, ys = grid.columns.to_numpy(float), grid.index.to_numpy(float)
            image = ax.pcolormesh(xs, ys, grid.to_numpy(), cmap="viridis", shading="nearest")
            ax.set_title(title)
            ax.set_xticks([0, 0.06, 0.12, 0.18])
            figure.colorbar(image, ax=ax, location="bottom", shrink=0.9)
        axes[0].set_ylabel("learning stimulus (Hz)")
        figure.supxlabel("concentration n", fontsize=8)
    return figure


def timing_figure(table: pandas.DataFrame) -> Figure:
    """Late weights and recall against the onset of a neuromodulator, one line a duration."""
    columns = {"core late %": "late, within the core (% of h₀)", "outgoing late %": "late, out of the core (% of h₀)",
               "Q": "recall: Q", "mutual information (bit)": "recall: mutual information (bit)"}  # fmt: skip
    steps = table[table.kind != "release"]
    with style():
        figure = StyledFigure(figsize=(7.2, 2.3), layout="constrained")
        axes = figure.subplots(1, len(columns))
        for ax, (name, title) in zip(axes, columns.items(), strict=True):
            for index, (kind, part) in enumerate(steps.groupby("kind", sort=False)):
                ax.plot(part["onset (s)"] / 60, part[name], marker="o", markersize=3, label=kind, **look(index))
            ax.set_ylabel(title)
            ax.set_xticks([0, 60, 120, 180])
            ax.set_ylim(bottom=min(0.0, 1.5 * float(steps[name].min())))
        figure.supxlabel("onset after learning (min)", fontsize=8)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, title="duration", loc="outside right center")
    return figure


def levels_figure(side: pandas.DataFrame, single: pandas.DataFrame, end: str) -> Figure:
    """Late strength in network, traces and synapse: by onset (step, 30 min, release) and by dose."""
    kinds = {end: "step to the end", "30 min": "step of 30 min", "release": "release", "dose": "from learning on"}
    with style():
        figure = StyledFigure(figsize=(7.2, 3.8), layout="constrained")
        axes = figure.subplots(2, len(kinds), sharey=True)
        for row, (group, name) in zip(axes, _GROUPS.items(), strict=True):
            for ax, (kind, title) in zip(row, kinds.items(), strict=True):
                part = side[(side.group == group) & (side.kind == kind)]
                x = part.n if kind == "dose" else part.onset / 60
                ax.plot(x, part.network, "o", color="black", markersize=4, markerfacecolor="white", label="network")
                ax.plot(x, part.one, color=COLOURS[0], label="one trace")
                if part.many.notna().any():
                    ax.plot(x, part.many, color=COLOURS[1], linestyle="--", label="traces with the spread of synapses")
                if kind == end and group == "core":
                    ax.plot(single.onset / 60, single.late, "x", color=COLOURS[2], markersize=5, label="one synapse")
                if group == "core":
                    ax.set_title(title)
                else:
                    ax.set_xlabel("n" if kind == "dose" else "onset after learning (min)")
                ax.set_xticks([0, 0.06, 0.12, 0.18] if kind == "dose" else [0, 60, 120, 180])
                ax.set_ylim(-0.03, 1)
            row[0].set_ylabel(f"late strength,\n{name}")
        handles, labels = axes[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=4)
    return figure


def eight_hours_figure(weights: pandas.DataFrame, readouts: pandas.DataFrame) -> Figure:
    """Early and late weights of each group of synapses through the run, with what the fast-forward ends at."""
    groups = {"core": "within", "outgoing": "out of", "incoming": "into", "rest": "elsewhere"}
    with style():
        figure = StyledFigure(figsize=(7.2, 2.5), layout="constrained")
        axes = figure.subplots(1, 2)
        for index, (name, word) in enumerate(groups.items()):
            hours = weights.time / 3600
            early = 100 * (weights[f"early_{name}"] / RESTING_WEIGHT - 1)
            axes[0].plot(hours, early, label=word, **look(index))
            axes[1].plot(hours, 100 * weights[f"late_{name}"], **look(index))
            ahead = readouts.skipped[f"{name} late %"], readouts.skipped[f"{name} total %"]
            for ax, value in zip(axes, (ahead[1] - ahead[0] - 100, ahead[0]), strict=True):
                ax.plot([8], [value], "o", color=COLOURS[index], markerfacecolor="white", clip_on=False, zorder=5)
        for ax, title in zip(axes, ("early weight − h₀", "late weight"), strict=True):
            ax.set_ylabel(f"{title} (% of h₀)")
            ax.set_xlim(0, 8)
        figure.supxlabel("time (h)", fontsize=8)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, title="the core", loc="outside right center")
    return figure
