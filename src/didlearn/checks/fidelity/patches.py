"""Features that tell classes of small pictures apart without any training: how often random patches of them recur.

A picture is compared, place by place, with patches cut from the training images, whitened; what is like a patch, or
like its negative, beyond a threshold is averaged over each quarter of the picture (Coates & Ng 2012, with patches
themselves as the dictionary, which costs little against k-means).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from didlearn.arrays import Array

_PATCHES, _CUT = 128, 20_000  # in the dictionary, and cut to whiten them by
_SIDE, _LARGEST = 6, 32  # pixels of a patch, and of a picture, which is shrunk to it
_CONTRAST, _WHITENING = 0.01, 0.1  # variances added where there is next to none
_THRESHOLD = 0.25
_BLOCK = 64  # what stays in the cache


class Patches:
    """Patches cut from images, whitened.

    Args:
        images: (n, C, H, W) uint8, or float in [0, 1]. rng: of the places.
    """

    def __init__(self, images: Array, rng: np.random.Generator) -> None:
        pictures = torch.cat(list(_blocks(images)))
        self.side = min(_SIDE, max(1, min(pictures.shape[2:]) // 2))
        patches = _contrasted(_cut(pictures, self.side, rng))
        self.mean = patches.mean(dim=0)
        size = patches.shape[1]
        values, vectors = torch.linalg.eigh(torch.cov(patches.T).reshape(size, size))
        whiten = (vectors / (values.clamp(min=0) + _WHITENING).sqrt()) @ vectors.T
        chosen = (patches[:_PATCHES] - self.mean) @ whiten
        self.filters = whiten @ (chosen / chosen.norm(dim=1, keepdim=True).clamp(min=1e-12)).T

    def features(self, images: Array) -> Array:
        """Return (n, 8 · patches) features of images (n, C, H, W)."""
        return torch.cat([self._block(block) for block in _blocks(images)]).numpy()

    def _block(self, pictures: torch.Tensor) -> torch.Tensor:
        channels = pictures.shape[1]
        kernel = self.filters.T.reshape(-1, channels, self.side, self.side)
        level, power = (
            functional.avg_pool2d(x.mean(dim=1, keepdim=True), self.side, 1) for x in (pictures, pictures**2)
        )
        found = functional.conv2d(pictures, kernel) - level * kernel.sum(dim=(1, 2, 3)).reshape(-1, 1, 1)
        found = found.div_(((power - level**2).clamp(min=0) + _CONTRAST).sqrt())
        found = found.sub_((self.mean @ self.filters).reshape(-1, 1, 1))
        like = functional.softshrink(found, _THRESHOLD)
        signed, size = functional.adaptive_avg_pool2d(like, 2), functional.adaptive_avg_pool2d(like.abs_(), 2)
        return torch.cat([size + signed, size - signed], dim=1).div_(2).clamp_(min=0).sqrt_().flatten(1)


def _blocks(images: Array) -> Iterator[torch.Tensor]:
    for start in range(0, len(images), _BLOCK):
        block = torch.from_numpy(np.ascontiguousarray(images[start : start + _BLOCK]))
        pictures = block.float() / 255 if block.dtype == torch.uint8 else block.float()
        height, width = (min(side, _LARGEST) for side in pictures.shape[2:])
        yield functional.adaptive_avg_pool2d(pictures, (height, width))


def _cut(pictures: torch.Tensor, side: int, rng: np.random.Generator) -> torch.Tensor:
    """Patches (count, C · side²) from random places."""
    places = pictures.unfold(2, side, 1).unfold(3, side, 1)  # a view: (n, C, rows, columns, side, side)
    image, row, column = (torch.from_numpy(rng.integers(places.shape[axis], size=_CUT)) for axis in (0, 2, 3))
    return places[image, :, row, column].flatten(1)


def _contrasted(patches: torch.Tensor) -> torch.Tensor:
    """Each patch less its mean, over its standard deviation."""
    patches = patches - patches.mean(dim=1, keepdim=True)
    return patches / (patches.var(dim=1, keepdim=True, correction=0) + _CONTRAST).sqrt()
