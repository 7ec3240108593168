"""Images in units of fixed size, each with its own random stream, spread over threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from didlearn.models.base import LatentModel
from didlearn.parallel import default_threads, single_threaded

IMAGES = 8
T = TypeVar("T")


def in_units(
    model: LatentModel,
    count: int,
    work: Callable[[LatentModel, int, slice], T],
    *,
    device: str = "cpu",
    threads: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> list[T]:
    """Apply ``work(model, unit number, images)`` to units of ``IMAGES`` images; results are in order.

    Which thread takes a unit changes nothing: each runs single-threaded operators on its own replica of the model.

    Args:
        model: copied for each thread. count: of images.
        device: units take turns where it is no CPU. threads: at most so many; all CPUs by default.
        advance: told how many images are done.
    """
    units = [slice(start, min(start + IMAGES, count)) for start in range(0, count, IMAGES)]
    workers = min(len(units), default_threads() if threads is None else threads) if device == "cpu" else 1
    replicas: Sequence[LatentModel] = model.replicas(max(1, workers))
    idle: SimpleQueue[LatentModel] = SimpleQueue()
    for replica in replicas:
        idle.put(replica)

    def one(number: int) -> T:
        replica = idle.get()
        try:
            return work(replica, number, units[number])
        finally:
            idle.put(replica)

    results: list[T] = []
    with single_threaded(), ThreadPoolExecutor(len(replicas)) as pool:
        for number, result in enumerate(pool.map(one, range(len(units)))):
            results.append(result)
            if advance is not None:
                advance(units[number].stop)
    return results
