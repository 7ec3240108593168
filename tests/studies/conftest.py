"""A few digits in a file, and a study run on them on one process."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas

import didlearn as dl
from didlearn.studies.registry import STUDIES
from didlearn.studies.runner import run_study


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    digits = dl.open_images("digits")
    path = tmp_path_factory.mktemp("data") / "few.npz"
    np.savez(path, x=digits.read_raw(range(300))[:, 0], y=digits.labels[:300])
    return path


@pytest.fixture
def no_pdf(monkeypatch):
    """Leave the PDF of each figure empty, whose fonts take longer than all else: the figure is drawn as SVG too."""
    save = Canvas.savefig

    def saved(canvas, file, **more):
        return Path(file).touch() if more["format"] == "pdf" else save(canvas, file, **more)

    monkeypatch.setattr(Canvas, "savefig", saved)


@pytest.fixture
def run(few, tmp_path, quick_classifier, no_pdf):
    """Return what runs a study with the smallest models, and gives its result, its rows and its page."""

    def ran(name, **settings):
        known = STUDIES[name].make({}).__dict__
        common = {"data": str(few), "steps": 6, "batch": 16, "width": 2, "widths": (2,)}
        common = {key: value for key, value in common.items() if key in known}
        study = STUDIES[name].make(common | settings)
        result = run_study(study, tmp_path / name, seed=2, jobs=1)
        rows = (tmp_path / name / "rows.jsonl").read_text().splitlines()
        return result, rows, (tmp_path / name / "report.html").read_text(encoding="utf-8")

    return ran
