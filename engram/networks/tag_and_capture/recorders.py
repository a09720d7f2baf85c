"""What a simulation keeps: spikes in a window of time, or mean weights of groups of synapses at some times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .simulation import Simulation


class Recorder(Protocol):
    """What a simulation asks of a recorder."""

    def stops(self, start: float, end: float) -> Iterable[float]:
        """Times (s) between `start` and `end` at which `visit` is wanted."""
        ...

    def spikes(self, times: NDArray[np.float64], neurons: NDArray[np.int32]) -> None:
        """The next spikes, in order of time."""
        ...

    def visit(self, simulation: Simulation) -> None:
        """Look at the simulation; called at the times asked for and at others."""
        ...


@dataclass
class SpikeRecorder:
    """Every spike from ``start`` to before ``end`` (s)."""

    start: float = 0.0
    end: float = float("inf")
    pieces: list[tuple[NDArray[np.float64], NDArray[np.int32]]] = field(default_factory=list, repr=False)

    def stops(self, start: float, end: float) -> Iterable[float]:
        return ()

    def spikes(self, times: NDArray[np.float64], neurons: NDArray[np.int32]) -> None:
        wanted = (times >= self.start) & (times < self.end)
        if wanted.any():
            self.pieces.append((times[wanted], neurons[wanted]))

    def visit(self, simulation: Simulation) -> None:
        return

    @property
    def times(self) -> NDArray[np.float64]:
        """Times of the spikes (s)."""
        return np.concatenate([piece[0] for piece in self.pieces] or [np.empty(0)])

    @property
    def neurons(self) -> NDArray[np.int32]:
        """Who spiked."""
        return np.concatenate([piece[1] for piece in self.pieces] or [np.empty(0, np.int32)])

    def counts(self, start: float, end: float, neurons: int) -> NDArray[np.int64]:
        """Spikes of each of the first `neurons` neurons from `start` to before `end` (s).

        Time that was not simulated, skipped or still to come, holds none: a rate is taken over what was simulated.
        """
        if not start < end:
            raise ValueError(f"spikes from {start:g} to {end:g} s: the end must come after the start")
        if start < self.start or end > self.end:
            raise ValueError(f"spikes were recorded from {self.start:g} to {self.end:g} s, not {start:g} to {end:g} s")
        times = self.times
        return np.bincount(self.neurons[(times >= start) & (times < end)], minlength=neurons)[:neurons]


@dataclass
class SpikeCounter:
    """How often each neuron spiked from ``start`` to before ``end`` (s): for runs too long to keep every spike."""

    start: float = 0.0
    end: float = float("inf")
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)

    def stops(self, start: float, end: float) -> Iterable[float]:
        return ()

    def spikes(self, times: NDArray[np.float64], neurons: NDArray[np.int32]) -> None:
        wanted = neurons[(times >= self.start) & (times < self.end)]
        added = np.bincount(wanted, minlength=self.counts.size)
        added[: self.counts.size] += self.counts
        self.counts = added

    def visit(self, simulation: Simulation) -> None:
        return


@dataclass
class WeightRecorder:
    """Mean early weight (mV), late phase and protein of groups of synapses, at given times (s).

    ``core`` neurons (0 … core − 1) divide the synapses into core, outgoing, incoming and rest.
    """

    at: tuple[float, ...]
    core: int
    rows: list[dict[str, float]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if self.core < 1:
            raise ValueError(f"a core of {self.core} neurons: give at least 1")

    def stops(self, start: float, end: float) -> Iterable[float]:
        return [time for time in self.at if start <= time <= end]

    def spikes(self, times: NDArray[np.float64], neurons: NDArray[np.int32]) -> None:
        return

    def visit(self, simulation: Simulation) -> None:
        half = 0.5 * simulation.network.dt
        done = {row["time"] for row in self.rows}
        if simulation.time in done or not any(abs(time - simulation.time) < half for time in self.at):
            return
        there = simulation.network.plastic.sources
        if self.core > there:
            raise ValueError(f"a core of {self.core} neurons is recorded, but the network has {there} excitatory ones")
        weights, row = simulation.weights(), {"time": simulation.time}
        source, target = weights.source < self.core, weights.target < self.core
        for name, group in (
            ("core", source & target), ("outgoing", source & ~target),
            ("incoming", ~source & target), ("rest", ~source & ~target),
        ):  # fmt: skip
            row[f"early_{name}"] = float(weights.early[group].mean()) if group.any() else float("nan")
            row[f"late_{name}"] = float(weights.late[group].mean()) if group.any() else float("nan")
        row["protein_core"] = float(weights.protein[: self.core].mean())
        row["total_deviation_core"] = float(weights.total_deviation[: self.core].mean())
        self.rows.append(row)
