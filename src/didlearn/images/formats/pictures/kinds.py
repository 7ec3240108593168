"""Which files are pictures, by name and by first bytes, and which of PIL's readers opens each.

PIL's own list is never used: it holds readers that run another program (EPS), draw (WMF), or take a picture of many
sizes out of a file of icons. A reader is imported when the first file of its kind comes.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from typing import cast

from PIL.ImageFile import ImageFile

Opener = Callable[[io.BytesIO], ImageFile]

PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = "didlearn.images.formats.pictures.tiff.StoredTiff"
_JPEG2000 = "PIL.Jpeg2KImagePlugin.Jpeg2KImageFile"
_TGA = "PIL.TgaImagePlugin.TgaImageFile"

_BY_FIRST_BYTES = (
    (PNG, "PIL.PngImagePlugin.PngImageFile"),
    (b"\xff\xd8\xff", "PIL.JpegImagePlugin.jpeg_factory"),
    (b"RIFF", "PIL.WebPImagePlugin.WebPImageFile"),
    (b"BM", "PIL.BmpImagePlugin.BmpImageFile"),
    (b"GIF8", "PIL.GifImagePlugin.GifImageFile"),
    *((magic, _TIFF) for magic in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    *((b"P%d" % kind, "PIL.PpmImagePlugin.PpmImageFile") for kind in range(1, 7)),
    (b"Pf", "PIL.PpmImagePlugin.PpmImageFile"),
    (b"\xff\x4f\xff\x51", _JPEG2000),
    (b"\0\0\0\x0cjP  \r\n\x87\n", _JPEG2000),
    (b"\x01\xda", "PIL.SgiImagePlugin.SgiImageFile"),
    (b"8BPS", "PIL.PsdImagePlugin.PsdImageFile"),
    (b"qoif", "PIL.QoiImagePlugin.QoiImageFile"),
    (b"DDS ", "PIL.DdsImagePlugin.DdsImageFile"),
    (b"\x59\xa6\x6a\x95", "PIL.SunImagePlugin.SunImageFile"),
    (b"DanM", "PIL.MspImagePlugin.MspImageFile"),
    (b"LinS", "PIL.MspImagePlugin.MspImageFile"),
    *((b"\n" + bytes([version]), "PIL.PcxImagePlugin.PcxImageFile") for version in (0, 2, 3, 5)),
)
# Files that say nothing of themselves at their beginning.
_BY_SUFFIX = {
    ".dib": "PIL.BmpImagePlugin.DibImageFile",
    ".xbm": "PIL.XbmImagePlugin.XbmImageFile",
    ".tga": _TGA,
    ".icb": _TGA,
    ".vda": _TGA,
    ".vst": _TGA,
}
_AVIF = {b"avif", b"avis", b"mif1", b"msf1"}

_SUFFIXES = (
    "png apng jpg jpeg jpe jfif mpo webp gif bmp dib tif tiff ppm pgm pbm pnm pfm jp2 j2k j2c jpc jpf jpx avif avifs "
    "tga icb vda vst sgi rgb rgba bw pcx psd qoi dds ras msp xbm"
)
PICTURE_SUFFIXES = tuple(f".{suffix}" for suffix in _SUFFIXES.split())
NAMED_SUFFIXES = "png jpg webp gif bmp tif ppm pgm and others that Pillow reads"


def is_picture_name(name: str) -> bool:
    """Tell whether a file is called as pictures are."""
    return name.lower().endswith(PICTURE_SUFFIXES)


def opener_of(data: bytes, name: str) -> Opener | None:
    """Return what opens a file that begins with ``data`` and is called ``name``; ``None`` if it is no picture."""
    reader = next((reader for magic, reader in _BY_FIRST_BYTES if data.startswith(magic)), None)
    if reader is None and data[4:8] == b"ftyp" and data[8:12] in _AVIF:
        reader = "PIL.AvifImagePlugin.AvifImageFile"
    if reader is None:
        reader = next((reader for suffix, reader in _BY_SUFFIX.items() if name.lower().endswith(suffix)), None)
    return None if reader is None else _imported(reader)


def _imported(reader: str) -> Opener | None:
    module, _, name = reader.rpartition(".")
    try:
        return cast(Opener, getattr(importlib.import_module(module), name))
    except ImportError:  # a Pillow that is older, or built without the format
        return None
