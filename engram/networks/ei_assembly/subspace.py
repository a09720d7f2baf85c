"""Odours between odours: the 11 × 11 mixtures of four pure odours, and morphs of two.

In a mixture each pure odour keeps a share of its cells (`KEPT`, % of its raised and of its lowered cells), drawn from
the cells with the shortest latencies (`AVAILABLE`: of 1.5 × so many per cent); a kept cell's rate is its pure rate ±
1 Hz. Both tables are those of Meissner-Bernard, Zenke & Friedrich (eLife 2025, RP96303, Tables 3 and 4) for the odour
in the top left corner; the other corners are reflections. One cell of `AVAILABLE` (row 2, column 3) is printed as 60
where its mirror is 80; 80 is used.
"""

from __future__ import annotations

import numpy as np

from .odours import BASELINE, EIAssemblyInput, EIAssemblyOdours, odour_blocks

KEPT = np.array([
    [100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0], [90, 90, 80, 70, 60, 50, 40, 30, 15, 5, 0],
    [80, 80, 70, 60, 50, 40, 35, 25, 15, 5, 0], [70, 70, 60, 50, 50, 35, 30, 20, 15, 5, 0],
    [60, 60, 50, 50, 40, 30, 25, 20, 15, 5, 0], [50, 50, 40, 35, 30, 25, 25, 15, 10, 5, 0],
    [40, 40, 35, 30, 25, 25, 15, 10, 10, 5, 0], [30, 30, 25, 20, 20, 15, 10, 10, 5, 5, 0],
    [20, 15, 15, 15, 15, 10, 10, 5, 5, 5, 0], [10, 5, 5, 5, 5, 5, 5, 5, 5, 0, 0], [0] * 11,
])  # fmt: skip
AVAILABLE = np.array([
    [100, 100, 100, 90, 80, 70, 60, 50, 40, 30, 0], [100, 100, 100, 90, 80, 70, 60, 50, 35, 25, 0],
    [100, 100, 90, 80, 70, 60, 55, 45, 35, 25, 0], [90, 90, 80, 70, 70, 55, 50, 40, 35, 25, 0],
    [80, 80, 70, 70, 60, 50, 45, 40, 35, 25, 0], [70, 70, 60, 55, 50, 45, 45, 35, 30, 25, 0],
    [60, 60, 55, 50, 45, 45, 35, 30, 30, 25, 0], [50, 50, 45, 40, 40, 35, 30, 30, 25, 25, 0],
    [40, 35, 35, 35, 35, 30, 30, 25, 25, 25, 0], [30, 25, 25, 25, 25, 25, 25, 25, 25, 0, 0], [0] * 11,
])  # fmt: skip
SIDE = 11


def corner_shares(table: np.ndarray, row: int, column: int) -> tuple[int, int, int, int]:
    """Entries of a table at a pixel for the pure odours top left, top right, bottom left and bottom right."""
    last = SIDE - 1
    return (
        int(table[row, column]), int(table[row, last - column]), int(table[last - row, column]),
        int(table[last - row, last - column]),
    )  # fmt: skip


def mixtures(odours: EIAssemblyOdours, pure: tuple[int, int, int, int], *, seed: int) -> EIAssemblyOdours:
    """The 121 mixtures of four pure odours, row by row: the corners are pure.

    Parameters
    ----------
    odours : EIAssemblyOdours
        Where the pure ones stand.
    pure : (int, int, int, int)
        Odours top left, top right, bottom left, bottom right.
    seed : int
        Draws the cells that are kept, and their rates; another seed is another trajectory's draw.
    """
    if len(set(pure)) != 4:
        raise ValueError(f"four different pure odours are needed, got {pure}")
    odours.chosen(list(pure))
    rng = np.random.default_rng(seed)
    rows = [
        _mixture(rng, odours, pure, corner_shares(KEPT, row, column), corner_shares(AVAILABLE, row, column))
        for row in range(SIDE)
        for column in range(SIDE)
    ]
    return _stacked(rows)


def morphs(odours: EIAssemblyOdours, from_: int, to: int, shares: list[float], *, seed: int) -> EIAssemblyOdours:
    """Odours in which a share of the cells of ``from_`` is exchanged for as many of ``to``, at random."""
    odours.chosen([from_, to])
    rng = np.random.default_rng(seed)
    rows = []
    for share in shares:
        if not 0 <= share <= 1:
            raise ValueError(f"a share must lie between 0 and 1, got {share:g}")
        rows.append(_joined([_some(rng, odours, from_, 1 - share, 1.0), _some(rng, odours, to, share, 1.0)]))
    return _stacked(rows)


def _mixture(
    rng: np.random.Generator, odours: EIAssemblyOdours, pure: tuple[int, ...], kept: tuple[int, ...],
    available: tuple[int, ...],
) -> np.ndarray:  # fmt: skip
    parts = []
    for odour, share, reach in zip(pure, kept, available, strict=True):
        part = _some(rng, odours, odour, share / 100, reach / 100)
        if share < 100 and part.shape[1]:
            part[1] = np.maximum(part[1] + rng.integers(-1, 2, part.shape[1]), -BASELINE)
        parts.append(part)
    return _joined(parts)


def _some(rng: np.random.Generator, odours: EIAssemblyOdours, odour: int, share: float, reach: float) -> np.ndarray:
    """Columns (cell, change, latency, decay) of a share of an odour's cells, the raised and the lowered ones alike."""
    values = np.stack([odours.cell[odour], odours.change[odour], odours.latency[odour], odours.decay[odour]])
    parts = []
    for group in (values[1] > 0, values[1] < 0):
        cells = np.flatnonzero(group & (values[0] >= 0))
        number = round(share * len(cells))
        pool = cells[np.argsort(values[2, cells], kind="stable")][: max(number, round(reach * len(cells)))]
        parts.append(values[:, rng.choice(pool, number, replace=False)])
    return np.concatenate(parts, axis=1)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """A cell of several odours follows the first that claims it."""
    together = np.concatenate(parts, axis=1)
    _, first = np.unique(together[0], return_index=True)
    return together[:, np.sort(first)]


def _stacked(rows: list[np.ndarray]) -> EIAssemblyOdours:
    width = max(row.shape[1] for row in rows)
    values = np.zeros((4, len(rows), width))
    values[0], values[3] = -1, np.inf
    for index, row in enumerate(rows):
        values[:, index, : row.shape[1]] = row
    return EIAssemblyOdours(cell=values[0].astype(np.int64), change=values[1], latency=values[2], decay=values[3])


def trajectory(kind: int) -> list[int]:
    """An order in which all 121 pixels are visited, each next to the one before: 8 kinds.

    Snakes over rows or columns from each of the four corners. The paper shows its trajectories in a figure only; these
    are ours.
    """
    if not 0 <= kind < 8:
        raise ValueError(f"trajectories are numbered from 0 to 7, got {kind}")
    grid = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    grid = grid.T if kind & 4 else grid
    grid = grid[::-1] if kind & 2 else grid
    grid = grid[:, ::-1] if kind & 1 else grid
    return [int(pixel) for row, line in enumerate(grid) for pixel in (line[::-1] if row % 2 else line)]


def trajectory_input(
    odours: EIAssemblyOdours, order: list[int], *, seed: int, n_mitral: int = 1500, before: float = 2.0
) -> EIAssemblyInput:
    """Mitral spikes of mixtures presented for 1 s each without a gap, after 2 s of spontaneous activity."""
    return odour_blocks(odours, order, seed=seed, n_mitral=n_mitral, baseline=0.0, duration=1.0, before=before)
