"""The three networks against their published layouts, and against their layers written out from the papers' tables.

The digests are of `name shape` lines of torchvision 0.28.0's state dicts, sorted; with its weights our features times
its last layer were its logits to the last bit. Mistakes seen: a stride in the first convolution of a bottleneck, a
projection left out, features before the last rectifier, maps in the order new-first, a pool of another kind.
"""

import hashlib
from collections import Counter

import pytest
import torch
import transformers
from torch.nn import functional

from didlearn.embeddings.imagenet.densenet import DenseNet201
from didlearn.embeddings.imagenet.resnet import ResNet50
from didlearn.embeddings.imagenet.vgg import VGG16

LAYOUTS = [
    (ResNet50, 25_557_032, 320, "a87e91cd6bd1f939", 2048),
    (VGG16, 138_357_544, 32, "ba63c2556d912509", 4096),
    (DenseNet201, 20_013_928, 1207, "ebf13d018b02ad9d", 1920),
]


@pytest.mark.parametrize(("network", "parameters", "entries", "digest", "width"), LAYOUTS)
def test_names_shapes_and_parameters_are_torchvisions(network, parameters, entries, digest, width):
    with torch.device("meta"):
        made = network()
        features = made.eval()(torch.rand(2, 3, 224, 224))
    assert sum(one.numel() for one in made.parameters()) == parameters
    lines = sorted(f"{name} {tuple(value.shape)}" for name, value in made.state_dict().items())
    assert len(lines) == entries
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] == digest
    assert features.shape == (2, width)
    assert made.get_submodule(network.head).in_features == width


def random_weights(network):
    """Fill a network with weights under which maps stay of one size, and no batch norm is the identity."""
    generator = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if "running_var" in name:
            value.uniform_(0.5, 2, generator=generator)
        elif value.ndim == 1:
            value.normal_(0.2 if name.endswith("weight") else 0, 0.2, generator=generator)
        elif value.ndim:
            value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=generator)
    return network.eval()


def normal(state, name, x):
    kinds = ("running_mean", "running_var", "weight", "bias")
    return functional.batch_norm(x, *(state[f"{name}.{kind}"] for kind in kinds))


def test_resnet_is_the_one_of_transformers():
    ours = random_weights(ResNet50())
    theirs = transformers.ResNetModel(transformers.ResNetConfig()).eval()
    mine, wanted = list(ours.state_dict().items()), theirs.state_dict()
    order: Counter[str] = Counter()

    def renamed(name):
        parts = name.split(".")
        if parts[0] in ("conv1", "bn1"):
            kind = "convolution" if parts[0] == "conv1" else "normalization"
            return f"embedder.embedder.{kind}.{parts[-1]}"
        place = f"encoder.stages.{int(parts[0][-1]) - 1}.layers.{parts[1]}"
        if parts[2] == "downsample":
            return f"{place}.shortcut.{('convolution', 'normalization')[int(parts[3])]}.{parts[-1]}"
        kind = "convolution" if parts[2].startswith("conv") else "normalization"
        return f"{place}.layer.{int(parts[2][-1]) - 1}.{kind}.{parts[-1]}"

    for name, value in mine:
        if not name.startswith("fc."):
            assert wanted[renamed(name)].shape == value.shape
            wanted[renamed(name)].copy_(value)
            order[renamed(name)] += 1
    assert set(order) == set(wanted)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images).pooler_output.flatten(1), rtol=1e-4, atol=1e-4)


def test_vgg_is_its_table_written_out():
    with torch.device("meta"):
        network = VGG16()
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, value in network.state_dict().items():
        row = torch.randn(1, *value.shape[1:], generator=generator) if value.shape[0] > 512 else None
        fan = value[0].numel() if value.ndim > 1 else 100
        whole = torch.randn(value.shape, generator=generator) if row is None else row.expand(value.shape)
        state[name] = whole * (2 / fan) ** 0.5 if row is None else whole / fan**0.5
    bias = torch.randn(4096, generator=generator)
    state["classifier.0.bias"], state["classifier.3.bias"] = bias, bias.flip(0)
    network.load_state_dict(state, assign=True)
    x = images = torch.randn(1, 3, 64, 96, generator=generator)
    convolutions = iter(name[:-7] for name in state if name.startswith("features") and name.endswith("weight"))
    for count in (2, 2, 3, 3, 3):
        for _ in range(count):
            name = next(convolutions)
            x = functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1).clamp(min=0)
        x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(4, 5))
    x = functional.adaptive_avg_pool2d(x, 7).flatten(1)
    for name in ("classifier.0", "classifier.3"):
        x = (x @ state[f"{name}.weight"].T + state[f"{name}.bias"]).clamp(min=0)
    with torch.no_grad():
        found = network.eval()(images)
    assert (found > 0).float().mean() > 0.1
    torch.testing.assert_close(found, x, rtol=1e-3, atol=1e-3)


def test_densenet_is_its_table_written_out():
    network = random_weights(DenseNet201())
    state = network.state_dict()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    x = functional.conv2d(images, state["features.conv0.weight"], stride=2, padding=3)
    x = functional.max_pool2d(normal(state, "features.norm0", x).clamp(min=0), 3, 2, 1)
    for block, layers in enumerate((6, 12, 48, 32), 1):
        maps = [x]
        for layer in range(1, layers + 1):
            name = f"features.denseblock{block}.denselayer{layer}"
            y = normal(state, f"{name}.norm1", torch.cat(maps, 1)).clamp(min=0)
            y = functional.conv2d(y, state[f"{name}.conv1.weight"])
            y = functional.conv2d(
                normal(state, f"{name}.norm2", y).clamp(min=0), state[f"{name}.conv2.weight"], padding=1
            )
            maps.append(y)
        x = torch.cat(maps, 1)
        if block < 4:
            y = normal(state, f"features.transition{block}.norm", x).clamp(min=0)
            x = functional.avg_pool2d(functional.conv2d(y, state[f"features.transition{block}.conv.weight"]), 2)
    wanted = normal(state, "features.norm5", x).clamp(min=0).mean(dim=(2, 3))
    with torch.no_grad():
        found = network(images)
    assert (found > 0).float().mean() > 0.5
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
