"""The variational autoencoder of Kingma & Welling 2014, with a Gaussian pixel noise whose size is learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from didlearn.rng import Stream
from didlearn.zoo.autoencoder import AutoencoderRecipe, AutoencoderTraining
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.recipe import Training, step_down


@dataclass(frozen=True)
class VaeRecipe(AutoencoderRecipe):
    """Settings of a variational autoencoder.

    Attributes:
        beta: weight of the Kullback–Leibler term; 1 is the evidence bound.
    """

    name: ClassVar[str] = "vae"
    summary: ClassVar[str] = "The evidence bound, with a Gaussian pixel noise whose size is learned."
    source: ClassVar[str] = "Kingma & Welling 2014; noise as in Rybkin, Daniilidis & Levine 2021"

    beta: float = 1.0

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make encoder and decoder."""
        return VaeTraining(self, data, rng)


class VaeTraining(AutoencoderTraining):
    """min D log σ + ‖decoder(z) - x‖²/2σ² + β KL(q(z|x) ‖ N(0, I)), z ~ q(z|x), pixels in [0, 1].

    σ² is the batch's own mean squared error, the best there is for it (Rybkin et al. 2021).
    """

    recipe: VaeRecipe
    stochastic = True

    def step(self, source: StepData) -> dict[str, Tensor]:
        """One step on the bound, in nats an image."""
        x = source.real().images
        mean, log_variance = (codes.float() for codes in self.pair.codes(x))
        log_variance = log_variance.clamp(-12, 12)
        z = mean + (log_variance / 2).exp() * source.normal(*mean.shape)
        error = (self.pair.decoder(z) - x).div(2).square().mean()
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        pixels = math.prod(x.shape[1:])
        loss = pixels * 0.5 * (error + 1e-6).log() + self.recipe.beta * divergence
        step_down(self.optimizers["pair"], loss)
        return {"bound": loss + pixels * 0.5 * (1 + math.log(2 * math.pi)), "error": error, "divergence": divergence}

    def settle(self, data: TrainingSet) -> None:
        """Nothing: the prior is N(0, I) by construction."""
