"""A trained decoder as the truth, and a GAN fitted to its samples: data that lie on a manifold of a known dimension.

An error on real images has two parts: what images have beyond any d dimensions, and what the training did not learn of
the rest. Samples of a decoder like the GAN's own have nothing beyond: some weights of that GAN would err by nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from didlearn.arrays import Singles
from didlearn.checks.groups import pixels
from didlearn.derivatives.jacobian import jacobian
from didlearn.embeddings import Embedding
from didlearn.images.classes import Labels
from didlearn.images.formats.arrays import open_array
from didlearn.models.module import ModuleModel
from didlearn.rng import Stream
from didlearn.statistics.means import mean
from didlearn.studies.latent_dimension.perception import reconstruction_distance
from didlearn.studies.latent_dimension.reconstruction import ReconstructionSearch
from didlearn.studies.study import StudyRow, ends
from didlearn.studies.trained import Data

MOVED = 1e-3  # mean square of what an image is moved off the manifold by
_FLAT = 1e-6  # of the greatest singular value: directions in which the decoder does not move


class MovedImages(NamedTuple):
    """Images (n, C, H, W) off a decoder's manifold, and the mean squared errors (n,) of the points they came from."""

    images: Singles
    known: Singles


def samples_of(truth: ModuleModel, like: Data, rng: Stream, device: str) -> Data:
    """Return as many training and held-out images as ``like`` has, drawn from the truth, as 8-bit files hold them."""
    count = len(like.train)
    drawn = truth.draw(count + len(like.heldout), rng, device=device, threads=1).images
    sets = (drawn[:count], drawn[count:])
    return Data(*(open_array(x, Labels(), f"samples of {truth.name}", channels_first=True) for x in sets))


def off_manifold(truth: ModuleModel, count: int, rng: Stream, device: str) -> MovedImages | None:
    """Return the truth's own images, moved at right angles to its manifold by a mean square of ``MOVED``.

    The point that an image came from is a stationary one of its error, and the nearest for moves that are small beside
    the manifold's curvature; no search of the truth may err by more. ``None`` where the decoder moves in all directions
    of pixel space, so that there is no right angle.
    """
    z = truth.sample_prior(count, rng.child("latents")).flatten(1).to(device)
    if z.shape[1] >= math.prod(truth.image_shape):
        return None
    made, columns = jacobian(lambda u: truth.decode(u.view(-1, *truth.latent_shape)).flatten(1), z)
    basis, values, _ = torch.linalg.svd(columns.double(), full_matrices=False)
    basis = basis * (values > _FLAT * values[:, :1])[:, None]
    noise = torch.randn(made.shape, generator=rng.torch("move"), dtype=torch.float64).to(device)
    move = noise - (basis @ (basis.mT @ noise[:, :, None]))[:, :, 0]
    move = move * (MOVED / move.square().mean(dim=1, keepdim=True)).sqrt()
    images = (made.double() + move).view(count, *truth.image_shape)
    return MovedImages(images.float().cpu().numpy(), move.square().mean(dim=1).float().cpu().numpy())


def fitted_to_truth(
    truth: ModuleModel,
    model: ModuleModel,
    synthetic: Data,
    search: ReconstructionSearch,
    embedding: Embedding,
    count: int,
    seed: int,
    device: str,
) -> StudyRow:
    """Return how a model fitted to the truth's samples reconstructs others of them, and how the truth itself does.

    Returns:
        ``error`` and ``true_error``: {group: [mean, low, high]}, of the model and of the truth, for ``held-out``
        samples and for ``moved`` ones. ``known``: {group: what the truth errs by}; of samples at most, for their
        rounding to 8 bits. ``reconstruction_distance``: of the held-out samples by the model, in ``embedding``.
    """
    rng = Stream(seed, ("semi-synthetic",))
    groups = {"held-out": pixels(synthetic.heldout.some(count, rng.numpy("held-out")))}
    known = {"held-out": (0.5 / 255) ** 2}
    moved = off_manifold(truth, count, rng, device)
    if moved is not None:
        groups["moved"], known["moved"] = moved.images, float(moved.known.mean())
    found = {name: search.find(model, images, seed, device) for name, images in groups.items()}
    true = {name: search.find(truth, images, seed, device) for name, images in groups.items()}
    distance = reconstruction_distance(embedding, groups["held-out"], found["held-out"].image, device)
    return {
        "error": {name: ends(mean(np.asarray(x.error, dtype=np.float64))) for name, x in found.items()},
        "true_error": {name: ends(mean(np.asarray(x.error, dtype=np.float64))) for name, x in true.items()},
        "known": known,
        "reconstruction_distance": ends(distance),
    }
