"""Questions about mechanism, each answered by fits: an estimate, an interval, and what would change the answer.

Every answer rests on fits of variants of the shipped studies (:mod:`fits.variants`) or on the joint fits, and says so;
a null, a tie or a failure is an answer like any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas
from matplotlib.figure import Figure
from scipy.stats import chi2

from engram import curves
from engram.consolidation import ConsolidationModel
from engram.units import hour

from . import mechanism_figures as drawn
from .bands import curve_band
from .comparison import compare
from .estimation import Fit, fit
from .figures import label_of
from .findings import preference
from .mechanism_tables import (
    DRAWS,
    estimates_table,
    from_draws,
    from_function,
    from_profile,
    lengths,
    variants_table,
)
from .profile import profile
from .study import Study
from .variants import group_of, with_modulator, without_reactivation

#: The tag's clock in each capture model: what a tag decays with.
CLOCKS = {"ThresholdCapture": "tau_early", "LinearCapture": "tau_tag"}
_CAPTIONS = {
    "retroactive-window": "Above, simulated with the jointly fitted biology: enhancement of a neutral memory, with its "
    "band. Below, every published interval at which an effect was significant or not (without drugs).",
    "saturation": "Simulated with the jointly fitted biology: enhancement against the dose released, with its band.",
    "tag-clocks": "The decay of the tag, estimated from all studies, and with a value of its own for slices.",
    "reactivation-or-tagging": "What the fit of Zhu 2022 loses when part of the mechanism is taken away.",
    "eligibility-or-capture": "Observed (standard errors) and predicted EPSPs of Brzosko 2015, variants of one model.",
    "open-to-change": "Above, simulated with the jointly fitted biology: what a block of protein synthesis costs, with "
    "its band. Below, the delays that were tried.",
}
_NEUTRAL: dict[str, Any] = dict(relatedness=0.5, strength=0.4)


@dataclass(frozen=True)
class Answer:
    """One question about mechanism and what the fits say.

    Attributes
    ----------
    name : str
        Of its figure and table.
    estimates : DataFrame
        model, quantity, unit, estimate, lower, upper (95 %), note.
    comparison : DataFrame
        What was compared: variant, model, n_parameters, log_likelihood, aic, delta_aic (within each model).
    change : str
        What would change the answer.
    """

    name: str
    question: str
    answer: str
    estimates: pandas.DataFrame
    comparison: pandas.DataFrame
    change: str
    figure: Figure

    @property
    def caption(self) -> str:
        return _CAPTIONS[self.name]


def answers(
    joint: Sequence[Fit], separate: Mapping[str, Sequence[Fit]], *, starts: int = 6, seed: int = 1,
    workers: int | None = None, progress: Callable[[], Any] | None = None,
) -> list[Answer]:  # fmt: skip
    """All questions that the fitted studies allow.

    Parameters
    ----------
    joint : sequence of Fit
        All studies together, one fit a model, with shared biology.
    separate : mapping of str to sequence of Fit
        Each study alone.
    starts, seed, workers
        Of the fits of variants.
    progress : callable, optional
        Called as each question is answered.

    Raises
    ------
    ValueError
        The joint fits hold no capture model.
    """
    capture = [one for one in joint if one.model in CLOCKS]
    if not capture:
        raise ValueError(f"the joint fits are of {', '.join(one.model for one in joint)}; add a capture model")
    options = dict(starts=starts, seed=seed, workers=workers)
    studies = {study.id: study for study in capture[0].objective.studies}
    made = []
    for ask in (
        lambda: retroactive_window(joint, capture, seed),
        lambda: salience(joint, capture, separate, seed),
        lambda: tag_clocks(capture, options),
        lambda: reactivation_or_tagging(studies, capture, options),
        lambda: eligibility_or_capture(studies, capture, options),
        lambda: open_to_change(capture, seed),
    ):
        answer = ask()
        if answer is not None:
            made.append(answer)
        if progress is not None:
            progress()
    return made


def window_length(model: ConsolidationModel) -> float:
    """Interval (s) at which the retroactive enhancement of a neutral memory has fallen to half its largest value."""
    times = np.linspace(0, 12 * hour, 73)
    curve = curves.retroactive_enhancement(model, times, **_NEUTRAL)
    return _half(times, curve.enhancement.to_numpy())


def open_length(model: ConsolidationModel) -> float:
    """Delay (s) of a block of protein synthesis after a reminder at which it does half its largest harm."""
    times = np.linspace(0, 12 * hour, 73)
    return _half(times, curves.reconsolidation_window(model, times).loss.fillna(0.0).to_numpy())


def _half(times: np.ndarray, values: np.ndarray) -> float:
    """Where a curve last falls through half of its largest value; NaN where it never rises or never falls so far."""
    top = float(values.max())
    above = np.flatnonzero(values >= 0.5 * top)
    if top < 1e-6 or above[-1] == len(values) - 1:
        return math.nan
    k = int(above[-1])
    share = (values[k] - 0.5 * top) / (values[k] - values[k + 1])
    return float(times[k] + share * (times[k + 1] - times[k]))


def retroactive_window(joint: Sequence[Fit], capture: Sequence[Fit], seed: int) -> Answer:
    """Is there a retroactive window, and how long is it?"""
    times = np.linspace(0, 6 * hour, 49)
    bands = {
        one.model: curve_band(one, curves.retroactive_enhancement, intervals=times, draws=DRAWS, seed=seed, **_NEUTRAL)
        for one in capture
    }
    estimates = estimates_table(
        [from_function(one, window_length, "half-length of the retroactive window", "s", seed) for one in capture]
    )
    comparison = compare(joint)
    against = comparison[~comparison.model.isin(list(CLOCKS))]
    lead = float(against.delta_aic.min()) if len(against) else math.nan
    halves = lengths(estimates)
    exists = (
        f"Yes: a model without capture lacks {lead:.0f} units of AIC over all studies."
        if lead > 10
        else f"These data do not say so surely: a model without capture lacks {lead:.1f} units of AIC."
    )
    return Answer(
        "retroactive-window",
        "Is there a retroactive window, and how long is it?",
        f"{exists} The enhancement of a neutral memory (strength .4, relatedness .5) falls to half at: {halves}.",
        estimates,
        variants_table({"all studies": joint}, within_model=False),
        "An emotional event at five or more intervals between 0 and 6 h after encoding, within one experiment, with "
        "means and errors: single directions at two or three intervals leave the length to the assumed spread.",
        drawn.window(bands, capture[0].objective.studies),
    )


def salience(
    joint: Sequence[Fit], capture: Sequence[Fit], separate: Mapping[str, Sequence[Fit]], seed: int
) -> Answer | None:
    """Does capture saturate in salience: threshold against linear?"""
    if len(capture) < 2:
        return None
    doses = np.linspace(0, 5, 31)
    bands = {
        one.model: curve_band(one, curves.salience_response, doses=doses, draws=DRAWS, seed=seed, **_NEUTRAL)
        for one in capture
    }

    def saturation(model: ConsolidationModel) -> float:
        values = curves.salience_response(model, [1.0, 3.0], **_NEUTRAL).enhancement
        return float(values[1] / values[0]) if values[0] > 1e-9 else math.nan

    estimates = estimates_table([
        from_function(one, saturation, "enhancement at dose 3 over dose 1", "1", seed) for one in capture
    ])  # fmt: skip
    table = compare(capture)
    said = preference(table)
    by_study = {name: compare([one for one in group if one.model in CLOCKS]) for name, group in separate.items()}
    telling = {name: t for name, t in by_study.items() if t.delta_aic.max() >= 2}
    which = ", ".join(f"{name} ({label_of(t.model[0])} by {t.delta_aic.max():.1f})" for name, t in telling.items())
    return Answer(
        "saturation",
        "Does capture saturate in salience: threshold against linear capture?",
        f"Over all studies, {said}. Fitted alone, these tell the two apart by 2 units of AIC or more: "
        f"{which or 'none'}.",
        estimates,
        variants_table(
            {
                "all studies": capture,
                **{
                    name: [one for one in group if one.model in CLOCKS]
                    for name, group in separate.items()
                    if name in telling
                },
            },
            within_model=False,
        ),
        "Three or more levels of salience (shock intensity, dose of a D1/D5 agonist) at one interval: under threshold "
        "capture the enhancement reaches a plateau at a least dose, under linear capture it goes on growing.",
        drawn.salience(bands),
    )


def tag_clocks(capture: Sequence[Fit], options: Mapping[str, Any]) -> Answer | None:
    """One tag clock for slices and people, or two?"""
    rows, estimates, said = {}, [], []
    for one in capture:
        studies = one.objective.studies
        groups = {study.id: group_of(study) for study in studies}
        if not {"slices", "people"} <= set(groups.values()):
            return None
        clock = CLOCKS[one.model]
        slices = {name: "slices" for name, group in groups.items() if group == "slices"}
        two = fit(studies, one.objective.model, **{**options, "starts": 1}, split={clock: slices}, begin=one.optimum)
        rows[one.model] = {"one clock": one, "two clocks": two}
        gain = max(0.0, 2 * (two.log_likelihood - one.log_likelihood))
        p = (
            float(chi2.sf(gain, two.n_parameters - one.n_parameters))
            if two.n_parameters > one.n_parameters
            else math.nan
        )
        said.append(f"{label_of(one.model)} gains {gain:.1f} in twice the log-likelihood (p = {p:.2g})")
        for label, result, names in (("all", one, [clock]), ("own", two, [clock, f"{clock} (slices)"])):
            for name in names:
                whose = "slices" if "slices" in name else "all studies" if label == "all" else "people, animals"
                estimates.append(from_draws(result, name, f"{clock}, {whose}", options["seed"]))
    better = [m for m, pair in rows.items() if pair["two clocks"].aic < pair["one clock"].aic - 2]
    verdict = (
        f"Two clocks are preferred under {' and '.join(map(label_of, better))}"
        if better
        else "The data do not ask for two clocks"
    )
    table = pandas.concat(
        [variants_table({name: [one] for name, one in pair.items()}) for pair in rows.values()], ignore_index=True
    )
    return Answer(
        "tag-clocks",
        "One tag clock for slices and people, or two?",
        f"{verdict}: with a clock of their own for slices, {'; '.join(said)}.",
        estimates_table(estimates),
        table,
        "In people, an interval just beyond what slices allow (2 to 4 h after encoding) that is reliably found or "
        "reliably not found; in slices, means with errors at intervals between 1 and 3 h.",
        drawn.intervals(estimates_table(estimates)),
    )


def reactivation_or_tagging(
    studies: Mapping[str, Study], capture: Sequence[Fit], options: Mapping[str, Any]
) -> Answer | None:
    """Does emotional learning in Zhu act by reactivation of strong traces, and can one model hold both?"""
    if "zhu_2022" not in studies:
        return None
    study = studies["zhu_2022"]
    variants = {
        "reactivation and tagging": study,
        "reactivation alone (no protein drive)": with_modulator(study, "dopamine", drive_weight=0.0),
        "tagging alone (no conversion)": with_modulator(study, "dopamine", conversion=0.0),
        "no reactivation": without_reactivation(study),
    }
    made = {name: [fit([v], m.model, shared=False, **options) for m in capture] for name, v in variants.items()}
    table = variants_table(made)
    said = []
    for index, one in enumerate(capture):
        full = made["reactivation and tagging"][index]
        lost = made["no reactivation"][index].aic - full.aic
        without_drive = made["reactivation alone (no protein drive)"][index].aic - full.aic
        together = one.predictions[one.predictions.study == "zhu_2022"].log_likelihood.sum()
        said.append(
            f"under {label_of(one.model)}, taking reactivation away costs {lost:.1f} units of AIC and taking the "
            f"proteins away {without_drive:.1f}; one biology for all studies changes the log-likelihood of this one by "
            f"{together - full.log_likelihood:+.1f}".replace(" -", " −")
        )
    estimates = []
    for index, one in enumerate(capture):
        row = profile(made["reactivation and tagging"][index], parameters=["zhu_2022.tau_eligibility"]).intervals
        estimates += [from_profile(one, "eligibility after reactivation", r) for r in row.to_dict("records")]
    return Answer(
        "reactivation-or-tagging",
        "Does emotional learning act by reactivation of strong traces rather than by tagging weak ones (Zhu 2022)?",
        f"{'; '.join(said)[0].upper()}{'; '.join(said)[1:]}.",
        estimates_table(estimates),
        table,
        "The same design tested at 24 h, with and without the face shown again during emotional learning: tagging "
        "predicts a benefit that grows with time and without the face, reactivation one that needs the face.",
        drawn.variants(table),
    )


def eligibility_or_capture(
    studies: Mapping[str, Study], capture: Sequence[Fit], options: Mapping[str, Any]
) -> Answer | None:
    """Is the timing of dopamine in minutes consistent with eligibility or with capture?"""
    if "brzosko_2015" not in studies:
        return None
    study = studies["brzosko_2015"]
    variants = {
        "eligibility (conversion alone)": with_modulator(study, "dopamine", drive_weight=0.0),
        "capture (proteins alone)": with_modulator(study, "dopamine", conversion=0.0),
        "both": study,
    }
    made = {name: [fit([v], m.model, shared=False, **options) for m in capture] for name, v in variants.items()}
    table = variants_table(made)
    said, estimates = [], []
    for index, one in enumerate(capture):
        eligible, captured = (made[name][index] for name in list(variants)[:2])
        said.append(
            f"under {label_of(one.model)}, eligibility is ahead of capture by {captured.aic - eligible.aic:.1f} units "
            "of AIC"
        )
        row = profile(eligible, parameters=["brzosko_2015.tau_eligibility"]).intervals
        estimates += [from_profile(one, "eligibility of paired synapses", r) for r in row.to_dict("records")]
    first = "; ".join(said)
    return Answer(
        "eligibility-or-capture",
        "Is the timing of dopamine in minutes consistent with eligibility or with capture (Brzosko 2015)?",
        f"{first[0].upper()}{first[1:]}. Capture keeps the sign that encoding gave and acts over hours; a depression "
        "that dopamine turns into potentiation within minutes asks for conversion of what is eligible.",
        estimates_table(estimates),
        table,
        "Dopamine after pairings that potentiate, at 1, 5, 10 and 30 min, read at 40 min and at 4 h, with and without "
        "a blocker of protein synthesis.",
        drawn.timing(study, {name: group[0] for name, group in made.items()}),
    )


def open_to_change(capture: Sequence[Fit], seed: int) -> Answer:
    """When is a reactivated memory open to change?"""
    delays = np.linspace(0, 8 * hour, 49)
    bands = {
        one.model: curve_band(one, curves.reconsolidation_window, delays=delays, draws=DRAWS, seed=seed)
        for one in capture
    }
    estimates = estimates_table(
        [from_function(one, open_length, "delay at which a block does half its harm", "s", seed) for one in capture]
    )
    halves = lengths(estimates)
    return Answer(
        "open-to-change",
        "When is a reactivated memory open to change?",
        f"A block of protein synthesis does half its harm at a delay of: {halves}. At 6 h it does none in the data; "
        "without a reminder, none in the models by construction.",
        estimates,
        variants_table({"all studies": capture}, within_model=False),
        "Blocks that begin at 1, 2, 3 and 4 h after the reminder: there are no data between the first hour and the "
        "sixth, and the length follows from the assumed clearance of what a surprise releases.",
        drawn.reconsolidation(bands, capture[0].objective.studies),
    )
