"""Figures as files to use elsewhere: SVG and PDF for a paper, CSV with every number."""

from __future__ import annotations

import csv
import io
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import matplotlib as mpl
from fontTools.subset import Options
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from didlearn.atomic import atomically
from didlearn.report.figures.axes import ROW, line_style, paint, style
from didlearn.report.figures.mark_labels import clip, place_labels
from didlearn.report.figures.palette import LIGHT, Look, looks
from didlearn.result.files import csv_cell
from didlearn.result.values import CheckResult, Figure

_FOLDER: Final = "figures"
_ENDINGS: Final = ("svg", "pdf", "csv")
_WIDTH, _PLOT, _LEFT, _RIGHT, _LINE = 420.0, 180.0, 58.0, 10.0, 14.0  # points
_FILE_POINTS = 2000
_METADATA: Final[dict[str, dict[str, None]]] = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
}
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def stems(checks: Iterable[CheckResult]) -> list[list[str]]:
    """Name the files of each check's figures, ``CHECK-FIGURE`` without an ending: safe in any folder, and no two alike.

    Returns:
        One list per check, one stem per figure.
    """
    taken: dict[str, int] = {}
    return [[_distinct_stem(f"{check.check}-{figure.name}", taken) for figure in check.figures] for check in checks]


def write_figures(checks: Iterable[CheckResult], root: Path) -> list[Path]:
    """Write every figure as ``ROOT/figures/CHECK-FIGURE.svg``, ``.pdf`` and ``.csv``; return the paths.

    A figure without a single point has a CSV file only in name: its header.
    """
    checks = list(checks)
    folder = Path(root) / _FOLDER
    paths = []
    for check, names in zip(checks, stems(checks), strict=True):
        for figure, stem in zip(check.figures, names, strict=True):
            folder.mkdir(parents=True, exist_ok=True)
            paths += _write_files(figure, folder / stem)
    return paths


def table_of(figure: Figure) -> str:
    """Return a figure's numbers as CSV: kind (``series`` or ``mark``), label, x, y, low, high; every digit kept."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(("kind", "label", "x", "y", "low", "high"))
    for series in figure.series:
        blank = (None,) * len(series.x)
        columns = zip(series.x, series.y, series.low or blank, series.high or blank, strict=True)
        writer.writerows(("series", _cell(series.label), *numbers) for numbers in columns)
    writer.writerows(("mark", _cell(mark.label), mark.x, mark.y, None, None) for mark in figure.marks)
    return file.getvalue()


def _cell(label: str) -> str:
    """Keep a spreadsheet from running a label as a formula."""
    return str(csv_cell(_writable(label)))


def _writable(text: str) -> str:
    """Replace what XML and UTF-8 have no place for."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _distinct_stem(name: str, taken: dict[str, int]) -> str:
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:100]
    taken[stem.lower()] = taken.get(stem.lower(), 0) + 1
    again = taken[stem.lower()]
    return stem if again == 1 else _distinct_stem(f"{stem}-{again}", taken)


def _write_files(figure: Figure, stem: Path) -> list[Path]:
    paths = [stem.parent / f"{stem.name}.{kind}" for kind in _ENDINGS]
    with mpl.rc_context(), warnings.catch_warnings(), _without_layout_tables():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        mpl.rcdefaults()
        mpl.rcParams.update(style(LIGHT) | {"font.size": 9, "pdf.fonttype": 42})
        canvas = _compose(figure)
        for path, kind in zip(paths, ("svg", "pdf"), strict=False):
            atomically(path, partial(canvas.savefig, format=kind, metadata=_METADATA[kind]))
    text = table_of(figure)
    atomically(paths[2], lambda part: part.write_text(text, encoding="utf-8", newline=""))
    return paths


@contextmanager
def _without_layout_tables() -> Iterator[None]:
    """Leave the rules for placing glyphs out of the fonts that a PDF embeds.

    In a PDF they are placed already, and cutting these rules down took most of the time of a figure.
    """
    dropped = Options._drop_tables_default
    Options._drop_tables_default = [*dropped, "GPOS", "GSUB", "GDEF", "kern"]
    try:
        yield
    finally:
        Options._drop_tables_default = dropped


def _compose(figure: Figure) -> Canvas:
    """Draw a figure with its title, axis labels and legend, which on the page are words beside it."""
    labels = place_labels(figure, _WIDTH - _LEFT - _RIGHT)
    title, names = _wrapped(figure.title, 70), [_wrapped(s.label, 75) for s in figure.series]
    rows = max((1 + place.row for place in labels.values()), default=0)
    below = 34 + _LINE * (sum(1 + name.count("\n") for name in names))
    above = 12 + ROW * rows + _LINE * (1 + title.count("\n"))
    height = below + _PLOT + above
    canvas = Canvas(figsize=(_WIDTH / 72, height / 72))
    span = _WIDTH - _LEFT - _RIGHT
    axes = canvas.add_axes((_LEFT / _WIDTH, below / height, span / _WIDTH, _PLOT / height))
    chosen = looks([s.role for s in figure.series])
    words = {i: clip(_writable(mark.label)) for i, mark in enumerate(figure.marks)}
    paint(axes, figure, chosen, LIGHT, labels, words, _FILE_POINTS)
    ink = LIGHT["ink"]
    axes.set_title(title, loc="left", pad=6 + ROW * rows, parse_math=False, color=ink)
    axes.set_xlabel(_wrapped(figure.x_label, 70), parse_math=False, color=ink)
    axes.set_ylabel(_wrapped(figure.y_label, 36), parse_math=False, color=ink)
    _add_legend(canvas, figure, chosen, names, height)
    return canvas


def _add_legend(canvas: Canvas, figure: Figure, chosen: list[Look], names: list[str], height: float) -> None:
    if not names:
        return
    keys = [_legend_key(series.style, look) for series, look in zip(figure.series, chosen, strict=True)]
    corner = (_LEFT / _WIDTH, 2 / height)
    legend = canvas.legend(
        keys, names, loc="lower left", bbox_to_anchor=corner, frameon=False, borderpad=0, borderaxespad=0
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
        text.set_color(LIGHT["ink"])


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(_writable(text), width)


def _legend_key(series_style: str, look: Look) -> Line2D:
    colour = LIGHT[look.colour]
    if series_style == "points":
        return Line2D([], [], color=colour, linestyle="none", marker=look.marker)
    return Line2D([], [], color=colour, linestyle=line_style(look))
