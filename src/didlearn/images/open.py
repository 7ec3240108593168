"""``open_images``: one way in for every format."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import os
from pathlib import Path

import numpy as np
import torch

from didlearn.errors import DataError
from didlearn.foreign.files import refuse_special
from didlearn.foreign.kinds import is_cifar_pickle, is_tensor_file, known_file
from didlearn.images.base import Images
from didlearn.images.classes import Labels, printable
from didlearn.images.fit import Fit, fitted
from didlearn.images.formats.arrays import open_array
from didlearn.images.formats.cifar.batches import cifar_batches, open_cifar_batches
from didlearn.images.formats.cifar.binary import cifar_files, open_cifar
from didlearn.images.formats.embedded.colours import open_colours
from didlearn.images.formats.embedded.digits import open_digits
from didlearn.images.formats.folder import open_folder
from didlearn.images.formats.hub import is_saved_dataset, open_hub_dataset, open_parquet, open_saved
from didlearn.images.formats.idx import is_idx, open_idx
from didlearn.images.formats.lmdb.pictures import is_lmdb, open_lmdb
from didlearn.images.formats.matlab.mat_files import open_mat
from didlearn.images.formats.numpy_files import open_npy, open_npz
from didlearn.images.formats.pictures.kinds import NAMED_SUFFIXES, is_picture_name
from didlearn.images.formats.tar.headers import is_tar
from didlearn.images.formats.tar.shards import open_tar
from didlearn.images.formats.tensor_files import is_safetensors_images, open_safetensors, open_tensor_file
from didlearn.images.formats.torch_dataset import open_dataset, open_tensor
from didlearn.images.formats.zipped import open_zip
from didlearn.images.points import open_points
from didlearn.readiness.paths import quoted, typed_path

_EMBEDDED = ("digits", "colours")
_FORMATS = (
    f"a folder, .zip or .tar of pictures ({NAMED_SUFFIXES}), .npz, .npy, a folder of .npy or .tar, "
    ".pt or .safetensors with one tensor, .mat, LMDB, IDX (gzipped or not), CIFAR (binary or Python), "
    ".parquet, a save_to_disk folder, hf:NAME[:SPLIT], 'digits', or 'colours'"
)


def open_images(
    source: object,
    *,
    size: int | None = None,
    channels: int | None = None,
    crop: int | None = None,
    megapixels: int | None = None,
    skip_broken: bool = False,
    points: bool = False,
    name: str | None = None,
) -> Images:
    """Open a data set of pictures of one shape, reading pixels only when asked for them.

    Args:
        source: a folder (of pictures, ``.npy`` or ``.tar`` files), ``.zip``, ``.tar``, ``.npz`` (``FILE.npz:KEY``
            picks an array), ``.npy``, IDX file, CIFAR file or folder, ``.parquet``, ``save_to_disk`` folder,
            ``"hf:NAME[:SPLIT]"``, ``.mat``, LMDB folder, ``"digits"``, ``"colours"``; in Python also an array, a
            tensor, a torch ``Dataset``, a list of pictures, or ``Images``.
        size: crop every picture to its centre square and resize it to ``size`` × ``size`` (Lanczos, antialiased).
        crop: cut out the square of this many pixels in the middle of every picture first (CelebA: 108 or 140).
        channels: 1 turns colour into luminance, 3 broadcasts grey to RGB.
        megapixels: how many million pixels the picture files may hold together; else a thousand, or what a hundred
            pixels a byte come to: pictures that unfold to more than that are refused before any is decoded.
        points: the source holds rows of numbers, as ``open_points`` reads them.
        skip_broken: decode every picture file once now, and go on without those that cannot be decoded.
        name: what to call the set; its source by default.

    Raises:
        UsageError: ``size``, ``crop``, ``channels`` or ``megapixels`` cannot be used.
        DataError: the data cannot be read as it is; the sentence says what would do.
        MissingExtraError: the format needs a package that is not installed.
    """
    if points:
        return open_points(source, name=name)
    fit = Fit(size, channels, megapixels, crop)
    if isinstance(source, (str, os.PathLike)):
        images = _open_named(os.fspath(source), fit, skip_broken)
    elif isinstance(source, Images):
        images = source
    elif isinstance(source, np.ndarray):
        images = open_array(source, Labels(), name or "the array")
    elif isinstance(source, torch.Tensor):
        images = open_tensor(source, Labels(), name or "the tensor")
    else:
        images = open_dataset(source, name or f"the {type(source).__name__}")
    if not (isinstance(source, str) and source == "colours"):  # which are made to fit
        images = fitted(images, fit)
    called = name or (printable(os.fspath(source)) if isinstance(source, (str, os.PathLike)) else images.name)
    return images if called == images.name else dataclasses.replace(images, name=called)


def _open_named(source: str, fit: Fit, skip_broken: bool) -> Images:
    if source == "digits":
        return open_digits()
    if source == "colours":
        return open_colours(fit)
    if source.startswith("hf:"):
        return open_hub_dataset(source, fit, skip_broken=skip_broken)
    path, key = _found(source)
    refuse_special(path, DataError)
    if key is not None:
        return open_npz(path, key)
    try:
        return _open_folder(path, fit, skip_broken) if path.is_dir() else _open_file(path, fit, skip_broken)
    except OSError as error:
        raise DataError(
            f"{source} cannot be read ({error.strerror or error}): check the file and its permissions"
        ) from None


def check_images(source: object) -> None:
    """Refuse a text that names no data, before anything is read; whatever else ``open_images`` takes is let pass.

    Raises:
        DataError: there is nothing of that name. UsageError: the name can be none.
    """
    named = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    if named is not None and named not in _EMBEDDED and not named.startswith("hf:"):
        _found(named)


def _found(source: str) -> tuple[Path, str | None]:
    """Return the file or folder that a text names, and the array in it that ``FILE.npz:KEY`` picks."""
    path = typed_path(source)
    if path.exists():
        return path, None
    file, colon, key = source.rpartition(":")
    if colon and file.lower().endswith(".npz") and (held := typed_path(file)).is_file():
        return held, key
    raise _no_such_path(path, source)


def _open_folder(path: Path, fit: Fit, skip_broken: bool) -> Images:
    if is_saved_dataset(path):
        return open_saved(path, fit, skip_broken=skip_broken)
    if is_lmdb(path):
        return open_lmdb(path, fit, skip_broken=skip_broken)
    if cifar_files(path):
        return open_cifar(path)
    if cifar_batches(path):
        return open_cifar_batches(path)
    return open_folder(path, fit, skip_broken=skip_broken)


def _open_file(path: Path, fit: Fit, skip_broken: bool) -> Images:
    match path.suffix.lower():
        case ".zip":
            return open_zip(path, fit, skip_broken=skip_broken)
        case ".npz":
            return open_npz(path)
        case ".npy":
            return open_npy(path)
        case ".parquet":
            return open_parquet(path, fit, skip_broken=skip_broken)
        case ".bin":
            return open_cifar(path)
        case ".mat":
            return open_mat(path)
    if is_lmdb(path):
        return open_lmdb(path, fit, skip_broken=skip_broken)
    if is_idx(path):
        return open_idx(path)
    if path.suffix.lower() == ".tar" and is_tar(path):
        return open_tar(path, fit, skip_broken=skip_broken)
    if is_cifar_pickle(path):
        return open_cifar_batches(path)
    if is_tensor_file(path):
        return open_tensor_file(path)
    if is_safetensors_images(path):
        return open_safetensors(path)
    raise _unknown_format(path)


def _unknown_format(path: Path) -> DataError:
    name = printable(str(path))
    known = known_file(path)
    if known is not None:
        return DataError(f"{name} is {known.what}: {known.remedy}")
    if is_picture_name(path.name):
        return DataError(f"{name} is a single picture: name the folder it is in")
    return DataError(f"{name} is in no format that is read: give {_FORMATS}")


def _no_such_path(path: Path, source: str) -> DataError:
    near: list[str] = []
    if path.parent.is_dir():
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in itertools.islice(entries, 10_000) if not entry.name.startswith(".")]
        near = [printable(found) for found in difflib.get_close_matches(path.name, names)]
    if difflib.get_close_matches(source, _EMBEDDED):
        near += difflib.get_close_matches(source, _EMBEDDED)
    meant = f"did you mean {' or '.join(near)}?" if near else f"give {_FORMATS}"
    return DataError(f"there is no file or folder {quoted(source)}: {meant}")
