"""Log-likelihoods of images under a subject's generator, once for every check that asks."""

from __future__ import annotations

import hashlib

import numpy as np
from scipy.special import logsumexp

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.checks.log_likelihood.effort import Effort
from didlearn.evidence.bdmc import Sandwich, bdmc
from didlearn.evidence.log_evidence import log_evidence
from didlearn.models.base import LatentModel


def log_likelihood(
    subject: Subject, name: str, images: Array, sigma: float, effort: Effort, budget: int | None = None
) -> Array:
    """Return lower bounds on log p(x) of images (n, C, H, W), in nats: (n,).

    A class-conditional generator is averaged over its classes: log p(x) = log Σ p(x|y) / classes.
    """
    assert isinstance(subject.model, LatentModel)
    model, budget = subject.model, effort.budget if budget is None else budget
    content = hashlib.blake2b(np.ascontiguousarray(images).tobytes(), digest_size=16).hexdigest()

    def under(label: int | None) -> Array:
        labels = None if label is None else np.full(len(images), label)
        return log_evidence(
            model,
            images,
            sigma,
            subject.seed,
            effort.chains,
            observation=effort.observation,
            budget=budget,
            labels=labels,
            device=subject.device,
            threads=subject.threads,
            advance=lambda done: subject.progress(f"likelihood of {name}", done, len(images)),
        ).lower

    def make() -> Array:
        if model.classes is None:
            return under(None)
        each = np.stack([under(label) for label in range(model.classes)])
        return np.asarray(logsumexp(each, axis=0) - np.log(model.classes))

    return subject.once(("likelihood", content, sigma, effort, budget), make)


def sandwich(subject: Subject, sigma: float, effort: Effort) -> Sandwich:
    """Return both bounds on images the model made itself: how loose the lower one is."""
    assert isinstance(subject.model, LatentModel)
    model = subject.model

    def make() -> Sandwich:
        return bdmc(
            model,
            sigma,
            max(2, effort.images // 2),
            subject.seed,
            effort.chains,
            observation=effort.observation,
            budget=effort.budget,
            device=subject.device,
            threads=subject.threads,
            advance=lambda done: subject.progress("bounds on simulated images", done, effort.images),
        )

    return subject.once(("sandwich", sigma, effort), make)
