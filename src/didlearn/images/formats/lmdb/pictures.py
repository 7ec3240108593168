"""Pictures in an LMDB data base: every value an encoded picture (LSUN: webp), in the order of the keys."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels, printable
from didlearn.images.fit import Fit
from didlearn.images.formats.decoding import BrokenFileError
from didlearn.images.formats.lmdb.pages import value_places
from didlearn.images.formats.picture_files import MAX_FILE, open_encoded

_FILE = "data.mdb"


def is_lmdb(path: Path) -> bool:
    """Tell a folder that LMDB wrote, or its file of data."""
    return (path / _FILE).is_file() or (path.is_file() and path.suffix.lower() in (".mdb", ".lmdb"))


def open_lmdb(path: Path, fit: Fit, *, skip_broken: bool = False) -> Images:
    """Open an LMDB data base of pictures; there are no labels in one.

    Raises:
        DataError: it is damaged, empty, or holds something else than pictures.
    """
    file = path / _FILE if path.is_dir() else path
    keys, starts, sizes = [], array("Q"), array("Q")
    for key, place in value_places(file):
        if place.size > MAX_FILE:
            raise DataError(f"{path}: {_called(key)} is larger than {MAX_FILE >> 20} MiB, more than one picture may be")
        keys.append(key)
        starts.append(place.start)
        sizes.append(place.size)
    if not keys:
        raise DataError(f"{path} holds no images: give at least one")
    return open_encoded(LmdbSource(str(path), file, tuple(keys), starts, sizes), Labels(), fit, skip_broken=skip_broken)


@dataclass(frozen=True, eq=False)
class LmdbSource:
    """The values of a data base as picture files; its file is opened for as long as one of them is read.

    Attributes:
        name: of the set. file: of the data base. keys: in order. starts, sizes: of the values in the file, in bytes.
    """

    name: str
    file: Path
    keys: tuple[bytes, ...]
    starts: array[int]
    sizes: array[int]

    @property
    def names(self) -> Sequence[str]:
        """Return the keys as text."""
        return _KeyNames(self.keys)

    def where(self, index: int) -> str:
        """Return the data base's path and the key."""
        return f"{self.name}: {_called(self.keys[index])}"

    def size(self, index: int) -> int:
        """Return how many bytes a value has."""
        return self.sizes[index]

    def fetch(self, index: int, limit: int | None = None) -> bytes:
        """Return a value, or its first ``limit`` bytes."""
        size = self.sizes[index]
        try:
            with self.file.open("rb") as file:
                file.seek(self.starts[index])
                return file.read(size if limit is None else min(limit, size))
        except OSError as error:
            raise BrokenFileError(self.where(index), error.strerror or str(error)) from None


@dataclass(frozen=True)
class _KeyNames(Sequence[str]):
    keys: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        chosen = self.keys[index]
        return _called(chosen) if isinstance(chosen, bytes) else [_called(key) for key in chosen]


def _called(key: bytes) -> str:
    return printable(key.decode("utf-8", "replace"))
