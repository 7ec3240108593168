"""An upper bound of a network's Lipschitz constant, taken along as the network runs.

A tensor that knows how fast it can change with the latent goes through the user's own module; each torch function
multiplies its bound by the norm of a linear map or by an activation's greatest slope, and sums add up. What no rule
knows makes the bound infinite and is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from didlearn.checks.concentration.operators import Sides, convolution_norm, matrix_norm

_Arguments = tuple[Any, ...]


class _Incoming(NamedTuple):
    """The bound of a tensor that goes into a function, and how many numbers it holds."""

    bound: float
    size: int

    def spread(self, out: torch.Tensor) -> float:
        """Return the bound once broadcasting has copied the tensor to the size of the result."""
        return self.bound * math.sqrt(max(1.0, out.numel() / self.size))


@dataclass
class Trail:
    """What a tensor went through: factors of layers (name, factor, exact), and functions that no rule knows."""

    layers: list[tuple[str, float, bool]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


class Tracked(torch.Tensor):
    """A tensor with a bound of its Lipschitz constant as a function of the latent, in Euclidean norms."""

    bound: float
    trail: Trail

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: _Arguments = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the function, and put the bound on what it returns."""
        kwargs = kwargs or {}
        followed = [one for one in _tensors((*args, *kwargs.values())) if hasattr(one, "bound")]
        with torch._C.DisableTorchFunctionSubclass():
            before = [_Incoming(one.bound, one.numel()) for one in followed if isinstance(one, Tracked)]
        out = super().__torch_function__(func, types, args, kwargs)  # type: ignore[no-untyped-call]
        with torch._C.DisableTorchFunctionSubclass():
            results = [one for one in _tensors([out]) if isinstance(one, Tracked) and one.is_floating_point()]
            if not results or not before:
                return out
            trail = next(one.trail for one in followed if isinstance(one, Tracked))
            bound = _bound(func.__name__, args, kwargs, before, results[0], trail)
            for one in results:
                one.bound, one.trail = bound, trail
        return out


def track(z: torch.Tensor) -> Tracked:
    """Return a latent (1, ...) that is followed."""
    tracked: Tracked = z.detach().clone().as_subclass(Tracked)
    tracked.bound, tracked.trail = 1.0, Trail()
    return tracked


def _tensors(values: Sequence[Any]) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors(value)
    return found


def _bound(
    name: str, args: _Arguments, kwargs: dict[str, Any], before: list[_Incoming], out: torch.Tensor, trail: Trail
) -> float:
    """Return the bound of what a function gives, from those of what it got."""
    if name in _JOINED:
        return math.sqrt(sum(one.bound**2 for one in before))
    if name in _SUMS and kwargs.get("alpha", 1) == 1:
        return sum(one.spread(out) for one in before)
    factor = 1.0 if name in _SAME else _factor(name, args, kwargs, out, trail)
    if factor is None or len(before) > 1:
        trail.unknown.append(name)
        return math.inf
    return (before[0].spread(out) if name in _SCALED else before[0].bound) * factor


def _factor(name: str, args: _Arguments, kwargs: dict[str, Any], out: torch.Tensor, trail: Trail) -> float | None:
    if name in _SLOPES:
        return _SLOPES[name]
    rule = _RULES.get(name)
    found = None if rule is None else rule(args, kwargs)
    if found is None:
        return None
    factor, exact = found
    if factor != 1:
        trail.layers.append((f"{name} → {'×'.join(map(str, out.shape[1:]))}", factor, exact))
    return factor


_SAME = {
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "permute", "transpose", "contiguous", "clone",
    "to", "float", "double", "detach", "type_as", "__get__", "chunk", "split", "unbind", "narrow", "view_as",
    "relu", "relu_", "relu6", "tanh", "tanh_", "abs", "clamp", "clamp_", "clamp_min", "clamp_max", "hardtanh",
    "hardtanh_", "dropout", "dropout2d", "feature_dropout", "alpha_dropout", "softmax", "softplus", "sin", "cos",
    "neg", "__neg__", "pixel_shuffle", "softsign", "celu", "logsigmoid",
}  # fmt: skip
_SCALED = {"mul", "__mul__", "__rmul__", "div", "__truediv__"}
_JOINED = {"cat", "concat", "stack"}
_SUMS = {"add", "add_", "__add__", "__radd__", "__iadd__", "sub", "sub_", "__sub__", "__rsub__", "__isub__", "rsub"}
_SLOPES = {
    "sigmoid": 0.25, "sigmoid_": 0.25, "hardsigmoid": 1 / 6, "silu": 1.0999, "silu_": 1.0999, "mish": 1.0885,
    "gelu": 1.1290, "hardswish": 1.5, "selu": 1.7581, "selu_": 1.7581,
}  # fmt: skip
_Rule = Callable[[_Arguments, dict[str, Any]], "tuple[float, bool] | None"]


def _get(args: _Arguments, kwargs: dict[str, Any], place: int, name: str, default: Any = None) -> Any:
    return args[place] if len(args) > place else kwargs.get(name, default)


def _plain(value: Any) -> bool:
    return not isinstance(value, Tracked)


def _linear(args: _Arguments, kwargs: dict[str, Any]) -> tuple[float, bool] | None:
    weight = _get(args, kwargs, 1, "weight")
    return (matrix_norm(weight.detach()), True) if _plain(weight) else None


def _matmul(args: _Arguments, kwargs: dict[str, Any]) -> tuple[float, bool] | None:
    other = _get(args, kwargs, 1, "other")
    if _plain(args[0]) or not _plain(other) or other.ndim != 2 or args[0].ndim != 2:
        return None
    return matrix_norm(other.detach()), True


def _convolution(transposed: bool) -> _Rule:
    def rule(args: _Arguments, kwargs: dict[str, Any]) -> tuple[float, bool] | None:
        weight = _get(args, kwargs, 1, "weight")
        places = {"stride": (3, 1), "padding": (4, 0)}
        places |= {"output_padding": (5, 0), "groups": (6, 1), "dilation": (7, 1)} if transposed else {}
        places |= {} if transposed else {"dilation": (5, 1), "groups": (6, 1)}
        said = {name: _get(args, kwargs, place, name, default) for name, (place, default) in places.items()}
        if not _plain(weight) or isinstance(said["padding"], str):
            return None
        groups = int(said.pop("groups"))
        pairs = {name: _pair(value) for name, value in said.items()}
        return convolution_norm(weight, _pair(args[0].shape[2:]), groups=groups, transposed=transposed, **pairs)

    return rule


def _pair(value: Any) -> Sides:
    values = (value, value) if isinstance(value, int) else tuple(value) * (2 if len(value) == 1 else 1)
    return int(values[0]), int(values[1])


def _batch_norm(args: _Arguments, kwargs: dict[str, Any]) -> tuple[float, bool] | None:
    """Return max |γ| / √(σ² + ε) with the running variance; batch statistics have no fixed slope."""
    variance, weight = _get(args, kwargs, 2, "running_var"), _get(args, kwargs, 3, "weight")
    if _get(args, kwargs, 5, "training", False) or variance is None:
        return None
    scale = 1 / torch.sqrt(variance.detach().double() + _get(args, kwargs, 7, "eps", 1e-5))
    return float((scale if weight is None else weight.detach().double().abs() * scale).max()), True


def _times(args: _Arguments, _: dict[str, Any]) -> tuple[float, bool] | None:
    other = args[1] if isinstance(args[0], Tracked) else args[0]
    if not _plain(other):
        return None
    return float(torch.as_tensor(other).detach().abs().max()), True


def _over(args: _Arguments, _: dict[str, Any]) -> tuple[float, bool] | None:
    if _plain(args[0]) or not _plain(args[1]):
        return None
    return 1 / max(float(torch.as_tensor(args[1]).detach().abs().min()), 1e-300), True


def _leaky(args: _Arguments, kwargs: dict[str, Any]) -> tuple[float, bool]:
    return max(1.0, abs(float(_get(args, kwargs, 1, "negative_slope", 0.01)))), True


def _elu(args: _Arguments, kwargs: dict[str, Any]) -> tuple[float, bool]:
    return max(1.0, abs(float(_get(args, kwargs, 1, "alpha", 1.0)))), True


def _prelu(args: _Arguments, kwargs: dict[str, Any]) -> tuple[float, bool]:
    return max(1.0, float(_get(args, kwargs, 1, "weight").detach().abs().max())), True


def _item(args: _Arguments, _: dict[str, Any]) -> tuple[float, bool] | None:
    """Slices take parts; an index of numbers may take one part many times."""
    parts = args[1] if isinstance(args[1], tuple) else (args[1],)
    fixed = all(isinstance(part, int | slice) or part is None or part is Ellipsis for part in parts)
    return (1.0, True) if fixed else None


def _nearest(args: _Arguments, kwargs: dict[str, Any]) -> tuple[float, bool] | None:
    """Return √(copies of a pixel) for nearest-neighbour enlargement by whole factors."""
    scale, size = _get(args, kwargs, 2, "scale_factor"), _get(args, kwargs, 1, "size")
    if _get(args, kwargs, 3, "mode", "nearest") not in ("nearest", "nearest-exact"):
        return None
    shape = args[0].shape[2:]
    times = [n / m for n, m in zip(_pair(size), shape, strict=True)] if size is not None else _floats(scale, len(shape))
    whole = all(t >= 1 and float(t).is_integer() for t in times)
    return (math.sqrt(math.prod(times)), True) if whole else None


def _floats(value: Any, count: int) -> list[float]:
    return [float(one) for one in value] if isinstance(value, list | tuple) else [float(value)] * count


_RULES: dict[str, _Rule] = {
    "linear": _linear,
    "matmul": _matmul,
    "__matmul__": _matmul,
    "mm": _matmul,
    "conv2d": _convolution(transposed=False),
    "conv_transpose2d": _convolution(transposed=True),
    "batch_norm": _batch_norm,
    "mul": _times,
    "__mul__": _times,
    "__rmul__": _times,
    "div": _over,
    "__truediv__": _over,
    "leaky_relu": _leaky,
    "leaky_relu_": _leaky,
    "elu": _elu,
    "elu_": _elu,
    "prelu": _prelu,
    "__getitem__": _item,
    "interpolate": _nearest,
}
