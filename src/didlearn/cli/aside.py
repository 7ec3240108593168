"""Keep stdout for results: whatever a model's own code prints, in Python or below it, goes to stderr."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

_STDOUT, _STDERR = 1, 2


@contextmanager
def printing_aside() -> Iterator[None]:
    """Send to stderr what is printed meanwhile."""
    with _descriptor_aside(), redirect_stdout(sys.stderr):
        yield


@contextmanager
def _descriptor_aside() -> Iterator[None]:
    """The same for programs that are started meanwhile, and for libraries that are not Python's."""
    sys.stdout.flush()
    try:
        kept = os.dup(_STDOUT)
    except OSError:  # closed: nothing can be printed there
        yield
        return
    os.dup2(_STDERR, _STDOUT)
    try:
        yield
    finally:
        with suppress(Exception):  # what C has printed and not yet written belongs aside too
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, _STDOUT)
        os.close(kept)
