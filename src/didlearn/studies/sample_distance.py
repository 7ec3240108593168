"""The Fréchet distance of a model's samples to held-out images, for a row of a study."""

from __future__ import annotations

from didlearn.embeddings import Embedding, embed
from didlearn.errors import ModelError
from didlearn.images import Images
from didlearn.models.base import LatentModel
from didlearn.result.values import Estimate
from didlearn.rng import Stream
from didlearn.statistics.fidelity.frechet import frechet_influence

_DRAWN = 2_000  # images of each side, at most


def sample_distance(model: LatentModel, heldout: Images, embedding: Embedding, rng: Stream, device: str) -> Estimate:
    """Return the Fréchet distance of samples to held-out images, as many of each, with its interval over images.

    Raises:
        ModelError: the model makes pixels that are no numbers.
    """
    chosen = heldout.some(_DRAWN, rng.numpy("heldout"))
    drawn = model.draw(len(chosen), rng.child("samples"), device=device, threads=1)
    if not drawn.finite.all():
        raise ModelError(f"{model.name} makes pixels that are no numbers")
    real, made = (embed(embedding, x, device=device, threads=1) for x in (chosen, drawn.images))
    return frechet_influence(real=real, generated=made).estimate(0.95, "interval by influence of each image")
