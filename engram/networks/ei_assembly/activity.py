"""What the paper measures on a network's activity, with its definitions: rates by group, balance, co-tuning,
persistence.

Unless said otherwise: E neurons, the first 1.5 s of an odour, conductances minus each neuron's mean over the 500 ms
before it (Meissner-Bernard, Zenke & Friedrich, eLife 2025, RP96303).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import geometry
from .network import EIAssemblyNetwork
from .odours import EIAssemblyInput
from .simulation import EIAssemblyRun

RESPONSE, BEFORE = 1.5, 0.5  # s


def response_windows(
    mitral: EIAssemblyInput, length: float = RESPONSE, before: float = BEFORE
) -> list[tuple[float, float]]:
    """Windows (s) for `run`: of every odour the response, and after all of them the time before each odour."""
    return [(on, on + length) for on in mitral.on] + [(on - before, on) for on in mitral.on]


class EvokedConductances(NamedTuple):
    """Odour-evoked conductances (nS), each [presentation, neuron]."""

    afferent: np.ndarray
    recurrent: np.ndarray  # recurrent excitatory
    inhibitory: np.ndarray

    @property
    def excitatory(self) -> np.ndarray:
        """Afferent and recurrent."""
        return self.afferent + self.recurrent

    @property
    def synaptic(self) -> np.ndarray:
        """All three."""
        return self.excitatory + self.inhibitory


def evoked_conductances(done: EIAssemblyRun) -> EvokedConductances:
    """Odour-evoked conductances of a run recorded with the windows of `response_windows`.

    Raises
    ------
    ValueError
        If the run was recorded with other windows.
    """
    number = len(done.input.on)
    if len(done.windows) != 2 * number or number == 0:
        raise ValueError("the run needs the windows of response_windows(input): run(network, input, windows=...)")
    mean = done.conductances[:number] - done.conductances[number:]
    return EvokedConductances(mean[:, 0], mean[:, 1] - mean[:, 0], mean[:, 2])


class Rates(NamedTuple):
    """Mean rates (Hz)."""

    baseline: float  # E, in the second before each odour
    excitatory: float
    inhibitory: float
    assembly_excitatory: float  # an odour's own assembly
    assembly_inhibitory: float
    outside: float  # E neurons that are in no assembly
    active: float  # share of E neurons that spike at all, mean over odours
    after: float  # E, persistence: from `settle` s after the odour on, over the next 0.5 s


def group_rates(
    done: EIAssemblyRun, network: EIAssemblyNetwork, *, settle: float = 0.25, length: float = RESPONSE
) -> Rates:
    """Rates by group, averaged over the presentations of a run.

    ``assembly_…`` averages over the presentations whose odour has an assembly (odour k belongs to assembly k) and is
    nan where there is none. Persistence is measured where the input goes on for long enough after an odour.
    """
    n = int(network.model.n_excitatory)
    patterns = done.patterns(length)
    own = [(row, odour) for row, odour in enumerate(done.input.odour) if odour < network.assemblies]
    outside = np.setdiff1d(np.arange(n), network.excitatory_members)
    end = done.input.duration
    after = [
        done.rates(off + settle, off + settle + 0.5)[:n].mean() for off in done.input.off if off + settle + 0.5 <= end
    ]
    inside = patterns[:, :n], patterns[:, n:]

    def members(rates: np.ndarray, cells: np.ndarray) -> float:
        return float(np.mean([rates[row, cells[odour]].mean() for row, odour in own])) if own else float("nan")

    return Rates(
        baseline=float(np.mean([done.rates(max(on - 1.0, 0.0), on)[:n].mean() for on in done.input.on])),
        excitatory=float(inside[0].mean()),
        inhibitory=float(inside[1].mean()),
        assembly_excitatory=members(inside[0], network.excitatory_members),
        assembly_inhibitory=members(inside[1], network.inhibitory_members),
        outside=float(inside[0][:, outside].mean()),
        active=float(np.mean(inside[0] > 0)),
        after=float(np.mean(after)) if after else float("nan"),
    )


def pattern_correlation(patterns: np.ndarray) -> float:
    """Mean Pearson correlation over all pairs of patterns [pattern, neuron]."""
    matrix = np.corrcoef(patterns)
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())


def recurrent_share(evoked: EvokedConductances, n_excitatory: int) -> float:
    """Share of evoked excitation that is recurrent (%), per E neuron and odour, then the mean.

    Means nothing where activity persists (the evoked recurrent conductance may be negative).
    """
    recurrent, afferent = evoked.recurrent[:, :n_excitatory], evoked.afferent[:, :n_excitatory]
    both = recurrent.mean(axis=0) + afferent.mean(axis=0)
    return float(np.mean(100.0 * recurrent.mean(axis=0) / both))


def cotuning(evoked: EvokedConductances, neurons: np.ndarray) -> np.ndarray:
    """Pearson r of excitatory and inhibitory conductance over odours, for each of the neurons (co-tuning A)."""
    return geometry.co_tuning(evoked.excitatory[:, neurons].T, evoked.inhibitory[:, neurons].T)


def balance(evoked: EvokedConductances, neurons: np.ndarray) -> geometry.BalancedAxis:
    """Balanced axis g_I = slope g_E over all neuron-odour pairs, and each neuron's ratio of SDs (co-tuning B)."""
    return geometry.balanced_axis(evoked.excitatory[:, neurons].T, evoked.inhibitory[:, neurons].T)


def interval_variation(done: EIAssemblyRun, neurons: np.ndarray, first: float, last: float, fewest: int = 4) -> float:
    """Mean CV of the intervals between spikes of neurons with at least ``fewest`` intervals in a window (s); or nan."""
    kept = (done.times >= first) & (done.times < last) & np.isin(done.neuron, neurons)
    step, neuron = done.step[kept], done.neuron[kept]
    values = []
    for cell in np.unique(neuron):
        intervals = np.diff(step[neuron == cell])
        if len(intervals) >= fewest:
            values.append(intervals.std() / intervals.mean())
    return float(np.mean(values)) if values else float("nan")
