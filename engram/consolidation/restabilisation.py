"""What protein does to late and labile strength over a span in which its production does not change.

With P(t) = ∫p dt, a tag drives late strength to its bound, ``z → bound + (z − bound)·exp(−P/τ_z)``, and the labile
strength falls as ``ℓ = ℓ0·exp(−t/τ_ℓ − P/τ_z)``. Without a tag, what the labile strength loses to protein returns to
the late phase; per unit of ℓ0 that is

    R(t) = ∫ (p/τ_z)·exp(−s/τ_ℓ − P(s)/τ_z) ds

While protein decays, p = p0·u with u = exp(−s/τ_p), a = p0·τ_p/τ_z and k = τ_p/τ_ℓ:

    R = Σ_n e^(−a)·a^(n+1)/n! · (1 − v^(k+n+1))/(k+n+1),   v = exp(−t/τ_p)

While it is produced, p = 1 − (1 − p0)·u with b = (1 − p0)·τ_p/τ_z and κ = 1/τ_ℓ + 1/τ_z, by parts:

    R = 1 − exp(−t/τ_ℓ − P/τ_z) − J/τ_ℓ,   J = τ_p·[M(b) − v^(κτ_p)·e^(b(1−v))·M(bv)],
    M(x) = Σ_n x^n/(κτ_p)_(n+1)

All terms are positive (incomplete gamma functions), so the sums reach machine precision. Derived in
``theory.between_events``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._jit import kernel

_MOST_TERMS = 4000


@kernel
def protein_course(span: Any, produced: Any, protein: Any, tau_protein: Any) -> Any:
    """p after ``span`` s and ∫p over them, from ``protein``, production lasting for the first ``produced`` s."""
    if produced.real <= 0.0:
        gone = np.expm1(-span / tau_protein)
        return protein * (1.0 + gone), -protein * tau_protein * gone
    if produced.real >= span.real:
        gone = np.expm1(-span / tau_protein)
        return protein * (1.0 + gone) - gone, span + (1.0 - protein) * tau_protein * gone
    gone = np.expm1(-produced / tau_protein)
    reached = protein * (1.0 + gone) - gone
    integral = produced + (1.0 - protein) * tau_protein * gone
    gone = np.expm1(-(span - produced) / tau_protein)
    return reached * (1.0 + gone), integral - reached * tau_protein * gone


@kernel
def recaptured_in_decay(span: Any, protein: Any, tau_protein: Any, tau_late: Any, tau_labile: Any) -> Any:
    """R over ``span`` s while protein decays from ``protein``, and what is left of ℓ.

    R is NaN where the series does not converge.
    """
    a = protein * tau_protein / tau_late
    k = tau_protein / tau_labile
    gone = np.expm1(-span / tau_protein)
    v = 1.0 + gone
    survived = np.exp(-span / tau_labile)
    kept = survived * np.exp(a * gone)
    left = survived * v
    weight = a * np.exp(-a)
    total = 0.0 * a * k
    for n in range(_MOST_TERMS):
        term = weight * (1.0 - left) / (k + n + 1.0)
        total += term
        if term.real <= 1e-17 * total.real and n >= a.real - 1.0:
            return total, kept
        weight *= a / (n + 1.0)
        left *= v
    return total * np.nan, kept


@kernel
def _rising_sums(x: Any, y: Any, c: Any) -> Any:
    """M(x) and M(y) for y ≤ x, the series of the lower incomplete gamma function."""
    term_x = 1.0 / c
    term_y = term_x
    total_x = term_x + 0.0 * x
    total_y = term_y + 0.0 * y
    for n in range(1, _MOST_TERMS):
        next_factor = 1.0 / (c + n)
        term_x *= x * next_factor
        term_y *= y * next_factor
        total_x += term_x
        total_y += term_y
        if term_x.real <= 1e-17 * total_x.real:
            return total_x, total_y
    return total_x * np.nan, total_y * np.nan


@kernel
def recaptured_in_production(span: Any, protein: Any, tau_protein: Any, tau_late: Any, tau_labile: Any) -> Any:
    """R over ``span`` s while protein is produced, and what is left of ℓ.

    R is NaN where the series does not converge.
    """
    b = (1.0 - protein) * tau_protein / tau_late
    c = tau_protein * (1.0 / tau_labile + 1.0 / tau_late)
    gone = np.expm1(-span / tau_protein)
    kept = np.exp(-span / tau_labile - span / tau_late - b * gone)
    all_of_it, rest = _rising_sums(b, b * (1.0 + gone), c)
    survived = tau_protein * (all_of_it - kept * rest)
    return 1.0 - kept - survived / tau_labile, kept
