r"""Signal-to-noise of learning from a few examples, as a function of geometry and of gain.

A learner keeps the means p, q of m Gaussian examples of two stimuli a and b and assigns a further response of a,
xi = x_a + u, to the nearer one. With the origin at x_a, Delta = x_a - x_b, noise p and q of the two means,

    h = 1/2|u + Delta - q|^2 - 1/2|u - p|^2 = 1/2 D + Delta.u - Delta.q + 1/2|q|^2 - 1/2|p|^2 + u.(p - q)

All terms are uncorrelated with each other (odd moments of a Gaussian vanish), so that their variances add:

    E h   = 1/2 D + (B - A)/2m
    Var h = O_a + O_b/m + (A2 + AB)/m + (A2 + B2)/2m^2

with D = |Delta|^2, A = tr Sigma_a, O_a = Delta' Sigma_a Delta, A2 = tr Sigma_a^2, AB = tr Sigma_a Sigma_b and so on.
For alike manifolds (B = A, B2 = AB = A2, O_b = O_a), signal S = D/A, dimension d = A^2/A2 and overlap o = O_a/A^2,

    SNR = (S/2)/sqrt(o (1 + 1/m) + (2/d)(1/m)(1 + 1/2m))

the form of Sorscher, Ganguli & Sompolinsky 2022 (doi:10.1073/pnas.2200800119), whose published expression keeps other
terms of order 1/m (from memory: 1/(d m); not checked). More dimensions and less overlap help, and few examples hurt
only through 1/d: at m = 5 a fraction 1/(1 + (2.2/(5 d))/(1.2 o)) of the variance is overlap.

A gain a of all units multiplies Delta by a and Sigma by a: S -> a S, o -> a o, d unchanged. Where overlap dominates the
SNR grows as sqrt(a), where dimension does as a: an expansion pays most where examples are few.
"""

from __future__ import annotations

from functools import cache

import sympy
from sympy import Expr

examples, signal, dimension, overlap, gain = sympy.symbols("examples signal dimension overlap gain", positive=True)


@cache
def moments() -> tuple[Expr, Expr]:
    """E h and Var h in two dimensions with diagonal covariances, from the moments of every Gaussian involved.

    Returns
    -------
    (Expr, Expr)
        In ``delta_i``, ``a_i``, ``b_i`` (variances along axis i of both stimuli) and ``examples``.
    """
    mean, variance = sympy.Integer(0), sympy.Integer(0)
    for axis in range(2):
        delta = sympy.Symbol(f"delta_{axis}", real=True)
        a, b = sympy.symbols(f"a_{axis} b_{axis}", positive=True)
        u, p, q = sympy.symbols("u p q", real=True)
        spread = {u: a, p: a / examples, q: b / examples}
        h = sympy.expand((u + delta - q) ** 2 / 2 - (u - p) ** 2 / 2)
        first = _expected(h, spread)
        mean += first
        variance += sympy.expand(_expected(sympy.expand(h**2), spread) - first**2)
    return sympy.expand(mean), sympy.expand(variance)


def _expected(polynomial: Expr, spread: dict[sympy.Symbol, Expr]) -> Expr:
    """Expectation of a polynomial in independent normal variables of these variances."""
    total = sympy.Integer(0)
    for powers, coefficient in sympy.Poly(polynomial, *spread).terms():
        term = coefficient
        for power, variance in zip(powers, spread.values(), strict=True):
            term *= 0 if power % 2 else sympy.factorial2(power - 1) * variance ** (power // 2)
        total += term
    return sympy.expand(total)


@cache
def snr_of_alike_manifolds() -> Expr:
    """SNR of two stimuli with the same covariance."""
    noise = overlap * (1 + 1 / examples) + 2 / dimension / examples * (1 + 1 / (2 * examples))
    return signal / 2 / sympy.sqrt(noise)


@cache
def snr_under_gain() -> Expr:
    """The same when every unit has the gain `gain`."""
    return snr_of_alike_manifolds().subs({signal: gain * signal, overlap: gain * overlap}, simultaneous=True)


@cache
def gain_exponents() -> tuple[Expr, Expr]:
    """d ln SNR/d ln gain where overlap dominates, and where dimension does."""
    slope = sympy.simplify(gain * sympy.diff(sympy.log(snr_under_gain()), gain))
    return sympy.limit(slope, overlap, sympy.oo), sympy.simplify(sympy.limit(slope, overlap, 0))
