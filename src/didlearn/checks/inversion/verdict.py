"""From errors and controls to a verdict: on the manifold, off it, or not to be told."""

from __future__ import annotations

from typing import NamedTuple

from didlearn.checks.inversion.measure import Made
from didlearn.result.effects import hold
from didlearn.result.parts import Decision
from didlearn.result.values import Effect, Estimate, Settles, is_significant
from didlearn.result.words import number, percent

_CONTROLS = {"recovered": "planted images", "recovered_noisy": "planted images with noise"}
_FARTHER = 1.05  # times the error: a likely image that far out is worth a sentence


_EFFECTS = 2  # holes, and training images that are recovered better than held-out ones


class InversionLimits(NamedTuple):
    """What is asked.

    Attributes:
        required: share of planted images that must be found. holes: share of training images that may be holes.
        made: share that must be made to pass. level: see ``hold``. share: of the chance of a false alarm.
    """

    required: float
    holes: float
    made: float
    level: float
    share: float


def judge_inversion(estimates: dict[str, Estimate], made: Made, limits: InversionLimits, *, honest: bool) -> Decision:
    """Decide whether the generator can make its training images.

    ``inconclusive``: fewer than ``required`` of the planted images, or of the planted ones with noise, were found; an
    error then says nothing. ``fail``: more than ``holes`` of the training images are shown to lie no nearer to it than
    to another real image, or they are recovered better than held-out ones, where the held-out set is honest. ``pass``:
    more than ``made`` of them are shown to be made up to a mild change. Else ``measured``: what lies between is
    described.
    """
    said = _shares_in_words(estimates) + _distances_in_words(estimates)
    missed = [name for name in _CONTROLS if estimates[name].point < limits.required]
    if missed:
        return _missed(said, missed[0], estimates[missed[0]].point, limits.required)
    effect = _holes(made, limits)
    if effect.outcome == "beyond":
        return Decision("fail", effect.wrong, f"{said} It has holes: {effect.wrong}.", effects=(effect,))
    strict = (1 - limits.level) * limits.share / _EFFECTS
    if honest and is_significant(estimates.get("recovery_closer_pvalue"), strict):
        reason = "it makes training images better than held-out ones: it fits the images it was shown"
        return Decision("fail", reason, f"{said} And {reason}.", effects=(effect,))
    if made.share_made(limits.level).low_or(0.0) > limits.made:
        reason = f"it makes more than {percent(limits.made)} of its training images up to a mild change"
        return Decision("pass", reason, f"{said} It can make them.", effects=(effect,))
    reason = "its images come nearer to the training images than other real ones do, and do not reach them"
    return Decision("measured", reason, said, effects=(effect,))


def _holes(made: Made, limits: InversionLimits) -> Effect:
    found = percent(made.holes / made.images)
    wrong = f"to {found} of the training images another real image is as near as anything it makes"
    return hold(
        made.share_holes,
        estimate="holes",
        wrong=wrong,
        tolerance=limits.holes,
        level=limits.level,
        share=limits.share / _EFFECTS,
    )


def _shares_in_words(estimates: dict[str, Estimate]) -> str:
    made, holes, consistent = (estimates.get(name) for name in ("made", "holes", "segments_consistent"))
    assert made is not None
    assert holes is not None
    text = (
        f"It makes {percent(made.point)} of its training images up to a mild change; to {percent(holes.point)} of them "
        "another real image is as near. "
    )
    if consistent is not None and consistent.value is not None and consistent.value < 1:
        text += f"For {percent(1 - consistent.value)} of the points found something nearer is proven to exist. "
    return text


def _missed(said: str, control: str, rate: float, required: float) -> Decision:
    """A search that misses what is there says nothing of what it does not find."""
    reason = f"the search found only {percent(rate)} of the {_CONTROLS[control]} again, fewer than {percent(required)}"
    settles = Settles(clause="more rounds or starts are needed", of="rounds or starts")
    return Decision("inconclusive", reason, f"{said} But {reason}: {settles.clause}.", settles)


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
