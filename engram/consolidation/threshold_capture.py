"""Threshold tag-and-capture of a memory trace.

The reduction of the calcium-based synapse of Luboeinski & Tetzlaff (Commun. Biol. 4:275, 2021,
doi:10.1038/s42003-021-01778-y) with the neuromodulator-dependent protein threshold of Lehr, Luboeinski & Tetzlaff
(Sci. Rep. 12:17772, 2022, doi:10.1038/s41598-022-22430-7) to what a memory experiment needs:

    τ_e ė = −e                                            early phase
    g = ±1 where |e| > θ_tag, else 0                      tag, of either sign
    τ_p ṗ = −p + H((s_0 + Σ_j K_ij |e_j|)(m + ε) − 1)      proteins; no production while synthesis is blocked
    τ_z ż = p[(1 − z − ℓ) under +, −(z + ℓ + ½) under −] + pℓ      late phase
    ℓ̇ = −ℓ/τ_ℓ − pℓ/τ_z                                   labile strength

Between events the argument of H is a product of decreasing convex functions and crosses zero at most once: production
lasts from the event to the crossing, the tag for τ_e ln(|e|/θ_tag), and everything else is closed form
(:mod:`engram.consolidation.restabilisation`). Jumps at events are in :mod:`engram.consolidation.state`.
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
from .restabilisation import protein_course, recaptured_in_decay, recaptured_in_production
from .state import ACTIVITY, EARLY, EARLY_LEFT, LABILE, LATE, NOT_CONVERGED, NOW, OF_MODEL, OK, PROTEIN, RATE, magnitude

_MOST_STEPS = 100
_LEAST_DIVISOR = 0.5  # no step of Halley's is longer than two of Newton's, which fall short of the crossing
_SETTLED = 1e-6  # a relative step whose cube is below the last digit
_AT_ONCE = 1e-9  # s; a crossing this near is lost in the rounding of where it is, and no relative step settles

BEGIN, END = OF_MODEL, OF_MODEL + 1  # columns of the leap's first row


@dataclass(frozen=True, kw_only=True)
class ThresholdCapture(CaptureModel):
    """Threshold tag-and-capture: all-or-none tags and all-or-none synthesis (module docstring for the equations).

    Examples
    --------
    >>> import engram
    >>> from engram import Encode, Protocol, Release, Test, ThresholdCapture, hour, minute
    >>> protocol = Protocol(Encode("scene", at=0, strength=0.4), Release("dopamine", at=30 * minute), Test("scene", at=24 * hour))
    >>> ThresholdCapture().run(protocol).strength("scene", at=24 * hour) > 0.1
    True
    """  # noqa: E501

    tag_threshold: float = parameter(
        0.2, unit="1", bounds=(1e-3, 0.999), symbol="θ_tag", verified=True,
        source="Luboeinski & Tetzlaff 2021, doi:10.1038/s42003-021-01778-y (0.2 h_0)",
        description="early-phase strength above which a synapse is tagged",
    )  # fmt: skip
    epsilon: float = parameter(
        0.001, unit="1", bounds=(0, 0.1), symbol="ε", verified=True,
        source="Lehr, Luboeinski & Tetzlaff 2022, doi:10.1038/s41598-022-22430-7",
        description="drive without any modulator",
    )  # fmt: skip

    label: ClassVar[str] = "threshold capture"
    biology: ClassVar[tuple[str, ...]] = ("tau_early", "tau_protein", "tau_labile", "dopamine.drive_clearance")

    @property
    def _kernel(self) -> Callable[..., Any]:
        return simulate

    def _kernel_parameters(self) -> Any:
        return ThresholdCaptureParameters(*self._values(ThresholdCaptureParameters))


ThresholdCaptureParameters = kernel_parameters("ThresholdCaptureParameters", ThresholdCapture, __name__)


@kernel
def prepare(parameters: Any, span: float, constant: Any, blocked: bool, sources: Any, leap: Any) -> None:
    """The drive at the begin and at the end of ``span`` s."""
    begin = constant + parameters.epsilon
    end = begin
    for k in range(sources.shape[1]):
        if sources[NOW, k] != 0.0:
            begin += sources[NOW, k]
            end += sources[NOW, k] * np.exp(-span * sources[RATE, k])
    leap[0, BEGIN] = begin
    leap[0, END] = end


@kernel
def production_time(parameters: Any, span: Any, constant: Any, sources: Any, activity: Any, leap: Any) -> Any:
    """How long (s, at most ``span``) the argument of H stays positive: the one crossing of its logarithm.

    The logarithm is convex and decreasing. Halley's iteration from the start converges cubically, safeguarded where a
    release that clears fast adds to a slow one; a complex step needs one iteration more than its real part.
    """
    ambient = parameters.ambient_activity
    base = constant + parameters.epsilon
    excess = (ambient + activity) * leap[0, BEGIN] - 1.0
    if not excess.real > 0.0:
        return 0.0 * excess
    if ((ambient + activity * leap[0, EARLY_LEFT]) * leap[0, END]).real >= 1.0:
        return span + 0.0 * excess
    time = 0.0 * excess
    settled = False
    for _ in range(_MOST_STEPS):
        early = activity * np.exp(-time / parameters.tau_early)
        total = base
        slope = 0.0 * base
        curvature = 0.0 * base
        for k in range(sources.shape[1]):
            if sources[NOW, k] != 0.0:
                left = sources[NOW, k] * np.exp(-time * sources[RATE, k])
                total += left
                slope -= left * sources[RATE, k]
                curvature += left * sources[RATE, k] ** 2
        slope /= total
        curvature = curvature / total - slope * slope
        share = early / (ambient + early)
        slope -= share / parameters.tau_early
        curvature += share * (1.0 - share) / parameters.tau_early**2
        newton = -np.log((ambient + early) * total) / slope
        divisor = 1.0 + 0.5 * newton * curvature / slope
        if not divisor.real > _LEAST_DIVISOR:
            divisor = _LEAST_DIVISOR + 0.0 * divisor
        step = newton / divisor
        time += step
        near = abs(step.real) <= _SETTLED * time.real + _AT_ONCE
        if settled or (near and time.imag == 0.0):
            return time
        settled = near
    return time * np.nan


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
    """Carry proteins, late and labile strength of one trace over ``span`` s; the rule of this model."""
    early_decay = leap[0, EARLY_LEFT]
    protein = traces[trace, PROTEIN]
    produced = 0.0 * (protein + early_decay)
    if not blocked:
        produced = production_time(parameters, span, constant, sources, traces[trace, ACTIVITY], leap)
        if not np.isfinite(produced.real):
            return NOT_CONVERGED
    nodes = synapses.shape[1]
    if protein.real == 0.0 and produced.real == 0.0:
        if synapses[trace, 0, LABILE] != 0.0:
            left = np.exp(-span / parameters.tau_labile)
            for node in range(nodes):
                synapses[trace, node, LABILE] *= left
        return OK

    tau_protein = parameters.tau_protein
    threshold = parameters.tag_threshold
    traces[trace, PROTEIN], integral = protein_course(span + 0.0 * produced, produced, protein, tau_protein)
    captured_throughout = -np.expm1(-integral / parameters.tau_late)
    for node in range(nodes):
        early = synapses[trace, node, EARLY]
        size = magnitude(early)
        tagged = 0.0 * integral
        captured = 0.0 * integral
        now = protein + tagged
        if size.real > threshold.real:
            if (size * early_decay).real > threshold.real:
                tagged = span + tagged
                captured = captured_throughout
            else:
                tagged = parameters.tau_early * np.log(size / threshold)
                now, integral = protein_course(tagged, produced, protein, tau_protein)
                captured = -np.expm1(-integral / parameters.tau_late)
            bound = -0.5 if early.real < 0.0 else 1.0
            synapses[trace, node, LATE] += captured * (bound - synapses[trace, node, LATE])
        labile = synapses[trace, node, LABILE]
        if labile != 0.0:
            labile = labile * np.exp(-tagged / parameters.tau_labile) * (1.0 - captured)
            if tagged.real < span:
                gain, kept = recapture(parameters, span - tagged, produced - tagged, now)
                if not np.isfinite(gain.real):
                    return NOT_CONVERGED
                synapses[trace, node, LATE] += labile * gain
                labile = labile * kept
            synapses[trace, node, LABILE] = labile
    return OK


@kernel
def recapture(parameters: Any, span: Any, produced: Any, protein: Any) -> Any:
    """What a labile strength of 1 has returned to the late phase after ``span`` s without tag, and what is left of it.

    Production lasts for the first ``produced`` s (none where this is negative).
    """
    tau_protein = parameters.tau_protein
    tau_late = parameters.tau_late
    tau_labile = parameters.tau_labile
    gain = 0.0 * (span + produced)
    kept = 1.0 + gain
    if produced.real > 0.0:
        gain, kept = recaptured_in_production(produced, protein, tau_protein, tau_late, tau_labile)
        protein = protein_course(produced, produced, protein, tau_protein)[0]
        span = span - produced
    if span.real > 0.0:
        returned, left = recaptured_in_decay(span, protein, tau_protein, tau_late, tau_labile)
        gain += kept * returned
        kept *= left
    return gain, kept


@kernel
def tag_of(parameters: Any, early: Any, tag: Any) -> Any:
    """The sign of a tag: +1, −1 or 0."""
    if magnitude(early).real > parameters.tag_threshold.real:
        return -1.0 if early.real < 0.0 else 1.0
    return 0.0


simulate = bind("threshold_capture", prepare, capture, tag_of)
