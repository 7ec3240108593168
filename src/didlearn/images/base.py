"""``Images``: a data set of pictures, read when asked for and never all at once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray

from didlearn.arrays import ImageShape, Ints, Pixels

BATCH_BYTES = 64 * 2**20


class ImageReader(Protocol):
    """Where the pixels come from: one class per format.

    A reader of named files also has ``names``, a sequence of what each image is called.
    """

    def __len__(self) -> int:
        """Return how many images there are."""

    def read(self, indices: Sequence[int]) -> Pixels:
        """Return the images at ``indices`` as (n, C, H, W), uint8 or float32 in [0, 1]: a fresh array.

        ``Images`` asks in ascending order, without repeats.
        """


def hash_pictures(images: Pixels) -> NDArray[np.void]:
    """Return a 16-byte hash (n,) of the shape and the 8-bit pixels of each of the images (n, C, H, W)."""
    pixels = images if images.dtype == np.uint8 else np.rint(images * 255).astype(np.uint8)
    start = hashlib.blake2b(repr(tuple(map(int, images.shape[1:]))).encode(), digest_size=16)
    digests = []
    for image in np.ascontiguousarray(pixels):
        digest = start.copy()
        digest.update(image)
        digests.append(digest.digest())
    return np.array(digests, dtype="V16")


@dataclass(frozen=True, eq=False)
class Images:
    """``N`` images of one shape, float32 NCHW in [0, 1] when read.

    Attributes:
        reader: gives pixels by index.
        shape: (C, H, W) of every image.
        name: what to call the set: what it was opened from.
        labels: (N,) int64 class of each image, or ``None``.
        classes: the names of the classes, or ``None``.
        index: (N,) positions in the reader: a subset shares its parent's reader.
        notes: what was decided while opening (files skipped, lossy files, resizing).
    """

    reader: ImageReader
    shape: ImageShape
    name: str
    labels: Ints | None = None
    classes: tuple[str, ...] | None = None
    index: Ints = field(default=None)  # type: ignore[arg-type]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.index is None:
            object.__setattr__(self, "index", np.arange(len(self.reader)))

    def __len__(self) -> int:
        return len(self.index)

    def read_raw(self, indices: Sequence[int] | Ints) -> Pixels:
        """Return images as stored: (n, C, H, W), uint8 or float32 in [0, 1]; any order, repeats allowed."""
        positions = self.index[np.asarray(indices, dtype=np.int64)]
        if len(positions) == 0:
            return np.empty((0, *self.shape), dtype=np.uint8)
        if (np.diff(positions) > 0).all():
            return self.reader.read(positions.tolist())
        once, back = np.unique(positions, return_inverse=True)
        return self.reader.read(once.tolist())[back]

    def read(self, indices: Sequence[int] | Ints) -> torch.Tensor:
        """Return images as a float32 tensor (n, C, H, W) in [0, 1]."""
        raw = self.read_raw(indices)
        if raw.dtype == np.uint8:
            return torch.from_numpy(raw).float().div_(255)
        return torch.from_numpy(np.ascontiguousarray(raw, dtype=np.float32))

    def __getitem__(self, index: int) -> torch.Tensor:
        if not -len(self) <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        return self.read([index % len(self)])[0]

    def subset(self, indices: Sequence[int] | Ints, name: str | None = None) -> Self:
        """Return the images at ``indices`` as a set of their own, without reading them."""
        chosen = np.asarray(indices, dtype=np.int64)
        labels = None if self.labels is None else self.labels[chosen]
        taken = replace(self, name=name or self.name, labels=labels, index=self.index[chosen])
        if "hashes" in vars(self):
            vars(taken)["hashes"] = self.hashes[chosen]  # what was read once is not read again
        return taken

    def with_classes(self, labels: Ints | None, classes: tuple[str, ...] | None) -> Images:
        """Return the images with other labels (N,) and names of them."""
        changed = replace(self, labels=labels, classes=classes)
        if "hashes" in vars(self):
            vars(changed)["hashes"] = self.hashes
        return changed

    def some(self, count: int, rng: np.random.Generator) -> Images:
        """Return ``count`` of the images chosen at random, in their order, or all where there are no more."""
        if len(self) <= count:
            return self
        return self.subset(np.sort(rng.permutation(len(self))[:count]))

    def label_name(self, index: int) -> str:
        """Return the name of an image's class, its number where classes have no names, "" where there are none."""
        if self.labels is None:
            return ""
        label = int(self.labels[index])
        return self.classes[label] if self.classes is not None and 0 <= label < len(self.classes) else str(label)

    def source_name(self, index: int) -> str:
        """Return what an image is called where it came from: its file name, or "#i" for position ``i`` of the source.

        Plain text from outside: a page must escape it.
        """
        position = int(self.index[index])
        names = getattr(self.reader, "names", None)
        name = f"#{position}" if names is None else names[position]
        return name.encode("utf-8", "replace").decode()

    def batches(self, size: int | None = None) -> Iterator[Pixels]:
        """Yield consecutive images as stored, ``size`` at a time (as many as keep float32 copies below 256 MiB)."""
        size = size or max(1, min(1024, BATCH_BYTES // math.prod(self.shape)))
        for start in range(0, len(self), size):
            yield self.read_raw(range(start, min(start + size, len(self))))

    @cached_property
    def hashes(self) -> NDArray[np.void]:
        """(N,) 16-byte content hash of each image's shape and 8-bit pixels: equal pictures hash alike in any format."""
        return np.concatenate([np.empty(0, "V16"), *map(hash_pictures, self.batches())])

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of the whole set: shape, images in order, and labels."""
        digest = hashlib.blake2b(repr(self.shape).encode(), digest_size=16)
        digest.update(self.hashes.tobytes())
        if self.labels is not None:
            digest.update(np.asarray(self.labels, dtype=np.int64).tobytes())
        return digest.hexdigest()
