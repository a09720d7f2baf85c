"""fits: data -> likelihood -> estimates -> comparison -> report.

>>> import fits
>>> sorted(fits.shipped_studies())[0]
'amar_halpert_2017'
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

_HOME = {
    "Study": "study", "StudyError": "tables", "load_study": "study", "shipped_studies": "study",
    "Fit": "estimation", "FitError": "estimation", "fit": "estimation", "compare": "comparison",
    "Trials": "trials", "TrialError": "trial_table", "read_trials": "trials",
    "TrialFit": "trial_fit", "TrialPredictor": "trial_likelihood", "fit_trials": "trial_fit",
    "fit_participants": "trial_fit", "load": "storage", "save": "storage", "with_trials": "joint_trials",
}  # fmt: skip

__all__ = [
    "Fit", "FitError", "Study", "StudyError", "TrialError", "TrialFit", "TrialPredictor", "Trials", "compare", "fit",
    "fit_participants", "fit_trials", "load", "load_study", "read_trials", "save", "shipped_studies", "with_trials",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        if name.startswith("_") or find_spec(f"{__name__}.{name}") is None:
            raise AttributeError(f"module 'fits' has no attribute {name!r}")
        return import_module(f"{__name__}.{name}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
