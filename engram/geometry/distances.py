"""Distances between the responses to conditions, and what noise adds to them.

With m the sample mean and S the sample covariance of n trials, abs(m_a − m_b)² is too large by tr C_a/n_a + tr C_b/n_b.
Taking off tr S_a/n_a + tr S_b/n_b leaves the average over all pairs of *different* trials, the cross-validated
distance, which is unbiased and can be negative. In units whitened by a known noise covariance it is the crossnobis
distance (Walther et al. 2016, doi:10.1016/j.neuroimage.2015.12.012).

With S estimated from the same Gaussian trials on ν degrees of freedom, E S⁻¹ = ν/(ν − p − 1) C⁻¹ for p units and S is
independent of the means, so that (ν − p − 1)/ν · dᵀS⁻¹d − p(1/n_a + 1/n_b) is unbiased for the squared Mahalanobis
distance. With ν ≤ p + 1 there is no such estimator: shrink the covariance (biased) or use fewer units.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .responses import (
    ESTIMATORS,
    Array,
    ArrayLike,
    Conditions,
    centred,
    conditions,
    covariance_matrix,
    finite,
    one_of,
    same_units,
    sample_covariance,
    trials,
    whitener,
)

METRICS = ("euclidean", "mahalanobis")
_SHRINK = "use fewer units, more trials or shrinkage=True"


class ShrunkCovariance(NamedTuple):
    """A shrunk covariance, shape (units, units), and its shrinkage: 0 the sample covariance, 1 a multiple of I."""

    covariance: Array
    shrinkage: float


def ledoit_wolf_covariance(responses: ArrayLike) -> ShrunkCovariance:
    """Covariance of the responses, shrunk to a multiple of the identity by the rule of Ledoit & Wolf.

    (1 − ρ)·S + ρ·(tr S/units)·I, with the ρ that minimises the expected squared error for large samples, estimated in
    closed form (Ledoit & Wolf 2004, doi:10.1016/S0047-259X(03)00096-4). Degrees of freedom, trials − 1, stand for
    the number of samples, because the mean is estimated. Biased by design, invertible unless nothing varies.

    Parameters
    ----------
    responses : array_like, shape (trials, units)
        At least 2 trials.

    Returns
    -------
    ShrunkCovariance
        The covariance (squared unit of the responses) and ρ, between 0 and 1.

    Raises
    ------
    ValueError
        Fewer than 2 trials, a value that is not finite, responses that do not vary.
    """
    samples = trials("responses", responses, 2)
    return _ledoit_wolf(centred(samples), len(samples) - 1)


def _ledoit_wolf(residuals: Array, degrees: int) -> ShrunkCovariance:
    units = residuals.shape[1]
    sample = residuals.T @ residuals / degrees
    scale = float(np.trace(sample)) / units
    if scale == 0:
        raise ValueError("responses: they do not vary within a condition, so that there is no noise covariance")
    square = float((sample**2).sum())
    spread = square - units * scale**2
    fourth = float(((residuals**2).sum(axis=1) ** 2).sum())
    error = (fourth + (len(residuals) - 2 * degrees) * square) / degrees**2
    shrinkage = 1.0 if spread <= 0 else min(max(error, 0.0) / spread, 1.0)
    return ShrunkCovariance((1 - shrinkage) * sample + shrinkage * scale * np.eye(units), shrinkage)


def squared_distances(
    responses: Conditions,
    *,
    metric: str = "euclidean",
    noise_covariance: ArrayLike | None = None,
    shrinkage: bool = False,
    paired: bool = False,
    estimator: str = "unbiased",
) -> Array:
    """Squared distances between the centroids of all pairs of conditions.

    Parameters
    ----------
    responses : sequence of arrays of shape (trials, units), or array of shape (conditions, trials, units)
        At least 2 conditions of at least 2 trials each.
    metric : {"euclidean", "mahalanobis"}
    noise_covariance : array_like, shape (units, units), optional
        Covariance of one trial's noise, known or from other data; only for ``"mahalanobis"``, which then is the squared
        crossnobis distance. By default it is pooled over the conditions given.
    shrinkage : bool
        Shrink the pooled covariance (:func:`ledoit_wolf_covariance`). The result is defined for any number of units,
        and biased by the shrinkage.
    paired : bool
        Trial i of every condition belongs to one run and may share noise with trial i of the others: cross-validate
        between runs. Needs equal numbers of trials, and for ``"mahalanobis"`` a ``noise_covariance``.
    estimator : {"unbiased", "plug-in"}
        ``"plug-in"`` takes nothing off; its bias is given in the module's docstring.

    Returns
    -------
    ndarray, shape (conditions, conditions)
        Symmetric, zero on the diagonal; squared unit of the responses, or dimensionless (d′²) for ``"mahalanobis"``.
        Unbiased estimates can be negative.

    Raises
    ------
    ValueError
        One condition, one trial, shapes that do not match, a value that is not finite, a singular covariance, too few
        trials for the covariance of so many units, or options that exclude each other.
    """
    one_of("metric", metric, METRICS)
    one_of("estimator", estimator, ESTIMATORS)
    groups = conditions("responses", responses, 2)
    if paired and len({len(group) for group in groups}) > 1:
        raise ValueError(
            f"paired=True needs as many trials in every condition, got {', '.join(str(len(group)) for group in groups)}"
        )
    if metric == "euclidean" and (noise_covariance is not None or shrinkage):
        raise ValueError('a Euclidean distance has no noise covariance; use metric="mahalanobis"')
    if noise_covariance is not None and shrinkage:
        raise ValueError("shrinkage=True is for a covariance estimated here; leave it out with noise_covariance")
    if paired and metric == "mahalanobis" and noise_covariance is None:
        raise ValueError("paired=True with a Mahalanobis distance needs noise_covariance, from other data")

    if metric == "euclidean":
        return _centroid_distances(groups, paired, estimator)
    units = groups[0].shape[1]
    if noise_covariance is not None:
        noise = covariance_matrix("noise_covariance", noise_covariance)
        if len(noise) != units:
            raise ValueError(f"noise_covariance: {len(noise)} units, but the responses have {units}")
        whitening = whitener("noise_covariance", noise, "use fewer units, or estimate it from more trials")
        return _centroid_distances([group @ whitening for group in groups], paired, estimator)

    residuals = np.concatenate([centred(group) for group in groups])
    degrees = len(residuals) - len(groups)
    if shrinkage:
        shrunk = _ledoit_wolf(residuals, degrees).covariance
        whitening = whitener("the shrunk noise covariance", shrunk, "use fewer units or more trials")
        return _centroid_distances([group @ whitening for group in groups], False, estimator)
    least = units if estimator == "plug-in" else units + 2
    if degrees < least:
        raise ValueError(
            f"{len(residuals)} trials of {len(groups)} conditions give {degrees} degrees of freedom for the noise "
            f"covariance of {units} units; the {estimator} Mahalanobis distance needs at least {least}: use fewer "
            "units, shrinkage=True or a noise_covariance from other data"
        )
    whitening = whitener("the pooled noise covariance", residuals.T @ residuals / degrees, _SHRINK)
    plug_in = _centroid_distances([group @ whitening for group in groups], False, "plug-in")
    if estimator == "plug-in":
        return plug_in
    noise_share = units * np.add.outer(*2 * [np.array([1 / len(group) for group in groups])])
    np.fill_diagonal(noise_share, 0)
    unbiased: Array = (degrees - units - 1) / degrees * plug_in - noise_share
    return unbiased


def _centroid_distances(groups: list[Array], paired: bool, estimator: str) -> Array:
    means = np.array([group.mean(axis=0) for group in groups])
    squared = np.array([((means - mean) ** 2).sum(axis=1) for mean in means])
    if estimator == "plug-in":
        return squared
    if paired:
        residuals = np.array([(group - mean).ravel() for group, mean in zip(groups, means, strict=True)])
        number = len(groups[0])
        noise = np.array([((residuals - one) ** 2).sum(axis=1) for one in residuals]) / (number * (number - 1))
    else:
        of_mean = np.array([group.var(axis=0, ddof=1).sum() / len(group) for group in groups])
        noise = np.add.outer(of_mean, of_mean)
        np.fill_diagonal(noise, 0)
    unbiased: Array = squared - noise
    return unbiased


def squared_euclidean_distance(
    first: ArrayLike, second: ArrayLike, *, paired: bool = False, estimator: str = "unbiased"
) -> float:
    """Squared Euclidean distance between the centroids of two conditions, or of one condition in two sessions.

    Parameters
    ----------
    first, second : array_like, shape (trials, units)
        At least 2 trials each.
    paired, estimator
        As in :func:`squared_distances`. The root of ``"plug-in"`` is the distance of class means of Meissner-Bernard,
        Zenke & Friedrich 2025, doi:10.7554/eLife.96303.

    Returns
    -------
    float
        In the squared unit of the responses. Unbiased for any distribution of independent trials.

    Raises
    ------
    ValueError
        As :func:`squared_distances`.

    Examples
    --------
    >>> squared_euclidean_distance([[0, 0], [0, 2]], [[3, 0], [3, 2]])
    7.0
    """
    return _one_pair(first, second, metric="euclidean", paired=paired, estimator=estimator)


def squared_crossnobis_distance(
    first: ArrayLike, second: ArrayLike, noise_covariance: ArrayLike, *, paired: bool = False
) -> float:
    """Squared Mahalanobis distance of two centroids, cross-validated over trials, for a known noise covariance.

    Parameters
    ----------
    first, second : array_like, shape (trials, units)
        At least 2 trials each.
    noise_covariance : array_like, shape (units, units)
        Covariance of one trial's noise, from other data or a model.
    paired : bool
        As in :func:`squared_distances`.

    Returns
    -------
    float
        Dimensionless; unbiased; negative at times when the distance is small. Walther et al. 2016,
        doi:10.1016/j.neuroimage.2015.12.012, without their division by the number of units.

    Raises
    ------
    ValueError
        As :func:`squared_distances`.
    """
    return _one_pair(first, second, metric="mahalanobis", noise_covariance=noise_covariance, paired=paired)


def squared_mahalanobis_distance(
    first: ArrayLike, second: ArrayLike, *, shrinkage: bool = False, estimator: str = "unbiased"
) -> float:
    """Squared Mahalanobis distance d′² of two centroids, with the noise covariance pooled from the same trials.

    Parameters
    ----------
    first, second : array_like, shape (trials, units)
        Together at least units + 4 trials, unless the covariance is shrunk.
    shrinkage, estimator
        As in :func:`squared_distances`.

    Returns
    -------
    float
        Dimensionless. Unbiased for Gaussian noise with one covariance in both conditions; biased if shrunk.

    Raises
    ------
    ValueError
        As :func:`squared_distances`; among others too few trials without shrinkage.
    """
    return _one_pair(first, second, metric="mahalanobis", shrinkage=shrinkage, estimator=estimator)


def _one_pair(first: ArrayLike, second: ArrayLike, **options: object) -> float:
    one, other = trials("first", first, 2), trials("second", second, 2)
    same_units(first=one, second=other)
    return float(squared_distances([one, other], **options)[0, 1])  # type: ignore[arg-type]


def distances_to_manifold(
    patterns: ArrayLike, reference: ArrayLike, *, metric: str = "mahalanobis", shrinkage: bool = False
) -> Array:
    """Distance of each pattern to the centre of a reference manifold.

    Parameters
    ----------
    patterns : array_like, shape (patterns, units)
        Patterns v that do not belong to the reference.
    reference : array_like, shape (trials, units)
        Patterns that define the manifold: mean μ, sample covariance S.
    metric : {"mahalanobis", "euclidean"}
        √((v − μ)ᵀS⁻¹(v − μ)), or the same with S = I.
    shrinkage : bool
        Shrink S (:func:`ledoit_wolf_covariance`).

    Returns
    -------
    ndarray, shape (patterns,)
        Dimensionless, or in the unit of the responses. Not corrected for bias: the estimated μ and S make it too large,
        S alone the square by ν/(ν − units − 1) with ν = trials − 1, for Gaussian patterns. The definition of
        Meissner-Bernard, Zenke & Friedrich 2025, doi:10.7554/eLife.96303, who average over 50 draws of 80 neurons.

    Raises
    ------
    ValueError
        Units that differ, a value that is not finite, or a singular S, as with no more trials than units.
    """
    one_of("metric", metric, METRICS)
    points, manifold = finite("patterns", patterns, 2, "(patterns, units)"), trials("reference", reference, 2)
    same_units(patterns=points, reference=manifold)
    number, units = manifold.shape
    offsets = points - manifold.mean(axis=0)
    if metric == "mahalanobis":
        if shrinkage:
            covariance = ledoit_wolf_covariance(manifold).covariance
        elif number <= units:
            raise ValueError(
                f"reference: {number} patterns give a singular covariance of {units} units; use fewer units, more "
                "patterns or shrinkage=True"
            )
        else:
            covariance = sample_covariance(manifold)
        offsets = offsets @ whitener("the covariance of the reference", covariance, _SHRINK)
    elif shrinkage:
        raise ValueError('shrinkage=True is for metric="mahalanobis"')
    distances: Array = np.sqrt((offsets**2).sum(axis=1))
    return distances


def pattern_discriminability(
    responses: Conditions, *, noise_covariance: ArrayLike | None = None, shrinkage: bool = False
) -> float:
    """Mean squared discriminability d′² over all pairs of conditions.

    d′ is that of the best linear readout of Gaussian responses, the Mahalanobis distance of the centroids.

    Parameters
    ----------
    responses, noise_covariance, shrinkage
        As in :func:`squared_distances`, with its unbiased estimator.

    Returns
    -------
    float
        d′², dimensionless. Its root has no unbiased estimator.

    Raises
    ------
    ValueError
        As :func:`squared_distances`.
    """
    squared = squared_distances(responses, metric="mahalanobis", noise_covariance=noise_covariance, shrinkage=shrinkage)
    return float(squared[np.triu_indices(len(squared), 1)].mean())


def expansion_factor(before: Conditions, after: Conditions, *, noise_covariance: ArrayLike | None = None) -> float:
    """How much the distances between the same conditions have grown from one session to another.

    √(sum of squared distances after / sum of squared distances before), over all pairs of conditions; 1 is no change.

    Parameters
    ----------
    before, after : sequence of arrays of shape (trials, units), or array of shape (conditions, trials, units)
        The same conditions in the same order, and the same units; numbers of trials may differ.
    noise_covariance : array_like, shape (units, units), optional
        Crossnobis instead of Euclidean distances; one covariance for both sessions, so that less noise is no expansion.

    Returns
    -------
    float
        Dimensionless. Both sums are unbiased; the root of their ratio has no unbiased estimator.

    Raises
    ------
    ValueError
        As :func:`squared_distances`; conditions or units that differ; a session in which the estimated sum is not
        positive, because its conditions do not differ beyond noise.
    """
    one, other = conditions("before", before, 2), conditions("after", after, 2)
    if len(one) != len(other):
        raise ValueError(f"before has {len(one)} conditions and after {len(other)}; they must be the same conditions")
    same_units(before=one[0], after=other[0])
    metric = "euclidean" if noise_covariance is None else "mahalanobis"
    sums = {}
    for name, session in (("before", one), ("after", other)):
        sums[name] = float(squared_distances(session, metric=metric, noise_covariance=noise_covariance).sum())
        if not sums[name] > 0:
            raise ValueError(
                f"{name}: the squared distances between conditions sum to {sums[name]:.6g} after noise is taken off; "
                "the conditions do not differ beyond noise and there is no expansion factor"
            )
    return math.sqrt(sums["after"] / sums["before"])
