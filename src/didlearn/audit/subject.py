"""What is audited, and where the work may run; what several checks need of it is done once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from didlearn.arrays import Array
from didlearn.audit.matched_classes import network_order
from didlearn.embeddings import Embedding, embed
from didlearn.embeddings.extract import pixel_points
from didlearn.embeddings.features_cache import FeaturesCache
from didlearn.embeddings.moments import FeatureMoments
from didlearn.embeddings.pixels import PixelEmbedding
from didlearn.images.base import Images
from didlearn.images.class_order import match_classes, order_of
from didlearn.images.perturb import PERTURBATIONS
from didlearn.images.picture import eight_bit
from didlearn.images.points import NOISE, column_spread, noise_changes
from didlearn.models.base import Sampler, Samples
from didlearn.models.reconstructor import Reconstructor
from didlearn.naming import option
from didlearn.progress import PASSES, Progress, silent
from didlearn.rng import Stream

_KEPT_BYTES = 2**30
_FEWEST_OUTSIDE = 2
T = TypeVar("T")


@dataclass(frozen=True)
class Subject:
    """What is audited, and where the work may run.

    Attributes:
        model: the generator, or ``None``.
        train, heldout: real images the generator was and was not trained on.
        split_off: whether the held-out images were split off the training set, and the generator may have seen them.
        outside: other data sets by name.
        embedding: the space distances are measured in.
        autoencoder: reconstructs images, to be set beside the generator, or ``None``.
        classifier: scores of each of the generator's classes, for images without labels, or ``None``.
        trust_code: whether the code of a factory or TorchScript file may run.
        seed: root of every random stream.
        device: torch device of networks and distances. batch_size: images in flight. threads: worker threads.
        workdir: where checks may cache what is dear to recompute, or ``None``. records: where finished units are kept.
        statistics: moments of training images' features that somebody else took, or ``None``.
        points: whether rows of numbers stand in the place of images. noise: what a mild change of one is.
        cache: where a network's features of real images are kept from run to run, or ``None``.
        progress: called with (what, how much is done, how much there is).
    """

    model: Sampler | None
    train: Images | None = None
    heldout: Images | None = None
    split_off: bool = False
    outside: dict[str, Images] = field(default_factory=dict)
    embedding: Embedding = field(default_factory=PixelEmbedding)
    seed: int = 0
    device: str = "cpu"
    batch_size: int = 256
    threads: int = 1
    workdir: Path | None = None
    records: Path | None = None
    progress: Progress = silent
    autoencoder: Reconstructor | None = None
    classifier: Embedding | None = None
    trust_code: bool = False
    cache: FeaturesCache | None = None
    statistics: FeatureMoments | None = None
    points: bool = False
    noise: float = NOISE
    _drawn: list[Samples] = field(default_factory=list, repr=False, compare=False)
    _features: dict[object, Array] = field(default_factory=dict, repr=False, compare=False)
    _once: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)
    _passes: list[float] = field(default_factory=lambda: [0.0, 0.0], repr=False, compare=False)  # done, and in all

    def once(self, key: object, make: Callable[[], T], passes: float = 0.0) -> T:
        """Return what ``make`` returned for this key, making it if no check has asked before.

        ``passes``: through the decoder, about, that are foreseen for it, and spared where it was made before.
        """
        if key not in self._once:
            self._once[key] = make()
        elif passes:
            self._passes[1] = max(self._passes[1] - passes, self._passes[0])
            self._tell_passes()
        kept: T = self._once[key]
        return kept

    def expect(self, passes: float) -> None:
        """Begin a check, which takes about so many passes of an image through the decoder; 0 where that is unknown."""
        self._passes[:] = 0.0, passes
        self._tell_passes()

    def counting(self, what: str, count: int, passes: float) -> Callable[[int], None]:
        """Return what tells how many of ``count`` images are done, of so many passes each, and how far the check is.

        What a check does has parts whose number nothing else tells: groups of images, controls, bounds.
        """
        before = self._passes[0]

        def tell(done: int) -> None:
            self.progress(what, done, count)
            self._passes[0] = before + done * passes
            self._tell_passes()

        return tell

    def _tell_passes(self) -> None:
        if self._passes[1]:
            self.progress(PASSES, *map(round, self._passes))

    @property
    def comparable(self) -> dict[str, Images]:
        """The outside sets whose images have the training images' shape, two at least: what checks compare with."""
        return {name: images for name, images in self.outside.items() if self._fits(images)}

    @property
    def left_out(self) -> tuple[str, ...]:
        """What a check says of the other outside sets, a sentence each."""
        change = f"{option('size', None)} and {option('channels', None)}"
        shape = f"has images of another shape and was left out; {change} change it."
        small = f"holds 1 image, too few to compare with, and was left out; give at least {_FEWEST_OUTSIDE}."
        return tuple(
            f"{name} {small if self._shaped(images) else shape}"
            for name, images in self.outside.items()
            if name not in self.comparable
        )

    def _shaped(self, images: Images) -> bool:
        assert self.train is not None, "outside sets are compared with beside a training set"
        return images.shape == self.train.shape

    def _fits(self, images: Images) -> bool:
        return self._shaped(images) and len(images) >= _FEWEST_OUTSIDE

    @property
    def mild_changes(self) -> Mapping[str, Callable[[Array], Array]]:
        """What leaves an image the same picture, by kind: of pictures in 8 bits, or of points as they are."""
        if not self.points:
            return PERTURBATIONS
        return self.once("mild changes", lambda: noise_changes(column_spread(self._rows()), self.noise))

    def to_change(self, images: Array) -> Array:
        """Return images (n, C, H, W) as ``mild_changes`` take them."""
        return images if self.points else eight_bit(images)

    def _rows(self) -> Array:
        real = self.train if self.train is not None else self.heldout
        return self._drawn[0].images if real is None else real.read_raw(range(len(real)))

    def draw(self, count: int) -> Samples:
        """Draw ``count`` images from the model: the same ones for every check that asks.

        Image ``i`` depends on the seed and ``i`` alone, so a check gets the same images whether it runs alone or
        after others. A bank of samples gives what it has if it holds fewer.

        Raises:
            ModelError: the model cannot draw images.
        """
        assert self.model is not None, "checks that draw are only run on a subject with a model"
        if not self._drawn or len(self._drawn[0]) < min(count, self.model.size or count):
            samples = self.model.draw(
                count,
                Stream(self.seed, ("samples",)),
                device=self.device,
                batch_size=self.batch_size,
                threads=self.threads,
                advance=self.progress,
                label_weights=self._label_weights(),
            )
            self._drawn[:] = [samples]
        return self._drawn[0].first(count)

    def embed(self, images: Images | Array) -> Array:
        """Return the features (n, D) of images (a set, or an array (n, C, H, W) of uint8 or floats in [0, 1]).

        A network's features of a set are kept, within ``_KEPT_BYTES``: several checks ask for the same ones. Those of
        its images are kept from run to run where there is a cache.
        """
        if isinstance(self.embedding, PixelEmbedding):
            return self._embed(images)
        if not isinstance(images, Images):  # real images, mildly changed say; drawn ones have features of their own
            return self._embed_cached(images)
        key = (id(images.reader), images.index.tobytes())
        if key not in self._features:
            features = self._embed_cached(images)
            if sum(kept.nbytes for kept in self._features.values()) + features.nbytes > _KEPT_BYTES:
                return features
            self._features[key] = features
        return self._features[key]

    def drawn_features(self, count: int) -> Array:
        """Return the features of ``draw(count)``."""
        images = self.draw(count).images
        kept = self._features.get("drawn")
        if kept is None or len(kept) < len(images):
            kept = self._features["drawn"] = self._embed(images)
        return kept[: len(images)]

    def _embed_cached(self, images: Images | Array) -> Array:
        if self.cache is None or self.points or not (isinstance(images, Images) or images.dtype == np.uint8):
            return self._embed(images)
        return self.cache.features(self.embedding, images, self._embed, self.device)

    def _embed(self, images: Images | Array) -> Array:
        if isinstance(self.embedding, PixelEmbedding):
            points = pixel_points(images, self.threads)
            if points is not None:
                return points
        return embed(self.embedding, images, device=self.device, batch_size=self.batch_size, threads=self.threads)

    @property
    def drawn_classes(self) -> tuple[str, ...] | None:
        """What the model's classes are called: by itself, or by training images that have as many."""
        if self.model is None or not self.model.classes:
            return None
        order = order_of(self.train)
        return self.model.class_names or (order.names if order and order.count == self.model.classes else None)

    def known_labels(self, images: Images) -> Array | None:
        """Return the labels (n,) of images in the model's order, −1 for classes that it does not have.

        ``None``: they have no labels, or none that can be matched with its classes.
        """
        order = network_order(self.model)
        matched = None if order is None or order_of(images) is None else match_classes(images, order)
        if order is None or matched is None or matched.images.labels is None:
            return None
        return np.where(matched.images.labels < order.count, matched.images.labels, -1)

    def _label_weights(self) -> Array | None:
        """The training set's class frequencies in the model's order, where the model has its classes."""
        order, labels = network_order(self.model), None if self.train is None else self.known_labels(self.train)
        if labels is None or order is None:
            return None
        counts = np.bincount(labels[labels >= 0], minlength=order.count)
        return counts / counts.sum() if counts.any() else None
