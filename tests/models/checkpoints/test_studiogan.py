"""Checkpoints as PyTorch-StudioGAN saves them, opened with the run's .yaml and a clone of the same interface."""

import copy
import shutil

import pytest
import torch

import didlearn as dl
from didlearn.errors import ModelError, TrustError, UsageError
from didlearn.rng import Stream
from tests.models.checkpoints.clones import unpacked_elsewhere
from tests.models.checkpoints.conftest import PLAIN


@pytest.fixture
def clone(studiogan_clone, tmp_path):
    return shutil.copytree(studiogan_clone, tmp_path / "clone")


def opened(clone, name, **asked):
    path = clone / f"model=G-{name}-best-weights-step=2000.pth"
    given = {"architecture": str(clone / f"{name}.yaml"), "code_path": str(clone), "trust_code": True}
    return dl.open_model(str(path), **{**given, **asked})


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize(("name", "classes", "prior"), [("ReACGAN", 4, "normal"), ("SNGAN", None, "uniform")])
def test_images_are_those_of_the_run(clone, name, classes, prior):
    model, known = opened(clone, name), torch.load(clone / f"{name}.pt", weights_only=True)
    assert (model.kind, model.latent_shape, model.image_shape) == ("studiogan", (6,), (3, 8, 8))
    assert (model.classes, model.prior, model.value_range) == (classes, prior, (-1, 1))
    labels = known["label"] if classes else None
    torch.testing.assert_close(model.decode(known["z"], labels), (known["x"] + 1) / 2)
    assert model.draw(40, Stream(0), threads=2).images.shape == (40, 3, 8, 8)
    z = known["z"].clone().requires_grad_(True)
    assert torch.autograd.grad(model.decode(z, labels).sum(), z)[0].abs().max() > 0


def test_the_fingerprint_is_of_weights_description_and_clone(clone):
    prints = [opened(clone, "SNGAN").fingerprint]
    for name, text in (("src/models/resnet.py", "\n# changed\n"), ("SNGAN.yaml", "\n# changed\n")):
        (clone / name).write_text((clone / name).read_text() + text)
        prints.append(opened(clone, "SNGAN").fingerprint)
    assert len(set(prints)) == 3


def test_refusals(clone):
    with pytest.raises(TrustError, match="whose network is its repository's code, and opening it runs that code"):
        opened(clone, "SNGAN", trust_code=False)
    with pytest.raises(UsageError, match="give code_path='FOLDER', a clone"):
        opened(clone, "SNGAN", code_path=None)
    with pytest.raises(UsageError, match=r"there is no file none\.yaml; name the \.yaml"):
        opened(clone, "SNGAN", architecture="none.yaml")
    (clone / "odd.yaml").write_text(PLAIN.replace("resnet", "stylegan2"))
    with pytest.raises(UsageError, match=r"describes a stylegan2 .*opened are deep_conv, resnet"):
        opened(clone, "SNGAN", architecture=str(clone / "odd.yaml"))
    with pytest.raises(ModelError, match=r"lacks shared\.weight|does not fit"):
        opened(clone, "SNGAN", architecture=str(clone / "ReACGAN.yaml"))


@pytest.mark.filterwarnings("ignore")
def test_another_process_opens_it_again(clone):
    model = opened(clone, "ReACGAN")
    done = unpacked_elsewhere(model.module, torch.ones(2, 6), torch.tensor([0, 1]))
    torch.testing.assert_close(done, model.module(torch.ones(2, 6), torch.tensor([0, 1])))
    twin = copy.deepcopy(model.module)
    torch.testing.assert_close(twin(torch.ones(2, 6), torch.tensor([0, 1])), done)
