"""What a check found: values that can be printed, compared and saved, and nothing that can run.

Numbers are finite or ``None``: an interval's open end is ``None``, never infinity.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from didlearn.arrays import Array
from didlearn.errors import ResultError

Verdict = Literal["pass", "fail", "inconclusive", "measured", "not_run", "error"]
Role = Literal["generated", "heldout", "train", "perturbed", "outside", "theory", "other"]


def _drawable(value: float) -> float:
    """Refuse what a page cannot draw: differences of such numbers overflow."""
    if abs(value) > 1e300:
        raise ValueError(f"{value:g} is larger than any number here may be, 1e+300")
    return value


Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_drawable)]
_Whole = Annotated[int, Field(ge=-(2**63), lt=2**64)]  # what a table or a plot can hold
Cell = str | _Whole | Number | None
Outcome = Literal["beyond", "suspected", "within", "open"]
Side = Literal["above", "below"]


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

    @property
    def point(self) -> float:
        """The value, of an estimate that must have one: what is absent is read as no number.

        Raises:
            ResultError: there is none.
        """
        if self.value is None:
            raise ResultError(f"a value was asked of an estimate that has none ({self.method})")
        return self.value

    def __repr__(self) -> str:
        from didlearn.result.passed_on.line import estimate_line  # which is written in words for these values

        return estimate_line(self)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from didlearn.result.passed_on.notebook import estimate_html

        return estimate_html(self)

    def low_or(self, bound: float) -> float:
        """Return the low end, or where it is open the ``bound`` that the quantity cannot pass: 0 of a share, say."""
        return bound if self.low is None else self.low

    def high_or(self, bound: float) -> float:
        """Return the high end, or where it is open the ``bound`` that the quantity cannot pass: 1 of a share, say."""
        return bound if self.high is None else self.high


Estimates = dict[str, Estimate]  # by name, in the order of the page


def is_significant(pvalue: Estimate | None, alpha: float) -> bool:
    """Whether a p-value lies below ``alpha``; one that is not there does not."""
    return pvalue is not None and pvalue.value is not None and pvalue.value < alpha


def exactly(value: float | None, level: float, n: int, method: str, unit: str = "") -> Estimate:
    """Return a number that has no error of its own (a p-value, a chosen threshold) as an estimate without width.

    Where there is no number (``None``) it is an estimate without value and ends.
    """
    return Estimate(value=value, low=value, high=value, level=level, n=n, method=method, unit=unit)


class Table(Value):
    """Rows under named columns; also written as a CSV file when ``csv`` names one."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    csv: str | None = None

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        ragged = next((i for i, row in enumerate(self.rows, 1) if len(row) != len(self.columns)), None)
        if ragged is not None:
            cells = len(self.rows[ragged - 1])
            raise ValueError(
                f"row {ragged} of the table {self.name!r} has {cells} cells under {len(self.columns)} columns"
            )
        return self


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
    role: Role = "other"

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


class Settles(Value):
    """What would settle an open verdict.

    Attributes:
        clause: in words, to stand within a sentence: "about 224 images would settle it".
        of: what it takes more of ("samples", "gradient evaluations a chain"), in the plural; empty where more of
            nothing does.
        number: of them in all, where it is known.
        times: or as how many times as many as there were.
    """

    clause: str
    of: str = ""
    number: Annotated[int, Field(gt=0)] | None = None
    times: Annotated[int, Field(gt=0)] | None = None

    @property
    def sentence(self) -> str:
        """The clause as a sentence of its own, which says where it is not known how many."""
        unknown = " The check does not say how many." if self.of and self.number is None and self.times is None else ""
        return f"{self.clause[:1].upper()}{self.clause[1:]}.{unknown}"


class Effect(Value):
    """One way to miss the data's law.

    Attributes:
        estimate: its name among the check's estimates.
        wrong: what is wrong where it is beyond, as a clause: "it repeats itself (about 19 images)".
        several: how it is said with others of its kind, and which of them it is: ("it leaves out classes", "7").
        tolerance: what is still right. side: where values are wrong, of the tolerance.
        outcome: "beyond" and "within": shown; "suspected": beyond by this interval alone, and not by the wider one that
            shares the chance of a false alarm with all others; "open": not shown either way.
        needed: whether the check passes only where this is shown within.
    """

    estimate: str
    wrong: str
    several: tuple[str, str] | None = None
    tolerance: Number
    side: Side = "above"
    outcome: Outcome
    needed: bool = True


class CheckResult(Value):
    """The answer of one check.

    Attributes:
        check: the check's name. question: what it asks, in one sentence.
        verdict: ``pass``, ``fail``, ``inconclusive``, ``measured`` (nothing to compare with), ``not_run`` or ``error``.
        reason: why this verdict, in one sentence.
        answer: the plain-words answer a reader meets first.
        settles: what would settle an ``inconclusive`` verdict, where the check knows of something.
        params: the check's parameters, as JSON values.
        estimates: every number, with its interval.
        effects: what was judged, of the estimates.
        notes: things a careful reader should know about this run.
        arrays: raw arrays for further work, saved in ``arrays.npz`` under ``check/name``.
    """

    check: str
    question: str = ""
    verdict: Verdict
    reason: str = ""
    answer: str = ""
    settles: Settles | None = None
    params: dict[str, Any] = {}
    estimates: dict[str, Estimate] = {}
    effects: tuple[Effect, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: Number = 0.0
    arrays: Annotated[dict[str, Array], Field(exclude=True, repr=False)] = {}

    @model_validator(mode="after")
    def _open(self) -> Self:
        if self.settles is not None and self.verdict != "inconclusive":
            raise ValueError(f"nothing is left to settle where the verdict is {self.verdict!r}")
        return self

    def __repr__(self) -> str:
        from didlearn.result.passed_on.line import check_line

        return check_line(self)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from didlearn.result.passed_on.notebook import check_html

        return check_html(self)
