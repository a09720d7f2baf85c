"""Activity patterns: co-tuning of excitation and inhibition, completion, local shape and classification.

The definitions are those of Meissner-Bernard, Zenke & Friedrich 2025, doi:10.7554/eLife.96303, taken out of their
network: which neurons, time windows and stimuli go in is for the caller to say.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from .responses import (
    Array,
    ArrayLike,
    Conditions,
    centred,
    conditions,
    finite,
    one_of,
    same_units,
    sample_covariance,
    whitener,
)


class BalancedAxis(NamedTuple):
    """Slope k of inhibition = k·excitation (dimensionless), and each neuron's ratio of spreads, shape (neurons,)."""

    slope: float
    spread_ratios: Array


def _correlations(first: Array, second: Array, names: str) -> Array:
    """Pearson correlation of the rows of two arrays of shape (rows, columns)."""
    one, other = centred(first, axis=1), centred(second, axis=1)
    norms = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    if (norms == 0).any():
        raise ValueError(
            f"{names}: row {int(np.argmin(norms))} of one of them does not vary, so that it has no correlation"
        )
    return np.clip((one * other).sum(axis=1) / norms, -1, 1)


def _conductances(excitation: ArrayLike, inhibition: ArrayLike) -> tuple[Array, Array]:
    one = finite("excitation", excitation, 2, "(neurons, stimuli)")
    other = finite("inhibition", inhibition, 2, "(neurons, stimuli)")
    if one.shape != other.shape:
        raise ValueError(f"excitation has shape {one.shape} and inhibition {other.shape}; they must be the same")
    if one.shape[1] < 2:
        raise ValueError("excitation and inhibition: one stimulus; tuning takes at least 2")
    return one, other


def co_tuning(excitation: ArrayLike, inhibition: ArrayLike) -> Array:
    """Correlation of each neuron's excitation and inhibition across stimuli.

    Parameters
    ----------
    excitation, inhibition : array_like, shape (neurons, stimuli)
        Time-averaged conductances or currents, any unit.

    Returns
    -------
    ndarray, shape (neurons,)
        Pearson correlations; the published measure is their mean. Noise of the averages makes them too small, and no
        correction is made.

    Raises
    ------
    ValueError
        Shapes that differ, fewer than 2 stimuli, a value that is not finite, a neuron whose input does not vary.

    Examples
    --------
    >>> co_tuning([[1, 2, 3], [1, 2, 3]], [[2, 4, 6], [3, 2, 1]]).round(12).tolist()
    [1.0, -1.0]
    """
    return _correlations(*_conductances(excitation, inhibition), names="excitation and inhibition")


def balanced_axis(excitation: ArrayLike, inhibition: ArrayLike) -> BalancedAxis:
    """Slope of the balanced axis, and how much more each neuron's input varies along it than across it.

    The axis is inhibition = k·excitation, fitted by least squares without a constant over all neurons and stimuli;
    the spread is the standard deviation over stimuli of the projections on the axis and on its orthogonal.

    Parameters
    ----------
    excitation, inhibition : array_like, shape (neurons, stimuli)

    Returns
    -------
    BalancedAxis
        k and, for each neuron, balanced/counter-balanced spread; 1 is no co-tuning.

    Raises
    ------
    ValueError
        As :func:`co_tuning`; excitation that is zero everywhere; a neuron without spread across the axis.
    """
    one, other = _conductances(excitation, inhibition)
    energy = float((one**2).sum())
    if energy == 0:
        raise ValueError("excitation: zero everywhere, so that there is no balanced axis")
    slope = float((one * other).sum()) / energy
    along, across = (one + slope * other).std(axis=1), (other - slope * one).std(axis=1)
    flat = across <= 1e-12 * (np.abs(other).max() + abs(slope) * np.abs(one).max())
    if flat.any():
        raise ValueError(f"neuron {int(np.argmax(flat))} does not vary across the balanced axis; its ratio is infinite")
    return BalancedAxis(slope, along / across)


def pattern_completion(
    morph_inputs: ArrayLike, learned_input: ArrayLike, morph_outputs: ArrayLike, learned_output: ArrayLike
) -> Array:
    """How much nearer the output is to a learned pattern than the input is, for each morph.

    Parameters
    ----------
    morph_inputs : array_like, shape (morphs, input units)
    learned_input : array_like, shape (input units,)
    morph_outputs : array_like, shape (morphs, output units)
    learned_output : array_like, shape (output units,)

    Returns
    -------
    ndarray, shape (morphs, 2)
        Pearson correlation with the learned pattern of the input and of the output. Completion is an output
        correlation above the input correlation that rises abruptly.

    Raises
    ------
    ValueError
        Shapes that do not match, a value that is not finite, a pattern that does not vary between units.
    """
    sides = []
    for name, morphs, learned in (("input", morph_inputs, learned_input), ("output", morph_outputs, learned_output)):
        patterns = finite(f"morph_{name}s", morphs, 2, f"(morphs, {name} units)")
        pattern = finite(f"learned_{name}", learned, 1, f"({name} units,)")
        same_units(**{f"morph_{name}s": patterns, f"learned_{name}": pattern})
        sides.append(_correlations(patterns, np.tile(pattern, (len(patterns), 1)), f"{name} patterns"))
    if len(sides[0]) != len(sides[1]):
        raise ValueError(f"{len(sides[0])} morph_inputs but {len(sides[1])} morph_outputs")
    return np.stack(sides, axis=1)


def local_angles(pattern: ArrayLike, neighbours: ArrayLike) -> Array:
    """Angles at a pattern between the edges to each two of its neighbours.

    Parameters
    ----------
    pattern : array_like, shape (units,)
    neighbours : array_like, shape (neighbours, units)
        At least 2.

    Returns
    -------
    ndarray, shape (neighbours·(neighbours − 1)/2,)
        In radians, 0 to π, in the order (0, 1), (0, 2), … of the neighbours.

    Raises
    ------
    ValueError
        Shapes that do not match, one neighbour, a value that is not finite, a neighbour equal to the pattern.

    Examples
    --------
    >>> local_angles([0, 0], [[1, 0], [0, 2]]).round(6).tolist()
    [1.570796]
    """
    centre = finite("pattern", pattern, 1, "(units,)")
    others = finite("neighbours", neighbours, 2, "(neighbours, units)")
    same_units(pattern=centre, neighbours=others)
    if len(others) < 2:
        raise ValueError("neighbours: one neighbour; an angle takes at least 2")
    edges = others - centre
    lengths = np.sqrt((edges**2).sum(axis=1))
    if (lengths == 0).any():
        raise ValueError(f"neighbours: number {int(np.argmin(lengths))} is the pattern itself and has no direction")
    edges = edges / lengths[:, None]
    pairs = np.array(list(itertools.combinations(range(len(edges)), 2)))
    one, other = edges[pairs[:, 0]], edges[pairs[:, 1]]
    # Half-angle form: arccos of a scalar product loses half of the digits near 0 and π.
    angles: Array = 2 * np.arctan2(np.linalg.norm(one - other, axis=1), np.linalg.norm(one + other, axis=1))
    return angles


def _principal_axes(name: str, patterns: ArrayLike, components: int) -> tuple[Array, Array]:
    """Centre (units,) and leading principal axes (components, units) of patterns."""
    samples = finite(name, patterns, 2, "(patterns, units)")
    most = min(len(samples) - 1, samples.shape[1])
    if not isinstance(components, int | np.integer) or isinstance(components, bool) or not 1 <= components <= most:
        raise ValueError(
            f"components: {components!r}, but {samples.shape} {name} have 1 to {most} principal components"
        )
    centre = samples.mean(axis=0)
    return centre, np.linalg.svd(samples - centre, full_matrices=False)[2][:components]


def principal_coordinates(patterns: ArrayLike) -> Array:
    """Patterns in the coordinates of their own principal components: distances and angles are what they were.

    Parameters
    ----------
    patterns : array_like, shape (patterns, units)
        At least 2.

    Returns
    -------
    ndarray, shape (patterns, components)
        All components that hold variance (at most patterns − 1), the one with most first. Every component has mean 0;
        its sign is such that its largest entry is positive.

    Raises
    ------
    ValueError
        One pattern, a value that is not finite, patterns that are all the same.

    Examples
    --------
    >>> principal_coordinates([[0, 0], [3, 4], [9, 12]]).round(3).tolist()
    [[-6.667], [-1.667], [8.333]]
    """
    samples = finite("patterns", patterns, 2, "(patterns, units)")
    residuals = centred(samples)
    # of the scalar products, for there are often far more units than patterns
    eigenvalues, vectors = np.linalg.eigh(residuals @ residuals.T)
    kept = eigenvalues > len(samples) * np.finfo(float).eps * max(float(eigenvalues[-1]), 0.0)
    if len(samples) < 2 or not kept.any() or eigenvalues[-1] <= 0:
        raise ValueError(f"patterns: {len(samples)} that do not differ have no principal components")
    coordinates: Array = (vectors[:, kept] * np.sqrt(eigenvalues[kept]))[:, ::-1]
    largest = np.take_along_axis(coordinates, np.abs(coordinates).argmax(axis=0)[None], axis=0)
    return coordinates * np.where(largest < 0, -1.0, 1.0)


def variance_along_components(patterns: ArrayLike, reference: ArrayLike, components: int) -> Array:
    """Variance of some patterns along the principal components of others.

    Parameters
    ----------
    patterns : array_like, shape (patterns, units)
        At least 2, for example a learned odour and its nearest mixtures.
    reference : array_like, shape (reference patterns, units)
        Patterns whose principal components are taken.
    components : int
        How many, at most the smaller of units and reference patterns − 1.

    Returns
    -------
    ndarray, shape (components,)
        Sample variances (divisor patterns − 1) in the squared unit of the patterns, first component first.

    Raises
    ------
    ValueError
        Shapes that do not match, one pattern, more components than there are, a value that is not finite.
    """
    local = finite("patterns", patterns, 2, "(patterns, units)")
    if len(local) < 2:
        raise ValueError("patterns: one pattern has no variance; it takes at least 2")
    centre, axes = _principal_axes("reference", reference, components)
    same_units(patterns=local, reference=centre)
    variances: Array = ((local - centre) @ axes.T).var(axis=0, ddof=1)
    return variances


def reconstruction_error(patterns: ArrayLike, components: int) -> float:
    """What the first principal components miss of the distances between patterns.

    1 − Pearson correlation of all pairwise Euclidean distances in the full space and in the first components.

    Parameters
    ----------
    patterns : array_like, shape (patterns, units)
        At least 3.
    components : int

    Returns
    -------
    float
        0 (nothing missed) to 2.

    Raises
    ------
    ValueError
        Fewer than 3 patterns, more components than there are, a value that is not finite, all distances equal.
    """
    samples = finite("patterns", patterns, 2, "(patterns, units)")
    if len(samples) < 3:
        raise ValueError(f"patterns: {len(samples)}; distances can be correlated from 3 patterns on")
    centre, axes = _principal_axes("patterns", samples, components)
    upper = np.triu_indices(len(samples), 1)
    full, reduced = (
        np.array([np.sqrt(((points - point) ** 2).sum(axis=1)) for point in points])[upper][None, :]
        for points in (samples, (samples - centre) @ axes.T)
    )
    return float(1 - _correlations(full, reduced, "distances in the full space and in the components")[0])


def quadratic_discriminant(training: Conditions, patterns: ArrayLike, *, priors: str = "equal") -> Array:
    """Class of each pattern by quadratic discriminant analysis: each class Gaussian with its own covariance.

    The class with the largest −½ log det S − ½ (x − μ)ᵀS⁻¹(x − μ) + log π.

    Parameters
    ----------
    training : sequence of arrays of shape (trials, units), or array of shape (conditions, trials, units)
        More trials than units in each class.
    patterns : array_like, shape (patterns, units)
    priors : {"equal", "training"}
        π the same for all classes, or the fraction of the training trials.

    Returns
    -------
    ndarray of int, shape (patterns,)
        Index of the class in ``training``.

    Raises
    ------
    ValueError
        One class, no more trials than units, a singular S, units that differ, a value that is not finite.
    """
    one_of("priors", priors, ("equal", "training"))
    groups = conditions("training", training, 2)
    points = finite("patterns", patterns, 2, "(patterns, units)")
    same_units(training=groups[0], patterns=points)
    total = sum(len(group) for group in groups)
    scores = []
    for index, group in enumerate(groups):
        number, units = group.shape
        if number <= units:
            raise ValueError(
                f"training[{index}]: {number} trials give a singular covariance of {units} units; use fewer units or "
                "more trials"
            )
        whitening = whitener(
            f"the covariance of training[{index}]", sample_covariance(group), "use fewer units or more trials"
        )
        distances = (((points - group.mean(axis=0)) @ whitening) ** 2).sum(axis=1)
        prior = 1 / len(groups) if priors == "equal" else number / total
        scores.append(np.linalg.slogdet(whitening)[1] - distances / 2 + np.log(prior))
    return np.argmax(scores, axis=0)


def template_matching(templates: ArrayLike, patterns: ArrayLike) -> Array:
    """Class of each pattern: the template it correlates with best.

    Parameters
    ----------
    templates : array_like, shape (classes, units)
        One pattern a class, at least 2 classes.
    patterns : array_like, shape (patterns, units)

    Returns
    -------
    ndarray of int, shape (patterns,)
        Index of the template with the largest Pearson correlation, the first of equals.

    Raises
    ------
    ValueError
        One template, units that differ, a value that is not finite, a pattern that does not vary between units.
    """
    classes, points = (
        finite("templates", templates, 2, "(classes, units)"),
        finite("patterns", patterns, 2, "(patterns, units)"),
    )
    same_units(templates=classes, patterns=points)
    if len(classes) < 2:
        raise ValueError("templates: one class; classification takes at least 2")
    correlations = [
        _correlations(points, np.tile(template, (len(points), 1)), "templates and patterns") for template in classes
    ]
    return np.argmax(correlations, axis=0)
