"""BigGAN-deep in the layout of pytorch-pretrained-biggan: ``config.json`` and ``pytorch_model.bin``; no code is run.

Brock, Donahue and Simonyan (2019), "Large Scale GAN Training for High Fidelity Natural Image Synthesis". The published
weights have spectral norms and the moments of batch norm for 51 truncations; both are settled once, when it is opened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import nn
from torch.nn import functional

from didlearn.errors import ModelError, UsageError
from didlearn.models.checkpoints.checkpoint import Checkpoint, fill_network, read_checkpoint
from didlearn.models.checkpoints.described import CONFIG, config_of
from didlearn.models.formats.loaded import Code, Loaded, digest_of, refuse_unused

_WEIGHTS: Final = "pytorch_model.bin"
_KEYS: Final = {"channel_width", "z_dim", "layers", "n_stats"}
_NARROWER: Final = 4
_WIDEST: Final = 2.0
Count = Annotated[int, Field(ge=1, le=2**14)]


class BigGanConfig(BaseModel):
    """What ``config.json`` says; ``layers`` are (larger or not, channels in, channels out)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    z_dim: Count = 128
    channel_width: Count = 128
    num_classes: Count = 1000
    layers: tuple[tuple[bool, Count, Count], ...]
    attention_layer_position: int = 8
    eps: float = Field(1e-4, gt=0)
    n_stats: Count = 51


class ConditionalNorm(nn.Module):
    """(x - mean) / sqrt(var + ε) (1 + scale(c)) + offset(c), with moments that were measured once."""

    def __init__(self, channels: int, condition: int, eps: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))
        self.scale, self.offset = (nn.Linear(condition, channels, bias=False) for _ in range(2))
        self.eps = eps

    mean: torch.Tensor
    var: torch.Tensor

    def forward(self, x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        """Images (n, C, H, W) and conditions (n, c)."""
        centred = (x - self.mean[:, None, None]) / torch.sqrt(self.var[:, None, None] + self.eps)
        return centred * (1 + self.scale(c)[:, :, None, None]) + self.offset(c)[:, :, None, None]


class DeepBlock(nn.Module):
    """Four convolutions through a narrow middle, beside a way around that drops channels."""

    def __init__(self, channels: int, made: int, condition: int, larger: bool, eps: float) -> None:
        super().__init__()
        middle = channels // _NARROWER
        self.bn_0, self.conv_0 = ConditionalNorm(channels, condition, eps), nn.Conv2d(channels, middle, 1)
        self.bn_1, self.conv_1 = ConditionalNorm(middle, condition, eps), nn.Conv2d(middle, middle, 3, padding=1)
        self.bn_2, self.conv_2 = ConditionalNorm(middle, condition, eps), nn.Conv2d(middle, middle, 3, padding=1)
        self.bn_3, self.conv_3 = ConditionalNorm(middle, condition, eps), nn.Conv2d(middle, made, 1)
        self.made, self.larger = made if made == channels else channels // 2, larger

    def forward(self, x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        """Features (n, C, H, W) and conditions (n, c)."""
        h = self.conv_0(self.bn_0(x, c).relu())
        h = self.bn_1(h, c).relu()
        h = self.conv_1(functional.interpolate(h, scale_factor=2) if self.larger else h)
        h = self.conv_3(self.bn_3(self.conv_2(self.bn_2(h, c).relu()), c).relu())
        x = x[:, : self.made]
        return h + (functional.interpolate(x, scale_factor=2) if self.larger else x)


class SelfAttention(nn.Module):
    """Each place looks at every fourth one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.snconv1x1_theta = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.snconv1x1_phi = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.snconv1x1_g = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.snconv1x1_o_conv = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, C, H, W) to the same."""
        theta = self.snconv1x1_theta(x).flatten(2)
        phi = functional.max_pool2d(self.snconv1x1_phi(x), 2).flatten(2)
        seen = functional.max_pool2d(self.snconv1x1_g(x), 2).flatten(2)
        attention = torch.softmax(theta.transpose(1, 2) @ phi, dim=-1)
        found = (seen @ attention.transpose(1, 2)).view(len(x), -1, *x.shape[2:])
        return x + self.gamma * self.snconv1x1_o_conv(found)


class DeepGenerator(nn.Module):
    """Conditions (n, 2 z_dim) to images (n, 3, H, W)."""

    def __init__(self, config: BigGanConfig) -> None:
        super().__init__()
        width, condition = config.channel_width, 2 * config.z_dim
        self.width = width
        self.gen_z = nn.Linear(condition, 16 * 16 * width)
        layers: list[nn.Module] = []
        for place, (larger, channels, made) in enumerate(config.layers):
            if place == config.attention_layer_position:
                layers.append(SelfAttention(width * channels))
            layers.append(DeepBlock(width * channels, width * made, condition, larger, config.eps))
        self.layers = nn.ModuleList(layers)
        self.bn = nn.BatchNorm2d(width, eps=config.eps)
        self.conv_to_rgb = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, c: torch.Tensor) -> torch.Tensor:
        """The first three channels of the last layer are the colours."""
        h = self.gen_z(c).view(-1, 4, 4, 16 * self.width).permute(0, 3, 1, 2).contiguous()
        for layer in self.layers:
            h = layer(h, c) if isinstance(layer, DeepBlock) else layer(h)
        return self.conv_to_rgb(self.bn(h).relu())[:, :3].tanh()


class BigGan(nn.Module):
    """images = G(t T(u), class) of standard normal u: T(u) is normal within ±2, and t is the truncation."""

    value_range, prior = (-1, 1), "normal"

    def __init__(self, config: BigGanConfig, truncation: float) -> None:
        super().__init__()
        self.embeddings = nn.Linear(config.num_classes, config.z_dim, bias=False)
        self.generator, self.truncation = DeepGenerator(config), truncation
        self.latent_shape, self.classes = (config.z_dim,), config.num_classes

    def forward(self, u: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Latents (n, z_dim) and classes (n,) to images (n, 3, H, W)."""
        z = self.truncation * cut_normal(u)
        return self.generator(torch.cat([z, functional.embedding(labels, self.embeddings.weight.T)], dim=1))


def cut_normal(u: torch.Tensor) -> torch.Tensor:
    """Φ⁻¹(Φ(-2) + (Φ(2) - Φ(-2)) Φ(u)): standard normal numbers to normal ones within ±2."""
    low, high = (0.5 * (1 + math.erf(bound / math.sqrt(2))) for bound in (-_WIDEST, _WIDEST))
    return torch.special.ndtri(low + (high - low) * torch.special.ndtr(u))


def is_biggan(path: Path, code: Code) -> bool:  # noqa: ARG001 (as every format is asked)
    """Tell whether a folder holds weights with a BigGAN's description."""
    return (path / _WEIGHTS).is_file() and config_of(path).keys() >= _KEYS


def check_biggan(path: Path, code: Code) -> None:
    """Refuse what does not go with it.

    Raises:
        UsageError: code, or another argument than a truncation in (0, 1], was given.
    """
    refuse_unused(code, f"{path}, a BigGAN", arguments=True)
    _truncation(code.arguments)


def _truncation(arguments: Mapping[str, object]) -> float:
    value = arguments.get("truncation", 1.0)
    if arguments.keys() - {"truncation"} or not isinstance(value, int | float) or not 0 < value <= 1:
        raise UsageError(f"a BigGAN takes truncation, a number above 0 and up to 1; got {dict(arguments)}")
    return float(value)


def load_biggan(path: Path, code: Code) -> Loaded:
    """Read the weights, settle spectral norms and moments for one truncation, and fill our own network with them.

    Raises:
        ModelError: the description or the weights are not those of a BigGAN.
    """
    truncation = _truncation(code.arguments)
    try:
        config = BigGanConfig.model_validate(config_of(path))
        with torch.device("meta"):  # without memory, whatever the description says
            network = BigGan(config, truncation)
    except (ValidationError, ArithmeticError, ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"{path / CONFIG} describes no BigGAN: {str(error).splitlines()[0]}") from None
    held = read_checkpoint(path / _WEIGHTS)
    settled = _settled(held.weights, truncation * (config.n_stats - 1))
    fill_network(network, Checkpoint(held.path, settled, {}), None, f"the BigGAN in {CONFIG}", assign=True)
    network.generator.bn.num_batches_tracked = torch.tensor(0)  # which the file has not
    notes = () if truncation == 1 else (f"truncation {truncation:g}: what is audited is the distribution truncated so",)
    digest = digest_of([(path / CONFIG).read_bytes(), str(truncation).encode()])
    return Loaded(network, "biggan", path.resolve().name, code=digest, notes=notes)


def _settled(weights: Mapping[str, torch.Tensor], place: float) -> dict[str, torch.Tensor]:
    """Return weights divided by their spectral norms, and moments at a place among those measured."""
    settled = {}
    for name, value in weights.items():
        head, _, last = name.rpartition(".")
        if last == "weight_orig":
            u, v = weights.get(f"{head}.weight_u"), weights.get(f"{head}.weight_v")
            if u is None or v is None:
                raise ModelError(f"{name} has no weight_u and weight_v beside it: these are no weights of a BigGAN")
            settled[f"{head}.weight"] = value / torch.dot(u, value.flatten(1) @ v)
        elif last in ("running_means", "running_vars"):
            outer = head.endswith("generator.bn")
            called = {"running_means": ("mean", "running_mean"), "running_vars": ("var", "running_var")}[last][outer]
            settled[f"{head}.{called}"] = _between(value, place)
        elif last not in ("weight_u", "weight_v"):
            settled[name] = value
    return {name: value.float() for name, value in settled.items()}


def _between(moments: torch.Tensor, place: float) -> torch.Tensor:
    """Return the row at a place between rows; the weights of its neighbours are exchanged, as in the published code."""
    part, below = math.modf(place)
    if part == 0 or int(below) + 1 >= len(moments):
        return moments[min(int(below), len(moments) - 1)]
    return moments[int(below)] * part + moments[int(below) + 1] * (1 - part)
