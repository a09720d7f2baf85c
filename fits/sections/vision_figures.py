"""The figures of the section on visual learning, drawn from its tables."""

from __future__ import annotations

import numpy as np
import pandas
from matplotlib.figure import Figure

from engram.figure_style import GREY, StyledFigure, canvas, legend, look, style
from engram.perception import VisualReactivation
from engram.perception.plots import explained
from engram.perception.plots import predictions as draw_predictions

from ..family import label_of
from ..vision import DOPAMINE, FORETOLD, MODEL, ONE_SHARE, OWN_SHARE

_TRAINED, _UNTRAINED = ": trained", ": untrained"


def explained_figure(estimates: pandas.DataFrame) -> Figure:
    """Tuning curves, manifolds and threshold against offset at the shared estimates."""
    rows = estimates[estimates.study == "shared"]
    values = dict(zip(rows.parameter, map(float, rows.estimate), strict=True))
    return explained(VisualReactivation(**values))


def thresholds_figure(thresholds: pandas.DataFrame, measured: pandas.DataFrame) -> Figure:
    """Relative threshold against offset, with the published gains: a panel a study, or two where it is stimulated."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for study, condition in thresholds[["study", "condition"]].drop_duplicates().itertuples(index=False):
        group, _, treatment = condition.partition(", ")
        panels.setdefault(f"{study}: {group}" if treatment else study, []).append((study, condition))
    with style():
        figure = StyledFigure(figsize=(7.2, 3.0), layout="constrained")
        axes = list(figure.subplots(1, len(panels), sharey=True, squeeze=False).flat)
        for ax, (title, members) in zip(axes, panels.items(), strict=True):
            ax.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
            for index, (study, condition) in enumerate(members):
                line, points = (
                    table[(table.study == study) & (table.condition == condition)] for table in (thresholds, measured)
                )
                shift = (2 * index - len(members) + 1) * 1.2  # degrees, so that error bars do not hide one another
                label = condition.rpartition(", ")[2]
                ax.plot(line.offset, line.threshold, label=label, **look(index))
                reach = [points.threshold - points.lower, points.upper - points.threshold]
                ax.errorbar(points.offset + shift, points.threshold, yerr=reach, fmt="os"[index % 2], capsize=2,
                            color=look(index)["color"], markerfacecolor="white", elinewidth=0.9, zorder=5)  # fmt: skip
            ax.set_title(title, loc="left")
            ax.set_xlim(-4, thresholds.offset.max())
            ax.set_xticks([0, 30, 60, 90])
            ax.legend(loc="lower right", fontsize=7)
        axes[0].set_ylabel("threshold (1 = untrained)")
        axes[0].set_ylim(bottom=0)
        figure.supxlabel("offset from the trained stimulus (degrees)", fontsize=8)
    return figure


def foretold_figure(table: pandas.DataFrame) -> Figure:
    """Every experiment of ``FORETOLD``, with a column for each modulator where one is released."""
    names, drawn = [], []
    for experiment, released in table[["experiment", "released"]].drop_duplicates().itertuples(index=False):
        rows = table[(table.experiment == experiment) & (table.released == released)]
        drawn.append(rows.rename(columns={"value": experiment}).drop(columns=["experiment", "released"]))
        names.append((list(FORETOLD).index(experiment), released != DOPAMINE, experiment, released))
    order = sorted(range(len(names)), key=lambda k: names[k][:2])
    titles = [released.partition(",")[0] if experiment == "dose" else "" for *_, experiment, released in names]
    return draw_predictions([drawn[k] for k in order], titles=[titles[k] for k in order])


def gains_figure(gains: pandas.DataFrame, predictions: pandas.DataFrame) -> Figure:
    """Standardised gain against offset, a panel a condition, with the published gains."""
    conditions = list(dict.fromkeys(gains.condition))
    lines = list(dict.fromkeys(zip(gains.model, gains.variant, strict=True)))
    lines.sort(key=lambda pair: (pair[0] != MODEL, pair[1] != ONE_SHARE))
    seen = predictions.drop_duplicates(["study", "observation"])
    other = _untrained_offset(gains)
    with style():
        figure = StyledFigure(figsize=(7.2, 2.6), layout="constrained")
        axes = list(figure.subplots(1, len(conditions), sharey=True, squeeze=False).flat)
        handles: list[object] = []
        for ax, condition in zip(axes, conditions, strict=True):
            drawn = []
            for index, (model, variant) in enumerate(lines):
                part = gains[(gains.model == model) & (gains.variant == variant) & (gains.condition == condition)]
                label = label_of(model) + (", own share" if variant == OWN_SHARE else "")
                drawn += ax.plot(part.offset, part.gain, label=label, **look(index))
            for suffix, offset in ((_TRAINED, 0.0), (_UNTRAINED, other)):
                row = seen[seen.observation == condition + suffix]
                points = ax.errorbar([offset] * len(row), row.value, yerr=row.error, fmt="o", color="black",
                                     markerfacecolor="white", elinewidth=0.9, capsize=2, zorder=5, clip_on=False,
                                     label="published")  # fmt: skip
            ax.axhline(0, color=GREY, linewidth=0.7)
            ax.set_title(condition)
            ax.set_xlim(0, gains.offset.max())
            ax.set_xticks([0, 30, 60, 90])
            handles = [*drawn, points]
        axes[0].set_ylabel("gain (SD between people)")
        figure.supxlabel("offset from the trained orientation (degrees)", fontsize=8)
        figure.legend(handles=handles, loc="outside upper left", ncols=3)
    return figure


def _untrained_offset(gains: pandas.DataFrame) -> float:
    """Where the untrained stimulus of the published gains is drawn: as in the study file, 64 degrees."""
    return float(min(64.0, gains.offset.max()))


def curves_figure(curves: pandas.DataFrame) -> Figure:
    """Relative threshold at the last time against offset, a line a model; before learning it is 1."""
    with style():
        figure, ax = canvas(None, (3.8, 2.7))
        ax.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
        names = sorted(dict.fromkeys(curves.model), key=lambda name: name != MODEL)
        for index, name in enumerate(names):
            part = curves[(curves.model == name) & (curves.time == curves.time.max())]
            ax.plot(part.offset, part.threshold / part.baseline, label=label_of(name), **look(index))
        ax.set_xlabel("offset from the reactivated direction (degrees)")
        ax.set_ylabel("threshold two weeks later\n(1 = untrained)")
        ax.set_xlim(0, curves.offset.max())
        ax.set_xticks([0, 30, 60, 90])
        ax.set_ylim(bottom=0)
        legend(ax, columns=1)
    return figure


def comparison_figure(fits: pandas.DataFrame) -> Figure:
    """Differences in AIC from the lowest, a bar a fit."""
    rows = fits.sort_values("aic", ascending=False)
    names = [_name(model, variant) for model, variant in zip(rows.model, rows.variant, strict=True)]
    with style():
        figure, ax = canvas(None, (5.2, 0.7 + 0.36 * len(rows)))
        places = np.arange(len(rows))
        delta = (rows.aic - rows.aic.min()).to_numpy()
        ax.barh(places, delta, height=0.6, color=[look(0 if m == MODEL else 1)["color"] for m in rows.model])
        for place, value in zip(places, delta, strict=True):
            ax.annotate(
                f"{value:.1f}", (value, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7
            )
        ax.set_yticks(places, names)
        ax.set_xlabel("ΔAIC")
        ax.set_xlim(0, 1.12 * max(float(delta.max()), 1.0))
        ax.tick_params(axis="y", length=0)
    return figure


def _name(model: str, variant: str) -> str:
    """Of a bar, over two lines where it is long."""
    if variant == ONE_SHARE:
        return f"{label_of(model)}\n{variant}"
    return variant.replace(" of its own for", " of its own\nfor").replace(", and", "\nand")
