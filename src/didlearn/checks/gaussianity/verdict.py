"""From p-values and effects to a verdict: described by two moments, not described, or not to be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from didlearn.checks.gaussianity.tests import Study
from didlearn.random_matrix import pivotal_samples
from didlearn.result.parts import Decision
from didlearn.result.values import Estimate
from didlearn.result.words import number, percent

TESTS = 4
_PLAIN = 0.05
LARGEST = 1000


class Limits(NamedTuple):
    """What still counts as Gaussian: significance, shift of an edge, and variance of quadratic forms."""

    alpha: float
    tolerance: float
    fluctuation: float


def judge_features(estimates: dict[str, Estimate], study: Study, limits: Limits) -> Decision:
    """Decide whether two moments describe generated features.

    Four tests share ``alpha``. ``fail``: a spectrum is rejected, and an upper edge lies more than ``tolerance`` from
    the mixture's and outside the replicates' range; or a variance of ‖x‖² is rejected, and is more than
    ``fluctuation`` times a Gaussian's; or more than a share ``tolerance`` of the images repeat others exactly, which a
    density never does. ``pass``: neither, with samples enough to compare all dimensions. Else
    ``inconclusive``.
    """
    beyond = [*_edges(estimates, limits), *_norms(estimates, limits), *_repeats(study, limits)]
    p = min(_value(estimates, "gram_pvalue"), _value(estimates, "whitened_pvalue"))
    if beyond:
        reason = f"the features are not Gaussian: {' and '.join(beyond)}"
        return Decision(
            "fail", reason, f"Two moments do not describe these features {_where(estimates, limits)}: {beyond[0]}."
        )
    seen, rows = edge_words(estimates), len(study.group.features)
    if study.pivotal.projected:
        need = pivotal_samples(study.rank, len(study.group.counts))
        reason = (
            f"{number(rows)} images allow {study.pivotal.dimension} of {study.rank} dimensions to be compared; all of "
            f"them need {number(need.total)} images"
        )
        return Decision("inconclusive", reason, f"Open: {seen}, but {reason}.")
    rejected = p <= limits.alpha / TESTS
    found = (
        "differ from Gaussian ones by no more than is tolerated" if rejected else "cannot be told from Gaussian ones"
    )
    reason = f"the spectra of {number(rows)} images' features {found} (p = {p:.2g})"
    return Decision("pass", reason, f"Two moments describe these features for linear methods: {seen}.")


def _where(estimates: dict[str, Estimate], limits: Limits) -> str:
    """Say for which methods: the theory is about plain Gram matrices, and these may be described all the same."""
    p = _value(estimates, "gram_pvalue")
    if p < _PLAIN or _value(estimates, "radius_ratio") > limits.fluctuation:
        return "for linear methods"
    plain = f"though they describe the plain Gram matrix (p = {p:.2g})"
    return f"for linear methods that whiten them (small penalties do), {plain}"


def _edges(estimates: dict[str, Estimate], limits: Limits) -> list[str]:
    """Say which edge is too far out, where a spectrum is rejected."""
    rejected = any(_value(estimates, f"{name}_pvalue") <= limits.alpha / TESTS for name in ("gram", "whitened"))
    beyond = any(_is_beyond(estimates[name], limits.tolerance) for name in ("gram_edge", "whitened_edge"))
    return [edge_words(estimates)] if rejected and beyond else []


def _norms(estimates: dict[str, Estimate], limits: Limits) -> list[str]:
    """Say which norm varies too much."""
    said = []
    for name, words in (("radius", "‖x‖²"), ("leverage", "the whitened ‖x‖²")):
        ratio = estimates.get(f"{name}_ratio")
        if ratio is None or _value(estimates, f"{name}_pvalue") > limits.alpha / TESTS:
            continue
        if (ratio.value or 0.0) > limits.fluctuation:
            said.append(f"{words} varies {number(ratio.value or 0.0)} times as much as a Gaussian's")
            said[-1] += _real(estimates, f"{name}_ratio_heldout", lambda value: f"{number(value)} times")
    return said[:1]


def _repeats(study: Study, limits: Limits) -> list[str]:
    share = study.group.repeats / len(study.group.features)
    return [f"{percent(share)} of the images repeat others exactly"] if share > limits.tolerance else []


def edge_words(estimates: dict[str, Estimate]) -> str:
    """Say the larger of the two edge shifts: ``the spectrum's upper edge is 14 % beyond the mixture's``."""
    name = max(("gram_edge", "whitened_edge"), key=lambda one: abs(_value(estimates, one)))
    spectrum = "spectrum's" if name == "gram_edge" else "whitened spectrum's"
    text = f"the {spectrum} upper edge is {_signed(_value(estimates, name))} the mixture's"
    matched = estimates.get(f"{name}_matched")
    if matched is not None and matched.value is not None and f"{name}_heldout" in estimates:
        text += f", of as many images as are held out {_signed(matched.value)}"
    return text + _real(estimates, f"{name}_heldout", _signed)


def _real(estimates: dict[str, Estimate], name: str, words: Callable[[float], str]) -> str:
    theirs = estimates.get(name)
    return "" if theirs is None or theirs.value is None else f" (of held-out real images {words(theirs.value)})"


def _signed(shift: float) -> str:
    if shift >= LARGEST:
        # A feature that is zero for nearly all images of a class: how many times is then a matter of the split.
        return f"more than {number(LARGEST)} times"
    if shift >= 1:
        return f"{number(1 + shift)} times"
    return f"{abs(shift) * 100:.2g} % {'beyond' if shift >= 0 else 'below'}"


def _is_beyond(shift: Estimate, tolerance: float) -> bool:
    low, high, value = shift.low or 0.0, shift.high or 0.0, shift.value or 0.0
    return abs(value) > tolerance and (low > 0 or high < 0)


def _value(estimates: dict[str, Estimate], name: str) -> float:
    return estimates[name].value or 0.0


def agreed(decisions: dict[str, Decision]) -> Decision:
    """Join what was decided on several embeddings: the conclusion must not hang on one of them."""
    first = next(iter(decisions.values()))
    if len(decisions) == 1:
        return first
    verdicts = {name: one.verdict for name, one in decisions.items()}
    said = "; ".join(f"{name}: {one.reason}" for name, one in decisions.items())
    if len(set(verdicts.values())) == 1:
        return Decision(first.verdict, said, f"{first.answer} All {len(decisions)} embeddings agree.")
    reason = "the embeddings disagree: " + ", ".join(f"{verdict} in {name}" for name, verdict in verdicts.items())
    return Decision("inconclusive", reason, f"It depends on the features: {said}.")
