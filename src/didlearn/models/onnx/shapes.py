"""Operators of ONNX that make, cut, join and turn tensors."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch.nn import functional

from didlearn.models.onnx.arithmetic import together
from didlearn.models.onnx.registry import (
    Attributes,
    Inputs,
    UnknownOperatorError,
    axes_of,
    given,
    integers_of,
    needed,
    operator,
)

TENSOR_TYPES: Final = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64, 9: torch.bool,
    10: torch.float16, 11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip
"""Types by the numbers that ONNX gives them."""
_MOST: Final = 2**29


def within_reason(shape: list[int]) -> list[int]:
    """Return a shape that a graph asks for, if a tensor of it can be made.

    Raises:
        OverflowError: it cannot.
    """
    if math.prod(shape) > _MOST:
        raise OverflowError(f"a tensor of shape {tuple(shape)}")
    return shape


@operator("Constant")
def _constant(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """What it holds, as a tensor."""
    for name, dtype in (("value_float", torch.float32), ("value_floats", torch.float32), ("value_int", torch.int64),
                        ("value_ints", torch.int64)):  # fmt: skip
        if name in attributes:
            return torch.tensor(attributes[name], dtype=dtype)
    if "value" not in attributes:
        raise UnknownOperatorError("a constant that is no plain tensor")
    value: torch.Tensor = attributes["value"]
    return value


@operator("ConstantOfShape")
def _constant_of_shape(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """One number everywhere."""
    value = attributes.get("value", torch.zeros(1))
    shape = within_reason(integers_of(needed(inputs, 0)))
    return torch.full(shape, value.reshape(-1)[0].item(), dtype=value.dtype)


@operator("Range")
def _numbers(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """From, to, by."""
    start, end, step = (needed(inputs, place) for place in range(3))
    within_reason([max(0, math.ceil((end.item() - start.item()) / step.item()))])
    return torch.arange(start.item(), end.item(), step.item(), dtype=start.dtype)


@operator("RandomNormalLike", "RandomUniformLike")
def _random_like(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Noise of the network's own, from torch's generator, which whoever decodes seeds."""
    x = needed(inputs, 0)
    dtype = TENSOR_TYPES.get(attributes.get("dtype", 0), x.dtype)
    if attributes["op"] == "RandomNormalLike":
        return torch.randn_like(x, dtype=dtype) * attributes.get("scale", 1.0) + attributes.get("mean", 0.0)
    low, high = attributes.get("low", 0.0), attributes.get("high", 1.0)
    return torch.rand_like(x, dtype=dtype) * (high - low) + low


@operator("Cast", "CastLike")
def _cast(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Numbers of another type."""
    if attributes["op"] == "CastLike":
        return needed(inputs, 0).to(needed(inputs, 1).dtype)
    if attributes["to"] not in TENSOR_TYPES:
        raise UnknownOperatorError(f"a cast to type {attributes['to']}")
    return needed(inputs, 0).to(TENSOR_TYPES[attributes["to"]])


@operator("Dropout")
def _dropout(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """Nothing is dropped: a generator is run as it is used."""
    mode = given(inputs, 2)
    if mode is not None and bool(mode.item()):
        raise UnknownOperatorError("dropout in training mode")
    return needed(inputs, 0)


@operator("Shape")
def _shape_of(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Sizes, from one axis to another."""
    return torch.tensor(needed(inputs, 0).shape[attributes.get("start", 0) : attributes.get("end")], dtype=torch.int64)


@operator("Size")
def _size_of(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """How many numbers there are."""
    return torch.tensor(needed(inputs, 0).numel())


@operator("Reshape")
def _reshape(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """0 keeps a size, -1 is what is left."""
    x = needed(inputs, 0)
    shape = list(attributes["shape"]) if "shape" in attributes else integers_of(needed(inputs, 1))
    if not attributes.get("allowzero", 0):
        shape = [x.shape[i] if size == 0 else size for i, size in enumerate(shape)]
    return x.reshape(tuple(shape))


@operator("Flatten")
def _flatten(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """To two axes."""
    x, axis = needed(inputs, 0), attributes.get("axis", 1)
    axis += x.ndim if axis < 0 else 0
    return x.reshape(math.prod(x.shape[:axis]), -1)


@operator("Squeeze")
def _squeeze(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Without axes of size 1: those it names, or all."""
    x, axes = needed(inputs, 0), axes_of(inputs, attributes)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


@operator("Unsqueeze")
def _unsqueeze(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """With new axes of size 1, where they are to be in the end."""
    x, axes = needed(inputs, 0), axes_of(inputs, attributes) or []
    for axis in sorted(axis % (x.ndim + len(axes)) for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operator("Transpose")
def _transpose(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Axes in another order, else in the reverse one."""
    x = needed(inputs, 0)
    return x.permute(attributes.get("perm", list(range(x.ndim))[::-1]))


@operator("Concat")
def _concatenate(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Side by side along an axis."""
    return torch.cat(together(inputs), attributes["axis"])


@operator("Split")
def _split(inputs: Inputs, attributes: Attributes) -> tuple[torch.Tensor, ...]:
    """Along an axis, into parts of these sizes, or as many as there are outputs."""
    x, axis, sizes = needed(inputs, 0), attributes.get("axis", 0), given(inputs, 1)
    if sizes is not None or "split" in attributes:
        return x.split(integers_of(sizes) if sizes is not None else list(attributes["split"]), axis)
    return x.split(-(-x.shape[axis] // attributes["outputs"]), axis)


@operator("Slice")
def _cut(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """From, to and by along each axis; steps may go backwards."""
    x = needed(inputs, 0)
    if "starts" in attributes:
        starts, ends = list(attributes["starts"]), list(attributes["ends"])
        axes, steps = list(attributes.get("axes", range(len(starts)))), [1] * len(starts)
    else:
        starts, ends = integers_of(needed(inputs, 1)), integers_of(needed(inputs, 2))
        axes = axes_of(inputs, {}, 3) or list(range(len(starts)))
        steps = axes_of(inputs, {}, 4) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        kept = _kept(x.shape[axis], start, end, step)
        if step == 1:
            x = x.narrow(axis, kept.start, len(kept))
        else:
            x = x.index_select(axis, torch.tensor(list(kept), dtype=torch.int64, device=x.device))
    return x


def _kept(size: int, start: int, end: int, step: int) -> range:
    """Return the places that Python's slices would keep, but for bounds below the first place.

    A bound below it is the first place when counting up and the place before it when counting down.
    """
    lowest, highest = (0, size) if step > 0 else (-1, size - 1)
    first, last = (min(max(bound + size if bound < 0 else bound, lowest), highest) for bound in (start, end))
    return range(max(first, 0), last, step) if step > 0 or first >= 0 else range(0)


@operator("Gather")
def _gather(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Slices along an axis, by their numbers."""
    x, indices = needed(inputs, 0), needed(inputs, 1)
    axis = attributes.get("axis", 0) % x.ndim
    flat = (indices.reshape(-1).long() % x.shape[axis]).to(x.device)
    return x.index_select(axis, flat).reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


@operator("Expand")
def _expand(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """As large as it and the shape it is given are together."""
    x = needed(inputs, 0)
    return x.expand(within_reason(list(torch.broadcast_shapes(x.shape, integers_of(needed(inputs, 1))))))


@operator("Tile")
def _tile(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """As often as it says along each axis."""
    x, times = needed(inputs, 0), integers_of(needed(inputs, 1))
    within_reason([size * time for size, time in zip(x.shape, times, strict=True)])
    return x.repeat(times)


@operator("Pad")
def _pad(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Wider at the sides, or narrower where it says less than none."""
    x, mode, value = needed(inputs, 0), attributes.get("mode", "constant"), given(inputs, 2)
    pads = list(attributes["pads"]) if "pads" in attributes else integers_of(needed(inputs, 1))
    axes = axes_of(inputs, {}, 3) or list(range(len(pads) // 2))
    sides = [(0, 0)] * x.ndim
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        sides[axis % x.ndim] = (before, after)
    within_reason([max(0, size + before + after) for size, (before, after) in zip(x.shape, sides, strict=True)])
    if mode == "constant":
        filling = attributes.get("value", 0.0) if value is None else value.item()
        return functional.pad(x, [side for pair in reversed(sides) for side in pair], value=filling)
    for axis, (before, after) in enumerate(sides):
        if before or after:
            x = x.index_select(axis, _mirrored(x.shape[axis], before, after, mode).to(x.device))
    return x


def _mirrored(size: int, before: int, after: int, mode: str) -> torch.Tensor:
    """Which of ``size`` places stands at each place from ``before`` in front to ``after`` behind."""
    places = torch.arange(-before, size + after)
    if mode == "edge":
        return places.clamp(0, size - 1)
    if mode == "wrap":
        return places % size
    if mode != "reflect" or size < 2:
        raise UnknownOperatorError(f"padding by {mode}")
    period = places % (2 * size - 2)
    return torch.minimum(period, 2 * size - 2 - period)


@operator("DepthToSpace")
def _depth_to_space(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Channels into blocks of pixels; the block's axes come first, or last (CRD, as torch has them)."""
    x, block = needed(inputs, 0), attributes["blocksize"]
    if attributes.get("mode", "DCR") == "CRD":
        return functional.pixel_shuffle(x, block)
    n, channels, height, width = x.shape
    blocks = x.reshape(n, block, block, channels // block**2, height, width).permute(0, 3, 4, 1, 5, 2)
    return blocks.reshape(n, channels // block**2, height * block, width * block)


@operator("SpaceToDepth")
def _space_to_depth(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Blocks of pixels into channels."""
    x, block = needed(inputs, 0), attributes["blocksize"]
    if attributes.get("mode", "DCR") == "CRD":
        return functional.pixel_unshuffle(x, block)
    n, channels, height, width = x.shape
    blocks = x.reshape(n, channels, height // block, block, width // block, block).permute(0, 3, 5, 1, 2, 4)
    return blocks.reshape(n, channels * block**2, height // block, width // block)
