"""What a loader is given beside a file, and what it returns."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from torch import nn

from didlearn.errors import UsageError
from didlearn.models.base import Sampler
from didlearn.naming import option


@dataclass(frozen=True)
class Code:
    """What the user says of the code that a file of weights needs.

    Attributes:
        architecture: ``file.py:Class``, ``pkg.module:factory``, or the ``.yaml`` of a PyTorch-StudioGAN run.
        arguments: keyword arguments by name: of that class, or of the call of a network that takes some.
        path: folder with the clone that a pickle, or a ``.yaml``, needs. trusted: whether any of it may run.
    """

    architecture: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    path: str | None = None
    trusted: bool = False


class Loaded(NamedTuple):
    """A network or sampler that was loaded.

    Attributes:
        network: in torch, or a sampler of our own. kind, name: what it is, and what to call it.
        declared: what the file says of its interface, by the names that ``open_model`` has for it.
        code: a hash of the code that the weights go into, where it is not ours. notes: what was decided.
        sampling: whether its images have no gradients, so that it can only be drawn from.
    """

    network: nn.Module | Sampler
    kind: str
    name: str
    declared: Mapping[str, object] = {}
    code: str = ""
    notes: tuple[str, ...] = ()
    sampling: bool = False


def digest_of(parts: Iterable[bytes]) -> str:
    """Return a hash of these bytes, in this order."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def sources_of(module: nn.Module) -> list[bytes]:
    """Return the files that the classes of a network are written in, torch's own left out."""
    classes = {type(part) for part in module.modules() if not type(part).__module__.startswith("torch.")}
    files = set()
    for kind in classes:
        try:
            files.add(inspect.getsourcefile(kind))
        except (TypeError, OSError):  # typed in, or made by other code: it has no file
            continue
    return [Path(file).read_bytes() for file in sorted(file for file in files if file) if Path(file).is_file()]


def sources_below(folder: str) -> list[bytes]:
    """Return the names and contents of all Python files below a folder."""
    root = Path(folder)
    files = sorted(file for file in root.rglob("*.py") if file.is_file())
    return [part for file in files for part in (str(file.relative_to(root)).encode(), file.read_bytes())]


def refuse_unused(
    code: Code, what: str, architecture: bool = False, arguments: bool = False, path: bool = False
) -> None:
    """Refuse what the user said of code that does not go with a source.

    Args:
        code: what was said. what: the source, for the message. architecture, arguments, path: which go with it.

    Raises:
        UsageError: something does not.
    """
    said = {
        "architecture": None if architecture else code.architecture,
        "architecture_arguments": None if arguments else code.arguments,
        "code_path": None if path else code.path,
    }
    surplus = next((name for name, value in said.items() if value), None)
    if surplus is not None:
        raise UsageError(f"{option(surplus, None)} does not go with {what}: leave it out")
