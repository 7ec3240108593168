"""The operators that a file nobody vouches for may call.

A list of what is allowed, not of what is forbidden: dense tensors in, dense tensors out, which reach no file and no
memory but their own. The public form of each is taken, which checks the shapes it is given; its inner forms
(``native_group_norm``, ``_unsafe_index``) do not. How much an operator allocates follows from shapes alone, never from
values, so a program that ran once on inputs of a shape runs on others. Where values are indices they are checked here
first, and so are the shapes of the two operators whose own kernels trust them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch

Function = Callable[..., object]

_POINTWISE: Final = """
    abs add.Tensor add.Scalar addcdiv addcmul ceil celu clamp clamp.Tensor clamp_max clamp_min cos cosh deg2rad
    div.Tensor div.Scalar div.Tensor_mode div.Scalar_mode elu eq.Scalar eq.Tensor erf erfinv exp exp2 expm1
    fill.Scalar floor fmod.Scalar frac ge.Scalar ge.Tensor gelu gt.Scalar gt.Tensor hardshrink hardsigmoid
    hardswish hardtanh le.Scalar le.Tensor leaky_relu lerp.Scalar lerp.Tensor log log10 log1p log2 logical_and
    logical_not logical_or lt.Scalar lt.Tensor masked_fill.Scalar mish mul.Tensor mul.Scalar ne.Scalar ne.Tensor
    neg pow.Tensor_Scalar pow.Tensor_Tensor reciprocal relu relu6 remainder.Scalar remainder.Tensor round rsqrt
    rsub.Scalar rsub.Tensor selu sigmoid sign silu sin sinh softplus softshrink sqrt square sub.Tensor
    sub.Scalar tan tanh trunc threshold
"""
_OTHERS: Final = """
    atan2 log_sigmoid maximum minimum pow.Scalar where.self where.ScalarSelf where.ScalarOther where.Scalar
    prelu _softmax softmax.int log_softmax.int glu logsumexp dropout feature_dropout dropout_ alpha_dropout all
    any amax amin argmax argmin cumsum linalg_vector_norm max max.dim mean mean.dim min.dim min norm.Scalar
    norm.ScalarOpt_dim prod.dim_int std.correction std.dim sum sum.dim_IntList var.correction var.dim addmm
    baddbmm bmm dot einsum linear matmul mm mv outer conv1d conv2d conv2d.padding conv3d conv_transpose1d
    conv_transpose2d.input conv_transpose3d.input adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d
    avg_pool1d avg_pool2d avg_pool3d max_pool2d batch_norm group_norm instance_norm layer_norm rms_norm
    upsample_nearest1d.vec upsample_nearest2d.vec _upsample_nearest_exact2d.vec upsample_bilinear2d.vec
    upsample_bicubic2d.vec upsample_linear1d.vec _upsample_bilinear2d_aa.vec _upsample_bicubic2d_aa.vec
    upsample_nearest3d.vec upsample_trilinear3d.vec pixel_shuffle pixel_unshuffle pad constant_pad_nd im2col
    col2im alias alias_copy cat chunk clone concat contiguous detach detach_ diagonal expand expand_as
    flatten.using_ints flip lift_fresh_copy meshgrid meshgrid.indexing movedim.int movedim.intlist narrow
    numpy_T t permute ravel repeat repeat_interleave.self_int reshape roll select.int slice.Tensor split.Tensor
    split.sizes split_with_sizes squeeze squeeze.dim squeeze.dims stack swapaxes swapdims tile transpose.int
    tril triu type_as unbind.int unflatten.int unfold unsqueeze view view_as pow_.Scalar pow_.Tensor arange arange.start
    arange.start_step eye eye.m full full_like linspace new_full new_ones new_zeros ones ones_like rand
    rand_like randn randn_like scalar_tensor zeros zeros_like _to_copy to.dtype to.device to.dtype_layout
    to.other _assert_tensor_metadata sym_size.int
"""


def _words(text: str) -> list[str]:
    return text.split()


def _default(name: str) -> str:
    return name if "." in name else f"{name}.default"


ALLOWED: Final = frozenset(
    [_default(name) for name in _words(_POINTWISE + _OTHERS)]
    + [_default("_.".join(name.split(".", 1)) if "." in name else f"{name}_") for name in _words(_POINTWISE)]
)
"""``operator.overload`` of what may be called as it is; the point-wise ones may work in place too."""


def allowed_operator(name: str, overload: str) -> Function | None:
    """Return what to call for an ATen operator, or ``None`` where it is not on the list."""
    called = f"{name}.{overload}"
    if called in _GUARDED:
        return _GUARDED[called]
    if called not in ALLOWED:
        return None
    function: Function | None = getattr(getattr(torch.ops.aten, name, None), overload, None)
    return function


def _bound(index: torch.Tensor, size: int, least: int = 0) -> torch.Tensor:
    """Return an index after a look at it: a GPU dies of one that lies outside.

    Raises:
        IndexError: an index lies outside ``least`` <= i < ``size``.
    """
    if index.numel() and not (least <= int(index.min()) and int(index.max()) < size):
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


_GUARDED: Final[dict[str, Function]] = {
    "embedding.default": _embedding,
    "index.Tensor": _index,
    "index_select.default": _index_select,
    "gather.default": _gather,
    "one_hot.default": _one_hot,
    "_weight_norm.default": _weight_norm,
    "scaled_dot_product_attention.default": _attention,
}
