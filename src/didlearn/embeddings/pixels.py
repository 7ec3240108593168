"""The image itself as its feature vector, and rows of numbers as theirs."""

from __future__ import annotations

import torch

from didlearn.embeddings.base import Embedding


class PixelEmbedding(Embedding):
    """Flattened pixels in [0, 1]: (n, C, H, W) -> (n, C·H·W), channel by channel."""

    name = "pixels"
    probed = True

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the pixels as rows."""
        return images.flatten(1)


class GivenFeatures(Embedding):
    """Points as they are: (n, D, 1, 1) -> (n, D)."""

    name = "points"
    probed = True

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the rows."""
        return images.flatten(1)
