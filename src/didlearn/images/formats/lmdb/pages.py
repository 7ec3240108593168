"""The pages of an LMDB data base, read and never written: every place that a page names is checked.

LMDB's own library maps the file and believes it, so that a damaged or hostile one can end the process; here it is a
``DataError``. The format (``mdb.c``, version 1, 64 bits, little-endian): two meta pages, the later one valid; a B+ tree
of pages whose nodes lie at the places that a table at the page's start gives; large values in runs of pages.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from didlearn.errors import DataError

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_HEADER = 16  # bytes of a page before its nodes' places
_BRANCH, _LEAF, _OVERFLOW = 1, 2, 4
_BIG = 1  # a node whose value is the number of its first overflow page
_NO_PAGE = 2**64 - 1
_DEEPEST = 32
_PAGE_SIZES = [2**k for k in range(9, 17)]


class Place(NamedTuple):
    """Where a value lies in the file, in bytes."""

    start: int
    size: int


@dataclass(frozen=True)
class _Tree:
    root: int
    entries: int
    page_size: int


def value_places(path: Path) -> Iterator[tuple[bytes, Place]]:
    """Yield the keys of the main data base in order, and where the value of each lies.

    Raises:
        DataError: it is no LMDB data base of version 1 for 64 bits, or a damaged one.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        tree = _tree(file, path)
        found = 0
        for entry in _entries(file, path, tree, tree.root, size, 0, set()) if tree.root != _NO_PAGE else ():
            found += 1
            if found > tree.entries:
                raise _damaged(path, "it holds more than it says")
            yield entry
    if found != tree.entries:
        raise _damaged(path, f"it holds {found} entries and says {tree.entries}")


def _tree(file: BinaryIO, path: Path) -> _Tree:
    """Return the main tree of the later of the two meta pages."""
    first = file.read(_HEADER + 136)
    if len(first) < _HEADER + 136 or struct.unpack_from("<II", first, _HEADER) != (_MAGIC, _VERSION):
        raise DataError(f"{path} is no LMDB data base of version 1 for 64 bits: copy it again")
    page_size = struct.unpack_from("<I", first, _HEADER + 24)[0]  # kept where the free list's padding would be
    if page_size not in _PAGE_SIZES:
        raise _damaged(path, f"pages of {page_size} bytes")
    return max((_meta(file, path, number, page_size) for number in range(2)), key=lambda found: found[0])[1]


def _meta(file: BinaryIO, path: Path, number: int, page_size: int) -> tuple[int, _Tree]:
    """Return a meta page's transaction, and the main tree after it."""
    page = _page(file, path, number, page_size)
    if struct.unpack_from("<II", page, _HEADER) != (_MAGIC, _VERSION):
        raise _damaged(path, f"page {number} is none of its first two")
    entries, root = struct.unpack_from("<QQ", page, _HEADER + 24 + 48 + 32)
    transaction: int = struct.unpack_from("<Q", page, _HEADER + 24 + 96 + 8)[0]
    return transaction, _Tree(root, entries, page_size)


def _entries(
    file: BinaryIO, path: Path, tree: _Tree, number: int, size: int, depth: int, seen: set[int]
) -> Iterator[tuple[bytes, Place]]:
    if number in seen:  # pages that share all below them would be walked for ever, however shallow
        raise _damaged(path, f"two places name page {number}")
    seen.add(number)
    page = _page(file, path, number, tree.page_size)
    flags, lower = struct.unpack_from("<HH", page, 10)
    if depth > _DEEPEST or not flags & (_BRANCH | _LEAF) or not _HEADER <= lower <= tree.page_size:
        raise _damaged(path, f"page {number} is none of its tree")
    for at in struct.unpack_from(f"<{(lower - _HEADER) // 2}H", page, _HEADER):
        if at + 8 > tree.page_size:
            raise _damaged(path, f"page {number} points beyond itself")
        low, high, kind, length = struct.unpack_from("<HHHH", page, at)
        if flags & _BRANCH:
            yield from _entries(file, path, tree, low | high << 16 | kind << 32, size, depth + 1, seen)
            continue
        start, many = at + 8 + length, low | high << 16
        if start + (8 if kind & _BIG else many) > tree.page_size or kind & ~_BIG:
            raise _damaged(path, f"page {number} holds an entry of no plain kind")
        key = page[at + 8 : start]
        begins = number * tree.page_size + start
        if kind & _BIG:
            begins = _overflowing(file, path, struct.unpack_from("<Q", page, start)[0], tree.page_size)
        if begins + many > size:
            raise _damaged(path, "a value lies beyond its end")
        yield key, Place(begins, many)


def _page(file: BinaryIO, path: Path, number: int, page_size: int) -> bytes:
    if number > 2**44:
        raise _damaged(path, f"it names page {number}")
    file.seek(number * page_size)
    page = file.read(page_size)
    if len(page) < page_size:
        raise _damaged(path, f"page {number} lies beyond its end")
    return page


def _overflowing(file: BinaryIO, path: Path, number: int, page_size: int) -> int:
    """Return where the value of a run of overflow pages begins."""
    if not struct.unpack_from("<H", _page(file, path, number, page_size), 10)[0] & _OVERFLOW:
        raise _damaged(path, f"page {number} holds no large value")
    return number * page_size + _HEADER


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"{path} is a damaged LMDB data base ({why}): copy it again")
