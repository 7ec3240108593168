"""Operators of ONNX that work number by number, and those that sum, average or multiply them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Final

import torch
from torch.nn import functional

from didlearn.models.onnx.registry import (
    OPERATORS,
    Attributes,
    Inputs,
    UnknownOperatorError,
    axes_of,
    given,
    needed,
    operator,
)

_UNARY: Final[dict[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "Abs": torch.abs, "Acos": torch.acos, "Asin": torch.asin, "Atan": torch.atan, "Ceil": torch.ceil, "Cos": torch.cos,
    "Cosh": torch.cosh, "Erf": torch.erf, "Exp": torch.exp, "Floor": torch.floor, "Identity": lambda x: x,
    "IsNaN": torch.isnan, "Log": torch.log, "Mish": functional.mish, "Neg": torch.neg,
    "Not": torch.logical_not, "Reciprocal": torch.reciprocal, "Relu": torch.relu, "Round": torch.round,
    "Sigmoid": torch.sigmoid, "Sign": torch.sign, "Sin": torch.sin, "Sinh": torch.sinh, "Softplus": functional.softplus,
    "Softsign": functional.softsign, "Sqrt": torch.sqrt, "Tan": torch.tan, "Tanh": torch.tanh,
}  # fmt: skip
_BINARY: Final[dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]] = {
    "Add": torch.add, "And": torch.logical_and, "Equal": torch.eq, "Greater": torch.gt, "GreaterOrEqual": torch.ge,
    "Less": torch.lt, "LessOrEqual": torch.le, "MatMul": torch.matmul, "Mul": torch.mul, "Or": torch.logical_or,
    "PRelu": lambda x, slope: torch.where(x < 0, slope * x, x), "Sub": torch.sub, "Xor": torch.logical_xor,
}  # fmt: skip
_FOLDED: Final[dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]] = {
    "Max": torch.maximum, "Min": torch.minimum, "Sum": torch.add,
}  # fmt: skip


def together(tensors: Inputs) -> list[torch.Tensor]:
    """Return tensors on one device: shapes and constants are kept where Python can look at them."""
    kept = [tensor for tensor in tensors if tensor is not None]
    device = next((tensor.device for tensor in kept if tensor.device.type != "cpu"), None)
    return kept if device is None else [tensor.to(device) for tensor in kept]


def _enter(name: str, function: Callable[..., torch.Tensor], arguments: int) -> None:
    def run(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
        return function(*together(inputs)[:arguments])

    OPERATORS[name] = run


for _name, _unary in _UNARY.items():
    _enter(_name, _unary, 1)
for _name, _binary in _BINARY.items():
    _enter(_name, _binary, 2)


def _enter_folded(name: str, function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    OPERATORS[name] = lambda inputs, _: functools.reduce(function, together(inputs))


for _name, _binary in _FOLDED.items():
    _enter_folded(_name, _binary)


@operator("Div")
def _divide(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """Whole numbers are divided towards zero."""
    a, b = together(inputs)
    return torch.div(a, b, rounding_mode=None if a.is_floating_point() else "trunc")


@operator("Pow")
def _power(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """The result has the type of the base."""
    base, exponent = together(inputs)
    return torch.pow(base, exponent).to(base.dtype)


@operator("Mod")
def _modulo(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """The sign is the divisor's, or with ``fmod`` the dividend's."""
    a, b = together(inputs)
    return torch.fmod(a, b) if attributes.get("fmod", 0) else torch.remainder(a, b)


@operator("Where")
def _where(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """Numbers of the second where the first is true, of the third elsewhere."""
    condition, yes, no = together(inputs)
    return torch.where(condition, yes, no)


@operator("Clip")
def _clip(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Bounds are inputs since version 11 of the standard, and attributes before."""
    x, low, high = needed(inputs, 0), given(inputs, 1), given(inputs, 2)
    least = attributes.get("min") if low is None else low.to(x.device)
    most = attributes.get("max") if high is None else high.to(x.device)
    x = x if least is None else torch.maximum(x, torch.as_tensor(least, dtype=x.dtype, device=x.device))
    return x if most is None else torch.minimum(x, torch.as_tensor(most, dtype=x.dtype, device=x.device))


@operator("LeakyRelu")
def _leaky_relu(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """α x below zero."""
    return functional.leaky_relu(needed(inputs, 0), attributes.get("alpha", 0.01))


@operator("Elu", "Celu")
def _elu(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """α (exp x - 1) below zero; Celu, whose x is divided by α, is told by its name."""
    alpha = attributes.get("alpha", 1.0)
    return (functional.celu if attributes["op"] == "Celu" else functional.elu)(needed(inputs, 0), alpha)


@operator("Selu")
def _selu(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """γ x above zero, γ α (exp x - 1) below."""
    x = needed(inputs, 0)
    alpha, gamma = attributes.get("alpha", 1.6732632423543772), attributes.get("gamma", 1.0507009873554805)
    return gamma * torch.where(x > 0, x, alpha * (torch.exp(x.clamp(max=0)) - 1))


@operator("HardSigmoid")
def _hard_sigmoid(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """α x + β, held within [0, 1]."""
    return (attributes.get("alpha", 0.2) * needed(inputs, 0) + attributes.get("beta", 0.5)).clamp(0, 1)


@operator("HardSwish")
def _hard_swish(inputs: Inputs, attributes: Attributes) -> torch.Tensor:  # noqa: ARG001
    """X times the hard sigmoid of slope 1/6."""
    x = needed(inputs, 0)
    return x * (x / 6 + 0.5).clamp(0, 1)


@operator("Gelu")
def _gelu(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """X times the normal distribution function, or its approximation by tanh."""
    return functional.gelu(needed(inputs, 0), approximate=attributes.get("approximate", "none"))


@operator("Softmax", "LogSoftmax")
def _softmax(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Over one axis; before version 13 over all from that one on."""
    x, newer = needed(inputs, 0), attributes["version"] >= 13
    axis = attributes.get("axis", -1 if newer else 1)
    function = torch.softmax if attributes["op"] == "Softmax" else torch.log_softmax
    return function(x, axis) if newer else function(x.flatten(axis), -1).reshape(x.shape)


@operator("Gemm")
def _gemm(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """α A B + β C, A and B turned where it says so."""
    a, b, c = needed(inputs, 0), needed(inputs, 1), given(inputs, 2)
    a, b = (a.T if attributes.get("transA", 0) else a), (b.T if attributes.get("transB", 0) else b)
    product = attributes.get("alpha", 1.0) * (a @ b)
    return product if c is None else product + attributes.get("beta", 1.0) * c


@operator("Einsum")
def _einsum(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """The sum that the equation says."""
    equation = attributes["equation"]
    return torch.einsum(equation, *together(inputs))


_REDUCED: Final[dict[str, Callable[[torch.Tensor, list[int], bool], torch.Tensor]]] = {
    "ReduceL1": lambda x, axes, keep: x.abs().sum(axes, keep),
    "ReduceL2": lambda x, axes, keep: x.square().sum(axes, keep).sqrt(),
    "ReduceLogSumExp": lambda x, axes, keep: torch.logsumexp(x, axes, keep),
    "ReduceMax": lambda x, axes, keep: torch.amax(x, axes, keep),
    "ReduceMean": lambda x, axes, keep: torch.mean(x, axes, keep),
    "ReduceMin": lambda x, axes, keep: torch.amin(x, axes, keep),
    "ReduceSum": lambda x, axes, keep: x.sum(axes, keep, dtype=x.dtype),
    "ReduceSumSquare": lambda x, axes, keep: x.square().sum(axes, keep, dtype=x.dtype),
}


@operator(*_REDUCED)
def _reduce(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Over the axes that it names; over all, or none where it says so, if it names none."""
    x, axes = needed(inputs, 0), axes_of(inputs, attributes)
    if axes is None:
        if attributes.get("noop_with_empty_axes", 0):
            raise UnknownOperatorError(f"{attributes['op']} over no axes")
        axes = list(range(x.ndim))
    return _REDUCED[attributes["op"]](x, axes, bool(attributes.get("keepdims", 1)))


@operator("ReduceProd")
def _product(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Of sizes, most often: torch multiplies over one axis at a time."""
    x, keep = needed(inputs, 0), bool(attributes.get("keepdims", 1))
    axes = axes_of(inputs, attributes) or list(range(x.ndim))
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep, dtype=x.dtype)
    return x


@operator("ArgMax", "ArgMin")
def _place_of_extreme(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Where along an axis the largest or smallest number first stands."""
    if attributes.get("select_last_index", 0):
        raise UnknownOperatorError(f"{attributes['op']} of the last index")
    function = torch.argmax if attributes["op"] == "ArgMax" else torch.argmin
    return function(needed(inputs, 0), attributes.get("axis", 0), keepdim=bool(attributes.get("keepdims", 1)))


@operator("InstanceNormalization", "LayerNormalization", "GroupNormalization", "BatchNormalization", "RMSNormalization")
def _normalize(inputs: Inputs, attributes: Attributes) -> torch.Tensor:
    """Centred and scaled, over what its name says."""
    x, scale = needed(inputs, 0), needed(inputs, 1)
    shift, epsilon, kind = given(inputs, 2), attributes.get("epsilon", 1e-5), attributes["op"]
    if kind == "BatchNormalization":
        if attributes.get("training_mode", 0):
            raise UnknownOperatorError("batch norm in training mode")
        return functional.batch_norm(x, needed(inputs, 3), needed(inputs, 4), scale, shift, eps=epsilon)
    if kind == "InstanceNormalization":
        return functional.instance_norm(x, weight=scale, bias=shift, eps=epsilon)
    if kind == "GroupNormalization":
        groups = attributes["num_groups"]
        if attributes["version"] < 21 and math.prod(scale.shape) == groups:  # a number a group, then
            scale, shift = (v.repeat_interleave(x.shape[1] // groups) for v in (scale, needed(inputs, 2)))
        return functional.group_norm(x, groups, scale, shift, epsilon)
    shape = x.shape[attributes.get("axis", -1) % x.ndim :]
    if kind == "RMSNormalization":
        return functional.rms_norm(x, shape, scale.expand(shape), epsilon)
    return functional.layer_norm(x, shape, scale.expand(shape), None if shift is None else shift.expand(shape), epsilon)
