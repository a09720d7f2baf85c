"""Stimulation of a group of neurons, and the table of it that the compiled loop reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Stimulus:
    """Many presynaptic neurons fire onto some excitatory neurons, as an Ornstein-Uhlenbeck current.

    It starts at its mean N f h_0/R, fluctuates with standard deviation (h_0/R)√(N f/2τ), and ends at once; h_0/R
    (0.42) is read as a charge in nC, as the published simulations do (doi:10.1038/s41598-022-22430-7).

    Parameters
    ----------
    start, duration : float
        In seconds.
    neurons : tuple of int
        Who is stimulated.
    rate : float
        f, of each presynaptic neuron (Hz).
    sources : int
        N, how many they are: 25 (2021) or 4 (2022).
    """

    start: float
    duration: float
    neurons: tuple[int, ...]
    rate: float
    sources: int = 25

    def __post_init__(self) -> None:
        object.__setattr__(self, "neurons", tuple(int(neuron) for neuron in self.neurons))
        for name, low in (("start", 0.0), ("duration", 0.0), ("rate", 0.0), ("sources", 1)):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= low):
                raise ValueError(f"Stimulus: {name} is {value!r}; it must be finite and at least {low:g}")
        if not self.neurons or min(self.neurons) < 0 or len(set(self.neurons)) != len(self.neurons):
            raise ValueError("Stimulus: neurons must name at least one neuron, none twice, none negative")

    @property
    def end(self) -> float:
        """When it is over (s)."""
        return self.start + self.duration

    def mean(self, charge: float) -> float:
        """Mean current (nA), `charge` being h_0/R."""
        return self.sources * self.rate * charge

    def deviation(self, charge: float, tau: float) -> float:
        """Standard deviation of the current (nA)."""
        return charge * math.sqrt(self.sources * self.rate / (2.0 * tau))


class StimulusTable(NamedTuple):
    """Stimuli in steps; their neurons in one list, of which stimulus k has ``first[k]: first[k + 1]``."""

    on: NDArray[np.int64]
    off: NDArray[np.int64]
    first: NDArray[np.int64]
    neuron: NDArray[np.int32]
    mean: NDArray[np.float64]  # nA
    deviation: NDArray[np.float64]  # nA


def stimulus_table(stimuli: Sequence[Stimulus], dt: float, charge: float, tau: float) -> StimulusTable:
    """The table of some stimuli, `charge` being h_0/R and `tau` their correlation time (s)."""
    sizes = [len(stimulus.neurons) for stimulus in stimuli]
    return StimulusTable(
        np.array([round(stimulus.start / dt) for stimulus in stimuli], dtype=np.int64),
        np.array([round(stimulus.end / dt) for stimulus in stimuli], dtype=np.int64),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.array([neuron for stimulus in stimuli for neuron in stimulus.neurons], dtype=np.int32),
        np.array([stimulus.mean(charge) for stimulus in stimuli], dtype=float),
        np.array([stimulus.deviation(charge, tau) for stimulus in stimuli], dtype=float),
    )
