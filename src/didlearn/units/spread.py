"""Send units to workers, and again what was lost with one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import joblib

from didlearn.errors import DidlearnError, UnitError, first_line
from didlearn.units.cluster import Cluster, delivered
from didlearn.units.parcel import Failed, Parcel, Refused, do_unit, pack

TRIES = 3
S = TypeVar("S")
T = TypeVar("T")


def spread(function: Callable[[S], T], items: Sequence[S], cluster: Cluster) -> Iterator[tuple[int, T]]:
    """Yield the number of each item and what ``function`` makes of it, as they are finished.

    What is lost with a worker is sent again; so is what fails for a reason that is not an answer.

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
    carried = cluster.carry(parcel.content)
    left, failures, fruitless = dict.fromkeys(range(len(items))), dict[int, int](), 0
    while left:
        finished, cause = 0, ""
        try:
            for number, outcome in _sent(parcel, carried, items, list(left)[: cluster.span], cluster):
                if isinstance(outcome, Refused):
                    raise outcome.error
                if isinstance(outcome, Failed):
                    cause = outcome.cause
                    failures[number] = failures.get(number, 0) + 1
                    if failures[number] == TRIES:
                        raise _given_up(number, len(items), cause)
                    continue
                finished += 1
                del left[number]
                yield number, outcome
        except DidlearnError:
            raise
        except Exception as error:  # noqa: BLE001 (each backend has its own ways to say that a worker is gone)
            cause = f"{type(error).__name__}: {first_line(error)}"
        fruitless = 0 if finished else fruitless + 1
        if left and fruitless == TRIES:
            raise _given_up(min(left), len(items), cause)


def _sent(
    parcel: Parcel, carried: Any, items: Sequence[S], numbers: list[int], cluster: Cluster
) -> Iterator[tuple[int, Any]]:
    work = (joblib.delayed(_do)(number, carried, parcel.name, items[number]) for number in numbers)
    with cluster.parallel() as parallel:
        yield from parallel(work)


def _do(number: int, carried: Any, name: str, item: Any) -> tuple[int, Any]:
    return number, do_unit(lambda: delivered(carried), name, item)


def _given_up(number: int, count: int, cause: str) -> UnitError:
    return UnitError(
        f"unit {number + 1} of {count} failed {TRIES} times on the cluster ({cause}); what is finished is kept"
    )
