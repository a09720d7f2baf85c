"""Associative choice among m alternatives, with confidence and guessing.

    R_k = Φ(aS − c_k)                           recollected with confidence at least k; c_high > c_low
    otherwise a guess: correct with probability 1/m (``chance``), of high confidence with probability g

    P(correct, high) = R_high + (1 − R_low) g/m
    P(correct, low)  = R_low − R_high + (1 − R_low)(1 − g)/m
    P(error, high)   = (1 − R_low) g (1 − 1/m)
    P(error, low)    = (1 − R_low)(1 − g)(1 − 1/m)

What is recollected is correct. A trace of zero strength is still recollected with probability Φ(−c_low): keep
c_low well above zero where chance performance is meant. Threshold recollection with a guess otherwise, its
threshold crossed with normal noise, after Macmillan & Creelman, *Detection Theory: A User's Guide*, 2nd
edition (2005); the confidence of guesses is our own assumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..parameter import parameter
from . import distributions
from .normal import cumulative, interval
from .observations import check_counts, check_shapes, check_size, check_strength, check_successes
from .response import Response


@dataclass(frozen=True, kw_only=True)
class AssociativeChoice(Response):
    """Choice of the studied associate among m alternatives: ``chance`` 0.5 for two, 0.25 for four.

    Examples
    --------
    >>> from engram.recall import AssociativeChoice
    >>> four = AssociativeChoice(chance=0.25)
    >>> four.predict(0.5).round(3)
    array([0.417, 0.352, 0.046, 0.185])
    >>> float(four.proportion(0.5, "correct_high").round(3))
    0.417
    """

    kind: ClassVar[str] = "choice"
    outcomes: ClassVar[tuple[str, ...]] = ("correct_high", "correct_low", "error_high", "error_low")
    scores: ClassVar[dict[str, tuple[str, ...]]] = {
        "correct": ("correct_high", "correct_low"),
        "correct_high": ("correct_high",),
        "correct_low": ("correct_low",),
        "high": ("correct_high", "error_high"),
    }
    score_names: ClassVar[tuple[str, ...]] = tuple(scores)

    sensitivity: float = parameter(
        5.0, unit="1", bounds=(0.0, 50.0), symbol="a", source="assumed", verified=False,
        description="evidence for the associate from a memory of strength 1, in units of its noise",
    )  # fmt: skip
    criterion_high: float = parameter(
        2.75, unit="1", bounds=(-10.0, 30.0), symbol="c_high", source="assumed", verified=False,
        description="evidence above which the associate is recollected with high confidence",
    )  # fmt: skip
    gap_low: float = parameter(
        0.75, unit="1", bounds=(1e-3, 10.0), symbol="c_high − c_low", source="assumed", verified=False,
        description="from the high-confidence criterion down to that of any recollection",
    )  # fmt: skip
    chance: float = parameter(
        0.5, unit="1", bounds=(0.0, 1.0), symbol="1/m", source="design: one over the number of alternatives",
        verified=True, description="probability that a guess is correct",
    )  # fmt: skip
    guess_confidence_high: float = parameter(
        0.2, unit="1", bounds=(0.0, 1.0), symbol="g", source="assumed", verified=False,
        description="probability that a guess is given high confidence",
    )  # fmt: skip

    def predict(self, strength: ArrayLike) -> NDArray[Any]:
        """Probability of each outcome.

        Parameters
        ----------
        strength : array_like, shape S
            Memory strength (dimensionless, finite).

        Returns
        -------
        numpy.ndarray, shape S + (4,)
            Correct with high confidence, correct with low, error with high, error with low; sums to 1.

        Raises
        ------
        ValueError
            Where a strength is NaN or infinite.
        """
        evidence = self.sensitivity * check_strength(strength) - self.criterion_high
        high = cumulative(evidence)
        low = interval(evidence, evidence + self.gap_low)
        guess = cumulative(-(evidence + self.gap_low))
        lucky, unlucky = guess * self.chance, guess * (1 - self.chance)
        sure, unsure = self.guess_confidence_high, 1 - self.guess_confidence_high
        outcomes = [high + lucky * sure, low + lucky * unsure, unlucky * sure, unlucky * unsure]
        return np.stack(outcomes, axis=-1)

    def proportion(self, strength: ArrayLike, score: str = "correct") -> NDArray[Any]:
        """Expected proportion of items with a score.

        Parameters
        ----------
        strength : array_like, shape S
            Memory strength.
        score : {"correct", "correct_high", "correct_low", "high"}
            Correct at any confidence; correct and of high confidence; correct and of low; of high confidence.

        Returns
        -------
        numpy.ndarray, shape S
        """
        return self._split(self.predict(strength), score)[0]

    def _score(self, strength: ArrayLike, name: str) -> NDArray[Any]:
        return self.proportion(strength, name)

    def log_likelihood(
        self, observed: ArrayLike, strength: ArrayLike, n: ArrayLike | None = None, *, constant: bool = True
    ) -> NDArray[Any]:
        """Multinomial log-likelihood of the four outcomes.

        Parameters
        ----------
        observed : array_like, shape S + (4,)
            Number of items with each outcome, in the order of ``outcomes``.
        strength : array_like, shape S
            Memory strength.
        n : array_like, optional
            Number of items; only checked against the sum of the counts.
        constant : bool
            Whether to include the log of the multinomial coefficient, which depends on the counts alone.

        Returns
        -------
        numpy.ndarray, shape S
            −inf where an outcome of probability zero was observed.

        Raises
        ------
        ValueError
            Where a count is negative, fractional or missing, a strength not finite, or the shapes disagree.
        """
        counts = check_counts(observed, self.outcomes, n)
        probabilities = self.predict(strength)
        check_shapes(counts=counts[..., 0], strength=probabilities[..., 0])
        return distributions.multinomial(counts, distributions.log(probabilities), constant)

    def score_log_likelihood(
        self,
        observed: ArrayLike,
        strength: ArrayLike,
        n: ArrayLike,
        *,
        score: str = "correct",
        constant: bool = True,
    ) -> NDArray[Any]:
        """Binomial log-likelihood where only one score was counted (see :meth:`proportion`).

        ``observed`` of ``n`` items had the score; both broadcast against strength. ``constant`` includes the
        log of the binomial coefficient.
        """
        size = check_size(n, smallest=0)
        successes = check_successes(observed, size, "observed")
        success, failure = self._split(self.predict(strength), score)
        check_shapes(observed=successes, strength=success)
        logs = distributions.log(success), distributions.log(failure)
        return distributions.binomial(successes, size, *logs, constant)

    def simulate(self, strength: ArrayLike, n: ArrayLike, rng: np.random.Generator) -> NDArray[Any]:
        """Counts of the four outcomes for ``n`` items.

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
        numpy.ndarray of int, shape S + (4,)
        """
        strength = check_strength(strength, complex_too=False)
        return distributions.draw_multinomial(self.predict(strength), n, rng)

    def _split(self, probabilities: NDArray[Any], score: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Probability of a score, and of its absence, each a sum of outcomes."""
        if score not in self.scores:
            raise ValueError(f"score is {score!r}; give one of {', '.join(map(repr, self.scores))}")
        counted = np.array([outcome in self.scores[score] for outcome in self.outcomes])
        return probabilities[..., counted].sum(axis=-1), probabilities[..., ~counted].sum(axis=-1)
