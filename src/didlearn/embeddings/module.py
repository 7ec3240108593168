"""Any network as an embedding: a file with the network, or a factory in the user's own code."""

from __future__ import annotations

import hashlib
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Self

import torch
from torch import nn

from didlearn.embeddings.base import Embedding
from didlearn.errors import ModelError, UsageError
from didlearn.exported.archive import load_exported
from didlearn.naming import option
from didlearn.trusted import is_torchscript, load_factory, load_torchscript

_POOLED = "feature maps {shape} were averaged over their height and width"
_REPEATED = "gray images were repeated to three channels, which is what the network takes"


class ModuleEmbedding(Embedding):
    """A network that maps images (n, C, H, W) in [0, 1] to features (n, D); feature maps (n, D, h, w) are averaged.

    The features have gradients where the images ask for them.

    Args:
        network: the module; it is put into evaluation mode, and its weights ask for no gradients.
        name: what to call it.

    Raises:
        ModelError: when called: the network fails on the images, or returns something else than finite features.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        self.network = network.eval()
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        self.name = name
        self._repeat: bool | None = None
        self._lock = threading.RLock()

    def to(self, device: str) -> Self:
        """Move the weights to a torch device and return the embedding."""
        self.network.to(device)
        return self

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the network's features."""
        output = None
        with self._lock:  # the first call settles how the network wants its images
            if self._repeat is None:
                self._repeat, output = self._tried(images)
        if output is None:
            output = self._run(_in_colour(images) if self._repeat else images)
        features = self._features(output, len(images))
        if _asks_for_gradients(images) and not features.requires_grad:
            raise ModelError(
                f"{self.name} gives features without gradients (.detach(), torch.no_grad() or inference_mode within "
                "its forward), and a search that compares them needs these; give a network that leaves them out"
            )
        return features

    def _tried(self, images: torch.Tensor) -> tuple[bool, object]:
        """Tell whether the network fails on these gray images but takes them as RGB, and what it made of them.

        Of images that are not gray nothing is tried, and nothing made.
        """
        if images.ndim != 4 or images.shape[1] != 1:
            return False, None
        try:
            return False, self._run(images.clone())  # a network may work in place, and fail then
        except ModelError as as_gray:
            try:
                output = self._run(_in_colour(images))
            except ModelError:
                raise as_gray from as_gray.__cause__
            self._note(_REPEATED)
            return True, output

    def _run(self, images: torch.Tensor) -> object:
        try:
            with nullcontext() if _asks_for_gradients(images) else torch.inference_mode():
                return self.network(images)
        except Exception as error:
            raise ModelError(
                f"{self.name} fails on images of shape {tuple(images.shape)}: {type(error).__name__}: "
                f"{_last_line(error)}; an embedding takes float images (n, C, H, W) in [0, 1] (resize and normalise "
                f"inside the network, or give {option('size')} and {option('channels')})"
            ) from error

    def _features(self, output: object, count: int) -> torch.Tensor:
        if not isinstance(output, torch.Tensor):
            raise ModelError(f"{self.name} returned a {type(output).__name__}; an embedding returns one tensor (n, D)")
        if output.ndim in (4, 5) and len(output) == count:  # maps of images, or of volumes and films
            if max(output.shape[2:]) > 1:
                self._note(_POOLED.format(shape="×".join(map(str, output.shape[1:]))))
            output = output.flatten(2).mean(dim=2)
        if output.ndim != 2 or len(output) != count or not output.shape[1]:
            raise ModelError(
                f"{self.name} returned shape {tuple(output.shape)} for {count} images; an embedding returns "
                f"({count}, D), or feature maps ({count}, D, h, w)"
            )
        output = output.float()
        if not torch.isfinite(output).all():
            raise ModelError(f"{self.name} returned NaN or infinity; check its weights, and that it takes [0, 1]")
        return output

    def _note(self, note: str) -> None:
        with self._lock:
            if note not in self.notes:
                self.notes = (*self.notes, note)


def _in_colour(images: torch.Tensor) -> torch.Tensor:
    return images.expand(-1, 3, -1, -1).contiguous()


def _asks_for_gradients(images: torch.Tensor) -> bool:
    return torch.is_grad_enabled() and images.requires_grad


def open_torchscript(path: Path, trust_code: bool) -> ModuleEmbedding:
    """Open a TorchScript file (``torch.jit.save``), which is a program.

    Raises:
        TrustError: ``trust_code`` is false.
        ModelError: the file is no TorchScript archive or cannot be read.
    """
    if not is_torchscript(path):
        raise ModelError(
            f"{path} is no TorchScript file and holds no network; save one with torch.export.save (.pt2), or give "
            "`file.py:factory` for a network in Python"
        )
    return _of_file(load_torchscript(path, trust_code), path)


def open_exported(path: Path, trust_code: bool) -> ModuleEmbedding:
    """Open a network that ``torch.export.save`` wrote.

    Raises:
        TrustError: only ``torch.export.load`` can read it, and ``trust_code`` is false.
        ModelError: it cannot be read.
    """
    return _of_file(load_exported(path, trust_code), path)


def _of_file(network: nn.Module, path: Path) -> ModuleEmbedding:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
    return ModuleEmbedding(network, f"{path.name} (file {digest})")


def open_factory(factory: str, trust_code: bool) -> Embedding:
    """Open ``file.py:factory`` or ``pkg.module:factory``, whose code runs: a network, or an ``Embedding`` of ours.

    Raises:
        TrustError: ``trust_code`` is false.
        UsageError: the factory does not exist, or makes no network.
        ModelError: the factory failed.
    """
    made = load_factory(factory, trust_code, (nn.Module, Embedding))
    if isinstance(made, Embedding):
        return made
    if not isinstance(made, nn.Module):
        raise UsageError(
            f"{factory} makes a {type(made).__name__}; the factory of an embedding returns a torch nn.Module"
        )
    name = Path(factory).name if ".py:" in factory else factory
    return ModuleEmbedding(made, f"{name} (weights {weights_digest(made)})")


def weights_digest(network: nn.Module) -> str:
    """Return eight hex digits that fix a network's weights and buffers, by name and content."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        if isinstance(value, torch.Tensor):
            digest.update(name.encode() + str(value.dtype).encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:8]


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else "no message"
