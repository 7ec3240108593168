"""``likelihood-and-fidelity``: do likelihood and Fréchet distance rank generators alike (Friedman & Weiss 2024)?

The open question of their paper: a Fréchet distance asks how samples look, a likelihood whether held-out images are
among what the generator makes. Over a set of models, of several kinds and trainings, both are measured alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from didlearn.errors import UsageError
from didlearn.evidence.log_evidence import make_settings
from didlearn.models import open_model
from didlearn.models.base import LatentModel
from didlearn.result.values import CheckResult
from didlearn.rng import Stream
from didlearn.studies.annealed_bounds import CHAINS
from didlearn.studies.likelihood_and_fidelity.measures import (
    dequantised_heldout,
    likelihood_entries,
    require_density,
)
from didlearn.studies.likelihood_and_fidelity.summary import agreement_result
from didlearn.studies.sample_distance import sample_distance
from didlearn.studies.study import Study, StudyCell, StudyRow, Workplace, ends
from didlearn.studies.trained import Data, recipe_of, train_or_resume
from didlearn.zoo.training.watch import watching_embedding

_MODELS = ("dcgan", "wgan-gp", "r3gan", "vae", "autoencoder", "glo")
_OFFERED = (*_MODELS, "bigan")


@dataclass(frozen=True)
class LikelihoodAndFidelity(Study):
    """Fréchet distance and likelihood of held-out images, over kinds of models and lengths of training.

    Attributes:
        data: what to train on, as ``open_images`` takes it. size: resized to, or ``None``.
        models: kinds that are trained. lengths: steps of training. widths: of the decoder. seeds: models of each.
        folders: models that are there already, as ``open_model`` takes them.
        latent: dimension. critic_steps: of WGAN-GP's critic for each step. batch: images of a step.
        discriminator_width: of the critics' and of the encoders' first layer.
        images: held-out ones whose likelihood is estimated. sigma: of the observation, for all models. budget:
            gradients a chain.
    """

    name: ClassVar[str] = "likelihood-and-fidelity"
    question: ClassVar[str] = "Do likelihood and Fréchet distance rank generators alike?"
    FULL: ClassVar[Mapping[str, object]] = {
        "models": _OFFERED,
        "lengths": (1_000, 3_000, 10_000, 30_000),
        "widths": (32, 64),
        "seeds": 3,
        "latent": 64,
        "critic_steps": 5,
        "discriminator_width": 64,
        "images": 200,
        "budget": 1_000,
    }

    data: str = "digits"
    size: int | None = None
    models: tuple[str, ...] = _MODELS
    lengths: tuple[int, ...] = (200, 600, 1_800)
    widths: tuple[int, ...] = (8,)
    seeds: int = 2
    folders: tuple[str, ...] = ()
    latent: int = 16
    critic_steps: int = 2
    batch: int = 64
    discriminator_width: int = 8
    images: int = 16
    sigma: float = 0.1
    budget: int = 200

    def __post_init__(self) -> None:
        unknown = [name for name in self.models if name not in _OFFERED]
        if unknown:
            raise UsageError(f"the study {self.name} trains {', '.join(_OFFERED)}; got {', '.join(self.models)}")
        if self.images < 2 or not self.sigma > 0:
            raise UsageError(f"give at least 2 images and a sigma above 0; got {self.images} and {self.sigma}")
        make_settings(chains=CHAINS, budget=self.budget)  # refuses what is too little before anything is trained

    def cells(self) -> list[StudyCell]:
        """One for each kind, length, width and seed, and for each folder."""
        trained = [
            {"model": model, "steps": steps, "width": width, "seed": seed}
            for seed in range(self.seeds)
            for steps in self.lengths
            for width in self.widths
            for model in self.models
        ]
        return [*trained, *({"folder": folder} for folder in self.folders)]

    def run_cell(self, cell: StudyCell, rng: Stream, place: Workplace) -> StudyRow:
        """Train a model or open it; measure its samples' distance and held-out images' likelihood."""
        data = Data.of(self.data, rng.seed, self.size)
        model = self._model(cell, data, rng, place)
        shared = Stream(rng.seed, ("study", self.name))
        embedding = watching_embedding(data.train, data.heldout, place.cache, place.device)
        distance = sample_distance(model, data.heldout, embedding, shared.child("fidelity"), place.device)
        images = dequantised_heldout(data.heldout, self.images, shared.child("likelihood"))
        row = likelihood_entries(model, images, self.sigma, self.budget, rng.seed, place.device)
        return {"frechet_distance": ends(distance), **row}

    def _model(self, cell: StudyCell, data: Data, rng: Stream, place: Workplace) -> LatentModel:
        if "folder" in cell:
            opened = open_model(cell["folder"], device=place.device, trust_code=place.trust_code)
            return require_density(opened, cell["folder"], data)
        recipe = recipe_of(
            cell["model"], steps=cell["steps"], width=cell["width"], latent=self.latent, batch=self.batch,
            critic_steps=self.critic_steps, discriminator_width=self.discriminator_width,
            encoder_width=self.discriminator_width,
        )  # fmt: skip
        return train_or_resume(recipe, data, rng, place)[0]

    def summarise(self, rows: list[StudyRow]) -> CheckResult:
        """The rank correlation over models, by kind and all together, and every model's numbers."""
        return agreement_result(self.name, self.sigma, rows)
