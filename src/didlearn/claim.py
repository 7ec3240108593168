"""A folder belongs to one piece of work: the same goes on where it stopped, and another is refused."""

from __future__ import annotations

import importlib.util
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from didlearn.atomic import atomically
from didlearn.errors import ResultError, UsageError
from didlearn.foreign.files import refuse_outward_links

AT_WORK = ".didlearn-at-work"
"""The file by which a folder is held, which says who does."""
_PATIENCE = 3.0  # seconds that another process is waited for


def claim(
    path: Path,
    identity: Mapping[str, object],
    *,
    begun: bool,
    work: str,
    otherwise: str,
    own: Iterable[str] = ("*",),
) -> None:
    """Write whose folder it is, or make sure that it is the same work that goes on.

    Args:
        path: the JSON file in the folder that says whose it is.
        identity: what two runs must share for the one to go on where the other stopped: JSON values by name, and by
            name within a mapping (``settings``).
        begun: whether anything was kept of the work that the file names; else the folder is free.
        work: what to call it in errors. otherwise: what would do.
        own: what the work reads and writes in the folder, as names or patterns.

    Raises:
        ResultError: the file cannot be read, or a link leads out of the folder.
        UsageError: the folder belongs to other work; the sentence names what differs first.
    """
    refuse_outward_links(path.parent, own)
    if not (path.exists() and begun):
        text = json.dumps(identity, indent=1) + "\n"
        atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
        return
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ResultError(f"{path} cannot be read as JSON ({error}); {otherwise}") from None
    for name, there, now in _differences(found, json.loads(json.dumps(identity))):
        raise UsageError(f"{path.parent} holds another {work}: {name} is {there!r} there and {now!r} now; {otherwise}")


@contextmanager
def held(folder: Path, otherwise: str) -> Iterator[None]:
    """Hold a folder against other processes that would work in it; the end of this one, also by a kill, lets it go.

    One that was just killed may take a moment to end: that long is waited.

    Args:
        folder: is there. otherwise: what would do where another holds it.

    Raises:
        UsageError: another process holds it.
    """
    with alone(folder, _PATIENCE) as sole:
        if not sole:
            raise UsageError(f"another process is at work in {folder}; wait for its end, or {otherwise}")
        yield


@contextmanager
def at_work(folder: Path, otherwise: str) -> Iterator[None]:
    """Hold a folder for as long as work in it lasts, as ``held`` does, and let others know by whom.

    A file of its own is held, called ``AT_WORK``: the folder itself is held, for a moment each time, by who writes.

    Raises:
        UsageError: another process holds it; the sentence names that one.
    """
    file = folder / AT_WORK
    with file.open("a+", encoding="utf-8") as opened:
        if importlib.util.find_spec("fcntl") is not None and not _locked(opened.fileno(), _PATIENCE):
            opened.seek(0)
            who = opened.read().strip() or "another process"
            raise UsageError(f"{who} is at work in {folder}; wait for its end, or {otherwise}")
        opened.truncate(0)
        opened.write(f"process {os.getpid()} (since {time.strftime('%Y-%m-%d %H:%M:%S')})\n")
        opened.flush()
        yield


@contextmanager
def alone(folder: Path, patience: float) -> Iterator[bool]:
    """Hold a folder, or tell that another process still does after ``patience`` seconds.

    What cannot be held (there is no such folder, or the system has no locks) is taken to be nobody else's. The folder
    itself is held: no file is written, so that one that may only be read can be held too.
    """
    handle = _opened(folder)
    try:
        yield handle is None or _locked(handle, patience)
    finally:
        if handle is not None:
            _release(handle)


def _opened(folder: Path) -> int | None:
    if importlib.util.find_spec("fcntl") is None:  # a system without such locks
        return None
    try:
        return os.open(folder, os.O_RDONLY)
    except OSError:
        return None


def _locked(handle: int, patience: float) -> bool:
    import fcntl

    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        except OSError:  # a file system without such locks
            return True


def _release(handle: int) -> None:
    import fcntl

    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_UN)  # a forked process may have the handle too
    os.close(handle)


def _differences(found: Mapping[str, object], wanted: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    for name, now in wanted.items():
        there = found.get(name)
        if isinstance(now, Mapping):
            yield from _differences(there if isinstance(there, Mapping) else {}, now)
        elif there != now:
            yield name, there, now
