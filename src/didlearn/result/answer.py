"""The one answer above all checks: did it learn its distribution?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from didlearn.result.effects import Failing, failings_of
from didlearn.result.values import CheckResult, Settles, Value
from didlearn.result.words import number

# Without these three nothing is shown: that it makes enough different images, its own ones, and the right ones.
NEEDED: Final = ("support", "memorization", "fidelity")
# Reasons in order of weight: what a generator that copies or repeats itself is else good for does not matter.
_WEIGHTS: Final = ("memorization", "support", "fidelity", "inversion", "typicality", "likelihood")
# Images that look wrong one by one also lie nearer to one another, or farther apart, than real ones: the cause is said
# before what it brings about.
_LOOKS: Final = ("fine_detail", "brightness_shift")
_BROUGHT_ABOUT: Final = ("relative_support", "vendi_ratio")


class Answer(Value):
    """Did it learn its distribution?

    Attributes:
        verdict: "no" where a judged check failed, "yes" where the needed ones passed and none failed, else "open".
        sentence: the answer in one sentence. reasons: what it rests on, the weightiest first.
    """

    verdict: Literal["yes", "no", "open"]
    sentence: str
    reasons: tuple[str, ...] = ()


def answer_of(checks: Sequence[CheckResult]) -> Answer:
    """Return the answer that the checks together give."""
    ordered = sorted(checks, key=lambda check: _rank(check.check))
    failed = [check for check in ordered if check.verdict == "fail"]
    if failed:
        faults = _causes_first([fault for check in failed for fault in _wrong(check)])
        reasons = tuple(fault.wrong for fault in faults)
        return Answer(verdict="no", sentence=f"No: {_weightiest(faults)}.", reasons=reasons)
    found = {check.check: check for check in checks}
    unshown = [name for name in NEEDED if name not in found or found[name].verdict != "pass"]
    if not unshown:
        passed = tuple(check.reason for check in ordered if check.verdict == "pass")
        return Answer(verdict="yes", sentence=f"Yes, as far as {_images(found)} images can tell.", reasons=passed)
    reasons = tuple(_open(name, found.get(name)) for name in unshown)
    return Answer(verdict="open", sentence=f"Not shown either way: {_settled(unshown, found)}.", reasons=reasons)


def _rank(check: str) -> tuple[int, str]:
    return (_WEIGHTS.index(check) if check in _WEIGHTS else len(_WEIGHTS), check)


def _wrong(check: CheckResult) -> list[Failing]:
    """What is wrong by a failed check: its effects beyond their tolerance, or its reason."""
    return failings_of(check.effects) or [Failing(check.reason)]


def _causes_first(found: list[Failing]) -> list[Failing]:
    """Put blur, noise and light before the first fault that they may have brought about."""
    at = next((i for i, fault in enumerate(found) if fault.estimate in _BROUGHT_ABOUT), len(found))
    later = found[at:]
    return [
        *found[:at],
        *(fault for fault in later if fault.estimate in _LOOKS),
        *(fault for fault in later if fault.estimate not in _LOOKS),
    ]


def _weightiest(found: list[Failing]) -> str:
    """The first fault; with what it may have brought about, where that comes next."""
    looks = [fault for fault in found if fault.estimate in _LOOKS]
    if found[0].estimate in _LOOKS and len(found) > len(looks):
        return f"{found[0].wrong}, and {found[len(looks)].wrong}"
    return found[0].wrong


def _open(name: str, check: CheckResult | None) -> str:
    if check is None:
        return f"{name} was not asked"
    return f"{name}: {check.reason}"


def _settled(unshown: Sequence[str], found: dict[str, CheckResult]) -> str:
    """What it takes to settle every open question, the most of each kind; else why the first is open."""
    most: dict[tuple[str, bool], Settles] = {}
    for name in unshown:
        check = found.get(name)
        if check is None or check.settles is None or not check.settles.of:
            return _open(name, check)
        needed = check.settles
        key = (needed.of, needed.times is not None)
        most[key] = max(most.get(key, needed), needed, key=lambda one: one.number or one.times or 0)
    return " and ".join(needed.clause for needed in most.values())


def _images(found: dict[str, CheckResult]) -> str:
    """How many images were looked at: those that support counted pairs among, else the most there are."""
    support = found["support"].estimates
    if "effective_support" in support:
        return number(support["effective_support"].n)
    return number(max(estimate.n for name in NEEDED for estimate in found[name].estimates.values()))
