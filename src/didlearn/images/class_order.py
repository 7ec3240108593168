"""Classes matched by name: what a number means in one set of labels, it means in all of them.

Formats number the classes they find, so a set without one class numbers all the later ones differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from didlearn.arrays import Ints
from didlearn.images.base import Images

_SHOWN = 5
_DIGITS = 18


def ordered_names(names: Iterable[str]) -> list[str]:
    """Return class names in their order: by number where all are numbers ("2" before "10"), else by letter."""
    once = set(names)
    return sorted(once, key=lambda name: (int(name), name)) if _are_numbers(once) else sorted(once)


def _are_numbers(names: Iterable[str]) -> bool:
    return all(name.isascii() and name.isdigit() and len(name) <= _DIGITS for name in names)


@dataclass(frozen=True)
class ClassOrder:
    """What class numbers mean: number ``i`` is ``names[i]``, or nothing but a number below ``count``."""

    names: tuple[str, ...] | None
    count: int

    @property
    def keys(self) -> list[str]:
        """What each class is known by, (count,): its name, numbers written alike."""
        names = self.names or tuple(map(str, range(self.count)))
        plain = [str(int(name)) for name in names] if _are_numbers(names) else list(names)
        return plain if len(set(plain)) == len(plain) else list(names)

    def shown(self) -> str:
        """Return the first few for a sentence."""
        if self.names is None:
            return f"numbers 0 to {self.count - 1}"
        return ", ".join(self.names[:_SHOWN]) + (", …" if len(self.names) > _SHOWN else "")


class Matched(NamedTuple):
    """Images whose labels mean what those of an order do.

    Attributes:
        images: with labels in that order; classes that it does not know come after its own.
        by_place: whether names were laid on plain numbers, the first on 0. strangers: classes the order does not know.
    """

    images: Images
    by_place: bool
    strangers: tuple[str, ...]


def order_of(images: Images | None) -> ClassOrder | None:
    """Return what the labels of a set mean, or ``None`` where there are none."""
    if images is None or images.labels is None or not len(images):
        return None
    largest = int(images.labels.max()) + 1
    if images.classes is None:
        return ClassOrder(None, largest)
    more = tuple(map(str, range(len(images.classes), largest)))
    return ClassOrder(images.classes + more, len(images.classes) + len(more))


def match_classes(images: Images, order: ClassOrder) -> Matched | None:
    """Return the images with their labels in ``order``, or ``None`` where what the two mean cannot be matched.

    Names are matched with names, and numbers with numbers or with names that are numbers. Plain numbers and words are
    matched by place where the numbers are those of the words' places.

    Args:
        images: labelled.
    """
    own = order_of(images)
    assert own is not None, "only labelled images are matched"
    assert images.labels is not None
    present = np.unique(images.labels)
    by_key = _by_key(own, present, order)
    if by_key is not None:
        return _relabelled(images, own, present, order, by_key)
    if _places_fit(own, present, order):
        names = order.names or images.classes
        return Matched(images.with_classes(images.labels, names), by_place=True, strangers=())
    return None


def _by_key(own: ClassOrder, present: Ints, order: ClassOrder) -> list[int] | None:
    """Return the number in ``order`` of each own class, strangers after its last; ``None`` where keys do not match."""
    known = {key: number for number, key in enumerate(order.keys)}
    keys = own.keys
    seen = [keys[label] in known for label in present]
    mixed = (own.names is None) != (order.names is None)
    # Words share nothing with numbers. Numbers that only partly are among the names may count from another start.
    if not any(seen) or (mixed and not all(seen)):
        return None
    new = iter(range(order.count, order.count + own.count))
    return [known[key] if key in known else next(new) for key in keys]


def _places_fit(own: ClassOrder, present: Ints, order: ClassOrder) -> bool:
    if own.names is None and order.names is not None:
        return int(present.max()) < order.count
    # Names may lack a class that the numbers have, and then all later places are others: they must be as many.
    return own.names is not None and order.names is None and own.count == order.count


def _relabelled(images: Images, own: ClassOrder, present: Ints, order: ClassOrder, number: Sequence[int]) -> Matched:
    assert images.labels is not None
    called = own.names or tuple(map(str, range(own.count)))
    strangers = [i for i in range(own.count) if number[i] >= order.count]
    names = None
    if order.names is not None or own.names is not None:
        names = (order.names or tuple(map(str, range(order.count)))) + tuple(called[i] for i in strangers)
    labels = np.asarray(number, dtype=np.int64)[images.labels]
    found = tuple(called[i] for i in strangers if i in present)
    return Matched(images.with_classes(labels, names), by_place=False, strangers=found)


def without_labels(images: Images) -> Images:
    """Return the images without their classes: what cannot be matched must not be compared."""
    return images.with_classes(None, None)
