"""Slow oracle of the response types: integrals and trials written from what each response is said to be.

Nothing here uses the normal distribution function: probabilities are areas under a density, found by
quadrature, or frequencies of single trials played out one after another.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.integrate import quad

FAR = 12.0  # standard deviations after which a normal density is nothing


def normal_density(x: float, mean: float = 0.0, sd: float = 1.0) -> float:
    return math.exp(-((x - mean) ** 2) / (2 * sd**2)) / (sd * math.sqrt(2 * math.pi))


def area(low: float, high: float, mean: float = 0.0, sd: float = 1.0) -> float:
    """Area under a normal density between two evidence values."""
    low, high = max(low, mean - FAR * sd), min(high, mean + FAR * sd)
    if low >= high:
        return 0.0
    cuts = [mean] if low < mean < high else None
    return quad(normal_density, low, high, (mean, sd), points=cuts, epsabs=1e-14, epsrel=1e-12, limit=200)[0]


def scale_probabilities(criteria: Sequence[float], mean: float, sd: float) -> list[float]:
    """Share of the evidence that falls between neighbouring criteria, the strictest level first."""
    edges = [math.inf, *criteria, -math.inf]
    return [area(low, high, mean, sd) for high, low in itertools.pairwise(edges)]


def scale_trials(
    criteria: Sequence[float], mean: float, sd: float, trials: int, rng: np.random.Generator
) -> list[float]:
    """Frequency of each level in single trials: draw the evidence, take the first criterion it exceeds."""
    counts = [0] * (len(criteria) + 1)
    for evidence in rng.normal(mean, sd, trials):
        level = 0
        while level < len(criteria) and evidence <= criteria[level]:
            level += 1
        counts[level] += 1
    return [count / trials for count in counts]


def choice_probabilities(
    evidence: float, criterion_high: float, criterion_low: float, alternatives: int, guess_high: float
) -> dict[str, float]:
    """The four outcomes of an associative choice, every branch of the tree of one trial added up."""
    outcomes = dict.fromkeys(("correct_high", "correct_low", "error_high", "error_low"), 0.0)
    outcomes["correct_high"] += area(criterion_high, math.inf, evidence)
    outcomes["correct_low"] += area(criterion_low, criterion_high, evidence)
    nothing = area(-math.inf, criterion_low, evidence)
    for alternative in range(alternatives):
        answer = "correct" if alternative == 0 else "error"
        outcomes[f"{answer}_high"] += nothing * guess_high / alternatives
        outcomes[f"{answer}_low"] += nothing * (1 - guess_high) / alternatives
    return outcomes


def choice_trials(
    evidence: float,
    criterion_high: float,
    criterion_low: float,
    alternatives: int,
    guess_high: float,
    trials: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Frequency of the four outcomes in single trials."""
    outcomes = dict.fromkeys(("correct_high", "correct_low", "error_high", "error_low"), 0.0)
    for _ in range(trials):
        felt = evidence + rng.standard_normal()
        if felt > criterion_low:
            answer, confidence = "correct", "high" if felt > criterion_high else "low"
        else:
            answer = "correct" if rng.integers(alternatives) == 0 else "error"
            confidence = "high" if rng.random() < guess_high else "low"
        outcomes[f"{answer}_{confidence}"] += 1 / trials
    return outcomes


def recall_probability(sensitivity: float, strength: float, threshold: float) -> float:
    return area(threshold, math.inf, sensitivity * strength)


def freezing_percent(floor: float, ceiling: float, sensitivity: float, strength: float, threshold: float) -> float:
    """Average over noisy animals that freeze at the ceiling above their threshold, else at the floor."""
    above = area(threshold, math.inf, sensitivity * strength)
    return ceiling * above + floor * (1 - above)


def field_potential_percent(early_weight: float, late_weight: float, resting_weight: float) -> float:
    """Total weight w = h + h_0 z in percent of its resting value h_0 (doi:10.1038/s42003-021-01778-y)."""
    return 100 * (early_weight + resting_weight * late_weight) / resting_weight


def multinomial_log_likelihood(counts: Sequence[int], probabilities: Sequence[float]) -> float:
    """Log of the number of orders of the trials times the probability of one order."""
    orders = math.factorial(sum(counts))
    for count in counts:
        orders //= math.factorial(count)
    one_order = sum(math.log(p) for count, p in zip(counts, probabilities, strict=True) for _ in range(count))
    return math.log(orders) + one_order


def mean_density(observed: float, n: int, density: Callable[[float], float], low: float, high: float) -> float:
    """Density of the mean of ``n`` (1, 2 or 3) independent draws, by convolving their density with itself."""
    if n == 1:
        return density(observed)

    def of_sum(total: float, terms: int) -> float:
        if terms == 1:
            return density(total)

        def first_then_rest(x: float) -> float:
            return density(x) * of_sum(total - x, terms - 1)

        return quad(first_then_rest, low, high, epsabs=1e-13, limit=200)[0]

    return n * of_sum(n * observed, n)
