"""Bring the classes of all that is audited to one order, by name and once: no check need ask what a label means.

The order is the generator's where its network has classes, else the training set's.
"""

from __future__ import annotations

from typing import NamedTuple

from didlearn.images.base import Images
from didlearn.images.class_order import ClassOrder, Matched, match_classes, order_of, without_labels
from didlearn.models.base import Sampler
from didlearn.models.formats.bank import Bank

_TRAIN, _HELDOUT, _MODEL = "the training images", "the held-out images", "the generator"


class Audited(NamedTuple):
    """The sets and the model, and what was decided about their classes, a sentence each."""

    model: Sampler | None
    train: Images | None
    heldout: Images | None
    outside: dict[str, Images]
    notes: tuple[str, ...] = ()

    def noted(self, *notes: str) -> Audited:
        """Return the same with more notes."""
        return self._replace(notes=self.notes + notes)


def match_audited(
    model: Sampler | None, train: Images | None, heldout: Images | None, outside: dict[str, Images]
) -> Audited:
    """Return all of it with labels of one meaning; held-out labels that cannot be matched are left out, with a note."""
    found = _against_network(Audited(model, train, heldout, outside))
    found = _heldout_matched(found)
    found = _bank_matched(found)
    order = _order(found)
    return found if order is None else found._replace(outside=_outside_matched(outside, order))


def network_order(model: Sampler | None) -> ClassOrder | None:
    """Return what the labels mean that a network takes; ``None`` for one without classes, and for a bank of samples."""
    if model is None or isinstance(model, Bank) or not model.classes:
        return None
    return ClassOrder(model.class_names, model.classes)


def _order(found: Audited) -> ClassOrder | None:
    """What all other labels are held against: those of the training set, which was brought to the generator's."""
    return order_of(found.train) or network_order(found.model) or order_of(found.heldout)


def _against_network(found: Audited) -> Audited:
    """Bring the training labels to the network's order; where that cannot be, held-out labels say nothing of it."""
    order, own = network_order(found.model), order_of(found.train)
    if order is None or own is None:
        return found
    assert found.train is not None
    matched = match_classes(found.train, order)
    if matched is not None:
        return found._replace(train=matched.images).noted(*_strangers(matched, _TRAIN, _MODEL))
    return _without_heldout_labels(found, _unmatched(_TRAIN, own, _MODEL, order))


def _heldout_matched(found: Audited) -> Audited:
    order, own = order_of(found.train) or network_order(found.model), order_of(found.heldout)
    if order is None or own is None:
        return found
    assert found.heldout is not None
    beside = _MODEL if order_of(found.train) is None else _TRAIN
    matched = match_classes(found.heldout, order)
    if matched is None:
        return _without_heldout_labels(found, _unmatched(_HELDOUT, own, beside, order))
    return found._replace(heldout=matched.images).noted(
        *_strangers(matched, _HELDOUT, beside), *_placed(matched, _HELDOUT)
    )


def _bank_matched(found: Audited) -> Audited:
    """Bring the labels of a bank of samples to the order; where that cannot be, they stand alone."""
    if not isinstance(found.model, Bank):
        return found
    order, own = _order(found), order_of(found.model.images)
    if order is None or own is None:
        return found
    beside = _HELDOUT if order_of(found.train) is None else _TRAIN
    matched = match_classes(found.model.images, order)
    if matched is None:
        return _without_heldout_labels(found, _unmatched(_MODEL, own, beside, order))
    return found._replace(model=Bank(matched.images)).noted(
        *_strangers(matched, _MODEL, beside), *_placed(matched, _MODEL)
    )


def _outside_matched(outside: dict[str, Images], order: ClassOrder) -> dict[str, Images]:
    """Other data may have other classes: no word is lost over those that cannot be matched."""
    return {name: _matched_or_bare(images, order) for name, images in outside.items()}


def _matched_or_bare(images: Images, order: ClassOrder) -> Images:
    if order_of(images) is None:
        return images
    matched = match_classes(images, order)
    return without_labels(images) if matched is None else matched.images


def _without_heldout_labels(found: Audited, note: str) -> Audited:
    bare = None if found.heldout is None else without_labels(found.heldout)
    return found._replace(heldout=bare).noted(note)


def _unmatched(what: str, own: ClassOrder, beside: str, order: ClassOrder) -> str:
    return (
        f"Classes of {what} ({own.shown()}) and of {beside} ({order.shown()}) cannot be matched by name: "
        "comparisons class by class were left out."
    )


def _strangers(matched: Matched, what: str, beside: str) -> tuple[str, ...]:
    if not matched.strangers:
        return ()
    names = ClassOrder(matched.strangers, len(matched.strangers)).shown()
    return (f"Classes of {what} that are not among those of {beside}: {names}.",)


def _placed(matched: Matched, what: str) -> tuple[str, ...]:
    if not matched.by_place or matched.images.classes is None:
        return ()
    first = ", ".join(f"{number} is {name}" for number, name in enumerate(matched.images.classes[:3]))
    return (f"Classes of {what} were matched by their place, numbers with names: {first}, and so on.",)
