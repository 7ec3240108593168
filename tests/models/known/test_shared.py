"""Third-party models of MNIST: a flow with a published density, and a diffusion model's round trip."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from didlearn.audit.subject import Subject
from didlearn.checks.latents.typical import PriorLaw
from didlearn.checks.likelihood.measure import bits_per_dimension
from didlearn.checks.log_likelihood.known import known_log_density, stored_groups
from didlearn.images import open_images
from didlearn.models import open_model
from didlearn.models.diffusion.sampler import DiffusionModel
from didlearn.models.known.inverse import latents_of
from didlearn.rng import Stream

SHARED = Path(__file__).parents[4] / "shared"
pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="shared generators absent")
PUBLISHED = 1.078  # bits a dimension, of all test images


def mnist(name, count):
    with np.load(SHARED / "data" / "mnist.npz") as file:
        return file[name][:count]


@pytest.mark.parametrize("count", [16, pytest.param(300, marks=pytest.mark.slow)])
def test_the_flow_has_its_published_density(count):
    model = open_model(f"{SHARED}/generators/architectures.py:mnist_flow", trust_code=True)
    subject = Subject(model, open_images(mnist("x_train", 16)), open_images(mnist("x_test", 10_000)), threads=1)
    bits = bits_per_dimension(known_log_density(subject, "held-out", stored_groups(subject, count)["held-out"]), 784)
    assert abs(bits.mean() - PUBLISHED) < 3 * bits.std(ddof=1) / math.sqrt(count) + 0.01  # 0.01: of few draws of u


def ddpm(spacing):
    network = open_factory()
    return DiffusionModel(
        network, alphas=network.alphas, times=torch.arange(1001) / 1000, image_shape=(1, 28, 28),
        value_range=(-0.5, 0.5), spacing=spacing,
    )  # fmt: skip


def open_factory():
    from didlearn.trusted import load_factory

    return load_factory(f"{SHARED}/generators/architectures.py:mnist_ddpm", True)


@torch.no_grad()
def test_a_trained_diffusion_model_is_inverted_and_told_from_other_images():
    model = open_model(ddpm("snr"))
    z = model.sample_prior(6, Stream(1))
    images = model.decode(z)
    found = latents_of(model, images)
    left = (model.decode(found) - images).square().mean() / images.var()
    assert left < 1e-8
    torch.testing.assert_close(found, z, atol=0.01, rtol=0)
    with np.load(SHARED / "data" / "kmnist.npz") as file:
        other = torch.from_numpy(file["x_test"][:6]).view(6, 1, 28, 28).float() / 255
    law = PriorLaw.learn(model, Stream(0))
    assert law.pvalue(latents_of(model, other).numpy(), Stream(2))[0] <= 0.01
    assert law.pvalue(found.numpy(), Stream(2))[0] > 0.01
