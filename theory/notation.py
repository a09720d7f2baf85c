"""The symbols of the derivations, and how an expression becomes a number.

Symbols carry the names of the model's parameters in full, so that a derived expression reads like the
code it stands behind. Times and time constants are in seconds; strengths, proteins and drives have no
unit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import sympy

time = sympy.Symbol("t", nonnegative=True)
"""Time since the last event."""
interval = sympy.Symbol("interval", nonnegative=True)
"""Time between encoding and release, whichever came first."""

tau_early, tau_protein, tau_late, tau_labile, tau_tag, tau_drive, tau_eligibility = sympy.symbols(
    "tau_early tau_protein tau_late tau_labile tau_tag tau_drive tau_eligibility", positive=True
)

early_0, late_0, labile_0 = sympy.symbols("early_0 late_0 labile_0", real=True)
protein_0 = sympy.Symbol("protein_0", nonnegative=True)

strength = sympy.Symbol("strength", positive=True)
"""Strength s of the encoding; the early phase of a fresh trace."""
activity = sympy.Symbol("activity", positive=True)
"""S, the early phase of the trace and of its relatives, at the start of the interval."""
ambient_activity = sympy.Symbol("ambient_activity", nonnegative=True)
"""s_0."""
related_activity = sympy.Symbol("related_activity", nonnegative=True)
"""What traces encoded together with the release add to S."""
drive = sympy.Symbol("drive", positive=True)
"""m, held constant."""
amplitude = sympy.Symbol("amplitude", positive=True)
"""a, the drive a release adds."""
epsilon = sympy.Symbol("epsilon", nonnegative=True)
tag_threshold = sympy.Symbol("tag_threshold", positive=True)
conversion = sympy.Symbol("conversion", nonnegative=True)
"""eta times dose: how strongly a release converts eligible traces."""
capture_gain = sympy.Symbol("capture_gain", positive=True)


@cache
def exponential_modes(expression: sympy.Expr, variable: sympy.Symbol) -> dict[sympy.Expr, sympy.Expr]:
    """A sum of exponentials of `variable`, taken apart: {rate of decay: coefficient}, equal rates joined.

    Examples
    --------
    >>> exponential_modes(3 * sympy.exp(-time / tau_early) + 2, time)
    {1/tau_early: 3, 0: 2}
    """
    exponentials = sorted((part for part in expression.atoms(sympy.exp) if part.has(variable)), key=str)
    stand_ins = sympy.symbols(f"E:{len(exponentials)}")
    # xreplace, since subs would also rewrite other powers of the same exponential.
    polynomial = sympy.Poly(expression.xreplace(dict(zip(exponentials, stand_ins, strict=True))), *stand_ins)
    modes: dict[sympy.Expr, sympy.Expr] = {}
    for powers, coefficient in polynomial.terms():
        exponents = (power * part.exp.diff(variable) for power, part in zip(powers, exponentials, strict=True))
        rate = sympy.together(-sympy.Add(*exponents))
        modes[rate] = modes.get(rate, sympy.Integer(0)) + coefficient
    return {rate: sympy.factor(total) for rate, total in modes.items()}


@cache
def _compiled(expression: sympy.Expr) -> tuple[tuple[str, ...], Callable[..., Any]]:
    symbols = sorted(expression.free_symbols, key=str)
    return tuple(map(str, symbols)), sympy.lambdify(symbols, expression, modules="mpmath", cse=True)


def value_of(expression: sympy.Expr, **values: float) -> float:
    """Evaluate a derived expression with 30 digits and return it as a float.

    Parameters
    ----------
    expression : sympy.Expr
        What one of the functions of this package returned.
    **values : float
        A value for every symbol of the expression, by the symbol's name; further ones are ignored, so that
        all parameters of an experiment can be passed at once.

    Raises
    ------
    ValueError
        If a symbol has no value, or if the expression is not real at these values.

    Examples
    --------
    >>> round(value_of(tau_early * sympy.log(5), tau_early=6884.0), 1)
    11079.4
    """
    names, function = _compiled(expression)
    missing = [name for name in names if name not in values]
    if missing:
        raise ValueError(f"no value was given for {', '.join(missing)} in {expression}")
    with mpmath.workdps(30):
        result = function(*(mpmath.mpf(values[name]) for name in names))
        imaginary = abs(mpmath.im(result))
        if imaginary > 1e-15 * max(1.0, abs(mpmath.re(result))):
            raise ValueError(f"{expression} is not real at { ({name: values[name] for name in names}) }")
        return float(mpmath.re(result))
