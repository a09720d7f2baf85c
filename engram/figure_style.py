"""The common look of every figure: colours, fonts, axes of time, observations and legends."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib.style
import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from .units import day, hour, minute

# Okabe & Ito's palette for all kinds of colour vision, without yellow, which print loses
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1.2)))
GREY = "0.45"

# longest span (s), name, seconds, steps between ticks
_TIME_UNITS = (
    (3 * hour, "min", minute, (1, 5, 10, 15, 30)),
    (4 * day, "h", hour, (0.5, 1, 2, 3, 6, 12, 24)),
    (np.inf, "days", day, (1, 2, 7, 14, 28, 91, 182, 364)),
)
_MOST_TICKS = 8
_LETTERS_PER_INCH, _ROW = 17, 0.15  # of the legend's type; height of a row (inches)


@contextmanager
def style() -> Iterator[None]:
    """The common look while the block lasts: readable in print, text kept as text in PDF and SVG.

    Examples
    --------
    >>> import matplotlib
    >>> from engram import plots
    >>> with plots.style():
    ...     matplotlib.rcParams["pdf.fonttype"]
    42
    """
    settings: dict[Any, Any] = {
        "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8, "axes.labelsize": 8,
        "axes.titlesize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7,
        "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.7, "axes.axisbelow": True,
        "xtick.major.width": 0.7, "ytick.major.width": 0.7, "lines.linewidth": 1.5, "lines.markersize": 4,
        "legend.frameon": False, "legend.handlelength": 2.6, "figure.dpi": 150, "savefig.dpi": 300,
        "figure.facecolor": "white", "savefig.facecolor": "white", "pdf.fonttype": 42, "ps.fonttype": 42,
        "svg.fonttype": "none", "svg.hashsalt": "engram",
    }  # fmt: skip
    with matplotlib.style.context(["default", settings]):
        yield


class StyledFigure(Figure):
    """A figure that keeps the common style when drawn and saved: fonts and ticks are made only then."""

    def draw(self, renderer: Any) -> None:
        with style():
            super().draw(renderer)

    def savefig(self, fname: Any, **options: Any) -> None:
        with style():
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        self.savefig(image, format="png", dpi=150)
        return image.getvalue()


def canvases(
    axes: Sequence[Axes] | None, shape: tuple[int, int], size: tuple[float, float], **layout: Any
) -> tuple[Figure, list[Axes]]:
    """The axes given and their figure, or those of a new figure of ``shape`` panels and ``size`` (inches).

    Raises
    ------
    ValueError
        A number of axes other than that of the panels.
    """
    if axes is None:
        figure: Figure = StyledFigure(figsize=size, layout="constrained")
        return figure, list(figure.subplots(*shape, squeeze=False, **layout).flat)
    panels = list(axes)
    if len(panels) != shape[0] * shape[1]:
        raise ValueError(f"{len(panels)} axes were given for {shape[0] * shape[1]} panels")
    owner = panels[0].get_figure(root=True)
    if owner is None:
        raise ValueError("the axes belong to no figure; make them with figure.subplots()")
    return owner, panels


def canvas(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """The same for one panel."""
    figure, (panel,) = canvases(None if ax is None else [ax], (1, 1), size)
    return figure, panel


def look(index: int) -> dict[str, Any]:
    """Colour and dashes of the line with this number; distinct without colour for the first four."""
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": DASHES[index % len(DASHES)]}


def time_axis(ax: Axes, times: Sequence[float] | pandas.Series[float], label: str) -> float:
    """Label the horizontal axis for times (s) in the unit a person would use; the seconds in that unit."""
    low, high = float(np.min(times)), float(np.max(times))
    span = max(high - low, 1.0)
    unit, seconds, steps = next(row[1:] for row in _TIME_UNITS if span <= row[0])
    step = next((step for step in steps if span / seconds / step <= _MOST_TICKS), steps[-1])
    ax.xaxis.set_major_locator(MultipleLocator(step))
    ax.set_xlim((low - 0.02 * span) / seconds, (high + 0.02 * span) / seconds)
    ax.set_xlabel(f"{label} ({unit})")
    return seconds


def draw_observed(ax: Axes, observed: pandas.DataFrame | None, x: str, scale: float = 1.0) -> list[Any]:
    """Observations with their standard errors; the handle for a legend, if there are any.

    Raises
    ------
    ValueError
        A table without the column ``x`` or ``value``.
    """
    if observed is None:
        return []
    for column in (x, "value"):
        if column not in observed:
            raise ValueError(
                f"observed has no column {column!r}, only {', '.join(map(str, observed.columns))}; "
                f"name its columns {x}, value and, optional, error"
            )
    errors = observed["error"] if "error" in observed else None
    points = ax.errorbar(
        observed[x] / scale, observed["value"], yerr=errors, fmt="o", color="black", markerfacecolor="white",
        elinewidth=0.9, capsize=2, label="observed", zorder=5, clip_on=False,
    )  # fmt: skip
    return [points]


def legend(
    ax: Axes,
    handles: Sequence[Any] | None = None,
    labels: Sequence[str] | None = None,
    columns: int | None = None,
) -> None:
    """A legend above the axes, where it hides nothing, in as many columns as fit; none for fewer than two."""
    if handles is None or labels is None:
        handles, labels = ax.get_legend_handles_labels()
    if len(handles) < 2:
        return
    figure = ax.get_figure(root=True)
    if columns is None:
        width = ax.get_position().width * (figure.get_figwidth() if figure is not None else 4.0)
        columns = min(len(handles), max(1, int(width * _LETTERS_PER_INCH / (max(map(len, labels)) + 7))))
    ax.legend(handles, labels, loc="lower left", bbox_to_anchor=(0, 1.01), borderaxespad=0, ncols=columns)
    if isinstance(figure, StyledFigure):  # rather than take the room from the axes
        figure.set_figheight(figure.get_figheight() + _ROW * -(-len(handles) // columns))
