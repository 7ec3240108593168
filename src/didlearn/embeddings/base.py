"""``Embedding``: images in [0, 1] go in, feature vectors come out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import torch

from didlearn.result.values import Estimate


class Embedding(ABC):
    """A map from images to vectors in which distance means something.

    Attributes:
        name: what to call it, with whatever fixes its numbers (weights' hash, training set).
        notes: what a reader should know about it (a classifier's held-out accuracy).
        accuracy: held-out accuracy of a classifier trained for the purpose, or ``None``.
        probed: whether it was tried on a few images, or needs no trial.
    """

    name: str
    notes: tuple[str, ...] = ()
    accuracy: Estimate | None = None
    probed: bool = False

    @abstractmethod
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Map float32 images (n, C, H, W) in [0, 1] to float32 features (n, D) on the same device."""

    def to(self, device: str) -> Self:  # noqa: ARG002
        """Move the weights, where there are any, to a torch device and return the embedding."""
        return self
