"""Finished units on disk, so that a killed run goes on where it was and ends with the same result."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from didlearn._version import __version__
from didlearn.arrays import Array
from didlearn.atomic import atomically
from didlearn.readiness.outputs import storing

Arrays = dict[str, Array]


@dataclass(frozen=True)
class Records:
    """Units of arrays in a folder, under a name that says all they depend on."""

    folder: Path
    name: str

    def read(self, unit: int) -> Arrays | None:
        """Return what is kept of a unit; nothing where it is absent or broken, and has to be made again."""
        try:
            with self._path(unit).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, zipfile.BadZipFile, EOFError):
            return None

    def write(self, unit: int, arrays: Arrays) -> None:
        """Keep a unit.

        Raises:
            StorageError: the folder cannot be written to any more.
        """
        with storing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            atomically(self._path(unit), lambda part: np.savez(part, allow_pickle=False, **arrays))

    def _path(self, unit: int) -> Path:
        return self.folder / f"{self.name}-{unit:06d}.npz"


def records_in(
    folder: str | Path | None, fingerprint: str, arrays: Mapping[str, Array | None], settings: Mapping[str, object]
) -> Records | None:
    """Return where the units of a call are kept; nowhere without a folder.

    Args:
        folder: where to. fingerprint: of the model.
        arrays: what the units are made of, such as images and labels. settings: all else that decides them.
    """
    if folder is None:
        return None
    said = repr((__version__, torch.__version__, fingerprint, sorted(settings.items())))
    digest = hashlib.blake2b(said.encode(), digest_size=12)
    for name, array in arrays.items():
        if array is not None:
            digest.update(f"{name} {array.dtype} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes())
    return Records(Path(folder), digest.hexdigest())
