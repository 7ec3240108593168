"""Minutes divided among checks: each asks its question as hard as its share of the time allows.

What goes through a decoder takes a time that grows with the passes, and a pass costs what the network costs: from a
millisecond to a second. So one batch is timed first; then a check is tried at an effort that its share surely allows,
which tells the pace of the whole; and what is left is spent on the greatest effort that fits. Results depend on the
effort alone: the same parameters give the same numbers on any machine, within whatever budget they were chosen.
"""

from __future__ import annotations

import dataclasses
import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from didlearn.audit.check import Check
from didlearn.audit.subject import Subject
from didlearn.checks.pace import seconds_of_pass
from didlearn.errors import DidlearnError, UsageError
from didlearn.models.base import LatentModel
from didlearn.naming import option
from didlearn.result.values import CheckResult

C = TypeVar("C", bound=Check)
DRAWN = "samples"  # a check's parameter: images drawn
WITHIN = "within"  # beside a result's parameters: the budget that chose them
_UNITS = {"s": 1, "m": 60, "h": 3600}
_TRIED = 0.1  # of a check's share, foreseen for the effort that it is tried at
_MISJUDGED = 1.5  # what one batch foretells may be so much too long
_USED = 0.85  # of what is left that an effort may take, as foreseen by the pace of the trial
_WORTH = 1.5  # times the effort that is done for which it is asked again
_NOT_WORTH_SAYING = 60.0  # seconds
_LEAST = 0.03  # of the budget for each check that goes through the decoder, whatever the others took
_OTHERS = 0.04  # of the budget for each check that goes through no decoder
_REPORT = 0.02  # of the budget, left for saving and the page
_DRAWING = 0.4  # of the budget that the images drawn for such checks may take
_FEWEST_DRAWN = 1_000


class OutOfTime(Exception):  # noqa: N818 (no error: the check ends, and says so)
    """A check's share of the time is spent."""


def seconds_in(text: str | float) -> float:
    """Read a time: ``20m``, ``90s``, ``1.5h``; a number is seconds.

    Raises:
        UsageError: it is none, or not above zero.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip()) if isinstance(text, str) else None
    seconds = float(match[1]) * _UNITS[match[2]] if match else math.nan if isinstance(text, str) else float(text)
    if not 0 < seconds < math.inf:
        raise UsageError(f"{option('budget', None)} is {text!r}; give a time, as in 20m, 90s or 1.5h")
    return seconds


def efforts_of(check: C) -> list[C]:
    """Return a check with its parameters held to each of its ``efforts``, the least first, and as it is asked."""
    names = check.parameters()
    held = [
        dataclasses.replace(
            check, **{name: min(getattr(check, name), most) for name, most in caps.items() if name in names}
        )  # type: ignore[type-var]
        for caps in check.efforts
    ]
    return list(dict.fromkeys([*held, check]))


@dataclass
class TimeBudget:
    """What is left of the time for some checks, asked one after another.

    Attributes:
        text: as it was given. seconds: of the whole. clock: tells the time.
        slowness: what a check took, over what one batch had foretold: of the last one.
    """

    text: str
    seconds: float
    clock: Callable[[], float] = time.monotonic
    slowness: float = 1.0
    _began: float = field(init=False)
    _pass: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def left(self) -> float:
        """Seconds that are left for checks."""
        return (1 - _REPORT) * self.seconds - (self.clock() - self._began)

    def run(
        self, check: Check, later: Sequence[Check], subject: Subject, run: Callable[[Check, Subject], CheckResult]
    ) -> CheckResult:
        """Run a check as hard as its share of the time allows.

        Args:
            check: as it is asked. later: those that come after it. subject: of all of them. run: runs one.
        """
        efforts = efforts_of(check)
        if check.missing(subject) is not None:
            return run(check, subject)
        if len(efforts) == 1:
            return self._drawn(check, subject, run)
        passes = [effort.passes(subject) for effort in efforts]
        share, began = self._share(check, later, subject), self.clock()
        foreseen = [count * self._seconds_of_pass(subject) * self.slowness for count in passes]
        if foreseen[0] > _MISJUDGED * share:
            return self._too_long(check, foreseen[0], share)
        timed = self._timed(subject, began + share)
        first = max((i for i, seconds in enumerate(foreseen) if seconds <= _TRIED * share), default=0)
        try:
            result, chosen = run(efforts[first], timed), first
        except OutOfTime:
            return self._cut(check, share)
        spent = self.clock() - began
        self.slowness *= spent / max(foreseen[first], 1e-9)
        pace = spent / passes[first]
        fit = [i for i in range(first + 1, len(efforts)) if passes[i] * pace <= _USED * (share - spent)]
        if fit and passes[fit[-1]] >= _WORTH * passes[first]:
            with suppress(OutOfTime):  # then what the trial found stands
                result, chosen = run(efforts[fit[-1]], timed), fit[-1]
        return self._said(result, check, efforts[chosen], self.clock() - began)

    def _drawn(self, check: Check, subject: Subject, run: Callable[[Check, Subject], CheckResult]) -> CheckResult:
        """Run a check of drawn images, with as many as the time allows: 20 000 of a diffusion model may take hours."""
        asked, most, began = images_drawn(check), self.most_drawn(subject), self.clock()
        if asked <= most:
            return run(check, subject)
        fewer = dataclasses.replace(check, **{DRAWN: most})  # type: ignore[type-var]
        return self._said(run(fewer, subject), check, fewer, self.clock() - began)

    def most_drawn(self, subject: Subject) -> float:
        """Return how many images may be drawn for checks that draw; any number of what only hands them out."""
        if not isinstance(subject.model, LatentModel):
            return math.inf
        try:
            fit = _DRAWING * self.seconds / self._seconds_of_pass(subject)
        except DidlearnError:  # the checks themselves say so
            return math.inf
        return max(_FEWEST_DRAWN, int(fit) // 100 * 100)

    def _timed(self, subject: Subject, end: float) -> Subject:
        """Return a subject of which nothing more is begun that would end later.

        Progress is told after every unit; the next is taken to last as long as the longest so far.
        """
        last, longest = self.clock(), 0.0

        def progress(what: str, done: int, total: int) -> None:
            nonlocal last, longest
            subject.progress(what, done, total)
            now = self.clock()
            last, longest = now, max(longest, now - last)
            if now + longest > end:
                raise OutOfTime

        return dataclasses.replace(subject, progress=progress)

    def _share(self, check: Check, later: Sequence[Check], subject: Subject) -> float:
        """Return the seconds of a check: of what is left after small checks, by the passes that each asks for.

        Small checks take the time that they take: where that was nearly all, a little is left to the others.
        """
        open_ = [other for other in later if other.missing(subject) is None]
        others = sum(not other.efforts for other in open_) * _OTHERS * self.seconds
        asked = [other.passes(subject) for other in (check, *open_) if other.efforts]
        return max(_LEAST * self.seconds, (self.left - others) * asked[0] / sum(asked))

    def _seconds_of_pass(self, subject: Subject) -> float:
        if self._pass is None:
            assert isinstance(subject.model, LatentModel)
            self._pass = seconds_of_pass(subject.model, subject.device) / max(1, subject.threads)
        return self._pass

    def _said(self, result: CheckResult, asked: Check, done: Check, seconds: float) -> CheckResult:
        """Return a result that says what its share of the time bought."""
        less = [
            f"{name} {getattr(done, name)} of {getattr(asked, name)}"
            for name in asked.parameters()
            if getattr(done, name) != getattr(asked, name)
        ]
        bought = f"asked with {', '.join(less)}, so its intervals are wider" if less else "asked as hard as without it"
        note = f"Within the budget of {self.text} this check took {_spoken(seconds)}: {bought}."
        return result.model_copy(
            update={
                "seconds": round(seconds, 3),
                "params": result.params | {WITHIN: self.text},
                "notes": (*result.notes, note),
            }
        )

    def _too_long(self, check: Check, seconds: float, share: float) -> CheckResult:
        foreseen = f"even its least effort would take about {_spoken(seconds)}, and its share is {_spoken(share)}"
        return self._untold(check, foreseen)

    def _cut(self, check: Check, share: float) -> CheckResult:
        return self._untold(check, f"its least effort did not end in its share, {_spoken(share)}")

    def _untold(self, check: Check, why: str) -> CheckResult:
        reason = f"{why}; {option('budget', None)} {self.text} is too little for it"
        return CheckResult(
            check=check.name,
            question=check.question,
            verdict="inconclusive",
            reason=reason,
            answer=f"Not told: {reason}.",
            params=check.params() | {WITHIN: self.text},
        )


def images_drawn(check: Check) -> float:
    """Return how many images a check asks the generator for."""
    return float(getattr(check, DRAWN, 0))


def passes_of(checks: Sequence[Check], subject: Subject) -> dict[str, float]:
    """Return about how many passes through the decoder each check takes, of those that take any and can run."""
    return {check.name: check.passes(subject) for check in checks if check.efforts and check.missing(subject) is None}


def foretell(checks: Sequence[Check], subject: Subject, most_drawn: float = math.inf) -> str:
    """Say about what the checks through the decoder will cost, by one batch of it; nothing where that is a minute.

    An image that is drawn is a pass, of ``most_drawn`` at most; what else checks do with the images is not counted.
    """
    model = subject.model
    if not isinstance(model, LatentModel):
        return ""
    passes = passes_of(checks, subject)
    runs = [check for check in checks if check.missing(subject) is None]
    drawn = min(max(map(images_drawn, runs), default=0.0), most_drawn)
    passes = {f"drawing {drawn:.0f} images": drawn, **passes} if drawn else passes
    if not passes:
        return ""
    try:
        each = seconds_of_pass(model, subject.device)
    except DidlearnError:  # the checks themselves say so
        return ""
    seconds = {what: count * each / max(1, subject.threads) for what, count in passes.items()}
    if sum(seconds.values()) < _NOT_WORTH_SAYING:
        return ""
    parts = ", ".join(f"{what} {_spoken(value)}" for what, value in seconds.items())
    return f"by one batch of {model.name}, this will take about {_spoken(sum(seconds.values()))}: {parts}"


def _spoken(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 6000 else f"{seconds / 3600:.1f} hours"
