"""From errors and controls to a verdict: on the manifold, off it, or not to be told."""

from __future__ import annotations

from didlearn.result.parts import Decision, settled_by_more
from didlearn.result.values import Estimate, Settles, is_significant
from didlearn.result.words import number, percent

_CONTROLS = {"recovered": "planted images", "recovered_noisy": "planted images with noise"}
_FARTHER = 1.05  # times the error: a likely image that far out is worth a sentence


def judge_inversion(
    estimates: dict[str, Estimate], required: float, tolerance: float, alpha: float, *, honest: bool
) -> Decision:
    """Decide whether the generator can make its training images.

    ``inconclusive``: fewer than ``required`` of the planted images, or of the planted ones with noise, were found; an
    error then says nothing. ``fail``: more than ``tolerance`` of the training images surely lie beyond the error of the
    model's own images, or training images are recovered better than held-out ones (p < ``alpha``, where the held-out
    set is honest). ``pass``: surely at most ``tolerance`` lie beyond. Else ``inconclusive``.
    """
    said = _distances_in_words(estimates)
    missed = [name for name in _CONTROLS if estimates[name].point < required]
    if missed:
        return _missed(said, missed[0], estimates[missed[0]].point, required)
    if honest and is_significant(estimates.get("recovery_closer_pvalue"), alpha):
        reason = "training images are recovered better than held-out ones: the generator fits the images it was shown"
        return Decision("fail", reason, f"{said} And {reason}.")
    return _judge_share(said, estimates["off_manifold"], tolerance)


def _missed(said: str, control: str, rate: float, required: float) -> Decision:
    """A search that misses what is there says nothing of what it does not find."""
    reason = f"the search found only {percent(rate)} of the {_CONTROLS[control]} again, fewer than {percent(required)}"
    settles = Settles(clause="more rounds or starts are needed", of="rounds or starts")
    return Decision("inconclusive", reason, f"{said} But {reason}: {settles.clause}.", settles)


def _judge_share(said: str, share: Estimate, tolerance: float) -> Decision:
    low, high = share.low_or(0.0), share.high_or(1.0)
    words = "of the training images lie farther out than the generator's own images"
    if low > tolerance:
        reason = f"at least {percent(low)} {words}"
        return Decision("fail", reason, f"{said} They are not on its manifold: {reason}.")
    if high <= tolerance:
        reason = f"at most {percent(high)} {words}"
        return Decision("pass", reason, f"{said} It can make them: {reason}.")
    settles = settled_by_more("images")
    reason = f"{percent(low)} to {percent(high)} {words}; {settles.clause}"
    return Decision("inconclusive", reason, f"{said} {reason[0].upper()}{reason[1:]}.", settles)


def _distances_in_words(estimates: dict[str, Estimate]) -> str:
    train, own, found = (estimates[name].point for name in ("error_train", "error_generated", "recovered"))
    text = (
        f"The nearest image the generator makes to a training image differs by {number(train, 2)} per pixel (median "
        f"squared error; its own images: {number(own, 2)}); of planted images it found {percent(found)}."
    )
    likely = estimates.get("error_train_likely")
    if likely is not None and likely.value is not None and likely.value > _FARTHER * train:
        text += f" Where its prior has mass, it comes only within {number(likely.value, 2)}."
    return text + _better_search(estimates)


def _better_search(estimates: dict[str, Estimate]) -> str:
    left = estimates.get("distance_left")
    if left is None or left.value is None:
        return ""
    theirs, times = (estimates[name].point for name in ("error_train_published", "ratio_generated_published"))
    return (
        f" The published protocol says {number(theirs, 2)}, {number(times)} times its own images' error: "
        f"a better search leaves {percent(left.value)} of that distance."
    )
