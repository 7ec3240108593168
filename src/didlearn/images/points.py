"""``open_points``: rows of numbers (features, embeddings, tables) in the place of images, and their mild changes.

A row of D numbers is an image of D channels and one pixel whose values are used as they are. Whatever needs distances
or moments alone takes it for an image; what looks at pictures (framings, blur, JPEG) leaves it alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from didlearn.arrays import Array, Floats, Singles
from didlearn.errors import DataError, NotFiniteError, UsageError
from didlearn.foreign.files import refuse_special
from didlearn.images.base import Images
from didlearn.images.classes import printable
from didlearn.images.tables import TABLES, read_table
from didlearn.naming import option
from didlearn.readiness.paths import quoted, typed_path
from didlearn.rng import generator

NOISE = 0.05
"""What a mild change of a row is where nobody says: this share of each column's standard deviation, as noise."""
_AT_ONCE = 65_536  # rows


@dataclass(frozen=True, eq=False)
class Points(Images):
    """``N`` rows of ``D`` numbers, as images of shape (D, 1, 1) that hold any finite float32."""

    @cached_property
    def hashes(self) -> NDArray[np.void]:
        """(N,) 16-byte content hash of each row, to the last bit."""
        return np.concatenate([np.empty(0, "V16"), *map(hash_rows, self.batches(_AT_ONCE))])

    def rows(self) -> Array:
        """Return all rows, (N, D)."""
        return self.read_raw(range(len(self))).reshape(len(self), -1)


class _Rows:
    """Rows (N, D) in memory or on disk, read as float32."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def read(self, indices: Sequence[int]) -> Singles:
        rows = np.asarray(self.array[indices], dtype=np.float32) + np.float32(0)  # -0.0 is 0.0
        return rows.reshape(*rows.shape, 1, 1)


def open_points(source: object, *, name: str | None = None) -> Points:
    """Open rows of numbers.

    Args:
        source: ``.npy``, ``.npz`` (``FILE.npz:KEY`` picks an array), ``.csv``, ``.tsv`` or ``.parquet``; in Python also
            an array, a tensor or a data frame (N, D), or ``Points``.
        name: what to call them; their source by default.

    Raises:
        DataError: what is there is no (N, D) of finite real numbers. MissingExtraError: parquet needs a package.
    """
    if isinstance(source, Points):
        return source if name is None else replace(source, name=name)
    if isinstance(source, (str, os.PathLike)):
        called = name or printable(os.fspath(source))
        return _checked(_read(os.fspath(source)), called)
    array = source.numpy(force=True) if isinstance(source, torch.Tensor) else np.asarray(source)
    return _checked(array, name or f"the {type(source).__name__}")


def is_table(source: str) -> bool:
    """Tell whether a text names rows of numbers, by what the file is called."""
    return typed_path(source).suffix.lower() in TABLES or source.rpartition(":")[0].lower().endswith(".npz")


def _read(source: str) -> Array:
    path, key = typed_path(source), None
    file, colon, named = source.rpartition(":")
    if not path.exists() and colon and file.lower().endswith(".npz"):
        path, key = typed_path(file), named
    if not path.is_file():
        raise DataError(f"there is no file {quoted(source)}: give a .npy, .npz, .csv, .tsv or .parquet of rows")
    refuse_special(path, DataError)
    return read_table(Path(path), key)


def _checked(array: Array, name: str) -> Points:
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "fiub":
        raise DataError(
            f"{name} holds {array.dtype} of shape {array.shape}, and points are numbers (N, D): one row each, N and D "
            f"at least 1; pictures are opened without {option('points', None)}"
        )
    for start in range(0, len(array), _AT_ONCE):
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.asarray(array[start : start + _AT_ONCE], dtype=np.float32)).all(axis=1)
        if not finite.all():
            row = start + int(np.flatnonzero(~finite)[0])
            raise NotFiniteError(f"row {row} of {name} holds what is no finite number in float32: leave it out")
    notes = ("numbers are held as float32",) if array.dtype.itemsize > 4 and array.dtype.kind == "f" else ()
    return Points(_Rows(array), (array.shape[1], 1, 1), name, notes=notes)


def hash_rows(rows: Array) -> NDArray[np.void]:
    """Return a 16-byte hash (n,) of each row's float32 numbers (n, D, ...), and how many there are."""
    flat = np.ascontiguousarray(rows, dtype=np.float32).reshape(len(rows), -1) + np.float32(0)
    width = flat.shape[1].to_bytes(8, "little")
    return np.array([hashlib.blake2b(width + row.tobytes(), digest_size=16).digest() for row in flat], dtype="V16")


def noise_changes(scale: Floats, share: float) -> dict[str, Callable[[Array], Array]]:
    """Return what a mild change of rows is, by its name: Gaussian noise, ``share`` of each column's ``scale`` (D,)."""

    def change(rows: Array) -> Array:
        noise = generator(0, "mild noise", len(rows)).normal(size=(len(rows), len(scale)))
        return (rows + (share * noise * scale).reshape(rows.shape)).astype(np.float32)

    return {f"noise of {100 * share:g} % of the columns' spread": change}


def check_noise(noise: float | None) -> float:
    """Return the share of each column's standard deviation that a mild change is.

    Raises:
        UsageError: it is not above 0 and below 1.
    """
    share = NOISE if noise is None else noise
    if not 0 < share < 1:
        raise UsageError(f"{option('noise', noise)} is no share of the columns' spread; give one in (0, 1), as in 0.05")
    return share


def column_spread(rows: Array) -> Floats:
    """Return the standard deviation (D,) of each column of rows (n, D, ...)."""
    deviation: Floats = rows.reshape(len(rows), -1).std(axis=0, dtype=np.float64)
    return deviation
