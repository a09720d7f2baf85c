"""Data against prediction, and how a fit went, as figures in the style of :mod:`engram.plots`."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from scipy.special import ndtr
from scipy.stats import binomtest

from engram import consolidation
from engram.figure_style import GREY, StyledFigure, canvas, look, style

from .estimation import Fit
from .family import MODELS
from .family import label_of as label_of
from .likelihood import CRITERION
from .study import Observation, Study

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_PANEL = (2.7, 2.35)  # inches
SHARES = ("counts", "cell")  # kinds that are drawn as shares with a binomial interval
_LETTER = 0.062  # inches, of a tick label
_TIME_UNITS = ("s", "min", "h", "day", "days", "week", "weeks")
_ALMOST = 1e-3  # log-likelihood: starts within it of the best have found it


def assumed(note: str) -> str:
    """An asterisk where the note of an observation says that something was assumed."""
    return "*" if "assum" in note.lower() else ""


@dataclass(frozen=True)
class _Panel:
    """Observations that share a plot: values on a scale, or effects that were found or not."""

    title: str
    values: bool
    observations: tuple[Observation, ...]

    @property
    def numeric(self) -> bool:
        xs = [o.x for o in self.observations]
        return all(isinstance(x, (int, float)) for x in xs) and len(set(xs)) == len(xs) > 1

    def positions(self) -> dict[str, float]:
        """Horizontal place of each observation, by its name."""
        if self.numeric:
            return {o.name: float(o.x) for o in self.observations if o.x is not None}
        labels = list(dict.fromkeys(_category(o) for o in self.observations))
        return {o.name: float(labels.index(_category(o))) for o in self.observations}


def study_figure(study: Study, fits: Sequence[Fit]) -> Figure:
    """What a study observed, with the predictions of the models fitted to it; one panel for each of its panels.

    Values appear with their standard errors, counts as shares with their Clopper-Pearson intervals. Effects of which
    only their significance is known appear as found (1, filled) or not found (0, open), under the predicted
    probability of finding them.
    """
    panels = _panels(study)
    columns = 2 if len(panels) in (2, 4) else min(len(panels), 3)
    rows = math.ceil(len(panels) / columns)
    predictions = {
        fit.model: fit.predictions[fit.predictions.study == study.id].set_index("observation").predicted for fit in fits
    }
    with style():
        size = (max(_PANEL[0] * columns, 4.2) + 0.3, _PANEL[1] * rows + 0.55)
        figure = StyledFigure(figsize=size, layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for ax, panel in zip(axes, panels, strict=False):
            _draw_panel(ax, panel, predictions, size[0] / columns - 0.8)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        handles = _observed_handles(panels)
        for model in predictions:
            how = _model_look(model) | ({} if any(panel.numeric for panel in panels) else {"linestyle": "none"})
            handles.append(Line2D([], [], label=label_of(model), **how))
        figure.legend(handles=handles, loc="outside upper left", ncols=min(len(handles), 3 if columns > 1 else 2))
    return figure


def _panels(study: Study) -> list[_Panel]:
    groups: dict[tuple[str, bool], list[Observation]] = {}
    for o in study.observations:
        values = o.kind in ("mean", *SHARES) or (o.kind == "shown" and o.value is not None)
        groups.setdefault((o.panel, values), []).append(o)
    return [_Panel(title, values, tuple(members)) for (title, values), members in groups.items()]


def _category(o: Observation) -> str:
    return o.name if o.x is None else f"{o.x:g}" if isinstance(o.x, (int, float)) else o.x


def _model_look(model: str) -> dict[str, Any]:
    """Colour, dashes and marker of a model: the same in every figure."""
    models = list(next((names for names in MODELS.values() if model in names), ()))
    index = models.index(model) if model in models else len(models)
    marker = dict(marker=_MARKERS[index % len(_MARKERS)], markersize=4.5, markerfacecolor="white", markeredgewidth=1.1)
    return {**look(index), "linewidth": 1.1, **marker}


def _draw_panel(ax: Axes, panel: _Panel, predictions: Mapping[str, pandas.Series[Any]], inches: float) -> None:
    positions = panel.positions()
    xs = np.array([positions[o.name] for o in panel.observations])
    width = 0.0 if panel.numeric else 0.62 / (len(predictions) + 1)
    for index, (model, predicted) in enumerate(predictions.items()):
        values = np.array([_height(panel, o, float(predicted[o.name])) for o in panel.observations])
        order = np.argsort(xs)
        line = _model_look(model) | ({} if panel.numeric else {"linestyle": "none"})
        shift = (index + 1 - len(predictions) / 2) * width
        ax.plot(xs[order] + shift, values[order], zorder=3, clip_on=False, **line)
    for o in panel.observations:
        _draw_observed(ax, panel, o, positions[o.name] - len(predictions) / 2 * width)
        ax.text(
            positions[o.name], 1.02, o.flag + assumed(o.note), transform=ax.get_xaxis_transform(), ha="center",
            color=GREY, fontsize=6.5,
        )  # fmt: skip
    ax.set_title("\n".join(textwrap.wrap(panel.title, 38)), pad=14)
    _label_axes(ax, panel, positions, inches)


def _height(panel: _Panel, o: Observation, predicted: float) -> float:
    """Where a prediction goes: its value, or the probability that the effect is found."""
    if panel.values:
        return predicted
    error = o.error
    if math.isnan(error):  # an effect that is only shown is measured as surely as its neighbours
        error = float(np.nanmedian([other.error for other in panel.observations]))
    return float(ndtr(predicted / error - CRITERION))


def _draw_observed(ax: Axes, panel: _Panel, o: Observation, x: float) -> None:
    colour = "black" if o.kind != "shown" else "0.6"
    if panel.values:
        ax.errorbar(x, float(o.value or 0.0), yerr=_reach(o), elinewidth=1.0, capsize=2, color=colour,
                    marker="s" if o.kind in SHARES else "o", markersize=5.5, zorder=4, linestyle="none")  # fmt: skip
    elif o.detected is None:
        ax.text(x, 0.9, "?", color=colour, ha="center", va="center", fontweight="bold")
    else:  # larger than the predictions, and under them
        ax.plot(x, float(o.detected), marker="o", markersize=9, color=colour, zorder=2, clip_on=False,
                markerfacecolor=colour if o.detected else "white")  # fmt: skip


def _reach(o: Observation) -> Any:
    """How far the line through an observed value goes: its standard error, or to the ends of a binomial interval."""
    if o.kind in SHARES:
        assert o.count is not None and o.n is not None and o.value is not None
        ends = binomtest(o.count, o.n).proportion_ci(0.95)
        return [[o.value - ends.low], [ends.high - o.value]]
    return None if math.isnan(o.error) else o.error


def _label_axes(ax: Axes, panel: _Panel, positions: Mapping[str, float], inches: float) -> None:
    first = panel.observations[0]
    if panel.numeric:
        ax.set_xlabel(f"time ({first.x_unit})" if first.x_unit in _TIME_UNITS else first.x_unit)
        ax.margins(x=0.08)
    else:
        labels = {positions[o.name]: _category(o) for o in panel.observations}
        letters = max(8, round(inches / len(labels) / _LETTER))
        wrapped = [textwrap.wrap(text, letters, break_long_words=False) for text in labels.values()]
        ax.set_xticks(list(labels), ["\n".join(lines) for lines in wrapped])
        ax.tick_params(axis="x", length=0)
        ax.set_xlim(-0.6, len(labels) - 0.4)
        ax.set_xlabel(first.x_unit)
    if panel.values:
        unit = "" if first.unit == "1" else f" ({first.unit})"
        ax.set_ylabel("\n".join(textwrap.wrap(first.measure + unit, 32)))
        low, high = ax.get_ylim()
        if low <= 0 <= high:
            ax.axhline(0, color=GREY, linewidth=0.7, zorder=1)
        ax.margins(y=0.12)
    else:
        measure = "\n".join(textwrap.wrap(first.measure, 34))
        ax.set_ylabel(f"probability of detection:\n{measure}")
        ax.set_ylim(-0.06, 1.06)
        ax.set_yticks([0, 0.5, 1])


def _observed_handles(panels: Sequence[_Panel]) -> list[Line2D]:
    def handle(label: str, **how: Any) -> Line2D:
        usual: dict[str, Any] = dict(marker="o", linestyle="none", markersize=5.5, color="black")
        return Line2D([], [], label=label, **(usual | how))

    kept = [(panel.values, o) for panel in panels for o in panel.observations]
    handles = []
    if any(values and o.kind == "mean" for values, o in kept):
        handles.append(handle("observed ± standard error"))
    if any(o.kind in SHARES for _, o in kept):
        handles.append(handle("observed share, 95 % interval (Clopper–Pearson)", marker="s"))
    if any(o.kind == "detected" and o.detected for _, o in kept):
        handles.append(handle("found (significant)"))
    if any(o.kind == "detected" and not o.detected for _, o in kept):
        handles.append(handle("not found", markerfacecolor="white"))
    if any(o.kind == "shown" for _, o in kept):
        known = any(o.kind == "shown" and (values or o.detected is not None) for values, o in kept)
        marker = "o" if known else "$?$"
        handles.append(handle("not fitted", color="0.6", marker=marker))
    return handles


def waterfall(fits: Mapping[str, Sequence[Fit]]) -> Figure:
    """Where every start ended, as its distance from the best of the same model; a panel for each name.

    Starts that did not converge are crosses.
    """
    columns = min(len(fits), 3)
    rows = math.ceil(len(fits) / columns)
    with style():
        figure = StyledFigure(figsize=(2.4 * columns + 0.6, 1.75 * rows + 0.5), layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat)
        for ax, (name, group) in zip(axes, fits.items(), strict=False):
            for fit in group:
                table = fit.starts.sort_values("log_likelihood", ascending=False, ignore_index=True)
                behind = np.maximum(fit.log_likelihood - table.log_likelihood, 0.0)
                ranks = np.arange(1, len(table) + 1)
                ax.plot(ranks, behind + _ALMOST, label=label_of(fit.model), **_model_look(fit.model))
                failed = ~table.converged.astype(bool)
                ax.plot(ranks[failed], behind[failed] + _ALMOST, "kx", markersize=6)
            ax.set_title(name)
            ax.xaxis.get_major_locator().set_params(integer=True)
        for ax in axes[len(fits) :]:
            ax.set_axis_off()
        axes[0].set_yscale("log")
        axes[0].yaxis.set_minor_locator(NullLocator())
        axes[0].set_ylim(_ALMOST / 2, max(10.0, 2 * axes[0].get_ylim()[1]))
        figure.supxlabel("rank of the start", fontsize=8)
        figure.supylabel("log-likelihood behind the best\n(0.001 = the same)", fontsize=8)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=3)
    return figure


def comparison_bars(tables: Mapping[str, pandas.DataFrame]) -> Figure:
    """ΔAIC of each model (0 = preferred), for each of several comparisons from :func:`fits.compare`."""
    models = list(dict.fromkeys(model for name in consolidation.MODELS for table in tables.values()
                                for model in table.model if model == name))  # fmt: skip
    names = list(tables)
    height = 0.8 / max(len(models), 1)
    with style():
        figure, ax = canvas(None, (5.2, 0.9 + 0.42 * len(names)))
        for index, model in enumerate(models):
            deltas = [float(table.set_index("model").delta_aic[model]) for table in tables.values()]
            rows = np.arange(len(names)) + (index - (len(models) - 1) / 2) * height
            bars = ax.barh(rows, deltas, height=height * 0.9, color=_model_look(model)["color"], label=label_of(model))
            ax.bar_label(bars, [f"{delta:.1f}" for delta in deltas], padding=2, fontsize=6.5)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.axvline(2, color=GREY, linewidth=0.7, linestyle=":")
        ax.set_xlabel("ΔAIC (0 = preferred; below 2, dotted, the data do not tell)")
        ax.margins(x=0.1)
        figure.legend(loc="outside upper left", ncols=3)
    return figure


def estimates_figure(fits: Sequence[Fit]) -> Figure:
    """Estimated parameters with standard errors, each within the bounds of its search (0 to 1).

    Estimates at a bound are crosses, those that the data do not identify are open.
    """
    tables = [fit.estimates for fit in fits]
    colours = [_model_look(fit.model)["color"] for fit in fits]
    labels = list(dict.fromkeys(f"{row.parameter}" if row.study == "shared" else f"{row.study}: {row.parameter}"
                                for table in tables for row in table.itertuples()))  # fmt: skip
    with style():
        figure, ax = canvas(None, (5.2, 1.0 + 0.24 * max(len(labels), 1)))
        for index, (fit, table) in enumerate(zip(fits, tables, strict=True)):
            for row in table.itertuples():
                name = f"{row.parameter}" if row.study == "shared" else f"{row.study}: {row.parameter}"
                place, spread = _within_bounds(row)
                y = labels.index(name) + 0.22 * (index - (len(fits) - 1) / 2)
                ok, loose = row.verdict == "ok", row.verdict == "not identified"
                marker = "x" if row.verdict == "at bound" else "o"
                if ok:
                    ends = np.clip([place - spread, place + spread], 0, 1)
                    ax.plot(ends, [y, y], color=colours[index], linewidth=1.2)
                ax.plot(place, y, marker=marker, color=colours[index], clip_on=False, linestyle="none",
                        markerfacecolor="white" if loose else colours[index])  # fmt: skip
            ax.plot([], [], color=colours[index], marker="o", label=label_of(fit.model))
        ax.set_yticks(range(len(labels)), labels)
        ax.set_ylim(len(labels) - 0.4, -0.6)
        ax.set_xlim(0, 1)
        ax.set_xticks([0, 0.5, 1], ["lower bound", "middle of the search", "upper bound"])
        ax.grid(axis="y", color="0.93")
        ax.tick_params(axis="y", length=0)
        figure.legend(loc="outside upper left", ncols=3)
    return figure


def _within_bounds(row: Any) -> tuple[float, float]:
    """An estimate and its standard error as fractions of the searched range, logarithmic where that spans decades."""
    low, high = float(row.lower_bound), float(row.upper_bound)
    if low > 0 and high / low > 20:
        width = math.log(high / low)
        return math.log(row.estimate / low) / width, row.standard_error / row.estimate / width
    return (row.estimate - low) / (high - low), row.standard_error / (high - low)
