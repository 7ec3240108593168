"""A linear generator with a thousand classes, whose nearest points and likelihoods are known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from didlearn.images import open_images
from didlearn.images.base import Images
from didlearn.models.oracles import PPCA

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32


class ClassPlanes(PPCA):
    """x = W z + b + c_y: parallel planes, one for each class y, c_y its offset."""

    kind = "planes"

    def __init__(self, classes: int = 1000, d: int = 16, seed: int = 0, scale: float = 1.0) -> None:
        g = torch.Generator().manual_seed(seed)
        W = torch.linalg.qr(torch.randn(PIXELS, d, generator=g, dtype=torch.float64))[0] * scale
        super().__init__(W, torch.full((PIXELS,), 0.5, dtype=torch.float64), SHAPE, "planes")
        self.offsets = 0.05 * torch.randn(classes, PIXELS, generator=g)
        self.classes = classes
        self.asked: list[tuple[int, ...]] = []

    def decode(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        assert labels is not None
        self.asked.append(tuple(labels.unique().tolist()))
        return super().decode(z) + self.offsets[labels].to(z).view(-1, *SHAPE)

    def without(self, x: Any, labels: Any) -> torch.Tensor:
        """Images (n, C, H, W) less their classes' offsets: what the plane through b makes of them."""
        return torch.as_tensor(x).double() - self.offsets[torch.as_tensor(labels)].double().view(-1, *SHAPE)

    def class_evidence(self, x: Any, labels: Any, sigma: float) -> np.ndarray:
        """Log p(x|y), (n,), by Woodbury's formula: D × D would take minutes."""
        r, W, s2 = self.without(x, labels).flatten(1) - self.b, self.W, sigma**2
        M = W.T @ W + s2 * torch.eye(W.shape[1], dtype=torch.float64)
        fit = r @ W
        quadratic = (r.square().sum(1) - (fit * torch.linalg.solve(M, fit.T).T).sum(1)) / s2
        log_det = torch.logdet(M) + (PIXELS - len(M)) * np.log(s2)
        return (-(quadratic + log_det + PIXELS * np.log(2 * np.pi)) / 2).numpy()

    def distances(self, x: Any, labels: Any) -> np.ndarray:
        """The squared distance per pixel of images from their class's plane, (n,)."""
        r = self.without(x, labels).flatten(1) - self.b
        Q = torch.linalg.qr(self.W)[0]
        return (r - r @ Q @ Q.T).square().mean(dim=1).numpy()

    def images(self, count: int, seed: int, sigma: float, labelled: bool = True) -> Images:
        """Images of evenly drawn classes with noise, as floats; nearly all within [0, 1]."""
        g = torch.Generator().manual_seed(seed)
        y = torch.randint(self.classes or 1, (count,), generator=g)
        clean = self.decode(torch.randn(count, self.W.shape[1], generator=g), y)
        x = clean + sigma * torch.randn(clean.shape, generator=g)
        opened = open_images(x.clamp(0, 1).float().numpy())
        return Images(opened.reader, opened.shape, "planes", y.numpy()) if labelled else opened
