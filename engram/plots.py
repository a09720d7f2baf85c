"""Every figure of a prediction, from what :mod:`engram.curves` and a run return, in one style.

Each function returns a Figure that is drawn and saved in the common style (:func:`style`) and that pyplot
does not know, so that nothing has to be closed. Given ``ax`` or ``axes`` it draws there instead. Where a
function takes a curve it also takes several, ``{"threshold capture": curve, ...}``, and observations to draw
over them: a table with the x of the curve (times in seconds), ``value`` and, optional, ``error`` (standard
error), in the unit of the vertical axis.

>>> from engram import ThresholdCapture, curves, plots
>>> figure = plots.relatedness_response(curves.relatedness_response(ThresholdCapture()))
>>> figure.axes[0].get_ylabel()
'enhancement at test\\n(strength, 1 = saturated)'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .consolidation.model import Run
from .figure_style import (
    COLOURS,
    DASHES,
    GREY,
    StyledFigure,
    canvas,
    canvases,
    draw_observed,
    legend,
    look,
    style,
    time_axis,
)
from .protocol import Encode, Event, Extinguish, Intervene, Reactivate, Release, Sleep

Curves: TypeAlias = pandas.DataFrame | Mapping[str, pandas.DataFrame]

__all__ = [
    "StyledFigure", "enhancement_window", "reconsolidation_window", "relatedness_response",
    "salience_response", "sensitivity", "style", "trajectory",
]  # fmt: skip

_ENHANCEMENT = "enhancement at test\n(strength, 1 = saturated)"
_X_LABELS = {
    "interval": "interval between the two events",
    "delay": "onset of the block, from the reminder",
    "dose": "dose of the release (1 = full drive)",
    "relatedness": "relatedness to the emotional memory (0 to 1)",
}
_CONDITIONS = {
    "strength": "reminded, then blocked",
    "baseline": "reminded, not blocked",
    "unreactivated": "blocked, not reminded",
}
_NEGLIGIBLE = 1e-3  # of the largest sensitivity
_STATES = ("early", "tag", "protein", "late", "labile", "strength")
_EVENTS = {Encode: "encode", Release: "release", Reactivate: "remind", Extinguish: "extinguish"}
_AGENTS = {
    "protein_synthesis_inhibitor": "synthesis blocked",
    "beta_blocker": "beta blocker",
    "d1_d5_antagonist": "D1/D5 antagonist",
    "tdcs": "tDCS",
}


def enhancement_window(
    retroactive: Curves | None = None,
    proactive: Curves | None = None,
    *,
    observed: pandas.DataFrame | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Enhancement of a neutral memory by an emotional event before (−) or after (+) its encoding.

    Parameters
    ----------
    retroactive, proactive : DataFrame or mapping of str to DataFrame, optional
        From :func:`engram.curves.retroactive_enhancement` and :func:`engram.curves.proactive_enhancement`; at
        least one. A name has one colour on both sides.
    observed : pandas.DataFrame, optional
        interval (s, negative where the emotional event came first), value and error.
    ax : matplotlib.axes.Axes, optional

    Raises
    ------
    ValueError
        Neither curve, or a table without a column that is needed.
    """
    after, before = (_named(side, "interval", "enhancement") for side in (retroactive, proactive))
    names = list(dict.fromkeys([*after, *before]))
    if not names:
        raise ValueError("no curve to draw; pass a table of retroactive_enhancement or proactive_enhancement")
    with style():
        figure, ax = canvas(ax, (4.6, 2.9))
        reach = [table.interval for table in after.values()]
        reach += [-table.interval for table in before.values()]
        if observed is not None and "interval" in observed:
            reach.append(observed["interval"])
        scale = time_axis(ax, pandas.concat(reach), "emotional event, from the neutral encoding")
        ax.axhline(0, color=GREY, linewidth=0.7)
        ax.axvline(0, color=GREY, linewidth=0.7, linestyle=":")
        for index, name in enumerate(names):
            for sign, side in ((-1, before), (1, after)):
                if name in side:
                    times = sign * side[name].interval / scale
                    (line,) = ax.plot(times, side[name].enhancement, **look(index))
            line.set_label(name)
        draw_observed(ax, observed, "interval", scale)
        ax.set_ylabel(_ENHANCEMENT)
        ax.margins(y=0.1)
        heading: dict[str, Any] = dict(transform=ax.get_xaxis_transform(), va="top", color=GREY, fontsize=7)
        if before:
            ax.text(0, 1, "proactive\u00a0\u00a0", ha="right", **heading)
        if after:
            ax.text(0, 1, "\u00a0\u00a0retroactive", ha="left", **heading)
        legend(ax)
    return figure


def reconsolidation_window(
    curves: Curves, *, observed: pandas.DataFrame | None = None, ax: Axes | None = None
) -> Figure:
    """Strength at test against the delay of a block of protein synthesis, with both control conditions.

    Parameters
    ----------
    curves : DataFrame or mapping of str to DataFrame
        From :func:`engram.curves.reconsolidation_window`.
    observed : pandas.DataFrame, optional
        delay (s), value and error.
    ax : matplotlib.axes.Axes, optional

    Raises
    ------
    ValueError
        A table without a column that is needed.
    """
    named = _named(curves, "delay", *_CONDITIONS)
    with style():
        figure, ax = canvas(ax, (4.6, 2.9))
        delays = pandas.concat([table.delay for table in named.values()])
        scale = time_axis(ax, delays, _X_LABELS["delay"])
        colour = GREY if len(named) > 1 else COLOURS[0]
        left = [
            (Line2D([], [], color=colour, linestyle=dash), text)
            for text, dash in zip(_CONDITIONS.values(), DASHES, strict=False)
        ]
        right: list[tuple[Any, str]] = []
        for index, (name, table) in enumerate(named.items()):
            colour = COLOURS[index % len(COLOURS)]
            for column, dash in zip(_CONDITIONS, DASHES, strict=False):
                ax.plot(table.delay / scale, table[column], color=colour, linestyle=dash)
            if len(named) > 1:
                right.append((Line2D([], [], color=colour), name))
        right += [(points, "observed") for points in draw_observed(ax, observed, "delay", scale)]
        ax.set_ylim(min(0, ax.get_ylim()[0]), max(1, ax.get_ylim()[1]))
        ax.set_ylabel("memory at test\n(strength, 1 = saturated)")
        # conditions in the left column, models and observations in the right one
        blank = (Line2D([], [], linestyle="none"), "")
        if right:
            left += [blank] * (len(right) - len(left))
            right += [blank] * (len(left) - len(right))
        handles, labels = zip(*left, *right, strict=True)
        legend(ax, handles, labels, columns=2 if right else 1)
    return figure


def salience_response(
    curves: Curves, *, observed: pandas.DataFrame | None = None, axes: Sequence[Axes] | None = None
) -> Figure:
    """Enhancement against the dose of the release, the models side by side.

    Parameters
    ----------
    curves : DataFrame or mapping of str to DataFrame
        From :func:`engram.curves.salience_response`; one panel each.
    observed : pandas.DataFrame, optional
        dose, value and error; drawn in every panel.
    axes : sequence of matplotlib.axes.Axes, optional
        One per curve.

    Raises
    ------
    ValueError
        A table without a column that is needed; a number of axes other than that of curves.
    """
    named = _named(curves, "dose", "enhancement")
    with style():
        figure, panels = canvases(axes, (1, len(named)), (0.8 + 2.0 * len(named), 2.4), sharey=True)
        for index, (name, table) in enumerate(named.items()):
            colour = COLOURS[index % len(COLOURS)]
            panels[index].axhline(0, color=GREY, linewidth=0.7)
            panels[index].plot(table.dose, table.enhancement, color=colour, label="prediction")
            draw_observed(panels[index], observed, "dose")
            panels[index].set_xlabel(_X_LABELS["dose"])
            panels[index].set_title(name if len(named) > 1 else "")
        panels[0].set_ylabel(_ENHANCEMENT)
        if observed is not None:
            panels[0].legend(loc="best")
    return figure


def relatedness_response(curves: Curves, *, observed: pandas.DataFrame | None = None, ax: Axes | None = None) -> Figure:
    """Enhancement against relatedness to the emotional memory.

    Parameters
    ----------
    curves : DataFrame or mapping of str to DataFrame
        From :func:`engram.curves.relatedness_response`.
    observed : pandas.DataFrame, optional
        relatedness, value and error.
    ax : matplotlib.axes.Axes, optional

    Raises
    ------
    ValueError
        A table without a column that is needed.
    """
    with style():
        figure, ax = canvas(ax, (3.8, 2.8))
        ax.axhline(0, color=GREY, linewidth=0.7)
        for index, (name, table) in enumerate(_named(curves, "relatedness", "enhancement").items()):
            ax.plot(table.relatedness, table.enhancement, label=name, **look(index))
        draw_observed(ax, observed, "relatedness")
        ax.set_xlabel(_X_LABELS["relatedness"])
        ax.set_ylabel(_ENHANCEMENT)
        legend(ax)
    return figure


def sensitivity(table: pandas.DataFrame, *, most: int = 12, ax: Axes | None = None) -> Figure:
    """How a curve moves with its parameters: a map over x, or bars for a single x; the strongest on top.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`engram.curves.sensitivity`.
    most : int
        How many parameters to show; those with less than a thousandth of the largest effect are left out.
    ax : matplotlib.axes.Axes, optional

    Raises
    ------
    ValueError
        A table without a column that is needed, or in which no parameter has an effect.
    """
    (table,) = _named(table, "parameter", "derivative", "unit").values()
    x = str(table.columns[1])
    wide = table.pivot(index="parameter", columns=x, values="derivative")
    size = wide.abs().max(axis=1).sort_values()
    shown = size[size > _NEGLIGIBLE * size.max()].index[-most:]
    if not len(shown):
        raise ValueError("no parameter has an effect on this curve; there is nothing to draw")
    values = wide.loc[shown].to_numpy(dtype=float)
    positions = wide.columns.to_numpy(dtype=float)
    rows = np.arange(len(shown))
    units = table.drop_duplicates("parameter").set_index("parameter")["unit"]
    what = "d value / d ln parameter\n(dimensionless)"
    with style():
        figure, ax = canvas(ax, (5.0, 0.9 + 0.2 * len(shown)))
        if len(positions) == 1:
            ax.barh(rows, values[:, 0], color=np.where(values[:, 0] > 0, COLOURS[0], COLOURS[1]), height=0.7)
            ax.axvline(0, color="black", linewidth=0.7)
            ax.set_xlabel(what)
        else:
            scale = 1.0
            if x in ("interval", "delay"):
                scale = time_axis(ax, positions.tolist(), _X_LABELS[x])
            else:
                ax.set_xlabel(_X_LABELS.get(x, x))
            limit = np.nanmax(np.abs(values))
            mesh = ax.pcolormesh(positions / scale, rows, values, cmap="PuOr", vmin=-limit, vmax=limit, rasterized=True)
            ax.set_xlim(positions[0] / scale, positions[-1] / scale)
            figure.colorbar(mesh, ax=ax, pad=0.02).set_label(what)
        relative = units[shown] == "per relative change"
        ax.set_yticks(rows, [name if relative[name] else f"{name}, {units[name]}" for name in shown])
        ax.tick_params(axis="y", length=0)
    return figure


def trajectory(
    run: Run,
    times: Sequence[float] | np.ndarray,
    *,
    traces: Sequence[str] | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """The state of traces over time, under the events that shape it.

    Parameters
    ----------
    run : Run
        From ``model.run(protocol)``.
    times : array_like, shape (n,)
        When to read (s), at least two times; the jumps at events between them are added.
    traces : sequence of str, optional
        Which traces; all by default.
    axes : sequence of 7 matplotlib.axes.Axes, optional
        For the events, early, tag, protein, late, labile and strength.

    Raises
    ------
    ValueError
        An unknown trace, a time that cannot be read, fewer than two times, a number of axes other than 7.
    """
    traces = run.protocol.traces if traces is None else tuple(traces)
    for name in traces:
        if name not in run.protocol.traces:
            raise ValueError(f"unknown trace {name!r}; the protocol has {', '.join(run.protocol.traces)}")
    reads = np.unique(np.asarray(times, dtype=float))
    if len(reads) < 2:
        raise ValueError(f"times has {len(reads)} different times; give at least two to draw a course")
    begin, end = float(reads[0]), float(reads[-1])
    lanes = _lanes(run.protocol.events, begin, end)
    jumps = np.array([time for spans in lanes.values() for time, _ in spans if begin < time < end])
    state = run.table(np.unique([*reads, *jumps, *np.nextafter(jumps, begin)]).tolist())
    ratios = [0.3 + 0.25 * max(len(lanes), 1), *(1.0 for _ in _STATES)]
    with style():
        size = (5.6, 0.72 * sum(ratios) + 0.6)
        figure, (top, *panels) = canvases(axes, (7, 1), size, sharex=True, height_ratios=ratios)
        scale = time_axis(panels[-1], [begin, end], "time")
        for lane, spans in enumerate(lanes.values()):
            for on, off in spans:
                if off > on:
                    top.barh(lane, (off - on) / scale, left=on / scale, height=0.6, color="0.7")
                else:
                    top.plot(on / scale, lane, marker="v", color="black", clip_on=False)
                for panel in panels:
                    panel.axvspan(on / scale, off / scale, fc="0.93", ec="0.85", linewidth=0.6, zorder=0)
        top.set_yticks(range(len(lanes)), list(lanes))
        top.set_ylim(max(len(lanes), 1) - 0.4, -0.6)
        top.tick_params(length=0, labelbottom=False)
        top.spines[:].set_visible(False)
        for panel, name in zip(panels, _STATES, strict=True):
            for index, trace in enumerate(traces):
                course = state[state.trace == trace]
                panel.plot(course.time / scale, course[name], label=trace, **look(index))
            low, high = state[name].min(), state[name].max()
            panel.set_ylim(min(-0.06, 1.1 * low), max(1.08, 1.1 * high))
            panel.yaxis.set_major_locator(MaxNLocator(2, integer=True))
            panel.set_ylabel(name, rotation=0, ha="right", va="center")
            panel.tick_params(axis="x", labelbottom=panel is panels[-1])
        if axes is None:
            figure.supylabel("state of the trace (dimensionless, 1 = saturated)", fontsize=8)
        legend(top, *panels[0].get_legend_handles_labels())
    return figure


def _lanes(events: Sequence[Event], begin: float, end: float) -> dict[str, list[tuple[float, float]]]:
    """What to mark between two times: a lane for each kind of event, with onset and end of each (s)."""
    lanes: dict[str, list[tuple[float, float]]] = {}
    for event in events:
        if isinstance(event, (Intervene, Sleep)):
            name = "sleep" if isinstance(event, Sleep) else _AGENTS[event.agent]
            on, off = max(event.on, begin), min(event.off, end)
        else:
            subject = event.modulator if isinstance(event, Release) else event.trace
            name = f"{_EVENTS.get(type(event), 'test')} {subject}"
            on = off = event.at
        if begin <= on <= off <= end:
            lanes.setdefault(name, []).append((on, off))
    return lanes


def _named(curves: Curves | None, *columns: str) -> dict[str, pandas.DataFrame]:
    """Curves by name, each with the columns that are needed."""
    if curves is None:
        return {}
    named = dict(curves) if isinstance(curves, Mapping) else {"prediction": curves}
    for name, table in named.items():
        for column in columns:
            if column not in table:
                present = ", ".join(map(str, table.columns))
                raise ValueError(
                    f"the table {name!r} has no column {column!r}, only {present}; "
                    "pass what the function of the same name in engram.curves returns"
                )
    return named
