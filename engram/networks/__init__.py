"""Spiking networks, loaded when first used.

The tag-and-capture network of Luboeinski & Tetzlaff 2021 and Lehr, Luboeinski & Tetzlaff 2022: neurons take small
steps, plastic synapses are touched by their own events only. In ``ei_assembly`` the memory network of Meissner-Bernard,
Zenke & Friedrich 2025.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "AssemblyProtocol": "experiments", "CalciumSynapse": "synapse_parameters", "CheckpointError": "checkpoint",
    "Concentration": "concentration", "Connectivity": "connectivity", "IntegrateAndFire": "neurons",
    "NETWORK_SYNAPSE": "synapse_parameters", "PROTOCOL_2021": "experiments", "PROTOCOL_2022": "experiments",
    "Simulation": "simulation", "SpikeCounter": "recorders", "SpikeRecorder": "recorders", "Stimulus": "stimulus",
    "TagAndCaptureNetwork": "tag_and_capture", "WeightRecorder": "recorders", "consolidation": "experiments",
    "consolidation_trials": "experiments", "dose_by_stimulus": "experiments", "mutual_information": "readouts",
    "normal_deviates": "random_normal", "onset_and_duration": "experiments", "run_synapse": "calcium_synapse",
    "EIAssemblyInput": "ei_assembly.odours", "EIAssemblyModel": "ei_assembly.parameters",
    "EIAssemblyNetwork": "ei_assembly.network", "EIAssemblyOdours": "ei_assembly.odours",
    "EIAssemblyRun": "ei_assembly.simulation",
}  # fmt: skip
_MODULES = ("ei_assembly",)

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
