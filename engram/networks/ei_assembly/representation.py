"""Responses to the 11 × 11 mixtures of two learned and two novel odours, and their geometry in a few numbers.

The measures are those of Meissner-Bernard, Zenke & Friedrich (eLife 2025, RP96303, Figs 4 and 5). Where the paper shows
a picture only, the number is ours: the plane of the first two principal components is held against the square of the
mixtures by Procrustes analysis, and cut into three clusters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.spatial import procrustes

from ... import geometry
from . import manifolds
from .assemblies import choose_members
from .network import EIAssemblyNetwork
from .setting import ROOM, Setting
from .simulation import Injection, run
from .subspace import SIDE, mixtures, trajectory, trajectory_input

COMPONENTS, FIRST, TAIL = 400, 5, 200  # principal components: all that count, "the first", from where "the last"
KINDS = ("learned", "learned", "novel", "novel")  # of the corners


class Subspace(NamedTuple):
    """Responses to the mixtures of two learned (top) and two novel (bottom) odours."""

    patterns: np.ndarray  # [pattern, E neuron]: rates over 1 s
    halves: np.ndarray  # [pattern, half, E neuron]: over 0.5 s each
    pixel: np.ndarray
    trial: np.ndarray  # trajectory
    groups: np.ndarray  # [4, member]: the (pseudo-)assemblies of the four pure odours


def run_subspace(
    network: EIAssemblyNetwork, given: Setting, *, trajectories: int = 8, precision: str = "float64",
    excitation: float = 0.0,
) -> Subspace:  # fmt: skip
    """Walk through the mixtures along 1, 2, 4 or 8 trajectories; each draws their cells anew.

    ``excitation`` (pA) goes into the members of the learned odours' assemblies, times the odour's share in the mixture.
    """
    if trajectories not in (1, 2, 4, 8):
        raise ValueError(f"trajectories must be 1, 2, 4 or 8, got {trajectories}")
    n, learned = int(network.model.n_excitatory), len(given.members[0])
    pure = (0, 1, learned, learned + 1)
    patterns, halves, pixel, trial = [], [], [], []
    for kind in range(0, 8, 8 // trajectories):
        order = trajectory(kind)
        between = mixtures(given.odours, pure, seed=given.seed + 60 + kind)
        mitral = trajectory_input(between, order, seed=given.seed + 70 + kind, n_mitral=int(network.model.n_mitral))
        injections = [
            Injection(given.members[0][corner], excitation * share / 100, on, off)
            for corner in (0, 1)
            for share, on, off in zip(manifolds.shares_of(corner).ravel()[order], mitral.on, mitral.off, strict=True)
            if excitation and share
        ]
        done = run(network, mitral, precision=precision, maximum_rate=ROOM, injections=injections)
        parts = np.stack([[done.rates(on, on + 0.5)[:n], done.rates(on + 0.5, on + 1.0)[:n]] for on in mitral.on])
        halves.append(parts.astype(np.float32))
        patterns.append(parts.mean(axis=1))
        pixel += order
        trial += [kind] * len(order)
    pseudo = choose_members(network, given.odours.chosen([learned, learned + 1]), seed=given.seed + 3)[0]
    groups = np.concatenate([given.members[0][:2], pseudo])
    return Subspace(np.concatenate(patterns), np.concatenate(halves), np.array(pixel), np.array(trial), groups)


def subspace_measures(
    found: Subspace, seed: int, *, cells: int = manifolds.CELLS, draws: int = manifolds.DRAWS
) -> dict[str, float]:
    """Participation ratios, local variances, angles, the plane, distances and classification."""
    pixel, coordinates = found.pixel, geometry.principal_coordinates(found.patterns)
    first = coordinates[:, :COMPONENTS]
    spread = [first[np.isin(pixel, manifolds.pixels_near(corner))].var(axis=0, ddof=1) for corner in range(4)]
    angle = [manifolds.angles(first, pixel, found.trial, corner).mean() for corner in range(4)]
    top, bottom = pixel < 5 * SIDE, pixel >= 6 * SIDE  # five rows each, the middle one left out
    result = {
        "space_rate": float(found.patterns.mean()),
        "pr": _ratio(coordinates), "pr_learned": _ratio(coordinates[top]), "pr_novel": _ratio(coordinates[bottom]),
    }  # fmt: skip
    for kind, corners in (("learned", (0, 1)), ("novel", (2, 3))):
        result[f"variance_{kind}"] = float(np.mean([spread[k][:FIRST].sum() / spread[k].sum() for k in corners]))
        result[f"tail_{kind}"] = float(np.mean([spread[k][TAIL:].sum() / spread[k].sum() for k in corners]))
        result[f"angle_{kind}"] = float(np.mean([angle[k] for k in corners]))
    return {
        **result, **plane_measures(coordinates[:, :2], pixel, seed), **_distances(found, seed, cells, draws),
        **_classification(found, seed, cells, draws),
    }  # fmt: skip


def _ratio(patterns: np.ndarray) -> float:
    return geometry.participation_ratio(patterns, estimator="plug-in")


def plane(found: Subspace) -> np.ndarray:
    """Mean patterns of the mixtures in the plane of the first two principal components of all, [mixture, 2] (Hz)."""
    first = geometry.principal_coordinates(found.patterns)[:, :2]
    return np.stack([first[found.pixel == one].mean(axis=0) for one in range(SIDE * SIDE)])


def plane_measures(points: np.ndarray, pixel: np.ndarray, seed: int) -> dict[str, float]:
    """The plane of the first two components [pattern, 2]: how far from the square, how clustered, how abrupt.

    ``plane_disparity`` is the Procrustes disparity between the mean patterns of the mixtures and their square grid (0:
    the square is kept); ``plane_clusters`` the share of the variance that lies within three clusters (k-means, best of
    ten starts); ``plane_step`` the longest step between adjacent mixtures over the mean step.
    """
    grid = np.stack(np.divmod(np.arange(SIDE * SIDE), SIDE), axis=1)
    mean = np.stack([points[pixel == one].mean(axis=0) for one in range(SIDE * SIDE)])
    within = []
    for start in range(10):
        centres, label = kmeans2(points, 3, seed=np.random.default_rng([seed, start]), minit="++")
        within.append(((points - centres[label]) ** 2).sum())
    square = mean.reshape(SIDE, SIDE, 2)
    steps = np.concatenate([np.linalg.norm(np.diff(square, axis=axis), axis=2).ravel() for axis in (0, 1)])
    return {
        "plane_disparity": float(procrustes(grid, mean)[2]),
        "plane_clusters": float(min(within) / ((points - points.mean(axis=0)) ** 2).sum()),
        "plane_step": float(steps.max() / steps.mean()),
    }


def _distances(found: Subspace, seed: int, cells: int, draws: int) -> dict[str, float]:
    """Mean distance of the patterns near one pure odour to the manifold of those near another, by kind of odour."""
    classes = [manifolds.pixels_near(corner, 60) for corner in range(4)]
    split, of = _split(found)
    own, every = np.unique(found.groups), np.arange(split.shape[1])[None]
    by: dict[str, list[float]] = {}
    for a in range(4):
        reference = split[np.isin(of, classes[a])]
        others = [b for b in range(4) if b != a]
        points = [split[np.isin(of, classes[b])] for b in others]
        together = np.concatenate(points)
        far = {
            "mahalanobis": manifolds.mahalanobis_distances(
                together, reference, found.groups, seed=seed, cells=cells, draws=draws
            ),
            "population": manifolds.mahalanobis_distances(
                together, reference, every, seed=seed, cells=cells, draws=draws
            ),
            "euclidean": geometry.distances_to_manifold(together[:, own], reference[:, own], metric="euclidean"),
        }
        ends = np.cumsum([len(part) for part in points])[:-1]
        for measure, values in far.items():
            for b, part in zip(others, np.split(values, ends), strict=True):
                by.setdefault(f"{measure}_{KINDS[b]}_to_{KINDS[a]}", []).append(float(part.mean()))
    return {name: float(np.mean(values)) for name, values in by.items()}


def _split(found: Subspace) -> tuple[np.ndarray, np.ndarray]:
    """Responses over 0.5 s, and the mixture of each."""
    return found.halves.reshape(-1, found.patterns.shape[1]).astype(float), np.repeat(found.pixel, 2)


def _classification(found: Subspace, seed: int, cells: int, draws: int) -> dict[str, float]:
    """Mixtures that keep 40 to 60 % of a pure odour are given to it, by classifiers trained on those that keep more.

    ``template_hysteresis`` is how much more often template matching does so with templates from trajectories of the
    same kind (along rows, along columns) than from the other kind.
    """
    classes = [manifolds.pixels_near(corner, 60) for corner in range(4)]
    split, of = _split(found)
    trained = [np.isin(of, own) for own in classes]
    label = np.concatenate([np.full(own.sum(), corner) for corner, own in enumerate(trained)])
    rows = np.concatenate([np.flatnonzero(own) for own in trained])
    used = np.unique(found.groups)
    along_rows = np.repeat(found.trial < 4, 2)
    result: dict[str, float] = {}
    kept: list[float] = []
    rings = [np.setdiff1d(manifolds.pixels_near(corner, 40), np.concatenate(classes)) for corner in range(4)]
    asked = np.unique(np.concatenate(rings))
    votes = manifolds.quadratic_classification(
        split[rows], label, split[np.isin(of, asked)], found.groups, seed=seed, cells=cells, draws=draws
    )
    voted = of[np.isin(of, asked)]
    for kind, corners in (("learned", (0, 1)), ("novel", (2, 3))):
        quadratic, template = [], []
        for corner in corners:
            tested = np.isin(of, rings[corner])
            quadratic.append(votes[np.isin(voted, rings[corner]), corner].mean())
            matched = manifolds.template_matching(split[rows][:, used], label, split[tested][:, used], seed=seed)
            template.append(matched[:, corner].mean())
            if along_rows.all():
                continue
            for way in (along_rows, ~along_rows):
                test = split[tested & way][:, used]
                same, other = (
                    manifolds.template_matching(split[rows][part][:, used], label[part], test, seed=seed)[:, corner]
                    for part in (way[rows], ~way[rows])
                )
                kept.append(float(same.mean() - other.mean()))
        result[f"quadratic_{kind}"] = float(np.mean(quadratic))
        result[f"template_{kind}"] = float(np.mean(template))
    return {**result, "template_hysteresis": float(np.mean(kept)) if kept else float("nan")}
