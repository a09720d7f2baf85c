"""Trials of many people: what is common to them, how they differ, and how sure of it one can be.

A person's parameters lie within the bounds of the study's; η is the logit of where between them, on the search scale.
People are drawn from a population, η_i ~ N(μ + Γ w_i, diag τ²), w_i their covariates. Two routes lead to μ, τ and η_i:
:mod:`fits.people.em` (empirical Bayes, seconds to minutes) and :mod:`fits.people.posterior` (all of the posterior).

>>> from fits import people
>>> people.fit_people.__name__
'fit_people'
"""

from importlib import import_module
from typing import Any

_HOME = {
    "PeopleFit": "fit", "fit_people": "fit", "compare_people": "fit", "PeoplePosterior": "posterior",
    "sample_people": "posterior", "predictive_checks": "checks", "loo": "checks", "DesignComparison": "design",
    "compare_designs": "design", "Calibration": "calibration", "person_calibration": "calibration",
    "population_calibration": "calibration", "posterior_calibration": "calibration", "confuse_people": "calibration",
    "read_covariates": "covariates", "PeopleRecovery": "recovery", "recover_people": "recovery",
}  # fmt: skip

__all__ = [
    "Calibration", "DesignComparison", "PeopleFit", "PeoplePosterior", "PeopleRecovery", "compare_designs",
    "compare_people", "confuse_people", "fit_people", "loo", "person_calibration", "population_calibration",
    "posterior_calibration", "predictive_checks", "read_covariates", "recover_people", "sample_people",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fits.people' has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
