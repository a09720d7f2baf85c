"""engram: how emotion, novelty and reactivation decide which memories last.

>>> import engram
>>> from engram import Protocol, Encode, Release, Test, ThresholdCapture, minute, hour
>>> protocol = Protocol(Encode("scene", at=0, strength=0.4), Release("dopamine", at=30 * minute), Test("scene", at=24 * hour))
>>> run = ThresholdCapture().run(protocol)
>>> run.strength("scene", at=24 * hour) > run.strength("scene", at=0) / 10
True

Public names are loaded when first used, so that ``import engram`` costs next to nothing.
"""  # noqa: E501

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import consolidation, curves, geometry, neuromodulation, perception, plots, recall, units
    from .consolidation.batch import Batch
    from .consolidation.encoding_only import EncodingOnly
    from .consolidation.linear_capture import LinearCapture
    from .consolidation.model import ConsolidationModel, Run, SimulationError
    from .consolidation.threshold_capture import ThresholdCapture
    from .neuromodulation import NEUROMODULATORS, Neuromodulator
    from .parameter import parameters
    from .protocol import (
        Encode,
        Extinguish,
        Intervene,
        Protocol,
        ProtocolError,
        Reactivate,
        Release,
        Sleep,
        Test,
    )
    from .units import day, hour, minute, second

__version__ = "0.1.0"

_HOME = {
    "Protocol": "protocol", "ProtocolError": "protocol", "Encode": "protocol", "Release": "protocol",
    "Reactivate": "protocol", "Extinguish": "protocol", "Intervene": "protocol", "Sleep": "protocol",
    "Test": "protocol", "second": "units", "minute": "units", "hour": "units", "day": "units",
    "parameters": "parameter", "Neuromodulator": "neuromodulation", "NEUROMODULATORS": "neuromodulation",
    "ThresholdCapture": "consolidation", "LinearCapture": "consolidation", "EncodingOnly": "consolidation",
    "ConsolidationModel": "consolidation", "Run": "consolidation", "SimulationError": "consolidation",
    "Batch": "consolidation",
}  # fmt: skip
_MODULES = (
    "consolidation", "curves", "geometry", "networks", "neuromodulation", "perception", "plots", "protocol", "recall",
    "units",
)  # fmt: skip

__all__ = [
    "NEUROMODULATORS", "Batch", "ConsolidationModel", "Encode", "EncodingOnly", "Extinguish", "Intervene",
    "LinearCapture", "Neuromodulator", "Protocol", "ProtocolError", "Reactivate", "Release", "Run", "SimulationError",
    "Sleep", "Test", "ThresholdCapture", "consolidation", "curves", "day", "geometry", "hour", "minute",
    "neuromodulation", "parameters", "perception", "plots", "recall", "second", "units",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'engram' has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
