from pathlib import Path

import numpy as np
import pytest

from didlearn.errors import ModelError, TrustError, UsageError
from didlearn.models import open_model

SHARED = Path(__file__).parents[4] / "shared" / "generators" / "architectures.py"

CODE = """
import sys
from pathlib import Path
import torch
from torch import nn
from didlearn.models.oracles import DiscreteGenerator

Path({marker!r}).touch()

class Net(nn.Module):
    latent_shape, value_range = (2,), (0, 1)
    def forward(self, z):
        return z[:, :1, None, None].sigmoid().expand(-1, 1, 3, 3)

ready = Net()
def sampler(): return DiscreteGenerator(torch.rand(5, 1, 4, 4).numpy())
def raises(): raise ValueError("no weights here")
def exits(): sys.exit(3)
def number(): return 5
"""


@pytest.fixture
def code(tmp_path, marker):
    path = tmp_path / "nets.py"
    path.write_text(CODE.format(marker=str(marker)))
    return path


def test_code_is_not_run_unless_trusted(code, marker):
    with pytest.raises(TrustError, match="trust_code=True"):
        open_model(f"{code}:Net")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["Net", "ready"])
def test_a_factory_makes_a_module(code, rng, name):
    model = open_model(f"{code}:{name}", trust_code=True)
    assert (model.kind, model.name, model.image_shape) == ("factory", name, (1, 3, 3))
    assert len(model.draw(10, rng)) == 10


def test_a_factory_may_return_a_sampler(code, rng):
    assert open_model(f"{code}:sampler", trust_code=True).draw(10, rng).images.shape == (10, 1, 4, 4)
    with pytest.raises(UsageError, match="latent_shape says how a network is run"):
        open_model(f"{code}:sampler", trust_code=True, latent_shape=3)


def test_a_module_on_the_path(tmp_path, monkeypatch, code):
    monkeypatch.syspath_prepend(tmp_path)
    assert open_model("nets:Net", trust_code=True).latent_shape == (2,)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "error", "match"),
    [
        ("missing", UsageError, "has no 'missing'; it has"),
        ("raises", ModelError, "ValueError: no weights here"),
        ("exits", ModelError, r"ended the program \(exit 3\)"),
        ("number", ModelError, "returned a int; a factory returns a torch.nn.Module"),
    ],
)
def test_what_goes_wrong_is_said(code, name, error, match):
    with pytest.raises(error, match=match):
        open_model(f"{code}:{name}", trust_code=True)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UsageError, match="no file"):
        open_model(f"{tmp_path / 'absent.py'}:f", trust_code=True)


@pytest.mark.skipif(not SHARED.exists(), reason="shared generators absent")
@pytest.mark.parametrize("name", ["mnist_vae", "mnist_wgan_gp", "mnist_conditional_wgan_gp", "celeba_vae"])
def test_real_generators(name, rng):
    model = open_model(f"{SHARED}:{name}", trust_code=True)
    samples = model.draw(70, rng, batch_size=64, threads=1)
    again = model.draw(100, rng, batch_size=1000, threads=2).first(70)
    np.testing.assert_array_equal(samples.images, again.images)
    assert samples.finite.all()
    assert samples.images.std() > 20
    assert model.notes == ()
    if name == "mnist_conditional_wgan_gp":
        assert len(set(samples.labels)) == 10
