"""What else comes near to an image: the best linear subspace, the nearest training image, an autoencoder."""

from __future__ import annotations

import numpy as np
import torch

from didlearn.arrays import Array, Floats, Ints, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import choosing, pixels
from didlearn.checks.nearest_images import nearest_images
from didlearn.embeddings.extract import embed
from didlearn.embeddings.pixels import PixelEmbedding
from didlearn.images.base import Images
from didlearn.statistics.subspace import Subspace, principal_subspace

_WIDE_IMAGES = 4096  # pixels: of wider ones, fewer images are fitted
_FITTED_NARROW, _FITTED_WIDE = 20_000, 4_000


def subspace_of(subject: Subject, dimension: int) -> Subspace:
    """Fit the best subspace of ``dimension`` to the training images (a sample of a large set), once a subject."""
    assert subject.train is not None
    train = subject.train

    def fit() -> Subspace:
        most = _FITTED_NARROW if int(np.prod(train.shape)) <= _WIDE_IMAGES else _FITTED_WIDE
        chosen = train.some(most, choosing(subject).numpy("subspace"))
        return principal_subspace(pixels(chosen).reshape(len(chosen), -1), dimension)

    return subject.once(("subspace", dimension), fit)


def neighbour_error(subject: Subject, images: Singles, exclude: Ints | None) -> Floats:
    """Mean squared difference per pixel between images (n, C, H, W) and their nearest training image, (n,).

    ``exclude``: (n,) the training image that each is itself, which does not count.
    """
    assert subject.train is not None

    def flat(chosen: Images) -> Array:
        return embed(PixelEmbedding(), chosen, device="cpu", batch_size=subject.batch_size, threads=subject.threads)

    query = images.reshape(len(images), -1)
    found = nearest_images(subject.train, query, flat, exclude=exclude, device=subject.device)
    return np.square(found.distance) / query.shape[1]


def autoencoder_error(subject: Subject, images: Singles) -> Floats | None:
    """Mean squared reconstruction error per pixel of the autoencoder given, (n,), or ``None`` without one."""
    if subject.autoencoder is None:
        return None
    auto = subject.autoencoder
    parts = [
        (auto.reconstruct(x.to(subject.device)).cpu() - x).double().square().flatten(1).mean(dim=1)
        for x in torch.from_numpy(images).split(32)
    ]
    return torch.cat(parts).numpy()
