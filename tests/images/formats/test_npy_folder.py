"""Folders of arrays: each a picture, or each a stack of them."""

import io
import os

import numpy as np
import pytest

import didlearn as dl
from didlearn.errors import DataError, NotFiniteError
from didlearn.images import open_images
from didlearn.images.formats.arrays import BINARY_NOTE
from didlearn.models.formats.bank import Bank


def bank(spec):
    """The images of a bank of samples."""
    model = dl.open_model(spec)
    assert isinstance(model, Bank)
    return model.images


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.fixture
def saved(folder):
    """Write {name: array or bytes} as a folder."""
    return lambda files: folder({n: a if isinstance(a, bytes) else npy(a) for n, a in files.items()})


def channels_last(pixels):
    return pixels.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("layout", ["HW", "HWC", "CHW"])
def test_each_file_is_a_picture(saved, pictures, layout):
    pixels = pictures(30, 6, 7, channels=1 if layout == "HW" else 3)
    stored = {"HW": pixels[:, 0], "HWC": channels_last(pixels), "CHW": pixels}[layout]
    lay = [np.ascontiguousarray, np.asfortranarray]
    images = open_images(saved({f"{i:03}.npy": lay[i % 2](array) for i, array in enumerate(stored)}))
    order = [29, 0, 7, 7, 12]
    assert (len(images), images.shape) == (30, pixels.shape[1:])
    assert np.array_equal(images.read_raw(order), pixels[order])
    assert images.notes == (f"read from 30 .npy files, each one picture of shape {stored[0].shape}",)
    assert images.source_name(3) == "003.npy"


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("layout", ["NHW", "NHWC", "NCHW"])
def test_each_file_is_a_stack(saved, pictures, layout, turned):
    pixels = pictures(20, 6, 7, channels=1 if layout == "NHW" else 3)
    stored = {"NHW": pixels[:, 0], "NHWC": channels_last(pixels), "NCHW": pixels}[layout]
    lay = np.asfortranarray if turned else np.ascontiguousarray
    parts = {f"{i}.npy": lay(part) for i, part in enumerate((stored[:9], stored[9:18], stored[18:]))}
    images = open_images(saved(parts))
    order = [19, 0, 8, 9, 9, 17, 18]
    assert (len(images), images.shape) == (20, pixels.shape[1:])
    assert np.array_equal(images.read_raw(order), pixels[order])
    assert images.notes == (f"read from 3 .npy files, each a stack of pictures of shape {stored.shape[1:]}",)
    assert images.source_name(3) == "#3"


def test_class_subfolders_are_labels_of_every_picture_in_a_stack(saved, pictures):
    p = pictures(6, channels=1)[:, 0]
    path = saved({"cow/0.npy": p[:1], "cow/1.npy": p[1:3], "ant/0.npy": p[3:], "notes.txt": b"x"})
    images = open_images(path)
    assert images.classes == ("ant", "cow")
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert np.array_equal(images.read_raw(range(6))[:, 0], p[[3, 4, 5, 0, 1, 2]])
    assert "1 file of other kinds passed over (1 .txt)" in images.notes


def test_a_stray_file_beside_classes_is_left_out(saved, pictures):
    p = pictures(5, channels=1)[:, 0]
    files = {"cow/0.npy": p[0], "cow/1.npy": p[1], "ant/0.npy": p[2], "ant/1.npy": p[3], "mean.npy": p[4] / 7}
    images = open_images(saved(files))
    assert images.labels.tolist() == [0, 0, 1, 1]
    assert any("mean.npy" in note for note in images.notes)


def test_pictures_beside_arrays_are_what_is_read(saved, pictures, encoded):
    images = open_images(saved({"a.png": encoded(pictures(1)[0]), "features.npy": np.zeros((3, 5))}))
    assert images.notes == ("1 file of other kinds passed over (1 .npy)",)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (np.zeros((4, 6), np.uint8), r"2\.npy is uint8 of shape \(4, 6\), and 0\.npy is uint8 of shape \(5, 6\)"),
        (np.zeros((5, 6)), r"2\.npy is float64 of shape \(5, 6\)"),
        (np.zeros((2, 5, 6), np.uint8), r"2\.npy is uint8 of shape \(2, 5, 6\)"),
        (np.zeros(5, np.uint8), r"2\.npy is uint8 of shape \(5,\)"),
    ],
)
def test_the_first_that_differs_is_named(saved, other, said):
    files = {f"{i}.npy": np.zeros((5, 6), np.uint8) for i in range(4)}
    with pytest.raises(DataError, match=said + ".*one type and one shape"):
        open_images(saved({**files, "2.npy": other, "3.npy": other}))


def test_stacks_that_differ_in_a_picture(saved):
    with pytest.raises(DataError, match=r"b\.npy is .*\(3, 5, 7\)"):
        open_images(saved({"a.npy": np.zeros((4, 5, 6)), "b.npy": np.zeros((3, 5, 7))}))


def test_labels_beside_the_images_are_no_picture(saved, pictures):
    with pytest.raises(DataError, match=r"labels\.npy is int64 of shape \(6,\).*or name one of them"):
        open_images(saved({"images.npy": channels_last(pictures(6)), "labels.npy": np.arange(6)}))


def test_pixels_mean_what_they_do_in_one_file(saved):
    masks = open_images(saved({f"{i}.npy": np.array([[0, 1], [1, 0]]) for i in range(3)}))
    assert masks.read_raw([1])[0, 0].tolist() == [[0, 255], [255, 0]]
    assert BINARY_NOTE in masks.notes


@pytest.mark.parametrize(
    ("low", "high", "error", "said"),
    [
        (0, 1.004, DataError, r"x\.clip\(0, 1\)"),
        (-1, 1, DataError, r"save \(x \+ 1\) / 2"),
        (0, np.nan, NotFiniteError, "NaN"),
    ],
)
def test_values_out_of_range_in_any_file(saved, low, high, error, said):
    files = {f"{i}.npy": np.full((4, 4), 0.5) for i in range(5)}
    with pytest.raises(error, match=said):
        open_images(saved({**files, "3.npy": np.array([[low, high]] * 4, np.float64).repeat(2, axis=1)}))


def test_ambiguous_or_unreadable_shapes(saved):
    for shape, said in (((7,), "flattened"), ((5, 6, 4), "transparent"), ((2, 5, 6, 2), "not a stack of images")):
        with pytest.raises(DataError, match=said):
            open_images(saved({f"{i}.npy": np.zeros(shape) for i in range(2)}))


def test_pickled_and_damaged_and_empty_files_are_named(saved):
    good = np.zeros((4, 4))
    pickled = io.BytesIO()
    np.save(pickled, np.array([[{}]], dtype=object), allow_pickle=True)
    for bad, said in (
        (pickled.getvalue(), "pickled"),
        (npy(good)[:-1], "truncated"),
        (b"hello", "no numpy array"),
        (np.zeros((4, 0)), "holds no images"),
        (np.zeros((2**40, 0, 4)), "holds no images"),
    ):
        with pytest.raises(DataError, match=rf"1\.npy.*{said}"):
            open_images(saved({"0.npy": good, "1.npy": bad}))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")  # noqa: PTH112
def test_no_file_stays_open(saved, pictures, monkeypatch):
    p = pictures(300, 4, 4)
    path = saved({f"{i:03}.npy": array[None] for i, array in enumerate(p)})
    most = []

    class Counted(np.memmap):
        def __new__(cls, *args, **kwargs):
            most.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208
            with open("/proc/self/maps") as maps:  # noqa: PTH123
                most.append(sum(str(path) in line for line in maps))
            return super().__new__(cls, *args, **kwargs)

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    monkeypatch.setattr(np, "memmap", Counted)
    images = open_images(path)
    assert np.array_equal(images.read_raw(range(300)), p)
    assert max(most[::2]) <= before + 4
    assert max(most[1::2]) <= 2


def test_a_file_that_is_shorter_by_now(saved, pictures):
    for stacked in (False, True):
        p = channels_last(pictures(3))
        path = saved({f"{i}.npy": array[None] if stacked else array for i, array in enumerate(p)})
        images = open_images(path)
        (path / "1.npy").write_bytes((path / "1.npy").read_bytes()[:-7])
        with pytest.raises(DataError, match=r"1\.npy cannot be read any more"):
            images.read_raw([1])


def test_a_file_that_is_gone_when_it_is_read(saved, pictures):
    path = saved({f"{i}.npy": array for i, array in enumerate(channels_last(pictures(3)))})
    images = open_images(path)
    (path / "1.npy").unlink()
    with pytest.raises(DataError, match=r"1\.npy cannot be read any more"):
        images.read_raw([0, 1])
    (path / "1.npy").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"1\.npy is no regular file"):
        open_images(path)


def test_arrays_and_archives_together_are_neither(saved):
    with pytest.raises(DataError, match=r"holds no pictures.*other files"):
        open_images(saved({"a.npy": np.zeros((4, 4)), "b.tar": b"x"}))


def test_samples_of_a_generator(saved, pictures):
    path = saved({f"{i}.npy": array for i, array in enumerate(pictures(3))})
    assert len(bank(str(path))) == 3
    assert open_images(path, size=4).shape == (3, 4, 4)
