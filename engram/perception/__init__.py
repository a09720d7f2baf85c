"""Visual learning: direction-tuned populations whose gain is a memory trace, and what an observer then sees.

One model a file, one contract: ``model.thresholds(protocol, offsets, when)``. A new model is a new file and a line in
``MODELS``.

``populations``          tuning curves, variability, correlated noise
``fisher``               linear Fisher information and thresholds, in closed form and from trials
``trials``               simulated responses, read-outs and constant stimuli
``staircase``            published staircases: bias, spread, likelihood
``pathways``             the traces of EVC and IPS and the transfer between them
``visual_reactivation``  the model of the library
``reweighting``, ``reward_readout``   two published rivals
``designs``              days of reactivation or of practice, as protocols
``curves``, ``predictions``           what an experiment will find
``few_shot``             what five examples can teach, from the geometry
``plots``                figures of a model and its predictions
"""

from importlib import import_module
from typing import Any

MODELS: dict[str, str] = {
    "VisualReactivation": "visual_reactivation",
    "IntegratedReweighting": "reweighting",
    "RewardReadout": "reward_readout",
}
_ELSEWHERE = {
    "Population": "populations",
    "PerceptualModel": "model",
    "Staircase": "staircase",
    "VISUAL_TRACE": "visual_reactivation",
}

__all__ = ["MODELS", "VISUAL_TRACE", "PerceptualModel", "Population", "Staircase", *MODELS]


def __getattr__(name: str) -> Any:
    module = MODELS.get(name) or _ELSEWHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
