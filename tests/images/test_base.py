import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from didlearn.images import Images, open_images
from didlearn.images.base import BATCH_BYTES


class Recorder:
    """A reader that remembers what it was asked for."""

    def __init__(self, pixels):
        self.pixels, self.asked = pixels, []

    def __len__(self):
        return len(self.pixels)

    def read(self, indices):
        self.asked.append(list(indices))
        return self.pixels[list(indices)]


def recorded(pictures, count=20, **shape):
    reader = Recorder(pictures(count, **shape))
    return Images(reader, reader.pixels.shape[1:], "recorded"), reader


@given(st.lists(st.integers(0, 19), max_size=40))
def test_any_order_with_repeats_reads_each_image_once(pictures, indices):
    images, reader = recorded(pictures)
    raw = images.read_raw(indices)
    assert np.array_equal(raw, reader.pixels[indices])
    assert raw.shape == (len(indices), 3, 8, 8)
    assert all(asked == sorted(set(asked)) for asked in reader.asked)


def test_read_is_float_in_unit_range(pictures):
    images, reader = recorded(pictures)
    tensor = images.read([3, 1])
    assert tensor.dtype == torch.float32
    assert torch.equal(tensor, torch.from_numpy(reader.pixels[[3, 1]]).float() / 255)


def test_subset_of_a_subset_keeps_labels_and_places(pictures):
    pixels = pictures(10, channels=1)
    images = open_images(pixels)
    images = Images(images.reader, images.shape, "x", np.arange(10) % 3, ("a", "b", "c"))
    part = images.subset([8, 4, 1]).subset([2, 0])
    assert np.array_equal(part.read_raw([0, 1]), pixels[[1, 8]])
    assert part.labels.tolist() == [1, 2]
    assert [part.label_name(i) for i in range(2)] == ["b", "c"]
    assert [part.source_name(i) for i in range(2)] == ["#1", "#8"]


def test_label_name_without_names_or_labels(pictures):
    images, _ = recorded(pictures)
    assert images.label_name(0) == ""
    assert Images(images.reader, images.shape, "x", np.full(20, 7)).label_name(0) == "7"
    assert Images(images.reader, images.shape, "x", np.full(20, 7), ("only",)).label_name(0) == "7"


def test_batches_are_bounded_in_bytes(pictures):
    images, reader = recorded(pictures, 3, height=4096, width=4096, channels=3)
    sizes = [batch.nbytes for batch in images.batches()]
    assert max(sizes) <= BATCH_BYTES
    assert len(reader.asked) == 3


def test_hashes_see_pixels_shape_and_nothing_else(pictures):
    pixels = pictures(5, channels=1)
    hashes = open_images(pixels).hashes
    assert hashes.shape == (5,)
    assert hashes.dtype == np.dtype("V16")
    assert len(set(hashes.tolist())) == 5
    as_float = open_images(pixels.astype(np.float32) / 255)
    assert np.array_equal(as_float.hashes, hashes)
    changed = pixels.copy()
    changed[2, 0, 7, 7] ^= 1
    assert (open_images(changed).hashes == hashes).tolist() == [True, True, False, True, True]
    flat = np.zeros((1, 1, 4, 16), np.uint8)
    assert open_images(flat).hashes[0] != open_images(flat.reshape(1, 1, 16, 4)).hashes[0]


def test_fingerprint_sees_order_and_labels(pictures):
    images = open_images(pictures(4))
    prints = {
        images.fingerprint,
        images.subset([1, 0, 2, 3]).fingerprint,
        Images(images.reader, images.shape, "x", np.arange(4)).fingerprint,
    }
    assert len(prints) == 3
    assert open_images(pictures(4)).fingerprint == images.fingerprint


def test_index_out_of_range(pictures):
    images, _ = recorded(pictures)
    assert torch.equal(images[-1], images[19])
    with pytest.raises(IndexError, match="image 20 of 20"):
        images[20]
