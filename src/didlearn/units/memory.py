"""Less at a time where memory runs out, for work whose answer does not depend on how much of it is done at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
MOST_HALVINGS = 6  # a sixty-fourth of what is usual: with less the work would never end


@dataclass
class Shortage:
    """How often memory ran out, so that half as much was done at a time."""

    halvings: int = 0

    @property
    def note(self) -> str:
        """What to say of it; empty where there was enough."""
        if not self.halvings:
            return ""
        return f"memory ran out, so pairs were looked at in blocks 1/{2**self.halvings} as large, with the same results"


_SHORTAGE: ContextVar[Shortage] = ContextVar("shortage")


@contextmanager
def noted() -> Iterator[Shortage]:
    """Tell how often memory ran out within; what comes after begins with as much as is usual."""
    shortage = Shortage()
    token = _SHORTAGE.set(shortage)
    try:
        yield shortage
    finally:
        _SHORTAGE.reset(token)


def at_once(usual: int) -> int:
    """Return how many of what is usually done at once to do now: half as many each time that memory ran out."""
    shortage = _SHORTAGE.get(None)
    return usual if shortage is None else max(1, usual >> shortage.halvings)


def within_memory(work: Callable[[], T]) -> T:
    """Return what ``work`` does, tried again with half as much at a time where memory runs out.

    Args:
        work: may be done any number of times, and asks ``at_once`` how much to do at a time.

    Raises:
        MemoryError, RuntimeError: it runs out even so; the work's own error.
    """
    shortage = _SHORTAGE.get(None)
    if shortage is None:
        with noted():
            return within_memory(work)
    while True:
        try:
            return work()
        except (MemoryError, RuntimeError) as error:
            if not lacks_memory(error) or shortage.halvings == MOST_HALVINGS:
                raise
        shortage.halvings += 1
        _let_go()


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error says that there was no memory left, of the machine or of a device."""
    said = str(error)
    return isinstance(error, MemoryError) or any(
        words in said for words in ("allocate memory", "bad_alloc", "out of memory")
    )


def _let_go() -> None:
    """Give back what torch keeps of a device's memory for later, where torch is in use."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
