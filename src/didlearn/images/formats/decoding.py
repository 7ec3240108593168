"""One picture file in, one array out: what PIL reads, behind our own limits.

The formats are opened by their first bytes and by name of decoder, never by PIL's full list: nothing that runs another
program (EPS) is reached, and PIL's bomb warning, which depends on global settings, is replaced by ``MAX_PIXELS``.

Decided here, for every format:

- transparent pictures are laid on white;
- 16-bit grey is rounded to 8 bits (v / 257), 12-bit grey likewise; of 16-bit colour, PIL gives the high byte;
- in a TIFF whose zero is white, values are turned round; of signed values the least there can be is black;
- palettes and CMYK become RGB;
- of several frames or pages the first is taken;
- a rotation that a file is marked with is ignored: the stored grid is read.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Exif, Image
from PIL.ImageFile import ImageFile

from didlearn.arrays import Array, Bytes, Singles
from didlearn.errors import DataError
from didlearn.images.formats.pictures.kinds import PNG, opener_of
from didlearn.images.formats.pictures.tiff import (
    bits_of,
    from_least,
    is_signed,
    orientation_of,
    unread_tiff,
    white_is_zero,
    white_of,
)
from didlearn.naming import option

MAX_PIXELS = 64_000_000
_ORIENTATION = 0x0112


class BrokenFileError(DataError):
    """A picture that cannot be decoded: what ``skip_broken`` skips."""

    def __init__(self, where: str, reason: str) -> None:
        skip = option("skip_broken", True)
        super().__init__(f"{where} is truncated or damaged ({reason}); {skip} goes on without such files")


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture's header says.

    Attributes:
        width, height: in pixels. channels: 1 (grey) or 3, once decoded.
        format: PIL's name ("PNG", "JPEG", ...).
        traits: what was decided for this picture, one phrase each, for the notes.
    """

    width: int
    height: int
    channels: int
    format: str
    traits: tuple[str, ...] = ()


def read_header(data: bytes, where: str) -> PictureHeader:
    """Read a picture's header without decoding it.

    Args:
        data: the file's bytes, or enough of its beginning.
        where: what to call the file in errors.

    Raises:
        BrokenFileError: no picture, or a damaged header.
        DataError: the picture has more than ``MAX_PIXELS`` pixels.
    """
    image = _open(data, where)
    try:
        return PictureHeader(*image.size, _channels(image), image.format or "", _traits(image))
    except Exception as error:  # noqa: BLE001 (a parser fed hostile bytes may raise anything)
        raise BrokenFileError(where, _reason(error)) from None


def looks_whole(data: bytes) -> bool:
    """Tell at a glance whether a picture file ends as its format does; where a glance cannot tell, say no."""
    if data.startswith(PNG):
        return b"IEND" in data[-64:]
    if data.startswith(b"\xff\xd8"):
        return b"\xff\xd9" in data[-64:]
    return data.startswith(b"RIFF") and int.from_bytes(data[4:8], "little") + 8 <= len(data)


def decode(data: bytes, where: str) -> Bytes:
    """Decode a picture to (C, H, W) uint8, C = 1 or 3.

    Raises:
        BrokenFileError: the file is truncated, damaged, or no picture of a known format.
        DataError: the picture has more than ``MAX_PIXELS`` pixels; refused before any pixel is decoded.
    """
    image = _open(data, where)
    try:
        if data.startswith(PNG):
            _check_png(data)
        _load(image, where)
        pixels = from_pil(image, where)
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 (as above)
        raise BrokenFileError(where, _reason(error)) from None
    return pixels


def from_pil(image: Image, where: str) -> Bytes:
    """Turn a loaded PIL picture of any mode into (C, H, W) uint8, C = 1 or 3.

    Raises:
        DataError: 32-bit pixels whose white is unknown.
    """
    if image.mode == "F":
        return _from_float(1 - np.asarray(image) if white_is_zero(image) else np.asarray(image), where)
    if is_deep(image):
        values, white = deep_values(image)
        return np.rint(values * (255 / white)).astype(np.uint8)[None]
    if is_signed(image) and image.mode == "L":
        return from_least(image)[None]
    if image.mode == "I":
        raise DataError(f"{where} has 32-bit whole-number pixels, whose white is unknown: save it with 8 or 16 bits")
    if image.mode == "LAB":
        raise DataError(f"{where} has L*a*b* colours, which are not read: save it as RGB or grey")
    if _transparent(image):
        return _on_white(np.asarray(image.convert("LA" if _channels(image) == 1 else "RGBA"), dtype=np.uint32))
    pixels = np.asarray(image.convert("L" if _channels(image) == 1 else "RGB"))
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def is_deep(image: Image) -> bool:
    """Tell whether a picture is grey with 9 to 16 bits."""
    if image.mode != "I":
        return image.mode.startswith("I;16")
    return image.format in ("PNG", "PPM") or (is_signed(image) and bits_of(image) == 16)


def deep_values(image: Image) -> tuple[Array, int]:
    """Return the values (H, W) of a grey picture of 9 to 16 bits, 0 black, and the value of white."""
    white = white_of(image)
    values = (from_least(image) if is_signed(image) else np.asarray(image)).astype(np.float64)
    if white_is_zero(image):
        values = white - values
    see_through = image.info.get("transparency")
    return np.where(values == see_through, white, values) if isinstance(see_through, int) else values, white


def open_picture(data: bytes, where: str) -> ImageFile:
    """Open a picture, decoding nothing.

    Raises:
        BrokenFileError: no picture, or a damaged header.
        DataError: it has more than ``MAX_PIXELS`` pixels, or is of a kind that is not read.
    """
    return _open(data, where)


def _open(data: bytes, where: str) -> ImageFile:
    opener = opener_of(data, where)
    if opener is None:
        raise BrokenFileError(where, "no picture in a known format" if data else "the file is empty")
    if data.startswith(PNG) and len(data) >= 24:
        # Before PIL, which wants more of the file than its size to be sound.
        width, height = struct.unpack(">II", data[16:24])
        _refuse_huge(width, height, where)
    try:
        image = opener(io.BytesIO(data))
    except Exception as error:  # noqa: BLE001 (as above)
        unread = unread_tiff(data, where) if "unknown" in str(error) else None
        raise unread or BrokenFileError(where, _reason(error)) from None
    _refuse_huge(*image.size, where)
    return image


def _load(image: ImageFile, where: str) -> None:
    """Decode the pixels, and let a transparent colour mean what it does."""
    stored, see_through = _stored_as(image), image.info.get("transparency")
    if ";16" in stored and isinstance(see_through, tuple):
        raise DataError(
            f"{where} is 16-bit colour with one transparent colour, which is not read: save it with an alpha channel"
        )
    image.load()
    if stored in ("L;2", "L;4") and isinstance(see_through, int):
        image.info["transparency"] = see_through * (85 if stored == "L;2" else 17)  # as the pixels were


def _stored_as(image: ImageFile) -> str:
    """Return PIL's name of how a picture that is not loaded yet lies in its file ("RGB;16B")."""
    args = image.tile[0].args if image.tile else ()
    return args if isinstance(args, str) else " ".join(map(str, args or ()))


def _refuse_huge(width: int, height: int, where: str) -> None:
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{where} says it is {width}×{height} pixels, more than the {MAX_PIXELS // 10**6} million one picture may "
            "have; it was not decoded: remove it or make it smaller"
        )


def _channels(image: Image) -> int:
    return 1 if image.mode.split(";")[0] in ("1", "L", "LA", "La", "I", "F") else 3


def _transparent(image: Image) -> bool:
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _traits(image: ImageFile) -> tuple[str, ...]:
    found = {
        "JPEG (lossy: its blocks and rounding are part of the pixels; save samples losslessly)": _is_jpeg(image),
        "transparent and laid on white": _transparent(image),
        "deeper than 8 bits and rounded to 8": image.mode[0] in "IF" or ";16" in _stored_as(image),
        "of signed values, of which the least there can be (not 0) is read as black": is_signed(image),
        "marked as rotated, which is ignored: the stored grid is read": _is_rotated(image),
        "of several frames, of which the first is taken": getattr(image, "n_frames", 1) > 1,
    }
    return tuple(trait for trait, present in found.items() if present)


def _is_jpeg(image: ImageFile) -> bool:
    return image.format in ("JPEG", "MPO")


def _is_rotated(image: ImageFile) -> bool:
    try:
        # Not image.getexif(): PNG's decodes the whole picture first.
        exif = Exif()
        exif.load(image.info.get("exif") or b"")
        return exif.get(_ORIENTATION, orientation_of(image)) != 1
    except Exception:  # noqa: BLE001 (a damaged EXIF block harms no pixel)
        return False


def _on_white(pixels: NDArray[np.uint32]) -> Bytes:
    colour, alpha = pixels[..., :-1], pixels[..., -1:]
    blended = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return np.ascontiguousarray(blended.astype(np.uint8).transpose(2, 0, 1))


def _from_float(pixels: Singles, where: str) -> Bytes:
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= 0 and high <= 1):
        raise DataError(f"{where} has floating-point pixels from {low:g} to {high:g}: rescale them to [0, 1]")
    return np.rint(pixels * 255).astype(np.uint8)[None]


def _check_png(data: bytes) -> None:
    """Raise ``ValueError`` unless every chunk is whole: PIL itself passes over damaged pixel chunks."""
    place, kind, view = len(PNG), b"", memoryview(data)
    while kind != b"IEND":
        length, kind = int.from_bytes(view[place : place + 4], "big"), bytes(view[place + 4 : place + 8])
        end = place + 8 + length
        if end + 4 > len(data):
            raise ValueError("the file ends too early")
        if zlib.crc32(view[place + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise ValueError(f"wrong checksum of chunk {kind!r}")
        place = end + 4


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
