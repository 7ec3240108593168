"""Opening the classifiers of ImageNet: what the network is given, whose files are taken, and what is refused.

Mistakes seen: images normalised before they are resized to another range, gray images refused, weights that are left
at random, a head of other classes, a hidden layer of timm's in another order.
"""

import sys
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from didlearn.embeddings import open_embedding
from didlearn.embeddings.imagenet.densenet import DenseNet201
from didlearn.embeddings.imagenet.open import IMAGENET_CLASSIFIERS, open_classifier_of_imagenet
from didlearn.embeddings.imagenet.resnet import ResNet50
from didlearn.embeddings.imagenet.vgg import VGG16
from didlearn.embeddings.imagenet.weights import torchvision_names
from didlearn.errors import MissingExtraError, ModelError, UsageError


def cheap_state(network, classes=1000):
    """Weights of the true shapes, each a row repeated: a file of them holds the rows alone."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in network(classes).state_dict().items()}
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            continue  # the first files have none
        fan = shape[1:].numel() if len(shape) > 1 else 4
        row = torch.randn((1, *shape[1:]) if len(shape) > 1 else shape, generator=generator) / fan**0.5
        state[name] = (row.abs() + 0.5 if "running_var" in name else row).expand(shape)
    return state


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for name, classifier in IMAGENET_CLASSIFIERS.items():
        torch.save(cheap_state(classifier.network), folder / f"{name}.pth")
    return folder


def inner(embedding):
    """The network behind the preparation."""
    return embedding.network.network


@pytest.mark.parametrize(("name", "width"), [("resnet50", 2048), ("vgg16", 4096), ("densenet201", 1920)])
def test_images_are_resized_normalised_and_embedded(files, name, width):
    embedding = open_classifier_of_imagenet(name, files / f"{name}.pth")
    seen: list[torch.Tensor] = []
    inner(embedding).register_forward_pre_hook(lambda module, images: seen.append(images[0]))
    gray = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    features = embedding(gray)
    assert features.shape == (2, width)
    assert features.dtype == torch.float32
    assert not torch.equal(features[0], features[1])
    resized = functional.interpolate(gray, (224, 224), mode="bilinear", antialias=True).expand(-1, 3, -1, -1)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(seen[0] * std[:, None, None] + mean[:, None, None], resized, atol=1e-5, rtol=1e-5)
    assert embedding.name.startswith(f"{name} (weights ")
    assert "224×224" in embedding.notes[0]


def test_fine_stripes_are_filtered_before_they_are_thinned(files):
    embedding = open_classifier_of_imagenet("resnet50", files / "resnet50.pth")
    seen: list[torch.Tensor] = []
    inner(embedding).register_forward_pre_hook(lambda module, images: seen.append(images[0]))
    embedding((torch.arange(896) % 2).float().expand(1, 3, 896, 896))
    back = seen[0] * embedding.network.std + embedding.network.mean
    assert back[..., 4:-4].sub(0.5).abs().max() < 0.05


def test_a_network_tuned_on_other_classes_opens_from_a_hub_s_folder(tmp_path):
    state = {name: value.contiguous() for name, value in cheap_state(ResNet50, classes=10).items()}
    save_file(state, tmp_path / "model.safetensors")
    assert open_embedding("resnet50", weights=tmp_path)(torch.rand(1, 3, 64, 64)).shape == (1, 2048)


def test_torchvision_s_first_densenet_files_have_dots_in_their_names():
    state = cheap_state(DenseNet201)
    old = {}
    for name, value in state.items():
        for kind in ("norm1", "norm2", "conv1", "conv2"):
            if ".denselayer" in name:
                name = name.replace(f".{kind}.", f".{kind[:-1]}.{kind[-1]}.")
        old[name] = value
    assert "features.denseblock3.denselayer48.norm.2.running_var" in old
    assert set(torchvision_names(old, "classifier")) == set(state)


def test_timm_s_hidden_layers_of_vgg_are_convolutions_of_the_same_order():
    state = cheap_state(VGG16)
    timm = {name: value for name, value in state.items() if name.startswith("features")}
    for ours, theirs, side in (("classifier.0", "pre_logits.fc1", 7), ("classifier.3", "pre_logits.fc2", 1)):
        timm[f"{theirs}.weight"] = state[f"{ours}.weight"].unflatten(1, (-1, side, side))
        timm[f"{theirs}.bias"] = state[f"{ours}.bias"]
    timm |= {f"head.fc.{kind}": state[f"classifier.6.{kind}"] for kind in ("weight", "bias")}
    maps = torch.rand(1, 512, 7, 7)
    as_timm = functional.conv2d(maps, timm["pre_logits.fc1.weight"][:4])
    back = torchvision_names(timm, "classifier.6")
    assert {name: value.shape for name, value in back.items()} == {name: value.shape for name, value in state.items()}
    torch.testing.assert_close(maps.flatten(1) @ back["classifier.0.weight"][:4].T, as_timm.flatten(1))


def test_other_weights_are_refused_not_filled_with_noise(files, tmp_path):
    with pytest.raises(ModelError, match=r"holds no ResNet50 weights: \d+ of 320 are missing"):
        open_embedding("resnet50", weights=files / "densenet201.pth")
    state = cheap_state(ResNet50)
    torch.save(state | {"layer3.6.conv1.weight": torch.zeros(1)}, tmp_path / "deeper.pth")
    with pytest.raises(ModelError, match=r"more than ResNet50's weights: layer3\.6\.conv1\.weight"):
        open_embedding("resnet50", weights=tmp_path / "deeper.pth")
    torch.save(state | {"layer1.0.conv1.weight": torch.zeros(64, 64, 3, 3)}, tmp_path / "basic.pth")
    with pytest.raises(ModelError, match="other shapes than ResNet50's"):
        open_embedding("resnet50", weights=tmp_path / "basic.pth")
    with pytest.raises(UsageError, match=r"holds no model\.safetensors; fetch the weights with `curl -LO https"):
        open_embedding("resnet50", weights=tmp_path)


@pytest.mark.parametrize("name", IMAGENET_CLASSIFIERS)
def test_absent_weights_are_told_how_to_be_fetched(name, monkeypatch):
    classifier = IMAGENET_CLASSIFIERS[name]
    empty = SimpleNamespace(try_to_load_from_cache=lambda *_: None)
    monkeypatch.setitem(sys.modules, "huggingface_hub", empty)
    with pytest.raises(MissingExtraError, match=f"{classifier.file}`.*hf download {classifier.repository} model"):
        open_embedding(name)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r'pip install "didlearn\[hub\]"'):
        open_embedding(name)


def test_what_the_hub_s_client_left_is_found(files, monkeypatch, tmp_path):
    state = {name: value.contiguous() for name, value in cheap_state(ResNet50).items()}
    save_file(state, tmp_path / "model.safetensors")
    asked = []

    def cached(*names):
        asked.append(names)
        return str(tmp_path / "model.safetensors")

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(try_to_load_from_cache=cached))
    assert open_embedding("resnet50").name == open_embedding("resnet50", weights=files / "resnet50.pth").name
    assert asked == [("timm/resnet50.tv_in1k", "model.safetensors")]
