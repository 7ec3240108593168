"""Inverting groups of images of a subject, once for every check that asks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from didlearn.arrays import Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import content_of
from didlearn.embeddings import Embedding
from didlearn.inversion.invert import Inversion, SearchMethod, Space, invert
from didlearn.inversion.race import passes_of_search
from didlearn.models.base import LatentModel


@dataclass(frozen=True)
class SearchEffort:
    """How hard to search (see ``invert``)."""

    draws: int
    starts: int
    rounds: int


_LOOKS = 12  # at a Jacobian, d columns and two passes each, before a point is settled
_PUBLISHED = 2.0 * 300  # passes of one image: 300 steps of Adam, forwards and backwards


def passes_of_inversion(subject: Subject, effort: SearchEffort, *, published: bool = False) -> float:
    """Return about how many passes of one image an inversion takes, and the published protocol's beside it."""
    assert isinstance(subject.model, LatentModel)
    jacobians = _LOOKS * (math.prod(subject.model.latent_shape) + 2)
    return passes_of_search(effort.starts, effort.rounds) + jacobians + published * _PUBLISHED


def _passes_of(subject: Subject, effort: SearchEffort, method: SearchMethod, candidates: Ints | None) -> float:
    """Return about how many passes of one image such an inversion takes."""
    if method == "adam":
        return _PUBLISHED
    return passes_of_inversion(subject, effort) * (1 if candidates is None else candidates.shape[1])


def find(
    subject: Subject,
    name: str,
    images: Singles,
    effort: SearchEffort,
    method: SearchMethod = "bfgs",
    clip: float | None = None,
    labels: Ints | None = None,
    candidates: Ints | None = None,
    loss: Embedding | None = None,
    space: Space = "z",
) -> Inversion:
    """Invert images (n, C, H, W); the same images are inverted once, also where another check asked first.

    Under the class of each, ``labels`` (n,), the nearest of several, ``candidates`` (n, k), or of all; in pixels or
    in the features of ``loss``; over z, or over w behind a mapping network.
    """
    assert isinstance(subject.model, LatentModel)
    model, passes = subject.model, _passes_of(subject, effort, method, candidates)

    def make() -> Inversion:
        tell = subject.counting(f"inverting {name}", len(images), passes)
        return invert(
            model,
            images,
            seed=subject.seed,
            method=method,
            draws=effort.draws,
            starts=effort.starts,
            rounds=effort.rounds,
            clip=clip,
            labels=labels,
            candidates=candidates,
            loss=loss,
            space=space,
            within=False,
            device=subject.device,
            threads=subject.threads,
            records=subject.records,
            advance=lambda _, done, __: tell(done),
        )

    classes = tuple(None if chosen is None else content_of(chosen) for chosen in (labels, candidates))
    asked = ("inversion", content_of(images), effort, method, clip, classes, loss and loss.name, space)
    return subject.once(asked, make, len(images) * passes)
