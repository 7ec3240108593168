"""The stacked GAN of Huang, Li, Poursaeed, Hopcroft & Belongie 2017 ("SGAN"): class to features to image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, softplus

from didlearn.embeddings.classifier_network import FEATURES, ClassifierNetwork
from didlearn.embeddings.training.classifier import Labelled, train_classifier
from didlearn.errors import UsageError
from didlearn.models.architectures import Architecture, Stacked
from didlearn.naming import setting
from didlearn.rng import Stream
from didlearn.zoo.training.adversarial import GanRecipe
from didlearn.zoo.training.data import Batch, StepData, TrainingSet
from didlearn.zoo.training.networks import Critic, initialise
from didlearn.zoo.training.recipe import Training, adam, step_down


@dataclass(frozen=True)
class StackedGanRecipe(GanRecipe):
    """Settings of a stacked GAN.

    Attributes:
        upper_noise: how many of the latents enter the upper generator; the others enter the lower one.
        condition: weight of the conditional loss. entropy: weight of recovering the noise.
        joint: after which share of the steps the lower generator is trained on the upper one's features too.
    """

    name: ClassVar[str] = "stacked-gan"
    summary: ClassVar[str] = "Class to a classifier's features, features to image: two GANs, one upon the other."
    source: ClassVar[str] = "Huang, Li, Poursaeed, Hopcroft & Belongie 2017"
    conditional: ClassVar[bool] = True

    latent: int = 100
    upper_noise: int = 50
    condition: float = 1.0
    entropy: float = 10.0
    joint: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.upper_noise >= self.latent:
            raise UsageError(
                f"{self.name}: upper_noise is {self.upper_noise} of {self.latent} latents; leave at least one to the "
                f"lower generator, as in {setting('upper_noise')}: half of them"
            )

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Train the classifier that the stack inverts, then make both GANs."""
        return StackedGanTraining(self, data, rng)


class Guide(nn.Module):
    """The classifier that is inverted, frozen: images in [-1, 1] to features of unit mean, and features to logits."""

    scale: Tensor

    def __init__(self, network: ClassifierNetwork) -> None:
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        self.register_buffer("scale", torch.ones(()))

    def train(self, mode: bool = True) -> Guide:  # noqa: ARG002 (frozen)
        """Stay in evaluation mode: it is not trained."""
        return super().train(False)

    def features(self, x: Tensor) -> Tensor:
        """(n, C, H, W) to (n, FEATURES), nonnegative."""
        return self.network.features((x + 1) / 2).float() / self.scale

    def logits(self, features: Tensor) -> Tensor:
        """(n, FEATURES) to (n, classes)."""
        return self.network.logits(features * self.scale).float()


def _train_guide(data: TrainingSet, rng: Stream) -> Guide:
    """Train the classifier on the training set."""
    assert data.labels is not None, "the trainer refuses conditional models on unlabelled images"
    assert data.classes is not None, "labelled images have classes"
    labelled = Labelled(data.pixels.cpu().numpy(), data.labels.cpu().numpy(), data.classes)
    guide = Guide(train_classifier(labelled, rng.child("classifier")).float()).to(data.device)
    with torch.no_grad():
        guide.scale.copy_(guide.features(data.scaled(data.spread(1024))).mean())
    return guide


class FeatureCritic(nn.Module):
    """Features (n, h) to a score, and to the noise they were made of."""

    def __init__(self, hidden: int, noise: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(FEATURES, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2)
        )
        self.head = nn.Linear(hidden, 1 + noise)

    def forward(self, h: Tensor) -> Tensor:
        """Return (n, 1 + noise)."""
        return self.head(self.body(h)).float()


class StackedGanTraining(Training):
    """Each generator has its adversary, a conditional loss and an entropy loss.

    upper: cross entropy of the class its features are given; lower: squared error between the features it was given
    and those its image has. The entropy loss is the squared error of an auxiliary head recovering the noise, which
    keeps generators from ignoring it.
    """

    def __init__(self, recipe: StackedGanRecipe, data: TrainingSet, rng: Stream) -> None:
        self.recipe = recipe
        self.guide = _train_guide(data, rng)
        shape = {"lower": recipe.decoder(data.shape).model_dump(), "features": FEATURES}
        self.stack = Stacked((recipe.latent,), data.shape, data.classes, upper_noise=recipe.upper_noise, **shape)
        self.upper_critic = FeatureCritic(8 * recipe.discriminator_width, recipe.upper_noise)
        lower_noise = recipe.latent - recipe.upper_noise
        self.lower_critic = Critic(data.shape, recipe.discriminator_width, "batch", 1 + lower_noise)
        trained = {"stack": self.stack, "upper_critic": self.upper_critic, "lower_critic": self.lower_critic}
        for name, network in trained.items():
            initialise(network, rng.torch(name))
        self.networks = nn.ModuleDict({"guide": self.guide, **trained}).to(data.device)
        self.optimizers = {
            name: adam(network.parameters(), recipe.learning_rate, (0.5, 0.999)) for name, network in trained.items()
        }

    def step(self, source: StepData) -> dict[str, Tensor]:
        """Train both critics, then both generators."""
        batch, z = source.real(), source.normal(self.recipe.batch, self.recipe.latent)
        with torch.no_grad():
            real = self.guide.features(batch.images)
        made = self.stack.features(z, batch.labels).float()
        joint = source.step >= self.recipe.joint * source.steps
        images = self.stack.render(made if joint else real, z).float()
        noise = z.split([self.recipe.upper_noise, z.shape[1] - self.recipe.upper_noise], dim=1)
        upper = self._train_critic("upper_critic", real, made.detach(), noise[0])
        lower = self._train_critic("lower_critic", batch.images, images.detach(), noise[1])
        loss = self._upper_loss(made, batch, noise[0]) + self._lower_loss(images, made if joint else real, noise[1])
        step_down(self.optimizers["stack"], loss)
        return {"upper critic": upper, "lower critic": lower, "generator": loss}

    def _train_critic(self, name: str, real: Tensor, fake: Tensor, noise: Tensor) -> Tensor:
        critic = self.networks[name]
        on_real, on_fake = critic(real), critic(fake)
        loss = softplus(-on_real[:, 0]).mean() + softplus(on_fake[:, 0]).mean()
        loss = loss + self.recipe.entropy * mse_loss(on_fake[:, 1:], noise)
        step_down(self.optimizers[name], loss)
        return loss

    def _upper_loss(self, made: Tensor, batch: Batch, noise: Tensor) -> Tensor:
        assert batch.labels is not None, "the trainer refuses conditional models on unlabelled images"
        condition = cross_entropy(self.guide.logits(made), batch.labels)
        return self._fooling(self.upper_critic(made), noise) + self.recipe.condition * condition

    def _lower_loss(self, images: Tensor, features: Tensor, noise: Tensor) -> Tensor:
        condition = mse_loss(self.guide.features(images), features)
        return self._fooling(self.lower_critic(images), noise) + self.recipe.condition * condition

    def _fooling(self, scores: Tensor, noise: Tensor) -> Tensor:
        return softplus(-scores[:, 0]).mean() + self.recipe.entropy * mse_loss(scores[:, 1:], noise)

    def product(self) -> Architecture:
        """Return both generators."""
        return self.stack
