"""Threads for the large operations only.

Between two large matrix products lie dozens of small steps. On a busy machine threads that must meet after each of
them wait longer than they work, so these run on one thread and only large operations call the others in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import torch

from didlearn.parallel import in_threads, single_threaded

T = TypeVar("T")
R = TypeVar("R")
W = TypeVar("W")
_ALLOWED: ContextVar[int] = ContextVar("allowed", default=1)


@contextmanager
def few_threads() -> Iterator[None]:
    """Run on one thread, except within ``all_threads``."""
    token = _ALLOWED.set(torch.get_num_threads())
    try:
        with single_threaded():
            yield
    finally:
        _ALLOWED.reset(token)


@contextmanager
def all_threads() -> Iterator[None]:
    """Run a large operation on the threads that were allowed outside."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(before, _ALLOWED.get()))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def share(function: Callable[[T], R], parts: Iterable[T]) -> list[R]:
    """Apply a function to each part, the parts spread over the threads that were allowed outside, in order."""
    return list(in_threads(function, list(parts), _ALLOWED.get()))


class Workers(Generic[W]):
    """What threads work with that only one of them may use at a time: as many are made as there are threads."""

    def __init__(self, make: Callable[[], W]) -> None:
        self._make = make
        self._idle: SimpleQueue[W] = SimpleQueue()

    def share(self, function: Callable[[W, T], R], parts: Iterable[T]) -> list[R]:
        """Apply a function to one of them and to each part, the parts spread over the threads, in order."""

        def one(part: T) -> R:
            try:
                worker = self._idle.get_nowait()
            except Empty:
                worker = self._make()
            with torch.inference_mode():
                result = function(worker, part)
            self._idle.put(worker)
            return result

        return share(one, parts)


def slices(start: int, stop: int, step: int) -> list[slice]:
    """Cut a range into consecutive slices."""
    return [slice(a, min(a + step, stop)) for a in range(start, stop, step)]
