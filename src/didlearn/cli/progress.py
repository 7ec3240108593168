"""What every command shows while it works: on stderr, so that stdout carries results alone; and in a file, if asked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from didlearn.atomic import atomically
from didlearn.cli.shown import shown
from didlearn.cli.standing import Standing, spoken
from didlearn.progress import CHECKS_DONE, LATER, PASSES, Progress, silent

if TYPE_CHECKING:
    from rich.console import Console

FILE: Final = "progress.json"
_LINE, _WRITE = 60.0, 1.0  # seconds between two lines where there is no terminal, and between two states of the file
_OF_CHECKS: Final = (CHECKS_DONE, PASSES, LATER)  # told of whole checks, and nothing that is being done by itself


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
        elif what not in _OF_CHECKS and (self.now is None or self.now[0] != what):
            if self.now is not None:
                self.bars.remove_task(self.now[1])
            self.now = what, self.bars.add_task(escape(shown(what)), total=total, left="")
        if self.checks is not None:
            said = self.standing.left_in_all(now).removeprefix(", ")
            self.bars.update(self.checks, completed=self.standing.checks_done, left=said)
        if what not in _OF_CHECKS and self.now is not None:
            left = self.standing.seconds_left(now)
            self.bars.update(
                self.now[1], completed=done, total=total, left="" if left is None else f"about {spoken(left)} left"
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
