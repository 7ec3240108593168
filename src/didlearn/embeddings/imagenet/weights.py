"""State dicts of ImageNet classifiers as people have them: torchvision's files, and timm's of the same weights."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors.torch import load_file

from didlearn.errors import ModelError

Weights = dict[str, torch.Tensor]
# torchvision's first DenseNet files have a dot in the names of a layer's parts.
_DOTTED = re.compile(r"(.*\.denselayer\d+\.(?:norm|conv))\.([12]\..+)")
_TIMM_VGG = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}


def read_state(path: Path, network: str) -> Weights:
    """Read tensors by name: ``.safetensors``, or a state dict that ``torch.load(weights_only=True)`` reads.

    Args:
        path: the file. network: whose weights are wanted, for the error.

    Raises:
        ModelError: the file cannot be read, or holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(
            f"{path} cannot be read as safetensors or as a state dict without running code: {type(error).__name__}"
        ) from error
    if not isinstance(state, dict):
        raise ModelError(f"{path} holds a {type(state).__name__}; give a state dict of {network}")
    return state


def torchvision_names(state: Weights, head: str) -> Weights:
    """Return the state under torchvision's names of today.

    timm keeps VGG's hidden layers as convolutions over 7×7 and 1×1 maps, whose weights lie in the same order.

    Args:
        state: as it was read. head: the name of the last layer.
    """
    named = {_name(str(name)): value for name, value in state.items()}
    return {
        name: value.flatten(1)
        if head == "classifier.6" and name.startswith("classifier") and value.ndim == 4
        else value
        for name, value in named.items()
    }


def _name(name: str) -> str:
    dotted = _DOTTED.fullmatch(name)
    if dotted:
        return dotted[1] + dotted[2]
    layer, _, kind = name.rpartition(".")
    return f"{_TIMM_VGG[layer]}.{kind}" if layer in _TIMM_VGG else name
