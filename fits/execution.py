"""Where long work runs: in threads, or wherever a ``concurrent.futures.Executor`` takes it.

The kernels release the GIL, so that threads are the default. An executor that reaches other machines, such as that of a
Dask cluster (``client.get_executor()``, the extra ``engram[cluster]``), gets tasks that carry all they need, random
seeds included: where a task runs, how often, and in which order, changes no bit. Progress counts what has come back.
"""

from __future__ import annotations

import os
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
)
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from operator import index
from signal import SIG_IGN, SIGINT, signal
from threading import Thread
from typing import Any, TypeAlias

#: Threads (all processors by default), or an executor, which is left open.
Workers: TypeAlias = int | Executor | None

_PATIENCE = 10.0  # seconds without a result after which an executor is asked whether it is still there
_SILENT = 3  # such times in a row, after which a cluster without workers is named
_PAUSE = 0.5  # seconds in which a pool lets go of its tasks


class LostWorkers(RuntimeError):
    """The executor has gone, with tasks unfinished; what had finished was kept where ``keep`` was given."""


def threads(workers: Workers) -> int:
    """How many threads this process may use beside the executor: all it is told, and one where others do the work."""
    if isinstance(workers, Executor):
        return 1
    if workers is None:
        return os.cpu_count() or 1
    if isinstance(workers, bool) or not hasattr(workers, "__index__"):
        raise TypeError(f"workers is {workers!r}; give a whole number, an open executor (an instance, not its class), "
                        "or None for the number of cores")  # fmt: skip
    number = index(workers)
    if number < 1:
        raise ValueError(f"workers is {workers}; give at least 1, an executor, or None for the number of cores")
    return number


@contextmanager
def executor_of(workers: Workers) -> Iterator[Executor]:
    """The executor, or one of threads that ends with the block."""
    if isinstance(workers, Executor):
        yield workers
        return
    with ThreadPoolExecutor(threads(workers)) as pool:
        yield pool


@contextmanager
def processes(workers: int | None = None) -> Iterator[Executor]:
    """An executor of as many processes as there would be threads, for what spends its time in Python.

    They end with the block, at once where it is left by an error or an interrupt, or the program is killed. Each of
    them imports the program that starts it, which therefore does its own work below ``if __name__ == "__main__":``.
    """
    with ProcessPoolExecutor(threads(workers), get_context("spawn"), _begin_process) as pool:
        before = set(active_children())
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            time.sleep(_PAUSE)  # until it has let go of tasks that wait, cancelled ones among them
            for process in set(active_children()) - before:
                process.terminate()
            raise


def _begin_process() -> None:
    """Leaves interrupts to the process that waits for this one, and ends with it."""
    signal(SIGINT, SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def completed(
    function: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
    *,
    workers: Workers = None,
    done: Mapping[int, Any] | None = None,
    keep: Callable[[int, Any], Any] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> list[Any]:
    """``function(*task)`` of every task, in their order.

    Parameters
    ----------
    function : callable
        At the top of a module, where processes are to run it.
    tasks : sequence of tuple
    workers : int or Executor, optional
    done : mapping, optional
        Results that are known, by number.
    keep : callable, optional
        Called here with the number and the result of each task as it ends.
    progress : callable, optional
        Called here with the number of each task that has ended.

    Raises
    ------
    LostWorkers
        The executor has gone, or gave tasks up.
    """
    results = dict(done or {})
    with executor_of(workers) as pool:
        futures: dict[Future[Any], int] = {}
        try:
            for number, task in enumerate(tasks):
                if number not in results:
                    futures[submitted(pool, function, *task)] = number
            for number, result in finished(futures, pool):
                results[number] = result
                if keep is not None:
                    keep(number, result)
                if progress is not None:
                    progress(number)
        except BaseException:
            give_up(pool, futures, own=not isinstance(workers, Executor))
            raise
    return [results[number] for number in range(len(tasks))]


def submitted(pool: Executor, function: Callable[..., Any], *task: Any) -> Future[Any]:
    """The future of a task; ``LostWorkers`` where the executor takes none."""
    try:
        return pool.submit(function, *task)
    except Exception as error:  # executors have no error of their own for it
        raise LostWorkers(
            f"the executor takes no tasks ({_told(error)}); is the cluster still there, and the executor open?"
        ) from error


def give_up(pool: Executor, futures: Iterable[Future[Any]], *, own: bool) -> None:
    """Cancel what has not begun; an executor that was given stays open for its owner."""
    for future in futures:
        future.cancel()
    if own:
        pool.shutdown(wait=False, cancel_futures=True)


def finished(futures: Mapping[Future[Any], int], pool: Executor) -> Iterator[tuple[int, Any]]:
    """Number and result of every task as it ends; ``LostWorkers`` at last, where the executor ended before some did."""
    left = dict(futures)
    reason = "they do not answer"
    for future in _ended(futures, pool):
        try:
            result = future.result()
        except Exception as error:
            if not _lost(error):
                raise
            reason = _told(error)  # others may have ended well, and are handed on first
            continue
        yield left.pop(future), result
    if left:
        guarded = isinstance(pool, ProcessPoolExecutor)
        guard = "; a script that starts processes needs if __name__ == '__main__'" if guarded else ""
        raise LostWorkers(
            f"the workers have gone ({reason}) with {len(left)} of {len(futures)} tasks unfinished; start the cluster "
            "and the run again, which goes on from the finished ones where they are kept (keep and done of functions "
            "that take them, or --resume)"
            f"{guard}"
        )


def _ended(futures: Iterable[Future[Any]], pool: Executor) -> Iterator[Future[Any]]:
    """Futures as they end, until all have or the executor takes no more tasks: one that was closed may tell nobody."""
    waiting = set(futures)
    patience = None if isinstance(pool, ThreadPoolExecutor) else _PATIENCE
    silent, told = 0, False
    while waiting:
        before = len(waiting)
        try:
            for future in as_completed(tuple(waiting), timeout=patience):
                waiting.discard(future)
                yield future
        except TimeoutError:
            try:
                pool.submit(_nothing).cancel()
            except Exception:
                return
            silent = silent + 1 if len(waiting) == before else 0
            if silent >= _SILENT and not told and _without_workers(pool):
                told = True
                warnings.warn("the cluster has no workers yet; waiting for them", RuntimeWarning, stacklevel=2)


def _nothing() -> None:
    """A task that asks whether tasks are taken."""


def _without_workers(pool: Executor) -> bool:
    """Whether a Dask client's executor has a cluster without workers, which may be queued still."""
    client = getattr(pool, "_client", None)  # in no other way does it tell
    try:
        return client is not None and not client.nthreads()
    except Exception:  # no answer: the next task submitted tells whether the scheduler is there
        return False


def in_order(futures: Sequence[Future[Any]], pool: Executor) -> list[Any]:
    """The results of tasks, in their order."""
    found = dict(finished({future: number for number, future in enumerate(futures)}, pool))
    return [found[number] for number in range(len(futures))]


def _lost(error: BaseException) -> bool:
    """Whether a task ended because of its executor and not of itself."""
    if isinstance(error, (CancelledError, BrokenExecutor)) or type(error).__module__.startswith("distributed."):
        return True
    # of a future that was lost Dask's executor unpacks whatever it has, to raise what should be an exception
    frames = list(traceback.walk_tb(error.__traceback__))
    by_dask = bool(frames) and frames[-1][0].f_globals.get("__name__") == "distributed.cfexecutor"
    unpacking = type(error) in (ValueError, TypeError, AttributeError)
    return by_dask and unpacking and any(word in str(error) for word in ("unpack", "with_traceback"))


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ").split("\n")[0]
