"""What a check found: values that can be printed, compared and saved, and nothing that can run.

Numbers are finite or ``None``: an interval's open end is ``None``, never infinity.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from didlearn.arrays import Array

Verdict = Literal["pass", "fail", "inconclusive", "measured", "not_run", "error"]
Number = Annotated[float, Field(allow_inf_nan=False)]
Cell = str | int | Number | None


class Value(BaseModel):
    """A frozen record that refuses unknown fields, NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)


class Estimate(Value):
    """A number with its interval: it never travels alone.

    Attributes:
        value: the point estimate, or ``None`` where only a one-sided bound exists (no collision seen, say).
        low, high: the ends of the interval; ``None`` is an open end.
        level: the confidence level of the interval, in (0, 1).
        n: how many units (images, unless ``method`` says otherwise) it was estimated from.
        method: how, in a few words.
        unit: what it is counted in ("images", "fraction", "nats", ...), or empty for a pure number.
    """

    value: Number | None
    low: Number | None
    high: Number | None
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    n: Annotated[int, Field(ge=0)]
    method: str
    unit: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"an interval's low end ({self.low}) lies above its high end ({self.high})")
        return self


def exactly(value: float, level: float, n: int, method: str, unit: str = "") -> Estimate:
    """Return a number that has no error of its own (a p-value, a chosen threshold) as an estimate without width."""
    return Estimate(value=value, low=value, high=value, level=level, n=n, method=method, unit=unit)


class Table(Value):
    """Rows under named columns; also written as a CSV file when ``csv`` names one."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    csv: str | None = None


class Series(Value):
    """One line, step or set of points in a figure, with a band (``low``, ``high``) where it has one.

    ``role`` fixes its colour on every page: what the numbers were measured on.
    """

    label: str
    x: tuple[Number, ...]
    y: tuple[Number, ...]
    low: tuple[Number, ...] | None = None
    high: tuple[Number, ...] | None = None
    style: Literal["line", "step", "points"] = "line"
    role: Literal["generated", "heldout", "train", "perturbed", "outside", "theory", "other"] = "other"

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        lengths = {len(s) for s in (self.x, self.y, self.low, self.high) if s is not None}
        if len(lengths) > 1:
            raise ValueError(f"series {self.label!r}: x, y, low and high have different lengths {sorted(lengths)}")
        return self


class Mark(Value):
    """A labelled vertical or horizontal line in a figure."""

    label: str
    x: Number | None = None
    y: Number | None = None


class Figure(Value):
    """A plot as numbers: what a renderer needs to draw it."""

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    x_log: bool = False
    y_log: bool = False
    caption: str = ""


class Tile(Value):
    """One picture in a gallery. ``pixels`` is (H, W) or (H, W, 3) uint8 until saved; ``path`` is where it was saved."""

    caption: str = ""
    path: str | None = None
    pixels: Annotated[Array | None, Field(exclude=True, repr=False)] = None


class Gallery(Value):
    """Rows of pictures under column headings (empty headings: a plain contact sheet)."""

    name: str
    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Tile, ...], ...]
    caption: str = ""


class CheckResult(Value):
    """The answer of one check.

    Attributes:
        check: the check's name. question: what it asks, in one sentence.
        verdict: ``pass``, ``fail``, ``inconclusive``, ``measured`` (nothing to compare with), ``not_run`` or ``error``.
        reason: why this verdict, in one sentence.
        answer: the plain-words answer a reader meets first.
        params: the check's parameters, as JSON values.
        estimates: every number, with its interval.
        notes: things a careful reader should know about this run.
        arrays: raw arrays for further work, saved in ``arrays.npz`` under ``check/name``.
    """

    check: str
    question: str = ""
    verdict: Verdict
    reason: str = ""
    answer: str = ""
    params: dict[str, Any] = {}
    estimates: dict[str, Estimate] = {}
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: Number = 0.0
    arrays: Annotated[dict[str, Array], Field(exclude=True, repr=False)] = {}
