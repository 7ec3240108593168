"""The numbers of inversion, counted by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from didlearn.checks.inversion import mild as mild_changes
from didlearn.checks.inversion.controls import Controls, Search
from didlearn.checks.inversion.inverted import Inverted
from didlearn.checks.inversion.measure import (
    Made,
    Others,
    degrees_of_freedom,
    error_estimates,
    error_limit,
    likely_estimates,
    made_beside,
    made_of,
    manifold_estimates,
    median_density,
    noise_estimates,
    others_estimates,
    others_of,
    own_errors,
    summarise,
    unlikely_latents,
)
from didlearn.checks.inversion.mild import mild_error
from didlearn.checks.inverting import SearchEffort
from didlearn.models import open_model
from didlearn.models.reconstructor import open_autoencoder
from didlearn.result.values import Estimate, exactly
from didlearn.rng import Stream
from tests.checks.inversions import ended, group, line_model, residuals, subject_of, uniform_images

TRAIN, HELD, OWN = np.arange(1.0, 22), np.arange(3.0, 24), np.arange(1.0, 22) / 10


def groups(**changes):
    made = {
        "train": group(TRAIN, published=10 * TRAIN),
        "held-out": group(HELD, published=10 * HELD),
        "generated": group(OWN, published=20 * OWN),
        "noise": group(np.linspace(0.4, 0.8, 21)),
    }
    return made | changes


def values(estimates):
    return {name: estimate.value for name, estimate in estimates.items()}


def test_medians_and_their_ratios():
    found = error_estimates(groups(), Stream(0), 0.9)
    pvalues = {name: found.pop(name).value for name in list(found) if name.endswith("pvalue")}
    assert values(found) == pytest.approx(
        {
            "error_train": 11, "error_heldout": 13, "error_generated": 1.1, "error_noise": 0.6,
            "ratio_generated": 10, "error_train_published": 110, "error_generated_published": 22,
            "ratio_generated_published": 5, "distance_left": 0.1, "recovery_gap": 2 / 13,
        }
    )  # fmt: skip
    assert set(pvalues) == {"recovery_gap_pvalue", "recovery_closer_pvalue"}
    # Paired images have one ratio, whichever are drawn; unpaired medians waver.
    assert found["distance_left"].low == pytest.approx(found["distance_left"].high)
    assert found["ratio_generated"].low < 8 < 12 < found["ratio_generated"].high
    assert {estimate.level for estimate in found.values()} == {0.9}
    assert found["error_train"].unit == found["error_generated_published"].unit == "squared pixel"


def test_each_ratio_has_draws_of_its_own():
    once, again, other = (error_estimates(groups(), Stream(seed), 0.9) for seed in (0, 0, 1))
    assert values(once) == values(again)
    names = ("ratio_generated", "ratio_generated_published", "recovery_gap")
    assert any(once[name].low != other[name].low for name in names)


@pytest.mark.parametrize("without", ["train", "generated"])
def test_what_was_not_run_has_no_estimate(without):
    found = groups()
    del found["held-out"]
    found[without] = group(TRAIN)
    names = set(error_estimates(found, Stream(0), 0.9))
    assert names == {"error_train", "error_generated", "error_noise", "ratio_generated"}


def test_a_normal_prior_keeps_likely_latents_within_its_ball():
    """Orthogonal columns: the projection's latent is W⁺(x − b), and beyond the ball nothing is nearer than its rim."""
    model = line_model(scale=1.0)
    z = torch.tensor([[0.5, 0.0], [0.0, -1.0], [9.0, 0.0]])
    images = model.decode(z).numpy()
    search = Search(subject_of(model), SearchEffort(draws=8, starts=1, rounds=0), 0.9)
    found = likely_estimates(search, group(np.zeros(3), images=images))["error_train_likely"]
    radius = math.sqrt(chi2.ppf(0.99, 2))
    assert found.value == pytest.approx(0, abs=1e-6)
    alone = likely_estimates(search, group(np.zeros(1), images=images[2:]))["error_train_likely"]
    assert alone.value == pytest.approx((9 - radius) ** 2 / 16, rel=1e-3)
    assert "0.99" in alone.method
    assert (found.n, found.level, found.unit) == (3, 0.9, "squared pixel")


def test_another_prior_has_no_such_ball():
    class Box(torch.nn.Module):
        latent_shape, value_range, prior = (2,), None, "uniform"

        def forward(self, z):
            return z.tile(1, 8).view(-1, 1, 4, 4)

    search = Search(subject_of(open_model(Box())), SearchEffort(8, 1, 0), 0.9)
    assert likely_estimates(search, group(np.zeros(1))) == {}


def test_beyond_its_own_images_is_beyond_99_of_100():
    images = np.zeros((100, 1, 4, 4), np.float32)
    planted = Controls(images, ended(np.arange(100.0)), {}, exactly(1.0, 0.9, 1, "given"))
    own = own_errors({"generated": group(np.arange(100.0, 201))}, planted)
    assert sorted(own) == list(range(201))
    assert error_limit(own) == pytest.approx(198)
    found = manifold_estimates(groups(train=group([197, 198, 198.5, 199, 200], images=images[:5] + 1)), own, 0.9)
    assert found["off_manifold"].value == 0.6
    assert found["off_manifold"].n == 5
    limit = found["own_error_limit"]
    assert (limit.value, limit.n, limit.level) == (198, 201, 0.9)


def test_estimates_come_in_the_order_of_the_page():
    found = manifold_estimates(groups(), np.ones(9), 0.9)
    assert list(found) == [
        "off_manifold", "own_error_limit", "noise_fit", "noise_fit_linear", "degrees_of_freedom", "normalised_fit",
        "outside_shell",
    ]  # fmt: skip
    unknown = group(TRAIN, shell_pvalue=np.where(TRAIN > 3, 0.5, np.nan))
    assert "outside_shell" not in manifold_estimates(groups(train=unknown), np.ones(9), 0.9)


def test_what_freedom_explains():
    """Of noise with variance 1 the median leaves 0.6, of the training images 0.2: two latents of 16 pixels."""
    found = noise_estimates(group([0.1] * 5 + [0.2] * 11 + [0.9] * 5), groups()["noise"], 0.9)
    assert values(found) == pytest.approx(
        {"noise_fit": 0.6, "noise_fit_linear": 1 - 2 / 16, "degrees_of_freedom": 16 * 0.4, "normalised_fit": 2.0}
    )
    assert (found["noise_fit_linear"].n, found["normalised_fit"].n, found["noise_fit"].n) == (16, 21, 21)
    assert {estimate.level for estimate in found.values()} == {0.9}


def test_noise_that_is_fitted_wholly_leaves_nothing_to_divide_by():
    found = noise_estimates(group(np.zeros(9)), group(np.ones(9)), 0.9)
    assert found["normalised_fit"].value == pytest.approx(1e12)


@pytest.mark.parametrize(
    ("low", "value", "high", "expected"),
    [
        (0.5, 0.6, 0.75, (4, 6.4, 8)),
        (None, 0.6, 0.75, (4, 6.4, 16)),
        (0.5, 0.6, None, (0, 6.4, 8)),
        (0.5, 1.5, 2.0, (0, 0, 8)),
        (1.2, 1.5, 2.0, (0, 0, 0)),
    ],
)
def test_degrees_of_freedom_and_what_open_ends_leave_possible(low, value, high, expected):
    fit = Estimate(value=value, low=low, high=high, level=0.9, n=7, method="given")
    found = degrees_of_freedom(fit, 16)
    assert (found.low, found.value, found.high) == pytest.approx(expected)
    assert (found.level, found.n, found.unit) == (0.9, 7, "dimensions")


def test_unlikely_latents_are_those_below_five_percent():
    assert unlikely_latents(ended(np.ones(4), shell_pvalue=np.array([0.0, 0.049, 0.05, 1.0]))) == 2
    assert unlikely_latents(ended(np.ones(2), shell_pvalue=np.array([0.01, np.nan]))) is None
    train = group(np.ones(4), shell_pvalue=np.array([0.01, 0.5, 0.5, 0.5]))
    assert manifold_estimates(groups(train=train), np.ones(9), 0.9)["outside_shell"].value == 0.25


def test_a_group_in_a_line():
    found = summarise(
        group(
            [0.01, 0.001, 0.1], published=[0.2, 0.9, 0.3], shell_pvalue=np.array([0.01, 0.2, 0.3]),
            log_prior=np.array([-1.0, -2.0, -3.0]), log_volume=np.array([1.0, 5.0, 1.0]),
            success=np.array([True, False, False]), evaluations=np.array([10, 90, 20]),
        ),
        0.01,
    )  # fmt: skip
    assert found == pytest.approx((3, 0.01, 20, 0.3, 1 / 3, 1 / 3, -4, 1 / 3, 20))
    plain = summarise(group([0.0, 0.0], shell_pvalue=np.full(2, np.nan), log_volume=np.full(2, -np.inf)), 1.0)
    assert plain.psnr == pytest.approx(3000)
    assert plain.published is plain.unlikely is plain.density is None


def test_the_density_of_points_is_taken_where_the_decoder_ignores_no_direction():
    found = ended(np.ones(4), log_prior=np.array([-1.0, -2, -3, -4]), log_volume=np.array([1.0, -np.inf, 1, 1]))
    assert median_density(found) == -4


def test_what_else_comes_near():
    model, train = line_model(), uniform_images(40, 0)
    subject = subject_of(model, train, autoencoder=open_autoencoder(torch.nn.Identity()))
    found = others_of(subject, group(np.ones(5), images=train[:5]))
    squared = np.square(train[:5, None].astype(float) - train).reshape(5, 40, -1).mean(axis=2)
    assert found.neighbour == pytest.approx(np.zeros(5), abs=1e-9)
    assert found.autoencoder == pytest.approx(np.zeros(5))
    itself = Inverted("train", train[:5], ended(np.ones(5)), index=np.arange(5))
    assert others_of(subject, itself).neighbour == pytest.approx(np.sort(squared)[:, 1], rel=1e-5)
    # Two directions fitted to forty images come nearer than two that were not.
    assert found.subspace.mean() < residuals(model, train[:5]).mean()
    own = model.decode(torch.randn(30, 2, generator=torch.Generator().manual_seed(0))).numpy()
    linear = others_of(subject_of(model, own), group(np.ones(5), images=train[:5]))
    assert linear.subspace == pytest.approx(residuals(model, train[:5]), rel=1e-3)
    assert linear.autoencoder is None


def test_medians_of_what_else_comes_near_training_and_held_out_images():
    others = {
        "train": Others(np.array([1.0, 2, 9]), np.array([3.0, 4, 5]), np.array([0.0, 7, 8])),
        "held-out": Others(np.array([5.0, 6, 7]), np.array([7.0, 8, 9]), None),
        "generated": Others(np.zeros(3), np.zeros(3), None),
    }
    found = others_estimates(others, 0.9)
    assert values(found) == {
        "subspace_train": 2, "neighbour_train": 4, "autoencoder_train": 7, "subspace_heldout": 6,
        "neighbour_heldout": 8,
    }  # fmt: skip
    assert {(estimate.level, estimate.unit, estimate.n) for estimate in found.values()} == {(0.9, "squared pixel", 3)}
    del others["held-out"]
    assert set(others_estimates(others, 0.9)) == {"subspace_train", "neighbour_train", "autoencoder_train"}


def flat(count):
    return np.full((count, 1, 4, 4), 100 / 255, np.float32)


def brighter(levels):
    """A change by so many grey levels: of all images, or one number an image."""
    return lambda eight: (eight + np.reshape(levels, (-1, 1, 1, 1))).astype(np.uint8)


def levels(count):
    """The mean square of a change by so many grey levels."""
    return (count / 255) ** 2


@pytest.mark.parametrize(
    ("times", "strongest"),
    [
        (4 + 1e-9, 10),
        (4 - 1e-9, 2),
        (3.5, 2),
        (0.17, 2),
        (0.01, 2),
    ],  # of the error of ten levels; half way is a quarter
)
def test_the_mild_error_is_that_of_the_strongest_change_less_than_half_way_to_another_image(
    monkeypatch, times, strongest
):
    monkeypatch.setattr(mild_changes, "PERTURBATIONS", {"two": brighter(2), "ten": brighter(10)})
    neighbour = times * levels(10) * np.array([0.1, 1, 1, 1, 100])  # the median image's
    assert mild_error(flat(5), neighbour) == pytest.approx(levels(strongest))


def test_of_changed_copies_95_percent_lie_nearer(monkeypatch):
    monkeypatch.setattr(mild_changes, "PERTURBATIONS", {"each its own": brighter(np.arange(21))})
    assert mild_error(flat(21), np.ones(21)) == pytest.approx(levels(19))


def test_the_kinds_of_change_are_those_of_the_same_picture():
    """A flat picture of grey 100: shifting leaves it, 5 % more are 5 levels, JPEG leaves it."""
    assert mild_error(flat(4), np.ones(4)) == pytest.approx(levels(5))
    assert mild_error(flat(4), np.full(4, levels(5))) == pytest.approx(0, abs=1e-5)


def test_what_is_made_and_where_there_are_holes(monkeypatch):
    """Up to a mild change, and no nearer than another real image, each counted at its border too."""
    monkeypatch.setattr(mild_changes, "PERTURBATIONS", {"two": brighter(2)})
    mild, far = mild_error(flat(9), np.ones(9)), 1000 * levels(2)
    error = np.array([0, mild, 1.1 * mild, far / 2, far, 2 * far, 3 * far, 0, mild / 2])
    neighbour = np.array([far, far, far, far, far, far, far, 0, mild / 3])
    found = made_of(group(error, images=flat(9)), Others(error, neighbour, None))
    assert found == Made(images=9, same=2, holes=5, mild=mild)


def test_shares_add_up():
    found = Made(40, 10, 5, 0.001).estimates(0.9)
    assert values(found) == {"made": 10 / 40, "holes": 5 / 40, "between": 25 / 40, "mild_error": 0.001}
    assert {(estimate.n, estimate.level) for estimate in found.values()} == {(40, 0.9)}


def test_shares_made_beside_follow_the_same_rule():
    """By hand: an error counts where it is mild and smaller than the way to another real image."""

    def inverted(error):
        return SimpleNamespace(found=SimpleNamespace(error=np.array(error)))

    far = np.full(4, 9.0)
    groups = {"train": inverted([0, 0, 0, 0]), "held-out": inverted([0.1, 0.2, 0.3, 9.5])}
    others = {
        "train": Others(np.array([0.1, 0.2, 0.3, 0.1]), np.array([9.0, 9.0, 9.0, 0.1]), None),
        "held-out": Others(far, far, None),
    }
    found = made_beside(groups, others, 0.2, 0.95)
    assert {name: (e.value, e.n) for name, e in found.items()} == {"made_heldout": (0.5, 4), "made_subspace": (0.5, 4)}
    others["train"] = others["train"]._replace(autoencoder=np.array([0.1, 0.1, 0.1, 0.3]))
    found = made_beside({"train": groups["train"]}, others, 0.2, 0.95)
    assert {name: e.value for name, e in found.items()} == {"made_subspace": 0.5, "made_autoencoder": 0.75}
