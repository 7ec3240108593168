"""``AuditResult``: the product. Saved, it is ``audit.json`` (versioned), ``arrays.npz`` and ``images/``.

A report is rendered from those files alone.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np
from PIL import Image
from pydantic import Field, ValidationError

from didlearn.atomic import atomically
from didlearn.claim import AT_WORK
from didlearn.errors import ResultError
from didlearn.foreign.files import refuse_outward_links, refuse_special
from didlearn.result.answer import Answer
from didlearn.result.arrays_file import read_arrays
from didlearn.result.passed_on.frame import frame_of
from didlearn.result.passed_on.history import append_entry, entry_of
from didlearn.result.passed_on.junit import FAILING, junit_of
from didlearn.result.passed_on.line import audit_line
from didlearn.result.passed_on.markdown import markdown_of
from didlearn.result.passed_on.notebook import audit_html
from didlearn.result.staging import STAGED, commit, roll_forward, staging
from didlearn.result.values import Cell, CheckResult, Gallery, Table, Tile, Value

if TYPE_CHECKING:
    import pandas as pd

_FORMAT: Final = 1
_READINGS: Final = 20
RUN_FILES: Final = (
    "audit.json", "arrays.npz", "images", "figures", "labels*", "report.html", "cache", "pairs.csv", "classes.csv",
    "progress.json", AT_WORK, STAGED,
)  # fmt: skip
"""What is read and written in a run folder; whatever else is there is somebody else's, and not looked at."""


class AuditResult(Value):
    """Everything one audit found, with its provenance.

    Attributes:
        format: version of this layout.
        answer: to the question in the title: did it learn its distribution?
        checks: one result per check, in the order asked for.
        subject: what was audited: train, held-out, outside data and the model, each with its fingerprint.
        environment: versions, device, threads, command line and seed.
        notes: what was decided on the user's behalf (a held-out set split off, files skipped).
    """

    format: Literal[1] = 1
    answer: Answer | None = None
    checks: tuple[CheckResult, ...]
    subject: dict[str, Any] = Field(default_factory=dict)
    environment: dict[str, Any] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    JSON: ClassVar[str] = "audit.json"

    def __getitem__(self, check: str) -> CheckResult:
        """Return the result of the check called ``check``."""
        for result in self.checks:
            if result.check == check:
                return result
        raise KeyError(f"no check {check!r} in this result; it holds {', '.join(c.check for c in self.checks)}")

    def __repr__(self) -> str:
        return audit_line(self)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return audit_html(self)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per estimate: check, verdict, estimate, value, low, high, level, n, unit, method.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return frame_of(self.checks)

    def to_junit(self, fail_on: Literal["fail", "inconclusive", "never"] = "fail") -> str:
        """Return JUnit's XML, a test case per check; ``fail_on`` says which verdicts fail, as on the command line."""
        return junit_of(self, FAILING[fail_on])

    def to_markdown(self) -> str:
        """Return a scorecard: the answer, a row per check, and the numbers folded away."""
        return markdown_of(self)

    def append_history(self, file: str | os.PathLike[str], step: int | None = None) -> bool:
        """Append this audit to a history of one model's checkpoints, unless its last line says the same already.

        Args:
            file: of JSON lines; made where it is missing. step: of the training.

        Returns:
            Whether it was appended.

        Raises:
            ResultError: the file holds something else, or cannot be written to.
        """
        return append_entry(file, entry_of(self, step))

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write ``audit.json``, ``arrays.npz``, ``images/`` and the tables' CSV files, and return the folder.

        All of it changes at once: a reader never sees half a result, nor files of one beside those of another.
        """
        root = Path(folder)
        refuse_outward_links(root, (*RUN_FILES, *(_csv_name(table) for table in _with_files(self.checks))))
        root.mkdir(parents=True, exist_ok=True)
        with staging(root, self.JSON) as staged:
            saved = self.model_copy(update={"checks": tuple(_save_tiles(check, staged) for check in self.checks)})
            write_tables(self.checks, staged)
            arrays = {f"{c.check}/{name}": a for c in self.checks for name, a in c.arrays.items()}
            np.savez_compressed(staged / "arrays.npz", allow_pickle=False, **arrays)
            commit(staged, self.JSON, json.dumps(saved.model_dump(mode="json"), indent=1, allow_nan=False))
        return root

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> AuditResult:
        """Read a saved result back.

        Raises:
            ResultError: a link leads out of the folder, or it holds no readable ``audit.json`` of this format.
        """
        root = Path(folder)
        path = root / cls.JSON
        refuse_outward_links(root, RUN_FILES)
        for _ in range(_READINGS):
            if not path.is_file():
                raise ResultError(f"{root} holds no {cls.JSON}; give the folder that `didlearn audit -o` wrote")
            content = _read(path)
            roll_forward(root, cls.JSON)
            result = cls._of(content, path)
            result = result.model_copy(update={"checks": tuple(_load_arrays(result.checks, root))})
            if _read(path) == content:  # else the arrays may be those of the next state
                return result
        raise ResultError(f"{path} changes faster than it can be read; wait until the audit that writes it has ended")

    @classmethod
    def _of(cls, content: bytes, path: Path) -> AuditResult:
        try:
            return cls.model_validate(_parsed(content, path))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ResultError(f"{path} is not a valid audit: {place}: {first['msg']}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ResultError(f"{path} cannot be read as JSON ({error})") from None


def _parsed(content: bytes, path: Path) -> dict[str, object]:
    try:
        data = json.loads(content.decode("utf-8"))
    except ValueError as error:
        raise ResultError(f"{path} cannot be read as JSON ({error})") from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        got = data.get("format") if isinstance(data, dict) else type(data).__name__
        raise ResultError(f"{path} has format {got!r}; this version reads format {_FORMAT}")
    return data


def tile_file(root: Path, tile: Tile) -> Path | None:
    """Return the file of a saved tile, or ``None`` where it has none.

    Raises:
        ResultError: the path leads outside the run's folder, or can be none.
    """
    if tile.path is None:
        return None
    try:
        path = (root / tile.path).resolve()
    except (ValueError, OSError):  # a NUL byte, or too long for any file
        raise ResultError(f"a picture's path can be no file: {tile.path[:80]!r}") from None
    if not path.is_relative_to(root.resolve()):
        raise ResultError(f"a picture's path leads outside the run folder: {tile.path!r}")
    refuse_special(path, ResultError)
    return path


def _save_tiles(check: CheckResult, root: Path) -> CheckResult:
    galleries = tuple(_save_gallery(check.check, gallery, root) for gallery in check.galleries)
    return check.model_copy(update={"galleries": galleries})


def _save_gallery(check: str, gallery: Gallery, root: Path) -> Gallery:
    rows = []
    for r, row in enumerate(gallery.rows):
        tiles = []
        for c, tile in enumerate(row):
            if tile.pixels is not None:
                name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{check}-{gallery.name}-{r:03d}-{c:02d}")
                path = root / "images" / f"{name}.png"
                path.parent.mkdir(exist_ok=True)
                Image.fromarray(tile.pixels).save(path)
                tile = tile.model_copy(update={"path": f"images/{name}.png"})
            tiles.append(tile)
        rows.append(tuple(tiles))
    return gallery.model_copy(update={"rows": tuple(rows)})


def write_tables(checks: Iterable[CheckResult], root: Path) -> None:
    """Write the tables that name a CSV file."""
    for table in _with_files(checks):
        _write_csv(table, root)


def _with_files(checks: Iterable[CheckResult]) -> list[Table]:
    return [table for check in checks for table in check.tables if table.csv]


def _csv_name(table: Table) -> str:
    return Path(table.csv or "").name


def _write_csv(table: Table, root: Path) -> None:
    def write(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([csv_cell(column) for column in table.columns])
            writer.writerows([csv_cell(cell) for cell in row] for row in table.rows)

    atomically(root / _csv_name(table), write)


def csv_cell(cell: Cell) -> Cell:
    """Keep a spreadsheet from running a text cell (a file name, say) as a formula.

    Some take a formula behind spaces and line ends, and the wide signs of East Asian keyboards, for one as well.
    """
    runs = isinstance(cell, str) and (cell[:1] in ("\t", "\r", "\n") or cell.lstrip()[:1] in tuple("=+-@＝＋－＠"))
    return f"'{cell}" if runs else cell


def _load_arrays(checks: tuple[CheckResult, ...], root: Path) -> list[CheckResult]:
    path = root / "arrays.npz"
    if not path.is_file():
        return list(checks)
    arrays = read_arrays(path)
    return [
        c.model_copy(
            update={"arrays": {n.split("/", 1)[1]: a for n, a in arrays.items() if n.startswith(c.check + "/")}}
        )
        for c in checks
    ]
