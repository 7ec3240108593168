import numpy as np
import pytest

from didlearn.errors import DataError
from didlearn.images import open_images


def records(pixels, *labels):
    columns = [np.asarray(label, np.uint8)[:, None] for label in labels]
    return np.concatenate([*columns, pixels.reshape(len(pixels), -1)], axis=1).tobytes()


@pytest.fixture
def batches(pictures, folder):
    pixels = pictures(25, 32, 32)
    files = {
        f"data_batch_{i + 1}.bin": records(pixels[5 * i : 5 * i + 5], np.arange(5 * i, 5 * i + 5) % 10)
        for i in range(5)
    }
    files["test_batch.bin"] = records(pictures(3, 32, 32, seed=1), [1, 2, 3])
    return folder(files), pixels


def test_folder_is_its_training_batches(batches):
    path, pixels = batches
    images = open_images(path)
    order = [24, 0, 7, 7, 12]
    assert (len(images), images.shape) == (25, (3, 32, 32))
    assert np.array_equal(images.read_raw(order), pixels[order])
    assert np.array_equal(images.labels, np.arange(25) % 10)
    assert images.classes is None
    assert images.notes[0].startswith("read from data_batch_1.bin, ")
    assert "test_batch" not in images.notes[0]


def test_one_file_and_class_names(batches, pictures):
    path, _ = batches
    (path / "batches.meta.txt").write_text("\n".join("abcdefghij") + "\n\n")
    images = open_images(path / "test_batch.bin")
    assert np.array_equal(images.read_raw(range(3)), pictures(3, 32, 32, seed=1))
    assert [images.label_name(i) for i in range(3)] == ["b", "c", "d"]


def test_cifar100_uses_the_fine_label(pictures, folder):
    pixels = pictures(4, 32, 32)
    path = folder({"train.bin": records(pixels, [19, 0, 1, 2], [99, 0, 50, 3]), "test.bin": b""})
    images = open_images(path)
    assert images.labels.tolist() == [99, 0, 50, 3]
    assert np.array_equal(images.read_raw(range(4)), pixels)
    assert len(open_images(path / "train.bin")) == 4


def test_length_that_fits_both_is_decided_by_the_labels(pictures, tmp_path):
    pixels = np.tile(pictures(10, 32, 32), (308, 1, 1, 1))[:3074]
    (tmp_path / "a.bin").write_bytes(records(pixels, np.arange(3074) % 10))
    assert len(open_images(tmp_path / "a.bin")) == 3074
    (tmp_path / "b.bin").write_bytes(records(pixels[:3073], np.arange(3073) % 20, np.arange(3073) % 100))
    images = open_images(tmp_path / "b.bin")
    assert np.array_equal(images.labels, np.arange(3073) % 100)


@pytest.mark.parametrize("cut", [1, 3073])
def test_truncated_batch_is_named(batches, cut):
    path, _ = batches
    batch = path / "data_batch_3.bin"
    batch.write_bytes(batch.read_bytes()[:-cut])
    if cut == 3073:  # a whole record less cannot be seen
        assert len(open_images(path)) == 24
        return
    with pytest.raises(
        DataError, match=r"data_batch_3\.bin is truncated or damaged: its \d+ bytes are no multiple of 3073"
    ):
        open_images(path)


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\xff" * 3073])
def test_other_binary_files(tmp_path, data):
    (tmp_path / "a.bin").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.bin is no CIFAR binary file"):
        open_images(tmp_path / "a.bin")
