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
from didlearn.foreign.files import refuse_special
from didlearn.foreign.kinds import is_cifar_pickle, is_tensor_file
from didlearn.images import open_images
from didlearn.images.formats.idx import is_idx
from didlearn.images.formats.tar.headers import is_tar
from didlearn.images.formats.tensor_files import is_safetensors_images
from didlearn.images.open import check_images
from didlearn.images.points import is_table, open_points
from didlearn.models.base import Sampler
from didlearn.models.formats.bank import Bank
from didlearn.models.formats.loaded import Code, refuse_unused
from didlearn.models.formats.loading import check_loadable, is_network_folder, kinds, load_network
from didlearn.models.interface import INFER
from didlearn.models.module import ModuleModel, open_module, snapshot
from didlearn.models.onnx.drawn import DrawnModel
from didlearn.readiness.paths import typed_path
from didlearn.trusted import is_torchscript

_BANKS = {".zip", ".npz", ".npy", ".parquet", ".mat", ".mdb", ".lmdb"}


@overload
def open_model(
    source: nn.Module,
    *,
    latent_shape: tuple[int, ...] | int | None = None,
    value_range: tuple[float, float] | str | None = INFER,
    prior: str | torch.distributions.Distribution | None = None,
    classes: int | tuple[str, ...] | None = None,
    points: bool = False,
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
    architecture: str | None = None,
    architecture_arguments: Mapping[str, object] | None = None,
    code_path: str | None = None,
    trust_code: bool = False,
    name: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    megapixels: int | None = None,
    skip_broken: bool = False,
    points: bool = False,
    device: str = "cpu",
) -> Sampler: ...


def open_model(
    source: object,
    *,
    latent_shape: tuple[int, ...] | int | None = None,
    value_range: tuple[float, float] | str | None = INFER,
    prior: str | torch.distributions.Distribution | None = None,
    classes: int | tuple[str, ...] | None = None,
    architecture: str | None = None,
    architecture_arguments: Mapping[str, object] | None = None,
    code_path: str | None = None,
    trust_code: bool = False,
    name: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    megapixels: int | None = None,
    skip_broken: bool = False,
    points: bool = False,
    device: str = "cpu",
) -> Sampler:
    """Open anything that can draw images.

    Args:
        source: a model folder; a ``torch.export`` or TorchScript file; ``file.py:factory`` or ``pkg.module:factory``;
            weights or a checkpoint, with an architecture; what other programs save (``docs/models.md`` lists them);
            a folder, zip, tar, npz or npy of samples; in Python also an ``nn.Module``, an array, ``Images``, or a
            ``Sampler``, which is returned as it is.
        latent_shape: shape of one latent; else the module's attribute, else found from its weights by trying.
        value_range: (low, high) of the output, mapped to [0, 1]; ``None``: the output is used as it is and may take
            any value; ``"infer"``: the module's attribute, else the usual range that 256 decoded latents lie in.
        prior: ``"normal"``, ``"uniform"`` (on [-1, 1]) or a torch Distribution; else the attribute, else normal.
        classes: number or names of the classes of a network (z, labels) -> images; else the attribute.
        architecture: the class that weights go into, ``file.py:Class`` or ``pkg.module:factory``; or the ``.yaml`` of
            a PyTorch-StudioGAN run.
        architecture_arguments: keywords of that class, or of a network that takes some (``truncation_psi``).
        code_path: a clone of the repository that a StyleGAN ``.pkl``, or such a ``.yaml``, needs.
        trust_code: whether code in the source, or of these, may run.
        name: what to call it; its source by default.
        size, channels, megapixels, skip_broken: how a bank of samples is read (see ``open_images``); a network's
            images are never resized.
        points: whether it makes rows of numbers and no images: a network (n, ...) -> (n, D), whose output is used as it
            is, or a table of rows (see ``open_points``).
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
    code = Code(architecture, dict(architecture_arguments or {}), code_path, trust_code)
    source = os.fspath(source) if isinstance(source, os.PathLike) else source
    rows = points and (is_table(source) if isinstance(source, str) else not isinstance(source, Sampler | nn.Module))
    if isinstance(source, str) and not rows and (points or not _is_bank(source, code)):
        loaded = load_network(source, code)
        if isinstance(loaded.network, nn.Module):
            model = open_module(
                loaded.network, **_completed(said, loaded.declared), name=name or loaded.name, kind=loaded.kind,
                device=device, notes=loaded.notes, code=loaded.code, points=points,
            )  # fmt: skip
            return DrawnModel(model) if loaded.sampling else model
        source = loaded.network
    else:
        refuse_unused(code, _what(source))
    if isinstance(source, nn.Module):
        copied, notes = snapshot(source)
        return open_module(copied, **said, name=name, device=device, notes=notes, points=points)
    given = [key for key, value in said.items() if not _silent(value)]
    if given:
        raise UsageError(f"{given[0]} says how a network is run; {_what(source)} is not one: leave it out")
    if isinstance(source, Sampler):
        return source
    if rows:
        return Bank(open_points(source, name=name))
    if isinstance(source, Mapping):
        raise _no_model(source)
    if not hasattr(source, "__len__") and not isinstance(source, str):
        raise UsageError(f"{_what(source)} is no model; give {kinds()}, an nn.Module, an array, Images or a Sampler")
    try:
        return Bank(
            open_images(source, size=size, channels=channels, megapixels=megapixels, skip_broken=skip_broken, name=name)
        )
    except NotFiniteError as error:
        raise OutputError(str(error)) from None


def check_model(
    source: object,
    trust_code: bool = False,
    architecture: str | None = None,
    architecture_arguments: Mapping[str, object] | None = None,
    code_path: str | None = None,
    points: bool = False,
) -> None:
    """Refuse a text that names no model, before anything is read; whatever else ``open_model`` takes is let pass.

    Files of rows are looked at where they are read.

    Raises:
        UsageError: it names none. TrustError: opening it would run code, and ``trust_code`` is false.
    """
    code = Code(architecture, dict(architecture_arguments or {}), code_path, trust_code)
    named = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    if points and (named is None or is_table(named)):
        refuse_unused(code, _what(source))
        return
    if named is None or (not points and _is_bank(named, code)):
        refuse_unused(code, _what(source))
        check_images(named)
        return
    check_loadable(named, code)


class _Said(TypedDict):
    """How a network is run, as far as the user said."""

    latent_shape: object
    value_range: object
    prior: object
    classes: object


def _completed(said: _Said, declared: Mapping[str, object]) -> _Said:
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


def _is_bank(source: str, code: Code) -> bool:
    """Tell whether a text names samples: whatever ``open_images`` reads and is no model."""
    if source in ("digits", "colours") or source.startswith("hf:"):
        return True
    if not source:
        raise UsageError(f"there is no model ''; give {kinds()}")
    path = typed_path(source)
    refuse_special(path, UsageError)
    if path.is_dir():
        return not is_network_folder(path)
    if path.is_file():
        if code.architecture is not None:
            return False
        known = path.suffix.lower() in _BANKS or is_idx(path) or _is_cifar(path) or _is_archive(path)
        return (known and not is_torchscript(path)) or is_tensor_file(path) or is_safetensors_images(path)
    return source.rpartition(":")[0].lower().endswith(".npz")


def _is_cifar(path: Path) -> bool:
    return (path.suffix.lower() == ".bin" and path.stat().st_size % 3073 == 0) or is_cifar_pickle(path)


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".tar" and is_tar(path)


def _no_model(mapping: Mapping[object, object]) -> UsageError:
    """Say what to give in place of a mapping: most often weights, or an npz file."""
    names = ", ".join(repr(key) for key in itertools.islice(mapping, 3))
    if isinstance(mapping, np.lib.npyio.NpzFile):
        return UsageError(f"an opened npz file (with {names}) is no model; give its path, or the array of images in it")
    return UsageError(
        f"the {type(mapping).__name__} with {names} is no model: a state_dict or checkpoint holds weights, not the "
        "network; build the network, call its load_state_dict, and give the network"
    )
