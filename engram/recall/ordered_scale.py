"""Signal detection with ordered criteria, for an old/new scale of any number of levels.

    old item   x ~ N(a·S, σ²)        S memory strength, a sensitivity
    lure       x ~ N(δ, 1)           δ lure shift (0, or above it for lures of a studied category)
    response   the strictest level k with x > c_k;   c_1 > c_2 > … > c_(n−1)

    P(level 1) = Φ((aS − c_1)/σ)
    P(level k) = Φ((c_(k−1) − aS)/σ) − Φ((c_k − aS)/σ)
    P(level n) = Φ((c_(n−1) − aS)/σ)

The strictest criterion and the gaps below it, all positive, are the parameters, so the order holds by
construction. Source: Macmillan & Creelman, *Detection Theory: A User's Guide*, 2nd edition (2005), chapter 3.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..parameter import parameter
from . import distributions
from .normal import cumulative, interval, log_cumulative, log_interval
from .observations import check_counts, check_shapes, check_strength
from .response import LURE, Response


@dataclasses.dataclass(frozen=True, kw_only=True)
class OrderedScale(Response):
    """The scale that ``OrderedConfidence`` makes concrete with four levels.

    A scale of n levels is a subclass that names its ``outcomes`` (levels, strictest old response first), its
    ``old_levels`` (how sure an old response is, strictest first) and declares n − 1 parameters: one whose
    name begins with ``criterion_``, then n − 2 whose names begin with ``gap_``.
    """

    old_levels: ClassVar[tuple[str, ...]]

    sensitivity: float = parameter(
        3.0, unit="1", bounds=(0.0, 50.0), symbol="a", source="assumed", verified=False,
        description="distance between old and new evidence for a memory of strength 1",
    )  # fmt: skip
    sd_old: float = parameter(
        1.0, unit="1", bounds=(0.1, 10.0), symbol="σ", verified=False,
        source="assumed (equal variance); item recognition gives about 1.25, doi:10.1037/0033-295X.99.3.518",
        description="standard deviation of the evidence of an old item; that of a lure is 1",
    )  # fmt: skip
    lure_shift: float = parameter(
        0.0, unit="1", bounds=(-5.0, 5.0), symbol="δ", source="assumed", verified=False,
        description="mean evidence of a lure",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        criteria = np.real(self.criteria)
        if len(criteria) != len(self.outcomes) - 1:
            raise TypeError(
                f"{type(self).__name__} has {len(self.outcomes)} levels and {len(criteria)} criteria; a "
                f"scale of n levels (outcomes) needs one criterion_ parameter and n - 2 gap_ parameters"
            )
        if np.any(np.diff(criteria) >= 0):
            raise ValueError(
                f"{type(self).__name__} has the criteria {criteria.tolist()}; they must fall from the "
                f"strictest on: give every gap a positive value"
            )

    @property
    def criteria(self) -> NDArray[Any]:
        """The criteria in units of lure evidence, strictest first, shape (n_levels − 1,)."""
        names = [field.name for field in dataclasses.fields(self)]
        first = [getattr(self, name) for name in names if name.startswith("criterion_")]
        gaps = [getattr(self, name) for name in names if name.startswith("gap_")]
        return np.cumsum(np.array(first + [-gap for gap in gaps]))

    def probabilities(self, strength: ArrayLike) -> NDArray[Any]:
        """Probability of each level for an old item.

        Parameters
        ----------
        strength : array_like, shape S
            Memory strength (dimensionless, finite).

        Returns
        -------
        numpy.ndarray, shape S + (n_levels,)
            In the order of ``outcomes``; the last axis sums to 1.

        Raises
        ------
        ValueError
            Where a strength is NaN or infinite.
        """
        return _level_probabilities(self._old_scores(strength))

    def predict(self, strength: ArrayLike) -> NDArray[Any]:
        """The same as ``probabilities``."""
        return self.probabilities(strength)

    def lure_probabilities(self) -> NDArray[Any]:
        """Probability of each level for a lure, shape (n_levels,)."""
        return _level_probabilities(self.criteria - self.lure_shift)

    def hit_rate(self, strength: ArrayLike, level: str) -> NDArray[Any]:
        """Probability that an old item is called old at least as surely as ``level``, shape S."""
        return cumulative(-self._old_scores(strength)[..., self._old_index(level)])

    def false_alarm_rate(self, level: str) -> NDArray[Any]:
        """Probability that a lure is called old at least as surely as ``level``, a scalar."""
        return cumulative(self.lure_shift - self.criteria[self._old_index(level)])

    def corrected_recognition(self, strength: ArrayLike, level: str) -> NDArray[Any]:
        """Hit rate minus false-alarm rate at ``level``.

        Parameters
        ----------
        strength : array_like, shape S
            Memory strength.
        level : str
            One of ``old_levels``: how sure an old response must be to count.

        Returns
        -------
        numpy.ndarray, shape S
            Between −1 and 1.

        Raises
        ------
        ValueError
            Where the level is unknown or a strength is not finite.
        """
        return self.hit_rate(strength, level) - self.false_alarm_rate(level)

    def d_prime(self, strength: ArrayLike) -> NDArray[Any]:
        """Distance between old and lure evidence in units of their root-mean-square spread.

        This is d_a = (aS − δ)·√(2/(1 + σ²)), which is d′ where the variances are equal (Macmillan & Creelman
        2005).
        """
        distance = self.sensitivity * check_strength(strength) - self.lure_shift
        return distance * np.sqrt(2 / (1 + self.sd_old**2))

    def score(self, strength: ArrayLike, name: str) -> NDArray[Any]:
        """As :meth:`Response.score`; ``"lure: "`` before an outcome asks for its probability for a lure."""
        outcome = name.removeprefix(LURE)
        if name != outcome and outcome in self.outcomes:
            return np.full(np.shape(strength), self.lure_probabilities()[self.outcomes.index(outcome)])
        return super().score(strength, name)

    def _score(self, strength: ArrayLike, name: str) -> NDArray[Any]:
        if name == "d_prime":
            return self.d_prime(strength)
        what, level = name.rsplit("_", 1)
        if what == "false_alarm":
            return np.full(np.shape(strength), self.false_alarm_rate(level))
        return self.hit_rate(strength, level) if what == "hit" else self.corrected_recognition(strength, level)

    def log_likelihood(
        self, observed: ArrayLike, strength: ArrayLike, n: ArrayLike | None = None, *, constant: bool = True
    ) -> NDArray[Any]:
        """Multinomial log-likelihood of the responses to old items.

        Parameters
        ----------
        observed : array_like, shape S + (n_levels,)
            How many items were given each level, whole numbers in the order of ``outcomes``.
        strength : array_like, shape S
            Memory strength.
        n : array_like, optional
            Number of items; only checked against the sum of the counts.
        constant : bool
            Whether to include the log of the multinomial coefficient, which depends on the counts alone.

        Returns
        -------
        numpy.ndarray, shape S
            One value a row of counts; finite. Sum it for the total.

        Raises
        ------
        ValueError
            Where a count is negative, fractional or missing, a strength not finite, or the shapes disagree.
        """
        counts = check_counts(observed, self.outcomes, n)
        scores = self._old_scores(strength)
        check_shapes(counts=counts[..., 0], strength=scores[..., 0])
        return distributions.multinomial(counts, _log_level_probabilities(scores), constant)

    def lure_log_likelihood(self, observed: ArrayLike, *, constant: bool = True) -> NDArray[Any]:
        """Multinomial log-likelihood of the responses to lures: counts S + (n_levels,), result S."""
        counts = check_counts(observed, self.outcomes)
        log_probability = _log_level_probabilities(self.criteria - self.lure_shift)
        return distributions.multinomial(counts, log_probability, constant)

    def simulate(self, strength: ArrayLike, n: ArrayLike, rng: np.random.Generator) -> NDArray[Any]:
        """Counts of each level for ``n`` old items.

        Parameters
        ----------
        strength : array_like, shape S
            Memory strength, real.
        n : array_like
            Number of items; broadcasts against strength.
        rng : numpy.random.Generator
            Where the randomness comes from.

        Returns
        -------
        numpy.ndarray of int, shape S + (n_levels,)
        """
        strength = check_strength(strength, complex_too=False)
        return distributions.draw_multinomial(self.probabilities(strength), n, rng)

    def simulate_lures(self, n: ArrayLike, rng: np.random.Generator) -> NDArray[Any]:
        """Counts of each level for ``n`` lures, shape of n + (n_levels,)."""
        return distributions.draw_multinomial(self.lure_probabilities(), n, rng)

    def _old_scores(self, strength: ArrayLike) -> NDArray[Any]:
        """The criteria as standard scores of an old item's evidence, shape S + (n_levels − 1,)."""
        strength = check_strength(strength)
        return (self.criteria - self.sensitivity * strength[..., np.newaxis]) / self.sd_old

    def _old_index(self, level: str) -> int:
        if level not in self.old_levels:
            raise ValueError(f"level is {level!r}; give one of {', '.join(map(repr, self.old_levels))}")
        return self.old_levels.index(level)


def _level_probabilities(scores: NDArray[Any]) -> NDArray[Any]:
    strictest, laxest = scores[..., :1], scores[..., -1:]
    between = interval(scores[..., 1:], scores[..., :-1])
    return np.concatenate([cumulative(-strictest), between, cumulative(laxest)], axis=-1)


def _log_level_probabilities(scores: NDArray[Any]) -> NDArray[Any]:
    strictest, laxest = scores[..., :1], scores[..., -1:]
    between = log_interval(scores[..., 1:], scores[..., :-1])
    return np.concatenate([log_cumulative(-strictest), between, log_cumulative(laxest)], axis=-1)
