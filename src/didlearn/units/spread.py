"""Send units to workers, and again what was lost with one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from didlearn.units.cluster import Cluster
from didlearn.units.parcel import do_unit, pack
from didlearn.units.sending import Sending

S = TypeVar("S")
T = TypeVar("T")


def send_units(function: Callable[[S], T], items: Sequence[S], cluster: Cluster) -> Iterator[tuple[int, T]]:
    """Yield the number of each item and what ``function`` makes of it, as they are finished.

    What is lost with a worker is sent again, and so is what fails for a reason that is not an answer.

    Args:
        function: of one item; it travels once, with all it refers to.
        items: one for each unit, asked for when it is sent.

    Raises:
        UnitError: a unit failed three times. DidlearnError: what a unit raised on purpose.
        UsageError: the function cannot travel.
    """
    if not len(items):
        return
    parcel = pack(function)
    with cluster.carrying(parcel.content) as carried:
        sending = Sending(len(items), alone=cluster.breaks_together)

        def send(number: int) -> Future[Any]:
            return cluster.submit(do_unit, carried, parcel.name, items[number])

        try:
            while sending.unfinished:
                sending.fill(send, cluster.in_flight)
                yield from sending.arrived()
        finally:
            for future in sending.flying:
                future.cancel()
