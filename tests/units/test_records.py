"""Finished units are not made again, and what they are made of decides which they are."""

import shutil

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.evidence.bdmc import bdmc
from didlearn.evidence.log_evidence import log_evidence
from didlearn.inversion.invert import invert
from didlearn.rng import Stream
from didlearn.units.records import Records, records_in

FEW = {"chains": 2, "budget": 130}


class Net(nn.Module):
    """A linear decoder of 2 latents that counts its passes."""

    latent_shape, value_range = (2,), (0.0, 1.0)
    passes = 0

    def forward(self, z):
        Net.passes += 1
        return 0.5 + 0.1 * (z @ torch.linspace(-1, 1, 32).view(2, 16)).view(-1, 1, 4, 4)


@pytest.fixture
def model():
    return dl.open_model(Net())


@pytest.fixture
def x(model):
    return model.decode(model.sample_prior(20, Stream(1)))


CALLS = {
    "invert": lambda model, x, **more: invert(model, x, rounds=0, draws=20, starts=2, within=False, **more),
    "log_evidence": lambda model, x, **more: log_evidence(model, x, 0.1, **FEW, **more),
    "bdmc": lambda model, x, **more: bdmc(model, 0.1, len(x), **FEW, **more),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_kept_is_not_made_again_and_gives_the_same(name, model, x, tmp_path):
    """A kill in the middle: one unit of three is there, the two others are made, and the result is that of one run."""
    call = CALLS[name]
    Net.passes = 0
    whole, made = call(model, x, threads=1), Net.passes
    first = call(model, x, threads=1, records=tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    for file in files[1:]:
        file.unlink()
    resumed = call(model, x, threads=1, records=tmp_path)
    for found in (first, resumed):
        for field in ("lower", "latent", "forward", "evaluations", "acceptance", "r_hat"):
            if hasattr(whole, field):
                np.testing.assert_equal(getattr(found, field), getattr(whole, field))
    before = Net.passes
    call(model, x, threads=1, records=tmp_path)
    spent = Net.passes - before
    assert spent < made / 5, "units were made again that were there"


@pytest.fixture(scope="module")
def kept_units(tmp_path_factory):
    """The folder with the units of seed 0 and two chains."""
    folder, net = tmp_path_factory.mktemp("units"), dl.open_model(Net())
    x = net.decode(net.sample_prior(20, Stream(1)))
    log_evidence(net, x, 0.1, seed=0, chains=2, budget=130, records=folder)
    return folder


@pytest.mark.parametrize("change", [{"seed": 1}, {"value_range": (-1.0, 1.0)}, {"x": 1}, {"chains": 3}])
def test_other_units_are_not_taken_for_these(change, model, x, kept_units, tmp_path):
    asked = {"seed": 0, "chains": 2}
    shutil.copytree(kept_units, tmp_path, dirs_exist_ok=True)
    if "value_range" in change:
        model = dl.open_model(Net(), value_range=change["value_range"])
    if "x" in change:
        x = x + 0.01
    asked |= {key: value for key, value in change.items() if key in asked}
    kept = log_evidence(model, x, 0.1, budget=130, records=tmp_path, **asked)
    fresh = log_evidence(model, x, 0.1, budget=130, **asked)
    np.testing.assert_array_equal(kept.lower, fresh.lower)
    assert len(list(tmp_path.iterdir())) == 6


def test_a_broken_unit_is_made_again(tmp_path):
    records = Records(tmp_path, "unit")
    records.write(0, {"a": np.arange(3)})
    file = next(tmp_path.iterdir())
    content = file.read_bytes()
    for broken in (content[: len(content) // 2], b"", b"no npz"):
        file.write_bytes(broken)
        assert records.read(0) is None
    file.write_bytes(content)
    np.testing.assert_array_equal(records.read(0)["a"], np.arange(3))
    assert records.read(8) is None


def test_arrays_of_one_content_and_another_shape_are_other_units(tmp_path):
    def name(x, **settings):
        return records_in(tmp_path, "model", {"x": x}, settings).name

    x = np.zeros(6)
    assert name(x) != name(x.reshape(2, 3)) != name(x.astype(np.float32))
    assert name(x, a=1) != name(x, a=2)
    assert name(x) == name(x.copy())
    assert records_in(None, "model", {}, {}) is None
