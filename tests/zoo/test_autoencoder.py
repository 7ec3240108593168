import numpy as np
import pytest
import torch

import didlearn as dl
from didlearn.models.architectures import Autoencoder
from didlearn.rng import Stream
from didlearn.zoo.autoencoder import AutoencoderTraining
from didlearn.zoo.training.data import StepData, TrainingSet
from tests.zoo.tiny import Bench, digits, recipe


def test_draws_have_the_moments_of_the_codes():
    bench = Bench("autoencoder", images=digits(0, 400))
    training, data = bench.training, bench.data
    training.settle(data)
    pair = training.pair
    assert pair.training
    with torch.no_grad():
        codes = pair.eval().codes(data.scaled(torch.arange(400)))[0].double()
    mean, covariance = pair.code_mean.double(), pair.code_map.double() @ pair.code_map.double().T
    torch.testing.assert_close(mean, codes.mean(dim=0), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(covariance, torch.cov(codes.T), rtol=1e-3, atol=1e-5 * covariance.max().item())
    z = torch.randn(3, 4)
    torch.testing.assert_close(pair(z), pair.decoder(pair.code_mean + z @ pair.code_map.T))


def test_settling_sees_all_classes_of_a_sorted_set(monkeypatch):
    from didlearn.zoo import autoencoder

    monkeypatch.setattr(autoencoder, "CODED", 60)
    images = digits(0, 400)
    ordered = images.subset(np.argsort(images.labels, kind="stable"))
    bench = Bench("autoencoder", images=ordered)
    bench.training.settle(bench.data)
    with torch.no_grad():
        codes = bench.training.pair.eval().codes(bench.data.scaled(torch.arange(400)))[0]
    deviation = (bench.training.pair.code_mean - codes.mean(dim=0)) / codes.std(dim=0)
    assert deviation.abs().max() < 0.4


def test_settling_is_no_training():
    bench = Bench("autoencoder")
    before = {n: v.clone() for n, v in bench.training.networks.state_dict().items() if "code_" not in n}
    bench.training.settle(bench.data)
    after = bench.training.networks.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_vae_s_codes_are_its_latents():
    bench = Bench("vae")
    bench.training.settle(bench.data)
    assert torch.equal(bench.training.pair.code_map, torch.eye(4))
    assert torch.equal(bench.training.pair.code_mean, torch.zeros(4))


class LinearTraining(AutoencoderTraining):
    """The same training with a linear encoder and decoder."""

    def __init__(self, settings, data, rng):
        super().__init__(settings, data, rng)
        pixels = int(np.prod(data.shape))
        pair = Autoencoder(
            (settings.latent,),
            data.shape,
            None,
            decoder={"name": "mlp", "hidden": (), "output": "linear"},
            stochastic=False,
        )
        pair.encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(pixels, settings.latent))
        for weight in pair.parameters():
            torch.nn.init.normal_(weight, 0, 0.05, generator=rng.torch("linear", weight.numel()))
        self.pair = pair
        self.networks = torch.nn.ModuleDict({"pair": pair})
        self.optimizers = {"pair": torch.optim.Adam(pair.parameters(), settings.learning_rate)}


def test_a_linear_autoencoder_reaches_the_trailing_eigenvalues():
    """Its least error is the sum of the eigenvalues that the latent has no room for (papers: PCA)."""
    rng = np.random.default_rng(0)
    spread = np.array([40.0, 25.0, 15.0, 6.0, 4.0, 2.0])
    basis = np.linalg.qr(rng.standard_normal((64, 6)))[0]
    pixels = 128 + (rng.standard_normal((256, 6)) * spread) @ basis.T
    images = dl.open_images(np.rint(pixels).clip(0, 255).astype(np.uint8).reshape(-1, 8, 8))
    data = TrainingSet(images, 256, Stream(0), "cpu")
    training = LinearTraining(recipe("autoencoder", latent=3, learning_rate=6e-3, batch=256), data, Stream(0))
    for step in range(800):
        training.optimizers["pair"].param_groups[0]["lr"] = 6e-3 * min(1, 2 - step / 400)
        error = training.step(StepData(data, step, 800, 1))["error"].item()
    values = np.linalg.eigvalsh(np.cov(images.read(range(256)).numpy().reshape(256, -1).astype(float).T, bias=True))
    assert error == pytest.approx(values[:-3].sum() / 64, rel=0.01)
    assert error < 0.6 * values[:-2].sum() / 64
