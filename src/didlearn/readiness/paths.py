"""Paths as people type them."""

from __future__ import annotations

from pathlib import Path

from didlearn.errors import UsageError

_SHOWN = 60


def typed_path(text: str) -> Path:
    """Return the path that a text names, ``~`` being a home folder; there need be nothing at it.

    Raises:
        UsageError: there is no such home folder, the name is too long for any file, or it may not be looked at.
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        home = text.partition("/")[0]
        raise UsageError(
            f"{quoted(text)} is in the home folder {quoted(home)}, and there is none: give a path"
        ) from None
    try:
        path.exists()
    except OSError as error:
        raise UsageError(f"{quoted(text)} cannot be looked for ({error.strerror}): give a path that can") from None
    return path


def quoted(text: str) -> str:
    """Return a text for a sentence: quoted, what is no plain text escaped, and its middle left out where it is long."""
    cut = text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]}"
    return repr(cut.encode("utf-8", "replace").decode())
