import dataclasses
import socket
import sys

import pytest
import torch
import transformers
from torch import nn
from torch.nn import functional

from didlearn.embeddings import hub, open_embedding
from didlearn.embeddings.module import ModuleEmbedding
from didlearn.errors import MissingExtraError, ModelError, UsageError


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a test tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def save(network, folder):
    """Save quietly: transformers draws a progress bar otherwise."""
    with hub._quiet(transformers):
        network.eval().save_pretrained(folder)
    return network


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory):
    torch.manual_seed(0)
    config = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=70, patch_size=14
    )
    folder = tmp_path_factory.mktemp("dinov2")
    return save(transformers.Dinov2Model(config), folder), folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    torch.manual_seed(0)
    config = transformers.CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
        projection_dim=5,
    )
    folder = tmp_path_factory.mktemp("clip")
    return save(transformers.CLIPVisionModelWithProjection(config), folder), folder


def test_dinov2_is_the_normalised_class_token_at_224(dinov2):
    network, folder = dinov2
    embedding = open_embedding("dinov2", weights=folder)
    images = torch.rand(2, 3, 224, 224)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normalised = (images - mean[:, None, None]) / std[:, None, None]
    with torch.no_grad():
        expected = network(normalised).last_hidden_state[:, 0]
    torch.testing.assert_close(embedding(images), expected, rtol=1e-4, atol=1e-5)
    assert embedding.name.startswith("dinov2 (weights ")
    assert "224×224" in embedding.notes[0]


def test_clip_is_the_projected_image_embedding_at_its_own_size(clip):
    network, folder = clip
    images = torch.rand(2, 3, 32, 32)
    mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
    with torch.no_grad():
        expected = network((images - mean[:, None, None]) / std[:, None, None]).image_embeds
    for weights in (folder, folder / "model.safetensors"):
        features = open_embedding("clip", weights=weights)(images)
        torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)
    assert expected.shape == (2, 5)


def test_other_sizes_are_resized_with_antialiasing_and_stay_in_range(clip):
    _, folder = clip
    embedding = open_embedding("clip", weights=folder)
    assert isinstance(embedding, ModuleEmbedding)
    seen = []
    inner = embedding.network.network
    assert isinstance(inner, nn.Module)
    inner.register_forward_pre_hook(lambda module, images: seen.append(images[0]))
    fine = (torch.arange(128) % 2).float().expand(1, 3, 128, 128)  # stripes of one pixel: gray when filtered first
    embedding(fine)
    embedding(functional.interpolate(torch.eye(8)[None, None], scale_factor=2))
    stripes, corners = (images * embedding.network.std + embedding.network.mean for images in seen)
    assert stripes[..., 4:-4].sub(0.5).abs().max() < 0.05
    assert corners.shape == (1, 3, 32, 32)
    assert corners.min() >= -1e-6
    assert corners.max() <= 1 + 1e-6


def test_gray_and_gray_repeated_are_the_same(dinov2):
    embedding = open_embedding("dinov2", weights=dinov2[1])
    gray = torch.rand(1, 1, 28, 28)
    torch.testing.assert_close(embedding(gray), embedding(gray.expand(-1, 3, -1, -1)))
    assert len(embedding.notes) == 1


def test_another_networks_weights_are_refused_not_filled_with_noise(dinov2, clip):
    with pytest.raises(
        ModelError, match=r"holds no Dinov2Model: .* weights are missing.*hf download facebook/dinov2-base"
    ):
        open_embedding("dinov2", weights=clip[1])


def test_damaged_weights_and_folders_without_a_configuration(dinov2, tmp_path):
    (tmp_path / "config.json").write_text((dinov2[1] / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="cannot be read as Dinov2Model"):
        open_embedding("dinov2", weights=tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(
        UsageError, match=r"no config\.json; fetch the whole folder with `hf download facebook/dinov2-base"
    ):
        open_embedding("dinov2", weights=tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        open_embedding("clip", weights=tmp_path / "absent")


@pytest.mark.parametrize("name", ["dinov2", "clip"])
def test_absent_weights_are_told_how_to_be_fetched(name, monkeypatch):
    encoder = dataclasses.replace(hub.VISION_ENCODERS[name], repository="didlearn-tests/absent")
    monkeypatch.setitem(hub.VISION_ENCODERS, name, encoder)
    command = f"`hf download didlearn-tests/absent --local-dir {name}`.*`weights='{name}'`"
    with pytest.raises(MissingExtraError, match=command):
        open_embedding(name)


@pytest.mark.parametrize("name", ["dinov2", "clip"])
def test_an_absent_package_is_told_how_to_be_installed(name, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r'`pip install "didlearn\[hub\]"`'):
        open_embedding(name, weights=tmp_path)


def test_transformers_speaks_as_before(dinov2):
    logging = transformers.utils.logging
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    open_embedding("dinov2", weights=dinov2[1])
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
