"""A network whose classes lie in a clone: no other process can import them, so it travels as the files it came from."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import torch
from torch import nn

from didlearn.models.formats.loaded import Code, Loaded
from didlearn.readiness.paths import typed_path

Load = Callable[[Path, Code], Loaded]


class ClonedNet(nn.Module):
    """A module that a worker opens again, with the trust that was given here."""

    origin: tuple[Load, Path, Code]

    def opened_by(self, load: Load, path: Path, code: Code) -> Self:
        """Remember what opened it; return it."""
        architecture = code.architecture and str(typed_path(code.architecture).resolve())
        folder = code.path and str(typed_path(code.path).resolve())
        self.origin = (load, path.resolve(), replace(code, architecture=architecture, path=folder))
        return self

    def __reduce__(self) -> tuple[Callable[..., nn.Module], tuple[object, ...]]:
        """Return how another process makes it."""
        device = next((tensor.device for tensor in self.state_dict().values()), torch.device("cpu"))
        return open_again, (*self.origin, str(device))

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Copy it within this process, where its classes are known."""
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin


def open_again(load: Load, path: Path, code: Code, device: str) -> nn.Module:
    """Open a network in another process, as it is used: without gradients of its weights, in evaluation mode."""
    network = load(path, code).network
    assert isinstance(network, nn.Module), "it was one"
    return network.eval().requires_grad_(False).to(device)
