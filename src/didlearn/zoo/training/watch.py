"""How a model in training is doing: its Fréchet distance to held-out images, a sheet of samples, its losses."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from didlearn.arrays import Bytes, Singles
from didlearn.embeddings import Embedding, embed, open_embedding
from didlearn.embeddings.classifier import FEWEST_IMAGES, SMALLEST
from didlearn.errors import ModelError
from didlearn.images.base import Images
from didlearn.models.architectures import Architecture
from didlearn.models.module import ModuleModel, open_module
from didlearn.rng import Stream
from didlearn.statistics.fidelity.frechet import frechet_distance
from didlearn.zoo.training.data import read_bytes

_DRAWN = 2_000  # images of each side of the Fréchet distance
_SHEET = 10  # images a side
_GAP = 128  # grey between them
_TILE = 40  # pixels a side, at least half of it
LARGEST_LOSS = 1e6  # loss: scores of a critic of 64×64 images stay below some thousands
FRESH = 200  # steps: networks start from weights so small that every image is grey
_SAME = 0.5 / 255  # pixels of different images that differ by less on average are the same


class Watch:
    """Measures a generator against held-out images, always in the same way: the seed of the training plays no part.

    Attributes:
        embedding: a classifier trained on the training images where they are labelled, else their pixels.
        heldout: features of held-out images. variance: of their pixels, in [0, 1], about the mean image.
    """

    def __init__(self, train: Images, heldout: Images, folder: Path, device: str) -> None:
        self.embedding = watching_embedding(train, heldout, folder, device)
        self.device, self.rng = device, Stream(0, ("zoo", "watch"))
        measured = heldout.some(_DRAWN, self.rng.numpy("heldout"))
        self.heldout = self._features(measured)
        self.variance = float(np.var(read_bytes(measured) / 255, axis=0, dtype=np.float64).mean())

    def _features(self, images: Images | Bytes) -> Singles:
        return embed(self.embedding, images, device=self.device)

    def measure(self, product: Architecture, step: int) -> tuple[float, Bytes]:
        """Return the Fréchet distance and the images (n, C, H, W) uint8 it was measured on.

        Raises:
            ModelError: the images are not finite, or all the same after more than ``FRESH`` steps.
        """
        drawn = _opened(product, self.device).draw(len(self.heldout), self.rng.child("latents"), device=self.device)
        if not drawn.finite.all():
            raise ModelError("it makes pixels that are no numbers")
        if step > FRESH and np.abs(drawn.images - drawn.images.mean(axis=0)).mean() < 255 * _SAME:
            raise ModelError("every image it makes is the same")
        return frechet_distance(real=self.heldout, generated=self._features(drawn.images)), drawn.images


def watching_embedding(train: Images, heldout: Images, folder: Path, device: str) -> Embedding:
    """Return the embedding that Fréchet distances of a training are measured in: a classifier, or pixels without one.

    The classifier is trained on the training images, once for a ``folder``.
    """
    labelled = train.labels is not None and len(np.unique(train.labels)) > 1
    usable = labelled and len(train) >= 2 * FEWEST_IMAGES and min(train.shape[1:]) >= SMALLEST
    name = "classifier" if usable else "pixels"
    return open_embedding(name, train=train, heldout=heldout, cache=folder, device=device)


def _opened(product: Architecture, device: str) -> ModuleModel:
    """Return a copy of the network as a model, on the device: what is trained stays as it is."""
    twin = copy.deepcopy(product).eval()
    return open_module(
        twin, latent_shape=twin.latent_shape, value_range=twin.value_range, classes=twin.classes, device=device
    )


def write_sheet(images: Bytes, path: Path) -> None:
    """Write the first images (n, C, H, W) uint8 as one picture: at most 10 × 10, with gaps, small ones enlarged."""
    side = min(_SHEET, math.isqrt(len(images)))
    channels, height, width = images.shape[1:]
    tiles = np.full((side, side, channels, height + 1, width + 1), _GAP, dtype=np.uint8)
    tiles[..., :-1, :-1] = images[: side * side].reshape(side, side, channels, height, width)
    picture = tiles.transpose(0, 3, 1, 4, 2).reshape(side * (height + 1), side * (width + 1), channels)[:-1, :-1]
    scale = max(1, _TILE // height)
    picture = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture[..., 0] if channels == 1 else picture).save(path)


def check_losses(losses: dict[str, float], step: int, variance: float) -> None:
    """Refuse to go on with losses that are no numbers, or beyond any scale.

    Args:
        losses: by name; ``error`` is that of reconstructions, per pixel. step: of the training.
        variance: per pixel, what the mean image errs by: networks that saturate err by more, with losses of any size.

    Raises:
        ModelError: a loss is not finite, or above 10⁶; or the error is twice the variance after ``FRESH`` steps.
    """
    for name, value in losses.items():
        if not math.isfinite(value) or abs(value) > LARGEST_LOSS:
            raise ModelError(f"the {name} loss is {value:.3g} at step {step}")
    if step > FRESH and losses.get("error", 0.0) > 2 * variance:
        raise ModelError(f"it errs by {losses['error']:.3g} a pixel at step {step}, the mean image by {variance:.3g}")


def finite_weights(networks: torch.nn.Module) -> bool:
    """Tell whether every weight, and every mean and variance that batch normalisation keeps, is a number."""
    return all(bool(torch.isfinite(value).all()) for value in networks.state_dict().values())
