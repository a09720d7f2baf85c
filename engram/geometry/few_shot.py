"""Few-shot learning: how well a new pair of concepts is told apart after a few examples, from their geometry.

A prototype learner averages m examples of each of two conditions a and b, and is right about a test pattern of a if
that is nearer to the prototype of a. With Δ the difference of the means, C the covariances and R² = tr C (Sorscher,
Ganguli & Sompolinsky 2022, doi:10.1073/pnas.2200800119), in units of R_a:

    signal   abs(Δ)²/R_a²            bias     R_b²/R_a² − 1
    dimension D_a = R_a⁴/tr C_a²     overlaps ΔᵀC_aΔ/R_a⁴ and ΔᵀC_bΔ/R_a⁴ (of signal and noise)

    SNR_a = ½ (signal + bias/m) / √(1/(D_a m) + overlap_b/m + overlap_a)            form="leading"
    error_a = ½ erfc(SNR_a/√2)

The margin of a test pattern, ½(abs(x − mean_b)² − abs(x − mean_a)²) with m-example means, has the mean ½(abs(Δ)² +
(R_b² − R_a²)/m). For Gaussian conditions its variance is exactly R_a⁴ times the three terms above and two more, which
form="gaussian" adds:

    tr(C_a C_b)/(R_a⁴ m)  and  (tr C_a² + tr C_b²)/(2 R_a⁴ m²).

The error takes the margin as Gaussian, which it is not quite: it is quadratic in Gaussians. In simulated learning of
Gaussian conditions (D 3 to 50, signal 0.09 and 1, m 1 to 20, also with unequal radii and graded spectra) the error lies
within 0.015 of that of the Gaussian form, and up to 0.06 above that of the leading form, which leaves out noise that
the two conditions share. The leading form is written from memory of the paper's main text and is unverified against
its print; the Gaussian form is derived above.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from .dimensionality import covariance_traces
from .distances import squared_euclidean_distance
from .responses import Array, ArrayLike, centred, covariance_matrix, finite, one_of, same_units, trials

FORMS = ("gaussian", "leading")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FewShotGeometry:
    """What few-shot learning sees of two conditions, a (first) and b (second); u is the unit of the responses.

    ``squared_distance`` abs(Δ)² (u²); ``squared_radius_a``, ``_b`` tr C (u²); ``trace_of_square_a``, ``_b`` tr C² (u⁴);
    ``trace_of_product`` tr C_a C_b (u⁴); ``projected_noise_a``, ``_b`` ΔᵀCΔ (u⁴). Properties are of condition a; those
    of b are the properties of :meth:`swapped`.
    """

    squared_distance: float
    squared_radius_a: float
    squared_radius_b: float
    trace_of_square_a: float
    trace_of_square_b: float
    trace_of_product: float
    projected_noise_a: float
    projected_noise_b: float

    def __post_init__(self) -> None:
        for field in ("squared_radius_a", "squared_radius_b", "trace_of_square_a", "trace_of_square_b"):
            if not getattr(self, field) > 0:
                raise ValueError(
                    f"{field} is {getattr(self, field):.6g}, where a manifold with noise has a positive value; use "
                    "more trials, or conditions that vary"
                )

    @property
    def signal(self) -> float:
        """abs(Δ)²/R_a², dimensionless."""
        return self.squared_distance / self.squared_radius_a

    @property
    def bias(self) -> float:
        """R_b²/R_a² − 1, dimensionless."""
        return self.squared_radius_b / self.squared_radius_a - 1

    @property
    def dimension(self) -> float:
        """Participation ratio D_a, dimensionless."""
        return self.squared_radius_a**2 / self.trace_of_square_a

    @property
    def overlaps(self) -> tuple[float, float]:
        """Signal-noise overlaps ΔᵀC_aΔ/R_a⁴ and ΔᵀC_bΔ/R_a⁴, dimensionless."""
        scale = self.squared_radius_a**2
        return self.projected_noise_a / scale, self.projected_noise_b / scale

    def swapped(self) -> FewShotGeometry:
        """The same pair with a and b exchanged."""
        names = [field.name for field in dataclasses.fields(self)]
        other = {"a": "b", "b": "a"}
        return FewShotGeometry(
            **{n: getattr(self, n[:-1] + other[n[-1]] if n[-2:] in ("_a", "_b") else n) for n in names}
        )


def few_shot_geometry(first: ArrayLike, second: ArrayLike) -> FewShotGeometry:
    """Geometry of two conditions for few-shot learning, from their trials.

    Parameters
    ----------
    first, second : array_like, shape (trials, units)
        At least 4 trials each.

    Returns
    -------
    FewShotGeometry
        abs(Δ)², tr C, tr C² and tr C_aC_b are unbiased for any distribution. ΔᵀCΔ is unbiased for Gaussian noise;
        skewed noise leaves a term in its third moments, of order 1/trials. What is divided or rooted (dimension,
        signal, bias, signal-to-noise) has no unbiased estimator.

    Raises
    ------
    ValueError
        Fewer than 4 trials, units that differ, a value that is not finite, conditions that do not vary.
    """
    one, other = trials("first", first, 4), trials("second", second, 4)
    same_units(first=one, second=other)
    traces_a, traces_b = covariance_traces(one), covariance_traces(other)
    residuals_a, residuals_b = centred(one), centred(other)
    difference = one.mean(axis=0) - other.mean(axis=0)
    number_a, number_b = len(one), len(other)
    product = float(((residuals_a @ residuals_b.T) ** 2).sum()) / ((number_a - 1) * (number_b - 1))
    along_a = float(((residuals_a @ difference) ** 2).sum()) / (number_a - 1)
    along_b = float(((residuals_b @ difference) ** 2).sum()) / (number_b - 1)
    return FewShotGeometry(
        squared_distance=squared_euclidean_distance(one, other),
        squared_radius_a=traces_a.trace,
        squared_radius_b=traces_b.trace,
        trace_of_square_a=traces_a.trace_of_square,
        trace_of_square_b=traces_b.trace_of_square,
        trace_of_product=product,
        projected_noise_a=along_a - traces_a.trace_of_square / number_a - product / number_b,
        projected_noise_b=along_b - traces_b.trace_of_square / number_b - product / number_a,
    )


def few_shot_geometry_of_moments(
    mean_first: ArrayLike, covariance_first: ArrayLike, mean_second: ArrayLike, covariance_second: ArrayLike
) -> FewShotGeometry:
    """Geometry of two conditions for few-shot learning, from known means (units,) and covariances (units, units).

    Raises ValueError for shapes that do not match, values that are not finite, or a matrix that is no covariance.

    >>> import numpy as np
    >>> pair = few_shot_geometry_of_moments([2.0] + [0.0] * 24, np.eye(25), [0.0] * 25, np.eye(25))
    >>> pair.signal, pair.bias, pair.dimension
    (0.16, 0.0, 25.0)
    """
    mean_a, mean_b = finite("mean_first", mean_first, 1, "(units,)"), finite("mean_second", mean_second, 1, "(units,)")
    noise_a = covariance_matrix("covariance_first", covariance_first)
    noise_b = covariance_matrix("covariance_second", covariance_second)
    same_units(mean_first=mean_a, mean_second=mean_b, covariance_first=noise_a, covariance_second=noise_b)
    difference = mean_a - mean_b
    return FewShotGeometry(
        squared_distance=float(difference @ difference),
        squared_radius_a=float(np.trace(noise_a)),
        squared_radius_b=float(np.trace(noise_b)),
        trace_of_square_a=float((noise_a**2).sum()),
        trace_of_square_b=float((noise_b**2).sum()),
        trace_of_product=float((noise_a * noise_b).sum()),
        projected_noise_a=float(difference @ noise_a @ difference),
        projected_noise_b=float(difference @ noise_b @ difference),
    )


def few_shot_snr(geometry: FewShotGeometry, examples: ArrayLike | float, *, form: str = "gaussian") -> Array | float:
    """Signal-to-noise ratio of m-shot prototype learning for test patterns of the first condition.

    Parameters
    ----------
    geometry : FewShotGeometry
    examples : float or array_like
        Examples m of each condition, at least 1; five reactivations are ``examples=5``.
    form : {"gaussian", "leading"}
        All five terms of the variance of the margin, or the three leading ones; see the module's docstring.

    Returns
    -------
    float or ndarray, shape of ``examples``
        Dimensionless. It has no unbiased estimator. Negative where the conditions' bias outweighs their signal.

    Raises
    ------
    ValueError
        Fewer than one example, an unknown form, or an estimated noise that is not positive (too few trials).

    Examples
    --------
    >>> import numpy as np
    >>> pair = few_shot_geometry_of_moments([3.0] + [0.0] * 24, np.eye(25), [0.0] * 25, np.eye(25))
    >>> [round(few_shot_snr(pair, m), 3) for m in (1, 5)]
    [0.467, 0.964]
    """
    one_of("form", form, FORMS)
    number = np.asarray(examples)
    if number.size == 0 or number.dtype.kind not in "iuf" or not (np.isfinite(number) & (number >= 1)).all():
        raise ValueError(f"examples: learning needs at least one example of each condition, got {examples!r}")
    number = number.astype(float)
    scale = geometry.squared_radius_a**2
    overlap_a, overlap_b = geometry.overlaps
    variance = 1 / (geometry.dimension * number) + overlap_b / number + overlap_a
    if form == "gaussian":
        own = geometry.trace_of_square_a + geometry.trace_of_square_b
        variance = variance + geometry.trace_of_product / (scale * number) + own / (2 * scale * number**2)
    if not (variance > 0).all():
        raise ValueError(
            f"the estimated noise variance of the margin is {float(variance.min()):.6g} (in units of R⁴), not positive;"
            " use more trials"
        )
    ratio = (geometry.signal + geometry.bias / number) / (2 * np.sqrt(variance))
    return float(ratio) if number.ndim == 0 else ratio


def few_shot_error(geometry: FewShotGeometry, examples: ArrayLike | float, *, form: str = "gaussian") -> Array | float:
    """Probability that m-shot prototype learning errs, averaged over test patterns of the two conditions.

    Parameters and errors as in :func:`few_shot_snr`. Returns a float or an array of the shape of ``examples``, between
    0 and 1; chance is ½.
    """
    errors = np.zeros(np.shape(examples))
    for pair in (geometry, geometry.swapped()):
        ratio = np.asarray(few_shot_snr(pair, examples, form=form))
        errors = errors + np.vectorize(math.erfc, otypes=[float])(ratio / math.sqrt(2)) / 4
    return float(errors) if errors.ndim == 0 else errors
