"""An autoencoder given beside a generator, to set reconstructions side by side."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from didlearn.errors import ModelError, UsageError, first_line
from didlearn.exported.archive import ExportedNet, load_exported
from didlearn.foreign.files import refuse_special
from didlearn.readiness.paths import quoted, typed_path
from didlearn.trusted import (
    check_factory,
    check_torchscript,
    is_factory,
    is_torchscript,
    load_factory,
    load_torchscript,
)


@dataclass(frozen=True, eq=False)
class Reconstructor:
    """A network that maps images (n, C, H, W) in [0, 1] to their reconstructions.

    Attributes:
        module: images to images, in evaluation mode. name: what to call it.
        latent: the size of its code, where the module has a ``latent_shape``.
    """

    module: nn.Module
    name: str
    latent: int | None

    def reconstruct(self, images: torch.Tensor) -> torch.Tensor:
        """Return the reconstructions of images (n, C, H, W) in [0, 1].

        Raises:
            ModelError: the module fails, or gives another shape.
        """
        try:
            with torch.no_grad():
                found = self.module(images)
        except Exception as error:
            raise ModelError(
                f"the autoencoder {self.name} failed on {tuple(images.shape)}: {first_line(error)}"
            ) from error
        if not isinstance(found, torch.Tensor) or found.shape != images.shape:
            got = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
            raise ModelError(f"the autoencoder {self.name} made {got} of {tuple(images.shape)}; images were expected")
        return found


def open_autoencoder(source: str | nn.Module, *, trust_code: bool = False, device: str = "cpu") -> Reconstructor:
    """Open a torch.export or TorchScript file, ``file.py:factory`` or a module from images to images.

    Raises:
        UsageError: the source names neither.
        TrustError: a factory or TorchScript, and ``trust_code`` is false.
        ModelError: it cannot be loaded.
    """
    check_autoencoder(source, trust_code)
    if isinstance(source, nn.Module):
        module: object = source
    elif is_factory(source):
        module = load_factory(source, trust_code)
    elif (path := typed_path(source)).suffix.lower() == ".pt2":
        module = load_exported(path, trust_code)
    else:
        module = load_torchscript(path, trust_code)
    if not isinstance(module, nn.Module):
        raise ModelError(f"{source} made a {type(module).__name__}; a torch module was expected")
    # An exported program's latent_shape is that of whatever goes in: images here.
    shape = None if isinstance(module, ExportedNet) else getattr(module, "latent_shape", None)
    latent = int(torch.Size(shape).numel()) if shape is not None else None
    name = type(module).__name__ if isinstance(source, nn.Module) else source
    for parameter in module.parameters():  # TorchScript refuses to switch them all off in one call
        parameter.requires_grad_(False)
    return Reconstructor(module.eval().to(device), name, latent)


def check_autoencoder(source: object, trust_code: bool = False) -> None:
    """Refuse a text that names no autoencoder, before anything is read; whatever is no text is let pass.

    Raises:
        UsageError: it names none. TrustError: opening it would run code, and ``trust_code`` is false.
    """
    if not isinstance(source, str):
        return
    path = typed_path(source)
    refuse_special(path, UsageError)
    if is_factory(source):
        check_factory(source, trust_code)
    elif is_torchscript(path) and path.suffix.lower() != ".pt2":
        check_torchscript(path, trust_code)
    elif not path.is_file() or path.suffix.lower() != ".pt2":
        there = "" if path.exists() else "is not there: it "
        raise UsageError(
            f"{quoted(source)} {there}is no autoencoder (images to images); "
            "give a .pt2 or TorchScript file, or `file.py:factory`"
        )
