"""The memorising generator and the noise-extracting encoder (Arora, Risteski and Zhang 2018, Theorems 3 and 5).

A noised image x = x̃ ⊙ z is an image x̃ whose coordinates pos_j = j⌊d/d̃⌋, j = 1..d̃, carry the code z. The encoder
reads them off, E(x) = x[pos]. The generator cuts the codes into m cells of equal probability under ν = N(0, s²I) and
gives each cell one memorised image, G(z) = x*_{ind(z)} ⊙ z, so that E(G(z)) = z and the code says nothing of x̃.

As a ReLU network (Theorem 5, its slips mended), with τ_l = s·Φ⁻¹(½ + l/2k) and a step of width w at each:

    |z_j|   = relu(z_j) + relu(−z_j)
    S_{j,l} = relu((|z_j| − τ_l)/w + ½) − relu((|z_j| − τ_l)/w − ½),  S_{j,0} = 1, S_{j,k} = 0
    b_{j,l} = S_{j,l−1} − S_{j,l}                                      one-hot: where |z_j| lies
    L       = Σ_j k^{j−1} Σ_l (l−1) b_{j,l}                            the cell, 0..m−1
    B_i     = relu(L−i+1) − 2 relu(L−i) + relu(L−i−1)                  one-hot again
    F       = Σ_i B_i x*_i,  then F[pos] = z

Published, the index is Σ_j k^j Σ_l l·b_{j,l}, which does not run over 0..m−1; and where d̃ does not divide d, more than
d̃ coordinates are multiples of ⌊d/d̃⌋: only the first d̃ are used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import norm
from torch import nn
from torch.distributions import Distribution, Independent, Normal

from didlearn.arrays import Pixels
from didlearn.errors import UsageError
from didlearn.zoo.memorizing.circuit import (
    SLACK,
    Wired,
    absolute,
    constant,
    decimal,
    digits,
    hats,
    one_hot,
    overwrite,
    steps,
)

_STEEPEST = 2.0**39
_FURTHEST = 10.0  # standard deviations


def noise_positions(dimension: int, latent: int) -> torch.Tensor:
    """Return the (latent,) flat coordinates, counted from 0, that carry the code: j⌊d/d̃⌋ − 1 for j = 1..d̃.

    Raises:
        UsageError: there is no room for a code beside an image.
    """
    if not 1 <= latent < dimension:
        raise UsageError(
            f"a code of {latent} numbers does not fit into images of {dimension}; give at least 1 and fewer than that"
        )
    return torch.arange(1, latent + 1) * (dimension // latent) - 1


def noised(images: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Return x̃ ⊙ z: images (n, ...) with the codes (n, latent) written over ``noise_positions``."""
    flat = images.flatten(1).clone()
    flat[:, noise_positions(flat.shape[1], z.shape[1])] = z.to(flat.dtype)
    return flat.reshape(images.shape)


def equal_cells(support: int, latent: int) -> tuple[int, ...]:
    """Return into how many parts each of the first r ≤ latent coordinates is cut, so that there are ``support`` cells.

    The prime factors of ``support`` are spread as evenly as they go: 81 on 4 coordinates is (3, 3, 3, 3), 6 is (3, 2).

    Raises:
        UsageError: there are fewer than two cells, or no coordinate.
    """
    if support < 2 or latent < 1:
        raise UsageError(f"{support} cells of {latent} coordinates were asked for; give at least 2 cells, 1 coordinate")
    parts = [1] * latent
    for prime in sorted(_primes(support), reverse=True):
        parts[parts.index(min(parts))] *= prime
    return tuple(sorted((k for k in parts if k > 1), reverse=True))


def _primes(number: int) -> list[int]:
    found, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return found + ([number] if number > 1 else [])


class NoiseEncoder(nn.Module):
    """E(x) = x[pos]: ``latent`` weights of 1.

    Args:
        image_shape: (C, H, W). latent: d̃.
    """

    def __init__(self, image_shape: tuple[int, int, int], latent: int) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.read = Wired(noise_positions(math.prod(image_shape), latent)[:, None], np.ones((latent, 1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the codes (n, latent), float64, of images (n, C, H, W) or flat ones."""
        return self.read(x.flatten(1).double())


class MemorizingGenerator(nn.Module):
    """G(z) = x*_{ind(z)} ⊙ z as a network of linear layers and ReLUs, in float64.

    It opens as a model: ``didlearn.open_model(generator)`` reads latent shape, image shape, prior and range from it.

    Args:
        memory: (m, C, H, W) the memorised images x*.
        latent: d̃, the numbers of a code.
        cells: parts (k_1, ..., k_r), r ≤ d̃, the first r coordinates are cut into, with ∏ k_j = m; the other
            coordinates do not matter. ``equal_cells(m, latent)`` if not given.
        delta: bound on the total variation between the network's law and that of its definition, ``lookup``:
            w = δ / (Σ_j (k_j − 1) · 2φ(0)/s).
        scale: s, the standard deviation of the codes.

    Attributes:
        latent_shape, image_shape, prior, value_range: how ``open_model`` runs it.
        support: m. cells: (k_1, ..., k_r). width: w. thresholds: the τ of each cut coordinate.

    Raises:
        UsageError: an argument does not fit, or ``delta`` is too small for float64.
    """

    value_range = None

    def __init__(
        self,
        memory: torch.Tensor | Pixels,
        latent: int,
        *,
        cells: Sequence[int] | None = None,
        delta: float = 1e-3,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        images = torch.as_tensor(memory)
        _check_memory(images)
        positions = noise_positions(images[0].numel(), latent)
        self.support, self.scale = len(images), float(scale)
        self.latent_shape = (latent,)
        self.image_shape = (int(images.shape[1]), int(images.shape[2]), int(images.shape[3]))
        self.cells = _check_cells(equal_cells(self.support, latent) if cells is None else cells, self.support, latent)
        self.width = _step_width(self.cells, delta, scale)
        self.prior: str | Distribution = "normal" if scale == 1 else _normal(latent, scale)
        self.thresholds = [torch.from_numpy(scale * norm.ppf(0.5 + np.arange(1, k) / (2 * k))) for k in self.cells]
        self.signs, self.absolute = absolute(len(self.cells))
        self.steps = steps(self.thresholds, self.width)
        self.doubt, self.one_hot = one_hot(self.cells)
        self.digits, self.index = digits(self.cells), decimal(self.cells)
        self.rises, self.hats = hats(self.support)
        self.memory = constant(images.flatten(1))
        self.overwrite = overwrite(self.memory.shape[1], positions)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return the images (n, C, H, W), float64, of codes (n, latent)."""
        z = z.double()
        hidden = z
        for layer in self._layers():
            hidden = torch.relu(layer(hidden))
        image = self.overwrite(torch.cat([hidden @ self.memory, z], dim=1))
        return image.reshape(-1, *self.image_shape)

    def _layers(self) -> list[Wired]:
        selector = [self.signs, self.absolute, self.steps, self.doubt, self.one_hot]
        return [*selector, self.digits, self.index, self.rises, self.hats]

    def cell(self, z: torch.Tensor) -> torch.Tensor:
        """Return ind(z) in 0..m−1, (n,) int64, by comparing |z_j| with the thresholds."""
        index, radix = torch.zeros(len(z), dtype=torch.int64, device=z.device), 1
        for j, (k, tau) in enumerate(zip(self.cells, self.thresholds, strict=True)):
            index += radix * torch.searchsorted(tau.to(z.device), z[:, j].double().abs().contiguous())
            radix *= k
        return index

    def lookup(self, z: torch.Tensor) -> torch.Tensor:
        """Return x*_{ind(z)} ⊙ z, (n, C, H, W), float64: what the network computes, by definition."""
        return noised(self.memory[self.cell(z)].reshape(-1, *self.image_shape), z)

    @property
    def mismatch(self) -> float:
        """The probability that a code falls on a step, where the network is not its definition: at most ``delta``."""
        half = self.width * (0.5 - SLACK)
        outside = 1.0
        for tau in self.thresholds:
            high, low = norm.cdf((tau + half) / self.scale), norm.cdf((tau - half) / self.scale)
            outside *= 1 - 2 * float((high - low).sum())
        return 1 - outside

    def weights(self) -> dict[str, int]:
        """Return how many weights of each part are not zero, biases apart."""
        return {
            "absolute": self.signs.wires + self.absolute.wires,
            "selector": self.steps.wires + self.doubt.wires,
            "index": self.one_hot.wires + self.digits.wires + self.index.wires,
            "hats": self.rises.wires + self.hats.wires,
            "memory": int(torch.count_nonzero(self.memory)),
            "overwrite": self.overwrite.wires,
        }


def _check_memory(images: torch.Tensor) -> None:
    if images.ndim != 4 or len(images) < 2 or images.shape[1] not in (1, 3):
        raise UsageError(
            f"the memory has the shape {tuple(images.shape)}; give at least 2 images, (m, C, H, W) with C = 1 or 3"
        )
    if not images.is_floating_point() or not bool(torch.isfinite(images).all()):
        raise UsageError("the memory must hold finite floating-point pixels; divide 8-bit images by 255")


def _check_cells(cells: Sequence[int], support: int, latent: int) -> tuple[int, ...]:
    found = tuple(int(k) for k in cells)
    if not found or len(found) > latent or min(found) < 1 or math.prod(found) != support:
        raise UsageError(
            f"cells {found} cut {len(found)} of {latent} coordinates into {math.prod(found)} cells for {support} "
            f"memorised images; give at most {latent} whole numbers whose product is {support}"
        )
    return found


def _step_width(cells: tuple[int, ...], delta: float, scale: float) -> float:
    if not 0 < delta <= 0.5 or not 0 < scale < math.inf:
        raise UsageError(f"delta must lie in (0, 0.5] and the scale above 0; got delta={delta!r} and scale={scale!r}")
    count = sum(k - 1 for k in cells)
    width = delta / (count * 2 * float(norm.pdf(0)) / scale)
    if _FURTHEST * scale / width > _STEEPEST:
        raise UsageError(
            f"delta={delta!r} with {count} thresholds needs steps steeper than float64 resolves; "
            f"give delta above {delta * _FURTHEST * scale / width / _STEEPEST:.1e}, or cut more coordinates"
        )
    return width


def _normal(latent: int, scale: float) -> Distribution:
    return Independent(Normal(torch.zeros(latent), torch.full((latent,), float(scale))), 1)
