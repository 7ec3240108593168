"""DCGAN: Radford, Metz & Chintala 2016, with the non-saturating loss of Goodfellow et al. 2014."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import softplus

from didlearn.rng import Stream
from didlearn.zoo.training.adversarial import GanRecipe, GanTraining
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.recipe import Training, step_down


@dataclass(frozen=True)
class DcganRecipe(GanRecipe):
    """Settings of a DCGAN: those of every GAN."""

    name: ClassVar[str] = "dcgan"
    summary: ClassVar[str] = "Convolutions, batch normalisation, and the non-saturating loss."
    source: ClassVar[str] = "Radford, Metz & Chintala 2016"

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make the generator and its discriminator."""
        return DcganTraining(self, data, rng, "batch", betas=(0.5, 0.999))


class DcganTraining(GanTraining):
    """min_D softplus(-D(x)) + softplus(D(G(z))); min_G softplus(-D(G(z)))."""

    def train_critic(self, source: StepData) -> Tensor:
        """Real and generated images go through batch normalisation apart, as in the paper."""
        real, fake = self.critic(source.real().images), self.critic(self.fake(source).detach())
        loss = softplus(-real).mean() + softplus(fake).mean()
        step_down(self.optimizers["critic"], loss)
        return loss

    def train_generator(self, source: StepData) -> Tensor:
        """One step against the discriminator of the moment."""
        loss = softplus(-self.critic(self.fake(source))).mean()
        step_down(self.optimizers["generator"], loss)
        return loss
