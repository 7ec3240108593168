"""A thousand classes: each image is inverted under its own, and nothing is computed of the others."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from didlearn.errors import UsageError
from didlearn.inversion.invert import invert
from didlearn.rng import Stream
from tests.inversion.conditional import SHAPE, ClassPlanes
from tests.inversion.decoders import linear

EFFORT = {"draws": 60, "starts": 4, "rounds": 2, "threads": 1}


@pytest.fixture(scope="module")
def model():
    return ClassPlanes()


def test_under_its_label_an_image_costs_what_it_does_without_classes(model):
    images = model.images(12, 1, 0.02)
    x, y = images.read(range(12)).numpy(), images.labels
    model.asked.clear()
    found = invert(model, x, labels=y, **EFFORT)
    assert found.error == pytest.approx(model.distances(x, y), rel=1e-3)
    assert found.label.tolist() == y.tolist()
    assert found.class_error is None
    assert {label for labels in model.asked for label in labels} <= {*y.tolist(), 0}  # 0: how much memory a row takes
    plain = linear(d=16, shape=SHAPE)
    alone = invert(plain, plain.decode(torch.randn(12, 16)).float().numpy() + 0.02, within=False, **EFFORT)
    assert np.median(found.evaluations) <= 1.2 * np.median(alone.evaluations)


def test_starts_are_the_nearest_of_the_images_own_class(model):
    """Two classes far apart: draws of the other class would be nearer in latents, and are not looked at."""
    x, y = model.images(3, 2, 0.0).read(range(3)).numpy(), model.images(3, 2, 0.0).labels
    found = invert(model, x, labels=y, draws=40, starts=1, rounds=0, polish=0, method="adam", steps=1)
    z = model.sample_prior(40, Stream(0, ("invert", "draws")))
    for image, label, first in zip(x, y, found.trace_objective[:, 0], strict=True):
        made = model.decode(z, torch.full((40,), int(label)))
        least = (made - torch.from_numpy(image)).square().flatten(1).mean(dim=1).min()
        assert first == pytest.approx(float(least), rel=1e-3)


def test_of_several_candidates_the_nearest_is_kept(model):
    images = model.images(4, 3, 0.01)
    x, y = images.read(range(4)).numpy(), images.labels
    among = np.stack([y, (y + 1) % 1000, (y + 7) % 1000], axis=1)[:, [2, 0, 1]]
    found = invert(model, x, candidates=among, **EFFORT)
    assert found.label.tolist() == y.tolist()
    expected = np.stack([model.distances(x, among[:, k]) for k in range(3)], axis=1)
    assert found.class_error == pytest.approx(expected, rel=1e-3)
    assert found.error == pytest.approx(expected.min(axis=1), rel=1e-3)
    each = [invert(model, x, labels=among[:, k], **EFFORT).evaluations for k in range(3)]
    assert found.evaluations.tolist() == np.sum(each, axis=0).tolist()


def test_draws_that_are_not_kept_give_the_same(model, monkeypatch):
    images = model.images(5, 4, 0.02)
    x = images.read(range(5)).numpy()
    kept = invert(model, x, labels=images.labels, **EFFORT)
    monkeypatch.setattr("didlearn.derivatives.starts._KEPT_BYTES", 0)
    again = invert(model, x, labels=images.labels, **EFFORT)
    assert np.array_equal(kept.latent, again.latent)
    assert np.array_equal(kept.error, again.error)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [0, 1], "candidates": [[0], [1]]}, "both labels and candidates"),
        ({"candidates": [[0, 1]]}, r"candidates must be \(2, k\)"),
        ({"candidates": [[0, 1], [1, 1000]]}, "from 0 to 999"),
    ],
)
def test_candidates_that_do_not_fit_are_refused(model, options, message):
    with pytest.raises(UsageError, match=message):
        invert(model, np.full((2, *SHAPE), 0.5, np.float32), **options)


SCRIPT = """
import numpy as np
from tests.peak import peak
from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.inversion.check import InversionCheck
from didlearn.checks.likelihood.check import LikelihoodCheck
from didlearn.checks.likelihood import protocol
from didlearn.inversion import race
from tests.inversion.conditional import ClassPlanes
protocol._FACTORS = (0.7, 1.4)  # what is asked of one σ is asked of each
race._FIRST = ((16, 10), (4, 10), (2, 20))  # planes need no more
model = ClassPlanes()
subject = Subject(model, model.images(600, 1, 0.05), model.images(200, 2, 0.05), threads=2)
found = run_check(LikelihoodCheck(images=4, chains=4, budget=160, sigma=0.05), subject)
assert found.verdict == "measured", found.reason
assert any("under its own label" in note for note in found.notes), found.notes
for name in ("train", "held-out"):
    from didlearn.checks.log_likelihood.images import real_classes, real_groups
    groups = real_groups(subject, 4, "gaussian")
    truth = model.class_evidence(groups[name], real_classes(subject, groups, False)[name], 0.05)
    off = found.arrays[f"{name}_log_likelihood"] - truth
    # One chain in twenty starts in the prior and weighs nothing: log(1 − 1/4) is the worst of four that is likely.
    assert (off < 0.3).all() and (off > -1.0).all(), off
inverted = run_check(InversionCheck(images=8, draws=100, starts=4, rounds=0, published=False), subject)
assert inverted.estimates["recovered"].value == 1, inverted.estimates["recovered"]
assert inverted.estimates["error_train"].value < 2 * 0.05**2
print(peak())
"""


def test_checks_of_a_thousand_classes_are_right_and_stay_below_two_gigabytes():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 2
