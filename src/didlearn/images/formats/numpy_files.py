"""numpy's files: ``.npy`` read from disk as needed, ``.npz`` loaded once; nothing in them is ever unpickled."""

from __future__ import annotations

import dataclasses
import math
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO, Final, NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from didlearn.arrays import Array
from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels, from_values
from didlearn.images.formats.arrays import open_array
from didlearn.images.formats.safe_zip import open_archive, refuse_bomb

# (images, labels), in the order they are looked for: ADM, Keras, plain names, MedMNIST.
_KEYS: Final = (
    ("arr_0", "arr_1"),
    ("x_train", "y_train"),
    ("x", "y"),
    ("images", "labels"),
    ("train_images", "train_labels"),
    ("x_test", "y_test"),
    ("test_images", "test_labels"),
)
_VERSIONS = ((1, 0), (2, 0), (3, 0))
_LONGEST = 2**48  # of an axis
NPZ_BOMB_BYTES = 256 * 2**20


class ArrayHeader(NamedTuple):
    """What stands at the beginning of an array file.

    Attributes:
        shape, dtype: of the array. columns_first: whether it is in Fortran's order. start: of its numbers, in bytes.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    columns_first: bool
    start: int


def open_npy(path: Path) -> Images:
    """Open a ``.npy`` array of images, memory-mapped.

    Raises:
        DataError: pickled objects, a damaged header, or less data than the header says.
    """
    npy_header(path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # noqa: BLE001 (as for the header)
        raise DataError(f"{path} is no numpy array ({error}): save it with numpy.save") from None
    return open_array(array, Labels(), str(path))


def npy_header(path: Path) -> ArrayHeader:
    """Return what a ``.npy`` file says it holds, which is some numbers, and no more than there are.

    Raises:
        DataError: pickled objects, a damaged header, no numbers, or fewer than the header says.
    """
    with path.open("rb") as file:
        header = _header(file, str(path))
    _check_length(header, path.stat().st_size - header.start, str(path))
    if math.prod(header.shape) == 0:
        raise DataError(f"{path} is an array of shape {header.shape}, which holds no images: give at least one")
    return header


def open_npz(path: Path, key: str | None = None) -> Images:
    """Open a ``.npz`` archive; ``key`` names the array of images where there are several.

    Raises:
        DataError: no such key, no array that is plainly the images, labels that do not match, pickled objects, a
            damaged or hostile archive.
    """
    with open_archive(path) as archive:
        members = {m.filename.removesuffix(".npy"): m for m in archive.infolist() if m.filename.endswith(".npy")}
        chosen = _choose(list(members), key, path)
        name = f"{path}:{chosen}" if key else str(path)
        array = _load(archive, members[chosen], path)
        if array.ndim == 0:
            raise DataError(f"{name} is a single value, not a stack of images: name an array of shape (N, H, W, C)")
        labels = Labels()
        beside = _labels_key(chosen, list(members))
        if beside is not None:
            labels = from_values(_load(archive, members[beside], path), len(array), f"{path}:{beside}")
        spare = [other for other in members if other not in (chosen, beside)]
    images = open_array(array, labels, name)
    if key is None and spare:
        note = f"of the arrays in {path.name}, {chosen!r} was taken; left out: {', '.join(spare)}"
        images = dataclasses.replace(images, notes=(*images.notes, note))
    return images


def _choose(keys: list[str], key: str | None, path: Path) -> str:
    listed = ", ".join(keys) or "none"
    if key is not None:
        if key not in keys:
            raise DataError(f"{path} has no array {key!r}; it has: {listed}")
        return key
    lower = {name.lower(): name for name in keys}
    for candidate, _ in _KEYS:
        if candidate in lower:
            return lower[candidate]
    if len(keys) == 1:
        return keys[0]
    if {"mu", "sigma"} <= set(keys):
        raise DataError(
            f"{path} holds statistics of features (mu, sigma) for a Fréchet distance, not images: give the images"
        )
    raise DataError(f"{path} does not say which array holds the images (it has: {listed}): name one as {path.name}:KEY")


def _labels_key(chosen: str, keys: list[str]) -> str | None:
    lower = {name.lower(): name for name in keys}
    for images, labels in _KEYS:
        if chosen.lower() == images:
            return lower.get(labels)
    for images, labels in (("images", "labels"), ("image", "label"), ("imgs", "labels"), ("x", "y")):
        # A whole word of the name: x_valid -> y_valid, but not extra -> eytra.
        beside = re.sub(rf"(?<![a-z]){images}(?![a-z])", labels, chosen.lower())
        if beside != chosen.lower() and beside in lower:
            return lower[beside]
    return None


def _load(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Array:
    name = f"{path}:{member.filename.removesuffix('.npy')}"
    refuse_bomb(member, path, most=_memory(), bomb_bytes=NPZ_BOMB_BYTES)
    try:
        with archive.open(member) as file:
            header = _header(file, name)
        _check_length(header, member.file_size - header.start, name)
        with archive.open(member) as file:
            return npy_format.read_array(file, allow_pickle=False)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, MemoryError) as error:
        raise DataError(f"{name} is damaged ({error}): copy or save the file again") from None


def _header(file: IO[bytes], name: str) -> ArrayHeader:
    """Return the header of an array file.

    Raises:
        DataError: no array file, or one of pickled objects.
    """
    try:
        version = npy_format.read_magic(file)
        if version not in _VERSIONS:
            raise ValueError(f"its header is of version {version[0]}.{version[1]}, and there are 1.0 to 3.0")
        # 3.0 differs from 2.0 in the letters that names of fields may have.
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, columns_first, dtype = read(file)
    except (DataError, zlib.error, zipfile.BadZipFile, OSError):
        raise  # of the archive, which whoever reads it answers for
    except Exception as error:  # noqa: BLE001 (numpy evaluates the header as a literal, which may fail in any way)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{name} is no numpy array ({reason}): save it with numpy.save") from None
    if dtype.hasobject:
        raise DataError(
            f"{name} holds pickled Python objects, and unpickling would run its code: save a plain array of numbers"
        )
    return ArrayHeader(shape, dtype, columns_first, file.tell())


def _check_length(header: ArrayHeader, held: int, name: str) -> None:
    shape = header.shape
    promised = math.prod(shape) * header.dtype.itemsize
    if any(not 0 <= n <= _LONGEST for n in shape) or promised > held:
        raise DataError(
            f"{name} says its shape is {shape} ({promised} bytes) but holds {held} bytes: it is truncated or its "
            "header is false; copy or save it again"
        )


def _memory() -> int:
    """Bytes of memory this machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 2**40
