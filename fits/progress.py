"""Progress of long work on standard error: which part, evaluations a second, time left; and what each part took."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


class Progress:
    """A bar over all the work, on a terminal; one line a part elsewhere.

    Parameters
    ----------
    total : float
        All the work, in any unit.

    Attributes
    ----------
    seconds : dict of str to float
        What each part took (s), in the order in which they ended.
    """

    def __init__(self, total: float) -> None:
        self.seconds: dict[str, float] = {}
        self._terminal = sys.stderr.isatty()
        self._evaluations = 0
        self._weight = 1.0
        self._steps = 1
        self._began = time.perf_counter()
        shape = "{percentage:3.0f}% |{bar}| {elapsed}, {remaining} left, {desc}{postfix}"
        self._bar = tqdm(total=total, file=sys.stderr, disable=not self._terminal, leave=False, bar_format=shape)
        self._closed = threading.Event()
        if self._terminal:
            threading.Thread(target=self._tick, daemon=True).start()

    @contextmanager
    def part(self, name: str, weight: float = 0.0, steps: int = 1) -> Iterator[None]:
        """Name what happens while the block lasts; ``steps`` calls of :meth:`finished` make up its ``weight``."""
        self._weight = weight / steps
        self._steps = steps
        self._evaluations = 0
        self._began = began = time.perf_counter()
        self._bar.set_description_str(name, refresh=False)
        self._bar.set_postfix_str("", refresh=True)
        yield
        self.seconds[name] = time.perf_counter() - began
        if not self._terminal:
            print(f"{name}: {self.seconds[name]:.1f} s", file=sys.stderr, flush=True)

    def finished(self, evaluations: int = 0) -> None:
        """One step of the part has ended, after this many evaluations."""
        self._evaluations += evaluations
        if self._evaluations:
            rate = self._evaluations / max(time.perf_counter() - self._began, 1e-9)
            self._bar.set_postfix_str(f"{rate:.0f} evaluations/s", refresh=False)
        if self._steps > 0:  # steps kept from an interrupted run may be told twice
            self._steps -= 1
            self._bar.update(self._weight)

    def close(self) -> None:
        """Take the bar away."""
        self._closed.set()
        self._bar.close()

    def _tick(self) -> None:
        """Let the clock of the bar run on between steps."""
        while not self._closed.wait(1.0):
            self._bar.refresh()
