"""Spiking networks, loaded when first used.

In ``tag_and_capture`` the network of Luboeinski & Tetzlaff 2021 and Lehr, Luboeinski & Tetzlaff 2022: neurons take
small steps, plastic synapses are touched by their own events only. In ``ei_assembly`` the memory network of
Meissner-Bernard, Zenke & Friedrich 2025.
"""

from importlib import import_module
from typing import Any

_TAG_AND_CAPTURE = {
    "AssemblyProtocol": "experiments", "CalciumSynapse": "synapse_parameters", "CheckpointError": "checkpoint",
    "Concentration": "concentration", "Connectivity": "connectivity", "IntegrateAndFire": "neurons",
    "NETWORK_SYNAPSE": "synapse_parameters", "PROTOCOL_2021": "experiments", "PROTOCOL_2022": "experiments",
    "Simulation": "simulation", "SpikeCounter": "recorders", "SpikeRecorder": "recorders", "Stimulus": "stimulus",
    "TagAndCaptureNetwork": "network", "WeightRecorder": "recorders", "consolidation": "experiments",
    "consolidation_trials": "experiments", "dose_by_stimulus": "experiments", "mutual_information": "readouts",
    "onset_and_duration": "experiments", "run_synapse": "calcium_synapse",
}  # fmt: skip
_HOME = {
    **{name: f"tag_and_capture.{module}" for name, module in _TAG_AND_CAPTURE.items()},
    "EIAssemblyInput": "ei_assembly.odours", "EIAssemblyModel": "ei_assembly.parameters",
    "EIAssemblyNetwork": "ei_assembly.network", "EIAssemblyOdours": "ei_assembly.odours",
    "EIAssemblyRun": "ei_assembly.simulation", "normal_deviates": "random_normal",
}  # fmt: skip
_MODULES = ("ei_assembly", "tag_and_capture")

__all__ = [*_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
