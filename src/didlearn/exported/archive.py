"""``torch.export`` archives (.pt2), read and run without unpickling or compiling anything.

``torch.export.load`` unpickles, evaluates expressions and compiles code found in the file. An archive that PyTorch
2.8 or later writes by itself needs none of that: its weights are raw bytes and its graph is a list of calls of ATen
operators in JSON. ``ExportedNet`` reads those, and runs the calls one after another, after a trial (``trial.py``).
Whatever it does not know (pickled weights, operators that are not in ``operators.py``, control flow) is left to
``torch.export.load``, which needs ``trust_code``.
"""

from __future__ import annotations

import json
import math
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

import torch
from torch import nn

from didlearn.errors import ModelError, TrustError, first_line
from didlearn.exported.graph import DTYPES, Graph, Json, UnknownPartError, sizes
from didlearn.exported.trial import BATCHES, try_out
from didlearn.naming import option

CANNOT_BE_READ = "cannot be read as a torch.export archive"
_MAX_JSON_BYTES = 256 * 2**20
_DAMAGES = (
    OSError, ValueError, LookupError, TypeError, RuntimeError, AttributeError, ArithmeticError, EOFError, MemoryError,
    NotImplementedError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def load_exported(path: Path, trust_code: bool = False) -> nn.Module:
    """Load a .pt2 archive onto the CPU.

    Raises:
        TrustError: it holds something that only ``torch.export.load`` can read, or cannot be tried out here, and
            ``trust_code`` is false.
        ModelError: it cannot be loaded.
    """
    try:
        if not trust_code:
            look_at_members(path)
            try_out(path)  # first: whatever reading takes, it takes in there
        return read_exported(path, None if trust_code else BATCHES)
    except UnknownPartError as error:
        if not trust_code:
            raise TrustError(
                f"{path} holds {error}, which only torch.export.load can read, and that may run code in the file; "
                f"if you trust it, give {option('trust_code', True)}"
            ) from None
    return _load_with_torch(path)


def look_at_members(path: Path) -> None:
    """Read no more than the list of what the archive holds.

    Raises:
        ModelError: it is no archive, or its members are packed: torch.export packs nothing, so a size cannot lie.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path)
    except _DAMAGES as error:
        raise ModelError(f"{path} {CANNOT_BE_READ}: {first_line(error)}") from error


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    for entry in archive.infolist():
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise ValueError(f"{entry.filename!r} is compressed; torch.export compresses nothing")
    if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
        raise ValueError("it unpacks to more than its own size; torch.export compresses nothing")


def read_exported(path: Path, tried: tuple[int, ...] | None = None) -> ExportedNet:
    """Read a .pt2 archive whose graph calls nothing but allowed operators.

    Args:
        path: the archive.
        tried: the batch sizes it was tried with; on all else it is bounded (``bounds.py``), unless this is ``None``.

    Raises:
        UnknownPartError: it holds something else. ModelError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path)
            return ExportedNet(*_read(archive), tried)
    except _DAMAGES as error:
        raise ModelError(f"{path} {CANNOT_BE_READ}: {first_line(error)}") from error


def _load_with_torch(path: Path) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.load(str(path)).module()
    except Exception as error:
        raise ModelError(f"{path} cannot be loaded by torch.export.load: {first_line(error)}") from error
    # An exported program refuses eval(); what it does was fixed when it was exported.
    return Opaque(program)


class Opaque(nn.Module):
    """A loaded program that stays in the mode it was exported in."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program

    def train(self, mode: bool = True) -> Opaque:  # noqa: ARG002
        """Change nothing."""
        return self

    def forward(self, *inputs: torch.Tensor) -> object:
        """Run the program."""
        return self.program(*inputs)


def _read(archive: zipfile.ZipFile) -> tuple[Json, dict[str, torch.Tensor]]:
    names = archive.namelist()
    models = [name for name in names if name.partition("/")[2] == "models/model.json"]
    if len(models) != 1:
        raise UnknownPartError("no single models/model.json (a program of an older PyTorch, or several)")
    root = models[0].removesuffix("models/model.json")
    program = _json(archive, models[0])
    tensors: dict[str, torch.Tensor] = {}
    for kind in ("weights", "constants"):
        folder = f"{root}data/{kind}/"
        tensors |= _tensors(archive, folder, _json(archive, f"{folder}model_{kind}_config.json"), kind)
    return program, tensors


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    entry = archive.getinfo(name)
    with archive.open(entry) as file:
        return file.read(entry.file_size)


def _json(archive: zipfile.ZipFile, name: str) -> Json:
    if name not in archive.namelist():
        raise UnknownPartError(f"no {name.partition('/')[2]}")
    if archive.getinfo(name).file_size > _MAX_JSON_BYTES:
        raise ValueError(f"{name} is larger than {_MAX_JSON_BYTES} bytes")
    data = json.loads(_member(archive, name))
    if not isinstance(data, dict):
        raise ValueError(f"{name} is not a JSON object")
    return data


def _tensors(archive: zipfile.ZipFile, folder: str, config: Json, kind: str) -> dict[str, torch.Tensor]:
    storages: dict[str, bytearray] = {}
    tensors = {}
    for name, payload in config["config"].items():
        file, meta = payload["path_name"], payload["tensor_meta"]
        if payload["use_pickle"] or meta is None:
            raise UnknownPartError(f"pickled {kind} ({name})")
        if file not in storages:
            storages[file] = bytearray(_member(archive, folder + file))
        tensors[name] = _tensor(storages[file], meta)
    return tensors


def _tensor(storage: bytearray, meta: Json) -> torch.Tensor:
    dtype, shape = DTYPES[meta["dtype"]], sizes(meta["sizes"])
    if not storage:
        if math.prod(shape):
            raise ValueError(f"a weight of shape {tuple(shape)} without a byte")
        return torch.zeros(shape, dtype=dtype)
    flat = torch.frombuffer(storage, dtype=dtype)
    if math.prod(shape) > len(flat):  # strides of 0 make much of little, and the first copy fills the memory
        raise ValueError(f"a weight of shape {tuple(shape)} from {len(flat)} numbers")
    return flat.as_strided(shape, sizes(meta["strides"]), sizes([meta["storage_offset"]])[0])


class ExportedNet(nn.Module):
    """The graph of an exported program as a module; its first input's shape gives ``latent_shape``."""

    def __init__(self, program: Json, tensors: dict[str, torch.Tensor], tried: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.graph = Graph.read(program)
        self._seen = None if tried is None else {self.graph.shapes(size) for size in tried}
        self.slots: dict[str, str] = {}
        for place, name in self.graph.weights.items():
            # Buffers, not parameters: nothing here is trained, and a module's names may hold no dots.
            self.slots[place] = name.replace(".", "/")
            self.register_buffer(self.slots[place], tensors[name])
        self.latent_shape = self.graph.latent_shape
        self.batch = self.graph.batch

    def forward(self, *inputs: torch.Tensor) -> object:
        """Run the graph, in chunks of the batch size it was exported for if that is fixed."""
        if self.batch is None:
            return self._run(inputs)
        count = len(inputs[0])
        padding = -count % self.batch
        padded = [torch.cat([x, x[:1].expand(padding, *x.shape[1:])]) for x in inputs]
        chunks = zip(*(x.split(self.batch) for x in padded), strict=True)
        outputs = [self._run(chunk) for chunk in chunks]
        if not all(isinstance(output, torch.Tensor) and len(output) == self.batch for output in outputs):
            return outputs[0]
        return torch.cat(outputs)[:count]  # type: ignore[arg-type]

    def _run(self, inputs: tuple[torch.Tensor, ...]) -> object:
        weights = {place: getattr(self, slot) for place, slot in self.slots.items()}
        shapes = tuple(tuple(x.shape) for x in inputs)
        if self._seen is not None and shapes not in self._seen:
            self.graph.rehearse(inputs, weights)
            self._seen.add(shapes)
        return self.graph.run(inputs, weights)
