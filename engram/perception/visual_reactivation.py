"""Visual reactivation: practice potentiates EVC at the trained stimulus, reactivation expands IPS for all of them.

Two traces of the trained stimulus, run by the protocol and the kernels of :mod:`engram.consolidation`
(:mod:`engram.perception.pathways`), set the gain of every unit. With the strengths s_EVC(t), s_IPS(t) and x(t), what
EVC has taken over from IPS, a unit that prefers φ at a location d degrees of visual angle from the trained one has

    EVC   a = 1 + G_EVC s_EVC exp(κ_s(cos(φ − θ_trained) − 1)) exp(−d²/2σ_d²) + G_x x exp(−d²/2σ_D²)
    IPS   a = 1 + G_IPS s_IPS exp(−d²/2σ_D²)

A gain multiplies the mean count and, the noise being Poisson-like, its variance: distances between the mean responses
to two stimuli grow by a, discriminability d′ by √a. The gain of IPS is the same for every direction: its geometry
expands and its information is (1 + G_IPS s_IPS) times the untrained one at every offset. Behaviour reads both areas
(:mod:`engram.perception.fisher`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..consolidation.model import ConsolidationModel
from ..consolidation.threshold_capture import ThresholdCapture
from ..parameter import parameter
from ..protocol import Protocol
from ..units import day
from .fisher import information, information_curve, threshold
from .model import Information, PerceptualModel, Shape, check_distance, checked_offsets, checked_times
from .pathways import Course, course
from .populations import Population, concentration

#: The consolidation of visual traces. Assumed: a fifth of an encoding lasts without further ado, so that practice alone
#: is learned; the stimulus itself is the cue, so that any trace completes; and the surprise drive is half of the
#: default, since the traces of both pathways add to one drive.
VISUAL_TRACE = ThresholdCapture(durable_fraction=0.2, completion_midpoint=0.0, surprise_drive=2.0)


@dataclass(frozen=True, kw_only=True)
class VisualReactivation(PerceptualModel):
    """Two pathways whose gains are consolidation traces (module docstring for the equations).

    ``consolidation`` is the model that runs both traces: any of ``engram.consolidation.MODELS``.

    Examples
    --------
    >>> from engram import Encode, Protocol, Reactivate, day
    >>> model = VisualReactivation()
    >>> protocol = Protocol(Encode("trained", at=0, strength=0.5), Reactivate("trained", at=1 * day, prediction_error=0.5))
    >>> before, after = model.thresholds(protocol, [0, 90], [0, 2 * day]), model.untrained()
    >>> bool((before[1] < after).all())
    True
    """  # noqa: E501

    evc_gain: float = parameter(
        2.0, unit="1", bounds=(0, 50), symbol="G_EVC", source="assumed; fitted", verified=False,
        description="gain of EVC units tuned to the trained stimulus, per trace strength",
    )  # fmt: skip
    ips_gain: float = parameter(
        4.0, unit="1", bounds=(0, 50), symbol="G_IPS", source="assumed; fitted", verified=False,
        description="gain of all IPS units, per trace strength",
    )  # fmt: skip
    transfer_gain: float = parameter(
        1.0, unit="1", bounds=(0, 50), symbol="G_x", source="assumed; fitted", verified=False,
        description="gain of all EVC units, per strength taken over from IPS",
    )  # fmt: skip
    plasticity_width: float = parameter(
        25.0, unit="deg", bounds=(2, 180), symbol="σ_s", verified=False,
        source="assumed: that of a tuning curve in EVC",
        description="difference in preference over which practice potentiates EVC units",
    )  # fmt: skip
    transfer_time: float = parameter(
        7 * day, unit="s", bounds=(3600, 3650 * day), symbol="τ_x", verified=False,
        source="assumed, about a week; Song et al. 2026 (doi:10.21203/rs.3.rs-9102041/v1, abstract) find EVC changed "
        "two weeks later",
        description="time constant of systems transfer from IPS to EVC",
    )  # fmt: skip
    practice_share: float = parameter(
        0.2, unit="1", bounds=(0, 1), symbol="π", source="assumed; fitted", verified=False,
        description="share of a practice session's encoding that reaches IPS",
    )  # fmt: skip
    top_down: float = parameter(
        0.6, unit="1", bounds=(0, 1), symbol="ρ_0", source="assumed; fitted", verified=False,
        description="top-down share of a reactivation: what goes to IPS rather than to the trained units of EVC",
    )  # fmt: skip
    stimulation_shift: float = parameter(
        0.0, unit="1", bounds=(-20, 20), symbol="γ", source="no quantitative source: zero", verified=False,
        description="change of the log-odds of the top-down share per unit of excitation-inhibition shift",
    )  # fmt: skip
    evc_field_width: float = parameter(
        2.0, unit="deg", bounds=(0.01, 180), symbol="σ_d", source="assumed: retinotopic", verified=False,
        description="distance in the visual field over which EVC learning reaches",
    )  # fmt: skip
    ips_field_width: float = parameter(
        40.0, unit="deg", bounds=(0.01, 1e4), symbol="σ_D", source="assumed: most of the visual field", verified=False,
        description="distance in the visual field over which IPS learning reaches",
    )  # fmt: skip
    consolidation: ConsolidationModel = field(default=VISUAL_TRACE)

    label: ClassVar[str] = "visual reactivation"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.consolidation, ConsolidationModel):
            raise TypeError(f"consolidation is {self.consolidation!r}; pass an instance such as ThresholdCapture()")

    def _settings(self) -> list[str]:
        return [*super()._settings(), "consolidation"]

    def course(self, protocol: Protocol, when: Sequence[float]) -> Course:
        """Strength of both traces and what EVC has taken over, at each time (s)."""
        return course(
            self.consolidation, protocol, checked_times(when), practice_share=self.practice_share,
            top_down=self.top_down, stimulation_shift=self.stimulation_shift, transfer_time=self.transfer_time,
        )  # fmt: skip

    def shape(self, protocol: Protocol, when: Sequence[float], distance: float = 0.0) -> Shape:
        """Gain of every unit at each time; a strength below 0 (after extinction) counts as none."""
        evc, ips = self._gains(protocol, when, distance)
        return Shape(evc, np.repeat(ips[:, None], self.ips_units, axis=1))

    def _gains(self, protocol: Protocol, when: Sequence[float], distance: float) -> tuple[np.ndarray, np.ndarray]:
        check_distance(distance)
        held = self.course(protocol, when)
        near, far = (np.exp(-0.5 * (distance / width) ** 2) for width in (self.evc_field_width, self.ips_field_width))
        specific = self.evc_gain * near * np.maximum(held.evc, 0)
        general = 1 + self.transfer_gain * far * np.maximum(held.transferred, 0)
        profile = trained_profile(self.evc, self.plasticity_width)
        return specific[:, None] * profile + general[:, None], 1 + self.ips_gain * far * np.maximum(held.ips, 0)

    def information(
        self, protocol: Protocol, offsets: Sequence[float] | np.ndarray, when: Sequence[float], distance: float = 0.0
    ) -> Information:
        degrees = checked_offsets(offsets, self.period)
        evc_gain, ips_gain = self._gains(protocol, when, distance)
        evc = information_curve(self.evc, evc_gain, degrees)
        # the gain of IPS is one number, and the information of an evenly tiled population the same everywhere
        untrained = _information_of_one(self.ips)
        ips = np.repeat((untrained * ips_gain)[:, None], len(degrees), axis=1)
        return Information(evc, ips, self._used(evc + ips))

    def untrained(self) -> float:
        total = _information_of_one(self.evc) + _information_of_one(self.ips)
        return float(threshold(self._used(np.asarray(total)), self.criterion))


def trained_profile(population: Population, width: float) -> np.ndarray:
    """Share of the plasticity that reaches each unit, (units,): 1 at the trained direction, 0°."""
    angle = population.preferred * (2 * np.pi / population.period)
    return np.asarray(np.exp(concentration(width, population.period) * (np.cos(angle) - 1)))


@lru_cache(maxsize=256)
def _information_of_one(population: Population) -> float:
    return float(information(population, np.ones(population.units)))
