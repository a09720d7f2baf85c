r"""What a larger dose does under threshold and under linear capture: the discriminating prediction.

Let a be the drive a release adds, clearing with tau_drive, and d the interval between encoding and
release. All statements are without conversion of eligible traces (which acts for minutes only).

Threshold capture
    How long synthesis lasts. d(duration)/d ln a = 1/(1/tau_drive + w/tau_early), where w is the share of the
    decaying S in the activity at the crossing (epsilon = 0): tau_drive if s_0 dominates, and
    1/(1/tau_drive + 1/tau_early) if s_0 = 0.

    How much is captured. Nothing below a = 1/(s_0 + S) - epsilon, S at the release. Above
    `saturating_amplitude_retroactive` the late strength no longer changes at all: proteins are bounded by
    1 and the tag by theta_tag.

    Retroactive window. It grows with a up to the tag lifetime, tau_early ln(s/theta_tag), and stops there.

    Proactive window at a fixed criterion. What encoding sets off depends on a and d only through a
    exp(-d/tau_drive): that part of the window lengthens by tau_drive ln(dose), without end. Where only
    proteins made before encoding count, it lengthens by tau_drive/(1 - exp(-t_1/tau_protein)) for each
    unit of ln(dose), t_1 being the end of their synthesis: by tau_drive once synthesis outlasts
    tau_protein, and by the double logarithm tau_protein ln(t_1) while it is short.

Linear capture
    How much is captured. G = -ln(1 - z) is proportional to the dose at every interval.

    Windows at a fixed criterion. G = a sum_j C_j exp(-nu_j d), so that d(window)/d ln a = -G/(dG/dd), the
    local decay time of G, which tends to the slowest 1/nu_j: retroactive, tau_tag if s_0 > 0 or a related
    event comes with the release, else 1/(1/tau_tag + 1/tau_early); proactive, the larger of tau_drive and
    tau_protein if s_0 > 0 or a related event comes with the release; tau_drive exactly if neither does (no
    protein is then made before encoding).

So "the proactive window lengthens by tau_protein ln(dose)" is true of a drive that clears faster than
proteins decay, and of no other. With tau_drive = 3 h and tau_protein = 1 h both rules lengthen it by
tau_drive ln(dose), and it tells them apart by a constant only. What tells them apart whatever the
clearance is the retroactive side: a least dose and an exact plateau against proportionality, and a window
that stops at the tag against one that keeps growing by tau_tag ln(dose).

Relatedness and dose. Under both rules proteins depend on them through one product, (s_0 + K|e| + own)(m +
epsilon). Where s_0 and the trace's own activity vanish, K and the dose can be exchanged for one another,
and no experiment on that trace separates them. They separate through what the dose multiplies and K does
not: s_0 and own activity.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import sympy
from sympy import Expr, exp

from engram.units import hour, minute
from theory.between_events import production, protein_under_constant_production
from theory.capture import (
    kept_for,
    late_from_protein_under_tag,
    linear_exponent_proactive,
    linear_exponent_retroactive,
    made_for,
)
from theory.crossing import (
    crossing_by_ambient_activity_alone,
    drive_product,
    synthesis_duration,
    time_to_fall,
)
from theory.experiment import OneRelease
from theory.notation import (
    activity,
    ambient_activity,
    amplitude,
    epsilon,
    exponential_modes,
    interval,
    protein_0,
    related_activity,
    strength,
    tag_threshold,
    tau_drive,
    tau_early,
    tau_protein,
    time,
)
from theory.windows import CAPTURED, tag_lifetime, window_at_criterion

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
    left = sympy.Symbol("left", positive=True)
    (needed,) = sympy.solve((ambient_activity + tag_threshold) * (left + epsilon) - 1, left)
    return needed * exp((tag_lifetime() - interval) / tau_drive)


@cache
def saturated_late_strength() -> Expr:
    """The late strength at and above `saturating_amplitude_retroactive`."""
    whole = tag_lifetime() - interval
    return late_from_protein_under_tag().subs({protein_0: 0, kept_for: 0}).subs(made_for, whole)


@cache
def shift_of_the_proactive_drive() -> Expr:
    """By how much D changes, at any time after encoding, if ln a grows by x and the interval by tau_drive x.

    D after encoding, `interval` after the release, with no related trace and epsilon as it is: 0 means that
    dose and interval can be traded at tau_drive seconds for each unit of ln(dose).
    """
    after = (ambient_activity + strength * exp(-time / tau_early)) * (
        amplitude * exp(-(interval + time) / tau_drive) + epsilon
    )
    traded = {amplitude: amplitude * exp(log_dose), interval: interval + tau_drive * log_dose}
    return sympy.simplify(after.subs(traded, simultaneous=True) - after)


@cache
def residual_protein_window_per_log_dose() -> Expr:
    """d(window)/d ln a where all proteins were made before encoding, by s_0 alone, under threshold capture.

    Made until the crossing t_1, they have decayed to a fixed level p at t_1 + tau_protein ln(p(t_1)/p). With
    t_1 as `crossing` the slope is tau_drive/(1 - exp(-t_1/tau_protein)).
    """
    crossing = crossing_by_ambient_activity_alone()
    made = protein_under_constant_production().subs({production: 1, protein_0: 0})
    level, reached = sympy.symbols("level crossing", positive=True)
    window = time + time_to_fall(made, level, tau_protein)
    slope = window.diff(time).subs(time, reached) * amplitude * crossing.diff(amplitude)
    return sympy.simplify(slope)


@cache
def decay_modes(side: str) -> dict[Expr, Expr]:
    """G under linear capture as exponentials in the interval: {rate: coefficient}, without conversion.

    Parameters
    ----------
    side : {"retroactive", "proactive"}
    """
    if side == "retroactive":
        own = strength * exp(-interval / tau_early)
        exponent = linear_exponent_retroactive().subs(activity, own)
    else:
        exponent = linear_exponent_proactive()
    return exponential_modes(exponent, interval)


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
    doses: Iterable[float],
    experiment: OneRelease | None = None,
    *,
    interval: float = 1800.0,
    criterion: float = 0.05,
) -> pandas.DataFrame:
    """What both capture rules predict for each dose.

    Parameters
    ----------
    doses : iterable of float
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
        for rule, late in CAPTURED.items():
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


def discriminating_prediction_figure(
    experiment: OneRelease | None = None, *, fast_clearance: float = 900.0, criterion: float = 0.05
) -> Figure:
    """Draw what both capture rules predict for the dose: amount captured, and windows on either side.

    Parameters
    ----------
    experiment : OneRelease, optional
        The experiment, drawn with its own drive clearance.
    fast_clearance : float
        A second clearance of the drive (s), for the proactive side.
    criterion : float
        Late strength that defines the windows.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels; not attached to pyplot, so that nothing has to be closed.
    """
    import numpy
    from matplotlib.figure import Figure

    experiment = experiment or OneRelease()
    fast = dataclasses.replace(experiment, drive_clearance=fast_clearance)
    doses = numpy.geomspace(0.125, 64.0, 28)
    slow_table = predictions(doses, experiment, criterion=criterion)
    fast_table = predictions(doses, fast, criterion=criterion)
    dense = numpy.geomspace(doses[0], doses[-1], 109)
    colours = {"threshold": "#0072B2", "linear": "#D55E00"}
    dashes = (0, (2, 1))

    figure = Figure(figsize=(11.0, 3.7), layout="constrained")
    amount, after, before = figure.subplots(1, 3)
    for rule, colour in colours.items():
        style = {"color": colour, "lw": 2}
        late = [CAPTURED[rule](1800.0, experiment.with_dose(dose)) for dose in dense.tolist()]
        amount.plot(dense, late, label=f"{rule} capture", **style)
        slow_rows = slow_table[slow_table["rule"] == rule]
        fast_rows = fast_table[fast_table["rule"] == rule]
        after.plot(slow_rows["dose"], slow_rows["retroactive_window"] / hour, **style)
        before.plot(slow_rows["dose"], slow_rows["proactive_window"] / hour, **style)
        before.plot(fast_rows["dose"], fast_rows["proactive_window"] / hour, ls=dashes, **style)
    after.axhline(experiment.tag_lifetime / hour, color="0.45", lw=1, ls=":")
    after.text(0.125, experiment.tag_lifetime / hour, "tag lifetime", color="0.35", va="bottom", fontsize=9)
    before.plot([], [], color="0.45", lw=2, label=f"drive clears in {experiment.drive_clearance / hour:g} h")
    before.plot([], [], color="0.45", lw=2, ls=dashes, label=f"drive clears in {fast_clearance / minute:g} min")

    amount.set_ylabel("late strength captured (1 = full)")
    amount.set_title("Release 30 min after encoding", fontsize=10)
    after.set_ylabel(f"latest release capturing {criterion:g} (h)")
    after.set_title("Retroactive window", fontsize=10)
    before.set_ylabel(f"earliest release capturing {criterion:g} (h)")
    before.set_title("Proactive window", fontsize=10)
    for letter, axes in zip("abc", (amount, after, before), strict=True):
        axes.set_xscale("log", base=2)
        axes.set_xlim(0.11, 72.0)
        axes.set_xticks([0.125, 0.5, 2, 8, 32], ["1/8", "1/2", "2", "8", "32"])
        axes.set_xlabel("dose of the release (1 = full drive)")
        axes.set_ylim(bottom=0.0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.text(-0.14, 1.05, letter, transform=axes.transAxes, fontweight="bold")
    amount.legend(frameon=False, fontsize=9, loc="upper left")
    before.legend(frameon=False, fontsize=9, loc="upper left")
    return figure
