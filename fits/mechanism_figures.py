"""One figure for each question about mechanism."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from engram.figure_style import COLOURS, GREY, canvas, canvases, legend, look, style, time_axis
from engram.protocol import Intervene, Reactivate
from engram.units import day, hour, minute

from .estimation import Fit
from .figures import label_of
from .study import Study
from .variants import group_of, release_intervals

_GROUPS = {"people": "o", "animals": "s", "slices": "D"}
_UNITS = (("days", day), ("h", hour), ("min", minute), ("s", 1.0))
Bands = Mapping[str, pandas.DataFrame]


def window(bands: Bands, studies: Sequence[Study]) -> Figure:
    """The retroactive curve with its band; below it every published interval at which an effect was found or not."""
    with style():
        figure, (top, below) = canvases(None, (2, 1), (4.8, 3.9), sharex=True, height_ratios=[2.2, 1])
        scale = _band_panel(top, bands, "interval", "enhancement", "event, from the encoding of the neutral memory")
        top.set_xlabel("")
        top.set_ylabel("enhancement\n(strength, 1 = saturated)")
        top.axhline(0, color=GREY, linewidth=0.7)
        limit = max(float(table.interval.max()) for table in bands.values())
        for study in studies:
            row = list(_GROUPS).index(group_of(study))
            intervals = release_intervals(study)
            for o in study.observations:
                at = intervals.get(o.name)
                if o.kind == "detected" and at is not None and -0.02 * limit <= at <= limit:
                    face = "black" if o.detected else "white"
                    below.plot(at / scale, row, marker=_GROUPS[group_of(study)], color="black", markerfacecolor=face,
                               linestyle="none", clip_on=False)  # fmt: skip
        below.set_yticks(range(len(_GROUPS)), list(_GROUPS))
        below.set_ylim(len(_GROUPS) - 0.4, -0.6)
        below.set_xlabel(f"event, from the encoding of the neutral memory ({_name_of(scale)})")
        handles = [Line2D([], [], color="black", marker="o", linestyle="none"),
                   Line2D([], [], color="black", marker="o", markerfacecolor="white", linestyle="none")]  # fmt: skip
        below.legend(handles, ["significant", "not significant"], loc="lower right", ncols=2, bbox_to_anchor=(1, 0.98),
                     borderaxespad=0)  # fmt: skip
    return figure


def salience(bands: Bands) -> Figure:
    """Enhancement against the dose of the release, with its band."""
    with style():
        figure, ax = canvas(None, (4.2, 2.8))
        for index, (model, table) in enumerate(bands.items()):
            _draw_band(ax, table, "dose", "enhancement", index, label_of(model), 1.0)
        ax.axhline(0, color=GREY, linewidth=0.7)
        ax.set_xlabel("dose of the release (1 = full drive)")
        ax.set_ylabel("enhancement\n(strength, 1 = saturated)")
        legend(ax)
    return figure


def reconsolidation(bands: Bands, studies: Sequence[Study]) -> Figure:
    """What a block costs by its delay, with its band; below it the delays at which a block was tried."""
    with style():
        figure, (top, below) = canvases(None, (2, 1), (4.8, 3.5), sharex=True, height_ratios=[2.6, 1])
        scale = _band_panel(top, bands, "delay", "loss", "block of protein synthesis, from the reminder")
        top.set_xlabel("")
        top.set_ylabel("fraction of strength lost")
        names: list[str] = []
        for study in studies:
            tried = _blocks(study)
            if tried:
                for at, found in tried:
                    below.plot(at / scale, len(names), marker="s", color="black", linestyle="none", clip_on=False,
                               markerfacecolor="black" if found else "white")  # fmt: skip
                names.append(study.id)
        below.set_yticks(range(len(names)), names)
        below.set_ylim(len(names) - 0.4, -0.6)
        below.set_xlabel(f"block of protein synthesis, from the reminder ({_name_of(scale)})")
        handles = [Line2D([], [], color="black", marker="s", linestyle="none"),
                   Line2D([], [], color="black", marker="s", markerfacecolor="white", linestyle="none")]  # fmt: skip
        below.legend(
            handles, ["amnesia", "none"], loc="lower right", ncols=2, bbox_to_anchor=(1, 0.98), borderaxespad=0
        )
    return figure


def intervals(table: pandas.DataFrame) -> Figure:
    """Estimates of times with their intervals, on a common logarithmic axis; an open end reaches the edge."""
    with style():
        figure, ax = canvas(None, (5.2, 0.7 + 0.3 * len(table)))
        values = table[["estimate", "lower", "upper"]].to_numpy(dtype=float)
        low, high = np.nanmin(values) / 1.6, np.nanmax(values) * 1.6
        models = list(dict.fromkeys(table.model))
        unit, seconds = next(u for u in _UNITS if np.nanmedian(values) >= u[1])
        for row, (model, (estimate, lower, upper)) in enumerate(zip(table.model, values, strict=True)):
            colour = COLOURS[models.index(model)]
            ends = [low if np.isnan(lower) else lower, high if np.isnan(upper) else upper]
            ax.plot(np.array(ends) / seconds, [row, row], color=colour)
            ax.plot(estimate / seconds, row, "o", color=colour)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlim(low / seconds, high / seconds)
        ax.set_ylim(len(table) - 0.5, -0.5)
        labels = [f"{label_of(m)}: {q}" for m, q in zip(table.model, table.quantity, strict=True)]
        ax.set_yticks(range(len(table)), [textwrap.fill(label, 34) for label in labels])
        ax.set_xlabel(f"time ({unit})")
    return figure


def variants(table: pandas.DataFrame) -> Figure:
    """What each variant lacks of the best of its model, in units of AIC."""
    names, models = list(dict.fromkeys(table.variant)), list(dict.fromkeys(table.model))
    with style():
        figure, ax = canvas(None, (5.2, 0.8 + 0.34 * len(names)))
        width = 0.8 / len(models)
        for index, model in enumerate(models):
            own = table[table.model == model].set_index("variant").delta_aic
            places = [names.index(name) + (index - (len(models) - 1) / 2) * width for name in own.index]
            ax.barh(places, own.to_numpy(), height=0.9 * width, color=COLOURS[index], label=label_of(model))
        ax.set_yticks(range(len(names)), [textwrap.fill(name, 30) for name in names])
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_xlabel("ΔAIC from the best variant of the same model")
        ax.axvline(0, color=GREY, linewidth=0.7)
        legend(ax)
    return figure


def timing(study: Study, fits: Mapping[str, Fit]) -> Figure:
    """Observed values of a study in order of time, with the predictions of variants of one model."""
    shown = [o for o in study.observations if o.kind == "mean" and isinstance(o.x, (int, float))]
    shown.sort(key=lambda o: float(o.x))  # type: ignore[arg-type]
    others = [o for o in study.observations if o.kind == "mean" and o not in shown]
    everything = [*shown, *others]
    with style():
        figure, ax = canvas(None, (5.0, 2.9))
        places = np.arange(len(everything))
        values = [float(o.value) for o in everything if o.value is not None]
        ax.errorbar(places, values, yerr=[o.error for o in everything], fmt="o", color="black", markerfacecolor="white",
                    capsize=2, elinewidth=0.9, label="observed", zorder=5)  # fmt: skip
        for index, (name, one) in enumerate(fits.items()):
            predicted = one.predictions.set_index("observation").predicted
            offset = 0.14 * (index - (len(fits) - 1) / 2)
            ax.plot(places + offset, [predicted[o.name] for o in everything], marker="_", markersize=12,
                    markeredgewidth=2, **{**look(index), "linestyle": "none"}, label=name)  # fmt: skip
        ax.axhline(100, color=GREY, linewidth=0.7)
        ax.set_xticks(places, [textwrap.fill(o.name, 14) for o in everything])
        ax.set_ylabel(f"{everything[0].measure} ({everything[0].unit})")
        legend(ax, columns=2)
    return figure


def _band_panel(ax: Axes, bands: Bands, x: str, column: str, label: str) -> float:
    scale = time_axis(ax, pandas.concat([table[x] for table in bands.values()]), label)
    for index, (model, table) in enumerate(bands.items()):
        _draw_band(ax, table, x, column, index, label_of(model), scale)
    legend(ax)
    return scale


def _draw_band(ax: Axes, table: pandas.DataFrame, x: str, column: str, index: int, name: str, scale: float) -> None:
    ends = table[f"{column}_lower"], table[f"{column}_upper"]
    ax.fill_between(table[x] / scale, *ends, color=COLOURS[index], alpha=0.18, linewidth=0)
    ax.plot(table[x] / scale, table[column], label=name, **look(index))


def _blocks(study: Study) -> list[tuple[float, bool]]:
    """Delays (s) of blocks of protein synthesis after a reminder, and whether they did harm."""
    found = []
    for o in study.observations:
        if o.kind != "detected":
            continue
        for term in o.terms:
            events = study.conditions[term.condition].protocol.events
            reminded = [e.at for e in events if isinstance(e, Reactivate)]
            blocked = [e.on for e in events if isinstance(e, Intervene) and e.agent == "protein_synthesis_inhibitor"]
            if reminded and blocked and min(blocked) >= min(reminded):
                found.append((min(blocked) - min(reminded), bool(o.detected)))
    return found


def _name_of(scale: float) -> str:
    return next(name for name, seconds in _UNITS if seconds == scale)
