"""A strong small baseline in the manner of R3GAN: Huang et al. 2024, "The GAN is dead; long live the GAN!"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from didlearn.rng import Stream
from didlearn.zoo.training.adversarial import GanRecipe, GanTraining, slope
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.recipe import Training, step_down


@dataclass(frozen=True)
class R3ganRecipe(GanRecipe):
    """Settings of the baseline.

    Attributes:
        penalty: γ, on the critic's slopes at real (R₁) and at generated images (R₂).
    """

    name: ClassVar[str] = "r3gan"
    summary: ClassVar[str] = "A relativistic loss, slopes penalised on both sides, averaged weights."
    source: ClassVar[str] = "after Huang et al. 2024; its loss on our networks, not its network"

    average: float = 0.999
    penalty: float = 1.0

    @property
    def batches(self) -> int:
        """One for the critic and one for the generator."""
        return 2

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make the generator and its critic, which has no batch normalisation."""
        return R3ganTraining(self, data, rng, "none", betas=(0.0, 0.99))


class R3ganTraining(GanTraining):
    """min_D softplus(D(G(z)) - D(x)) + γ/2 (‖∇D(x)‖² + ‖∇D(G(z))‖²); min_G softplus(D(x) - D(G(z)))."""

    recipe: R3ganRecipe

    def train_critic(self, source: StepData) -> Tensor:
        """One step on pairs of a real and a generated image."""
        real = source.real().images
        with torch.no_grad():
            fake = self.fake(source)
        seen = torch.cat([real, fake]).requires_grad_()
        scores = self.critic(seen)
        on_real, on_fake = scores.split(len(real))
        # The mean over both halves is half of R₁ + R₂.
        loss = softplus(on_fake - on_real).mean() + self.recipe.penalty * slope(scores, seen).mean()
        step_down(self.optimizers["critic"], loss)
        return loss

    def train_generator(self, source: StepData) -> Tensor:
        """One step on pairs of a real and a generated image."""
        on_real, on_fake = self.critic(torch.cat([source.real().images, self.fake(source)])).chunk(2)
        loss = softplus(on_real - on_fake).mean()
        step_down(self.optimizers["generator"], loss)
        return loss
