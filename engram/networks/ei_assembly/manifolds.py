"""Geometry of the patterns that odours evoke: spectra, angles, distances to memories, classification.

Patterns are [pattern, neuron], rates of E neurons. Definitions are those of Meissner-Bernard, Zenke & Friedrich
(eLife 2025, RP96303); draws of cells are averaged over.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal

from .subspace import KEPT, SIDE

CELLS, DRAWS = 80, 50


def spectrum(patterns: np.ndarray) -> np.ndarray:
    """Variances along the principal components, largest first."""
    centred = patterns - patterns.mean(axis=0)
    return np.linalg.svd(centred, compute_uv=False) ** 2 / (len(patterns) - 1)


def participation_ratio(patterns: np.ndarray) -> float:
    """(Σλ)² / Σλ² of the spectrum, not normalised."""
    values = spectrum(patterns)
    return float(values.sum() ** 2 / (values**2).sum())


def components(patterns: np.ndarray, number: int) -> np.ndarray:
    """The first principal axes, [component, neuron]."""
    centred = patterns - patterns.mean(axis=0)
    axes: np.ndarray = np.linalg.svd(centred, full_matrices=False)[2][:number]
    return axes


def pixels_near(corner: int, least: int = 80) -> np.ndarray:
    """Pixels of the 11 × 11 subspace that keep at least ``least`` % of a corner's odour; the pure one comes first.

    Corners are numbered top left, top right, bottom left, bottom right; with 80 % these are the pure odour and its
    seven nearest mixtures.
    """
    grid = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    table = KEPT
    if corner & 1:
        table = table[:, ::-1]
    if corner & 2:
        table = table[::-1]
    found = grid[table >= least]
    pure = grid[-1 if corner & 2 else 0, -1 if corner & 1 else 0]
    return np.concatenate([[pure], found[found != pure]])


def local_variances(patterns: np.ndarray, pixel: np.ndarray, corner: int, axes: np.ndarray) -> np.ndarray:
    """Variance of the patterns near a pure odour along each axis."""
    near = patterns[np.isin(pixel, pixels_near(corner))]
    return np.asarray(np.var((near - patterns.mean(axis=0)) @ axes.T, axis=0, ddof=1))


def angles(patterns: np.ndarray, pixel: np.ndarray, trial: np.ndarray, corner: int, axes: np.ndarray) -> np.ndarray:
    """Angles (rad) at a pure odour's pattern between the edges to two of its nearest mixtures, of every trial."""
    projected = (patterns - patterns.mean(axis=0)) @ axes.T
    values = []
    for one in np.unique(trial):
        at = {int(p): projected[(trial == one) & (pixel == p)][0] for p in pixels_near(corner)}
        pure, *others = pixels_near(corner)
        edges = [at[int(other)] - at[int(pure)] for other in others]
        for a, b in combinations(edges, 2):
            values.append(np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)))
    return np.array(values)


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

    Raises
    ------
    ValueError
        If the reference has too few patterns for an invertible covariance of the cells drawn.
    """
    if len(reference) <= cells:
        raise ValueError(f"{len(reference)} reference patterns cannot give the covariance of {cells} cells; draw fewer")
    rng = np.random.default_rng(seed)
    total = np.zeros(len(points))
    used = 0
    for _ in range(draws):
        drawn = draw_cells(rng, groups, cells)
        drawn = drawn[reference[:, drawn].std(axis=0) > 0]  # silent cells have no covariance
        covariance = np.cov(reference[:, drawn], rowvar=False)
        if np.linalg.matrix_rank(covariance) < len(drawn):
            continue
        mean = reference[:, drawn].mean(axis=0)[None]
        total += cdist(points[:, drawn], mean, "mahalanobis", VI=np.linalg.inv(covariance))[:, 0]
        used += 1
    return total / used if used else np.full(len(points), np.nan)


def euclidean_distances(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Distance of each point to the mean of a class."""
    return np.asarray(cdist(points, reference.mean(axis=0)[None])[:, 0])


def quadratic_classification(
    train: np.ndarray, label: np.ndarray, test: np.ndarray, groups: np.ndarray, *, seed: int, draws: int = DRAWS,
    cells: int = CELLS,
) -> np.ndarray:  # fmt: skip
    """Share of draws of cells in which each test pattern is given to each class, by quadratic discriminants.

    Returns
    -------
    numpy.ndarray, [test pattern, class]
        nan where no draw gave an invertible covariance, as in networks whose members hardly vary.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(label)
    votes = np.zeros((len(test), len(classes)))
    used = 0
    for _ in range(draws):
        drawn = draw_cells(rng, groups, cells)
        scores = np.empty((len(test), len(classes)))
        for column, one in enumerate(classes):
            own = train[label == one][:, drawn]
            covariance = np.cov(own, rowvar=False)
            if np.linalg.matrix_rank(covariance) < len(drawn):
                break
            scores[:, column] = multivariate_normal.logpdf(test[:, drawn], own.mean(axis=0), covariance)
            scores[:, column] += np.log(np.mean(label == one))
        else:
            votes[np.arange(len(test)), scores.argmax(axis=1)] += 1
            used += 1
    return votes / used if used else np.full_like(votes, np.nan)


def template_matching(
    train: np.ndarray, label: np.ndarray, test: np.ndarray, *, seed: int, repeats: int = 10
) -> np.ndarray:
    """Share of repeats in which each test pattern correlates best with one pattern drawn from each class."""
    rng = np.random.default_rng(seed)
    classes = np.unique(label)
    votes = np.zeros((len(test), len(classes)))
    for _ in range(repeats):
        templates = np.stack([train[rng.choice(np.flatnonzero(label == one))] for one in classes])
        correlation = np.corrcoef(test, templates)[: len(test), len(test) :]
        votes[np.arange(len(test)), np.nan_to_num(correlation, nan=-2.0).argmax(axis=1)] += 1
    return votes / repeats
