"""GLO: Bojanowski, Joulin, Lopez-Paz & Szlam 2018, a decoder trained together with every image's own code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from didlearn.embeddings.training.optimizers import SparseAdam
from didlearn.models.architectures import Affine, Architecture
from didlearn.rng import Stream
from didlearn.zoo.training.data import StepData, TrainingSet
from didlearn.zoo.training.networks import initialise
from didlearn.zoo.training.recipe import Recipe, Training, adam, step_down


@dataclass(frozen=True)
class GloRecipe(Recipe):
    """Settings of GLO.

    Attributes:
        learning_rate: of the decoder (Adam). code_rate: of the codes (Adam, only those of the batch).
    """

    name: ClassVar[str] = "glo"
    summary: ClassVar[str] = "No encoder and no game: each training image's code is learned with the decoder."
    source: ClassVar[str] = "Bojanowski, Joulin, Lopez-Paz & Szlam 2018; with the squared error"

    learning_rate: float = 1e-3
    code_rate: float = 1e-2

    def build(self, data: TrainingSet, rng: Stream) -> Training:
        """Make the decoder, and a code for each training image."""
        return GloTraining(self, data, rng)


class GloTraining(Training):
    """min over decoder and codes of ‖decoder(c_i) - x_i‖², with every code in the unit ball.

    Codes start at the images' leading principal components, so that like images start near one another.
    """

    def __init__(self, recipe: GloRecipe, data: TrainingSet, rng: Stream) -> None:
        self.recipe = recipe
        decoder = recipe.decoder(data.shape).model_dump()
        self.model = Affine((recipe.latent,), data.shape, None, decoder=decoder)
        initialise(self.model, rng.torch("decoder"), spread=None)
        start = principal_codes(data, recipe.latent, rng)
        self.codes = nn.Embedding.from_pretrained(start, freeze=False, sparse=True)
        self.networks = nn.ModuleDict({"model": self.model, "codes": self.codes}).to(data.device)
        self.optimizers = {
            "decoder": adam(self.model.parameters(), recipe.learning_rate, (0.9, 0.999)),
            "codes": SparseAdam(list(self.codes.parameters()), recipe.code_rate),
        }

    def step(self, source: StepData) -> dict[str, Tensor]:
        """One step of the decoder and of the batch's codes."""
        batch = source.real()
        error = (self.model.decoder(self.codes(batch.places)) - batch.images).div(2).square().mean()
        self.optimizers["codes"].zero_grad(set_to_none=True)
        step_down(self.optimizers["decoder"], error)
        self.optimizers["codes"].step()
        self._into_ball(batch.places)
        return {"error": error}

    @torch.no_grad()
    def _into_ball(self, index: Tensor) -> None:
        codes = self.codes.weight[index]
        self.codes.weight[index] = codes / codes.norm(dim=1, keepdim=True).clamp_min(1)

    def settle(self, data: TrainingSet) -> None:  # noqa: ARG002 (the codes are at hand)
        """Fit a Gaussian to the codes, as the paper does to draw from the model."""
        self.model.settle(self.codes.weight.detach())

    def product(self) -> Architecture:
        """Return the decoder under the codes' Gaussian."""
        return self.model


def principal_codes(data: TrainingSet, latent: int, rng: Stream) -> Tensor:
    """Return (N, latent) leading principal components of the images, the longest code of length 1.

    Where there are more latents than components, the rest start as small normal numbers.
    """
    from sklearn.utils.extmath import randomized_svd  # here: every command that knows the recipes imports this module

    pixels = data.pixels.flatten(1).float().cpu()
    pixels -= pixels.mean(dim=0)
    rank = min(latent, *pixels.shape)
    seed = int(torch.randint(2**31 - 1, (), generator=rng.torch("svd")))
    left, values, _ = randomized_svd(pixels.numpy(), rank, n_iter=4, random_state=seed)
    codes = 1e-2 * torch.randn(len(pixels), latent, generator=rng.torch("codes"))
    codes[:, :rank] = torch.from_numpy(left * values).float() / float(values[0]) * len(pixels) ** 0.5 / 3
    return codes / codes.norm(dim=1).max()
