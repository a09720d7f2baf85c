"""Trials of many people: what is common to them, how they differ, and how sure of it one can be.

A person's parameters lie within the bounds of the study's; η is the logit of where between them, on the search scale.
People are drawn from a population, η_i ~ N(μ + Γ w_i, diag τ²), w_i their covariates. Two routes lead to μ, τ and η_i:
:mod:`fits.people.em` (empirical Bayes, seconds to minutes) and :mod:`fits.people.posterior` (all of the posterior).
"""

from .fit import PeopleFit as PeopleFit
from .fit import compare_people as compare_people
from .fit import fit_people as fit_people
