"""A torch module, z -> images or (z, labels) -> images, as a latent model."""

from __future__ import annotations

import copy
import hashlib
import itertools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from typing import Self

import torch
from torch import nn

from didlearn.arrays import ImageShape
from didlearn.errors import ModelError, OutputError, first_line
from didlearn.models.base import LatentModel
from didlearn.models.interface import INFER, Interface, LabelsError, declare
from didlearn.models.latents.class_prior import fold_class_prior
from didlearn.models.output import as_images
from didlearn.models.prior import Prior, log_density, sample_latents
from didlearn.models.probe import probe
from didlearn.naming import option
from didlearn.rng import Stream

Around = Callable[[int], AbstractContextManager[None]]
"""What a forward pass of so many rows happens within."""


def _as_it_is(rows: int) -> AbstractContextManager[None]:  # noqa: ARG001 (others look at it)
    return nullcontext()


def open_module(
    module: nn.Module,
    *,
    latent_shape: object = None,
    value_range: object = INFER,
    prior: object = None,
    classes: object = None,
    name: str | None = None,
    kind: str = "module",
    device: str = "cpu",
    notes: tuple[str, ...] = (),
    code: str = "",
    points: bool = False,
) -> ModuleModel:
    """Wrap a module that is ours to keep; what nobody declared is found by running it.

    ``code`` is a hash of what the weights go into, where that is not ours: part of the fingerprint. ``points``: it
    makes rows (n, D), which are used as they are, and no images.

    Raises:
        UsageError: an argument cannot be used.
        ModelError: the module fails, does not make images, or its latent shape cannot be found.
    """
    name = name or type(module).__name__
    declared = declare(
        module, latent_shape=latent_shape, value_range=value_range, prior=prior, classes=classes, name=name,
        points=points,
    )  # fmt: skip
    module, declared = fold_class_prior(module, declared)
    network = Network(_frozen(module), declared.classes, name)

    def call(z: torch.Tensor, at: Sequence[int] | None = None) -> object:
        numbers = torch.tensor(range(len(z)) if at is None else at, device=z.device)
        return network(z, None if declared.classes is None else numbers % declared.classes)

    found = probe(module, call, declared, name, device)
    settled = replace(
        declared,
        latent_shape=found.latent_shape,
        image_shape=found.image_shape,
        value_range=found.value_range,
        notes=notes + declared.notes + found.notes,
    )
    model = ModuleModel(network, settled, found.stochastic, found.coupled, name=name, kind=kind, code=code)
    if found.coupled:  # batch statistics in use are written to the buffers too: the weights are those of now
        _ = model.fingerprint
    return model


def snapshot(module: nn.Module) -> tuple[nn.Module, tuple[str, ...]]:
    """Copy a module that its owner may go on training; return it with a note if it cannot be copied."""
    if isinstance(module, torch.jit.ScriptModule):
        return module, ()
    try:
        return copy.deepcopy(module), ()
    except Exception:  # noqa: BLE001 (whatever a module's own __deepcopy__ raises)
        return module, ("the module cannot be copied: it was put into evaluation mode and is used itself",)


def _frozen(module: nn.Module) -> nn.Module:
    module.eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


class Network:
    """A module that follows its input's device, and whose failures are sentences."""

    def __init__(self, module: nn.Module, classes: int | None, name: str) -> None:
        self.module, self.classes, self.name = module, classes, name
        self.around: Around = _as_it_is
        first = next((t for t in self.tensors() if t.is_floating_point()), torch.zeros(()))
        self.dtype, self.device = first.dtype, first.device

    def tensors(self) -> list[torch.Tensor]:
        """Return the parameters and buffers."""
        return list(itertools.chain(self.module.parameters(), self.module.buffers()))

    def __call__(self, z: torch.Tensor, labels: torch.Tensor | None) -> object:
        """Run the module on latents and, if it has classes, labels.

        Raises:
            ModelError: labels are missing, or the module failed.
        """
        if self.classes is not None and labels is None:
            raise ModelError(f"{self.name} has {self.classes} classes; decoding needs a label for each latent")
        return self._run(self.module, z, None if self.classes is None else labels)

    def call(self, method: str, z: torch.Tensor, labels: torch.Tensor | None) -> object:
        """Run another method of the module on latents and, if there are any, labels.

        Raises:
            ModelError: it failed.
        """
        return self._run(getattr(self.module, method), z, labels)

    def _run(self, function: Callable[..., object], z: torch.Tensor, labels: torch.Tensor | None) -> object:
        try:
            if z.device != self.device:
                self.module.to(z.device)
                self.device = z.device
            with self.around(len(z)):
                return function(z.to(self.dtype)) if labels is None else function(z.to(self.dtype), labels)
        except Exception as error:
            raise self._failure(z, error) from error

    def _failure(self, z: torch.Tensor, error: Exception) -> ModelError:
        text = f"{self.name} failed on latents of shape {tuple(z.shape)}: {first_line(error)}"
        if isinstance(error, torch.cuda.OutOfMemoryError):
            return OutputError(f"{text}; give a {option('batch_size', None)} below 32")
        if self.classes is None and "argument" in str(error):
            kind = LabelsError if "missing" in str(error) else OutputError
            return kind(f"{text}; if it takes labels too, say how many classes it has: {option('classes', 10)}")
        if self.classes is not None and self._takes_one_hot(z):
            return LabelsError(
                f"{self.name} takes one-hot labels (n, {self.classes}), and is given class numbers (n,); give a module "
                f"whose forward makes them: torch.nn.functional.one_hot(labels, {self.classes}).float()"
            )
        return OutputError(text)

    def _takes_one_hot(self, z: torch.Tensor) -> bool:
        try:
            labels = torch.eye(self.classes or 1, device=z.device, dtype=self.dtype)[:1].expand(len(z), -1)
            self.module(z.to(self.dtype), labels)
        except Exception:  # noqa: BLE001 (whatever the module raises)
            return False
        return True

    def copy(self) -> Network:
        """Return a copy that shares the weights: for another thread, as a module may keep values between layers."""
        shared = {id(t): t for t in self.tensors()}
        twin = copy.copy(self)
        twin.module = copy.deepcopy(self.module, shared)
        return twin


class ModuleModel(LatentModel):
    """images = module(z) or module(z, labels), mapped from its value range to [0, 1]."""

    def __init__(
        self,
        network: Network,
        settled: Interface,
        stochastic: bool,
        coupled: bool,
        *,
        name: str,
        kind: str,
        code: str = "",
    ) -> None:
        assert settled.latent_shape is not None
        assert settled.image_shape is not None
        assert not isinstance(settled.value_range, str), "a probe has settled them"
        self.network, self.prior, self.name, self.kind = network, settled.prior, name, kind
        self.stochastic, self.coupled, self._code = stochastic, coupled, code
        self.latent_shape: tuple[int, ...] = settled.latent_shape
        self.image_shape: ImageShape = settled.image_shape
        self.value_range = settled.value_range
        self.classes, self.class_names, self.notes = settled.classes, settled.class_names, settled.notes
        self.points = settled.points

    prior: Prior

    @property
    def module(self) -> nn.Module:
        """The torch module, in evaluation mode and without gradients of its weights."""
        return self.network.module

    def log_prior(self, z: torch.Tensor) -> torch.Tensor:
        """Log density of latents (n, *latent_shape) in nats: (n,)."""
        return log_density(self.prior, z)

    def sample_prior(self, count: int, rng: Stream) -> torch.Tensor:
        """Latents (count, *latent_shape), float32 on the CPU."""
        return sample_latents(self.prior, self.latent_shape, count, rng)

    def later_latents(self, first: int, count: int, rng: Stream) -> torch.Tensor:
        """Latents ``first`` to ``first + count``, drawn without those before."""
        return sample_latents(self.prior, self.latent_shape, count, rng, first)

    def decode(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Images (n, C, H, W) in the latents' dtype; differentiable in ``z``.

        Raises:
            ModelError: the latents have another shape, labels are missing, the module failed, or it keeps the
                gradients from latents that ask for them.
        """
        if tuple(z.shape[1:]) != self.latent_shape:
            raise ModelError(f"{self.name} takes latents (n, *{self.latent_shape}); got the shape {tuple(z.shape)}")
        x = as_images(self.network(z, labels), len(z), self.image_shape, self.name).to(z.dtype)
        if z.requires_grad and torch.is_grad_enabled() and not x.requires_grad:
            self._refuse_detached(z, x, labels)
        return self.in_range(x)

    def in_range(self, x: torch.Tensor) -> torch.Tensor:
        """Map what the network makes from its value range, if it has one, to [0, 1]."""
        if self.value_range is None:
            return x
        low, high = self.value_range
        return (x - low) / (high - low)

    def _refuse_detached(self, z: torch.Tensor, x: torch.Tensor, labels: torch.Tensor | None) -> None:
        """Refuse images that change with the latents and have no gradient; those that ignore them have none to give.

        Raises:
            ModelError: other latents make other images.
        """
        with torch.no_grad():
            others = as_images(self.network(z + 1, labels), len(z), self.image_shape, self.name)
        if not torch.equal(others.to(x.dtype).nan_to_num(), x.nan_to_num()):
            raise ModelError(
                f"{self.name} makes its images without gradients of its latents (.detach(), torch.no_grad() or "
                "inference_mode within its forward), and the search in its latents needs them; give a module whose "
                "forward leaves these out"
            )

    def replicas(self, count: int) -> Sequence[Self]:
        """Return copies that share the weights; only this model if the module cannot be copied."""
        if count == 1 or isinstance(self.module, torch.jit.ScriptModule):
            return [self] * count
        try:
            return [self, *(self._twin() for _ in range(count - 1))]
        except Exception:  # noqa: BLE001 (whatever a module's own __deepcopy__ raises)
            return [self]

    def _twin(self) -> Self:
        twin = copy.copy(self)
        twin.network = self.network.copy()
        return twin

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights in the order of their names, with names, types and shapes, and of code they go into."""
        digest = hashlib.blake2b(repr((self.latent_shape, self.image_shape)).encode(), digest_size=16)
        digest.update(self._code.encode())
        for name, value in sorted(self.module.state_dict().items()):
            if isinstance(value, torch.Tensor):
                digest.update(repr((name, value.dtype, tuple(value.shape))).encode())
                digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
            else:
                digest.update(repr((name, value)).encode())
        return digest.hexdigest()
