"""The labels as CSV: all that is known for the owner of a run, and no truth for a person who labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from didlearn.atomic import atomically
from didlearn.labelling.sheet import KINDS, Sheet
from didlearn.labelling.store import Said
from didlearn.result.files import csv_cell
from didlearn.result.values import Cell

_WORDS: Final = {"d": "duplicate", "n": "not", "u": "unsure"}
COLUMNS: Final = ("labeller", "pair", "kind", "sample_a", "sample_b", "distance", "stratum", "answer", "at")
_BLIND: Final = ("labeller", "position", "answer", "at")


def write_csv(path: Path, sheet: Sheet, said: list[Said]) -> None:
    """Write every standing answer with what the pair is, atomically; text cells cannot run as formulas."""
    rows = [
        (
            one.person,
            one.pair,
            KINDS[int(sheet.truth[one.pair])],
            *map(int, sheet.samples[one.pair]),
            float(sheet.distance[one.pair]),
            int(sheet.stratum[one.pair]) if sheet.truth[one.pair] < 0 else None,
            _WORDS[one.answer],
            one.at,
        )
        for one in said
    ]
    text = _csv(COLUMNS, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomically(path, lambda file: file.write_bytes(text.encode("utf-8", "replace")))


def blind_csv(answers: Iterable[tuple[str, int, Said]]) -> str:
    """Return a person's own answers by their place in that person's order: it tells nothing about the pairs."""
    return _csv(_BLIND, [(name, position + 1, _WORDS[said.answer], said.at) for name, position, said in answers])


def _csv(columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return file.getvalue()
