"""Pictures in a zip archive, read in place."""

from __future__ import annotations

import dataclasses
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels, folders_above, from_dataset_json, printable
from didlearn.images.fit import Fit
from didlearn.images.formats.decoding import BrokenFileError
from didlearn.images.formats.picture_files import MAX_FILE, open_encoded
from didlearn.images.formats.pictures.kinds import NAMED_SUFFIXES, is_picture_name
from didlearn.images.formats.safe_zip import open_archive, read_member, refuse_bomb
from didlearn.images.subfolders import arrange, is_hidden, other_kinds, passed_over


def open_zip(path: Path, fit: Fit, *, skip_broken: bool = False) -> Images:
    """Open a zip of pictures; labels come from StyleGAN's ``dataset.json``, or from class subfolders.

    Raises:
        DataError: no pictures, mixed sizes, a damaged or hostile archive.
    """
    archive = open_archive(path)
    listed = [member for member in archive.infolist() if not member.is_dir() and not is_hidden(member.filename)]
    pictures = sorted((m for m in listed if is_picture_name(m.filename)), key=lambda member: member.filename)
    if not pictures:
        raise DataError(
            f"the archive {path} holds no pictures ({NAMED_SUFFIXES}); it has {len(archive.infolist())} members"
        )
    for member in pictures:
        refuse_bomb(member, path, most=MAX_FILE)
    names, labels, used = _labelled(archive, [member.filename for member in pictures], path)
    kept = set(names)
    others = other_kinds(m.filename for m in listed if not is_picture_name(m.filename) and m.filename != used)
    labels = dataclasses.replace(labels, notes=(*labels.notes, *passed_over(others)))
    source = ZipSource(str(path), names, archive, [member for member in pictures if member.filename in kept])
    return open_encoded(source, labels, fit, skip_broken=skip_broken)


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

    def size(self, index: int) -> int:
        """Return how many bytes a member takes in the archive."""
        return self.members[index].compress_size

    def fetch(self, index: int, limit: int | None = None) -> bytes:
        """Return the bytes of a member, or its first ``limit``."""
        try:
            # zipfile counts its open members without a lock of its own.
            with self.lock:
                return read_member(self.archive, self.members[index], limit)
        except Exception as error:  # noqa: BLE001 (zipfile fails on hostile bytes in any way)
            raise BrokenFileError(self.where(index), str(error)) from None


def _labelled(archive: zipfile.ZipFile, names: list[str], path: Path) -> tuple[list[str], Labels, str | None]:
    """Return the pictures that are read, their labels, and the member that gave those."""
    held = set(archive.namelist())
    for above in folders_above(names):
        if (used := f"{above}dataset.json") in held:
            text = _read_labels(archive, used, path)
            return names, from_dataset_json(text, [name[len(above) :] for name in names], f"{path}: {used}"), used
    return *arrange(names, str(path)), None


def _read_labels(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    member = archive.getinfo(name)
    refuse_bomb(member, path, most=MAX_FILE)
    try:
        return read_member(archive, member)
    except Exception as error:  # noqa: BLE001 (zipfile fails on hostile bytes in any way)
        raise DataError(f"{path}: {name} is damaged ({error}): pack the archive again") from None
