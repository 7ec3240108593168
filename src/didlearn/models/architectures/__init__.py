"""The networks a model folder can name: z -> images or (z, labels) -> images.

Each has its arguments as a pydantic model, and a module made of them. To add one, write the two and name them in
``ARCHITECTURES``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from didlearn.models.architectures.autoencoder import Affine, AffineArguments, Autoencoder, AutoencoderArguments
from didlearn.models.architectures.base import Architecture
from didlearn.models.architectures.dcgan import Dcgan, DcganArguments
from didlearn.models.architectures.diffusion import Diffusion, DiffusionArguments
from didlearn.models.architectures.memory import Memory, MemoryArguments
from didlearn.models.architectures.mixture import Mixture, MixtureArguments
from didlearn.models.architectures.mlp import Mlp, MlpArguments
from didlearn.models.architectures.stacked import Stacked, StackedArguments

__all__ = [
    "ARCHITECTURES",
    "Affine",
    "AnyArguments",
    "Architecture",
    "Autoencoder",
    "Dcgan",
    "Diffusion",
    "Memory",
    "Mixture",
    "Mlp",
    "Stacked",
]

ARCHITECTURES: dict[str, type[Architecture]] = {
    "affine": Affine,
    "autoencoder": Autoencoder,
    "dcgan": Dcgan,
    "diffusion": Diffusion,
    "memory": Memory,
    "mixture": Mixture,
    "mlp": Mlp,
    "stacked": Stacked,
}
AnyArguments = Annotated[
    MlpArguments
    | DcganArguments
    | DiffusionArguments
    | MemoryArguments
    | AffineArguments
    | AutoencoderArguments
    | MixtureArguments
    | StackedArguments,
    Field(discriminator="name"),
]
