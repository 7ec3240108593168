import io
import struct

import numpy as np
import pytest
from PIL import Image

from didlearn.errors import DataError
from didlearn.images.formats.decoding import BrokenFileError, decode, read_header

RAMP = (np.arange(96).reshape(8, 12) * 255 / 95).round().astype(np.uint8)


def tiff(pixels, bits, photometric=1, kind=1, samples=1, orientation=1, order="<"):
    """A bare TIFF of one strip."""
    height, width = pixels.shape[:2]
    data = pixels if isinstance(pixels, bytes) else pixels.tobytes()
    entries = [
        (256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1), (262, 3, photometric), (273, 4, 0),
        (274, 3, orientation), (277, 3, samples), (278, 4, height), (279, 4, len(data)), (339, 3, kind),
    ]  # fmt: skip
    extra = 8 + 2 + 12 * len(entries) + 4
    body = struct.pack(f"{order}H", len(entries))
    for tag, size, value in entries:
        if samples > 1 and tag in (258, 339):
            body += struct.pack(f"{order}HHII", tag, 3, samples, extra if tag == 258 else extra + 6)
        else:
            value = extra + 12 if tag == 273 else value
            packed = struct.pack(f"{order}HH", value, 0) if size == 3 else struct.pack(f"{order}I", value)
            body += struct.pack(f"{order}HHI", tag, size, 1) + packed
    magic = b"II*\0" if order == "<" else b"MM\0*"
    spare = struct.pack(f"{order}6H", bits, bits, bits, kind, kind, kind)
    return magic + struct.pack(f"{order}I", 8) + body + struct.pack(f"{order}I", 0) + spare + data


@pytest.mark.parametrize("order", "<>")
def test_white_is_zero(order):
    deep = RAMP.astype(f"{order}u2") * np.uint16(257)
    assert np.array_equal(decode(tiff(deep.astype(f"{order}u2"), 16, order=order), "x")[0], RAMP)
    if order == "<":  # Pillow knows no other
        assert np.array_equal(decode(tiff(deep.astype("<u2"), 16, photometric=0), "x")[0], 255 - RAMP)
        assert np.array_equal(decode(tiff((RAMP / 255).astype("<f4"), 32, photometric=0, kind=3), "x")[0], 255 - RAMP)
    assert np.array_equal(decode(tiff(RAMP, 8, photometric=0, order=order), "x")[0], 255 - RAMP)


def test_twelve_bits_are_scaled_by_their_own_white():
    values = RAMP.ravel().astype(int) * 4095 // 255
    pairs = values.reshape(-1, 2)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], 1)
    data = tiff(RAMP, 12)[: -RAMP.size] + packed.astype(np.uint8).tobytes()
    assert np.abs(decode(data, "x")[0].astype(int) - RAMP).max() <= 1


@pytest.mark.parametrize("bits", [8, 16])
def test_signed_values_count_from_the_least(bits):
    values = (RAMP.astype(int) * (257 if bits == 16 else 1) - (1 << (bits - 1))).astype(f"<i{bits // 8}")
    data = tiff(values, bits, kind=2)
    assert np.array_equal(decode(data, "x")[0], RAMP)
    assert any("signed" in trait for trait in read_header(data, "x").traits)


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP", "JPEG", "AVIF"])
@pytest.mark.parametrize("mark", [3, 6])
def test_a_rotation_is_ignored_and_said_in_every_format(kind, mark):
    exif = Image.Exif()
    exif[0x0112] = mark
    file = io.BytesIO()
    Image.fromarray(RAMP).save(file, kind, exif=exif)
    if kind == "TIFF":
        file = io.BytesIO(tiff(RAMP, 8, orientation=mark))
    out, header = decode(file.getvalue(), "x"), read_header(file.getvalue(), "x")
    assert out.shape[1:] == (header.height, header.width) == (8, 12)
    assert abs(int(out[0, 0, 0]) - int(RAMP[0, 0])) < 20
    assert any("marked as rotated" in trait for trait in header.traits)


def test_compressed_and_rotated():
    file = io.BytesIO()
    Image.fromarray(RAMP).save(file, "TIFF", compression="tiff_lzw", tiffinfo={274: 8})
    assert np.array_equal(decode(file.getvalue(), "x")[0], RAMP)


@pytest.mark.parametrize(
    ("pixels", "bits", "kind", "samples", "said"),
    [
        ((RAMP / 255).astype("<f8"), 64, 3, 1, "64-bit floating-point pixels"),
        (np.repeat((RAMP / 255).astype("<f4")[..., None], 3, 2), 32, 3, 3, "32-bit floating-point pixels in 3"),
        (RAMP.astype("<u8"), 64, 1, 1, "64-bit unsigned whole-number pixels"),
        (np.repeat(RAMP.astype("<i2")[..., None], 3, 2), 16, 2, 3, "16-bit signed whole-number pixels in 3"),
        (RAMP.astype("<c8"), 64, 6, 1, "64-bit complex pixels"),
    ],
)
def test_sound_files_that_pillow_does_not_read_are_not_called_broken(pixels, bits, kind, samples, said):
    data = tiff(pixels, bits, 1 if samples == 1 else 2, kind, samples)
    with pytest.raises(DataError, match=f"x is a TIFF of {said}.* save them as") as caught:
        decode(data, "x")
    assert not isinstance(caught.value, BrokenFileError)


def test_lab_colours_are_refused_by_name():
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).convert("RGB").save(file, "TIFF")
    data = bytearray(file.getvalue())
    place = data.index(struct.pack("<HHIHH", 262, 3, 1, 2, 0))
    data[place + 8] = 8
    with pytest.raises(DataError, match=r"x has L\*a\*b\* colours"):
        decode(bytes(data), "x")
