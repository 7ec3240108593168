"""Classes and outliers by distance from the manifold, where both are known."""

import numpy as np
import pytest
import torch
from torch import nn

from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.manifold_classifier.check import ManifoldClassifier
from didlearn.images import open_images
from didlearn.images.base import Images
from didlearn.models import open_model

pytestmark = pytest.mark.usefixtures("short_races")
CHECK = ManifoldClassifier(images=30, draws=60, starts=2, rounds=1)
CLASSES, LATENT = 3, 2


class Planes(nn.Module):
    """Class c makes images near its own plane: 0.5 + a pattern of c + two directions of c, within [0, 1]."""

    latent_shape, value_range, classes = (LATENT,), (0, 1), CLASSES
    centre: torch.Tensor
    spread: torch.Tensor

    def __init__(self):
        super().__init__()
        g = torch.Generator().manual_seed(0)
        self.register_buffer("centre", 0.15 * torch.randn(CLASSES, 64, generator=g))
        self.register_buffer("spread", 0.05 * torch.randn(CLASSES, LATENT, 64, generator=g))

    def forward(self, z, labels):
        flat = 0.5 + self.centre[labels] + torch.einsum("nd,ndp->np", z, self.spread[labels])
        return flat.view(-1, 1, 8, 8)


def images_of(net, count, seed, noise=0.01):
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=count)
    z = torch.from_numpy(rng.normal(size=(count, LATENT))).float()
    x = net(z, torch.from_numpy(labels)).numpy() + noise * rng.normal(size=(count, 1, 8, 8))
    opened = open_images(np.clip(x, 0, 1).astype(np.float32))
    return Images(opened.reader, opened.shape, "planes", labels, ("a", "b", "c"))


@pytest.fixture(scope="module")
def found(short_races):
    net = Planes()
    outside = {
        "uniform": open_images(np.random.default_rng(5).random((40, 1, 8, 8)).astype(np.float32)),
        "flat": open_images(np.full((40, 1, 8, 8), 128, np.uint8) + np.arange(40, dtype=np.uint8)[:, None, None, None]),
    }
    subject = Subject(open_model(net), images_of(net, 300, 1), images_of(net, 100, 2), outside=outside)
    return run_check(CHECK, subject)


def test_classes_are_told_by_their_manifolds(found):
    assert found.verdict == "measured", found.reason
    assert found.estimates["manifold_accuracy"].value == 1
    for name in ("neighbour_accuracy", "linear_accuracy", "subspace_accuracy", "mean_accuracy"):
        assert found.estimates[name].value > 0.6, name
    assert "nearest class manifold is right for 100\u202f%" in found.answer


def test_outside_images_lie_farther_out(found):
    assert found.estimates["auroc_uniform"].value == 1
    assert found.estimates["auroc_uniform_local_variance"].value == 1
    # Flat images have no contrast at all: a score of contrast takes them for the most real ones.
    assert found.estimates["auroc_flat_contrast"].value == 0
    assert found.figures[0].name == "roc"


def test_unconditional_models_need_something_outside():
    class Plain(nn.Module):
        def forward(self, z):
            return torch.sigmoid(z.tile(1, 32)).view(-1, 1, 8, 8)

    real = open_images(np.random.default_rng(0).random((40, 1, 8, 8)).astype(np.float32))
    model = open_model(Plain(), latent_shape=(2,), value_range=(0, 1))
    assert "nothing to tell apart" in run_check(CHECK, Subject(model, real, real)).reason
    found = run_check(CHECK, Subject(model, real, real, outside={"own": real}))
    assert set(found.estimates) == {
        f"auroc_own{end}" for end in ("", "_subspace", "_neighbour", "_local_variance", "_contrast")
    }
    assert found.estimates["auroc_own"].low <= 0.5 <= found.estimates["auroc_own"].high


def test_without_held_out_images_it_is_not_run():
    net = Planes()
    found = run_check(CHECK, Subject(open_model(net), images_of(net, 30, 1)))
    assert found.verdict == "not_run"
    assert "heldout=..." in found.reason


def test_an_outside_set_of_one_image_is_left_out_and_said_so():
    net = nn.Sequential(nn.Linear(2, 4), nn.Sigmoid(), nn.Unflatten(1, (1, 2, 2)))
    pictures = open_images(np.random.default_rng(0).random((30, 2, 2)).astype(np.float32))
    check = ManifoldClassifier(images=8, draws=8, starts=1, rounds=1)
    outside = {"lone": pictures.subset([0]), "more": pictures.subset(range(9))}
    found = run_check(check, Subject(open_model(net), pictures, pictures, outside=outside))
    assert found.verdict == "measured", found.reason
    assert found.notes == ("lone holds 1 image, too few to compare with, and was left out; give at least 2.",)
    assert "auroc_more" in found.estimates
    assert not any("lone" in name for name in found.estimates)
    alone = run_check(check, Subject(open_model(net), pictures, pictures, outside={"lone": pictures.subset([0])}))
    assert alone.verdict == "not_run"
    assert "at least 2 images with" in alone.reason


def test_of_many_classes_a_few_are_tried_and_chance_is_said():
    net = Planes()
    subject = Subject(open_model(net), images_of(net, 300, 1), images_of(net, 100, 2))
    found = run_check(ManifoldClassifier(images=20, draws=40, starts=2, rounds=1, candidates=2), subject)
    assert found.estimates["chance"].value == 0.5
    assert found.estimates["manifold_accuracy"].value == 1
    assert "guessing for 50" in found.answer
