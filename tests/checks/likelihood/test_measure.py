"""The numbers of the likelihood check, counted by hand and held to closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, spearmanr

from didlearn.audit.subject import Subject
from didlearn.checks.likelihood import measure
from didlearn.checks.likelihood.measure import (
    _dense_ranks,
    _spearman,
    bits_per_dimension,
    complexity_estimates,
    correlation,
    density_estimates,
    density_values,
    encoder_estimates,
    likelihood_estimates,
    preference_estimates,
    preference_pairs,
    preferred,
    sigma_estimates,
)
from didlearn.checks.log_likelihood.sigma import Calibration
from didlearn.evidence.iwae import iwae
from didlearn.images import open_images
from didlearn.models import open_model
from didlearn.models.oracles import PPCA
from didlearn.result.values import Estimate, exactly
from didlearn.rng import Stream
from didlearn.statistics.complexity import local_variance, local_variation, png_bits
from tests.checks.inversions import line_model, subject_of, uniform_images

FOUND = {
    "train": np.array([1.0, 2.0, 6.0]),
    "held-out": np.array([0.0, 1.0, 2.0]),
    "generated": np.array([9.0, 9.0, 9.0]),
    "other": np.array([-4.0, -4.0, -1.0]),
}


def values(estimates):
    return {name: estimate.value for name, estimate in estimates.items()}


def test_means_in_nats_and_in_bits():
    found = likelihood_estimates(FOUND, 7, 0.9, bits=True)
    assert values(found) == pytest.approx(
        {
            "log_likelihood_train": 3, "log_likelihood_heldout": 1, "log_likelihood_generated": 9,
            "log_likelihood_other": -3, "bits_per_dim_train": 8 - 3 / (7 * math.log(2)),
            "bits_per_dim_heldout": 8 - 1 / (7 * math.log(2)), "bits_per_dim_generated": 8 - 9 / (7 * math.log(2)),
            "bits_per_dim_other": 8 + 3 / (7 * math.log(2)),
        }
    )  # fmt: skip
    assert {estimate.level for estimate in found.values()} == {0.9}
    assert found["bits_per_dim_train"].unit == "bits per dimension"
    assert found["log_likelihood_train"].unit == "nats"
    assert not [name for name in likelihood_estimates(FOUND, 7, 0.9, bits=False) if "bits" in name]


def test_bits_per_dimension_of_uniform_pixels_are_eight():
    assert bits_per_dimension(np.zeros(3), 100).tolist() == [8, 8, 8]
    assert bits_per_dimension(np.array([100 * math.log(2)]), 100)[0] == pytest.approx(7)


def test_noise_that_was_given_was_found_nowhere():
    assert values(sigma_estimates(Calibration(0.2), 0.9)) == {"sigma": 0.2}
    found = sigma_estimates(Calibration(0.2, 0.3, 0.25), 0.9)
    assert values(found) == {"sigma": 0.2, "sigma_reconstruction": 0.3, "sigma_likeliest": 0.25}
    assert {(estimate.level, estimate.n, estimate.unit) for estimate in found.values()} == {
        (0.9, 8, "of the pixel range")
    }


def test_every_pair_of_interest_is_compared():
    own = [("train", "held-out"), ("generated", "held-out")]
    assert preference_pairs(FOUND) == [*own, ("held-out", "other"), ("generated", "other")]
    assert preference_pairs({name: FOUND[name] for name in ("train", "other")}) == []
    found = preference_estimates(FOUND, 0.9)
    assert values(found) == pytest.approx(
        {
            "preference_train_heldout": 2,
            "preference_generated_heldout": 8,
            "preference_heldout_other": 4,
            "preference_generated_other": 12,
        }
    )
    assert {(estimate.level, estimate.unit) for estimate in found.values()} == {(0.9, "nats")}


@pytest.mark.parametrize(
    ("low", "high", "slack", "said"),
    [
        (0.5, 2, 0.1, "a"),
        (0.5, 2, 0.6, "open"),
        (-2, -0.5, 0.1, "b"),
        (-2, -0.5, 0.6, "open"),
        (-1, 1, 0.0, "open"),
        (0.5, 2, 0.5, "open"),
        (-2, -0.5, 0.5, "open"),
        (0.5, None, 0.1, "a"),
        (None, 2, 0.1, "open"),
        (None, -0.5, 0.1, "b"),
        (None, None, 0.0, "open"),
        (0.5, 2, math.inf, "open"),
    ],
)
def test_no_preference_is_smaller_than_the_bounds_are_loose(low, high, slack, said):
    assert preferred(Estimate(value=0.0, low=low, high=high, n=9, method="given"), slack, "a", "b") == said


def test_simple_densities_are_fitted_to_dequantised_training_images():
    """A full Gaussian of 16 pixels fitted to 3000 uniform 8-bit images: mean ½, variance 1/12 in every direction."""
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, size=(3000, 1, 4, 4), dtype=np.uint8)
    groups = {"held-out": uniform_images(6, 1), "train": uniform_images(4, 2)}
    found, fitted = density_values(subject_of(line_model(), train), groups, Stream(0))
    assert fitted == 3000
    assert list(found) == ["ppca", "gaussian", "mixture"]
    assert all(list(nats) == ["held-out", "train"] for nats in found.values())
    law = multivariate_normal(np.full(16, 0.5), np.eye(16) / 12)
    for name, images in groups.items():
        # 152 parameters on 3000 images move a log density by about 152/3000 and each image's by its square root.
        assert found["gaussian"][name] == pytest.approx(law.logpdf(images.reshape(-1, 16)), abs=4 * (152 / 3000) ** 0.5)
    again, _ = density_values(subject_of(line_model(), train), groups, Stream(0))
    assert np.array_equal(again["mixture"]["train"], found["mixture"]["train"])


def test_levels_are_dequantised_as_the_groups_are(monkeypatch):
    """A black pixel is uniform on [0, 1/256), a white one on [255/256, 1)."""
    seen = []

    class Law:
        def log_density(self, rows):
            return rows.sum(axis=1)

    def fit(x, dimension, rng):
        seen.append((x, dimension))
        return {"ppca": Law()}

    monkeypatch.setattr(measure, "fit_densities", fit)
    train = np.zeros((900, 1, 4, 4), np.uint8)
    train[:, 0, 0, 0] = 255
    found, fitted = density_values(subject_of(line_model(3), train), {"held-out": uniform_images(5, 0)}, Stream(0))
    ((x, dimension),) = seen
    assert fitted == len(x) == 900
    assert dimension == 3
    assert (x[:, 1:].min(), x[:, 1:].max()) == pytest.approx((0, 1 / 256), abs=1e-5)
    assert (x[:, 0].min(), x[:, 0].max()) == pytest.approx((255 / 256, 1), abs=3e-5)
    assert x.mean(axis=0)[1:] == pytest.approx(np.full(15, 0.5 / 256), rel=4 * (1 / 3 / 900) ** 0.5)
    assert found["ppca"]["held-out"] == pytest.approx(uniform_images(5, 0).reshape(5, -1).sum(axis=1))


@pytest.mark.parametrize(("shape", "kinds"), [((3, 32, 32), 1), ((1, 7, 439), 0)])
def test_images_too_wide_for_a_covariance_are_left_out(monkeypatch, shape, kinds):
    """3072 pixels are the widest; of a large set ten thousand images are fitted."""
    asked = []

    class Large:
        def some(self, most, rng):
            asked.append(most)
            return open_images(uniform_images(5, 0))

    class Law:
        def log_density(self, rows):
            return rows.sum(axis=1)

    monkeypatch.setattr(measure, "fit_densities", lambda *_: {"ppca": Law()})
    D = math.prod(shape)
    model = PPCA(torch.zeros(D, 2, dtype=torch.float64), torch.zeros(D, dtype=torch.float64), shape)
    found, fitted = density_values(Subject(model, Large()), {"held-out": uniform_images(3, 0)}, Stream(0))
    assert (len(found), fitted, asked) == (kinds, 5 * kinds, [10_000] * kinds)


def test_simple_densities_are_shown_on_held_out_images():
    found = density_estimates({"ppca": FOUND, "gaussian": {"held-out": np.array([4.0, 6.0])}}, 0.9)
    assert values(found) == {"ppca_heldout": 1, "gaussian_heldout": 5}
    assert found["ppca_heldout"].level == 0.9


class Encoded(torch.nn.Module):
    """A decoder of one latent, with an encoder."""

    latent_shape, value_range = (1,), None

    def forward(self, z):
        return z.repeat(1, 16).view(-1, 1, 4, 4) / 4

    def encode(self, x):
        mean = 4 * x.flatten(1).mean(dim=1, keepdim=True)
        return mean, torch.full_like(mean, -2.0)


def test_an_encoder_s_bound_is_on_training_and_held_out_images():
    groups = {"train": uniform_images(4, 0), "held-out": uniform_images(5, 1), "generated": uniform_images(5, 2)}
    model = open_model(Encoded())
    found = encoder_estimates(subject_of(model, seed=3), groups, 0.3, "laplace", 0.9)
    assert values(found) == {
        f"iwae_{name}": iwae(model, groups[group], 0.3, 3, observation="laplace").mean()
        for name, group in (("train", "train"), ("heldout", "held-out"))
    }
    assert {(estimate.level, estimate.unit) for estimate in found.values()} == {(0.9, "nats")}
    assert "IWAE" in found["iwae_train"].method
    assert encoder_estimates(subject_of(line_model()), groups, 0.3, "gaussian", 0.9) == {}


def test_correlations_with_what_is_trivial_leave_the_model_s_own_images_out(monkeypatch):
    """The likelihood is minus the local variance under the model, and the size as PNG under PPCA."""

    def without_interval(a, b, rng, level):
        return exactly(spearmanr(a, b).statistic, level, len(a), str(rng.random()))

    monkeypatch.setattr(measure, "correlation", without_interval)
    groups = {name: uniform_images(6, seed) for seed, name in enumerate(("train", "held-out", "generated"))}
    kept = np.concatenate([groups["train"], groups["held-out"]])
    ours = {name: -local_variance(images) for name, images in groups.items()}
    theirs = {name: png_bits(images) for name, images in groups.items()}
    found = complexity_estimates(groups, ours, theirs, Stream(0), 0.9)
    across = spearmanr(local_variance(kept), png_bits(kept)).statistic
    assert values(found) == pytest.approx(
        {
            "correlation_local_variance": -1, "correlation_local_variance_ppca": across,
            "correlation_png_bits": -across, "correlation_png_bits_ppca": 1,
            "correlation_local_variation": -spearmanr(local_variance(kept), local_variation(kept)).statistic,
            "correlation_local_variation_ppca": spearmanr(png_bits(kept), local_variation(kept)).statistic,
        }
    )  # fmt: skip
    assert {(estimate.n, estimate.level) for estimate in found.values()} == {(12, 0.9)}
    assert len({estimate.method for estimate in found.values()}) == 6  # each resamples by a stream of its own
    assert set(complexity_estimates(groups, ours, {}, Stream(0), 0.9)) == {
        "correlation_local_variance", "correlation_local_variation", "correlation_png_bits",
    }  # fmt: skip


def test_a_rank_correlation_sees_order_and_nothing_else():
    a, rng = np.arange(30.0), np.random.default_rng(0)
    assert correlation(a, np.exp(a), rng, 0.9).value == pytest.approx(1)
    falling = correlation(a, -a, rng, 0.9)
    assert (falling.value, falling.level, falling.unit) == (pytest.approx(-1), 0.9, "rank correlation")
    assert "500 resamples" in falling.method


def test_a_resample_s_rank_correlation_is_scipy_s_to_the_last_bit():
    """Scores that tie too, and resamples in which all do."""
    rng = np.random.default_rng(0)
    for n in (2, 3, 9, 40) * 10:
        scores = rng.normal(size=(n, 2)).round(rng.integers(0, 3)) * (1, 3) + rng.normal(size=(n, 1)).round()
        rows = rng.integers(n, size=n)
        ours = _spearman(np.stack([_dense_ranks(column) for column in scores.T], axis=1)[rows])
        constant = (np.ptp(scores[rows], axis=0) == 0).any()
        assert ours == (0 if constant else spearmanr(*scores[rows].T).statistic)


def test_scores_that_are_no_numbers_have_no_correlation():
    with pytest.raises(ValueError, match="finite"):
        correlation(np.array([1.0, np.nan, 3.0]), np.arange(3.0), np.random.default_rng(0), 0.9)


@pytest.mark.parametrize("swapped", [False, True])
def test_what_is_constant_foretells_nothing(swapped):
    rising, constant = np.arange(9.0), np.ones(9)
    a, b = (constant, rising) if swapped else (rising, constant)
    found = correlation(a, b, np.random.default_rng(0), 0.9)
    assert (found.low, found.value, found.high) == (0, 0, 0)
