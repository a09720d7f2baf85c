"""Linear capture: the rival without thresholds.

    τ_e ė = −e                                         early phase
    τ_tag ġ = −g                                       capture tag, moved with e by encoding and reactivation
    τ_p ṗ = −p + κ m (s_0 + Σ_j K_ij |e_j|)            proteins; no production while synthesis is blocked
    τ_z ż = p[|g|(1 − z − ℓ) for g > 0, −|g|(z + ℓ + ½) for g < 0] + pℓ      late phase
    ℓ̇ = −ℓ/τ_ℓ − pℓ/τ_z                                labile strength

Drive times activity is a sum of exponentials, so p, P = ∫p and Q = ∫p exp(−s/τ_tag) are closed form, and without
labile strength ``z → B + (z − B) exp(−|g|Q/τ_z)``. With it, w = B − z obeys
``τ_z ẇ = −p|g|w + pℓ(|g| − 1)``: a smooth integral, by Gauss–Legendre on intervals that double in length from the
fastest time constant on. Derived in ``theory.between_events``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._jit import kernel
from ..parameter import parameter
from .event_loop import bind
from .model import CaptureModel, kernel_parameters
from .state import ACTIVITY, LABILE, LATE, NOW, OF_MODEL, OK, PROTEIN, RATE, TAG, magnitude

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_NEAR_RESONANCE = 1e-2  # relative distance of two rates below which their divided difference is not a difference
_GONE = 1e-22  # labile strength that no longer matters

# columns of the leap's first row …
CLEARED, TAG_LOST, TAG_LEFT = range(OF_MODEL, OF_MODEL + 3)
# … and of the others: the drive's level, then for the ambient activity and for the trace's own
LEVEL, AMBIENT, OWN = 0, 1, 5
RESPONSE, MADE, MADE_TAGGED, FALLING = range(4)


@dataclass(frozen=True, kw_only=True)
class LinearCapture(CaptureModel):
    """Linear capture: proteins and capture in proportion to drive and tag (module docstring for the equations)."""

    tau_tag: float = parameter(
        5400.0, unit="s", bounds=(60, 10 * 86400), symbol="τ_tag", verified=False,
        source="assumed, from a tag of less than 3 h (Frey & Morris 1997, doi:10.1038/385533a0)",
        description="decay of the capture tag",
    )  # fmt: skip
    capture_gain: float = parameter(
        0.5, unit="1", bounds=(0, 1e3), symbol="κ", source="assumed", verified=False,
        description="proteins per drive and activity",
    )  # fmt: skip

    label: ClassVar[str] = "linear capture"
    biology: ClassVar[tuple[str, ...]] = (
        "tau_tag", "tau_protein", "tau_labile", "capture_gain", "dopamine.drive_clearance",
    )  # fmt: skip

    @property
    def _kernel(self) -> Callable[..., Any]:
        return simulate

    def _kernel_parameters(self) -> Any:
        return LinearCaptureParameters(*self._values(LinearCaptureParameters))


LinearCaptureParameters = kernel_parameters("LinearCaptureParameters", LinearCapture, __name__)


@kernel
def prepare(parameters: Any, span: float, constant: Any, blocked: bool, sources: Any, leap: Any) -> None:
    """What ``proteins`` adds up after ``span`` s, of every part of the drive: alone and times the activity."""
    clearance = 1.0 / parameters.tau_protein
    falling = 1.0 / parameters.tau_tag
    cleared = np.expm1(-span * clearance)
    tag_lost = np.expm1(-span * falling)
    leap[0, CLEARED] = cleared
    leap[0, TAG_LOST] = tag_lost
    leap[0, TAG_LEFT] = np.exp(-span / parameters.tau_tag)
    early_lost = np.expm1(-span / parameters.tau_early)
    for k in range(-1, sources.shape[1]):
        level = 0.0 * clearance
        if not blocked:
            level = parameters.capture_gain * (sources[NOW, k] if k >= 0 else constant + 0.0 * clearance)
        leap[k + 2, LEVEL] = level
        if level == 0.0:
            continue
        rate = 0.0 * clearance
        lost = 0.0 * cleared
        if k >= 0:
            rate = rate + sources[RATE, k]
            lost = np.expm1(-span * rate)
        for part in (AMBIENT, OWN):
            if part == OWN:
                rate = rate + 1.0 / parameters.tau_early
                lost = lost + early_lost + lost * early_lost
            leap[k + 2, part + RESPONSE] = response_to(rate, lost, clearance, cleared, span)
            leap[k + 2, part + MADE] = span if rate == 0.0 else -lost / rate
            leap[k + 2, part + MADE_TAGGED] = lost + tag_lost + lost * tag_lost
            leap[k + 2, part + FALLING] = rate + falling


@kernel
def proteins(parameters: Any, protein: Any, activity: Any, leap: Any) -> tuple[Any, Any, Any]:
    """p, P = ∫p and Q = ∫p exp(−s/τ_tag) after the leap.

    p is a sum of exponentials; P and Q follow from integrating its equation, alone and times exp(−s/τ_tag).
    """
    clearance = 1.0 / parameters.tau_protein
    falling = 1.0 / parameters.tau_tag
    cleared = leap[0, CLEARED]
    tag_lost = leap[0, TAG_LOST]
    made = 0.0 * (cleared + tag_lost)
    made_tagged = made
    now = protein * (1.0 + cleared)
    for row in range(1, leap.shape[0]):
        level = leap[row, LEVEL]
        if level == 0.0:
            continue
        for part in (AMBIENT, OWN):
            amount = level * (parameters.ambient_activity if part == AMBIENT else activity)
            if amount != 0.0:
                now += amount * leap[row, part + RESPONSE]
                made += amount * leap[row, part + MADE]
                made_tagged -= amount * leap[row, part + MADE_TAGGED] / leap[row, part + FALLING]
    integral = made - (now - protein) / clearance
    tagged = (clearance * made_tagged + protein - now * (1.0 + tag_lost)) / (clearance + falling)
    return now, integral, tagged


@kernel
def response_to(rate: Any, lost: Any, clearance: Any, cleared: Any, span: Any) -> Any:
    """p after ``span`` s of production exp(−rate·s), from rest: the exponential convolved with its clearance.

    ``lost`` and ``cleared`` are what the two exponentials have lost by then, as negative numbers.
    """
    difference = clearance - rate
    if abs(difference) > _NEAR_RESONANCE * abs(clearance):
        return clearance * (lost - cleared) / difference
    x = difference * span
    share = 1.0 + 0.5 * x
    if abs(x) > 1e-8:
        share = np.expm1(x) / x
    return clearance * span * (1.0 + cleared) * share


@kernel
def fastest_rate(parameters: Any, protein: Any, constant: Any, sources: Any, activity: Any) -> float:
    """An upper bound of the rates (1/s) with which the labile integrand changes."""
    total = constant.real
    fastest = 0.0
    for k in range(sources.shape[1]):
        if sources[NOW, k] != 0.0:
            total += sources[NOW, k].real
            fastest = max(fastest, sources[RATE, k].real)
    produced = (parameters.capture_gain * total * (parameters.ambient_activity + activity)).real
    most = max(produced, protein.real)
    slow = 1.0 / parameters.tau_protein + 1.0 / parameters.tau_tag + 1.0 / parameters.tau_early
    return slow.real + fastest + (1.0 / parameters.tau_labile + 2.0 * most / parameters.tau_late).real


@kernel
def capture(
    parameters: Any,
    traces: Any,
    synapses: Any,
    trace: int,
    span: float,
    constant: Any,
    blocked: bool,
    sources: Any,
    leap: Any,
) -> int:
    """Carry proteins, tag, late and labile strength of one trace over ``span`` s; the rule of this model."""
    protein = traces[trace, PROTEIN]
    activity = traces[trace, ACTIVITY]
    nodes = synapses.shape[1]
    tau_late = parameters.tau_late
    labile = False
    for node in range(nodes):
        labile = labile or synapses[trace, node, LABILE] != 0.0
    now, integral, tagged = proteins(parameters, protein, activity, leap)
    if tagged.real > 0.0:
        for node in range(nodes):
            tag = synapses[trace, node, TAG]
            if tag != 0.0:
                bound = -0.5 if tag.real < 0.0 else 1.0
                captured = -np.expm1(-magnitude(tag) * tagged / tau_late)
                late = synapses[trace, node, LATE]
                synapses[trace, node, LATE] = late + captured * (bound - late)
        if labile:
            excess = np.full(nodes, 0.0 * integral)
            inside = np.full(leap.shape, 0.0 * integral)  # a leap to each point of the integral
            integrate_labile(
                parameters, traces, synapses, trace, span, constant, blocked, sources, inside, tagged, excess
            )
            for node in range(nodes):
                synapses[trace, node, LATE] -= excess[node]
    if labile:
        left = np.exp(-span / parameters.tau_labile - integral / tau_late)
        for node in range(nodes):
            synapses[trace, node, LABILE] *= left
    tag_decay = leap[0, TAG_LEFT]
    for node in range(nodes):
        synapses[trace, node, TAG] *= tag_decay
    traces[trace, PROTEIN] = now
    return OK


@kernel
def integrate_labile(
    parameters: Any,
    traces: Any,
    synapses: Any,
    trace: int,
    span: float,
    constant: Any,
    blocked: bool,
    sources: Any,
    inside: Any,
    tagged_at_end: Any,
    excess: Any,
) -> None:
    """Fill ``excess`` with ∫(p/τ_z)·ℓ·(|g| − 1)·exp(−|g0|(Q(span) − Q)/τ_z) ds of each node."""
    protein = traces[trace, PROTEIN]
    activity = traces[trace, ACTIVITY]
    tau_late = parameters.tau_late
    begin = 0.0
    length = 1.0 / fastest_rate(parameters, protein, constant, sources, activity)
    while begin < span:
        end = min(span, begin + length)
        half = 0.5 * (end - begin)
        left = 0.0
        for point in range(_POINTS.shape[0]):
            time = begin + half * (1.0 + _POINTS[point])
            prepare(parameters, time, constant, blocked, sources, inside)
            now, integral, tagged = proteins(parameters, protein, activity, inside)
            remaining = np.exp(-time / parameters.tau_labile - integral / tau_late)
            falling = np.exp(-time / parameters.tau_tag)
            for node in range(excess.shape[0]):
                size = magnitude(synapses[trace, node, TAG])
                excess[node] += (
                    half
                    * _WEIGHTS[point]
                    * (now / tau_late)
                    * synapses[trace, node, LABILE]
                    * remaining
                    * (size * falling - 1.0)
                    * np.exp(size * (tagged - tagged_at_end) / tau_late)
                )
            left = remaining.real
        if left < _GONE:
            break
        begin = end
        length *= 2.0


@kernel
def tag_of(parameters: Any, early: Any, tag: Any) -> Any:
    return tag


simulate = bind("linear_capture", prepare, capture, tag_of)
