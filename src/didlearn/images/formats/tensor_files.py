"""One tensor in a file, as samples lie about: ``torch.save(x, "x.pt")`` and ``.safetensors``; both run no code."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from didlearn.errors import DataError, first_line
from didlearn.images.base import Images
from didlearn.images.classes import Labels
from didlearn.images.formats.torch_dataset import open_tensor

_NAMES = ("images", "samples", "x")


def open_tensor_file(path: Path) -> Images:
    """Open a file that ``torch.save`` wrote of one tensor, memory-mapped, or of a list of tensors, joined.

    Raises:
        DataError: it is damaged, or the tensor is no stack of images.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # noqa: BLE001 (torch's loader has no error of its own)
        raise DataError(f"{path} cannot be read as a tensor ({first_line(error)}): save it again") from None
    tensor = _joined(found, path) if isinstance(found, list) else found
    if not isinstance(tensor, torch.Tensor) or tensor.is_sparse or tensor.is_quantized:
        raise DataError(
            f"{path} holds no plain tensor, or a list of several shapes: save images (N, C, H, W) with "
            "torch.save(x.clip(0, 1), file)"
        )
    held, promised = tensor.untyped_storage().nbytes(), tensor.numel() * tensor.element_size()
    if promised > held:
        raise DataError(f"{path} says its shape is {tuple(tensor.shape)} ({promised} bytes) but holds {held} bytes")
    return open_tensor(tensor.detach(), Labels(), str(path))


def _joined(tensors: list[object], path: Path) -> torch.Tensor | None:
    """Stack pictures (C, H, W), or join batches (n, C, H, W); ``None`` if they are no tensors of one shape.

    A list may hold one tensor as often as it likes, and a tensor repeat its numbers: no more is joined than the file
    has bytes.
    """
    plain = [t for t in tensors if isinstance(t, torch.Tensor) and not (t.is_sparse or t.is_quantized)]
    batches = all(t.ndim == 4 for t in plain)
    kinds = {(t.dtype, tuple(t.shape[1:] if batches else t.shape)) for t in plain}
    if len(plain) != len(tensors) or len(kinds) != 1:
        return None
    promised, held = sum(t.numel() * t.element_size() for t in plain), path.stat().st_size
    if promised > held:
        raise DataError(
            f"{path} says its {len(plain)} tensors have {promised} bytes, but it has {held}: save them again"
        )
    return torch.cat(plain).detach() if batches else torch.stack(plain).detach()


def is_safetensors_images(path: Path) -> bool:
    """Tell whether a ``.safetensors`` file holds a stack of images: one tensor, or one that is called so."""
    return path.suffix.lower() == ".safetensors" and path.is_file() and _images_in(path) is not None


def open_safetensors(path: Path) -> Images:
    """Open the images of a ``.safetensors`` file.

    Raises:
        DataError: it is damaged, or the tensor is no stack of images.
    """
    name = _images_in(path)
    assert name is not None, "is_safetensors_images has said so"
    try:
        with safe_open(path, framework="pt") as file:
            tensor = file.get_tensor(name)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read ({first_line(error)}): save it again") from None
    return open_tensor(tensor, Labels(), str(path))


def _images_in(path: Path) -> str | None:
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            ranks = {name: len(file.get_slice(name).get_shape()) for name in names}
    except (OSError, SafetensorError):
        return None
    named = [name for name in _NAMES if name in ranks] or (names if len(names) == 1 else [])
    return next((name for name in named if ranks[name] in (3, 4)), None)
