"""Two families of models and studies: memory traces (:mod:`engram.consolidation`), vision (:mod:`engram.perception`).

A study belongs to the family that predicts its response; studies are fitted together within a family.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from engram import consolidation, perception
from engram.consolidation import ConsolidationModel
from engram.perception import PerceptualModel

from .prediction import NODES, Predictor
from .study import MEMORY, VISION, Study
from .visual_prediction import VisualPredictor

Model: TypeAlias = ConsolidationModel | PerceptualModel

#: The registered models of each family.
MODELS: dict[str, tuple[str, ...]] = {MEMORY: tuple(consolidation.MODELS), VISION: tuple(perception.MODELS)}

#: What is searched of a perceptual model in a fit, one value for all studies: bounds and scale (assumed, wide). Gains,
#: shares, learning rates and noise are; tuning and noise correlations, on which no study says anything, are held.
_BOUNDED_GAIN, _SHARE = ((0.05, 50.0), "log"), ((0.0, 1.0), "linear")
SEARCHED: dict[str, dict[str, tuple[tuple[float, float], str]]] = {
    "VisualReactivation": {
        "evc_gain": _BOUNDED_GAIN, "ips_gain": _BOUNDED_GAIN, "practice_share": _SHARE, "top_down": _SHARE,
        "stimulation_shift": ((-10.0, 10.0), "linear"), "transfer_time": ((86400.0, 60 * 86400.0), "log"),
    },
    "IntegratedReweighting": {
        "learning_rate": ((1e-5, 0.5), "log"), "decision_noise": ((0.1, 1000.0), "log"),
        "selection_width": ((5.0, 180.0), "log"), "stimulation_rate": ((-1.0, 10.0), "linear"),
    },
    "RewardReadout": {
        "learning_rate": ((1e-5, 0.5), "log"), "decision_noise": ((0.1, 1000.0), "log"),
        "selection_width": ((5.0, 180.0), "log"), "stimulation_rate": ((-1.0, 10.0), "linear"),
    },
}  # fmt: skip


def family_of(model: Model) -> str:
    return VISION if isinstance(model, PerceptualModel) else MEMORY


def family_named(model: str) -> str:
    """The family of a registered model.

    Raises
    ------
    ValueError
        An unknown name.
    """
    for family, names in MODELS.items():
        if model in names:
            return family
    raise ValueError(f"unknown model {model!r}; use one of {', '.join(sum(MODELS.values(), ()))}")


def instance_of(model: str | Model) -> Model:
    """A registered model by its name, as fits run it; an instance stays as it is."""
    if not isinstance(model, str):
        return model
    if family_named(model) == VISION:
        seen: PerceptualModel = getattr(perception, model)()
        return seen
    made: ConsolidationModel = getattr(consolidation, model)(nodes=NODES)
    return made


def label_of(model: str) -> str:
    """The name of a model in running text: ``"threshold capture"``."""
    for owner in (consolidation, perception):
        if model in owner.MODELS:
            return str(getattr(owner, model).label)
    return model


def biology_of(model: Model) -> tuple[str, ...]:
    """The parameters of a model that a fit estimates, one value for all studies."""
    if isinstance(model, PerceptualModel):
        return tuple(SEARCHED.get(type(model).__name__, ()))
    return tuple(model.biology)


def predictor_of(study: Study, model: Model) -> Any:
    """The study compiled for a model: :class:`Predictor` or :class:`VisualPredictor`.

    Raises
    ------
    ValueError
        A study of one family and a model of the other.
    """
    if study.family != family_of(model):
        raise ValueError(
            f"{study.id} observes {study.response!r}, which {type(model).__name__} does not predict; use one of "
            f"{', '.join(MODELS[study.family])}"
        )
    return VisualPredictor(study, model) if isinstance(model, PerceptualModel) else Predictor(study, model)


def check_together(studies: Sequence[Study]) -> None:
    """Raise ``ValueError`` for studies of both families, which share no parameter and are fitted apart."""
    for study in studies[1:]:
        if study.family != studies[0].family:
            raise ValueError(
                f"{studies[0].id} is a study of {studies[0].family} and {study.id} one of {study.family}: they share "
                "no model; fit them apart"
            )
