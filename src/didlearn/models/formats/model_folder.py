"""Our own format: a folder with ``model.json`` and ``weights.safetensors``; nothing in it can run.

``model.json`` names one of the networks in ``architectures`` and says what goes in and out::

    {"format": 1, "architecture": {"name": "mlp", "hidden": [64]}, "latent_shape": [8], "prior": "normal",
     "value_range": [-1, 1], "classes": null, "image_shape": [1, 8, 8], "name": "digits"}
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from didlearn.atomic import atomically
from didlearn.errors import ModelError, UsageError
from didlearn.models.architectures import ARCHITECTURES, AnyArguments, Architecture
from didlearn.models.interface import ValueRange, check_classes, check_range
from didlearn.models.module import ModuleModel

JSON, WEIGHTS = "model.json", "weights.safetensors"
_MAX_PARAMETERS = 2 * 10**9
_MAX_JSON_BYTES = 2**20
SideLength = Annotated[int, Field(ge=1, le=2**14)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class ModelFile(BaseModel):
    """The contents of ``model.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    architecture: AnyArguments
    latent_shape: Annotated[tuple[Annotated[int, Field(ge=1, le=2**20)], ...], Field(min_length=1, max_length=4)]
    prior: Literal["normal", "uniform"] = "normal"
    value_range: tuple[Finite, Finite] | None
    classes: Annotated[int, Field(ge=1, le=2**20)] | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    image_shape: tuple[Literal[1, 3], SideLength, SideLength]
    name: str | None = None

    def build(self) -> Architecture:
        """Make the network, with whatever weights it starts from."""
        classes = None if self.classes is None else check_classes(self.classes)[0]
        arguments = self.architecture.model_dump(exclude={"name"})
        return ARCHITECTURES[self.architecture.name](self.latent_shape, self.image_shape, classes, **arguments)


def is_model_folder(path: Path) -> bool:
    """Tell whether the folder is one of ours."""
    return (path / JSON).is_file()


def load_directory(folder: Path) -> tuple[Architecture, ModelFile]:
    """Load a model folder onto the CPU.

    Raises:
        ModelError: ``model.json`` is not valid, or the weights are not those of the network it names.
    """
    described = _read_json(folder / JSON)
    module = _empty(described, folder / JSON)
    _load_weights(module, folder / WEIGHTS)
    return module, described


def _read_json(path: Path) -> ModelFile:
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise ModelError(f"{path} is larger than {_MAX_JSON_BYTES} bytes; it is no description of a model")
    try:
        described = ModelFile.model_validate_json(path.read_bytes(), strict=True)
        check_range(described.value_range)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ModelError(f"{path}: {place}: {first['msg']}; got {_short(first['input'])}") from None
    except (UsageError, OSError) as error:
        raise ModelError(f"{path}: {error}") from None
    return described


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:77]}..."


def _empty(described: ModelFile, path: Path) -> Architecture:
    """Build without memory, and count before anything is allocated."""
    try:
        with torch.device("meta"):
            module = described.build()
    except (ArithmeticError, ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"{path}: architecture: it cannot be built: {error}") from None
    count = sum(tensor.numel() for tensor in module.state_dict().values())
    if count > _MAX_PARAMETERS:
        raise ModelError(f"{path}: architecture: it has {count:.3g} weights; at most {_MAX_PARAMETERS:.3g} are read")
    return module


def _load_weights(module: Architecture, path: Path) -> None:
    wanted = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    if not path.is_file():
        raise ModelError(f"{path} does not exist; a model folder holds {JSON} and {WEIGHTS}")
    try:
        with safe_open(path, framework="pt") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            _compare(wanted, found, path)
            weights = {name: file.get_tensor(name) for name in found}
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as safetensors ({error})") from None
    types = {name: value.dtype for name, value in module.state_dict().items()}
    odd = [name for name, value in weights.items() if value.is_floating_point() != types[name].is_floating_point]
    if odd:
        raise ModelError(f"{path}: {odd[0]} is {weights[odd[0]].dtype}; {types[odd[0]]} was expected")
    module.load_state_dict({name: value.to(types[name]) for name, value in weights.items()}, assign=True)


def _compare(wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]], path: Path) -> None:
    missing = sorted(set(wanted) - set(found))
    surplus = sorted(set(found) - set(wanted))
    if missing or surplus:
        what = f"lacks {', '.join(missing[:5])}" if missing else f"holds {', '.join(surplus[:5])}, which it has not"
        raise ModelError(f"{path} does not fit the architecture in {JSON}: it {what}")
    for name, shape in found.items():
        if shape != wanted[name]:
            raise ModelError(f"{path}: {name} has the shape {shape}; the architecture in {JSON} needs {wanted[name]}")


def save_model(
    model: Architecture | ModuleModel,
    folder: str | os.PathLike[str],
    *,
    value_range: tuple[float, float] | Literal["keep"] | None = "keep",
    prior: Literal["normal", "uniform"] | None = None,
    class_names: tuple[str, ...] | None = None,
    name: str | None = None,
) -> Path:
    """Write a network of ``didlearn.models.architectures``, or an opened model made of one, as a model folder.

    Args:
        model: the network, or what ``open_model`` made of it.
        folder: where to; made if absent.
        value_range: of the network's output; by default what the model says.
        prior: of the latents; by default what the model says.
        class_names: names of the classes of a conditional network.
        name: what reports call the model.

    Raises:
        UsageError: the network is none that a folder can name, or an argument does not fit it.
    """
    module = model.module if isinstance(model, ModuleModel) else model
    if not isinstance(module, Architecture):
        raise UsageError(
            f"a model folder holds one of {', '.join(ARCHITECTURES)}; got a {type(module).__name__}. "
            "Save other networks with torch.export.save()"
        )
    described = _describe(model, module, value_range, prior, class_names, name)
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    weights = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    text = json.dumps(described.model_dump(mode="json"), indent=1) + "\n"
    atomically(root / WEIGHTS, lambda part: save_file(weights, part))
    atomically(root / JSON, lambda part: part.write_text(text, encoding="utf-8"))
    return root


def _describe(
    model: nn.Module | ModuleModel,
    module: Architecture,
    value_range: ValueRange | Literal["keep"],
    prior: Literal["normal", "uniform"] | None,
    class_names: tuple[str, ...] | None,
    name: str | None,
) -> ModelFile:
    opened = model if isinstance(model, ModuleModel) else None
    names = class_names or (opened.class_names if opened else None)
    if names is not None and len(names) != module.classes:
        raise UsageError(f"{len(names)} class names were given for {module.classes} classes")
    if value_range == "keep":
        value_range = opened.value_range if opened else module.value_range
    try:
        return ModelFile(
            format=1,
            architecture=module.arguments,  # type: ignore[arg-type]
            latent_shape=module.latent_shape,
            prior=prior or (opened.prior if opened else module.prior),  # type: ignore[arg-type]
            value_range=check_range(value_range),
            classes=names or module.classes,
            image_shape=module.image_shape,  # type: ignore[arg-type]
            name=name or (opened.name if opened else None),
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"the model cannot be saved: {place}: {first['msg']}") from None
