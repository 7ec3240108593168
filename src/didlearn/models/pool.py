"""One model used by several threads: each worker has a copy that shares the weights."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

import torch

from didlearn.models.base import LatentModel
from didlearn.parallel import default_threads, single_threaded

T = TypeVar("T")


def map_models(
    function: Callable[[LatentModel, range], T],
    model: LatentModel,
    count: int,
    *,
    unit: int,
    threads: int | None = None,
    device: str = "cpu",
    advance: Callable[[int], None] | None = None,
) -> list[T]:
    """Apply ``function`` to a copy of the model and each ``unit`` consecutive items of ``range(count)``, in order.

    Each call runs on one thread, so what it computes does not depend on how many there are; ``advance`` is told how
    many items are done. On a device other than the CPU there is one worker.
    """
    units = [range(start, min(start + unit, count)) for start in range(0, count, unit)]
    wanted = default_threads() if threads is None else threads
    models = model.replicas(max(1, min(wanted, len(units)))) if torch.device(device).type == "cpu" else [model]
    idle: SimpleQueue[LatentModel] = SimpleQueue()
    for twin in models:
        idle.put(twin)

    def run(items: range) -> T:
        twin = idle.get()
        try:
            return function(twin, items)
        finally:
            idle.put(twin)

    results: list[T] = []
    with single_threaded(), ThreadPoolExecutor(len(models)) as pool:
        for items, result in zip(units, pool.map(run, units), strict=True):
            results.append(result)
            if advance is not None:
                advance(items.stop)
    return results
