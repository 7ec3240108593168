import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from didlearn.errors import DataError
from didlearn.images.formats.decoding import MAX_PIXELS, BrokenFileError, decode, read_header

LOSSLESS = [
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("PPM", {}),
]
LOSSY = [("JPEG", {"quality": 90}), ("JPEG", {"progressive": True}), ("WEBP", {})]


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def smooth(height=24, width=32):
    y, x = np.mgrid[:height, :width]
    return np.stack([y * 5, x * 5, (x + y) * 3]).astype(np.uint8)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def claimed_png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10_000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats_give_the_very_pixels(pictures, encoded, kind, options, channels):
    picture = pictures(1, 13, 17, channels)[0]
    out = decode(encoded(picture, kind, **options), "x")
    if kind == "WEBP" and channels == 1:  # WebP has no grey
        picture = np.repeat(picture, 3, axis=0)
    assert np.array_equal(out, picture)
    assert out.flags.c_contiguous


@pytest.mark.parametrize(("kind", "options"), LOSSY)
def test_lossy_formats_come_close(encoded, kind, options):
    out = decode(encoded(smooth(), kind, **options), "x")
    assert np.abs(out.astype(int) - smooth()).mean() < 4


@pytest.mark.parametrize(("kind", "options"), LOSSLESS + LOSSY)
def test_no_truncation_goes_unseen(encoded, kind, options):
    whole = encoded(smooth(), kind, **options)
    for length in {*range(0, len(whole), max(1, len(whole) // 80)), *range(len(whole) - 20, len(whole))}:
        with pytest.raises(BrokenFileError, match=r"a\.x is truncated or damaged .*skip_broken=True"):
            decode(whole[:length], "a.x")


def test_flipped_bit_in_a_png_is_seen(pictures, encoded):
    whole = bytearray(encoded(pictures(1, 30, 30)[0]))
    whole[len(whole) // 2] ^= 4
    with pytest.raises(BrokenFileError, match="checksum"):
        decode(bytes(whole), "a.png")


def test_sixteen_bit_grey_is_scaled_not_cut():
    values = np.array([[0, 257, 128, 129], [65535, 65279, 32768, 300]], np.uint16)
    for kind in "PNG", "TIFF":
        out = decode(saved(Image.fromarray(values), kind), "x")
        assert np.array_equal(out[0], np.rint(values / 257))
    assert "16" not in read_header(saved(Image.fromarray(values)), "x").format
    assert any("deeper than 8 bits" in trait for trait in read_header(saved(Image.fromarray(values)), "x").traits)


def test_sixteen_bit_pgm():
    values = np.array([[0, 257], [65535, 32768]], np.uint16)
    out = decode(b"P5\n2 2\n65535\n" + values.astype(">u2").tobytes(), "x")
    assert np.array_equal(out[0], np.rint(values / 257))


def test_bilevel_is_black_and_white():
    bits = np.array([[True, False, True]])
    assert decode(saved(Image.fromarray(bits)), "x").tolist() == [[[255, 0, 255]]]


def test_palette_gives_its_colours():
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50, 0, 255, 0])
    out = decode(saved(image), "x").transpose(1, 2, 0)
    assert out.tolist() == [[[10, 20, 30], [200, 100, 50]], [[0, 255, 0], [200, 100, 50]]]


@pytest.mark.parametrize("alpha", [0, 51, 128, 255])
def test_transparency_is_laid_on_white(alpha):
    pixel = np.array([[[200, 100, 0, alpha]]], np.uint8)
    out = decode(saved(Image.fromarray(pixel)), "x")[:, 0, 0]
    expected = np.array([200, 100, 0]) * alpha / 255 + 255 * (1 - alpha / 255)
    assert np.abs(out - expected).max() <= 0.5
    grey = np.array([[[90, alpha]]], np.uint8)
    out = decode(saved(Image.fromarray(grey)), "x")
    assert out.shape == (1, 1, 1)
    assert abs(out[0, 0, 0] - (90 * alpha / 255 + 255 - alpha)) <= 0.5


def test_transparent_palette_entry_is_white():
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    out = decode(saved(image, transparency=0), "x").transpose(1, 2, 0)
    assert out.tolist() == [[[255, 255, 255], [200, 100, 50]]]


def test_cmyk_becomes_rgb():
    image = Image.fromarray(smooth().transpose(1, 2, 0)).convert("CMYK")
    for kind in "JPEG", "TIFF":
        out = decode(saved(image, kind), "x")
        assert out.shape == smooth().shape
        assert np.abs(out.astype(int) - smooth()).mean() < 6


def test_float_tiff_in_unit_range_only():
    values = np.array([[0, 0.5, 1]], np.float32)
    assert decode(saved(Image.fromarray(values), "TIFF"), "x").tolist() == [[[0, 128, 255]]]
    with pytest.raises(DataError, match=r"x has floating-point pixels from 0 to 2"):
        decode(saved(Image.fromarray(values * 2), "TIFF"), "x")


def test_32_bit_pixels_are_refused():
    with pytest.raises(DataError, match=r"x has 32-bit .* 8 or 16 bits"):
        decode(saved(Image.fromarray(np.array([[70_000]], np.int32)), "TIFF"), "x")


def test_rotation_mark_is_ignored_and_told():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.fromarray(smooth().transpose(1, 2, 0)), "JPEG", exif=exif.tobytes())
    assert decode(data, "x").shape == (3, 24, 32)
    assert any("marked as rotated" in trait for trait in read_header(data, "x").traits)


def test_first_of_several_frames():
    frames = [Image.fromarray(np.full((2, 2), level, np.uint8)) for level in (10, 200)]
    data = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert (decode(data, "x") == 10).all()
    assert any("several frames" in trait for trait in read_header(data, "x").traits)


def test_header_agrees_with_pixels(pictures, encoded):
    for channels in 1, 3:
        data = encoded(pictures(1, 5, 7, channels)[0])
        header = read_header(data, "x")
        assert (header.channels, header.height, header.width) == decode(data, "x").shape


@pytest.mark.parametrize("read", [decode, read_header])
def test_enormous_png_is_refused_before_decoding(read):
    start = time.perf_counter()
    with pytest.raises(DataError, match=r"evil\.png says it is 50000×50000 pixels") as caught:
        read(claimed_png(50_000, 50_000), "evil.png")
    assert not isinstance(caught.value, BrokenFileError)
    assert time.perf_counter() - start < 1


def test_the_limit_is_ours_whatever_pil_is_set_to(monkeypatch):
    # Between our limit and PIL's two: PIL would warn here, which pytest turns into an exception.
    assert MAX_PIXELS < 10_000**2 < 2 * Image.MAX_IMAGE_PIXELS
    with pytest.raises(DataError, match="10000×10000"):
        decode(claimed_png(10_000, 10_000), "x")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(DataError, match="50000×50000"):
        decode(claimed_png(50_000, 50_000), "x")


@pytest.mark.parametrize(
    "data", [b"", b"\x80\x04\x95", b"GIF89a", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>", b"\x89PNG\r\n\x1a\n"]
)
def test_other_bytes_are_no_picture(data):
    with pytest.raises(BrokenFileError, match=r"^a\.png is truncated or damaged"):
        decode(data, "a.png")
