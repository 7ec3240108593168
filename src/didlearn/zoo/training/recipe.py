"""A recipe is how one paper trains one model: its fields are its settings.

To add a model, write one file with a ``Recipe`` (the settings), whose ``build`` makes a ``Training`` (the networks,
their optimizers, and one step), and name it in ``didlearn.zoo.registry``.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar

import torch
from torch import Tensor, nn

from didlearn.arrays import ImageShape
from didlearn.embeddings.training.optimizers import Adam
from didlearn.errors import UsageError
from didlearn.models.architectures import Architecture, Autoencoder
from didlearn.models.architectures.dcgan import DcganArguments
from didlearn.naming import option
from didlearn.rng import Stream
from didlearn.zoo.training.data import StepData, TrainingSet


class Training(ABC):
    """Networks in the making.

    Attributes:
        networks: everything that has weights. optimizers: of those weights, by name.
        average: the generator whose weights follow the trained one's slowly, where the recipe wants that.
    """

    networks: nn.ModuleDict
    optimizers: dict[str, torch.optim.Optimizer]

    @abstractmethod
    def step(self, source: StepData) -> dict[str, Tensor]:
        """Take one training step; return the losses by name, as tensors of one number."""

    @abstractmethod
    def product(self) -> Architecture:
        """Return the network that is saved. Its weights may go on being trained."""

    def settle(self, data: TrainingSet) -> None:  # noqa: B027 (most models have nothing to settle)
        """Fit what is fitted once the networks are trained, before ``product`` is asked for."""


@dataclass(frozen=True)
class Recipe(ABC):
    """Settings that all models share.

    Attributes:
        latent: dimension of the latent.
        width: channels of the generator's last hidden layer; those before have 2×, 4× … as many.
        batch: images of one training step.
        steps: training steps (of the generator).

    Raises:
        UsageError: a setting is out of its range.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    source: ClassVar[str]
    conditional: ClassVar[bool] = False

    latent: int = 64
    width: int = 32
    batch: int = 64
    steps: int = 10_000

    def __post_init__(self) -> None:
        least = {"batch": 2}
        for field in fields(self):
            value = getattr(self, field.name)
            low = least.get(field.name, 1) if isinstance(value, int) else 0
            if not (math.isfinite(value) and value >= low):
                raise UsageError(f"{self.name}: {field.name} is {value}; give a number of at least {low}")

    @property
    def batches(self) -> int:
        """Batches of training images that one step asks for."""
        return 1

    @abstractmethod
    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make the networks, with weights drawn from ``rng``, on the data's device."""

    def decoder(self, shape: ImageShape) -> DcganArguments:
        """Return the generator's shape: as many doublings of the side as leave a first map of 3 to 9 pixels.

        Raises:
            UsageError: the side is no such multiple.
        """
        return DcganArguments(width=self.width, blocks=doublings(shape))


def doublings(shape: ImageShape) -> int:
    """Return how often a map of 3 to 9 pixels a side is doubled to give the image.

    Raises:
        UsageError: the image's sides are no such multiples, or below 8.
    """
    blocks = 0
    sides = list(shape[1:])
    while all(side % 2 == 0 for side in sides) and min(sides) > 4:
        sides = [side // 2 for side in sides]
        blocks += 1
    if blocks == 0 or min(shape[1:]) < 8 or max(sides) > 9:
        raise UsageError(
            f"images are {shape[1]}×{shape[2]}; the models here are made for sides that halve down to 9 pixels or "
            f"fewer, such as 8, 28, 32, 64: give {option('size')}"
        )
    return blocks


def coder_pair(recipe: Recipe, data: TrainingSet, encoder_width: int, *, stochastic: bool) -> Autoencoder:
    """Return the recipe's decoder with an encoder; ``stochastic``: one that gives a variance too."""
    decoder = recipe.decoder(data.shape).model_dump()
    return Autoencoder(
        (recipe.latent,), data.shape, None, decoder=decoder, encoder_width=encoder_width, stochastic=stochastic
    )


def adam(parameters: Iterable[nn.Parameter], rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    """Return Adam on these parameters."""
    return Adam(list(parameters), rate, betas=betas)


def step_down(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one step down the loss's gradient."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


class Average:
    """A copy of a network whose weights are the running mean of the trained one's (Karras et al. 2018).

    The first steps count for less: at step t the old mean keeps min(keep, 1 - 1/(t + 2)) of itself.
    """

    def __init__(self, network: Architecture, keep: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.keep = keep

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """Move towards the network's weights; take its buffers as they are."""
        weight = 1 - min(self.keep, 1 - 1 / (step + 2))
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), weight)
        for old, new in zip(self.network.buffers(), network.buffers(), strict=True):
            old.copy_(new)
