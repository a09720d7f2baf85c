"""Random wiring of the E/I-assembly network.

Every postsynaptic cell draws ⌊n p⌋ + 1 distinct presynaptic cells. In the recurrent pathways, out-degrees further from
their mean n p than a tolerance are then trimmed, or topped up, to within 3 % of it. The tolerance is 3 %, for I→E and
E→I 5 %, which is what the published network shows: its E→E out-degrees pile up at 194 and 206, its I→E ones at 194
and 206 but reach from 190 to 210. (Its E→I ones pile up at 40 and 41 where this rule says 39 and 41.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse

from .network import PATHWAYS, EIAssemblyNetwork, NetworkError, sizes
from .parameters import EIAssemblyModel

TOLERANCE = {"e_e": 0.03, "i_i": 0.03, "e_i": 0.05, "i_e": 0.05}
TRIMMED_TO = 0.03


def distinct(rng: np.random.Generator, rows: int, number: int, among: int) -> np.ndarray:
    """For each row, ``number`` distinct integers below ``among``, sorted; every set equally likely."""
    drawn = np.sort(rng.integers(0, among, (rows, number), dtype=np.int32), axis=1)
    waiting = np.arange(rows)
    while len(waiting):
        part = drawn[waiting]
        again = np.zeros(part.shape, bool)
        again[:, 1:] = part[:, 1:] == part[:, :-1]
        repeated = again.any(axis=1)
        waiting, part, again = waiting[repeated], part[repeated], again[repeated]
        part[again] = rng.integers(0, among, np.count_nonzero(again), dtype=np.int32)
        drawn[waiting] = np.sort(part, axis=1)
    return drawn


def _connect(rng: np.random.Generator, model: EIAssemblyModel, pathway: str) -> Any:
    before, after = sizes(model, pathway)
    probability = getattr(model, f"probability_{pathway}")
    degree = math.floor(round(before * probability, 9)) + 1
    if degree > before:
        raise NetworkError(
            f"{pathway}: an in-degree of {degree} is impossible with {before} presynaptic cells; "
            f"lower probability_{pathway} (now {probability:g})"
        )
    # drawing the cells that are left out is quicker, and possible at all, where most are connected
    if degree <= before // 2:
        connected = np.zeros((before, after), bool)
        connected[distinct(rng, after, degree, before), np.arange(after)[:, None]] = True
    else:
        connected = np.ones((before, after), bool)
        connected[distinct(rng, after, before - degree, before), np.arange(after)[:, None]] = False
    if pathway in TOLERANCE:
        _level(rng, connected, after * probability, TOLERANCE[pathway])
    return scipy.sparse.csr_array(connected, dtype=np.float32)


def _level(rng: np.random.Generator, connected: np.ndarray, mean: float, tolerance: float) -> None:
    """Bring the out-degrees that are out of tolerance to within `TRIMMED_TO` of the mean, in place."""
    low, high = math.ceil(round(mean * (1 - TRIMMED_TO), 9)), math.floor(round(mean * (1 + TRIMMED_TO), 9))
    if low > high:  # a mean so small that no whole number lies within the tolerance
        low = high = round(mean)
    degrees = connected.sum(axis=1)
    for cell in np.flatnonzero(degrees > max(mean * (1 + tolerance), high)):
        there = np.flatnonzero(connected[cell])
        connected[cell, rng.choice(there, len(there) - high, replace=False)] = False
    for cell in np.flatnonzero(degrees < min(mean * (1 - tolerance), low)):
        free = np.flatnonzero(~connected[cell])
        connected[cell, rng.choice(free, low - degrees[cell], replace=False)] = True


def random_network(model: EIAssemblyModel | None = None, *, seed: int) -> EIAssemblyNetwork:
    """A network without assemblies.

    Parameters
    ----------
    model : EIAssemblyModel, optional
        Family A by default.
    seed : int
        Same seed, same network.

    Raises
    ------
    NetworkError
        If a probability asks for more inputs than there are presynaptic cells.

    Examples
    --------
    >>> from engram.networks import EIAssemblyModel
    >>> from engram.networks.ei_assembly import random_network
    >>> small = EIAssemblyModel(n_excitatory=400, n_inhibitory=100, n_mitral=150)
    >>> set(random_network(small, seed=1).in_degree("o_e").tolist())
    {4.0}
    """
    model = EIAssemblyModel() if model is None else model
    streams = np.random.SeedSequence(seed).spawn(len(PATHWAYS))
    return EIAssemblyNetwork(
        model=model,
        weights={
            pathway: _connect(np.random.default_rng(stream), model, pathway)
            for pathway, stream in zip(PATHWAYS, streams, strict=True)
        },
    )
