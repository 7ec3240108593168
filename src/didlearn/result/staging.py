"""A folder is of one state whenever it is read: what is new lies beside the old until one rename makes it count.

New files are written to a folder of their own, which is then called by the hash of the JSON that they belong to. Then
the JSON takes its place, in one rename, and then they take theirs. Whoever reads after a kill finds either the old
JSON, and the new files are left aside, or the new JSON, and moves the rest. Several may move at once: each file is
moved by one of them, and a folder is taken away by its name, when all that it held is in place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from didlearn.atomic import atomically
from didlearn.claim import alone

_PATIENCE: Final = 10.0  # seconds to wait for another process: who holds a folder for longer may hold it for ever
_NEXT: Final = ".didlearn-next-"
STAGED: Final = f"{_NEXT}*"
"""What folders of files that are not in their places yet are called, as a pattern."""


@contextmanager
def staging(root: Path, name: str) -> Iterator[Path]:
    """Give an empty folder for the files of the next state of ``root``, to be committed before the end.

    Args:
        root: what changes, with nobody else changing it meanwhile. name: of the file that says what there is.
    """
    with alone(root, _PATIENCE) as sole:
        _move(root, name)
        if sole:
            for left in root.glob(STAGED):  # by a kill
                _remove(left)
        staged = Path(tempfile.mkdtemp(dir=root, prefix=_NEXT))
        try:
            yield staged
        finally:
            _remove(staged)


def commit(staged: Path, name: str, text: str) -> None:
    """Make the staged files count, with ``text`` as the file called ``name`` that says what there is."""
    root = staged.parent
    belonging = root / _named(text.encode())
    _remove(belonging)
    staged.replace(belonging)
    atomically(root / name, lambda part: part.write_text(text, encoding="utf-8", newline=""))
    _move(root, name)


def roll_forward(root: Path, name: str) -> None:
    """Move staged files that belong to the file called ``name`` into their places: a kill may have left them."""
    if _belonging(root, name) is not None:
        with alone(root, _PATIENCE):
            _move(root, name)


def _move(root: Path, name: str) -> None:
    staged = _belonging(root, name)
    if staged is None:
        return
    for path in _files(staged):
        target = root / path.relative_to(staged)
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another reader has moved this one
            path.replace(target)
    _remove(staged)


def _belonging(root: Path, name: str) -> Path | None:
    """Return the folder of files that belong to the present file called ``name``."""
    try:
        staged = root / _named((root / name).read_bytes())
    except OSError:
        return None
    return staged if staged.is_dir() and not staged.is_symlink() else None


def _files(folder: Path) -> list[Path]:
    return sorted(Path(parent, name) for parent, _, names in os.walk(folder) for name in names)


def _named(content: bytes) -> str:
    return f"{_NEXT}{hashlib.sha256(content).hexdigest()[:32]}"


def _remove(path: Path) -> None:
    """Take away a folder with all that is in it, a file or a link; nothing is no fault."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)
