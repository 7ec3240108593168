"""InceptionV3's 2048 pooled features, the ones FID is computed on, and the maps of sFID, in plain torch.

Module names are torchvision's, so that the weights everybody has can be loaded: pytorch-fid's conversion of the
original graph (1008 logits; average pools leave the padding out, the last block takes a maximum) and torchvision's or
timm's own (1000 logits). The number of logits in the file tells which of the two it is.

Source of the layer shapes: Szegedy et al. 2016, arXiv 1512.00567.
"""

# ruff: noqa: D102  (a block's docstring says what its forward does)
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from didlearn.embeddings.base import Head
from didlearn.embeddings.imagenet.weights import read_state
from didlearn.embeddings.module import ModuleEmbedding, weights_digest
from didlearn.errors import ModelError

Pooling = Callable[[torch.Tensor], torch.Tensor]
_SIDE = 299
_SPATIAL = 7  # channels of the maps that sFID takes


class Conv(nn.Module):
    """Convolution without bias, batch normalisation, ReLU; padded to keep the size unless told otherwise."""

    def __init__(
        self, n_in: int, n_out: int, kernel: int | tuple[int, int], stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(n_in, n_out, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(n_out, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.bn(self.conv(x)))


def _narrowing(n_in: int, n_out: int, stride: int = 2) -> Conv:
    """Return a 3×3 convolution without padding."""
    return Conv(n_in, n_out, 3, stride, padded=False)


class BlockA(nn.Module):
    """35×35: 1×1, 5×5, two 3×3 and a pool."""

    def __init__(self, n_in: int, n_pool: int, pool: Pooling) -> None:
        super().__init__()
        self.branch1x1 = Conv(n_in, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = Conv(n_in, 48, 1), Conv(48, 64, 5)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(n_in, 64, 1), Conv(64, 96, 3)
        self.branch3x3dbl_3 = Conv(96, 96, 3)
        self.branch_pool, self.pool = Conv(n_in, n_pool, 1), pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        five = self.branch5x5_2(self.branch5x5_1(x))
        return torch.cat([self.branch1x1(x), five, double, self.branch_pool(self.pool(x))], 1)


class BlockB(nn.Module):
    """35×35 to 17×17."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.branch3x3 = _narrowing(n_in, 384)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(n_in, 64, 1), Conv(64, 96, 3)
        self.branch3x3dbl_3 = _narrowing(96, 96)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, functional.max_pool2d(x, 3, 2)], 1)


class BlockC(nn.Module):
    """17×17: 1×1, a factorised 7×7, two of them, and a pool."""

    def __init__(self, n: int, pool: Pooling) -> None:
        super().__init__()
        self.branch1x1 = Conv(768, 192, 1)
        self.branch7x7_1, self.branch7x7_2, self.branch7x7_3 = Conv(768, n, 1), Conv(n, n, (1, 7)), Conv(n, 192, (7, 1))
        self.branch7x7dbl_1, self.branch7x7dbl_2 = Conv(768, n, 1), Conv(n, n, (7, 1))
        self.branch7x7dbl_3, self.branch7x7dbl_4 = Conv(n, n, (1, 7)), Conv(n, n, (7, 1))
        self.branch7x7dbl_5 = Conv(n, 192, (1, 7))
        self.branch_pool, self.pool = Conv(768, 192, 1), pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), single, double, self.branch_pool(self.pool(x))], 1)


class BlockD(nn.Module):
    """17×17 to 8×8."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = Conv(768, 192, 1), _narrowing(192, 320)
        self.branch7x7x3_1, self.branch7x7x3_2 = Conv(768, 192, 1), Conv(192, 192, (1, 7))
        self.branch7x7x3_3, self.branch7x7x3_4 = Conv(192, 192, (7, 1)), _narrowing(192, 192)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), seven, functional.max_pool2d(x, 3, 2)], 1)


class BlockE(nn.Module):
    """8×8: 1×1, 3×3 split in two, a double 3×3 split in two, and a pool."""

    def __init__(self, n_in: int, pool: Pooling) -> None:
        super().__init__()
        self.branch1x1 = Conv(n_in, 320, 1)
        self.branch3x3_1 = Conv(n_in, 384, 1)
        self.branch3x3_2a, self.branch3x3_2b = Conv(384, 384, (1, 3)), Conv(384, 384, (3, 1))
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(n_in, 448, 1), Conv(448, 384, 3)
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = Conv(384, 384, (1, 3)), Conv(384, 384, (3, 1))
        self.branch_pool, self.pool = Conv(n_in, 192, 1), pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        single, double = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        singles = [self.branch3x3_2a(single), self.branch3x3_2b(single)]
        doubles = [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([self.branch1x1(x), *singles, *doubles, self.branch_pool(self.pool(x))], 1)


class InceptionV3(nn.Module):
    """Images (n, 3, H, W) in [0, 1] to the (n, 2048) averages of the last block; resized to 299×299 bilinearly.

    Args:
        original: the pools of the 2015 graph that FID is defined on, not torchvision's.
    """

    def __init__(self, original: bool = True) -> None:
        super().__init__()

        def average(x: torch.Tensor) -> torch.Tensor:
            return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=not original)

        def maximum(x: torch.Tensor) -> torch.Tensor:
            return functional.max_pool2d(x, 3, 1, 1)

        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = _narrowing(3, 32), _narrowing(32, 32, 1)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3)
        self.Conv2d_3b_1x1, self.Conv2d_4a_3x3 = Conv(64, 80, 1), _narrowing(80, 192, 1)
        self.Mixed_5b, self.Mixed_5c = BlockA(192, 32, average), BlockA(256, 64, average)
        self.Mixed_5d, self.Mixed_6a = BlockA(288, 64, average), BlockB(288)
        self.Mixed_6b, self.Mixed_6c = BlockC(128, average), BlockC(160, average)
        self.Mixed_6d, self.Mixed_6e = BlockC(160, average), BlockC(192, average)
        self.Mixed_7a, self.Mixed_7b = BlockD(), BlockE(1280, average)
        self.Mixed_7c = BlockE(2048, maximum if original else average)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.Mixed_7a(self.Mixed_6e(self.Mixed_6d(self.maps(x))))
        return self.Mixed_7c(self.Mixed_7b(x)).mean(dim=(2, 3))

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """Return the maps (n, 768, 17, 17) that go into the block ``Mixed_6d``."""
        x = functional.interpolate(x, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False) * 2 - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(functional.max_pool2d(x, 3, 2)))
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(functional.max_pool2d(x, 3, 2)))))
        return self.Mixed_6c(self.Mixed_6b(x))


class SpatialFeatures(nn.Module):
    """The features of sFID (Nash et al. 2021), 17 · 17 · 7 = 2023 of an image, in the order of ADM's files.

    They are the first seven channels of the 1×1 branch of ``Mixed_6d``, which the 2015 graph calls ``mixed_6/conv``, by
    row, column and channel.
    """

    def __init__(self, network: InceptionV3) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.network.Mixed_6d.branch1x1(self.network.maps(x))[:, :_SPATIAL]
        return maps.permute(0, 2, 3, 1).flatten(1)


def open_inception(path: Path) -> ModuleEmbedding:
    """Open InceptionV3 weights: ``.safetensors``, or a state dict that ``torch.load(weights_only=True)`` reads.

    Raises:
        ModelError: the file cannot be read, or holds other weights.
    """
    state = read_state(path, "InceptionV3")
    logits = len(state["fc.bias"]) if "fc.bias" in state else 1008
    network = InceptionV3(original=logits == 1008)
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        raise ModelError(
            f"{path} holds no InceptionV3 weights: {len(missing)} of {len(wanted)} are missing, {missing[0]} first; "
            "take pytorch-fid's or torchvision's file"
        )
    try:
        network.load_state_dict({name: state.get(name, value) for name, value in wanted.items()})
    except RuntimeError as error:
        raise ModelError(f"{path} holds weights of other shapes than InceptionV3's: {error}") from error
    embedding = ModuleEmbedding(network, f"inception (weights {weights_digest(network)})")
    graph = "the original graph, as pytorch-fid" if logits == 1008 else "torchvision's graph, which is not FID's"
    embedding.spatial = ModuleEmbedding(SpatialFeatures(network), f"spatial features of {embedding.name}")
    if "fc.weight" in state:  # the Inception Score's logits are without the bias that the original graph adds
        embedding.head = Head.of(state["fc.weight"], None if logits == 1008 else state.get("fc.bias"))
    embedding.notes = (f"InceptionV3 pool3: {graph}; images resized bilinearly to {_SIDE}×{_SIDE}",)
    return embedding
