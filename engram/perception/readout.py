"""What models share in which learning changes the read-out and leaves the representation as it was.

An observer weighs the standardised responses of all units (mean 0 at the reference, R their correlation) and adds
decision noise σ_u,

    u = wᵀz + σ_u ξ,    I_w(θ) = (wᵀq(θ))²/(wᵀRw + σ_u²),    q = f′/√variance

For a reference θ an observer starts with weights along w_0 sin x exp(κ_l(cos x − 1)), x = 2π(φ_i − θ)/period, which
hear units near it. Learning at the trained reference, 0, changes them by Δw, which serves another reference in so far
as it is like the trained one: w = w⁰(θ) + exp(κ_l(cos(2πθ/period) − 1)) Δw. (Used in full everywhere, learned weights
would add noise at every other reference, and learning would make untrained directions far worse.) At another location
Δw is what location-invariant units (IPS) have learned, and of EVC what its fields share.

A trial is a trial: a Reactivate of duration D counts for D/(trial duration), an Encode of strength s, as a session in
which strength grows with 1 − exp(−trials/n_0), for −n_0 ln(1 − s). Differences between stimuli follow the threshold, as
in a staircase. There is no consolidation, and nothing is forgotten; stimulation multiplies the learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft

from ..parameter import parameter
from ..protocol import Encode, Intervene, Protocol, Reactivate
from .model import Information, PerceptualModel, check_distance, checked_offsets, checked_times
from .pathways import trained_stimulus
from .populations import Population, concentration


class Session(NamedTuple):
    """A stretch of trials at one time."""

    at: float  # s
    trials: float
    shift: float  # excitation-inhibition shift of a stimulation that is on


@dataclass(frozen=True, kw_only=True)
class ReadoutModel(PerceptualModel):
    """Parameters of the models that learn a read-out (module docstring for the equations)."""

    initial_weight: float = parameter(
        0.2, unit="1", bounds=(1e-3, 1), symbol="w_0", source="assumed", verified=False,
        description="weight of the most informative units before learning",
    )  # fmt: skip
    selection_width: float = parameter(
        40.0, unit="deg", bounds=(5, 180), symbol="σ_l", verified=False,
        source="assumed; not part of the published rules",
        description="difference from the reference over which units are heard and learned weights are used",
    )  # fmt: skip
    decision_noise: float = parameter(
        10.0, unit="1", bounds=(0, 1e4), symbol="σ_u", source="assumed; fitted", verified=False,
        description="noise of the decision, in the unit of one standardised response",
    )  # fmt: skip
    session_trials: float = parameter(
        400.0, unit="1", bounds=(1, 1e5), symbol="n_0", source="assumed", verified=False,
        description="trials of a session that encodes 63 %",
    )  # fmt: skip
    trial_duration: float = parameter(
        4.0, unit="s", bounds=(0.1, 60), symbol="D_1", source="assumed", verified=False,
        description="duration of a reactivation trial",
    )  # fmt: skip
    stimulation_rate: float = parameter(
        0.0, unit="1", bounds=(-1, 20), symbol="γ", source="no quantitative source: zero", verified=False,
        description="change of the learning rate per unit of excitation-inhibition shift",
    )  # fmt: skip
    evc_field_width: float = parameter(
        2.0, unit="deg", bounds=(0.01, 180), symbol="σ_d", source="assumed: retinotopic", verified=False,
        description="distance in the visual field over which EVC units are shared",
    )  # fmt: skip

    def learned(self, protocol: Protocol, when: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """Δw of EVC and of IPS at each time, (times, units) each."""
        order = checked_times(when)
        start = [self._template(area, np.zeros(1))[0] for area in (self.evc, self.ips)]
        weights = list(start)
        changes = [np.empty((len(order), area.units)) for area in (self.evc, self.ips)]
        pending = sorted(range(len(order)), key=order.__getitem__)
        for session in [*sessions(protocol, self.session_trials, self.trial_duration), None]:
            while pending and (session is None or order[pending[0]] < session.at):
                index = pending.pop(0)
                for change, now, first in zip(changes, weights, start, strict=True):
                    change[index] = now - first
            if session is None:
                break
            rate = max(0.0, 1 + self.stimulation_rate * session.shift)
            weights = self._train(weights, session.trials, rate)
        return changes[0], changes[1]

    def _train(self, weights: list[np.ndarray], trials: float, rate: float) -> list[np.ndarray]:
        raise TypeError(f"{type(self).__name__} is not a model that can learn; use one of engram.perception.MODELS")

    def _template(self, area: Population, references: np.ndarray) -> np.ndarray:
        angle = (area.preferred - references[:, None]) * (2 * math.pi / area.period)
        heard = np.sin(angle) * np.exp(concentration(self.selection_width, area.period) * (np.cos(angle) - 1))
        return np.asarray(self.initial_weight * heard / np.abs(heard).max())

    def _likeness(self, references: np.ndarray) -> np.ndarray:
        """How far weights learned at the trained reference serve others, (references,)."""
        angle = references * (2 * math.pi / self.period)
        return np.asarray(np.exp(concentration(self.selection_width, self.period) * (np.cos(angle) - 1)))

    def _signal_and_noise(self, weights: Sequence[np.ndarray], references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """wᵀq and wᵀRw of both areas together; weights (..., references, units)."""
        signal, noise = np.zeros(()), np.full((), self.decision_noise**2)
        for area, w in zip((self.evc, self.ips), weights, strict=True):
            signal = signal + (w * area.standardised_slopes(references)).sum(axis=-1)
            noise = noise + quadratic_form(area, w)
        return signal, noise

    def difference_at_threshold(self, weights: Sequence[np.ndarray]) -> float:
        """Difference (degrees) at threshold for the trained reference with these weights."""
        signal, noise = np.zeros(1), np.full(1, self.decision_noise**2)
        for area, w in zip((self.evc, self.ips), weights, strict=True):
            signal = signal + w @ slopes_at_trained(area)
            noise = noise + quadratic_form(area, w)
        information = self._used(np.maximum(signal, 0) ** 2 / noise)[0]
        if not information > 0:
            return self.period / 4
        return float(min(self.criterion / math.sqrt(information), self.period / 4))

    def information(
        self, protocol: Protocol, offsets: Sequence[float] | np.ndarray, when: Sequence[float], distance: float = 0.0
    ) -> Information:
        degrees = checked_offsets(offsets, self.period)
        check_distance(distance)
        changes = self.learned(protocol, when)
        shared = (math.exp(-0.5 * (distance / self.evc_field_width) ** 2), 1.0)
        likeness = self._likeness(degrees)
        weights = [
            self._template(area, degrees) + part * likeness[:, None] * change[:, None, :]
            for area, part, change in zip((self.evc, self.ips), shared, changes, strict=True)
        ]
        signal, noise = self._signal_and_noise(weights, degrees)
        # weights that point the wrong way discriminate nothing
        total = np.maximum(signal, 0) ** 2 / noise
        untrained = [np.full(total.shape, value) for value in self._untrained_information()]
        return Information(untrained[0], untrained[1], self._used(total))


def sessions(protocol: Protocol, session_trials: float, trial_duration: float) -> list[Session]:
    """The trials of a protocol, session by session, in order of time."""
    trained_stimulus(protocol)
    made = []
    for event in protocol.events:
        if isinstance(event, Encode):
            trials = -session_trials * math.log1p(-abs(event.strength))
        elif isinstance(event, Reactivate):
            trials = event.duration / trial_duration
        else:
            continue
        shift = sum(
            float(other.dose)
            for other in protocol.events
            if isinstance(other, Intervene) and other.agent == "tdcs" and other.on <= event.at < other.off
        )
        made.append(Session(event.at, trials, shift))
    return made


@lru_cache(maxsize=64)
def slopes_at_trained(area: Population) -> np.ndarray:
    """q at the trained reference, (units,); read-only."""
    slopes = area.standardised_slopes(np.zeros(1))[0]
    slopes.setflags(write=False)
    return slopes


def correlated(area: Population, weights: np.ndarray) -> np.ndarray:
    """R w, (..., units)."""
    spectrum = scipy.fft.rfft(weights, axis=-1) * area.noise_eigenvalues
    return np.asarray(scipy.fft.irfft(spectrum, area.units, axis=-1))


def quadratic_form(area: Population, weights: np.ndarray) -> np.ndarray:
    """wᵀ R w, (...)."""
    return np.asarray((weights * correlated(area, weights)).sum(axis=-1))
