"""Which parameters the data bound: profile likelihoods of the shared biology and of single studies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pandas
from matplotlib.figure import Figure

from ..estimation import Fit
from ..figures import label_of
from ..mechanisms import CLOCKS
from ..profile import Profiles, profile, profile_figure, quantile_of
from ..wording import capitalised, listed, number, quantity, time_unit
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_LEVEL = 0.95
#: Parameters of single studies, fitted alone, that the answers about mechanism rest on.
CLAIMS = {
    "brzosko_2015": ("conversion", "tau_eligibility"),
    "dunsmoor_2015": ("dose",),
    "frey_morris_1998": ("dose",),
    "monfils_2009": ("tau_competing",),
    "nader_2000": ("prediction_error",),
    "zhu_2022": ("dose", "tau_eligibility"),
}
_CURVE = ["study", "parameter", "value", "rise", "settled"]


def _pieces(work: Work) -> list[Piece]:
    made = []
    for one in work.joint:
        if one.model not in CLOCKS:
            continue
        names = list(one.estimates.parameter[one.estimates.study == "shared"])
        made.append(Piece(f"profiles of {label_of(one.model)}", 15.0 * len(names), len(names), _joint(one, names)))
        alone = _alone(work, one.model)
        size = sum(len(names) for _, names in alone)
        if size:
            made.append(Piece(f"profiles of single studies, {label_of(one.model)}", 1.5 * size, size, _single(alone)))
    return made


def _alone(work: Work, model: str) -> list[tuple[Fit, list[str]]]:
    """The fits of single studies by a model, each with the names of what is profiled."""
    made = []
    for study, parameters in CLAIMS.items():
        for one in work.separate.get(study, ()):
            names = [f"{study}.{name}" for name in parameters if name in set(one.estimates.parameter)]
            if one.model == model and names:
                made.append((one, names))
    return made


def _joint(one: Fit, names: Sequence[str]) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    return lambda work, progress: _tables(one, profile(one, names, workers=work.workers, progress=progress), "joint")


def _single(
    fits: Sequence[tuple[Fit, list[str]]],
) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        parts = [_tables(one, profile(one, names, workers=work.workers, progress=progress), "alone")
                 for one, names in fits]  # fmt: skip
        return {name: pandas.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}

    return compute


def _tables(one: Fit, found: Profiles, scope: str) -> dict[str, pandas.DataFrame]:
    better = found.improved
    row = dict(gain=better.gain if better else math.nan, found_at=better.found_at if better else "")
    return {
        "intervals": found.intervals.assign(scope=scope, model=found.model),
        "curves": found.curves[_CURVE].assign(scope=scope, model=found.model),
        "optima": pandas.DataFrame([dict(scope=scope, model=found.model, studies=len(one.studies), **row)]),
    }


def _show(tables: Tables) -> Shown:
    intervals, curves = tables["intervals"], tables["curves"]
    drawings, listings = [], []
    for (scope, model), group in intervals.groupby(["scope", "model"], sort=False):
        mine = curves[(curves.scope == scope) & (curves.model == model)]
        drawn = Profiles(str(model), _LEVEL, quantile_of(_LEVEL), *_in_units(group, mine), None)
        what = "biology shared by all studies" if scope == "joint" else "parameters of single studies, fitted alone"
        title = f"{capitalised(label_of(str(model)))}, {what}"
        drawings.append(
            Drawing(f"profiles-{scope}-{model}", _figure(drawn),
                    f"{title}: what the fit loses, all else fitted again, when one parameter is held at a value. The "
                    "interval ends where the curve crosses the dotted line (95 %); verdicts stand below.", True)
        )  # fmt: skip
        listings.append(Listing(title, _cells(group), ("estimate",)))
    return Shown(
        says=sentence(tables),
        explains="Each parameter is held at values away from its estimate and all else is fitted again. Unlike a "
        "standard error this needs no quadratic likelihood, and it tells a wide interval from no limit at all. A "
        "missing limit means that the fit stays as good up to the bound of the search.",
        drawings=tuple(drawings),
        listings=tuple(listings),
        change="A limit that is missing needs an observation at which the parameter's effect ceases: an interval at "
        "which nothing is captured any more bounds a time from above, one at which everything still is from below. "
        "Published directions without means bound little.",
    )


def sentence(tables: Tables) -> str:
    """How many parameters the data bound on both sides, by model; and whether a better optimum was met."""
    intervals = tables["intervals"]
    bounded = []
    for model, group in intervals[intervals.scope == "joint"].groupby("model", sort=False):
        both = int((group.verdict == "identified").sum())
        bounded.append(f"{both} of the {len(group)} parameters that all studies share under {label_of(str(model))}")
    alone = intervals[intervals.scope == "alone"]
    if len(alone):
        both = int((alone.verdict == "identified").sum())
        bounded.append(f"{both} of the {len(alone)} parameters of single studies that answers rest on")
    said = f"The data bound on both sides {listed(bounded)}."
    optima = tables["optima"][tables["optima"].gain.notna()]
    better = [
        f"{label_of(row['model'])} {number(row['gain'], 2)} "
        f"({'all studies' if row['scope'] == 'joint' else row['found_at'].partition('.')[0]})"
        for row in optima.to_dict("records")
    ]
    if better:
        said += (
            f" On the way, better optima than those of the fits were met (log-likelihood higher by: {listed(better)}); "
            "these intervals are about the fits' own optima."
        )
    return said


def _figure(drawn: Profiles) -> Figure:
    """The profiles down to the best that was met, which may lie below the fit's own optimum."""
    figure = profile_figure(drawn)
    figure.supylabel("2 Δ log-likelihood", fontsize=8)
    lowest = 1.1 * min(0.0, float(drawn.curves.rise.min()))
    for ax in figure.axes:
        ax.set_ylim(bottom=min(ax.get_ylim()[0], lowest))
    return figure


def _in_units(intervals: pandas.DataFrame, curves: pandas.DataFrame) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """The same with times in the unit that a person would use for the estimate."""
    intervals, curves = intervals.copy(), curves.copy()
    for index, values in zip(intervals.index, intervals.to_dict("records"), strict=True):
        if values["unit"] != "s":
            continue
        seconds, name = time_unit(values["estimate"])
        same = (curves.study == values["study"]) & (curves.parameter == values["parameter"])
        curves.loc[same, "value"] /= seconds
        intervals.loc[index, ["estimate", "lower", "upper"]] /= seconds
        intervals.loc[index, "unit"] = name
    return intervals, curves


def _cells(group: pandas.DataFrame) -> pandas.DataFrame:
    rows = []
    for row in group.to_dict("records"):
        ends = [quantity(row[end], row["unit"]).replace("–", "open") for end in ("lower", "upper")]
        name = row["parameter"] if row["study"] == "shared" else f"{row['study']}: {row['parameter']}"
        rows.append({
            "parameter": name, "estimate": quantity(row["estimate"], row["unit"]),
            "95 % interval": "none" if ends == ["open", "open"] else " to ".join(ends),
            "verdict": row["verdict"],
            "note": "; ".join(part for part in row["message"].split("; ") if not part.startswith("a better optimum")),
        })  # fmt: skip
    return pandas.DataFrame(rows)


SECTION = Section("profiles", "Which parameters the data bound", _pieces, _show)
