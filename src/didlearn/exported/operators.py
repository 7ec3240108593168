"""The operators that a file nobody vouches for may call.

A list of what is allowed, not of what is forbidden: dense tensors in, dense tensors out, which reach no file and no
memory but their own. The public form of each is taken, which checks the shapes it is given; its inner forms
(``native_group_norm``, ``_unsafe_index``, ``upsample_nearest2d.default`` with a scale apart from its sizes) do not. How
much an operator allocates follows from shapes alone, never from values, so that ``bounds.py`` can tell it beforehand.
Those whose kernels trust values or shapes go through ``guards.py``.
"""

from __future__ import annotations

from typing import Final

import torch

from didlearn.exported.guards import GUARDED, Function

_POINTWISE: Final = """
    abs add.Tensor add.Scalar addcdiv addcmul ceil celu clamp clamp.Tensor clamp_max clamp_min cos cosh deg2rad
    div.Tensor div.Scalar elu eq.Scalar eq.Tensor erf erfinv exp exp2 expm1 fill.Scalar floor frac ge.Scalar
    ge.Tensor gelu gt.Scalar gt.Tensor hardshrink hardsigmoid hardswish hardtanh le.Scalar le.Tensor leaky_relu
    lerp.Scalar lerp.Tensor log log10 log1p log2 logical_and logical_not logical_or lt.Scalar lt.Tensor
    masked_fill.Scalar mish mul.Tensor mul.Scalar ne.Scalar ne.Tensor neg pow.Tensor_Scalar pow.Tensor_Tensor
    reciprocal relu relu6 round rsqrt rsub.Scalar rsub.Tensor selu sigmoid sign silu sin sinh softplus softshrink
    sqrt square sub.Tensor sub.Scalar tan tanh trunc threshold clip clip.Tensor nan_to_num bitwise_not
    bitwise_and.Tensor bitwise_and.Scalar bitwise_or.Tensor bitwise_or.Scalar bitwise_xor.Tensor bitwise_xor.Scalar
    clamp_min.Tensor clamp_max.Tensor atan asin acos atanh asinh acosh arctan erfc special_expit logit sinc sgn
    hypot copysign.Tensor copysign.Scalar logical_xor negative absolute positive subtract.Tensor multiply.Tensor
    divide.Tensor true_divide.Tensor masked_fill.Tensor fill.Tensor rad2deg xlogy.Tensor digamma lgamma
    __and__.Tensor __and__.Scalar __or__.Tensor __or__.Scalar __xor__.Tensor __xor__.Scalar
"""
_OTHERS: Final = """
    atan2 log_sigmoid maximum minimum pow.Scalar where.self where.ScalarSelf where.ScalarOther where.Scalar prelu
    _softmax softmax.int log_softmax.int glu logsumexp dropout feature_dropout dropout_ alpha_dropout all any amax
    amin argmax argmin cumsum linalg_vector_norm max max.dim mean mean.dim min.dim min norm.Scalar
    norm.ScalarOpt_dim prod.dim_int std.correction std.dim sum sum.dim_IntList var.correction var.dim addmm baddbmm
    bmm dot einsum linear matmul mm mv outer conv1d conv2d conv2d.padding conv3d conv_transpose1d
    conv_transpose2d.input conv_transpose3d.input adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d
    avg_pool1d avg_pool2d avg_pool3d max_pool2d batch_norm group_norm instance_norm layer_norm rms_norm
    upsample_nearest1d.vec upsample_nearest2d.vec _upsample_nearest_exact2d.vec upsample_bilinear2d.vec
    upsample_bicubic2d.vec upsample_linear1d.vec _upsample_bilinear2d_aa.vec _upsample_bicubic2d_aa.vec
    upsample_nearest3d.vec upsample_trilinear3d.vec pixel_shuffle pixel_unshuffle pad constant_pad_nd im2col col2im
    alias alias_copy cat clone concat contiguous detach detach_ diagonal expand expand_as flatten.using_ints flip
    lift_fresh_copy meshgrid meshgrid.indexing movedim.int movedim.intlist narrow numpy_T t permute ravel repeat
    repeat_interleave.self_int reshape roll select.int slice.Tensor split.sizes split_with_sizes squeeze squeeze.dim
    squeeze.dims stack swapaxes swapdims tile transpose.int tril triu type_as unflatten.int unfold unsqueeze view
    view_as pow_.Scalar pow_.Tensor arange arange.start arange.start_step eye eye.m full full_like linspace new_full
    new_ones new_zeros ones ones_like rand rand_like randn randn_like scalar_tensor zeros zeros_like _to_copy
    to.dtype to.device to.dtype_layout to.other _assert_tensor_metadata sym_size.int isnan isinf isfinite signbit
    copy copy_ zero_ arctan2 logaddexp logaddexp2 special_logit special_erf special_log1p special_expm1 special_exp2
    fmin fmax cumprod logcumsumexp var_mean var_mean.dim var_mean.correction std_mean std_mean.dim
    std_mean.correction std var aminmax median.dim nansum nanmean sort sort.stable argsort topk linalg_norm
    linalg_matrix_norm cosine_similarity pairwise_distance bilinear kron inner tensordot diag_embed trace vdot rot90
    affine_grid_generator fliplr flipud channel_shuffle broadcast_to broadcast_tensors hstack vstack dstack
    column_stack moveaxis.int slice_scatter select_scatter conv1d.padding conv3d.padding adaptive_avg_pool3d
    adaptive_max_pool1d adaptive_max_pool3d max_pool1d max_pool3d max_pool2d_with_indices max_pool1d_with_indices
    _upsample_nearest_exact1d.vec _upsample_nearest_exact3d.vec feature_alpha_dropout rrelu mT adjoint unsqueeze_
    squeeze_ squeeze_.dim transpose_ t_ addmv addbmm
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
    if called in GUARDED:
        return GUARDED[called]
    if called not in ALLOWED:
        return None
    function: Function | None = getattr(getattr(torch.ops.aten, name, None), overload, None)
    return function
