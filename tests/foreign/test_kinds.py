"""What people name for data or a generator and is neither: said what it is, with what would do; nothing in it runs."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.errors import DidlearnError
from didlearn.foreign.kinds import is_cifar_pickle, is_tensor_file, known_file, torch_pickle

NET = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
SAVED = {
    "sd.pt": (NET.state_dict(), "a state_dict: weights, not the network"),
    "ckpt.pth": ({"epoch": 3, "model": NET.state_dict()}, "a checkpoint with 'epoch': weights, not the network"),
    "g.pt": ({"G": NET.state_dict(), "step": 3}, "a checkpoint with 'G': weights"),
    "pl.ckpt": ({"pytorch-lightning_version": "2", "state_dict": NET.state_dict()}, "a Lightning checkpoint"),
    "whole.pt": (NET, r"a whole pickled object \(torch\.nn\..*Sequential\)"),
}
PICKLED = {
    "data_batch_1": (
        {b"batch_label": b"x", b"data": np.zeros((1, 3072), np.float32)},
        "pickled as a CIFAR batch is, but cannot be read without running it",
    ),
    "network.pkl": ({"G": 1, "D": 2, "G_ema": 3}, "a StyleGAN network"),
    "x.pkl": ([1, 2], "pickled, and unpickling would run its code"),
}
NAMED = {
    "svhn.mat": "no MATLAB file or a damaged one",
    "x.h5": "an HDF5 file: read it with h5py",
    "train.csv": "a table of text: reshape its rows",
    "x.tar": "called a tar archive, and is compressed, damaged or none: unpack it",
    "x.tgz": "a compressed tar archive: unpack it",
    "x.tar.gz": "a packed file: unpack it and name the folder or the .tar",
    "g.onnx": "an ONNX network",
    "gen.py": "Python code: name the factory in it too",
}
FOLDERS = {
    "G_ema.pth": "a folder of BigGAN weights",
    "pytorch_model.bin": "weights with their configuration",
    "hparams.yaml": "a Lightning log",
}


class Evil:
    def __reduce__(self):
        return (print, ("ran",))


def refused(path, said):
    for opening in dl.open_images, dl.open_model:
        with pytest.raises(DidlearnError, match=said):
            opening(str(path))


@pytest.mark.parametrize("name", SAVED)
def test_what_torch_saved(tmp_path, name):
    torch.save(SAVED[name][0], tmp_path / name)
    refused(tmp_path / name, SAVED[name][1])


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", PICKLED)
def test_bare_pickles(tmp_path, name, protocol):
    (tmp_path / name).write_bytes(pickle.dumps(PICKLED[name][0], protocol=protocol))
    refused(tmp_path / name, PICKLED[name][1])


@pytest.mark.parametrize("name", NAMED)
def test_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"hello world")
    refused(tmp_path / name, NAMED[name])


@pytest.mark.parametrize("name", FOLDERS)
def test_folders(tmp_path, name):
    (tmp_path / name).write_text("{}")
    refused(tmp_path, f"holds no pictures; it is .*{FOLDERS[name]}")


def test_a_pipeline_is_no_folder_of_pictures(tmp_path):
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(DidlearnError, match=r"holds no pictures; it is .*a diffusers pipeline"):
        dl.open_images(str(tmp_path))
    with pytest.raises(DidlearnError, match="is a pipeline of nothing known"):
        dl.open_model(str(tmp_path))


def test_folders_of_what_is_no_archive_and_no_array(tmp_path):
    for name, said in (("shard-0.tar", r"shard-0\.tar is no tar archive"), ("x.npy", r"x\.npy is no numpy array")):
        (tmp_path / name).write_text("{}")
        refused(tmp_path, said)
        (tmp_path / name).unlink()


def test_statistics_are_no_images(tmp_path):
    np.savez(tmp_path / "fid.npz", mu=np.zeros(3), sigma=np.eye(3))
    refused(tmp_path / "fid.npz", r"statistics of features \(mu, sigma\)")


def test_nothing_runs(tmp_path, capsys):
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(Evil()))
    torch.save(Evil(), tmp_path / "x.pt")
    refused(tmp_path / "x.pkl", "pickled")
    refused(tmp_path / "x.pt", "pickled")
    assert capsys.readouterr().out == ""


def test_batches_of_cifar_by_what_they_begin_with(tmp_path):
    batch = {"labels": [1], "data": 2}
    values = {"a": batch, "b": {"batch_label": 1}, "c": {"labels": [1]}, "d": [batch], "e": {"data": 1}}
    for name, value in values.items():
        (tmp_path / name).write_bytes(pickle.dumps(value))
        assert is_cifar_pickle(tmp_path / name) == (name in "ab")
    assert not is_cifar_pickle(tmp_path / "absent")


def test_tensors_alone_are_tensor_files(tmp_path):
    for name, value in {"t": torch.zeros(2, 1, 4, 4), "l": [torch.zeros(2, 1, 4, 4)] * 2, "d": {"x": 1}}.items():
        torch.save(value, tmp_path / name)
        assert is_tensor_file(tmp_path / name) == (name in ("t", "l"))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x04" + b"(" * 500_000, b"PK\x03\x04broken", b"\x80\x05\x95"])
def test_damaged_files_are_no_fault(tmp_path, data):
    (tmp_path / "x.pt").write_bytes(data)
    assert torch_pickle(tmp_path / "x.pt") is None
    known_file(tmp_path / "x.pt")
