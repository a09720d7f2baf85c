"""A small E/I-assembly network and mitral spikes for it: shared by tests and by the process one of them starts."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from engram.networks.ei_assembly import EIAssemblyInput, EIAssemblyModel, EIAssemblyNetwork
from engram.networks.ei_assembly.network import PATHWAYS, sizes


def small_network(seed: int, strong: float = 8.0) -> EIAssemblyNetwork:
    """A few dozen neurons with synapses strong enough to spike, and weights that are no whole numbers."""
    rng = np.random.default_rng(seed)
    model = EIAssemblyModel(
        n_excitatory=int(rng.integers(20, 60)), n_inhibitory=int(rng.integers(5, 20)), n_mitral=30,
        strength_o_e=0.128 * strong, strength_o_i=0.068 * strong, reversal_excitatory=float(rng.choice([0.0, 5.0])),
    )  # fmt: skip
    weights = {
        name: scipy.sparse.csr_array((rng.random(sizes(model, name)) < 0.2) * rng.uniform(0.5, 2.0))
        for name in PATHWAYS
    }
    return EIAssemblyNetwork(model=model, weights=weights)


def mitral_input(seed: int, steps: int, cells: int = 30, rate: float = 0.004) -> tuple[np.ndarray, EIAssemblyInput]:
    """Random spikes, dense and as an input."""
    dense = np.random.default_rng(seed).random((steps, cells)) < rate
    return dense, EIAssemblyInput.of_spikes(*np.nonzero(dense), steps, 0.1, [], [], [])
