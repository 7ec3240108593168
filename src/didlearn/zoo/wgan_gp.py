"""WGAN-GP: Gulrajani et al. 2017."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from didlearn.rng import Stream
from didlearn.zoo.training.adversarial import GanRecipe, GanTraining, slope
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.recipe import Training, step_down


@dataclass(frozen=True)
class WganGpRecipe(GanRecipe):
    """Settings of a WGAN-GP.

    Attributes:
        critic_steps: of the critic for each one of the generator. penalty: λ, on slopes that are not 1.
    """

    name: ClassVar[str] = "wgan-gp"
    summary: ClassVar[str] = "The Wasserstein distance, with a critic whose slope is held at 1."
    source: ClassVar[str] = "Gulrajani et al. 2017"

    steps: int = 3_000
    discriminator_width: int = 16
    critic_steps: int = 5
    penalty: float = 10.0

    @property
    def batches(self) -> int:
        """One for each step of the critic."""
        return self.critic_steps

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make the generator and its critic, which has no batch normalisation: a slope belongs to one image."""
        return WganGpTraining(self, data, rng, "none", betas=(0.0, 0.9))


class WganGpTraining(GanTraining):
    """min_D D(G(z)) - D(x) + λ (‖∇D(x̂)‖ - 1)² with x̂ between x and G(z); min_G -D(G(z))."""

    recipe: WganGpRecipe

    def train_critic(self, source: StepData) -> Tensor:
        """Take ``critic_steps`` steps; return the last loss."""
        loss = torch.zeros(())
        for _ in range(self.recipe.critic_steps):
            loss = self._critic_step(source)
        return loss

    def _critic_step(self, source: StepData) -> Tensor:
        real = source.real().images
        with torch.no_grad():
            fake = self.fake(source)
        between = torch.lerp(real, fake, source.uniform(len(real), 1, 1, 1)).requires_grad_()
        on_real, on_fake, on_between = self.critic(torch.cat([real, fake, between])).split(len(real))
        penalty = self.recipe.penalty * (slope(on_between, between).add(1e-12).sqrt() - 1).square().mean()
        loss = on_fake.mean() - on_real.mean() + penalty
        step_down(self.optimizers["critic"], loss)
        return loss

    def train_generator(self, source: StepData) -> Tensor:
        """One step up the critic's score."""
        loss = -self.critic(self.fake(source)).mean()
        step_down(self.optimizers["generator"], loss)
        return loss
