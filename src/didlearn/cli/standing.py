"""How far a command is, and how long what is left of it will take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from didlearn.progress import CHECKS_DONE, LATER, PASSES

_KEPT: Final = 0.1  # seconds: what takes less was kept from an earlier run, and tells nothing of the others


@dataclass
class Standing:
    """How far a command is.

    Attributes:
        started: when it began, in seconds of a clock. checks, checks_done: of an audit; 0 of another command.
        what: is being done now. done, total: of it. since: when it was first told, and begun: how much was done then.
        check_since: when the check that is on began. run, spent: how many checks were run that go through no decoder,
            and the seconds they took.
        passes: of the check that is on, done and in all; 0 where it counts none. later: passes of those after it, and
            how many of them take any. pace: seconds of a pass in the last check that took any.
    """

    started: float
    checks: int = 0
    checks_done: int = 0
    what: str = ""
    done: int = 0
    total: int = 0
    since: float = 0.0
    begun: int = 0
    check_since: float | None = None
    run: int = 0
    spent: float = 0.0
    passes: tuple[int, int] = (0, 0)
    later: tuple[int, int] = (0, 0)
    pace: float | None = None

    def note(self, what: str, done: int, total: int, now: float) -> None:
        """Take in what is told."""
        if what == CHECKS_DONE:
            self._note_checks(done, total, now)
        elif what == PASSES:
            self.passes = done, total
        elif what == LATER:
            self.later = done, total
        else:
            if what != self.what:
                self.what, self.since, self.begun = what, now, done
            self.done, self.total = done, total

    def _note_checks(self, done: int, total: int, now: float) -> None:
        took = 0.0 if self.check_since is None else now - self.check_since
        if self.passes[0]:
            self.pace = took / self.passes[0]
        elif took >= _KEPT and not self.passes[1]:
            self.run, self.spent = self.run + done - self.checks_done, self.spent + took
        self.checks_done, self.checks, self.check_since = done, total, now
        self.passes = self.later = 0, 0

    def seconds_left(self, now: float) -> float | None:
        """Return how long what is being done will take at its pace up to now; ``None`` before there is one."""
        if self.done <= self.begun or not self.total:
            return None
        return (now - self.since) * (self.total - self.done) / (self.done - self.begun)

    def checks_seconds_left(self, now: float) -> float | None:
        """Return how long all that is left will take; ``None`` before anything tells.

        Of checks that go through the decoder, by the passes that they are foreseen to take, at the pace of this one or
        of the last of them; the others are as long as those before them on average. This one, where it counts no
        passes, is counted by what it has taken and will take.
        """
        if self.checks_done == self.checks:
            return 0.0
        began = self.started if self.check_since is None else self.check_since
        took, (passed, in_all), (later, heavy) = now - began, self.passes, self.later
        pace = took / passed if passed else self.pace
        if pace is None and (in_all or heavy):
            return None
        of_later = later * (pace or 0.0)
        others = self.checks - self.checks_done - 1 - heavy
        left = self.seconds_left(now) if self.since >= began else None
        if in_all:
            left = max(left or 0.0, (in_all - passed) * (pace or 0.0))
            mean = self.spent / self.run if self.run else took + left
            return left + of_later + others * mean
        if left is None and not self.run:
            return None
        mean = self.spent / self.run if left is None else (self.spent + took + left) / (self.run + 1)
        return (max(0.0, mean - took) if left is None else left) + of_later + others * mean

    def state(self, now: float) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "what": self.what,
            "done": self.done,
            "total": self.total,
            "seconds_left": self.seconds_left(now),
            "checks_done": self.checks_done,
            "checks": self.checks,
            "checks_seconds_left": self.checks_seconds_left(now),
            "seconds": now - self.started,
            "finished": bool(self.checks) and self.checks_done == self.checks,
        }

    def line(self, now: float) -> str:
        """Return all of it in one line."""
        said = f"{spoken(now - self.started)}: {self.what}"
        if self.total:
            said += f", {self.done} of {self.total}"
        left = self.seconds_left(now)
        if left is not None:
            said += f", about {spoken(left)} left of it"
        if self.checks:
            said += f" (check {min(self.checks_done + 1, self.checks)} of {self.checks}{self.left_in_all(now)})"
        return said

    def left_in_all(self, now: float) -> str:
        """Return the time left of the whole audit as words to follow others; none while it is unknown."""
        left = self.checks_seconds_left(now) if self.checks else None
        return "" if left is None else f", about {spoken(left)} left in all"


def spoken(seconds: float) -> str:
    """Return seconds in the unit that tells."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes >= 2 else f"{60 * minutes + rest} s"
