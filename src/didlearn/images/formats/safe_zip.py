"""Zip archives nobody vouches for: opened, looked over, and never unpacked to disk."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from didlearn.errors import DataError
from didlearn.images.classes import printable

_BOMB_BYTES = 16 * 2**20
_BOMB_RATIO = 200


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open a zip archive whose members all have harmless names and are packed in the usual way.

    Raises:
        DataError: no whole zip archive; a member is named by an absolute path or with ``..``, is encrypted, or is
            packed by anything but deflate (the others have no bound on what they unfold to).
    """
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # noqa: BLE001 (zipfile fails on hostile bytes in any way)
        raise DataError(f"{path} is no whole zip archive ({error}): copy or download it again") from None
    try:
        for member in archive.infolist():
            _check_member(member, path)
    except DataError:
        archive.close()
        raise
    return archive


def _check_member(member: zipfile.ZipInfo, path: Path) -> None:
    # ZipInfo cuts the name at a NUL byte and keeps what the archive said in orig_filename.
    name = member.orig_filename.replace("\\", "/")
    if not (name and member.filename):
        raise DataError(f"{path} has a member without a name: pack it again")
    called = f"{path} has a member named {printable(name)!r}"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        raise DataError(
            f"{called}, which points outside the archive: nothing was read; pack it again without such names"
        )
    if member.flag_bits & 0x1:
        raise DataError(f"{called}, which is encrypted: pack it again without a password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{called}, which is not packed by deflate: pack it again the usual way")


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int | None = None) -> bytes:
    """Return a member's bytes, or its first ``limit``.

    Asked for everything (``read()``), ``zipfile`` unfolds a whole member that lied about its size before it cuts the
    bytes to what was said; asked for a number, it unfolds no more than that.
    """
    with archive.open(member) as file:
        return file.read(member.file_size if limit is None else min(limit, member.file_size))


def refuse_bomb(member: zipfile.ZipInfo, path: Path, *, most: int, bomb_bytes: int = _BOMB_BYTES) -> None:
    """Refuse a member that says it unfolds to more than ``most`` bytes, or to ``_BOMB_RATIO`` times its packed size.

    What it says is binding (see ``read_member``). The ratio counts from ``bomb_bytes`` up.

    Raises:
        DataError: it does.
    """
    size, packed = member.file_size, max(1, member.compress_size)
    if size > most or (size > bomb_bytes and size > _BOMB_RATIO * packed):
        raise DataError(
            f"{path}: the member {printable(member.filename)!r} would unfold from {packed} to {size} bytes, as a zip "
            "bomb does; it was not unpacked: remove it from the archive"
        )
