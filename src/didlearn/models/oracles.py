"""Models whose answers are known exactly: what estimators are tested on, here and by users."""

from __future__ import annotations

import hashlib
import math
from functools import cached_property

import numpy as np
import torch

from didlearn.arrays import Floats, Ints, Pixels, Singles
from didlearn.errors import UsageError
from didlearn.models.base import LatentModel, Sampler, Samples
from didlearn.models.drawing import DecodedImages, in_blocks, pixel_notes
from didlearn.models.prior import log_density, sample_latents
from didlearn.parallel import UNIT
from didlearn.progress import Progress, silent
from didlearn.rng import Stream


def atom_probabilities(count: int, *masses: float) -> Floats:
    """Return (count,) probabilities: the first points have ``masses``, the others share the rest evenly."""
    rest = count - len(masses)
    if rest < 1 or any(mass < 0 for mass in masses) or sum(masses) > 1:
        raise UsageError(
            f"masses {masses} do not fit {count} points: each at least 0, together at most 1, fewer points"
        )
    return np.concatenate([masses, np.full(rest, (1 - sum(masses)) / rest)])


class DiscreteGenerator(Sampler):
    """Draws image ``i`` with probability p_i, independently, and may add normal noise to its pixels.

    Args:
        images: (N, C, H, W), uint8 or float in [0, 1].
        probabilities: (N,) p, uniform if not given.
        sigma: standard deviation of the noise, in units of the range [0, 1]; pixels are clipped afterwards.
        labels: (N,) class of each image, or ``None``.
    """

    kind = "discrete"

    def __init__(
        self,
        images: Pixels,
        probabilities: Floats | None = None,
        *,
        sigma: float = 0.0,
        labels: Ints | None = None,
        name: str = "discrete generator",
    ) -> None:
        self.points = images if images.dtype == np.uint8 else np.rint(images * 255).astype(np.uint8)
        shares = np.ones(len(images)) if probabilities is None else np.asarray(probabilities, dtype=float)
        if self.points.ndim != 4 or shares.shape != (len(images),) or (shares < 0).any() or shares.sum() <= 0:
            raise UsageError(
                f"a discrete generator takes images (N, C, H, W) and N probabilities; "
                f"got {images.shape} and {shares.shape}"
            )
        self.probabilities = shares / shares.sum()
        self.sigma, self.labels, self.name = sigma, labels, name
        self.image_shape = (int(images.shape[1]), int(images.shape[2]), int(images.shape[3]))
        self.classes = None if labels is None else int(labels.max()) + 1
        self._cumulative = np.cumsum(self.probabilities)

    @property
    def collision_probability(self) -> float:
        """Σ p²: the probability that two draws are the same point."""
        return float(np.square(self.probabilities).sum())

    @property
    def effective_support(self) -> float:
        """1 / Σ p²."""
        return 1 / self.collision_probability

    @cached_property
    def fingerprint(self) -> str:
        """Hash of images, probabilities and noise."""
        digest = hashlib.blake2b(repr((self.points.shape, self.sigma)).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self.points).tobytes())
        digest.update(self.probabilities.tobytes())
        return digest.hexdigest()

    def draw_index(self, count: int, rng: Stream) -> Ints:
        """Return which points the first ``count`` draws are: (count,) int64."""
        last = len(self.points) - 1

        def block(number: int) -> Ints:
            u = rng.numpy("index", number).random(UNIT) * self._cumulative[-1]
            return np.minimum(np.searchsorted(self._cumulative, u, side="right"), last)

        return in_blocks(count, block)

    def draw(
        self,
        count: int,
        rng: Stream,
        *,
        device: str = "cpu",  # noqa: ARG002 (nothing is computed)
        batch_size: int = 256,  # noqa: ARG002
        threads: int | None = None,  # noqa: ARG002
        advance: Progress = silent,
        label_weights: Floats | None = None,  # noqa: ARG002 (labels are those of the points)
    ) -> Samples:
        """Draw ``count`` images independently: duplicates are the point."""
        index = self.draw_index(count, rng)
        images = self.points[index]
        if self.sigma:
            noise = in_blocks(count, lambda block: self._noise(rng, block))
            images = np.rint(np.clip(images + noise, 0, 255)).astype(np.uint8)
        advance(f"drawing from {self.name}", count, count)
        labels = None if self.labels is None else self.labels[index].astype(np.int64)
        pixels = DecodedImages(images, np.ones(count, dtype=bool), np.zeros(count, dtype=np.int64))
        return Samples(images, labels, pixels.finite, pixel_notes(pixels))

    def _noise(self, rng: Stream, block: int) -> Singles:
        normal = rng.numpy("noise", block).standard_normal((UNIT, *self.image_shape), dtype=np.float32)
        return normal * np.float32(255 * self.sigma)


class PPCA(LatentModel):
    """Probabilistic PCA: x = W z + b with z ~ N(0, I); with noise N(0, σ²), log p(x) is known.

    Args:
        W: (D, d) loadings, D = C·H·W. b: (D,) mean. image_shape: (C, H, W).
    """

    kind = "ppca"
    value_range = None

    def __init__(self, W: torch.Tensor, b: torch.Tensor, image_shape: tuple[int, int, int], name: str = "PPCA") -> None:
        if W.ndim != 2 or b.shape != (len(W),) or math.prod(image_shape) != len(W):
            raise UsageError(f"PPCA takes W (D, d), b (D,) and D = C·H·W; got {tuple(W.shape)}, {tuple(b.shape)}")
        self.W, self.b, self.image_shape, self.name = W, b, image_shape, name
        self.latent_shape = (W.shape[1],)

    def log_prior(self, z: torch.Tensor) -> torch.Tensor:
        """Log N(z; 0, I), in nats: (n,)."""
        return log_density("normal", z)

    def sample_prior(self, count: int, rng: Stream) -> torch.Tensor:
        """Latents (count, d)."""
        return sample_latents("normal", self.latent_shape, count, rng)

    def decode(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:  # noqa: ARG002
        """W z + b as images, in the dtype and on the device of ``z``."""
        return (z @ self.W.to(z).T + self.b.to(z)).reshape(len(z), *self.image_shape)

    def log_evidence(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        """Log N(x; b, W Wᵀ + σ² I) of images (n, C, H, W), in nats: (n,) float64."""
        W, b = self.W.double(), self.b.double()
        covariance = W @ W.T + sigma**2 * torch.eye(len(W), dtype=torch.float64)
        return torch.distributions.MultivariateNormal(b, covariance).log_prob(x.double().flatten(1))

    def posterior(self, x: torch.Tensor, sigma: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean (n, d) and covariance (d, d) of z given x: Σ = σ² M⁻¹, μ = M⁻¹ Wᵀ (x − b), M = WᵀW + σ² I."""
        W, b = self.W.double(), self.b.double()
        M = W.T @ W + sigma**2 * torch.eye(W.shape[1], dtype=torch.float64)
        return torch.linalg.solve(M, W.T @ (x.double().flatten(1) - b).T).T, sigma**2 * torch.linalg.inv(M)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of W and b."""
        digest = hashlib.blake2b(repr((self.W.shape, self.image_shape)).encode(), digest_size=16)
        for tensor in (self.W, self.b):
            digest.update(tensor.double().contiguous().numpy().tobytes())
        return digest.hexdigest()
