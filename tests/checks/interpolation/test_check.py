"""The interpolation check on generators whose walks are known.

Mistakes seen: a yardstick of one image in two pairs, lengths over the ends of other walks, a largest step over the mean
one, the perceptual path length without its square, fades of images and themselves, labels for a bank.
"""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Dirichlet

from didlearn.audit.running.run_check import run_check
from didlearn.audit.subject import Subject
from didlearn.checks.interpolation.check import Interpolation
from didlearn.checks.interpolation.measure import measure_walks, path_length, ratio_of_means, walk_estimates
from didlearn.checks.interpolation.page import shown_places
from didlearn.embeddings import Embedding
from didlearn.images import open_images
from didlearn.models import open_model
from didlearn.models.formats.bank import Bank

SIDE, SCALE = 16, 0.05
D = SIDE * SIDE


class Isotropic(nn.Module):
    """Every pixel a latent: images (n, 1, 16, 16) around one half."""

    latent_shape, value_range = (D,), (0, 1)

    def forward(self, z):
        return (0.5 + SCALE * z).view(-1, 1, SIDE, SIDE)


class Few(Isotropic):
    """The nearest of 40 images: it stands still, and jumps."""

    atoms: torch.Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("atoms", torch.randn(40, D, generator=torch.Generator().manual_seed(3)))

    def forward(self, z):
        nearest = torch.cdist(z, self.atoms).argmin(1)
        return super().forward(self.atoms[nearest])


def real_images(count, seed=0):
    pixels = 0.5 + SCALE * np.random.default_rng(seed).normal(size=(count, 1, SIDE, SIDE))
    return open_images(pixels.clip(0, 1).astype(np.float32))


def run(module, heldout=None, check=None, **options):
    return run_check(check or Interpolation(), Subject(open_model(module, **options), heldout=heldout))


def test_walks_of_an_isotropic_generator_are_lines_and_arcs():
    """Of normal latents in many dimensions the angle is a right one: an arc is π/2 radii long, its chord √2."""
    found = run(Isotropic(), real_images(1200))
    values = {name: one.value for name, one in found.estimates.items()}
    assert found.verdict == "measured"
    assert values["detour_straight"] == pytest.approx(1, abs=1e-4)
    assert values["detour_fade"] == pytest.approx(1, abs=1e-4)
    assert values["detour_spherical"] == pytest.approx(math.pi / 2 / math.sqrt(2), rel=0.02)
    assert values["largest_step_straight"] == pytest.approx(1 / 16, abs=1e-4)
    assert values["largest_step_spherical"] == pytest.approx(1 / 16, rel=0.05)
    assert values["perceptual_path_length"] == pytest.approx((math.pi / 2 * SCALE) ** 2 * D, rel=0.06)
    for name in ("end_distance", "path_length_straight", "path_length_fade"):
        estimate = found.estimates[name]
        assert estimate.low * 0.99 < 1 < estimate.high * 1.01, name
    assert values["path_length_spherical"] == pytest.approx(1.11, rel=0.03)
    assert "changes its images step by step" in found.answer


def test_a_generator_of_few_images_jumps():
    found = run(Few(), real_images(200))
    assert "jumps from image to image" in found.answer
    assert found.estimates["largest_step_spherical"].low > 0.5
    assert found.estimates["largest_step_straight"].high <= 1.1
    assert found.estimates["perceptual_path_length"].value == 0, "flat nearly everywhere"


def test_both_ends_of_a_walk_of_any_steps_are_shown():
    for steps in (2, 7, 8, 9, 16, 17):
        places = shown_places(steps).tolist()
        assert (places[0], places[-1]) == (0, steps)
        assert len(places) == min(steps, 8) + 1


def test_a_generator_of_half_the_variety_has_ends_half_as_far_apart():
    class Half(Isotropic):
        def forward(self, z):
            return super().forward(z / 2)

    found = run(Half(), real_images(1200))
    assert found.estimates["end_distance"].low < 0.505
    assert found.estimates["end_distance"].high > 0.495


def test_without_real_images_there_is_no_yardstick():
    found = run(Isotropic())
    assert not [name for name in found.estimates if name.startswith(("path", "end")) or name.endswith("fade")]
    assert "real images" not in found.answer
    assert [figure.name for figure in found.figures] == ["speed", "lengths"]
    assert len(run(Isotropic(), real_images(3)).estimates) == len(found.estimates), "three images are no two pairs"


def test_a_constant_generator_goes_nowhere():
    class Constant(Isotropic):
        def forward(self, z):
            return super().forward(0 * z)

    found = run(Constant(), real_images(100))
    assert found.verdict == "measured"
    assert found.answer == "Its images do not change with the latent."
    assert found.estimates["detour_straight"].value is None
    assert found.estimates["largest_step_spherical"].value is None
    assert found.estimates["path_length_straight"].value == 0


def test_what_it_is_not_run_on():
    samples = real_images(50)
    assert "has no latent" in run_check(Interpolation(), Subject(Bank(samples), heldout=samples)).reason
    assert "there is no generator" in run_check(Interpolation(), Subject(None, heldout=samples)).reason
    found = run(Isotropic(), open_images(np.zeros((50, 1, 8, 8), np.uint8)))
    assert (found.verdict, "8×8" in found.reason) == ("error", True)


def test_straight_walks_alone_where_no_normal_coordinates_are_known():
    found = run(Isotropic(), real_images(100), prior=Dirichlet(torch.ones(D)))
    assert "detour_spherical" not in found.estimates
    assert any("straight walks only" in note for note in found.notes)
    assert "straight walk" in found.answer


def test_walks_are_measured_in_the_embedding():
    class Bright(Embedding):
        name, probed = "brightness", True

        def __call__(self, images):
            return images.flatten(1).mean(1, keepdim=True)

    subject = Subject(open_model(Isotropic()), heldout=real_images(100), embedding=Bright())
    found = run_check(Interpolation(walks=8), subject)
    assert found.estimates["detour_straight"].value == pytest.approx(1, abs=1e-2)
    scale = SCALE / math.sqrt(D)
    assert found.estimates["perceptual_path_length"].value < 20 * scale**2, "one number changes, not all"


def test_the_gallery_shows_walks_and_what_they_are_not():
    found = run(Isotropic(), real_images(100), Interpolation(walks=8, steps=10))
    (gallery,) = found.galleries
    assert gallery.columns == ("from", *[""] * 7, "to")
    captions = [row[0].caption for row in gallery.rows]
    assert captions[:2] == ["straight 1", "spherical 1"]
    assert captions[8:] == [f"cross-fade {i}" for i in range(1, 5)]
    assert all(row[0].pixels.shape == (SIDE, SIDE) for row in gallery.rows)
    straight, spherical = gallery.rows[0], gallery.rows[1]
    assert (straight[0].pixels == spherical[0].pixels).all()
    assert (straight[-1].pixels == spherical[-1].pixels).all()
    assert not (straight[2].pixels == spherical[2].pixels).all()
    table = found.tables[0]
    assert [row[0] for row in table.rows] == [
        "straight", "spherical", "cross-fades of real images", "pairs of held-out images",
    ]  # fmt: skip
    assert [row[1] for row in table.rows] == [8, 8, 8, 50]
    speed = found.figures[0].series
    assert [one.label for one in speed] == ["straight", "spherical", "cross-fades of real images"]
    assert np.mean(speed[0].y) == pytest.approx(found.estimates["path_length_straight"].value, rel=1e-6)


def test_steps_are_between_neighbours_and_shares_of_their_walk():
    """On a line at 0, 1, 1, 5: steps 1, 0 and 4."""
    walks = measure_walks("straight", np.array([[[0.0], [1], [1], [5]], [[2.0], [2], [2], [2]]]), np.zeros((0, 1)))
    assert walks.length.tolist() == [5, 0]
    assert walks.detour.tolist() == [1]
    assert walks.largest.tolist() == [0.8]
    there = measure_walks("fade", np.array([[[0.0], [3], [1]]]), np.zeros((0, 1)))
    assert there.detour.tolist() == [5]
    found = walk_estimates([walks], np.array([2.0, 3.0]), 0.95)
    assert found["path_length_straight"].value == pytest.approx(1)
    assert found["detour_straight"].value is None, "of one walk there is no interval"


def test_the_perceptual_path_length_is_of_neighbours_over_the_squared_step():
    features = np.array([[[0.0, 0], [0.3, 0.4], [9, 9], [9, 9]], [[1.0, 1], [1, 1], [0, 0], [0, 0.5]]])
    assert path_length(features, 0.1, 0.95).value == pytest.approx((25 / 2 + 25 / 2) / 2)


def test_ratios_cover_the_truth():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        found = ratio_of_means(rng.gamma(4, 3.0, 32), rng.gamma(9, 1.0, 60), 0.9)
        covered += found.low < 12 / 9 < found.high
    assert 0.9 - 3 * math.sqrt(0.09 / 400) < covered / 400 < 0.9 + 3 * math.sqrt(0.09 / 400)
