"""What a page can afford: how many figures, pictures and rows, so that it stays small however large the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from didlearn.report.pictures.exhibits import BYTES, TILES

LIMIT: Final = 5_000_000


@dataclass(frozen=True)
class Thrift:
    """One step of the ladder from lavish to sparing.

    Attributes:
        bytes: of all pictures together, before they become text. tiles: pictures at most.
        rows: of a table. points: of a line. figures, galleries, tables: of a check.
    """

    bytes: int
    tiles: int
    rows: int
    points: int
    figures: int
    galleries: int
    tables: int


LADDER: Final = (
    Thrift(BYTES, TILES, 200, 400, 60, 250, 60),
    Thrift(1_200_000, 450, 60, 200, 24, 60, 20),
    Thrift(500_000, 180, 20, 100, 8, 12, 6),
    Thrift(100_000, 36, 5, 40, 2, 3, 2),
)


def afford(render: Callable[[Thrift], str]) -> str:
    """Return the most lavish rendering of at most ``LIMIT`` bytes, or the most sparing one."""
    page = ""
    for thrift in LADDER:
        page = render(thrift)
        if len(page.encode("utf-8", "replace")) <= LIMIT:
            break
    return page
