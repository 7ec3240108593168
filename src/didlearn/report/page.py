"""The page of one audit: self-contained, showing nothing that the result does not hold."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from didlearn.atomic import atomically
from didlearn.errors import ResultError
from didlearn.report import estimates, provenance, summary
from didlearn.report.declared import text_of
from didlearn.report.figures import plot
from didlearn.report.figures.exports import stems, write_figures
from didlearn.report.labelled import with_labels
from didlearn.report.methods import methods
from didlearn.report.pictures.encoding import PictureEncoder
from didlearn.report.pictures.exhibits import Album
from didlearn.report.thrift import Thrift, afford
from didlearn.result import words
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Table

PAGE_NAME: Final = "report.html"
VERDICTS: Final = {
    "pass": "Pass",
    "fail": "Fail",
    "inconclusive": "Inconclusive",
    "measured": "Measured",
    "not_run": "Not run",
    "error": "Error",
}


@dataclass(frozen=True)
class Means:
    """What a page shows its pictures with, and how much of them."""

    album: Album
    thrift: Thrift


def render(result: AuditResult, root: Path, *, linked: bool = False) -> str:
    """Render a result as one HTML page of at most 5 MB.

    Args:
        result: what an audit found.
        root: the run folder that its saved pictures lie in; pictures still in memory need none.
        linked: whether the page links to the files of its figures, as ``write_figures`` names them.

    Returns:
        The page: no reference to anything outside its folder, the same text for the same result. Its scripts only copy
        text and open what is folded before printing; it can be read without them.

    Raises:
        ResultError: a picture's path leads outside the run folder.
    """
    facts = {
        "result": result,
        "methods": methods(result),
        "pictures": summary.telling(result.checks),
        "rule": summary.RULE,
        "stems": stems(result.checks) if linked else None,
    }
    return fill("report.html", result.checks, root, facts)


def write_report(run: Path) -> Path:
    """Render ``RUN/audit.json`` as ``RUN/report.html`` and return its path; a reader never sees half a page.

    People's labels, where ``RUN/labels/result.json`` holds some, are one more section after support. Every figure is
    also written to ``RUN/figures`` as SVG, PDF and CSV.

    Raises:
        ResultError: the folder holds no result that this version reads, or one that points outside the folder, or it
            cannot be written to.
    """
    run = Path(run)
    result = with_labels(AuditResult.load(run), run)
    page = render(result, run, linked=True)
    try:
        write_figures(result.checks, run)
        return write(run / PAGE_NAME, page)
    except OSError as error:
        place = error.filename or run
        raise ResultError(
            f"{place} cannot be written ({error.strerror or error}); copy the run folder to where it can be"
        ) from None


def fill(template: str, checks: Sequence[CheckResult], root: Path, facts: dict[str, object]) -> str:
    """Fill a template as lavishly as the size of a page allows."""
    encoder = PictureEncoder()

    def rendered(thrift: Thrift) -> str:
        galleries = [g for c in checks for g in c.galleries[: thrift.galleries]]
        means = Means(Album.of(galleries, root, thrift.bytes, thrift.tiles, encoder), thrift)
        return templates().get_template(template).render(page=means, scripts=("copy.js", "print.js"), **facts)

    return afford(rendered)


def write(path: Path, page: str) -> Path:
    """Write a page atomically and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file name that was no UTF-8 holds lone surrogates, which no page can.
    atomically(path, lambda part: part.write_bytes(page.encode("utf-8", "replace")))
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
    environment.filters |= {
        "flags": flags,
        "in_full": words.in_full,
        "inside": summary.inside,
        "number": words.number,
        "sentence": summary.sentence,
        "settled": summary.settled,
        "as_sentence": summary.as_sentence,
        "words": provenance.title,
        "plain": provenance.setting_words,
    }
    environment.globals |= {
        "asked": summary.asked,
        "draw": plot.draw,
        "estimate_panels": estimates.panels,
        "numeric": numeric,
        "verdict_counts": summary.verdict_counts,
        "provenance": provenance,
        "script": script,
        "script_hash": script_hash,
        "text_of": text_of,
        "verdicts": VERDICTS,
    }
    return environment


def numeric(table: Table) -> list[bool]:
    """Which columns of a table hold numbers and nothing else."""
    columns = [[row[i] for row in table.rows if i < len(row)] for i in range(len(table.columns))]
    return [not any(isinstance(c, str) for c in cells) and any(c is not None for c in cells) for cells in columns]


def flags(text: str) -> Markup:
    """Keep each flag of the command line that a text names on one line; the text is escaped."""
    return Markup(re.sub(r"--[a-z][a-z-]*", r'<span class="flag">\g<0></span>', str(escape(text))))  # noqa: S704


@cache
def script(name: str) -> Markup:
    """Return one of the package's own scripts, which hold nothing of any result."""
    return Markup((Path(__file__).parent / "templates" / name).read_text(encoding="utf-8"))  # noqa: S704


def script_hash(name: str) -> str:
    """Return what the page's policy knows a script by: no other one runs."""
    digest = hashlib.sha256(script(name).encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
