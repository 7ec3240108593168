"""One model used by several threads: each worker has a copy that shares the weights."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import torch

from didlearn.parallel import default_threads, map_units

if TYPE_CHECKING:
    from didlearn.models.base import LatentModel

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
    wanted = min(default_threads() if threads is None else threads, -(-count // unit))
    models = model.replicas(max(1, wanted)) if torch.device(device).type == "cpu" else [model]
    idle: SimpleQueue[LatentModel] = SimpleQueue()
    for twin in models:
        idle.put(twin)

    def run(items: range) -> T:
        twin = idle.get()
        try:
            return function(twin, items)
        finally:
            idle.put(twin)

    return map_units(run, count, unit=unit, threads=len(models), advance=advance)
