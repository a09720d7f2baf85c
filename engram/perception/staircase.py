"""Staircases: what a published procedure makes of a threshold, in bias and spread.

A staircase lowers the difference after ``down`` correct answers in a row and raises it after a wrong one, by a factor
10^step; it ends after a number of reversals, and the geometric mean of the last of them is its estimate. It converges
to the difference that is answered correctly with p = ½^(1/down) (Levitt 1971, doi:10.1121/1.1912375). The observer
answers with p(δ) = Φ(Φ⁻¹(½^(1/down)) δ/δ_c), the two-interval observer of :mod:`engram.perception.fisher`, so that what
a run makes of its threshold, log(estimate/δ_c), depends on the procedure alone. Its mean (bias) and standard deviation
(spread) are simulated, and enter the likelihood of a published threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._jit import kernel
from .checks import check_count, check_noise

if TYPE_CHECKING:
    import pandas

_LONGEST = 2000


class Behaviour(NamedTuple):
    """What a staircase makes of a threshold, in natural logarithms of estimate over threshold."""

    bias: float  # mean
    spread: float  # standard deviation of one run
    trials: float  # mean length of a run


@dataclass(frozen=True, kw_only=True)
class Staircase:
    """An adaptive procedure with a transformed up-down rule.

    The defaults are those of Xie et al. (eLife RP109416): two-down-one-up, geometric mean of the last 6 of 10
    reversals. Step and start are not in the source and assumed.

    Parameters
    ----------
    down : int
        Correct answers in a row that lower the difference; 2 converges to 70.7 %, 3 to 79.4 % correct.
    step : float
        log10 units by which the difference changes, > 0.
    start : float
        First difference, as a multiple of the threshold.
    reversals, used : int
        Reversals that end a run, and how many of the last are averaged.
    """

    down: int = 2
    step: float = 0.05
    start: float = 3.0
    reversals: int = 10
    used: int = 6

    def __post_init__(self) -> None:
        for name, least in (("down", 1), ("reversals", 1), ("used", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise ValueError(f"Staircase({name}={value!r}): give a whole number of {least} or more")
        if self.used > self.reversals:
            raise ValueError(f"Staircase: the last {self.used} of {self.reversals} reversals cannot be averaged")
        if not 0 < self.step <= 1:
            raise ValueError(f"Staircase(step={self.step!r}): give log10 units above 0 and up to 1, such as 0.05")
        if not 0 < self.start < 1e6:
            raise ValueError(f"Staircase(start={self.start!r}): give a multiple of the threshold above 0")

    @property
    def proportion_correct(self) -> float:
        """Proportion correct to which it converges, ½^(1/down)."""
        return float(0.5 ** (1 / self.down))

    def estimates(self, runs: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Simulated runs: log(estimate/threshold), and the number of trials, (runs,) each.

        Raises
        ------
        ValueError
            A step so small that a run does not end within 2000 trials; runs that are not a whole number of one or
            more; a seed that is not one of zero or more.
        """
        check_count("runs", runs, 1)
        check_count("seed", seed)
        uniform = np.random.default_rng(seed).random((runs, _LONGEST))
        estimate, trials = np.empty(runs), np.empty(runs, np.int64)
        slope = NormalDist().inv_cdf(self.proportion_correct)
        if not slope > 0:
            raise ValueError("a one-down-one-up staircase converges to chance in a two-interval task; use down=2 or 3")
        step = self.step * math.log(10)
        status = _run(
            self.down, step, math.log(self.start), self.reversals, self.used, slope, uniform, estimate, trials
        )
        if status >= 0:
            raise ValueError(
                f"{self}: run {status} did not reach {self.reversals} reversals in {_LONGEST} trials; use a larger step"
            )
        return estimate, trials

    def behaviour(self, runs: int = 4000, seed: int = 1) -> Behaviour:
        """Bias, spread and length of the procedure, from two or more simulated runs (kept for the next call)."""
        check_count("runs", runs, 2)
        check_count("seed", seed)
        return _behaviour(self, runs, seed)

    def log_likelihood(self, observed: float, predicted: float, spread_between: float = 0.0, runs: int = 1) -> float:
        """Log density of log(observed threshold) given the true threshold that a model predicts.

        Normal, with the bias of the procedure and the variance of the mean of ``runs`` runs, to which differences
        between people (``spread_between``, standard deviation of the log threshold) add.

        Raises
        ------
        ValueError
            A threshold that is not a finite number above 0, a spread between people that is negative or not finite,
            runs that are not a whole number of one or more.
        """
        check_noise("spread_between", spread_between)
        check_count("runs", runs, 1)
        for name, value in (("observed", observed), ("predicted", predicted)):
            if not 0 < value < math.inf:
                raise ValueError(f"{name} is {value!r}; give a finite threshold above 0")
        made = self.behaviour()
        spread = math.hypot(made.spread / math.sqrt(runs), spread_between)
        return math.log(NormalDist(math.log(predicted) + made.bias, spread).pdf(math.log(observed)))


def by_step(staircase: Staircase, steps: Sequence[float], runs: int = 4000, seed: int = 1) -> pandas.DataFrame:
    """Bias, spread (natural logarithms) and trials of a procedure against its step (log10 units), one a row."""
    from dataclasses import replace

    import pandas

    rows = [replace(staircase, step=float(step)).behaviour(runs, seed) for step in steps]
    table = pandas.DataFrame(rows, columns=list(Behaviour._fields))
    table.insert(0, "step", [float(step) for step in steps])
    return table


@lru_cache(maxsize=128)
def _behaviour(staircase: Staircase, runs: int, seed: int) -> Behaviour:
    estimate, trials = staircase.estimates(runs, seed)
    return Behaviour(float(estimate.mean()), float(estimate.std(ddof=1)), float(trials.mean()))


@kernel
def _run(
    down: int,
    step: float,
    start: float,
    reversals: int,
    used: int,
    slope: float,
    uniform: Any,
    estimate: Any,
    trials: Any,
) -> int:
    """Run every row of ``uniform``; −1, or the first run that did not end."""
    for run in range(uniform.shape[0]):
        level = start
        in_a_row = 0
        direction = 0
        turned = 0
        total = 0.0
        ended = False
        for trial in range(uniform.shape[1]):
            chance = 0.5 * math.erfc(-slope * math.exp(level) * math.sqrt(0.5))
            move = 0
            if uniform[run, trial] < chance:
                in_a_row += 1
                if in_a_row == down:
                    move = -1
                    in_a_row = 0
            else:
                in_a_row = 0
                move = 1
            if move != 0:
                if direction != 0 and move != direction:
                    turned += 1
                    if turned > reversals - used:
                        total += level
                    if turned == reversals:
                        estimate[run] = total / used
                        trials[run] = trial + 1
                        ended = True
                        break
                direction = move
                level += move * step
        if not ended:
            return run
    return -1
