"""A measured mean over n animals or slices, normally distributed about the prediction.

    mean ~ N(prediction, sd²/n),   sd the spread across animals or slices

The normal distribution knows no limits: a simulated mean may fall a little outside those of the measurement.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import distributions
from .observations import (
    check_generator,
    check_measured,
    check_shapes,
    check_size,
    check_spread,
    check_strength,
)
from .response import Response


class MeanWithError(Response):
    """What freezing and field potentials share; a subclass adds ``predict`` and a parameter ``sd``."""

    sd: float

    def log_likelihood(
        self,
        observed: ArrayLike,
        strength: ArrayLike,
        n: ArrayLike,
        *,
        constant: bool = True,
        sd: ArrayLike | None = None,
    ) -> NDArray[Any]:
        """Gaussian log-likelihood of measured means.

        Parameters
        ----------
        observed : array_like
            Measured means, in ``unit``.
        strength : array_like
            Memory strength; all arrays broadcast against one another to shape S.
        n : array_like
            Number of animals or slices behind each mean, one or more.
        constant : bool
            Whether to include −½ log 2π. The term −log(sd/√n) is always included: sd may be fitted.
        sd : array_like, optional
            Standard deviation across animals reported with the data, in ``unit``, in place of the parameter.
            From a standard error it is error·√n.

        Returns
        -------
        numpy.ndarray, shape S
            One value a mean. Sum it for the total.

        Raises
        ------
        ValueError
            Where an observation or strength is not finite, n below one, sd not positive, or the shapes
            disagree.
        """
        measured, size = check_measured(observed), check_size(n, smallest=1)
        spread = check_spread(self.sd if sd is None else sd)
        prediction = self.predict(strength)
        check_shapes(observed=measured, strength=prediction, n=size, sd=spread)
        return distributions.gaussian(measured, prediction, spread / np.sqrt(size), constant)

    def simulate(self, strength: ArrayLike, n: ArrayLike, rng: np.random.Generator) -> NDArray[Any]:
        """Means over ``n`` animals or slices, in ``unit``; strength (real) and n broadcast to their shape."""
        prediction = self.predict(check_strength(strength, complex_too=False))
        size = check_size(n, smallest=1)
        check_shapes(strength=prediction, n=size)
        return np.asarray(check_generator(rng).normal(prediction, self.sd / np.sqrt(size)))[()]
