"""MATLAB's files. Mistakes seen: pictures along the first axis, the ten that is a zero, a matrix for a stack, a file
that promises more than it can hold, columns for rows.
"""

import io
import warnings

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from didlearn.errors import DataError
from didlearn.images import open_images


def save(path, compress=True, **arrays):
    savemat(path, arrays, do_compression=compress)
    return path


@pytest.fixture
def svhn(pictures, tmp_path):
    """As SVHN's cropped digits come: X (32, 32, 3, n), y (n, 1) from 1 to 10."""
    pixels = pictures(30, 32, 32)
    labels = (np.arange(30) % 10 + 1).astype(np.uint8)
    return save(tmp_path / "train_32x32.mat", X=pixels.transpose(2, 3, 1, 0), y=labels[:, None]), pixels, labels


def test_svhn_opens_with_its_digits(svhn):
    path, pixels, labels = svhn
    images = open_images(path)
    assert images.shape == (3, 32, 32)
    order = [7, 0, 29]
    assert np.array_equal(images.read_raw(order), pixels[order])
    assert images.labels.tolist() == (labels % 10).tolist()
    assert [images.label_name(i) for i in (0, 9)] == ["1", "0"]
    assert any("10 was read as the digit 0" in note for note in images.notes)
    assert any("X was taken as (H, W, C, N)" in note for note in images.notes)
    assert open_images(path, size=16, channels=1).shape == (1, 16, 16)


@pytest.mark.parametrize("compress", [True, False])
def test_other_stacks_and_labels(pictures, tmp_path, compress):
    grey = pictures(12, 9, 7, 1)[:, 0]
    path = save(tmp_path / "a.mat", compress, images=grey.transpose(1, 2, 0), other=np.eye(3), labels=np.arange(12))
    images = open_images(path)
    assert images.shape == (1, 9, 7)
    assert np.array_equal(images.read_raw(range(12))[:, 0], grey)
    assert images.labels.tolist() == list(range(12))
    assert any("left out of a.mat: other" in note for note in images.notes)
    first = pictures(12, 9, 7)
    path = save(tmp_path / "b.mat", pics=(first / 255).transpose(0, 2, 3, 1))
    found = open_images(path).read_raw(range(12))
    assert np.allclose(found, first / 255, atol=1e-6)


def test_what_holds_no_pictures_is_said(tmp_path):
    with pytest.raises(DataError, match=r"plainly the pictures \(a, b\)"):
        open_images(save(tmp_path / "a.mat", a=np.zeros((3, 4, 5)), b=np.zeros((3, 4, 5))))
    with pytest.raises(DataError, match="plainly the pictures"):
        open_images(save(tmp_path / "b.mat", a=np.array([["text"]], dtype=object)))
    (tmp_path / "c.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(DataError, match=r"version 7\.3, which is HDF5: save it with -v7"):
        open_images(tmp_path / "c.mat")
    (tmp_path / "d.mat").write_bytes(b"MATLAB")
    with pytest.raises(DataError, match="no MATLAB file or a damaged one"):
        open_images(tmp_path / "d.mat")


def test_a_file_cut_short_is_refused(svhn, tmp_path):
    data = svhn[0].read_bytes()
    for length in (200, len(data) // 2, len(data) - 20):
        (tmp_path / "cut.mat").write_bytes(data[:length])
        with pytest.raises(DataError, match="damaged"):
            open_images(tmp_path / "cut.mat")


def test_a_promise_that_no_packing_can_keep_is_not_believed(tmp_path):
    path = save(tmp_path / "small.mat", False, X=np.zeros((4, 4, 3, 8), np.uint8))
    data = bytearray(path.read_bytes())
    place = data.index(np.array([4, 4, 3, 8], "<i4").tobytes())
    data[place : place + 16] = np.array([40_000, 40_000, 3, 8], "<i4").tobytes()
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"more than .* packed bytes can"):
        open_images(path)


def test_objects_are_no_numbers_and_run_nothing(tmp_path):
    """A cell array is read as an object array by scipy; it is never taken, whatever it is called."""
    file = io.BytesIO()
    savemat(file, {"X": np.array([[np.zeros(3)], ["a"]], dtype=object), "y": np.arange(3)})
    (tmp_path / "cell.mat").write_bytes(file.getvalue())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert loadmat(tmp_path / "cell.mat")["X"].dtype == object
    with pytest.raises(DataError, match="plainly the pictures"):
        open_images(tmp_path / "cell.mat")
