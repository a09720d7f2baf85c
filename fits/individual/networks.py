"""Which edges hang together: networks of regions among the edges that an analysis finds.

Edges of a parcellation of R regions are numbered as ``numpy.triu_indices(R, 1)`` lists them, row after row.
"""

from __future__ import annotations

import math

import numpy as np
import pandas
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def regions_of(edges: int) -> int:
    """How many regions have this number of edges among them; ``ValueError`` where no number has."""
    size = (1 + math.isqrt(1 + 8 * edges)) // 2
    if size * (size - 1) // 2 != edges:
        raise ValueError(f"{edges} edges are not all those among any number of regions (268 regions have 35778)")
    return size


def upper_triangle(matrices: np.ndarray) -> np.ndarray:
    """The edges of square matrices (…, regions, regions), as (…, edges)."""
    found: np.ndarray = matrices[..., *np.triu_indices(matrices.shape[-1], 1)]
    return found


def edge_networks(found: pandas.DataFrame, *, level: float = 0.05) -> pandas.DataFrame:
    """Networks of significant edges: those of one sign that hang together by common regions.

    Parameters
    ----------
    found : DataFrame
        ``ConnectomePrediction.edges``, of all edges among some regions.
    level : float
        Of ``p_family``, which holds for all edges together.

    Returns
    -------
    DataFrame
        A row an edge: network (numbered from 1 by size, positive ones first), sign (1 or −1), edge, first, second (its
        regions, from 0), correlation.
    """
    regions = regions_of(len(found))
    first, second = np.triu_indices(regions, 1)
    rows = []
    number = 0
    for sign in (1, -1):
        chosen = np.flatnonzero((found.p_family.to_numpy() <= level) & (np.sign(found.correlation.to_numpy()) == sign))
        graph = coo_matrix((np.ones(len(chosen)), (first[chosen], second[chosen])), shape=(regions, regions))
        labels = connected_components(graph, directed=False)[1][first[chosen]]
        sizes = np.bincount(labels, minlength=1) if len(labels) else np.array([], dtype=int)
        for label in np.argsort(-sizes, kind="stable"):
            if not sizes[label]:
                continue
            number += 1
            for edge in chosen[labels == label]:
                r = float(found.correlation.iloc[edge])
                rows.append(dict(network=number, sign=sign, edge=int(edge), first=int(first[edge]),
                                 second=int(second[edge]), correlation=r))  # fmt: skip
    return pandas.DataFrame(rows, columns=["network", "sign", "edge", "first", "second", "correlation"])
