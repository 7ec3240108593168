"""``run_study``: compute the cells that are not there yet, keep each as a row, and write the page."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from didlearn import __version__, naming
from didlearn.atomic import atomically
from didlearn.claim import claim, held
from didlearn.errors import DataError, ModelError, ResultError, UsageError
from didlearn.images.fit import TooManyPixelsError
from didlearn.parallel import default_threads, one_thread
from didlearn.progress import Progress, silent
from didlearn.result.files import write_tables
from didlearn.result.values import CheckResult
from didlearn.rng import Stream
from didlearn.studies.study import Study, StudyCell, StudyRow, Workplace
from didlearn.units.cluster import cluster, current_cluster
from didlearn.units.spread import send_units
from didlearn.zoo.training.loop import CHECKPOINT

_HEADER, ROWS_FILE, _RESULT = "study.json", "rows.jsonl", "result.json"
_OWN = (_HEADER, ROWS_FILE, _RESULT, "report.html", "figures", "models", "cache")


def run_study(
    study: Study,
    folder: Path,
    *,
    seed: int = 0,
    jobs: int | None = None,
    device: str = "cpu",
    backend: str | None = None,
    address: str | None = None,
    trust_code: bool = False,
    progress: Progress = silent,
) -> CheckResult:
    """Run a study, or go on with one that was interrupted, and write ``FOLDER/report.html``.

    Each finished cell is a line of ``rows.jsonl``, written through to the disk: a kill loses the cells in the making,
    and of these no more than what was trained since their last checkpoints. Cells run one on a thread, ``jobs`` at a
    time, and their numbers do not depend on how many there are.

    Args:
        study: what to run. folder: where to. seed: of everything random. jobs: cells at a time; the CPUs by default.
        device: of the networks. backend, address: who computes the cells, as ``didlearn.audit`` takes them; all of them
            see the folder. trust_code: whether code that the settings name may run.
        progress: called with (what, cells done, cells in all).

    Raises:
        UsageError: the folder holds another study, or there is nothing to compute. ResultError: its rows cannot be
            read. ModelError: a training diverged, and no other cell gave a row; else the page names those that did.
    """
    cells = list({_key(cell): cell for cell in study.cells()}.values())
    jobs = default_threads() if jobs is None else jobs
    if not cells or jobs < 1:
        raise UsageError(f"{study.name} has {len(cells)} cells and {jobs} jobs; give at least one of each")
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder, "give another folder"), _without_budget(), cluster(backend, address, jobs):
        bare = Workplace(folder / "models", folder / "cache", device, trust_code)
        return _run_here(study, folder, cells, seed, jobs, bare, progress)


@contextmanager
def _without_budget() -> Iterator[None]:
    """Say of data that unfold to too many pixels what a study takes: it has no option that raises their number."""
    try:
        yield
    except TooManyPixelsError as error:
        fact = str(error).rpartition("; none was decoded")[0]
        raise DataError(
            f"{fact}; none was decoded: save the pixels as .npz, x=(N, H, W, C), if they are meant"
        ) from None


def _run_here(
    study: Study, folder: Path, cells: list[StudyCell], seed: int, jobs: int, bare: Workplace, progress: Progress
) -> CheckResult:
    _claim(folder, study, seed)
    done, failed = _read_rows(folder / ROWS_FILE), dict[str, ModelError]()
    left = [cell for cell in cells if _key(cell) not in done]
    progress(study.name, len(cells) - len(left), len(cells))
    with (folder / ROWS_FILE).open("a", encoding="utf-8") as file:
        places = [_place(bare, cell) for cell in left]
        for cell, row in _computed(study, left, places, seed, jobs):
            if isinstance(row, ModelError):
                failed[_key(cell)] = row
                continue
            file.write(json.dumps({"cell": cell, "row": row}, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
            done[_key(cell)] = {**cell, **row}
            (_place(bare, cell).model / "training" / CHECKPOINT).unlink(missing_ok=True)
            progress(study.name, sum(_key(c) in done for c in cells), len(cells))
    rows = [done[_key(cell)] for cell in cells if _key(cell) in done]
    if not rows:
        raise next(iter(failed.values()))
    return _write(study, rows, tuple(f"No row for {cell}: {error}." for cell, error in failed.items()), folder)


def _write(study: Study, rows: list[StudyRow], missing: tuple[str, ...], folder: Path) -> CheckResult:
    from didlearn.report import write_study_report  # loads matplotlib, which workers have no use for

    settings = json.loads(json.dumps(dataclasses.asdict(study)))
    result = study.summarise(rows)
    result = result.model_copy(update={"params": settings, "question": study.question, "notes": missing + result.notes})
    text = result.model_dump_json(indent=1)
    atomically(folder / _RESULT, lambda part: part.write_text(text, encoding="utf-8"))
    write_tables([result], folder)
    write_study_report(result, folder)
    return result


def _place(bare: Workplace, cell: StudyCell) -> Workplace:
    name = hashlib.blake2b(_key(cell).encode(), digest_size=8).hexdigest()
    return dataclasses.replace(bare, model=bare.model / name)


def _key(cell: StudyCell) -> str:
    return json.dumps(cell, sort_keys=True)


def _claim(folder: Path, study: Study, seed: int) -> None:
    identity = {"study": study.name, "settings": dataclasses.asdict(study), "seed": seed, "didlearn": __version__}
    rows = folder / ROWS_FILE
    begun = (folder / "models").exists() or (rows.exists() and rows.stat().st_size > 0)
    claim(folder / _HEADER, identity, begun=begun, work="study", otherwise="give another folder", own=_OWN)


def _read_rows(path: Path) -> dict[str, StudyRow]:
    """Read finished cells; a last line that a kill cut short is taken off the file."""
    if not path.is_file():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    rows = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            entry = json.loads(line)
            rows[_key(entry["cell"])] = {**entry["cell"], **entry["row"]}
        except (ValueError, KeyError, TypeError) as error:
            raise ResultError(f"{path}, line {number}, is no row of a study ({error}); give another folder") from None
    return rows


def _computed(
    study: Study, cells: list[StudyCell], places: list[Workplace], seed: int, jobs: int
) -> Iterator[tuple[StudyCell, StudyRow | ModelError]]:
    """Yield cells as they are finished, with their rows or why there are none."""
    sent_to = current_cluster()
    if sent_to is not None:
        whole = [dataclasses.replace(p, model=p.model.resolve(), cache=p.cache.resolve()) for p in places]
        work = list(zip(cells, whole, strict=True))
        for number, row in send_units(lambda pair: compute(study, pair[0], seed, pair[1]), work, sent_to):
            yield cells[number], row
        return
    if jobs == 1 or len(cells) < 2:
        for cell, place in zip(cells, places, strict=True):
            yield cell, compute(study, cell, seed, place)
        return
    # Fork would copy locks that torch's threads hold.
    context = multiprocessing.get_context("spawn")
    workers = min(jobs, len(cells))
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(naming.naming_style(),)
    ) as pool:
        futures = {
            pool.submit(compute, study, cell, seed, place): cell for cell, place in zip(cells, places, strict=True)
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(style: naming.Style) -> None:
    """Name options as the parent does, and end when it is killed: two processes must not train in one folder."""
    naming.name_as(style)
    parent = multiprocessing.parent_process()
    assert parent is not None, "only workers call this"

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@one_thread()
def compute(study: Study, cell: StudyCell, seed: int, place: Workplace) -> StudyRow | ModelError:
    """Compute one cell on one thread, in a stream named by the study and the cell; a failed model is an answer too."""
    try:
        row = study.run_cell(cell, Stream(seed, ("study", study.name, _key(cell))), place)
    except ModelError as error:
        return error
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    """Turn numpy's numbers into JSON's."""
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
