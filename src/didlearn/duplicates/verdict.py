"""From two effective supports to a verdict: below, shown not to be below, or open."""

from __future__ import annotations

from didlearn.duplicates.counts import Counts
from didlearn.parts import Decision
from didlearn.result import Estimate
from didlearn.statistics.sample_size import compare_support, samples_to_settle
from didlearn.wording import count, interval, number, percent


def judge_support(
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
    beside = f"held-out real images show {interval(real)}"
    outcome = compare_support(generated=own, real=real, factor=factor)
    if outcome == "fail":
        reason = f"its effective support ({interval(own)}) lies below that of real images ({interval(real)})"
        return Decision("fail", reason, f"{said} That is too few: {beside}.")
    if outcome == "pass":
        reason = f"its effective support is shown to be at least the real one's over {factor:g}"
        return Decision("pass", reason, f"{said} That is enough: {beside}.")
    if _looks_as_diverse(estimates, factor):
        reason = (
            "real images hold too few duplicates to be counted, and pairs that merely look alike are shown to be at "
            f"most {factor:g} times as frequent among its samples as among real images"
        )
        return Decision("pass", reason, f"{said} Its pictures look alike no more often than real ones do ({beside}).")
    need = _need(found, found_real, factor, level)
    reason = f"the intervals of generated and real images do not decide; {need}"
    return Decision("inconclusive", reason, f"{said} Whether that is enough is open ({beside}): {need}.")


def _looks_as_diverse(estimates: dict[str, Estimate], factor: float) -> bool:
    own, real = (estimates.get(f"lookalike_support{end}") for end in ("", "_heldout"))
    return own is not None and real is not None and compare_support(generated=own, real=real, factor=factor) == "pass"


def _size(own: Estimate, found: Counts) -> str:
    if own.value is None:
        return (
            f"No duplicate among {number(found.samples)} samples: as pairs see it, the generator makes "
            f"at least {count(own.low or 0)} different images."
        )
    if found.pairs == found.samples * (found.samples - 1) // 2:
        return f"The generator made the same image {number(found.samples)} times."
    return f"As pairs see it, the generator makes about {count(own.value)} different images ({interval(own)})."


def _need(found: Counts, real: Counts, factor: float, level: float) -> str:
    both = {"generated": found.collisions, "real": real.collisions, "factor": factor, "level": level}
    alone = samples_to_settle(**both, fixed_real=True)  # type: ignore[arg-type]
    if alone is not None:
        return f"about {number(alone)} samples would settle it"
    need = samples_to_settle(**both)  # type: ignore[arg-type]
    if need is not None:
        return f"about {number(need)} samples and as many held-out images would settle it"
    return "at these rates no number of samples within reach settles it"


def judge_copying(estimates: dict[str, Estimate], tolerance: float, alpha: float, *, honest: bool) -> Decision:
    """Decide whether the generator copies.

    ``fail``: certain copies, or the copied fraction, surely exceed ``tolerance``; for the latter, samples that match a
    real image must match training images more than chance would (p < ``alpha``; not asked for unless ``honest``). Or
    both the data-copying test and the training preference are significant (the first alone also sees blur).
    ``pass``: the copied fraction is surely at most ``tolerance``, or what is left of it once matches with held-out
    images are discounted is; and training images are not preferred.

    Args:
        estimates: of the check. tolerance: share of copies that is no copying. alpha: significance.
        honest: whether the generator surely never saw the held-out images.
    """
    copied = estimates["copied_fraction"]
    value, low, high = copied.value or 0.0, copied.low or 0.0, 1.0 if copied.high is None else copied.high
    nearer, preferred, matched = (
        _pvalue(estimates, name) < alpha for name in ("data_copying", "training_preference", "match_preference")
    )
    said = f"{percent(value)} of its samples are copies of training images ({percent(low)} to {percent(high)})"
    if (estimates["certain_copies"].low or 0.0) > tolerance or (low > tolerance and (matched or not honest)):
        return Decision("fail", f"the copied fraction exceeds {percent(tolerance)}", f"{said}.")
    if nearer and preferred:
        reason = "samples are nearer to the training set than held-out images are, and prefer it over held-out images"
        return Decision("fail", reason, f"It leans on its training set: {reason}. {said}.")
    if preferred:
        reason = "training images are preferred over held-out ones, but the data-copying test sees nothing"
        return Decision("inconclusive", reason, f"{said}; {reason}.")
    if high <= tolerance:
        reason = f"the copied fraction is at most {percent(tolerance)} and training images are not preferred"
        blur = " Its samples are near to the training set, but as near to held-out images: smooth, not copied." * nearer
        return Decision("pass", reason, f"No copying found: {said}.{blur}")
    if honest and low > tolerance and high * _share_of_copies(estimates) <= tolerance:
        reason = "samples that match a real image match held-out images as often as training images"
        words = f"{percent(value)} of its samples come as near to a training image as a copy would, but {reason}"
        return Decision("pass", reason, f"No copying found: {words}: smooth, not copied.")
    if low > tolerance:
        reason = "whether the matches are copies or blur is open; more held-out images would settle it"
        return Decision("inconclusive", reason, f"{said}; {reason}.")
    need = _copies_needed(copied, value, low, high, tolerance)
    return Decision("inconclusive", f"the copied fraction is not settled; {need}", f"{said}; {need}.")


def _pvalue(estimates: dict[str, Estimate], name: str) -> float:
    found = estimates.get(f"{name}_pvalue")
    return 1.0 if found is None or found.value is None else found.value


def _share_of_copies(estimates: dict[str, Estimate]) -> float:
    """Bound the share c of copies among the matches: a share c + (1 − c)e of them is nearest to a training image."""
    share, expected = estimates.get("match_preference"), estimates["training_preference_expected"].value or 0.0
    high = 1.0 if share is None or share.high is None else share.high
    return max(0.0, (high - expected) / (1 - expected)) if expected < 1 else 1.0


def _copies_needed(copied: Estimate, value: float, low: float, high: float, tolerance: float) -> str:
    """The interval's half towards the tolerance shrinks like 1/√n."""
    half = high - value if value < tolerance else value - low
    gap = abs(value - tolerance)
    if gap == 0:
        return "it equals the tolerance: choose another"
    return f"about {number(round(copied.n * max(1.0, (half / gap) ** 2)))} samples would settle it"
