"""Generators with the interfaces and the layers of StyleGAN2 and BigGAN, small and with random weights.

StyleGAN2: a mapping network behind a normalised z, w for each layer, modulated and demodulated convolutions, noise
drawn anew in every forward unless ``noise_mode`` says otherwise, truncation towards the mean w, skips to RGB. BigGAN:
one-hot classes, a shared embedding, a piece of z for each block, conditional batch norm, a truncated normal prior.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn
from torch.distributions import Distribution, constraints
from torch.nn import functional


class ModulatedConv(nn.Module):
    """x · style, convolved, and divided by the norm of style · weight."""

    def __init__(self, n_in, n_out, w_dim, kernel, demodulate):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in, kernel, kernel))
        self.affine = nn.Linear(w_dim, n_in)
        self.demodulate, self.padding = demodulate, kernel // 2

    def forward(self, x, w):
        style = 1 + self.affine(w)
        if not self.demodulate:
            style = style / math.sqrt(self.weight[0].numel())
        y = functional.conv2d(x * style[:, :, None, None], self.weight, padding=self.padding)
        if not self.demodulate:
            return y
        square = (self.weight[None] * style[:, None, :, None, None]).square().sum(dim=(2, 3, 4))
        return y * (square + 1e-8).rsqrt()[:, :, None, None]


class SynthesisLayer(nn.Module):
    def __init__(self, n_in, n_out, w_dim, side, up):
        super().__init__()
        self.conv, self.side, self.up = ModulatedConv(n_in, n_out, w_dim, 3, True), side, up
        self.register_buffer("noise_const", torch.randn(side, side))
        self.noise_strength, self.bias = nn.Parameter(torch.tensor(0.1)), nn.Parameter(0.1 * torch.randn(n_out))

    def forward(self, x, w, noise_mode):
        if self.up:
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        y = self.conv(x, w)
        if noise_mode == "random":
            y = y + torch.randn([len(x), 1, self.side, self.side], device=x.device) * self.noise_strength
        if noise_mode == "const":
            y = y + self.noise_const * self.noise_strength
        return functional.leaky_relu(y + self.bias[:, None, None], 0.2) * math.sqrt(2)


class Synthesis(nn.Module):
    def __init__(self, w_dim, side, channels):
        super().__init__()
        self.const = nn.Parameter(torch.randn(channels[0], 4, 4))
        sides = [4 * 2**i for i in range(int(math.log2(side)) - 1)]
        wide = [channels[min(i, len(channels) - 1)] for i in range(len(sides))]
        before = [wide[0], *wide[:-1]]
        self.layers = nn.ModuleList(
            SynthesisLayer(a, b, w_dim, s, s > 4) for a, b, s in zip(before, wide, sides, strict=True)
        )
        self.rgb = nn.ModuleList(ModulatedConv(b, 3, w_dim, 1, False) for b in wide)
        self.num_ws = len(sides) + 1

    def forward(self, ws, noise_mode="random"):
        x, image = self.const.expand(len(ws), -1, -1, -1), None
        for i, (layer, to_rgb) in enumerate(zip(self.layers, self.rgb, strict=True)):
            x = layer(x, ws[:, i], noise_mode)
            colours = to_rgb(x, ws[:, i + 1])
            if image is not None:
                up = functional.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)
                colours = colours + up
            image = colours
        return image


class StyleGAN2(nn.Module):
    """z -> w -> images (n, 3, side, side) in about [-1, 1]."""

    value_range = None

    def __init__(self, d=16, side=64, channels=(16, 16, 12, 8, 8), depth=3, psi=1.0, noise_mode="random", seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.latent_shape, self.psi, self.noise_mode = (d,), psi, noise_mode
            layers = [layer for _ in range(depth) for layer in (nn.Linear(d, d), nn.LeakyReLU(0.2))]
            self.fully_connected = nn.Sequential(*layers)
            for layer in layers[::2]:
                nn.init.normal_(layer.weight, std=math.sqrt(2 / d))
            self.synthesis_network = Synthesis(d, side, channels)
            self.register_buffer("w_avg", torch.zeros(d))
            with torch.no_grad():
                self.w_avg.copy_(self.mapping(torch.randn(2000, d), truncation_psi=1)[:, 0].mean(dim=0))

    def mapping(self, z, c=None, truncation_psi=None):
        x = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
        w = self.fully_connected(x)
        psi = self.psi if truncation_psi is None else truncation_psi
        w = self.w_avg.lerp(w, psi) if psi != 1 else w
        return w[:, None].expand(-1, self.synthesis_network.num_ws, -1)

    def synthesis(self, ws, noise_mode=None):
        return 0.5 + 0.25 * torch.tanh(self.synthesis_network(ws, noise_mode or self.noise_mode))

    def forward(self, z, c=None, truncation_psi=None, noise_mode=None):
        return self.synthesis(self.mapping(z, c, truncation_psi), noise_mode)


class TruncatedNormal(Distribution):
    """A standard normal number between −bound and bound: BigGAN's truncation trick."""

    arg_constraints, support, has_rsample = {}, constraints.real, False

    def __init__(self, bound=0.8):
        super().__init__(validate_args=False)
        self.bound = bound
        self.low = float(torch.special.ndtr(torch.tensor(-bound, dtype=torch.float64)))

    def icdf(self, share):
        return torch.special.ndtri(self.low + share.double() * (1 - 2 * self.low)).to(share)

    def sample(self, sample_shape=()):
        return self.icdf(torch.rand(sample_shape))

    def log_prob(self, value):
        inside = value.abs() <= self.bound
        density = -value.square() / 2 - math.log(math.sqrt(2 * math.pi) * (1 - 2 * self.low))
        return torch.where(inside, density, torch.full((), -torch.inf))


class ConditionalNorm(nn.Module):
    """Batch norm whose gain and bias come from the class and a piece of z."""

    def __init__(self, channels, code):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain, self.bias = nn.Linear(code, channels, bias=False), nn.Linear(code, channels, bias=False)

    def forward(self, x, code):
        return self.norm(x) * (1 + self.gain(code))[:, :, None, None] + self.bias(code)[:, :, None, None]


class Block(nn.Module):
    def __init__(self, n_in, n_out, code):
        super().__init__()
        self.first, self.second = ConditionalNorm(n_in, code), ConditionalNorm(n_out, code)
        self.conv1, self.conv2 = nn.Conv2d(n_in, n_out, 3, padding=1), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.skip = nn.Conv2d(n_in, n_out, 1)

    def forward(self, x, code):
        h = functional.interpolate(torch.relu(self.first(x, code)), scale_factor=2)
        h = self.conv2(torch.relu(self.second(self.conv1(h), code)))
        return h + self.skip(functional.interpolate(x, scale_factor=2))


class BigGAN(nn.Module):
    """(z, labels) -> images (n, 3, 64, 64) in [-1, 1]; the labels become one-hot, as BigGAN takes them."""

    value_range = (-1, 1)

    def __init__(self, d=20, classes=1000, channels=(16, 16, 12, 8, 8), bound=0.8, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.piece, self.latent_shape, self.classes = d // len(channels), (d,), classes
            self.prior, self.channels = TruncatedNormal(bound), channels
            self.shared = nn.Linear(classes, 8, bias=False)
            nn.init.normal_(self.shared.weight)
            self.first = nn.Linear(self.piece, channels[0] * 16)
            code = 8 + self.piece
            self.blocks = nn.ModuleList(Block(a, b, code) for a, b in pairwise(channels))
            self.norm, self.last = nn.BatchNorm2d(channels[-1]), nn.Conv2d(channels[-1], 3, 3, padding=1)
            self.train()
            with torch.no_grad():
                for _ in range(5):
                    self(self.prior.sample((64, d)), torch.randint(classes, (64,)))
            self.eval()

    def forward(self, z, labels):
        one_hot = functional.one_hot(labels, self.classes).to(z.dtype)
        shared, pieces = self.shared(one_hot), z.split(self.piece, dim=1)
        x = self.first(pieces[0]).view(len(z), self.channels[0], 4, 4)
        for block, piece in zip(self.blocks, pieces[1:], strict=False):
            x = block(x, torch.cat([shared, piece], dim=1))
        return torch.tanh(self.last(torch.relu(self.norm(x))))
