"""Spiking networks, each in its own folder; public names are loaded when first used."""

from importlib import import_module
from typing import Any

_HOME = {
    "EIAssemblyModel": "ei_assembly.parameters",
    "EIAssemblyNetwork": "ei_assembly.network",
    "EIAssemblyOdours": "ei_assembly.odours",
    "EIAssemblyInput": "ei_assembly.odours",
    "EIAssemblyRun": "ei_assembly.simulation",
}
_MODULES = ("ei_assembly",)

__all__ = ["EIAssemblyInput", "EIAssemblyModel", "EIAssemblyNetwork", "EIAssemblyOdours", "EIAssemblyRun", *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
