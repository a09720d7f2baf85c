"""Independent repetitions, in threads or elsewhere: kept as they end, resumed where they stopped, given up at will."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from .execution import Workers, executor_of, finished, give_up, submitted
from .objective import Objective

Row = dict[str, Any]

#: From its number, and a function through which it announces each objective it works with, to rows and evaluations.
Task = Callable[[int, Callable[[Objective], Objective]], tuple[list[Row], int]]


def repeat(
    task: Task,
    n: int,
    *,
    workers: Workers = None,
    keep: Callable[[int, list[Row]], Any] | None = None,
    done: Mapping[int, list[Row]] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> list[list[Row]]:
    """The rows of repetitions 0 to n − 1, in order.

    Parameters
    ----------
    task : callable
    n : int
    workers : int or Executor, optional
        Threads (all processors by default), or what runs the tasks, which must then be functions of a module.
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

    with executor_of(workers) as pool:
        announce = adopt if isinstance(pool, ThreadPoolExecutor) else _unannounced
        futures = {submitted(pool, task, number, announce): number for number in range(n) if number not in results}
        try:
            for number, (rows, evaluations) in finished(futures, pool):
                results[number] = rows
                if keep is not None:
                    keep(number, rows)
                if progress is not None:
                    progress(evaluations)
        except BaseException:  # an interrupt must not wait for the searches that still run
            stopped.set()
            for objective in list(working.values()):
                objective.stopped = True
            give_up(pool, futures, own=not isinstance(workers, Executor))
            raise
    return [results[number] for number in range(n)]


def _unannounced(objective: Objective) -> Objective:
    """Of a task in another process, which nothing here can stop."""
    return objective
