"""From copies, and what is nearer than it should be, to a verdict: copied, shown not to be, or open."""

from __future__ import annotations

from didlearn.result.parts import Decision
from didlearn.result.values import Estimate
from didlearn.result.words import number, percent


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
