"""Work split into units of a fixed size, so that the answer does not depend on threads or batch size.

A network's output depends in its last bits on how many images pass through it at once and on how many threads
share a matrix product. Both are therefore fixed here: every forward pass sees ``UNIT`` images and one thread, and
the threads the user allows work on different units. ``batch_size`` says how many images are in flight together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

UNIT = 32
T = TypeVar("T")


def default_threads() -> int:
    """Return the number of CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def unit_ranges(count: int, batch_size: int) -> list[range]:
    """Cut ``count`` images into consecutive units of ``UNIT`` (fewer where the batch size is smaller still)."""
    unit = max(1, min(UNIT, batch_size))
    return [range(start, min(start + unit, count)) for start in range(0, count, unit)]


@contextmanager
def single_threaded() -> Iterator[None]:
    """Run torch's operators on one thread each, and put the setting back."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch's operators and the BLAS library on one thread each: the last bits of an eigenvalue depend on it."""
    with single_threaded(), threadpool_limits(1):
        yield


def map_units(
    function: Callable[[range], T],
    count: int,
    *,
    batch_size: int = 256,
    threads: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> list[T]:
    """Apply ``function`` to each unit of ``range(count)`` and return the results in order.

    Args:
        function: takes the range of indices of one unit.
        count: how many images there are.
        batch_size: images in flight at once: ``batch_size // UNIT`` units, at most ``threads``.
        threads: worker threads; 1 runs everything in the calling thread.
        advance: told the number of images done after each unit.
    """
    units = unit_ranges(count, batch_size)
    threads = default_threads() if threads is None else threads
    workers = max(1, min(threads, batch_size // UNIT, len(units)))
    results: list[T] = []
    with single_threaded():
        if workers == 1:
            stream: Iterator[T] = map(function, units)
            return [_told(result, unit, advance) for result, unit in zip(stream, units, strict=True)]
        with ThreadPoolExecutor(workers) as pool:
            stream = pool.map(function, units)
            results = [_told(result, unit, advance) for result, unit in zip(stream, units, strict=True)]
    return results


def _told(result: T, unit: range, advance: Callable[[int], None] | None) -> T:
    if advance is not None:
        advance(len(unit))
    return result
