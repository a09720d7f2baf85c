"""Figures of visual learning, from what :mod:`engram.perception.curves` and ``predictions`` return.

They follow the conventions of :mod:`engram.plots`: each returns a Figure in the common style.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..figure_style import COLOURS, GREY, canvas, canvases, draw_observed, legend, look, style, time_axis
from ..protocol import Protocol
from .curves import default_times, generalisation
from .designs import reactivation
from .manifold import principal_coordinates
from .model import PerceptualModel

Curves: TypeAlias = pandas.DataFrame | Mapping[str, pandas.DataFrame]

_THRESHOLD = "threshold (degrees)"
_OFFSET = "offset from the trained direction (degrees)"
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
    name = str(table.columns[0])
    if name not in _X:
        raise ValueError(f"the first column is {name!r}; pass a table of engram.perception.predictions")
    _need(table, "trained", "untrained_late", "generalisation_late", "control_late")
    with style():
        figure, panels = canvases(axes, (1, 2), (6.6, 2.7))
        x = table[name].to_numpy(float)
        for panel in panels:
            if name == "spacing":
                panel.set_xscale("log")
                ticks = {600.0: "10 min", 3600.0: "1 h", 21600.0: "6 h", 86400.0: "1 day", 345600.0: "4 days"}
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
        thresholds.set_ylabel("threshold two weeks later (degrees)")
        thresholds.set_ylim(bottom=0)
        indices.plot(x, table.generalisation, label="just after", **look(2), **marker)
        indices.plot(x, table.generalisation_late, label="two weeks later", **look(3), **marker)
        indices.set_ylabel("generalisation index (1 = complete)")
        indices.set_ylim(min(0.0, float(table[["generalisation", "generalisation_late"]].min().min())), 1.05)
        for panel in panels:
            legend(panel)
    return figure


def explained(
    model: PerceptualModel,
    protocol: Protocol | None = None,
    *,
    observed: pandas.DataFrame | None = None,
    axes: Any = None,
) -> Figure:
    """The whole account in one picture: tuning curves, manifolds, and threshold against offset.

    Above, what learning does to mean counts in EVC and IPS (grey before, colour two weeks after; every 25th unit), and
    the threshold before, just after and two weeks later. Below, the ring of mean responses to all directions on its
    first two principal axes (of the untrained ring) before and after, the trained direction marked, and the
    discriminability of both areas.
    """
    given = reactivation() if protocol is None else protocol
    times = default_times(given)
    half = model.period / 2
    around = np.linspace(-half, half, 241)
    table = generalisation(model, np.linspace(-half / 2, half / 2, 91), times, protocol=given)
    shape = model.shape(given, times)
    with style():
        figure, panels = canvases(axes, (2, 3), (7.2, 4.6))
        for index, (name, area, gain) in enumerate((("EVC", model.evc, shape.evc), ("IPS", model.ips, shape.ips))):
            tuning, manifold = panels[index], panels[3 + index]
            counts = area.counts(around)
            units = range(0, area.units, max(1, area.units // 20))
            for unit in units:
                tuning.plot(around, gain[0, unit] * counts[:, unit], color="0.75", linewidth=0.6)
            for unit in units:
                tuning.plot(around, gain[2, unit] * counts[:, unit], color=COLOURS[index], linewidth=0.8, alpha=0.8)
            tuning.set_title(f"{name}: tuning curves (grey: before)", loc="left")
            tuning.set_ylabel("mean count")
            tuning.set_xlabel("direction (degrees from trained)")
            tuning.set_xticks([-half, 0, half])
            tuning.set_ylim(bottom=0)
            for when, colour in ((0, "0.6"), (2, COLOURS[index])):
                ring = principal_coordinates(area, gain[when], around, 2)
                manifold.plot(*ring.T, color=colour, label="before" if when == 0 else "two weeks later")
                trained = principal_coordinates(area, gain[when], np.zeros(1), 2)[0]
                manifold.plot(*trained, "o", color=colour, markersize=4)
            manifold.set_title(f"{name}: mean responses (grey: before)", loc="left")
            manifold.set_xlabel("1st principal axis (counts)")
            manifold.set_ylabel("2nd principal axis (counts)")
            manifold.set_aspect("equal", adjustable="datalim")
        generalisation_curve(table, observed=observed, ax=panels[2])
        panels[2].set_xlabel("offset (degrees)")
        for index, time in enumerate(times):
            part = table[table.time == time]
            label = None if index == 1 else _WHEN[index]
            panels[5].plot(part.offset, part.evc_discriminability, color=COLOURS[0], linestyle=look(index)["linestyle"],
                           label=label and f"EVC {label}")  # fmt: skip
            panels[5].plot(part.offset, part.ips_discriminability, color=COLOURS[1], linestyle=look(index)["linestyle"],
                           label=label and f"IPS {label}")  # fmt: skip
        panels[5].set_ylabel("discriminability (d′ per degree)")
        panels[5].set_ylim(bottom=0)
        _offset_axis(panels[5], table.offset)
        panels[5].set_xlabel("offset (degrees)")
        legend(panels[5], columns=2)
    return figure


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
