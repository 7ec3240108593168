"""Everything a training run needs to go on, in one safetensors file that is replaced atomically."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from didlearn.atomic import atomically
from didlearn.errors import ResultError
from didlearn.naming import option
from didlearn.zoo.training.recipe import Training


def save_checkpoint(path: Path, training: Training, step: int, seconds: float) -> None:
    """Write weights, optimizers' moments, and how far the run is."""
    tensors = {f"networks.{name}": value for name, value in training.networks.state_dict().items()}
    for name, optimizer in training.optimizers.items():
        for place, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizers.{name}.{place}.{key}": torch.as_tensor(value) for key, value in values.items()}
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    metadata = {"run": json.dumps({"step": step, "seconds": seconds})}
    atomically(path, lambda part: save_file(copies, part, metadata=metadata))


def load_checkpoint(path: Path, training: Training) -> tuple[int, float]:
    """Read a checkpoint into the networks and optimizers; return the steps taken and the seconds they took.

    Raises:
        ResultError: the file cannot be read, or belongs to other networks.
    """
    try:
        with safe_open(path, framework="pt") as file:
            run = json.loads((file.metadata() or {})["run"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        networks = {name.removeprefix("networks."): v for name, v in tensors.items() if name.startswith("networks.")}
        training.networks.load_state_dict(networks)
        for name, optimizer in training.optimizers.items():
            _load_optimizer(optimizer, name, tensors)
        return int(run["step"]), float(run["seconds"])
    except (SafetensorError, OSError, RuntimeError, KeyError, ValueError) as error:
        restart = option("restart", True)
        raise ResultError(
            f"{path} cannot be read as this run's checkpoint ({error}); give another folder, or {restart}"
        ) from None


def _load_optimizer(optimizer: torch.optim.Optimizer, name: str, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, object]] = {}
    prefix = f"optimizers.{name}."
    for full, value in tensors.items():
        if full.startswith(prefix):
            place, key = full.removeprefix(prefix).split(".", 1)
            # Some optimizers count their steps in an int, and would go on in single precision with a tensor.
            count = int(value) if value.ndim == 0 and not value.is_floating_point() else value
            state.setdefault(int(place), {})[key] = count
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
