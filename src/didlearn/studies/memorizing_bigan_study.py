"""``memorizing-bigan`` as a study: its cells, rows and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from didlearn.result import CheckResult
from didlearn.rng import Stream
from didlearn.studies import memorizing_bigan
from didlearn.studies.memorizing_bigan import MemorizingBigan
from didlearn.studies.memorizing_bigan_summary import Summary, pool, summary
from didlearn.studies.study import Cell, Place, Row, Study


@dataclass(frozen=True)
class MemorizingBiganStudy(MemorizingBigan, Study):
    """Discriminators of growing capacity against a BiGAN that memorises: see ``MemorizingBigan`` for the settings."""

    name: ClassVar[str] = memorizing_bigan.NAME
    question: ClassVar[str] = "Can a discriminator tell a BiGAN that memorises, with noise for a code, from the data?"
    FULL: ClassVar[Mapping[str, Any]] = {"seeds": 5, "steps": 4000, "widths": (0, 8, 32, 128, 512)}

    def cells(self) -> list[Cell]:
        """One for each encoder, each support as a network, and each discriminator against each generator."""
        return memorizing_bigan.cells(self)

    def run_cell(self, cell: Cell, rng: Stream, place: Place) -> Row:  # noqa: ARG002 (nothing is kept)
        """Measure one of them."""
        return memorizing_bigan.run_cell(self, cell, rng)

    def summarise(self, rows: list[Row]) -> CheckResult:
        """Tabulate and draw, and say from which support on nothing is seen."""
        found = summary(self, rows)
        return CheckResult(
            check=self.name,
            verdict="measured",
            answer=_answer(rows),
            estimates=_estimates(found),
            tables=found.tables,
            figures=found.figures,
            notes=(
                "An advantage within its error says that this discriminator, trained this long, saw nothing: wider "
                "ones are limited by training as well as by capacity.",
                "The code of the memorising BiGAN is noise: see the table of what codes say about the image.",
            ),
        )


def _estimates(found: Summary) -> dict[str, Any]:
    return {f"slope_width_{width}": slope for width, slope in found.slopes.items()}


def _answer(rows: list[Row]) -> str:
    pooled = [p for p in pool(rows) if p.support is not None]
    if not pooled:
        return "No discriminator was trained yet."
    seen = [p.support for p in pooled if p.found_out and p.support]
    largest = max(p.support or 0 for p in pooled)
    if not seen:
        return f"No discriminator found the memorising BiGAN out, from {min(p.support or 0 for p in pooled)} images up."
    if max(seen) == largest:
        return f"Even with {largest} memorised images a discriminator found the BiGAN out."
    return (
        f"Discriminators found the memorising BiGAN out with up to {max(seen)} images, and none did above that, "
        "though its support is finite and its code is noise."
    )
