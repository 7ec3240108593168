"""From errors and controls to a verdict: on the manifold, off it, or not to be told."""

from __future__ import annotations

from didlearn.result.parts import Decision
from didlearn.result.values import Estimate
from didlearn.result.words import number, percent


def judge_inversion(
    estimates: dict[str, Estimate], required: float, tolerance: float, alpha: float, *, honest: bool
) -> Decision:
    """Decide whether the generator can make its training images.

    ``inconclusive``: fewer than ``required`` of the planted images, or of the planted ones with noise, were found; an
    error then says nothing. ``fail``: more than ``tolerance`` of the training images surely lie beyond the error of the
    model's own images, or training images are recovered better than held-out ones (p < ``alpha``, where the held-out
    set is honest). ``pass``: surely at most ``tolerance`` lie beyond. Else ``inconclusive``.
    """
    said = _said(estimates)
    for name, what in (("recovered", "planted images"), ("recovered_noisy", "planted images with noise")):
        rate = estimates[name].value or 0.0
        if rate < required:
            reason = f"the search found only {percent(rate)} of the {what} again, fewer than {percent(required)}"
            return Decision("inconclusive", reason, f"{said} But {reason}: more rounds or starts are needed.")
    beyond = estimates["off_manifold"]
    low, high = beyond.low or 0.0, 1.0 if beyond.high is None else beyond.high
    better = estimates.get("recovery_closer_pvalue")
    if honest and better is not None and (better.value or 0.0) < alpha:
        reason = "training images are recovered better than held-out ones: the generator fits the images it was shown"
        return Decision("fail", reason, f"{said} And {reason}.")
    if low > tolerance:
        reason = f"at least {percent(low)} of the training images lie farther out than the generator's own images"
        return Decision("fail", reason, f"{said} They are not on its manifold: {reason}.")
    if high <= tolerance:
        reason = f"at most {percent(high)} of the training images lie farther out than the generator's own images"
        return Decision("pass", reason, f"{said} It can make them: {reason}.")
    reason = (
        f"{percent(low)} to {percent(high)} of the training images lie farther out than the generator's own images; "
        "more images would settle it"
    )
    return Decision("inconclusive", reason, f"{said} {reason[0].upper()}{reason[1:]}.")


def _said(estimates: dict[str, Estimate]) -> str:
    train, own = estimates["error_train"].value or 0.0, estimates["error_generated"].value or 0.0
    text = (
        f"The nearest image the generator makes to a training image differs by {train:.2g} per pixel (median squared "
        f"error; its own images: {own:.2g}); of planted images it found {percent(estimates['recovered'].value or 0.0)}."
    )
    likely = estimates.get("error_train_likely")
    if likely is not None and likely.value is not None and likely.value > 1.05 * train:
        text += f" Where its prior has mass, it comes only within {likely.value:.2g}."
    left = estimates.get("distance_left")
    if left is None or left.value is None:
        return text
    theirs = estimates["error_train_published"].value or 0.0
    published = estimates["ratio_generated_published"].value or 0.0
    return (
        f"{text} The published protocol says {theirs:.2g}, {number(published)} times its own images' error: "
        f"a better search leaves {percent(left.value)} of that distance."
    )
