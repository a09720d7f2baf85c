"""What a benchmark hands back, and how time is taken.

Times of computations are processor time of the calling thread, so that other programs disturb them little; times of
commands are wall-clock time, which is what a user waits for.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Measurement(NamedTuple):
    """One number; ``target`` is shown beside it (``"<= 2"``), empty where there is none."""

    benchmark: str
    quantity: str
    value: float
    unit: str
    target: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value meets the target; None without one."""
        if not self.target:
            return None
        relation, bound = self.target.split()
        return bool(self.value <= float(bound) if relation == "<=" else self.value >= float(bound))


class Skipped(Exception):
    """A part that cannot be measured here; the message says why."""


def processor_time(call: Callable[[], object], repeats: int = 7) -> float:
    """Median processor time (s) of a call, after one that is not counted."""
    call()
    taken = []
    for _ in range(repeats):
        begin = time.thread_time()
        call()
        taken.append(time.thread_time() - begin)
    return statistics.median(taken)


def wall_time(call: Callable[[], object], repeats: int = 7) -> float:
    """Median wall-clock time (s) of a call, after one that is not counted."""
    call()
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)
