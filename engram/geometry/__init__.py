"""Representational geometry of neural populations: dimension, distances, manifolds, few-shot learning, patterns.

Arrays in, numbers out. ``responses`` of one condition have shape (trials, units); several conditions are a sequence
of such arrays, or one of shape (conditions, trials, units). Responses may be rates, conductances or any other
activity: distances are in their unit, everything that is normalised is dimensionless. Every value is a finite real
number; a masked array is an error, for its mask would be lost.

With few trials the obvious formula is biased: noise adds distance and dimension. ``estimator="unbiased"``, the default,
subtracts exactly what noise adds wherever an unbiased estimator exists, and ``"plug-in"`` is the obvious formula:

======================================  ==================================================  =====================
quantity                                unbiased under                                      least trials
======================================  ==================================================  =====================
tr C, (tr C)², tr C²                    any distribution of independent trials              2, 4, 4
squared Euclidean distance              any distribution of independent trials              2 a condition
squared crossnobis distance             any, with a known noise covariance                  2 a condition
squared Mahalanobis distance            Gaussian noise with one covariance for all          trials − conditions
                                                                                            > units + 1 in all
the same, covariance shrunk             never: the shrinkage is a documented bias           2 a condition
ratios (participation ratio,            never: numerator and denominator are unbiased,
expansion factor, signal-to-noise)      the ratio is off by a term of order 1/trials
dimensionality of a variance fraction   never: it is counted on the sample's spectrum       2
======================================  ==================================================  =====================

An unbiased estimate of a squared distance can be negative: it then says that none was seen.
"""

from .dimensionality import (
    CovarianceTraces,
    covariance_traces,
    dimensionality,
    dimensionality_of_covariance,
    manifold_radius,
    participation_ratio,
    participation_ratio_of_covariance,
    signal_participation_ratio,
)
from .distances import (
    ShrunkCovariance,
    distances_to_manifold,
    expansion_factor,
    ledoit_wolf_covariance,
    pattern_discriminability,
    squared_crossnobis_distance,
    squared_distances,
    squared_euclidean_distance,
    squared_mahalanobis_distance,
)
from .few_shot import (
    FewShotGeometry,
    few_shot_error,
    few_shot_geometry,
    few_shot_geometry_of_moments,
    few_shot_snr,
)
from .patterns import (
    BalancedAxis,
    balanced_axis,
    co_tuning,
    local_angles,
    pattern_completion,
    principal_coordinates,
    quadratic_discriminant,
    reconstruction_error,
    template_matching,
    variance_along_components,
)

__all__ = [
    "BalancedAxis", "CovarianceTraces", "FewShotGeometry", "ShrunkCovariance", "balanced_axis", "co_tuning",
    "covariance_traces", "dimensionality", "dimensionality_of_covariance", "distances_to_manifold", "expansion_factor",
    "few_shot_error", "few_shot_geometry", "few_shot_geometry_of_moments", "few_shot_snr", "ledoit_wolf_covariance",
    "local_angles", "manifold_radius", "participation_ratio", "participation_ratio_of_covariance",
    "pattern_completion", "pattern_discriminability", "principal_coordinates", "quadratic_discriminant",
    "reconstruction_error", "signal_participation_ratio", "squared_crossnobis_distance", "squared_distances",
    "squared_euclidean_distance", "squared_mahalanobis_distance", "template_matching", "variance_along_components",
]  # fmt: skip
