import os

import numpy as np
import pytest

import didlearn.images
from didlearn.errors import DataError
from didlearn.images import Images, open_images
from didlearn.images.formats import hub


def test_public_names():
    assert set(didlearn.images.__all__) == {"Images", "open_images", "shared_images", "split_heldout"}


def test_images_pass_through(pictures):
    images = open_images(pictures(3), name="mine")
    assert images.name == "mine"
    assert open_images(images) is images
    assert open_images(images, name="other").name == "other"
    assert open_images(images, size=4).shape == (3, 4, 4)


def test_every_format_gives_the_same_set(pictures, encoded, folder, zipped, tmp_path):
    pixels = pictures(6)
    files = {f"{i}.png": encoded(p) for i, p in enumerate(pixels)}
    np.save(tmp_path / "a.npy", pixels)
    np.savez(tmp_path / "a.npz", pixels.transpose(0, 2, 3, 1))
    specs = [
        folder(files),
        zipped(files),
        tmp_path / "a.npy",
        str(tmp_path / "a.npz"),
        f"{tmp_path / 'a.npz'}:arr_0",
        pixels,
    ]
    opened = [open_images(spec) for spec in specs]
    assert len({images.fingerprint for images in opened}) == 1
    assert {len(images) for images in opened} == {6}
    assert {images.shape for images in opened} == {(3, 8, 8)}
    for spec, images in zip(specs[:5], opened, strict=False):
        assert images.name == os.fspath(spec)


@pytest.mark.parametrize("options", [{"size": 5}, {"channels": 1}, {"size": 11, "channels": 1}])
def test_fitting_agrees_between_formats(pictures, encoded, folder, options):
    pixels = pictures(6, 8, 10)
    files = folder({f"{i}.png": encoded(p) for i, p in enumerate(pixels)})
    from_files, from_array = open_images(files, **options), open_images(pixels, **options)
    assert from_files.notes == from_array.notes != ()
    assert from_files.fingerprint == from_array.fingerprint


def test_missing_path_suggests_near_names(tmp_path):
    (tmp_path / "celeba64").mkdir()
    with pytest.raises(DataError, match=r"no file or folder '.*celebA64': did you mean celeba64\?"):
        open_images(tmp_path / "celebA64")
    with pytest.raises(DataError, match=r"did you mean digits\?"):
        open_images("digit")
    with pytest.raises(DataError, match=r"give a folder, \.zip or \.tar of pictures .*hf:NAME"):
        open_images(tmp_path / "nothing" / "like" / "it")
    with pytest.raises(DataError, match="no file or folder"):
        open_images(tmp_path / "missing.npz:x")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.mat", b"MATLAB", "is no MATLAB file or a damaged one"),
        ("a.mdb", b"LMDB", "is no LMDB data base"),
        ("a.xyz", b"x", r"in no format that is read: give a folder, \.zip or \.tar .*\.npz, \.npy, .*IDX .*\.parquet"),
        ("noextension", b"", "in no format that is read"),
        ("a.png", b"x", "is a single picture: name the folder"),
        ("a.pkl", b"x", "is pickled, and unpickling would run its code: save its pixels with numpy.savez"),
        ("a.pt", b"PK", "is pickled"),
        ("data_batch_1", b"\x80\x04\x95", "is pickled"),
        ("a.zip", b"x", "no whole zip archive"),
        ("a.npz", b"x", "no whole zip archive"),
        ("a.npy", b"x", "no numpy array"),
        ("a.npy", b"", "no numpy array"),
    ],
)
def test_other_files(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=words):
        open_images(tmp_path / name)


def test_home_folder_is_understood(pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "a.npz", x=pictures(2))
    assert open_images("~/a.npz").name == "~/a.npz"
    assert len(open_images("~/a.npz:x")) == 2


def test_result_is_images(pictures):
    assert isinstance(open_images(pictures(1)), Images)


def test_datasets_is_not_imported_unless_needed():
    assert "datasets" not in vars(hub)
