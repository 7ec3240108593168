"""Pictures for the page: small PNGs as data URIs, thinned so that the page stays small however much was saved."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image

from didlearn.report.pictures.encoding import PictureEncoder, shrunk
from didlearn.result.files import tile_file
from didlearn.result.values import Gallery, Tile

BYTES: Final = 2_500_000
TILES: Final = 900
SHEET_FROM: Final = 60
_ROWS_SHOWN: Final = (24, 16, 12, 8, 6, 4, 3, 2, 1)
_KEPT_SIDE = 192
_SHOWN_SIDE = 96  # CSS pixels that a small picture is enlarged to, in whole multiples
_PAGE = 960  # CSS pixels that the page is wide
_GUTTER = 14  # CSS pixels between columns, as the style sheet has it
_LONGEST_SIDE = 128  # CSS pixels that no picture exceeds
_LARGEST = 64_000_000  # pixels: what is larger was not written by an audit


@dataclass(frozen=True)
class Picture:
    """A picture on the page.

    Attributes:
        src: a data URI, or empty where the picture could not be read.
        width, height: CSS pixels to show it at. enlarged: whether these are a multiple of its own.
        reduced: whether it was compressed or made smaller to fit its allowance.
    """

    src: str
    width: int
    height: int
    caption: str
    alt: str
    enlarged: bool = False
    reduced: bool = False


@dataclass(frozen=True)
class Exhibit:
    """A gallery ready to be shown.

    Attributes:
        blocks: the shown rows, in blocks that stand side by side where the page is wide enough.
        sheet: one picture of all tiles, where there are too many for single pictures.
        hidden: how many rows are not on the page.
    """

    gallery: Gallery
    blocks: tuple[tuple[tuple[Picture, ...], ...], ...]
    sheet: Picture | None
    hidden: int

    @property
    def reduced(self) -> int:
        """How many of its pictures were compressed or made smaller to fit their allowance."""
        single = sum(picture.reduced for rows in self.blocks for row in rows for picture in row)
        return single + (self.sheet is not None and self.sheet.reduced)

    @property
    def width(self) -> int:
        """CSS pixels that one block is wide: a column per heading, each as wide as the widest picture."""
        return _block_width(self.gallery, [row for rows in self.blocks for row in rows])


@dataclass(frozen=True)
class Album:
    """How many rows of a gallery and how many bytes of a picture the page can afford.

    Attributes:
        root: the run folder that saved pictures lie in.
        rows: rows shown of each gallery. allowance: bytes of one picture. tiles: pictures shown of a gallery at most.
        encoder: of the page.
    """

    root: Path
    rows: int
    allowance: int
    tiles: int = TILES
    encoder: PictureEncoder = field(default_factory=PictureEncoder, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        galleries: Sequence[Gallery],
        root: Path,
        budget: int = BYTES,
        tiles: int = TILES,
        encoder: PictureEncoder | None = None,
    ) -> Album:
        """Share a budget of bytes evenly among the pictures of galleries, of which ``tiles`` are shown at most."""
        counts = {rows: sum(_pictures_shown(g, rows, tiles) for g in galleries) for rows in _ROWS_SHOWN}
        rows = next((r for r in _ROWS_SHOWN if counts[r] <= tiles), 1)
        return cls(root, rows, budget // max(24, counts[rows]), tiles, encoder or PictureEncoder())

    def exhibit(self, gallery: Gallery, rows: int | None = None) -> Exhibit:
        """Read the pictures of a gallery (its first ``rows`` rows, if given).

        Raises:
            ResultError: a picture's path leads outside the run folder.
        """
        if not gallery.columns:
            return self._contact(gallery, None if rows is None else 4 * rows)
        limit = min(self.rows, rows or self.rows)
        shown = tuple(self._row(gallery, r, row) for r, row in enumerate(gallery.rows[:limit]))
        fit = _PAGE // (_block_width(gallery, shown) + 2 * _GUTTER)
        tall = math.ceil(len(shown) / max(1, min(fit, math.ceil(len(shown) / 3)))) or 1
        blocks = tuple(shown[i : i + tall] for i in range(0, len(shown), tall))
        return Exhibit(gallery, blocks, None, max(0, len(gallery.rows) - limit))

    def _contact(self, gallery: Gallery, limit: int | None) -> Exhibit:
        """Show pictures without columns one after another, or as one sheet where they are many."""
        tiles = [tile for row in gallery.rows for tile in row]
        if limit is None and len(tiles) > SHEET_FROM:
            shown = tiles[: self.tiles // 2]
            return Exhibit(gallery, (), self._sheet(gallery, shown), len(tiles) - len(shown))
        row = self._row(gallery, 0, tuple(tiles[:limit]))
        return Exhibit(gallery, ((row,),), None, len(tiles) - len(row))

    def _row(self, gallery: Gallery, r: int, row: tuple[Tile, ...]) -> tuple[Picture, ...]:
        names = [
            f"{gallery.columns[c]}, row {r + 1}" if c < len(gallery.columns) else f"{gallery.title}, picture {c + 1}"
            for c in range(len(row))
        ]
        return tuple(
            self._picture(tile, f"{name}: {tile.caption}" if tile.caption else name)
            for name, tile in zip(names, row, strict=True)
        )

    def _picture(self, tile: Tile, alt: str) -> Picture:
        image = _open_tile(tile, self.root)
        if image is None:
            return Picture("", _SHOWN_SIDE, _SHOWN_SIDE, tile.caption, f"{alt} (the picture is missing)")
        width, height, enlarged = _shown_size(image)
        data, reduced = self.encoder.within(image, self.allowance)
        return Picture(_uri(data), width, height, tile.caption, alt, enlarged and not reduced, reduced)

    def _sheet(self, gallery: Gallery, tiles: list[Tile]) -> Picture:
        """Paste many tiles into one picture, 16 to a row."""
        read = [_open_tile(tile, self.root) for tile in tiles]
        images = [shrunk(image, _KEPT_SIDE // 3) for image in read if image is not None]
        side = max((max(image.size) for image in images), default=1)
        across, gap = min(16, max(1, len(images))), max(1, side // 16)
        down = -(-len(images) // across)
        mode = "RGB" if any(image.mode == "RGB" for image in images) else "L"
        sheet = Image.new(mode + "A", (across * (side + gap) - gap, max(1, down * (side + gap) - gap)))
        for i, image in enumerate(images):
            sheet.paste(image.convert(mode + "A"), (i % across * (side + gap), i // across * (side + gap)))
        times = max(1, round(_SHOWN_SIDE / 2 / side))
        data, reduced = self.encoder.within(sheet, self.allowance * max(1, len(images) // 4))
        alt = f"{gallery.title}: contact sheet of {len(images)} pictures"
        return Picture(
            _uri(data), sheet.width * times, sheet.height * times, "", alt, times > 1 and not reduced, reduced
        )


def _block_width(gallery: Gallery, rows: Sequence[Sequence[Picture]]) -> int:
    widest = max((picture.width for row in rows for picture in row), default=_SHOWN_SIDE)
    return len(gallery.columns) * (widest + _GUTTER)


def _shown_size(image: Image.Image) -> tuple[int, int, bool]:
    """Enlarge small pictures by a whole factor, so that their pixels stay square and even."""
    longest = max(image.size)
    times = max(1, round(_SHOWN_SIDE / longest)) if longest <= _SHOWN_SIDE else min(1.0, _LONGEST_SIDE / longest)
    return max(1, round(image.width * times)), max(1, round(image.height * times)), times > 1


def _pictures_shown(gallery: Gallery, rows: int, most: int) -> int:
    """How many pictures a gallery shows; a sheet is paid for as a quarter of its tiles."""
    if gallery.columns:
        return sum(map(len, gallery.rows[:rows]))
    tiles = sum(map(len, gallery.rows))
    return tiles if tiles <= SHEET_FROM else min(most // 2, tiles) // 4


def _open_tile(tile: Tile, root: Path) -> Image.Image | None:
    """Read a tile as grey or RGB, no longer than ``_KEPT_SIDE``; ``None`` where there is no readable PNG."""
    if tile.pixels is not None:
        return shrunk(Image.fromarray(tile.pixels), _KEPT_SIDE)
    path = tile_file(root, tile)
    try:
        if path is None or not path.is_file():
            return None
        with Image.open(path, formats=["PNG"]) as file:
            if file.width * file.height > _LARGEST:
                return None
            return shrunk(file.convert("L" if file.mode in ("1", "L") else "RGB"), _KEPT_SIDE)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _uri(data: bytes) -> str:
    kind = "png" if data.startswith(b"\x89PNG") else "webp"
    return f"data:image/{kind};base64," + base64.b64encode(data).decode()
