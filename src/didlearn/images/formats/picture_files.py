"""Sets of picture files (folder, zip, rows of a table): looked over at opening, decoded when asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from didlearn.arrays import Bytes, ImageShape, Ints, Pixels
from didlearn.errors import DataError
from didlearn.images.base import Images
from didlearn.images.classes import Labels, printable
from didlearn.images.fit import Fit
from didlearn.images.formats.arrays import white_at_one
from didlearn.images.formats.decoding import BrokenFileError, PictureHeader, decode, looks_whole, read_header
from didlearn.images.formats.pictures.scale import LOOKED_AT, Brightest, brightest, least_white, scale_note
from didlearn.naming import option
from didlearn.parallel import default_threads, in_threads
from didlearn.rng import generator

T = TypeVar("T")
MAX_FILE = 256 * 2**20  # bytes: MAX_PIXELS uncompressed pixels of four bytes
HEADER_BYTES = 65_536
SURVEYED_WHOLE = 20_000
SURVEYED_SAMPLE = 2_000
_POOLED_FROM = 32
_PER_TASK = 16
LISTED_FILES = 10


class PictureFiles(Protocol):
    """Picture files by number."""

    @property
    def name(self) -> str:
        """Return what to call the set."""

    @property
    def names(self) -> Sequence[str]:
        """Return the name of each file, relative to the set, with forward slashes."""

    def fetch(self, index: int, limit: int | None = None) -> bytes:
        """Return the bytes of a file, or at least its first ``limit``; callable from several threads at once.

        Raises:
            BrokenFileError: the bytes cannot be had.
            DataError: there are more than ``MAX_FILE`` of them.
        """

    def where(self, index: int) -> str:
        """Return what to call a file in errors."""

    def size(self, index: int) -> int:
        """Return how many bytes a file takes where it is stored."""


def open_encoded(source: PictureFiles, labels: Labels, fit: Fit, *, skip_broken: bool) -> Images:
    """Look over a set of picture files and return it as ``Images``.

    Headers are read: of every file up to ``SURVEYED_WHOLE``, of ``SURVEYED_SAMPLE`` random ones in larger sets. A small
    file that does not end as its format does is decoded on the spot; what escapes is refused when it is read. With
    ``skip_broken`` every file is decoded once, in threads, so that the set is known to be whole before anything is
    drawn from it.

    Raises:
        BrokenFileError: a header cannot be read. DataError: mixed sizes, or nothing can be read.
    """
    count = len(source.names)
    if skip_broken:
        _refuse_unfolding(source, _headers_found(source), fit)
        kept, headers, notes = _whole_files(source)
        labels = labels.take(kept)
    else:
        kept, notes = np.arange(count), ()
        chosen = _surveyed(count)
        looked = dict(zip(chosen, _each(lambda i: _header(source, i), chosen), strict=True))
        headers = {index: header for index, (header, _) in looked.items()}
        _refuse_unfolding(source, headers, fit)
        for _ in _each(
            lambda i: decode(source.fetch(i), source.where(i)), [i for i, (_, cut) in looked.items() if cut]
        ):
            pass  # a file cut short is better named now than after an hour's work
    shape = _common_shape(source, headers, fit)
    stored: list[ImageShape] = [(h.channels, h.height, h.width) for h in headers.values()]
    notes += labels.notes + _traits(headers, count) + fit.notes(stored) + _broadcast(stored, fit)
    spread = list(headers)[:: -(-len(headers) // LOOKED_AT)]  # files of one kind often stand together
    dark = least_white(brightest(source.fetch(i), source.where(i)) for i in spread)
    notes += () if dark is None else (scale_note(dark),)
    reader = EncodedReader(source, kept, fit, shape, next(iter(headers)), dark == Brightest(1, 255))
    return Images(reader, shape, source.name, labels.values, labels.classes, notes=notes)


def _refuse_unfolding(source: PictureFiles, headers: Mapping[int, PictureHeader], fit: Fit) -> None:
    share = len(source.names) / max(1, len(headers))
    pixels = sum(header.width * header.height for header in headers.values())
    fit.refuse_unfolding(source.name, round(share * pixels), round(share * sum(map(source.size, headers))))


def _headers_found(source: PictureFiles) -> dict[int, PictureHeader]:
    """Return the headers of the files looked over that have one."""

    def found(index: int) -> PictureHeader | None:
        try:
            return _header(source, index)[0]
        except DataError:
            return None

    chosen = _surveyed(len(source.names))
    return {index: header for index, header in zip(chosen, _each(found, chosen), strict=True) if header is not None}


@dataclass(frozen=True, eq=False)
class EncodedReader:
    """Decodes picture files when asked, in a few threads where there are many.

    Attributes:
        source: where the bytes come from. kept: positions in it of the images. fit: what each is brought to.
        shape: (C, H, W) afterwards. first: position of the file that the others are compared with.
        binary: whether 1 is white.
    """

    source: PictureFiles
    kept: Ints
    fit: Fit
    shape: ImageShape
    first: int
    binary: bool = False

    @property
    def names(self) -> Sequence[str]:
        """Return the file names, relative to the set."""
        names = self.source.names
        return names if len(self.kept) == len(names) else [names[i] for i in self.kept]

    def __len__(self) -> int:
        return len(self.kept)

    def read(self, indices: Sequence[int]) -> Bytes:
        """Return the pictures at ``indices`` as (n, C, H, W) uint8.

        Raises:
            BrokenFileError: a file cannot be decoded. DataError: its size or colour differs from the others'.
        """
        out = np.empty((len(indices), *self.shape), dtype=np.uint8)
        for place, image in enumerate(_each(lambda i: self._read(int(self.kept[i])), indices)):
            out[place] = image
        return out

    def _read(self, index: int) -> Pixels:
        where = self.source.where(index)
        image = decode(self.source.fetch(index), where)
        if self.binary:
            image = white_at_one(image, where)
        channels = self.fit.channels or (3 if len(image) == 1 and self.shape[0] == 3 else None)
        fitted = replace(self.fit, channels=channels)(image)
        if fitted.shape[1:] != self.shape[1:]:
            first = decode(self.source.fetch(self.first), self.source.where(self.first))
            raise _mixed(self.source, {self.first: first.shape[:0:-1], index: image.shape[:0:-1]})
        if fitted.shape != self.shape:
            alike = f"{option('channels', 1)} or {option('channels', 3)}"
            raise DataError(f"{where} is a colour picture among grey ones: {alike} makes them alike")
        return fitted


def _each(function: Callable[[int], T], indices: Sequence[int]) -> Iterator[T]:
    """Yield ``function(index)`` in order, in a few threads where there are many."""
    # One file per task costs more in hand-overs than a small picture takes to decode.
    tasks = [indices[start : start + _PER_TASK] for start in range(0, len(indices), _PER_TASK)]
    threads = 1 if len(indices) < _POOLED_FROM else min(8, default_threads())
    for results in in_threads(lambda task: [function(index) for index in task], tasks, threads):
        yield from results


def _surveyed(count: int) -> list[int]:
    if count <= SURVEYED_WHOLE:
        return list(range(count))
    chosen = generator(0, "image-headers").choice(count, SURVEYED_SAMPLE, replace=False)
    return sorted({0, *chosen.tolist()})


def _header(source: PictureFiles, index: int) -> tuple[PictureHeader, bool]:
    """Return a file's header, and whether the file looks cut short."""
    where = source.where(index)
    data = source.fetch(index, HEADER_BYTES)
    cut = len(data) < HEADER_BYTES and not looks_whole(data)
    try:
        return read_header(data, where), cut
    except BrokenFileError:
        # A TIFF keeps its directory anywhere, and a long EXIF block may push a header beyond the first bytes.
        return read_header(source.fetch(index), where), cut


def _whole_files(source: PictureFiles) -> tuple[Ints, dict[int, PictureHeader], tuple[str, ...]]:
    def look(index: int) -> PictureHeader | None:
        try:
            data = source.fetch(index)
            decode(data, source.where(index))
            return read_header(data, source.where(index))
        except BrokenFileError:
            return None

    found = list(_each(look, range(len(source.names))))
    headers = {index: header for index, header in enumerate(found) if header is not None}
    broken = [printable(source.names[index]) for index, header in enumerate(found) if header is None]
    if not headers:
        raise DataError(f"{source.name}: none of the {len(found)} picture files can be decoded; name another set")
    listed = ", ".join(broken[:LISTED_FILES]) + (", ..." if len(broken) > LISTED_FILES else "")
    plural = "s" if len(broken) > 1 else ""
    notes = (f"{len(broken)} broken file{plural} skipped: {listed}",) if broken else ()
    return np.fromiter(headers, dtype=np.int64), headers, notes


def _common_shape(source: PictureFiles, headers: dict[int, PictureHeader], fit: Fit) -> ImageShape:
    sizes = {index: (header.width, header.height) for index, header in headers.items()}
    if fit.size is None and fit.crop is None and len(set(sizes.values())) > 1:
        raise _mixed(source, sizes)
    channels = max(header.channels for header in headers.values())
    shapes = [fit.shape((channels, height, width)) for width, height in dict.fromkeys(sizes.values())]
    return shapes[0]  # what is too small for a crop was refused


def _mixed(source: PictureFiles, sizes: Mapping[int, tuple[int, ...]]) -> DataError:
    first = next(iter(sizes))
    other = next(index for index, size in sizes.items() if size != sizes[first])
    pair = [f"{source.where(i)} is {sizes[i][0]}×{sizes[i][1]}" for i in (first, other)]
    side = min(min(size) for size in sizes.values())
    return DataError(
        f"the pictures have mixed sizes: {pair[0]}, {pair[1]}; {option('size', side)} crops each to its centre square "
        f"and resizes it to {side}×{side}"
    )


def _traits(headers: dict[int, PictureHeader], count: int) -> tuple[str, ...]:
    seen = Counter(trait for header in headers.values() for trait in header.traits)
    among = f"{len(headers)} pictures looked at" if len(headers) < count else f"{count} pictures"
    return tuple(f"{number} of {among} {'is' if number == 1 else 'are'} {trait}" for trait, number in seen.items())


def _broadcast(stored: Sequence[ImageShape], fit: Fit) -> tuple[str, ...]:
    grey = sum(channels == 1 for channels, _, _ in stored)
    if fit.channels is not None or grey in (0, len(stored)):
        return ()
    return (f"{grey} grey picture{'s' if grey > 1 else ''} broadcast to RGB, as the others are",)
