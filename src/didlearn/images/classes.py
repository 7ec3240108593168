"""Where class labels come from: subfolders, StyleGAN's ``dataset.json``, or an array beside the pixels."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from didlearn.arrays import Array, Ints
from didlearn.errors import DataError
from didlearn.images.class_order import ordered_names

_MOST_CLASSES = 65_536


@dataclass(frozen=True)
class Labels:
    """Classes of the images of a set, or why there are none.

    Attributes:
        values: (N,) int64, or ``None``. classes: their names, or ``None``. notes: what was decided.
    """

    values: Ints | None = None
    classes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def take(self, indices: Ints) -> Labels:
        """Return the labels at ``indices``."""
        return Labels(None if self.values is None else self.values[indices], self.classes, self.notes)


def printable(text: str) -> str:
    """Return text that can be written as UTF-8: file names may hold bytes that are no text."""
    return text.encode("utf-8", "replace").decode()


def from_subfolders(names: Sequence[str]) -> Labels:
    """Take the first subfolders as classes, when every image lies in one and there are several.

    Folders that hold everything (``train/cat/1.png``, ``train/dog/2.png``) are passed over.

    Args:
        names: paths with forward slashes, sorted.
    """
    start = len(shared_folders(names))
    tops = [name[start:].partition("/") for name in names]
    if not all(slash for _, slash, _ in tops):
        return Labels()
    named = _numbered([top for top, _, _ in tops])
    assert named.classes is not None
    return dataclasses.replace(named, notes=(f"labels are the {len(named.classes)} class subfolders",))


def _numbered(names: Sequence[str]) -> Labels:
    """Number the names of the images' classes, (N,), in their order."""
    classes = ordered_names(names)
    number = {name: i for i, name in enumerate(classes)}
    return Labels(np.array([number[name] for name in names], dtype=np.int64), tuple(map(printable, classes)))


def shared_folders(names: Sequence[str]) -> str:
    """Return the folders, "a/b/", that sorted paths with forward slashes all begin with."""
    # What the first and the last begin with, all between them do.
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(names[0], names[-1], strict=False))
    same = "".join(a for a, _ in pairs)
    return same[: same.rfind("/") + 1]


def folders_above(names: Sequence[str]) -> list[str]:
    """Return the folders that hold all of some sorted paths, outermost first: "", "a/", "a/b/"."""
    parts = shared_folders(names).split("/")[:-1]
    return list(itertools.accumulate((f"{part}/" for part in parts), initial=""))


def from_dataset_json(text: bytes, names: Sequence[str], where: str) -> Labels:
    """Read StyleGAN's ``dataset.json``: ``{"labels": [["00000/img00000000.png", 6], ...]}`` or ``{"labels": null}``.

    Raises:
        DataError: no such JSON, or it labels only some of the images.
    """
    try:
        content = json.loads(text)
        pairs = content.get("labels") if isinstance(content, Mapping) else None
        table = {str(name).replace("\\", "/"): label for name, label in pairs or ()}
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{where} is no StyleGAN label file ({error}): mend it or remove it") from None
    if not table:
        return Labels(notes=("dataset.json holds no labels",))
    known = [name for name in names if name in table]
    if len(known) < len(names):
        raise DataError(f"{where} labels {len(known)} of {len(names)} images: label all of them, or remove the file")
    try:
        values = np.asarray([table[name] for name in names])
    except ValueError as error:
        raise DataError(f"{where} mixes labels of different lengths ({error}): give one class per image") from None
    return from_values(values, len(names), where)


def from_values(values: Array, count: int, where: str) -> Labels:
    """Take an array as labels: (N,) or (N, 1) whole numbers or strings, or (N, K) one-hot rows.

    Anything else (attribute vectors, negative or enormous numbers) is no class: it is left out, with a note.

    Raises:
        DataError: there are more or fewer labels than images.
    """
    if values.ndim == 0 or len(values) != count:
        got = len(values) if values.ndim else "a single value"
        raise DataError(f"{where}: {count} images but {got} labels; give one label per image, or leave the labels out")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and values.dtype.kind in "biuf" and _one_hot(values):
        return Labels(values.argmax(axis=1).astype(np.int64))
    if values.ndim == 1 and values.dtype.kind in "US":
        return _numbered(values.astype(str).tolist())
    if values.ndim == 1 and values.dtype.kind in "biuf" and _are_classes(values):
        return Labels(values.astype(np.int64))
    described = f"{values.dtype} of shape {values.shape}"
    return Labels(notes=(f"{where}: the labels ({described}) are not one class per image and were left out",))


def _one_hot(values: Array) -> bool:
    numbers = values.astype(np.float64)
    return bool(((numbers == 0) | (numbers == 1)).all() and (numbers.sum(axis=1) == 1).all())


def _are_classes(values: Array) -> bool:
    numbers = values.astype(np.float64)
    return bool(((numbers >= 0) & (numbers < _MOST_CLASSES) & (numbers == np.rint(numbers))).all())
