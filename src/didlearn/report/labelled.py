"""What people said about a run's candidate pairs, taken into its result: one more section, right after support."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from didlearn.errors import ResultError
from didlearn.report.declared import LABELS
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate

_FILE: Final = Path("labels") / "result.json"
_AFTER: Final = "support"
_AUTOMATIC: Final = "automatic_"


def with_labels(result: AuditResult, run: Path) -> AuditResult:
    """Return the result with the labels of ``RUN/labels/result.json`` after its support check, where the file exists.

    Each estimate of theirs that the support check also makes stands beside the automatic one.

    Args:
        result: of the audit.
        run: its run folder.

    Raises:
        ResultError: the file holds no ``CheckResult`` called ``labels``.
    """
    path = Path(run) / _FILE
    if not path.is_file():
        return result
    others = [check for check in result.checks if check.check != LABELS]
    automatic = next((check.estimates for check in others if check.check == _AFTER), {})
    human = _with_automatic(_read_labels(path), automatic)
    at = next((i + 1 for i, check in enumerate(others) if check.check == _AFTER), 0)
    return result.model_copy(update={"checks": (*others[:at], human, *others[at:])})


def _read_labels(path: Path) -> CheckResult:
    try:
        found = CheckResult.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ResultError(f"{path} holds no labels that can be read ({error}); label the run again") from None
    if found.check != LABELS:
        raise ResultError(f"{path} is about {found.check!r}, not {LABELS!r}; label the run again")
    return found


def _with_automatic(human: CheckResult, automatic: dict[str, Estimate]) -> CheckResult:
    """Put the automatic estimate of the same quantity right before the first human one."""
    estimates: dict[str, Estimate] = {}
    for name, estimate in human.estimates.items():
        twin = next((a for a in automatic if name in (a, f"human_{a}", f"corrected_{a}", f"{a}_corrected")), None)
        if twin is not None and _AUTOMATIC + twin not in human.estimates:
            estimates.setdefault(_AUTOMATIC + twin, automatic[twin])
        estimates[name] = estimate
    return human.model_copy(update={"estimates": estimates})
