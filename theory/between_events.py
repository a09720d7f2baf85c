r"""What the states of a trace do while nothing happens, in closed form.

Early phase, and every other state that only decays:

    tau_early e' = -e

Proteins, threshold capture (production h is 0 or 1 between two crossings):

    tau_protein p' = -p + h

Proteins, linear capture. The drive is a sum of exponentials and so is the activity; their product is one
again, and since the equation is linear one term A exp(-mu t) is enough:

    tau_protein p' = -p + sum_j A_j exp(-mu_j t),    resonant where mu_j tau_protein = 1

Late strength z and labile strength l, with P(t) the integral of p from the last event:

    + tag     tau_late z' = p (1 - z - l) + p l        = p (1 - z)
    - tag     tau_late z' = -p (z + l + 1/2) + p l     = -p (z + 1/2)
    no tag    tau_late z' = p l
              l' = -l / tau_labile - p l / tau_late

Under a tag the labile strength drops out of the equation of z. Without one, z = z_0 + l_0 R(t) with

    R(t) = integral of p/tau_late exp(-s/tau_labile - P(s)/tau_late) ds from 0 to t
         = 1 - exp(-t/tau_labile - P(t)/tau_late)
             - (1/tau_labile) integral of exp(-s/tau_labile - P(s)/tau_late) ds from 0 to t

(what is labile is either recaptured, still there, or lost). For p relaxing from p_0 towards a constant h
the last integral is a difference of lower incomplete gamma functions.

Under linear capture the tag g(t) is graded. With l = 0 and G the integral of p |g|, z goes as above with
G for P; with l > 0 a further integral, which has no closed form, is added.

Both capture rules keep the pair (z, z + l) in the square [-1/2, 1] x [-1/2, 1]: see `flow_through_faces`.
"""

from __future__ import annotations

from functools import cache

import sympy
from sympy import Eq, Expr, Function, Integral, Rational, Symbol, exp

from theory.notation import (
    early_0,
    labile_0,
    late_0,
    protein_0,
    tau_early,
    tau_labile,
    tau_late,
    tau_protein,
    time,
    value_of,
)

production = Symbol("production", nonnegative=True)
"""h, the constant that proteins relax to: 1 above the threshold, 0 below it or while blocked."""
source = Symbol("source", real=True)
"""A, the size of one exponential term of the production under linear capture."""
rate = Symbol("rate", nonnegative=True)
"""mu, the rate of decay of that term (1/s)."""

protein = Function("p", nonnegative=True)
accumulated = Function("P", nonnegative=True)
"""P(t), the time integral of p."""
late = Function("z")
labile = Function("l")

BOUND = {1: sympy.Integer(1), -1: -Rational(1, 2)}
"""What a positive and a negative tag pull the late phase to."""


def _solve(equation: Eq, unknown: Expr, start: Expr) -> Expr:
    solution = sympy.dsolve(equation, unknown, ics={unknown.subs(time, 0): start})
    return solution.rhs


@cache
def early_strength() -> Expr:
    """e(t) from tau_early e' = -e."""
    early = Function("e")
    return _solve(Eq(tau_early * early(time).diff(time), -early(time)), early(time), early_0)


@cache
def protein_under_constant_production() -> Expr:
    """p(t) under threshold capture, between two changes of production."""
    return _solve(Eq(tau_protein * protein(time).diff(time), -protein(time) + production), protein(time), protein_0)


@cache
def protein_under_decaying_drive() -> Expr:
    """p(t) under linear capture for one term of the production, away from resonance."""
    equation = Eq(tau_protein * protein(time).diff(time), -protein(time) + source * exp(-rate * time))
    return _solve(equation, protein(time), protein_0)


@cache
def protein_at_resonance() -> Expr:
    """The limit of `protein_under_decaying_drive` as rate * tau_protein goes to 1."""
    return sympy.expand(sympy.limit(protein_under_decaying_drive(), rate, 1 / tau_protein))


def accumulated_protein(solution: Expr) -> Expr:
    """P(t), the integral of a protein solution from 0 to t."""
    moment = sympy.Dummy("s", nonnegative=True)
    return sympy.simplify(sympy.integrate(solution.subs(time, moment), (moment, 0, time)))


def late_rate(tag: int, proteins: Expr, late_now: Expr, labile_now: Expr) -> Expr:
    """z' under a tag of the given sign (1, -1 or 0), as the model writes it."""
    pull = 0 if tag == 0 else tag * (abs(BOUND[tag]) - tag * (late_now + labile_now))
    return proteins * (pull + labile_now) / tau_late


def labile_rate(proteins: Expr, labile_now: Expr) -> Expr:
    """l', the same under every tag."""
    return -labile_now / tau_labile - proteins * labile_now / tau_late


@cache
def labile_strength() -> Expr:
    """l(t) for any course of p, in terms of P(t)."""
    equation = Eq(labile(time).diff(time), labile_rate(accumulated(time).diff(time), labile(time)))
    general = sympy.dsolve(equation, labile(time)).rhs
    return _from_rest(general, labile_0)


@cache
def late_strength(tag: int) -> Expr:
    """z(t) for any course of p: in terms of P(t) under a tag, of `recapture` without one."""
    if tag == 0:
        return late_0 + labile_0 * recapture()
    slope = sympy.expand(late_rate(tag, accumulated(time).diff(time), late(time), labile(time)))
    general = sympy.dsolve(Eq(late(time).diff(time), slope), late(time)).rhs
    return _from_rest(general, late_0)


def _from_rest(general: Expr, start: Expr) -> Expr:
    # P(0) = 0 must be put in by hand: dsolve does not know that P is an integral from 0.
    constant = (general.free_symbols - {time, tau_late, tau_labile}).pop()
    at_start = general.subs(time, 0).subs(accumulated(0), 0)
    return general.subs(constant, sympy.solve(Eq(at_start, start), constant)[0])


@cache
def recapture() -> Expr:
    """R(t) for any course of p: the fraction of the labile strength taken back into z without a tag."""
    moment = Symbol("s", nonnegative=True)
    lost = Integral(exp(-moment / tau_labile - accumulated(moment) / tau_late), (moment, 0, time)) / tau_labile
    return 1 - exp(-time / tau_labile - accumulated(time) / tau_late) - lost


@cache
def recapture_in_closed_form(decaying: bool) -> Expr:
    """R(t) in lower incomplete gamma functions.

    With u = exp(-s/tau_protein) the labile strength lost is an integral of u^(shape-1) exp(-bend u), where
    shape = tau_protein/tau_labile + h tau_protein/tau_late and bend = (h - p_0) tau_protein/tau_late.

    Parameters
    ----------
    decaying : bool
        True where proteins decay with no production (bend < 0: the gamma function takes a negative argument
        and the complex factors cancel), False where production is constant and p_0 < h (bend > 0).
    """
    if decaying:
        return recapture_in_closed_form(False).subs(production, 0)
    shape, bend, moment = sympy.symbols("shape bend u", positive=True)
    integral = sympy.gammasimp(sympy.integrate(moment ** (shape - 1) * exp(-bend * moment), moment))
    difference = integral.subs(moment, 1) - integral.subs(moment, exp(-time / tau_protein))
    values = {
        bend: (production - protein_0) * tau_protein / tau_late,
        shape: tau_protein / tau_labile + production * tau_protein / tau_late,
    }
    lost = tau_protein / tau_labile * (exp(bend) * difference).subs(values)
    total = accumulated_protein(protein_under_constant_production())
    return 1 - exp(-time / tau_labile - total / tau_late) - lost


@cache
def recapture_by_kummer() -> Expr:
    """R(t) again, in Kummer functions: real, and finite where p_0 = h as well.

    Uses the integral of u^(shape-1) exp(-bend u) from 0 to u = u^shape/shape 1F1(shape; shape + 1; -bend u),
    which is the exponential series integrated term by term.
    """
    proteins = protein_under_constant_production()
    shape = tau_protein / tau_labile + production * tau_protein / tau_late
    bend = (production - protein_0) * tau_protein / tau_late
    since = exp(-time / tau_protein)

    def up_to(moment: Expr) -> Expr:
        return moment**shape / shape * sympy.hyper([shape], [shape + 1], -bend * moment)

    lost = tau_protein / tau_labile * exp(bend) * (up_to(sympy.Integer(1)) - up_to(since))
    return 1 - exp(-time / tau_labile - accumulated_protein(proteins) / tau_late) - lost


def recapture_series_while_decaying(terms: int) -> Expr:
    """R(t) while proteins decay, as the positive series that the kernels sum.

    With a = p_0 tau_protein/tau_late and u = exp(-s/tau_protein), R is the integral of a exp(-a) u^k exp(a u)
    over u, k = tau_protein/tau_labile; the exponential series is integrated term by term.
    """
    size = protein_0 * tau_protein / tau_late
    shape, moment, order = sympy.symbols("shape u n", positive=True)
    power = sympy.integrate(moment ** (shape + order), moment)
    between = power.subs(moment, 1) - power.subs(moment, exp(-time / tau_protein))
    between = between.subs(shape, tau_protein / tau_labile)
    weights = (size ** (n + 1) / sympy.factorial(n) for n in range(terms))
    return exp(-size) * sum(weight * between.subs(order, n) for n, weight in enumerate(weights))


def production_moment(terms: int) -> Expr:
    """M, the integral of u^(shape-1) exp(bend (1-u)) from 0 to 1, as the series that the kernels sum."""
    shape, bend = sympy.symbols("shape bend", positive=True)
    return sum(bend**n / sympy.rf(shape, n + 1) for n in range(terms))


@cache
def production_moment_recursion() -> Expr:
    """What remains of M(shape) = 1/shape + bend/shape M(shape + 1) under the integral: 0."""
    shape, bend, moment = sympy.symbols("shape bend u", positive=True)
    weight = exp(bend * (1 - moment))
    boundary = sympy.diff(moment**shape * weight / shape, moment)
    return sympy.simplify(moment ** (shape - 1) * weight - boundary - bend / shape * moment**shape * weight)


@cache
def recapture_residual(decaying: bool) -> Expr:
    """What remains of the equation of R, R' = p l/(l_0 tau_late), after the gamma-function form is put in."""
    start, gap = sympy.symbols("protein_0 gap", positive=True)
    values = {protein_0: start, production: start + gap}
    height = sympy.Integer(0) if decaying else production
    proteins = protein_under_constant_production().subs(production, height)
    wanted = proteins / tau_late * exp(-time / tau_labile - accumulated_protein(proteins) / tau_late)
    residual = (recapture_in_closed_form(decaying).diff(time) - wanted).subs(values)
    residual = sympy.powsimp(sympy.expand(residual, power_base=True, force=True), force=True)
    # The principal branch of (-1)^x, which is how sympy leaves a power of a negative argument.
    residual = residual.replace(
        lambda part: part.is_Pow and part.base == -1, lambda part: exp(sympy.I * sympy.pi * part.exp)
    )
    return sympy.simplify(residual)


@cache
def late_residual(tag: int) -> Expr:
    """What remains of the equation of z under a tag of this sign, for any p(t), with the solution put in."""
    solution = late_strength(tag)
    wanted = late_rate(tag, accumulated(time).diff(time), solution, labile_strength())
    return sympy.simplify(sympy.expand(solution.diff(time) - wanted))


@cache
def late_strength_under_graded_tag(sign: int) -> Expr:
    """z(t) under linear capture, for a tag g of constant sign, in terms of G = integral of p |g|.

    The labile strength contributes an integral that has no closed form.
    """
    tag, gathered = Function("g", nonnegative=True), Function("G", nonnegative=True)
    moment = Symbol("s", nonnegative=True)
    returned = Integral(
        protein(moment)
        * (1 - tag(moment))
        * labile(moment)
        / tau_late
        * exp(-(gathered(time) - gathered(moment)) / tau_late),
        (moment, 0, time),
    )
    return BOUND[sign] + (late_0 - BOUND[sign]) * exp(-gathered(time) / tau_late) + returned


@cache
def graded_tag_residual(sign: int) -> Expr:
    """What remains of the equation of z under linear capture, with the solution put in."""
    tag, gathered = Function("g", nonnegative=True), Function("G", nonnegative=True)
    solution = late_strength_under_graded_tag(sign)
    pull = sign * tag(time) * (abs(BOUND[sign]) - sign * (late(time) + labile(time)))
    wanted = protein(time) * (pull + labile(time)) / tau_late
    left = solution.diff(time).subs(gathered(time).diff(time), protein(time) * tag(time))
    return sympy.simplify(sympy.expand((left - wanted.subs(late(time), solution)).doit(integrals=False)))


def flow_through_faces(graded: bool = False) -> dict[tuple[int, str], Expr]:
    """The outward flow through each face of -1/2 <= z <= 1, -1/2 <= z + l <= 1, for each sign of the tag.

    A face that the flow never crosses outwards (all values <= 0) cannot be left: so the square is invariant.
    On the faces of z the other coordinate is x = z + l in [-1/2, 1]; on the faces of x it is z.

    Parameters
    ----------
    graded : bool
        True for linear capture, where the tag has a size 0 <= g <= 1.

    Returns
    -------
    dict
        Outward flow by (tag, face); the symbols are p >= 0, g, and y in [0, 1], the place along the face.
    """
    place, size, proteins = sympy.symbols("y g p", nonnegative=True)
    along = -Rational(1, 2) + Rational(3, 2) * place
    flows = {}
    for tag in (1, -1, 0):
        for side in (1, -1):
            for face in ("late", "total"):
                fixed = BOUND[side]
                late_now, total = (fixed, along) if face == "late" else (along, fixed)
                labile_now = total - late_now
                slope = late_rate(tag, proteins, late_now, labile_now)
                if graded and tag:
                    untagged = late_rate(0, proteins, late_now, labile_now)
                    slope = size * slope + (1 - size) * untagged
                if face == "total":
                    slope += labile_rate(proteins, labile_now)
                flows[(tag, f"{face} {'upper' if side > 0 else 'lower'}")] = sympy.factor(side * slope)
    return flows


def recaptured_fraction(
    duration: float,
    *,
    protein_0: float,
    production: float,
    tau_protein: float,
    tau_late: float,
    tau_labile: float,
) -> float:
    """R(t) as a number, from `recapture_by_kummer`.

    Parameters
    ----------
    duration : float
        Time since the last event (s).
    protein_0, production : float
        Protein at the start of the interval, and the constant it relaxes to.
    tau_protein, tau_late, tau_labile : float
        Time constants (s).
    """
    return value_of(
        recapture_by_kummer(),
        t=duration,
        protein_0=protein_0,
        production=production,
        tau_protein=tau_protein,
        tau_late=tau_late,
        tau_labile=tau_labile,
    )
