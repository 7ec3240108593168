"""The page of one study: a question, its answer, and everything behind it, in the style of a report."""

from __future__ import annotations

from pathlib import Path

from didlearn.report.figures.exports import stems, write_figures
from didlearn.report.page import PAGE_NAME, fill, write
from didlearn.result.values import CheckResult


def write_study_report(result: CheckResult, folder: Path) -> Path:
    """Write ``FOLDER/report.html`` about one result, and ``FOLDER/figures/STUDY-FIGURE.{svg,pdf,csv}``.

    Args:
        result: the study as a ``CheckResult``: ``check`` is its name (it also begins the figures' file names),
            ``question`` becomes the title and ``answer`` the first paragraph; ``verdict`` is ``measured`` where nothing
            was decided. Estimates, figures, galleries, tables and notes are shown in this order, parameters at the end.
        folder: to write to; made where it is missing. Saved pictures (``Tile.path``) are looked for below it; tiles
            that hold pixels need no file.

    Returns:
        The path of the page: at most 5 MB, self-contained but for the links to the figures' files.

    Raises:
        ResultError: a picture's path leads outside the folder.
    """
    folder = Path(folder)
    facts = {"result": result, "stems": stems([result])[0]}
    page = fill("study.html", [result], folder, facts)
    write_figures([result], folder)
    return write(folder / PAGE_NAME, page)
