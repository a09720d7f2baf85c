"""When does visual learning generalise? Its studies under one model, variants of it, and two rivals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas

from engram.perception import MODELS
from engram.perception.curves import generalisation

from ..estimation import Fit, fit
from ..family import label_of
from ..findings import LARGE_RESIDUAL
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
    decisive,
    fit_variant,
    fitted_model,
    gains,
    separating,
    stimulated,
)
from ..wording import capitalised, fixed, listed, number, quantity
from . import vision_figures as drawn
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_OFFSETS = tuple(range(0, 91, 3))
_UNSURE = 2.0  # ΔAIC below which data do not tell apart
_LISTED = ["study", "parameter", "unit", "estimate", "lower", "upper", "verdict"]
_SEEN = ["study", "observation", "kind", "value", "error", "found", "predicted", "log_likelihood"]
_FOUND = {True: "found", False: "not found"}
_OFTEN = 0.5  # share of the simulations that identify a parameter, and correlation of true and estimated values


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
    made = {ONE_SHARE: base}
    for variant in VARIANTS[1:]:
        made[variant] = fit_variant(
            work.visual, variant, begin=base.optimum, progress=progress, **{**options, "starts": 1}
        )
    tables = [_tables(work, one, variant) for variant, one in made.items()]
    joined = {name: pandas.concat([table[name] for table in tables], ignore_index=True) for name in tables[0]}
    joined["curves"] = tables[0]["curves"]
    joined["gains"] = joined["gains"][joined["gains"].variant.isin((ONE_SHARE, OWN_SHARE))]
    joined["intervals"] = pandas.concat(
        [_intervals(made[variant], variant, work, progress) for variant in (ONE_SHARE, *OWN, OWN_ERROR)],
        ignore_index=True,
    )
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
    seen = seen.assign(value=seen.observed.where(means).astype(float), found=seen.observed.where(~means).map(_FOUND))
    estimates = one.estimates.drop(columns="description").assign(**label)
    directions = next((s.id for s in work.visual if s.response_values.get("period") == 360.0), study)
    curve = generalisation(fitted_model(one, directions), list(_OFFSETS))
    return {
        "fits": pandas.DataFrame([row]),
        "estimates": estimates,
        "predictions": seen[_SEEN].assign(**label),
        "curves": curve[["time", "offset", "threshold", "baseline", "generalisation"]].assign(**label),
        "gains": gains(one, study, _OFFSETS).assign(**label),
    }


def _recovery(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
    truth = fit_variant(work.visual, ONE_SHARE, **_options(work))
    found = recover_parameters(work.visual, MODEL, n=work.sizes.visual_recovered, seed=work.seed, workers=work.workers,
                               truth=truth, compared=1, progress=progress)  # fmt: skip
    return {"recovery": found.table[["simulation", "study", "parameter", "true", "estimate", "covered", "verdict"]]}


def _show(tables: Tables) -> Shown:
    fits, gain = tables["fits"], tables["gains"]
    base = _of(tables["estimates"], MODEL, ONE_SHARE)
    drawings = (
        Drawing("vision-explained", drawn.explained_figure(base),
                "Visual reactivation at the joint estimates, eight days of five reactivations: what learning does to "
                "tuning curves and to the ring of mean responses in both areas, and to threshold and discriminability "
                "against offset.", True),
        Drawing("vision-gains", drawn.gains_figure(gain, tables["predictions"]),
                "Standardised gain against offset in the study with stimulation (points: published, with standard "
                "errors), by the model with one biology, with a share of its own for this study, and by the "
                "rivals.", True),
        Drawing("vision-curves", drawn.curves_figure(tables["curves"]),
                "Threshold two weeks after eight days of five reactivations, relative to the untrained, against the "
                "offset from the reactivated direction."),
        Drawing("vision-comparison", drawn.comparison_figure(fits),
                "AIC of the joint fits: the model, its variants and the rivals (less is better)."),
    )  # fmt: skip
    return Shown(
        says=" ".join((_best(fits), _areas(tables["predictions"]), _separator(tables), _conflict(tables))),
        explains=" ".join((_failures(tables), _identified(tables), _recovered(tables))),
        drawings=drawings,
        listings=_listings(tables),
        change=_decides(tables),
    )


def _of(table: pandas.DataFrame, model: str, variant: str) -> pandas.DataFrame:
    return table[(table.model == model) & (table.variant == variant)]


def _aic(fits: pandas.DataFrame, model: str, variant: str) -> float:
    return float(_of(fits, model, variant).aic.iloc[0])


def _best(fits: pandas.DataFrame) -> str:
    own = fits[fits.variant == ONE_SHARE].sort_values("aic")
    words = [f"{label_of(row['model'])} {fixed(row['aic'])}" for row in own.to_dict("records")]
    first = own.iloc[0]
    ahead = float(own.aic.iloc[1] - first.aic) if len(own) > 1 else math.nan
    sure = "ahead of the next" if ahead > _UNSURE else "which is too little to prefer it to the next"
    return (f"Fitted jointly to {int(first.n_observations)} observations, the models have an AIC of {listed(words)}: "
            f"{label_of(str(first.model))} is lowest by {fixed(ahead)}, {sure}.")  # fmt: skip


def _areas(predictions: pandas.DataFrame) -> str:
    """What models that leave the representation as it is lose by observations of IPS and EVC alone."""
    own = predictions[(predictions.variant == ONE_SHARE) & predictions.observation.str.match(r"(?:IPS|EVC)\b")]
    lost = own.groupby("model", sort=False).log_likelihood.sum()
    words = [f"{label_of(str(name))} {fixed(2 * float(lost[MODEL] - value))}" for name, value in lost.items()
             if name != MODEL]  # fmt: skip
    return f"Of that, the discriminability of IPS and EVC, which a rival leaves as it is, makes up {listed(words)}."


def _separator(tables: Tables) -> str:
    table, fits = tables["separating"], tables["fits"]
    base = _aic(fits, MODEL, ONE_SHARE)
    gained = {name: base - _aic(fits, MODEL, variant) for variant, name in OWN.items()}
    most = max(gained, key=lambda name: gained[name])
    moves = [f"{_words(row['parameter'])} from {fixed(row['lowest'])} to {fixed(row['highest'])}"
             for row in table.head(3).to_dict("records")]  # fmt: skip
    return (f"Of what a study may have for itself, {_words(most)} separates the specific from the general studies best "
            f"(AIC {fixed(-gained[most])}). Through their search, and alone, these move the generalisation index of "
            f"five-trial reactivations most: {listed(moves)}.")  # fmt: skip


def _conflict(tables: Tables) -> str:
    """Whether design alone explains why studies disagree, or only a parameter that a study has for itself."""
    fits = tables["fits"]
    base = _aic(fits, MODEL, ONE_SHARE)
    free = int(_of(fits, MODEL, ONE_SHARE).n_parameters.iloc[0])
    stimulation = _aic(fits, MODEL, NO_STIMULATION) - base
    told = []
    better = []
    for variant in (*OWN, OWN_ERROR):
        row = _of(fits, MODEL, variant).iloc[0]
        extra, gained = int(row.n_parameters) - free, base - float(row.aic)
        told.append(f"{variant} ({extra} more {'parameter' if extra == 1 else 'parameters'}) changes AIC by "
                    f"{fixed(-gained)}")  # fmt: skip
        if gained > _UNSURE:
            better.append(variant)
    verdict = (
        f"the conflict between the studies is not explained by their designs but absorbed by {listed(better)}"
        if better
        else "the designs explain the conflict as well as a parameter of a single study would"
    )
    absorbed = _aic(fits, MODEL, OWN_ALONE) - _aic(fits, MODEL, OWN_SHARE)
    return capitalised(f"{verdict}: {'; '.join(told)}. {_shares(tables)}An effect of stimulation on that share "
                       f"{_needed(stimulation)} with one biology (without it AIC changes by {fixed(stimulation)}) and "
                       f"{_needed(absorbed)} once the study has its own share ({fixed(absorbed)}).")  # fmt: skip


def _needed(cost: float) -> str:
    return "is needed" if cost > _UNSURE else "is not asked for" if cost > -_UNSURE else "is refused"


def _shares(tables: Tables) -> str:
    rows = _intervals_of(tables, OWN_SHARE)
    if not len(rows):
        return ""
    words = [
        f"{fixed(row['estimate'])} ({_ends(row)}) in {_whose(row['study'], 'the others')}"
        for row in rows.to_dict("records")
    ]
    return f"With its own, the top-down share is {listed(words)}. "


def _intervals_of(tables: Tables, variant: str) -> pandas.DataFrame:
    table = tables["intervals"]
    return table[table.variant == variant]


def _whose(study: str, all_of_them: str = "shared") -> str:
    return all_of_them if study == "shared" else study.removeprefix("shared by ")


def _ends(row: Any) -> str:
    unit = str(row["unit"])
    low, high = (
        "no limit" if math.isnan(row[name]) else quantity(float(row[name]), unit) for name in ("lower", "upper")
    )
    return f"{low} to {high}"


def _words(parameter: str) -> str:
    known = {"top_down": "the top-down share", "ips_gain": "the gain of IPS", "evc_gain": "the gain of EVC"}
    return known.get(parameter, f"the {parameter.replace('_', ' ')}")


def _failures(tables: Tables) -> str:
    seen = _missed(_of(tables["predictions"], MODEL, ONE_SHARE))
    if not len(seen):
        return "The model with one biology misses no observation."
    names = [f"{row['observation']} ({row['study']})" for row in seen.to_dict("records")]
    return (f"The model with one biology misses {len(names)} of {len(_of(tables['predictions'], MODEL, ONE_SHARE))}: "
            f"{listed(names)}.")  # fmt: skip


def _missed(seen: pandas.DataFrame) -> pandas.DataFrame:
    """Means more than two standard errors off, and directions that had a probability below 5 %."""
    off = (seen.value - seen.predicted).abs() / seen.error
    return seen[((seen.kind == "mean") & (off > LARGE_RESIDUAL)) | ((seen.kind == "detected") & (
        seen.log_likelihood < math.log(0.05)))]  # fmt: skip


def _identified(tables: Tables) -> str:
    rows = _intervals_of(tables, ONE_SHARE)
    known = [_full(row) for row in rows[rows.verdict == "identified"].to_dict("records")]
    rest = [f"{_full(row)} ({row['verdict']})" for row in rows[rows.verdict != "identified"].to_dict("records")]
    words = f"The data bound {listed(known) or 'no parameter'} on both sides (profile likelihood, 95 %)"
    return f"{words}; not so {listed(rest)}." if rest else f"{words}."


def _full(row: Any) -> str:
    own = str(row["parameter"]).replace("_", " ")
    return own if row["study"] == "shared" else f"{own} of {row['study']}"


def _recovered(tables: Tables) -> str:
    table = tables["recovery"]
    n = table.simulation.nunique()
    good: list[str] = []
    bad: list[str] = []
    for (study, parameter), group in table.groupby(["study", "parameter"], sort=False):
        sure = group.verdict == "ok"
        own = _full({"study": study, "parameter": parameter})
        (good if sure.mean() >= _OFTEN and _agreement(group) >= _OFTEN else bad).append(own)
    words = (f"In {n} simulations about the optimum {listed(good) or 'no parameter'} came back (identified in at least "
             "half of them, true and estimated values correlated by at least .5)")  # fmt: skip
    return f"{words}; {listed(bad)} did not." if bad else f"{words}."


def _agreement(group: pandas.DataFrame) -> float:
    """Correlation of true and estimated values; 0 where either does not vary."""
    true, found = group.true.to_numpy(float), group.estimate.to_numpy(float)
    kept = np.isfinite(found)
    if kept.sum() < 3 or np.ptp(true[kept]) == 0 or np.ptp(found[kept]) == 0:
        return 0.0
    return float(np.corrcoef(true[kept], found[kept])[0, 1])


def _decides(tables: Tables) -> str:
    table = tables["decisive"]
    best = table.iloc[int(table.people.to_numpy().argmin())]
    if not math.isfinite(float(best.people)):
        return "None of the experiments tried would tell the accounts apart: both shares are the same."
    return (f"In the task of the study with stimulation, but without any: {best.experiment}. The generalisation index "
            f"is {fixed(best.task)} if its own share belongs to the task, {fixed(best.length)} if it belongs to long "
            f"reactivations; {math.ceil(best.people)} people a group tell them apart with 80 % power.")  # fmt: skip


def _listings(tables: Tables) -> tuple[Listing, ...]:
    fits = tables["fits"].sort_values("aic")
    lowest = float(fits.aic.min())
    models = [
        {"model": label_of(row["model"]), "variant": row["variant"], "parameters": str(row["n_parameters"]),
         "log-likelihood": fixed(row["log_likelihood"]), "AIC": fixed(row["aic"]),
         "ΔAIC": fixed(row["aic"] - lowest)} for row in fits.to_dict("records")
    ]  # fmt: skip
    bounds = [
        {"variant": row["variant"], "study": _whose(row["study"]), "parameter": row["parameter"],
         "estimate": quantity(row["estimate"], row["unit"]), "95 %": _ends(row), "verdict": row["verdict"]}
        for row in tables["intervals"].to_dict("records")
    ]  # fmt: skip
    seen = _of(tables["predictions"], MODEL, ONE_SHARE)
    off = set(_missed(seen).observation)
    data = [
        {"study": row["study"], "observation": row["observation"], "observed": _observed(row),
         "predicted": number(row["predicted"]), "note": "missed" if row["observation"] in off else ""}
        for row in seen.to_dict("records")
    ]  # fmt: skip
    decide = [
        {"experiment": row["experiment"], "index, task": fixed(row["task"]), "index, length": fixed(row["length"]),
         "people a group": "–" if not math.isfinite(row["people"]) else str(math.ceil(row["people"]))}
        for row in tables["decisive"].to_dict("records")
    ]  # fmt: skip
    return (
        Listing("Joint fits", pandas.DataFrame(models), ("parameters", "log-likelihood", "AIC", "ΔAIC")),
        Listing("Intervals", pandas.DataFrame(bounds), ("estimate",)),
        Listing("Data and the model with one biology for all", pandas.DataFrame(data), ("observed", "predicted")),
        Listing("Experiments that could decide", pandas.DataFrame(decide),
                ("index, task", "index, length", "people a group"),
                "Predicted by the fit with a share of its own for the study with stimulation."),
    )  # fmt: skip


def _observed(row: Any) -> str:
    return row["found"] if row["kind"] == "detected" else f"{number(row['value'])} ± {number(row['error'])}"


SECTION = Section("vision", "When does visual learning generalise?", _pieces, _show, VISION)
