"""The published experiments on the plastic network, as functions: learn, recall, consolidate, recall again.

The learning and recall stimuli of Luboeinski & Tetzlaff 2021 (doi:10.1038/s42003-021-01778-y) and of Lehr, Luboeinski &
Tetzlaff 2022 (doi:10.1038/s41598-022-22430-7); readouts as in `readouts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...units import format_time, hour, minute
from .arguments import finite_number, whole_number
from .concentration import Concentration
from .network import TagAndCaptureNetwork
from .readouts import WINDOW, Recall, recall
from .recorders import Recorder, SpikeRecorder
from .simulation import Simulation, Weights
from .stimulus import Stimulus

if TYPE_CHECKING:
    import pandas

_Case = TypeVar("_Case")
_Result = TypeVar("_Result")
LEVELS = tuple(0.02 * number for number in range(10))
RATES = tuple(10.0 * number for number in range(1, 11))
ONSETS = tuple(30 * minute * number for number in range(7))
SETTLING = 5.0  # s of background between skipped hours and recall


@dataclass(frozen=True, kw_only=True)
class AssemblyProtocol:
    """Learning in pulses of 0.1 s to the core, and recall by stimulating half of it; times in seconds.

    Raises
    ------
    ValueError
        Pulses that are none, overlap or end before the first 0.25 s, around which rates are read; recalls that are not
        two, begin before learning has ended or lie less than 5 s apart; a core of fewer than 2 neurons; a rate,
        duration or number of sources out of bounds.
    """

    pulses: tuple[float, ...] = (10.0, 10.5, 11.0)
    pulse_duration: float = 0.1
    rate: float = 100.0
    sources: int = 25
    core: int = 150
    recall_rate: float = 100.0
    recall_sources: int = 25
    recalls: tuple[float, float] = (20.0, 8 * hour + 10.0)

    def __post_init__(self) -> None:
        for name, low in (("core", 2), ("sources", 1), ("recall_sources", 1)):
            object.__setattr__(self, name, whole_number(getattr(self, name), f"AssemblyProtocol: {name}", low))
        for name in ("pulse_duration", "rate", "recall_rate"):
            above = name == "pulse_duration"
            value = finite_number(getattr(self, name), f"AssemblyProtocol: {name}", 0.0, above=above)
            object.__setattr__(self, name, value)
        for name in ("pulses", "recalls"):
            given: Any = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise ValueError(f"AssemblyProtocol: {name} is {given!r}; give a list of times (s)")
            times = tuple(finite_number(time, f"AssemblyProtocol: a time of {name}", 0.0) for time in given)
            object.__setattr__(self, name, times)
        if not self.pulses or self.pulses[-1] < WINDOW / 2:
            raise ValueError(
                f"AssemblyProtocol: pulses is {self.pulses}; rates are read from {WINDOW / 2:g} s before the last one "
                f"on: give at least one pulse, the last at {WINDOW / 2:g} s or later"
            )
        for one, following in pairwise(self.pulses):
            if following < one + self.pulse_duration - 1e-9:
                raise ValueError(
                    f"AssemblyProtocol: the pulse at {following:g} s begins before the one at {one:g} s has ended "
                    f"(pulse_duration is {self.pulse_duration:g} s): give them in order of time, without overlap"
                )
        if len(self.recalls) != 2:
            raise ValueError(
                f"AssemblyProtocol: recalls is {self.recalls}; give two times (s), an early and a late one"
            )
        learned = self.pulses[-1] + self.pulse_duration
        if self.recalls[0] < learned - 1e-9:
            raise ValueError(
                f"AssemblyProtocol: the recall at {self.recalls[0]:g} s comes before learning has ended, at "
                f"{learned:g} s: give a later one"
            )
        if self.recalls[1] < self.recalls[0] + SETTLING:
            raise ValueError(
                f"AssemblyProtocol: recalls is {self.recalls}; the late one must follow the early one by at least "
                f"{SETTLING:g} s, in which the background settles"
            )

    @property
    def stimulated(self) -> int:
        """How many core neurons recall stimulates."""
        return self.core // 2

    def learning_stimuli(self) -> list[Stimulus]:
        """One for each pulse."""
        return [
            Stimulus(
                start=start, duration=self.pulse_duration, neurons=tuple(range(self.core)), rate=self.rate,
                sources=self.sources,
            )
            for start in self.pulses
        ]  # fmt: skip

    def recall_stimulus(self, start: float) -> Stimulus:
        """Half of the core, from `start` on."""
        return Stimulus(
            start=start, duration=self.pulse_duration, neurons=tuple(range(self.stimulated)), rate=self.recall_rate,
            sources=self.recall_sources,
        )  # fmt: skip


PROTOCOL_2021 = AssemblyProtocol()
PROTOCOL_2022 = AssemblyProtocol(rate=60.0, sources=4, recall_sources=4)
LEARNED = PROTOCOL_2022.pulses[-1] + PROTOCOL_2022.pulse_duration
"""When learning by the protocol of 2022 ends (s)."""


def classical_protocols() -> dict[str, NDArray[np.float64]]:
    """Presynaptic spikes (s) of the four protocols of synaptic tagging, after doi:10.1038/s42003-021-01778-y."""
    burst = np.array([0.0, 0.05, 0.1])  # 20 Hz

    def tetanus(duration: float, starts: tuple[float, ...]) -> NDArray[np.float64]:
        return np.concatenate([start + np.arange(round(100 * duration)) / 100.0 for start in starts])

    return {
        "strong tetanus": tetanus(1.0, (0.0, 600.0, 1200.0)),
        "weak tetanus": tetanus(0.2, (0.0,)),
        "strong low-frequency": (np.arange(900.0)[:, None] + burst).ravel(),
        "weak low-frequency": (np.arange(90.0)[:, None] + burst).ravel(),
    }


def in_threads(work: Callable[[_Case], _Result], cases: Iterable[_Case], threads: int = 1) -> list[_Result]:
    """`work` of every case, in order; compiled loops run side by side, with the same bits as one after another."""
    if threads == 1:
        return [work(case) for case in cases]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, cases))


def check_fits(network: TagAndCaptureNetwork, protocol: AssemblyProtocol) -> None:
    """An error unless the core is a part of the excitatory neurons, some of which are left as a control."""
    if protocol.core >= network.excitatory:
        raise ValueError(
            f"the protocol has a core of {protocol.core} neurons, but the network {network.excitatory} excitatory "
            "ones: give fewer core or more excitatory neurons, so that some are left as a control"
        )


def _learning_recorder(protocol: AssemblyProtocol) -> SpikeRecorder:
    return SpikeRecorder(0.0, protocol.recalls[0] + 10.0)


def learning(
    network: TagAndCaptureNetwork,
    protocol: AssemblyProtocol,
    *,
    seed: int,
    concentration: Concentration | None = None,
    recorders: Sequence[Recorder] | None = None,
) -> Simulation:
    """A simulation at time 0 in which the core will learn; by default every spike is recorded until 30 s."""
    check_fits(network, protocol)
    kept = [_learning_recorder(protocol)] if recorders is None else recorders
    return Simulation(
        network, seed=seed, stimuli=protocol.learning_stimuli(), concentration=concentration, recorders=kept
    )


def read_recall(simulation: Simulation, protocol: AssemblyProtocol, start: float) -> Recall:
    """Readouts of a recall at `start` (s) from what the simulation recorded."""
    neurons, centre = simulation.network.neurons, protocol.pulses[-1]
    recorders = [recorder for recorder in simulation.recorders if isinstance(recorder, SpikeRecorder)]

    def counted(middle: float) -> NDArray[np.int64]:
        begin, end = middle - WINDOW / 2, middle + WINDOW / 2
        for one in recorders:
            if one.start <= begin and end <= one.end:
                return one.counts(begin, end, neurons)
        raise ValueError(f"no SpikeRecorder holds {begin:g} to {end:g} s: give the simulation one before that time")

    learned, recalled = counted(centre), counted(start + 0.1)
    return recall(
        learned, recalled, stimulated=protocol.stimulated, core=protocol.core, excitatory=simulation.network.excitatory
    )


def group_weights(weights: Weights, core: int, resting_weight: float) -> dict[str, float]:
    """Mean total and late weights in percent of h_0: within the core, out of it, into it, and the rest."""
    source, target = weights.source < core, weights.target < core
    groups = {
        "core": source & target, "outgoing": source & ~target, "incoming": ~source & target, "rest": ~source & ~target,
    }  # fmt: skip
    means = {}
    for name, group in groups.items():
        late = 100.0 * float(weights.late[group].mean())
        means[f"{name} late %"] = late
        means[f"{name} total %"] = late + 100.0 * float(weights.early[group].mean()) / resting_weight
    return means


def consolidation_table(simulation: Simulation, protocol: AssemblyProtocol, start: float) -> dict[str, float]:
    """Weights now and readouts of the recall at `start` (s), by name."""
    found = read_recall(simulation, protocol, start)
    return {
        **group_weights(simulation.weights(), protocol.core, simulation.network.synapse.resting_weight),
        "Q": found.quality,
        "mutual information (bit)": found.mutual_information,
        "stimulated core (Hz)": found.stimulated_core,
        "other core (Hz)": found.other_core,
        "control (Hz)": found.control,
        "inhibitory (Hz)": found.inhibitory,
    }


def consolidation(
    network: TagAndCaptureNetwork,
    protocol: AssemblyProtocol = PROTOCOL_2021,
    *,
    seed: int = 1,
    concentration: Concentration | None = None,
    recall_too: bool = True,
) -> dict[str, dict[str, float]]:
    """Learn; recall (after ten seconds); in a branch of the trial consolidate (eight hours), silent, and recall.

    Returns
    -------
    dict
        Weights (% of h_0) before each recall and, with `recall_too`, its readouts, by the time from the first pulse
        to the recall: ``"10 s"`` and ``"8 h"`` by the published protocols.
    """
    simulation = learning(network, protocol, seed=seed, concentration=concentration)
    early = protocol.recalls[0]
    labels = [format_time(time - protocol.pulses[0]) for time in protocol.recalls]
    if labels[0] == labels[1]:
        labels = [f"{time - protocol.pulses[0]:.10g} s" for time in protocol.recalls]
    simulation.run(until=early)
    if recall_too:
        result = _recalled(simulation.branch(), protocol, early)
    else:
        result = group_weights(simulation.weights(), protocol.core, network.synapse.resting_weight)
    return {labels[0]: result, labels[1]: consolidated(simulation, protocol, recall_too=recall_too)}


def consolidated(simulation: Simulation, protocol: AssemblyProtocol, *, recall_too: bool = True) -> dict[str, float]:
    """Weights (% of h_0) before the late recall, after silent hours, and, with `recall_too`, its readouts.

    The simulation is run on to the time of the early recall, without it, and from there silently.
    """
    check_fits(simulation.network, protocol)
    early, late = protocol.recalls
    simulation.run(until=early)
    simulation.fast_forward(until=late - SETTLING)
    if not recall_too:
        return group_weights(simulation.weights(), protocol.core, simulation.network.synapse.resting_weight)
    simulation.recorders.append(SpikeRecorder(late - SETTLING))
    simulation.run(until=late)
    return _recalled(simulation, protocol, late)


def _recalled(simulation: Simulation, protocol: AssemblyProtocol, start: float) -> dict[str, float]:
    before = group_weights(simulation.weights(), protocol.core, simulation.network.synapse.resting_weight)
    simulation.stimulate(protocol.recall_stimulus(start))
    simulation.run(until=start + WINDOW)
    return {**consolidation_table(simulation, protocol, start), **before}


def consolidation_trials(
    protocol: AssemblyProtocol = PROTOCOL_2021, *, seeds: Sequence[int], threads: int = 1, excitatory: int = 1600
) -> pandas.DataFrame:
    """`consolidation` for several seeds, each of which also draws its own connectivity; one row a seed and recall."""
    import pandas

    def work(seed: int) -> dict[str, dict[str, float]]:
        network = TagAndCaptureNetwork(wiring_seed=seed, excitatory=excitatory, inhibitory=excitatory // 4)
        return consolidation(network, protocol, seed=seed)

    rows = [
        {"seed": seed, "recall": when, **values}
        for seed, found in zip(seeds, in_threads(work, seeds, threads), strict=True)
        for when, values in found.items()
    ]
    return pandas.DataFrame(rows).set_index(["seed", "recall"])


def dose_by_stimulus(
    *,
    levels: Sequence[float] = LEVELS,
    rates: Sequence[float] = RATES,
    seed: int = 1,
    threads: int = 1,
    recall_too: bool = False,
    network: TagAndCaptureNetwork | None = None,
) -> pandas.DataFrame:
    """Weights (and recall) after 8 h for neuromodulator concentrations n × learning rates (Hz), n from learning on.

    One row a pair; the same seed throughout, so that a dose changes nothing but synthesis.
    """
    import pandas

    chosen = TagAndCaptureNetwork() if network is None else network
    begin = PROTOCOL_2022.pulses[0]
    check_fits(chosen, PROTOCOL_2022)
    recorders = [_learning_recorder(PROTOCOL_2022)]
    silent = Simulation(chosen, seed=seed, concentration=Concentration(), recorders=recorders)
    silent.run(until=begin)

    def work(case: tuple[float, float]) -> dict[str, float]:
        rate, level = case
        protocol = replace(PROTOCOL_2022, rate=rate)
        simulation = silent.branch(Concentration.step(level, start=begin))
        simulation.stimulate(*protocol.learning_stimuli())
        return {"rate (Hz)": rate, "n": level, **consolidated(simulation, protocol, recall_too=recall_too)}

    return pandas.DataFrame(in_threads(work, [(rate, level) for rate in rates for level in levels], threads))


def onset_and_duration(
    *,
    level: float = 0.18,
    onsets: Sequence[float] = ONSETS,
    durations: Sequence[float] = (30 * minute, 60 * minute, float("inf")),
    seed: int = 1,
    threads: int = 1,
    recall_too: bool = False,
    network: TagAndCaptureNetwork | None = None,
) -> pandas.DataFrame:
    """Weights (and recall) after 8 h for a neuromodulator `onset` (s) after learning that lasts `duration` (s)."""
    cases = [(onset, duration) for duration in durations for onset in onsets]
    modulators = [Concentration.step(level, start=LEARNED + onset, duration=duration) for onset, duration in cases]
    found = after_learning(modulators, seed=seed, threads=threads, recall_too=recall_too, network=network)
    found.insert(0, "onset (s)", [onset for onset, _ in cases])
    found.insert(1, "duration (s)", [duration for _, duration in cases])
    return found


def after_learning(
    modulators: Sequence[Concentration],
    *,
    seed: int = 1,
    threads: int = 1,
    recall_too: bool = False,
    network: TagAndCaptureNetwork | None = None,
) -> pandas.DataFrame:
    """Weights (and recall) after 8 h for neuromodulators that begin after learning (`LEARNED`), one row each.

    Learning by the protocol of 2022 is simulated once.
    """
    import pandas

    chosen = TagAndCaptureNetwork() if network is None else network
    learned = learning(chosen, PROTOCOL_2022, seed=seed, concentration=Concentration())
    learned.run(until=LEARNED)

    def work(modulator: Concentration) -> dict[str, float]:
        return consolidated(learned.branch(modulator), PROTOCOL_2022, recall_too=recall_too)

    return pandas.DataFrame(in_threads(work, modulators, threads))


def table_of_means(trials: pandas.DataFrame) -> pandas.DataFrame:
    """Mean and standard deviation over seeds of `consolidation_trials`: a row a quantity, columns by recall."""
    import pandas

    grouped = trials.groupby(level="recall")
    return pandas.concat({"mean": grouped.mean().T, "sd": grouped.std().T}, axis=1).swaplevel(axis=1).sort_index(axis=1)
