"""Operators of ONNX that look at neighbouring pixels: convolutions, pooling, resizing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch.nn import functional

from didlearn.models.onnx.registry import Attributes, Inputs, UnknownOperatorError, given, integers_of, needed, operator
from didlearn.models.onnx.shapes import within_reason

_CONVOLUTIONS: Final = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TURNED: Final = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
_CUBIC: Final = -0.75


def _sides(attributes: Attributes, axes: int, size: Sequence[int], kernel: Sequence[int]) -> list[tuple[int, int]]:
    """Return by how many pixels each axis is padded before and after."""
    strides = attributes.get("strides", [1] * axes)
    dilations = attributes.get("dilations", [1] * axes)
    auto = attributes.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
        lacking = [max(0, (-(-n // s) - 1) * s + span - n) for n, s, span in zip(size, strides, spans, strict=True)]
        small = [(p // 2, p - p // 2) for p in lacking]
        return small if auto == "SAME_UPPER" else [(after, before) for before, after in small]
    pads = attributes.get("pads", [0] * 2 * axes) if auto == "NOTSET" else [0] * 2 * axes
    return list(zip(pads[:axes], pads[axes:], strict=True))


def _padded(x: torch.Tensor, sides: list[tuple[int, int]], filling: float = 0.0) -> torch.Tensor:
    flat = [side for pair in reversed(sides) for side in pair]
    return functional.pad(x, flat, value=filling) if any(flat) else x


@operator("Conv")
def _convolve(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Torch's convolution, of which each side may be padded by itself."""
    x, weight = needed(inputs, 0), needed(inputs, 1)
    axes = weight.ndim - 2
    sides = _sides(attributes, axes, x.shape[2:], weight.shape[2:])
    even = all(before == after for before, after in sides)
    return _CONVOLUTIONS[axes](
        x if even else _padded(x, sides),
        weight,
        given(inputs, 2),
        attributes.get("strides", [1] * axes),
        [before for before, _ in sides] if even else [0] * axes,
        attributes.get("dilations", [1] * axes),
        attributes.get("group", 1),
    )


@operator("ConvTranspose")
def _convolve_back(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Torch's transposed convolution, cut at the sides by as much as it says."""
    x, weight = needed(inputs, 0), needed(inputs, 1)
    axes = weight.ndim - 2
    if "output_shape" in attributes or attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise UnknownOperatorError("a transposed convolution to a given shape")
    strides, dilations = attributes.get("strides", [1] * axes), attributes.get("dilations", [1] * axes)
    more = attributes.get("output_padding", [0] * axes)
    sides = _sides(attributes, axes, x.shape[2:], weight.shape[2:])
    even = all(before == after for before, after in sides)
    cut = [before for before, _ in sides] if even else [0] * axes
    groups = attributes.get("group", 1)
    made = _TURNED[axes](x, weight, given(inputs, 2), strides, cut, more if even else 0, groups, dilations)
    if even:
        return made
    return _padded(made, [(-before, extra - after) for (before, after), extra in zip(sides, more, strict=True)])


@operator("MaxPool", "AveragePool")
def _pool(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """The largest or the mean of a window; padding is never the largest, and counts for the mean where it says so."""
    x, kernel, kind = needed(inputs, 0), attributes["kernel_shape"], attributes["op"]
    dilations = attributes.get("dilations", [1] * len(kernel))
    flat = all(dilation == 1 for dilation in dilations)
    if attributes.get("ceil_mode", 0) or len(kernel) != 2 or (kind == "AveragePool" and not flat):
        raise UnknownOperatorError(f"{kind} of this form")
    strides = attributes.get("strides", [1, 1])
    sides = _sides(attributes, 2, x.shape[2:], kernel)
    if kind == "MaxPool":
        return functional.max_pool2d(_padded(x, sides, -torch.inf), kernel, strides, dilation=dilations)
    mean = functional.avg_pool2d(_padded(x, sides), kernel, strides)
    if attributes.get("count_include_pad", 0) or not any(map(any, sides)):
        return mean
    return mean / functional.avg_pool2d(_padded(torch.ones_like(x[:1, :1]), sides), kernel, strides)


@operator("GlobalAveragePool", "GlobalMaxPool")
def _pool_all(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """One number a channel."""
    x = needed(inputs, 0)
    axes = list(range(2, x.ndim))
    return x.mean(axes, keepdim=True) if attributes["op"] == "GlobalAveragePool" else x.amax(axes, keepdim=True)


@operator("Resize", "Upsample")
def _resize(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Axis by axis, by the coordinates and weights that the standard defines."""
    x, upsample = needed(inputs, 0), attributes["op"] == "Upsample"
    if attributes.get("antialias", 0) or attributes.get("exclude_outside", 0):
        raise UnknownOperatorError("resizing with antialiasing, or without the pixels outside")
    place = "asymmetric" if upsample or attributes["version"] < 11 else None
    place = place or attributes.get("coordinate_transformation_mode", "half_pixel")
    rounding = (
        "floor" if upsample or attributes["version"] < 11 else attributes.get("nearest_mode", "round_prefer_floor")
    )
    sizes, scales = _sizes(x, inputs, attributes)
    within_reason(sizes)
    for axis, (size, scale) in enumerate(zip(sizes, scales, strict=True)):
        if size != x.shape[axis] or scale != 1:
            at = _coordinates(x.shape[axis], size, scale, place)
            x = _taken(x, axis, at, attributes.get("mode", "nearest"), rounding, attributes)
    return x


def _sizes(x: torch.Tensor, inputs: Inputs, attributes: Attributes) -> tuple[list[int], list[float]]:
    """Return how long each axis becomes, and by what it is stretched."""
    old = attributes["op"] == "Upsample" or attributes["version"] < 11
    scales, sizes = given(inputs, 1 if old else 2), given(inputs, 3)
    if attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise UnknownOperatorError("resizing that keeps the aspect ratio")
    axes = [axis % x.ndim for axis in attributes.get("axes", range(x.ndim))]
    factors, lengths = [1.0] * x.ndim, list(x.shape)
    if sizes is not None and sizes.numel():
        for axis, size in zip(axes, integers_of(sizes), strict=True):
            lengths[axis], factors[axis] = size, size / x.shape[axis]
        return lengths, factors
    told = attributes["scales"] if "scales" in attributes else needed([scales], 0).tolist()
    for axis, factor in zip(axes, told, strict=True):
        lengths[axis], factors[axis] = int(x.shape[axis] * factor), factor
    return lengths, factors


def _coordinates(old: int, new: int, scale: float, place: str) -> torch.Tensor:
    """Return where each pixel of the new axis lies on the old one, (new,) float64."""
    at = torch.arange(new, dtype=torch.float64)
    if place == "asymmetric":
        return at / scale
    if place == "align_corners":
        return at * (old - 1) / (old * scale - 1) if new > 1 else at * 0  # the standard's length is not rounded
    if place == "pytorch_half_pixel" and new == 1:
        return at * 0
    if place in ("half_pixel", "pytorch_half_pixel"):
        return (at + 0.5) / scale - 0.5
    raise UnknownOperatorError(f"resizing with coordinates {place}")


_ROUNDED: Final[dict[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round_prefer_floor": lambda at: torch.ceil(at - 0.5),
    "round_prefer_ceil": lambda at: torch.floor(at + 0.5),
}


def _taken(
    x: torch.Tensor, axis: int, at: torch.Tensor, mode: str, rounding: str, attributes: Attributes
) -> torch.Tensor:
    """Read an axis at places between its pixels: the nearest one, or two or four weighted."""

    def read(places: torch.Tensor) -> torch.Tensor:
        return x.index_select(axis, places.long().clamp(0, x.shape[axis] - 1).to(x.device))

    if mode == "nearest":
        return read(_ROUNDED[rounding](at))
    base, shape = at.floor(), [-1 if i == axis else 1 for i in range(x.ndim)]
    t = (at - base).to(x).view(shape)
    if mode == "linear":
        return read(base) * (1 - t) + read(base + 1) * t
    a = attributes.get("cubic_coeff_a", _CUBIC)
    return sum(
        (read(base + k) * _cubic(t - k, a) for k in (-1, 0, 1, 2)), torch.zeros((), dtype=x.dtype, device=x.device)
    )


def _cubic(t: torch.Tensor, a: float) -> torch.Tensor:
    """The kernel of Keys (1981) with parameter a."""
    d = t.abs()
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return torch.where(d <= 1, near, torch.where(d < 2, far, torch.zeros_like(d)))
