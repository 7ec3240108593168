"""Noise that a network draws within its forward, made a part of the network: the same for every row and every call.

A generator with noise inputs (``noise_mode='random'`` of StyleGAN) makes many images of one latent. With the noise
fixed it makes one, as with ``noise_mode='const'``, and that one can be searched.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from didlearn.errors import DidlearnError, ModelError
from didlearn.models.base import LatentModel, Sampler
from didlearn.models.module import ModuleModel
from didlearn.rng import Stream

NOISE_NOTE = (
    "The network draws noise of its own; where a latent is set, the noise was fixed, the same for every image: what it "
    "makes with other noise is not searched."
)
_REMEDY = (
    "one latent does not give one image: give a module whose forward uses constant noise (noise_mode='const' of a "
    "StyleGAN)"
)
_STREAM = Stream(0, ("fixed noise",))
_ROWS, _TOLERANCE = 4, 1e-4
_ATEN = torch.ops.aten
_DRAW = {
    _ATEN.randn: torch.randn, _ATEN.rand: torch.rand, _ATEN.randn_like: torch.randn, _ATEN.rand_like: torch.rand,
}  # fmt: skip
_FILL = (_ATEN.normal_, _ATEN.uniform_)


class _Fixed(TorchDispatchMode):
    """While it is on, random numbers come from one generator, and those of a batch are one row's for every row."""

    def __init__(self, rows: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows, self.generator = rows, _STREAM.torch()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        packet, options = func.overloadpacket, kwargs or {}
        if packet in _DRAW:
            return self._drawn(_DRAW[packet], args[0], options)
        if packet in _FILL:
            return args[0].copy_(self._filled(packet, args[0].shape, args[1:], options).to(args[0]))
        return func(*args, **options)

    def _drawn(self, draw: Callable[..., Tensor], like: Any, options: dict[str, Any]) -> Tensor:
        shape = tuple(like.shape) if isinstance(like, Tensor) else tuple(like)
        beside = like if isinstance(like, Tensor) else torch.empty(0)
        dtype, device = options.get("dtype") or beside.dtype, options.get("device") or beside.device
        return self._spread(draw(self._one(shape), generator=self.generator), shape).to(device, dtype)

    def _filled(self, packet: Any, shape: torch.Size, args: Any, options: dict[str, Any]) -> Tensor:
        row = torch.empty(self._one(tuple(shape)))
        limits = {name: value for name, value in options.items() if name != "generator"}
        return self._spread(packet(row, *args, generator=self.generator, **limits), tuple(shape))

    def _one(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (1, *shape[1:]) if shape and shape[0] == self.rows else shape

    def _spread(self, drawn: Tensor, shape: tuple[int, ...]) -> Tensor:
        return drawn.expand(shape).contiguous()


@contextmanager
def fixed_noise(rows: int) -> Iterator[None]:
    """Let code draw the same noise for each of so many rows, and in every call."""
    with _Fixed(rows):
        yield


def with_fixed_noise(model: LatentModel) -> LatentModel:
    """Return the model with its noise fixed; itself if it draws none.

    Raises:
        ModelError: the noise cannot be fixed; what would do is said.
    """
    if not model.stochastic:
        return model
    if not isinstance(model, ModuleModel):
        raise ModelError(f"{model.name} draws noise of its own, and {_REMEDY}")
    twin = copy.copy(model)
    twin.network = copy.copy(model.network)
    twin.network.around = fixed_noise
    twin.stochastic, twin.kind, twin.notes = False, f"{model.kind}, noise fixed", (*model.notes, NOISE_NOTE)
    if not _is_fixed(twin):
        raise ModelError(f"{model.name} draws noise of its own that cannot be fixed, and {_REMEDY}")
    return twin


def noise_note(model: Sampler | None) -> tuple[str, ...]:
    """Return what a reader should know where the network draws noise of its own, a sentence."""
    return (NOISE_NOTE,) if isinstance(model, LatentModel) and model.stochastic else ()


@torch.no_grad()
def _is_fixed(model: ModuleModel) -> bool:
    """Tell whether an image is the same in another company and another call."""
    z = model.sample_prior(_ROWS, _STREAM).to(model.network.device)
    labels = None if model.classes is None else torch.arange(_ROWS, device=z.device) % model.classes
    together = model.decode(z, labels)
    again = model.decode(z, labels)
    try:
        alone = torch.cat([model.decode(z[i : i + 1], None if labels is None else labels[i : i + 1]) for i in range(2)])
    except DidlearnError:  # it takes no batch of one
        alone = together[:2]
    scale = _TOLERANCE * max(1.0, float(together.abs().max()))
    return torch.equal(together, again) and bool(((alone - together[:2]).abs() <= scale).all())
