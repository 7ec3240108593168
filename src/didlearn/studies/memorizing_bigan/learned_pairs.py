"""A BiGAN that is trained on a law, and the pairs (image, code) that discriminators judge it by."""

from __future__ import annotations

import torch

from didlearn.images import Images, open_images
from didlearn.models.architectures import Autoencoder
from didlearn.models.module import ModuleModel
from didlearn.rng import Stream
from didlearn.studies.memorizing_bigan.discriminators import ImageCode
from didlearn.studies.memorizing_bigan.smoothed_law import SmoothedLaw
from didlearn.studies.study import Workplace
from didlearn.studies.trained import Data, train_or_resume
from didlearn.zoo.bigan import BiganRecipe

_HELDOUT = 4_000


class LearnedPairs:
    """The two sides of a BiGAN's objective, both in the units of the law: (x̃, E(x̃)) and (G(z), z).

    Networks of the zoo see and make pixels within [0, 1], and the law's noise leaves that range. So they are trained on
    (x̃ + b) / (1 + 2b) for b = five standard deviations of the noise, and what they make is mapped back: were it
    clipped instead, any discriminator could tell by the pixels that only the law has.
    """

    def __init__(self, law: SmoothedLaw, model: ModuleModel) -> None:
        assert isinstance(model.module, Autoencoder), "a BiGAN is saved with its encoder"
        self.law, self.model, self.module = law, model, model.module
        self.border = border(law)

    @torch.no_grad()
    def code(self, x: torch.Tensor) -> torch.Tensor:
        """Return E(x̃): (n, latent), on the CPU."""
        low, high = self.model.value_range or (0.0, 1.0)
        inside = (x + self.border) / (1 + 2 * self.border)
        return self.module.codes((inside * (high - low) + low).to(self.model.network.device))[0].cpu()

    @torch.no_grad()
    def real(self, count: int, generator: torch.Generator) -> ImageCode:
        """Draw (x̃, E(x̃))."""
        x = self.law.draw(count, generator)
        return x, self.code(x)

    @torch.no_grad()
    def generated(self, count: int, generator: torch.Generator) -> ImageCode:
        """Draw (G(z), z)."""
        z = torch.randn(count, *self.model.latent_shape, generator=generator)
        made = self.model.decode(z.to(self.model.network.device)).cpu()
        return made * (1 + 2 * self.border) - self.border, z


def learn(
    recipe: BiganRecipe, law: SmoothedLaw, images: int, stream: Stream, place: Workplace
) -> tuple[LearnedPairs, float]:
    """Train a BiGAN on ``images`` draws from the law; return its pairs and its Fréchet distance in pixels.

    Raises:
        ModelError: the training diverged.
    """
    data = Data(_drawn(law, images, stream, "train"), _drawn(law, _HELDOUT, stream, "heldout"))
    model, distance = train_or_resume(recipe, data, stream, place)
    return LearnedPairs(law, model), distance


def border(law: SmoothedLaw) -> float:
    """Return how far beyond [0, 1] the law's pixels go, but for one in 3 million."""
    return 5 * law.noise


def _drawn(law: SmoothedLaw, count: int, stream: Stream, name: str) -> Images:
    b = border(law)
    inside = ((law.draw(count, stream.torch(name)) + b) / (1 + 2 * b)).clamp(0, 1)
    return open_images((255 * inside).round().to(torch.uint8).numpy(), name=name)
