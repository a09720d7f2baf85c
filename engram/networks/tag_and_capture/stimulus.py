"""Stimulation of a group of neurons, and the table of it that the compiled loop reads."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arguments import finite_number, whole_number


@dataclass(frozen=True, kw_only=True)
class Stimulus:
    """Many presynaptic neurons fire onto some neurons, excitatory or inhibitory, as an Ornstein-Uhlenbeck current.

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

    Raises
    ------
    ValueError
        What is not a finite number or is negative, no duration, a count that is not whole, neurons that are not whole
        numbers, or one named twice.
    """

    start: float
    duration: float
    neurons: tuple[int, ...]
    rate: float
    sources: int = 25

    def __post_init__(self) -> None:
        for name in ("start", "duration", "rate"):
            value = finite_number(getattr(self, name), f"Stimulus: {name}", 0.0, above=name == "duration")
            object.__setattr__(self, name, value)
        object.__setattr__(self, "sources", whole_number(self.sources, "Stimulus: sources", 1))
        given: Any = self.neurons
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise ValueError(f"Stimulus: neurons is {given!r}; give a list of the neurons' numbers")
        object.__setattr__(self, "neurons", tuple(_neuron(one, at) for at, one in enumerate(given)))
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


def _neuron(given: object, at: int) -> int:
    if isinstance(given, (bool, np.bool_)):
        raise ValueError(f"Stimulus: neurons[{at}] is {given!r}; turn a mask into numbers with numpy.flatnonzero")
    if not isinstance(given, numbers.Integral):
        raise ValueError(f"Stimulus: neurons[{at}] is {given!r}; a neuron is named by a whole number, from 0 on")
    return int(given)


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
