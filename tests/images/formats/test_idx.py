import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from didlearn.errors import DataError
from didlearn.images import open_images


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def packer(packed):
    return gzip.compress if packed else bytes


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "name", ["train-images-idx3-ubyte", "t10k-images.idx3-ubyte", "emnist-letters-train-images-idx3-ubyte"]
)
def test_round_trip_with_labels_beside(pictures, tmp_path, packed, name):
    pixels, end = pictures(30, 9, 7, 1)[:, 0], ".gz" if packed else ""
    labels = np.arange(30, dtype=np.uint8) % 10
    (tmp_path / f"{name}{end}").write_bytes(packer(packed)(idx(pixels)))
    beside = name.replace("images", "labels").replace("idx3", "idx1")
    (tmp_path / f"{beside}{end}").write_bytes(packer(packed)(idx(labels)))
    images = open_images(tmp_path / f"{name}{end}")
    assert images.shape == (1, 9, 7)
    assert np.array_equal(images.read_raw([29, 3, 3])[:, 0], pixels[[29, 3, 3]])
    assert np.array_equal(images.labels, labels)


def test_labels_packed_otherwise_or_absent(pictures, tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(pictures(4, channels=1)[:, 0]))
    assert open_images(tmp_path / "train-images-idx3-ubyte").labels is None
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([1, 2, 3, 4], np.uint8))))
    assert open_images(tmp_path / "train-images-idx3-ubyte").labels.tolist() == [1, 2, 3, 4]
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([1, 2], np.uint8))))
    with pytest.raises(DataError, match="4 images but 2 labels"):
        open_images(tmp_path / "train-images-idx3-ubyte")


def test_plain_file_is_memory_mapped(pictures, tmp_path):
    (tmp_path / "a").write_bytes(idx(pictures(4, channels=1)[:, 0]))
    assert isinstance(open_images(tmp_path / "a").reader.array, np.memmap)  # type: ignore[attr-defined]


def test_labels_are_no_images(tmp_path):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(9, dtype=np.uint8)))
    with pytest.raises(DataError, match=r"1-dimensional data \(labels\?\).*name the images file"):
        open_images(tmp_path / "train-labels-idx1-ubyte")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d[:10], lambda d: d + b"x"])
def test_wrong_length(pictures, tmp_path, packed, change):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(packer(packed)(change(idx(pictures(4, channels=1)[:, 0]))))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte is truncated or damaged"):
        open_images(path)


def test_truncated_or_flipped_gzip(pictures, tmp_path):
    whole = gzip.compress(idx(pictures(40, channels=1)[:, 0]))
    for data in whole[:-9], whole[:-1], whole[: len(whole) // 2], whole[:-6] + b"\0\0" + whole[-4:]:
        (tmp_path / "a.gz").write_bytes(data)
        with pytest.raises(DataError, match=r"a\.gz is truncated or damaged"):
            open_images(tmp_path / "a.gz")


def test_header_that_promises_more_than_the_file_can_hold(tmp_path):
    header = bytes([0, 0, 8, 3]) + struct.pack(">III", 2**32 - 1, 60_000, 60_000)
    for data in header, gzip.compress(header + b"\0" * 100):
        (tmp_path / "a").write_bytes(data)
        with pytest.raises(DataError, match=r"its header promises \d+ bytes"):
            open_images(tmp_path / "a")


def test_gzip_bomb_is_read_no_further_than_its_header_says(tmp_path):
    header = bytes([0, 0, 8, 3]) + struct.pack(">III", 10, 8, 8)
    (tmp_path / "a.gz").write_bytes(gzip.compress(header + b"\0" * (200 * 2**20), 1))
    tracemalloc.start()
    with pytest.raises(DataError, match="promises 640 bytes and more follow"):
        open_images(tmp_path / "a.gz")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_gzip_of_something_else(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"hello"))
    with pytest.raises(DataError, match="is a packed file: unpack it"):
        open_images(tmp_path / "a.gz")
