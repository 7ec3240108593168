"""``Embedding``: images in [0, 1] go in, feature vectors come out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Self

import numpy as np
import torch

from didlearn.arrays import Array, Floats
from didlearn.result.values import Estimate


class Head(NamedTuple):
    """The last layer of a classifier, which makes the logits of its features: W (K, D) and b (K,)."""

    weight: Floats
    bias: Floats

    @classmethod
    def of(cls, weight: torch.Tensor, bias: torch.Tensor | None) -> Head:
        """Take the weights of a layer, without a bias where there is none."""
        matrix = weight.detach().cpu().double().numpy()
        return cls(matrix, np.zeros(len(matrix)) if bias is None else bias.detach().cpu().double().numpy())

    def logits(self, features: Array) -> Floats:
        """Return the logits (n, K) of features (n, D)."""
        found: Floats = features @ self.weight.T + self.bias
        return found


class Embedding(ABC):
    """A map from images to vectors in which distance means something.

    Attributes:
        name: what to call it, with whatever fixes its numbers (weights' hash, training set).
        notes: what a reader should know about it (a classifier's held-out accuracy).
        accuracy: held-out accuracy of a classifier trained for the purpose, or ``None``.
        head: the layer that makes a classifier's logits of the features, where there is one: see the Inception Score.
        spatial: an embedding of the same network's feature maps, which sFID is of, or ``None``.
        probed: whether it was tried on a few images, or needs no trial.
    """

    name: str
    notes: tuple[str, ...] = ()
    accuracy: Estimate | None = None
    head: Head | None = None
    spatial: Embedding | None = None
    probed: bool = False

    @abstractmethod
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Map float32 images (n, C, H, W) in [0, 1] to float32 features (n, D) on the same device."""

    def to(self, device: str) -> Self:  # noqa: ARG002
        """Move the weights, where there are any, to a torch device and return the embedding."""
        return self
