"""What the unconditional GANs share: a generator, a critic of images, and how the one's weights are averaged."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from didlearn.models.architectures import Architecture, Dcgan
from didlearn.models.architectures.convolutions import Normalisation
from didlearn.rng import Stream
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.networks import Critic, initialise
from didlearn.zoo.training.recipe import Average, Recipe, Training, adam


@dataclass(frozen=True)
class GanRecipe(Recipe):
    """Settings of a GAN.

    Attributes:
        discriminator_width: channels of the discriminator's first layer ("dim"); the next have 2×, 4×, 8× as many.
        learning_rate: of Adam, for both networks.
        average: how much of itself the running mean of the generator's weights keeps at each step; 0: no mean.
    """

    discriminator_width: int = 32
    learning_rate: float = 2e-4
    average: float = 0.0


class GanTraining(Training):
    """A generator against a critic. Subclasses say what one step of each is."""

    def __init__(
        self,
        recipe: GanRecipe,
        data: TrainingSet,
        rng: Stream,
        normalisation: Normalisation,
        betas: tuple[float, float],
    ) -> None:
        self.recipe = recipe
        self.generator = self._generator(recipe, data)
        self.critic = Critic(data.shape, recipe.discriminator_width, normalisation)
        initialise(self.generator, rng.torch("generator"))
        initialise(self.critic, rng.torch("critic"))
        self.networks = nn.ModuleDict({"generator": self.generator, "critic": self.critic}).to(data.device)
        self.optimizers = {
            "generator": adam(self.generator.parameters(), recipe.learning_rate, betas),
            "critic": adam(self.critic.parameters(), recipe.learning_rate, betas),
        }
        self.average = Average(self.generator, recipe.average) if recipe.average else None
        if self.average is not None:
            self.networks["average"] = self.average.network

    def _generator(self, recipe: GanRecipe, data: TrainingSet) -> Architecture:
        shape = recipe.decoder(data.shape).model_dump(exclude={"name"})
        return Dcgan((recipe.latent,), data.shape, None, **shape)

    def fake(self, source: StepData) -> Tensor:
        """Draw a batch of images, float32."""
        return self.generator(source.normal(self.recipe.batch, self.recipe.latent)).float()

    def step(self, source: StepData) -> dict[str, Tensor]:
        """Train the critic, then the generator."""
        losses = {"critic": self.train_critic(source), "generator": self.train_generator(source)}
        if self.average is not None:
            self.average.follow(self.generator, source.step)
        return losses

    @abstractmethod
    def train_critic(self, source: StepData) -> Tensor:
        """Step the critic; return its loss."""

    @abstractmethod
    def train_generator(self, source: StepData) -> Tensor:
        """Step the generator; return its loss."""

    def product(self) -> Architecture:
        """Return the generator, or the mean of it."""
        return self.generator if self.average is None else self.average.network


def slope(scores: Tensor, x: Tensor) -> Tensor:
    """Return the squared norm of each score's gradient at its image: (n,), differentiable."""
    (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1)
