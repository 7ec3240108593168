"""A checkpoint of PyTorch-StudioGAN (BigGAN, ReACGAN and others): weights, the ``.yaml`` of the run, and its clone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from didlearn.errors import ModelError, UsageError
from didlearn.models.checkpoints.checkpoint import SUFFIXES, fill_network, read_checkpoint, split_key
from didlearn.models.checkpoints.cloned import ClonedNet
from didlearn.models.formats.loaded import Code, Loaded, digest_of, refuse_unused, sources_below
from didlearn.readiness.paths import typed_path
from didlearn.trusted import check_clone, run_clone

_BACKBONES = ("deep_conv", "resnet", "big_resnet", "big_resnet_deep_legacy", "big_resnet_deep_studiogan")


class StudioGan(ClonedNet):
    """images = G(z, label), in single precision."""

    value_range = (-1, 1)

    def __init__(self, network: nn.Module, config: Any) -> None:
        super().__init__()
        self.network = network
        self.latent_shape = (int(config.MODEL.z_dim),)
        self.prior = "uniform" if config.MODEL.z_prior == "uniform" else "normal"
        self.classes = None if config.MODEL.g_cond_mtd == "W/O" else int(config.DATA.num_classes)

    def forward(self, z: torch.Tensor, labels: torch.Tensor | None = None) -> object:
        """Latents (n, z_dim) and, of a conditional network, classes (n,) to images (n, 3, H, W)."""
        label = torch.zeros(len(z), dtype=torch.int64, device=z.device) if labels is None else labels
        return self.network(z, label, eval=True)


def is_studiogan(path: Path, code: Code) -> bool:
    """Tell whether weights are meant to go into what a ``.yaml`` describes."""
    described = code.architecture is not None and code.architecture.lower().endswith((".yaml", ".yml"))
    return described and path.is_file() and path.suffix.lower() in SUFFIXES


def check_studiogan(path: Path, code: Code) -> None:
    """Refuse it where the clone may not run, or it or the description is not there.

    Raises:
        TrustError: code may not run. UsageError: there is no such file or folder.
    """
    assert code.architecture is not None, "told apart before"
    refuse_unused(code, f"{path} of PyTorch-StudioGAN", architecture=True, path=True)
    if not typed_path(code.architecture).is_file():
        raise UsageError(f"there is no file {code.architecture}; name the .yaml that the network was trained with")
    check_clone(_what(path), code.path, code.trusted)


def load_studiogan(path: Path, code: Code) -> Loaded:
    """Build the generator that the description names with the clone's code, and fill it.

    Raises:
        ModelError: the clone cannot build it, or the weights do not fit. UsageError: its kind is not opened.
    """
    assert code.architecture is not None, "told apart before"
    assert code.path is not None, "checked"
    file, key = (str(path), None) if path.is_file() else split_key(str(path))
    description, clone = typed_path(code.architecture).resolve(), typed_path(code.path)
    source = clone / "src" if (clone / "src" / "config.py").is_file() else clone

    def build(import_: Callable[[str], ModuleType]) -> StudioGan:
        config = import_("config").Configurations(str(description))
        return StudioGan(_generator(config, import_, description), config)

    network = run_clone(_what(Path(file)), str(source), build)
    notes = fill_network(network.network, read_checkpoint(Path(file)), key, code.architecture)
    digest = digest_of([description.read_bytes(), *sources_below(str(source))])
    return Loaded(network.opened_by(load_studiogan, path, code), "studiogan", Path(file).stem, code=digest, notes=notes)


def _generator(config: Any, import_: Callable[[str], ModuleType], description: Path) -> nn.Module:
    """Return the generator of the backbone, with its random weights."""
    data, model = config.DATA, config.MODEL
    if model.backbone not in _BACKBONES or model.info_type != "N/A":
        raise UsageError(
            f"{description} describes a {model.backbone} (info_type {model.info_type}); opened are "
            f"{', '.join(_BACKBONES)} without info_type: give a factory, file.py:name, for it"
        )
    network = import_(f"models.{model.backbone}").Generator(
        z_dim=model.z_dim,
        g_shared_dim=model.g_shared_dim,
        img_size=data.img_size,
        g_conv_dim=model.g_conv_dim,
        apply_attn=model.apply_attn,
        attn_g_loc=model.attn_g_loc,
        g_cond_mtd=model.g_cond_mtd,
        num_classes=data.num_classes,
        g_init=model.g_init,
        g_depth=model.g_depth,
        mixed_precision=False,
        MODULES=config.MODULES,
        MODEL=model,
    )
    if not isinstance(network, nn.Module):
        raise ModelError(f"{description} makes a {type(network).__name__}; a torch module was expected")
    return network


def _what(path: Path) -> str:
    return f"{path} is a checkpoint of PyTorch-StudioGAN, whose network is its repository's code"
