"""Both numbers where they are known."""

import math

import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.embeddings import open_embedding
from didlearn.errors import UsageError
from didlearn.rng import Stream
from didlearn.studies.likelihood_and_fidelity.measures import (
    dequantised_heldout,
    likelihood_entries,
    require_density,
)
from didlearn.studies.sample_distance import sample_distance
from didlearn.studies.trained import Data
from tests.inversion.decoders import decoder, linear

SIGMA = 0.2


@pytest.fixture(scope="module")
def plain():
    """A linear decoder of 8x8 images in [0, 1], its loadings and its mean."""
    model = linear(d=3, shape=(1, 8, 8))
    W, b = 0.2 * model.W, 0.5 + 0 * model.b
    return decoder(lambda z: (z.double() @ W.T + b).reshape(len(z), 1, 8, 8).to(z.dtype), 3), W, b


def drawn(plain, count, seed):
    _, W, b = plain
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 3, generator=g, dtype=torch.float64) @ W.T + b
    return np.rint(255 * x.clamp(0, 1).numpy()).astype(np.uint8).reshape(count, 8, 8)


@pytest.fixture(scope="module")
def data(plain):
    return Data(dl.open_images(drawn(plain, 60, 0)), dl.open_images(drawn(plain, 400, 1)))


def test_likelihood_is_that_of_the_normal_law_in_nats_and_in_bits(plain, data):
    """PPCA has a density: the bound stays below it, comes near, and bits are 8 - nats / (D ln 2)."""
    model, W, b = plain
    images = dequantised_heldout(data.heldout, 12, Stream(0))
    law = torch.distributions.MultivariateNormal(b, W @ W.T + SIGMA**2 * torch.eye(64, dtype=torch.float64))
    truth = law.log_prob(torch.from_numpy(images).double().flatten(1)).mean().item()
    row = likelihood_entries(model, images, SIGMA, 300, 0, "cpu")
    assert truth - 1.5 < row["log_likelihood"][0] < truth + 0.3
    assert row["log_likelihood"][1] < row["log_likelihood"][0] < row["log_likelihood"][2]
    bits = row["bits_per_dim"]
    assert bits[0] == pytest.approx(8 - row["log_likelihood"][0] / (64 * math.log(2)))
    assert bits[1] < bits[0] < bits[2]
    assert -0.5 < row["gap"][0] < 1.5


def test_a_model_of_less_spread_is_less_likely_and_farther(plain, data):
    """Power: half of the latent's spread is seen by both numbers."""
    model, W, b = plain
    narrow = decoder(lambda z: (0.5 * z.double() @ W.T + b).reshape(len(z), 1, 8, 8).to(z.dtype), 3)
    images = dequantised_heldout(data.heldout, 8, Stream(0))
    own, other = (likelihood_entries(m, images, 0.05, 300, 0, "cpu")["log_likelihood"][0] for m in (model, narrow))
    assert own > other
    space = open_embedding("pixels")
    near, far = (sample_distance(m, data.heldout, space, Stream(0), "cpu") for m in (model, narrow))
    assert near.high < far.low
    trace = float((W**2).sum())  # W₂² of N(b, WWᵀ) and N(b, WWᵀ/4): a quarter of the variance
    assert far.low < trace / 4 < far.high + near.value
    again = sample_distance(model, data.heldout, space, Stream(0), "cpu")
    assert again == near


def test_images_are_the_same_for_all_models_and_have_one_grey_level_of_noise(data):
    images = dequantised_heldout(data.heldout, 12, Stream(3))
    levels = {x.tobytes() for x in data.heldout.read_raw(range(len(data.heldout)))}
    assert all(x.tobytes() in levels for x in np.floor(256 * images.astype(np.float64)).astype(np.uint8))
    assert images.min() >= 0
    assert images.max() < 1
    assert np.array_equal(images, dequantised_heldout(data.heldout, 12, Stream(3)))
    assert (256 * images % 1).std() == pytest.approx(12**-0.5, abs=0.02)


def test_models_without_one_likelihood_are_refused(plain, data):
    assert require_density(plain[0], "m", data) is plain[0]
    with pytest.raises(UsageError, match="samples has no latent, and so no likelihood"):
        require_density(dl.open_model(drawn(plain, 20, 3)), "samples", data)
    other = decoder(lambda z: z.reshape(-1, 1, 4, 4), 16)
    with pytest.raises(UsageError, match=r"small makes images of \(1, 4, 4\), the data are \(1, 8, 8\)"):
        require_density(other, "small", data)
