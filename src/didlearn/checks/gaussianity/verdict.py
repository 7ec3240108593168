"""From p-values and effects to a verdict: described by two moments, not described, or not to be told."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from didlearn.checks.feature_groups import FEWEST_ROWS, FeatureGroup
from didlearn.checks.gaussianity.battery import Battery
from didlearn.random_matrix import pivotal_samples
from didlearn.result.parts import Decision
from didlearn.result.values import Estimate, Settles
from didlearn.result.words import number, percent

TESTS = 4
_PLAIN_LEVEL = 0.05
_LARGEST_SHIFT = 1000
_SPECTRA = ("gram", "whitened")
_NORMS = {"radius": "‖x‖²", "leverage": "the whitened ‖x‖²"}


class GaussianityLimits(NamedTuple):
    """What still counts as Gaussian: significance, shift of an edge, and variance of quadratic forms."""

    alpha: float
    tolerance: float
    fluctuation: float


def judge_unfit(group: FeatureGroup) -> Decision | None:
    """Say why a group's features cannot be tested, or nothing."""
    rows = len(group.features)
    if rows < FEWEST_ROWS:
        reason = f"{rows} images in classes of at least {FEWEST_ROWS} are too few to compare features"
        clause = f"give at least {FEWEST_ROWS} of each class"
        settles = Settles(clause=clause, of="images of each class", number=FEWEST_ROWS)
        return Decision("inconclusive", reason, f"Open: {reason}; {settles.clause}.", settles)
    if (group.features == group.features[0]).all():
        reason = f"all {rows} {group.name} images have the same features, so there is no spectrum to compare"
        return Decision("inconclusive", reason, f"Open: {reason}.")
    return None


def judge_features(estimates: dict[str, Estimate], battery: Battery, limits: GaussianityLimits) -> Decision:
    """Decide whether two moments describe generated features.

    Four tests share ``alpha``. ``fail``: a spectrum is rejected, and an upper edge lies more than ``tolerance`` from
    the mixture's and outside the replicates' range; or a variance of ‖x‖² is rejected, and is more than
    ``fluctuation`` times a Gaussian's; or more than a share ``tolerance`` of the images repeat others exactly, which a
    density never does. ``pass``: neither, with samples enough to compare all dimensions. Else
    ``inconclusive``.
    """
    beyond = [*_edges_beyond(estimates, limits), *_norms_beyond(estimates, limits), *_repeated(battery, limits)]
    if beyond:
        reason = f"the features are not Gaussian: {' and '.join(beyond)}"
        where = _for_which_methods(estimates, limits)
        return Decision("fail", reason, f"Two moments do not describe these features {where}: {beyond[0]}.")
    seen = edge_words(estimates)
    if battery.pivotal.projected:
        return _too_few_images(battery, seen)
    p = min(estimates[f"{name}_pvalue"].point for name in _SPECTRA)
    rejected = p <= limits.alpha / TESTS
    found = (
        "differ from Gaussian ones by no more than is tolerated" if rejected else "cannot be told from Gaussian ones"
    )
    reason = f"the spectra of {number(len(battery.group.features))} images' features {found} (p = {number(p, 2)})"
    return Decision("pass", reason, f"Two moments describe these features for linear methods: {seen}.")


def _too_few_images(battery: Battery, seen: str) -> Decision:
    """There are not images enough for all dimensions."""
    need = pivotal_samples(battery.rank, len(battery.group.counts)).total
    settles = Settles(clause=f"all of them need {number(need)} images", of="images", number=need)
    rows, compared = number(len(battery.group.features)), f"{battery.pivotal.dimension} of {battery.rank} dimensions"
    reason = f"{rows} images allow {compared} to be compared; {settles.clause}"
    return Decision("inconclusive", reason, f"Open: {seen}, but {reason}.", settles)


def _for_which_methods(estimates: dict[str, Estimate], limits: GaussianityLimits) -> str:
    """Say for which methods: the theory is about plain Gram matrices, and these may be described all the same."""
    p = estimates["gram_pvalue"].point
    if p < _PLAIN_LEVEL or estimates["radius_ratio"].point > limits.fluctuation:
        return "for linear methods"
    plain = f"though they describe the plain Gram matrix (p = {number(p, 2)})"
    return f"for linear methods that whiten them (small penalties do), {plain}"


def _edges_beyond(estimates: dict[str, Estimate], limits: GaussianityLimits) -> list[str]:
    """Say which edge is too far out, where a spectrum is rejected."""
    rejected = any(estimates[f"{name}_pvalue"].point <= limits.alpha / TESTS for name in _SPECTRA)
    beyond = any(_is_beyond(estimates[f"{name}_edge"], limits.tolerance) for name in _SPECTRA)
    return [edge_words(estimates)] if rejected and beyond else []


def _norms_beyond(estimates: dict[str, Estimate], limits: GaussianityLimits) -> list[str]:
    """Say which norm varies too much."""
    said = []
    for name, words in _NORMS.items():
        ratio = estimates.get(f"{name}_ratio")
        if ratio is None or estimates[f"{name}_pvalue"].point > limits.alpha / TESTS:
            continue
        if ratio.point > limits.fluctuation:
            said.append(f"{words} varies {number(ratio.point)} times as much as a Gaussian's")
            said[-1] += _real_beside(estimates, f"{name}_ratio_heldout", lambda value: f"{number(value)} times")
    return said[:1]


def _repeated(battery: Battery, limits: GaussianityLimits) -> list[str]:
    share = battery.group.repeats / len(battery.group.features)
    return [f"{percent(share)} of the images repeat others exactly"] if share > limits.tolerance else []


def edge_words(estimates: dict[str, Estimate]) -> str:
    """Say the larger of the two edge shifts: ``the spectrum's upper edge is 14 % beyond the mixture's``."""
    name = max((f"{spectrum}_edge" for spectrum in _SPECTRA), key=lambda one: abs(estimates[one].point))
    spectrum = "spectrum's" if name == "gram_edge" else "whitened spectrum's"
    text = f"the {spectrum} upper edge is {_shift_words(estimates[name].point)} the mixture's"
    matched = estimates.get(f"{name}_matched")
    if matched is not None and matched.value is not None and f"{name}_heldout" in estimates:
        text += f", of as many images as are held out {_shift_words(matched.value)}"
    return text + _real_beside(estimates, f"{name}_heldout", _shift_words)


def _real_beside(estimates: dict[str, Estimate], name: str, words: Callable[[float], str]) -> str:
    theirs = estimates.get(name)
    return "" if theirs is None or theirs.value is None else f" (of held-out real images {words(theirs.value)})"


def _shift_words(shift: float) -> str:
    if shift >= _LARGEST_SHIFT:
        # A feature that is zero for nearly all images of a class: how many times is then a matter of the split.
        return f"more than {number(_LARGEST_SHIFT)} times"
    if shift >= 1:
        return f"{number(1 + shift)} times"
    return f"{percent(abs(shift))} {'beyond' if shift >= 0 else 'below'}"


def _is_beyond(shift: Estimate, tolerance: float) -> bool:
    apart = shift.low_or(-math.inf) > 0 or shift.high_or(math.inf) < 0
    return abs(shift.point) > tolerance and apart


def agreed(decisions: dict[str, Decision]) -> Decision:
    """Join what was decided on several embeddings: the conclusion must not hang on one of them."""
    first = next(iter(decisions.values()))
    if len(decisions) == 1:
        return first
    verdicts = {name: one.verdict for name, one in decisions.items()}
    said = "; ".join(f"{name}: {one.reason}" for name, one in decisions.items())
    if len(set(verdicts.values())) == 1:
        settles = next((one.settles for one in decisions.values() if one.settles is not None), None)
        return Decision(first.verdict, said, f"{first.answer} All {len(decisions)} embeddings agree.", settles)
    reason = "the embeddings disagree: " + ", ".join(f"{verdict} in {name}" for name, verdict in verdicts.items())
    return Decision("inconclusive", reason, f"It depends on the features: {said}.")


def only_described(decision: Decision) -> Decision:
    """Keep what was found and decide nothing: it says more about the features than about the generator.

    Features of real images are rarely Gaussian either, so that no generator could pass.
    """
    return decision._replace(verdict="measured", settles=None)
