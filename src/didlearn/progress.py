"""Who is told how far the work is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

CHECKS_DONE: Final = "checks"
"""What an audit says is being done when it tells how many of its checks are."""
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


def silent(what: str, done: int, total: int) -> None:
    """Report no progress."""
