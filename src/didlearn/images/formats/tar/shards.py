"""Pictures in tar archives, read in place: one archive, or a folder of WebDataset's shards as one set."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels, from_values, printable
from didlearn.images.fit import Fit
from didlearn.images.formats.decoding import BrokenFileError
from didlearn.images.formats.picture_files import MAX_FILE, open_encoded
from didlearn.images.formats.pictures.kinds import NAMED_SUFFIXES, is_picture_name
from didlearn.images.formats.tar.headers import Member, is_tar, tar_members
from didlearn.images.subfolders import arrange, is_hidden, other_kinds, passed_over

_LABEL = ".cls"
_LABEL_BYTES = 32


def open_tar(path: Path, fit: Fit, *, skip_broken: bool = False) -> Images:
    """Open an uncompressed tar archive of pictures; labels come from ``KEY.cls``, or from class subfolders.

    Raises:
        DataError: no pictures, mixed sizes, a damaged or hostile archive.
    """
    return _open((path,), str(path), fit, Counter(), skip_broken)


def open_shards(
    path: Path, names: Sequence[str], others: Counter[str], fit: Fit, *, skip_broken: bool = False
) -> Images:
    """Open a folder of tar archives as one set, in the order of their names.

    Args:
        path: the folder.
        names: of its archives, relative to it, sorted.
        others: files of other kinds in the folder, by suffix.
        fit: what the pictures are brought to.
        skip_broken: as in ``open_images``.

    Raises:
        DataError: one of them is no tar archive, or lies in a subfolder; or as ``open_tar``.
    """
    deeper = next((name for name in names if "/" in name), None)
    if deeper is not None:
        raise DataError(
            f"{path} holds tar archives in subfolders ({printable(deeper)}), which may be the splits of a data set: "
            "name one of the subfolders"
        )
    shards = tuple(path / name for name in names)
    for shard in shards:
        if not (shard.is_file() and is_tar(shard)):
            raise DataError(f"{shard} is no tar archive, or a compressed or damaged one: pack it again or remove it")
    return _open(shards, str(path), fit, others, skip_broken)


class _Picture(NamedTuple):
    """A picture of a shard: the shard's number, and the member."""

    shard: int
    member: Member


class _Held(NamedTuple):
    """What the shards hold: pictures in order, labels by shard and key, and what else there is."""

    pictures: list[_Picture]
    labels: dict[tuple[int, str], Member]
    others: Counter[str]


def _open(shards: tuple[Path, ...], name: str, fit: Fit, others: Counter[str], skip_broken: bool) -> Images:
    pictures, found, passed = _held(shards)
    if not pictures:
        raise DataError(f"{name} holds no pictures ({NAMED_SUFFIXES}) in {len(shards)} tar archives")
    if found:
        labels = _from_cls(shards, pictures, found, name)
    else:
        pictures, labels = _from_folders(pictures, name)
    labels = dataclasses.replace(labels, notes=(*labels.notes, *passed_over(others + passed)))
    return open_encoded(
        TarSource(name, _names(shards, pictures), shards, pictures), labels, fit, skip_broken=skip_broken
    )


@dataclass(frozen=True, eq=False)
class TarSource:
    """The picture members of some archives; each is opened for as long as one of its pictures is read."""

    name: str
    names: Sequence[str]
    shards: Sequence[Path]
    pictures: Sequence[_Picture]

    def where(self, index: int) -> str:
        """Return the archive's path and the member's name."""
        shard, member = self.pictures[index]
        return f"{self.shards[shard]}: {printable(member.name)}"

    def size(self, index: int) -> int:
        """Return how many bytes a member has."""
        return self.pictures[index].member.size

    def fetch(self, index: int, limit: int | None = None) -> bytes:
        """Return the bytes of a member, or its first ``limit``."""
        shard, member = self.pictures[index]
        try:
            return _content(self.shards[shard], member, limit)
        except OSError as error:
            raise BrokenFileError(self.where(index), error.strerror or str(error)) from None


def _content(path: Path, member: Member, limit: int | None = None) -> bytes:
    with path.open("rb") as file:
        file.seek(member.start)
        return file.read(member.size if limit is None else min(limit, member.size))


def _held(shards: Iterable[Path]) -> _Held:
    held = _Held([], {}, Counter())
    for number, path in enumerate(shards):
        # Of members of one name the last one stands, as when they are unpacked.
        files = {member.name: member for member in tar_members(path) if not is_hidden(member.name)}
        for name in sorted(files):
            _sort_in(held, number, files[name], path)
    return held


def _sort_in(held: _Held, shard: int, member: Member, path: Path) -> None:
    if member.is_link:
        held.others["links"] += 1
    elif not member.is_file:
        return
    elif is_picture_name(member.name):
        if member.size > MAX_FILE:
            raise DataError(
                f"{path}: {printable(member.name)} is larger than {MAX_FILE >> 20} MiB, more than one picture may be: "
                "remove it"
            )
        held.pictures.append(_Picture(shard, member))
    elif member.name.endswith(_LABEL):
        held.labels[shard, _key(member.name)] = member
    else:
        held.others.update(other_kinds([member.name]))


def _key(name: str) -> str:
    """Return what the members of one sample share: the name up to the first dot of its last part."""
    folder, slash, file = name.rpartition("/")
    return f"{folder}{slash}{file.partition('.')[0]}"


def _names(shards: Sequence[Path], pictures: Sequence[_Picture]) -> list[str]:
    several = len(shards) > 1
    return [f"{shards[shard].stem}/{member.name}" if several else member.name for shard, member in pictures]


def _from_folders(pictures: list[_Picture], name: str) -> tuple[list[_Picture], Labels]:
    """Take class subfolders as labels: the shards hold parts of the same folders."""
    arranged = arrange(sorted(picture.member.name for picture in pictures), name)
    places = {name: place for place, name in enumerate(arranged.names)}
    kept = [picture for picture in pictures if picture.member.name in places]
    order = np.array([places[picture.member.name] for picture in kept], dtype=np.int64)
    return kept, arranged.labels.take(order)


def _from_cls(
    shards: Sequence[Path], pictures: Sequence[_Picture], found: dict[tuple[int, str], Member], name: str
) -> Labels:
    """Read the labels beside the pictures, ``KEY.cls`` with a whole number each; without all of them there are none."""
    keys = [(picture.shard, _key(picture.member.name)) for picture in pictures]
    missing = sum(key not in found for key in keys)
    if missing:
        return Labels(notes=(f"{missing} of {len(keys)} pictures have no label ({_LABEL}), so labels were left out",))
    _refuse_several(keys, pictures, name)
    numbers = [_class_number(shards[key[0]], found[key]) for key in keys]
    plain = [number for number in numbers if number is not None]
    if len(plain) < len(numbers):
        bad = keys[numbers.index(None)][1]
        note = f"labels were left out: that of {printable(bad)} ({_LABEL}) is no whole number"
        return Labels(notes=(note,))
    return from_values(np.array(plain, dtype=np.int64), len(plain), f"{name}: {_LABEL}")


def _refuse_several(keys: list[tuple[int, str]], pictures: Sequence[_Picture], name: str) -> None:
    (key, count), *_ = Counter(keys).most_common(1)
    if count > 1:
        several = [picture.member.name for k, picture in zip(keys, pictures, strict=True) if k == key]
        raise DataError(
            f"{name}: the sample {printable(key[1])!r} holds several pictures ({printable(', '.join(several[:3]))}): "
            "pack one picture for each label"
        )


def _class_number(path: Path, member: Member) -> int | None:
    text = _content(path, member, _LABEL_BYTES).strip()
    return int(text) if member.size <= _LABEL_BYTES and re.fullmatch(rb"[0-9]{1,9}", text) else None
