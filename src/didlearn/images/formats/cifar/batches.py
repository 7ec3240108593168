"""CIFAR's Python version: pickled dicts of pixels and labels, read without running them."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np

from didlearn.arrays import Bytes, Ints
from didlearn.errors import DataError
from didlearn.foreign.kinds import is_cifar_pickle
from didlearn.images.base import Images
from didlearn.images.classes import printable
from didlearn.images.formats.cifar.binary import PIXELS, CifarReader
from didlearn.images.formats.cifar.plain_pickle import PickleError, Recorded, latin, read_plain_pickle, resolved

# CIFAR's are 155 MB, in one file or five; a text is decoded before it is refused, and may take five times its bytes.
_MOST_BYTES, _MOST_TOGETHER = 192 * 2**20, 384 * 2**20
_MOST_META = 65_536
_MOST_BATCHES = 99
_REMEDY = (
    "download the binary version (cifar-10-binary.tar.gz), or save its pixels with numpy.savez('x.npz', x=pixels), "
    "(N, H, W, C)"
)
_RECONSTRUCT = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")


class _Kind(NamedTuple):
    """One of the two data sets: where its labels are, of how many classes, and where these are named."""

    labels: str
    classes: int
    meta: str
    names: str


_KINDS = (
    _Kind("fine_labels", 100, "meta", "fine_label_names"),
    _Kind("labels", 10, "batches.meta", "label_names"),
)


class _Batch(NamedTuple):
    """What a file holds: (n, 3072) pixels, (n,) labels, and which data set it is of."""

    pixels: Bytes
    labels: Ints
    kind: _Kind


def cifar_batches(folder: Path) -> list[Path]:
    """Return a folder's pickled CIFAR batches: those for training, or else whatever there is."""
    # Asked for by name: to look through a folder of a million pictures takes seconds.
    found = [path for path in (folder / f"data_batch_{i}" for i in range(1, _MOST_BATCHES + 1)) if path.is_file()]
    for name in "train", "test_batch", "test":
        found = found or [path for path in [folder / name] if path.is_file()]
    return found if found and is_cifar_pickle(found[0]) else []


def open_cifar_batches(path: Path) -> Images:
    """Open a pickled batch, or a folder of those for training; labels are the (fine) classes. Nothing in them is run.

    Raises:
        DataError: a pickle holds anything but what a batch does.
    """
    files = cifar_batches(path) if path.is_dir() else [path]
    sizes = [file.stat().st_size for file in files]
    if max(sizes) > _MOST_BYTES or sum(sizes) > _MOST_TOGETHER:
        raise DataError(f"{path} is larger than {_MOST_BYTES >> 20} MiB a file, and CIFAR is not: {_REMEDY}")
    batches = [_batch(file) for file in files]
    kind = batches[0].kind
    if any(batch.kind != kind for batch in batches):
        raise DataError(f"{path} holds batches of CIFAR-10 and of CIFAR-100: name one of the files")
    classes, notes = _class_names(files[0].parent / kind.meta, kind)
    notes += (f"read from {', '.join(file.name for file in files)}",) if path.is_dir() else ()
    reader = CifarReader(tuple(batch.pixels for batch in batches), 0)
    labels = np.concatenate([batch.labels for batch in batches])
    return Images(reader, (3, 32, 32), str(path), labels, classes, notes=notes)


def _batch(path: Path) -> _Batch:
    try:
        content = _content(path)
        kind = next((kind for kind in _KINDS if kind.labels in content), None)
        if kind is None or "data" not in content:
            raise PickleError("it has no 'data', or no 'labels' or 'fine_labels' beside")
        pixels = _pixels(content["data"])
        return _Batch(pixels, _labels(content[kind.labels], len(pixels), kind), kind)
    except PickleError as error:
        raise DataError(
            f"{path} is pickled as a CIFAR batch is, but cannot be read without running it, which is not done: "
            f"{printable(str(error))}; {_REMEDY}"
        ) from None


def _content(path: Path) -> dict[str, object]:
    """Return the dict in a file."""
    if path.stat().st_size == 0:
        raise PickleError("it is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = read_plain_pickle(cast(IO[bytes], data))  # of a file it has what is asked for: read, readline and tell
    if not isinstance(found, Mapping):
        raise PickleError("it holds no dict")
    return dict(found)


def _pixels(data: object) -> Bytes:
    """Build the array (n, 3072) from what numpy would have built it from: (version, shape, type, order, bytes)."""
    state = data.state if isinstance(data, Recorded) and data.name in _RECONSTRUCT else None
    if not isinstance(state, tuple) or len(state) != 5:
        raise PickleError("its 'data' is no numpy array as CIFAR has it")
    _, shape, kind, columns_first, raw = state
    if not _is_byte_type(kind) or not isinstance(columns_first, bool):
        raise PickleError("its 'data' is no array of bytes (uint8)")
    data = _raw(raw)
    rows = len(data) // PIXELS
    if not _are_counts(shape, (rows, PIXELS)) or rows == 0 or len(data) != rows * PIXELS:
        raise PickleError(
            f"its 'data' is not (n, {PIXELS}), or has {len(data)} bytes, which is not what its shape says"
        )
    return np.frombuffer(data, np.uint8).reshape((rows, PIXELS), order="F" if columns_first else "C")


def _are_counts(found: object, wanted: tuple[int, int]) -> bool:
    return isinstance(found, tuple) and all(type(count) is int for count in found) and found == wanted


def _is_byte_type(kind: object) -> bool:
    """Tell whether a recorded ``numpy.dtype`` is uint8, without fields or subarray."""
    if not isinstance(kind, Recorded) or kind.name != "numpy.dtype" or not isinstance(kind.arguments, tuple):
        return False
    parts = kind.state[2:5] if isinstance(kind.state, tuple) else ()
    named = [resolved(part) for part in kind.arguments[:1]]
    return named in (["u1"], ["|u1"], [b"u1"], [b"|u1"]) and all(part is None for part in parts)


def _raw(value: object) -> bytes:
    """Return the bytes of an array, which Python 2 wrote as text."""
    value = resolved(value)
    if not isinstance(value, str | bytes):
        raise PickleError("its 'data' has no bytes")
    return value if isinstance(value, bytes) else latin(value)


def _labels(values: object, count: int, kind: _Kind) -> Ints:
    if not isinstance(values, list) or len(values) != count:
        raise PickleError(f"its {kind.labels!r} is no list of {count} numbers, one for each picture")
    if not all(type(value) is int and 0 <= value < kind.classes for value in values):
        raise PickleError(f"its {kind.labels!r} are not whole numbers below {kind.classes}")
    return np.array(values, dtype=np.int64)


def _class_names(path: Path, kind: _Kind) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Return the names of the classes from the file beside the batches, and a note where it does not hold them."""
    if not path.is_file():
        return None, ()
    try:
        names = _content(path).get(kind.names) if path.stat().st_size <= _MOST_META else None
    except PickleError:
        names = None
    texts = [_text(name) for name in names] if isinstance(names, list) else []
    if len(texts) != kind.classes or None in texts:
        return None, (f"{path.name} beside holds no names of {kind.classes} classes and was left out",)
    return tuple(printable(text) for text in texts if text is not None), ()


def _text(name: object) -> str | None:
    name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return name if isinstance(name, str) else None
