"""How well the concentration of an odour can be read from its assembly: the share of it that a mixture keeps.

By linear regression, and by a linear support vector machine for six classes, 15 % apart (one machine for each pair of
classes, majority vote). Responses over 1 s to the mixtures, 80 cells of the odour's (pseudo-)assembly, errors on the
half that was left out; every class has the same weight in the regression, and as many responses in the classification.
Meissner-Bernard, Zenke & Friedrich (eLife 2025, RP96303, Fig. 5E, F); they draw as many responses from every point, and
state no loss of their machine: here it is the squared hinge with weight 1.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.optimize import minimize

from .manifolds import CELLS, shares_of
from .representation import Subspace

EDGES = (12.5, 27.5, 42.5, 57.5, 72.5, 87.5)  # of the six classes, up to 100 %
REGRESSIONS, MACHINES = 50, 2  # draws of cells and responses


def concentration_measures(
    found: Subspace, seed: int, *, regressions: int = REGRESSIONS, machines: int = MACHINES
) -> dict[str, float]:
    """Mean squared error (%²) of the regression, and share of responses put into the right class.

    For learned and novel odours: ``concentration_error_…`` and ``concentration_correct_…``.
    """
    result = {}
    for kind, corners in (("learned", (0, 1)), ("novel", (2, 3))):
        errors, right = [], []
        for corner in corners:
            share = shares_of(corner).ravel()[found.pixel].astype(float)
            for draw in range(max(regressions, machines)):
                rng = np.random.default_rng([seed, corner, draw])
                cells = rng.choice(found.groups[corner], min(CELLS, found.groups.shape[1]), replace=False)
                if draw < regressions:
                    errors += _regression_errors(rng, found.patterns[:, cells], share)
                if draw < machines:
                    right += _classification_scores(rng, found.patterns[:, cells], share)
        result[f"concentration_error_{kind}"] = float(np.mean(errors))
        result[f"concentration_correct_{kind}"] = float(np.mean(right))
    return result


def _regression_errors(rng: np.random.Generator, responses: np.ndarray, share: np.ndarray) -> list[float]:
    """Mean squared errors on either half of the responses of the regression on the other half."""
    known = share >= EDGES[0]
    responses, share = responses[known], share[known]
    of = np.digitize(share, EDGES)
    half = rng.permutation(len(share)) % 2 == 0
    errors = []
    for train in (half, ~half):
        design = np.column_stack([responses, np.ones(len(share))])
        weight = np.sqrt(1 / np.bincount(of[train])[of[train]])
        found = np.linalg.lstsq(design[train] * weight[:, None], share[train] * weight, rcond=None)[0]
        squared = (design[~train] @ found - share[~train]) ** 2
        errors.append(float(np.mean([squared[of[~train] == one].mean() for one in np.unique(of)])))
    return errors


def _classification_scores(rng: np.random.Generator, responses: np.ndarray, share: np.ndarray) -> list[float]:
    """Share of either half of the responses, as many from every class, that machines trained on the other half get."""
    of = np.digitize(share, EDGES) - 1
    number = min(np.count_nonzero(of == one) for one in range(len(EDGES))) // 2 * 2
    chosen = [rng.choice(np.flatnonzero(of == one), number, replace=False) for one in range(len(EDGES))]
    rows = np.concatenate(chosen)
    half = np.arange(len(rows)) % 2 == 0
    return [
        float(np.mean(classify(responses[rows][train], of[rows][train], responses[rows][~train]) == of[rows][~train]))
        for train in (half, ~half)
    ]


def classify(train: np.ndarray, classes: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Classes of the test patterns by linear support vector machines, one for each pair of classes.

    Each machine minimises ½ abs(w)² + Σ max(0, 1 − y (w·x + b))²; the class with most votes wins, the first of equals.
    Patterns are centred for each cell and divided by the SD of all training values.
    """
    centre, scale = train.mean(axis=0), train.std()
    train, test = (train - centre) / scale, (test - centre) / scale
    there = np.unique(classes)
    votes = np.zeros((len(test), len(there)))
    for a, b in combinations(range(len(there)), 2):
        of = np.isin(classes, there[[a, b]])
        w = _machine(train[of], np.where(classes[of] == there[a], 1.0, -1.0))
        first = test @ w[:-1] + w[-1] > 0
        votes[first, a] += 1
        votes[~first, b] += 1
    return np.asarray(there[votes.argmax(axis=1)])


def _machine(patterns: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Weights and, last, the offset."""

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        short = np.maximum(1 - sign * (patterns @ w[:-1] + w[-1]), 0)
        pull = -2 * short * sign
        slope = np.append(w[:-1] + patterns.T @ pull, pull.sum())
        return float(0.5 * w[:-1] @ w[:-1] + short @ short), slope

    return np.asarray(minimize(loss, np.zeros(patterns.shape[1] + 1), jac=True, method="L-BFGS-B").x)
