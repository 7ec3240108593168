"""A result as a flat dict of numbers by names, which is what every tracker takes."""

from __future__ import annotations

from didlearn.result.files import AuditResult


def flat_numbers(audit: AuditResult) -> dict[str, float]:
    """Return ``CHECK/ESTIMATE`` with its ends ``…/low``, ``…/high``, and ``CHECK/failed``, ``CHECK/passed``: 0 or 1.

    What is absent (a value, an open end, the verdict of a check that could not run) has no entry: it is no number.
    """
    found: dict[str, float] = {}
    for check in audit.checks:
        if check.verdict in ("pass", "fail", "inconclusive"):
            found[f"{check.check}/failed"] = float(check.verdict == "fail")
            found[f"{check.check}/passed"] = float(check.verdict == "pass")
        for name, estimate in check.estimates.items():
            ends = {"": estimate.value, "/low": estimate.low, "/high": estimate.high}
            exact = estimate.low == estimate.high == estimate.value
            for end, value in ends.items():
                if value is not None and not (end and exact):
                    found[f"{check.check}/{name}{end}"] = float(value)
    return found
