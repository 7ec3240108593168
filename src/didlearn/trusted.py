"""The one place where code of a file is run, and only when told that it may be: factories, and TorchScript.

A TorchScript file is a program: it writes files and reaches memory by operators that no list of forbidden names holds
all of. Everything else didlearn opens (images, safetensors, ``torch.load(weights_only=True)``) runs nothing.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import cast

import torch
from torch import nn

from didlearn.errors import ModelError, TrustError, UsageError, first_line
from didlearn.naming import option
from didlearn.readiness.paths import typed_path


def is_factory(text: str) -> bool:
    """Tell whether ``text`` reads as ``file.py:name`` or ``pkg.module:name``."""
    head, colon, name = text.rpartition(":")
    dotted = all(part.isidentifier() for part in head.split("."))
    return bool(colon) and all(part.isidentifier() for part in name.split(".")) and (head.endswith(".py") or dotted)


def is_torchscript(path: str | Path) -> bool:
    """Tell whether the file is a TorchScript archive, from the names inside it; nothing is unpacked or run."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.split("/") for name in archive.namelist()]
    except Exception:  # noqa: BLE001 (whatever it is, it is no such archive)
        return False
    has_code = any(len(parts) > 2 and parts[1] == "code" for parts in names)
    return has_code and any(len(parts) == 2 and parts[1] == "constants.pkl" for parts in names)


def load_torchscript(path: str | Path, trust_code: bool) -> torch.jit.ScriptModule:
    """Load a TorchScript file onto the CPU.

    Raises:
        TrustError: ``trust_code`` is false.
        ModelError: it cannot be loaded.
    """
    check_torchscript(path, trust_code)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch announces the end of TorchScript
            return torch.jit.load(str(path), map_location="cpu")
    except Exception as error:
        raise ModelError(f"{path} cannot be loaded as TorchScript: {first_line(error)}") from error


def check_torchscript(path: str | Path, trust_code: bool) -> None:
    """Refuse a TorchScript file that may not run, reading nothing.

    Raises:
        TrustError: ``trust_code`` is false.
    """
    if not trust_code:
        raise TrustError(
            f"{path} is TorchScript, a program that may write files and more; save the network with torch.export.save "
            f"(.pt2), which needs no trust, or, if you trust this file, give {option('trust_code', True)}"
        )


def load_factory(factory: str, trust_code: bool, ready: tuple[type, ...] = (nn.Module,)) -> object:
    """Import ``file.py:name`` or ``pkg.module:name`` and return what the factory ``name`` makes.

    Args:
        factory: where the factory is. Modules are looked for in the working folder too, and a file's own neighbours
            can be imported by it, as if the file were run by Python.
        trust_code: whether the user said that this code may run.
        ready: instances of these types are used as they are; whatever else has the name is called without arguments.

    Raises:
        TrustError: ``trust_code`` is false.
        UsageError: the file, module or name does not exist, or is nothing that can be called.
        ModelError: the module or the factory raised.
    """
    check_factory(factory, trust_code)
    head, _, name = factory.rpartition(":")
    with _importable(Path(head).resolve().parent if head.endswith(".py") else Path.cwd()):
        found = _attribute(_module(factory, head), head, name)
        return found if isinstance(found, ready) else _made(factory, found)


def check_factory(factory: str, trust_code: bool) -> None:
    """Refuse a factory that is not there or may not run, running nothing.

    Raises:
        UsageError: its file does not exist. TrustError: ``trust_code`` is false.
    """
    head = factory.rpartition(":")[0]
    if not is_factory(factory):
        raise UsageError(f"{factory!r} is no factory; write `file.py:name` or `pkg.module:name`")
    if head.endswith(".py") and not typed_path(head).is_file():
        raise UsageError(f"there is no file {head}; a factory is written `file.py:name`, with the path from here")
    if not trust_code:
        trust = option("trust_code", True)
        raise TrustError(f"{factory} would run the Python code in {head}; if you trust it, give {trust}")


def _module(factory: str, head: str) -> ModuleType:
    load = _module_from_file if head.endswith(".py") else importlib.import_module
    try:
        return load(head)
    except ModuleNotFoundError as error:
        if error.name and (head == error.name or head.startswith(error.name + ".")):
            raise UsageError(
                f"there is no module {head} to import for {factory}; write `file.py:name` for a file"
            ) from None
        raise ModelError(
            f"{factory} cannot be imported: it needs the module {error.name}, which is not installed"
        ) from error
    except Exception as error:
        raise ModelError(f"{factory} cannot be imported: {type(error).__name__}: {error}") from error


def _module_from_file(head: str) -> ModuleType:
    path = Path(head).resolve()
    # The name is unique to the path: two files called architectures.py must not take each other's place.
    name = f"_didlearn_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    described = importlib.util.spec_from_file_location(name, path)
    assert described is not None
    assert described.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(described)
    sys.modules[name] = module  # dataclasses and TorchScript look their module up there
    try:
        described.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _attribute(module: ModuleType, head: str, name: str) -> object:
    found: object = module
    for part in name.split("."):
        if not hasattr(found, part):
            offered = sorted(n for n, value in vars(module).items() if callable(value) and not n.startswith("_"))
            raise UsageError(f"{head} has no {name!r}; it has {', '.join(offered) or 'nothing that can be called'}")
        found = getattr(found, part)
    return found


def _made(factory: str, found: object) -> object:
    if not callable(found):
        raise UsageError(
            f"{factory} is a {type(found).__name__}; a factory is a function or class that takes no arguments"
        )
    try:
        return cast(Callable[[], object], found)()
    except Exception as error:
        raise ModelError(f"{factory} failed when called without arguments: {type(error).__name__}: {error}") from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
