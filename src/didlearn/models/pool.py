"""Units of work through one model: kept ones read, the others done here, by copies that share the weights, or sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol, TypeVar

import torch

from didlearn.errors import TravelError
from didlearn.parallel import default_threads, in_threads, single_threaded
from didlearn.units.cluster import Cluster, current_cluster, spare_processes

if TYPE_CHECKING:
    from didlearn.models.base import LatentModel

T = TypeVar("T")


class UnitStore(Protocol[T]):
    """Where finished units are kept, by the number of their first item."""

    def read(self, unit: int) -> T | None:
        """Return what is kept of a unit, if anything."""

    def write(self, unit: int, made: T) -> None:
        """Keep a unit."""


def map_models(
    function: Callable[[LatentModel, range], T],
    model: LatentModel,
    count: int,
    *,
    unit: int,
    threads: int | None = None,
    device: str = "cpu",
    advance: Callable[[int], None] | None = None,
    records: UnitStore[T] | None = None,
) -> list[T]:
    """Apply ``function`` to a copy of the model and each ``unit`` consecutive items of ``range(count)``, in order.

    Each call runs on one thread, so what it computes does not depend on how many there are, nor on whether it was sent
    to a worker of the cluster. On a device other than the CPU there is one worker here.

    Args:
        function: of a model and the range of items of a unit. model: is used as it is by one of the threads.
        count: items. unit: items together. threads: of this process. device: of the model.
        advance: told how many items are done. records: what is kept there is not made again.
    """
    units = [range(start, min(start + unit, count)) for start in range(0, count, unit)]
    found = {items.start: None if records is None else records.read(items.start) for items in units}
    missing = [items for items in units if found[items.start] is None]
    done = sum(len(items) for items in units) - sum(map(len, missing))
    if done and advance is not None:
        advance(done)
    for items, made in each_unit(function, model, missing, threads=threads, device=device, records=records):
        found[items.start] = made
        done += len(items)
        if advance is not None:
            advance(done)
    return [made for made in found.values() if made is not None]


def each_unit(
    function: Callable[[LatentModel, range], T],
    model: LatentModel,
    units: list[range],
    *,
    threads: int | None = None,
    device: str = "cpu",
    records: UnitStore[T] | None = None,
    here: bool = False,
) -> Iterator[tuple[range, T]]:
    """Yield each unit and what was made of it, as ``map_models`` does, none kept before; ``here``: never sent."""
    cluster = None if here else current_cluster()
    if cluster is not None:
        yield from _sent(function, model, units, cluster, records)
        return
    wanted = min(default_threads() if threads is None else threads, len(units))
    models = model.replicas(max(1, wanted)) if torch.device(device).type == "cpu" else [model]
    idle: SimpleQueue[LatentModel] = SimpleQueue()
    for twin in models:
        idle.put(twin)

    def run(items: range) -> T:
        twin = idle.get()
        try:
            made = function(twin, items)
        finally:
            idle.put(twin)
        if records is not None:  # by who made it: a kill while others are waited for must not lose it
            records.write(items.start, made)
        return made

    spare = None if here or torch.device(device).type != "cpu" else spare_processes()
    first = len(units) if spare is None else min(len(units), spare.workers)
    with single_threaded():
        began = time.perf_counter()
        yield from zip(units[:first], in_threads(run, units[:first], len(models)), strict=True)
        rest, spent = units[first:], time.perf_counter() - began
        if spare is not None and rest and spare.pays(spent * len(rest) / first):
            with suppress(TravelError):  # then it stays here
                yield from _sent(function, model, rest, spare.begin(), records)
                rest = []
        yield from zip(rest, in_threads(run, rest, len(models)), strict=True)
        if spare is not None:
            spare.spent += time.perf_counter() - began


def _sent(
    function: Callable[[LatentModel, range], T],
    model: LatentModel,
    units: list[range],
    cluster: Cluster,
    records: UnitStore[T] | None,
) -> Iterator[tuple[range, T]]:
    from didlearn.units.spread import send_units  # for those who have workers

    for number, made in send_units(lambda items: function(model, items), units, cluster):
        if records is not None:
            records.write(units[number].start, made)
        yield units[number], made
