"""In CI nothing the machine could run may be skipped: only a missing GPU excuses a test."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"
EXCUSES = ("no CUDA device",)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        shared_absent = not SHARED.exists() and ("shared" in reason or "real data" in reason)
        if not shared_absent and not any(excuse in reason for excuse in EXCUSES):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI, where nothing may be: {reason}"
    return report
