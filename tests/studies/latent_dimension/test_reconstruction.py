import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.embeddings import open_embedding
from didlearn.models import open_model
from didlearn.models.module import ModuleModel
from didlearn.rng import Stream
from didlearn.studies.latent_dimension.reconstruction import (
    ReconstructionSearch,
    interpolation,
    likelihood,
    reconstruction,
    targets,
)
from tests.inversion.decoders import decoder, linear

PIXELS = open_embedding("pixels")
SEARCH = ReconstructionSearch(draws=40, starts=3, rounds=1)


def identity(dimensions=64):
    """A generator that is the data law: images are the latent itself."""
    return decoder(lambda z: z.reshape(len(z), 1, 8, 8), dimensions)


def test_half_way_images_of_the_data_law_are_as_near_as_data():
    rng = np.random.default_rng(0)
    train, heldout = (rng.standard_normal((n, 1, 8, 8)).astype(np.float32) for n in (300, 150))
    found = interpolation(identity(), heldout.reshape(150, 64), train, heldout, "cpu")
    assert found == pytest.approx(1, abs=0.03)
    off = interpolation(identity(), 3 * heldout.reshape(150, 64), train, heldout, "cpu")
    assert off > 1.5


def test_targets_are_what_they_are_called():
    digits = dl.open_images("digits")
    train, held = digits.subset(range(100)), digits.subset(range(100, 200))
    outside = dl.open_images(np.random.default_rng(0).integers(0, 255, (30, 8, 8), dtype=np.uint8))
    groups = targets(train, held, outside, (1, 2), 20, 25, Stream(0))
    assert list(groups) == [
        "train", "held-out", "shifted by 1", "shifted by 2", "turned", "other data", "random phases", "shuffled pixels",
        "even grey",
    ]  # fmt: skip
    assert groups["held-out"].shape == (25, 1, 8, 8)
    assert {x.shape for name, x in groups.items() if name != "held-out"} == {(20, 1, 8, 8)}
    own = groups["train"]
    known = {x.tobytes() for x in train.read(range(100)).numpy()}
    assert all(x.tobytes() in known for x in own)
    assert not any(x.tobytes() in known for x in groups["held-out"])
    assert np.array_equal(groups["shifted by 2"][:, :, 2:, 2:], own[:, :, :-2, :-2])
    assert np.array_equal(np.rot90(groups["turned"], -1, axes=(2, 3)), own)
    assert np.allclose(groups["even grey"].std(axis=(1, 2, 3)), 0, atol=1e-6)
    assert groups["even grey"].std() > 0.1
    assert "other data" not in targets(train, held, None, (), 20, 25, Stream(0))
    again = targets(train, held, outside, (1,), 20, 25, Stream(0))
    assert all(np.array_equal(again[name], groups[name]) for name in again)


def test_a_linear_model_s_errors_are_known():
    """The least squared error to a subspace, by projection; its own images are found; norms are their latents'."""
    model = linear(d=3, shape=(1, 6, 6))
    W, b = model.W.double(), model.b.double()
    rng = np.random.default_rng(0)
    z = rng.standard_normal((8, 3))
    own = (torch.from_numpy(z) @ W.T + b).reshape(8, 1, 6, 6).float().numpy()
    noise = rng.random((8, 1, 6, 6)).astype(np.float32)
    basis = torch.linalg.qr(W)[0]
    residual = torch.from_numpy(noise).double().flatten(1) - b
    residual = residual - residual @ basis @ basis.T
    model = decoder(lambda z: (z.double() @ W.T + b).reshape(len(z), 1, 6, 6).to(z.dtype), 3)
    row = reconstruction(model, {"train": own, "held-out": own, "noise": noise}, SEARCH, PIXELS, 0, "cpu")
    assert row["error"]["noise"][0] == pytest.approx(residual.square().mean().item(), rel=1e-3)
    assert row["error"]["noise"][1] < row["error"]["noise"][0] < row["error"]["noise"][2]
    assert row["error"]["train"][0] < 1e-8
    assert row["planted"] == 1.0
    assert row["norm"] == pytest.approx(np.square(z).mean(), rel=1e-3)
    assert "encoder_error" not in row


def test_an_encoder_s_errors_are_its_own(tmp_path):
    from tests.zoo.tiny import digits, train

    folder = train("autoencoder", tmp_path / "model")
    model = open_model(str(folder))
    assert isinstance(model, ModuleModel)
    x = digits().read(range(8))  # a single unit of the search
    row = reconstruction(model, {"train": x.numpy(), "held-out": x.numpy()}, SEARCH, PIXELS, 0, "cpu")
    made = (model.module.reconstruct(2 * x - 1) + 1) / 2  # type: ignore[operator]
    assert row["encoder_error"]["train"][0] == pytest.approx((made - x).square().mean().item(), rel=1e-5)
    assert row["error"]["train"][0] <= row["encoder_error"]["train"][0] * 1.001
    assert row["error_within"][0] >= row["error"]["train"][0] * 0.999


def test_likelihood_is_a_bound_on_the_truth():
    """PPCA has a density; annealing stays below it and comes near."""
    model = linear(d=3, shape=(1, 6, 6))
    W, b = model.W.double(), model.b.double()
    images = model.decode(torch.randn(8, 3, generator=torch.Generator().manual_seed(0))).float()
    images = images + 0.2 * torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    law = torch.distributions.MultivariateNormal(b, W @ W.T + 0.04 * torch.eye(36, dtype=torch.float64))
    truth = law.log_prob(images.double().flatten(1)).mean().item()
    plain = decoder(lambda z: (z.double() @ W.T + b).reshape(len(z), 1, 6, 6).to(z.dtype), 3)
    row = likelihood(plain, images.numpy(), 0.2, 400, 0, "cpu")
    value, low, high = row["log_likelihood"]
    assert value < truth + 0.3
    assert value > truth - 2
    assert low < value < high
    gap, least, most = row["likelihood_gap"]
    assert least < gap < most
    assert -0.5 < gap < 2  # an annealing that fits in the budget is nearly exact here
