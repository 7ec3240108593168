"""A truth whose samples' errors are known, under itself and under a generator of another subspace."""

import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.embeddings import open_embedding
from didlearn.rng import Stream
from didlearn.studies.latent_dimension.reconstruction import ReconstructionSearch
from didlearn.studies.latent_dimension.semi_synthetic import MOVED, fitted_to_truth, off_manifold, samples_of
from didlearn.studies.latent_dimension.study import LatentDimension
from didlearn.studies.trained import Data
from tests.inversion.decoders import decoder, linear, sphere

SEARCH = ReconstructionSearch(draws=40, starts=3, rounds=1)
PIXELS = open_embedding("pixels")


def subspace(seed):
    """A linear decoder of 6x6 images about grey, with the projection to its span."""
    W = 0.15 * linear(d=3, shape=(1, 6, 6), seed=seed).W
    basis = torch.linalg.qr(W)[0]
    model = decoder(lambda z: (0.5 + z.double() @ W.T).reshape(len(z), 1, 6, 6).to(z.dtype), 3)
    return model, basis @ basis.T


def residual(images, projection):
    """The least mean squared error (n,) of images about grey to a subspace."""
    flat = torch.from_numpy(images).double().flatten(1) - 0.5
    return (flat - flat @ projection).square().mean(dim=1).numpy()


def some():
    images = np.random.default_rng(0).integers(0, 255, (80, 6, 6), dtype=np.uint8)
    return Data(dl.open_images(images[:50]), dl.open_images(images[50:]))


def test_samples_are_as_many_and_the_truth_s_own():
    truth, projection = subspace(0)
    data = samples_of(truth, some(), Stream(0), "cpu")
    assert (len(data.train), len(data.heldout)) == (50, 30)
    assert data.train.shape == (1, 6, 6)
    x = np.concatenate([data.train.read(range(50)).numpy(), data.heldout.read(range(30)).numpy()])
    assert len(np.unique(x.reshape(80, -1), axis=0)) == 80
    assert residual(x, projection).max() < (0.5 / 255) ** 2  # rounding alone
    again = samples_of(truth, some(), Stream(0), "cpu")
    assert again.train.fingerprint == data.train.fingerprint


def test_moved_images_are_at_the_known_distance_and_at_right_angles():
    truth, projection = subspace(0)
    moved = off_manifold(truth, 9, Stream(0), "cpu")
    assert moved.known == pytest.approx(np.full(9, MOVED), rel=1e-5)
    assert residual(moved.images, projection) == pytest.approx(moved.known, rel=1e-4)


def test_directions_in_which_the_decoder_does_not_move_are_no_tangents():
    """G(z) = z/|z|: the radial direction is at right angles to the sphere, and the nearest point stays G(z)."""
    moved = off_manifold(sphere(d=5, pixels=(1, 4, 4)), 50, Stream(0), "cpu")
    flat = moved.images.reshape(50, -1).astype(np.float64)
    radius = np.linalg.norm(flat[:, :5], axis=1)
    nearest = ((radius - 1) ** 2 + np.square(flat[:, 5:]).sum(axis=1)) / 16
    assert nearest == pytest.approx(moved.known, rel=1e-3)
    assert np.abs(radius - 1).mean() > 0.01


def test_a_decoder_that_moves_everywhere_leaves_no_right_angle():
    assert off_manifold(decoder(lambda z: z.reshape(-1, 1, 3, 3), 9), 4, Stream(0), "cpu") is None


def test_truth_and_model_err_by_what_the_projections_say():
    truth, _ = subspace(0)
    model, other = subspace(1)
    synthetic = samples_of(truth, some(), Stream(0), "cpu")
    row = fitted_to_truth(truth, model, synthetic, SEARCH, PIXELS, 8, 3, "cpu")
    heldout = synthetic.heldout.some(8, Stream(3, ("semi-synthetic",)).numpy("held-out")).read(range(8)).numpy()
    moved = off_manifold(truth, 8, Stream(3, ("semi-synthetic",)), "cpu")
    assert row["known"]["moved"] == pytest.approx(MOVED, rel=1e-5)
    assert row["true_error"]["moved"][0] == pytest.approx(MOVED, rel=1e-3)
    assert row["true_error"]["held-out"][0] < row["known"]["held-out"]
    assert row["error"]["held-out"][0] == pytest.approx(residual(heldout, other).mean(), rel=1e-3)
    assert row["error"]["moved"][0] == pytest.approx(residual(moved.images, other).mean(), rel=1e-3)
    assert row["error"]["held-out"][0] > 10 * row["true_error"]["held-out"][0]
    perfect = fitted_to_truth(truth, truth, synthetic, SEARCH, PIXELS, 8, 3, "cpu")
    assert perfect["error"] == perfect["true_error"]
    assert perfect["reconstruction_distance"][0] < 1e-3 < row["reconstruction_distance"][0]


def test_gans_alone_are_fitted_after_all_the_others():
    study = LatentDimension(latents=(3,), seeds=1, truth="autoencoder", models=("vae", "wgan-gp", "dcgan"))
    cells = study.cells()
    assert [cell["model"] for cell in cells] == ["vae", "wgan-gp", "dcgan", "wgan-gp", "dcgan"]
    assert [cell.get("truth") for cell in cells] == [None, None, None, "autoencoder", "autoencoder"]
    recipe = study._recipe(cells[-1], cells[-1]["truth"])
    assert (recipe.name, recipe.latent) == ("autoencoder", 3)
