"""What this machine multiplies fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import torch

from didlearn.parallel import single_threaded

_PAYS = 0.5  # of the time of a float32 product: below that the conversions are worth it
_ROWS, _WIDTH = 256, 1024  # of the product that is timed: of a smaller one most of the time is spent on the call
_HOPELESS = 4  # times as long: without instructions for it 8 bits take 70 times as long, and need no second look
_REPEATS = 7


@cache
def eight_bit_pays(device: str) -> bool:
    """Return whether products of 8-bit integers are much faster than float32 ones, timed once (VNNI, AMX).

    On other devices than the CPU float32 is used.
    """
    if device != "cpu":
        return False
    numbers = torch.ones(_ROWS, _WIDTH, dtype=torch.int8)
    singles = numbers.float()
    with single_threaded():  # threads that wait for one another say nothing where others use the cores
        single = _least(lambda: singles @ singles.T, _REPEATS)
        try:
            first = _least(lambda: torch._int_mm(numbers, numbers.T), 1)
            if first > _HOPELESS * single:
                return False
            return min(first, _least(lambda: torch._int_mm(numbers, numbers.T), _REPEATS)) < _PAYS * single
        except RuntimeError:  # not built for it
            return False


def _least(product: Callable[[], torch.Tensor], repeats: int) -> float:
    """Return the least processor time of this thread in some repeats: what else runs on the machine does not count."""
    product()
    spent = []
    for _ in range(repeats):
        began = time.thread_time()
        product()
        spent.append(time.thread_time() - began)
    return min(spent)
