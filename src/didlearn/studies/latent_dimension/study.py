"""``latent-dimension``: how the latent's size bounds what can be reconstructed (Pinetz, Soukup & Pock 2019).

With the reviewers' objections answered: one decoder for all models; the same search for all, and whether it finds what
is known to be there; how likely the points found are; interpolation and held-out likelihood; several seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from didlearn.embeddings import Embedding
from didlearn.errors import UsageError
from didlearn.evidence.log_evidence import make_settings
from didlearn.images import open_images
from didlearn.naming import option
from didlearn.result.values import CheckResult
from didlearn.rng import Stream
from didlearn.studies.annealed_bounds import CHAINS
from didlearn.studies.latent_dimension.reconstruction import (
    ReconstructionSearch,
    decoder_weights,
    likelihood,
    reconstruction,
    targets,
)
from didlearn.studies.latent_dimension.semi_synthetic import fitted_to_truth, samples_of
from didlearn.studies.latent_dimension.summary import GANS, result_of_rows
from didlearn.studies.sample_distance import sample_distance
from didlearn.studies.study import Study, StudyCell, StudyRow, Workplace
from didlearn.studies.trained import Data, recipe_of, train_or_resume
from didlearn.zoo.training.loop import CHECKPOINT
from didlearn.zoo.training.recipe import Recipe
from didlearn.zoo.training.watch import watching_embedding

_MODELS = ("wgan-gp", "autoencoder", "vae", "glo")
_OFFERED = (*_MODELS, "dcgan", "bigan", "r3gan")


@dataclass(frozen=True)
class LatentDimension(Study):
    """WGAN-GP, autoencoder, VAE and GLO, and other GANs, at several latent sizes with the same decoder.

    Attributes:
        data: what to train on, as ``open_images`` takes it. size: resized to, or ``None``.
        outside: another data set of the same shape, or ``None``.
        models: which of them. latents: dimensions. seeds: models of each kind and size.
        steps: of training. critic_steps: of WGAN-GP's critic for each of these. batch: images of a step.
        width: of the decoder. widths: several of them, a second axis; none: ``width`` alone.
        truth: kind of model whose decoder, trained on the images, is the truth that GANs are fitted to; ``None``: none.
        discriminator_width: of the critic's and of the encoders' first layer.
        images: of each kind that are inverted. reconstructed: held-out ones, for their error and Fréchet distance.
        shifts: in pixels.
        draws, starts, rounds: effort of the search.
        likelihood_images: whose likelihood is estimated; 0: none. sigma: of the observation. budget: gradients a chain.
    """

    name: ClassVar[str] = "latent-dimension"
    question: ClassVar[str] = "How does the latent dimension bound what a generator can reconstruct?"
    FULL: ClassVar[Mapping[str, object]] = {
        "models": _OFFERED,
        "latents": (16, 32, 64, 128, 256, 512, 1024),
        "seeds": 3,
        "steps": 10_000,
        "critic_steps": 5,
        "width": 64,
        "truth": "autoencoder",
        "discriminator_width": 64,
        "images": 100,
        "reconstructed": 500,
        "shifts": (1, 2, 4, 8),
        "draws": 500,
        "starts": 16,
        "rounds": 5,
        "likelihood_images": 50,
        "budget": 500,
    }

    data: str = "digits"
    size: int | None = None
    outside: str | None = None
    models: tuple[str, ...] = _MODELS
    latents: tuple[int, ...] = (2, 8, 32)
    seeds: int = 2
    steps: int = 1_500
    critic_steps: int = 2
    batch: int = 64
    width: int = 8
    widths: tuple[int, ...] = ()
    truth: str | None = None
    discriminator_width: int = 8
    images: int = 12
    reconstructed: int = 64
    shifts: tuple[int, ...] = (1,)
    draws: int = 200
    starts: int = 8
    rounds: int = 2
    likelihood_images: int = 8
    sigma: float = 0.1
    budget: int = 200

    def __post_init__(self) -> None:
        unknown = [name for name in self.models if name not in _OFFERED]
        if unknown or not self.models:
            raise UsageError(f"the study {self.name} compares {', '.join(_OFFERED)}; got {', '.join(self.models)}")
        if self.truth is not None and self.truth not in _OFFERED:
            raise UsageError(f"the truth is one of {', '.join(_OFFERED)}, or none is given; got {self.truth!r}")
        if min(self.images, self.reconstructed) < 2 or self.likelihood_images == 1:
            raise UsageError(
                "an interval needs two images; give images, reconstructed and likelihood_images of at least 2 "
                "(0 likelihood_images: none)"
            )
        if self.likelihood_images > self.reconstructed:
            raise UsageError(
                f"likelihood_images are some of the reconstructed ones, {self.reconstructed}; got "
                f"{self.likelihood_images}"
            )
        if self.likelihood_images:
            make_settings(chains=CHAINS, budget=self.budget)  # refuses what is too little before anything is trained

    def cells(self) -> list[StudyCell]:
        """One for each model, latent dimension, width if there are several, and seed; then the semi-synthetic ones."""
        sizes: list[StudyCell] = [{"width": width} for width in self.widths] or [{}]
        plain = [
            {"model": model, "latent": latent, **size, "seed": seed}
            for seed in range(self.seeds)
            for size in sizes
            for latent in self.latents
            for model in self.models
        ]
        fitted = [
            {"truth": self.truth, "model": model, "latent": latent, "seed": seed}
            for seed in range(self.seeds)
            for latent in self.latents
            for model in self.models
            if model in GANS
        ]
        return plain + (fitted if self.truth else [])

    def run_cell(self, cell: StudyCell, rng: Stream, place: Workplace) -> StudyRow:
        """Train a model, invert every kind of image, and estimate its held-out likelihood."""
        data = Data.of(self.data, rng.seed, self.size)
        outside = None if self.outside is None else open_images(self.outside, size=self.size)
        if outside is not None and outside.shape != data.train.shape:
            size = option("size")
            raise UsageError(
                f"{self.outside} has images of {outside.shape}, {self.data} of {data.train.shape}: give {size}"
            )
        embedding = watching_embedding(data.train, data.heldout, place.cache, place.device)
        search = ReconstructionSearch(self.draws, self.starts, self.rounds)
        if "truth" in cell:
            return self._fit_truth(cell, data, search, embedding, rng, place)
        model, distance = train_or_resume(self._recipe(cell, cell["model"]), data, rng, place)
        shared = Stream(rng.seed, ("study", self.name, "targets"))
        groups = targets(data.train, data.heldout, outside, self.shifts, self.images, self.reconstructed, shared)
        found = reconstruction(model, groups, search, embedding, rng.seed, place.device)
        row = {"frechet_distance": distance, "decoder_weights": decoder_weights(model), **found}
        if self.likelihood_images:
            chosen = groups["held-out"][: self.likelihood_images]
            row |= likelihood(model, chosen, self.sigma, self.budget, rng.seed, place.device)
        return row

    def _fit_truth(
        self,
        cell: StudyCell,
        data: Data,
        search: ReconstructionSearch,
        embedding: Embedding,
        rng: Stream,
        place: Workplace,
    ) -> StudyRow:
        """Train the truth on the images and the model on the truth's samples; ask both for other samples."""
        home = replace(place, model=place.model.with_name(f"{place.model.name}-truth"))
        truth = train_or_resume(self._recipe(cell, cell["truth"]), data, rng.child("truth"), home)[0]
        synthetic = samples_of(truth, data, rng.child("samples"), place.device)
        model = train_or_resume(self._recipe(cell, cell["model"]), synthetic, rng, place)[0]
        (home.model / "training" / CHECKPOINT).unlink(missing_ok=True)
        distance = sample_distance(model, synthetic.heldout, embedding, rng.child("distance"), place.device)
        found = fitted_to_truth(truth, model, synthetic, search, embedding, self.reconstructed, rng.seed, place.device)
        return {"frechet_distance": distance.value, **found}

    def _recipe(self, cell: StudyCell, kind: str) -> Recipe:
        return recipe_of(
            kind, latent=cell["latent"], width=cell.get("width", self.width), batch=self.batch, steps=self.steps,
            critic_steps=self.critic_steps, discriminator_width=self.discriminator_width,
            encoder_width=self.discriminator_width,
        )  # fmt: skip

    def summarise(self, rows: list[StudyRow]) -> CheckResult:
        """Tables, errors against the latent dimension, and the perception–distortion plane."""
        return result_of_rows(self.name, list(self.models), rows)
