"""Individual differences: whom emotion helps to remember, predicted from connectivity, and along which paths.

:mod:`fits.individual.account` says how a person's connectivity could set their neuromodulatory gain, and simulates
people by it. :mod:`fits.individual.prediction` predicts behaviour from connectomes, :mod:`fits.individual.regions`
region by region, :mod:`fits.individual.power` says what either finds with how many people.
:mod:`fits.individual.connectomes` reads real ones; :mod:`fits.individual.paths` fits path models and tests mediation.

>>> from fits import individual
>>> individual.fit_paths.__name__
'fit_paths'
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Account": "account", "Cohort": "account", "simulate_people": "account", "Connectomes": "connectomes",
    "read_connectomes": "connectomes", "ConnectomePrediction": "prediction", "predict_behaviour": "prediction",
    "edge_networks": "networks", "regional_analysis": "regions", "power_curve": "power", "PathFit": "paths",
    "fit_paths": "paths", "path_calibration": "paths",
}  # fmt: skip

__all__ = [
    "Account", "Cohort", "ConnectomePrediction", "Connectomes", "PathFit", "edge_networks", "fit_paths",
    "path_calibration", "power_curve", "predict_behaviour", "read_connectomes", "regional_analysis", "simulate_people",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fits.individual' has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
