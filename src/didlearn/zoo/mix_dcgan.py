"""MIX+DCGAN: Arora, Ge, Liang, Ma & Zhang 2017, several generators against several discriminators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from didlearn.models.architectures import Architecture, Mixture
from didlearn.rng import Stream
from didlearn.zoo.training.adversarial import GanRecipe
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.networks import Critic, initialise
from didlearn.zoo.training.recipe import Training, adam, step_down


@dataclass(frozen=True)
class MixDcganRecipe(GanRecipe):
    """Settings of a mixture of DCGANs.

    Attributes:
        parts: generators, and as many discriminators. entropy: weight of the regulariser that keeps all in use.
    """

    name: ClassVar[str] = "mix-dcgan"
    summary: ClassVar[str] = "Several generators and discriminators, each pair weighed; the weights are learned."
    source: ClassVar[str] = "Arora, Ge, Liang, Ma & Zhang 2017"

    parts: int = 3
    entropy: float = 0.1

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make the generators, the discriminators, and both sides' weights."""
        return MixTraining(self, data, rng)


class Critics(nn.Module):
    """Discriminators under weights softmax(``logits``)."""

    def __init__(self, data: TrainingSet, width: int, parts: int) -> None:
        super().__init__()
        self.critics = nn.ModuleList(Critic(data.shape, width, "batch") for _ in range(parts))
        self.logits = nn.Parameter(torch.zeros(parts))

    def forward(self, x: Tensor) -> Tensor:
        """Scores (parts, n) of images (n, C, H, W)."""
        return torch.stack([critic(x)[:, 0] for critic in self.critics])


class MixTraining(Training):
    """Σ_ij w_i u_j [softplus(-D_j(x)) + softplus(D_j(G_i(z)))], each side with its regulariser.

    The regulariser is the paper's R(w) = -(1/T) Σ log w_i, least at equal weights; it is added to each side's loss.
    """

    def __init__(self, recipe: MixDcganRecipe, data: TrainingSet, rng: Stream) -> None:
        self.recipe = recipe
        part = recipe.decoder(data.shape).model_dump()
        self.mixture = Mixture((recipe.latent + 1,), data.shape, None, part=part, parts=recipe.parts)
        self.critics = Critics(data, recipe.discriminator_width, recipe.parts)
        initialise(self.mixture, rng.torch("generator"))
        initialise(self.critics, rng.torch("critic"))
        self.networks = nn.ModuleDict({"mixture": self.mixture, "critics": self.critics}).to(data.device)
        rate, betas = recipe.learning_rate, (0.5, 0.999)
        self.optimizers = {
            "mixture": adam(self.mixture.parameters(), rate, betas),
            "critics": adam(self.critics.parameters(), rate, betas),
        }

    def step(self, source: StepData) -> dict[str, Tensor]:
        """Train the discriminators and their weights, then the generators and theirs."""
        critic = self._critic_loss(source)
        step_down(self.optimizers["critics"], critic)
        generator = self._generator_loss(source)
        step_down(self.optimizers["mixture"], generator)
        return {"critic": critic, "generator": generator}

    def _critic_loss(self, source: StepData) -> Tensor:
        weights, shares = self.critics.logits.softmax(0), self.mixture.logits.softmax(0).detach()
        with torch.no_grad():
            fakes = self._fakes(source)
        on_real = softplus(-self.critics(source.real().images)).mean(dim=1)
        on_fake = sum(share * softplus(self.critics(x)).mean(dim=1) for share, x in zip(shares, fakes, strict=True))
        return weights @ (on_real + on_fake) + self.recipe.entropy * unevenness(self.critics.logits)

    def _generator_loss(self, source: StepData) -> Tensor:
        weights, shares = self.critics.logits.softmax(0).detach(), self.mixture.logits.softmax(0)
        losses = torch.stack([weights @ softplus(-self.critics(x)).mean(dim=1) for x in self._fakes(source)])
        return shares @ losses + self.recipe.entropy * unevenness(self.mixture.logits)

    def _fakes(self, source: StepData) -> list[Tensor]:
        z = source.normal(len(self.mixture.generators), self.recipe.batch, self.recipe.latent)
        return [generator(part).float() for generator, part in zip(self.mixture.generators, z, strict=True)]

    def product(self) -> Architecture:
        """Return the mixture of generators."""
        return self.mixture


def unevenness(logits: Tensor) -> Tensor:
    """Return -(1/T) Σ log w_i of w = softmax(logits)."""
    return -logits.log_softmax(0).mean()
