"""What can be so wrong with a sample that no statistic of it means anything."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from didlearn.errors import OutputError
from didlearn.models.base import Sampler, Samples
from didlearn.naming import option
from didlearn.result.values import CheckResult, Settles
from didlearn.rng import Stream

_TOLERANCE = 1e-3


class Fault(NamedTuple):
    """What is wrong: the generator (``fail``), the kind of images (``error``), or their number (``inconclusive``)."""

    verdict: Literal["fail", "error", "inconclusive"]
    reason: str
    settles: Settles | None = None

    @property
    def answer(self) -> str:
        """The same in plain words."""
        start = {"fail": "The generator is broken", "error": "No answer", "inconclusive": "Open"}[self.verdict]
        return f"{start}: {self.reason}."

    def result(self, check: str) -> CheckResult:
        """Return the fault as the answer of a check."""
        return CheckResult(check=check, answer=self.answer, **self._asdict())


class Unusable(Sampler):
    """A model that was opened and makes no images: whoever draws from it is told why."""

    kind = "unusable"

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason, self.image_shape = name, reason, (0, 0, 0)

    def draw(self, count: int, rng: Stream, **how: object) -> Samples:  # noqa: ARG002 (it never draws)
        """Refuse.

        Raises:
            OutputError: always.
        """
        raise OutputError(self.reason)


def find_fault(samples: Samples, shape: tuple[int, int, int] | None = None, fewest: int = 1) -> Fault | None:
    """Return what is wrong with the samples, or ``None``.

    Args:
        samples: images drawn from a model.
        shape: (C, H, W) of the real images they are to be compared with, or ``None``.
        fewest: how many samples say anything at all.
    """
    broken = int((~samples.finite).sum())
    if broken:
        many = f"{broken} of {len(samples)} generated images hold pixels that are not numbers (NaN or infinity)"
        return Fault("fail", many)
    own = tuple(samples.images.shape[1:])
    if shape is not None and own != tuple(shape) and samples.points:
        return Fault(
            "error", f"the generator's rows hold {own[0]} numbers, the real ones {shape[0]}; give the same columns"
        )
    if shape is not None and own != tuple(shape):
        return Fault(
            "error",
            f"the generator makes images of {_words(own)}, the real ones have {_words(shape)}; "
            f"open the real ones with {option('size', own[-1])} and {option('channels', own[0])}",
        )
    if samples.images.dtype != np.uint8 and not samples.points:
        low, high = float(samples.images.min()), float(samples.images.max())
        if low < -_TOLERANCE or high > 1 + _TOLERANCE:
            return Fault(
                "error",
                f"generated pixels span {low:.3g} to {high:.3g}, real ones 0 to 1; "
                f"say what the network's output spans with {option('value_range', '(LOW, HIGH)', 'LOW HIGH')}",
            )
    if len(samples) < fewest:
        enough = Settles(clause=f"give at least {fewest}, better thousands", of="samples", number=fewest)
        few = f"{len(samples)} samples are too few to say anything; {enough.clause}"
        return Fault("inconclusive", few, enough)
    return None


def _words(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} channel{'s' if shape[0] > 1 else ''} and {shape[1]}×{shape[2]} pixels"
