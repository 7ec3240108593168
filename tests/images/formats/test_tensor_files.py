import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import didlearn as dl
from didlearn.errors import DataError, OutputError


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.uint8])
@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_samples_as_they_lie_about(tmp_path, dtype, kind):
    pixels = torch.arange(5 * 64).reshape(5, 1, 8, 8) % 256
    samples = pixels.to(dtype) if dtype == torch.uint8 else (pixels / 255).to(dtype)
    path = tmp_path / f"x.{kind}"
    torch.save(samples, path) if kind == "pt" else save_file({"images": samples, "other": torch.zeros(1)}, path)
    images, model = dl.open_images(path), dl.open_model(path)
    assert np.abs(images.read(range(5)).numpy() - pixels.numpy() / 255).max() < 0.005
    assert (model.kind, model.size) == ("bank", 5)


def test_floats_beyond_the_range_get_the_advice_to_clip(tmp_path):
    torch.save(torch.full((3, 1, 4, 4), 1.004), tmp_path / "x.pt")
    with pytest.raises(DataError, match=r"save x\.clip\(0, 1\)"):
        dl.open_images(tmp_path / "x.pt")
    torch.save(torch.full((3, 1, 4, 4), torch.nan), tmp_path / "x.pt")
    with pytest.raises(OutputError, match="NaN"):
        dl.open_model(tmp_path / "x.pt")


def test_a_shape_that_the_file_cannot_hold(tmp_path):
    torch.save(torch.zeros(1).expand(10**9, 1, 64, 64), tmp_path / "x.pt")
    with pytest.raises(DataError, match=r"says its shape is \(1000000000, 1, 64, 64\) .* but holds 4 bytes"):
        dl.open_images(tmp_path / "x.pt")


def test_weights_are_no_images(tmp_path):
    save_file({"a.weight": torch.zeros(3, 3), "a.bias": torch.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(DataError, match="a file of weights alone"):
        dl.open_images(tmp_path / "x.safetensors")


def test_a_cut_file(tmp_path):
    torch.save(torch.zeros(3, 1, 4, 4), tmp_path / "x.pt")
    whole = (tmp_path / "x.pt").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "x.pt").write_bytes(whole[:length])
        with pytest.raises(DataError):
            dl.open_images(tmp_path / "x.pt")


PICTURES = torch.arange(6 * 16).reshape(6, 1, 4, 4) / 95


@pytest.mark.parametrize(
    "held",
    [torch.nn.Parameter(PICTURES), list(PICTURES), list(PICTURES.split(4)), [torch.nn.Parameter(PICTURES)]],
    ids=["parameter", "pictures", "batches", "parameters"],
)
def test_parameters_and_lists_of_tensors(tmp_path, held):
    torch.save([t.clone() for t in held] if isinstance(held, list) else held, tmp_path / "x.pt")
    read = dl.open_images(tmp_path / "x.pt").read(range(6))
    assert torch.equal(read, PICTURES)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([torch.zeros(1, 4, 4), torch.zeros(1, 5, 5)], "list of several shapes"),
        ([torch.zeros(1, 64, 64)] * 2000, r"says its 2000 tensors have 32768000 bytes, but it has"),
        ([torch.zeros(1).expand(10**6, 1, 64, 64)], "says its 1 tensors have 16384000000 bytes"),
    ],
)
def test_lists_that_are_no_images(tmp_path, held, said):
    torch.save(held, tmp_path / "x.pt")
    with pytest.raises(DataError, match=said):
        dl.open_images(tmp_path / "x.pt")


def test_lists_of_other_things_are_not_opened(tmp_path):
    torch.save([torch.zeros(1, 4, 4), {"a.weight": torch.zeros(2), "of": print}], tmp_path / "x.pt")
    with pytest.raises(DataError, match=r"x\.pt is "):
        dl.open_images(tmp_path / "x.pt")
