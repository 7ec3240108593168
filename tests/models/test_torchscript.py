import io
import pickle
import warnings
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from didlearn.errors import ModelError, TrustError, UsageError
from didlearn.models import open_model
from didlearn.models.module import ModuleModel
from didlearn.models.reconstructor import open_autoencoder

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


class Writes(nn.Module):
    path: str

    def __init__(self, path):
        super().__init__()
        self.path = path

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        torch.save(z, self.path)
        return z


class Declares(nn.Module):
    def __init__(self):
        super().__init__()
        self.latent_shape = (5,)
        self.value_range = (-1.0, 1.0)
        self.prior = "uniform"
        self.classes = 3
        self.layer = nn.Linear(5, 16)

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.layer(z) + labels[:, None]).view(-1, 1, 4, 4)


@pytest.fixture
def traced(conv_net, tmp_path):
    path = tmp_path / "traced.pt"
    torch.jit.trace(conv_net.eval(), torch.zeros(2, 6)).save(str(path))
    return path


def test_a_traced_network_draws_what_the_module_draws(traced, conv_net, rng):
    model = open_model(str(traced), latent_shape=6, value_range=(-1, 1), trust_code=True)
    assert (model.kind, model.name) == ("torchscript", "traced")
    here = open_model(conv_net).draw(70, rng)
    assert np.abs(model.draw(70, rng).images.astype(int) - here.images).max() <= 1
    assert model.fingerprint == open_model(conv_net).fingerprint


def test_batch_size_threads_and_repetition_cannot_be_seen(traced, rng):
    model = open_model(traced, value_range=None, trust_code=True)
    first = model.draw(200, rng, batch_size=64, threads=1)
    for batch_size, threads in [(64, 1), (1000, 2), (1000, 1), (64, 2)]:
        again = model.draw(200, rng, batch_size=batch_size, threads=threads)
        np.testing.assert_array_equal(again.images, first.images)
    np.testing.assert_array_equal(
        open_model(traced, value_range=None, trust_code=True).draw(200, rng).images, first.images
    )


def test_attributes_of_a_scripted_network_are_read(tmp_path, rng):
    path = tmp_path / "scripted.pt"
    torch.jit.script(Declares()).save(str(path))
    model = open_model(path, trust_code=True)
    assert isinstance(model, ModuleModel)
    assert (model.latent_shape, model.value_range, model.prior, model.classes) == ((5,), (-1, 1), "uniform", 3)
    assert set(model.draw(100, rng).labels) == {0, 1, 2}


def test_decode_is_differentiable(traced):
    model = open_model(traced, trust_code=True)
    assert isinstance(model, ModuleModel)
    z = torch.randn(2, 6).requires_grad_()
    (gradient,) = torch.autograd.grad(model.decode(z).sum(), z)
    assert gradient.abs().sum() > 0


def test_torchscript_is_a_program_and_is_not_loaded_without_trust(tmp_path, marker):
    path = tmp_path / "writes.pt"
    torch.jit.script(Writes(str(marker))).save(str(path))
    with pytest.raises(TrustError, match=r"is TorchScript.*torch\.export\.save.*give trust_code=True"):
        open_model(path, latent_shape=2)
    assert not marker.exists()
    with pytest.raises(ModelError, match="returned 2 numbers"):
        open_model(path, latent_shape=2, trust_code=True)
    assert marker.exists()


@pytest.mark.parametrize("ending", [".PY", ".py"])
@pytest.mark.parametrize("suffix", [".pt", ".bin", ".npz", ".zip", ".pt2", ".safetensors", ""])
def test_no_spelling_of_torchscript_gets_past(traced, tmp_path, ending, suffix):
    path = tmp_path / f"g{suffix}"
    with zipfile.ZipFile(traced) as archive, zipfile.ZipFile(path, "w") as renamed:
        for entry in archive.infolist():
            renamed.writestr(entry.filename.replace(".py", ending), archive.read(entry))
    with pytest.raises((TrustError, ModelError)):
        open_model(path, latent_shape=6)


def test_an_autoencoder_as_torchscript_needs_trust(tmp_path):
    auto = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1))
    torch.jit.trace(auto, torch.zeros(2, 1, 8, 8)).save(str(tmp_path / "auto.pt"))
    with pytest.raises(TrustError, match=r"torch\.export\.save.*trust_code=True"):
        open_autoencoder(str(tmp_path / "auto.pt"))
    images = torch.rand(3, 1, 8, 8)
    trusted = open_autoencoder(str(tmp_path / "auto.pt"), trust_code=True)
    torch.testing.assert_close(trusted.reconstruct(images), auto(images).detach())


def test_a_truncated_archive_ends_in_a_sentence(traced):
    traced.write_bytes(traced.read_bytes()[:-200])
    with pytest.raises((ModelError, UsageError), match=r"traced.pt"):
        open_model(traced, trust_code=True)


def test_damaged_code_ends_in_a_sentence(traced, tmp_path):
    with pytest.raises(ModelError, match="cannot be loaded as TorchScript"):
        open_model(_with_code(traced, tmp_path / "damaged.pt", "what is this ("), trust_code=True)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".pkl", ""])
@pytest.mark.parametrize("legacy", [True, False])
def test_a_pickled_checkpoint_is_refused_and_not_run(tmp_path, bomb, marker, suffix, legacy):
    path = tmp_path / f"model{suffix}"
    torch.save({"generator": bomb}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UsageError, match=r"(pickled|checkpoint).*factory.*trust_code"):
        open_model(path)
    assert not marker.exists()


def test_a_plain_pickle_is_refused_and_not_run(tmp_path, bomb, marker):
    for name in ("network-snapshot.pkl", "samples.npz", "samples.npy", "model.pt2", "weights.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(bomb))
        with pytest.raises(Exception, match=name.partition(".")[0]) as caught:
            open_model(tmp_path / name)
        assert type(caught.value).__module__ == "didlearn.errors"
        assert not marker.exists()


def test_a_pickle_dressed_as_torchscript_is_not_run(tmp_path, bomb, marker):
    path = tmp_path / "dressed.pt"
    buffer = io.BytesIO()
    torch.save({"a": bomb}, buffer)
    with zipfile.ZipFile(buffer) as archive, zipfile.ZipFile(path, "w") as dressed:
        for name in archive.namelist():
            dressed.writestr(name, archive.read(name))
        root = archive.namelist()[0].partition("/")[0]
        dressed.writestr(f"{root}/constants.pkl", pickle.dumps(bomb))
        dressed.writestr(f"{root}/code/__torch__.py", "")
    with warnings.catch_warnings(), pytest.raises(ModelError, match="cannot be loaded as TorchScript"):
        open_model(path, trust_code=True)
    assert not marker.exists()


def _with_code(source, target, line):
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as patched:
        for entry in archive.infolist():
            data = archive.read(entry)
            if entry.filename.endswith("__torch__.py") or entry.filename.endswith(".py"):
                data += f"\n  {line}\n".encode()
            patched.writestr(entry, data)
    return target
