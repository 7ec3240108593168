"""From two effective supports to a verdict: below, shown not to be below, or open."""

from __future__ import annotations

from typing import NamedTuple

from didlearn.duplicates.counts import Counts
from didlearn.result import Estimate, Verdict
from didlearn.statistics.sample_size import samples_to_settle
from didlearn.wording import interval, number


class Decision(NamedTuple):
    """A verdict, why, and the answer in plain words."""

    verdict: Verdict
    reason: str
    answer: str


def decide(
    estimates: dict[str, Estimate], found: Counts, found_real: Counts | None, factor: float, level: float
) -> Decision:
    """Compare the generator's effective support with that of held-out real images.

    ``fail``: its interval lies wholly below the real one. ``pass``: its low end times ``factor`` reaches the real
    one's high end, at the duplicate threshold or, where the real images hold too few duplicates to have a high end
    there, at the look-alike threshold. ``measured``: nothing real to compare with. Else ``inconclusive``.
    """
    own = estimates["effective_support"]
    said = _size(own, found)
    real = estimates.get("effective_support_heldout")
    if real is None or found_real is None:
        return Decision("measured", "there are no held-out real images to compare with", said)
    beside = f"held-out real images show {_range(real)}"
    if own.high is not None and real.low is not None and own.high < real.low:
        reason = f"its effective support ({_range(own)}) lies below that of real images ({_range(real)})"
        return Decision("fail", reason, f"{said} That is too few: {beside}.")
    if reaches(own, real, factor):
        reason = f"its effective support is at least the real one's over {factor:g}"
        return Decision("pass", reason, f"{said} That is enough: {beside}.")
    look, look_real = estimates.get("lookalike_support"), estimates.get("lookalike_support_heldout")
    if look is not None and look_real is not None and reaches(look, look_real, factor):
        reason = (
            f"real images hold too few duplicates to be counted, and pairs that merely look alike are at most "
            f"{factor:g} times as frequent among its samples as among real images"
        )
        return Decision("pass", reason, f"{said} Its pictures repeat no more than real ones do ({beside}).")
    need = _need(found, found_real, factor, level)
    return Decision(
        "inconclusive", f"the intervals of generated and real images overlap; {need}", f"{said} Open: {need}."
    )


def reaches(own: Estimate, real: Estimate, factor: float) -> bool:
    """Whether ``own`` is shown to be at least ``real`` over ``factor``."""
    return own.low is not None and real.high is not None and own.low * factor >= real.high


def _size(own: Estimate, found: Counts) -> str:
    if own.value is None:
        return (
            f"No duplicate among {number(found.samples)} samples: as pairs see it, the generator makes "
            f"at least {number(own.low or 0)} different images."
        )
    return f"As pairs see it, the generator makes about {number(own.value)} different images ({interval(own)})."


def _range(estimate: Estimate) -> str:
    return interval(estimate)


def _need(found: Counts, real: Counts, factor: float, level: float) -> str:
    need = samples_to_settle(
        generated=(found.pairs, found.samples), real=(real.pairs, real.samples), factor=factor, level=level
    )
    if need is None:
        return "no number of samples settles it at these rates"
    return f"about {number(need)} samples and as many held-out images would settle it"
