"""Free recall: an item comes to mind when its noisy strength passes a threshold.

    P(recalled) = Φ(aS − θ)

Source of the form: Macmillan & Creelman, *Detection Theory: A User's Guide*, 2nd edition (2005), one
criterion on normal evidence. Items are recalled independently of one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..parameter import parameter
from . import distributions
from .normal import cumulative, log_cumulative
from .observations import check_generator, check_shapes, check_size, check_strength, check_successes
from .response import Response


@dataclass(frozen=True, kw_only=True)
class Recall(Response):
    """Free recall of items, counted.

    Examples
    --------
    >>> from engram.recall import Recall
    >>> Recall(sensitivity=4.0, threshold=1.5).probability([0.0, 0.375, 0.75]).round(3)
    array([0.067, 0.5  , 0.933])
    """

    kind: ClassVar[str] = "free_recall"
    score_names: ClassVar[tuple[str, ...]] = ("recalled",)

    sensitivity: float = parameter(
        4.0, unit="1", bounds=(0.0, 50.0), symbol="a", source="assumed", verified=False,
        description="evidence from a memory of strength 1, in units of its noise",
    )  # fmt: skip
    threshold: float = parameter(
        1.5, unit="1", bounds=(-10.0, 30.0), symbol="θ", source="assumed", verified=False,
        description="evidence above which an item is recalled",
    )  # fmt: skip

    def probability(self, strength: ArrayLike) -> NDArray[Any]:
        """Probability of recall, of the shape of strength (dimensionless, finite; else ``ValueError``)."""
        return cumulative(self._evidence(strength))

    def predict(self, strength: ArrayLike) -> NDArray[Any]:
        """The same as ``probability``."""
        return self.probability(strength)

    def log_likelihood(
        self, observed: ArrayLike, strength: ArrayLike, n: ArrayLike, *, constant: bool = True
    ) -> NDArray[Any]:
        """Binomial log-likelihood.

        Parameters
        ----------
        observed : array_like
            Number of items recalled, whole, from 0 to n.
        strength : array_like
            Memory strength; observed, strength and n broadcast against one another to shape S.
        n : array_like
            Number of items studied.
        constant : bool
            Whether to include the log of the binomial coefficient, which depends on the counts alone.

        Returns
        -------
        numpy.ndarray, shape S
            Finite. Sum it for the total.

        Raises
        ------
        ValueError
            Where a count is negative, fractional, missing or above n, a strength not finite, or the shapes
            disagree.
        """
        size = check_size(n, smallest=0)
        recalled = check_successes(observed, size, "observed")
        evidence = self._evidence(strength)
        check_shapes(observed=recalled, strength=evidence)
        logs = log_cumulative(evidence), log_cumulative(-evidence)
        return distributions.binomial(recalled, size, *logs, constant)

    def simulate(self, strength: ArrayLike, n: ArrayLike, rng: np.random.Generator) -> NDArray[Any]:
        """Numbers of items recalled out of ``n``, integers, one for each strength (real) and n."""
        probability = self.probability(check_strength(strength, complex_too=False))
        size = check_size(n, smallest=0)
        check_shapes(strength=probability, n=size)
        return np.asarray(check_generator(rng).binomial(size.astype(np.int64), probability))[()]

    def _evidence(self, strength: ArrayLike) -> NDArray[Any]:
        return self.sensitivity * check_strength(strength) - self.threshold
