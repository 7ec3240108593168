"""The controls of a search: hand-made searches that find, miss and better what is there."""

import numpy as np
import pytest
import torch

from didlearn.checks.inversion import controls
from didlearn.checks.inversion.controls import (
    Search,
    found_again,
    no_way_down,
    noisy_found,
    run_controls,
    segments_consistent,
)
from didlearn.checks.inverting import SearchEffort
from didlearn.rng import Stream
from tests.checks.inversions import SHAPE, ended, group, line_model, subject_of, uniform_images
from tests.inversion.decoders import decoder

EFFORT = SearchEffort(draws=40, starts=2, rounds=1)


def search_of(model):
    return Search(subject_of(model), EFFORT, 0.9)


@pytest.fixture
def answered(monkeypatch):
    """Let the search answer what a test says; what it was asked is kept by name."""
    asked: dict = {}
    answers: dict = {}

    def find(subject, name, images, effort, method="bfgs", labels=None):
        asked[name, method] = images
        answer = answers[name, method] if (name, method) in answers else answers["any"]
        return ended(np.broadcast_to(answer(images) if callable(answer) else answer, len(images)).copy())

    monkeypatch.setattr(controls, "find", find)
    return asked, answers


def test_found_again_is_an_error_below_a_ten_thousandth_of_the_variance():
    images = np.zeros((4, *SHAPE), np.float32)
    images[:, 0, ::2] = 2  # variance 1
    rate = found_again(search_of(line_model()), ended([0, 0.99e-4, 1.01e-4, 1]), images)
    assert (rate.value, rate.n, rate.level) == (0.5, 4, 0.9)


def test_noise_is_as_strong_as_the_training_error_and_beaten_up_to_rounding(answered):
    asked, answers = answered
    images, search = np.zeros((40, *SHAPE), np.float32), search_of(line_model())
    shares = np.repeat([0.5, 1.0005, 1.0015, 2.0], 10)
    answers["any"] = lambda noisy: shares * np.square(noisy.astype(float)).reshape(40, -1).mean(axis=1)
    rate, ratio = noisy_found(search, images, None, group([0.1, 0.04, 0.01]), np.random.default_rng(0))
    assert rate.value == 0.5
    # Half way between 1.0005 and 1.0015 of the noise, where a linear generator would leave 1 − 2/16.
    assert ratio.point == pytest.approx(1.001 / (1 - 2 / 16))
    assert (ratio.n, ratio.level) == (40, 0.9)
    noise = asked["planted images with noise", "bfgs"]
    assert np.square(noise).mean() == pytest.approx(0.04, abs=4 * 0.04 * np.sqrt(2 / noise.size))


def test_noise_is_never_weaker_than_rounding_to_eight_bits(answered):
    asked, answers = answered
    answers["any"] = 0.0
    noisy_found(
        search_of(line_model()), np.zeros((40, *SHAPE), np.float32), None, group([0.0]), np.random.default_rng(0)
    )
    noise = asked["planted images with noise", "bfgs"] * 255
    assert np.square(noise).mean() == pytest.approx(1 / 12, abs=4 / 12 * np.sqrt(2 / noise.size))


def test_a_latent_as_wide_as_the_image_leaves_one_pixel_of_the_noise(answered):
    _, answers = answered
    answers["any"] = lambda noisy: np.square(noisy.astype(float)).reshape(len(noisy), -1).mean(axis=1)
    images = np.zeros((9, *SHAPE), np.float32)
    _, ratio = noisy_found(search_of(line_model(d=16)), images, None, group([0.1]), np.random.default_rng(0))
    assert ratio.point == pytest.approx(16)


def test_nothing_nearer_than_half_way_is_consistent_up_to_rounding(answered):
    asked, answers = answered
    images, start = uniform_images(6, 0), uniform_images(6, 1)
    squared = np.square(images.astype(float) - start).reshape(6, -1).mean(axis=1)
    # The point half way lies at a quarter of the squared distance.
    answers["any"] = squared[:4] / 4 * [0.5, 0.998, 0.9995, 1.5]
    train = group(np.ones(6), images=images, image=start)
    rate = segments_consistent(search_of(line_model()), train, 4)
    assert (rate.value, rate.n) == (0.5, 4)
    assert asked["points on the way", "bfgs"] == pytest.approx((images[:4] + start[:4]) / 2, abs=1e-6)


def test_a_point_that_is_not_the_nearest_is_given_away_by_the_segment():
    """x lies at 1 from the line; the point said to be nearest lies 0.7 beside its foot.

    Half way to x, the line is ½ away and that point 0.61. Half of 0.61² is less than ½²: a halved bound is blind.
    """
    model = decoder(lambda z: torch.cat([z, torch.zeros(len(z), 1)], dim=1).view(-1, 1, 1, 2), 1)
    images = np.array([[0.0, 1.0], [0.3, 1.0]], np.float32).reshape(2, 1, 1, 2)
    foot, beside = images * [1, 0], images * [1, 0] + [0.7, 0]
    search = Search(subject_of(model), EFFORT, 0.9)
    for start, rate in ((foot, 1), (beside, 0)):
        train = group([0.5, 0.5], images=images, image=start.astype(np.float32))
        assert segments_consistent(search, train, 2).value == rate


@pytest.mark.parametrize(("height", "rate"), [(0.5, 1), (1.005, 1), (1.02, 0), (3.0, 0)])
def test_a_curve_bends_towards_images_beyond_its_centre_of_curvature(height, rate):
    """G(z) = (z₁, 10 z₂, z₁²/2) at 0 and x = (0, 0, h): half the Hessian of the squared error is diag(1 − h, 100)."""

    def parabola(z):
        return torch.stack([z[:, 0], 10 * z[:, 1], z[:, 0] ** 2 / 2], dim=1).view(-1, 1, 1, 3)

    images = np.tile(np.array([0, 0, height], np.float32), (6, 1)).reshape(6, 1, 1, 3)
    train = group(np.ones(6), images=images, latent=np.zeros((6, 2)))
    found = no_way_down(Search(subject_of(decoder(parabola, 2)), EFFORT, 0.9), train, 5)
    assert (found.value, found.n) == (rate, 5)


def test_the_class_found_is_the_class_whose_curvature_counts():
    """Class 1 bends thrice as much as class 0: an image between their centres of curvature lies beyond one of them."""

    class Two(torch.nn.Module):
        latent_shape, value_range, classes = (1,), None, 2

        def forward(self, z, labels):
            bend = (1 + 2 * labels.float())[:, None]
            return torch.cat([z, bend * z**2 / 2], dim=1).view(-1, 1, 1, 2)

    from didlearn.models import open_model

    images = np.tile(np.array([0, 0.5], np.float32), (2, 1)).reshape(2, 1, 1, 2)
    train = group(np.ones(2), images=images, latent=np.zeros((2, 1)), label=np.array([0, 1]))
    assert no_way_down(Search(subject_of(open_model(Two())), EFFORT, 0.9), train, 2).value == 0.5


def test_a_search_that_finds_everything_succeeds_everywhere():
    search, images = search_of(line_model()), uniform_images(9, 0)
    nearest = search.find("train", images, None)
    train = group(nearest.error, images=images, image=nearest.image, latent=nearest.latent)
    found = run_controls(search, train, 9, True, Stream(0))
    assert list(found.estimates) == [
        "recovered", "recovered_published", "recovered_0.5", "recovered_1.5", "recovered_noisy",
        "segments_consistent", "no_way_down", "noise_recovered",
    ]  # fmt: skip
    assert {name: rate.value for name, rate in found.success.items()} == dict.fromkeys(found.success, 1)
    assert [rate.n for rate in found.success.values()] == [9, 9, 4, 4, 9, 4, 4]
    # Nine mean squares of 14 pixels that are left: their median is known to sqrt(2/14) · 1.25/3.
    assert found.noise_recovered.value == pytest.approx(1, abs=4 * np.sqrt(2 / 14) * 1.25 / 3)
    assert found.images == pytest.approx(found.found.image, abs=1e-3)


def test_each_control_is_planted_where_it_says(answered):
    asked, answers = answered
    answers["any"] = 0.0
    answers["planted at 0.5", "bfgs"] = 1.0
    answers["planted images", "adam"] = 1.0
    model = line_model()
    train = group(np.full(30, 1e-3), images=uniform_images(30, 0), latent=np.zeros((30, 2)))
    found = run_controls(search_of(model), train, 30, True, Stream(0))
    assert [found.success[f"recovered{end}"].value for end in ("", "_published", "_0.5", "_1.5")] == [1, 0, 0, 1]
    assert [len(asked[f"planted {what}", "bfgs"]) for what in ("images", "at 0.5", "at 1.5")] == [30, 10, 10]
    assert len(asked["points on the way", "bfgs"]) == 10

    def radius(what):
        r = torch.from_numpy(asked[what, "bfgs"]).double().flatten(1) - model.b
        return torch.linalg.lstsq(model.W, r.T).solution.T.square().mean().item() ** 0.5

    assert radius("planted at 1.5") / radius("planted at 0.5") == pytest.approx(3, rel=0.6)
    assert radius("planted images") == pytest.approx(1, rel=0.4)
    without = run_controls(search_of(model), train, 30, False, Stream(0))
    assert "recovered_published" not in without.success
