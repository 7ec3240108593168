"""``didlearn report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from didlearn.cli.shown import shown


def report(run: Annotated[Path, typer.Argument(help="Run folder.", show_default=False)]) -> None:
    """Render a run's report again, from its JSON."""
    from didlearn.report import write_report

    print(shown(write_report(run)))
