"""Latents of images by the generator's own inverse, once for every check that asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from didlearn.arrays import Array, Floats, Singles
from didlearn.audit.subject import Subject
from didlearn.checks.groups import content_of, pixel_variance
from didlearn.models.base import LatentModel
from didlearn.models.known.density import is_estimated
from didlearn.models.known.inverse import fills_space, has_inverse, latents_of
from didlearn.models.pool import map_models
from didlearn.rng import Stream
from didlearn.units.records import records_in

_TOGETHER = 8  # images
_PIXEL_LEVELS = 256
_ITERATIONS = 12  # passes of each step that is undone
_CONSTANT = 1e-12  # the least variance: a constant image has none


@dataclass(frozen=True, eq=False)
class Encoded:
    """Images (n, C, H, W), their latents (n, *latent_shape), and what is made of these again.

    ``error``: (n,) mean squared difference per pixel of that, over the variance of the image.
    """

    images: Singles
    latents: Singles
    error: Floats


def every_image_lies_on_it(subject: Subject) -> bool:
    """Tell whether the generator makes every image there is, so that distances from it say nothing."""
    model = subject.model
    return isinstance(model, LatentModel) and subject.once("fills space", lambda: fills_space(model))


def inverts_itself(subject: Subject) -> bool:
    """Tell whether the generator brings an inverse."""
    model = subject.model
    return isinstance(model, LatentModel) and subject.once("own inverse", lambda: has_inverse(model))


def kept_in_bytes(subject: Subject) -> bool:
    """Tell whether real images lie on the lattice of 8 bits."""
    assert subject.train is not None
    return subject.train.read_raw(range(1)).dtype == np.uint8


def passes_of_encoding(subject: Subject) -> float:
    """Return about how many passes through the decoder one latent and what is made of it take.

    A sampler's steps are undone by iterations; a flow's inverse is as dear as the flow.
    """
    assert isinstance(subject.model, LatentModel)
    return _ITERATIONS if is_estimated(subject.model) else 2


def between_levels(subject: Subject, images: Singles, rng: Stream) -> Singles:
    """Return images in [0, 1] as a density on all of space can be asked of them.

    Where real images are kept in 8 bits, k of 255 becomes (k + u)/256, u uniform on [0, 1), of whatever images.
    """
    if not kept_in_bytes(subject):
        return images
    levels = np.rint(np.clip(images, 0, 1) * 255)
    return ((levels + rng.numpy("dequantisation").random(images.shape)) / _PIXEL_LEVELS).astype(np.float32)


def encoded(subject: Subject, name: str, images: Singles) -> Encoded:
    """Return the latents of images (n, C, H, W), in units of a few images each."""
    assert isinstance(subject.model, LatentModel)
    model, passes = subject.model, passes_of_encoding(subject)

    def work(twin: LatentModel, unit: range) -> dict[str, Array]:
        x = torch.from_numpy(images[unit.start : unit.stop]).to(subject.device)
        z = latents_of(twin, x)
        with torch.no_grad():
            again = twin.decode(z)
        squared = (again.double() - x.double()).square().flatten(1).mean(dim=1)
        return {"latents": z.float().cpu().numpy(), "squared": squared.cpu().numpy()}

    def make() -> Encoded:
        tell = subject.counting(f"latents of {name}", len(images), passes)
        parts = map_models(
            work, model, len(images), unit=_TOGETHER, device=subject.device, threads=subject.threads,
            advance=tell,
            records=records_in(subject.records, model.identity, {"images": images}, {"latents": "its own inverse"}),
        )  # fmt: skip
        latents = np.concatenate([part["latents"] for part in parts])
        squared = np.concatenate([part["squared"] for part in parts])
        return Encoded(images, latents, squared / np.maximum(pixel_variance(images), _CONSTANT))

    return subject.once(("encoded", content_of(images)), make, len(images) * passes)
