"""What a study of visual learning showed and measured, in words: offsets, thresholds, and their units."""

from __future__ import annotations

from collections.abc import Iterator

from .description import observed
from .family import MODELS, instance_of
from .observation import Term
from .study import Study
from .timeline import clock
from .visual_prediction import VisualPredictor


def stimuli(study: Study) -> Iterator[str]:
    """A line for the angles, for the threshold before training, and for each observation with its stimulus.

    Examples
    --------
    >>> from fits import load_study
    >>> list(stimuli(load_study("amar_halpert_2017")))[-1][:64]
    'full practice minus reactivation: not significant (n = 12, stand'
    """
    own = {parameter.name: parameter.start for parameter in study.parameters.values()}
    predictors = {name: VisualPredictor(study, instance_of(name)) for name in MODELS[study.family]}
    response = next(iter(predictors.values())).response(own)
    yield (f"offsets in degrees from the trained stimulus, which repeats after {response.period:g}; distances in "
           "degrees of visual angle")  # fmt: skip
    untrained = {name: predictor.configure(own, {}).untrained() for name, predictor in predictors.items()}
    spans = f"{min(untrained.values()):.3g}", f"{max(untrained.values()):.3g}"
    yield f"threshold before training at the models' defaults: {' to '.join(dict.fromkeys(spans))} degrees"
    scale = study.response_values.get("scale")
    if isinstance(scale, str):
        parameter = study.parameters[scale]
        low, high = parameter.bounds
        yield (f"threshold before training in the study's own unit: {scale}, {low:g} to {high:g} {parameter.unit}, "
               f"first start {parameter.start:g} {parameter.unit}")  # fmt: skip
    for o in study.observations:
        yield f"{o.name}: {observed(o)}, {o.measure}, {_contrast(o.terms)}"


def _contrast(terms: tuple[Term, ...]) -> str:
    words = [f"{'' if term.weight == 1 else f'{term.weight:+g} × '}{_stimulus(term)}" for term in terms]
    return "; ".join(words)


def _stimulus(term: Term) -> str:
    place = f", {term.distance:g} degrees away" if term.distance else ""
    when = "" if term.at is None else f" after {clock(term.at)}"
    return f"at {term.offset or 0:g} degrees{place}{when}"
