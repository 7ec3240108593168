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
    model = open_model(str(traced), latent_shape=6, value_range=(-1, 1))
    assert (model.kind, model.name) == ("torchscript", "traced")
    here = open_model(conv_net).draw(70, rng)
    assert np.abs(model.draw(70, rng).images.astype(int) - here.images).max() <= 1
    assert model.fingerprint == open_model(conv_net).fingerprint


def test_batch_size_threads_and_repetition_cannot_be_seen(traced, rng):
    model = open_model(traced, value_range=None)
    first = model.draw(200, rng, batch_size=64, threads=1)
    for batch_size, threads in [(64, 1), (1000, 2), (1000, 1), (64, 2)]:
        again = model.draw(200, rng, batch_size=batch_size, threads=threads)
        np.testing.assert_array_equal(again.images, first.images)
    np.testing.assert_array_equal(open_model(traced, value_range=None).draw(200, rng).images, first.images)


def test_attributes_of_a_scripted_network_are_read(tmp_path, rng):
    path = tmp_path / "scripted.pt"
    torch.jit.script(Declares()).save(str(path))
    model = open_model(path)
    assert (model.latent_shape, model.value_range, model.prior, model.classes) == ((5,), (-1, 1), "uniform", 3)
    assert set(model.draw(100, rng).labels) == {0, 1, 2}


def test_decode_is_differentiable(traced):
    model = open_model(traced)
    z = torch.randn(2, 6).requires_grad_()
    (gradient,) = torch.autograd.grad(model.decode(z).sum(), z)
    assert gradient.abs().sum() > 0


def test_code_that_writes_files_is_refused_before_it_is_loaded(tmp_path, marker):
    path = tmp_path / "writes.pt"
    torch.jit.script(Writes(str(marker))).save(str(path))
    with pytest.raises(TrustError, match=r"names 'save', .* give trust_code=True"):
        open_model(path, latent_shape=2)
    assert not marker.exists()
    with pytest.raises(ModelError, match="returned 2 numbers"):
        open_model(path, latent_shape=2, trust_code=True)
    assert marker.exists()


@pytest.mark.parametrize("call", ['torch.from_file("x", True, 8)', "ops.symm_mem.one_shot(z)", "torch.classes.a.b()"])
def test_other_operators_that_reach_out_are_refused(traced, tmp_path, call):
    path = _with_code(traced, tmp_path / "patched.pt", call)
    with pytest.raises(TrustError, match="trust_code=True"):
        open_model(path)


def test_a_truncated_archive_ends_in_a_sentence(traced):
    traced.write_bytes(traced.read_bytes()[:-200])
    with pytest.raises((ModelError, UsageError), match=r"traced.pt"):
        open_model(traced)


def test_damaged_code_ends_in_a_sentence(traced, tmp_path):
    with pytest.raises(ModelError, match="cannot be loaded as TorchScript"):
        open_model(_with_code(traced, tmp_path / "damaged.pt", "what is this ("))


def test_an_archive_that_unpacks_to_too_much_is_refused(traced, tmp_path, monkeypatch):
    monkeypatch.setattr("didlearn.models.formats.torchscript.MAX_CODE_BYTES", 2**20)
    path = _with_code(traced, tmp_path / "bomb.pt", "#" * 2**24)
    with pytest.raises(ModelError, match="unpacks to far more than its size"):
        open_model(path)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".pkl", ""])
@pytest.mark.parametrize("legacy", [True, False])
def test_a_pickled_checkpoint_is_refused_and_not_run(tmp_path, bomb, marker, suffix, legacy):
    path = tmp_path / f"model{suffix}"
    torch.save({"generator": bomb}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UsageError, match=r"pickled checkpoint.*torch.jit.trace.*trust_code=True"):
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
        open_model(path)
    assert not marker.exists()


def _with_code(source, target, line):
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as patched:
        for entry in archive.infolist():
            data = archive.read(entry)
            if entry.filename.endswith("__torch__.py") or entry.filename.endswith(".py"):
                data += f"\n  {line}\n".encode()
            patched.writestr(entry, data)
    return target
