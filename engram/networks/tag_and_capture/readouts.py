"""What recall of a cell assembly is measured by: rates, the recall coefficient Q and mutual information."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import entropy

WINDOW = 0.5
"""Width of the window in which rates are read (s), centred 0.1 s after the onset of recall."""


@dataclass(frozen=True)
class Recall:
    """Rates (Hz) of the groups during recall, and what follows from them."""

    stimulated_core: float
    other_core: float
    control: float
    inhibitory: float
    mutual_information: float  # bit

    @property
    def quality(self) -> float:
        """Q = (not-stimulated core − control)/stimulated core; doi:10.1038/s42003-021-01778-y."""
        return (self.other_core - self.control) / self.stimulated_core


def mutual_information(first: ArrayLike, second: ArrayLike) -> float:
    """Plug-in mutual information (bit) of two equally long vectors of counts or rates, one entry a neuron.

    Examples
    --------
    >>> mutual_information([0, 0, 1, 1], [5, 5, 7, 7])
    1.0
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.ndim != 1 or one.shape != other.shape or one.size == 0:
        raise ValueError(f"two equally long vectors are needed, not of shapes {one.shape} and {other.shape}")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise ValueError("mutual information of values that are not all finite: leave out neurons without a rate")

    def bits(values: NDArray[np.float64]) -> float:
        return float(entropy(np.unique(values, axis=0, return_counts=True)[1], base=2))

    return bits(one) + bits(other) - bits(np.column_stack([one, other]))


def recall(learned: ArrayLike, recalled: ArrayLike, *, stimulated: int, core: int, excitatory: int) -> Recall:
    """From spikes of all neurons in `WINDOW` during learning and recall; neurons 0 … stimulated − 1 were stimulated."""
    before, rates = np.asarray(learned), np.asarray(recalled) / WINDOW
    return Recall(
        float(rates[:stimulated].mean()),
        float(rates[stimulated:core].mean()),
        float(rates[core:excitatory].mean()),
        float(rates[excitatory:].mean()) if rates.size > excitatory else float("nan"),
        mutual_information(before[:excitatory], np.asarray(recalled)[:excitatory]),
    )
