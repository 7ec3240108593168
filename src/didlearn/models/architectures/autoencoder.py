"""A decoder whose codes have a distribution of their own, alone (``Affine``) or with its encoder (``Autoencoder``)."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from didlearn.arrays import ImageShape
from didlearn.models.architectures.base import Architecture, ArchitectureArguments, Width
from didlearn.models.architectures.convolutions import halving
from didlearn.models.architectures.dcgan import Dcgan, DcganArguments
from didlearn.models.architectures.mlp import Mlp, MlpArguments

DecoderArguments = Annotated[MlpArguments | DcganArguments, Field(discriminator="name")]
_DECODERS: dict[str, type[Architecture]] = {"mlp": Mlp, "dcgan": Dcgan}


class AffineArguments(ArchitectureArguments):
    """The decoder."""

    name: Literal["affine"] = "affine"
    decoder: DecoderArguments = DcganArguments()


class Affine(Architecture):
    """decoder(mean + map·z) with z ~ N(0, I): a decoder whose codes are spread like N(mean, map mapᵀ).

    Attributes:
        code_mean: (d,). code_map: (d, d) lower triangular. Both start as those of N(0, I); ``settle`` fits them.
    """

    code_mean: torch.Tensor
    code_map: torch.Tensor

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: ImageShape, classes: int | None = None, **arguments: object
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        self.arguments = given = AffineArguments.model_validate(arguments)
        self._assemble(given.decoder)

    def _assemble(self, decoder: MlpArguments | DcganArguments) -> None:
        if len(self.latent_shape) != 1 or self.classes is not None:
            raise ValueError("codes are flat, (d,), and have no classes")
        network = _DECODERS[decoder.name]
        self.decoder = network(self.latent_shape, self.image_shape, None, **decoder.model_dump(exclude={"name"}))
        self.value_range = self.decoder.value_range
        self.register_buffer("code_mean", torch.zeros(self.latent_shape))
        self.register_buffer("code_map", torch.eye(self.latent_shape[0]))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Images (n, C, H, W) of latents (n, d)."""
        return self.decoder(self.code_mean + z @ self.code_map.T)

    @torch.no_grad()
    def settle(self, codes: torch.Tensor) -> None:
        """Fit mean and map to codes (n, d): a Gaussian with their moments, so that N(0, I) draws codes like them."""
        wide = codes.double()
        centred = wide - wide.mean(dim=0)
        covariance = centred.T @ centred / max(1, len(codes) - 1)
        floor = 1e-6 * covariance.diagonal().mean().clamp_min(1e-12)
        factor = torch.linalg.cholesky(covariance + floor * torch.eye(len(covariance)).to(covariance))
        self.code_mean.copy_(wide.mean(dim=0))
        self.code_map.copy_(factor)

    def latents(self, codes: torch.Tensor) -> torch.Tensor:
        """Return the latents (n, d) of codes (n, d)."""
        return torch.linalg.solve_triangular(self.code_map, (codes - self.code_mean).T, upper=False).T


class AutoencoderArguments(ArchitectureArguments):
    """The decoder, the channels of the encoder's first layer, and whether the encoder gives a variance too."""

    name: Literal["autoencoder"] = "autoencoder"
    decoder: DecoderArguments = DcganArguments()
    encoder_width: Width = 32
    stochastic: bool = True


class Autoencoder(Affine):
    """A decoder with its encoder: convolutions that halve the image, and one linear layer.

    Attributes:
        log_variance: (d,) of the latents a deterministic encoder gives, fixed: they have no spread of their own, and
            a proposal needs one.
    """

    log_variance: torch.Tensor

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: ImageShape, classes: int | None = None, **arguments: object
    ) -> None:
        Architecture.__init__(self, latent_shape, image_shape, classes)
        given = AutoencoderArguments.model_validate(arguments)
        self.arguments: ArchitectureArguments = given
        self._assemble(given.decoder)
        layers, features = halving(image_shape, given.encoder_width, "batch")
        self.stochastic_encoder = given.stochastic
        outputs = self.width_in * (2 if given.stochastic else 1)
        self.encoder = nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, outputs))
        self.register_buffer("log_variance", torch.full(self.latent_shape, -4.0))

    def codes(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log variance (n, d) of the codes of images (n, C, H, W) in the network's value range."""
        found = self.encoder(x)
        if self.stochastic_encoder:
            mean, log_variance = found.chunk(2, dim=1)
            return mean, log_variance
        return found, self.log_variance.expand_as(found)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log variance (n, d) of the latents of images (n, C, H, W) in the network's value range.

        A variational autoencoder's codes are its latents. A deterministic one's are whitened by ``settle``.
        """
        mean, log_variance = self.codes(x)
        return self.latents(mean), log_variance

    def reconstruct(self, x: torch.Tensor) -> torch.Tensor:
        """Return the reconstructions of images (n, C, H, W) in the network's value range."""
        return self.decoder(self.codes(x)[0])
