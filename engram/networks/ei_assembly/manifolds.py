"""Distances to memories and classification, from the cells of assemblies: averages over draws of cells.

Patterns are [pattern, neuron], rates of E neurons. The geometry is that of `engram.geometry`; which cells and which
mixtures enter is that of Meissner-Bernard, Zenke & Friedrich (eLife 2025, RP96303).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ... import geometry
from .subspace import KEPT, SIDE

CELLS, DRAWS = 80, 20  # the paper averages over 50 draws


def pixels_near(corner: int, least: int = 80) -> np.ndarray:
    """Pixels of the 11 × 11 subspace that keep at least ``least`` % of a corner's odour; the pure one comes first.

    Corners are numbered top left, top right, bottom left, bottom right; with 80 % these are the pure odour and its
    seven nearest mixtures.
    """
    grid = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    found = grid[shares_of(corner) >= least]
    pure = grid[-1 if corner & 2 else 0, -1 if corner & 1 else 0]
    return np.concatenate([[pure], found[found != pure]])


def shares_of(corner: int) -> np.ndarray:
    """Share (%) of a corner's odour in every mixture, [row, column]."""
    table = KEPT[:, ::-1] if corner & 1 else KEPT
    return table[::-1] if corner & 2 else table


def angles(coordinates: np.ndarray, pixel: np.ndarray, trial: np.ndarray, corner: int) -> np.ndarray:
    """Angles (rad) at a pure odour's pattern between the edges to two of its nearest mixtures, of every trial."""
    values = []
    for one in np.unique(trial):
        at = {int(p): coordinates[(trial == one) & (pixel == p)][0] for p in pixels_near(corner)}
        pure, *others = (at[int(p)] for p in pixels_near(corner))
        values.append(geometry.local_angles(pure, others))
    return np.concatenate(values)


def draw_cells(rng: np.random.Generator, groups: np.ndarray, number: int = CELLS) -> np.ndarray:
    """Distinct cells, as many from each group [group, cell] as from the others."""
    share = number // len(groups)
    chosen: list[int] = []
    for group in groups:
        free = np.setdiff1d(group, chosen)
        chosen += [int(cell) for cell in rng.choice(free, min(share, len(free)), replace=False)]
    return np.array(chosen)


def mahalanobis_distances(
    points: np.ndarray, reference: np.ndarray, groups: np.ndarray, *, seed: int, draws: int = DRAWS, cells: int = CELLS
) -> np.ndarray:
    """Distance of each point to a class of reference patterns, mean over draws of cells.

    Cells that are silent in the whole class are left out of a draw. nan where no draw has an invertible covariance.

    Raises
    ------
    ValueError
        If the reference has too few patterns for an invertible covariance of the cells drawn.
    """
    if len(reference) <= cells:
        raise ValueError(f"{len(reference)} reference patterns cannot give the covariance of {cells} cells; draw fewer")
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        drawn = draw_cells(rng, groups, cells)
        drawn = drawn[reference[:, drawn].std(axis=0) > 0]
        if _invertible(reference[:, drawn]):
            found.append(geometry.distances_to_manifold(points[:, drawn], reference[:, drawn]))
    return np.mean(found, axis=0) if found else np.full(len(points), np.nan)


def _invertible(patterns: np.ndarray) -> bool:
    """Whether the covariance of the cells [pattern, cell] is."""
    if patterns.shape[1] == 0:
        return False
    eigenvalues = np.linalg.eigvalsh(np.atleast_2d(np.cov(patterns, rowvar=False)))
    return bool(eigenvalues[0] > 1e-13 * eigenvalues[-1])


def quadratic_classification(
    train: np.ndarray, label: np.ndarray, test: np.ndarray, groups: np.ndarray, *, seed: int, draws: int = DRAWS,
    cells: int = CELLS,
) -> np.ndarray:  # fmt: skip
    """Share of draws of cells in which each test pattern is given to each class, by quadratic discriminants.

    Returns
    -------
    numpy.ndarray, [test pattern, class]
        nan where no draw gave invertible covariances, as in networks whose members hardly vary.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(label)

    def votes() -> Iterator[np.ndarray]:
        for _ in range(draws):
            drawn = draw_cells(rng, groups, cells)
            training = [train[label == one][:, drawn] for one in classes]
            if all(_invertible(own) for own in training):
                given = geometry.quadratic_discriminant(training, test[:, drawn], priors="training")
                yield given[:, None] == np.arange(len(classes))

    cast = list(votes())
    return np.mean(cast, axis=0) if cast else np.full((len(test), len(classes)), np.nan)


def template_matching(
    train: np.ndarray, label: np.ndarray, test: np.ndarray, *, seed: int, repeats: int = 10
) -> np.ndarray:
    """Share of repeats in which each test pattern correlates best with one pattern drawn from each class.

    Silent patterns are no templates, and a silent test pattern is given to no class.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(label)
    votes = np.zeros((len(test), len(classes)))
    active = train.std(axis=1) > 0
    heard = np.flatnonzero(test.std(axis=1) > 0)
    for _ in range(repeats):
        templates = np.stack([train[rng.choice(np.flatnonzero((label == one) & active))] for one in classes])
        votes[heard, geometry.template_matching(templates, test[heard])] += 1
    return votes / repeats
