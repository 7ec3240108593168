"""The headers of a tar archive nobody vouches for: 512 bytes each, and every number in them doubted.

``tarfile`` believes an extended header that says it is gigabytes long, and reads it whole. Here a name is bounded, and
a member lies inside the file or the archive is refused; nothing is ever unpacked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from didlearn.errors import DataError
from didlearn.images.classes import printable

BLOCK = 512
MOST_EXTENDED = 65_536  # bytes of a long name or of a member's extended header
_TAIL = 65_536  # bytes after the end mark that are looked at: archives are padded to records of 10 KiB
_REGULAR = (b"0", b"\0", b"7")
_LINKS = (b"1", b"2")
_EMPTY = (*_LINKS, b"3", b"4", b"5", b"6")  # links, devices, folders and pipes have no content
_LONG_NAME, _LONG_LINK = b"L", b"K"
_EXTENDED, _GLOBAL, _SOLARIS = b"x", b"g", b"X"
_SPARSE = b"S"
# What is kept of an extended header: millions of keys of somebody's own would be carried from member to member.
_KEPT = re.compile(rb"path$|size$|GNU\.sparse")


class Member(NamedTuple):
    """What an archive holds: its name with forward slashes, its kind, and where its bytes are."""

    name: str
    kind: bytes
    start: int
    size: int

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file: in old archives a folder is one whose name ends with a slash."""
        return self.kind in _REGULAR and not self.name.endswith("/")

    @property
    def is_link(self) -> bool:
        """Whether it is a link to another member, or to anything."""
        return self.kind in _LINKS


class _Header(NamedTuple):
    name: str
    kind: bytes
    size: int


class _MalformedError(ValueError):
    """A header that cannot be read; the text says why."""


def is_tar(path: Path) -> bool:
    """Tell whether a file begins as an uncompressed tar archive does, or with the mark of its end."""
    with path.open("rb") as file:
        block = file.read(BLOCK)
    return len(block) == BLOCK and (not any(block) or _sum_is_right(block))


def tar_members(path: Path) -> Iterator[Member]:
    """Yield the members of an archive, by reading their headers alone.

    Raises:
        DataError: a header is damaged or false, or a member is stored sparse.
        OSError: the file cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            yield from _Walk(file, os.fstat(file.fileno()).st_size)
    except _MalformedError as error:
        raise DataError(f"{path} is truncated, damaged or false: {error}; copy it or pack it again") from None


class _Walk:
    """A walk from header to header.

    Attributes:
        file: unbuffered. length: of it, in bytes. at: where the next header is.
        long_name, extended: what was said of the next member. shared: what was said of all later ones.
    """

    def __init__(self, file: FileIO, length: int) -> None:
        self.file, self.length = file, length
        self.at = 0
        self.long_name: str | None = None
        self.extended: dict[str, str] = {}
        self.shared: dict[str, str] = {}

    def __iter__(self) -> Iterator[Member]:
        while self.at < self.length:
            block = self._read(self.at, BLOCK, f"the header at byte {self.at}")
            if not any(block):
                self._refuse_more()
                return
            header = _header(block, self.at)
            self.at += BLOCK
            member = self._member(header)
            if member is not None:
                yield member
        raise _MalformedError("it ends without the mark of its end, so members may be missing")

    def _member(self, header: _Header) -> Member | None:
        """Return what a header stands for, or ``None`` where it says something of the next one."""
        if header.kind in (_LONG_NAME, _LONG_LINK, _EXTENDED, _SOLARIS, _GLOBAL):
            self._take_in(header.kind, self._short(header))
            return None
        said = {**self.shared, **self.extended}
        name = said.get("path", self.long_name or header.name)
        self.long_name, self.extended = None, {}
        if header.kind == _SPARSE or "GNU.sparse" in said:
            raise _MalformedError(f"the member {printable(name)!r} is stored sparse, which is not read")
        size = 0 if header.kind in _EMPTY else _size_said(said, header.size)
        start = self._pass(size, name)
        return Member(name, header.kind, start, size)

    def _take_in(self, kind: bytes, content: bytes) -> None:
        if kind == _LONG_NAME:
            self.long_name = _text(content)
        elif kind == _GLOBAL:
            self.shared |= _records(content)
        elif kind != _LONG_LINK:
            self.extended |= _records(content)

    def _short(self, header: _Header) -> bytes:
        if header.size > MOST_EXTENDED:
            raise _MalformedError(
                f"a name or an extended header before byte {self.at} says it is {header.size} bytes long, more than "
                f"{MOST_EXTENDED}"
            )
        return self._read(self._pass(header.size, "an extended header"), header.size, "an extended header")

    def _pass(self, size: int, name: str) -> int:
        """Go over the content of a member, and return where it begins."""
        start = self.at
        if start + size > self.length:
            raise _MalformedError(
                f"{printable(name)!r} says it is {size} bytes long from byte {start}, and the file has {self.length}"
            )
        self.at = start + -(-size // BLOCK) * BLOCK
        return start

    def _read(self, start: int, size: int, what: str) -> bytes:
        self.file.seek(start)
        data = self.file.read(size)
        if len(data) < size:
            raise _MalformedError(f"it ends within {what}")
        return data

    def _refuse_more(self) -> None:
        self.file.seek(self.at)
        if any(self.file.read(_TAIL)):
            raise _MalformedError(f"something follows its end at byte {self.at}, as where archives were joined")


def _header(block: bytes, at: int) -> _Header:
    if not _sum_is_right(block):
        raise _MalformedError(f"there is no header at byte {at}, or its checksum is wrong")
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and (above := _text(block[345:500])):
        name = f"{above}/{name}"
    return _Header(name, block[156:157], _number(block[124:136]))


def _sum_is_right(block: bytes) -> bool:
    try:
        said = _number(block[148:156])
    except _MalformedError:
        return False
    others = block[:148] + b" " * 8 + block[156:]
    # Old programs summed signed bytes: each of 128 or more counts for 256 less.
    return said == sum(others) or said == sum(others) - 256 * sum(byte > 127 for byte in others)


def _number(field: bytes) -> int:
    """Read a number in octal digits, or in base 256 where the first bit is set.

    Raises:
        _MalformedError: it is neither, or negative.
    """
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]*", digits):
        raise _MalformedError("a header holds a number that is none")
    return int(digits or b"0", 8)


def _size_said(said: dict[str, str], size: int) -> int:
    if "size" not in said:
        return size
    if not re.fullmatch(r"[0-9]{1,20}", said["size"]):
        raise _MalformedError("an extended header gives a size that is no number")
    return int(said["size"])


def _records(content: bytes) -> dict[str, str]:
    """Read an extended header: lines "LENGTH KEY=VALUE", each as long in bytes as it says."""
    found = {}
    at = 0
    while at < len(content) and content[at] != 0:
        digits, space, _ = content[at : at + 8].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        key, equals, value = content[at + len(digits) + 1 : at + length].partition(b"=")
        if not equals or at + length > len(content) or not value.endswith(b"\n"):
            raise _MalformedError(f"the extended header around byte {at} of it is none")
        kept = _KEPT.match(key)
        if kept is not None:
            found[kept[0].decode()] = value[:-1].decode("utf-8", "surrogateescape")
        at += length
    return found


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
