"""A wired network: its model, six sparse matrices of connections, and the members of its assemblies."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from .parameters import EIAssemblyModel

if TYPE_CHECKING:
    from .kernel import Rows

PATHWAYS = ("o_e", "o_i", "e_e", "e_i", "i_e", "i_i")


class NetworkError(ValueError):
    """A network that cannot be built: the message says what is wrong and what to change."""


def sizes(model: EIAssemblyModel, pathway: str) -> tuple[int, int]:
    """Numbers of presynaptic and postsynaptic cells of a pathway such as ``"e_i"``."""
    number = {"o": model.n_mitral, "e": model.n_excitatory, "i": model.n_inhibitory}
    return int(number[pathway[0]]), int(number[pathway[2]])


def check_members(model: EIAssemblyModel, excitatory: np.ndarray, inhibitory: np.ndarray) -> None:
    """Refuse members that do not exist, stand twice in an assembly, or belong to E or I assemblies only."""
    for members, number, name in (
        (excitatory, int(model.n_excitatory), "excitatory"),
        (inhibitory, int(model.n_inhibitory), "inhibitory"),
    ):
        given = np.asarray(members) if isinstance(members, np.ndarray) else None
        if given is None or given.ndim != 2 or (given.size and given.dtype.kind not in "iu"):
            raise NetworkError(f"{name} members must be an array of whole numbers, [assembly, member]")
        if given.size and (given.min() < 0 or given.max() >= number):
            raise NetworkError(
                f"{name} members must be numbered from 0 to {number - 1}, got {given.min()} to {given.max()}"
            )
        twice = np.flatnonzero((np.diff(np.sort(given, axis=1), axis=1) == 0).any(axis=1))
        if len(twice):
            raise NetworkError(f"assembly {twice[0]} has an {name} member twice; its members must differ")
    if len(excitatory) != len(inhibitory):
        raise NetworkError(
            f"{len(excitatory)} assemblies have excitatory members, {len(inhibitory)} inhibitory ones; "
            "every assembly needs both"
        )


def no_members() -> np.ndarray:
    """Members of no assembly."""
    return np.zeros((0, 0), np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class EIAssemblyNetwork:
    """Connections of the E/I-assembly network.

    Parameters
    ----------
    model : EIAssemblyModel
        Its parameters. Its strengths multiply the weights.
    weights : dict of scipy.sparse.csr_array
        For each of `PATHWAYS` the weights, presynaptic × postsynaptic: how many connections a pair has (any
        non-negative number; consolidated connections may have fractions).
    excitatory_members, inhibitory_members : numpy.ndarray of int, [assembly, member]
        The neurons of each assembly, E and I each numbered from 0.

    Raises
    ------
    NetworkError
        If a pathway is missing, has another shape or weights that are negative or not finite, or a member does not
        exist or stands twice in an assembly.
    """

    model: EIAssemblyModel
    weights: dict[str, Any]
    excitatory_members: np.ndarray = field(default_factory=no_members)
    inhibitory_members: np.ndarray = field(default_factory=no_members)

    def __post_init__(self) -> None:
        for pathway in PATHWAYS:
            if pathway not in self.weights:
                raise NetworkError(f"the pathway {pathway} is missing; a network needs {', '.join(PATHWAYS)}")
            matrix = self.weights[pathway]
            if not isinstance(matrix, scipy.sparse.csr_array):
                raise NetworkError(f"the weights of {pathway} must be a scipy.sparse CSR array, not {type(matrix)}")
            if matrix.shape != sizes(self.model, pathway):
                raise NetworkError(
                    f"the weights of {pathway} have shape {matrix.shape}, but the model has "
                    f"{sizes(self.model, pathway)} (presynaptic, postsynaptic) cells"
                )
            try:
                matrix.check_format(full_check=True)
            except ValueError as error:
                raise NetworkError(f"the connections of {pathway} do not fit their shape: {error}") from None
            if not np.all(np.isfinite(matrix.data)) or np.any(matrix.data < 0):
                raise NetworkError(f"the weights of {pathway} must be finite and not negative")
        check_members(self.model, self.excitatory_members, self.inhibitory_members)

    @property
    def assemblies(self) -> int:
        """Number of assemblies."""
        return len(self.excitatory_members)

    def changed(self, **changes: Any) -> EIAssemblyNetwork:
        """A copy with other weights, model or members."""
        return replace(self, **changes)

    def in_degree(self, pathway: str) -> np.ndarray:
        """Summed weight of the inputs of every postsynaptic cell."""
        return np.asarray(self.weights[pathway].sum(axis=0)).ravel()

    def out_degree(self, pathway: str) -> np.ndarray:
        """Summed weight of the outputs of every presynaptic cell."""
        return np.asarray(self.weights[pathway].sum(axis=1)).ravel()

    @functools.cached_property
    def rows(self) -> tuple[Rows, Rows]:
        """Outgoing connections of mitral cells and of neurons (E then I), in nS, as the simulator reads them."""
        strong = {name: self.weights[name].astype(float) * getattr(self.model, f"strength_{name}") for name in PATHWAYS}
        mitral = scipy.sparse.hstack([strong["o_e"], strong["o_i"]], format="csr")
        recurrent = scipy.sparse.block_array(
            [[strong["e_e"], strong["e_i"]], [strong["i_e"], strong["i_i"]]], format="csr"
        )
        return _rows(mitral), _rows(recurrent)


def _rows(matrix: Any) -> Rows:
    from .kernel import Rows

    matrix.sort_indices()
    return Rows(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(float))
