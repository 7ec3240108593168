"""Who is told how far the work is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

CHECKS_DONE: Final = "checks"
"""What an audit says is being done when it tells how many of its checks are."""
PASSES: Final = "passes"
"""What the check that is on says is being done when it tells how many of its passes through the decoder are."""
LATER: Final = "later passes"
"""What an audit tells as a check begins: the passes that those after it take, and how many of them take any."""
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


def silent(what: str, done: int, total: int) -> None:
    """Report no progress."""
