"""A folder is of one state whenever it is read: what is new lies beside the old until one rename makes it count.

New files are written below ``.next`` with the hash of the JSON they belong to. Then the JSON takes its place, in one
rename, and then they take theirs. Whoever reads after a kill finds either the old JSON, and the new files are left
aside, or the new JSON, and moves the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path
from typing import Final

from didlearn.atomic import atomically

_NEXT: Final = ".next"
_BELONGS: Final = "belongs-to"


def stage(root: Path) -> Path:
    """Return an empty folder for the files of the next state of ``root``."""
    staged = root / _NEXT
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    return staged


def commit(root: Path, name: str, text: str) -> None:
    """Make the staged files count, with ``text`` as the file called ``name`` that says what there is."""
    (root / _NEXT / _BELONGS).write_text(_hash(text.encode()), encoding="utf-8")
    atomically(root / name, lambda part: part.write_text(text, encoding="utf-8", newline=""))
    roll_forward(root, name)


def roll_forward(root: Path, name: str) -> None:
    """Move staged files that belong to the file called ``name`` into their places: a kill may have left them."""
    staged, belongs = root / _NEXT, root / _NEXT / _BELONGS
    try:
        if belongs.read_text(encoding="utf-8") != _hash((root / name).read_bytes()):
            return
    except (OSError, UnicodeDecodeError):  # nothing is staged, or not to its end
        return
    files = [path for path in sorted(staged.rglob("*")) if path.is_file() and path != belongs]
    with contextlib.suppress(FileNotFoundError):  # another reader moves them too
        for path in files:
            target = root / path.relative_to(staged)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    shutil.rmtree(staged, ignore_errors=True)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
