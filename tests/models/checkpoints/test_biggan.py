"""The layout of pytorch-pretrained-biggan: spectral norms by torch's own hooks, moments for 51 truncations."""

import json
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

import didlearn as dl
from didlearn.errors import ModelError, UsageError
from didlearn.models.checkpoints.biggan import cut_normal
from didlearn.rng import Stream

LAYERS = [[False, 16, 16], [True, 16, 8], [False, 8, 4], [False, 4, 2], [False, 2, 1]]
CONFIG = {
    "attention_layer_position": 2,
    "channel_width": 8,
    "class_embed_dim": 8,
    "eps": 1e-4,
    "layers": LAYERS,
    "n_stats": 51,
    "num_classes": 5,
    "output_dim": 8,
    "z_dim": 8,
}
Z, CLASSES, WIDTH = 8, 5, 8


def sn(layer):
    return nn.utils.spectral_norm(layer, eps=1e-4)


class Norm(nn.Module):
    def __init__(self, channels, conditional=True):
        super().__init__()
        self.register_buffer("running_means", torch.randn(51, channels))
        self.register_buffer("running_vars", torch.rand(51, channels) + 0.5)
        if conditional:
            self.scale, self.offset = (
                sn(nn.Linear(2 * Z, channels, bias=False)),
                sn(nn.Linear(2 * Z, channels, bias=False)),
            )
        else:
            self.weight, self.bias = nn.Parameter(torch.rand(channels)), nn.Parameter(torch.rand(channels))

    running_means: torch.Tensor
    running_vars: torch.Tensor

    def forward(self, x, truncation, c=None):
        part, below = math.modf(truncation / (1 / 50))
        mean, var = (v[int(below)] for v in (self.running_means, self.running_vars))
        if part:
            mean, var = (
                v[int(below)] * part + v[int(below) + 1] * (1 - part) for v in (self.running_means, self.running_vars)
            )
        weight, bias = (1 + self.scale(c), self.offset(c)) if c is not None else (self.weight[None], self.bias[None])
        x = (x - mean[:, None, None]) / (var[:, None, None] + 1e-4).sqrt()
        return x * weight[..., None, None] + bias[..., None, None]


class Block(nn.Module):
    def __init__(self, larger, channels, made):
        super().__init__()
        middle = channels // 4
        self.larger, self.kept = larger, channels if made == channels else channels // 2
        for i, (a, b, size) in enumerate(
            [(channels, middle, 1), (middle, middle, 3), (middle, middle, 3), (middle, made, 1)]
        ):
            setattr(self, f"bn_{i}", Norm(a))
            setattr(self, f"conv_{i}", sn(nn.Conv2d(a, b, size, padding=size // 2)))

    def forward(self, x, c, truncation):
        h = x
        for i in range(4):
            h = getattr(self, f"bn_{i}")(h, truncation, c).relu()
            if i == 1 and self.larger:
                h = nn.functional.interpolate(h, scale_factor=2)
            h = getattr(self, f"conv_{i}")(h)
        x = x[:, : self.kept]
        return h + (nn.functional.interpolate(x, scale_factor=2) if self.larger else x)


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        for name, a, b in (("theta", channels, channels // 8), ("phi", channels, channels // 8),
                           ("g", channels, channels // 2), ("o_conv", channels // 2, channels)):  # fmt: skip
            setattr(self, f"snconv1x1_{name}", sn(nn.Conv2d(a, b, 1, bias=False)))
        self.gamma = nn.Parameter(torch.tensor([0.7]))

    def forward(self, x):
        q = self.snconv1x1_theta(x).flatten(2)
        k, v = (nn.functional.max_pool2d(f(x), 2).flatten(2) for f in (self.snconv1x1_phi, self.snconv1x1_g))
        weights = torch.einsum("ncq,nck->nqk", q, k).softmax(-1)
        seen = torch.einsum("nck,nqk->ncq", v, weights).view(len(x), -1, *x.shape[2:])
        return x + self.gamma * self.snconv1x1_o_conv(seen)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.gen_z = sn(nn.Linear(2 * Z, 4 * 4 * 16 * WIDTH))
        blocks = [Block(larger, WIDTH * a, WIDTH * b) for larger, a, b in LAYERS]
        self.layers = nn.ModuleList([*blocks[:2], Attention(WIDTH * LAYERS[2][1]), *blocks[2:]])
        self.bn, self.conv_to_rgb = Norm(WIDTH, conditional=False), sn(nn.Conv2d(WIDTH, WIDTH, 3, padding=1))


class Published(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings, self.generator = nn.Linear(CLASSES, Z, bias=False), Generator()

    def forward(self, z, one_hot, truncation):
        c = torch.cat([z, self.embeddings(one_hot)], 1)
        g = self.generator
        h = g.gen_z(c).view(-1, 4, 4, 16 * WIDTH).permute(0, 3, 1, 2)
        for layer in g.layers:
            h = layer(h, c, truncation) if isinstance(layer, Block) else layer(h)
        return g.conv_to_rgb(g.bn(h, truncation).relu())[:, :3].tanh()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    torch.manual_seed(0)
    net, folder = Published(), tmp_path_factory.mktemp("biggan") / "biggan-deep-8"
    folder.mkdir()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(3)
        net(torch.randn(4, Z), torch.eye(CLASSES)[:4], 1.0)  # in training mode: the norms are measured
    (folder / "config.json").write_text(json.dumps(CONFIG))
    torch.save(net.state_dict(), folder / "pytorch_model.bin")
    return net.eval(), folder


def opened(folder, **arguments):
    return dl.open_model(str(folder), architecture_arguments=arguments)


@pytest.mark.parametrize("truncation", [1.0, 0.4, 0.37])
def test_images_are_the_published_network_s(published, truncation):
    net, folder = published
    model = opened(folder, truncation=truncation)
    assert (model.kind, model.name, model.latent_shape, model.classes) == ("biggan", "biggan-deep-8", (8,), 5)
    assert (model.image_shape, model.value_range) == ((3, 8, 8), (-1, 1))
    u, labels = torch.randn(6, Z), torch.tensor([0, 1, 4, 2, 3, 3])
    with torch.no_grad():
        expected = net(truncation * cut_normal(u), torch.eye(CLASSES)[labels], truncation)
    assert expected.std() > 0.05
    torch.testing.assert_close(model.module(u, labels), expected, atol=1e-5, rtol=1e-4)


def test_it_can_be_drawn_from_and_followed_down_gradients(published):
    model = opened(published[1])
    assert model.draw(40, Stream(0), threads=2).images.shape == (40, 3, 8, 8)
    z = torch.randn(2, Z, requires_grad=True)
    assert torch.autograd.grad(model.decode(z, torch.tensor([0, 1])).sum(), z)[0].abs().max() > 0


def test_latents_are_those_of_the_cut_normal_distribution():
    u = torch.from_numpy(np.random.default_rng(0).normal(size=20_000)).float()
    assert stats.kstest(cut_normal(u).numpy(), stats.truncnorm(-2, 2).cdf).pvalue > 1e-3
    assert cut_normal(torch.tensor([-30.0, 30.0])).abs().max() <= 2.0001


def test_what_is_no_biggan_is_said(published, tmp_path):
    net, folder = published
    for truncation in (0, 1.5, "much"):
        with pytest.raises(UsageError, match="a BigGAN takes truncation, a number above 0 and up to 1; got"):
            opened(folder, truncation=truncation)
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "channel_width": 16}))
    torch.save(net.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"has the shape .*; give the arguments"):
        dl.open_model(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "layers": [3]}))
    with pytest.raises(ModelError, match=r"config\.json describes no BigGAN"):
        dl.open_model(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "layers": [[True, 16000, 16000]] * 300}))
    with pytest.raises(ModelError, match="does not fit the BigGAN"):
        dl.open_model(str(tmp_path))


def test_nothing_in_its_pickle_runs(published, tmp_path, bomb, marker):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    torch.save({**published[0].state_dict(), "x": bomb}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="which only running its code would make"):
        dl.open_model(str(tmp_path), trust_code=True)
    assert not marker.exists()
