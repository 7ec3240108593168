"""The inversion check on models whose manifold is known."""

import dataclasses

import numpy as np
import pytest
import torch

from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.inversion.check import InversionCheck
from didlearn.images import open_images
from didlearn.models import open_model
from didlearn.models.oracles import PPCA, DiscreteGenerator
from didlearn.models.reconstructor import open_autoencoder
from didlearn.rng import Stream
from tests.inversion.decoders import decoder, relu

pytestmark = pytest.mark.usefixtures("short_races")
CHECK = InversionCheck(images=24, starts=4, rounds=1)
OURS = InversionCheck(
    images=12, starts=4, rounds=1, published=False
)  # what does not ask for Adam's number goes without
SHAPE = (1, 8, 8)


def clipped(images):
    return open_images(np.clip(images, 0, 1).astype(np.float32))


def model_of(d=6, seed=0):
    """A PPCA whose images lie around one half, so that they fit into [0, 1]."""
    g = torch.Generator().manual_seed(seed)
    W = torch.linalg.qr(torch.randn(64, d, generator=g, dtype=torch.float64))[0] * 0.2
    return PPCA(W, torch.full((64,), 0.5, dtype=torch.float64), SHAPE)


def squashed(d, hidden):
    """A ReLU decoder whose images lie within [0, 1]."""
    inner = relu(d, hidden)
    return decoder(lambda z: torch.sigmoid(2 * inner.decode(z)), d, value_range=(0, 1))


def own_images(model, count, seed):
    return model.decode(model.sample_prior(count, Stream(seed))).numpy()


def other_images(count, seed):
    return np.random.default_rng(seed).random((count, *SHAPE))


@pytest.fixture(scope="module")
def off(short_races):
    model = model_of()
    train, heldout = clipped(other_images(200, 1)), clipped(other_images(100, 2))
    outside = {"own": clipped(own_images(model, 60, 5)), "wide": open_images(np.zeros((9, 1, 4, 4), np.uint8))}
    return run_check(CHECK, Subject(model, train, heldout, outside=outside))


def test_images_of_another_kind_are_off_the_manifold(off):
    assert off.verdict == "measured"  # nearer than other real images are, and not reached
    assert "do not reach them" in off.reason
    assert off.estimates["off_manifold"].value == 1
    assert off.estimates["made"].value == 0
    for name in (
        "recovered",
        "recovered_noisy",
        "recovered_0.5",
        "recovered_1.5",
        "segments_consistent",
        "no_way_down",
    ):
        assert off.estimates[name].value == 1, name


def test_distances_are_those_of_the_projection(off):
    """Uniform pixels have variance 1/12; a linear model of 6 dimensions leaves (1 − 6/64) of it, on average."""
    assert off.estimates["error_train"].value == pytest.approx((1 - 6 / 64) / 12, rel=0.1)
    assert off.estimates["noise_fit"].value == pytest.approx(off.estimates["noise_fit_linear"].value, rel=0.05)
    # A χ² law of 6 dimensions has its median at 5.3; this one is of 12 images.
    assert 3 < off.estimates["degrees_of_freedom"].value < 9
    assert off.estimates["normalised_fit"].value == pytest.approx(1, rel=0.5)
    assert off.estimates["noise_recovered"].value == pytest.approx(1, rel=0.05)
    assert off.estimates["distance_left"].value == pytest.approx(1, rel=1e-3)  # Adam does well on a linear model


def test_points_the_prior_never_draws_are_told_apart():
    """Images of latents at five times the prior's radius: the nearest point exists, and the prior does not reach it."""
    model = model_of(d=3)
    z = 5 * torch.nn.functional.normalize(model.sample_prior(60, Stream(8)), dim=1) * 3**0.5
    far = clipped(model.decode(z / 4).numpy())
    found = run_check(OURS, Subject(PPCA(model.W / 4, model.b, SHAPE), far, far))
    assert found.estimates["error_train"].value < 1e-6
    assert found.estimates["outside_shell"].value == 1
    assert found.estimates["error_train_likely"].value > 100 * found.estimates["error_train"].value
    assert "Where its prior has mass, it comes only within" in found.answer


def test_outside_sets_are_inverted_and_what_does_not_fit_is_said(off):
    assert off.estimates["error_own"].value < 1e-5
    assert "wide has images of another shape" in off.notes[0]
    names = [row[0] for row in off.tables[0].rows]
    assert names == ["train", "held-out", "generated", "own", "shifted", "noise"]


def test_the_page_has_its_pictures(off):
    gallery = off.galleries[0]
    assert len(gallery.rows) == 6
    assert all(len(row) == 9 == len(gallery.columns) for row in gallery.rows)
    assert [f.name for f in off.figures] == ["errors", "effort"]
    for series in off.figures[0].series:
        assert sum(series.y) == pytest.approx(1), series.label


def test_a_model_can_make_its_own_images():
    model = model_of()
    subject = Subject(model, clipped(own_images(model, 200, 1)), clipped(own_images(model, 100, 2)))
    # 24 of 24 images are at least 86 % of all: nine tenths take 36 of them.
    found = run_check(dataclasses.replace(OURS, images=24, made=0.8), subject)
    # In 8 bits the model's own images lie as far out as these floats do not.
    assert found.verdict == "pass"
    assert found.estimates["recovery_closer_pvalue"].value > 0.01


def test_a_search_too_weak_to_find_planted_images_is_inconclusive():
    model = squashed(20, [24])
    images = clipped(own_images(model, 80, 3))
    check = InversionCheck(images=16, draws=20, starts=1, rounds=0, published=False)
    found = run_check(check, Subject(model, images, images))
    assert found.verdict == "inconclusive"
    assert found.estimates["recovered"].value < 0.95
    assert "off" not in found.reason


def test_a_model_that_fits_its_training_images_is_found_out():
    """A decoder through 16 training images: they are on the manifold, held-out ones are not."""
    train, heldout = other_images(16, 1).astype(np.float32), other_images(40, 2).astype(np.float32)
    memory = torch.from_numpy(train.reshape(16, -1))

    def recall(z):
        return (torch.softmax(12 * z, dim=1) @ memory.to(z)).view(-1, *SHAPE)

    model = decoder(recall, 16)
    check = dataclasses.replace(OURS, images=16, required=0.5)
    found = run_check(check, Subject(model, clipped(train), clipped(heldout)))
    assert found.reason
    assert found.verdict == "fail"
    assert found.estimates["recovery_gap"].low > 0.5
    assert found.estimates["recovery_closer_pvalue"].value < 1e-4


def test_nearest_neighbours_and_the_subspace_stand_beside_it():
    model = model_of(d=4)
    images = clipped(other_images(60, 7))
    found = run_check(OURS, Subject(model, images, clipped(other_images(40, 8))))
    flat = images.read(range(60)).numpy().reshape(60, -1)
    squared = ((flat[:, None] - flat) ** 2).mean(axis=2) + 9 * np.eye(60)
    assert (
        found.estimates["neighbour_train"].low
        <= np.median(squared.min(axis=1))
        <= found.estimates["neighbour_train"].high
    )
    # Four directions fitted to 60 images do better on them than on others, and better than a random subspace.
    assert found.estimates["subspace_train"].value < found.estimates["subspace_heldout"].value
    assert found.estimates["subspace_train"].value < found.estimates["error_train"].value


def test_an_autoencoder_is_set_beside_it():
    class Blur(torch.nn.Module):
        latent_shape = (6,)

        def forward(self, x):
            return x * 0 + x.mean(dim=(1, 2, 3), keepdim=True)

    auto = open_autoencoder(Blur())
    train = clipped(other_images(60, 1))
    found = run_check(OURS, Subject(model_of(), train, clipped(other_images(40, 2)), autoencoder=auto))
    assert auto.latent == 6
    assert found.estimates["autoencoder_train"].value == pytest.approx(1 / 12, rel=0.1)
    assert "autoencoder" in next(t for t in found.tables if t.name == "baselines").columns


def test_a_kill_between_groups_changes_nothing(tmp_path):
    model = squashed(4, [16])
    train = clipped(own_images(model, 40, 1))
    check = InversionCheck(images=9, starts=1, rounds=0, published=False)

    class Stopped(Exception):  # noqa: N818 (it stands for a kill)
        pass

    def stop(what, done, total):
        if "generated" in what:
            raise Stopped

    first = Subject(model, train, train, records=tmp_path, progress=stop)
    with pytest.raises(Stopped):
        check.run(first, Stream(0, ("inversion",)))
    assert list(tmp_path.iterdir())
    resumed = check.run(Subject(model, train, train, records=tmp_path), Stream(0, ("inversion",)))
    whole = check.run(Subject(model, train, train), Stream(0, ("inversion",)))
    assert resumed.model_dump() == whole.model_dump()


@pytest.mark.parametrize(
    ("model", "train", "message"),
    [
        (None, other_images(20, 0), "no generator"),
        (DiscreteGenerator(np.zeros((9, *SHAPE), np.uint8)), other_images(20, 0), "needs a model file, not samples"),
        (model_of(), other_images(3, 0), "too few training images"),
    ],
)
def test_what_is_missing_is_said(model, train, message):
    found = run_check(CHECK, Subject(model, clipped(train)))
    assert found.verdict == "not_run"
    assert message in found.reason


def test_a_constant_generator_is_a_finding_and_no_crash():
    class Constant(torch.nn.Module):
        def forward(self, z):
            return torch.full((len(z), *SHAPE), 0.5) + 0 * z.sum()

    model = open_model(Constant(), latent_shape=(3,), value_range=(0, 1))
    found = run_check(OURS, Subject(model, clipped(other_images(40, 1)), clipped(other_images(40, 2))))
    assert found.verdict in ("fail", "measured", "inconclusive")
    assert found.estimates["error_train"].value > 0.05
