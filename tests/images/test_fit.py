import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from didlearn.errors import DataError, UsageError
from didlearn.images import open_images
from didlearn.images.fit import Fit, luminance


@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(1, 20), st.sampled_from([1, 3]), st.sampled_from([1, 3, None])
)
def test_shape_is_what_comes_out(pictures, height, width, size, channels, wanted):
    fit = Fit(size, wanted)
    image = pictures(1, height, width, channels)[0]
    for picture in image, (image / 255).astype(np.float32):
        out = fit(picture)
        assert out.shape == fit.shape(image.shape) == (wanted or channels, size, size)
        assert out.dtype == picture.dtype
        assert out.min() >= 0
        assert out.max() <= (255 if out.dtype == np.uint8 else 1)


@given(st.integers(0, 255), st.integers(1, 9))
def test_a_flat_picture_stays_flat(level, size):
    flat = np.full((3, 6, 9), level, np.uint8)
    assert (Fit(size, 1)(flat) == level).all()
    assert np.allclose(Fit(size, 1)((flat / 255).astype(np.float32)), level / 255, atol=1e-6)


def test_crop_is_of_the_centre():
    image = np.zeros((1, 4, 8), np.uint8)
    image[:, :, 2:6] = np.arange(16, dtype=np.uint8).reshape(4, 4) * 10
    assert np.array_equal(Fit(size=4)(image), image[:, :, 2:6])
    assert np.array_equal(Fit(size=4)(image.transpose(0, 2, 1)), image[:, :, 2:6].transpose(0, 2, 1))


@given(st.integers(8, 30), st.integers(8, 30), st.integers(1, 8), st.sampled_from([None, 5]))
def test_a_crop_is_the_middle_and_is_cut_before_the_resize(pictures, height, width, crop, size):
    image = pictures(1, height, width)[0]
    top, left = (height - crop) // 2, (width - crop) // 2
    middle = image[:, top : top + crop, left : left + crop]
    fit = Fit(size, crop=crop)
    assert fit.shape(image.shape) == fit(image).shape == (3, size or crop, size or crop)
    assert np.array_equal(fit(image), Fit(size)(middle))


def test_celeba_is_cut_as_the_papers_cut_it(pictures, folder, encoded):
    """Of 178×218 the square of 108 begins at (35, 55); it is not cut a second time where pictures are decoded."""
    pixels = pictures(3, 218, 178)
    path = folder({f"{i}.png": encoded(p) for i, p in enumerate(pixels)})
    images = open_images(path, crop=108, size=64)
    middle = pixels[:, :, 55:163, 35:143]
    assert np.array_equal(images.read_raw(range(3)), [Fit(64)(p) for p in middle])
    assert images.notes == (
        "pictures cropped to the 108×108 pixels in their middle", "pictures resized to 64×64 (Lanczos, antialiased)",
    )  # fmt: skip
    assert np.array_equal(open_images(path, crop=140).read_raw([0])[0], pixels[0][:, 39:179, 19:159])
    again = open_images(open_images(pixels, crop=108), size=64)
    assert np.array_equal(again.read_raw(range(3)), images.read_raw(range(3)))


def test_a_crop_makes_mixed_sizes_alike_and_must_fit_into_all(pictures, folder, encoded):
    path = folder({"a.png": encoded(pictures(1, 9, 12)[0]), "b.png": encoded(pictures(1, 20, 10)[0])})
    assert open_images(path, crop=8).shape == (3, 8, 8)
    with pytest.raises(DataError, match=r"crop=10 cuts more than there is out of a picture of 12×9; give less"):
        open_images(path, crop=10)
    with pytest.raises(DataError, match="cuts more than there is"):
        open_images(pictures(2, 8, 8), crop=9)
    with pytest.raises(UsageError, match="crop takes a whole number of pixels from 1"):
        open_images(pictures(2, 8, 8), crop=0)


def test_resize_is_antialiased():
    # A one-pixel chequerboard shrunk by three: nearest-neighbour or bilinear without antialiasing keeps black or white.
    board = (np.indices((48, 48)).sum(0) % 2 * 255).astype(np.uint8)[None]
    small = Fit(size=16)(board).astype(float)
    assert np.abs(small[:, 2:-2, 2:-2] - 127.5).max() < 40


def test_uint8_and_float_agree(pictures):
    image = pictures(1, 20, 30)[0]
    as_float = Fit(7, 1)((image / 255).astype(np.float32))
    assert np.abs(as_float * 255 - Fit(7, 1)(image)).max() < 1.6  # rounding to 8 bits, three times


def test_luminance_is_pils(pictures):
    image = pictures(1, 32, 32)[0]
    expected = np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L"))
    assert np.array_equal(luminance(image)[0], expected)
    assert np.abs(luminance((image / 255).astype(np.float32))[0] * 255 - expected).max() < 0.51


def test_arrays_are_fitted_when_read_and_say_so(pictures):
    images = open_images(pictures(5, 10, 12), size=6, channels=1)
    assert images.shape == (1, 6, 6)
    assert images.read(range(5)).shape == (5, 1, 6, 6)
    assert "centre square and resized to 6×6 (Lanczos, antialiased)" in images.notes[0]
    assert "luminance" in images.notes[1]
    grey = open_images(pictures(5, channels=1), channels=3)
    assert np.array_equal(grey.read_raw([2])[0], np.repeat(pictures(5, channels=1)[2], 3, axis=0))
    assert grey.notes == ("grey pictures broadcast to RGB",)


def test_nothing_to_do_leaves_no_note(pictures):
    images = open_images(pictures(5), size=8, channels=3)
    assert images.notes == ()


def test_fitting_a_subset_keeps_its_places(pictures):
    part = open_images(pictures(9)).subset([7, 2])
    assert np.array_equal(open_images(part, size=4).read_raw([0, 1]), open_images(pictures(9), size=4).read_raw([7, 2]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 0}, "size takes .* got 0"),
        ({"size": 10**6}, "from 1 to 8000, got"),
        ({"channels": 4}, "channels takes .* got 4"),
    ],
)
def test_impossible_wishes(options, words):
    with pytest.raises(UsageError, match=words):
        open_images("digits", **options)
