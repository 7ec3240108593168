"""What a subject must have for a likelihood."""

from __future__ import annotations

from didlearn.audit.subject import Subject
from didlearn.checks.image_classes import missing_classes
from didlearn.models.base import LatentModel
from didlearn.naming import option

FEWEST_REAL = 8  # training, and held-out, images


def missing_for_density(subject: Subject, every: bool = False, observation: str = "gaussian") -> str | None:
    """Return what is missing: a latent model, real images of its shape, and their classes if not ``every`` is tried.

    Points are no probabilities, which Bernoulli's ``observation`` takes them for.
    """
    if subject.model is None:
        return f"there is no generator; give one with {option('generator')}"
    if not isinstance(subject.model, LatentModel):
        return f"{subject.model.name} has no latent: a likelihood needs a model file, not samples"
    if subject.points and observation == "bernoulli":
        return "points are no probabilities of black and white; leave observation=bernoulli out"
    if subject.train is None or subject.heldout is None or min(len(subject.train), len(subject.heldout)) < FEWEST_REAL:
        both = f"{option('train')} and with {option('heldout')}"
        return f"there are too few real images; give at least {FEWEST_REAL} with {both}"
    if subject.train.shape != subject.model.image_shape:
        return f"the generator makes images of {subject.model.image_shape}, the real ones are {subject.train.shape}"
    return missing_classes(subject, every)
