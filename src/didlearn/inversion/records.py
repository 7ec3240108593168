"""Finished work on disk, so that a killed run goes on where it was and ends with the same result."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from didlearn._version import __version__
from didlearn.arrays import Array
from didlearn.atomic import atomically
from didlearn.models.base import LatentModel


class Records:
    """Units of arrays kept under a name that says all they depend on; kept nowhere if the folder is ``None``."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self.folder, self.name = folder, name

    def get(self, unit: int, make: Callable[[], dict[str, Array]]) -> dict[str, Array]:
        """Return what is kept for a unit, or make and keep it."""
        if self.folder is None:
            return make()
        path = self.folder / f"{self.name}-{unit:06d}.npz"
        kept = _read(path)
        if kept is None:
            kept = make()
            _write(path, kept)
        return kept


def identity(
    model: LatentModel, pixels: torch.Tensor, labels: torch.Tensor | None, seed: int, settings: Mapping[str, object]
) -> str:
    """Hash the model, the images and the settings."""
    digest = hashlib.blake2b(
        repr((__version__, torch.__version__, model.fingerprint, seed, settings)).encode(), digest_size=12
    )
    digest.update(pixels.contiguous().numpy().tobytes())
    if labels is not None:
        digest.update(labels.numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Array] | None:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError):  # absent or broken: it is made again
        return None


def _write(path: Path, arrays: dict[str, Array]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomically(path, lambda part: np.savez(part, allow_pickle=False, **arrays))
