import struct
import zipfile

import numpy as np
import pytest

from didlearn.errors import ResultError
from didlearn.result.arrays_file import read_arrays


def test_arrays_come_back(tmp_path):
    kept = {"support/a": np.arange(6.0).reshape(2, 3), "b": np.zeros((0, 4), np.uint8), "c": np.array("text")}
    np.savez_compressed(tmp_path / "arrays.npz", **kept)
    found = read_arrays(tmp_path / "arrays.npz")
    assert list(found) == list(kept)
    for name, array in kept.items():
        np.testing.assert_array_equal(found[name], array)


def test_what_unfolds_to_gigabytes_is_refused_before_it_is_unfolded(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "arrays.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for i in range(3):
            with archive.open(f"{i}.npy", "w") as file:
                file.write(bytes(100 * 2**20))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unfolded"))
    with pytest.raises(ResultError, match=r"would unfold from .* as a zip bomb does"):
        read_arrays(tmp_path / "arrays.npz")


def lying(shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


@pytest.mark.parametrize(
    "content",
    [
        lying("(1 << 40,)"),
        lying("(1099511627776,)"),
        lying("(-1,)"),
        b"",
        b"\x93NUMPY\x09\x00",
        lying("(1,"),
        b"\x80\x04.",
    ],
)
def test_headers_that_lie_end_in_a_sentence(tmp_path, content):
    with zipfile.ZipFile(tmp_path / "arrays.npz", "w") as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(ResultError, match=r"arrays\.npz cannot be read .*run the audit again"):
        read_arrays(tmp_path / "arrays.npz")


def test_pickles_are_not_run(tmp_path):
    np.savez(tmp_path / "arrays.npz", a=np.array([print], dtype=object))
    with pytest.raises(ResultError, match="allow_pickle"):
        read_arrays(tmp_path / "arrays.npz")
