"""Log-likelihoods of images under a subject's generator, once for every check that asks."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from didlearn.arrays import Floats, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import content_of
from didlearn.checks.log_likelihood.effort import ChainEffort
from didlearn.evidence.bdmc import Sandwich, bdmc
from didlearn.evidence.log_evidence import log_evidence
from didlearn.models.base import LatentModel


def log_likelihood(
    subject: Subject,
    name: str,
    images: Singles,
    sigma: float,
    effort: ChainEffort,
    budget: int | None = None,
    classes: Ints | None = None,
) -> Floats:
    """Return lower bounds on log p(x) of images (n, C, H, W), in nats: (n,).

    Of a class-conditional generator, log p(x|y) with y the class (n,) of each; where none are given its classes are
    averaged over: log p(x) = log Σ p(x|y) / classes.
    """
    assert isinstance(subject.model, LatentModel)
    model, budget = subject.model, effort.budget if budget is None else budget
    passes = effort.passes_of_image(budget)  # as they are foreseen: of one class, or of all together
    under_each = passes / (model.classes or 1) if classes is None else passes

    def under(labels: Ints | None) -> Floats:
        tell = subject.counting(f"likelihood of {name}", len(images), under_each)
        return log_evidence(
            model,
            images,
            sigma,
            subject.seed,
            effort.chains,
            observation=effort.observation,
            budget=budget,
            **effort.settings(),
            labels=labels,
            device=subject.device,
            threads=subject.threads,
            records=subject.records,
            advance=tell,
        ).lower

    def make() -> Floats:
        if model.classes is None or classes is not None:
            return under(classes)
        each = np.stack([under(np.full(len(images), label)) for label in range(model.classes)])
        return np.asarray(logsumexp(each, axis=0) - np.log(model.classes))

    taken = None if classes is None else content_of(classes)
    return subject.once(("likelihood", content_of(images), sigma, effort, budget, taken), make, len(images) * passes)


def sandwich(subject: Subject, sigma: float, effort: ChainEffort) -> Sandwich:
    """Return both bounds on images the model made itself: how loose the lower one is."""
    assert isinstance(subject.model, LatentModel)
    model = subject.model

    count = max(2, effort.images // 2)
    passes = 2 * effort.passes_of_image(effort.budget)  # from both ends

    def make() -> Sandwich:
        tell = subject.counting("bounds on simulated images", count, passes)
        return bdmc(
            model,
            sigma,
            count,
            subject.seed,
            effort.chains,
            observation=effort.observation,
            budget=effort.budget,
            **effort.settings(),
            device=subject.device,
            threads=subject.threads,
            records=subject.records,
            advance=tell,
        )

    return subject.once(("sandwich", sigma, effort), make, count * passes)
