"""A study's data, and the models it trains: each in a folder of its own, gone on with where a kill cut it short."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

from didlearn.audit.subject import Subject
from didlearn.embeddings import open_embedding
from didlearn.images import Images, open_images
from didlearn.images.split import split_heldout
from didlearn.models import open_model
from didlearn.models.module import ModuleModel
from didlearn.rng import Stream, derive_seed
from didlearn.studies.study import Workplace
from didlearn.zoo.registry import RECIPES
from didlearn.zoo.training.loop import Runner, train_model
from didlearn.zoo.training.recipe import Recipe

_CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class Data:
    """Training and held-out images of a study: split by the study's seed, as ``didlearn audit`` splits them."""

    train: Images
    heldout: Images

    @classmethod
    def of(cls, source: str, seed: int, size: int | None = None, crop: int | None = None) -> Data:
        """Open ``source`` and hold a fifth of it out."""
        return cls(*split_heldout(open_images(source, size=size, crop=crop), seed))

    def subject(self, model: ModuleModel, rng: Stream, place: Workplace, embedding: str = "pixels") -> Subject:
        """Return what the checks ask for: with the study's seed, so that all cells are measured by one criterion."""
        opened = open_embedding(
            embedding,
            train=self.train,
            heldout=self.heldout,
            trust_code=place.trust_code,
            cache=place.cache,
            seed=rng.seed,
            device=place.device,
            threads=1,
        )
        return Subject(model, self.train, self.heldout, embedding=opened, seed=rng.seed, device=place.device)


def recipe_of(kind: str, **settings: int) -> Recipe:
    """Return the recipe of this name, with those of the settings that it has: kinds of models differ in theirs."""
    recipe = RECIPES[kind]
    taken = {field.name for field in fields(recipe)}
    return recipe(**{name: value for name, value in settings.items() if name in taken})


def train_or_resume(recipe: Recipe, data: Data, rng: Stream, place: Workplace) -> tuple[ModuleModel, float]:
    """Train a model for a cell, or go on training it; return it with its Fréchet distance to held-out images.

    Raises:
        ModelError: the training diverged.
    """
    runner = Runner(place.device, checkpoint_seconds=_CHECKPOINT_SECONDS, measurements=1, cache=place.cache)
    seed = derive_seed(rng.seed, *rng.names, "model")
    train_model(recipe, data.train, data.heldout, place.model, seed=seed, runner=runner)
    rows = (place.model / "training" / "progress.jsonl").read_text(encoding="utf-8").splitlines()
    model = open_model(str(place.model), device=place.device)
    assert isinstance(model, ModuleModel), "a model folder holds a torch network"
    return model, float(json.loads(rows[-1])["frechet_distance"])
