import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from didlearn.errors import DataError
from didlearn.images import open_images
from didlearn.images.formats import arrays


@pytest.mark.parametrize("channels", [1, 3])
def test_layouts_are_told_apart(pictures, channels):
    pixels = pictures(6, 9, 10, channels)
    for array in pixels, pixels.transpose(0, 2, 3, 1), np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)):
        images = open_images(array)
        assert images.shape == (channels, 9, 10)
        assert np.array_equal(images.read_raw([4, 0, 4]), pixels[[4, 0, 4]])
    assert np.array_equal(open_images(pixels[:, 0]).read_raw(range(6)), pixels[:, :1])


def test_a_shape_that_could_be_either_is_said(pictures):
    array = pictures(4, 8, 3, 3)
    assert open_images(array).shape == (3, 3, 8)
    assert "could be read two ways and was taken as (N, H, W, C)" in open_images(array).notes[0]
    assert open_images(torch.from_numpy(array)).shape == (3, 8, 3)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((0, 8, 8, 3), "holds no images"),
        ((5, 0, 8, 3), "not a stack of images"),
        ((5, 784), "flattened images must be reshaped"),
        ((8, 8, 3), "a single image needs a leading axis"),
        ((5, 8, 8, 4), "transparent images"),
        ((5, 8, 8, 2), r"shape \(5, 8, 8, 2\), not a stack"),
        ((64, 64, 4), "a single image needs a leading axis"),
        ((5,), "not a stack"),
        ((), "not a stack"),
        ((2, 2, 8, 8, 3), "not a stack"),
    ],
)
def test_other_shapes_are_refused(shape, words):
    with pytest.raises(DataError, match=words):
        open_images(np.zeros(shape, np.uint8))


@given(st.sampled_from([np.float16, np.float32, np.float64]), st.integers(0, 255))
def test_floats_in_unit_range_come_through(dtype, level):
    array = np.full((2, 4, 4), level / 255, dtype)
    out = open_images(array).read([0, 1])
    assert out.dtype == torch.float32
    assert torch.allclose(out, torch.tensor(array[:, None].astype(np.float32)))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-1, 1, r"from -1 to 1, not in \[0, 1\].*\(x \+ 1\) / 2"),
        (-0.5, 0.9, r"\(x \+ 1\) / 2"),
        (0, 255, r"from 0 to 255.*x / 255"),
        (0, 1.5, r"from 0 to 1\.5"),
        (-2.1, 2.6, r"from -2\.1 to 2\.6.*undo the normalisation, or save \(x - -2\.1\) / 4\.7"),
    ],
)
def test_floats_outside_unit_range_are_refused_with_the_remedy(low, high, words):
    # The extremes lie in the first and the last image: the whole range is told, not the first block's.
    array = np.full((50, 8, 8), 0.5, np.float32)
    array[0, 0, 0], array[-1, -1, -1] = low, high
    with pytest.raises(DataError, match=words):
        open_images(array)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(bad):
    array = np.full((50, 8, 8), 0.5, np.float32)
    array[33, 2, 2] = bad
    with pytest.raises(DataError, match="NaN or infinite"):
        open_images(array)


def test_rounding_beyond_the_ends_is_cut():
    array = np.array([0, 1 + 1e-6, -1e-6, 1], np.float32).reshape(1, 2, 2)
    out = open_images(array).read([0])
    assert (out.min(), out.max()) == (0, 1)


def test_bool_is_black_and_white():
    assert open_images(np.eye(4, dtype=bool)[None]).read_raw([0]).tolist() == [[(np.eye(4, dtype=int) * 255).tolist()]]


def test_wider_whole_numbers():
    assert open_images(np.full((2, 4, 4), 255, np.int64)).read_raw([1]).dtype == np.uint8
    with pytest.raises(DataError, match="from 0 to 65535: give uint8"):
        open_images(np.array([0, 65535] * 8, np.uint16).reshape(1, 4, 4))
    with pytest.raises(DataError, match="from -1 to 0"):
        open_images(np.array([0, -1] * 8, np.int16).reshape(1, 4, 4))


def test_whole_numbers_of_0_and_1_are_black_and_white():
    for dtype in np.uint8, np.int64:
        images = open_images(np.eye(4, dtype=dtype)[None])
        assert images.read_raw([0]).tolist() == [[(np.eye(4, dtype=int) * 255).tolist()]]
        assert images.notes == ("all pixels are 0 or 1 and were read as black and white",)
    for flat in np.zeros((2, 4, 4), np.uint8), np.ones((2, 4, 4), np.uint8):
        assert np.array_equal(open_images(flat).read_raw([0, 1])[:, 0], flat)


def test_a_brighter_image_among_those_of_0_and_1_is_not_cut(monkeypatch):
    monkeypatch.setattr(arrays, "CHECKED_WHOLE", 100)
    monkeypatch.setattr(arrays, "CHECKED_SAMPLE", 2)
    pixels = np.tile(np.eye(8, dtype=np.uint8), (9, 1, 1))
    pixels[4] *= 200
    images = open_images(pixels)
    assert images.read_raw([0]).max() == 255
    with pytest.raises(DataError, match="0 and 1 alone in some images and of 200 in others"):
        images.read_raw([4])


def test_objects_and_complex_numbers():
    for dtype in object, complex, "U3", "M8[s]":
        with pytest.raises(DataError, match="are not read: give uint8"):
            open_images(np.zeros((2, 4, 4), dtype))


def test_large_arrays_are_sampled_and_misfits_refused_when_read(monkeypatch):
    monkeypatch.setattr(arrays, "CHECKED_WHOLE", 100)
    monkeypatch.setattr(arrays, "CHECKED_SAMPLE", 5)
    array = np.full((50, 8, 8), 0.5, np.float32)
    array[30] = 7
    images = open_images(array)
    assert images.read([29, 31]).shape == (2, 1, 8, 8)
    with pytest.raises(DataError, match="from 7 to 7"):
        images.read([30])
    array[0] = 9
    with pytest.raises(DataError, match=r"from 0\.5 to 9"):
        open_images(array)


def test_blocks_cover_everything(monkeypatch):
    monkeypatch.setattr(arrays, "CHECKED_BYTES", 1000)
    array = np.arange(50 * 64).reshape(50, 8, 8)
    assert np.array_equal(np.concatenate(list(arrays._blocks(array))), array)


def test_what_is_read_is_no_view(pictures):
    pixels = pictures(3)
    before = pixels.copy()
    images = open_images(pixels)
    images.read_raw([0, 1, 2])[:] = 0
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.004), (-0.02, 1.0), (-0.02, 1.05)])
def test_pixels_a_little_outside_are_to_be_clipped(low, high):
    pixels = np.array([[[low, high], [0.5, 0.5]]] * 2, np.float32)
    with pytest.raises(DataError, match=r"save x\.clip\(0, 1\)"):
        open_images(pixels)
