"""What every command shows while it works: on stderr, so that stdout carries results alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from didlearn.cli.shown import shown
from didlearn.progress import Progress, silent


@contextmanager
def showing(quiet: bool) -> Iterator[Progress]:
    """Show what is being done, how far it is, and the time left, on stderr; nothing before there is anything."""
    if quiet:
        yield silent
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
    bars = Bars(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    tasks: dict[str, TaskID] = {}

    def advance(what: str, done: int, total: int) -> None:
        if total == 0:
            console.print(escape(shown(what)), style="dim")
            return
        bars.start()
        if what not in tasks:
            tasks[what] = bars.add_task(escape(shown(what)), total=total)
        bars.update(tasks[what], completed=done, total=total)

    try:
        yield advance
    finally:
        if tasks:
            bars.stop()
