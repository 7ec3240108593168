"""Pictures in a zip archive, read in place."""

from __future__ import annotations

import threading
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels, from_dataset_json, from_subfolders, printable
from didlearn.images.fit import Fit
from didlearn.images.formats.decoding import PICTURE_SUFFIXES, BrokenFileError
from didlearn.images.formats.picture_files import MAX_FILE, open_encoded
from didlearn.images.formats.safe_zip import open_archive, read_member, refuse_bomb


def open_zip(path: Path, fit: Fit, *, skip_broken: bool = False) -> Images:
    """Open a zip of pictures; labels come from StyleGAN's ``dataset.json``, or from class subfolders.

    Raises:
        DataError: no pictures, mixed sizes, a damaged or hostile archive.
    """
    archive = open_archive(path)
    pictures = sorted((m for m in archive.infolist() if _is_picture(m)), key=lambda member: member.filename)
    if not pictures:
        kinds = " ".join(suffix.lstrip(".") for suffix in PICTURE_SUFFIXES)
        raise DataError(f"the archive {path} holds no pictures ({kinds}); it has {len(archive.infolist())} members")
    for member in pictures:
        refuse_bomb(member, path, most=MAX_FILE)
    source = ZipSource(str(path), [member.filename for member in pictures], archive, pictures)
    return open_encoded(source, _labels(archive, source.names, path), fit, skip_broken=skip_broken)


@dataclass(frozen=True, eq=False)
class ZipSource:
    """The picture members of one archive."""

    name: str
    names: Sequence[str]
    archive: zipfile.ZipFile
    members: Sequence[zipfile.ZipInfo]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def where(self, index: int) -> str:
        """Return the archive's path and the member's name."""
        return f"{self.name}: {printable(self.names[index])}"

    def fetch(self, index: int, limit: int | None = None) -> bytes:
        """Return the bytes of a member, or its first ``limit``."""
        try:
            # zipfile counts its open members without a lock of its own.
            with self.lock:
                return read_member(self.archive, self.members[index], limit)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise BrokenFileError(self.where(index), str(error)) from None


def _is_picture(member: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(member.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
    return not member.is_dir() and not hidden and name.suffix.lower() in PICTURE_SUFFIXES


def _labels(archive: zipfile.ZipFile, names: Sequence[str], path: Path) -> Labels:
    if "dataset.json" not in archive.namelist():
        return from_subfolders(names)
    member = archive.getinfo("dataset.json")
    refuse_bomb(member, path, most=MAX_FILE)
    where = f"{path}: dataset.json"
    try:
        text = read_member(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{where} is damaged ({error}): pack the archive again") from None
    return from_dataset_json(text, names, where)
