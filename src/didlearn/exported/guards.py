"""Operators called through a look at their arguments, because their own kernels trust values or shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch

Function = Callable[..., object]
_PIECES: Final = 4096
"""Most tensors that one call may cut a tensor into: each takes memory of its own, however small it is."""


def _bound(index: torch.Tensor, size: int, least: int = 0) -> torch.Tensor:
    """Return an index after a look at it: a GPU dies of one that lies outside.

    Raises:
        IndexError: an index lies outside ``least`` <= i < ``size``.
    """
    if index.is_meta or not index.numel():
        return index
    if not (least <= int(index.min()) and int(index.max()) < size):
        raise IndexError(f"an index from {int(index.min())} to {int(index.max())} into {size} entries")
    return index


def _embedding(weight: torch.Tensor, indices: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
    return torch.nn.functional.embedding(_bound(indices, len(weight)), weight)


def _index(tensor: torch.Tensor, indices: Sequence[torch.Tensor | None]) -> torch.Tensor:
    place = 0
    for index in indices:
        if index is None:
            place += 1
        elif index.dtype in (torch.bool, torch.uint8):
            raise IndexError("a mask as an index: how much it takes follows from values")
        else:
            _bound(index, tensor.shape[place], -tensor.shape[place])
            place += 1
    found: torch.Tensor = torch.ops.aten.index.Tensor(tensor, indices)
    return found


def _index_select(tensor: torch.Tensor, dim: int, index: torch.Tensor) -> torch.Tensor:
    return torch.index_select(tensor, dim, _bound(index, tensor.shape[dim]))


def _gather(tensor: torch.Tensor, dim: int, index: torch.Tensor, **_: object) -> torch.Tensor:
    return torch.gather(tensor, dim, _bound(index, tensor.shape[dim]))


def _one_hot(labels: torch.Tensor, num_classes: int = -1) -> torch.Tensor:
    if num_classes < 1:
        raise IndexError("one_hot without a number of classes: how much it makes follows from values")
    if labels.is_meta:  # torch looks at the labels
        return labels.new_zeros((*labels.shape, num_classes))
    return torch.nn.functional.one_hot(_bound(labels, num_classes), num_classes)


def _weight_norm(v: torch.Tensor, g: torch.Tensor, dim: int = 0) -> torch.Tensor:
    # The fused kernel reads as many g as v has rows, without a look at how many there are.
    return v * (g / torch.norm_except_dim(v, 2, dim))


def _attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attn_mask: torch.Tensor | None = None, *rest: object,
    **named: object,
) -> torch.Tensor:  # fmt: skip
    same = query.shape[:-2] == key.shape[:-2] == value.shape[:-2] and query.shape[-1] == key.shape[-1]
    if not same or min(t.ndim for t in (query, key, value)) < 2 or key.shape[-2] != value.shape[-2]:
        raise ValueError("the query, key and value of an attention do not go together")
    if attn_mask is not None:
        torch.broadcast_shapes(attn_mask.shape, (*query.shape[:-1], key.shape[-2]))
    found: torch.Tensor = torch.ops.aten.scaled_dot_product_attention(query, key, value, attn_mask, *rest, **named)
    return found


def _grid_sampler(tensor: torch.Tensor, grid: torch.Tensor, way: int, padding: int, corners: bool) -> torch.Tensor:
    if way not in (0, 1, 2) or padding not in (0, 1, 2):  # its kernel then returns memory as it found it
        raise ValueError(f"grid_sampler has no mode {way} with padding {padding}")
    return torch.grid_sampler(tensor, grid, way, padding, corners)


def _dividing(name: str) -> Function:
    """Return a division that is sure not to divide whole numbers by 0 or less: INT_MIN / -1 ends the process."""
    packet, overload = name.split(".")
    function: Function = getattr(getattr(torch.ops.aten, packet), overload)

    def divide(a: torch.Tensor, b: torch.Tensor | float, *rest: object, **named: object) -> object:
        whole = not torch.result_type(a, b).is_floating_point
        least = b if not isinstance(b, torch.Tensor) else 1 if b.is_meta or not b.numel() or not whole else b.min()
        if whole and least < 1:
            raise ArithmeticError("whole numbers divided by a number below 1")
        return function(a, b, *rest, **named)

    return divide


def _cut(name: str, pieces: Callable[..., int]) -> Function:
    packet, overload = name.split(".")
    function: Function = getattr(getattr(torch.ops.aten, packet), overload)

    def cut(tensor: torch.Tensor, *rest: int, **named: int) -> object:
        if pieces(tensor, *rest, **named) > _PIECES:
            raise ValueError(f"a tensor of shape {tuple(tensor.shape)} cut into more than {_PIECES} pieces")
        return function(tensor, *rest, **named)

    return cut


def _unbound(tensor: torch.Tensor, dim: int = 0) -> int:
    return tensor.shape[dim]


def _split(tensor: torch.Tensor, split_size: int, dim: int = 0) -> int:
    return tensor.shape[dim] // max(1, split_size)


def _chunked(tensor: torch.Tensor, chunks: int, dim: int = 0) -> int:
    return min(chunks, tensor.shape[dim])


_DIVISIONS: Final = [
    f"{name}{place}.{overload}"
    for name, overloads in [
        ("div", ("Tensor_mode", "Scalar_mode")),
        ("floor_divide", ("default", "Scalar")),
        ("fmod", ("Scalar", "Tensor")),
        ("remainder", ("Scalar", "Tensor")),
    ]
    for place in ("", "_")
    for overload in [o.replace("default", "Tensor") if place else o for o in overloads]
]
GUARDED: Final[dict[str, Function]] = {
    "embedding.default": _embedding,
    "index.Tensor": _index,
    "index_select.default": _index_select,
    "gather.default": _gather,
    "one_hot.default": _one_hot,
    "_weight_norm.default": _weight_norm,
    "scaled_dot_product_attention.default": _attention,
    "grid_sampler.default": _grid_sampler,
    "empty_like.default": torch.ops.aten.zeros_like.default,  # never memory as it was found
    "unbind.int": _cut("unbind.int", _unbound),
    "split.Tensor": _cut("split.Tensor", _split),
    "chunk.default": _cut("chunk.default", _chunked),
    **{name: _dividing(name) for name in _DIVISIONS},
}
"""``operator.overload`` -> what is called in its place."""
