"""Folders of ``.npy`` files, as samples lie about: each one picture, or each a stack of them."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from didlearn.arrays import Array, Ints, Pixels
from didlearn.errors import DataError
from didlearn.images.base import ImageReader, Images
from didlearn.images.classes import Labels, printable
from didlearn.images.formats.arrays import open_array
from didlearn.images.formats.numpy_files import ArrayHeader, npy_header
from didlearn.images.subfolders import arrange, passed_over

CLASSES_FILE, LABELS_SUFFIX = "classes.txt", ".labels.npy"
"""Beside stacks: the names of the classes, a line each, and of each stack the classes of its pictures."""
_CHANNELS = (1, 3)
_PART = re.compile(r"(?:.*/)?[^/]*-(\d+)-of-(\d+)\.npy")


def open_npy_folder(path: Path, names: Sequence[str], others: Counter[str]) -> Images:
    """Open the arrays below a folder as one set, in the order of their names; class subfolders become labels.

    Each file is a picture, (H, W), (H, W, C) or (C, H, W), or each is a stack, (N, H, W), (N, H, W, C) or (N, C, H, W).
    Files are opened when they are read, and closed again.

    Args:
        path: the folder.
        names: of its ``.npy`` files, relative to it, sorted.
        others: files of other kinds in the folder, by suffix.

    Raises:
        DataError: a file is no array of images, or differs from the first in type or in the shape of a picture.
    """
    where = printable(str(path))
    stacks = [name for name in names if not name.endswith(LABELS_SUFFIX)]
    beside = len(stacks) < len(names)
    kept, labels = arrange(stacks, where)
    headers = [_header(path / name) for name in kept]
    pictures = _are_pictures([header.shape for header in headers])
    _refuse_others(path, kept, headers, pictures)
    joined = JoinedArrays(path, tuple(kept), tuple(headers), pictures)
    labels = _labels_beside(path, joined) if beside else labels.take(joined.file_of(np.arange(len(joined))))
    others[".txt"] -= beside and (path / CLASSES_FILE).is_file()
    notes = (*labels.notes, *passed_over(+others), _said(joined), *_missing_parts(kept))
    labels = dataclasses.replace(labels, notes=notes)
    images = open_array(joined, labels, str(path))
    return dataclasses.replace(images, reader=NamedReader(images.reader, kept)) if pictures else images


def _labels_beside(path: Path, joined: JoinedArrays) -> Labels:
    """Read the classes of each stack's pictures.

    Raises:
        DataError: those of a stack are missing, or are no whole numbers, one for each picture.
    """
    read = []
    for name, count in zip(joined.names, np.diff(joined.starts), strict=True):
        file = path / f"{name.removesuffix('.npy')}{LABELS_SUFFIX}"
        try:
            values = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                f"{printable(str(file))} gives no labels ({error}): give those of every stack, or none"
            ) from None
        if values.shape != (count,) or not np.issubdtype(values.dtype, np.integer):
            raise DataError(
                f"{printable(str(file))} is {values.dtype} of shape {values.shape}: give {count} whole numbers, the "
                "class of each picture"
            )
        read.append(values.astype(np.int64))
    names = path / CLASSES_FILE
    classes = tuple(names.read_text(encoding="utf-8").splitlines()) if names.is_file() else None
    values = np.concatenate(read)
    if classes is not None and not (values.min() >= 0 and values.max() < len(classes)):
        raise DataError(f"{printable(str(names))} names {len(classes)} classes, and labels go to {values.max()}")
    return Labels(values, classes)


def _missing_parts(names: Sequence[str]) -> tuple[str, ...]:
    """Say which of numbered parts, name-3-of-16.npy, are not there."""
    parts = [match for name in names if (match := _PART.fullmatch(name))]
    if len(parts) < len(names) or len({match[2] for match in parts}) != 1:
        return ()
    missing = sorted(set(range(1, int(parts[0][2]) + 1)) - {int(match[1]) for match in parts})
    if not missing:
        return ()
    shown = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
    return (f"{len(missing)} of {parts[0][2]} parts are not there: {shown}",)


@dataclass(frozen=True, eq=False)
class NamedReader:
    """Gives images that have names.

    Attributes:
        reader: gives the images. names: (N,) what each is called.
    """

    reader: ImageReader
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def read(self, indices: Sequence[int]) -> Pixels:
        """Return the images at ``indices`` as (n, C, H, W)."""
        return self.reader.read(indices)


@dataclass(frozen=True, eq=False)
class JoinedArrays:
    """The arrays of some files as one, (N, ...), of which no file stays open.

    Attributes:
        folder: where they are. names: relative to it. headers: what each says it holds.
        pictures: whether each is one entry of the whole; else its entries are.
    """

    folder: Path
    names: tuple[str, ...]
    headers: tuple[ArrayHeader, ...]
    pictures: bool

    @cached_property
    def starts(self) -> Ints:
        """Return where each file's entries begin, and where they all end: (files + 1,)."""
        return np.cumsum([0, *(1 if self.pictures else header.shape[0] for header in self.headers)])

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of all, (N, ...)."""
        first = self.headers[0].shape
        return (len(self), *(first if self.pictures else first[1:]))

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Return the type of the numbers."""
        return self.headers[0].dtype

    @property
    def nbytes(self) -> int:
        """Return how many bytes all have."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return int(self.starts[-1])

    def file_of(self, places: Ints) -> Ints:
        """Return which file each entry is in."""
        return np.searchsorted(self.starts, places, side="right") - 1

    def __getitem__(self, places: slice | Ints, /) -> Array:
        """Return entries whose places ascend, (n, ...): a fresh array."""
        wanted = np.arange(len(self))[places]
        files, first = np.unique(self.file_of(wanted), return_index=True)
        out = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        for file, rows, place in zip(files, np.split(wanted, first[1:]), first, strict=True):
            out[place : place + len(rows)] = self._entries(int(file), rows - self.starts[file])
        return out

    def _entries(self, file: int, rows: Ints) -> Array:
        path = self.folder / self.names[file]
        try:
            return _whole(path, self.headers[file])[None] if self.pictures else _rows(path, self.headers[file], rows)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read any more ({error}): leave it as it was") from None


def _whole(path: Path, header: ArrayHeader) -> Array:
    """Read an array, as it was said to be; it may be shorter by now."""
    numbers = np.fromfile(path, header.dtype, math.prod(header.shape), offset=header.start)
    return numbers.reshape(header.shape, order="F" if header.columns_first else "C")


def _rows(path: Path, header: ArrayHeader, rows: Ints) -> Array:
    """Read some entries of an array, mapped for as long as that takes."""
    order: Literal["F", "C"] = "F" if header.columns_first else "C"
    return np.array(np.memmap(path, header.dtype, "r", header.start, header.shape, order)[rows])


def _header(path: Path) -> ArrayHeader:
    if not path.is_file():  # a pipe would wait for ever, a device never end
        raise DataError(f"{printable(str(path))} is no regular file: remove it, or copy what it leads to")
    return npy_header(path)


def _are_pictures(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Tell whether files hold a picture each: of three axes, where the last or the first is one of channels.

    Files of (3, H, W) may be stacks of three all the same: what they were taken for is said.
    """
    first = shapes[0]
    if len(first) != 3:
        return len(first) < 3
    if first[2] in (*_CHANNELS, 4) and first[1] != first[2]:
        return True
    return first[0] in _CHANNELS and all(shape == first for shape in shapes)


def _refuse_others(path: Path, names: Sequence[str], headers: Sequence[ArrayHeader], pictures: bool) -> None:
    first = headers[0]
    shared = 0 if pictures else 1
    for name, header in zip(names, headers, strict=True):
        if (header.dtype, len(header.shape), header.shape[shared:]) != (
            first.dtype,
            len(first.shape),
            first.shape[shared:],
        ):
            raise DataError(
                f"{printable(str(path / name))} is {header.dtype} of shape {header.shape}, and "
                f"{printable(names[0])} is {first.dtype} of shape {first.shape}: give files of one type and one shape "
                "of picture, or name one of them"
            )


def _said(joined: JoinedArrays) -> str:
    count, shape = len(joined.names), joined.headers[0].shape
    files = f"{count} .npy file{'s' if count > 1 else ''}"
    if joined.pictures:
        return f"read from {files}, each one picture of shape {shape}"
    return f"read from {files}, each a stack of pictures of shape {shape[1:]}"
