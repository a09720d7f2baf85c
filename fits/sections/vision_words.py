"""What the section on visual learning says, computed from its tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas

from ..family import label_of
from ..findings import LARGE_RESIDUAL, SMALL_PROBABILITY
from ..vision import (
    AS_DOPAMINE,
    DOPAMINE,
    LONG,
    MODEL,
    NO_STIMULATION,
    ONE_SHARE,
    OWN,
    OWN_ALONE,
    OWN_ERROR,
    OWN_SHARE,
)
from ..wording import capitalised, fixed, listed, number, quantity
from .section import Tables

_UNSURE = 2.0  # ΔAIC below which data do not tell apart
_OFTEN = 0.5  # share of the simulations that identify a parameter, and correlation of true and estimated values


def of(table: pandas.DataFrame, model: str, variant: str) -> pandas.DataFrame:
    return table[(table.model == model) & (table.variant == variant)]


def _aic(fits: pandas.DataFrame, model: str, variant: str) -> float:
    return float(of(fits, model, variant).aic.iloc[0])


def best(fits: pandas.DataFrame) -> str:
    own = fits[fits.variant == ONE_SHARE].sort_values("aic")
    words = [f"{label_of(row['model'])} {fixed(row['aic'])}" for row in own.to_dict("records")]
    first = own.iloc[0]
    ahead = float(own.aic.iloc[1] - first.aic) if len(own) > 1 else math.nan
    sure = "ahead of the next" if ahead > _UNSURE else "which is too little to prefer it to the next"
    return (f"Fitted jointly to {int(first.n_observations)} observations, the models have an AIC of {listed(words)}: "
            f"{label_of(str(first.model))} is lowest by {fixed(ahead)}, {sure}.")  # fmt: skip


def areas(predictions: pandas.DataFrame) -> str:
    """What models that leave the representation as it is lose by observations of IPS and EVC alone."""
    own = predictions[(predictions.variant == ONE_SHARE) & predictions.observation.str.match(r"(?:IPS|EVC)\b")]
    lost = own.groupby("model", sort=False).log_likelihood.sum()
    words = [f"{label_of(str(name))} {fixed(2 * float(lost[MODEL] - value))}" for name, value in lost.items()
             if name != MODEL]  # fmt: skip
    return ("Of what separates the rivals in AIC, the discriminability of IPS and EVC, which they leave as it is, "
            f"makes up {listed(words)}.")  # fmt: skip


def _shared(fits: pandas.DataFrame) -> float:
    """AIC of one biology for all, with or without an effect of stimulation, whichever is lower."""
    return min(_aic(fits, MODEL, ONE_SHARE), _aic(fits, MODEL, NO_STIMULATION))


def _against(change: float) -> str:
    return f"{fixed(abs(change))} {'below' if change < 0 else 'above'} that of the best"


def separator(tables: Tables) -> str:
    """Which parameter moves generalisation, and which one a study would have for itself."""
    table, fits = tables["separating"], tables["fits"]
    changed = {name: _aic(fits, MODEL, variant) - _shared(fits) for variant, name in OWN.items()}
    most = min(changed, key=lambda name: changed[name])
    moves = [f"{_words(row['parameter'])} from {fixed(row['lowest'])} to {fixed(row['highest'])}"
             for row in table.head(3).to_dict("records")]  # fmt: skip
    sure = "" if changed[most] < -_UNSURE else ", which is too little to be sure"
    return (f"What separates specific from general learning: of parameters that the study with stimulation may have "
            f"for itself, {_words(most)} does so best (its AIC is {_against(changed[most])} fit without any{sure}). "
            f"Through their search, and alone, these move the generalisation index of five-trial reactivations most: "
            f"{listed(moves)}.")  # fmt: skip


def conflict(tables: Tables) -> str:
    """Whether design alone explains why studies disagree, or only a parameter that a study has for itself."""
    fits = tables["fits"]
    gained = {variant: _shared(fits) - _aic(fits, MODEL, variant) for variant in (*OWN, OWN_ALONE, OWN_ERROR)}
    better = [variant for variant, gain in gained.items() if gain > _UNSURE]
    if better:
        verdict = f"the conflict between the studies is not explained by their designs but absorbed by {listed(better)}"
    elif max(gained.values()) > 0 or len(_missed_gains(tables)):
        verdict = ("whether their designs explain the conflict between the studies, or a parameter of one study only "
                   "absorbs it, these data do not say")  # fmt: skip
    else:
        verdict = "the designs explain the conflict as well as a parameter of a single study would"
    first = max(gained, key=lambda variant: gained[variant])
    cost = _aic(fits, MODEL, NO_STIMULATION) - _aic(fits, MODEL, ONE_SHARE)
    absorbed = _aic(fits, MODEL, OWN_ALONE) - _aic(fits, MODEL, OWN_SHARE)
    return capitalised(f"{verdict}: against the best fit with one biology, {first} changes AIC by "
                       f"{fixed(-gained[first])}, which is the best of what was tried. {_shares(tables)}An effect of "
                       f"stimulation on that share {_needed(cost)} with one biology (without it AIC changes by "
                       f"{fixed(cost)}) and {_needed(absorbed)} once the study has its own share "
                       f"({fixed(absorbed)}).")  # fmt: skip


def _needed(cost: float) -> str:
    return "is needed" if cost > _UNSURE else "is not asked for"


def _shares(tables: Tables) -> str:
    rows = intervals_of(tables, OWN_SHARE)
    if not len(rows):
        return ""
    words = [
        f"{fixed(row['estimate'])} ({ends(row)}) in {whose(row['study'], 'the others')}"
        for row in rows.to_dict("records")
    ]
    return f"With its own, the top-down share is {listed(words)}. "


def intervals_of(tables: Tables, variant: str) -> pandas.DataFrame:
    table = tables["intervals"]
    return table[table.variant == variant]


def whose(study: str, all_of_them: str = "shared") -> str:
    return all_of_them if study == "shared" else study.removeprefix("shared by ")


def ends(row: Any) -> str:
    unit = str(row["unit"])
    low, high = (
        "no limit" if math.isnan(row[name]) else quantity(float(row[name]), unit) for name in ("lower", "upper")
    )
    return f"{low} to {high}"


def _words(parameter: str) -> str:
    known = {"top_down": "the top-down share", "ips_gain": "the gain of IPS", "evc_gain": "the gain of EVC"}
    return known.get(parameter, f"the {parameter.replace('_', ' ')}")


def failures(tables: Tables) -> str:
    """What the model with one biology gets wrong, and by how much."""
    seen = of(tables["predictions"], MODEL, ONE_SHARE)
    fitted, shown = seen[seen.kind != "shown"], seen[seen.kind == "shown"]
    off, beside = missed(fitted), missed(shown)
    if len(off):
        said = f"The model with one biology misses {len(off)} of {len(fitted)} fitted observations: {_named(off)}."
    else:
        said = f"The model with one biology misses none of {len(fitted)} fitted observations."
    gains = fitted[(fitted.kind == "mean") & (fitted.study == tables["gains"].study.iloc[0])]
    pull = (gains.value - gains.predicted) / gains.error
    worst = gains.loc[pull.abs().idxmax()]
    said += (f" Of the {len(gains)} gains of {worst.study} (sum of squared residuals {fixed(float((pull**2).sum()))}) "
             f"it is furthest from {_named(gains.loc[[worst.name]])}.")  # fmt: skip
    if len(beside):
        said += (f" Published comparisons that follow from the gains, and are therefore shown and not fitted, "
                 f"contradict it in {len(beside)} of {len(shown)}: {_named(beside)}.")  # fmt: skip
    return f"{said} Stimulation acts on reactivation alone in it, and cannot change practice."


def _named(rows: pandas.DataFrame) -> str:
    names = [f"{row['observation']} in {row['study']} ({observed(row)}, predicted {number(row['predicted'], 2)})"
             for row in rows.to_dict("records")]  # fmt: skip
    return listed(names)


def observed(row: Any) -> str:
    return f"{number(row['value'])} ± {number(row['error'])}" if row["kind"] == "mean" else str(row["found"])


def missed(seen: pandas.DataFrame) -> pandas.DataFrame:
    """Means more than two standard errors off, and directions that had a probability below 5 %."""
    off = (seen.value - seen.predicted).abs() / seen.error
    chance = seen.power.where(seen.found == FOUND[True], 1 - seen.power)
    return seen[((seen.kind == "mean") & (off > LARGE_RESIDUAL)) | ((seen.kind != "mean") & (
        chance < SMALL_PROBABILITY))]  # fmt: skip


def _missed_gains(tables: Tables) -> pandas.DataFrame:
    """Fitted observations that the model with one biology misses."""
    seen = of(tables["predictions"], MODEL, ONE_SHARE)
    return missed(seen[seen.kind != "shown"])


FOUND = {True: "found", False: "not found"}


def identified(tables: Tables) -> str:
    rows = intervals_of(tables, ONE_SHARE)
    known = [_full(row) for row in rows[rows.verdict == "identified"].to_dict("records")]
    rest = [f"{_full(row)} ({row['verdict']})" for row in rows[rows.verdict != "identified"].to_dict("records")]
    words = f"The data bound {listed(known) or 'no parameter'} on both sides (profile likelihood, 95 %)"
    return f"{words}; not so {listed(rest)}." if rest else f"{words}."


def _full(row: Any) -> str:
    own = str(row["parameter"]).replace("_", " ")
    return own if row["study"] == "shared" else f"{own} of {row['study']}"


def recovered(tables: Tables) -> str:
    table = tables["recovery"]
    n = table.simulation.nunique()
    good: list[str] = []
    bad: list[str] = []
    for (study, parameter), group in table.groupby(["study", "parameter"], sort=False):
        sure, alike = float((group.verdict == "ok").mean()), _agreement(group)
        own = f"{_full({'study': study, 'parameter': parameter})} ({100 * sure:.0f} %, {fixed(alike)})"
        (good if sure >= _OFTEN and alike >= _OFTEN else bad).append(own)
    words = (f"In {n} simulations about the optimum {listed(good) or 'no parameter'} came back (share that identify "
             "it, at least half, and correlation of true and estimated values, at least .5)")  # fmt: skip
    return f"{words}; {listed(bad)} did not." if bad else f"{words}."


def _agreement(group: pandas.DataFrame) -> float:
    """Correlation of true and estimated values; 0 where either does not vary."""
    true, found = group.true.to_numpy(float), group.estimate.to_numpy(float)
    kept = np.isfinite(found)
    if kept.sum() < 3 or np.ptp(true[kept]) == 0 or np.ptp(found[kept]) == 0:
        return 0.0
    return float(np.corrcoef(true[kept], found[kept])[0, 1])


def decides(tables: Tables) -> str:
    table = tables["decisive"]
    chosen = table.iloc[int(table.people.to_numpy().argmin())]
    if not math.isfinite(float(chosen.people)):
        return "None of the experiments tried would tell the accounts apart: both shares are the same."
    return (f"Two groups in the task of the study with stimulation, but without any: one with {chosen.experiment}, and "
            f"one with {LONG}. The generalisation index of the first is {fixed(chosen.task)} if the study's own share "
            f"belongs to its task, {fixed(chosen.length)} if it belongs to long reactivations; "
            f"{math.ceil(chosen.people)} people a group tell these apart with 80 % power.")  # fmt: skip


def foretold(tables: Tables) -> str:
    """The predictions worth a test, at the ends of what each experiment varies."""
    table = tables["foretold"]

    def late(experiment: str, value: float, released: str = DOPAMINE) -> str:
        rows = table[(table.experiment == experiment) & (table.released == released)]
        return fixed(float(rows.generalisation_late.iloc[int((rows.value - value).abs().to_numpy().argmin())]))

    return (f"At the joint estimates the generalisation index two weeks after eight daily sessions is "
            f"{late('sessions', 8)} ({late('sessions', 0)} after the encoding session alone, {late('sessions', 2)} "
            f"after two sessions). It is {late('dose', 1)} where dopamine (dose 1) is released at each reactivation, "
            f"and {late('dose', 1, AS_DOPAMINE)} for noradrenaline if that drove synthesis as much, which is assumed; "
            f"{late('delay', 0)} where protein synthesis is blocked from each reactivation on, and "
            f"{late('delay', 1800)} where from 30 min after it; and {late('spacing', 600)} with sessions 10 min "
            f"apart.")  # fmt: skip
