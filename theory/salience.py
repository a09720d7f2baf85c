r"""What a larger dose does under threshold and under linear capture: the discriminating prediction.

Let a be the drive a release adds, clearing with tau_drive, and d the interval between encoding and release. All
statements are without conversion of eligible traces (which acts for minutes only).

Threshold capture
    How long synthesis lasts.  d(duration)/d ln a = 1/(1/tau_drive + w/tau_early), where w is the share of the
    decaying S in the activity at the crossing (epsilon = 0): tau_drive if s_0 dominates, and
    1/(1/tau_drive + 1/tau_early) if s_0 = 0.
    How much is captured.  Nothing below a = 1/(s_0 + S) - epsilon. Above `saturating_amplitude_retroactive` the late
    strength no longer changes at all: proteins are bounded by 1 and the tag by theta_tag.
    Retroactive window.  Grows with a up to the tag lifetime, tau_early ln(s/theta_tag), and stops there.
    Proactive window.  a and d enter only as a exp(-d/tau_drive) once the traces related to the release have
    decayed, so that at a fixed criterion the window lengthens by tau_drive ln(dose), without end.

Linear capture
    How much is captured.  G = -ln(1 - z) is proportional to the dose at every interval.
    Windows at a fixed criterion.  G = a sum_j C_j exp(-nu_j d), so d(window)/d ln a = -G/(dG/dd), the local decay
    time of G, which tends to the slowest 1/nu_j:
        retroactive   tau_tag if s_0 > 0 or a related event comes with the release, else 1/(1/tau_tag + 1/tau_early)
        proactive     the larger of tau_drive and tau_protein; tau_drive exactly if no protein is made before
                      encoding (s_0 = 0 and no related event)

So `the proactive window lengthens by tau_protein ln(dose)` is true for a drive that clears faster than proteins do, and
false otherwise: with tau_drive = 3 h and tau_protein = 1 h both rules lengthen it by tau_drive ln(dose), and the
proactive window tells them apart by nothing but a constant. What tells them apart whatever the clearance: a least
dose and an exact plateau against proportionality, and a retroactive window that stops at the tag against one
that keeps growing by tau_tag ln(dose).

Relatedness and dose. Under both rules the proteins depend on them through the same product, (s_0 + K|e| + own)(m +
epsilon). Where s_0 and the trace's own activity vanish, K and the dose can be exchanged for one another and no
experiment on that trace separates them. They separate only through what the dose multiplies and K does not: s_0 and
the trace's own activity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import sympy
from sympy import Expr, exp

from theory.capture import (
    late_by_linear,
    late_by_threshold,
    late_from_protein_under_tag,
    linear_exponent_proactive,
    linear_exponent_retroactive,
    kept_for,
    made_for,
)
from theory.crossing import drive_product, synthesis_duration
from theory.experiment import OneRelease
from theory.notation import (
    activity,
    ambient_activity,
    amplitude,
    epsilon,
    interval,
    protein_0,
    related_activity,
    strength,
    tag_threshold,
    tau_drive,
    tau_early,
    time,
)
from theory.windows import tag_lifetime, window_at_criterion

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

log_dose = sympy.Symbol("log_dose", real=True)


@cache
def duration_per_log_dose() -> Expr:
    """d(duration of synthesis)/d ln a, at the crossing t, by implicit differentiation of D(t) = 1."""
    product = drive_product()
    slope = -amplitude * product.diff(amplitude) / product.diff(time)
    return sympy.simplify(slope)


@cache
def least_amplitude() -> Expr:
    """The drive below which a release makes no proteins under threshold capture."""
    (least,) = sympy.solve(drive_product().subs(time, 0) - 1, amplitude)
    return sympy.simplify(least)


@cache
def saturating_amplitude_retroactive() -> Expr:
    """The drive above which late strength no longer changes, the release `interval` after encoding.

    Synthesis then lasts exactly as long as the tag, whose early phase is theta_tag at the end.
    """
    # Measured from the release, when the tag has been wearing off for `interval` already.
    end = tag_lifetime() - interval
    product = (ambient_activity + tag_threshold) * (amplitude * exp(-end / tau_drive) + epsilon)
    (enough,) = sympy.solve(product - 1, amplitude)
    return enough


@cache
def saturated_late_strength() -> Expr:
    """The late strength at and above `saturating_amplitude_retroactive`."""
    whole = tag_lifetime() - interval
    return late_from_protein_under_tag().subs({protein_0: 0, kept_for: 0}).subs(made_for, whole)


@cache
def shift_of_the_proactive_drive() -> Expr:
    """By how much D changes, at any time after encoding, if ln a grows by x and the interval by tau_drive x.

    D after encoding, `interval` after the release, with no related trace and epsilon as it is: 0 means that dose
    and interval can be traded at tau_drive seconds for each unit of ln(dose).
    """
    after = (ambient_activity + strength * exp(-time / tau_early)) * (
        amplitude * exp(-(interval + time) / tau_drive) + epsilon
    )
    moved = after.subs({amplitude: amplitude * exp(log_dose), interval: interval + tau_drive * log_dose}, simultaneous=True)
    return sympy.simplify(moved - after)


@cache
def decay_modes(side: str) -> dict[Expr, Expr]:
    """G under linear capture as a sum of exponentials in the interval: {rate: coefficient}, without conversion.

    Parameters
    ----------
    side : {"retroactive", "proactive"}
    """
    if side == "retroactive":
        own = strength * exp(-interval / tau_early)
        exponent = linear_exponent_retroactive().subs(activity, own)
    else:
        exponent = linear_exponent_proactive()
    modes: dict[Expr, Expr] = {}
    for term in sympy.expand(sympy.expand(exponent), power_exp=True).as_ordered_terms():
        rate = -sympy.expand(sympy.diff(sympy.expand_log(sympy.log(term), force=True), interval))
        rate = sympy.simplify(rate)
        coefficient = term.subs(interval, 0)
        modes[rate] = modes.get(rate, sympy.Integer(0)) + coefficient
    return {rate: sympy.factor(total) for rate, total in modes.items()}


def window_per_log_dose_linear(side: str) -> Expr:
    """d(window)/d ln a at a fixed criterion under linear capture: -G/(dG/d interval)."""
    total = sum(coefficient * exp(-rate * interval) for rate, coefficient in decay_modes(side).items())
    return -total / sympy.diff(total, interval)


@cache
def exchange_of_relatedness_for_dose() -> Expr:
    """D with relatedness K multiplied by c, minus D with the dose multiplied by c, for epsilon = 0.

    It vanishes, so that the two cannot be told apart, only where s_0 and the trace's own activity do.
    """
    factor = sympy.Symbol("c", positive=True)
    fading = exp(-time / tau_early)

    def product(relatedness: Expr, dose: Expr) -> Expr:
        active = ambient_activity + (activity + relatedness * related_activity) * fading
        return active * dose * amplitude * exp(-time / tau_drive)

    return sympy.factor(product(factor, sympy.Integer(1)) - product(sympy.Integer(1), factor))


def predictions(
    doses: Sequence[float],
    experiment: OneRelease | None = None,
    *,
    interval: float = 1800.0,
    criterion: float = 0.05,
) -> pandas.DataFrame:
    """What both capture rules predict for each dose.

    Parameters
    ----------
    doses : sequence of float
        Doses of the release; 1 is full drive.
    experiment : OneRelease, optional
        The experiment, whose own dose is not used; by default that of `OneRelease()`.
    interval : float
        Interval (s) at which late strength is given.
    criterion : float
        Late strength that defines the windows.

    Returns
    -------
    pandas.DataFrame
        One row a dose and rule: dose, rule, late_retroactive, late_proactive (late strength captured with the
        release `interval` after or before encoding), synthesis_duration (s, of the trace's compartment for a
        release right after encoding; NaN under linear capture, where it has no end), retroactive_window and
        proactive_window (s, at the criterion; NaN where no interval reaches it).
    """
    import pandas

    experiment = experiment or OneRelease()
    captured = {"threshold": late_by_threshold, "linear": late_by_linear}
    rows = []
    for dose in doses:
        dosed = experiment.with_dose(float(dose))
        duration = synthesis_duration(
            dosed.early_after_release(0.0) + dosed.related_activity,
            amplitude=dosed.amplitude,
            tau_drive=dosed.drive_clearance,
            ambient_activity=dosed.ambient_activity,
            epsilon=dosed.epsilon,
            tau_early=dosed.tau_early,
        )
        for rule, late in captured.items():
            rows.append(
                {
                    "dose": dosed.dose,
                    "rule": rule,
                    "late_retroactive": late(interval, dosed),
                    "late_proactive": late(-interval, dosed),
                    "synthesis_duration": duration if rule == "threshold" else math.nan,
                    "retroactive_window": window_at_criterion(rule, "retroactive", criterion, dosed),
                    "proactive_window": window_at_criterion(rule, "proactive", criterion, dosed),
                }
            )
    return pandas.DataFrame(rows)
