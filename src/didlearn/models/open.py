"""``open_model``: one way in for every kind of model."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, cast, overload

import numpy as np
import torch
from torch import nn

from didlearn.errors import NotFiniteError, OutputError, UsageError
from didlearn.exported.archive import load_exported
from didlearn.foreign.files import refuse_special
from didlearn.foreign.kinds import is_cifar_pickle, is_tensor_file, known_file
from didlearn.images import open_images
from didlearn.images.formats.idx import is_idx
from didlearn.images.formats.tar.headers import is_tar
from didlearn.images.formats.tensor_files import is_safetensors_images
from didlearn.images.open import check_images
from didlearn.models.base import Sampler
from didlearn.models.formats.bank import Bank
from didlearn.models.formats.factory import load_model_factory
from didlearn.models.formats.model_folder import is_model_folder, load_directory
from didlearn.models.interface import INFER
from didlearn.models.module import ModuleModel, open_module, snapshot
from didlearn.naming import option
from didlearn.readiness.paths import quoted, typed_path
from didlearn.trusted import check_factory, check_torchscript, is_factory, is_torchscript, load_torchscript

_BANKS = {".zip", ".npz", ".npy", ".parquet"}


@overload
def open_model(
    source: nn.Module,
    *,
    latent_shape: tuple[int, ...] | int | None = None,
    value_range: tuple[float, float] | str | None = INFER,
    prior: str | torch.distributions.Distribution | None = None,
    classes: int | tuple[str, ...] | None = None,
    name: str | None = None,
    device: str = "cpu",
) -> ModuleModel: ...


@overload
def open_model(
    source: object,
    *,
    latent_shape: tuple[int, ...] | int | None = None,
    value_range: tuple[float, float] | str | None = INFER,
    prior: str | torch.distributions.Distribution | None = None,
    classes: int | tuple[str, ...] | None = None,
    trust_code: bool = False,
    name: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    megapixels: int | None = None,
    skip_broken: bool = False,
    device: str = "cpu",
) -> Sampler: ...


def open_model(
    source: object,
    *,
    latent_shape: tuple[int, ...] | int | None = None,
    value_range: tuple[float, float] | str | None = INFER,
    prior: str | torch.distributions.Distribution | None = None,
    classes: int | tuple[str, ...] | None = None,
    trust_code: bool = False,
    name: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    megapixels: int | None = None,
    skip_broken: bool = False,
    device: str = "cpu",
) -> Sampler:
    """Open anything that can draw images.

    Args:
        source: a model folder; a ``torch.export`` or TorchScript file; ``file.py:factory`` or ``pkg.module:factory``;
            a folder, zip, tar, npz or npy of samples; in Python also an ``nn.Module``, an array, ``Images``, or a
            ``Sampler``, which is returned as it is.
        latent_shape: shape of one latent; else the module's attribute, else found from its weights by trying.
        value_range: (low, high) of the output, mapped to [0, 1]; ``None``: the output is used as it is and may take
            any value; ``"infer"``: the module's attribute, else the usual range that 256 decoded latents lie in.
        prior: ``"normal"``, ``"uniform"`` (on [-1, 1]) or a torch Distribution; else the attribute, else normal.
        classes: number or names of the classes of a network (z, labels) -> images; else the attribute.
        trust_code: whether code in the source may run.
        name: what to call it; its source by default.
        size, channels, megapixels, skip_broken: how a bank of samples is read (see ``open_images``); a network's
            images are never resized.
        device: where a network is probed and stays.

    Raises:
        UsageError: the source names no model, or an argument does not go with it.
        TrustError: opening it would run code, and ``trust_code`` is false.
        ModelError: it cannot be loaded, or does not make images.
        DataError: a bank of samples cannot be read.
    """
    said: _Said = {
        "latent_shape": latent_shape,
        "value_range": value_range,
        "prior": prior,
        "classes": classes,
    }
    source = os.fspath(source) if isinstance(source, os.PathLike) else source
    if isinstance(source, str) and not _is_bank(source):
        loaded, declared, kind, called = _load(source, trust_code)
        if isinstance(loaded, nn.Module):
            return open_module(loaded, **_completed(said, declared), name=name or called, kind=kind, device=device)
        source = loaded
    if isinstance(source, nn.Module):
        copied, notes = snapshot(source)
        return open_module(copied, **said, name=name, device=device, notes=notes)
    given = [key for key, value in said.items() if not _silent(value)]
    if given:
        raise UsageError(f"{given[0]} says how a network is run; {_what(source)} is not one: leave it out")
    if isinstance(source, Sampler):
        return source
    if isinstance(source, Mapping):
        raise _no_model(source)
    if not hasattr(source, "__len__") and not isinstance(source, str):
        raise UsageError(f"{_what(source)} is no model; give {_kinds()}, an nn.Module, an array, Images or a Sampler")
    try:
        return Bank(
            open_images(source, size=size, channels=channels, megapixels=megapixels, skip_broken=skip_broken, name=name)
        )
    except NotFiniteError as error:
        raise OutputError(str(error)) from None


def check_model(source: object, trust_code: bool = False) -> None:
    """Refuse a text that names no model, before anything is read; whatever else ``open_model`` takes is let pass.

    Raises:
        UsageError: it names none. TrustError: opening it would run code, and ``trust_code`` is false.
    """
    named = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    if named is None or _is_bank(named):
        check_images(named)
        return
    path = typed_path(named)
    if not path.exists():
        if not is_factory(named):
            raise _no_such_model(named)
        check_factory(named, trust_code)
    elif path.is_file() and path.suffix.lower() != ".pt2":
        if not is_torchscript(path):
            raise _refusal(path)
        check_torchscript(path, trust_code)


def _no_such_model(source: str) -> UsageError:
    return UsageError(f"there is no model {quoted(source)}; give {_kinds()}")


class _Said(TypedDict):
    """How a network is run, as far as the user said."""

    latent_shape: object
    value_range: object
    prior: object
    classes: object


def _completed(said: _Said, declared: dict[str, object]) -> _Said:
    """Let what the model's file declares stand where the user said nothing."""
    heard = {key: declared.get(key) if _silent(value) else value for key, value in said.items()}
    if said["value_range"] == INFER:
        heard["value_range"] = declared.get("value_range", INFER)
    else:
        heard["value_range"] = said["value_range"]
    return cast(_Said, heard)


def _silent(value: object) -> bool:
    return value is None or (isinstance(value, str) and value == INFER)


def _what(source: object) -> str:
    return repr(source) if isinstance(source, str) else f"a {type(source).__name__}"


def _is_bank(source: str) -> bool:
    """Tell whether a text names samples: whatever ``open_images`` reads and is no model."""
    if source == "digits" or source.startswith("hf:"):
        return True
    if not source:
        raise UsageError(f"there is no model ''; give {_kinds()}")
    path = typed_path(source)
    refuse_special(path, UsageError)
    if path.is_dir():
        return not is_model_folder(path)
    if path.is_file():
        known = path.suffix.lower() in _BANKS or is_idx(path) or _is_cifar(path) or _is_archive(path)
        return (known and not is_torchscript(path)) or is_tensor_file(path) or is_safetensors_images(path)
    return source.rpartition(":")[0].lower().endswith(".npz")


def _is_cifar(path: Path) -> bool:
    return (path.suffix.lower() == ".bin" and path.stat().st_size % 3073 == 0) or is_cifar_pickle(path)


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".tar" and is_tar(path)


def _load(source: str, trust_code: bool) -> tuple[nn.Module | Sampler, dict[str, object], str, str]:
    """Return the module or sampler, what its file declares, its kind and its name."""
    path = typed_path(source)
    if path.is_dir():
        module, described = load_directory(path)
        declared = described.model_dump(include={"latent_shape", "value_range", "prior", "classes"})
        return module, declared, "directory", described.name or path.resolve().name
    if not path.exists():
        if is_factory(source):
            return load_model_factory(source, trust_code), {}, "factory", source.rpartition(":")[2]
        raise _no_such_model(source)
    if path.suffix.lower() == ".pt2":
        return load_exported(path, trust_code), {}, "exported", path.stem
    if is_torchscript(path):
        return load_torchscript(path, trust_code), {}, "torchscript", path.stem
    raise _refusal(path)


def _no_model(mapping: Mapping[object, object]) -> UsageError:
    """Say what to give in place of a mapping: most often weights, or an npz file."""
    names = ", ".join(repr(key) for key in itertools.islice(mapping, 3))
    if isinstance(mapping, np.lib.npyio.NpzFile):
        return UsageError(f"an opened npz file (with {names}) is no model; give its path, or the array of images in it")
    return UsageError(
        f"the {type(mapping).__name__} with {names} is no model: a state_dict or checkpoint holds weights, not the "
        "network; build the network, call its load_state_dict, and give the network"
    )


def _refusal(path: Path) -> UsageError:
    known = known_file(path)
    if known is not None:
        return UsageError(f"{path} is {known.what}: {known.remedy}")
    return UsageError(f"{path} is nothing that is known; give {_kinds()}")


def _kinds() -> str:
    """What names a model."""
    return (
        f"a model folder (model.json), torch.export (.pt2), with {option('trust_code', True)} TorchScript (.pt), "
        "file.py:factory or pkg.module:factory, or a folder, .zip, .tar or .npz of samples"
    )
