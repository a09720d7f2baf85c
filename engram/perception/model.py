"""What every model of visual learning is and can do: two populations, a task, and thresholds from a protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from ..parameter import check_parameters, parameter, parameter_fields
from ..protocol import Protocol
from .fisher import criterion_of, information, threshold, with_input_noise
from .populations import Population

Self = TypeVar("Self", bound="PerceptualModel")
_SHAPE = "assumed; narrow in EVC and broad in IPS by design"
#: Proportion correct to which the default criterion belongs: two-down-one-up staircases converge to it.
PROPORTION_CORRECT = 0.5**0.5


class Information(NamedTuple):
    """Linear Fisher information (1 per degree²), (times, offsets) each."""

    evc: np.ndarray  # of EVC alone, without noise in the stimulus
    ips: np.ndarray  # of IPS alone, without noise in the stimulus
    read_out: np.ndarray  # what behaviour uses


class Shape(NamedTuple):
    """Gain of every unit relative to its untrained self, (times, units) each."""

    evc: np.ndarray
    ips: np.ndarray


@dataclass(frozen=True, kw_only=True)
class PerceptualModel:
    """Populations and task that every model of visual learning has. Angles in degrees, times in seconds.

    A model says what is learned in :meth:`information`; everything else is shared.
    """

    evc_tuning_width: float = parameter(
        25.0, unit="deg", bounds=(2, 90), symbol="σ_EVC", source=_SHAPE, verified=False,
        description="standard deviation of a tuning curve in EVC",
    )  # fmt: skip
    ips_tuning_width: float = parameter(
        40.0, unit="deg", bounds=(2, 90), symbol="σ_IPS", source=_SHAPE, verified=False,
        description="standard deviation of a tuning curve in IPS",
    )  # fmt: skip
    peak_rate: float = parameter(
        30.0, unit="1/s", bounds=(1.001, 1000), symbol="r_p", source="assumed", verified=False,
        description="rate of a unit at its preferred direction",
    )  # fmt: skip
    baseline_rate: float = parameter(
        5.0, unit="1/s", bounds=(1e-3, 999), symbol="r_0", source="assumed", verified=False,
        description="rate far from the preferred direction",
    )  # fmt: skip
    window: float = parameter(
        0.2, unit="s", bounds=(1e-3, 10), symbol="T", source="assumed", verified=False,
        description="counting window",
    )  # fmt: skip
    fano: float = parameter(
        1.3, unit="1", bounds=(0.01, 20), symbol="F", source="assumed; somewhat above Poisson", verified=False,
        description="variance of a count relative to its mean",
    )  # fmt: skip
    noise_correlation: float = parameter(
        0.1, unit="1", bounds=(0, 0.99), symbol="c", verified=False,
        source="0.1 to 0.2 in cortex from memory of Cohen & Kohn 2011, doi:10.1038/nn.2842; not checked",
        description="noise correlation of units with the same preference",
    )  # fmt: skip
    correlation_width: float = parameter(
        40.0, unit="deg", bounds=(2, 180), symbol="σ_c", source="assumed", verified=False,
        description="difference in preference over which noise correlations fall",
    )  # fmt: skip
    input_noise: float = parameter(
        1.0, unit="deg", bounds=(0, 90), symbol="σ_in", source="assumed", verified=False,
        description="noise in the stimulus that no population can remove (differential correlations)",
    )  # fmt: skip
    efficiency: float = parameter(
        1.0, unit="1", bounds=(1e-6, 1), symbol="η", source="an ideal linear read-out; fitted", verified=False,
        description="share of the information that behaviour uses",
    )  # fmt: skip
    criterion: float = parameter(
        criterion_of(PROPORTION_CORRECT), unit="1", bounds=(0.01, 10), symbol="d′_c", verified=False,
        source="√2 Φ⁻¹(0.5^½): two intervals, 70.7 % correct; set by the task",
        description="d′ at threshold",
    )  # fmt: skip
    period: float = 360.0
    evc_units: int = 500
    ips_units: int = 500

    label: ClassVar[str] = "perceptual model"

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.period not in (180.0, 360.0):
            raise ValueError(
                f"{type(self).__name__}(period={self.period!r}): give 360.0 for directions or 180.0 for orientations"
            )
        _ = self.evc, self.ips  # populations check themselves

    @property
    def evc(self) -> Population:
        """The untrained units of early visual cortex."""
        return self._population(self.evc_units, self.evc_tuning_width)

    @property
    def ips(self) -> Population:
        """The untrained units of the intraparietal sulcus."""
        return self._population(self.ips_units, self.ips_tuning_width)

    def _population(self, units: int, width: float) -> Population:
        return Population(
            units=units, period=self.period, tuning_width=width, peak_rate=self.peak_rate,
            baseline_rate=self.baseline_rate, window=self.window, fano=self.fano,
            correlation=self.noise_correlation, correlation_width=self.correlation_width,
        )  # fmt: skip

    def with_(self: Self, **changes: Any) -> Self:
        """The same model with some parameters changed."""
        known = [f.name for f in parameter_fields(self)] + self._settings()
        for name in changes:
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; it has {', '.join(known)}")
        return replace(self, **changes)

    def _settings(self) -> list[str]:
        return ["period", "evc_units", "ips_units"]

    def information(
        self, protocol: Protocol, offsets: Sequence[float] | np.ndarray, when: Sequence[float], distance: float = 0.0
    ) -> Information:
        """Information about direction at each time and offset from the trained direction.

        Parameters
        ----------
        protocol : Protocol
            What was trained, and when; one trace, at offset and distance 0.
        offsets : (offsets,) array_like
            Degrees from the trained direction.
        when : (times,) array_like
            Seconds on the protocol's clock; a read sees all events at its time.
        distance : float
            Degrees of visual angle from the trained location.

        Raises
        ------
        ValueError
            An offset beyond half a period, a time or distance that is negative; the message names it.
        """
        raise TypeError(f"{type(self).__name__} is not a model that can learn; use one of engram.perception.MODELS")

    def shape(self, protocol: Protocol, when: Sequence[float], distance: float = 0.0) -> Shape:
        """Gain of every unit at each time; all 1 where learning leaves the representation alone."""
        return Shape(np.ones((len(when), self.evc_units)), np.ones((len(when), self.ips_units)))

    def thresholds(
        self, protocol: Protocol, offsets: Sequence[float] | np.ndarray, when: Sequence[float], distance: float = 0.0
    ) -> np.ndarray:
        """Discrimination threshold (degrees), (times, offsets); arguments as in :meth:`information`."""
        read_out = self.information(protocol, offsets, when, distance).read_out
        return np.asarray(threshold(read_out, self.criterion))

    def untrained(self) -> float:
        """Threshold (degrees) without any learning, the same at every direction and location."""
        return float(self.thresholds(Protocol(), [0.0], [0.0])[0, 0])

    def _used(self, total: np.ndarray) -> np.ndarray:
        """What behaviour makes of the summed information of both areas."""
        return np.asarray(self.efficiency * with_input_noise(total, self.input_noise))

    def _untrained_information(self) -> tuple[float, float]:
        return tuple(float(information(area, np.ones(area.units))) for area in (self.evc, self.ips))  # type: ignore[return-value]


def checked_offsets(offsets: Sequence[float] | np.ndarray, period: float) -> np.ndarray:
    """Offsets (degrees) as a one-dimensional array of finite numbers within half a period."""
    try:
        values = np.atleast_1d(np.asarray(offsets, float))
    except (TypeError, ValueError):
        raise ValueError(f"offsets is {offsets!r}, which are not numbers; give degrees, such as [0, 30, 90]") from None
    if values.ndim != 1 or not len(values):
        raise ValueError(f"offsets has the shape {values.shape}; give a list of at least one number of degrees")
    wrong = ~(np.abs(values) <= period / 2)
    if wrong.any():
        index = int(np.argmax(wrong))
        raise ValueError(
            f"offsets[{index}] is {values[index]:g}°; directions repeat every {period:g}°, so give offsets between "
            f"{-period / 2:g} and {period / 2:g}"
        )
    return values


def checked_times(when: Sequence[float] | np.ndarray, name: str = "when") -> tuple[float, ...]:
    """Times (s) as a tuple of finite numbers of zero or more."""
    try:
        values = np.atleast_1d(np.asarray(when, float))
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {when!r}, which are not times; give seconds, such as [0, 14 * day]") from None
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{name} has the shape {values.shape}; give a list of at least one time in seconds")
    for time in values:
        if not 0 <= time < math.inf:
            raise ValueError(f"{name} has {time:g}; give times of zero or more seconds, such as 14 * day")
    return tuple(values.tolist())


def check_distance(distance: float) -> None:
    """Raise ``ValueError`` for a distance (degrees of visual angle) that is negative or not finite."""
    if isinstance(distance, (bool, str)) or not 0 <= distance < math.inf:
        raise ValueError(f"distance is {distance!r}; give degrees of visual angle of zero or more")
