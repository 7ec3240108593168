"""The labels as CSV: all that is known for the owner of a run, and no truth for a person who labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from didlearn.atomic import atomically
from didlearn.labelling.sheet import PAIR_KINDS, Sheet
from didlearn.labelling.store import Label
from didlearn.result.files import csv_cell
from didlearn.result.values import Cell

_ANSWER_WORDS: Final = {"d": "duplicate", "n": "not", "u": "unsure"}
COLUMNS: Final = ("labeller", "pair", "kind", "sample_a", "sample_b", "distance", "stratum", "answer", "at")
_BLIND: Final = ("labeller", "position", "answer", "at")


def write_csv(path: Path, sheet: Sheet, labels: list[Label]) -> None:
    """Write every standing answer with what the pair is, atomically; text cells cannot run as formulas."""
    rows = [
        (
            one.person,
            one.pair,
            PAIR_KINDS[int(sheet.truth[one.pair])],
            *map(int, sheet.samples[one.pair]),
            float(sheet.distance[one.pair]),
            int(sheet.stratum[one.pair]) if sheet.truth[one.pair] < 0 else None,
            _ANSWER_WORDS[one.answer],
            one.at,
        )
        for one in labels
    ]
    text = _csv(COLUMNS, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomically(path, lambda file: file.write_bytes(text.encode("utf-8", "replace")))


def blind_csv(answers: Iterable[tuple[str, int, Label]]) -> str:
    """Return a person's own answers by their place in that person's order: it tells nothing about the pairs."""
    rows = [(name, position + 1, _ANSWER_WORDS[label.answer], label.at) for name, position, label in answers]
    return _csv(_BLIND, rows)


def _csv(columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return file.getvalue()
