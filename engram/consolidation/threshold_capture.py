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
from .restabilisation import (
    protein_after,
    protein_integral,
    recaptured_in_decay,
    recaptured_in_production,
)
from .state import NOT_CONVERGED, OK, magnitude

_NEWTON_STEPS = 100


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

    @property
    def _kernel(self) -> Callable[..., Any]:
        return simulate

    def _kernel_parameters(self) -> Any:
        return PARAMETERS(*self._values(PARAMETERS))


PARAMETERS = kernel_parameters("ThresholdCaptureParameters", ThresholdCapture, __name__)


@kernel
def production_time(parameters: Any, span: Any, early_decay: Any, constant: Any, drive: Any, activity: Any) -> Any:
    """How long (s, at most ``span``) the argument of H stays positive, by Newton on its logarithm.

    The logarithm is convex and decreasing, so that Newton from the left never overshoots the crossing.
    """
    ambient = parameters.ambient_activity
    base = constant + parameters.epsilon
    begin = base
    end = base
    for k in range(drive.rate.shape[0]):
        if drive.now[k] != 0.0:
            begin += drive.now[k]
            end += drive.now[k] * np.exp(-span * drive.rate[k])
    excess = (ambient + activity) * begin - 1.0
    if not excess.real > 0.0:
        return 0.0 * excess
    if ((ambient + activity * early_decay) * end).real >= 1.0:
        return span + 0.0 * excess
    time = 0.0 * excess
    log_product = np.log(1.0 + excess)
    for _ in range(_NEWTON_STEPS):
        early = activity * np.exp(-time / parameters.tau_early)
        total = base
        falling = 0.0 * base
        for k in range(drive.rate.shape[0]):
            if drive.now[k] != 0.0:
                left = drive.now[k] * np.exp(-time * drive.rate[k])
                total += left
                falling += left * drive.rate[k]
        log_product = np.log((ambient + early) * total)
        slope = early / (parameters.tau_early * (ambient + early)) + falling / total
        step = log_product / slope
        time += step
        if abs(step.real) <= 4e-16 * time.real + 1e-12 or log_product.real < 0.0:
            return time
    return time * np.nan


@kernel
def capture(
    parameters: Any,
    traces: Any,
    trace: int,
    span: float,
    early_decay: Any,
    constant: Any,
    blocked: int,
    drive: Any,
) -> int:
    """Carry proteins, late and labile strength of one trace over ``span`` s; the rule of this model."""
    protein = traces.protein[trace]
    produced = 0.0 * (protein + early_decay)
    if blocked == 0:
        produced = production_time(parameters, span, early_decay, constant, drive, traces.activity[trace])
        if not np.isfinite(produced.real):
            return NOT_CONVERGED
    tau_protein = parameters.tau_protein
    tau_late = parameters.tau_late
    nodes = traces.early.shape[1]
    if protein.real == 0.0 and produced.real == 0.0:
        if traces.labile[trace, 0] != 0.0:
            left = np.exp(-span / parameters.tau_labile)
            for node in range(nodes):
                traces.labile[trace, node] *= left
        return OK

    full = protein_integral(span + 0.0 * produced, produced, protein, tau_protein) / tau_late
    full_capture = -np.expm1(-full)
    threshold = parameters.tag_threshold
    for node in range(nodes):
        early = traces.early[trace, node]
        size = magnitude(early)
        tagged = 0.0 * full
        captured = 0.0 * full
        if size.real > threshold.real:
            if (size * early_decay).real > threshold.real:
                tagged = span + 0.0 * full
                captured = full_capture
            else:
                tagged = parameters.tau_early * np.log(size / threshold)
                integral = protein_integral(tagged, produced, protein, tau_protein) / tau_late
                captured = -np.expm1(-integral)
            bound = -0.5 if early.real < 0.0 else 1.0
            traces.late[trace, node] += captured * (bound - traces.late[trace, node])
        labile = traces.labile[trace, node]
        if labile != 0.0:
            labile = labile * np.exp(-tagged / parameters.tau_labile) * (1.0 - captured)
            if tagged.real < span:
                gain, kept = recapture(parameters, tagged, span, produced, protein)
                if not np.isfinite(gain.real):
                    return NOT_CONVERGED
                traces.late[trace, node] += labile * gain
                labile = labile * kept
            traces.labile[trace, node] = labile
    traces.protein[trace] = protein_after(span + 0.0 * produced, produced, protein, tau_protein)
    return OK


@kernel
def recapture(parameters: Any, begin: Any, end: float, produced: Any, protein: Any) -> Any:
    """What a labile strength of 1 at ``begin`` has returned to the late phase, and what is left of it, at ``end``."""
    tau_protein = parameters.tau_protein
    tau_late = parameters.tau_late
    tau_labile = parameters.tau_labile
    gain = 0.0 * (begin + produced)
    kept = 1.0 + gain
    if begin.real < produced.real:
        now = protein_after(begin, produced, protein, tau_protein)
        span = produced - begin
        gain = recaptured_in_production(span, now, tau_protein, tau_late, tau_labile)
        kept = np.exp(-span / tau_labile - protein_integral(span, span, now, tau_protein) / tau_late)
        begin = produced
    if begin.real < end:
        now = protein_after(begin, produced, protein, tau_protein)
        span = end - begin
        if now.real > 0.0:
            gain += kept * recaptured_in_decay(span, now, tau_protein, tau_late, tau_labile)
        kept *= np.exp(-span / tau_labile - protein_integral(span, 0.0 * span, now, tau_protein) / tau_late)
    return gain, kept


@kernel
def tag_of(parameters: Any, early: Any, tag: Any) -> Any:
    """The sign of a tag: +1, −1 or 0."""
    if magnitude(early).real > parameters.tag_threshold.real:
        return -1.0 if early.real < 0.0 else 1.0
    return 0.0


simulate = bind("threshold_capture", capture, tag_of)
