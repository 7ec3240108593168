"""ALI (Dumoulin et al. 2017): the game of a BiGAN with an encoder that draws its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from didlearn.rng import Stream
from didlearn.zoo.bigan import BiganRecipe, BiganTraining
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.recipe import Training

_EXTREME = 12.0  # beyond exp(±12) a variance is one of no use, and its gradient overflows


@dataclass(frozen=True)
class AliRecipe(BiganRecipe):
    """Settings of an ALI: those of a BiGAN."""

    name: ClassVar[str] = "ali"
    summary: ClassVar[str] = "A BiGAN whose encoder is random: it gives a mean and a variance, and draws."
    source: ClassVar[str] = "Dumoulin et al. 2017"

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make the generator, the encoder and the discriminator of pairs."""
        return AliTraining(self, data, rng)


class AliTraining(BiganTraining):
    """The loss of a BiGAN with E(x) = μ(x) + σ(x) ε, ε ~ N(0, I): both are trained through the draw."""

    stochastic = True

    def code(self, x: Tensor, source: StepData) -> Tensor:
        """Draw a code for each image."""
        mean, log_variance = (part.float() for part in self.pair.codes(x))
        deviation = (log_variance.clamp(-_EXTREME, _EXTREME) / 2).exp()
        return mean + deviation * source.normal(*mean.shape)
