"""``didlearn compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("compare.html"),
) -> None:
    """Set several runs side by side on one page."""
    from didlearn.report import write_comparison

    print(write_comparison(runs, output))
