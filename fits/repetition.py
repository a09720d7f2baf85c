"""Independent repetitions in threads: kept as they end, resumed where they stopped, given up at an interrupt."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from .objective import Objective

Row = dict[str, Any]

#: From its number, and a function through which it announces each objective it works with, to rows and evaluations.
Task = Callable[[int, Callable[[Objective], Objective]], tuple[list[Row], int]]


def repeat(
    task: Task,
    n: int,
    *,
    workers: int | None = None,
    keep: Callable[[int, list[Row]], Any] | None = None,
    done: Mapping[int, list[Row]] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> list[list[Row]]:
    """The rows of repetitions 0 to n − 1, in order.

    Parameters
    ----------
    task : callable
    n : int
    workers : int, optional
        Threads (all processors by default).
    keep : callable, optional
        Called in the calling thread with the number and the rows of each repetition as it ends.
    done : mapping, optional
        Rows of repetitions that need not run.
    progress : callable, optional
        Called with the evaluations of each repetition as it ends.
    """
    results = {number: list(rows) for number, rows in (done or {}).items() if number < n}
    working: dict[int, Objective] = {}
    stopped = threading.Event()

    def adopt(objective: Objective) -> Objective:
        working[threading.get_ident()] = objective
        objective.stopped = stopped.is_set()
        return objective

    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        futures = {pool.submit(task, number, adopt): number for number in range(n) if number not in results}
        try:
            for future in as_completed(futures):
                rows, evaluations = future.result()
                results[futures[future]] = rows
                if keep is not None:
                    keep(futures[future], rows)
                if progress is not None:
                    progress(evaluations)
        except BaseException:  # an interrupt must not wait for the searches that still run
            stopped.set()
            for objective in list(working.values()):
                objective.stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [results[number] for number in range(n)]
