"""Places that results are written to, tried before anything is computed."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from didlearn.errors import StorageError, UsageError
from didlearn.naming import option

_TRIES, _PAUSE = 50, 0.01  # of a place that others try at the same moment, and seconds between


def check_folder(folder: str | os.PathLike[str], flag: str = "output") -> None:
    """Refuse a folder that cannot be made or written to. What had to be made to find out is taken away again.

    Args:
        folder: to write to. flag: the option that named it.

    Raises:
        UsageError: it cannot.
    """
    path = Path(folder)
    with _sentence(path, flag):
        for left in reversed(range(_TRIES)):
            try:
                with _made(path), tempfile.TemporaryFile(dir=path) as file:
                    file.write(b"\0")
                return
            except FileNotFoundError:  # another command that tries its place took a folder above away again
                if not left:
                    raise
                time.sleep(_PAUSE)


def check_file(file: str | os.PathLike[str], flag: str = "output") -> None:
    """Refuse a file that cannot be written.

    Args:
        file: to write. flag: the option that named it.

    Raises:
        UsageError: it cannot, or is a folder.
    """
    path = Path(file)
    check_folder(path.parent, flag)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; give {option(flag)} the name of a file")


@contextmanager
def _sentence(path: Path, flag: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise UsageError(
            f"nothing can be written to {path}: {error.filename} is a file; give {option(flag)} another folder"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"nothing can be written to {path} ({reason}); give {option(flag)} a folder that can be"
        ) from None


@contextmanager
def _made(path: Path) -> Iterator[None]:
    """Make a folder and those above it for a moment."""
    made: list[Path] = []
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.is_dir():
                try:
                    folder.mkdir()
                except FileExistsError:
                    if _in_the_way(folder):  # else another command has made it, or made and taken it away again
                        raise
                else:
                    made.append(folder)
        yield
    finally:
        for folder in reversed(made):
            with suppress(OSError):  # somebody else has put something there
                folder.rmdir()


def _in_the_way(path: Path) -> bool:
    """Whether something that is no folder is there, by one look: between two the folder may have gone."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return path.is_symlink()  # to nothing


@contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Say of a folder that was good and cannot be written to any more (a full disk, a lost mount) what would do.

    Raises:
        StorageError: what runs inside cannot write to it.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(
            f"{folder} cannot be written to any more ({reason}); what was finished before is kept there: see to that, "
            "and the same command goes on"
        ) from error
