"""The published experiments on the plastic network, as functions: learn, recall, consolidate, recall again.

The learning and recall stimuli of Luboeinski & Tetzlaff 2021 (doi:10.1038/s42003-021-01778-y) and of Lehr, Luboeinski &
Tetzlaff 2022 (doi:10.1038/s41598-022-22430-7); readouts as in `readouts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ..units import hour, minute
from .concentration import Concentration
from .readouts import WINDOW, Recall, recall
from .recorders import Recorder, SpikeRecorder
from .simulation import Simulation, Weights
from .stimulus import Stimulus
from .tag_and_capture import TagAndCaptureNetwork

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
    """Learning in pulses of 0.1 s to the core, and recall by stimulating half of it; times in seconds."""

    pulses: tuple[float, ...] = (10.0, 10.5, 11.0)
    pulse_duration: float = 0.1
    rate: float = 100.0
    sources: int = 25
    core: int = 150
    recall_rate: float = 100.0
    recall_sources: int = 25
    recalls: tuple[float, float] = (20.0, 8 * hour + 10.0)

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


def in_threads(work: Callable[[_Case], _Result], cases: Iterable[_Case], threads: int = 1) -> list[_Result]:
    """`work` of every case, in order; compiled loops run side by side, with the same bits as one after another."""
    if threads == 1:
        return [work(case) for case in cases]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, cases))


def learning(
    network: TagAndCaptureNetwork,
    protocol: AssemblyProtocol,
    *,
    seed: int,
    concentration: Concentration | None = None,
    recorders: Sequence[Recorder] | None = None,
) -> Simulation:
    """A simulation at time 0 in which the core will learn; by default every spike is recorded until 30 s."""
    kept = [SpikeRecorder(0.0, protocol.recalls[0] + 10.0)] if recorders is None else recorders
    return Simulation(
        network, seed=seed, stimuli=protocol.learning_stimuli(), concentration=concentration, recorders=kept
    )


def read_recall(simulation: Simulation, protocol: AssemblyProtocol, start: float) -> Recall:
    """Readouts of a recall at `start` (s) from what the simulation recorded."""
    neurons, centre = simulation.network.neurons, protocol.pulses[-1]
    recorders = [recorder for recorder in simulation.recorders if isinstance(recorder, SpikeRecorder)]
    first = next(one for one in recorders if one.start <= centre - WINDOW / 2)
    last = next(
        one for one in recorders if one.start <= start + 0.1 - WINDOW / 2 and one.end >= start + 0.1 + WINDOW / 2
    )
    learned = first.counts(centre - WINDOW / 2, centre + WINDOW / 2, neurons)
    recalled = last.counts(start + 0.1 - WINDOW / 2, start + 0.1 + WINDOW / 2, neurons)
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
    """Learn; recall ten seconds later; in a branch of the same trial consolidate eight hours, silent, and recall.

    Returns
    -------
    dict
        ``"10 s"`` and ``"8 h"``: weights (% of h_0) before recall and, with `recall_too`, its readouts.
    """
    simulation = learning(network, protocol, seed=seed, concentration=concentration)
    early, late = protocol.recalls
    simulation.run(until=early)
    h_0 = network.synapse.resting_weight
    result = {"10 s": group_weights(simulation.weights(), protocol.core, h_0)}
    if recall_too:
        result["10 s"] = _recalled(simulation.branch(), protocol, early)
    simulation.fast_forward(until=late - SETTLING)
    result["8 h"] = group_weights(simulation.weights(), protocol.core, h_0)
    if recall_too:
        simulation.recorders.append(SpikeRecorder(late - SETTLING))
        simulation.run(until=late)
        result["8 h"] = _recalled(simulation, protocol, late)
    return result


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

    def work(case: tuple[float, float]) -> dict[str, float]:
        rate, level = case
        protocol = replace(PROTOCOL_2022, rate=rate)
        concentration = Concentration.step(level, start=protocol.pulses[0])
        found = consolidation(chosen, protocol, seed=seed, concentration=concentration, recall_too=recall_too)["8 h"]
        return {"rate (Hz)": rate, "n": level, **found}

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
    import pandas

    chosen = TagAndCaptureNetwork() if network is None else network
    end = PROTOCOL_2022.pulses[-1] + PROTOCOL_2022.pulse_duration

    def work(case: tuple[float, float]) -> dict[str, float]:
        onset, duration = case
        concentration = Concentration.step(level, start=end + onset, duration=duration)
        found = consolidation(chosen, PROTOCOL_2022, seed=seed, concentration=concentration, recall_too=recall_too)[
            "8 h"
        ]
        return {"onset (s)": onset, "duration (s)": duration, **found}

    cases = [(onset, duration) for duration in durations for onset in onsets]
    return pandas.DataFrame(in_threads(work, cases, threads))


def table_of_means(trials: pandas.DataFrame) -> pandas.DataFrame:
    """Mean and standard deviation over seeds of `consolidation_trials`: a row a quantity, columns by recall."""
    import pandas

    grouped = trials.groupby(level="recall")
    return pandas.concat({"mean": grouped.mean().T, "sd": grouped.std().T}, axis=1).swaplevel(axis=1).sort_index(axis=1)
