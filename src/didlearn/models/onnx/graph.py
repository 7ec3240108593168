"""An ONNX graph as a torch module: its nodes are called one after another, and gradients flow through them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from didlearn.exported.bounds import Budget
from didlearn.models.onnx import arithmetic, layers, shapes  # noqa: F401 (they enter their operators)
from didlearn.models.onnx.registry import OPERATORS, UnknownOperatorError

if TYPE_CHECKING:
    import onnx

_DOMAINS = ("", "ai.onnx")
_BFLOAT16 = 16


class OnnxNode(NamedTuple):
    """One node.

    Attributes:
        operator: which. inputs, outputs: names of values; empty where one is left out. attributes: with what.
        spent: values that no later node asks for.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    spent: tuple[str, ...] = ()


class OnnxNet(nn.Module):
    """images = graph(z) or graph(z, second input)."""

    def __init__(self, model: onnx.ModelProto, folder: Path) -> None:
        super().__init__()
        graph = model.graph
        version = next((entry.version for entry in model.opset_import if entry.domain in _DOMAINS), 1)
        nodes = [_node(node, version, folder) for node in graph.node]
        self.output = graph.output[0].name
        self.nodes = _with_spent([node for node in nodes if node.operator != "Constant"], self.output)
        self.places: dict[str, str] = {}
        self.constants: dict[str, torch.Tensor] = {}
        for initializer in graph.initializer:
            self._hold(initializer.name, tensor_of(initializer, folder))
        for node in nodes:
            if node.operator == "Constant":
                self._hold(node.outputs[0], OPERATORS["Constant"]([], node.attributes))
        held = self.places.keys() | self.constants.keys()
        self.inputs = [value.name for value in graph.input if value.name not in held]

    def _hold(self, name: str, value: object) -> None:
        """Keep weights where the module moves them; sizes, indices and single numbers where Python looks at them."""
        assert isinstance(value, torch.Tensor), "a constant is a tensor"
        if value.is_floating_point() and value.ndim:
            self.places[name] = f"weight_{len(self.places)}"  # a module's names may hold no dots
            self.register_buffer(self.places[name], value)
        else:
            self.constants[name] = value

    def forward(self, *inputs: torch.Tensor) -> object:
        """Run the graph on its inputs in their order; return its first output."""
        if len(inputs) != len(self.inputs):
            raise ValueError(f"the graph takes {len(self.inputs)} inputs ({', '.join(self.inputs)}); got {len(inputs)}")
        values: dict[str, object] = dict(self.constants)
        values |= {name: getattr(self, place) for name, place in self.places.items()}
        values |= dict(zip(self.inputs, inputs, strict=True))
        budget = Budget.of(inputs, self.buffers())
        for node in self.nodes:
            made = OPERATORS[node.operator]([_tensor(values, name) for name in node.inputs], node.attributes)
            budget.take(made)
            parts = made if isinstance(made, tuple) else (made,)
            values |= dict(zip(node.outputs, parts, strict=False))
            for name in node.spent:
                values.pop(name, None)
        return values[self.output]


def _with_spent(nodes: list[OnnxNode], output: str) -> list[OnnxNode]:
    """Let each node say which values can be forgotten after it."""
    needed, reversed_nodes = {output}, []
    for node in reversed(nodes):
        spent = {name for name in (*node.inputs, *node.outputs) if name} - needed
        needed |= spent
        reversed_nodes.append(node._replace(spent=tuple(sorted(spent))))
    return reversed_nodes[::-1]


def _tensor(values: dict[str, object], name: str) -> torch.Tensor | None:
    if not name:
        return None
    value = values[name]
    assert isinstance(value, torch.Tensor)
    return value


def _node(node: onnx.NodeProto, version: int, folder: Path) -> OnnxNode:
    if node.op_type not in OPERATORS or node.domain not in _DOMAINS:
        raise UnknownOperatorError(f"the operator {node.domain}{'.' if node.domain else ''}{node.op_type}")
    attributes = {attribute.name: _attribute(attribute, folder) for attribute in node.attribute}
    attributes |= {"op": node.op_type, "version": version, "outputs": len(node.output)}
    return OnnxNode(node.op_type, tuple(node.input), tuple(node.output), attributes)


def _attribute(attribute: onnx.AttributeProto, folder: Path) -> Any:
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return tensor_of(value, folder)
    if isinstance(value, onnx.GraphProto | onnx.SparseTensorProto):
        raise UnknownOperatorError("a graph within the graph, or sparse weights")
    return value.decode() if isinstance(value, bytes) else value


def tensor_of(proto: onnx.TensorProto, folder: Path) -> torch.Tensor:
    """Return the tensor that a graph holds, or that lies in a file beside it."""
    import onnx

    if proto.data_type not in shapes.TENSOR_TYPES:
        raise UnknownOperatorError(f"a tensor of type {proto.data_type}")
    array = np.array(onnx.numpy_helper.to_array(proto, str(folder)))  # a copy: the file's own is not to be written to
    if proto.data_type == _BFLOAT16:
        return torch.from_numpy(array.astype(np.float32)).to(torch.bfloat16)
    return torch.from_numpy(array)
