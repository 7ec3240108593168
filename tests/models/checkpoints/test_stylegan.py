"""Snapshots as NVIDIA's code pickles them, opened with a clone of a repository of the same interface."""

import copy
import pickle
import shutil
import sys

import pytest
import torch

import didlearn as dl
from didlearn.errors import ModelError, TrustError, UsageError
from didlearn.rng import Stream
from tests.models.checkpoints.clones import LEGACY, unpacked_elsewhere


@pytest.fixture
def clone(stylegan_clone):
    return stylegan_clone


def opened(clone, name="network-0.pkl", **arguments):
    return dl.open_model(str(clone / name), architecture_arguments=arguments, code_path=str(clone), trust_code=True)


def test_without_classes(clone):
    model, known = opened(clone), torch.load(clone / "network-0.pt", weights_only=True)
    assert (model.kind, model.name, model.latent_shape, model.classes) == ("stylegan", "network-0", (6,), None)
    assert (model.value_range, model.image_shape, model.stochastic) == ((-1, 1), (3, 8, 8), False)
    assert "no prior was declared" not in " ".join(model.notes)
    torch.testing.assert_close(model.decode(known["z"]), (known["x"][0] + 1) / 2)
    z = known["z"].clone().requires_grad_(True)
    assert torch.autograd.grad(model.decode(z).sum(), z)[0].abs().max() > 0
    assert model.draw(40, Stream(0), threads=2).images.shape == (40, 3, 8, 8)


def test_with_classes_and_truncation(clone):
    known = torch.load(clone / "network-3.pt", weights_only=True)
    whole, cut = opened(clone, "network-3.pkl"), opened(clone, "network-3.pkl", truncation_psi=0.5)
    assert whole.classes == 3
    for model, x in zip((whole, cut), known["x"], strict=True):
        torch.testing.assert_close(model.decode(known["z"], known["labels"]), (x + 1) / 2)
    assert "truncation_psi is 0.5: the distribution that is audited is the one truncated so" in cut.notes
    assert whole.fingerprint != cut.fingerprint
    with pytest.raises(UsageError, match="takes no argument 'psi'; it takes truncation_psi, truncation_cutoff"):
        opened(clone, psi=0.5)


def test_the_repository_s_own_loader_goes_first(clone, tmp_path):
    other = tmp_path / "clone"
    shutil.copytree(clone, other)
    (other / "legacy.py").write_text(LEGACY)
    found, first = opened(other), opened(clone)
    assert found.module.network.read_by == "legacy"
    assert not hasattr(first.module.network, "read_by")
    assert found.fingerprint != first.fingerprint  # the same weights in other code


def test_clones_of_one_shape_do_not_take_each_other_s_modules(clone, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "training", kept := object())
    before = opened(clone).decode(torch.ones(1, 6))
    other = tmp_path / "clone"
    shutil.copytree(clone, other)
    misc = other / "torch_utils" / "misc.py"
    misc.write_text("def assert_shape(tensor, shape):\n    raise RuntimeError('the other clone')\n")
    with pytest.raises(ModelError, match="the other clone"):
        opened(other)
    assert torch.equal(opened(clone).decode(torch.ones(1, 6)), before)
    assert sys.modules["training"] is kept
    assert str(clone) not in sys.path


def test_without_trust_nothing_runs(clone, tmp_path, bomb, marker):
    path = tmp_path / "network.pkl"
    path.write_bytes(pickle.dumps({"G_ema": bomb}))
    for code_path in (None, str(clone)):
        with pytest.raises(
            TrustError, match=r"StyleGAN network, pickled with its code, .*give trust_code=True and code_"
        ):
            dl.open_model(str(path), code_path=code_path)
    with pytest.raises(UsageError, match=r"give code_path='FOLDER', a clone of the repository"):
        dl.open_model(str(path), trust_code=True)
    with pytest.raises(UsageError, match="there is no folder nowhere"):
        dl.open_model(str(path), trust_code=True, code_path="nowhere")
    assert not marker.exists()
    with pytest.raises(ModelError, match="holds no generator of StyleGAN's kind"):
        dl.open_model(str(path), trust_code=True, code_path=str(clone))
    assert marker.exists()


def test_what_the_clone_lacks_is_named(clone, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        ModelError, match=r"needs the module (torch_utils|dnnlib), which is neither in .*empty nor install"
    ):
        dl.open_model(str(clone / "network-0.pkl"), trust_code=True, code_path=str(tmp_path / "empty"))


@pytest.mark.filterwarnings("ignore")
def test_another_process_opens_it_again(clone):
    model = opened(clone, "network-3.pkl")
    done = unpacked_elsewhere(model.module, torch.ones(2, 6), torch.tensor([0, 1]))
    torch.testing.assert_close(done, model.module(torch.ones(2, 6), torch.tensor([0, 1])))
    twin = copy.deepcopy(model.module)
    torch.testing.assert_close(twin(torch.ones(2, 6), torch.tensor([0, 1])), done)
