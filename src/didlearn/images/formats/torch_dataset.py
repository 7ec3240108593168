"""torch ``Dataset``s and plain sequences: whatever has a length and gives a picture by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import torch
from PIL.Image import Image
from torch.utils.data import Subset, TensorDataset

from didlearn.arrays import Array, Pixels
from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels, from_values
from didlearn.images.formats import arrays, decoding
from didlearn.images.formats.arrays import open_array


class Numbered(Protocol):
    """Whatever has a length and gives an item by number."""

    def __len__(self) -> int:
        """Return how many items there are."""

    def __getitem__(self, index: int) -> object:
        """Return an item: a picture, or a picture and its label."""


def open_tensor(tensor: torch.Tensor, labels: Labels, name: str) -> Images:
    """Open a tensor (N, C, H, W), (N, H, W, C) or (N, H, W) of images; the first where it could be either.

    Raises:
        DataError: the shape is no stack of images, or the values are outside their range.
    """
    return open_array(_to_numpy(tensor), labels, name, channels_first=True)


def _to_numpy(values: object) -> Array:
    """Return a tensor from any device, or anything array-like, as an array."""
    if not isinstance(values, torch.Tensor):
        return np.asarray(values)
    values = values.detach().cpu()
    return (values.float() if values.dtype == torch.bfloat16 else values).numpy()


def open_dataset(given: object, name: str) -> Images:
    """Open a map-style ``Dataset`` (or list) whose items are pictures or (picture, label) pairs.

    A picture is a tensor (C, H, W), an array (H, W, C), either as (H, W), or a PIL image. Labels come from
    ``dataset.targets`` where it agrees with the items, and otherwise from reading every item once.

    Raises:
        DataError: no length, no items, an item that is no picture or differs each time it is read.
    """
    dataset, count = _numbered(given, name)
    if isinstance(dataset, TensorDataset):
        beside = dataset.tensors[1] if len(dataset.tensors) > 1 else None
        labels = Labels() if beside is None else from_values(_to_numpy(beside), count, name)
        return open_tensor(dataset.tensors[0], labels, name)
    reader = DatasetReader(dataset, name)
    first, again = reader.one(0), reader.one(0)
    if first.shape != again.shape or not np.array_equal(first, again):
        raise DataError(f"{name}: item 0 is another picture each time it is read; turn random augmentation off")
    labels = _labels(dataset, count, name)
    channels, height, width = first.shape
    return Images(reader, (channels, height, width), name, labels.values, labels.classes, notes=labels.notes)


@dataclass(frozen=True, eq=False)
class DatasetReader:
    """Reads pictures from a map-style dataset.

    Attributes:
        dataset: gives an item by number. name: for errors.
    """

    dataset: Numbered
    name: str

    def __len__(self) -> int:
        return len(self.dataset)

    def read(self, indices: Sequence[int]) -> Pixels:
        """Return the pictures at ``indices`` as (n, C, H, W), uint8 or float32 in [0, 1].

        Raises:
            DataError: an item is no picture, of another shape or type than its neighbours, or outside its range.
        """
        pictures = [self.one(index) for index in indices]
        for index, picture in zip(indices, pictures, strict=True):
            first = pictures[0]
            if picture.shape != first.shape or picture.dtype != first.dtype:
                raise DataError(
                    f"{self.name}: item {indices[0]} is {first.dtype} {first.shape} and item {index} is "
                    f"{picture.dtype} {picture.shape}; make the data set resize its pictures to one shape"
                )
        return np.stack(pictures)

    def one(self, index: int) -> Pixels:
        """Return one picture as (C, H, W)."""
        where = f"{self.name}: item {index}"
        picture = _picture(self.dataset[index])
        if isinstance(picture, Image):
            return decoding.from_pil(picture, where)
        pixels = _to_numpy(picture)
        if pixels.dtype.kind not in "uibf" or pixels.ndim not in (2, 3) or 0 in pixels.shape:
            raise DataError(f"{where} is a {type(picture).__name__}, not a picture: give a tensor (C, H, W)")
        if pixels.ndim == 2:
            pixels = pixels[None]
        first_axis = 0 if isinstance(picture, torch.Tensor) else 2
        channels = next((axis for axis in (first_axis, 2 - first_axis) if pixels.shape[axis] in (1, 3)), None)
        if channels is None:
            raise DataError(f"{where} has shape {pixels.shape}: give (C, H, W) with 1 or 3 channels")
        # A copy: what the data set hands out may be its own memory.
        return np.array(arrays.to_pixels(pixels if channels == 0 else pixels.transpose(2, 0, 1), where))


def _picture(item: object) -> object:
    return item[0] if isinstance(item, (tuple, list)) and item else item


def _label(item: object) -> Array:
    return _to_numpy(cast(Sequence[object], item)[1])


def _numbered(given: object, name: str) -> tuple[Numbered, int]:
    dataset = cast(Numbered, given)
    try:
        count = len(dataset)
        _ = dataset.__getitem__
    except (TypeError, AttributeError, NotImplementedError):
        raise DataError(
            f"{name} gives no picture by number: hand in a path, an array, a tensor, or a Dataset with a length"
        ) from None
    if count == 0:
        raise DataError(f"{name} holds no images: give at least one")
    return dataset, count


def _labels(dataset: Numbered, count: int, name: str) -> Labels:
    item = dataset[0]
    if not isinstance(item, (tuple, list)) or len(item) < 2:
        return Labels()
    label = _label(item)
    if label.size != 1:
        return Labels(notes=(f"{name}: the items' second part is no class and was left out",))
    targets = _targets(dataset)
    if targets is None or len(targets) != count or targets[0] != label.item():
        targets = np.array([_label(dataset[index]).item() for index in range(count)])
    return from_values(targets, count, name)


def _targets(dataset: object) -> Array | None:
    """The labels a torchvision-like dataset carries beside its pictures, also through ``Subset``."""
    if isinstance(dataset, Subset):
        targets = _targets(dataset.dataset)
        return None if targets is None else targets[np.asarray(dataset.indices)]
    found = getattr(dataset, "targets", None)
    targets = None if found is None else _to_numpy(found)
    return targets if targets is not None and targets.ndim == 1 else None
