"""What a network gave, read as images (n, C, H, W), or a sentence saying why it is not that."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from didlearn.arrays import ImageShape
from didlearn.errors import OutputError

_IMAGES = "images (n, C, H, W) with 1 or 3 channels"
_WANTED = f"{_IMAGES} were expected"


def check_tensor(output: object, count: int, name: str) -> torch.Tensor:
    """Return ``output`` if it is a real tensor with ``count`` rows.

    Raises:
        OutputError: it is not.
    """
    if not isinstance(output, torch.Tensor):
        raise OutputError(
            f"{name} returned a {type(output).__name__}{_inside(output)}, not a tensor of {_IMAGES}; give a module "
            "whose forward returns the images alone"
        )
    if output.is_complex():
        raise OutputError(f"{name} returned complex numbers; {_WANTED}")
    if output.ndim == 0 or len(output) != count:
        raise OutputError(
            f"{name} returned the shape {tuple(output.shape)} for {count} latents; {_WANTED}, n = {count}"
        )
    return output


def _inside(output: object) -> str:
    """Say what stands in a mapping, tuple or list, with the shapes of tensors."""
    if isinstance(output, Mapping):
        return f" (in it: {', '.join(f'{key!r}: {_member(output[key])}' for key in output)})"
    if isinstance(output, tuple | list):
        return f" (in it: {', '.join(map(_member, output))})"
    return ""


def _member(value: object) -> str:
    return str(tuple(value.shape)) if isinstance(value, torch.Tensor) else type(value).__name__


def find_image_shape(output: torch.Tensor, declared: ImageShape | None, name: str) -> tuple[ImageShape, str | None]:
    """Return (C, H, W) of the images in ``output``, and a note if it had to be guessed.

    Raises:
        OutputError: the output is not images, or not those that were declared.
    """
    got = tuple(output.shape)
    if output.ndim == 2:
        return _flat_shape(got[1], declared, name)
    if output.ndim != 4:
        raise OutputError(f"{name} returned the shape {got}, {output.ndim} axes; {_WANTED}")
    if got[1] not in (1, 3):
        hint = "; the channels seem to come last, permute them" if got[3] in (1, 3) else ""
        raise OutputError(f"{name} returned the shape {got}, {got[1]} channels; {_WANTED}{hint}")
    shape = (got[1], got[2], got[3])
    if declared not in (None, shape):
        raise OutputError(f"{name} returned images {shape}, but its image_shape says {declared}")
    return shape, None


def find_row_shape(output: torch.Tensor, name: str) -> ImageShape:
    """Return (D, 1, 1), the shape in which rows of D numbers are held, for an output (n, D).

    Raises:
        OutputError: the output is no rows.
    """
    if output.ndim != 2 or not output.shape[1]:
        raise OutputError(f"{name} returned the shape {tuple(output.shape)}; points were expected, rows (n, D)")
    return (output.shape[1], 1, 1)


def _flat_shape(length: int, declared: ImageShape | None, name: str) -> tuple[ImageShape, str | None]:
    if declared is not None and math.prod(declared) == length:
        return declared, None
    side = math.isqrt(length)
    if declared is None and side * side == length:
        return (1, side, side), f"flat outputs of {length} numbers were read as {side}×{side} grayscale images"
    says = f"but its image_shape says {declared}" if declared else "which is no square grayscale image"
    raise OutputError(
        f"{name} returned {length} numbers per image, {says}; {_WANTED}, "
        "or flat ones with an attribute image_shape = (C, H, W) on the module"
    )


def as_images(output: object, count: int, shape: ImageShape, name: str) -> torch.Tensor:
    """Return ``output`` as (count, *shape).

    Raises:
        OutputError: it is something else.
    """
    tensor = check_tensor(output, count, name)
    if tuple(tensor.shape[1:]) == shape:
        return tensor
    if tensor.ndim == 2 and tensor.shape[1] == math.prod(shape):
        return tensor.reshape(count, *shape)
    raise OutputError(f"{name} returned the shape {tuple(tensor.shape)}; {(count, *shape)} was expected")
