"""A study is a grid of cells, each computed on its own and kept as a row; its page is made of the rows there are.

To add a study, write one file with a frozen dataclass that derives from ``Study`` (its fields are the settings) and
name it in ``didlearn.studies.registry``.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import TypeAdapter, ValidationError

from didlearn.errors import UsageError
from didlearn.result.values import CheckResult, Estimate
from didlearn.rng import Stream

StudyCell = dict[str, Any]  # JSON values that name one entry of the grid
StudyRow = dict[str, Any]  # JSON values: what was measured in a cell, and the cell


def ends(estimate: Estimate) -> list[float | None]:
    """Return an estimate as a row keeps it: value, low and high."""
    return [estimate.value, estimate.low, estimate.high]


@dataclass(frozen=True)
class Workplace:
    """Where a cell may work.

    Attributes:
        model: folder for the model it trains; what only training needs is removed once the cell is a row.
        cache: folder that all cells share. device: torch device.
        trust_code: whether code that a setting names may run; never kept in a file.
    """

    model: Path
    cache: Path
    device: str = "cpu"
    trust_code: bool = False


@dataclass(frozen=True)
class Study(ABC):
    """One experiment.

    Attributes:
        name: of the study and of its command's argument. question: in one sentence.
        FULL: the settings of the full grid that differ from the small one.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    FULL: ClassVar[Mapping[str, object]] = {}

    @abstractmethod
    def cells(self) -> list[StudyCell]:
        """Return the cells, each named by a small dictionary of JSON values, in the order they are computed."""

    @abstractmethod
    def run_cell(self, cell: StudyCell, rng: Stream, place: Workplace) -> StudyRow:
        """Compute one cell: JSON values that depend on the settings, the cell and ``rng`` alone."""

    @abstractmethod
    def summarise(self, rows: list[StudyRow]) -> CheckResult:
        """Say what the rows show; a row holds its cell's entries too. There may be fewer rows than cells."""

    @classmethod
    def make(cls, settings: Mapping[str, object], full: bool = False) -> Self:
        """Make the study from untyped settings, which go before those of the full grid.

        Raises:
            UsageError: a setting does not exist, or cannot be read as what it is.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise UsageError(f"the study {cls.name} has no setting {unknown[0]!r}; it has {', '.join(known)}")
        several = {field.name for field in dataclasses.fields(cls) if str(field.type).startswith("tuple")}
        read = {key: _split(value) if key in several else value for key, value in settings.items()}
        chosen = {**(cls.FULL if full else {}), **read}
        try:
            return TypeAdapter(cls).validate_python(chosen)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise UsageError(f"the study {cls.name}: {place}: {first['msg']}; got {first['input']!r}") from None


def _split(value: object) -> object:
    """Read a comma-separated text as a list: settings that hold several values are given so on a command line."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
