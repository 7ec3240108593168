"""What was found of one model over its checkpoints: a line of JSON per audit, only ever appended to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field, ValidationError

from didlearn.errors import ResultError
from didlearn.foreign.files import refuse_special
from didlearn.result.answer import Answer
from didlearn.result.values import Estimate, Value, Verdict

if TYPE_CHECKING:
    from didlearn.result.files import AuditResult

_FORMAT: Final = 1


class CheckEntry(Value):
    """What one check said: its verdict, its answer, and its estimates."""

    verdict: Verdict
    answer: str = ""
    estimates: dict[str, Estimate] = Field(default_factory=dict)


class Entry(Value):
    """One audit of one checkpoint.

    Attributes:
        step: of the training, where it was given. date: when the audit ran.
        model, fingerprint, train: what was audited, and beside which data.
    """

    format: Literal[1] = _FORMAT
    step: Annotated[int, Field(ge=0)] | None = None
    date: str = ""
    model: str = ""
    fingerprint: str = ""
    train: str = ""
    seed: int | None = None
    answer: Answer | None = None
    checks: dict[str, CheckEntry] = Field(default_factory=dict)


class History(NamedTuple):
    """The audits in a file, oldest first, and how many of its lines a kill had left broken."""

    entries: tuple[Entry, ...]
    broken: int


def entry_of(audit: AuditResult, step: int | None = None) -> Entry:
    """Return what a history keeps of an audit: no pictures, figures or tables."""
    model, train = (_record(audit.subject.get(part)) for part in ("model", "train"))
    seed = audit.environment.get("seed")
    return Entry(
        step=step,
        date=str(audit.environment.get("date", "")),
        model=str(model.get("name", "")),
        fingerprint=str(model.get("fingerprint") or ""),
        train=str(train.get("name", "")),
        seed=seed if isinstance(seed, int) else None,
        answer=audit.answer,
        checks={
            c.check: CheckEntry(verdict=c.verdict, answer=c.answer, estimates=dict(c.estimates)) for c in audit.checks
        },
    )


def _record(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def append_entry(file: str | os.PathLike[str], entry: Entry) -> bool:
    """Append an audit to a history, in one write; one that the last line says already but for the date is left out.

    Returns:
        Whether it was appended.

    Raises:
        ResultError: the file holds something else, or cannot be written to.
    """
    path = Path(file)
    known = read_history(path).entries if path.exists() else ()
    if known and known[-1].model_copy(update={"date": entry.date}) == entry:
        return False
    line = json.dumps(entry.model_dump(mode="json"), allow_nan=False, ensure_ascii=True) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as out:
            out.write(("" if _ends_whole(path) else "\n").encode() + line.encode())
    except OSError as error:
        raise ResultError(f"{path} cannot be appended to ({error.strerror or error}); give another file") from None
    return True


def _ends_whole(path: Path) -> bool:
    """Whether the last line has its end: a kill may have left half of one."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return True
        file.seek(size - 1)
        return file.read(1) == b"\n"


def read_history(file: str | os.PathLike[str]) -> History:
    """Read a history, passing over lines that a kill left broken.

    Raises:
        ResultError: there is no such file, or no line of it is an audit's of this format.
    """
    path = Path(file)
    refuse_special(path, ResultError)
    try:
        lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    except OSError as error:
        raise ResultError(f"{path} cannot be read ({error.strerror or error}); give a history.jsonl") from None
    entries = tuple(_entries(line for line in lines if line.strip()))
    broken = sum(bool(line.strip()) for line in lines) - len(entries)
    if broken and not entries:
        raise ResultError(f"{path} is no history of audits; give a file that `--history` wrote")
    return History(entries, broken)


def _entries(lines: Iterable[str]) -> Iterable[Entry]:
    for line in lines:
        try:
            yield Entry.model_validate_json(line)
        except (ValidationError, RecursionError):
            continue
