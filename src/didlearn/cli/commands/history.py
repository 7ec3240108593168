"""``didlearn history``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from didlearn.cli.shown import shown


def history(
    file: Annotated[Path, typer.Argument(help="A file that --history appended to.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("history.html"),
) -> None:
    """Plot verdicts and estimates over the checkpoints of one model."""
    from didlearn.readiness.outputs import check_file
    from didlearn.report.history import history_in_words, write_history
    from didlearn.result.passed_on.history import read_history

    check_file(output)
    said = history_in_words(read_history(file).entries)
    page = write_history(file, output)
    print(shown(said))
    print(shown(page))
