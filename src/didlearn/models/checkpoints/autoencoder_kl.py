"""The decoder of a diffusers ``AutoencoderKL``: what a latent diffusion model turns its latents to images with."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from didlearn.errors import MissingExtraError, ModelError, first_line
from didlearn.models.checkpoints.described import CONFIG, config_of
from didlearn.models.formats.loaded import Code, Loaded, digest_of, refuse_unused

_SAFE, _PICKLED = "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"
_NOTE = (
    "a decoder alone has no distribution of latents: standard normal ones are drawn (or those of the prior that is "
    "given), and not those of the diffusion model that it belongs to"
)


class KlDecoder(nn.Module):
    """images = decode(z / scaling_factor + shift_factor), in [-1, 1]; latents as the diffusion model has them."""

    value_range = (-1, 1)

    def __init__(self, autoencoder: Any) -> None:
        super().__init__()
        config = autoencoder.config
        self.post, self.decoder = autoencoder.post_quant_conv, autoencoder.decoder
        halvings = len(config["block_out_channels"]) - 1
        sides = (
            config["sample_size"] if isinstance(config["sample_size"], list | tuple) else [config["sample_size"]] * 2
        )
        self.latent_shape = (int(config["latent_channels"]), *(int(side) // 2**halvings for side in sides))
        self.scale, self.shift = (
            _per_channel(config, "std", "scaling_factor"),
            _per_channel(config, "mean", "shift_factor"),
        )

    def forward(self, z: torch.Tensor) -> object:
        """Latents (n, c, h, w) to images (n, C, H, W)."""
        z = z * torch.as_tensor(self.scale).to(z) + torch.as_tensor(self.shift).to(z)
        return self.decoder(z if self.post is None else self.post(z))


def _per_channel(config: Mapping[str, Any], moment: str, factor: str) -> torch.Tensor:
    """Return what latents are multiplied by, or what is added, (c, 1, 1) or one number."""
    number = config.get(factor)
    scaling = config.get("scaling_factor") or 1.0
    if config.get("latents_mean") is None or config.get("latents_std") is None:
        return torch.tensor(1 / scaling if moment == "std" else number or 0.0)
    each = torch.tensor(config[f"latents_{moment}"])[:, None, None]
    return each / scaling if moment == "std" else each


def is_autoencoder_kl(path: Path, code: Code) -> bool:  # noqa: ARG001 (as every format is asked)
    """Tell whether a folder says that it is one."""
    return config_of(path).get("_class_name") == "AutoencoderKL"


def check_autoencoder_kl(path: Path, code: Code) -> None:
    """Refuse code beside it: the network is diffusers' own.

    Raises:
        UsageError: some was named.
    """
    refuse_unused(code, f"{path}, a diffusers AutoencoderKL")


def load_autoencoder_kl(path: Path, code: Code) -> Loaded:  # noqa: ARG001
    """Build the network that the folder describes, fill it, and keep its decoder.

    Raises:
        MissingExtraError: diffusers is not installed. ModelError: the weights are not there, or do not fit.
    """
    decoder = KlDecoder(_loaded(path))
    return Loaded(
        decoder, "diffusers", path.resolve().name, code=digest_of([(path / CONFIG).read_bytes()]), notes=(_NOTE,)
    )


def _loaded(path: Path) -> Any:
    """Let diffusers read its folder: safetensors, or a pickle of tensors alone; nothing in it is run."""
    try:
        from diffusers import AutoencoderKL
    except ImportError:
        raise MissingExtraError(
            f"{path} is a diffusers AutoencoderKL, and opening it needs diffusers: pip install 'didlearn[diffusers]'"
        ) from None
    if not (path / _SAFE).is_file() and not (path / _PICKLED).is_file():
        raise ModelError(f"{path} holds no {_SAFE}; save the network there with its save_pretrained")
    safe = (path / _SAFE).is_file()
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # its warnings are its own programs'
            return AutoencoderKL.from_pretrained(
                str(path),
                local_files_only=True,
                use_safetensors=safe,
                low_cpu_mem_usage=False,
                torch_dtype=torch.float32,
            )
    except Exception as error:
        raise ModelError(f"{path} cannot be opened by diffusers ({first_line(error)}): save it again") from error
