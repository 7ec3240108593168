"""Denoising diffusion: Ho, Jain & Abbeel 2020, sampled without noise as Song, Meng & Ermon 2021 do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from didlearn.models.architectures import Architecture, Diffusion
from didlearn.models.architectures.diffusion import LEVELS, linear_schedule
from didlearn.rng import Stream
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.networks import initialise
from didlearn.zoo.training.recipe import Average, Recipe, Training, adam, step_down


@dataclass(frozen=True)
class DiffusionRecipe(Recipe):
    """Settings of a diffusion model. Its latent is noise of the image's own shape: ``latent`` is not used.

    Attributes:
        sampling_steps: deterministic steps from noise to image. learning_rate: of Adam.
        average: how much of itself the running mean of the weights keeps at each step.
    """

    name: ClassVar[str] = "diffusion"
    summary: ClassVar[str] = "A denoiser for every level of noise; sampled in a few deterministic steps."
    source: ClassVar[str] = "Ho, Jain & Abbeel 2020; sampled as in Song, Meng & Ermon 2021"

    sampling_steps: int = 20
    learning_rate: float = 1e-3
    average: float = 0.999

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make the denoiser."""
        return DiffusionTraining(self, data, rng)


class DiffusionTraining(Training):
    """min E ‖ε − denoiser(√ᾱ x + √(1 − ᾱ) ε, t)‖², t uniform over 1000 steps, ε ~ N(0, I), pixels in [−1, 1]."""

    def __init__(self, recipe: DiffusionRecipe, data: TrainingSet, rng: Stream) -> None:
        self.recipe = recipe
        self.model = Diffusion(data.shape, data.shape, None, width=recipe.width, sampling_steps=recipe.sampling_steps)
        initialise(self.model, rng.torch("denoiser"), spread=None)
        self.average = Average(self.model, recipe.average)
        self.networks = nn.ModuleDict({"model": self.model, "average": self.average.network}).to(data.device)
        self.optimizers = {"denoiser": adam(self.model.denoiser.parameters(), recipe.learning_rate, (0.9, 0.999))}
        self.alphas = torch.from_numpy(linear_schedule()).float().to(data.device)

    def step(self, source: StepData) -> dict[str, Tensor]:
        """One step on the error of the noise found, at a level of its own for each image."""
        x = source.real().images
        t = (source.uniform(len(x)) * LEVELS).long().clamp_max(LEVELS - 1)
        alpha, noise = self.alphas[t].view(-1, 1, 1, 1), source.normal(*x.shape)
        found = self.model.denoiser(alpha.sqrt() * x + (1 - alpha).sqrt() * noise, t.to(x.dtype)).float()
        error = (found - noise).square().mean()
        step_down(self.optimizers["denoiser"], error)
        self.average.follow(self.model, source.step)
        return {"error": error}

    def product(self) -> Architecture:
        """Return the model under the running mean of its weights."""
        return self.average.network
