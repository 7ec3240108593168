"""What every command shows while it works: on stderr, so that stdout carries results alone; and in a file, if asked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from didlearn.atomic import atomically
from didlearn.cli.shown import shown
from didlearn.progress import CHECKS_DONE, Progress, silent

if TYPE_CHECKING:
    from rich.console import Console

FILE: Final = "progress.json"
_LINE, _WRITE = 60.0, 1.0  # seconds between two lines where there is no terminal, and between two states of the file
_KEPT = 0.1  # seconds: what takes less was kept from an earlier run, and tells nothing of the others


@dataclass
class Standing:
    """How far a command is.

    Attributes:
        started: when it began, in seconds of a clock. checks, checks_done: of an audit; 0 of another command.
        what: is being done now. done, total: of it. since: when it was first told, and begun: how much was done then.
        check_since: when the check that is on began. run, spent: how many checks were run, and the seconds they took.
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

    def note(self, what: str, done: int, total: int, now: float) -> None:
        """Take in what is told."""
        if what == CHECKS_DONE:
            took = 0.0 if self.check_since is None else now - self.check_since
            if took >= _KEPT:
                self.run, self.spent = self.run + done - self.checks_done, self.spent + took
            self.checks_done, self.checks, self.check_since = done, total, now
            return
        if what != self.what:
            self.what, self.since, self.begun = what, now, done
        self.done, self.total = done, total

    def seconds_left(self, now: float) -> float | None:
        """Return how long what is being done will take at its pace up to now; ``None`` before there is one."""
        if self.done <= self.begun or not self.total:
            return None
        return (now - self.since) * (self.total - self.done) / (self.done - self.begun)

    def checks_seconds_left(self, now: float) -> float | None:
        """Return how long all that is left will take; ``None`` before anything tells.

        What is being done goes on at its pace, and the checks after this one are as long as those before it on average,
        this one counted by what it has taken and will take.
        """
        if self.checks_done == self.checks:
            return 0.0
        began = self.started if self.check_since is None else self.check_since
        left, took = self.seconds_left(now) if self.since >= began else None, now - began
        if left is None and not self.run:
            return None
        mean = self.spent / self.run if left is None else (self.spent + took + left) / (self.run + 1)
        return (max(0.0, mean - took) if left is None else left) + (self.checks - self.checks_done - 1) * mean

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
        said = f"{_span(now - self.started)}: {self.what}"
        if self.total:
            said += f", {self.done} of {self.total}"
        left = self.seconds_left(now)
        if left is not None:
            said += f", about {_span(left)} left of it"
        if self.checks:
            said += f" (check {min(self.checks_done + 1, self.checks)} of {self.checks}{self.later(now)})"
        return said

    def later(self, now: float) -> str:
        """Return the time left of the whole audit as words to follow others; none while it is unknown."""
        left = self.checks_seconds_left(now) if self.checks else None
        return "" if left is None else f", about {_span(left)} left in all"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes >= 2 else f"{60 * minutes + rest} s"


@contextmanager
def showing(quiet: bool, folder: Path | None = None) -> Iterator[Progress]:
    """Show what is being done, how far it is, and the time left, on stderr; nothing before there is anything.

    In a terminal bars, of the checks and of what is being done; elsewhere a line a minute. ``quiet`` shows nothing. In
    the folder of an audit another program finds the same as ``progress.json``, a second old at most.
    """
    told: list[Progress] = [] if folder is None else [_File(folder)]
    if quiet:
        yield _all(told) if told else silent
        return
    from rich.console import Console

    console = Console(stderr=True)
    shown_ = _Bars(console) if console.is_terminal else _Lines(console)
    try:
        yield _all([shown_, *told])
    finally:
        shown_.stop()


def _all(told: list[Progress]) -> Progress:
    def tell(what: str, done: int, total: int) -> None:
        for one in told:
            one(what, done, total)

    return tell


class _Bars:
    """A bar of the checks, and one of what is being done."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, TaskID, TextColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
        self.console = console
        self.bars = Bars(*columns, TextColumn("{task.fields[left]}"), console=console, transient=True)
        self.standing = Standing(time.monotonic())
        self.checks: TaskID | None = None
        self.now: tuple[str, TaskID] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        from rich.markup import escape

        if total == 0:
            self.console.print(escape(shown(what)), style="dim")
            return
        now = time.monotonic()
        self.standing.note(what, done, total, now)
        self.bars.start()
        if what == CHECKS_DONE and self.checks is None:
            self.checks = self.bars.add_task(CHECKS_DONE, total=total, left="")
        elif what != CHECKS_DONE and (self.now is None or self.now[0] != what):
            if self.now is not None:
                self.bars.remove_task(self.now[1])
            self.now = what, self.bars.add_task(escape(shown(what)), total=total, left="")
        if self.checks is not None:
            said = self.standing.later(now).removeprefix(", ")
            self.bars.update(self.checks, completed=self.standing.checks_done, left=said)
        if what != CHECKS_DONE and self.now is not None:
            left = self.standing.seconds_left(now)
            self.bars.update(
                self.now[1], completed=done, total=total, left="" if left is None else f"about {_span(left)} left"
            )

    def stop(self) -> None:
        """Take the bars away."""
        self.bars.stop()


@dataclass
class _Lines:
    """What a log can hold: what begins, and a line a minute."""

    console: Console
    standing: Standing = field(default_factory=lambda: Standing(time.monotonic()))
    last: float = field(default_factory=time.monotonic)

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if total == 0:
            self._say(what, now)
            return
        self.standing.note(what, done, total, now)
        if now - self.last >= _LINE:
            self._say(self.standing.line(now), now)

    def _say(self, text: str, now: float) -> None:
        from rich.markup import escape

        self.console.print(escape(shown(text)), style="dim", soft_wrap=True)
        self.last = now

    def stop(self) -> None:
        """Leave what was said."""


class _File:
    """The state of an audit, for another program: nothing before its first check begins."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.standing, self.last = Standing(time.monotonic()), -_WRITE

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if total:
            self.standing.note(what, done, total, now)
        if self.standing.checks and (what == CHECKS_DONE or now - self.last >= _WRITE):
            self.last = now
            text = json.dumps(self.standing.state(now))
            with suppress(OSError):  # where it cannot be written, the audit itself says so if it has to
                self.path.parent.mkdir(parents=True, exist_ok=True)
                atomically(self.path, lambda part: part.write_text(text, encoding="utf-8"))
