"""Pictures in a folder, at any depth."""

from __future__ import annotations

import dataclasses
import errno
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from didlearn.errors import DataError
from didlearn.foreign.kinds import known_folder
from didlearn.images.base import Images
from didlearn.images.classes import Labels, folders_above, from_dataset_json, printable
from didlearn.images.fit import Fit
from didlearn.images.formats.decoding import BrokenFileError
from didlearn.images.formats.npy_folder import open_npy_folder
from didlearn.images.formats.picture_files import MAX_FILE, open_encoded
from didlearn.images.formats.pictures.kinds import NAMED_SUFFIXES, PICTURE_SUFFIXES
from didlearn.images.formats.tar.shards import open_shards
from didlearn.images.subfolders import arrange, passed_over


def open_folder(path: Path, fit: Fit, *, skip_broken: bool = False) -> Images:
    """Open a folder of pictures; the first subfolders become classes when every picture lies in one.

    Only names and headers are read. A StyleGAN ``dataset.json`` beside the pictures takes precedence over subfolders.
    A folder without pictures may hold tar archives of them, or arrays.

    Raises:
        DataError: no pictures, mixed sizes, an unreadable folder or file.
    """
    names, others = picture_names(path)
    if not names:
        return _without_pictures(path, others, fit, skip_broken)
    names, labels, used = _labelled(path, names)
    others[".json"] -= used
    notes = (*labels.notes, *passed_over(+others))
    labels = dataclasses.replace(labels, notes=notes)
    return open_encoded(FolderSource(str(path), names), labels, fit, skip_broken=skip_broken)


def _labelled(path: Path, names: list[str]) -> tuple[list[str], Labels, int]:
    """Return the pictures that are read, their labels, and how many of the other files gave those."""
    for above in folders_above(names):
        labels_file = path / above / "dataset.json"
        if labels_file.is_file():
            below = [name[len(above) :] for name in names]
            return names, from_dataset_json(read_bounded(labels_file), below, str(labels_file)), 1
    arranged = arrange(names, printable(str(path)))
    return arranged.names, arranged.labels, 0


@dataclass(frozen=True)
class FolderSource:
    """The picture files below one folder."""

    name: str
    names: Sequence[str]

    def where(self, index: int) -> str:
        """Return the path of a file."""
        return printable(f"{self.name}/{self.names[index]}")

    def size(self, index: int) -> int:
        """Return how many bytes a file has."""
        try:
            return os.stat(f"{self.name}/{self.names[index]}").st_size  # noqa: PTH116 (a Path per file is slow)
        except OSError:
            return 0

    def fetch(self, index: int, limit: int | None = None) -> bytes:
        """Return the bytes of a file, or its first ``limit``."""
        try:
            return read_bounded(Path(f"{self.name}/{self.names[index]}"), limit)
        except OSError as error:
            raise BrokenFileError(self.where(index), error.strerror or str(error)) from None


def read_bounded(path: Path, limit: int | None = None) -> bytes:
    """Return a file's bytes, or its first ``limit``.

    Raises:
        OSError: it cannot be read, or is no regular file.
        DataError: the file is larger than ``MAX_FILE``.
    """
    if path.exists() and not path.is_file():  # a pipe would wait for ever, a device never end
        raise OSError(errno.EINVAL, "it is no regular file")
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > MAX_FILE:
            raise DataError(f"{path} is larger than {MAX_FILE >> 20} MiB, more than one picture may be: remove it")
        return file.read(-1 if limit is None else limit)


def _without_pictures(path: Path, others: Counter[str], fit: Fit, skip_broken: bool) -> Images:
    archives, arrays = others[".tar"], others[".npy"]
    if known_folder(path) is not None or bool(archives) == bool(arrays):
        raise _empty(path, others)
    names, rest = picture_names(path, (".tar",) if archives else (".npy",))
    if not names:  # pipes and the like: they are counted, and never read
        raise _empty(path, others)
    if archives:
        return open_shards(path, names, rest, fit, skip_broken=skip_broken)
    return open_npy_folder(path, names, rest)


def picture_names(root: Path, suffixes: tuple[str, ...] = PICTURE_SUFFIXES) -> tuple[list[str], Counter[str]]:
    """Return the sorted relative names of all pictures below ``root``, and how many files of other kinds there are.

    Pictures are what has one of the suffixes.

    Hidden files are passed over. Links are followed, and every folder is entered once, so loops end.
    """
    listing = _Listing(root, suffixes)
    level = [""]
    while level:
        below = [found for folder in level for found in listing.look_into(folder)]
        # Real folders before links to them: which of two ways in is taken must not depend on the file system.
        level = [name for _, name in sorted(below)]
    return sorted(listing.names), listing.others


class _Listing:
    """The files below a folder, as they are found.

    Attributes:
        names: of those with a suffix that counts, relative to the folder. others: how many there are of other suffixes.
    """

    def __init__(self, root: Path, suffixes: tuple[str, ...]) -> None:
        self.root, self.suffixes = root, suffixes
        self.names: list[str] = []
        self.others: Counter[str] = Counter()
        self._seen: set[tuple[int, int]] = set()

    def look_into(self, folder: str) -> list[tuple[bool, str]]:
        """Sort in the files of a folder; return its folders, and which of them are links."""
        path = self.root / folder
        below: list[tuple[bool, str]] = []
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in self._seen:
                return below
            self._seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as entries:
                for entry in entries:
                    if not entry.name.startswith("."):
                        self._sort_in(entry, folder, below)
        except OSError as error:
            raise DataError(
                f"{path} cannot be read ({error.strerror}): give access to it, or name another folder"
            ) from None
        return below

    def _sort_in(self, entry: os.DirEntry[str], folder: str, below: list[tuple[bool, str]]) -> None:
        suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 (a Path per file is slow for a million)
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError:  # a link to itself
            is_folder, is_file = False, False
        if is_folder:
            below.append((entry.is_symlink(), f"{folder}{entry.name}/"))
        # A link to nothing counts: it is a picture somebody meant to have, and reading it names it.
        elif suffix in self.suffixes and (is_file or entry.is_symlink()):
            self.names.append(f"{folder}{entry.name}")
        else:
            self.others[suffix or "without a suffix"] += 1


def _empty(path: Path, others: Counter[str]) -> DataError:
    known = known_folder(path)
    if known is not None:
        return DataError(f"the folder {printable(str(path))} holds no pictures; it is {known.what}: {known.remedy}")
    held = ", ".join(f"{number} {suffix}" for suffix, number in others.most_common(3))
    found = f"it holds other files ({held}): name one of them if it is a data set" if others else "it is empty"
    return DataError(f"the folder {printable(str(path))} holds no pictures ({NAMED_SUFFIXES}); {found}")
