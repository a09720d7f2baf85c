r"""What is left of a late trace after a reactivation has made part of it labile.

At reactivation a fraction lambda of z goes to l. With R of `theory.between_events`, P the protein that
follows and x = z + l, the fraction of the late strength kept in the end is

    synthesis blocked throughout          1 - lambda
    allowed, no tag                       1 - lambda (1 - R)
    allowed, a tag outlasts the proteins  [1 - (1 - (1 - lambda) z) exp(-P/tau_late)]/z

The last line is what a reactivation does that tags the trace again, as it does under threshold capture. It
is free of tau_labile: z obeys z' = p (1 - z)/tau_late whatever is labile, so that restoring the trace is
new capture, and tau_labile only sets for how long the weakened trace still reads as strong. Recapture
alone cannot do it: even with p = 1 from the start,

    R <= tau_labile/(tau_labile + tau_late)

so that to keep a share k of the late strength without a tag takes

    tau_labile >= tau_late (lambda/(1 - k) - 1)

Blocked from D on. Blocking stops production, not the proteins there are, and can cost no more than is
still labile, lambda z exp(-D/tau_labile - P(D)/tau_late) <= lambda z exp(-D/tau_labile). A loss below
`tolerance` whatever was made before therefore asks

    tau_labile <= D/ln(1/tolerance)     (6 h and 5 %: 7 210 s, the "about 2 h" of the model)

This is sufficient, not necessary. If the drive has already fallen below the threshold at D, blocking
costs exactly nothing at any tau_labile, and under a tag that outlasts the proteins tau_labile does not
matter either. Where the bound does bite is the other experiment, blocked from the start until D: what is
still labile at D, at most lambda z exp(-D/tau_labile), is what late synthesis could rescue.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import sympy
from sympy import Eq, Expr, exp, oo

from theory.between_events import (
    accumulated,
    labile_strength,
    late_strength,
    protein_under_constant_production,
    recapture,
    recaptured_fraction,
)
from theory.crossing import synthesis_duration
from theory.notation import labile_0, late_0, tau_labile, tau_late, time, value_of

lability = sympy.Symbol("lability", nonnegative=True)
"""lambda, the fraction of z made labile."""
late_before = sympy.Symbol("late", positive=True)
"""z before the reactivation."""
returned = sympy.Symbol("R", nonnegative=True)
"""R, the fraction of the labile strength that is recaptured in the end."""
protein_seen = sympy.Symbol("P", nonnegative=True)
"""P, the integral of p until proteins are gone."""
delay = sympy.Symbol("delay", positive=True)
tolerance = sympy.Symbol("tolerance", positive=True)
kept_share = sympy.Symbol("kept", positive=True)

_AFTER_JUMP = {late_0: (1 - lability) * late_before, labile_0: lability * late_before}


@cache
def kept_without_tag() -> Expr:
    """Fraction of late strength kept if no tag is there, in terms of R."""
    final = late_strength(0).subs(recapture(), returned)
    return sympy.factor(final.subs(_AFTER_JUMP) / late_before)


@cache
def kept_under_tag() -> Expr:
    """Fraction kept if a positive tag outlasts the proteins, in terms of P; it can exceed 1."""
    final = late_strength(1).subs(accumulated(time), protein_seen).subs(_AFTER_JUMP)
    return final / late_before


@cache
def strongest_trace_kept() -> Expr:
    """The largest z of which a share is kept under a tag, in terms of P: a stronger trace needs more."""
    (strongest,) = sympy.solve(Eq(kept_under_tag(), kept_share), late_before)
    return sympy.simplify(strongest)


@cache
def kept_if_blocked() -> Expr:
    """Fraction kept if no protein is there from the reactivation until nothing is labile."""
    return sympy.simplify(kept_without_tag().subs(returned, 0))


@cache
def most_recaptured() -> Expr:
    """R for p = 1 from the reactivation on, for ever: the most that can come back without a tag."""
    rate = exp(-time / tau_labile - time / tau_late) / tau_late
    return sympy.simplify(sympy.integrate(rate, (time, 0, oo)))


@cache
def shortest_tau_labile_without_tag() -> Expr:
    """tau_labile needed to keep a share of the late strength by recapture alone, with p = 1 throughout."""
    (shortest,) = sympy.solve(Eq(kept_without_tag().subs(returned, most_recaptured()), kept_share), tau_labile)
    return sympy.simplify(shortest)


@cache
def labile_left_at_most() -> Expr:
    """The share of what was made labile that is still labile after `delay`, had no protein been there."""
    left = labile_strength().subs(accumulated(time), 0) / labile_0
    return left.subs(time, delay)


@cache
def longest_tau_labile() -> Expr:
    """The tau_labile up to which blocking from `delay` on costs less than `tolerance`, whatever was made."""
    (longest,) = sympy.solve(Eq(labile_left_at_most(), tolerance), tau_labile)
    return sympy.simplify(longest)


def kept_fraction(
    *,
    late: float,
    lability: float,
    early: float,
    surprise: float = 4.0,
    blocked: tuple[float, float] | None = None,
    ambient_activity: float = 0.3,
    epsilon: float = 0.001,
    tag_threshold: float = 0.2,
    surprise_clearance: float = 10800.0,
    tau_early: float = 6884.0,
    tau_protein: float = 3600.0,
    tau_late: float = 3600.0,
    tau_labile: float = 7200.0,
    until: float = 30 * 86400.0,
) -> float:
    """z + l after a reactivation, as a fraction of the z before it, under threshold capture.

    Parameters
    ----------
    late : float
        z before the reactivation, with nothing labile and no protein.
    lability : float
        Fraction of z made labile.
    early : float
        Early phase right after the reactivation; above `tag_threshold` it tags the trace again.
    surprise : float
        Drive added by the prediction error.
    blocked : (float, float), optional
        Start and end of a block of synthesis (s from the reactivation).
    ambient_activity, epsilon, tag_threshold : float
        As in the model.
    surprise_clearance, tau_early, tau_protein, tau_late, tau_labile : float
        Time constants (s).
    until : float
        When the strength is read (s from the reactivation).
    """
    drive_lasts = synthesis_duration(
        early,
        amplitude=surprise,
        tau_drive=surprise_clearance,
        ambient_activity=ambient_activity,
        epsilon=epsilon,
        tau_early=tau_early,
    )
    tag_lasts = max(0.0, tau_early * math.log(early / tag_threshold)) if early > 0.0 else 0.0
    block_from, block_to = blocked or (until, until)
    cuts = sorted({0.0, until, *(cut for cut in (drive_lasts, tag_lasts, block_from, block_to) if 0 < cut < until)})
    z, labile, protein = (1.0 - lability) * late, lability * late, 0.0
    for start, end in pairwise(cuts):
        span = end - start
        made = 1.0 if start < drive_lasts and not block_from <= start < block_to else 0.0
        after = value_of(
            protein_under_constant_production(),
            t=span,
            protein_0=protein,
            production=made,
            tau_protein=tau_protein,
        )
        # P from tau_protein p' = -p + h, integrated.
        total = made * span - tau_protein * (after - protein)
        if start < tag_lasts:
            z = 1.0 - (1.0 - z) * math.exp(-total / tau_late)
        else:
            z += labile * recaptured_fraction(
                span,
                protein_0=protein,
                production=made,
                tau_protein=tau_protein,
                tau_late=tau_late,
                tau_labile=tau_labile,
            )
        labile *= math.exp(-span / tau_labile - total / tau_late)
        protein = after
    return (z + labile) / late
