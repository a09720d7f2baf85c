r"""Late strength a weak trace captures, against the interval between its encoding and a release.

Threshold capture. The tag lasts L = tau_early ln(e/theta_tag) from the later of encoding and release,
proteins are made for the first A <= L of it and decay for the remaining B = L - A. Starting from p_0,

    P = A - (1 - p_0) tau_protein (1 - exp(-A/tau_protein))
          + (1 - (1 - p_0) exp(-A/tau_protein)) tau_protein (1 - exp(-B/tau_protein))
    z = 1 - exp(-P/tau_late)

A is the crossing of `theory.crossing`. Retroactively p_0 = 0. Proactively p_0 is what is left of the
proteins made before encoding, by the ambient activity and by traces related to the release. A later
release always captures less: the activity it meets is lower (A falls) and less of the tag is left (A + B
falls), and P rises with both.

Linear capture. With f = s at encoding, g = s exp(-t/tau_tag), and the drive clearing with tau_drive,
production is a sum of exponentials A_j exp(-mu_j t), mu = 1/tau_drive by s_0 and 1/tau_drive +
1/tau_early by S. Each gives

    integral of p exp(-t/tau_tag) from 0 to infinity
        = [A/(mu + 1/tau_tag) + p_0 tau_protein] / (1 + tau_protein/tau_tag)

without any resonance, and z = 1 - exp(-G), where G, the sum of these times s/tau_late, is proportional to
the dose: `linear_exponent_retroactive` and `linear_exponent_proactive`.
"""

from __future__ import annotations

import math
from functools import cache

import sympy
from sympy import Expr, exp, oo

from theory.between_events import (
    accumulated,
    accumulated_protein,
    late_strength,
    production,
    protein_under_constant_production,
    protein_under_decaying_drive,
    rate,
    source,
)
from theory.crossing import synthesis_duration
from theory.experiment import OneRelease
from theory.notation import (
    activity,
    ambient_activity,
    amplitude,
    capture_gain,
    exponential_modes,
    interval,
    late_0,
    protein_0,
    related_activity,
    strength,
    tau_drive,
    tau_early,
    tau_late,
    tau_tag,
    time,
    value_of,
)

made_for = sympy.Symbol("made_for", nonnegative=True)
"""A, how long proteins are made under the tag (s)."""
kept_for = sympy.Symbol("kept_for", nonnegative=True)
"""B, how long the tag lasts after that (s)."""


@cache
def protein_under_tag() -> Expr:
    """P over the life of the tag: production for `made_for`, then decay for `kept_for`."""
    made = protein_under_constant_production().subs(production, 1)
    decayed = protein_under_constant_production().subs(production, 0)
    first = accumulated_protein(made).subs(time, made_for)
    second = accumulated_protein(decayed).subs({protein_0: made.subs(time, made_for), time: kept_for})
    return sympy.simplify(first + second)


@cache
def captured_late_strength() -> Expr:
    """z of a trace without late strength that sees P under a positive tag."""
    return late_strength(1).subs(late_0, 0)


@cache
def late_from_protein_under_tag() -> Expr:
    """z under threshold capture, in terms of p_0, `made_for` and `kept_for`."""
    return captured_late_strength().subs(accumulated(time), protein_under_tag())


@cache
def late_at_constant_drive() -> Expr:
    """z rescued by a release `interval` after encoding whose drive stays, synthesis outlasting the tag."""
    left = tau_early * sympy.log(strength / sympy.Symbol("tag_threshold", positive=True)) - interval
    return late_from_protein_under_tag().subs({protein_0: 0, kept_for: 0}).subs(made_for, left)


@cache
def protein_gathered_by_fading_tag() -> Expr:
    """Integral of p exp(-t/tau_tag) from 0 to infinity for one exponential term of the production."""
    modes = exponential_modes(protein_under_decaying_drive(), time)
    steady = sympy.Symbol("k", positive=True)
    area = sympy.integrate(exp(-steady * time), (time, 0, oo))
    total = sum(size * area.subs(steady, decay + 1 / tau_tag) for decay, size in modes.items())
    return sympy.factor(total)


def _gathered(terms: list[tuple[Expr, Expr]], protein_now: Expr) -> Expr:
    gathered = protein_gathered_by_fading_tag()
    produced = gathered.subs(protein_0, 0)
    total = sympy.cancel(gathered.subs(source, 0)).subs(protein_0, protein_now)
    return total + sum(produced.subs({source: size, rate: mu}) for size, mu in terms)


@cache
def linear_exponent_retroactive() -> Expr:
    """G = -ln(1 - z) under linear capture, the release `interval` after encoding.

    `activity` is the early phase at the release, after what the release itself converts.
    """
    push = capture_gain * amplitude
    slow, fast = 1 / tau_drive, 1 / tau_drive + 1 / tau_early
    terms = [(push * ambient_activity, slow), (push * (activity + related_activity), fast)]
    return strength * exp(-interval / tau_tag) / tau_late * _gathered(terms, sympy.Integer(0))


@cache
def linear_protein_at_encoding() -> Expr:
    """p at encoding, `interval` after the release, under linear capture."""
    push = capture_gain * amplitude
    terms = [
        (push * ambient_activity, 1 / tau_drive),
        (push * related_activity, 1 / tau_drive + 1 / tau_early),
    ]
    made = protein_under_decaying_drive().subs({protein_0: 0, time: interval})
    return sum(made.subs({source: size, rate: mu}) for size, mu in terms)


@cache
def linear_exponent_proactive() -> Expr:
    """G = -ln(1 - z) under linear capture, the release `interval` before encoding."""
    push = capture_gain * amplitude * exp(-interval / tau_drive)
    slow, fast = 1 / tau_drive, 1 / tau_drive + 1 / tau_early
    present = strength + related_activity * exp(-interval / tau_early)
    terms = [(push * ambient_activity, slow), (push * present, fast)]
    return strength / tau_late * _gathered(terms, linear_protein_at_encoding())


def protein_seen_by_tag(release_after_encoding: float, experiment: OneRelease) -> float:
    """P, the protein the tag sees under threshold capture.

    Parameters
    ----------
    release_after_encoding : float
        Time of the release minus time of encoding (s): positive is retroactive, negative proactive. At 0 the
        trace is encoded first.
    experiment : OneRelease

    Returns
    -------
    float
        Integral of p over the life of the tag (s), exactly 0 where no tag is left or nothing is made.
    """
    shared = {
        "tau_drive": experiment.drive_clearance,
        "ambient_activity": experiment.ambient_activity,
        "epsilon": experiment.epsilon,
        "tau_early": experiment.tau_early,
    }
    relatives, push, start = experiment.related_activity, experiment.amplitude, 0.0
    if release_after_encoding >= 0.0:
        early = experiment.early_after_release(release_after_encoding)
    else:
        early, lead = experiment.encoding_strength, -release_after_encoding
        made_before = synthesis_duration(relatives, amplitude=push, **shared)
        decayed_for = max(0.0, lead - made_before)
        start = -math.expm1(-min(lead, made_before) / experiment.tau_protein)
        start *= math.exp(-decayed_for / experiment.tau_protein)
        relatives *= math.exp(-lead / experiment.tau_early)
        push *= math.exp(-lead / experiment.drive_clearance)
    if early <= experiment.tag_threshold:
        return 0.0
    tagged = experiment.tau_early * math.log(early / experiment.tag_threshold)
    made = min(tagged, synthesis_duration(early + relatives, amplitude=push, **shared))
    return value_of(
        protein_under_tag(),
        made_for=made,
        kept_for=tagged - made,
        protein_0=start,
        tau_protein=experiment.tau_protein,
    )


def late_by_threshold(release_after_encoding: float, experiment: OneRelease) -> float:
    """Late strength under threshold capture, once the tag is gone; arguments of `protein_seen_by_tag`."""
    return -math.expm1(-protein_seen_by_tag(release_after_encoding, experiment) / experiment.tau_late)


def linear_exponent(release_after_encoding: float, experiment: OneRelease) -> float:
    """G under linear capture, in the limit of a late test; arguments of `protein_seen_by_tag`."""
    values = experiment.symbols()
    if release_after_encoding >= 0.0:
        values["activity"] = experiment.early_after_release(release_after_encoding)
        return value_of(linear_exponent_retroactive(), interval=release_after_encoding, **values)
    clearing = 1.0 / experiment.drive_clearance
    if any(abs(mu * experiment.tau_protein - 1.0) < 1e-12 for mu in (clearing, clearing + 1.0 / experiment.tau_early)):
        # Resonance: the limit exists, and a shift of 1e-11 reaches it within rounding at 30 digits.
        values["tau_protein"] *= 1.0 + 1e-11
    return value_of(linear_exponent_proactive(), interval=-release_after_encoding, **values)


def late_by_linear(release_after_encoding: float, experiment: OneRelease) -> float:
    """Late strength captured under linear capture, in the limit of a late test."""
    return -math.expm1(-linear_exponent(release_after_encoding, experiment))
