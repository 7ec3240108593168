"""What is said when somebody stops a command: where things stand, and how to go on."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from didlearn.cli.shown import shown
from didlearn.progress import Progress

INTERRUPTED, TERMINATED = 130, 143  # 128 and the signal's number, as shells say it
_CHECK = "check: "


class Terminated(KeyboardInterrupt):
    """What a batch system or a container sends before it kills (SIGTERM): an interrupt of another exit code."""


def heed_termination() -> None:
    """Be interrupted by SIGTERM as by Ctrl-C."""

    def stop(number: int, frame: object) -> NoReturn:  # noqa: ARG001 (a handler's own signature)
        raise Terminated

    signal.signal(signal.SIGTERM, stop)


def code_of(stop: KeyboardInterrupt) -> int:
    """Return the exit code of a command that was stopped."""
    return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED


@contextmanager
def stopping(standing: Callable[[], str]) -> Iterator[None]:
    """Turn an interrupt (Ctrl-C, SIGTERM) into one sentence that ``standing`` ends, and exit code 130 or 143."""
    try:
        yield
    except KeyboardInterrupt as stop:
        print(f"stopped: {shown(standing())}", file=sys.stderr)
        raise SystemExit(code_of(stop)) from None


class Checks:
    """Which checks of an audit have begun, as its progress tells."""

    def __init__(self, progress: Progress, folder: Path) -> None:
        self.progress, self.folder = progress, folder
        self.begun: list[str] = []

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take note of a check that begins, and pass it on."""
        if what.startswith(_CHECK) and total == 0:
            self.begun.append(what.removeprefix(_CHECK))
        self.progress(what, done, total)

    def standing(self) -> str:
        """Say what is finished and saved."""
        from didlearn.result.words import listed  # with pydantic's models, for one sentence

        finished, last = self.begun[:-1], self.begun[-1:]
        if not last:
            return "no check had begun and nothing was saved; the same command begins again"
        if not finished:
            return f"in {last[0]}, the first check; what is finished of it is kept, and the same command goes on"
        return (
            f"in {last[0]}; {listed(finished)} {'is' if len(finished) == 1 else 'are'} finished and saved in "
            f"{self.folder} (`didlearn report {self.folder}` writes the page); the same command asks the rest"
        )
