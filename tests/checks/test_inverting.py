"""Groups are inverted as hard as was asked, and once."""

import numpy as np
import pytest

from didlearn.checks import inverting
from didlearn.checks.inverting import SearchEffort, find
from tests.checks.inversions import ended, line_model, residuals, subject_of, uniform_images

EFFORT = SearchEffort(draws=40, starts=2, rounds=1)


def test_the_nearest_points_of_a_linear_model_are_its_projections():
    model, images = line_model(), uniform_images(6, 0)
    found = find(subject_of(model), "some", images, EFFORT)
    assert found.error == pytest.approx(residuals(model, images), rel=1e-4)


def test_images_may_leave_the_range():
    model, far = line_model(), uniform_images(4, 0) + np.float32(3)
    assert find(subject_of(model), "far", far, EFFORT).error == pytest.approx(residuals(model, far), rel=1e-4)


def test_the_search_is_told_all_that_was_asked(monkeypatch, tmp_path):
    asked = []

    def invert(model, images, **options):
        asked.append((model, images, options))
        options["advance"]("inverting", 2, 5)
        return ended([0.0])

    monkeypatch.setattr(inverting, "invert", invert)
    told, model, images = [], line_model(), uniform_images(5, 0)
    options = {"seed": 3, "threads": 2, "device": "cpu", "progress": lambda *of: told.append(of)}
    find(subject_of(model, records=tmp_path, **options), "sevens", images, SearchEffort(7, 8, 9), "adam", 0.5)
    find(subject_of(model, **options), "sevens", images, SearchEffort(500, 16, 6))
    (m, x, full), (*_, plain) = asked
    assert m is model
    assert x is images
    full.pop("advance")
    plain.pop("advance")
    assert full == {
        "seed": 3, "method": "adam", "draws": 7, "starts": 8, "rounds": 9, "clip": 0.5, "within": False,
        "labels": None, "candidates": None, "loss": None, "space": "z",
        "device": "cpu", "threads": 2, "records": tmp_path,
    }  # fmt: skip
    assert plain == full | {"method": "bfgs", "draws": 500, "starts": 16, "rounds": 6, "clip": None, "records": None}
    assert told == [("inverting sevens", 2, 5)] * 2


def test_the_same_question_is_answered_once(monkeypatch):
    asked = []

    def answer(*of, **_):
        asked.append(of)
        return ended([0.0])

    monkeypatch.setattr(inverting, "invert", answer)
    subject, images = subject_of(line_model()), uniform_images(3, 0)
    first = find(subject, "held-out", images, EFFORT)
    assert find(subject, "by another name", images.copy(), EFFORT) is first
    others = [
        find(subject, "held-out", images[:2], EFFORT),
        find(subject, "held-out", images, SearchEffort(40, 2, 2)),
        find(subject, "held-out", images, EFFORT, "adam"),
        find(subject, "held-out", images, EFFORT, clip=0.9),
        find(subject, "held-out", images, EFFORT, labels=np.arange(3)),
        find(subject, "held-out", images, EFFORT, labels=np.arange(1, 4)),
        find(subject, "held-out", images, EFFORT, candidates=np.arange(3)[:, None]),
    ]
    assert len(asked) == 8
    assert all(other is not first for other in others)
