"""Work split into units of a fixed size, so that the answer does not depend on threads or batch size.

A network's output depends in its last bits on how many images pass through it at once and on how many threads
share a matrix product. Both are therefore fixed here: every forward pass sees ``UNIT`` images and one thread, and
the threads the user allows work on different units.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

UNIT = 32
S = TypeVar("S")
T = TypeVar("T")


def default_threads() -> int:
    """Return the number of CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def units_in_flight(batch_size: int, threads: int | None) -> int:
    """Return how many units of a batch may be worked on at once."""
    return max(1, min(default_threads() if threads is None else threads, batch_size // UNIT))


@contextmanager
def single_threaded() -> Iterator[None]:
    """Run torch's operators on one thread each, and put the setting back."""
    import torch  # here: who asks how many threads there are, or where units are done, does not wait for it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch's operators and the BLAS library on one thread each: the last bits of an eigenvalue depend on it."""
    with single_threaded(), limited_blas(1):
        yield


def limited_blas(threads: int) -> AbstractContextManager[None]:
    """Hold the BLAS and OpenMP libraries to so many threads, and put their settings back."""
    limited: AbstractContextManager[None] = _libraries(len(sys.modules)).limit(limits=threads)
    return limited


@lru_cache(maxsize=1)
def _libraries(_modules: int) -> ThreadpoolController:
    """Find the libraries, anew where modules were imported since: looking takes longer than most that is done then."""
    return ThreadpoolController()


def map_units(
    function: Callable[[range], T],
    count: int,
    *,
    unit: int = UNIT,
    threads: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> list[T]:
    """Apply ``function`` to each ``unit`` consecutive items of ``range(count)``; return the results in order.

    Args:
        function: takes the range of indices of one unit, and runs on one thread.
        count: how many items there are.
        threads: worker threads; 1 runs everything in the calling thread.
        advance: told the number of items done after each unit.
    """
    units = [range(start, min(start + unit, count)) for start in range(0, count, unit)]
    results: list[T] = []
    with single_threaded():
        for items, result in zip(units, in_threads(function, units, threads), strict=True):
            results.append(result)
            if advance is not None:
                advance(items.stop)
    return results


def in_threads(function: Callable[[S], T], items: Sequence[S], threads: int | None = None) -> Iterator[T]:
    """Yield ``function(item)`` of each item, in order; what has not begun is dropped when the reader stops."""
    workers = min(default_threads() if threads is None else threads, len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield from pool.map(function, items)
        finally:
            pool.shutdown(cancel_futures=True)
