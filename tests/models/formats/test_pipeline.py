"""Diffusers' own schedulers and pipelines beside our sampler."""

import json

import pytest
import torch

from didlearn.errors import ModelError, UsageError
from didlearn.models import open_model
from didlearn.models.formats.pipeline import open_pipeline, sampler_of
from didlearn.models.known.inverse import fills_space

diffusers = pytest.importorskip("diffusers")
SHAPE = (1, 16, 16)
pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers' own, of numpy


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    network = diffusers.UNet2DModel(
        sample_size=16, in_channels=1, out_channels=1, block_out_channels=(8, 16), norm_num_groups=4,
        layers_per_block=1, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"), attention_head_dim=8,
    ).eval()  # fmt: skip
    with torch.no_grad():  # as strong as a trained one's: random weights predict next to nothing
        network.conv_out.weight.mul_(3)
    return network


def noise(count=3):
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def theirs(unet, scheduler, z, steps):
    """Sample as a pipeline does."""
    scheduler.set_timesteps(steps)
    x = z * getattr(scheduler, "init_noise_sigma", 1.0)  # a flow begins with the noise itself
    for t in scheduler.timesteps:
        scaled = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        x = scheduler.step(unet(scaled, t).sample, t, x).prev_sample
    return x


def config_of(scheduler):
    return {**scheduler.config, "_class_name": type(scheduler).__name__}


SCHEDULERS = {
    "ddim": lambda: diffusers.DDIMScheduler(clip_sample=False),
    "ddim trailing": lambda: diffusers.DDIMScheduler(clip_sample=False, timestep_spacing="trailing"),
    "ddim, to its first level": lambda: diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False),
    "ddim, squared cosine": lambda: diffusers.DDIMScheduler(
        clip_sample=False, beta_schedule="squaredcos_cap_v2", num_train_timesteps=900
    ),
    "ddim of velocities": lambda: diffusers.DDIMScheduler(clip_sample=False, prediction_type="v_prediction"),
    "ddim of images": lambda: diffusers.DDIMScheduler(clip_sample=False, prediction_type="sample"),
    "euler": lambda: diffusers.EulerDiscreteScheduler(),
    "euler leading": lambda: diffusers.EulerDiscreteScheduler(timestep_spacing="leading"),
    "euler karras": lambda: diffusers.EulerDiscreteScheduler(use_karras_sigmas=True),
    "flow": lambda: diffusers.FlowMatchEulerDiscreteScheduler(),
    "flow, shifted": lambda: diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_our_steps_are_theirs(unet, name):
    z = noise()
    expected = theirs(unet, SCHEDULERS[name](), z.clone(), 10)
    ours = sampler_of(unet, config_of(SCHEDULERS[name]()), 10)
    with torch.no_grad():
        torch.testing.assert_close(ours(z), expected, atol=1e-4 * float(expected.std()), rtol=1e-4)


@torch.no_grad()
def their_round_trip(unet, z, steps):
    """From images back to noise by their inverse scheduler, and to images again."""
    back = diffusers.DDIMInverseScheduler(clip_sample=False)
    back.set_timesteps(steps)
    x = z
    for t in back.timesteps:
        x = back.step(unet(x, t).sample, t, x).prev_sample
    return theirs(unet, SCHEDULERS["ddim"](), x, steps)


@torch.no_grad()
def test_our_round_trip_is_nearer_than_theirs(unet):
    ours = sampler_of(unet, config_of(SCHEDULERS["ddim"]()), 20)
    images = ours(noise())
    mine = (ours(ours.encode(images)) - images).square().mean() / images.var()
    other = (their_round_trip(unet, images, 20) - images).square().mean() / images.var()
    assert mine < 1e-8
    assert mine < other / 100


@pytest.fixture
def folder(unet, tmp_path):
    pipeline = diffusers.DDIMPipeline(unet=unet, scheduler=diffusers.DDIMScheduler())
    pipeline.save_pretrained(tmp_path / "pipeline")
    return tmp_path / "pipeline"


def test_a_saved_pipeline_is_a_latent_model(folder, unet):
    model = open_model(open_pipeline(folder, steps=5))
    assert model.latent_shape == model.image_shape == SHAPE
    assert model.value_range == (-1, 1)
    assert fills_space(model)
    z = noise()
    with torch.no_grad():
        expected = (theirs(unet, SCHEDULERS["ddim"](), z.clone(), 5) + 1) / 2
        torch.testing.assert_close(model.decode(z), expected, atol=1e-4, rtol=1e-4)


def test_its_density_is_known(folder):
    model = open_pipeline(folder, steps=3)
    x = model(noise(2)).detach()
    density = model.density(x)
    assert torch.isfinite(density.value).all()
    assert (density.standard_error > 0).all()


def change(path, **settings):
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def test_what_is_no_such_pipeline_is_named(folder):
    change(folder / "model_index.json", vqvae=["diffusers", "VQModel"])
    with pytest.raises(UsageError, match="VQModel; what is opened is one UNet2DModel"):
        open_pipeline(folder)


def test_an_unknown_scheduler_is_named(folder):
    change(folder / "scheduler" / "scheduler_config.json", _class_name="MyScheduler")
    with pytest.raises(UsageError, match="nothing is known of the scheduler MyScheduler"):
        open_pipeline(folder)


def test_an_unknown_prediction_is_named(folder):
    change(folder / "scheduler" / "scheduler_config.json", prediction_type="flow")
    with pytest.raises((UsageError, ModelError), match="prediction_type"):
        open_pipeline(folder)


def test_broken_files_are_named(folder):
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot be opened as a UNet2DModel"):
        open_pipeline(folder)
    (folder / "model_index.json").write_text("[]")
    with pytest.raises(ModelError, match="holds a list"):
        open_pipeline(folder)


def test_a_pickle_is_not_read(folder):
    torch.save({}, folder / "unet" / "diffusion_pytorch_model.bin")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelError, match="safe_serialization"):
        open_pipeline(folder)


def test_a_network_with_classes_is_refused():
    network = diffusers.UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, block_out_channels=(8,), norm_num_groups=4, layers_per_block=1,
        down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",), num_class_embeds=10,
    )  # fmt: skip
    with pytest.raises(UsageError, match="told classes"):
        sampler_of(network, config_of(SCHEDULERS["ddim"]()))
