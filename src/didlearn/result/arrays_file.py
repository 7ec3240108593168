"""A ``.npz`` file that somebody else may have made, a run folder's say: measured before anything is unfolded."""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Container
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib import format as npy_format

from didlearn.arrays import Array
from didlearn.errors import ResultError

_FREE_BYTES: Final = 256 * 2**20
_RATIO: Final = 200


def read_arrays(
    path: Path, names: Container[str] | None = None, remedy: str = "run the audit again"
) -> dict[str, Array]:
    """Read the arrays of an ``.npz`` file.

    Args:
        path: of the file. names: of the arrays to read; all when ``None``. remedy: what would do where it is damaged.

    Raises:
        ResultError: it is damaged, holds Python objects, or would unfold to more than 256 MiB and 200 times its size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if names is None or m.filename.removesuffix(".npy") in names]
            _refuse_bomb(path, members, remedy)
            return {member.filename.removesuffix(".npy"): _read(archive, member) for member in members}
    except (
        OSError, ValueError, TypeError, KeyError, EOFError, MemoryError, RuntimeError, RecursionError, SyntaxError,
        NotImplementedError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise ResultError(f"{path} cannot be read ({str(error) or type(error).__name__}); {remedy}") from None


def _refuse_bomb(path: Path, members: list[zipfile.ZipInfo], remedy: str) -> None:
    size, packed = sum(member.file_size for member in members), path.stat().st_size
    if size > max(_FREE_BYTES, _RATIO * packed):
        raise ResultError(
            f"{path} would unfold from {packed} to {size} bytes, as a zip bomb does; it was not unpacked: {remedy}"
        )


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename!r} is not packed by deflate")
    with archive.open(member) as file:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, _, dtype = read(file)
        # numpy makes room for what the header says before it reads.
        if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize > member.file_size - file.tell():
            raise ValueError(f"{member.filename!r} is shorter than it says")
    with archive.open(member) as file:
        found: Array = np.asarray(npy_format.read_array(file, allow_pickle=False))
        return found
