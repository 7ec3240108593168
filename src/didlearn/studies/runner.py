"""``run_study``: compute the cells that are not there yet, keep each as a row, and write the page."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from didlearn import __version__
from didlearn.errors import ResultError, UsageError
from didlearn.models.base import silent
from didlearn.parallel import default_threads, one_thread
from didlearn.report import write_study_report
from didlearn.result import CheckResult
from didlearn.rng import Stream
from didlearn.studies.study import Cell, Place, Row, Study
from didlearn.zoo.training import CHECKPOINT

HEADER, ROWS = "study.json", "rows.jsonl"


def run_study(
    study: Study,
    folder: Path,
    *,
    seed: int = 0,
    jobs: int | None = None,
    device: str = "cpu",
    progress: Callable[[str, int, int], None] = silent,
) -> CheckResult:
    """Run a study, or go on with one that was interrupted, and write ``FOLDER/report.html``.

    Each finished cell is a line of ``rows.jsonl``, written through to the disk: a kill loses the cells in the making,
    and of these no more than what was trained since their last checkpoints. Cells run one on a thread, ``jobs`` at a
    time, and their numbers do not depend on how many there are.

    Args:
        study: what to run. folder: where to. seed: of everything random. jobs: cells at a time; the CPUs by default.
        device: of the networks. progress: called with (what, cells done, cells in all).

    Raises:
        UsageError: the folder holds another study. ResultError: its rows cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder / HEADER, study, seed)
    cells = study.cells()
    done = _read_rows(folder / ROWS)
    left = [cell for cell in cells if _key(cell) not in done]
    progress(study.name, len(cells) - len(left), len(cells))
    with (folder / ROWS).open("a", encoding="utf-8") as file:
        places = [_place(folder, cell, device) for cell in left]
        for cell, row in _computed(study, left, places, seed, jobs or default_threads()):
            file.write(json.dumps({"cell": cell, "row": row}, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
            done[_key(cell)] = {**cell, **row}
            (_place(folder, cell, device).model / "training" / CHECKPOINT).unlink(missing_ok=True)
            progress(study.name, sum(_key(c) in done for c in cells), len(cells))
    return _write(study, [done[_key(cell)] for cell in cells], folder)


def _write(study: Study, rows: list[Row], folder: Path) -> CheckResult:
    settings = json.loads(json.dumps(dataclasses.asdict(study)))
    result = study.summarise(rows).model_copy(update={"params": settings, "question": study.question})
    (folder / "result.json").write_text(result.model_dump_json(indent=1), encoding="utf-8")
    write_study_report(result, folder)
    return result


def _place(folder: Path, cell: Cell, device: str) -> Place:
    name = hashlib.blake2b(_key(cell).encode(), digest_size=8).hexdigest()
    return Place(folder / "models" / name, folder / "cache", device)


def _key(cell: Cell) -> str:
    return json.dumps(cell, sort_keys=True)


def _claim(path: Path, study: Study, seed: int) -> None:
    wanted = {
        "study": study.name,
        "settings": json.loads(json.dumps(dataclasses.asdict(study))),
        "seed": seed,
        "didlearn": __version__,
    }
    if not path.exists():
        path.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResultError(f"{path} cannot be read as JSON ({error}); give another folder") from None
    for name in ("study", "seed", "didlearn"):
        if found.get(name) != wanted[name]:
            raise UsageError(
                f"{path.parent} holds another study: {name} is {found.get(name)!r} there and {wanted[name]!r} now; "
                "give another folder"
            )
    there, now = found.get("settings", {}), wanted["settings"]
    other = [key for key in now if there.get(key) != now[key]]
    if other:
        raise UsageError(
            f"{path.parent} holds the study {study.name} with other settings: {other[0]} is {there.get(other[0])!r} "
            f"there and {now[other[0]]!r} now; give another folder"
        )


def _read_rows(path: Path) -> dict[str, Row]:
    """Read finished cells; a last line that a kill cut short is taken off the file."""
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    rows = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            entry: dict[str, Any] = json.loads(line)
            rows[_key(entry["cell"])] = {**entry["cell"], **entry["row"]}
        except (ValueError, KeyError, TypeError) as error:
            raise ResultError(f"{path}, line {number}, is no row of a study ({error}); give another folder") from None
    return rows


def _computed(study: Study, cells: list[Cell], places: list[Place], seed: int, jobs: int) -> Iterator[tuple[Cell, Row]]:
    """Yield cells with their rows as they are finished."""
    if jobs == 1 or len(cells) < 2:
        for cell, place in zip(cells, places, strict=True):
            yield cell, compute(study, cell, seed, place)
        return
    # Fork would copy locks that torch's threads hold.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(cells)), mp_context=context) as pool:
        futures = {
            pool.submit(compute, study, cell, seed, place): cell for cell, place in zip(cells, places, strict=True)
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@one_thread()
def compute(study: Study, cell: Cell, seed: int, place: Place) -> Row:
    """Compute one cell on one thread, in a stream named by the study and the cell."""
    row = study.run_cell(cell, Stream(seed, ("study", study.name, _key(cell))), place)
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Turn numpy's numbers into JSON's."""
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
