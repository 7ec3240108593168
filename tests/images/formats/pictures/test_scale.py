import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from didlearn.errors import DataError
from didlearn.images import open_images
from didlearn.images.formats.decoding import decode

RAMP = (np.arange(96).reshape(8, 12) * 255 / 95).round().astype(np.uint8)


def png(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def raw_png(rows, bits, colour, see_through=None):
    """A PNG of rows of packed bytes."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    width = len(rows[0]) * 8 // bits // (3 if colour == 2 else 1)
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), bits, colour, 0, 0, 0))
    body += b"" if see_through is None else chunk(b"tRNS", see_through)
    return (
        b"\x89PNG\r\n\x1a\n"
        + body
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("colour", [False, True])
def test_few_bits_in_sixteen_are_said_with_how_to_scale(folder, bits, colour):
    values = (RAMP.astype(int) * ((1 << bits) - 1) // 255).astype(np.uint16)
    data = png(values)
    if colour:
        data = raw_png([np.repeat(row, 3).astype(">u2").tobytes() for row in values], 16, 2)
    notes = open_images(folder({"a.png": data, "b.png": data})).notes
    assert any(f"{bits}-bit values" in note and f"65535 / {(1 << bits) - 1}" in note for note in notes)
    assert any("deeper than 8 bits" in note for note in notes)


def test_sixteen_bits_in_full_need_no_word(folder):
    dark, bright = png(RAMP.astype(np.uint16)), png(RAMP.astype(np.uint16) * 257)
    images = open_images(folder({"a.png": dark, "b.png": bright}))
    assert images.notes == ("2 of 2 pictures are deeper than 8 bits and rounded to 8",)


@pytest.mark.parametrize("colour", [False, True])
def test_masks_of_0_and_1_are_black_and_white_as_from_npy(folder, tmp_path, colour):
    mask = (RAMP > 127).astype(np.uint8)
    mask = np.stack([mask, mask, 1 - mask], 2) if colour else mask
    np.save(tmp_path / "mask.npy", mask[None])
    from_png, from_npy = open_images(folder({"a.png": png(mask)})), open_images(tmp_path / "mask.npy")
    assert np.array_equal(from_png.read_raw([0]), from_npy.read_raw([0]))
    assert from_png.read_raw([0]).max() == 255
    assert from_png.notes == from_npy.notes


def test_palettes_and_bits_are_no_masks(folder):
    palette = Image.fromarray((RAMP > 127).astype(np.uint8)).convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    file = io.BytesIO()
    palette.save(file, "PNG")
    images = open_images(folder({"a.png": file.getvalue()}))
    assert sorted(set(images.read_raw([0]).ravel().tolist())) == [10, 20, 30, 40, 50, 60]
    assert open_images(folder({"a.png": png(RAMP > 127)}, "bits")).notes == ()


def test_a_brighter_picture_among_masks_is_not_cut(folder, monkeypatch):
    monkeypatch.setattr("didlearn.images.formats.picture_files.LOOKED_AT", 1)
    images = open_images(folder({"a.png": png((RAMP > 127).astype(np.uint8)), "b.png": png(RAMP)}))
    with pytest.raises(DataError, match=r"b\.png has pixels of 0 and 1 alone in some images and of 255 in others"):
        images.read_raw([1])


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_grey_is_white_at_every_depth(bits):
    full = (1 << bits) - 1
    values = [0, full, 0, full] * 4
    if bits == 16:
        row = np.array(values, ">u2").tobytes()
    else:
        row = int("".join(f"{value:0{bits}b}" for value in values), 2).to_bytes(16 * bits // 8, "big")
    assert decode(raw_png([row], bits, 0, struct.pack(">H", 0)), "x").tolist() == [[[255] * 16]]
    assert decode(raw_png([row], bits, 0), "x").tolist() == [[[0, 255] * 8]]
    if 1 < bits < 16:
        assert decode(raw_png([row], bits, 0, struct.pack(">H", 1)), "x").tolist() == [[[0, 255] * 8]]


def test_a_transparent_colour():
    row = bytes([10, 20, 30, 40, 50, 60])
    assert decode(raw_png([row], 8, 2, struct.pack(">HHH", 10, 20, 30)), "x")[:, 0, 0].tolist() == [255, 255, 255]
    assert decode(raw_png([row], 8, 2, struct.pack(">HHH", 10, 20, 31)), "x")[:, 0, 0].tolist() == [10, 20, 30]
    with pytest.raises(DataError, match="16-bit colour with one transparent colour"):
        decode(raw_png([row], 16, 2, struct.pack(">HHH", 10, 20, 30)), "x")
