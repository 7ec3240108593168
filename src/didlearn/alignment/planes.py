"""Pictures as this package compares them: grey planes of one size, smoothed a little."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import torch
from torch.nn import functional

from didlearn.arrays import Ints, Pixels
from didlearn.images.base import BATCH_BYTES, Images

PLANE_SIDE = 32  # of a plane: what makes two pictures one is seen at this size, and finer costs without finding more


def grey_planes(images: Pixels, device: str = "cpu") -> torch.Tensor:
    """Turn images into grey planes.

    The grey of a pixel is the mean of its channels, which exchanging them leaves as it is.

    Args:
        images: (n, C, H, W), uint8 or floats in [0, 1].

    Returns:
        (n, S, S) float32 in [0, 1], where S is the longer side, at most ``PLANE_SIDE``.
    """
    step = max(1, BATCH_BYTES // max(1, math.prod(images.shape[1:])))
    blocks = [_planes(images[start : start + step], device) for start in range(0, len(images), step)]
    side = min(PLANE_SIDE, max(images.shape[2:]))
    return torch.cat(blocks or [torch.empty(0, side, side, device=device)])


def planes_of(images: Images, rows: Sequence[int] | Ints, device: str = "cpu") -> torch.Tensor:
    """Read images as ``grey_planes``, a few at a time: large pictures are never all in memory."""
    step = max(1, BATCH_BYTES // math.prod(images.shape))
    return torch.cat([_planes(images.read_raw(rows[at : at + step]), device) for at in range(0, len(rows), step)])


class Planes:
    """The grey planes of n pictures, made of some when those are asked for: all of them are more than the pictures.

    Indexed by a slice or by row numbers (k,) it gives them as a tensor (k, S, S).

    Args:
        made: gives the planes of row numbers. rows: (n,) those of the pictures.
    """

    def __init__(self, made: Callable[[torch.Tensor], torch.Tensor], rows: torch.Tensor) -> None:
        self.made, self.rows = made, rows

    @classmethod
    def of(cls, images: Pixels, device: str = "cpu") -> Self:
        """Return those of images (n, C, H, W), which stay what they are."""
        return cls(
            lambda rows: grey_planes(images[rows.numpy(force=True)], device), torch.arange(len(images)).to(device)
        )

    @classmethod
    def kept(cls, planes: torch.Tensor) -> Self:
        """Return planes (n, S, S) that are there."""
        return cls(planes.__getitem__, torch.arange(len(planes), device=planes.device))

    @property
    def device(self) -> torch.device:
        """Where they are worked on."""
        return self.rows.device

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice | torch.Tensor) -> torch.Tensor:
        return self.made(self.rows[index])

    def some(self, rows: Ints | slice) -> Planes:
        """Return those of some pictures, made no sooner."""
        return Planes(self.made, self.rows[rows if isinstance(rows, slice) else torch.from_numpy(rows).to(self.device)])


def _planes(images: Pixels, device: str) -> torch.Tensor:
    pixels = torch.from_numpy(np.array(images, order="C")).to(device)  # a copy: torch refuses strides below 0
    scale = 255.0 if pixels.dtype == torch.uint8 else 1.0
    grey = pixels.float().mean(1) / scale
    side = min(PLANE_SIDE, max(grey.shape[1:]))
    if grey.shape[1:] == (side, side):
        return grey
    return functional.interpolate(grey[:, None], (side, side), mode="area").squeeze(1)


def smoothed(planes: torch.Tensor, sigma: float) -> torch.Tensor:
    """Blur planes (n, S, S) by a Gaussian of ``sigma`` pixels, the border repeated."""
    reach = math.ceil(3 * sigma)
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    weights = (kernel / kernel.sum()).tolist()
    framed = functional.pad(planes[:, None], (reach, reach, reach, reach), mode="replicate").squeeze(1)
    return _weighed(_weighed(framed, weights, 2), weights, 1)


def _weighed(planes: torch.Tensor, weights: list[float], axis: int) -> torch.Tensor:
    """Add planes moved along an axis up: a convolution, which ``conv2d`` takes several times as long for."""
    count = planes.shape[axis] - len(weights) + 1
    total = planes.narrow(axis, 0, count) * weights[0]
    for place, weight in enumerate(weights[1:], start=1):
        total.add_(planes.narrow(axis, place, count), alpha=weight)
    return total


def sampled(planes: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Read planes between their pixels.

    Args:
        planes: (n, k, S, S): k planes of each picture. points: (n, p, 2), x to the right and y down, the picture being
            [−1, 1] × [−1, 1]; beyond it the border is repeated.

    Returns:
        (n, k, p).
    """
    return functional.grid_sample(planes, points[:, None], align_corners=False, padding_mode="border").squeeze(2)


def lattice(count: int, extent: float, device: torch.device) -> torch.Tensor:
    """Return the centres of ``count`` × ``count`` cells of [−extent, extent]²: (3, count²) as x, y, 1."""
    axis = ((torch.arange(count, device=device, dtype=torch.float32) + 0.5) * 2 / count - 1) * extent
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([x.flatten(), y.flatten(), torch.ones(count * count, device=device)])


def carried(maps: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Carry points (3, p) by affine maps (n, 2, 3): (n, p, 2)."""
    return torch.einsum("nij,jp->npi", maps, points)
