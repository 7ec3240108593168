"""The one place where code of a file is run, and only when told that it may be: factories, clones, and TorchScript.

A TorchScript file is a program: it writes files and reaches memory by operators that no list of forbidden names holds
all of. Everything else didlearn opens (images, safetensors, ``torch.load(weights_only=True)``) runs nothing.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pickle
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final, TypeVar

import torch
from torch import nn

from didlearn.errors import DidlearnError, ModelError, TrustError, UsageError, first_line
from didlearn.naming import option
from didlearn.readiness.paths import typed_path

Made = TypeVar("Made")


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


def load_factory(
    factory: str,
    trust_code: bool,
    ready: tuple[type, ...] = (nn.Module,),
    arguments: Callable[[Callable[..., object]], Mapping[str, object]] | None = None,
) -> object:
    """Import ``file.py:name`` or ``pkg.module:name`` and return what the factory ``name`` makes.

    Args:
        factory: where the factory is. Modules are looked for in the working folder too, and a file's own neighbours
            can be imported by it, as if the file were run by Python.
        trust_code: whether the user said that this code may run.
        ready: instances of these types are used as they are; whatever else has the name is called without arguments.
        arguments: looks at what is called, and says with which keywords instead.

    Raises:
        TrustError: ``trust_code`` is false.
        UsageError: the file, module or name does not exist, or is nothing that can be called.
        ModelError: the module or the factory raised.
    """
    check_factory(factory, trust_code)
    head, _, name = factory.rpartition(":")
    with importable(Path(head).resolve().parent if head.endswith(".py") else Path.cwd()):
        found = _attribute(_module(factory, head), head, name)
        return found if isinstance(found, ready) else _made(factory, found, arguments)


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


def _made(
    factory: str, found: object, arguments: Callable[[Callable[..., object]], Mapping[str, object]] | None
) -> object:
    if not callable(found):
        takes = "takes no arguments" if arguments is None else "makes the network"
        raise UsageError(f"{factory} is a {type(found).__name__}; a factory is a function or class that {takes}")
    given = {} if arguments is None else arguments(found)
    how = "without arguments" if not given else f"with {', '.join(given)}"
    try:
        return found(**given)
    except Exception as error:
        raise ModelError(f"{factory} failed when called {how}: {type(error).__name__}: {error}") from error


_cloned: Final[set[str]] = set()
"""Names of modules and packages of the clones so far: one must not be given another's."""


def check_clone(what: str, folder: str | None, trust_code: bool) -> None:
    """Refuse a file that needs code of its repository where that may not run or is not there, running nothing.

    Args:
        what: the file and what it is, for the message. folder: the clone. trust_code: whether its code may run.

    Raises:
        TrustError: ``trust_code`` is false. UsageError: no folder is given, or there is none.
    """
    where = option("code_path", "'FOLDER'", "FOLDER")
    if not trust_code:
        raise TrustError(
            f"{what}, and opening it runs that code and its repository's; if you trust both, give "
            f"{option('trust_code', True)} and {where}, a clone of the repository"
        )
    if folder is None:
        raise UsageError(f"{what}; give {where}, a clone of the repository it was trained with")
    if not typed_path(folder).is_dir():
        raise UsageError(f"there is no folder {folder}; {where} names a clone of the repository of the network")


def run_clone(what: str, folder: str, work: Callable[[Callable[[str], ModuleType]], Made]) -> Made:
    """Do some work with the modules of a clone; ``check_clone`` has been asked.

    Modules of its names that others have imported (``utils``), and those of other clones (``torch_utils``), are out of
    the way meanwhile, and back afterwards.

    Args:
        what: the file and what it is, for messages. folder: the clone. work: is given what imports a module of it.

    Raises:
        ModelError: it raised, or needs a module that is neither there nor installed.
    """
    root = typed_path(folder).resolve()
    _cloned.update(path.stem for path in root.iterdir() if path.suffix in ("", ".py"))
    names = set(_cloned)
    others = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in names}
    others = {name: module for name, module in others.items() if not _lies_in(module, root)}
    for name in others:
        del sys.modules[name]
    try:
        with importable(root):
            return work(importlib.import_module)
    except DidlearnError:
        raise
    except ModuleNotFoundError as error:
        raise ModelError(
            f"{what}, and needs the module {error.name}, which is neither in {folder} nor installed"
        ) from error
    except Exception as error:
        raise ModelError(f"{what}, and cannot be opened with the code in {folder}: {first_line(error)}") from error
    finally:
        sys.modules.update(others)


def _lies_in(module: ModuleType, root: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve().is_relative_to(root)


def unpickle(path: Path) -> object:
    """Unpickle a file that is trusted: within ``run_clone``, after ``check_clone``."""
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301 (the user said that its code may run)


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Let modules of a folder be imported, and be found before others."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
