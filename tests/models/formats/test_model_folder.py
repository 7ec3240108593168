import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from didlearn.errors import DidlearnError, ModelError, UsageError
from didlearn.models import open_model, save_model
from didlearn.models.architectures import Dcgan, Memory, Mlp


def randomised(module):
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator) - (0 if "var" in name else 0.4))
    return module


NETWORKS = {
    "mlp": lambda: Mlp((4,), (1, 8, 8), hidden=(16, 16)),
    "conditional mlp": lambda: Mlp((4,), (3, 8, 8), 3, hidden=(), output="sigmoid"),
    "dcgan": lambda: Dcgan((5, 1, 1), (3, 16, 24), width=4, blocks=2),
    "conditional dcgan": lambda: Dcgan((5,), (1, 8, 8), 10, width=4, blocks=1, output="linear"),
    "memory": lambda: Memory((3,), (1, 4, 4), items=20),
    "conditional memory": lambda: Memory((3,), (1, 4, 4), 2, items=20),
}


@pytest.fixture
def folder(tmp_path):
    return save_model(randomised(Mlp((4,), (1, 8, 8), 2, hidden=(16,))), tmp_path / "model", class_names=("a", "b"))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_round_trip_is_exact(network, tmp_path, rng):
    module = randomised(NETWORKS[network]())
    here = open_model(module, name="it")
    there = open_model(save_model(here, tmp_path / "model"))
    assert (there.kind, there.name) == ("directory", "it")
    for attribute in ("latent_shape", "image_shape", "value_range", "prior", "classes", "fingerprint", "notes"):
        assert getattr(there, attribute) == getattr(here, attribute), attribute
    a, b = here.draw(50, rng), there.draw(50, rng)
    np.testing.assert_array_equal(a.images, b.images)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert a.images.std() > 0


def test_what_is_said_when_saving_is_kept(tmp_path):
    module = Mlp((4,), (1, 8, 8), 2, output="linear")
    save_model(module, tmp_path, value_range=(0, 2), prior="uniform", class_names=("cat", "dog"), name="pets")
    model = open_model(tmp_path)
    assert (model.value_range, model.prior, model.class_names, model.name) == (
        (0, 2),
        "uniform",
        ("cat", "dog"),
        "pets",
    )
    assert open_model(tmp_path, value_range=None).value_range is None
    assert open_model(tmp_path, prior="normal", name="mine").prior == "normal"


def test_other_networks_cannot_be_saved(tmp_path):
    with pytest.raises(
        UsageError,
        match=r"one of affine, .*, dcgan, diffusion, memory, mixture, mlp, stacked; got a Linear.*torch.export",
    ):
        save_model(nn.Linear(3, 4), tmp_path)
    with pytest.raises(UsageError, match="3 class names were given for 2 classes"):
        save_model(Mlp((4,), (1, 8, 8), 2), tmp_path, class_names=("a", "b", "c"))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": 2}, "format: .*got 2"),
        ({"architecture": {"name": "stylegan"}}, "architecture: .*'mlp', 'dcgan', 'diffusion', 'memory'"),
        ({"architecture": {"name": "mlp", "depth": 3}}, "architecture.mlp.depth: Extra inputs"),
        ({"architecture": {"name": "mlp", "hidden": [0]}}, "architecture.mlp.hidden.0"),
        ({"architecture": {"name": "mlp", "hidden": [1] * 100}}, "architecture.mlp.hidden"),
        ({"architecture": {"name": "mlp", "hidden": [2**20, 2**20]}}, "1.1e\\+12 weights; at most 2e\\+09"),
        ({"architecture": {"name": "memory", "items": 2**27}}, "weights; at most"),
        ({"architecture": {"name": "dcgan", "blocks": 4}}, "multiples of 16"),
        ({"latent_shape": []}, "latent_shape"),
        ({"latent_shape": [-4]}, "latent_shape.0"),
        ({"latent_shape": [2**20] * 4}, "architecture"),
        ({"latent_shape": ["4"]}, "latent_shape.0"),
        ({"latent_shape": [5]}, r"layers.0.weight has the shape \(16, 6\); .* needs \(16, 7\)"),
        ({"image_shape": [2, 8, 8]}, "image_shape.0"),
        ({"image_shape": [1, 10**9, 8]}, "image_shape.1"),
        ({"value_range": [1, 0]}, "value range"),
        ({"value_range": [0]}, "value_range"),
        ({"prior": "laplace"}, "prior: .*got 'laplace'"),
        ({"classes": 0}, "classes"),
        ({"weights": "../../secret.safetensors"}, "weights: Extra inputs"),
        ({"name": 5}, "name"),
    ],
)
def test_every_field_is_checked_and_named(folder, change, match):
    described = json.loads((folder / "model.json").read_text()) | change
    if described.get("weights"):
        assert "weights" in change
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(ModelError, match=match):
        open_model(folder)


def test_a_missing_field_is_named(folder):
    described = json.loads((folder / "model.json").read_text())
    del described["image_shape"]
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(ModelError, match="image_shape: Field required"):
        open_model(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 10000, '{"format": NaN}', "\ufeff{}"])
def test_what_is_no_json_object_ends_in_a_sentence(folder, text):
    (folder / "model.json").write_text(text)
    with pytest.raises(ModelError, match=r"model.json"):
        open_model(folder)


def test_a_huge_description_is_not_read(folder):
    (folder / "model.json").write_text(" " * (2**20 + 1))
    with pytest.raises(ModelError, match="larger than"):
        open_model(folder)


def test_weights_that_do_not_fit_are_named(folder):
    path = folder / "weights.safetensors"
    weights = load_file(path)
    for change, match in [
        ({k: v for k, v in weights.items() if k != "layers.2.bias"}, "lacks layers.2.bias"),
        (weights | {"extra": torch.zeros(3)}, "holds extra"),
        (weights | {"layers.0.bias": torch.zeros(7)}, r"layers.0.bias has the shape \(7,\); .* needs \(16,\)"),
        (weights | {"layers.0.bias": torch.zeros(16, dtype=torch.int32)}, "layers.0.bias is torch.int32"),
    ]:
        save_file(change, path)
        with pytest.raises(ModelError, match=match):
            open_model(folder)


def test_half_precision_weights_are_read(folder):
    path = folder / "weights.safetensors"
    save_file({k: v.half() for k, v in load_file(path).items()}, path)
    assert open_model(folder).module.layers[0].weight.dtype == torch.float32


def test_absent_or_pickled_weights_are_refused(folder, bomb, marker):
    path = folder / "weights.safetensors"
    torch.save({"a": bomb}, path)
    with pytest.raises(ModelError, match="cannot be read as safetensors"):
        open_model(folder)
    assert not marker.exists()
    path.unlink()
    with pytest.raises(ModelError, match=r"weights.safetensors does not exist"):
        open_model(folder)


def test_nan_weights_end_in_marked_samples(tmp_path, rng):
    module = Mlp((4,), (1, 8, 8))
    with torch.no_grad():
        list(module.parameters())[-1].fill_(torch.nan)
    try:
        samples = open_model(save_model(module, tmp_path)).draw(10, rng)
    except DidlearnError as error:
        pytest.fail(f"a sample was expected, not {error}")
    assert not samples.finite.any()
