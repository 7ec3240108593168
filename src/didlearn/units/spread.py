"""Send units to workers, and again what was lost with one of them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from typing import Any, TypeVar

from didlearn.errors import UnitError, first_line
from didlearn.units.cluster import Cluster
from didlearn.units.parcel import Failed, Refused, do_unit, pack

TRIES = 3
S = TypeVar("S")
T = TypeVar("T")


def spread(function: Callable[[S], T], items: Sequence[S], cluster: Cluster) -> Iterator[tuple[int, T]]:
    """Yield the number of each item and what ``function`` makes of it, as they are finished.

    What is lost with a worker is sent again, by itself: a pool that breaks does not say which unit broke it. So is what
    fails for a reason that is not an answer.

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
        sending = _Sending(len(items))

        def send(number: int) -> Future[Any]:
            return cluster.submit(do_unit, carried, parcel.name, items[number])

        try:
            while sending.unfinished:
                sending.fill(send, cluster.in_flight)
                yield from sending.arrived()
        finally:
            for future in sending.flying:
                future.cancel()


class _Sending:
    """Which units wait, which are on their way, and how often each failed."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.waiting, self.suspects = deque(range(count)), deque[int]()
        self.flying: dict[Future[Any], int] = {}
        self.failures = Counter[int]()

    @property
    def unfinished(self) -> bool:
        return bool(self.waiting or self.suspects or self.flying)

    def fill(self, send: Callable[[int], Future[Any]], most: int) -> None:
        """Send what may be on its way together: one suspect, or as many others as there is room for."""
        while len(self.flying) < (1 if self.suspects else most) and (self.suspects or self.waiting):
            number = (self.suspects or self.waiting).popleft()
            try:
                self.flying[send(number)] = number
            except Exception as error:  # noqa: BLE001 (each backend has its own ways to say that it is gone)
                self._failed(number, first_line(error), lost=True)

    def arrived(self) -> Iterator[tuple[int, Any]]:
        """Wait for some, and yield those that gave something."""
        if not self.flying:
            return
        alone = len(self.flying) == 1
        for future in wait(self.flying, return_when=FIRST_COMPLETED).done:
            number = self.flying.pop(future)
            try:
                outcome = future.result()
            except (Exception, CancelledError) as error:  # noqa: BLE001
                self._failed(number, first_line(error), lost=not alone)
                continue
            if isinstance(outcome, Refused):
                raise outcome.error
            if isinstance(outcome, Failed):
                self._failed(number, outcome.cause, lost=False)
            else:
                yield number, outcome

    def _failed(self, number: int, cause: str, *, lost: bool) -> None:
        """Take a unit back; one that was ``lost`` with others may have had no part in it."""
        self.failures[number] += 1
        if self.failures[number] >= (TRIES + 1 if lost else TRIES):
            raise UnitError(
                f"unit {number + 1} of {self.count} failed {TRIES} times wherever it was sent ({cause}); what is "
                "finished is kept"
            )
        self.suspects.append(number)
