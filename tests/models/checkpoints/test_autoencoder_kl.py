"""Folders that diffusers itself saves."""

import json
import sys
from typing import Any

import pytest
import torch

import didlearn as dl
from didlearn.errors import MissingExtraError, ModelError, UsageError
from didlearn.rng import Stream

SETTINGS = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "block_out_channels": (8, 8),
    "latent_channels": 4,
    "norm_num_groups": 4,
    "sample_size": 16,
}
MOMENTS = {"latents_mean": [0.5, 0.0, 1.0, -1.0], "latents_std": [1.0, 2.0, 0.5, 1.5], "scaling_factor": 0.7}


@pytest.fixture
def autoencoder():
    import diffusers

    torch.manual_seed(0)

    def make(**more):
        made: Any = diffusers.AutoencoderKL(**SETTINGS, **more)
        return made.eval()

    return make


def opened(folder, **asked):
    return dl.open_model(str(folder), **asked)


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize(
    "more", [{}, {"scaling_factor": 0.36, "shift_factor": 0.1, "use_post_quant_conv": False}, MOMENTS], ids=range(3)
)
def test_the_decoder_decodes_what_a_pipeline_hands_it(tmp_path, autoencoder, more, safe):
    net = autoencoder(**more)
    net.save_pretrained(tmp_path / "vae", safe_serialization=safe)
    model = opened(tmp_path / "vae")
    assert (model.kind, model.name) == ("diffusers", "vae")
    assert (model.latent_shape, model.image_shape, model.value_range) == ((4, 8, 8), (3, 16, 16), (-1, 1))
    assert any("a decoder alone has no distribution of latents" in note for note in model.notes)
    z = torch.randn(3, 4, 8, 8, requires_grad=True)
    scaled = z / net.config.scaling_factor + (net.config.shift_factor or 0)
    if more is MOMENTS:
        mean, std = (torch.tensor(MOMENTS[f"latents_{m}"])[None, :, None, None] for m in ("mean", "std"))
        scaled = z * std / net.config.scaling_factor + mean
    expected = net.decode(scaled).sample
    torch.testing.assert_close(model.module(z), expected, atol=1e-5, rtol=1e-4)
    slopes = [torch.autograd.grad(x.square().sum(), z)[0] for x in (expected, model.module(z))]
    torch.testing.assert_close(*slopes, atol=1e-4, rtol=1e-3)


def test_other_sizes_draws_and_fingerprints(tmp_path, autoencoder):
    prints = []
    for folder, more in (("a", {}), ("b", {"scaling_factor": 0.5}), ("c", {})):
        net = autoencoder(**more)
        net.load_state_dict({name: value * (1.1 if folder == "c" else 1) for name, value in net.state_dict().items()})
        torch.manual_seed(0)
        net.save_pretrained(tmp_path / folder)
        prints.append(dl.open_model(str(tmp_path / folder)).fingerprint)
    assert len(set(prints)) == 3
    model = opened(tmp_path / "a", latent_shape=(4, 4, 4))
    assert model.image_shape == (3, 8, 8)
    assert model.draw(33, Stream(0), threads=2).images.shape == (33, 3, 8, 8)


def test_refusals(tmp_path, autoencoder, monkeypatch, bomb, marker):
    autoencoder().save_pretrained(tmp_path / "vae")
    with pytest.raises(UsageError, match="architecture does not go with"):
        dl.open_model(str(tmp_path / "vae"), architecture="nets.py:Net")
    (tmp_path / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"hello")
    with pytest.raises(ModelError, match="cannot be opened by diffusers"):
        dl.open_model(str(tmp_path / "vae"))
    (tmp_path / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"holds no diffusion_pytorch_model\.safetensors"):
        dl.open_model(str(tmp_path / "vae"))
    torch.save({"x": bomb}, tmp_path / "vae" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be opened by diffusers"):
        dl.open_model(str(tmp_path / "vae"), trust_code=True)
    assert not marker.exists()
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingExtraError, match=r"didlearn\[diffusers\]"):
        dl.open_model(str(tmp_path / "vae"))


def test_a_pipeline_is_told_by_its_index(tmp_path):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    with pytest.raises(
        UsageError, match="is a StableDiffusionPipeline of nothing known; what is opened is one UNet2DModel"
    ):
        dl.open_model(str(tmp_path))
