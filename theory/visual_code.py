r"""Fisher information and threshold of the two-population code, and when the generalisation index is 1.

Independent noise, no baseline. With tuning r exp(kappa(cos x - 1)), x = 2 pi (theta - phi)/P, window T, Fano factor F
and N units spread evenly, the sum over units is an integral and

    I = sum f'^2/(F f) = (N T r/F)(2 pi/P)^2 kappa e^(-kappa) I_1(kappa)

with I_1 a modified Bessel function; narrow curves (kappa = (P/2 pi sigma)^2 large) reach the Gaussian's
I = sqrt(2 pi) N T r/(F sigma P). A gain a of all units multiplies mean and variance, and so I, by a; with correlated
noise as well, since the correlations stay: I(a) = a I(1) (both exact at any N that tiles).

Threshold. J is the information of both areas, noise of sigma_in degrees in the stimulus is common to them, a share eta
is used: threshold = d'_c sqrt((1 + sigma_in^2 J)/(eta J)).

Generalisation index. With J_0 before, J_t at the trained and J_u at an untrained stimulus after,

    index = (1 - T_u/T_0)/(1 - T_t/T_0),    T = d'_c sqrt((1 + s J)/(eta J)),  s = sigma_in^2

(a) it is 1 exactly where J_u = J_t, for T is strictly decreasing in J: all of the learning is a gain shared by both.
(b) Where little is learned, J_t = J_0 + g + p and J_u = J_0 + g with general part g and specific part p, it is
    g/(g + p), whatever the criterion, efficiency or stimulus noise.
(c) It also tends to 1 where J_u and J_t both grow beyond 1/s: thresholds then reach the floor set by the stimulus, and
    complete transfer says nothing about the code. An index below 1 shows specificity; one of 1 shows generality only
    where the threshold is above that floor.
"""

from __future__ import annotations

from functools import cache

import sympy
from sympy import Expr

units, window, peak_rate, fano, period, kappa, width = sympy.symbols(
    "units window peak_rate fano period kappa width", positive=True
)
criterion, efficiency, stimulus_variance = sympy.symbols("criterion efficiency stimulus_variance", positive=True)
before, trained, untrained, general, specific, scale = sympy.symbols(
    "before trained untrained general specific scale", positive=True
)


@cache
def independent_information() -> Expr:
    """I (1 per degree^2) of von Mises tuning without baseline and with independent noise.

    The integral of sin^2 x exp(kappa cos x) over the circle is 2 pi I_1(kappa)/kappa, by parts.
    """
    summed = sympy.besseli(1, kappa) / kappa
    slope_squared = (2 * sympy.pi / period) ** 2 * kappa**2
    return units * window * peak_rate / fano * slope_squared * sympy.exp(-kappa) * summed


@cache
def gaussian_information() -> Expr:
    """The same of Gaussian tuning of standard deviation `width` (degrees), by direct integration."""
    x = sympy.Symbol("x", real=True)
    tuning = window * peak_rate * sympy.exp(-(x**2) / (2 * width**2))
    density = sympy.simplify(sympy.diff(tuning, x) ** 2 / (fano * tuning))
    return sympy.simplify(units / period * sympy.integrate(density, (x, -sympy.oo, sympy.oo)))


@cache
def threshold_of(information: Expr) -> Expr:
    """Threshold (degrees) with the summed information of both areas."""
    return criterion * sympy.sqrt((1 + stimulus_variance * information) / (efficiency * information))


@cache
def generalisation_index() -> Expr:
    """The index in terms of the information before, and after at the trained and the untrained stimulus."""
    start = threshold_of(before)
    return sympy.simplify((1 - threshold_of(untrained) / start) / (1 - threshold_of(trained) / start))


@cache
def index_of_little_learning() -> Expr:
    """(b): the limit of the index as general and specific parts shrink together."""
    index = generalisation_index().subs(
        {trained: before + scale * (general + specific), untrained: before + scale * general}
    )
    return sympy.simplify(sympy.limit(index, scale, 0))


@cache
def index_at_the_floor() -> Expr:
    """(c): the limit of the index as general and specific parts grow together."""
    index = generalisation_index().subs(
        {trained: before + scale * (general + specific), untrained: before + scale * general}
    )
    return sympy.simplify(sympy.limit(index, scale, sympy.oo))


@cache
def threshold_slope() -> Expr:
    """(a): dT/dJ over T, negative for every J, so that equal thresholds mean equal information."""
    return sympy.simplify(sympy.diff(threshold_of(before), before) / threshold_of(before))
