"""The rows of the truth table: perfect generators, and one planted fault each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import faults
from laws import Law

from didlearn.images.disguises import DISGUISES, blurred, compressed, noisy, relit

PERFECT = "perfect"
COMMONEST = ("mirrored", "JPEG at quality 25", "moved by a pixel", "20 % brighter")  # beside no disguise at all
_HELDOUT_COPIES = "held-out images to the last bit"
_LEAK = "leak"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: of the fault. fault: what is planted, if anything. meant: the check that should fail, or else speak; none
            of a perfect generator.
        labels: whether it needs classes. bank: whether it needs real images. latent: dimension that a latent model is
            narrowed to.
        truth: the share of copies of training images, where it is known. said: words that should come.
    """

    name: str
    fault: faults.Fault | None = None
    meant: str = ""
    labels: bool = False
    bank: bool = False
    latent: int | None = None
    truth: float | None = None
    said: str = ""

    @property
    def perfect(self) -> bool:
        """Whether there is nothing to find: *No* would be a false alarm."""
        return not self.meant

    def applies_to(self, law: Law) -> bool:
        """Whether this can be planted in that law."""
        if self.bank and not law.bank:
            return False
        if self.perfect:
            return True
        has_latent = self.latent is None or law.narrowed is not None
        return law.planted is not None and has_latent and (law.labels or not self.labels)


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _in_disguise() -> Iterator[Row]:
    """Copies of training images, changed as people change pictures."""
    for share, names in ((0.5, DISGUISES), (0.05, DISGUISES), (0.005, COMMONEST)):
        for name in names:
            copies = faults.copies(share, DISGUISES[name])
            yield Row(f"copies, {_percent(share)}, {name}", copies, "memorization", bank=True, truth=share)


def _leaking() -> Iterator[Row]:
    """Copies of training images among the samples, and others among held-out images."""
    for share in (0.1, 0.5):
        for name, disguise in (("exact", faults.as_they_are), ("JPEG", compressed(75))):
            planted = faults.in_turn(faults.leak(share, disguise), faults.copies(0.3))
            label = f"a leak of {_percent(share)}, {name}, beside copies, 30 %"
            yield Row(label, planted, "memorization", truth=0.3, said=_LEAK)


ROWS = (
    Row(PERFECT, truth=0.0),
    *(
        Row(f"{PERFECT}, {_percent(share)} recurring", faults.recurring(share), bank=True, truth=0.0)
        for share in (0.02, 0.1, 0.3)
    ),
    Row("collapsed on 20 pictures", faults.collapse(20), "support"),
    Row("collapsed on 1 000 pictures", faults.collapse(1_000), "support"),
    Row("collapsed on 100 000 pictures", faults.collapse(100_000), "support"),
    Row("half from 1 000 pictures", faults.collapse(1_000, 0.5), "support"),
    Row("a tenth is one picture", faults.collapse(1, 0.1), "support"),
    Row("a latent of 2", None, "support", latent=2),
    Row("a class missing", faults.without_class(7), "fidelity", labels=True),
    Row("a class at a tenth", faults.without_class(7, 0.1), "fidelity", labels=True),
    Row("a class at half", faults.without_class(7, 0.5), "fidelity", labels=True),
    Row("copies, 50 %", faults.copies(0.5), "memorization", truth=0.5),
    Row("copies, 5 %", faults.copies(0.05), "memorization", truth=0.05),
    Row("copies, 0.5 %", faults.copies(0.005), "memorization", truth=0.005),
    *_in_disguise(),
    *_leaking(),
    Row("the held-out images", faults.heldout_copies(1.0), "memorization", said=_HELDOUT_COPIES),
    Row("a tenth is held-out images", faults.heldout_copies(0.1), "memorization", said=_HELDOUT_COPIES),
    Row("a tenth of the data", faults.a_tenth, "memorization"),
    Row("blur, 0.5 pixels", faults.changed(blurred(0.5)), "fidelity"),
    Row("blur, 1 pixel", faults.changed(blurred(1.0)), "fidelity"),
    Row("noise, 10 levels", faults.changed(noisy(10)), "fidelity"),
    Row("noise, 25 levels", faults.changed(noisy(25)), "fidelity"),
    Row("20 % brighter", faults.changed(relit(1.2)), "fidelity"),
    Row("50 % brighter", faults.changed(relit(1.5)), "fidelity"),
)
