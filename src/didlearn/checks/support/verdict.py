"""From two effective supports to a verdict: below, shown not to be below, or open."""

from __future__ import annotations

from didlearn.checks.duplicate_counts import Counts
from didlearn.result.parts import Decision, settled_by
from didlearn.result.values import Estimate, Settles
from didlearn.result.words import count, interval, number
from didlearn.statistics.birthday.sample_size import compare_support, samples_to_settle

_FEWEST_IMAGES = 1.0  # whatever makes images at all makes one


def judge_support(
    estimates: dict[str, Estimate], found: Counts, found_real: Counts | None, factor: float, level: float
) -> Decision:
    """Compare the generator's effective support with that of held-out real images.

    ``fail``: its interval lies wholly below the real one. ``pass``: its low end times ``factor`` reaches the real
    one's high end, at the duplicate threshold or, where the real images hold too few duplicates to have a high end
    there, at the look-alike threshold. ``measured``: nothing real to compare with. Else ``inconclusive``.
    """
    own = estimates["effective_support"]
    said = _size_sentence(own, found)
    real = estimates.get("effective_support_heldout")
    if real is None or found_real is None:
        return Decision("measured", "there are no held-out real images to compare with", said)
    beside = f"held-out real images show {interval(real)}"
    outcome = compare_support(generated=own, real=real, factor=factor)
    if outcome == "fail":
        reason = f"its effective support ({interval(own)}) lies below that of real images ({interval(real)})"
        return Decision("fail", reason, f"{said} That is too few: {beside}.")
    if outcome == "pass":
        reason = f"its effective support is shown to be at least the real one's over {number(factor)}"
        return Decision("pass", reason, f"{said} That is enough: {beside}.")
    if _looks_as_diverse(estimates, factor):
        reason = (
            "real images hold too few duplicates to be counted, and pairs that merely look alike are shown to be at "
            f"most {number(factor)} times as frequent among its samples as among real images"
        )
        return Decision("pass", reason, f"{said} Its pictures look alike no more often than real ones do ({beside}).")
    settles = _samples_needed(found, found_real, factor, level)
    reason = f"the intervals of generated and real images do not decide; {settles.clause}"
    return Decision(
        "inconclusive", reason, f"{said} Whether that is enough is open ({beside}): {settles.clause}.", settles
    )


def _looks_as_diverse(estimates: dict[str, Estimate], factor: float) -> bool:
    own, real = (estimates.get(f"lookalike_support{end}") for end in ("", "_heldout"))
    return own is not None and real is not None and compare_support(generated=own, real=real, factor=factor) == "pass"


def _size_sentence(own: Estimate, found: Counts) -> str:
    if own.value is None:
        return (
            f"No duplicate among {number(found.samples)} samples: as pairs see it, the generator makes "
            f"at least {count(own.low_or(_FEWEST_IMAGES))} different images."
        )
    if found.pairs == found.samples * (found.samples - 1) // 2:
        return f"The generator made the same image {number(found.samples)} times."
    return f"As pairs see it, the generator makes about {count(own.value)} different images ({interval(own)})."


def _samples_needed(found: Counts, real: Counts, factor: float, level: float) -> Settles:
    def needed(*, fixed_real: bool) -> int | None:
        return samples_to_settle(
            generated=found.collisions, real=real.collisions, factor=factor, level=level, fixed_real=fixed_real
        )

    alone = needed(fixed_real=True)
    if alone is not None:
        return settled_by(alone, "samples")
    together = needed(fixed_real=False)
    if together is not None:
        return settled_by(together, "samples and as many held-out images")
    return Settles(clause="at these rates no number of samples within reach settles it")
