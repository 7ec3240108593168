"""What the installed code declares of a check on the page. A run folder is data: no text of it is taken for HTML."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final, Literal

from markupsafe import Markup

from didlearn.audit.check import Better
from didlearn.audit.method import Method
from didlearn.checks import CHECKS

LABELS: Final = "labels"  # what people said of a run's pairs: a section of the page, and no check
_LABELS_METHOD: Final = Method(
    "People judged candidate pairs blind, among planted duplicates and planted distinct pairs that measured their own "
    "sensitivity and false alarms",
    ("arora2018",),
    {"alpha": "hayes2007", "krippendorff": "hayes2007", "agreement": "hayes2007"},
)


def method_of(check: str) -> Method | None:
    """Return what a check of this name says of itself for a paper; nothing where no installed check has the name."""
    if check == LABELS:
        return _LABELS_METHOD
    return CHECKS[check].method if check in CHECKS else None


def names_of(check: str) -> Mapping[str, str]:
    """Return what the check of this name calls its estimates on a page; nothing where no installed check has it."""
    return CHECKS[check].named if check in CHECKS else {}


def directions_of(check: str) -> Mapping[str, Better]:
    """Return which direction of its estimates a check of this name calls better; nothing where none is installed."""
    return CHECKS[check].better if check in CHECKS else {}


def text_of(check: str, part: Literal["how", "paper"]) -> Markup:
    """Return a text of the check of this name for the page, empty where there is none."""
    if check == LABELS:
        file = files("didlearn") / "labelling" / f"{part}.html"
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
    else:
        text = CHECKS[check].text(part) if check in CHECKS else ""
    return Markup(text.rstrip("\n"))  # noqa: S704 (installed code's own text)
