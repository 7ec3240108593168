"""Pretrained networks everybody uses: ``inception``, ``dinov2``, ``clip``, and three classifiers of ImageNet.

Nothing is fetched here: the weights are found in ``weights`` or where ``hf download`` left them, or the error says
which command fetches them. A machine without a network takes a folder copied from elsewhere.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from didlearn.embeddings.imagenet.open import IMAGENET_CLASSIFIERS, open_classifier_of_imagenet
from didlearn.embeddings.inception import open_inception
from didlearn.embeddings.module import ModuleEmbedding, weights_digest
from didlearn.errors import MissingExtraError, ModelError, UsageError
from didlearn.foreign.files import refuse_special, refuse_special_below
from didlearn.naming import option

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_INCEPTION_FILE = "pt_inception-2015-12-05-6726825d.pth"
_INCEPTION_URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{_INCEPTION_FILE}"


@dataclass(frozen=True)
class Encoder:
    """One vision transformer of the hub.

    Attributes:
        name: the embedding's name. repository: where its weights are.
        architecture: transformers' class. output: the attribute of its output that holds the features.
        mean, std: of the RGB channels, as it was trained.
    """

    name: str
    repository: str
    architecture: str
    output: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def fetch(self) -> str:
        """The command that fetches the weights into a folder."""
        return f"hf download {self.repository} --local-dir {self.name}"


VISION_ENCODERS = {
    encoder.name: encoder
    for encoder in (
        Encoder(
            name="dinov2",
            repository="facebook/dinov2-base",
            architecture="Dinov2Model",
            output="pooler_output",  # the class token after the last layer's normalisation
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
        ),
        Encoder(
            name="clip",
            repository="openai/clip-vit-base-patch32",
            architecture="CLIPVisionModelWithProjection",
            output="image_embeds",
            mean=(0.48145466, 0.4578275, 0.40821073),
            std=(0.26862954, 0.26130258, 0.27577711),
        ),
    )
}
PRETRAINED = ("inception", *VISION_ENCODERS, *IMAGENET_CLASSIFIERS)


class VisionNetwork(nn.Module):
    """Images (n, C, H, W) in [0, 1], gray or RGB, to features (n, D).

    Resized to a square of ``side`` with an antialiased bicubic filter (kept within [0, 1]), then normalised.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module, encoder: Encoder, side: int) -> None:
        super().__init__()
        self.network, self.output, self.side = network, encoder.output, side
        self.register_buffer("mean", torch.tensor(encoder.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(encoder.std)[:, None, None], persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features."""
        colour = images.expand(-1, 3, -1, -1)
        if images.shape[2:] != (self.side, self.side):
            colour = functional.interpolate(colour, (self.side, self.side), mode="bicubic", antialias=True).clamp(0, 1)
        return getattr(self.network((colour - self.mean) / self.std), self.output)


def open_pretrained(name: str, weights: Path | None = None) -> ModuleEmbedding:
    """Open one of ``PRETRAINED``.

    Args:
        name: one of ``PRETRAINED``.
        weights: a folder that ``hf download`` wrote (or the safetensors file in it); for ``inception`` a file; for the
            classifiers of ImageNet either.

    Raises:
        MissingExtraError: transformers or the weights are absent; the message holds the command.
        UsageError: ``weights`` does not exist.
        ModelError: the weights are of another network.
    """
    if weights is not None and not weights.exists():
        raise UsageError(f"{_given(weights)} does not exist; give the file or folder with the weights of {name}")
    if weights is not None:
        refuse_special(weights, UsageError)
        refuse_special_below(weights, UsageError)
    if name == "inception":
        return _open_inception(weights)
    if name in IMAGENET_CLASSIFIERS:
        return open_classifier_of_imagenet(name, weights)
    return _open_encoder(VISION_ENCODERS[name], weights)


def _open_inception(weights: Path | None) -> ModuleEmbedding:
    if weights is None:
        raise MissingExtraError(
            f"the weights of inception are not here; fetch them with `curl -LO {_INCEPTION_URL}` and give "
            f"`{_given(_INCEPTION_FILE)}`"
        )
    if weights.is_dir():
        raise UsageError(f"{_given(weights)} is a folder; inception takes one file, {_INCEPTION_FILE} say")
    return open_inception(weights)


def _open_encoder(encoder: Encoder, weights: Path | None) -> ModuleEmbedding:
    try:
        transformers = importlib.import_module("transformers")
    except ImportError as error:
        raise MissingExtraError(
            f"the embedding {encoder.name} needs the package {error.name or 'transformers'}; install it with "
            '`pip install "didlearn[hub]"`'
        ) from error
    network = _load(transformers, encoder, _folder(encoder, weights))
    # DINOv2's configuration holds the side of its last training stage (518); it is used at 224.
    side = 224 if encoder.name == "dinov2" else int(network.config.image_size)
    embedding = ModuleEmbedding(VisionNetwork(network, encoder, side), "")
    embedding.name = f"{encoder.name} (weights {weights_digest(network)})"
    embedding.notes = (f"{encoder.architecture}.{encoder.output} at {side}×{side}, bicubic with antialiasing",)
    return embedding


def _folder(encoder: Encoder, weights: Path | None) -> str:
    if weights is None:
        return encoder.repository
    folder = weights if weights.is_dir() else weights.parent
    if not (folder / "config.json").is_file():
        raise UsageError(f"{folder} holds no config.json; fetch the whole folder with `{encoder.fetch}`")
    return str(folder)


def _load(transformers: ModuleType, encoder: Encoder, source: str) -> PreTrainedModel:
    """Read the network from a folder or from what was downloaded before; never over the network."""
    try:
        with _quiet(transformers):
            network, info = getattr(transformers, encoder.architecture).from_pretrained(
                source, local_files_only=True, output_loading_info=True
            )
    except Exception as error:
        if source == encoder.repository and isinstance(error, OSError):
            raise MissingExtraError(
                f"the weights of {encoder.name} are not on this machine; fetch them with `{encoder.fetch}` (here or on "
                f"a machine with a network) and give `{_given(encoder.name)}`"
            ) from error
        raise ModelError(
            f"{source} cannot be read as {encoder.architecture}: {type(error).__name__}: {error}"
        ) from error
    # transformers fills what is missing with random numbers and goes on.
    missing = sorted(info["missing_keys"])
    if missing:
        raise ModelError(
            f"{source} holds no {encoder.architecture}: {len(missing)} weights are missing, {missing[0]} first; fetch "
            f"them with `{encoder.fetch}`"
        )
    return network


@contextmanager
def _quiet(transformers: ModuleType) -> Iterator[None]:
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _given(weights: str | Path) -> str:
    """The option that gives these weights."""
    return option("weights", repr(str(weights)), str(weights))
