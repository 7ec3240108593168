"""BiGAN (Donahue et al. 2017): an encoder learned by the game itself. With a random encoder it is ALI (``ali``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import softplus

from didlearn.models.architectures import Architecture
from didlearn.rng import Stream
from didlearn.zoo.training.adversarial import GanRecipe
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.networks import JointCritic, initialise
from didlearn.zoo.training.recipe import Training, adam, coder_pair, step_down


@dataclass(frozen=True)
class BiganRecipe(GanRecipe):
    """Settings of a BiGAN.

    Attributes:
        encoder_width: channels of the encoder's first layer.
    """

    name: ClassVar[str] = "bigan"
    summary: ClassVar[str] = "A generator and an encoder, whose pairs one discriminator tells apart."
    source: ClassVar[str] = "Donahue, Krähenbühl & Darrell 2017"

    encoder_width: int = 32

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make the generator, the encoder and the discriminator of pairs."""
        return BiganTraining(self, data, rng)


class BiganTraining(Training):
    """min_D softplus(-D(x, E(x))) + softplus(D(G(z), z)); min_{G,E} the same with the signs turned.

    Attributes:
        stochastic: whether the encoder gives a variance as well, which ``code`` then has to draw with.
    """

    stochastic: ClassVar[bool] = False

    def __init__(self, recipe: BiganRecipe, data: TrainingSet, rng: Stream) -> None:
        self.recipe = recipe
        self.pair = coder_pair(recipe, data, recipe.encoder_width, stochastic=self.stochastic)
        self.critic = JointCritic(data.shape, recipe.latent, recipe.discriminator_width)
        initialise(self.pair, rng.torch("pair"))
        initialise(self.critic, rng.torch("critic"))
        self.networks = nn.ModuleDict({"pair": self.pair, "critic": self.critic}).to(data.device)
        rate, betas = recipe.learning_rate, (0.5, 0.999)
        self.optimizers = {
            "pair": adam(self.pair.parameters(), rate, betas),
            "critic": adam(self.critic.parameters(), rate, betas),
        }

    def step(self, source: StepData) -> dict[str, Tensor]:
        """Train the discriminator, then generator and encoder on the same images."""
        x, z = source.real().images, source.normal(self.recipe.batch, self.recipe.latent)
        code, fake = self.code(x, source), self.pair.decoder(z).float()
        critic = self._loss(x, code.detach(), fake.detach(), z, 1)
        step_down(self.optimizers["critic"], critic)
        pair = self._loss(x, code, fake, z, -1)
        step_down(self.optimizers["pair"], pair)
        return {"critic": critic, "pair": pair}

    def code(self, x: Tensor, source: StepData) -> Tensor:  # noqa: ARG002 (a random encoder draws from it)
        """Return the codes (n, d) of images (n, C, H, W): of this encoder, one for each image."""
        return self.pair.codes(x)[0].float()

    def _loss(self, x: Tensor, code: Tensor, fake: Tensor, z: Tensor, sign: int) -> Tensor:
        real, made = self.critic(x, code), self.critic(fake, z)
        return softplus(-sign * real).mean() + softplus(sign * made).mean()

    def product(self) -> Architecture:
        """Return the generator with its encoder."""
        return self.pair
