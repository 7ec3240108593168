"""The page of one audit: self-contained, without a script, showing nothing that the result does not hold."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from didlearn.report import estimates, numbers, plot, provenance
from didlearn.report.pictures import Album
from didlearn.result import AuditResult, Table

NAME: Final = "report.html"
VERDICTS: Final = {
    "pass": "Pass",
    "fail": "Fail",
    "inconclusive": "Inconclusive",
    "measured": "Measured",
    "not_run": "Not run",
    "error": "Error",
}
TABLE_ROWS: Final = 200


def render(result: AuditResult, root: Path) -> str:
    """Render a result as one HTML page.

    Args:
        result: what an audit found.
        root: the run folder that its saved pictures lie in; pictures still in memory need none.

    Returns:
        The page: no script, no reference to anything outside it, the same text for the same result.

    Raises:
        ResultError: a picture's path leads outside the run folder.
    """
    return templates().get_template("report.html").render(result=result, album=Album.of(result, root))


def write_report(run: Path) -> Path:
    """Render ``RUN/audit.json`` as ``RUN/report.html`` and return its path; a reader never sees half a page.

    Raises:
        ResultError: the folder holds no result that this version reads, or one that points outside the folder.
    """
    return write(Path(run) / NAME, render(AuditResult.load(run), Path(run)))


def write(path: Path, page: str) -> Path:
    """Write a page atomically and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".html")
    try:
        with os.fdopen(handle, "wb") as file:
            # A file name that was no UTF-8 holds lone surrogates, which no page can.
            file.write(page.encode("utf-8", "replace"))
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    return path


@cache
def templates() -> Environment:
    """Return the page templates; everything put into them is escaped."""
    environment = Environment(
        loader=PackageLoader("didlearn.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    texts = [name for name in environment.list_templates() if name.startswith("texts/")]
    environment.filters |= {
        "brief": numbers.brief,
        "number": numbers.number,
        "words": provenance.title,
        "plain": provenance.plain,
    }
    environment.globals |= {
        "draw": plot.draw,
        "estimate_groups": estimates.groups,
        "numeric": numeric,
        "provenance": provenance,
        "table_rows": TABLE_ROWS,
        "texts": texts,
        "verdicts": VERDICTS,
    }
    return environment


def numeric(table: Table) -> list[bool]:
    """Which columns of a table hold numbers and nothing else."""
    columns = [[row[i] for row in table.rows if i < len(row)] for i in range(len(table.columns))]
    return [not any(isinstance(c, str) for c in cells) and any(c is not None for c in cells) for cells in columns]
