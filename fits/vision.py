"""What the studies of visual learning say together: variants of the model, what generalises, what would decide."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas
from scipy.special import ndtri

from engram import neuromodulation
from engram.perception import PerceptualModel, VisualReactivation, designs
from engram.perception import predictions as foretell
from engram.perception.designs import last_session
from engram.protocol import Intervene, Protocol, Reactivate, Test
from engram.units import day

from .design import Slot
from .estimation import Fit, fit, summarise
from .family import SEARCHED
from .observation import Observation, Term
from .search import search
from .study import FreeParameter, Study

MODEL = "VisualReactivation"
#: Variants of the model: as it is, without stimulation, and with something that a study has for itself.
ONE_SHARE = "one biology for all"
NO_STIMULATION = "no effect of stimulation"
OWN_SHARE = "a top-down share of its own for the study with stimulation"
OWN_ALONE = "that share of its own, and no effect of stimulation"
OWN_ERROR = "a prediction error of its own for each study"
#: Parameters that the stimulated study has for itself, by the variant.
OWN = {
    OWN_SHARE: "top_down",
    "an IPS gain of its own for the study with stimulation": "ips_gain",
    "an EVC gain of its own for the study with stimulation": "evc_gain",
}
VARIANTS = (ONE_SHARE, NO_STIMULATION, *OWN, OWN_ALONE, OWN_ERROR)
_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # at which every fit begins as well: a threshold for capture leaves several optima
_OTHER = 64.0  # degrees to the untrained stimulus, as in Xie et al.
_SESSION = 1 - math.exp(-640 / 400)  # strength of an encoding session of 640 trials, as in the study files
_POWER = 0.8
LONG = "120-trial reactivations"


def stimulated(studies: Sequence[Study]) -> list[str]:
    """Studies some of whose conditions are stimulated."""
    return [
        study.id
        for study in studies
        if any(isinstance(e, Intervene) for design in study.conditions.values() for e in design.protocol.events)
    ]


def with_prediction_error(study: Study) -> Study:
    """The same study with the prediction error of its reactivations as a parameter of its own."""
    name = "prediction_error"
    free = FreeParameter(name, "1", 0.5, (0.0, 1.0), "linear", "prediction error of a reactivation")
    conditions = {}
    for key, design in study.conditions.items():
        found = [k for k, event in enumerate(design.protocol.events) if isinstance(event, Reactivate)]
        conditions[key] = dataclasses.replace(design, slots=(*design.slots, *(Slot(k, 1, name) for k in found)))
    return dataclasses.replace(study, conditions=conditions, parameters={**study.parameters, name: free})


def fit_variant(
    studies: Sequence[Study], variant: str, *, begin: Mapping[str, float] | None = None, **options: Any
) -> Fit:
    """The model fitted jointly, in one of ``VARIANTS``; ``options`` as for :func:`fits.fit`.

    Beside the starts of that function, searches begin at its optimum with five other top-down shares.

    Raises
    ------
    ValueError
        An unknown variant.
    """
    chosen = list(studies)
    if variant not in VARIANTS:
        raise ValueError(f"unknown variant {variant!r}; use one of {', '.join(VARIANTS)}")
    if variant in OWN or variant == OWN_ALONE:
        name = OWN.get(variant, "top_down")
        options["split"] = {name: {study: study for study in stimulated(studies)}}
    if variant in (NO_STIMULATION, OWN_ALONE):
        chosen = [_held(study, stimulation_shift=0.0) for study in studies]
    if variant == OWN_ERROR:
        chosen = [with_prediction_error(study) for study in studies]
    first = fit(chosen, MODEL, begin=begin, **options)
    began = time.perf_counter()
    places = [k for k, c in enumerate(first.objective.coordinates) if c.name == "top_down"]
    rows = list(first.rows)
    for share in _SHARES:
        position = first.position.copy()
        position[places[-1]] = share  # its own, where there is one
        rows.append(search(first.objective, position))
    return summarise(first.objective, rows, first.seed, first.seconds + time.perf_counter() - began)


def with_start(one: Fit, optimum: Mapping[str, float]) -> Fit:
    """The fit with one more search, from the optimum of a fit that it contains: it is then at least as likely.

    A parameter that a study has for itself here begins at what all share there.
    """
    began = time.perf_counter()
    coordinates = one.objective.coordinates
    position = [c.inward(optimum[c.name_in_full if c.name_in_full in optimum else c.name]) for c in coordinates]
    rows = [*one.rows, search(one.objective, np.array(position))]
    return summarise(one.objective, rows, one.seed, one.seconds + time.perf_counter() - began)


def _held(study: Study, **values: float) -> Study:
    return dataclasses.replace(study, model_values={**study.model_values, **values})


def fitted_model(one: Fit, study: str, **changes: float) -> PerceptualModel:
    """The model with the parameters that a fit gives a study."""
    model: PerceptualModel = one.model_for(study)
    return model.with_(**changes) if changes else model


def index_at(model: PerceptualModel, protocol: Protocol, offset: float = _OTHER) -> float:
    """Generalisation index a day after the last session."""
    when = [last_session(protocol) + 1 * day]
    trained, other = model.thresholds(protocol, [0.0, offset], when)[0]
    untrained = model.untrained()
    return float((untrained - other) / (untrained - trained)) if untrained - trained > 1e-9 else 0.0


def separating(one: Fit, study: str, steps: int = 9) -> pandas.DataFrame:
    """How far each shared parameter alone moves the generalisation index, the others at the optimum.

    Five-trial reactivations (eight days) of the stimulus of ``study``; each parameter runs through its search.

    Returns
    -------
    pandas.DataFrame
        parameter, lowest, highest (index), width; the widest first.
    """
    model, protocol = fitted_model(one, study), designs.reactivation()
    rows = []
    for name, ((low, high), scale) in SEARCHED[MODEL].items():
        values = np.geomspace(low, high, steps) if scale == "log" else np.linspace(low, high, steps)
        found = [index_at(model.with_(**{name: float(value)}), protocol) for value in values]
        rows.append((name, min(found), max(found), max(found) - min(found)))
    table = pandas.DataFrame(rows, columns=["parameter", "lowest", "highest", "width"])
    return table.sort_values("width", ascending=False, kind="stable", ignore_index=True)


def decisive(own: Fit, study: str, others: str) -> pandas.DataFrame:
    """What experiments would find if the own share of ``study`` belongs to its task, or to its long reactivations.

    ``own`` is the fit with a share for ``study`` and one for the rest, that of ``others``. Under the first account the
    task keeps the share of ``study`` whatever the reactivation; under the second, reactivations of five trials have
    that of the rest. Each experiment stands beside a group with reactivations of 120 trials, for which both accounts
    predict the same. Gains are logarithmic, with the spread between people of ``study``; people are those a group that
    tell the accounts apart with 80 % power (two-sided, α = .05; gains at two orientations that do not correlate).

    Returns
    -------
    pandas.DataFrame
        experiment, task, length (generalisation index under each account), difference (of trained minus untrained
        gain, standardised), people.
    """
    task = fitted_model(own, study)
    length = task.with_(top_down=fitted_model(own, others).top_down)
    spread = own.objective.predictors[list(own.studies).index(study)].response(_own(own, study)).spread
    rows = []
    for name, protocol, first, second in (
        ("five-trial reactivations, 2 sessions", _few(2), task, length),
        ("five-trial reactivations, 8 sessions", _few(8), task, length),
        (f"{LONG}, 8 sessions", _few(8, 120), task, task),
        (f"{LONG}, 2 sessions, two weeks later", _few(2, 120), task, task),
    ):
        when = [last_session(protocol) + (14 if "weeks" in name else 1) * day]
        gaps = []
        for model in (first, second):
            trained, other = np.log(model.untrained() / model.thresholds(protocol, [0.0, _OTHER], when)[0])
            gaps.append((trained - other) / spread)
        apart = abs(gaps[0] - gaps[1])
        people = math.inf if apart < 1e-6 else 2 * 2 * ((ndtri(0.975) + ndtri(_POWER)) / apart) ** 2
        rows.append((name, index_at(first, protocol), index_at(second, protocol), apart, people))
    return pandas.DataFrame(rows, columns=["experiment", "task", "length", "difference", "people"])


def _few(sessions: int, trials: int = 5) -> Protocol:
    return designs.reactivation(sessions, trials=trials, encoding=_SESSION)


def _own(one: Fit, study: str) -> dict[str, float]:
    """A study's own parameters at the optimum."""
    source = one.objective.studies[list(one.studies).index(study)]
    own = {parameter.name: parameter.start for parameter in source.parameters.values()}
    rows = one.estimates[one.estimates.study == study]
    return {**own, **dict(zip(rows.parameter, map(float, rows.estimate), strict=True))}


def gains(one: Fit, study: str, offsets: Sequence[float]) -> pandas.DataFrame:
    """Standardised gain against the offset in every condition of a study, with its own spread.

    Returns
    -------
    pandas.DataFrame
        condition, offset (degrees), gain (in standard deviations between people).
    """
    place = list(one.studies).index(study)
    predictor = one.objective.predictors[place]
    response = predictor.response(_own(one, study))
    model = fitted_model(one, study)
    rows: list[tuple[str, float, float]] = []
    for name, design in predictor.study.conditions.items():
        when = [max(event.at for event in design.protocol.events if isinstance(event, Test))]
        shown = np.minimum(model.thresholds(design.protocol, list(offsets), when)[0], model.period / 4)
        gain = np.log(model.untrained() / shown) / response.spread
        rows += [(name, float(x), float(y)) for x, y in zip(offsets, gain, strict=True)]
    return pandas.DataFrame(rows, columns=["condition", "offset", "gain"])


def against_offset(one: Fit, offsets: Sequence[float]) -> pandas.DataFrame:
    """Threshold relative to the untrained against the offset, in every condition of which a gain was measured.

    Returns
    -------
    pandas.DataFrame
        study, condition, offset (degrees), threshold (1 = untrained).
    """
    rows: list[tuple[str, str, float, float]] = []
    for predictor in one.objective.predictors:
        study = predictor.study
        model = fitted_model(one, study.id)
        for name in dict.fromkeys(term.condition for _, term in _measured(study)):
            design = study.conditions[name]
            when = [max(event.at for event in design.protocol.events if isinstance(event, Test))]
            shown = np.minimum(model.thresholds(design.protocol, list(offsets), when)[0], model.period / 4)
            relative = shown / model.untrained()
            rows += [(study.id, name, float(x), float(y)) for x, y in zip(offsets, relative, strict=True)]
    return pandas.DataFrame(rows, columns=["study", "condition", "offset", "threshold"])


def measured(one: Fit) -> pandas.DataFrame:
    """Published gains as thresholds relative to the untrained, by the spread or the baseline that a fit gives a study.

    A standardised gain d is the threshold exp(−d·s), a scaled gain of g units 1 − g/baseline.

    Returns
    -------
    pandas.DataFrame
        study, condition, offset (degrees), threshold, lower, upper (at one standard error; 1 = untrained).
    """
    rows = []
    for predictor in one.objective.predictors:
        response = predictor.response(_own(one, predictor.study.id))
        for o, term in _measured(predictor.study):
            assert o.value is not None
            ends = o.value, o.value + o.error, o.value - o.error
            if o.score == "standardised_gain":
                values = [math.exp(-end * response.spread) for end in ends]
            else:
                values = [1 - end / response.scale for end in ends]
            rows.append((predictor.study.id, term.condition, term.offset, *values))
    return pandas.DataFrame(rows, columns=["study", "condition", "offset", "threshold", "lower", "upper"])


def _measured(study: Study) -> list[tuple[Observation, Term]]:
    """Gains of which the size was published, each in one condition at one stimulus."""
    scores = "standardised_gain", "scaled_gain"
    return [(o, o.terms[0]) for o in study.observations if o.kind == "mean" and o.score in scores and len(o.terms) == 1]


#: The experiments of :mod:`engram.perception.predictions`, by the first column of their tables.
FORETOLD: dict[str, Callable[..., pandas.DataFrame]] = {
    "sessions": foretell.retention,
    "dose": foretell.release_at_reactivation,
    "delay": foretell.blocked_consolidation,
    "spacing": foretell.spacing,
}
DOPAMINE, AS_DOPAMINE = "dopamine", "noradrenaline, if it drove synthesis as dopamine does"


def foretold(model: VisualReactivation) -> pandas.DataFrame:
    """What a model predicts of the experiments of ``FORETOLD``, one below the other.

    The release is drawn twice: of dopamine, and of noradrenaline with the drive of dopamine, which is assumed: by
    default noradrenaline has no effect, for want of a quantitative source.

    Returns
    -------
    pandas.DataFrame
        experiment (a key of ``FORETOLD``), released, value, and the columns of :mod:`engram.perception.predictions`.
    """
    parts = [(name, DOPAMINE, make(model)) for name, make in FORETOLD.items()]
    driving = neuromodulation.table(dataclasses.replace(neuromodulation.NORADRENALINE, drive_weight=2.0))
    able = model.with_(consolidation=model.consolidation.with_(neuromodulators=driving))
    parts.append(("dose", AS_DOPAMINE, foretell.release_at_reactivation(able, modulator="noradrenaline")))
    return pandas.concat(
        [made.rename(columns={name: "value"}).assign(experiment=name, released=released)
         for name, released, made in parts],
        ignore_index=True,
    )  # fmt: skip
