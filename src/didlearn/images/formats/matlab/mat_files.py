"""MATLAB's ``.mat`` files up to version 7: arrays of numbers, read by scipy, which runs nothing in them.

MATLAB stacks pictures along the last axis: SVHN's ``X`` is (32, 32, 3, n), its labels ``y`` are 1 to 10, and 10 is 0.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from didlearn.arrays import Array
from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels, from_values, printable
from didlearn.images.formats.arrays import open_array

_BYTES = {"uint8": 1, "int8": 1, "logical": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "single": 4}
_BYTES |= {"double": 8, "uint64": 8, "int64": 8}
_PIXELS, _LABELS = ("x", "images", "data"), ("y", "labels", "label")
_DEFLATE_RATIO = 1032  # deflate cannot pack tighter
_HDF5 = b"\x89HDF"
_TEN_IS_ZERO = "labels are 1 to 10, as SVHN has them; 10 was read as the digit 0"


class _Variable(NamedTuple):
    name: str
    shape: tuple[int, ...]
    kind: str


def open_mat(path: Path) -> Images:
    """Open the array of pictures in a ``.mat`` file, with its labels.

    Raises:
        DataError: a file of version 7.3, a damaged or false one, or no array that is plainly the pictures.
    """
    held = {variable.name: variable for variable in _variables(path)}
    pixels, beside = _chosen(held, path)
    wanted = [pixels] if beside is None else [pixels, beside]
    loaded = _loaded(path, [held[name] for name in wanted])
    array, note = _stack(loaded[pixels], f"{path}: {pixels}")
    labels = Labels()
    if beside is not None:
        labels = _labels(loaded[beside].ravel(), len(array), f"{path}: {beside}")
    images = open_array(array, labels, str(path))
    spare = sorted(set(held) - set(wanted))
    notes = (note,) + ((f"left out of {path.name}: {printable(', '.join(spare))}",) if spare else ())
    return dataclasses.replace(images, notes=(*images.notes, *notes))


def _variables(path: Path) -> list[_Variable]:
    from scipy.io import whosmat

    with path.open("rb") as file:
        start = file.read(520)
    if _HDF5 in (start[:4], start[512:516]) or b"MATLAB 7.3" in start[:128]:
        raise DataError(
            f"{path} is a MATLAB file of version 7.3, which is HDF5: save it with -v7, or read it with h5py and save "
            "its pixels with numpy.savez('x.npz', x=pixels)"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [_Variable(*found) for found in whosmat(str(path), appendmat=False)]
    except Exception as error:  # noqa: BLE001 (a parser fed hostile bytes may raise anything)
        raise DataError(f"{path} is no MATLAB file or a damaged one ({_first_line(error)}): save it again") from None


def _chosen(held: dict[str, _Variable], path: Path) -> tuple[str, str | None]:
    """Return the names of the pictures and of their labels, where there are any."""
    stacks = [v.name for v in held.values() if v.kind in _BYTES and len(v.shape) in (3, 4)]
    named = [name for candidate in _PIXELS for name in stacks if name.lower() == candidate]
    if not named and len(stacks) != 1:
        there = printable(", ".join(held)) or "nothing"
        raise DataError(f"{path} holds no array that is plainly the pictures ({there}): call it X, (H, W, C, N)")
    labels = [name for candidate in _LABELS for name in held if name.lower() == candidate and held[name].kind in _BYTES]
    return (named or stacks)[0], labels[0] if labels else None


def _loaded(path: Path, variables: list[_Variable]) -> dict[str, Array]:
    from scipy.io import loadmat

    promised, size = sum(math.prod(v.shape) * _BYTES[v.kind] for v in variables), path.stat().st_size
    if promised > _DEFLATE_RATIO * size:
        raise DataError(f"{path} says it holds {promised} bytes, more than {size} packed bytes can: it is damaged")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = loadmat(str(path), variable_names=[v.name for v in variables], appendmat=False)
        return {v.name: _numbers(found[v.name]) for v in variables}
    except Exception as error:  # noqa: BLE001 (as above)
        raise DataError(f"{path} is truncated or damaged ({_first_line(error)}): copy or save it again") from None


def _numbers(value: object) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "uibf":
        raise TypeError(f"numbers were promised, {array.dtype} came")
    return array


def _stack(array: Array, name: str) -> tuple[Array, str]:
    """Return the pictures along the first axis, and how they were taken."""
    if array.ndim == 3:
        return np.moveaxis(array, -1, 0), f"{name} was taken as (H, W, N)"
    if array.shape[2] in (1, 3):
        return np.moveaxis(array, -1, 0), f"{name} was taken as (H, W, C, N)"
    return array, f"{name} was taken as pictures along its first axis"


def _labels(values: Array, count: int, where: str) -> Labels:
    if len(values) == count and values.min() == 1 and values.max() == 10:
        return Labels(values.astype(np.int64) % 10, tuple("0123456789"), (_TEN_IS_ZERO,))
    return from_values(values, count, where)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
