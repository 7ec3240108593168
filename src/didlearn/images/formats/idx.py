"""MNIST's own format: a short header, then raw bytes; gzipped or not."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from didlearn.arrays import Bytes
from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels, from_values
from didlearn.images.formats.arrays import open_array

_GZIP = b"\x1f\x8b"
_DEFLATE_RATIO = 1032  # deflate cannot pack tighter
_UNSIGNED_BYTE = 8


def is_idx(path: Path) -> bool:
    """Tell an IDX file of bytes, gzipped or not, by its first bytes."""
    try:
        head = _head(path, 4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(head) == 4 and head[:3] == bytes([0, 0, _UNSIGNED_BYTE]) and 1 <= head[3] <= 4


def open_idx(path: Path) -> Images:
    """Open an IDX file of images; labels come from the file beside it by the usual name (``labels-idx1``).

    Raises:
        DataError: a file of labels, truncated data, a header that promises more than the file can hold.
    """
    array = _read_idx(path)
    if array.ndim < 3:
        raise DataError(f"{path} holds {array.ndim}-dimensional data (labels?), not images: name the images file")
    beside = _labels_beside(path)
    labels = Labels() if beside is None else from_values(_read_idx(beside), len(array), str(beside))
    return open_array(array, labels, str(path))


def _read_idx(path: Path) -> Bytes:
    """Return the array in an IDX file of unsigned bytes: memory-mapped, or unfolded where it is gzipped.

    Never reads more than the header promises, nor believes a promise the file cannot keep.

    Raises:
        DataError: truncated, or more data than the header says.
    """
    try:
        return _read(path)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is truncated or damaged ({error}): copy or download it again") from None


def _read(path: Path) -> Bytes:
    rank = _head(path, 4)[3]
    head = _head(path, 4 + 4 * rank)
    if len(head) < 4 + 4 * rank:
        raise EOFError("it ends within its header")
    shape = tuple(int(n) for n in np.frombuffer(head[4:], dtype=">u4"))
    promised, size = math.prod(shape), path.stat().st_size
    if _packed(path):
        if promised > _DEFLATE_RATIO * size:
            raise EOFError(f"its header promises {promised} bytes, more than {size} packed bytes can hold")
        return _unfold(path, len(head), shape)
    if size - len(head) != promised:
        raise EOFError(f"its header promises {promised} bytes and {size - len(head)} follow")
    return (
        np.memmap(path, dtype=np.uint8, mode="r", offset=len(head), shape=shape) if promised else np.zeros(shape, "u1")
    )


def _unfold(path: Path, start: int, shape: tuple[int, ...]) -> Bytes:
    promised = math.prod(shape)
    with gzip.open(path) as file:
        file.read(start)
        data = file.read(promised)
        # One byte further than needed: the checksum is only compared at the end of the stream.
        excess = file.read(1)
    if len(data) < promised or excess:
        raise EOFError(f"its header promises {promised} bytes and {'more' if excess else len(data)} follow")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def _head(path: Path, size: int) -> bytes:
    with gzip.open(path) if _packed(path) else path.open("rb") as file:
        return file.read(size)


def _labels_beside(path: Path) -> Path | None:
    if "images" not in path.name:
        return None
    name = path.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1").removesuffix(".gz")
    candidates = (path.with_name(name), path.with_name(f"{name}.gz"))
    return next((candidate for candidate in candidates if candidate.is_file() and is_idx(candidate)), None)
