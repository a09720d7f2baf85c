"""What an experiment that is being planned could tell: which models, which parameters, with how many people.

Nothing is simulated. For each candidate the expected answers under a model are its probabilities.

Interval   With I the expected information of one person's trials at the population's centre, and τ the spread of people
           (:mod:`fits.people.population`), N people know the centre to (N A)⁻¹, A = T − T(I + T)⁻¹T, T = diag τ⁻²: what
           their trials leave open, and what their differences do.
Models     The rival that comes nearest to the answers expected under a model gives the expected gain in log-likelihood
           of a person, K (the Kullback-Leibler divergence), and its variance V over their answers. With N people the
           gain is N·K ± √(N·V), near enough normal, and it exceeds the threshold with the power asked for once
           N·K − z√(N·V) ≥ threshold. People are taken as alike for this, and the rival is free to fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas
from scipy.special import logit, ndtri
from scipy.stats import qmc

from engram.consolidation import ConsolidationModel
from engram.protocol import Test

from ..objective import _study_coordinate
from ..prediction import NODES, Predictor, model_class
from ..study import RESPONSES, Observation, Study, Term
from ..tables import StudyError
from .em import person_posterior
from .errors import resolved
from .likelihood import Layout, PeopleLikelihood
from .scale import Scale

SPREAD = 0.5  # of people about the centre on the scale of a logit, where no fit gives it; assumed
THRESHOLD = 3.0  # log-likelihood: 20 to 1
POWER = 0.8
_MANY = 1e4  # people whose expected answers the rival is fitted to, so that its prior does not matter
_VAGUE = 10.0  # SD of the rival's prior on the scale of a logit
_FAR = 6.0  # η of a parameter near its bound: where a model contains its rival, it is often there
_ELSEWHERE = 8  # other places from which the rival is fitted
_MOST_PEOPLE = 1_000_000


@dataclass(frozen=True, eq=False)
class DesignComparison:
    """Candidate experiments side by side.

    Attributes
    ----------
    models : DataFrame
        candidate, truth, rival, gain (expected log-likelihood of a person), gain_sd, people (NaN: no number tells them
        apart).
    parameters : DataFrame
        candidate, model, parameter, unit, value (the centre), sd_one (standard error of the centre from one person, in
        the parameter's unit), people (for the half-width asked for; NaN where the design does not identify it),
        resolved (share of the variance between people that one person's trials resolve).
    """

    models: pandas.DataFrame
    parameters: pandas.DataFrame
    half_width: float

    def best(self) -> pandas.DataFrame:
        """Candidates by the people they need to tell the hardest pair of models apart, fewest first."""
        people = self.models.people.fillna(math.inf)
        worst = self.models.assign(people=people).groupby("candidate", sort=False).people.max()
        return worst.sort_values(kind="stable").reset_index()


def compare_designs(
    candidates: Sequence[Study] | Mapping[str, Study],
    models: Sequence[str | ConsolidationModel],
    *,
    trials: int = 1,
    lures: int | None = None,
    values: Mapping[str, Mapping[str, float]] | None = None,
    spread: float | Mapping[str, float] = SPREAD,
    half_width: float = 0.1,
    threshold: float = THRESHOLD,
    power: float = POWER,
) -> DesignComparison:
    """Compare experiments before they are run.

    Parameters
    ----------
    candidates : sequence of Study, or mapping of name to Study
        Designs that differ in delays, doses or tests; of each, every Test of every condition is answered.
    models : sequence of str or ConsolidationModel
        With two or more, how well each is told from each other one; not where one of them feels no parameter of the
        design, and is not free to fit.
    trials : int
        Answers to each Test by one person.
    lures : int, optional
        Answers to new items by one person, where the response knows of such; as many as there are to old ones by
        default.
    values : mapping of model to mapping of parameter to number, optional
        What is taken as true, such as the medians of a fit; the study's start values otherwise.
    spread : float or mapping of parameter to number
        τ, how much people differ on the scale of a logit.
    half_width : float
        Half of the 95 % interval that is wanted of a parameter's centre, as a share of the width of its bounds.
    threshold, power : float
        Gain in log-likelihood that counts as telling models apart, and how probably it must be reached.

    Raises
    ------
    StudyError
        A response without outcomes.
    ValueError
        No candidates or models, or numbers out of range.

    Examples
    --------
    >>> import fits
    >>> from fits.people.design import compare_designs
    >>> found = compare_designs([fits.load_study("hennings_2021")], ["EncodingOnly"])
    >>> found.parameters.parameter.tolist()[:2]
    ['strength_before', 'strength_during']
    """
    named = dict(candidates) if isinstance(candidates, Mapping) else {one.id: one for one in candidates}
    if not named or not models:
        raise ValueError("nothing to compare; give at least one candidate and one model")
    if not isinstance(candidates, Mapping) and len(named) < len(candidates):
        raise ValueError("two candidates have the same identifier; give each its own, or a mapping of name to study")
    for what, number, low, high in (
        ("trials", trials, 1, math.inf), ("lures", lures or 0, 0, math.inf), ("half_width", half_width, 1e-6, 1),
        ("threshold", threshold, 1e-6, math.inf), ("power", power, 0.5, 0.9999),
    ):  # fmt: skip
        if not low <= number <= high:
            raise ValueError(f"{what} is {number!r}; give a number from {low:g} to {high:g}")
    models = [models] if isinstance(models, str) else models
    _check_names(named, models, values or {}, spread)
    told: list[dict[str, Any]] = []
    known: list[dict[str, Any]] = []
    plans_of = {  # all of them first, so that an unusable candidate is refused before a long one is compared
        name: [_Plan.of(study, model, trials, lures, values or {}) for model in models] for name, study in named.items()
    }
    for name, plans in plans_of.items():
        for plan in plans:
            known += [dict(candidate=name, **row) for row in _parameters(plan, spread, half_width)]
            for rival in plans:
                if rival is not plan and len(plan.centre) and len(rival.centre):
                    told.append(dict(candidate=name, **_against(plan, rival, threshold, power)))
    columns = ["candidate", "truth", "rival", "gain", "gain_sd", "people"]
    own = ["candidate", "model", "parameter", "unit", "value", "sd_one", "people", "resolved"]
    return DesignComparison(pandas.DataFrame(told, columns=columns), pandas.DataFrame(known, columns=own), half_width)


def _check_names(
    studies: Mapping[str, Study], models: Sequence[str | ConsolidationModel],
    values: Mapping[str, Mapping[str, float]], spread: float | Mapping[str, float],
) -> None:  # fmt: skip
    """``ValueError`` for values of models, or spreads of parameters, that are not there."""
    known = [model if isinstance(model, str) else type(model).__name__ for model in models]
    unknown = [name for name in values if name not in known]
    if unknown:
        raise ValueError(f"values names {', '.join(unknown)}; the models are {', '.join(known)}")
    parameters = list(dict.fromkeys(name for study in studies.values() for name in study.parameters))
    unknown = [name for name in spread if name not in parameters] if isinstance(spread, Mapping) else []
    if unknown:
        raise ValueError(f"spread names {', '.join(unknown)}; the parameters are {', '.join(parameters)}")


@dataclass(frozen=True, eq=False)
class _Plan:
    """A candidate under one model, with one person's expected answers."""

    model: str
    likelihood: PeopleLikelihood
    centre: np.ndarray  # η

    @classmethod
    def of(
        cls, study: Study, model: str | ConsolidationModel, trials: int, lures: int | None,
        values: Mapping[str, Mapping[str, float]],
    ) -> _Plan:  # fmt: skip
        likelihood = planned(study, model, trials, lures)
        centre = layout_centre(likelihood.layouts[0], values.get(type(likelihood.model).__name__, {}))
        expected = [
            counts.sum(axis=1, keepdims=True) * p
            for counts, p in zip((likelihood.old[0], likelihood.lures[0]), likelihood.probabilities(0, centre),
                                 strict=True)
        ]  # fmt: skip
        told = PeopleLikelihood.of_layout(likelihood.layouts[0], [expected[0]], [expected[1]])
        return cls(type(likelihood.model).__name__, told, centre)


def planned(
    study: Study, model: str | ConsolidationModel, trials: int = 1, lures: int | None = None
) -> PeopleLikelihood:
    """One person who answers ``trials`` times to every Test of a design, and ``lures`` times to new items.

    What the answers are is not said: they are counted as the first outcome. ``StudyError`` for a response without
    outcomes.
    """
    instance = model_class(model)(nodes=NODES) if isinstance(model, str) else model
    response = RESPONSES[study.response]
    if not response.outcomes:
        raise StudyError(
            f"{study.path}: response.type: {study.response!r} has no outcomes whose probabilities could be compared"
        )
    predictor = _asked(study, instance)
    tests = len(predictor.test_places())
    coordinates = [_study_coordinate(study.id, study.parameters[name]) for name in predictor.parameters]
    members = np.array(list(predictor.test_places().values()), dtype=np.intp)
    layout = Layout(predictor, members, np.arange(tests), coordinates)
    new = lures if lures is not None else trials * tests
    kinds = 1 if new and hasattr(response, "lure_probabilities") else 0
    counts = [np.zeros((rows, len(response.outcomes))) for rows in (tests, kinds)]
    for table, n in zip(counts, (trials, new), strict=True):
        table[:, 0] = n
    return PeopleLikelihood.of_layout(layout, [counts[0]], [counts[1]])


def layout_centre(layout: Layout, own: Mapping[str, float]) -> np.ndarray:
    """η of what is taken as true: ``own``, and start values elsewhere."""
    scale = Scale(layout.coordinates)
    unknown = [name for name in own if name not in scale.names]
    if unknown:
        raise ValueError(f"values names {', '.join(unknown)}; the parameters are {', '.join(scale.names)}")
    for name, (low, high) in zip(scale.names, (c.bounds for c in layout.coordinates), strict=True):
        if name in own and not low <= own[name] <= high:
            raise ValueError(f"values: {name} is {own[name]:g}; its bounds are {low:g} and {high:g}")
    starts = scale.outward(scale.starts)
    return scale.inward(np.array([own.get(name, start) for name, start in zip(scale.names, starts, strict=True)]))


def _asked(study: Study, model: ConsolidationModel) -> Predictor:
    """The study with all of its Tests as what is observed."""
    terms = [
        Term(1.0, name, event.trace, event.at)
        for name, design in study.conditions.items() for event in design.protocol.events if isinstance(event, Test)
    ]  # fmt: skip
    asked = Observation("answers", "shown", tuple(terms), RESPONSES[study.response].score_names[0], 1.0, None,
                        math.nan, None, None, "", "1", "", None, "", "", "C", "")  # fmt: skip
    return Predictor(replace(study, observations=(asked,)), model)


def _parameters(plan: _Plan, spread: float | Mapping[str, float], half_width: float) -> list[dict[str, Any]]:
    scale = plan.likelihood.scale
    if not len(scale):
        return []
    tau = np.array([spread.get(name, SPREAD) if isinstance(spread, Mapping) else spread for name in scale.names])
    if not (np.isfinite(tau) & (tau > 0)).all():
        raise ValueError(f"spread is {spread!r}; give positive numbers")
    information = plan.likelihood.evaluate(0, plan.centre).information
    tight = np.diag(tau**-2.0)
    covariance = np.linalg.inv(information + tight)
    one_person = resolved(information, tau)
    values, vectors = np.linalg.eigh(one_person)
    seen = values > 1e-10 * values.max() if values.max() > 0 else np.zeros(len(values), dtype=bool)
    inverse = (vectors[:, seen] / values[seen]) @ vectors[:, seen].T
    blind = (vectors[:, ~seen] ** 2).sum(axis=1) > 1e-6
    # the wanted half-width is a share of the bounds on the search scale, where d x/dη = width·share·(1 − share)
    share = 1 / (1 + np.exp(-plan.centre))
    rows = []
    value, slopes = scale.outward(plan.centre), scale.slopes(plan.centre)
    for j, name in enumerate(scale.names):
        error = math.inf if blind[j] else math.sqrt(max(inverse[j, j], 0.0))
        people = math.nan if blind[j] else math.ceil(
            (float(ndtri(0.975)) * error * share[j] * (1 - share[j]) / half_width) ** 2
        )  # fmt: skip
        rows.append(
            dict(model=plan.model, parameter=name, unit=plan.likelihood.coordinates[j].unit, value=value[j],
                 sd_one=error * slopes[j], people=people if people <= _MOST_PEOPLE else math.nan,
                 resolved=1 - covariance[j, j] / tau[j] ** 2)
        )  # fmt: skip
    return rows


def _against(plan: _Plan, rival: _Plan, threshold: float, power: float) -> dict[str, Any]:
    """How far the rival stays behind on the answers expected under a model."""
    own, new = plan.likelihood.old[0], plan.likelihood.lures[0]
    many = PeopleLikelihood.of_layout(rival.likelihood.layouts[0], [_MANY * own], [_MANY * new])
    size = len(rival.centre)
    vague = np.full(size, _VAGUE)
    found = [person_posterior(many, 0, place, np.zeros(size), vague) for place in _starts(plan, rival)]
    best = max(found, key=lambda one: one.log_likelihood).eta
    gain = variance = 0.0
    pairs = zip((own, new), plan.likelihood.probabilities(0, plan.centre), many.probabilities(0, best), strict=True)
    for counts, p, q in pairs:
        if not counts.size:
            continue
        logs = np.log(np.maximum(p, 1e-300) / np.maximum(q, 1e-300))
        mean = (p * logs).sum(axis=1)
        n = counts.sum(axis=1)
        gain += float(n @ mean)
        variance += float(n @ ((p * logs**2).sum(axis=1) - mean**2))
    return dict(truth=plan.model, rival=rival.model, gain=gain, gain_sd=math.sqrt(variance),
                people=_people(gain, variance, threshold, power))  # fmt: skip


def _starts(plan: _Plan, rival: _Plan) -> list[np.ndarray]:
    """Where the rival's fit begins: at the truth, with what it does not share at either end, and all over."""
    own = plan.likelihood.scale.own(plan.centre)
    scale = rival.likelihood.scale
    given = [own.get(name, value) for name, value in zip(scale.names, scale.outward(rival.centre), strict=True)]
    near = scale.inward(np.array(given))
    lacking = np.array([name not in own for name in scale.names], dtype=bool)
    places = [near, rival.centre, *(np.where(lacking, end, near) for end in (-_FAR, _FAR) if lacking.any())]
    if len(near):
        uniform = qmc.Sobol(len(near), scramble=True, rng=np.random.default_rng(1)).random(_ELSEWHERE)
        places += list(logit(uniform))
    return places


def _people(gain: float, variance: float, threshold: float, power: float) -> float:
    """The least N with N·gain − z√(N·variance) ≥ threshold; NaN beyond a million."""
    if gain <= 0:
        return math.nan
    half = 0.5 * float(ndtri(power)) * math.sqrt(variance)
    root = (half + math.sqrt(half**2 + gain * threshold)) / gain
    people = math.ceil(root**2 - 1e-9)
    return float(people) if people <= _MOST_PEOPLE else math.nan
