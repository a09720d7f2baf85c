r"""How long a tag lasts, and how late or how early a release may come.

Tag:         e exp(-t/tau_early) = theta_tag                  at t = tau_early ln(e/theta_tag)
Synthesis:   see `theory.crossing`; after saturating encoding at constant drive, tau_early ln(m + epsilon)

Retroactive, threshold capture. A release `interval` d after encoding rescues the trace if it still finds
a tag and if its drive starts synthesis in what is left of the activity,

    s exp(-d/tau_early) > theta_tag   and   (s_0 + R + s exp(-d/tau_early))(a + epsilon) > 1

that is, if the early phase exceeds the larger of theta_tag and 1/(a + epsilon) - s_0 - R. Both conditions
fail for good at a sharp time; beyond it nothing at all is captured. The dose a only enters the second, so
the window grows with the dose up to the tag and no further. A release that also converts eligible traces
first raises the early phase, which prolongs the window by seconds at the cap (eligibility is then e^-16),
but opens one of minutes for traces too weak for a tag of their own.

Proactive, threshold capture. Proteins made before encoding decay and are never quite gone, so there is a
sharp end only to the new synthesis that encoding itself sets off, at (s_0 + s)(a exp(-d/tau_drive) +
epsilon) = 1.

Linear capture has no sharp window on either side: z = 1 - exp(-G), G > 0 at every interval. A window
exists only at a fixed criterion on z, and is then a matter of how G decays with the interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import sympy
from sympy import Eq, Expr

from theory.capture import late_by_linear, late_by_threshold
from theory.crossing import newton_path, time_to_fall
from theory.experiment import OneRelease
from theory.notation import (
    ambient_activity,
    amplitude,
    epsilon,
    related_activity,
    strength,
    tag_threshold,
    tau_drive,
    tau_early,
)

CAPTURED: dict[str, Callable[[float, OneRelease], float]] = {
    "threshold": late_by_threshold,
    "linear": late_by_linear,
}
"""Late strength captured, by capture rule."""


@cache
def tag_lifetime() -> Expr:
    """How long a trace encoded at `strength` is tagged; also the latest useful release, whatever its dose."""
    return time_to_fall(strength, tag_threshold, tau_early)


@cache
def retroactive_window_by_drive() -> Expr:
    """Latest release whose drive still starts synthesis; never closes where (s_0 + R)(a + epsilon) >= 1."""
    early = sympy.Symbol("early", positive=True)
    (needed,) = sympy.solve(Eq((ambient_activity + related_activity + early) * (amplitude + epsilon), 1), early)
    return time_to_fall(strength, needed, tau_early)


@cache
def proactive_window_by_drive() -> Expr:
    """Earliest release that lets encoding, with no related trace, set off synthesis of its own."""
    left = sympy.Symbol("left", positive=True)
    (needed,) = sympy.solve(Eq((ambient_activity + strength) * (left + epsilon), 1), left)
    return time_to_fall(amplitude, needed, tau_drive)


def retroactive_window(experiment: OneRelease) -> float:
    """The sharp retroactive window of threshold capture, with conversion if the experiment has it.

    Returns
    -------
    float
        Delay (s) from encoding below which a release captures something; 0 if none does.
    """
    push = experiment.amplitude + experiment.epsilon
    reserve = experiment.ambient_activity + experiment.related_activity
    needed = max(experiment.tag_threshold, 1.0 / push - reserve if push > 0.0 else math.inf)
    if experiment.early_after_release(0.0) <= needed:
        return 0.0
    if experiment.conversion == 0.0:
        return experiment.tau_early * math.log(experiment.encoding_strength / needed)
    # The early phase after the release falls with the delay: one root.
    return _falls_to(needed, experiment.early_after_release, 0.0)


def proactive_synthesis_window(experiment: OneRelease) -> float:
    """How long before encoding a release may come and still let encoding set off synthesis of its own (s)."""
    relatives, ambient = experiment.related_activity, experiment.ambient_activity
    fading, clearing = 1.0 / experiment.tau_early, 1.0 / experiment.drive_clearance
    sizes, rates = [], []
    for level, loss in ((ambient + experiment.encoding_strength, 0.0), (relatives, fading)):
        sizes += [level * experiment.amplitude, level * experiment.epsilon]
        rates += [loss + clearing, loss]
    return newton_path(sizes, rates)[-1]


def window_at_criterion(rule: str, side: str, criterion: float, experiment: OneRelease) -> float:
    """Longest interval between encoding and release at which the criterion is captured.

    Parameters
    ----------
    rule : {"threshold", "linear"}
        Capture rule.
    side : {"retroactive", "proactive"}
        Whether the release follows or precedes the encoding.
    criterion : float
        Late strength to be reached, 0 < criterion < 1.
    experiment : OneRelease

    Returns
    -------
    float
        Interval (s); nan if no interval reaches the criterion.

    Raises
    ------
    ValueError
        If the rule, the side or the criterion is not one of these.
    """
    if rule not in CAPTURED:
        raise ValueError(f"rule is {rule!r}; give one of {', '.join(CAPTURED)}")
    if side not in ("retroactive", "proactive"):
        raise ValueError(f"side is {side!r}; give 'retroactive' or 'proactive'")
    if not 0.0 < criterion < 1.0:
        raise ValueError(f"criterion is {criterion}; give a late strength between 0 and 1")
    captured, sign = CAPTURED[rule], 1.0 if side == "retroactive" else -1.0

    def late(delay: float) -> float:
        return captured(sign * delay, experiment)

    best = 0.0 if side == "retroactive" else _reaching_lead(criterion, late)
    if not late(best) > criterion:
        return math.nan
    return _falls_to(criterion, late, best)


def _reaching_lead(criterion: float, late: Callable[[float], float]) -> float:
    # Capture first rises with the lead of the release (proteins build up), then falls: one peak.
    from scipy.optimize import minimize_scalar

    leads = [1.0] + [60.0 * 2.5**k for k in range(12)]
    values = [late(lead) for lead in leads]
    best = max(range(len(leads)), key=values.__getitem__)
    if values[best] > criterion:
        return leads[best]
    around = leads[max(best - 1, 0)], leads[min(best + 1, len(leads) - 1)]
    return float(minimize_scalar(lambda lead: -late(lead), bounds=around, method="bounded").x)


def _falls_to(level: float, falling: Callable[[float], float], start: float) -> float:
    from scipy.optimize import brentq

    step = 60.0
    while falling(start + step) > level:
        step *= 2.0
    return float(brentq(lambda delay: falling(delay) - level, start, start + step, xtol=1e-9, rtol=1e-14))
