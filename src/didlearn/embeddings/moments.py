"""The first two moments of a set's features, and the ``mu``/``sigma`` files in which the field passes them on.

pytorch-fid, clean-fid, torch-fidelity and ADM's evaluations write ``mu`` (D,) and ``sigma`` (D, D) into an ``.npz``. A
Fréchet distance uses nothing else. ADM's files also hold ``mu_s`` and ``sigma_s``, of the spatial features of sFID, and
10 000 pictures for precision and recall, which are left aside.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from didlearn.arrays import Array, Floats
from didlearn.atomic import atomically
from didlearn.errors import DataError, ResultError, UsageError
from didlearn.foreign.files import refuse_special
from didlearn.naming import option
from didlearn.readiness.paths import quoted, typed_path
from didlearn.result.arrays_file import read_arrays

_MOMENTS: Final = ("mu", "sigma")
_OURS: Final = ("images", "embedding")
_SPATIAL: Final = ("mu_s", "sigma_s")
_REMEDY: Final = "give a .npz file that holds mu and sigma, as `didlearn statistics` and pytorch-fid write"
_ROUNDING: Final = 1e-6  # of the largest variance: files in single precision are symmetric to that


@dataclass(frozen=True)
class FeatureMoments:
    """Mean (D,) and covariance (D, D), divided by n − 1, of a set's features.

    Attributes:
        images: how many they were taken from, where the file says. embedding: which, where it says, else empty.
        source: what they were read from. spatial: the moments of sFID's features, where the file holds them.
    """

    mean: Floats
    covariance: Floats
    images: int | None = None
    embedding: str = ""
    source: str = ""
    spatial: FeatureMoments | None = None

    @classmethod
    def of(cls, features: Array, embedding: str, source: str) -> FeatureMoments:
        """Return the moments of features (n, D).

        Raises:
            DataError: there are fewer than two.
        """
        if len(features) < 2:
            raise DataError(f"{source} holds {len(features)} images; statistics take at least 2")
        from didlearn.statistics.fidelity.covariance_root import covariance  # with scipy, for who writes statistics

        rows = features.astype(np.float64)
        mean = rows.mean(axis=0)
        lower = covariance(rows, mean)
        return cls(mean, lower + np.tril(lower, -1).T, len(rows), embedding, source)

    def described(self) -> dict[str, Any]:
        """Return what an audit says of them, with a fingerprint."""
        digest = hashlib.blake2b(self.mean.tobytes() + self.covariance.tobytes(), digest_size=16).hexdigest()
        return {
            "name": self.source,
            "features": len(self.mean),
            "images": self.images,
            "embedding": self.embedding or None,
            "fingerprint": digest,
        }

    def check_embedding(self, name: str, width: int) -> None:
        """Refuse statistics of another embedding than that of this name with ``width`` features.

        Raises:
            UsageError: they are.
        """
        other = option("embedding", None)
        if len(self.mean) != width:
            raise UsageError(
                f"{self.source} holds statistics of {len(self.mean)} features, and the embedding {name} has {width}: "
                f"give the {other} that they were made with (2048: inception)"
            )
        if self.embedding not in ("", name):
            raise UsageError(
                f"{self.source} holds statistics of the embedding {self.embedding}, and this one is {name}: give the "
                f"same {other}"
            )


def read_moments(file: str | os.PathLike[str]) -> FeatureMoments:
    """Read ``mu`` and ``sigma`` of an ``.npz`` file; nothing in it is run.

    Raises:
        UsageError: there is no such file. DataError: it holds no such moments.
    """
    path = typed_path(os.fspath(file))
    if not path.is_file():
        raise UsageError(f"there is no file {quoted(os.fspath(file))}: {_REMEDY}")
    refuse_special(path, DataError)
    try:
        arrays = read_arrays(path, (*_MOMENTS, *_OURS, *_SPATIAL), _REMEDY)
    except ResultError as error:
        raise DataError(str(error)) from None
    if not {*_MOMENTS} <= arrays.keys():
        raise DataError(f"{path} holds no mu and sigma: {_REMEDY}")
    mean, sigma = _moments(path, arrays, _MOMENTS)
    spatial = (
        FeatureMoments(*_moments(path, arrays, _SPATIAL), source=str(path)) if {*_SPATIAL} <= arrays.keys() else None
    )
    embedding = arrays["embedding"] if "embedding" in arrays else np.array("")
    return FeatureMoments(
        mean,
        sigma,
        _count(arrays.get("images")),
        str(embedding) if embedding.ndim == 0 and embedding.dtype.kind == "U" else "",
        str(path),
        spatial,
    )


def write_moments(file: str | os.PathLike[str], moments: FeatureMoments) -> Path:
    """Write ``mu`` and ``sigma`` as pytorch-fid reads them, beside them ``images`` and ``embedding``; return the path.

    Raises:
        UsageError: the file is not called ``.npz``, which its readers go by.
    """
    path = Path(file)
    if path.suffix != ".npz":
        raise UsageError(f"statistics are written to a .npz file, and {path} is called otherwise: give FILE.npz")
    arrays: dict[str, Any] = {"mu": moments.mean, "sigma": moments.covariance, "embedding": np.array(moments.embedding)}
    if moments.images is not None:
        arrays["images"] = np.array(moments.images)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomically(path, lambda part: np.savez(part, allow_pickle=False, **arrays))
    return path


def _moments(path: Path, arrays: Mapping[str, Array], names: tuple[str, str]) -> tuple[Floats, Floats]:
    mean, sigma = (_as_floats(path, name, arrays[name]) for name in names)
    _check_shapes(path, names, mean, sigma)
    return mean, (sigma + sigma.T) / 2


def _as_floats(path: Path, name: str, array: Array) -> Floats:
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise DataError(f"{name} of {path} holds what is no finite number: {_REMEDY}")
    return array.astype(np.float64)


def _check_shapes(path: Path, names: tuple[str, str], mean: Floats, sigma: Floats) -> None:
    mu, covariance = names
    if mean.ndim != 1 or not len(mean) or sigma.shape != (len(mean), len(mean)):
        raise DataError(
            f"{path} holds {mu} {mean.shape} and {covariance} {sigma.shape}, and they are (D,) and (D, D): {_REMEDY}"
        )
    if np.abs(sigma - sigma.T).max() > _ROUNDING * float(np.abs(sigma).max()):
        raise DataError(f"{covariance} of {path} is not symmetric, so it is no covariance: {_REMEDY}")


def _count(images: Array | None) -> int | None:
    known = images is not None and images.ndim == 0 and images.dtype.kind in "iu" and images > 0
    return int(images) if images is not None and known else None
