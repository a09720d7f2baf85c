"""Who is connected to whom: compressed sparse rows, one row a presynaptic neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Connectivity:
    """Synapses from `sources` neurons to `targets` neurons, ordered by source, then target.

    Attributes
    ----------
    start : (sources + 1,) int64
        Synapses ``start[i] … start[i+1] − 1`` leave neuron i.
    target : (synapses,) int32
        In rising order within each row.
    targets : int

    Raises
    ------
    ValueError
        Rows that do not fit the synapses, a neuron that does not exist, or a synapse given twice.
    """

    start: NDArray[np.int64]
    target: NDArray[np.int32]
    targets: int

    def __post_init__(self) -> None:
        start, target = self.start, self.target
        if start.ndim != 1 or target.ndim != 1 or start.dtype.kind != "i" or target.dtype.kind != "i":
            raise ValueError("start and target must be one-dimensional arrays of whole numbers; use from_pairs")
        if not start.size or start[0] != 0 or start[-1] != target.size or (np.diff(start) < 0).any():
            raise ValueError(f"start must rise from 0 to the number of synapses, {target.size}; use from_pairs")
        wrong = np.flatnonzero((target < 0) | (target >= self.targets))
        if wrong.size:
            at = int(wrong[0])
            raise ValueError(f"target[{at}] is {target[at]}, but there are neurons 0 to {self.targets - 1}")
        rising = np.diff(target) > 0
        rising[start[1:-1][(start[1:-1] > 0) & (start[1:-1] < target.size)] - 1] = True  # where another row begins
        if not rising.all():
            at = int(np.flatnonzero(~rising)[0])
            raise ValueError(f"target[{at + 1}] does not follow target[{at}] in its row: sorted, and each once")

    @property
    def sources(self) -> int:
        return self.start.size - 1

    @property
    def size(self) -> int:
        """Number of synapses."""
        return self.target.size

    @property
    def source(self) -> NDArray[np.int32]:
        """Presynaptic neuron of every synapse."""
        return np.repeat(np.arange(self.sources, dtype=np.int32), np.diff(self.start))

    def incoming(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
        """(first, synapse, source): synapses ``synapse[first[j]: first[j+1]]`` reach neuron j, from ``source``."""
        synapse = np.argsort(self.target, kind="stable").astype(np.int64)
        counts = np.bincount(self.target, minlength=self.targets)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), synapse, self.source[synapse]

    @classmethod
    def random(
        cls, sources: int, targets: int, probability: float, seed: int | np.random.Generator, *, no_self: bool = False
    ) -> Connectivity:
        """Every pair connected with `probability`, independently; without i → i if `no_self`."""
        if not 0.0 <= probability <= 1.0:
            raise ValueError(f"connection probability {probability!r} must lie between 0 and 1")
        generator = np.random.default_rng(seed)
        rows = []
        for number in range(sources):
            row = np.flatnonzero(generator.random(targets) < probability)
            rows.append(row[row != number] if no_self else row)
        start = np.concatenate([[0], np.cumsum([row.size for row in rows])]).astype(np.int64)
        target = np.concatenate([*rows, np.empty(0, int)]).astype(np.int32)
        return cls(start, target, targets)

    @classmethod
    def from_pairs(cls, source: ArrayLike, target: ArrayLike, *, sources: int, targets: int) -> Connectivity:
        """From two equally long lists of neurons, a synapse an entry.

        Raises
        ------
        ValueError
            Lists of different length, indices that are no neurons, or a synapse given twice.
        """
        pre, post = np.asarray(source), np.asarray(target)
        if pre.ndim != 1 or pre.shape != post.shape:
            raise ValueError(f"source has shape {pre.shape} and target {post.shape}: give two lists of equal length")
        for name, indices, count in (("source", pre, sources), ("target", post, targets)):
            if indices.size and not np.issubdtype(indices.dtype, np.integer):
                raise ValueError(f"{name} must hold whole numbers, not {indices.dtype}")
            wrong = np.flatnonzero((indices < 0) | (indices >= count))
            if wrong.size:
                at = int(wrong[0])
                raise ValueError(f"{name}[{at}] is {indices[at]}, but there are neurons 0 to {count - 1}")
        pre, post = pre.astype(np.int64), post.astype(np.int64)
        order = np.lexsort((post, pre))
        pre, post = pre[order], post[order]
        twice = np.flatnonzero((np.diff(pre) == 0) & (np.diff(post) == 0))
        if twice.size:
            at = int(twice[0])
            raise ValueError(f"the synapse {pre[at]} -> {post[at]} is given twice")
        counts = np.bincount(pre, minlength=sources)
        return cls(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), post.astype(np.int32), targets)

    @classmethod
    def from_matrix(cls, matrix: Any, *, sources: int, targets: int) -> Connectivity:
        """From a (sources, targets) array that is nonzero where there is a synapse."""
        dense = np.asarray(matrix)
        if dense.shape != (sources, targets):
            raise ValueError(
                f"the connectivity has shape {dense.shape}; it must be ({sources}, {targets}), source first"
            )
        if np.isnan(dense.astype(float)).any():
            raise ValueError("the connectivity holds NaN: use 0 for no synapse and 1 for one")
        pre, post = np.nonzero(dense)
        return cls.from_pairs(pre, post, sources=sources, targets=targets)
