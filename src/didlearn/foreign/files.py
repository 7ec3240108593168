"""Files and folders that others made: what is no regular file is not read, and no link leads out of a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from didlearn.errors import DidlearnError, ResultError

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}


def refuse_special(path: Path, error: type[DidlearnError]) -> None:
    """Refuse a pipe, a device, a socket or a link to one: to read it may wait for ever, or never end.

    What is absent is left to whoever opens it.

    Raises:
        error: of the kind given.
    """
    kind = _special_kind(path)
    if kind is not None:
        raise error(
            f"{path} is {kind}, or leads to one, and may never end; only regular files are read: copy it to one"
        )


def refuse_special_below(folder: Path, error: type[DidlearnError]) -> None:
    """Refuse a folder that holds a pipe, a device or a socket at any depth; links to folders are not followed."""
    for path in _entries(folder):
        refuse_special(path, error)


def refuse_outward_links(folder: Path, own: Iterable[str]) -> None:
    """Refuse a run folder with links that lead out of it: what is read and written there stays below it.

    The folder itself may be a link: it is what the user named.

    Args:
        folder: where something is read and written. own: what is, as names or patterns of entries of the folder. What
            else lies there is not looked at: a run folder may be a project's, with an environment full of links.

    Raises:
        ResultError: a link leads out, or something is no regular file.
    """
    root = folder.resolve()
    for top in _named(folder, [pattern.lower() for pattern in own]):
        for path in (top, *_entries(top)):
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise ResultError(
                    f"{path} is a link that leads out of the run folder; nothing was read or written: remove it"
                )
            refuse_special(path, ResultError)


def _named(folder: Path, patterns: list[str]) -> list[Path]:
    """Return entries by their names in lower case, as some file systems find them; a link may lead nowhere."""
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in there if any(fnmatchcase(path.name.lower(), pattern) for pattern in patterns)]


def _entries(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


def _special_kind(path: Path) -> str | None:
    try:
        return _KINDS.get(stat.S_IFMT(path.stat().st_mode))
    except (OSError, ValueError):
        return None
