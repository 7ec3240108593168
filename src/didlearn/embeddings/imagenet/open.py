"""``resnet50``, ``vgg16`` and ``densenet201``: classifiers of ImageNet, whose features are what the last layer takes.

Nothing is fetched here: the weights are a file of torchvision's, a folder that ``hf download`` wrote, or where ``hf
download`` left them, or the error says which command fetches them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from didlearn.embeddings.imagenet.densenet import DenseNet201
from didlearn.embeddings.imagenet.resnet import ResNet50
from didlearn.embeddings.imagenet.vgg import VGG16
from didlearn.embeddings.imagenet.weights import Weights, read_state, torchvision_names
from didlearn.embeddings.module import ModuleEmbedding, weights_digest
from didlearn.errors import MissingExtraError, ModelError, UsageError
from didlearn.naming import option

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's channels
SIDE = 224
_FILE = "model.safetensors"


@dataclass(frozen=True)
class Classifier:
    """One network and where its weights are.

    Attributes:
        name: the embedding's name. network: its class. file: torchvision's. repository: the hub's.
    """

    name: str
    network: type[ResNet50 | VGG16 | DenseNet201]
    file: str
    repository: str

    @property
    def fetch(self) -> str:
        """The two commands that fetch the weights."""
        given = option("weights", repr(self.file), self.file)
        return (
            f"`curl -LO https://download.pytorch.org/models/{self.file}` and give `{given}`, or with `hf download "
            f"{self.repository} {_FILE}`"
        )


IMAGENET_CLASSIFIERS = {
    one.name: one
    for one in (
        Classifier("resnet50", ResNet50, "resnet50-0676ba61.pth", "timm/resnet50.tv_in1k"),
        Classifier("vgg16", VGG16, "vgg16-397923af.pth", "timm/vgg16.tv_in1k"),
        Classifier("densenet201", DenseNet201, "densenet201-c1103571.pth", "timm/densenet201.tv_in1k"),
    )
}


class ImageNetNetwork(nn.Module):
    """Images (n, C, H, W) in [0, 1], gray or RGB, to features (n, D).

    The whole image is resized to 224×224 with an antialiased bilinear filter, torchvision's, then normalised.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(STD)[:, None, None], persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features."""
        colour = images.expand(-1, 3, -1, -1)
        if images.shape[2:] != (SIDE, SIDE):
            colour = functional.interpolate(colour, (SIDE, SIDE), mode="bilinear", antialias=True)
        return self.network((colour - self.mean) / self.std)


def open_classifier_of_imagenet(name: str, weights: Path | None = None) -> ModuleEmbedding:
    """Open one of ``IMAGENET_CLASSIFIERS``.

    Args:
        name: ``resnet50``, ``vgg16`` or ``densenet201``.
        weights: a state dict (.pth, .safetensors), or a folder with ``model.safetensors``; without it what ``hf
            download`` left in its cache.

    Raises:
        MissingExtraError: there are no weights; the message holds the command.
        ModelError: the weights are of another network.
    """
    classifier = IMAGENET_CLASSIFIERS[name]
    path = _found(classifier) if weights is None else _file(classifier, weights)
    network = _loaded(classifier, torchvision_names(read_state(path, name), classifier.network.head), path)
    embedding = ModuleEmbedding(ImageNetNetwork(network), f"{name} (weights {weights_digest(network)})")
    embedding.notes = (
        f"{classifier.network.__name__}: what its last layer takes; the whole image resized to {SIDE}×{SIDE}, bilinear "
        "with antialiasing",
    )
    return embedding


def _file(classifier: Classifier, weights: Path) -> Path:
    if not weights.is_dir():
        return weights
    if not (weights / _FILE).is_file():
        raise UsageError(f"{weights} holds no {_FILE}; fetch the weights with {classifier.fetch}")
    return weights / _FILE


def _found(classifier: Classifier) -> Path:
    """Return what ``hf download`` left in its cache; nothing goes over the network."""
    missing = f"the weights of {classifier.name} are not here; fetch them with {classifier.fetch}"
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError as error:
        raise MissingExtraError(f'{missing} (which needs `pip install "didlearn[hub]"`)') from error
    found = try_to_load_from_cache(classifier.repository, _FILE)
    if not isinstance(found, str):
        raise MissingExtraError(missing)
    return Path(found)


def _loaded(classifier: Classifier, state: Weights, path: Path) -> nn.Module:
    """Return the network with these weights, none of them left to chance; the classes may be any number."""
    kind = classifier.network
    head = state.get(f"{kind.head}.bias")
    with torch.device("meta"):
        network = kind(1000 if head is None else len(head))
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        raise ModelError(
            f"{path} holds no {kind.__name__} weights: {len(missing)} of {len(wanted)} are missing, {missing[0]} "
            f"first; fetch them with {classifier.fetch}"
        )
    further = sorted(set(state) - set(wanted))
    if further:
        raise ModelError(f"{path} holds more than {kind.__name__}'s weights: {further[0]}, of {len(further)}")
    filled = {name: state[name].to(value.dtype) if name in state else torch.zeros(()) for name, value in wanted.items()}
    try:
        network.load_state_dict(filled, assign=True)
    except RuntimeError as error:
        raise ModelError(f"{path} holds weights of other shapes than {kind.__name__}'s: {error}") from error
    return network
