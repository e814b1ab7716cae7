"""Work on many files by threads, results in order, ended at once when the reader stops."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from allconv.errors import Error

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4  # results waiting for their turn, for each thread


def in_order(
    work: Callable[[T], R], items: Iterable[T], threads: int | None = None
) -> Generator[R | Error, None, None]:
    """work(item) for each item, in order; an `Error` of ours that it raises takes its place.

    Pillow lets go of the interpreter while it decodes, so threads (by default one for each CPU that
    this process may use) do run side by side. Few items are begun before their turn, so closing the
    generator waits for those only.
    """

    def attempt(item: T) -> R | Error:
        try:
            return work(item)
        except Error as error:
            return error

    workers = threads or _usable_cpus()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="allconv-decode")
    waiting: deque[Future[R | Error]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(attempt, item))
            if len(waiting) > workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
