"""A run with a sheet of pairs, made without an audit: what each pair is, is known."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from didlearn.labelling.sheet import Sheet
from didlearn.result.files import AuditResult
from didlearn.result.values import CheckResult, Estimate

CANDIDATES, PLANTED, DUPLICATES = 60, 40, 25
TOTAL = CANDIDATES + 2 * PLANTED


def make_run(folder, *, seed=0, colour=False):
    """Save a run in which a pair is a duplicate exactly when its pictures have the same bright corner."""
    rng = np.random.default_rng(seed)
    truth = np.r_[np.full(CANDIDATES, -1), np.ones(PLANTED), np.zeros(PLANTED)].astype(np.int8)
    same = np.r_[np.arange(CANDIDATES) < DUPLICATES, np.ones(PLANTED, bool), np.zeros(PLANTED, bool)]
    pictures = rng.integers(0, 60, (TOTAL, 2, 8, 8, *((3,) if colour else ())), dtype=np.uint8)
    pictures[:, 0, 0, 0] = 255
    pictures[:, 1, 0, 0] = np.where(same, 255, 0).reshape(-1, *((1,) if colour else ()))
    arrays = {
        "component": np.arange(500),
        "sheet_pictures": pictures,
        "sheet_truth": truth,
        "sheet_distance": np.linspace(0.1, 1, TOTAL),
        "sheet_stratum": np.where(truth < 0, np.arange(TOTAL) >= DUPLICATES, 0).astype(np.int64),
        "sheet_links": np.zeros(TOTAL, np.int64),
        "sheet_samples": np.where(truth[:, None] < 0, np.arange(2 * TOTAL).reshape(-1, 2), -1),
        "sheet_strata": np.array([DUPLICATES, CANDIDATES - DUPLICATES]),
    }
    automatic = Estimate(value=5000, low=3000, high=9000, n=500, method="all pairs", unit="images")
    support = CheckResult(
        check="support",
        question="How many?",
        verdict="measured",
        answer="Some.",
        params={"level": 0.95},
        estimates={"effective_support": automatic},
        arrays=arrays,
    )
    AuditResult(checks=(support,)).save(folder)
    return same


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    make_run(folder)
    return folder


@pytest.fixture
def run(saved, tmp_path):
    """A run folder of one's own."""
    return shutil.copytree(saved, tmp_path / "run")


@pytest.fixture
def sheet(run):
    return Sheet.load(run)


@pytest.fixture
def same(sheet):
    """Which pairs are duplicates."""
    return np.array([(a.ravel()[0] == b.ravel()[0]) for a, b in sheet.pictures])
