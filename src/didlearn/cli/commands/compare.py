"""``didlearn compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from didlearn.cli.shown import shown


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("compare.html"),
) -> None:
    """Say which of several runs' models is the best, and set them side by side on one page."""
    from didlearn.readiness.outputs import check_file
    from didlearn.report.comparison.page import compared_in_words, named_runs, render_comparison
    from didlearn.report.page import write

    check_file(output)
    results, roots = named_runs(runs)
    page = render_comparison(results, roots)
    print(shown(compared_in_words(results)))
    print(shown(write(output, page)))
