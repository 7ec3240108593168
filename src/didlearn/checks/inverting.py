"""Inverting groups of images of a subject, once for every check that asks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Array
from didlearn.audit.subject import Subject
from didlearn.inversion.invert import Inversion, Method, invert
from didlearn.models.base import LatentModel


@dataclass(frozen=True)
class Effort:
    """How hard to search (see ``invert``)."""

    draws: int = 500
    starts: int = 16
    rounds: int = 6


def find(
    subject: Subject,
    name: str,
    images: Array,
    effort: Effort,
    method: Method = "bfgs",
    clip: float | None = None,
) -> Inversion:
    """Invert images (n, C, H, W); the same images are inverted once, also where another check asked first."""
    assert isinstance(subject.model, LatentModel)
    model = subject.model
    content = hashlib.blake2b(np.ascontiguousarray(images).tobytes(), digest_size=16).hexdigest()

    def make() -> Inversion:
        return invert(
            model,
            images,
            seed=subject.seed,
            method=method,
            draws=effort.draws,
            starts=effort.starts,
            rounds=effort.rounds,
            clip=clip,
            within=False,
            device=subject.device,
            threads=subject.threads,
            records=None if subject.workdir is None else subject.workdir / "cache" / "inversion",
            advance=lambda _, done, total: subject.progress(f"inverting {name}", done, total),
        )

    return subject.once(("inversion", content, effort, method, clip), make)
