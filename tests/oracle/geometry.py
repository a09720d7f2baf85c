"""Slow oracle of the representational geometry: loops over trials, written from what each quantity is said to be."""

from __future__ import annotations

import itertools
import math

import numpy as np


def covariance_traces(samples: np.ndarray) -> tuple[float, float, float]:
    """tr C, (tr C)², tr C²: averages over all ordered pairs and quadruples of different samples.

    Half of x₁ − x₂ squared is one look at a variance, and two looks at disjoint samples are independent.
    """
    pairs = [(x - y) @ (x - y) / 2 for x, y in itertools.permutations(samples, 2)]
    of_trace, of_square = [], []
    for w, x, y, z in itertools.permutations(samples, 4):
        of_trace.append(((w - x) @ (w - x) / 2) * ((y - z) @ (y - z) / 2))
        of_square.append(((w - x) @ (y - z)) ** 2 / 4)
    return float(np.mean(pairs)), float(np.mean(of_trace)), float(np.mean(of_square))


def participation_ratio(covariance: np.ndarray) -> float:
    eigenvalues = np.linalg.eigvalsh(covariance)
    return float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())


def signal_traces(responses: np.ndarray) -> tuple[float, float]:
    """(tr C)² and tr C² of the covariance of condition means, over all quadruples of different trials."""
    trials = range(responses.shape[1])
    centred = [responses[:, trial] - responses[:, trial].mean(axis=0) for trial in trials]
    of_trace, of_square = [], []
    for r, s, t, u in itertools.permutations(trials, 4):
        first, second = centred[r].T @ centred[s], centred[t].T @ centred[u]
        of_trace.append(np.trace(first) * np.trace(second))
        of_square.append(np.trace(first @ second))
    return float(np.mean(of_trace)), float(np.mean(of_square))


def dimensionality(covariance: np.ndarray, fraction: float) -> int:
    held, total = 0.0, float(np.trace(covariance))
    for number, eigenvalue in enumerate(sorted(np.linalg.eigvalsh(covariance), reverse=True), start=1):
        held += eigenvalue
        if held >= fraction * total - 1e-9 * total:
            return number
    raise AssertionError("never reached")


def squared_distance(first: np.ndarray, second: np.ndarray, precision: np.ndarray | None = None) -> float:
    """Average over pairs of different trials within, and over all pairs between the conditions."""
    precision = np.eye(first.shape[1]) if precision is None else precision
    within = [np.mean([x @ precision @ y for x, y in itertools.permutations(group, 2)]) for group in (first, second)]
    between = np.mean([x @ precision @ y for x in first for y in second])
    return float(sum(within) - 2 * between)


def paired_squared_distance(first: np.ndarray, second: np.ndarray, precision: np.ndarray | None = None) -> float:
    """Average over pairs of different runs of the product of the two runs' differences."""
    precision = np.eye(first.shape[1]) if precision is None else precision
    differences = [x - y for x, y in zip(first, second, strict=True)]
    return float(np.mean([x @ precision @ y for x, y in itertools.permutations(differences, 2)]))


def pooled_covariance(groups: list[np.ndarray]) -> tuple[np.ndarray, int]:
    units = groups[0].shape[1]
    total, degrees = np.zeros((units, units)), 0
    for group in groups:
        for trial in group:
            total += np.outer(trial - group.mean(axis=0), trial - group.mean(axis=0))
        degrees += len(group) - 1
    return total / degrees, degrees


def ledoit_wolf(samples: np.ndarray) -> tuple[np.ndarray, float]:
    """Lemma 3.2 and 3.3 of Ledoit & Wolf (2004), norms as sums of squares, with trials − 1 for the sample size."""
    sample, degrees = pooled_covariance([samples])
    target = np.trace(sample) / len(sample) * np.eye(len(sample))
    spread = sum((sample[i, j] - target[i, j]) ** 2 for i in range(len(sample)) for j in range(len(sample)))
    error = 0.0
    for trial in samples - samples.mean(axis=0):
        error += ((np.outer(trial, trial) - sample) ** 2).sum() / degrees**2
    shrinkage = min(error / spread, 1.0)
    return shrinkage * target + (1 - shrinkage) * sample, shrinkage


def prototype_error(
    means: tuple[np.ndarray, np.ndarray],
    covariances: tuple[np.ndarray, np.ndarray],
    examples: int,
    repeats: int,
    rng: np.random.Generator,
) -> float:
    """Frequency of errors of a learner that averages its examples and picks the nearer average."""
    factors = [np.linalg.cholesky(covariance) for covariance in covariances]

    def draw(condition: int) -> np.ndarray:
        return means[condition] + rng.standard_normal((repeats, len(means[condition]))) @ factors[condition].T

    errors = []
    for condition in (0, 1):
        own = sum(draw(condition) for _ in range(examples)) / examples
        other = sum(draw(1 - condition) for _ in range(examples)) / examples
        test = draw(condition)
        errors.append(np.mean(((test - own) ** 2).sum(axis=1) > ((test - other) ** 2).sum(axis=1)))
    return float(np.mean(errors))


def angle(centre: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    one, other = first - centre, second - centre
    return math.acos(one @ other / math.sqrt((one @ one) * (other @ other)))
