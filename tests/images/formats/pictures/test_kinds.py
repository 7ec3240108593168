import io

import numpy as np
import pytest
from PIL import Image

from didlearn.images import open_images
from didlearn.images.formats.decoding import decode
from didlearn.images.formats.pictures.kinds import PICTURE_SUFFIXES, is_picture_name

GREY_ONLY = {".pgm", ".pfm", ".pbm", ".msp", ".xbm"}
BITS_ONLY = {".pbm", ".msp", ".xbm"}
LOSSY = {".webp", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".avif", ".avifs"}
# Icons, textures, programs, drawings, and formats that need another package.
ELSE = {".blp", ".icns", ".ico", ".eps", ".ps", ".wmf", ".emf", ".bufr", ".grib", ".h5", ".hdf", ".im"}
NOT_WRITTEN = {".psd", ".ras"}  # formats that Pillow reads and does not write
LIKE = {
    ".icb": ".tga",
    ".vda": ".tga",
    ".vst": ".tga",
    ".avifs": ".avif",
    ".jpf": ".jp2",
    ".jpx": ".jp2",
    ".jpc": ".j2k",
}


def written(pixels, suffix):
    file = io.BytesIO()
    kind = {**Image.registered_extensions(), ".pgm": "PPM", ".pbm": "PPM"}[LIKE.get(suffix, suffix)]
    picture = Image.fromarray(pixels)
    if suffix in BITS_ONLY:
        picture = picture.convert("1")
    elif suffix == ".pfm":
        picture = Image.fromarray(pixels.astype(np.float32) / 255)
    picture.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("suffix", sorted(set(PICTURE_SUFFIXES) - NOT_WRITTEN))
def test_every_suffix_is_read_as_it_was_written(suffix):
    Image.init()
    y, x = np.mgrid[:16, :24]
    grey = (y * 8 + x * 4).astype(np.uint8)
    pixels = np.where(grey > 100, 255, 0).astype(np.uint8) if suffix in BITS_ONLY else grey
    if suffix not in GREY_ONLY:
        pixels = np.stack([pixels, pixels[::-1], pixels[:, ::-1]], axis=2)
    out = decode(written(pixels, suffix), f"x{suffix}")
    expected = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    assert out.shape == expected.shape
    if suffix == ".gif":  # 256 colours
        assert np.abs(out.astype(int) - expected).max() <= 25
    elif suffix in LOSSY:
        assert np.abs(out.astype(int) - expected).mean() < 6
    else:
        assert np.array_equal(out, expected)


def test_every_suffix_that_pillow_writes_is_read_but_for_programs_and_icons():
    Image.init()
    kinds = Image.registered_extensions().items()
    left = {suffix for suffix, kind in kinds if kind in Image.SAVE and kind in Image.OPEN} - set(PICTURE_SUFFIXES)
    assert left <= ELSE


def test_sun_raster():
    header = b"\x59\xa6\x6a\x95" + b"".join(n.to_bytes(4, "big") for n in (4, 2, 8, 8, 1, 0, 0))
    assert decode(header + bytes(range(8)), "x.ras").tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7]]]


def test_a_picture_under_another_suffix_is_read(folder):
    file = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(file, "GIF")
    images = open_images(folder({"a.png": file.getvalue(), "b.jpg": file.getvalue()}))
    assert images.read_raw([0, 1]).reshape(2, -1, 64)[:, 0].tolist() == [list(range(64))] * 2


def test_programs_drawings_and_icons_are_no_pictures():
    assert not any(is_picture_name(name) for name in ("a.eps", "a.ps", "a.wmf", "a.ico", "a.fits", "a.mpg", "png"))
    assert is_picture_name("A.PNG")
