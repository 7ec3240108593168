"""What is inverted: rows of targets, and how far from them a decoded latent is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import torch

from didlearn.derivatives.footprint import row_bytes, rows_together
from didlearn.derivatives.jacobian import half_square
from didlearn.derivatives.starts import Decode, Draws
from didlearn.embeddings.base import Embedding
from didlearn.errors import ModelError
from didlearn.models.base import LatentModel
from didlearn.rng import Stream


@dataclass(frozen=True)
class Target:
    """Rows of targets; called with points z (n, d), it returns residuals r (n, m): ‖r‖² is what is minimised.

    Attributes:
        model: whose decoder it is. labels: (n,) class of each row, or ``None``.
        x: (n, m) what the decoded image should be: flat pixels, or their features.
        embedding: the space of ``x``, or ``None`` for pixels.
        penalty: weight of ‖z‖² beside the squared distance (σ² of an observation N(G(z), σ²)).
        row_bytes: what the graph of a row takes.
    """

    model: LatentModel
    x: torch.Tensor
    labels: torch.Tensor | None = None
    embedding: Embedding | None = None
    penalty: float = 0.0
    row_bytes: int = 1

    def __len__(self) -> int:
        return len(self.x)

    @property
    def width(self) -> int:
        """The length m of a residual."""
        return self.x.shape[1] + (math.prod(self.model.latent_shape) if self.penalty else 0)

    @property
    def together(self) -> int:
        """How many rows share a graph."""
        return rows_together(self.row_bytes)

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        """Return f(G(z)) − x, and √penalty · z after it."""
        r = self.describe(self.decode(z)) - self.x
        return torch.cat([r, math.sqrt(self.penalty) * z], dim=1) if self.penalty else r

    def objective(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ½‖r‖² (n,) and its gradient (n, d), as many at a time as fit."""
        blocks = torch.arange(len(z), device=z.device).split(self.together)
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
        """Return the latents (n, count, d) of the draws nearest to each row, nearest first.

        Raises:
            ModelError: no draw's image is finite.
        """
        found = draws.nearest(
            decode_as(self.model, self.embedding),
            lambda rows, outputs: torch.cdist(self.x[rows], outputs),
            self.labels,
            len(self),
            count,
        )
        if not found.finite:
            raise ModelError(f"{self.model.name} made NaN or infinite pixels of all {len(draws.z)} prior draws")
        return found.z


def decode_as(model: LatentModel, embedding: Embedding | None) -> Decode:
    """Return the map from points (n, d) and labels to images as they are compared."""

    def decode(points: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return described(model.decode(points.view(-1, *model.latent_shape), labels), embedding)

    return decode


def draw_starts(model: LatentModel, count: int, rng: Stream, device: str) -> Draws:
    """Draw ``count`` latents from the prior, the same for every target."""
    return Draws(model.sample_prior(count, rng).flatten(1).to(device))


def graph_of(model: LatentModel, embedding: Embedding | None, draws: Draws) -> int:
    """Return the bytes that a row's graph takes: a rule of the network, not of the machine."""
    decode = decode_as(model, embedding)

    def run(rows: int) -> torch.Tensor:
        labels = None if model.classes is None else torch.zeros(rows, dtype=torch.int64, device=draws.z.device)
        return decode(draws.z[:1].repeat(rows, 1).requires_grad_(), labels)

    return row_bytes(run)


def described(images: torch.Tensor, embedding: Embedding | None) -> torch.Tensor:
    """Return images (n, C, H, W) as they are compared: flat pixels, or their features, (n, m)."""
    return images.flatten(1) if embedding is None else embedding(images).flatten(1)
