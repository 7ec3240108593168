"""A law that new images can be drawn from without end: a data set, smoothed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from didlearn.errors import UsageError
from didlearn.images.base import Images


@dataclass(frozen=True, eq=False)
class SmoothedLaw:
    """x̃ = an image of the data, moved by up to ``shift`` pixels each way, plus N(0, noise²) on every pixel.

    A kernel density estimate: no two draws are equal, and draws for one purpose are independent of all others, which
    a finite set of images cannot give without end.

    Attributes:
        images: (N, C, H, W) the data, float32 in [0, 1]. labels: (N,), or ``None``.
        shift: in pixels, drawn evenly and not in whole pixels; what comes in from outside is black.
        noise: standard deviation of the pixels' noise; nothing is clipped.
    """

    images: torch.Tensor
    labels: torch.Tensor | None
    shift: float = 1.0
    noise: float = 0.1

    def __post_init__(self) -> None:
        if not (0 <= self.shift < math.inf and 0 < self.noise < math.inf):
            raise UsageError(
                f"a smoothed law takes a shift of at least 0 and noise above 0; got {self.shift!r} and {self.noise!r}"
            )

    @classmethod
    def of(cls, images: Images, shift: float, noise: float) -> SmoothedLaw:
        """Smooth a whole data set."""
        labels = None if images.labels is None else torch.from_numpy(images.labels)
        return cls(images.read(range(len(images))), labels, shift, noise)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of what is drawn."""
        return (int(self.images.shape[1]), int(self.images.shape[2]), int(self.images.shape[3]))

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return ``count`` independent images (count, C, H, W), float32."""
        return self.draw_labelled(count, generator)[0]

    def draw_labelled(self, count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return images and the labels of the images they were made from."""
        index = torch.randint(len(self.images), (count,), generator=generator)
        offsets = (2 * torch.rand((count, 2), generator=generator) - 1) * self.shift
        moved = _moved(self.images[index], offsets)
        noise = torch.randn(moved.shape, generator=generator)
        return moved + self.noise * noise, None if self.labels is None else self.labels[index]


def _moved(images: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """Move (n, C, H, W) by (n, 2) pixels across and down, bilinearly."""
    sides = torch.tensor([images.shape[3], images.shape[2]], dtype=images.dtype)
    maps = torch.eye(2, 3).repeat(len(images), 1, 1)
    maps[:, :, 2] = 2 * offsets / sides
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
