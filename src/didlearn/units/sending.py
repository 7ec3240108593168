"""Which units wait, which are on their way, and how often each failed: the plan by which units are sent."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from queue import Empty, SimpleQueue
from typing import Any

from didlearn.errors import UnitError, first_line
from didlearn.units.parcel import Failed, Refused

TRIES = 3


class Sending:
    """Units 0 to ``count`` - 1, sent in order, and again where they were lost.

    Attributes:
        flying: the units on their way, by their futures.
    """

    def __init__(self, count: int, *, alone: bool) -> None:
        """Begin.

        Args:
            count: units. alone: whether the loss of one worker takes the units of all others along, so that what was
                lost is sent by itself: that tells which unit it was.
        """
        self.count, self.alone = count, alone
        self.waiting, self.suspects = deque(range(count)), deque[int]()
        self.flying: dict[Future[Any], int] = {}
        self.failures = Counter[int]()
        self._arrived: SimpleQueue[Future[Any]] = SimpleQueue()

    @property
    def unfinished(self) -> bool:
        """Whether a unit is still to come."""
        return bool(self.waiting or self.suspects or self.flying)

    def fill(self, send: Callable[[int], Future[Any]], most: int) -> None:
        """Send what may be on its way together: one suspect, or as many others as there is room for.

        Args:
            send: sends a unit. most: units on their way at once.

        Raises:
            UnitError: a unit failed too often.
        """
        while len(self.flying) < (1 if self.suspects else most) and (self.suspects or self.waiting):
            number = (self.suspects or self.waiting).popleft()
            try:
                future = send(number)
            except Exception as error:  # noqa: BLE001 (each backend has its own ways to say that it is gone)
                self._failed(number, first_line(error), lost=True)
                continue
            self.flying[future] = number
            future.add_done_callback(self._arrived.put)

    def arrived(self) -> Iterator[tuple[int, Any]]:
        """Wait for one, and yield the number and the result of all that came; take back what failed.

        Raises:
            UnitError: a unit failed too often. DidlearnError: what a unit raised on purpose.
        """
        if not self.flying:
            return
        among_others = len(self.flying) > 1
        future: Future[Any] | None = self._arrived.get()
        while future is not None:
            number = self.flying.pop(future)
            try:
                outcome = future.result()
            except (Exception, CancelledError) as error:  # noqa: BLE001 (likewise)
                outcome = Failed(first_line(error))
                self._failed(number, outcome.cause, lost=among_others)
            else:
                if isinstance(outcome, Refused):
                    raise outcome.error
                if isinstance(outcome, Failed):
                    self._failed(number, outcome.cause, lost=False)
                else:
                    yield number, outcome
            future = self._next()

    def _next(self) -> Future[Any] | None:
        try:
            return self._arrived.get_nowait()
        except Empty:
            return None

    def _failed(self, number: int, cause: str, *, lost: bool) -> None:
        """Take a unit back; one that was ``lost`` with others may have had no part in it."""
        self.failures[number] += 1
        if self.failures[number] >= (TRIES + 1 if lost and self.alone else TRIES):
            raise UnitError(
                f"unit {number + 1} of {self.count} failed {TRIES} times wherever it was sent ({cause}); what is "
                "finished is kept"
            )
        (self.suspects if self.alone else self.waiting).append(number)
