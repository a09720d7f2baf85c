r"""When protein synthesis ends.

Under threshold capture proteins are made while

    D(t) = (s_0 + S exp(-t/tau_early)) (m(t) + epsilon) > 1,    m(t) = m_0 + sum_k a_k exp(-t/tau_k)

Multiplied out, D is a sum of positive exponentials, sum_j c_j exp(-nu_j t) with c_j >= 0 and nu_j >= 0. So

    D'  = -sum_j c_j nu_j exp(-nu_j t)   <= 0    decreasing: it crosses 1 at most once
    D'' =  sum_j c_j nu_j^2 exp(-nu_j t) >= 0    convex
    D D'' - D'^2 = sum_{i<j} c_i c_j (nu_i - nu_j)^2 exp(-(nu_i + nu_j) t) >= 0    log-convex

The last line (Lagrange's identity) says that ln D is convex too. A tangent of a convex function lies
below it, so a Newton step on ln D taken left of the crossing never passes it: from t = 0 the iterates
rise to the crossing without any safeguard. For a single exponential ln D is a straight line and one step
is exact; for several it is much closer to one than D is, which is why the step is taken on ln D.

With constant drive, and where only one exponential is left, the crossing has a closed form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import sympy
from sympy import Eq, Expr, exp

from theory.notation import (
    activity,
    ambient_activity,
    amplitude,
    drive,
    epsilon,
    tau_drive,
    tau_early,
    time,
)


def drive_product() -> Expr:
    """D(t) for one release that clears with tau_drive."""
    return (ambient_activity + activity * exp(-time / tau_early)) * (amplitude * exp(-time / tau_drive) + epsilon)


def time_to_fall(start: Expr, level: Expr, tau: Expr) -> Expr:
    """When start * exp(-t/tau) has fallen to a level."""
    # Solved in units of tau: with tau in the exponent sympy moves it into the logarithm as a power.
    elapsed = sympy.Symbol("elapsed", real=True)
    (root,) = sympy.solve(Eq(exp(-elapsed), sympy.factor(level / start)), elapsed)
    return tau * root


@cache
def crossing_at_constant_drive() -> Expr:
    """Time at which (s_0 + S exp(-t/tau_early))(m + epsilon) = 1; never, where s_0 (m + epsilon) >= 1."""
    left = sympy.Symbol("left", positive=True)
    (level,) = sympy.solve(Eq((ambient_activity + left) * (drive + epsilon), 1), left)
    return time_to_fall(activity, level, tau_early)


@cache
def crossing_without_ambient_activity() -> Expr:
    """Crossing of a clearing drive where s_0 = 0 and epsilon = 0: a single exponential."""
    product = drive_product().subs({ambient_activity: 0, epsilon: 0})
    rate = sympy.simplify(-sympy.diff(product, time) / product)
    return time_to_fall(product.subs(time, 0), sympy.Integer(1), 1 / rate)


@cache
def crossing_by_ambient_activity_alone() -> Expr:
    """Crossing of a clearing drive in a compartment without any encoded trace (S = 0)."""
    left = sympy.Symbol("left", positive=True)
    (level,) = sympy.solve(Eq(ambient_activity * (left + epsilon), 1), left)
    return time_to_fall(amplitude, level, tau_drive)


@cache
def synthesis_lifetime() -> Expr:
    """How long synthesis lasts after saturating encoding (S = 1) at constant drive with s_0 = 0."""
    return sympy.simplify(crossing_at_constant_drive().subs({ambient_activity: 0, activity: 1}))


def sum_of_exponentials(terms: int) -> Expr:
    """sum_j c_j exp(-nu_j t) with `terms` positive terms."""
    sizes = sympy.symbols(f"c_1:{terms + 1}", positive=True)
    rates = sympy.symbols(f"nu_1:{terms + 1}", positive=True)
    return sum(size * exp(-rate * time) for size, rate in zip(sizes, rates, strict=True))


def log_convexity(terms: int) -> tuple[Expr, Expr]:
    """D D'' - D'^2 for a sum of positive exponentials, and the sum of squares it equals."""
    product = sum_of_exponentials(terms)
    curvature = product * product.diff(time, 2) - product.diff(time) ** 2
    sizes = sympy.symbols(f"c_1:{terms + 1}", positive=True)
    rates = sympy.symbols(f"nu_1:{terms + 1}", positive=True)
    squares = sum(
        sizes[i] * sizes[j] * (rates[i] - rates[j]) ** 2 * exp(-(rates[i] + rates[j]) * time)
        for i in range(terms)
        for j in range(i + 1, terms)
    )
    return sympy.expand(curvature), sympy.expand(squares)


def newton_path(sizes: Sequence[float], rates: Sequence[float]) -> tuple[float, ...]:
    """The iterates of Newton's method on ln D from t = 0, for D(t) = sum of sizes * exp(-rates * t).

    Parameters
    ----------
    sizes : sequence of float
        The sizes of the exponentials, none negative.
    rates : sequence of float
        Their rates of decay (1/s), none negative; 0 for a constant.

    Returns
    -------
    tuple of float
        Rising times (s), the last one the crossing; (0.0,) where D(0) <= 1, (inf,) where D never falls to 1.

    Raises
    ------
    ValueError
        If a size or a rate is negative: D is then not convex and may cross 1 more than once.
    """
    if min(sizes) < 0.0 or min(rates) < 0.0:
        raise ValueError(f"sizes {list(sizes)} and rates {list(rates)} must not be negative: D would not be convex")
    terms = [(size, rate) for size, rate in zip(sizes, rates, strict=True) if size > 0.0]
    if math.fsum(size for size, _ in terms) <= 1.0:
        return (0.0,)
    if math.fsum(size for size, rate in terms if rate == 0.0) >= 1.0:
        return (math.inf,)
    path = [0.0]
    while True:
        moment = path[-1]
        product = math.fsum(size * math.exp(-rate * moment) for size, rate in terms)
        slope = math.fsum(-rate * size * math.exp(-rate * moment) for size, rate in terms)
        following = moment - math.log(product) * product / slope
        if not following > moment * (1.0 + 2.0**-51):
            return tuple(path)
        path.append(following)


def synthesis_duration(
    activity: float,
    *,
    amplitude: float,
    tau_drive: float,
    ambient_activity: float,
    epsilon: float = 0.001,
    tau_early: float = 6884.0,
) -> float:
    """How long proteins are made when the drive, from now on, is amplitude * exp(-t/tau_drive).

    Parameters
    ----------
    activity : float
        S now.
    amplitude : float
        The drive now.
    tau_drive : float
        Clearance of the drive (s); inf for a constant drive.
    ambient_activity, epsilon, tau_early : float
        As in the model.

    Returns
    -------
    float
        Seconds; 0 if synthesis does not start, inf if it never ends.
    """
    sizes, rates = [], []
    for level, fading in ((ambient_activity, 0.0), (activity, 1.0 / tau_early)):
        for push, clearing in ((amplitude, 1.0 / tau_drive), (epsilon, 0.0)):
            sizes.append(level * push)
            rates.append(fading + clearing)
    return newton_path(sizes, rates)[-1]
