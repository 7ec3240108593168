"""The graph of an exported program: calls of ATen operators in order, run one after another.

The layout is that of ``torch/_export/serde/schema.py`` (schema version 8): a node has a ``target``, named ``inputs``
and ``outputs``, and each argument is an object with one key that says its type (``as_tensor``, ``as_ints``, ...).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch

from didlearn.exported.bounds import Budget, Counting, shapes_of
from didlearn.exported.operators import allowed_operator
from didlearn.parallel import UNIT

Json = dict[str, Any]  # an object of the file: what is in it shows when it is read
DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_LAYOUTS = {7: torch.strided}
_PLAIN = {"as_int", "as_ints", "as_float", "as_floats", "as_string", "as_bool", "as_bools"}
_ARITHMETIC = {"add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "eq", "ne", "lt", "le", "gt", "ge"}
_ATEN = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)")


class UnknownPartError(Exception):
    """The program holds something this reader does not know; the text names it."""


def sizes(items: list[Json]) -> list[int]:
    """Read a list of fixed sizes."""
    if not all(isinstance(item.get("as_int"), int) for item in items):
        raise UnknownPartError("a weight without a fixed size")
    return [item["as_int"] for item in items]


@dataclass(frozen=True)
class Node:
    """One call: ``outputs`` get what ``function`` returns for ``inputs`` [(name, argument, is positional)].

    Attributes:
        follows: it makes tensors on a device that it is told by name: that of the inputs.
    """

    function: Callable[..., object]
    inputs: tuple[tuple[str, Json, bool], ...]
    outputs: tuple[Json, ...]
    follows: bool


@dataclass(frozen=True)
class Graph:
    """Calls in order, with what goes in and out.

    Attributes:
        nodes: the calls. inputs: names of the user's inputs, in order. output: name of the one output.
        weights: name in the graph -> name of the weight.
        latent_shape: of the first input without the batch, or ``None`` if it is not fixed.
        batch: the batch size the program was exported for, or ``None`` if any will do. least: the smallest, if any.
        shown: of each input, the type and the sizes it was exported with.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    output: str
    weights: dict[str, str]
    latent_shape: tuple[int, ...] | None
    batch: int | None
    least: int
    shown: tuple[tuple[torch.dtype, tuple[int, ...]], ...]

    @classmethod
    def read(cls, program: Json) -> Graph:
        """Read the JSON of a program.

        Raises:
            UnknownPartError: it needs more than ATen operators on tensors and sizes.
        """
        module = program["graph_module"]
        graph, signature = module["graph"], module["signature"]
        inputs, weights = _inputs(signature["input_specs"])
        shape = [item.get("as_int") for item in graph["tensor_values"][inputs[0]]["sizes"]]
        latent = None if None in shape[1:] or len(shape) < 2 else tuple(shape[1:])
        least, most = _batches(program, graph["tensor_values"][inputs[0]])
        batch = shape[0] if shape[0] is not None else most
        nodes = tuple(_node(node) for node in graph["nodes"])
        shown = tuple(_shown(graph["tensor_values"][name]) for name in inputs)
        return cls(nodes, inputs, _output(signature["output_specs"]), weights, latent, batch, least, shown)

    def shapes(self, batch: int) -> tuple[tuple[int, ...], ...]:
        """Return the shapes of ``batch`` of each input, as it was exported; a fixed batch stays."""
        return tuple((self.batch or batch, *shape[1:]) if shape else () for _, shape in self.shown)

    def examples(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Make ``batch`` of each input, as it was exported: normal numbers, and zeros as labels."""
        return tuple(
            torch.randn(shape, dtype=kind) if kind.is_floating_point else torch.zeros(shape, dtype=kind)
            for shape, (kind, _) in zip(self.shapes(batch), self.shown, strict=True)
        )

    def run(self, inputs: tuple[torch.Tensor, ...], weights: dict[str, torch.Tensor]) -> object:
        """Run the calls on the user's inputs.

        Raises:
            TypeError: the program takes another number of inputs.
        """
        if len(inputs) != len(self.inputs):
            raise TypeError(f"the exported program takes {len(self.inputs)} arguments; {len(inputs)} were given")
        budget = Budget.of(inputs, weights.values())
        values: dict[str, object] = dict(weights)
        values.update(zip(self.inputs, inputs, strict=True))
        device = inputs[0].device
        for node in self.nodes:
            result = _call(node, values, device)
            budget.take(result)
            _bind(node.outputs, result, values)
        return values[self.output]

    def rehearse(self, inputs: tuple[torch.Tensor, ...], weights: dict[str, torch.Tensor]) -> None:
        """Run the calls on shapes alone.

        Raises:
            OverflowError: they would make more than ``bounds`` allows.
        """
        with torch.no_grad(), Counting(Budget.of(inputs, weights.values())):
            self.run(tuple(shapes_of(inputs)), dict(zip(weights, shapes_of(weights.values()), strict=True)))


def _call(node: Node, values: dict[str, object], device: torch.device) -> object:
    read = [(name, _value(argument, values, device), first) for name, argument, first in node.inputs]
    named = {name: value for name, value, first in read if not first}
    if node.follows and named.get("device") is None:
        named["device"] = device
    return node.function(*(value for _, value, first in read if first), **named)


def _shown(value: Json) -> tuple[torch.dtype, tuple[int, ...]]:
    hints = [size.get("as_expr", {}).get("hint") or {} for size in value["sizes"]]
    found = [size.get("as_int", hint.get("as_int", 1)) for size, hint in zip(value["sizes"], hints, strict=True)]
    return DTYPES[value["dtype"]], tuple(int(size) for size in found)


def _inputs(signature: list[Json]) -> tuple[tuple[str, ...], dict[str, str]]:
    inputs, weights = [], {}
    keys = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}
    for item in signature:
        ((kind, content),) = item.items()
        if kind in keys:
            weights[content["arg"]["name"]] = content[keys[kind]]
        elif kind == "user_input" and "as_tensor" in content["arg"]:
            inputs.append(content["arg"]["as_tensor"]["name"])
        else:
            raise UnknownPartError(f"an input that is no tensor ({kind})")
    if not inputs:
        raise ValueError("the program takes no input, so it has no latent")
    return tuple(inputs), weights


def _output(signature: list[Json]) -> str:
    outputs = [item["user_output"]["arg"] for item in signature if "user_output" in item]
    if len(outputs) != 1 or "as_tensor" not in outputs[0]:
        raise ValueError(f"the program returns {len(outputs)} values; one tensor of images was expected")
    return str(outputs[0]["as_tensor"]["name"])


def _batches(program: Json, value: Json) -> tuple[int, int | None]:
    """Return the least batch size, and the largest where it is less than a unit."""
    found = re.search(r"s\d+", value["sizes"][0].get("as_expr", {}).get("expr_str", ""))
    limits = program.get("range_constraints", {}).get(found[0] if found else "", {})
    least, most = limits.get("min_val"), limits.get("max_val")
    return (
        least if isinstance(least, int) else 0,
        most if isinstance(most, int) and 0 < most < UNIT else None,
    )


def _node(node: Json) -> Node:
    inputs = tuple((item["name"], item["arg"], item.get("kind") == 1) for item in node["inputs"])
    for _, argument, _ in inputs:
        ((kind, _),) = argument.items()
        if kind not in _PLAIN and kind not in _READERS:
            raise UnknownPartError(f"an argument of type {kind}")
    function = _function(node["target"])
    return Node(function, inputs, tuple(node["outputs"]), _follows(function))


def _follows(function: Callable[..., object]) -> bool:
    schema = getattr(function, "_schema", None)
    return schema is not None and any(one.name == "device" and one.kwarg_only for one in schema.arguments)


def _function(target: str) -> Callable[..., object]:
    if target.removeprefix("_operator.") in _ARITHMETIC:
        return _of_numbers(getattr(operator, target.removeprefix("_operator.")))
    match = _ATEN.fullmatch(target)
    function = allowed_operator(match[1], match[2]) if match else None
    if function is not None:
        return function
    raise UnknownPartError(f"a call of {target}")


def _of_numbers(function: Callable[..., object]) -> Callable[..., object]:
    """Return arithmetic that takes no tensors (it would go round the list), texts or lists (which it would repeat)."""

    def compute(*numbers: object) -> object:
        if not all(isinstance(number, int | float) for number in numbers):
            raise TypeError(f"{function.__name__} of what is no number")
        return function(*numbers)

    return compute


def _value(argument: Json, values: dict[str, object], device: torch.device) -> object:
    ((kind, content),) = argument.items()
    if kind in _PLAIN:
        return content
    return _READERS[kind](content, values, device)


def _optional(content: Json, values: dict[str, object]) -> object:
    return values[content["as_tensor"]["name"]] if "as_tensor" in content else None


def _number(content: Json, values: dict[str, object]) -> object:
    return values[content["as_name"]] if "as_name" in content else next(iter(content.values()))


ArgumentReader = Callable[[Any, dict[str, object], torch.device], object]  # a content is whatever its kind says
_READERS: dict[str, ArgumentReader] = {
    "as_none": lambda _content, _values, _device: None,
    "as_tensor": lambda content, values, _device: values[content["name"]],
    "as_tensors": lambda content, values, _device: [values[item["name"]] for item in content],
    "as_optional_tensor": lambda content, values, _device: _optional(content, values),
    "as_optional_tensors": lambda content, values, _device: [_optional(item, values) for item in content],
    **dict.fromkeys(
        ("as_sym_int", "as_sym_float", "as_sym_bool"), lambda content, values, _device: _number(content, values)
    ),
    "as_sym_ints": lambda content, values, _device: [_number(item, values) for item in content],
    "as_scalar_type": lambda content, _values, _device: DTYPES[content],
    "as_memory_format": lambda content, _values, _device: _MEMORY_FORMATS[content],
    "as_layout": lambda content, _values, _device: _LAYOUTS[content],
    # Exported on one device, run on another: tensors made inside follow the input.
    "as_device": lambda _content, _values, device: device,
}


def _bind(outputs: tuple[Json, ...], result: object, values: dict[str, object]) -> None:
    results = [result] if len(outputs) == 1 else cast(Sequence[object], result or ())
    for output, value in zip(outputs, results, strict=False):
        ((kind, content),) = output.items()
        if kind in ("as_tensor", "as_optional_tensor"):
            name = content.get("name") or content.get("as_tensor", {}).get("name")
            values[name] = value
        elif kind == "as_tensors":
            values.update({item["name"]: one for item, one in zip(content, cast(Sequence[object], value), strict=True)})
        elif kind in ("as_sym_int", "as_sym_float", "as_sym_bool") and "as_name" in content:
            values[content["as_name"]] = value
