"""The networks a model folder can name: z -> images or (z, labels) -> images.

Each has its arguments as a pydantic model, and a module made of them. To add one, write the two and name them in
``ARCHITECTURES``.
"""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

Shape = tuple[int, int, int]
Width = Annotated[int, Field(ge=1, le=2**20)]
Output = Literal["tanh", "sigmoid", "linear"]
OUTPUTS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "linear": nn.Identity}
RANGES: dict[str, tuple[float, float] | None] = {"tanh": (-1, 1), "sigmoid": (0, 1), "linear": None}


class Arguments(BaseModel):
    """What of an architecture is not told by the shapes of its latent and its images."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Architecture(nn.Module):
    """A network that a model folder can hold.

    A label is one-hot and appended to the flattened latent.
    """

    arguments: Arguments
    prior = "normal"

    def __init__(self, latent_shape: tuple[int, ...], image_shape: Shape, classes: int | None) -> None:
        super().__init__()
        self.latent_shape, self.image_shape, self.classes = tuple(latent_shape), tuple(image_shape), classes
        self.value_range: tuple[float, float] | None = None
        self.width_in = math.prod(self.latent_shape) + (classes or 0)

    def joined(self, z: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (n, *latent_shape) and labels (n,) as (n, d + classes)."""
        flat = z.flatten(1)
        if self.classes is None:
            return flat
        assert labels is not None, "a conditional network is called with labels"
        return torch.cat([flat, functional.one_hot(labels, self.classes).to(flat.dtype)], dim=1)


class MlpArguments(Arguments):
    """Widths of the hidden layers, and what follows the last."""

    name: Literal["mlp"] = "mlp"
    hidden: Annotated[tuple[Width, ...], Field(max_length=64)] = (256, 256)
    output: Output = "tanh"


class Mlp(Architecture):
    """Linear layers with ReLU between them."""

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: Shape, classes: int | None = None, **arguments: Any
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        self.arguments = given = MlpArguments(**arguments)
        self.value_range = RANGES[given.output]
        widths = [self.width_in, *given.hidden]
        layers: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], math.prod(image_shape)), OUTPUTS[given.output]())

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, C, H, W)."""
        return self.layers(self.joined(z, labels)).reshape(len(z), *self.image_shape)


class DcganArguments(Arguments):
    """Channels of the last hidden layer, how often the size doubles, and what follows the last layer."""

    name: Literal["dcgan"] = "dcgan"
    width: Width = 32
    blocks: Annotated[int, Field(ge=1, le=8)] = 3
    output: Output = "tanh"


class Dcgan(Architecture):
    """Radford et al. 2016: a first transposed convolution, then ``blocks`` that double the size and halve the channels.

    The first layer makes (width · 2^(blocks − 1), H / 2^blocks, W / 2^blocks); kernels of 4, stride 2, padding 1;
    batch normalisation and ReLU everywhere but behind the last.

    Raises:
        ValueError: the image's sides are no multiples of 2^blocks.
    """

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: Shape, classes: int | None = None, **arguments: Any
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        self.arguments = given = DcganArguments(**arguments)
        self.value_range = RANGES[given.output]
        channels, height, width = image_shape
        if height % 2**given.blocks or width % 2**given.blocks:
            raise ValueError(f"{given.blocks} blocks need sides that are multiples of {2**given.blocks}")
        start = (height // 2**given.blocks, width // 2**given.blocks)
        widths = [given.width * 2**i for i in reversed(range(given.blocks))]
        layers: list[nn.Module] = [nn.ConvTranspose2d(self.width_in, widths[0], start, bias=False)]
        for n_in, n_out in itertools.pairwise(widths):
            layers += [nn.BatchNorm2d(n_in), nn.ReLU(), nn.ConvTranspose2d(n_in, n_out, 4, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(widths[-1]), nn.ReLU(), nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)]
        self.layers = nn.Sequential(*layers, OUTPUTS[given.output]())

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, C, H, W)."""
        return self.layers(self.joined(z, labels)[:, :, None, None])


class MemoryArguments(Arguments):
    """How many images are stored."""

    name: Literal["memory"] = "memory"
    items: Annotated[int, Field(ge=1, le=2**27)]


class Memory(Architecture):
    """A generator that has memorised: images = softmax(β K z) V, with a key and an image per stored item.

    With a large inverse temperature β it shows the item whose key suits the latent best; with a smaller one, mixtures.
    """

    value_range: tuple[float, float] | None

    def __init__(
        self, latent_shape: tuple[int, ...], image_shape: Shape, classes: int | None = None, **arguments: Any
    ) -> None:
        super().__init__(latent_shape, image_shape, classes)
        self.arguments = given = MemoryArguments(**arguments)
        self.value_range = (0, 1)
        self.keys = nn.Parameter(torch.zeros(given.items, self.width_in))
        self.values = nn.Parameter(torch.zeros(given.items, math.prod(image_shape)))
        self.inverse_temperature = nn.Parameter(torch.ones(()))

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, C, H, W)."""
        shares = (self.inverse_temperature * self.joined(z, labels) @ self.keys.T).softmax(dim=1)
        return (shares @ self.values).reshape(len(z), *self.image_shape)

    LABEL_KEY: ClassVar[float] = 100.0

    @classmethod
    def of(
        cls,
        images: torch.Tensor,
        latent: int,
        inverse_temperature: float,
        generator: torch.Generator,
        labels: torch.Tensor | None = None,
    ) -> Memory:
        """Store images (N, C, H, W) in [0, 1] under random keys of unit length.

        With labels (N,), a class is drawn from its own images alone.
        """
        classes = None if labels is None else int(labels.max()) + 1
        shape = (images.shape[1], images.shape[2], images.shape[3])
        memory = cls((latent,), shape, classes, items=len(images))
        keys = functional.normalize(torch.randn(len(images), latent, generator=generator), dim=1)
        if labels is not None:
            keys = torch.cat([keys, cls.LABEL_KEY * functional.one_hot(labels, classes or 0)], dim=1)
        with torch.no_grad():
            memory.keys.copy_(keys)
            memory.values.copy_(images.flatten(1))
            memory.inverse_temperature.fill_(inverse_temperature)
        return memory


ARCHITECTURES: dict[str, type[Architecture]] = {"mlp": Mlp, "dcgan": Dcgan, "memory": Memory}
AnyArguments = Annotated[MlpArguments | DcganArguments | MemoryArguments, Field(discriminator="name")]
