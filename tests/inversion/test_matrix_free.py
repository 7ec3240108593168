"""The polish without a Jacobian: the same points and the same JᵀJ, by products alone, and in bounded memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from didlearn.derivatives.domain import Domain
from didlearn.derivatives.fisher import gauss_newton
from didlearn.derivatives.jacobian import Linear, gram, jacobian
from didlearn.inversion import levenberg
from didlearn.inversion.invert import invert
from didlearn.inversion.target import Target
from tests.inversion.decoders import decoder, linear, relu
from tests.inversion.test_invert import planted, relative


def smooth(d=12, seed=0):
    g = torch.Generator().manual_seed(seed)
    first, last = torch.randn(40, d, generator=g) / d**0.5, torch.randn(64, 40, generator=g) / 40**0.5
    return decoder(lambda z: (torch.tanh(2 * z @ first.T) @ last.T).view(-1, 1, 8, 8), d)


def points(model, count, seed=3):
    return torch.randn(count, model.latent_shape[0], generator=torch.Generator().manual_seed(seed))


def test_products_are_those_of_the_matrix():
    model = smooth()
    z, target = points(model, 3), Target(model, torch.zeros(3, 64))
    r, J = jacobian(target, z)
    by_products = Linear(target, z)
    v, w = torch.randn(3, 12), torch.randn(3, 64)
    assert torch.equal(by_products.r, r)
    assert torch.allclose(by_products.times(v), torch.einsum("nmd,nd->nm", J, v), atol=1e-5)
    assert torch.allclose(by_products.pulled(w), torch.einsum("nmd,nm->nd", J, w), atol=1e-5)
    several = torch.stack([v, 2 * v])
    assert torch.allclose(by_products.times(several)[1], 2 * by_products.times(v), atol=1e-5)
    assert torch.allclose(gram(target, z), (J.mT @ J).double(), atol=1e-4)
    weight = torch.rand(3, 64)
    assert torch.allclose(gram(target, z, weight=weight), (J.mT @ (weight[:, :, None] * J)).double(), atol=1e-4)


def test_columns_in_blocks_give_the_same_gram():
    model = smooth()
    z, target = points(model, 2), Target(model, torch.zeros(2, 64))
    assert torch.allclose(gram(target, z, 2**28), gram(target, z), atol=1e-5)


def test_fisher_information_of_a_large_jacobian_is_that_of_a_small_one(monkeypatch):
    model = smooth()
    z = points(model, 3)

    def flat(v):
        return model.decode(v).flatten(1)

    def information(y):
        return 1 + y.square()

    whole = gauss_newton(flat, information, z)
    monkeypatch.setattr("didlearn.derivatives.fisher.LARGEST", 1)
    assert torch.allclose(gauss_newton(flat, information, z), whole, rtol=1e-4, atol=1e-4)


def polished(model, x, z, steps):
    target = Target(model, torch.as_tensor(x).flatten(1))
    return levenberg.polish(target, z, steps, Domain())


@pytest.mark.parametrize("spread", [1.0, 10.0])
def test_it_agrees_with_the_full_jacobian_on_a_linear_decoder(monkeypatch, spread):
    model = linear(d=8, spread=spread)
    x, z = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1)), points(model, 4)
    whole = polished(model, x, z, 10)
    monkeypatch.setattr(levenberg, "_JACOBIAN_BYTES", 0)
    free = polished(model, x, z, 10)
    assert torch.allclose(free.error, whole.error, rtol=1e-6)
    assert torch.allclose(free.z, whole.z, atol=1e-3)
    assert torch.allclose(free.normal, whole.normal, atol=1e-5)
    assert (free.removable < 1e-6).all()


def test_it_agrees_with_the_full_jacobian_on_planted_images(monkeypatch):
    for model in (smooth(), relu(10, [60])):
        x = planted(model, 12)
        whole = invert(model, x, draws=60, starts=4, rounds=1)
        monkeypatch.setattr(levenberg, "_JACOBIAN_BYTES", 0)
        free = invert(model, x, draws=60, starts=4, rounds=1)
        monkeypatch.undo()
        ours, theirs = ((relative(found, x) < 1e-4) for found in (free, whole))
        assert ours.sum() >= theirs.sum() - 1
        both = ours & theirs & (np.abs(free.latent - whole.latent).max(axis=1) < 1e-2)
        assert both.sum() >= 9
        assert np.allclose(free.log_volume[both], whole.log_volume[both], atol=1e-2)


def test_a_latent_too_wide_for_the_gram_has_no_volume_and_says_nothing_of_it(monkeypatch):
    model = linear(d=6)
    monkeypatch.setattr(levenberg, "_JACOBIAN_BYTES", 0)
    monkeypatch.setattr("didlearn.inversion.normal_equations._WIDEST", 5)
    found = invert(model, planted(model, 2), draws=20, starts=2, rounds=0)
    assert np.isnan(found.log_volume).all()
    assert found.error.max() < 1e-8
    assert found.success.all()


SCRIPT = """
import torch
from tests.peak import peak
from torch import nn
import didlearn as dl
torch.manual_seed(0)
layers, width = [nn.Linear(512, 32 * 64), nn.Unflatten(1, (32, 8, 8)), nn.LeakyReLU(0.2)], 32
for wider in (32, 16, 16, 8, 8):
    layers += [nn.ConvTranspose2d(width, wider, 4, 2, 1), nn.BatchNorm2d(wider), nn.LeakyReLU(0.2)]
    width = wider
network = nn.Sequential(*layers, nn.Conv2d(width, 3, 3, 1, 1), nn.Tanh()).train()
with torch.no_grad():
    for _ in range(3):
        network(torch.randn(16, 512))  # running statistics that keep the images' contrast
model = dl.open_model(network.eval(), latent_shape=512, value_range=(-1, 1))
x = model.decode(torch.randn(1, 512, generator=torch.Generator().manual_seed(5))).detach().numpy()
found = dl.invert(model, x, draws=32, starts=4, rounds=0, polish=6, threads=1)
print(float(found.error[0] / x.var()), bool((found.log_volume > -1e9).all()))
print(peak())
"""


@pytest.mark.slow
def test_a_wide_latent_of_large_images_is_inverted_in_four_gigabytes():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    left, volume = done.stdout.split()[:2]
    assert float(left) < 1e-2
    assert volume == "True"
    assert float(done.stdout.split()[-1]) < 4
