"""``Images``: a data set of pictures, read when asked for and never all at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch

Shape = tuple[int, int, int]


class Reader(Protocol):
    """Where the pixels come from: one class per format."""

    def __len__(self) -> int:
        """Return how many images there are."""

    def read(self, indices: Sequence[int]) -> np.ndarray[Any, Any]:
        """Return the images at ``indices`` as (n, C, H, W), uint8 or float32 in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Images:
    """``N`` images of one shape, float32 NCHW in [0, 1] when read.

    Attributes:
        reader: gives pixels by index.
        shape: (C, H, W) of every image.
        name: what to call the set: the spec it was opened from.
        labels: (N,) int64 class of each image, or ``None``.
        classes: the names of the classes, or ``None``.
        index: (N,) positions in the reader: a subset shares its parent's reader.
        notes: what was decided while opening (files skipped, lossy files, resizing).
    """

    reader: Reader
    shape: Shape
    name: str
    labels: np.ndarray[Any, Any] | None = None
    classes: tuple[str, ...] | None = None
    index: np.ndarray[Any, Any] = field(default=None)  # type: ignore[arg-type]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.index is None:
            object.__setattr__(self, "index", np.arange(len(self.reader)))

    def __len__(self) -> int:
        return len(self.index)

    def read_raw(self, indices: Sequence[int] | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return images as stored: (n, C, H, W), uint8 or float32 in [0, 1]."""
        positions = self.index[np.asarray(indices, dtype=np.int64)]
        return self.reader.read([int(i) for i in positions])

    def read(self, indices: Sequence[int] | np.ndarray[Any, Any]) -> torch.Tensor:
        """Return images as a float32 tensor (n, C, H, W) in [0, 1]."""
        raw = self.read_raw(indices)
        if raw.dtype == np.uint8:
            return torch.from_numpy(raw).float().div_(255)
        return torch.from_numpy(np.ascontiguousarray(raw, dtype=np.float32))

    def __getitem__(self, index: int) -> torch.Tensor:
        if not -len(self) <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        return self.read([index % len(self)])[0]

    def subset(self, indices: Sequence[int] | np.ndarray[Any, Any], name: str | None = None) -> Images:
        """Return the images at ``indices`` as a set of their own, without reading them."""
        chosen = np.asarray(indices, dtype=np.int64)
        labels = None if self.labels is None else self.labels[chosen]
        return Images(self.reader, self.shape, name or self.name, labels, self.classes, self.index[chosen], self.notes)

    def batches(self, size: int = 1024) -> Iterator[np.ndarray[Any, Any]]:
        """Yield consecutive images as stored, ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.read_raw(range(start, min(start + size, len(self))))

    @cached_property
    def hashes(self) -> np.ndarray[Any, Any]:
        """(N,) 16-byte content hash of each image's 8-bit pixels: equal pictures have equal hashes in any format."""
        digests = []
        for batch in self.batches():
            pixels = batch if batch.dtype == np.uint8 else np.rint(batch * 255).astype(np.uint8)
            digests += [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in pixels]
        return np.array(digests, dtype="V16")

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of the whole set: shape, images in order, and labels."""
        digest = hashlib.blake2b(repr(self.shape).encode(), digest_size=16)
        digest.update(self.hashes.tobytes())
        if self.labels is not None:
            digest.update(np.asarray(self.labels, dtype=np.int64).tobytes())
        return digest.hexdigest()
