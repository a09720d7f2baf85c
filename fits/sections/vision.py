"""When does visual learning generalise? Its studies under one model, variants of it, and two rivals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import pandas

from engram.perception import MODELS, VisualReactivation
from engram.perception.curves import generalisation

from ..estimation import Fit, fit
from ..family import label_of
from ..profile import profile
from ..recovery import recover_parameters
from ..study import VISION
from ..vision import (
    MODEL,
    NO_STIMULATION,
    ONE_SHARE,
    OWN,
    OWN_ALONE,
    OWN_ERROR,
    OWN_SHARE,
    VARIANTS,
    against_offset,
    decisive,
    fit_variant,
    fitted_model,
    foretold,
    gains,
    measured,
    separating,
    stimulated,
    with_start,
)
from ..wording import fixed, number, quantity
from . import vision_figures as drawn
from . import vision_words as words
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_OFFSETS = tuple(range(0, 91, 3))
_LISTED = ["study", "parameter", "unit", "estimate", "lower", "upper", "verdict"]
_SEEN = ["study", "observation", "kind", "value", "error", "found", "predicted", "power", "log_likelihood"]


def _pieces(work: Work) -> list[Piece]:
    if not work.visual or not stimulated(work.visual):
        return []
    starts = work.sizes.visual_starts
    made = [Piece(f"vision, {label_of(name)}", 8.0 * starts, starts, _rival(name)) for name in MODELS if name != MODEL]
    made.append(Piece(f"vision, {label_of(MODEL)} and its variants", 40.0 * starts, 3 * starts + 12, _variants))
    many = work.sizes.visual_recovered
    made.append(Piece("vision, recovery", 20.0 * many, many, _recovery))
    return made


def _options(work: Work) -> dict[str, Any]:
    return dict(starts=work.sizes.visual_starts, seed=work.seed, workers=work.workers)


def _rival(name: str) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        one = fit(work.visual, name, progress=progress, **_options(work))
        return _tables(work, one, ONE_SHARE)

    return compute


def _variants(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
    options = _options(work)
    base = fit_variant(work.visual, ONE_SHARE, progress=progress, **options)
    made = {}
    for variant in VARIANTS[1:]:
        made[variant] = fit_variant(
            work.visual, variant, begin=base.optimum, progress=progress, **{**options, "starts": 1}
        )
    added = {"stimulation_shift": 0.0, "prediction_error": 0.5}  # where what a variant adds changes nothing
    base = with_start(base, {**added, **made[NO_STIMULATION].optimum})
    made[OWN_ALONE] = with_start(made[OWN_ALONE], made[NO_STIMULATION].optimum)
    for variant in (*OWN, OWN_ERROR):
        made[variant] = with_start(made[variant], {**added, **base.optimum})
    made[OWN_SHARE] = with_start(made[OWN_SHARE], {**added, **made[OWN_ALONE].optimum})
    made = {ONE_SHARE: base, **made}
    tables = [_tables(work, one, variant) for variant, one in made.items()]
    joined = {name: pandas.concat([table[name] for table in tables], ignore_index=True) for name in tables[0]}
    joined["curves"] = tables[0]["curves"]
    joined["gains"] = joined["gains"][joined["gains"].variant.isin((ONE_SHARE, OWN_SHARE))]
    joined["intervals"] = pandas.concat(
        [_intervals(made[variant], variant, work, progress) for variant in (ONE_SHARE, *OWN, OWN_ERROR)],
        ignore_index=True,
    )
    joined["thresholds"] = against_offset(base, _OFFSETS)
    joined["measured"] = measured(base)
    joined["foretold"] = foretold(cast("VisualReactivation", fitted_model(base, _of_directions(work))))
    study = stimulated(work.visual)[0]
    joined["separating"] = separating(base, study)
    other = next(one.id for one in work.visual if one.id != study)
    joined["decisive"] = decisive(made[OWN_SHARE], study, other)
    return joined


def _intervals(one: Fit, variant: str, work: Work, progress: Callable[[int], None]) -> pandas.DataFrame:
    """Profile-likelihood intervals: of everything in the model itself, of what is added in a variant."""
    added = {**OWN, OWN_ERROR: "prediction_error"}
    names = None
    if variant != ONE_SHARE:
        names = [c.name_in_full for c in one.objective.coordinates if c.name == added[variant]]
    found = profile(one, names, workers=work.workers, progress=progress).intervals
    return found[_LISTED].assign(variant=variant)


def _tables(work: Work, one: Fit, variant: str) -> dict[str, pandas.DataFrame]:
    """What every fit leaves behind."""
    label = dict(model=one.model, variant=variant)
    study = stimulated(work.visual)[0]
    row = dict(label, n_parameters=one.n_parameters, n_observations=one.n_observations,
               log_likelihood=one.log_likelihood, aic=one.aic, converged=int(one.starts.converged.sum()),
               starts=one.starts_run)  # fmt: skip
    seen = one.predictions
    means = seen.kind == "mean"
    seen = seen.assign(
        value=seen.observed.where(means).astype(float), found=seen.observed.where(~means).map(words.FOUND)
    )
    estimates = one.estimates.drop(columns="description").assign(**label)
    curve = generalisation(fitted_model(one, _of_directions(work)), list(_OFFSETS))
    return {
        "fits": pandas.DataFrame([row]),
        "estimates": estimates,
        "predictions": seen[_SEEN].assign(**label),
        "curves": curve[["time", "offset", "threshold", "baseline", "generalisation"]].assign(**label),
        "gains": gains(one, study, _OFFSETS).assign(study=study, **label),
    }


def _of_directions(work: Work) -> str:
    """A study of directions, as Song et al.'s, for the figures; the stimulated one where there is none."""
    found = (one.id for one in work.visual if one.response_values.get("period") == 360.0)
    return next(found, stimulated(work.visual)[0])


def _recovery(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
    truth = fit_variant(work.visual, ONE_SHARE, **_options(work))
    found = recover_parameters(work.visual, MODEL, n=work.sizes.visual_recovered, seed=work.seed, workers=work.workers,
                               truth=truth, compared=1, progress=progress)  # fmt: skip
    return {"recovery": found.table[["simulation", "study", "parameter", "true", "estimate", "covered", "verdict"]]}


def _show(tables: Tables) -> Shown:
    fits, gain = tables["fits"], tables["gains"]
    base = words.of(tables["estimates"], MODEL, ONE_SHARE)
    drawings = (
        Drawing("vision-explained", drawn.explained_figure(base),
                "What eight days of five reactivations do at the joint estimates (simulated). Above: tuning curves of "
                "both areas, grey before and coloured two weeks later, and the threshold against the offset from the "
                "reactivated direction. Below: mean responses to all directions on two principal axes, with the "
                "dimensions that they fill (participation ratio), and the discriminability of a direction by either "
                "area, with the dashes of the panel above.", True),
        Drawing("vision-thresholds", drawn.thresholds_figure(tables["thresholds"], tables["measured"]),
                "Threshold against offset by the model with one biology, and what was published (points, with standard "
                "errors): standardised gains as exp(−d·s), s being the estimated spread between people, and gains in "
                "ms relative to the estimated threshold before training.", True),
        Drawing("vision-gains", drawn.gains_figure(gain, tables["predictions"]),
                "Standardised gain against offset in the study with stimulation (points: published, with standard "
                "errors), by the model with one biology, with a share of its own for this study, and by the "
                "rivals.", True),
        Drawing("vision-foretold", drawn.foretold_figure(tables["foretold"]),
                "Predictions worth a test, at the joint estimates: the number of reactivation sessions, dopamine or "
                "noradrenaline released at each, protein synthesis blocked for six hours from some time after each, "
                "and the interval between sessions. Above, thresholds two weeks later (dotted: never trained; grey: "
                "the untrained stimulus without what is varied); below, the generalisation index, 90 degrees from the "
                "reactivated direction. The drive of noradrenaline, that of dopamine, is assumed.", True),
        Drawing("vision-curves", drawn.curves_figure(tables["curves"]),
                "Threshold two weeks after eight days of five reactivations, relative to the untrained, against the "
                "offset from the reactivated direction."),
        Drawing("vision-comparison", drawn.comparison_figure(fits),
                "AIC of the joint fits: the model, its variants and the rivals (less is better)."),
    )  # fmt: skip
    return Shown(
        says=" ".join((words.conflict(tables), words.separator(tables), words.best(fits))),
        explains=" ".join((words.failures(tables), words.areas(tables["predictions"]), words.identified(tables),
                           words.recovered(tables), words.foretold(tables))),
        drawings=drawings,
        listings=_listings(tables),
        change=words.decides(tables),
    )  # fmt: skip


def _listings(tables: Tables) -> tuple[Listing, ...]:
    fits = tables["fits"].sort_values("aic")
    lowest = float(fits.aic.min())
    models = [
        {"model": label_of(row["model"]), "variant": row["variant"], "parameters": str(row["n_parameters"]),
         "log-likelihood": fixed(row["log_likelihood"]), "AIC": fixed(row["aic"]),
         "ΔAIC": fixed(row["aic"] - lowest)} for row in fits.to_dict("records")
    ]  # fmt: skip
    bounds = [
        {"variant": row["variant"], "study": words.whose(row["study"]), "parameter": row["parameter"],
         "estimate": quantity(row["estimate"], row["unit"]), "95 %": words.ends(row), "verdict": row["verdict"]}
        for row in tables["intervals"].to_dict("records")
    ]  # fmt: skip
    seen = words.of(tables["predictions"], MODEL, ONE_SHARE)
    off = set(words.missed(seen).index)
    data = [
        {"study": row["study"], "observation": row["observation"], "observed": words.observed(row),
         "predicted": number(row["predicted"]), "note": _note(row["kind"], row["Index"] in off)}
        for row in seen.rename_axis("Index").reset_index().to_dict("records")
    ]  # fmt: skip
    decide = [
        {"experiment": row["experiment"], "index, task": fixed(row["task"]), "index, length": fixed(row["length"]),
         "people a group": "–" if not math.isfinite(row["people"]) else str(math.ceil(row["people"]))}
        for row in tables["decisive"].to_dict("records")
    ]  # fmt: skip
    return (
        Listing("Joint fits", pandas.DataFrame(models), ("parameters", "log-likelihood", "AIC", "ΔAIC")),
        Listing("Intervals", pandas.DataFrame(bounds), ("estimate",)),
        Listing("Data and the model with one biology for all", pandas.DataFrame(data), ("observed", "predicted"),
                "What follows from fitted observations is shown, not fitted: the same answers would count twice."),
        Listing("Experiments that could decide", pandas.DataFrame(decide),
                ("index, task", "index, length", "people a group"),
                "Predicted by the fit with a share of its own for the study with stimulation."),
    )  # fmt: skip


def _note(kind: str, off: bool) -> str:
    return ", ".join((["shown"] if kind == "shown" else []) + (["missed"] if off else []))


SECTION = Section("vision", "When does visual learning generalise?", _pieces, _show, VISION)
