"""Features kept from run to run under the user's cache folder: a network sees each real image once.

Rows are found by what decides them: the image's content, and how the embedding behaves here, which is its name, the
version of torch and the device, and its features of a few fixed pictures to the last bit. Other weights, other code
behind the same name, or instructions that add up in another order are therefore another embedding. Images are kept one
by one, not as sets, so that subsets, other splits and other models share them.

On disk an embedding is a folder of segments, each two files: the hashes (n, 16) and the features (n, D), whose rows are
read from disk as they are asked for. What was used least recently goes first when there is too much.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from didlearn._version import __version__
from didlearn.arrays import Array, Bytes, ImageShape, Singles
from didlearn.atomic import atomically
from didlearn.embeddings.base import Embedding
from didlearn.embeddings.extract import embed
from didlearn.errors import UsageError
from didlearn.images.base import Images, hash_pictures
from didlearn.parallel import UNIT
from didlearn.rng import generator

FOLDER, GIGABYTES = "DIDLEARN_CACHE", "DIDLEARN_CACHE_GB"
"""Environment variables: where the cache is, and how large it may grow (0: nothing is kept)."""
Pictures = Images | Bytes
_GIGABYTES: Final = 4.0
_HASHES, _FEATURES = ".hashes.npy", ".features.npy"


class CacheContent(NamedTuple):
    """What the cache holds: how many images' features, in how many embeddings, in how many bytes."""

    images: int
    embeddings: int
    bytes: int


@dataclass(frozen=True)
class FeaturesCache:
    """Features under a folder, by the images' content and the embedding's conduct.

    Attributes:
        folder: where they are. limit: bytes that they may take.
    """

    folder: Path
    limit: int
    _places: dict[object, Path | None] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of_user(cls) -> FeaturesCache | None:
        """Return the cache that the environment names, else the user's own; ``None`` where it may hold nothing.

        Raises:
            UsageError: its size is no number.
        """
        cache = cls(cache_folder() / "features", cache_limit())
        return cache if cache.limit else None

    def features(self, embedding: Embedding, images: Pictures, compute: Callable[[Any], Array], device: str) -> Array:
        """Return the features (n, D) of images, computing those alone that are not kept, and keep them.

        A cache that cannot be read or written costs time, and never a result.

        Args:
            embedding: what ``compute`` applies, on ``device``. images: a set, or an array (n, C, H, W) of bytes.
            compute: features of a part of them.
        """
        shape = images.shape if isinstance(images, Images) else tuple(images.shape[1:])
        key = (embedding, shape, device)
        if key not in self._places:
            self._places[key] = self._place(embedding, shape, device)
        place = self._places[key] if len(images) else None
        if place is None:
            return compute(images)
        hashes = content_hashes(images) if isinstance(images, Images) else hash_pictures(images)
        known = _Rows(place, hashes)
        if known.missing.size == 0 and known.features is not None:
            return known.features
        missing = images.subset(known.missing) if isinstance(images, Images) else images[known.missing]
        made = compute(missing)
        self._keep(place, hashes[known.missing], made)
        return known.completed(made)

    def _place(self, embedding: Embedding, shape: ImageShape, device: str) -> Path | None:
        """Return the folder of an embedding, by its conduct; ``None`` of one that fails on made-up pictures."""
        try:
            conduct = embed(embedding, _pictures(shape), device=device)
        except Exception:  # noqa: BLE001 (a user's own embedding may fail in any way on what is no image of theirs)
            return None
        said = f"{embedding.name}\x1f{device}\x1f{shape}\x1f{torch.__version__}\x1f{__version__}\x1f{conduct.shape}"
        digest = hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=16)
        digest.update(conduct.tobytes())
        return self.folder / digest.hexdigest()

    def _keep(self, place: Path, hashes: NDArray[np.void], features: Array) -> None:
        needed = features.nbytes + hashes.nbytes
        if needed > self.limit:
            return
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.shrink(self.limit - needed)
            name = hashlib.blake2b(hashes.tobytes(), digest_size=12).hexdigest()
            # The hashes last: they say that the features are there.
            atomically(place / (name + _FEATURES), lambda part: _save(part, features))
            atomically(place / (name + _HASHES), lambda part: _save(part, _as_bytes(hashes)))

    def shrink(self, limit: int) -> None:
        """Forget what was used least recently, until what is left takes at most ``limit`` bytes."""
        sizes = {segment: _bytes_of(segment) for segment in self._segments()}
        total = sum(sizes.values())
        for segment in sorted(sizes, key=_used):
            if total <= limit:
                return
            _forget(segment)
            total -= sizes[segment]

    def clear(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def held(self) -> CacheContent:
        """Count what is kept."""
        segments = list(self._segments())
        images = sum(len(rows) for segment in segments if (rows := _load(segment)) is not None)
        return CacheContent(images, len({segment.parent for segment in segments}), sum(map(_bytes_of, segments)))

    def _segments(self) -> Iterator[Path]:
        """Yield the file of hashes of each segment."""
        return self.folder.glob(f"*/*{_HASHES}")


class _Rows:
    """Which of some images a folder of segments holds, and their features.

    Attributes:
        missing: positions of those that it does not hold, the first of each content. features: (n, D) of the others, or
            ``None`` where it holds none.
    """

    def __init__(self, place: Path, hashes: NDArray[np.void]) -> None:
        wanted = _as_keys(hashes)
        self._once, self._back = np.unique(wanted, return_inverse=True)
        self._first = np.zeros(len(self._once), np.int64)
        self._first[self._back[::-1]] = np.arange(len(wanted))[::-1]
        self._known = np.zeros(len(self._once), bool)
        self._rows: Singles | None = None
        for segment in sorted(place.glob(f"*{_HASHES}")):
            if self._known.all():
                break
            self._take(segment)

    def _take(self, segment: Path) -> None:
        """Take the rows of a segment that are wanted and not there yet; forget a segment that is damaged."""
        held, features = _load(segment), _load(_features_of(segment))
        if held is None or features is None or len(held) != len(features) or features.dtype != np.float32:
            _forget(segment)
            return
        keys = _as_keys(held)
        order = np.argsort(keys)
        at = np.minimum(np.searchsorted(keys[order], self._once), len(keys) - 1)
        found = order[at]
        new = np.flatnonzero((keys[found] == self._once) & ~self._known)
        if not len(new):
            return
        if self._rows is None:
            self._rows = np.empty((len(self._once), features.shape[1]), np.float32)
        if features.shape[1] != self._rows.shape[1]:
            return
        self._rows[new] = features[found[new]]
        self._known[new] = True
        with suppress(OSError):
            os.utime(segment)  # for whoever looks for what was used least recently

    @property
    def missing(self) -> NDArray[np.int64]:
        return np.sort(self._first[~self._known])

    @property
    def features(self) -> Singles | None:
        return None if self._rows is None else self._rows[self._back]

    def completed(self, made: Array) -> Singles:
        """Return the features of all images, with those ``made`` of the missing ones."""
        if self._rows is None:
            self._rows = np.empty((len(self._once), made.shape[1]), np.float32)
        self._rows[self._back[self.missing]] = made
        return self._rows[self._back]


def cache_folder() -> Path:
    """Return the folder of what didlearn keeps for its user from run to run."""
    if os.environ.get(FOLDER):
        return Path(os.environ[FOLDER]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "didlearn"


def cache_limit() -> int:
    """Return the bytes that the cache may take.

    Raises:
        UsageError: the environment says something else than a number of gigabytes.
    """
    said = os.environ.get(GIGABYTES) or str(_GIGABYTES)
    try:
        gigabytes = float(said)
    except ValueError:
        gigabytes = -1.0
    if not 0 <= gigabytes < 1e9:
        raise UsageError(f"{GIGABYTES} is {said!r}; give a number of gigabytes, as in 4 (0 keeps nothing)")
    return int(gigabytes * 1e9)


def content_hashes(images: Images) -> NDArray[np.void]:
    """Return a 16-byte hash (n,) of each image as it is stored, to the last bit."""
    if images.read_raw(range(1)).dtype == np.uint8:
        return images.hashes
    digests = []
    for batch in images.batches():
        kind = f"{batch.dtype} {batch.shape[1:]}".encode()
        digests += [hashlib.blake2b(kind + image.tobytes(), digest_size=16).digest() for image in batch]
    return np.array(digests, dtype="V16")


def _pictures(shape: ImageShape) -> Bytes:
    """Return a unit of fixed pictures (UNIT, C, H, W): noise of all contrasts, and surfaces of all brightnesses."""
    rng = generator(0, "features cache")
    noise = rng.integers(0, 256, (UNIT, *shape))
    contrast = np.linspace(0, 1, UNIT).reshape(-1, 1, 1, 1)
    level = rng.integers(0, 256, (UNIT, shape[0], 1, 1))
    return np.rint(contrast * noise + (1 - contrast) * level).astype(np.uint8)


def _as_bytes(hashes: NDArray[np.void]) -> Bytes:
    return np.frombuffer(hashes.tobytes(), np.uint8).reshape(len(hashes), 16)


def _as_keys(hashes: NDArray[np.void] | Bytes) -> NDArray[np.bytes_]:
    """Return hashes as values that numpy can sort, and tells apart also where they end in zeros."""
    rows = np.frombuffer(np.ascontiguousarray(hashes).tobytes(), np.uint8).reshape(-1, 16)
    return np.concatenate([rows, np.ones((len(rows), 1), np.uint8)], axis=1).view("S17").ravel()


def _save(path: Path, array: NDArray[np.generic]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _load(path: Path) -> Array | None:
    """Return an array that stays on disk; ``None`` of a file that is absent or damaged."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.ndim == 2 and len(array) else None


def _features_of(segment: Path) -> Path:
    return segment.with_name(segment.name.removesuffix(_HASHES) + _FEATURES)


def _bytes_of(segment: Path) -> int:
    total = 0
    for file in (segment, _features_of(segment)):
        with suppress(OSError):
            total += file.stat().st_size
    return total


def _used(segment: Path) -> float:
    try:
        return segment.stat().st_mtime
    except OSError:
        return 0.0


def _forget(segment: Path) -> None:
    for file in (segment, _features_of(segment)):
        with suppress(OSError):
            file.unlink(missing_ok=True)
