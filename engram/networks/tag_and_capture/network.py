"""The spiking network with tag-and-capture synapses, as published (doi:10.1038/s42003-021-01778-y): its description."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...parameter import check_parameters, parameter
from .arguments import check_kind, make_plain, whole_number
from .connectivity import Connectivity
from .event_kernels import Tables, Wiring
from .neurons import IntegrateAndFire
from .synapse_parameters import NETWORK_SYNAPSE, CalciumSynapse

_2021 = "Luboeinski & Tetzlaff 2021, doi:10.1038/s42003-021-01778-y"


def whole_steps(duration: float, dt: float, name: str) -> int:
    """`duration` in steps; an error unless it is a whole number of them, at least one."""
    if duration == 0:
        raise ValueError(f"{name} is 0 s; it must be at least one step, {dt:g} s: give it a whole number of steps")
    steps = duration / dt
    if round(steps) < 1:
        raise ValueError(f"dt {dt:g} s is larger than {name} {duration:g} s: choose a smaller step")
    if abs(steps - round(steps)) > 1e-6:
        raise ValueError(f"{name} {duration:g} s is not a whole number of steps of {dt:g} s: choose dt that divides it")
    return round(steps)


@dataclass(frozen=True, kw_only=True)
class TagAndCaptureNetwork:
    """Excitatory neurons with plastic synapses among them, and inhibitory neurons; Bernoulli connectivity.

    Neurons 0 … ``excitatory`` − 1 are excitatory. The connectivity depends on ``wiring_seed`` alone, or
    ``plastic_synapses`` gives the excitatory-to-excitatory part of it.

    Raises
    ------
    TypeError
        A parameter, synapse or neuron of another kind.
    ValueError
        A parameter out of bounds, a count or seed that is not a whole number, a step that does not divide the delays
        or is larger than one, connectivity of the wrong size.

    Examples
    --------
    >>> network = TagAndCaptureNetwork(excitatory=80, inhibitory=20)
    >>> network.plastic.sources, network.neurons
    (80, 100)
    """

    synapse: CalciumSynapse = NETWORK_SYNAPSE
    neuron: IntegrateAndFire = field(default_factory=IntegrateAndFire)
    excitatory: int = 1600
    inhibitory: int = 400
    wiring_seed: int = 0
    plastic_synapses: Connectivity | None = field(default=None, repr=False)
    connection_probability: float = parameter(
        0.1, unit="1", bounds=(0, 1), symbol="p", source=_2021, verified=True, description="of any two neurons",
    )  # fmt: skip
    weight_to_inhibitory: float = parameter(
        2.0, unit="h_0", bounds=(0, 1e3), symbol="w_EI", source=_2021, verified=True,
        description="weight of excitatory onto inhibitory neurons",
    )  # fmt: skip
    weight_from_inhibitory: float = parameter(
        4.0, unit="h_0", bounds=(0, 1e3), symbol="w_IE, w_II", source=_2021, verified=True,
        description="weight of inhibitory neurons, taken negative",
    )  # fmt: skip
    dt: float = parameter(
        2e-4, unit="s", bounds=(1e-6, 1e-2), symbol="Δt", source=_2021, verified=True,
        description="step of the neurons",
    )  # fmt: skip
    resolve_interval: float = parameter(
        0.1, unit="s", bounds=(1e-4, 1.0), symbol="–", source="chosen: error measured in tests", verified=False,
        description="how often synapses in a calcium pulse, and S of their neurons, are resolved apart from events",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_kind(self.synapse, CalciumSynapse, "synapse")
        check_kind(self.neuron, IntegrateAndFire, "neuron")
        check_parameters(self)
        make_plain(self)
        for name, low in (("excitatory", 1), ("inhibitory", 0), ("wiring_seed", 0)):
            below = math.inf if name == "wiring_seed" else 2**31
            object.__setattr__(self, name, whole_number(getattr(self, name), name, low, below))
        for name, duration in (
            ("the synaptic delay", self.neuron.synaptic_delay),
            ("the calcium delay", self.synapse.calcium_delay),
            ("the refractory period", self.neuron.refractory_period),
            ("resolve_interval", self.resolve_interval),
        ):
            whole_steps(duration, self.dt, name)
        given = self.plastic_synapses
        if given is not None:
            check_kind(given, Connectivity, "plastic_synapses")
        if given is not None and (given.sources, given.targets) != (self.excitatory, self.excitatory):
            raise ValueError(
                f"plastic_synapses connects {given.sources} to {given.targets} neurons; "
                f"this network has {self.excitatory} excitatory ones"
            )

    @property
    def neurons(self) -> int:
        """How many there are in all."""
        return self.excitatory + self.inhibitory

    @cached_property
    def plastic(self) -> Connectivity:
        """The excitatory-to-excitatory synapses."""
        if self.plastic_synapses is not None:
            return self.plastic_synapses
        size = self.excitatory
        return Connectivity.random(size, size, self.connection_probability, self._generator(0), no_self=True)

    @cached_property
    def wiring(self) -> Wiring:
        """All synapses, as the kernels read them."""
        charge = self.synapse.resting_weight / self.neuron.resistance
        onto_all = self._fixed(1, self.inhibitory, self.neurons, no_self_from=self.excitatory)
        onto_inhibitory = self._fixed(2, self.excitatory, self.inhibitory)
        starts = np.concatenate([onto_inhibitory.start, onto_inhibitory.size + onto_all.start[1:]])
        target = np.concatenate([onto_inhibitory.target + self.excitatory, onto_all.target]).astype(np.int32)
        jump = np.empty(target.size)
        jump[: onto_inhibitory.size] = charge * self.weight_to_inhibitory
        jump[onto_inhibitory.size :] = -charge * self.weight_from_inhibitory
        plastic = self.plastic
        return Wiring(plastic.start, plastic.target, *plastic.incoming(), starts.astype(np.int64), target, jump)

    def _generator(self, part: int) -> np.random.Generator:
        return np.random.default_rng([self.wiring_seed, part])

    def _fixed(self, part: int, sources: int, targets: int, no_self_from: int | None = None) -> Connectivity:
        made = Connectivity.random(sources, targets, self.connection_probability, self._generator(part))
        if no_self_from is None:
            return made
        source = made.source
        kept = made.target != source + no_self_from
        return Connectivity.from_pairs(source[kept], made.target[kept], sources=sources, targets=targets)

    def tables(self) -> Tables:
        """Decay and noise of each regime over 0 … resolve_interval."""
        constants = self.synapse.constants()
        span = self.dt * np.arange(whole_steps(self.resolve_interval, self.dt, "resolve_interval") + 2)
        passed = np.outer(constants.rates, span)
        noise = np.sqrt(np.array(constants.variances)[:, None] * -np.expm1(-2.0 * passed))
        return Tables(float(self.dt), np.exp(-passed), noise)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of every parameter and synapse: networks with the same one are the same."""
        digest = hashlib.sha256(repr(self).encode())
        for array in self.wiring:
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def at_rest(network: TagAndCaptureNetwork, background: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
    """The arrays of the state at time 0, by name: all synapses at h_0, all neurons at rest."""
    neurons, excitatory, synapses = network.neurons, network.excitatory, network.plastic.size
    waiting = max(network.neuron.synaptic_delay, network.synapse.calcium_delay)
    # a neuron cannot spike more often than once in its refractory period
    capacity = neurons * (int(waiting / (network.neuron.refractory_period + network.dt)) + 2)
    real = {
        "potential": neurons, "synaptic": neurons, "stimulus": 0, "pre_trace": excitatory, "post_trace": excitatory,
        "deviation": synapses, "late": synapses, "captured_at": synapses, "protein": excitatory,
        "protein_total": excitatory, "settled": excitatory, "synthesis_end": excitatory, "total_deviation": excitatory,
    }  # fmt: skip
    state: dict[str, NDArray[np.generic]] = {name: np.zeros(size) for name, size in real.items()}
    state["background"] = background
    for name, size in (("clock", 5), ("refractory", neurons), ("updated", synapses), ("queue_step", capacity)):
        state[name] = np.zeros(size, dtype=np.int64)
    for name, size in (("regime", synapses), ("tag", synapses), ("unsettled", excitatory), ("active", excitatory)):
        state[name] = np.zeros(size, dtype=np.int8)
    state["queue_neuron"] = np.zeros(capacity, dtype=np.int32)
    return state
