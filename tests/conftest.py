"""In CI nothing the machine could run may be skipped: only a missing GPU excuses a test."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no fault of what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
os.environ["DIDLEARN_CACHE_GB"] = "0"  # no test reads what another wrote, or writes where a user keeps things
SHARED = Path(__file__).parents[2] / "shared"
EXCUSES = ("no CUDA device",)
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests of a process: a second Playwright beside the first is refused."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing; install Chromium to run the browser tests")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def quick_classifier(monkeypatch):
    """Let the classifier, whose features are no test's business here, see each image twice and not 25 times."""
    monkeypatch.setattr("didlearn.embeddings.training.classifier.EPOCHS", (1, 2))


@pytest.fixture
def no_figure_files(monkeypatch):
    """Let an audit write its page without the files of its figures, which take longer and which no test here reads."""
    monkeypatch.setattr("didlearn.report.page.write_figures", lambda checks, run: [])


def shortened():
    """Let searches for a nearest point take 40 steps and not 120: of simple decoders, polishing finds the rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("didlearn.inversion.race._FIRST", ((16, 10), (4, 10), (2, 20)))
        patch.setattr("didlearn.inversion.race._AGAIN", ((4, 15), (2, 15)))
        yield


short_races = pytest.fixture(scope="module", name="short_races")(shortened)
short_race = pytest.fixture(name="short_race")(shortened)  # in one test alone


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
