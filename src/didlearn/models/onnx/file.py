"""An ``.onnx`` file as a generator: what goes in, how it is run, and what it is fingerprinted by."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from didlearn.errors import MissingExtraError, ModelError, first_line
from didlearn.models.formats.loaded import Code, Loaded, digest_of, refuse_unused
from didlearn.models.onnx.graph import OnnxNet
from didlearn.models.onnx.registry import UnknownOperatorError
from didlearn.models.onnx.runtime import RuntimeNet

if TYPE_CHECKING:
    import onnx

_WHOLE = (6, 7)  # the types of class numbers: int32, int64


class _Input(NamedTuple):
    """An input of a graph: its name, type, and sizes, 0 where it takes any."""

    name: str
    type: int
    sizes: tuple[int, ...]


class OnnxGenerator(nn.Module):
    """images = network(z) or network(z, labels), in pieces of the batch size it was exported for if that is fixed."""

    def __init__(self, network: nn.Module, inputs: list[_Input]) -> None:
        super().__init__()
        self.network = network
        latent = inputs[0].sizes
        self.batch = latent[0] if latent else 0
        self.latent_shape = latent[1:] if len(latent) > 1 and all(latent[1:]) else None
        self.labels = inputs[1] if len(inputs) > 1 else None
        one_hot = self.labels is not None and self.labels.type not in _WHOLE and len(self.labels.sizes) == 2
        self.classes = (self.labels.sizes[1] or None) if one_hot and self.labels else None

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> object:
        """Run the graph on latents (n, *shape), and classes (n,) where it takes them, as numbers or one-hot."""
        inputs = (z,) if labels is None or self.labels is None else (z, self._second(labels, z))
        if not self.batch:
            return self.network(*inputs)
        padded = [torch.cat([x, x[:1].expand(-len(x) % self.batch, *x.shape[1:])]) for x in inputs]
        pieces = [self.network(*piece) for piece in zip(*(x.split(self.batch) for x in padded), strict=True)]
        return torch.cat(pieces)[: len(z)]

    def _second(self, labels: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        assert self.labels is not None, "asked before"
        if self.labels.type not in _WHOLE:
            return nn.functional.one_hot(labels, self.classes or 1).to(z.dtype)
        numbers = labels.to(torch.int32 if self.labels.type == _WHOLE[0] else torch.int64)
        return numbers.view(-1, *([1] * (len(self.labels.sizes) - 1)))


def is_onnx(path: Path, code: Code) -> bool:  # noqa: ARG001 (as every format is asked)
    """Tell by its name whether a file is one."""
    return path.is_file() and path.suffix.lower() == ".onnx"


def check_onnx(path: Path, code: Code) -> None:
    """Refuse code beside it: the file holds the network.

    Raises:
        UsageError: some was named.
    """
    refuse_unused(code, f"{path}, an ONNX network")


def load_onnx(path: Path, code: Code) -> Loaded:  # noqa: ARG001
    """Read a graph; run it in torch if all its operators are known here, else by onnxruntime, without gradients.

    Raises:
        MissingExtraError: a package it needs is not installed. ModelError: it is damaged, or takes other inputs than
            latents and classes.
    """
    model = _read(path)
    held = {initializer.name for initializer in model.graph.initializer}
    inputs = [_input(value) for value in model.graph.input if value.name not in held]
    if len(inputs) not in (1, 2):
        names = ", ".join(entry.name for entry in inputs) or "none"
        raise ModelError(
            f"{path} takes the inputs {names}; a generator takes latents, or latents and classes: export such"
        )
    digest = digest_of([path.read_bytes(), *_beside(model, path.parent)])
    try:
        network = OnnxGenerator(OnnxNet(model, path.parent), inputs)
        _try_out(network)
    except UnknownOperatorError as error:
        note = f"{error} is not known here: onnxruntime runs it, without gradients, and it is only drawn from"
        runtime = OnnxGenerator(RuntimeNet(path), inputs)
        return Loaded(runtime, "onnx", path.stem, code=digest, notes=(note,), sampling=True)
    except Exception as error:
        raise ModelError(f"{path} cannot be read as an ONNX network ({first_line(error)}): export it again") from error
    return Loaded(network, "onnx", path.stem, code=digest)


def _try_out(network: OnnxGenerator) -> None:
    """Run it once, where its latent shape is known: a form of an operator may be told unknown only then.

    Raises:
        UnknownOperatorError: it is.
    """
    if network.latent_shape is None:
        return
    z, labels = torch.zeros(2, *network.latent_shape), torch.zeros(2, dtype=torch.int64)
    with torch.no_grad(), contextlib.suppress(ValueError, RuntimeError, IndexError, OverflowError, TypeError):
        network(z, labels)  # what else is wrong with it is said when it is probed


def _read(path: Path) -> onnx.ModelProto:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError(
            f'{path} is an ONNX network, and reading it needs onnx: pip install "didlearn[onnx]"'
        ) from None
    try:
        return onnx.load(str(path), load_external_data=False)
    except Exception as error:
        raise ModelError(f"{path} cannot be read as an ONNX network ({first_line(error)}): export it again") from error


def _input(value: onnx.ValueInfoProto) -> _Input:
    tensor = value.type.tensor_type
    return _Input(value.name, tensor.elem_type, tuple(int(size.dim_value) for size in tensor.shape.dim))


def _beside(model: onnx.ModelProto, folder: Path) -> list[bytes]:
    """Return what lies in files beside the graph; readers of weights refuse those outside its folder."""
    named = {_location(initializer.external_data) for initializer in model.graph.initializer} - {""}
    files = [folder / name for name in sorted(named)]
    own = [file for file in files if file.is_file() and file.resolve().is_relative_to(folder.resolve())]
    return [file.read_bytes() for file in own]


def _location(entries: Iterable[onnx.StringStringEntryProto]) -> str:
    return next((str(entry.value) for entry in entries if entry.key == "location"), "")
