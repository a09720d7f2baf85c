"""Figures of visual learning, from what :mod:`engram.perception.curves` and ``predictions`` return.

They follow the conventions of :mod:`engram.plots`: each returns a Figure in the common style.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..figure_style import COLOURS, GREY, canvas, canvases, draw_observed, legend, look, style, time_axis
from ..protocol import Protocol
from .curves import default_times, generalisation
from .designs import reactivation
from .manifold import principal_coordinates
from .model import PerceptualModel
from .populations import Population

Curves: TypeAlias = pandas.DataFrame | Mapping[str, pandas.DataFrame]

_THRESHOLD = "threshold (degrees)"
_OFFSET = "offset from the trained direction (degrees)"
_NARROW = 19  # letters below a panel that stands beside several others
_WHEN = ("before", "just after", "two weeks later")
_X = {
    "sessions": "reactivation sessions",
    "dose": "dose released at each reactivation (1 = full drive)",
    "delay": "onset of the block, from each reactivation",
    "spacing": "interval between sessions",
}


def generalisation_curve(curves: Curves, *, observed: pandas.DataFrame | None = None, ax: Axes | None = None) -> Figure:
    """Threshold against offset, one line per time; or, of several tables, one per name at the last time of each.

    Several are drawn relative to their untrained threshold (dotted), since models and tasks differ in it.

    Parameters
    ----------
    curves : DataFrame or mapping of str to DataFrame
        From :func:`engram.perception.curves.generalisation`.
    observed : pandas.DataFrame, optional
        offset (degrees), value and, optional, error, in the unit of the vertical axis.

    Raises
    ------
    ValueError
        A table without a column that is needed.
    """
    with style():
        figure, ax = canvas(ax, (3.6, 2.8))
        if isinstance(curves, pandas.DataFrame):
            _need(curves, "time", "offset", "threshold", "baseline")
            times = sorted(curves.time.unique())
            names = _WHEN if len(times) == len(_WHEN) else [f"{time / 86400:.3g} days" for time in times]
            lines = {name: curves[curves.time == time] for name, time in zip(names, times, strict=True)}
        else:
            for table in curves.values():
                _need(table, "time", "offset", "threshold", "baseline")
            lines = {name: table[table.time == table.time.max()] for name, table in curves.items()}
            if not lines:
                raise ValueError("no curve to draw; pass a table of generalisation, or several by name")
            ax.axhline(1.0, color=GREY, linewidth=0.8, linestyle=":")
        for index, (name, table) in enumerate(lines.items()):
            values = table.threshold if isinstance(curves, pandas.DataFrame) else table.threshold / table.baseline
            ax.plot(table.offset, values, label=name, **look(index))
        draw_observed(ax, observed, "offset")
        _offset_axis(ax, next(iter(lines.values())).offset)
        ax.set_ylabel(_THRESHOLD if isinstance(curves, pandas.DataFrame) else "threshold (1 = untrained)")
        ax.set_ylim(bottom=0)
        legend(ax)
    return figure


def time_course(curves: Curves, *, axes: Any = None) -> Figure:
    """Threshold at the trained and untrained stimulus, and discriminability in both areas, against time.

    ``curves`` from :func:`engram.perception.curves.time_course`; with several, only thresholds of the untrained one are
    told apart by name.
    """
    tables = {"": curves} if isinstance(curves, pandas.DataFrame) else dict(curves)
    if not tables:
        raise ValueError("no time course to draw; pass a table of time_course, or several by name")
    for table in tables.values():
        _need(table, "time", "trained", "untrained", "baseline", "evc_discriminability", "ips_discriminability")
    with style():
        figure, panels = canvases(axes, (1, 2), (6.6, 2.7))
        for index, (name, table) in enumerate(tables.items()):
            shown = f"{name}: " if name else ""
            for panel in panels:
                days = time_axis(panel, table.time, "time since the pretest")
            first, second = (look(2 * index), look(2 * index + 1)) if len(tables) > 1 else (look(0), look(1))
            panels[0].plot(table.time / days, table.trained, label=f"{shown}trained", **first)
            panels[0].plot(table.time / days, table.untrained, label=f"{shown}untrained", **second)
            panels[1].plot(table.time / days, table.evc_discriminability, label=f"{shown}EVC", **first)
            panels[1].plot(table.time / days, table.ips_discriminability, label=f"{shown}IPS", **second)
        panels[0].axhline(table.baseline.iloc[0], color=GREY, linewidth=0.8, linestyle=":")
        panels[0].set_ylabel(_THRESHOLD)
        panels[1].set_ylabel("discriminability, untrained stimulus\n(d′ per degree)")
        for panel in panels:
            panel.set_ylim(bottom=0)
            legend(panel)
    return figure


def prediction(table: pandas.DataFrame, *, axes: Any = None) -> Figure:
    """One of the tables of :mod:`engram.perception.predictions`: thresholds and generalisation index.

    Dotted: the untrained observer; grey: the untrained stimulus without the manipulation.

    Raises
    ------
    ValueError
        A table that does not come from there.
    """
    with style():
        figure, panels = canvases(axes, (1, 2), (6.6, 2.7))
        _draw_prediction(table, panels)
        for panel in panels:
            legend(panel)
    return figure


def predictions(tables: Sequence[pandas.DataFrame], *, titles: Sequence[str] | None = None, axes: Any = None) -> Figure:
    """Several of those tables side by side, drawn as :func:`prediction` does: thresholds above, index below.

    ``titles`` stand above the columns.

    Raises
    ------
    ValueError
        No table, or one that does not come from there.
    """
    if not tables:
        raise ValueError("no prediction to draw; pass tables of engram.perception.predictions")
    count = len(tables)
    with style():
        figure, panels = canvases(axes, (2, count), (0.7 + 1.35 * count, 3.8), sharey="row")
        for column, table in enumerate(tables):
            above, below = panels[column], panels[count + column]
            _draw_prediction(table, (above, below))
            above.set_xlabel("")
            below.set_xlabel(textwrap.fill(below.get_xlabel(), _NARROW))
            if titles is not None:
                above.set_title(titles[column], loc="left")
            for panel in (above, below):
                if column:
                    panel.set_ylabel("")
                if panel.get_xscale() == "linear":
                    panel.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 3, 5, 10]))
        low = min(float(table[["generalisation", "generalisation_late"]].min().min()) for table in tables)
        panels[count].set_ylim(min(0.0, low), 1.05)
        panels[0].set_ylim(bottom=0)
        if axes is None:
            handles = [*panels[0].get_legend_handles_labels()[0], *panels[count].get_legend_handles_labels()[0]]
            figure.legend(handles=handles, loc="outside upper left", ncols=5)
    return figure


def _draw_prediction(table: pandas.DataFrame, panels: Sequence[Axes]) -> None:
    name = str(table.columns[0])
    if name not in _X:
        raise ValueError(f"the first column is {name!r}; pass a table of engram.perception.predictions")
    _need(table, "trained", "untrained_late", "generalisation_late", "control_late")
    x = table[name].to_numpy(float)
    for panel in panels:
        if name == "spacing":
            panel.set_xscale("log")
            ticks = {600.0: "10 min", 3600.0: "1 h", 21600.0: "6 h", 86400.0: "1 d", 345600.0: "4 d"}
            ticks = {at: text for at, text in ticks.items() if x.min() <= at <= x.max()}
            panel.set_xticks(list(ticks), list(ticks.values()))
            panel.minorticks_off()
            panel.set_xlabel(_X[name])
        elif name == "delay":
            x = table[name].to_numpy(float) / time_axis(panel, table[name], _X[name])
        else:
            panel.set_xlabel(_X[name])
    marker: dict[str, Any] = {"marker": "o", "markersize": 3} if len(x) <= 12 else {}
    thresholds, indices = panels
    thresholds.axhline(table.baseline.iloc[0], color=GREY, linewidth=0.8, linestyle=":")
    thresholds.plot(x, table.control_late, color=GREY, linewidth=0.9, label="untrained, control")
    thresholds.plot(x, table.trained_late, label="trained", **look(0), **marker)
    thresholds.plot(x, table.untrained_late, label="untrained", **look(1), **marker)
    thresholds.set_ylabel("threshold two weeks\nlater (degrees)")
    thresholds.set_ylim(bottom=0)
    indices.plot(x, table.generalisation, label="index just after", **look(2), **marker)
    indices.plot(x, table.generalisation_late, label="index two weeks later", **look(3), **marker)
    indices.set_ylabel("generalisation index\n(1 = complete)")
    indices.set_ylim(min(0.0, float(table[["generalisation", "generalisation_late"]].min().min())), 1.05)


def explained(
    model: PerceptualModel,
    protocol: Protocol | None = None,
    *,
    observed: pandas.DataFrame | None = None,
    axes: Any = None,
) -> Figure:
    """The whole account in one picture: tuning curves, manifolds, and threshold against offset.

    Above, what learning does to mean counts in EVC and IPS (grey before, colour two weeks after; about twenty units),
    and the threshold before, just after and two weeks later. Below, the ring of mean responses to all directions on its
    first two principal axes (of the untrained ring) before and after, the trained direction marked, with the number of
    dimensions that it fills (participation ratio), and the discriminability of both areas.
    """
    given = reactivation() if protocol is None else protocol
    times = default_times(given)
    half = model.period / 2
    table = generalisation(model, np.linspace(-half / 2, half / 2, 91), times, protocol=given)
    shape = model.shape(given, times)
    with style():
        figure, panels = canvases(axes, (2, 3), (7.2, 4.8))
        for index, (name, area, gain) in enumerate((("EVC", model.evc, shape.evc), ("IPS", model.ips, shape.ips))):
            _draw_tuning(panels[index], name, area, gain[[0, 2]], COLOURS[index])
            dimensions = table.drop_duplicates("time")[f"{name.lower()}_dimension"].iloc[[0, 2]]
            _draw_ring(panels[3 + index], name, area, gain[[0, 2]], dimensions.tolist(), COLOURS[index])
        generalisation_curve(table, observed=observed, ax=panels[2])
        panels[2].set_xlabel("offset (degrees)")
        both = panels[5]
        for index, time in enumerate(times):
            part, dashes = table[table.time == time], look(index)["linestyle"]
            for name, colour in zip(("EVC", "IPS"), COLOURS[:2], strict=True):
                label = f"_{name}" if index else name  # dashes are those of the panel above
                both.plot(part.offset, part[f"{name.lower()}_discriminability"], color=colour, linestyle=dashes,
                          label=label)  # fmt: skip
        both.set_ylabel("discriminability (d′ per degree)")
        both.set_ylim(bottom=0)
        _offset_axis(both, table.offset)
        both.set_xlabel("offset (degrees)")
        legend(both, columns=2)
    return figure


def _draw_tuning(ax: Axes, name: str, area: Population, gains: np.ndarray, colour: str) -> None:
    """Tuning curves of about twenty units, grey before and coloured after."""
    half = area.period / 2
    around = np.linspace(-half, half, 241)
    counts = area.counts(around)
    units = range(0, area.units, max(1, area.units // 20))
    for gain, shade, width in zip(gains, ("0.7", colour), (0.6, 0.8), strict=True):
        for unit in units:
            ax.plot(around, gain[unit] * counts[:, unit], color=shade, linewidth=width)
    ax.set_title(f"{name}: tuning curves", loc="left")
    ax.set_ylabel("mean count")
    ax.set_xlabel("direction (degrees from trained)")
    ax.set_xticks([-half, 0, half])
    ax.set_ylim(0, 1.2 * max(float((gain * counts).max()) for gain in gains))
    _corners(ax, _WHEN[0], _WHEN[2], colour)


def _draw_ring(
    ax: Axes, name: str, area: Population, gains: np.ndarray, dimensions: Sequence[float], colour: str
) -> None:
    """Mean responses to all directions on two principal axes, grey before and coloured after."""
    around = np.linspace(-area.period / 2, area.period / 2, 241)
    reach = 0.0
    for gain, shade in zip(gains, ("0.6", colour), strict=True):
        ring = principal_coordinates(area, gain, around, 2)
        ax.plot(*ring.T, color=shade)
        trained = principal_coordinates(area, gain, np.zeros(1), 2)[0]
        ax.plot(*trained, "o", color=shade, markersize=4)
        reach = max(reach, float(np.abs(ring).max()))
    ax.annotate("trained", trained, xytext=(0, 4), textcoords="offset points", ha="center", fontsize=7, color=colour)
    ax.set_title(f"{name}: mean responses", loc="left")
    _corners(ax, f"dimensions: {dimensions[0]:.2f}", f"{dimensions[1]:.2f}", colour)
    ax.set_xlabel("1st principal axis (counts)")
    ax.set_ylabel("2nd principal axis (counts)")
    ax.set_box_aspect(1)
    ax.set_xlim(-1.35 * reach, 1.35 * reach)
    ax.set_ylim(-1.1 * reach, 1.6 * reach)


def _corners(ax: Axes, before: str, after: str, colour: str) -> None:
    for x, text, shade in ((0.02, before, "0.5"), (0.98, after, colour)):
        ax.text(x, 0.99, text, transform=ax.transAxes, color=shade, fontsize=7, va="top",
                ha="left" if x < 0.5 else "right")  # fmt: skip


def _offset_axis(ax: Axes, offsets: pandas.Series[float]) -> None:
    low, high = float(offsets.min()), float(offsets.max())
    if high - low >= 90:
        ax.set_xticks(np.arange(np.ceil(low / 45) * 45, high + 1, 45))
    ax.set_xlabel(_OFFSET)


def _need(table: pandas.DataFrame, *columns: str) -> None:
    for column in columns:
        if column not in table:
            raise ValueError(
                f"the table has no column {column!r}, only {', '.join(map(str, table.columns))}; pass what "
                "engram.perception.curves or predictions return"
            )
