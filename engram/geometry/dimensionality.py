"""How many dimensions a population uses: participation ratio, dimensions of a variance fraction, manifold radius.

With C the covariance of the responses and λ its eigenvalues, the participation ratio is

    PR = (Σ λ)² / Σ λ² = (tr C)² / tr C²,    between 1 and the number of units.

From n samples, S being the sample covariance (divisor n − 1) and Q = Σ abs(x − mean)⁴ / (n − 1), the traces are
estimated without bias whatever the distribution (Himeno & Yamada 2014, doi:10.1016/j.jmva.2014.05.006); these are the
U-statistics over all quadruples of different samples in closed form:

    tr C²    (n − 1) [(n − 1)(n − 2) tr S² + (tr S)² − n Q] / [n (n − 2)(n − 3)]
    (tr C)²  (n − 1) [2 tr S² + (n² − 3n + 1)(tr S)² − n Q] / [n (n − 2)(n − 3)]
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
    constant,
    covariance_matrix,
    one_of,
    trials,
)


class CovarianceTraces(NamedTuple):
    """tr C, (tr C)² and tr C² of a covariance, in the unit of the responses to the power 2, 4 and 4."""

    trace: float
    square_of_trace: float
    trace_of_square: float


def covariance_traces(responses: ArrayLike, *, estimator: str = "unbiased") -> CovarianceTraces:
    """tr C, (tr C)² and tr C² of the covariance of the responses.

    Parameters
    ----------
    responses : array_like, shape (trials, units)
        Independent samples.
    estimator : {"unbiased", "plug-in"}
        ``"unbiased"``: U-statistics, exact on average for any distribution; it takes 4 trials, and ``trace_of_square``
        can come out negative when there are far fewer trials than dimensions. ``"plug-in"``: the traces of the
        sample covariance (divisor trials − 1); it takes 2 trials.

    Returns
    -------
    CovarianceTraces
        In the unit of the responses, to the power 2, 4 and 4.

    Raises
    ------
    ValueError
        Too few trials, a value that is not finite, or a shape that is not (trials, units).
    """
    one_of("estimator", estimator, ESTIMATORS)
    samples = trials("responses", responses, 4 if estimator == "unbiased" else 2)
    n = len(samples)
    residuals = centred(samples)
    gram = residuals @ residuals.T if n <= samples.shape[1] else residuals.T @ residuals
    trace = float(np.trace(gram)) / (n - 1)
    of_square = float((gram**2).sum()) / (n - 1) ** 2
    if estimator == "plug-in":
        return CovarianceTraces(trace, trace**2, of_square)
    fourth = float(((residuals**2).sum(axis=1) ** 2).sum()) / (n - 1)
    factor = (n - 1) / (n * (n - 2) * (n - 3))
    return CovarianceTraces(
        trace,
        factor * (2 * of_square + (n * n - 3 * n + 1) * trace**2 - n * fourth),
        factor * ((n - 1) * (n - 2) * of_square + trace**2 - n * fourth),
    )


def participation_ratio(responses: ArrayLike, *, estimator: str = "unbiased") -> float:
    """Participation ratio (Σλ)²/Σλ² of the covariance of the responses, not normalised.

    Parameters
    ----------
    responses : array_like, shape (trials, units)
        Independent samples: the trials of one condition, or the mean patterns of many stimuli.
    estimator : {"unbiased", "plug-in"}
        ``"unbiased"``: ratio of the unbiased estimates of (tr C)² and tr C². No unbiased estimator of the ratio itself
        exists; what is left is of order 1/trials, and the estimate can leave 1 … units. ``"plug-in"``: of the
        eigenvalues of the sample covariance, always between 1 and the smaller of units and trials − 1, but too small
        by far when trials are few. It is the definition for the one-second mean patterns of an odour subspace in
        Meissner-Bernard, Zenke & Friedrich 2025, doi:10.7554/eLife.96303.

    Returns
    -------
    float
        Dimensionless. It is also the dimension of a manifold in Sorscher, Ganguli & Sompolinsky 2022,
        doi:10.1073/pnas.2200800119.

    Raises
    ------
    ValueError
        As :func:`covariance_traces`; responses that do not vary; too few trials for an estimate above zero.

    Examples
    --------
    >>> import numpy as np
    >>> circle = np.array([[1, 0, 5], [0, 1, 5], [-1, 0, 5], [0, -1, 5]])
    >>> round(participation_ratio(circle, estimator="plug-in"), 12)
    2.0
    """
    traces = covariance_traces(responses, estimator=estimator)
    if traces.trace == 0:
        raise ValueError("responses: they do not vary, so that they have no participation ratio")
    return _ratio(traces.square_of_trace, traces.trace_of_square, len(np.asarray(responses)))


def participation_ratio_of_covariance(covariance: ArrayLike) -> float:
    """Participation ratio (tr C)²/tr C² of a known covariance, shape (units, units); between 1 and units.

    Raises ValueError for a matrix that is not square, symmetric, finite, free of negative eigenvalues, and not zero.

    >>> participation_ratio_of_covariance([[2, 0], [0, 2]])
    2.0
    """
    matrix = covariance_matrix("covariance", covariance)
    matrix = matrix / np.abs(matrix).max()
    return float(np.trace(matrix) ** 2 / (matrix**2).sum())


def signal_participation_ratio(responses: Conditions) -> float:
    """Participation ratio of the condition means, free of trial noise.

    The covariance is that between the true means of exactly these conditions. Noise inflates the participation ratio
    of measured means; here (tr C)² and tr C² are U-statistics over quadruples of different trials, so that no noise
    is ever multiplied with itself. Both are unbiased for any noise that is independent between trials; noise of trial
    i may be correlated between conditions. No unbiased estimator of the ratio exists.

    Parameters
    ----------
    responses : array_like, shape (conditions, trials, units)
        The same number of trials, at least 4, in every condition; at least 2 conditions. Two always give 1 up to noise.

    Returns
    -------
    float
        Dimensionless; between 1 and the smaller of units and conditions − 1 up to the noise of the estimate.

    Raises
    ------
    ValueError
        One condition, fewer than 4 trials, unequal numbers of trials, a value that is not finite, or conditions so
        little different that an estimated trace is not above zero.
    """
    groups = conditions("responses", responses, 4)
    if len({len(group) for group in groups}) > 1:
        raise ValueError(
            "responses: every condition needs the same number of trials, "
            f"got {', '.join(str(len(group)) for group in groups)}"
        )
    patterns = np.stack(groups, axis=1)
    patterns = centred(patterns, axis=1)
    n, number, _ = patterns.shape
    everything = patterns.reshape(n * number, -1)
    # H_st = Y_s Y_tᵀ, s and t two trials. Sums run over pairs s ≠ t, then what shares a trial is taken off.
    pairs, own, crossed = np.zeros((number, number)), 0.0, 0.0
    row_squares, row_products = 0.0, 0.0
    scalar = np.empty((n, n))
    for s in range(n):
        blocks = (patterns[s] @ everything.T).reshape(number, n, number).transpose(1, 0, 2)
        scalar[s] = blocks.trace(axis1=1, axis2=2)
        others = np.delete(blocks, s, axis=0)
        row = others.sum(axis=0)
        pairs += row
        own += float((others**2).sum())
        crossed += float((others * others.transpose(0, 2, 1)).sum())
        row_squares += float((row**2).sum())
        row_products += float((row * row.T).sum())
    of_square = float((pairs**2).sum()) - 2 * row_squares - 2 * row_products + own + crossed
    np.fill_diagonal(scalar, 0)
    of_trace = float(scalar.sum() ** 2 - 4 * (scalar.sum(axis=1) ** 2).sum() + 2 * (scalar**2).sum())
    if not of_trace > 0:
        raise ValueError(f"responses: the condition means do not differ beyond the noise of {n} trials each")
    return _ratio(of_trace, of_square, n)


def _ratio(square_of_trace: float, trace_of_square: float, number: int) -> float:
    if not trace_of_square > 0:
        raise ValueError(
            f"responses: with {number} trials the unbiased estimate of tr C² is not above zero, so that there is no "
            'participation ratio; use more trials, or estimator="plug-in" where it is offered'
        )
    return square_of_trace / trace_of_square


def dimensionality(responses: ArrayLike, fraction: float = 0.9) -> int:
    """Least number of principal components that hold a fraction of the variance.

    Parameters
    ----------
    responses : array_like, shape (trials, units)
        At least 2 trials.
    fraction : float
        Fraction of the variance, above 0 and at most 1.

    Returns
    -------
    int
        Counted on the spectrum of the sample covariance. No unbiased estimator exists: the spectrum of few samples is
        too steep and has at most trials − 1 components, so that the count is too low.

    Raises
    ------
    ValueError
        A fraction outside its range, fewer than 2 trials, a value that is not finite, responses that do not vary.

    Examples
    --------
    >>> dimensionality([[3, 0], [-3, 0], [0, 1], [0, -1]], fraction=0.9), dimensionality([[3, 0], [-3, 0], [0, 1]], 1)
    (1, 2)
    """
    samples = trials("responses", responses, 2)
    return _components(np.linalg.svd(centred(samples), compute_uv=False) ** 2, fraction, "responses")


def dimensionality_of_covariance(covariance: ArrayLike, fraction: float = 0.9) -> int:
    """Least number of principal axes of a known covariance, shape (units, units), that hold a fraction of its variance.

    Raises ValueError for a fraction that is not above 0 and at most 1, and for a matrix that is no covariance.
    """
    eigenvalues = np.linalg.eigvalsh(covariance_matrix("covariance", covariance))[::-1]
    return _components(np.maximum(eigenvalues, 0), fraction, "covariance")


def _components(spectrum: Array, fraction: float, name: str) -> int:
    if not isinstance(fraction, int | float | np.integer | np.floating) or not 0 < fraction <= 1:
        raise ValueError(f"fraction: expected a fraction of the variance above 0 and at most 1, got {fraction!r}")
    held = np.cumsum(spectrum)
    if held[-1] == 0:
        raise ValueError(f"{name}: nothing varies, so that there is no dimensionality")
    # A sum of rounded terms may miss the whole by a few units in the last place.
    return int(np.searchsorted(held, fraction * held[-1] * (1 - 1e-12))) + 1


def manifold_radius(responses: ArrayLike) -> float:
    """Radius of a manifold: R = √(tr C), the root mean squared distance of its points from their centre.

    Parameters
    ----------
    responses : array_like, shape (trials, units)
        Points of the manifold, at least 2.

    Returns
    -------
    float
        In the unit of the responses. R² is estimated without bias; of its root no unbiased estimator exists. R² is the
        total variance, as the squared radius is in Sorscher, Ganguli & Sompolinsky 2022,
        doi:10.1073/pnas.2200800119; the dimension of the manifold is :func:`participation_ratio`.

    Raises
    ------
    ValueError
        Fewer than 2 points or a value that is not finite.
    """
    samples = trials("responses", responses, 2)
    return math.sqrt(float(np.where(constant(samples), 0.0, samples.var(axis=0, ddof=1)).sum()))
