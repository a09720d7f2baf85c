"""Memory traces: one consolidation model a file, one contract.

Every model is a frozen dataclass of named parameters; ``model.run(protocol)`` carries the traces of a protocol through
time. A new model is a new file with its rule ``capture`` and a line in ``MODELS``.
"""

from importlib import import_module
from typing import Any

MODELS: dict[str, str] = {
    "ThresholdCapture": "threshold_capture",
    "LinearCapture": "linear_capture",
    "EncodingOnly": "encoding_only",
}
_ELSEWHERE = {
    "Batch": "batch",
    "ConsolidationModel": "model",
    "Run": "model",
    "SimulationError": "model",
    "OUTPUTS": "state",
}

__all__ = ["MODELS", "Batch", "ConsolidationModel", "Run", "SimulationError", *MODELS]


def __getattr__(name: str) -> Any:
    module = MODELS.get(name) or _ELSEWHERE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
