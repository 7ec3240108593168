"""What is inverted: rows of targets, and how far from them a decoded latent is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import torch

from didlearn.derivatives.jacobian import half_square
from didlearn.derivatives.starts import Draws, decode_draws
from didlearn.embeddings.base import Embedding
from didlearn.models.base import LatentModel
from didlearn.rng import Stream

_ROWS = 128  # in one graph: more would not be faster, and take memory


@dataclass(frozen=True)
class Target:
    """Rows of targets; called with points z (n, d), it returns residuals r (n, m): ‖r‖² is what is minimised.

    Attributes:
        model: whose decoder it is. labels: (n,) class of each row, or ``None``.
        x: (n, m) what the decoded image should be: flat pixels, or their features.
        embedding: the space of ``x``, or ``None`` for pixels.
        penalty: weight of ‖z‖² beside the squared distance (σ² of an observation N(G(z), σ²)).
    """

    model: LatentModel
    x: torch.Tensor
    labels: torch.Tensor | None = None
    embedding: Embedding | None = None
    penalty: float = 0.0

    def __len__(self) -> int:
        return len(self.x)

    @property
    def width(self) -> int:
        """The length m of a residual."""
        return self.x.shape[1] + (math.prod(self.model.latent_shape) if self.penalty else 0)

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        """Return f(G(z)) − x, and √penalty · z after it."""
        r = self.describe(self.decode(z)) - self.x
        return torch.cat([r, math.sqrt(self.penalty) * z], dim=1) if self.penalty else r

    def objective(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ½‖r‖² (n,) and its gradient (n, d), ``_ROWS`` at a time."""
        blocks = torch.arange(len(z), device=z.device).split(_ROWS)
        values, gradients = zip(*(half_square(self.rows(rows), z[rows]) for rows in blocks), strict=True)
        return torch.cat(values), torch.cat(gradients)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return the images (n, C, H, W) of points (n, d)."""
        return self.model.decode(z.view(-1, *self.model.latent_shape), self.labels)

    def describe(self, images: torch.Tensor) -> torch.Tensor:
        """Return the flat pixels or the features of images, (n, m)."""
        return described(images, self.embedding)

    def rows(self, index: torch.Tensor) -> Self:
        """Return the chosen rows."""
        return replace(self, x=self.x[index], labels=None if self.labels is None else self.labels[index])

    def nearest(self, draws: Draws, count: int) -> torch.Tensor:
        """Return the latents (n, count, d) of the draws nearest to each row, nearest first."""
        return draws.nearest(torch.cdist(self.x, draws.outputs), self.labels, count)


def draw_starts(model: LatentModel, count: int, embedding: Embedding | None, rng: Stream, device: str) -> Draws:
    """Decode ``count`` prior draws (of every class, where there are classes), the same for every target.

    Raises:
        ModelError: no draw's image is finite.
    """
    z = model.sample_prior(count, rng).flatten(1).to(device)
    classes = None if model.classes is None else torch.arange(model.classes, device=device)

    def decode(points: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return described(model.decode(points.view(-1, *model.latent_shape), labels), embedding)

    return decode_draws(z, decode, classes, model.name)


def described(images: torch.Tensor, embedding: Embedding | None) -> torch.Tensor:
    """Return images (n, C, H, W) as they are compared: flat pixels, or their features, (n, m)."""
    return images.flatten(1) if embedding is None else embedding(images).flatten(1)
