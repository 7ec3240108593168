"""The deterministic autoencoder of Pinetz, Soukup & Pock 2019: squared error, and the generator's own decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from didlearn.models.architectures import Architecture
from didlearn.rng import Stream
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.networks import initialise
from didlearn.zoo.training.recipe import Recipe, Training, adam, coder_pair, step_down

CODED = 5_000  # images whose codes tell how codes are spread


@dataclass(frozen=True)
class AutoencoderRecipe(Recipe):
    """Settings of an autoencoder.

    Attributes:
        encoder_width: channels of the encoder's first layer. learning_rate: of Adam.
    """

    name: ClassVar[str] = "autoencoder"
    summary: ClassVar[str] = "Reconstruction in the squared error; draws by a Gaussian fitted to its codes."
    source: ClassVar[str] = "Pinetz, Soukup & Pock 2019"

    encoder_width: int = 32
    learning_rate: float = 1e-3

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make encoder and decoder."""
        return AutoencoderTraining(self, data, rng)


class AutoencoderTraining(Training):
    """min ‖decoder(encoder(x)) - x‖²."""

    stochastic = False

    def __init__(self, recipe: AutoencoderRecipe, data: TrainingSet, rng: Stream) -> None:
        self.recipe = recipe
        self.pair = coder_pair(recipe, data, recipe.encoder_width, stochastic=self.stochastic)
        initialise(self.pair, rng.torch("pair"), spread=None)
        self.networks = nn.ModuleDict({"pair": self.pair}).to(data.device)
        self.optimizers = {"pair": adam(self.pair.parameters(), recipe.learning_rate, (0.9, 0.999))}

    def step(self, source: StepData) -> dict[str, Tensor]:
        """One step on the squared error per pixel, pixels in [0, 1]."""
        x = source.real().images
        error = (self.pair.reconstruct(x) - x).div(2).square().mean()
        step_down(self.optimizers["pair"], error)
        return {"error": error}

    @torch.no_grad()
    def settle(self, data: TrainingSet) -> None:
        """Fit a Gaussian to the codes of training images: without one an autoencoder is no generator."""
        self.pair.eval()
        some = data.spread(CODED).split(256)
        self.pair.settle(torch.cat([self.pair.codes(data.scaled(part))[0] for part in some]))
        self.pair.train()

    def product(self) -> Architecture:
        """Return the decoder with its encoder."""
        return self.pair
