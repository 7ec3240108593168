"""A result as a table of numbers for pandas, a row per estimate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from didlearn.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

    from didlearn.result.values import CheckResult

_COLUMNS: Final = ("check", "verdict", "estimate", "value", "low", "high", "level", "n", "unit", "method")
_NUMBERS: Final = ("value", "low", "high", "level")


def frame_of(checks: Iterable[CheckResult]) -> pd.DataFrame:
    """Return a row per estimate: check, verdict, estimate, value, low, high, level, n, unit, method.

    What is absent (a value, an open end) is pandas' missing number, which no comparison holds for.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingExtraError("to_frame needs pandas; install it with: pip install 'didlearn[notebook]'") from None
    rows = [
        (c.check, c.verdict, name, e.value, e.low, e.high, e.level, e.n, e.unit, e.method)
        for c in checks
        for name, e in c.estimates.items()
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(dict.fromkeys(_NUMBERS, "float64"))
