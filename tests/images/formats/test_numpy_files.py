import io
import pickle
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from didlearn.errors import DataError
from didlearn.images import open_images
from didlearn.images.formats import numpy_files


class Evil:
    def __reduce__(self):
        import os

        return os.system, ("touch pwned",)


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        np.savez_compressed(tmp_path / "set.npz", **arrays)
        return tmp_path / "set.npz"

    return save


def nhwc(pixels):
    return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("arr_0", "arr_1"),
        ("x", "y"),
        ("images", "labels"),
        ("x_train", "y_train"),
        ("X", "Y"),
        ("x_test", "y_test"),
        ("train_images", "train_labels"),
    ],
)
def test_usual_names_bring_their_labels(pictures, saved, images, labels):
    pixels = pictures(5)
    opened = open_images(saved(**{labels: np.array([3, 1, 0, 2, 9]), images: nhwc(pixels)}))
    assert np.array_equal(opened.read_raw(range(5)), pixels)
    assert opened.labels.tolist() == [3, 1, 0, 2, 9]
    assert opened.notes == ()


def test_train_is_taken_before_test_and_said(pictures, saved):
    path = saved(x_test=nhwc(pictures(3)), y_test=np.arange(3), x_train=nhwc(pictures(4)), y_train=np.arange(4))
    images = open_images(path)
    assert len(images) == 4
    assert images.notes == ("of the arrays in set.npz, 'x_train' was taken; left out: x_test, y_test",)


def test_a_key_picks_an_array_and_its_labels(pictures, saved):
    path = saved(
        x_test=nhwc(pictures(3, seed=1)), y_test=np.array([7, 8, 9]), x_train=nhwc(pictures(4)), y_train=np.arange(4)
    )
    images = open_images(f"{path}:x_test")
    assert np.array_equal(images.read_raw(range(3)), pictures(3, seed=1))
    assert (images.labels.tolist(), images.notes, images.name) == ([7, 8, 9], (), f"{path}:x_test")
    with pytest.raises(DataError, match=r"no array 'x_valid'; it has: x_test, y_test, x_train, y_train"):
        open_images(f"{path}:x_valid")


@pytest.mark.parametrize(
    ("chosen", "labels"),
    [
        ("x_valid", "y_valid"),
        ("val_images", "val_labels"),
        ("X_test", "Y_test"),
        ("extra", None),
        ("pixels", None),
        ("arr_0", "arr_1"),
        ("image", "label"),
    ],
)
def test_labels_beside_a_key(chosen, labels):
    keys = [chosen, "y_valid", "val_labels", "Y_test", "eytra", "arr_1", "label"]
    assert numpy_files._labels_key(chosen, keys) == labels


def test_single_array_of_any_name(pictures, saved):
    assert len(open_images(saved(faces=nhwc(pictures(3))))) == 3


def test_several_unknown_names_are_listed(pictures, saved):
    with pytest.raises(DataError, match=r"has: faces, masks\): name one as set\.npz:KEY"):
        open_images(saved(faces=nhwc(pictures(3)), masks=nhwc(pictures(3))))


def test_label_count_must_match(pictures, saved):
    with pytest.raises(DataError, match=r"set\.npz:y: 5 images but 4 labels"):
        open_images(saved(x=nhwc(pictures(5)), y=np.arange(4)))


def test_npy_is_memory_mapped(pictures, tmp_path):
    pixels = pictures(5)
    np.save(tmp_path / "a.npy", nhwc(pixels))
    images = open_images(tmp_path / "a.npy")
    assert isinstance(images.reader.array, np.memmap)  # type: ignore[attr-defined]
    out = images.read_raw([4, 4, 1])
    assert np.array_equal(out, pixels[[4, 4, 1]])
    assert out.flags.writeable
    assert images.read([0]).shape == (1, 3, 8, 8)


def test_fortran_order(pictures, tmp_path, saved):
    array = np.asfortranarray(nhwc(pictures(5)))
    np.save(tmp_path / "a.npy", array)
    for path in tmp_path / "a.npy", saved(x=array):
        assert np.array_equal(open_images(path).read_raw(range(5)), pictures(5))


def test_pickled_objects_are_refused_and_run_nothing(tmp_path, monkeypatch, saved):
    monkeypatch.chdir(tmp_path)
    evil = np.array([Evil(), 1], dtype=object)
    np.save("a.npy", evil, allow_pickle=True)
    for path in "a.npy", saved(x=evil):
        with pytest.raises(DataError, match=r"holds pickled Python objects, and unpickling would run its code"):
            open_images(path)
    for name in "b.npy", "b.npz", "b.pkl", "b.pt", "b", "b.zip", "b.bin":
        (tmp_path / name).write_bytes(pickle.dumps(Evil()))
        with pytest.raises(DataError, match="b"):
            open_images(name)
    assert not (tmp_path / "pwned").exists()


def test_truncated_npy(pictures, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, pictures(5))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"a\.npy says its shape is \(5, 3, 8, 8\) \(960 bytes\) but holds 959"):
        open_images(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r"a\.npy is no numpy array"):
        open_images(path)


def test_truncated_npz(pictures, saved):
    path = saved(x=pictures(5))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"set\.npz is no whole zip archive"):
        open_images(path)


def test_damaged_npz(pictures, saved):
    path = saved(x=pictures(5))
    data = bytearray(path.read_bytes())
    data[500] ^= 255
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"set\.npz:x is damaged"):
        open_images(path)


def header(shape, dtype="|u1"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize("shape", [(10**9, 1000, 1000, 3), (2**62, 4, 4), (-5, 4, 4), (10, 32, 32, 3)])
def test_absurd_shapes_are_refused_before_memory_is_taken(tmp_path, shape):
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("x.npy", header(shape) + b"\0" * 100)
    (tmp_path / "set.npy").write_bytes(header(shape) + b"\0" * 100)
    tracemalloc.start()
    for name in "set.npz", "set.npy":
        with pytest.raises(DataError, match=r"says its shape is .* but holds 100 bytes"):
            open_images(tmp_path / name)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()


def test_npz_bomb(tmp_path, monkeypatch, saved):
    monkeypatch.setattr(numpy_files, "NPZ_BOMB_BYTES", 2**20)
    with pytest.raises(DataError, match="as a zip bomb does; it was not unpacked"):
        open_images(saved(x=np.zeros((100, 128, 128, 3), np.uint8)))


def test_more_than_memory_is_refused(monkeypatch, saved):
    monkeypatch.setattr(numpy_files, "_memory", lambda: 10_000)
    with pytest.raises(DataError, match="not unpacked"):
        open_images(saved(x=np.zeros((100, 28, 28), np.uint8)))


def test_empty_arrays(tmp_path, saved):
    np.save(tmp_path / "a.npy", np.zeros((0, 8, 8, 3), np.uint8))
    for path in tmp_path / "a.npy", saved(x=np.zeros((0, 8, 8, 3), np.uint8)), saved(x=np.uint8(3)):
        with pytest.raises(DataError, match=r"holds no images|single value"):
            open_images(path)


def test_npz_without_arrays(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("readme.txt", "hi")
    with pytest.raises(DataError, match="it has: none"):
        open_images(tmp_path / "set.npz")


def test_traversing_member(pictures, tmp_path):
    file = io.BytesIO()
    np.save(file, pictures(2))
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("../x.npy", file.getvalue())
    with pytest.raises(DataError, match="points outside the archive"):
        open_images(tmp_path / "set.npz")


def mapped():
    """Pages of files that this process holds, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssFile"))


@pytest.mark.skipif(sys.platform != "linux", reason="it is asked of /proc")
def test_pages_of_a_long_file_are_given_back_once_they_were_read(tmp_path):
    """64 MB of pictures: opened, all of them looked at, and all read, no more than a few MB stay."""
    file = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (16_384, 64, 64))
    file[:] = np.arange(16_384, dtype=np.uint16)[:, None, None] % 251
    del file
    before = mapped()
    images = open_images(str(tmp_path / "x.npy"))
    assert mapped() - before < 8 * 2**20
    for start in range(0, len(images), 1024):
        assert (images.read_raw(range(start, start + 1024))[:, 0, 0, 0] == np.arange(start, start + 1024) % 251).all()
        assert mapped() - before < 8 * 2**20


def test_what_somebody_writes_into_a_mapped_array_stays(tmp_path):
    """Pages that are a copy of the file's are not given back: they are the only ones with what was written."""
    np.save(tmp_path / "x.npy", np.zeros((4, 8, 8), np.uint8))
    own = np.load(tmp_path / "x.npy", mmap_mode="c")
    own[2] = 7
    images = open_images(own)
    assert images.read_raw([2]).max() == 7
    assert own[2].min() == 7
