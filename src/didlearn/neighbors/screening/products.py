"""What this machine multiplies fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import torch

_PAYS = 0.5  # of the time of a float32 product: below that the conversions are worth it
_ROWS, _WIDTH = 128, 512  # of the product that is timed: without instructions for it 8 bits take 70 times as long
_REPEATS = 3


@cache
def eight_bit_pays(device: str) -> bool:
    """Return whether products of 8-bit integers are much faster than float32 ones, timed once (VNNI, AMX).

    On other devices than the CPU float32 is used.
    """
    if device != "cpu":
        return False
    numbers = torch.ones(_ROWS, _WIDTH, dtype=torch.int8)
    singles = numbers.float()
    try:
        return _least(lambda: torch._int_mm(numbers, numbers.T)) < _PAYS * _least(lambda: singles @ singles.T)
    except RuntimeError:  # not built for it
        return False


def _least(product: Callable[[], torch.Tensor]) -> float:
    product()
    spent = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        product()
        spent.append(time.perf_counter() - began)
    return min(spent)
